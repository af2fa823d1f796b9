"""Who sends a request: by a bearer token from programs, by a cookie from browsers, and then only from our own pages."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from fastapi import Depends, Request, Response, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.requests import HTTPConnection

from clinicdesk.core.errors import NotPermitted
from clinicdesk.features.users.schemas import NotSignedIn
from clinicdesk.server.serving import Serving
from clinicdesk.server.tokens import Caller, Device, DeviceCaller

ACCESS_COOKIE = "clinicdesk_access"
REFRESH_COOKIE = "clinicdesk_refresh"
DEVICE_COOKIE = "clinicdesk_device"
DEVICE_HEADER = "Clinicdesk-Device"
API = "/api/v1"
REFRESH_PATH = f"{API}/auth"
_CALLER = "clinicdesk.caller"
_SAFE = {"GET", "HEAD", "OPTIONS"}


def serving_of(connection: HTTPConnection) -> Serving:
    """What this worker holds."""
    serving: Serving = connection.app.state.serving
    return serving


def caller_of(connection: HTTPConnection) -> Caller | None:
    """Whoever the request's token stands for; None without a token, and with one that is not (any longer) right.

    A WebSocket may come with a ticket in place of a token, since browsers send no header with it.
    """
    if _CALLER not in connection.scope:  # the limits ask before the endpoint does
        connection.scope[_CALLER] = _read_token(connection)
    caller: Caller | None = connection.scope[_CALLER]
    return caller


def _read_token(connection: HTTPConnection) -> Caller | None:
    if connection.scope["type"] == "websocket" and "ticket" in connection.query_params:
        return serving_of(connection).tokens.read_events_ticket(connection.query_params["ticket"])
    bearer = _bearer_of(connection)
    token = connection.cookies.get(ACCESS_COOKIE, "") if bearer is None else bearer
    return serving_of(connection).tokens.read_access(token) if token else None


def device_caller_of(connection: HTTPConnection) -> DeviceCaller | None:
    """The enrolled desk that the request comes from, by the token that it got for an answered challenge."""
    bearer = _bearer_of(connection)
    return None if bearer is None else serving_of(connection).tokens.read_sync(bearer)


async def required_device(request: Request) -> DeviceCaller:
    """The desk that asks. Raises NotSignedIn, NotPermitted("not_a_device") for a person."""
    device = device_caller_of(request)
    if device is not None:
        return device
    if caller_of(request) is not None:
        raise NotPermitted("not_a_device")
    raise NotSignedIn("device_not_proved")


_device = HTTPBearer(auto_error=False, scheme_name="device", description="The token of an enrolled desk.")


async def documented_device(
    device: Annotated[DeviceCaller, Depends(required_device)], _token: Annotated[object, Security(_device)]
) -> DeviceCaller:
    """The desk that asks, with its way of proving it told in the OpenAPI document."""
    return device


ProvedDevice = Annotated[DeviceCaller, Depends(documented_device)]


def _bearer_of(connection: HTTPConnection) -> str | None:
    """What the request bears in its header; None where it bears nothing there.

    Another scheme is as good as no header: a browser adds one by itself where an address names a user and a password.
    """
    scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else None


def uses_cookies(connection: HTTPConnection) -> bool:
    """Whether the request would be believed for its cookies alone, which a browser adds by itself."""
    return _bearer_of(connection) is None and bool({ACCESS_COOKIE, REFRESH_COOKIE} & connection.cookies.keys())


def ensure_own_page(request: Request) -> None:
    """Refuse a write by cookie that another site's page sends. Raises NotPermitted("cross_site")."""
    if request.method not in _SAFE and uses_cookies(request):
        ensure_own_origin(request)


def ensure_own_origin(connection: HTTPConnection) -> None:
    """Refuse what another site's page sends. Raises NotPermitted("cross_site")."""
    settings = serving_of(connection).settings
    scheme = {"ws": "http", "wss": "https"}.get(connection.url.scheme, connection.url.scheme)
    own = {settings.public_url, f"{scheme}://{connection.url.netloc}", *settings.cors_origins}
    if connection.headers.get("origin") not in own:  # a browser sends it with every write and every WebSocket
        raise NotPermitted("cross_site")


async def required_caller(request: Request) -> Caller:
    """Whoever is signed in. Raises NotSignedIn."""
    caller = caller_of(request)
    if caller is None:
        raise NotSignedIn()
    ensure_own_page(request)
    return caller


_OWING = (
    "Whoever signed in with a password that was given to them chooses one of their own first: they may `change_password`, "
    "`get_me`, `refresh` and `logout`; everything else is answered with 403, `password_change_required`."
)
_bearer = HTTPBearer(
    auto_error=False, scheme_name="bearer", description=f"The access token of a sign-in. {_OWING}"
)  # fmt: skip
_cookie = APIKeyCookie(name=ACCESS_COOKIE, auto_error=False, scheme_name="cookie", description="Set by a sign-in.")


async def documented(
    caller: Annotated[Caller, Depends(required_caller)],
    _token: Annotated[object, Security(_bearer)],
    _set: Annotated[object, Security(_cookie)],
) -> Caller:
    """The caller, with both ways of signing in told in the OpenAPI document."""
    return caller


SignedInCaller = Annotated[Caller, Depends(documented)]


def address_of(connection: HTTPConnection) -> str:
    """Where the request comes from; of an IPv6 address the network, which is what one customer has."""
    host = connection.client.host if connection.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:45]
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def set_cookies(response: Response, access: str, refresh: str, device: str) -> None:
    """Give a browser its tokens in cookies that no script reads and no other site sends."""
    for name, value, path, days in (
        (ACCESS_COOKIE, access, "/api", 0),
        (REFRESH_COOKIE, refresh, REFRESH_PATH, 7),
        (DEVICE_COOKIE, device, REFRESH_PATH, 400),
    ):
        response.set_cookie(
            name, value, max_age=days * 86_400 or 900, path=path, secure=True, httponly=True, samesite="strict"
        )


def clear_cookies(response: Response) -> None:
    """Take a browser's tokens away; it remains the device that it is."""
    for name, path in ((ACCESS_COOKIE, "/api"), (REFRESH_COOKIE, REFRESH_PATH)):
        response.delete_cookie(name, path=path, secure=True, httponly=True, samesite="strict")


def account_limit(caller: Caller) -> str:
    """What the requests of whoever is signed in are counted under: the account, however many sessions it has."""
    return f"account:{caller.actor.user_id}"


def device_of(connection: HTTPConnection) -> Device | None:
    """The device that the request comes from, by the token that an earlier sign-in there was given."""
    token = connection.headers.get(DEVICE_HEADER) or connection.cookies.get(DEVICE_COOKIE) or ""
    return serving_of(connection).tokens.read_device(token)
