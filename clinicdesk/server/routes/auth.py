"""/auth: accounts that people open by themselves, signing in, sessions, passwords and the second factor."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Literal
from uuid import UUID

from fastapi import BackgroundTasks, Body, Depends, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.paging import Page
from clinicdesk.core.smtp import Mail, Smtp
from clinicdesk.core.tx import Tx
from clinicdesk.features.users import service
from clinicdesk.features.users.passwords import Prepared
from clinicdesk.features.users.rules import account_key
from clinicdesk.features.users.schemas import (
    ChangePassword,
    Enrolment,
    NotSignedIn,
    OpenSession,
    Place,
    Register,
    SecondFactorRequired,
    SessionRow,
    SignIn,
    UserRow,
)
from clinicdesk.server.etags import IfMatch, tagged
from clinicdesk.server.identity import (
    REFRESH_COOKIE,
    SignedInCaller,
    address_of,
    clear_cookies,
    device_of,
    ensure_own_page,
    serving_of,
    set_cookies,
)
from clinicdesk.server.paging import Paging
from clinicdesk.server.problems import answers
from clinicdesk.server.routing import router as group
from clinicdesk.server.tokens import ACCESS_LASTS
from clinicdesk.server.units import AnonymousTx, ReadTx, WriteTx, anonymous_actor, unasked

log = logging.getLogger(__name__)

router = group("/auth", "auth", signed_in=False)

_REGISTER = {
    "patient": {
        "value": {
            "email": "mara.lindt@mail.example", "password": "nine green kites over the lake",
            "given_name": "Mara", "family_name": "Lindt",
        }
    }
}  # fmt: skip
_OF_THE_MAIL = "Zk3Jw0m9Qy1rT5uXcVb7Nd2Lh8Ga4Se6"
_LINK = {"of the mail": {"value": {"token": _OF_THE_MAIL}}}
_ADDRESS = {"one's own": {"value": {"email": "mara.lindt@mail.example"}}}
_LOGIN_CODE = {"authenticator": {"value": {"ticket": _OF_THE_MAIL, "code": "492039", "device_name": "Lobby tablet"}}}
_CHANGE = {"new": {"value": {"current": "seven quiet boats at noon", "new": "nine green kites over the lake"}}}
_RESET = {"new": {"value": {"token": _OF_THE_MAIL, "password": "nine green kites over the lake"}}}
_LOGIN = {
    "program": {"value": {"email": "sam.reyes@harbour.example", "password": "seven quiet boats at noon"}},
    "browser": {
        "value": {"email": "sam.reyes@harbour.example", "password": "seven quiet boats at noon", "cookies": True}
    },
}


Email = Annotated[str, Field(max_length=254, examples=["sam.reyes@harbour.example"])]
Token = Annotated[str, Field(max_length=1000)]
Password = Annotated[str, Field(max_length=1000, examples=["seven quiet boats at noon"])]
TypedCode = Annotated[str, Field(max_length=100, examples=["123456"])]


@dataclass(frozen=True, slots=True)
class Registered:
    """What was asked for. It is the same whether or not there was an account with this e-mail; the mail tells its owner."""

    email: str
    given_name: str
    family_name: str


@dataclass(frozen=True, slots=True)
class LogIn:
    """Credentials; with `cookies` the tokens are set as cookies that no script reads, and are not in the answer."""

    email: Email
    password: str = field(repr=False)
    device_name: str = ""
    cookies: bool = False


@dataclass(frozen=True, slots=True)
class LogInCode:
    """The ticket of a sign-in that needs a second factor, and a code of the authenticator or a recovery code."""

    ticket: Token = field(repr=False)
    code: TypedCode = field(repr=False)
    """What the authenticator shows, or a recovery code."""
    device_name: str = ""
    cookies: bool = False


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """The refresh token, where it is not in a cookie."""

    refresh_token: Token = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Session:
    """A session's tokens. `device_token` goes into the header Clinicdesk-Device of later sign-ins and refreshes."""

    access_token: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)
    token_type: Literal["bearer", "cookie"]
    expires_in: int
    device_token: str = field(repr=False)
    session_id: UUID
    user: UserRow
    """The account that is signed in."""


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An e-mail address."""

    email: Email


@dataclass(frozen=True, slots=True)
class MailedToken:
    """The token of a mailed link."""

    token: Token = field(repr=False)


@dataclass(frozen=True, slots=True)
class ResetPassword:
    """The token of a mailed link, and the new password."""

    token: Token = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OwnName:
    """One's own name."""

    name: str


@dataclass(frozen=True, slots=True)
class Code:
    """A code of the authenticator, or a recovery code."""

    code: TypedCode = field(repr=False)
    """What the authenticator shows, or a recovery code."""


@dataclass(frozen=True, slots=True)
class PasswordAgain:
    """The password of whoever is signed in, asked for again."""

    password: Password = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasswordAndCode:
    """The password of whoever is signed in, asked for again, and a code of the authenticator or a recovery code."""

    password: Password = field(repr=False)
    code: TypedCode = field(repr=False)
    """What the authenticator shows, or a recovery code."""


@dataclass(frozen=True, slots=True)
class RecoveryCodes:
    """Codes that stand in for the authenticator, each once. They are shown this once."""

    codes: list[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Taken; if there is such an account, a mail is on its way."""

    status: Literal["accepted"] = "accepted"


# ---- accounts that people open by themselves -----------------------------------------------------------------------


@router.post("/register", operation_id="register", summary="Open a patient's account", status_code=201)
async def register(
    request: Request, asked: Annotated[Register, Body(openapi_examples=_REGISTER)], later: BackgroundTasks
) -> Registered:
    """Open an account for a patient, and mail the link that proves its address. The answer is the same where there is one
    already. The account sees nothing until somebody at the clinic links it to a record."""
    serving = serving_of(request)
    await _limit_mails(request, asked.email)
    actor, site = anonymous_actor(request), serving.settings.public_url
    mail = await run_in_threadpool(service.open_account, serving.database, actor, asked, site)
    later.add_task(_send, serving.smtp, mail)
    return Registered(asked.email, asked.given_name, asked.family_name)


@router.post("/email/verify", operation_id="verify_email", summary="Prove an e-mail address", status_code=204)
def verify_email(tx: AnonymousTx, link: Annotated[MailedToken, Body(openapi_examples=_LINK)]) -> None:
    service.verify_email(tx, link.token)


@router.post(
    "/email/resend", operation_id="resend_verification", summary="Ask for the mail again", status_code=202
)  # fmt: skip
async def resend(
    request: Request, wanted: Annotated[EmailAddress, Body(openapi_examples=_ADDRESS)], later: BackgroundTasks
) -> Accepted:
    """Mail the link that proves an address once more. The answer is the same where there is nothing to prove."""
    await _limit_mails(request, wanted.email)
    later.add_task(_write_to, request, service.send_verification, wanted.email)
    return Accepted()


# ---- signing in and out --------------------------------------------------------------------------------------------


@router.post("/login", operation_id="login", summary="Sign in", responses=answers(401))
async def login(
    request: Request, response: Response, given: Annotated[LogIn, Body(openapi_examples=_LOGIN)]
) -> Session:
    """Open a session. Where the account has a second factor the answer is 401 `second_factor_required`, with the `ticket`
    that its code is sent with; too many wrong passwords lock the account for a while (429)."""
    serving = serving_of(request)
    place = _place(request, given.device_name)
    desk = await run_in_threadpool(service.desk_of, serving.database, given.email, place)
    await serving.limits.count(f"sign-in:{desk}", serving.settings.limit_sign_ins)
    credentials, most = SignIn(given.email, given.password), serving.settings.limit_sessions
    try:
        opened = await run_in_threadpool(service.begin_session, serving.database, credentials, place, most)
    except SecondFactorRequired as needed:
        whose, mark = UUID(str(needed.params["user_id"])), str(needed.params["mark"])
        raise SecondFactorRequired(ticket=serving.tokens.ticket(whose, mark)) from None
    await serving.limits.give_back(f"sign-in:{desk}")  # only guesses are limited
    return _answer(request, response, opened, given.cookies)


@router.post(
    "/login/code", operation_id="login_with_code", summary="Sign in: the second factor", responses=answers(401)
)  # fmt: skip
def login_with_code(
    tx: AnonymousTx,
    request: Request,
    response: Response,
    given: Annotated[LogInCode, Body(openapi_examples=_LOGIN_CODE)],
) -> Session:
    serving = serving_of(request)
    ticket = serving.tokens.read_ticket(given.ticket)
    if ticket is None:
        raise NotSignedIn()
    place = _place(request, given.device_name)
    opened = service.log_in_with_code(tx, *ticket, given.code, place, serving.settings.limit_sessions)
    return _answer(request, response, opened, given.cookies)


@router.post(
    "/refresh", operation_id="refresh", summary="Go on: new tokens for the refresh token", responses=answers(401)
)  # fmt: skip
def refresh(tx: AnonymousTx, request: Request, response: Response, given: RefreshToken | None = None) -> Session:
    token = given.refresh_token if given is not None else ""
    by_cookie = not token
    token = token or request.cookies.get(REFRESH_COOKIE, "")
    if not token:
        raise NotSignedIn()
    return _answer(request, response, service.refresh(tx, token, _device_id(request)), by_cookie)


@router.post("/logout", operation_id="logout", summary="Sign out here", status_code=204, responses=answers(401, 404))
def logout(tx: WriteTx, response: Response) -> None:
    service.log_out(tx)
    clear_cookies(response)


@router.get(
    "/sessions",
    operation_id="list_sessions",
    summary="Where one is signed in, the last sign-in first",
    responses=answers(401),
)
def list_sessions(tx: ReadTx, page: Paging) -> Page[SessionRow]:
    return service.list_sessions(tx, page)


@router.delete(
    "/sessions/{session_id}", operation_id="revoke_session", summary="Sign out elsewhere", status_code=204,
    responses=answers(401, 404),
)  # fmt: skip
def revoke_session(tx: WriteTx, session_id: UUID) -> None:
    service.end_session(tx, session_id)


# ---- oneself -------------------------------------------------------------------------------------------------------


@router.get("/me", operation_id="get_me", summary="One's own account", responses=answers(401))
def get_me(tx: ReadTx, response: Response) -> UserRow:
    return tagged(service.own_account(tx), response)


@router.put("/me", operation_id="edit_me", summary="Change one's name", responses=answers(401, 409, 412, 428))
def edit_me(tx: WriteTx, version: IfMatch, wanted: OwnName, response: Response) -> UserRow:
    return tagged(service.edit_own_name(tx, version, wanted.name), response)


@router.post(
    "/password/change", operation_id="change_password", responses=answers(401),
    summary="Change one's password, which signs one out elsewhere",
)  # fmt: skip
def change_password(
    request: Request, caller: SignedInCaller, wanted: Annotated[ChangePassword, Body(openapi_examples=_CHANGE)]
) -> UserRow:
    """Give oneself another password, by the one that was. One's other sessions end."""
    database = serving_of(request).database
    return service.replace_password(database, caller.actor, wanted, caller.session_id)


@router.post(
    "/password/forgot", operation_id="forgot_password", summary="Ask for a link to a new password", status_code=202
)  # fmt: skip
async def forgot_password(
    request: Request, wanted: Annotated[EmailAddress, Body(openapi_examples=_ADDRESS)], later: BackgroundTasks
) -> Accepted:
    """Mail a link by which a lost password is replaced. The answer is the same where there is no such account."""
    await _limit_mails(request, wanted.email)
    later.add_task(_write_to, request, service.forgot_password, wanted.email)
    return Accepted()


@router.post(
    "/password/reset", operation_id="reset_password", summary="Choose a new password by a mailed link", status_code=204
)  # fmt: skip
def reset_password(request: Request, wanted: Annotated[ResetPassword, Body(openapi_examples=_RESET)]) -> None:
    """Choose a new password by the token of a mailed link, which works once."""
    ensure_own_page(request)
    service.choose_password(serving_of(request).database, anonymous_actor(request), wanted.token, wanted.password)


# ---- the second factor ---------------------------------------------------------------------------------------------

Checked = Prepared | None
"""The password that was asked for again, looked at ahead of the unit of work: it takes a while, and nobody waits for it."""


def _checked_again(request: Request, caller: SignedInCaller, given: PasswordAgain) -> Checked:
    return service.prepare_own(serving_of(request).database, caller.actor, given.password)


def _checked_with_code(request: Request, caller: SignedInCaller, given: PasswordAndCode) -> Checked:
    return service.prepare_own(serving_of(request).database, caller.actor, given.password)


@router.post(
    "/second-factor", operation_id="enrol_second_factor", status_code=201, responses=answers(401, 409),
    summary="Set up an authenticator, with one's password again",
)  # fmt: skip
def enrol(given: PasswordAgain, checked: Annotated[Checked, Depends(_checked_again)], tx: WriteTx) -> Enrolment:
    return service.enrol(tx, given.password, checked)


@router.post(
    "/second-factor/confirm", operation_id="confirm_second_factor", summary="Turn the second factor on",
    responses=answers(401, 409),
)  # fmt: skip
def confirm(tx: WriteTx, first: Code) -> RecoveryCodes:
    return RecoveryCodes(service.confirm(tx, first.code))


@router.post(
    "/second-factor/disable", operation_id="disable_second_factor", summary="Turn the second factor off",
    status_code=204, responses=answers(401, 409),
)  # fmt: skip
def disable(tx: WriteTx, one: Code) -> None:
    service.disable(tx, one.code)


@router.post(
    "/second-factor/recovery-codes", operation_id="renew_recovery_codes", responses=answers(401, 409),
    summary="New recovery codes, with one's password again",
)  # fmt: skip
def renew_recovery_codes(
    given: PasswordAndCode, checked: Annotated[Checked, Depends(_checked_with_code)], tx: WriteTx
) -> RecoveryCodes:
    return RecoveryCodes(service.renew_recovery_codes(tx, given.password, given.code, checked))


# ---- between ---------------------------------------------------------------------------------------------------------


def _place(request: Request, device_name: str) -> Place:
    return Place(_device_id(request), device_name, address_of(request))


def _device_id(request: Request) -> UUID | None:
    device = device_of(request)
    return None if device is None else device.id


def _answer(request: Request, response: Response, opened: OpenSession, by_cookie: bool) -> Session:
    tokens = serving_of(request).tokens
    access, device = (
        tokens.access(opened.actor, opened.session.id),
        tokens.device(opened.session.device_id, opened.user.id),
    )
    if by_cookie:
        set_cookies(response, access, opened.refresh_token, device)
    return Session(
        None if by_cookie else access, None if by_cookie else opened.refresh_token,
        "cookie" if by_cookie else "bearer", int(ACCESS_LASTS.total_seconds()), device, opened.session.id,
        opened.user,
    )  # fmt: skip


async def _limit_mails(request: Request, email: str) -> None:
    """Refuse what another site's page asks for, and to fill anybody's post: whoever asks, from however many devices.

    Raises NotPermitted("cross_site"), RateLimited, alike whether or not there is such an account.
    """
    ensure_own_page(request)
    serving = serving_of(request)
    await serving.limits.count(f"mails-from:{address_of(request)}", serving.settings.limit_anonymous)
    await serving.limits.count(f"mails-to:{account_key(email)}", serving.settings.limit_sign_ins)


async def _write_to(request: Request, verb: Callable[[Tx, str, str], Mail | None], email: str) -> None:
    """Do all that there is to do behind the answer: how long that takes would tell whether there is such an account."""
    serving = serving_of(request)
    try:
        async with unasked(serving, anonymous_actor(request)) as tx:
            mail = await run_in_threadpool(verb, tx, email, serving.settings.public_url)
    except ClinicError as error:
        log.error("a mail was not written: %s", error.reason)
        return
    await run_in_threadpool(_send, serving.smtp, mail)


def _send(smtp: Smtp | None, mail: Mail | None) -> None:
    """Send a mail behind the answer, which must not tell by its time whether there is one."""
    if smtp is None or mail is None:
        return
    try:
        smtp.send(mail)
    except ClinicError as error:
        log.error("a mail was not sent: %s", type(error.__cause__).__name__)
