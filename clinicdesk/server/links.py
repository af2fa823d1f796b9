"""The pages that mailed links lead to: confirm an address, choose a password. They run no script and load nothing.

What they send is believed for the token in it, whoever is signed in in that browser: another site cannot know one.
A clinic whose own website stands at CLINICDESK_PUBLIC_URL has pages of its own at these addresses, and never shows these.
"""

from __future__ import annotations

from html import escape
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import HTMLResponse

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.sentences import english
from clinicdesk.features.users import service
from clinicdesk.server.identity import serving_of
from clinicdesk.server.problems import status_of
from clinicdesk.server.units import anonymous_actor

router = APIRouter(include_in_schema=False)

VERIFY, RESET = PATHS = ("/verify", "/reset")
POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
"""What a browser may do with these pages: send their form, to here."""

_CONFIRM, _CHOOSE = "Confirm your e-mail address", "Choose a new password"
_FIELD = (
    '<p><label>New password <input type="password" name="password" required autocomplete="new-password"></label></p>'
)

Token = Annotated[str, Query(max_length=200)]


async def _form(request: Request) -> dict[str, str]:
    """What a page has sent, the last of each name."""
    sent = parse_qs((await request.body()).decode("ascii", "replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in sent.items()}


Form = Annotated[dict[str, str], Depends(_form)]


@router.get(VERIFY)
async def ask_to_verify(token: Token = "") -> HTMLResponse:
    """A button: programs that look at mails before people do follow links, and press none."""
    return _page(_CONFIRM, _ask(VERIFY, token, "", "Confirm"))


@router.post(VERIFY)
def verify(request: Request, form: Form) -> HTMLResponse:
    """Note that the address is right, and say so; or say why not."""
    try:
        with serving_of(request).database.write(anonymous_actor(request)) as tx:
            service.verify_email(tx, form.get("token", ""))
    except ClinicError as error:
        return _page(_CONFIRM, f"<p>{escape(english(error))}</p>", status_of(error))
    return _page(_CONFIRM, "<p>Thank you. Your address is confirmed.</p>")


@router.get(RESET)
async def ask_for_password(token: Token = "") -> HTMLResponse:
    """A field for the new password."""
    return _page(_CHOOSE, _ask(RESET, token, _FIELD, "Set password"))


@router.post(RESET)
def reset(request: Request, form: Form) -> HTMLResponse:
    """Set the password, and say so; or say why not, and ask again."""
    token = form.get("token", "")
    try:
        database, new = serving_of(request).database, form.get("password", "")
        service.choose_password(database, anonymous_actor(request), token, new)
    except ClinicError as error:
        again = _ask(RESET, token, _FIELD, "Set password")
        return _page(_CHOOSE, f"<p>{escape(english(error))}</p>{again}", status_of(error))
    return _page(_CHOOSE, "<p>Your password is set. Sign in with it.</p>")


def _ask(path: str, token: str, fields: str, button: str) -> str:
    hidden = f'<input type="hidden" name="token" value="{escape(token)}">'
    return f'<form method="post" action="{path}">{hidden}{fields}<button>{button}</button></form>'


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    return HTMLResponse(f"{head}<title>{title}</title><h1>{title}</h1>{body}", status)
