"""What is done for every request before and after its endpoint: its id, its limits, its headers, its line in the log."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import MutableMapping
from typing import Any

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clinicdesk.core.errors import ClinicError, NotPermitted, Unavailable
from clinicdesk.core.ids import new_id
from clinicdesk.core.logs import CONTEXT
from clinicdesk.server import docs, figures, links, problems, quick
from clinicdesk.server.careful import HEADERS, HSTS, REQUEST_ID, SEALED, is_loopback
from clinicdesk.server.identity import (
    API,
    account_limit,
    address_of,
    caller_of,
    device_caller_of,
    device_of,
    serving_of,
)
from clinicdesk.server.uploads import SECONDS

log = logging.getLogger(__name__)

_POLICIES = {"/docs": docs.POLICY, **dict.fromkeys(links.PATHS, links.POLICY)}
"""What a browser may do with the pages that are there for people."""

MOST_BYTES = 1024 * 1024
MOST_UPLOAD_BYTES = 25 * 1024 * 1024
UPLOADS = (f"{API}/documents", f"{API}/sync/blobs")
"""Paths below which a body that is no JSON may be as large as a document, where somebody who is signed in or an enrolled desk
sends it."""

_HUNG_UP = 499
"""What is noted for a request whose sender has gone; nobody is sent it."""


class Requests:
    """The outermost layer around the app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "http" and scope["method"] == "GET" and await quick.answer(scope, send):
            return
        request = HTTPConnection(scope)
        given = request.headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else new_id().hex
        token = CONTEXT.set({"request_id": request_id})
        serve = self._serve if scope["type"] == "http" else self._serve_socket
        try:
            await serve(scope, receive, send, request, request_id)
        finally:
            CONTEXT.reset(token)

    async def _serve_socket(
        self, scope: Scope, receive: Receive, send: Send, connection: HTTPConnection, request_id: str
    ) -> None:
        """Let a WebSocket in, or refuse it by the problem document that a request would get."""
        began = time.perf_counter()
        code = 0

        async def watched(message: Message) -> None:
            nonlocal code
            if message["type"] in ("websocket.http.response.start", "websocket.accept"):
                code = message.get("status", 101)
                message.setdefault("headers", [])
                _add_headers(message, scope, request_id)
            elif message["type"] == "websocket.close":
                code = message.get("code", 1000)
            await send(message)

        try:
            await _admit(connection)
            await self._app(scope, receive, watched)
        except ClinicError as error:
            if code:  # it is open; all that is left is to break it off
                raise
            await problems.of_error(error)(scope, receive, watched)
        finally:
            seconds = round(time.perf_counter() - began, 1)
            log.info("socket", extra={"facts": {"status": code, "seconds": seconds}})

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, request: HTTPConnection, request_id: str
    ) -> None:
        began = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, scope, request_id)
            await send(message)

        uploads = _may_upload(scope, request)
        body = _Body(receive, MOST_UPLOAD_BYTES if uploads else MOST_BYTES)
        try:
            if not scope.get("state", {}).get("admitted", False):
                await _admit(request)
            body.check(request.headers.get("content-length"))
            if uploads and (caller := caller_of(request)) is not None:
                async with serving_of(request).uploads.one(caller.actor.user_id):
                    await self._app(scope, body, send_with_headers)
            else:
                await self._app(scope, body, send_with_headers)
        except ClientDisconnect:  # before all of the request was here: nothing was done, and nobody is left to be told
            status = status or _HUNG_UP
        except Exception as error:
            if status:  # the answer is on its way; all that is left is to break it off
                raise
            response = problems.of_error(error) if isinstance(error, ClinicError) else problems.crashed(error)
            await response(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - began
            route = getattr(scope.get("route"), "path", "")
            if scope["path"].startswith(API) and route:
                route = API + route.removeprefix(API)  # a router's routes do not know where it is mounted
            quick.note_route(scope, route)
            figures.note_request(scope["method"], route, status, seconds)
            facts = {
                "method": scope["method"], "route": route, "status": status, "ms": round(seconds * 1000, 1),
            }  # fmt: skip
            log.info("request", extra={"facts": facts})


def _may_upload(scope: Scope, request: HTTPConnection) -> bool:
    """Whether the body may be as large as a document: strangers are not to fill the memory with what is refused anyhow."""
    document = scope["path"].startswith(UPLOADS) and scope["method"] in ("POST", "PUT")
    if not document or "json" in request.headers.get("content-type", "").lower():
        return False
    return (caller_of(request) or device_caller_of(request)) is not None


async def _admit(request: HTTPConnection) -> None:
    """Refuse what comes unsealed, or too often."""
    serving = serving_of(request)
    path: str = request.scope["path"]
    if not path.startswith(API) and path not in links.PATHS:
        return
    if (
        serving.settings.require_https
        and request.url.scheme not in SEALED
        and not is_loopback(request.client.host if request.client else "")
    ):
        raise NotPermitted("https_required")
    caller = caller_of(request)
    if caller is not None:
        await serving.limits.count(account_limit(caller), serving.settings.limit_device)
    elif (desk := device_caller_of(request)) is not None:
        await serving.limits.count(f"desk:{desk.device_id}", serving.settings.limit_device)
    elif (
        device := device_of(request)
    ) is not None:  # by account as well: whoever has one gets a device for each sign-in
        await serving.limits.count(f"device:{device.user_id}", serving.settings.limit_device)
    else:
        await serving.limits.count(f"address:{address_of(request)}", serving.settings.limit_anonymous)


def _add_headers(message: MutableMapping[str, Any], scope: Scope, request_id: str) -> None:
    present = {name.lower() for name, _ in message["headers"]}
    headers = {**HEADERS, "X-Request-ID": request_id}
    if policy := _POLICIES.get(scope["path"]):
        headers["Content-Security-Policy"] = policy
    if scope["scheme"] in SEALED:
        headers["Strict-Transport-Security"] = HSTS
    message["headers"] = [
        *message["headers"],
        *((name.encode(), value.encode()) for name, value in headers.items() if name.lower().encode() not in present),
    ]


class _Body:
    """Receives a request's body as long as it is not too large, and not for ever.

    Raises TooLarge, Unavailable("body_too_slow").
    """

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._seen = 0
        self._begun: float | None = None
        self._whole = False

    def check(self, announced: str | None) -> None:
        """Refuse a body that is announced as too large before any of it is read."""
        if announced is not None and announced.isdecimal() and int(announced) > self._most:
            raise problems.TooLarge()

    async def __call__(self) -> Message:
        if self._whole:  # what is waited for now is that the other hangs up
            return await self._receive()
        now = asyncio.get_running_loop().time()
        self._begun = now if self._begun is None else self._begun
        try:
            async with asyncio.timeout_at(self._begun + SECONDS):
                message = await self._receive()
        except TimeoutError as error:
            raise Unavailable("body_too_slow") from error
        if message["type"] == "http.request":
            self._whole = not message.get("more_body", False)
            self._seen += len(message.get("body", b""))
            if self._seen > self._most:
                raise problems.TooLarge()
        return message
