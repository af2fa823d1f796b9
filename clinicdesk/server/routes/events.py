"""/events: a WebSocket that tells what changed to whoever may see it, and who stands where; and the ticket for browsers."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from fastapi import Request, WebSocket
from pydantic import TypeAdapter, ValidationError
from starlette.websockets import WebSocketDisconnect

from clinicdesk.core.errors import ClinicError, InvalidInput, RateLimited
from clinicdesk.core.tx import Actor
from clinicdesk.features.users import service
from clinicdesk.features.users.schemas import NotSignedIn
from clinicdesk.server import problems
from clinicdesk.server.fields import QUERY
from clinicdesk.server.identity import SignedInCaller, caller_of, ensure_own_origin, serving_of, uses_cookies
from clinicdesk.server.live import Ended, Live, Subscriber, may_see_presence
from clinicdesk.server.presence import Place
from clinicdesk.server.routing import router as group
from clinicdesk.server.serving import Serving
from clinicdesk.server.times import Day, Instant
from clinicdesk.server.tokens import EVENTS_TICKET_LASTS, Caller
from clinicdesk.server.units import ReadTx, acting

router = group("/events", "events")

MOST_STREAMS = 10
"""Streams that one account may have open at a worker."""
HEARTBEAT_SECONDS = 15.0
SEND_SECONDS = 10.0
"""How long whoever follows may take to receive a message before the stream is broken off; they go on where they were."""
_MOST_FRAMES, _FRAMES_SECONDS = 120, 60.0
_CLOSE_SECONDS = 2.0

SIGNED_OUT, TOO_SLOW, TOO_MANY, NOT_TEXT = 4401, 4408, 4429, 1003
"""Codes of closing: the session or its token has ended; too slow, come again with `since`; too many frames; not text."""


@dataclass(frozen=True, slots=True)
class EventsTicket:
    """What a browser opens the stream with, as `?ticket=`: good once, for so many seconds."""

    ticket: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True, slots=True)
class Stand:
    """Where somebody stands in the calendar, as a client says it."""

    type: Literal["presence"]
    day: Day | None = None
    practitioner_id: UUID | None = None
    start: Instant | None = None
    holding: bool = False


_FRAME = TypeAdapter(Stand)


@router.post(
    "/ticket", operation_id="create_events_ticket", summary="Ask for a ticket to the stream of events", status_code=201
)  # fmt: skip
def create_ticket(tx: ReadTx, caller: SignedInCaller, request: Request) -> EventsTicket:
    """A ticket for the stream of events, good once and for half a minute: for browsers, which can send no header as they
    open a WebSocket."""
    service.acting(tx)
    ticket = serving_of(request).tokens.events_ticket(caller)
    return EventsTicket(ticket, int(EVENTS_TICKET_LASTS.total_seconds()))


@router.websocket("")
async def events(websocket: WebSocket) -> None:
    """Tell what changes. The first message says hello, with the number to go on from; each later one has its own."""
    serving = serving_of(websocket)
    try:
        since = _since(websocket)
        caller, actor = await _admitted(websocket, serving)
        subscriber = await serving.live.subscribe(caller, actor, since, MOST_STREAMS)
    except ClinicError as error:
        await websocket.send_denial_response(problems.of_error(error))
        return
    await follow(websocket, serving, caller, subscriber)


async def follow(websocket: WebSocket, serving: Serving, caller: Caller, subscriber: Subscriber) -> None:
    """Talk with somebody who was let in until either has enough, or they may not any more."""
    try:
        await websocket.accept()
        lasts = caller.until - serving.database.clock().timestamp()
        code = await _converse(websocket, serving.live, subscriber, lasts)
    except WebSocketDisconnect:
        return
    finally:
        serving.live.unsubscribe(subscriber)
    if code is not None:
        with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):  # they may be gone already
            async with asyncio.timeout(_CLOSE_SECONDS):
                await websocket.close(code)


def _since(websocket: WebSocket) -> int | None:
    given = websocket.query_params.get("since")
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) <= 18):
        raise InvalidInput("invalid_input", field="since", within=QUERY)
    return int(given)


async def _admitted(websocket: WebSocket, serving: Serving) -> tuple[Caller, Actor]:
    """Whoever comes, if they may. Raises NotSignedIn, NotPermitted, RateLimited, Unavailable."""
    caller = caller_of(websocket)
    if caller is None:
        raise NotSignedIn()
    if caller.once:
        if not await serving.live.spend(caller.once):
            raise NotSignedIn()
    elif uses_cookies(websocket):
        ensure_own_origin(websocket)
    if serving.live.count(caller.actor.user_id) >= MOST_STREAMS:
        raise RateLimited("too_many_streams")
    return caller, await acting(serving, caller)


async def _converse(websocket: WebSocket, live: Live, subscriber: Subscriber, lasts: float) -> int | None:
    """Talk for as long as both want; the code to close with, None where the other has gone."""
    tasks = {
        asyncio.create_task(_send(websocket, live, subscriber)),
        asyncio.create_task(_receive(websocket, live, subscriber)),
    }
    try:
        done, _ = await asyncio.wait(tasks, timeout=max(0.0, lasts), return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result() if done else SIGNED_OUT
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.exception()  # of the two that saw it go, one tells


async def _send(websocket: WebSocket, live: Live, subscriber: Subscriber) -> int:
    """Send what there is, and a heartbeat where there is nothing."""
    try:
        await _say(websocket, {"type": "hello", "seq": subscriber.position, "heartbeat_seconds": HEARTBEAT_SECONDS})
        live.greet(subscriber)
        subscriber.news.set()
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await subscriber.news.wait()
            except TimeoutError:
                await _say(websocket, {"type": "heartbeat", "seq": subscriber.position})
                continue
            try:
                messages = await live.next_for(subscriber)
            except ClinicError:  # the database is away: nothing is told, and nothing passed over
                await asyncio.sleep(1)
                subscriber.news.set()
                continue
            for message in messages:
                await _say(websocket, message)
    except Ended:
        return SIGNED_OUT
    except TimeoutError:
        return TOO_SLOW


async def _say(websocket: WebSocket, message: dict[str, Any]) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        await websocket.send_text(json.dumps(message, separators=(",", ":")))


async def _receive(websocket: WebSocket, live: Live, subscriber: Subscriber) -> int | None:
    """Take in what the client says: where it stands."""
    times: deque[float] = deque(maxlen=_MOST_FRAMES)
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        now = time.monotonic()
        if len(times) == _MOST_FRAMES and now - times[0] < _FRAMES_SECONDS:
            return TOO_MANY
        times.append(now)
        text = message.get("text")
        if text is None:
            return NOT_TEXT
        try:
            stand = _FRAME.validate_json(text)
        except ValidationError as error:
            places = [str(place) for place in error.errors(include_input=False, include_url=False)[0]["loc"]]
            await _say(websocket, {"type": "error", "code": "invalid_input", "field": ".".join(places) or None})
            continue
        if not may_see_presence(subscriber.actor):
            await _say(websocket, {"type": "error", "code": "not_permitted", "field": None})
            continue
        live.stand(subscriber, Place(stand.day, stand.practitioner_id, stand.start, stand.holding))
