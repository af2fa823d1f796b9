"""What every endpoint has in common: kinds of bodies it takes, answers that are kept for a repeat, ETags on reads."""

from __future__ import annotations

import functools
import inspect
import json
import re
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from fastapi import APIRouter, Request, params
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.routing import Match
from starlette.types import Scope

from clinicdesk.core.errors import InvalidInput
from clinicdesk.server import etags, idempotency
from clinicdesk.server.fields import BODY, QUERY, names_in_query, places_of, spelt, take_no_others
from clinicdesk.server.identity import serving_of
from clinicdesk.server.problems import ALWAYS, Malformed, UnsupportedMedia, answers

_SUSPECT = re.compile(rb"\\u(0000|[dD][89a-fA-F])")
"""Escapes in JSON of what no database takes, NUL and half of a surrogate pair; or of a whole pair, which is text like any."""
_HALF_OR_NUL = re.compile("[\x00\ud800-\udfff]")

_MOST_OF_A_NAME = 100
"""How much of a name that nobody knows is told back."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Route(APIRoute):
    """An endpoint as this server has them."""

    _words: ClassVar[set[str]] = set()
    """All that paths are made of, but for the ids in them."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **how: Any) -> None:
        self._words.update(step for step in path.split("/") if not step.startswith("{"))
        take_no_others(endpoint)
        super().__init__(path, endpoint if inspect.iscoroutinefunction(endpoint) else _in_a_thread(endpoint), **how)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the endpoint answers to this: where a path has an id, no word of another path is taken for one."""
        match, found = super().matches(scope)
        if self._words.isdisjoint(found.get("path_params", {}).values()):
            return match, found
        return Match.NONE, {}

    def get_route_handler(self) -> Handler:
        """The endpoint with what stands around it, inside its unit of work."""
        handler = super().get_route_handler()
        takes_form = self.body_field is not None and isinstance(self.body_field.field_info, params.Form)
        self.places = places_of(self.dependant, self.body_field and self.body_field.field_info.annotation)
        parameters = names_in_query(self.dependant)
        takes_json = self.body_field is not None and not takes_form

        async def handle(request: Request) -> Response:
            for name, value in request.query_params.multi_items():
                if name not in parameters:
                    raise InvalidInput("no_such_parameter", field=_told(name), within=QUERY)
                if _HALF_OR_NUL.search(value):
                    raise InvalidInput("control_characters", field=name, within=QUERY)
            if takes_json:
                await _check_json(request)
            request.state.fingerprint = await idempotency.fingerprint(request)
            response = await handler(request)
            tx = getattr(request.state, "tx", None)
            if tx is not None:
                response.headers[idempotency.UNIT_HEADER] = str(tx.unit_id)
            request.state.answer = response  # for a repeat; it is kept as the unit of work closes
            if isinstance(response, StreamingResponse):
                return response
            answer = etags.unless_known(request, response)
            asked, read = getattr(request.state, "asked", None), getattr(request.state, "read", None)
            if asked is not None and read is not None:
                caller, read_tx = read
                serving_of(request).cache.keep(asked, caller, read_tx, response)
            return answer

        return handle


def _in_a_thread(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """The endpoint, run in a thread. The framework would do that too, and then go to another one to check the answer."""

    @functools.wraps(endpoint)
    async def run(**values: Any) -> Any:
        return await run_in_threadpool(endpoint, **values)

    return run


async def _check_json(request: Request) -> None:
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/json" and not kind.endswith("+json"):
        raise UnsupportedMedia()
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Malformed() from error
    if b"\0" in body:  # another encoding, which would be guessed
        raise Malformed()
    if _SUSPECT.search(body):
        _refuse_unstorable(body)


def _refuse_unstorable(body: bytes) -> None:
    """Raises InvalidInput("control_characters") with the field of a text that no database takes."""
    try:
        waiting: list[tuple[tuple[str | int, ...], Any]] = [((), json.loads(body))]
    except (ValueError, RecursionError):
        return  # no JSON, as whoever reads the body will say
    while waiting:
        way, value = waiting.pop()
        if isinstance(value, dict):
            waiting += (((*way, name), inner) for name, inner in value.items())
            value = " ".join(value)
        elif isinstance(value, list):
            waiting += (((*way, number), inner) for number, inner in enumerate(value))
        if isinstance(value, str) and _HALF_OR_NUL.search(value):
            raise InvalidInput("control_characters", field=_told(spelt(way)), within=BODY)


def _told(name: str) -> str:
    """As much of a name that somebody else made up as can be told back."""
    return _HALF_OR_NUL.sub("\ufffd", name[:_MOST_OF_A_NAME])


class Group(APIRouter):
    """The endpoints below one prefix."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether an endpoint of the group answers to this.

        The framework asks every endpoint of every group, one after the other, which takes longer than most of them do.
        """
        return super().matches(scope) if self.prefix in scope["path"] else (Match.NONE, {})


def router(prefix: str, tag: str, *, signed_in: bool = True) -> APIRouter:
    """A router for one group of endpoints, which documents what each may answer with."""
    common = (*ALWAYS, 401) if signed_in else ALWAYS
    return Group(prefix=prefix, tags=[tag], route_class=Route, responses=answers(*common))
