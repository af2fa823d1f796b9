"""Follows the change log for everybody who is connected to this worker, so that each is told all they may see, once.

The log in the database is the truth: whoever remembers how far they have come goes on from there, at whichever worker.
Redis only says that there is something new, and who stands where; without it a worker looks by itself twice a second.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from prometheus_client import Gauge
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from clinicdesk.core import feed
from clinicdesk.core.changes import LoggedChange
from clinicdesk.core.crash import log_crash
from clinicdesk.core.errors import ClinicError, NotPermitted, RateLimited
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission, Role
from clinicdesk.core.tx import Actor, Committed, Database, Tx
from clinicdesk.features.chat import service as chat
from clinicdesk.features.sync import service as sync
from clinicdesk.features.users import service as users
from clinicdesk.server import audience
from clinicdesk.server.marks import Marks
from clinicdesk.server.presence import Place, Presence
from clinicdesk.server.tokens import Caller

log = logging.getLogger(__name__)

LIVE = Actor(None, Role.OPERATOR, "live events", "server")
LOOK_SECONDS = 0.5
"""How long a change, or the end of a session, may go unnoticed where nobody says a word of it."""
MOST_KEPT = 1_000
"""Units of work that a worker remembers; whoever is further behind reads them from the database."""
_AT_ONCE = 200
ADVANCED: dict[str, Any] = {"type": "advanced"}
"""All that a desk is told: it fetches what it may hold."""
_ADVANCED, _PRESENCE = "clinicdesk:advanced", "clinicdesk:presence"
_RECONNECT_SECONDS = 0.5

_sockets = Gauge("clinicdesk_event_sockets", "Open streams of events", multiprocess_mode="livesum")


T = TypeVar("T")


class Ended(Exception):
    """The stream ends: the session has, or the account is off, or its role is another."""


@dataclass(eq=False)
class Subscriber:
    """Somebody who follows: who they are as of now, and how far they have come."""

    actor: Actor
    session_id: UUID
    position: int
    id: str = field(default_factory=lambda: new_id().hex)
    lost: bool = False
    """They have to be told that they missed something which is not known any more."""
    ended: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set where there may be something to do: something changed, somebody moved, or this is over."""
    moved: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What is to be told of who stands where, the last word on each."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A unit of work, and who took part in the conversations that it is about."""

    unit: feed.Unit
    members: audience.Members


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read at once: of the change log, and who still acts in which session."""

    feed: feed.Feed
    known: list[_Known]
    going: dict[UUID, Actor]


class Live:
    """One worker's followers. `start` and `stop` it within the loop that serves."""

    def __init__(self, database: Database, redis_url: str | None, marks: Marks | None) -> None:
        self._database = database
        self._marks = marks
        self._redis_url = redis_url
        self._redis: Redis | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._threads = ThreadPoolExecutor(2, "live")
        self._wake = asyncio.Event()
        self._outgoing: deque[tuple[str, str]] = deque(maxlen=1_000)
        self._to_send = asyncio.Event()
        self._known: deque[_Known] = deque(maxlen=MOST_KEPT)
        self._from = 0
        """Of what was committed behind this number, everything up to the last that is known is in `_known`."""
        self._follows = False
        self._spent: deque[str] = deque(maxlen=1_000)
        self.subscribers: set[Subscriber] = set()
        self.presence = Presence(self._tell_presence, lambda message: self._publish(_PRESENCE, message))

    # ---- its life -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to follow."""
        self._loop = asyncio.get_running_loop()
        self._database.listeners.append(self._committed)
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._keep_presence())]
        if self._redis_url is not None:
            self._redis = Redis.from_url(
                self._redis_url, socket_timeout=2, socket_connect_timeout=1, decode_responses=True,
                retry=Retry(NoBackoff(), 0),
            )  # fmt: skip
            self._tasks += [asyncio.create_task(self._hear()), asyncio.create_task(self._speak())]

    async def stop(self) -> None:
        """Follow no longer."""
        if self._loop is None:
            return
        self._database.listeners.remove(self._committed)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._redis is not None:
            await self._redis.aclose()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._loop = None

    # ---- following ------------------------------------------------------------------------------------------------

    async def subscribe(self, caller: Caller, actor: Actor, since: int | None, most: int) -> Subscriber:
        """Somebody follows from now on: from `since`, or from what is newest.

        Raises Unavailable, RateLimited("too_many_streams") where they have so many open at this worker already.
        """
        found = await self._in_thread(lambda: self._read(since or 0, 1))
        if self.count(actor.user_id, actor.device_id) >= most:  # nobody else gets in between here and there
            raise RateLimited("too_many_streams")
        lost = since is not None and found.broken
        subscriber = Subscriber(
            actor, caller.session_id, found.newest if since is None or lost else since, lost=lost, news=asyncio.Event()
        )
        self.subscribers.add(subscriber)
        _sockets.inc()
        self._wake.set()
        return subscriber

    def count(self, user_id: UUID | None, device_id: UUID | None = None) -> int:
        """How many streams somebody, or an enrolled desk by itself, has open at this worker."""
        whose = user_id, device_id
        return sum((one.actor.user_id, one.actor.device_id) == whose for one in self.subscribers)

    async def spend(self, once: str) -> bool:
        """Whether a ticket is used for the first time. With Redis away, a worker knows of its own alone."""
        first = once not in self._spent
        self._spent.append(once)
        if first and self._redis is not None:
            try:
                return bool(await self._redis.set(f"clinicdesk:ticket:{once}", 1, nx=True, ex=60))
            except (RedisError, OSError) as error:
                log.warning("whether a ticket was used elsewhere is not known: %s", type(error).__name__)
        return first

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """They do so no longer."""
        if subscriber in self.subscribers:
            self.subscribers.remove(subscriber)
            _sockets.dec()
        self.presence.leave(subscriber.id)

    async def next_for(self, subscriber: Subscriber) -> list[dict[str, Any]]:
        """The next messages for somebody, none where there is nothing that they may see. Moves their position on.

        Raises Ended, Unavailable.
        """
        subscriber.news.clear()
        if subscriber.ended:
            raise Ended
        if subscriber.moved:
            messages = list(subscriber.moved.values())
            subscriber.moved.clear()
            subscriber.news.set()
            return messages
        if subscriber.lost:
            subscriber.lost = False
            subscriber.news.set()
            return [ADVANCED if subscriber.actor.role is Role.DEVICE else {"type": "reset", "seq": subscriber.position}]
        known = self._remembered(subscriber.position)
        if known is None:
            found = await self._in_thread(lambda: self._read_all(subscriber.position, ()))
            if found.feed.broken:
                subscriber.position, subscriber.lost = found.feed.newest, True
            known = found.known
        actor = subscriber.actor
        if actor.role is Role.DEVICE:
            changed = subscriber.lost or any(
                sync.is_synced(change.entity) for one in known for change in one.unit.changes
            )
            subscriber.lost = False
            messages = [ADVANCED] if changed else []
        elif any(audience.needs_care(actor, change) for one in known for change in one.unit.changes):
            messages = await self._in_thread(lambda: self._told(actor, known))
        else:
            messages = self._told(actor, known)
        if known:
            subscriber.position = known[-1].unit.seq
        if known or subscriber.lost:
            subscriber.news.set()  # there may be more
        return messages

    def _remembered(self, position: int) -> list[_Known] | None:
        """What is known behind this number; None where that is not all that there is."""
        if not self._follows or position < self._from:
            return None
        first = bisect_right(self._known, position, key=lambda one: one.unit.seq)
        return [self._known[nth] for nth in range(first, min(first + _AT_ONCE, len(self._known)))]

    async def _follow(self) -> None:
        """Look again and again: at what was committed, and at whose session goes on."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS if self.subscribers else None)
            self._wake.clear()
            if not self.subscribers:
                self._follows = False
                continue
            try:
                await self._look()
            except Exception as error:  # whatever it was, those who follow must not be left waiting for ever
                if not isinstance(error, ClinicError):
                    log_crash(error)
                log.warning("changes cannot be read: %s", error if isinstance(error, ClinicError) else "crashed")
                await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        here = list(self.subscribers)
        position = self._last() if self._follows else None
        found = await self._in_thread(lambda: self._read_all(position, {subscriber.session_id for subscriber in here}))
        anew, known = position is None or found.feed.broken, found.known
        if anew:
            self._known.clear()
            self._from, self._follows = found.feed.newest, True
        else:
            lost = len(self._known) + len(known) - MOST_KEPT
            if lost > 0:
                self._from = self._known[lost - 1].unit.seq
            self._known.extend(known)
        for subscriber in here:
            actor = found.going.get(subscriber.session_id)
            if actor is None or actor.role is not subscriber.actor.role:
                subscriber.ended = True
            else:
                subscriber.actor = actor
            if subscriber.ended or known or anew:
                subscriber.news.set()
        if known and not anew:
            self._wake.set()  # there may be more than was read at once

    def _last(self) -> int:
        return self._known[-1].unit.seq if self._known else self._from

    # ---- in threads -----------------------------------------------------------------------------------------------

    async def _in_thread(self, work: Callable[[], T]) -> T:
        assert self._loop is not None  # noqa: S101  (nobody follows before the start)
        return await self._loop.run_in_executor(self._threads, work)

    def _read(self, position: int, limit: int) -> feed.Feed:
        with self._database.read(LIVE) as tx:
            return feed.changes_since(tx, position, limit)

    def _read_all(self, position: int | None, sessions: Collection[UUID]) -> _Found:
        """What lies behind this number (None: only how far it goes), and which of these sessions go on."""
        with self._database.read(LIVE) as tx:
            found = feed.changes_since(tx, position or 0, 1 if position is None else _AT_ONCE)
            about = {audience.conversation_of(change) for unit in found.units for change in unit.changes}
            conversations = [id_ for id_ in about if id_ is not None]
            members = chat.members_of(tx, conversations) if conversations else {}
            going = users.open_sessions(tx, sessions) | sync.open_devices(tx, sessions) if sessions else {}
        if self._marks is not None and found.units:
            self._marks.heard(found.units)
        return _Found(found, [_Known(unit, members) for unit in found.units], going)

    def _told(self, actor: Actor, known: list[_Known]) -> list[dict[str, Any]]:
        """The messages to somebody about these units of work."""
        messages = []
        with ExitStack() as open_:
            tx: Tx | None = None
            for one in known:
                changes = [change for change in one.unit.changes if audience.shown_to(actor, change, one.members)]
                if tx is None and any(audience.needs_care(actor, change) for change in changes):
                    tx = open_.enter_context(self._database.read(actor))
                told = [audience.as_told(change) for change in changes if tx is None or _in_care(tx, change)]
                if told:
                    at = one.unit.at.isoformat()
                    messages.append({"type": "changes", "seq": one.unit.seq, "at": at, "changes": told})
        return messages

    # ---- between workers ------------------------------------------------------------------------------------------

    def _committed(self, told: Committed) -> None:
        """Called in the thread of the unit of work."""
        loop = self._loop
        if loop is not None and told.seq is not None:
            with suppress(RuntimeError):  # the loop has ended: so has this worker
                loop.call_soon_threadsafe(self._advanced, told.seq)

    def _advanced(self, seq: int) -> None:
        self._wake.set()
        self._publish(_ADVANCED, str(seq))

    def _publish(self, channel: str, message: str) -> None:
        if self._redis is not None:
            if channel == _ADVANCED and self._outgoing and self._outgoing[-1][0] == _ADVANCED:
                self._outgoing.pop()  # the last number says it all
            self._outgoing.append((channel, message))
            self._to_send.set()

    async def _speak(self) -> None:
        """Say to the other workers what is to be said; what cannot be said now is not: they find it out by themselves."""
        assert self._redis is not None  # noqa: S101
        while True:
            await self._to_send.wait()
            self._to_send.clear()
            while self._outgoing:
                channel, message = self._outgoing.popleft()
                try:
                    await self._redis.publish(channel, message)
                except (RedisError, OSError) as error:
                    log.warning("other workers are not told: %s", type(error).__name__)
                    self._outgoing.clear()
                    await asyncio.sleep(_RECONNECT_SECONDS)

    async def _hear(self) -> None:
        """Hear what the other workers say."""
        assert self._redis is not None  # noqa: S101
        while True:
            try:
                async with self._redis.pubsub() as heard:
                    await heard.subscribe(_ADVANCED, _PRESENCE)
                    self._wake.set()
                    self.presence.ask()
                    while True:
                        message = await heard.get_message(ignore_subscribe_messages=True, timeout=1)
                        if message is None:
                            continue
                        if message["channel"] == _ADVANCED:
                            self._wake.set()
                        else:
                            with suppress(ValueError, LookupError, TypeError, AttributeError):  # not one of ours
                                self.presence.hear(message["data"])
            except (RedisError, OSError) as error:
                log.warning("other workers are not heard: %s", type(error).__name__)
                await asyncio.sleep(_RECONNECT_SECONDS)

    # ---- presence ---------------------------------------------------------------------------------------------------

    async def _keep_presence(self) -> None:
        while True:
            await asyncio.sleep(self.presence.every)
            self.presence.keep()

    def stand(self, subscriber: Subscriber, place: Place) -> None:
        """Somebody says where they stand."""
        self.presence.stand(subscriber.id, subscriber.actor, place)

    def _tell_presence(self, id_: str, message: dict[str, Any]) -> None:
        for subscriber in self.subscribers:
            if subscriber.id != id_ and may_see_presence(subscriber.actor):
                subscriber.moved[id_] = message
                subscriber.news.set()

    def greet(self, subscriber: Subscriber) -> None:
        """Tell somebody who has come who stands where already."""
        if may_see_presence(subscriber.actor):
            subscriber.moved |= {
                id_: message for id_, message in self.presence.everybody().items() if id_ != subscriber.id
            }
            subscriber.news.set()


def _in_care(tx: Tx, change: LoggedChange) -> bool:
    """Whether the caller reaches the patient of a change: by care, or because they have broken the glass."""
    permission = audience.needs_care(tx.actor, change)
    if permission is None or change.patient_id is None:
        return True
    try:
        tx.database.access.admit(tx, permission, change.patient_id)
    except NotPermitted:
        return False
    return True


def may_see_presence(actor: Actor) -> bool:
    """Whether somebody is told who stands where, and may say it themselves."""
    return actor.may(Permission.SEE_CALENDAR)
