"""The short way of a read whose answer is kept: admitted, looked up and sent before the framework is asked at all.

It holds whoever asks to what every other request is held to: sealed, signed in, within the limits, logged and counted.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import Scope, Send

from clinicdesk.core.errors import RateLimited
from clinicdesk.core.ids import new_id
from clinicdesk.core.logs import CONTEXT
from clinicdesk.server import figures
from clinicdesk.server.cache import Answer
from clinicdesk.server.cached import kept_for
from clinicdesk.server.careful import HEADERS, HSTS, REQUEST_ID, SEALED, is_loopback
from clinicdesk.server.identity import API, account_limit, caller_of
from clinicdesk.server.serving import Serving

log = logging.getLogger("clinicdesk.server.requests")

_CAREFUL = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_SEALED_TOO = [*_CAREFUL, (b"strict-transport-security", HSTS.encode())]
_JSON = (b"content-type", b"application/json")
_VARY = (b"vary", b"Accept-Encoding")
_GZIP = (b"content-encoding", b"gzip")

_routes: dict[str, str] = {}
"""The routes of kinds of answers, as the log and the figures name them."""


def note_route(scope: Scope, route: str) -> None:
    """Remember what route a kind of answer has, once the framework has found it."""
    asked = scope.get("state", {}).get("asked")
    if asked is not None and route:
        _routes[asked.kind.name] = route


async def answer(scope: Scope, send: Send) -> bool:
    """Answer a request from the cache; False where it goes the long way, which then finds it admitted already."""
    state: dict[str, Any] = scope.setdefault("state", {})
    path: str = scope["path"]
    found = kept_for(path.removeprefix(API)) if path.startswith(API) else None
    if found is None:
        return False
    began = time.perf_counter()
    kind, id_ = found
    bearer = given = packs = knows = b""
    for name, value in scope["headers"]:
        if name == b"authorization":
            bearer = value
        elif name == b"x-request-id":
            given = value
        elif name == b"accept-encoding":
            packs = value
        elif name == b"if-none-match":
            knows = value
        elif name == b"origin":  # another site's page, which is answered with headers of its own
            return False
    serving: Serving = scope["app"].state.serving
    if (
        serving.settings.require_https
        and scope["scheme"] not in SEALED
        and not is_loopback((scope["client"] or [""])[0])
    ):
        return False
    if bearer[:7] in (b"Bearer ", b"bearer "):
        caller = serving.tokens.read_access(bearer[7:].strip().decode("latin-1"))
    else:
        caller = caller_of(HTTPConnection(scope))
    if caller is None or len(scope["query_string"]) > 500:
        return False
    if kind.names_patients and not serving.views.lately(caller.session_id, path, scope["query_string"]):
        return False
    counting = serving.limits.begin(account_limit(caller))
    looked = await serving.cache.look(kind, id_, scope["path"], scope["query_string"], caller)
    try:
        await serving.limits.check(counting, serving.settings.limit_device)
    except RateLimited:
        return False  # and is told so there
    state["admitted"] = True
    if not isinstance(looked, Answer):
        state["asked"] = looked
        return False
    request_id = given.decode("latin-1")
    if not REQUEST_ID.fullmatch(request_id):
        request_id = new_id().hex
    status = await _send(scope, send, looked, request_id, packs, knows)
    seconds = time.perf_counter() - began
    route = _routes.get(kind.name, API + kind.name)
    figures.note_request("GET", route, status, seconds)
    token = CONTEXT.set({"request_id": request_id})
    facts = {"method": "GET", "route": route, "status": status, "ms": round(seconds * 1000, 1), "cached": True}
    log.info("request", extra={"facts": facts})
    CONTEXT.reset(token)
    return True


async def _send(scope: Scope, send: Send, answer: Answer, request_id: str, packs: bytes, knows: bytes) -> int:
    careful = _SEALED_TOO if scope["scheme"] == "https" else _CAREFUL
    headers = [*careful, (b"x-request-id", request_id.encode()), (b"etag", answer.etag)]
    if knows and answer.etag.removeprefix(b"W/") in {one.strip().removeprefix(b"W/") for one in knows.split(b",")}:
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return 304
    body = answer.body
    headers += (_JSON, _VARY)
    if b"gzip" in packs and (packed := answer.packed()) is not None:
        body = packed
        headers.append(_GZIP)
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    return 200
