"""What every endpoint has in common: kinds of bodies it takes, answers that are kept for a repeat, ETags on reads."""

from __future__ import annotations

import functools
import inspect
import json
import re
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any, ClassVar, get_type_hints

from fastapi import APIRouter, Request, params
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import ResponseValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.routing import Match
from starlette.types import Scope

from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.tx import Tx
from clinicdesk.server import etags, idempotency
from clinicdesk.server.described import of_endpoint
from clinicdesk.server.fields import BODY, QUERY, kinds_in, names_in_query, places_of, spelt, take_no_others
from clinicdesk.server.identity import serving_of
from clinicdesk.server.problems import ALWAYS, Malformed, UnsupportedMedia, answers

_SUSPECT = re.compile(rb"\\u(0000|[dD][89a-fA-F])")
"""Escapes in JSON of what no database takes, NUL and half of a surrogate pair; or of a whole pair, which is text like any."""
_HALF_OR_NUL = re.compile("[\x00\ud800-\udfff]")

_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s;\"]*)", re.IGNORECASE)
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii"})
"""JSON is UTF-8; what says that it is another encoding would be read for what it is not."""
_AS_IT_IS = frozenset({"", "identity"})
"""Content-Encoding of what is taken: packed bodies are not, which could be small and unpack without end."""
_MOST_AT_ONCE = 1 << 16
"""Bytes of a body that are looked through without letting others go first."""

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
        how["description"] = how.get("description") or of_endpoint(endpoint)
        run = endpoint if inspect.iscoroutinefunction(endpoint) else self._in_a_thread(endpoint)
        super().__init__(path, run, **how)

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
            if request.headers.get("content-encoding", "").strip().lower() not in _AS_IT_IS:
                raise UnsupportedMedia()
            if takes_json:
                await _check_json(request)
            request.state.fingerprint = await idempotency.fingerprint(request)
            response = await handler(request)
            if isinstance(response, StreamingResponse):
                return response
            answer = etags.unless_known(request, response)
            asked, read = getattr(request.state, "asked", None), getattr(request.state, "read", None)
            if asked is not None and read is not None:
                caller, read_tx = read
                serving_of(request).cache.keep(asked, caller, read_tx, response)
            return answer

        return handle

    def _in_a_thread(self, endpoint: Callable[..., Any]) -> Callable[..., Any]:
        """The endpoint, run in a thread: within its unit of work if it has one, up to the answer and the commit.

        The framework would go to a thread for each of these by itself, and a way there costs as much as a statement.
        """
        signature, hints = inspect.signature(endpoint), get_type_hints(endpoint)
        hints.pop("return", None)
        names = {hint: name for name, hint in hints.items() if hint in (Request, Response, Tx)}
        added = {kind: f"_{kind.__name__.lower()}" for kind in (Request, Response) if kind not in names}
        request_name, response_name = (names.get(kind) or added[kind] for kind in (Request, Response))

        def work(values: dict[str, Any]) -> Response:
            request, response = values[request_name], values[response_name]
            for name in added.values():
                del values[name]
            if Tx not in names:
                return self._answer(endpoint(**values), response)
            with values[names[Tx]] as tx:
                key = getattr(request.state, "key", None)
                if key is not None:
                    idempotency.recall(tx, request, key)
                answer = self._answer(endpoint(**values), response)
                if hasattr(request.state, "tx"):
                    answer.headers[idempotency.UNIT_HEADER] = str(tx.unit_id)
                if key is not None:
                    idempotency.keep(tx, request, key, answer)
            return answer

        @functools.wraps(endpoint)
        async def run(**values: Any) -> Response:
            return await run_in_threadpool(work, values)

        more = (
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind) for kind, name in added.items()
        )
        run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *more])  # type: ignore[attr-defined]
        return run

    def _answer(self, result: Any, response: Response) -> Response:
        """What an endpoint returned as the answer that goes out, with what it has put into `response`."""
        if isinstance(result, Response):
            return result
        status = response.status_code or self.status_code or 200
        if self.response_field is None:
            answer = Response(status_code=status)
        else:
            value, errors = self.response_field.validate(result, {}, loc=("response",))
            if errors:
                raise ResponseValidationError(errors=errors, body=result)
            answer = Response(self.response_field.serialize_json(value), status, media_type="application/json")
        answer.headers.raw.extend(response.headers.raw)
        return answer


async def _check_json(request: Request) -> None:
    body = await request.body()
    kind, _, more = request.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    if body and kind != "application/json" and not kind.endswith("+json"):
        raise UnsupportedMedia()
    if (charset := _CHARSET.search(more)) and charset[1].lower() not in _UTF_8:
        raise UnsupportedMedia()
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Malformed() from error
    if b"\0" in body:  # another encoding, which would be guessed
        raise Malformed()
    if len(body) < _MOST_AT_ONCE:
        _refuse_what_would_be_lost(body)
    else:
        await run_in_threadpool(_refuse_what_would_be_lost, body)


def _refuse_what_would_be_lost(body: bytes) -> None:
    """Refuse a name that one object has twice, of which readers see one or the other, and text that no database takes.

    Raises InvalidInput("said_twice", "control_characters") with the field.
    """
    twice: dict[int, tuple[Any, str]] = {}  # an object is none of another's while this holds it

    def read(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice[id(found)] = found, _first_again(name for name, _ in pairs)
        return found

    try:
        whole = json.loads(body, object_pairs_hook=read)
    except (ValueError, RecursionError):
        return  # no JSON, as whoever reads the body will say
    if not twice and not _SUSPECT.search(body):
        return
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), whole)]
    while waiting:
        way, value = waiting.pop()
        if id(value) in twice:
            raise InvalidInput("said_twice", field=_told(spelt((*way, twice[id(value)][1]))), within=BODY)
        if isinstance(value, dict):
            waiting += (((*way, name), inner) for name, inner in value.items())
            value = " ".join(value)
        elif isinstance(value, list):
            waiting += (((*way, number), inner) for number, inner in enumerate(value))
        if isinstance(value, str) and _HALF_OR_NUL.search(value):
            raise InvalidInput("control_characters", field=_told(spelt(way)), within=BODY)


def _first_again(names: Iterable[str]) -> str:
    """The first of these names that has come before."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    raise ValueError("each of them comes once")


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


def kinds_below(group: APIRouter) -> Iterator[type]:
    """The dataclasses and enumerations that the endpoints of a group take and give."""
    for route in group.routes:
        if isinstance(route, Route):
            yield from kinds_in(route.response_model)
            for call in _calls(route.dependant):
                for hint in get_type_hints(call, include_extras=True).values():
                    yield from kinds_in(hint)


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    """What answers a request, and what is asked before it."""
    if dependant.call is not None:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)
