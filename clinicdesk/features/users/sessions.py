"""Sign-ins through the server that last: opened, refreshed by tokens that work once, listed and ended.

A refresh token is the session's id and generation under our key. Whoever brings one that is used up has stolen it, or was
robbed: the session ends for both, unless it is the same device repeating itself within a minute because an answer was lost.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Collection
from datetime import timedelta
from typing import NoReturn
from uuid import UUID

from sqlalchemy import Select, delete, exists, func, select

from clinicdesk.core.database import derive_key
from clinicdesk.core.errors import NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import Page, PageRequest, check_limit, decode_id_cursor, encode_cursor
from clinicdesk.core.permissions import Permission, Role
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Action, Actor, Change, Database, Tx, verb
from clinicdesk.features.users.accounts import row_of
from clinicdesk.features.users.models import MailedLink, User, UserSession
from clinicdesk.features.users.passwords import Prepared, prepare
from clinicdesk.features.users.rules import account_key, fold_email
from clinicdesk.features.users.schemas import (
    NotSignedIn,
    OpenSession,
    Place,
    SecondFactorRequired,
    SessionEnded,
    SessionRow,
    SignIn,
)
from clinicdesk.features.users.second_factor import has_second_factor, take_code
from clinicdesk.features.users.signing_in import locked_until, sign_in

IDLE = timedelta(days=7)
LONGEST = timedelta(days=30)
MOST_SESSIONS = 50
"""Of one account at once, where nobody has set another figure."""
RETRY = timedelta(seconds=60)
_TOKEN_BYTES = 16 + 4 + 32


def begin_session(database: Database, request: SignIn, place: Place, most: int = MOST_SESSIONS) -> OpenSession:
    """Sign in for good; `request.desk` is not used, the place is. Above `most` sessions the one used longest ago ends.

    Raises SignInRefused, SignInLocked, SecondFactorRequired (with `user_id`, `mark`), InvalidInput("password_too_long").
    """
    nobody = Actor(None, Role.NOBODY)
    with database.read(nobody) as tx:
        stored = tx.session.scalar(select(User.password_hash).where(User.email == fold_email(request.email)))
        desk = _desk(tx, request.email, place)
        locked = locked_until(tx, account_key(request.email), desk) is not None
    prepared = None if locked else prepare(stored, request.password)
    with database.write(nobody) as tx:
        return log_in(tx, request, place, prepared, most)


def desk_of(database: Database, email: str, place: Place) -> str:
    """What failures to sign in to this account from this place are counted under."""
    with database.read(Actor(None, Role.NOBODY)) as tx:
        return _desk(tx, email, place)


@verb(Permission.SIGN_IN)
def log_in(
    tx: Tx, request: SignIn, place: Place, prepared: Prepared | None = None, most: int = MOST_SESSIONS
) -> OpenSession:
    """Sign in and open a session, within this unit of work. Raises as `begin_session` does."""
    signed = sign_in(tx, SignIn(request.email, request.password, _desk(tx, request.email, place)), prepared)
    if has_second_factor(tx, signed.user.id):
        raise SecondFactorRequired(user_id=signed.user.id, mark=_mark(tx, tx.session.get_one(User, signed.user.id)))
    return _open(tx, signed.user.id, place, most)


@verb(Permission.SIGN_IN)
def log_in_with_code(
    tx: Tx, user_id: UUID, mark: str, code: str, place: Place, most: int = MOST_SESSIONS
) -> OpenSession:
    """Open the session of a person whose password was right, by a code of theirs. Raises SignInRefused, SignInLocked,
    NotSignedIn where the password was changed since `mark` was given."""
    user = tx.session.get(User, user_id)
    if user is None or not hmac.compare_digest(mark, _mark(tx, user)):
        _refuse(tx)
    take_code(tx, user_id, code)
    return _open(tx, user_id, place, most)


@verb(Permission.SIGN_IN)
def refresh(tx: Tx, token: str, device_id: UUID | None) -> OpenSession:
    """Go on with a session: its next token. A used-up token ends it. Raises NotSignedIn, SessionEnded."""
    session_id, generation = _read_token(tx, token)
    session = tx.session.get(UserSession, session_id, with_for_update=True)
    if session is None or session.ended_at is not None or _expired(tx, session):
        raise SessionEnded()
    user = tx.session.get(User, session.user_id)
    if user is None or not user.active:
        raise SessionEnded()
    if generation != session.generation:
        lost_answer = (
            generation == session.generation - 1
            and device_id == session.device_id
            and tx.now <= session.refreshed_at + RETRY
        )
        if not lost_answer:
            _end(tx, session, "refresh_token_reused")
            raise SessionEnded()
    else:
        session.generation += 1
        session.refreshed_at = tx.now
    user.last_seen_at = tx.now
    tx.actor = Actor(user.id, Role(user.role), user.name, session.device_name)
    tx.record(Change("user_session", session.id, Action.EXECUTE))
    tx.tell(Change("user_session", session.id, Action.UPDATE, None, {"user_id": user.id}))
    tx.session.flush()
    return OpenSession(_row(session), row_of(user), tx.actor, _token(tx, session))


@verb(Permission.SIGN_IN, owing=True)
def log_out(tx: Tx) -> None:
    """End the session by which somebody asks. Raises NotFound("session_not_found")."""
    _end_own(tx, tx.actor.session_id)


@verb(Permission.SIGN_IN)
def end_session(tx: Tx, session_id: UUID) -> None:
    """End one of one's own sessions. Raises NotFound("session_not_found")."""
    _end_own(tx, session_id)


@verb(Permission.SIGN_IN, writes=False)
def list_sessions(tx: Tx, page: PageRequest) -> Page[SessionRow]:
    """A page of one's own sessions that go on, the last sign-in first; `current` is the one that asks.

    Raises InvalidInput("cursor_not_right", "out_of_range").
    """
    check_limit(page)
    mine = _going_on(tx, tx.actor.user_id)
    found = mine.order_by(UserSession.id.desc()).limit(page.limit + 1)
    if page.cursor:
        found = found.where(UserSession.id < decode_id_cursor(page.cursor))
    rows = [_row(session, tx.actor.session_id) for session in tx.session.scalars(found)]
    total = tx.session.scalar(mine.with_only_columns(func.count())) if page.total else None
    items = rows[: page.limit]
    return Page(items, encode_cursor([items[-1].id.hex]) if len(rows) > page.limit else None, total)


@verb(Permission.MAINTAIN, concurrent=True)
def forget_sessions(tx: Tx) -> None:
    """Forget the sessions that no device is known by any more, and links that have expired."""
    tx.session.execute(delete(UserSession).where(UserSession.expires_at < tx.now - LONGEST))
    tx.session.execute(delete(MailedLink).where(MailedLink.expires_at < tx.now))


@verb(Permission.MAINTAIN, writes=False)
def open_sessions(tx: Tx, session_ids: Collection[UUID]) -> dict[UUID, Actor]:
    """Which of these sessions go on, on an account that is on and owes nothing, and who acts in each as of now."""
    found = tx.session.execute(
        select(
            UserSession.id,
            User.id,
            User.role,
            User.name,
            UserSession.device_name,
            User.patient_id,
            User.practitioner_id,
        )
        .join(User, User.id == UserSession.user_id)
        .where(
            UserSession.id.in_(session_ids),
            UserSession.ended_at.is_(None),
            User.active,
            ~User.must_change_password,
        )
    )
    return {
        session_id: Actor(user_id, Role(role), name, desk, patient_id, practitioner_id)
        for session_id, user_id, role, name, desk, patient_id, practitioner_id in found
    }


def _desk(tx: Tx, email: str, place: Place) -> str:
    """What failures are counted under: a device that this account has been used on, else the address.

    So that strangers, who are at other addresses and on no such device, cannot lock a clinic's desk out.
    """
    if place.device_id is not None:
        known = select(
            exists().where(
                UserSession.user_id == User.id,
                User.email == fold_email(email),
                UserSession.device_id == place.device_id,
            )
        )
        if tx.session.scalar(known):
            return f"device {place.device_id.hex}"
    return place.address


def _open(tx: Tx, user_id: UUID, place: Place, most: int) -> OpenSession:
    user = tx.session.get(User, user_id)
    if user is None or not user.active:
        raise NotSignedIn("account_off", verb=tx.verb)
    session = UserSession(
        id=new_id(), user_id=user.id, device_id=place.device_id or new_id(),
        device_name=one_line(place.device_name, "device_name", 60) or "API", address=place.address[:45],
        created_at=tx.now, expires_at=tx.now + LONGEST, generation=0, refreshed_at=tx.now, ended_at=None,
    )  # fmt: skip
    tx.session.add(session)
    tx.actor = Actor(user.id, Role(user.role), user.name, session.device_name)
    tx.record(Change("user_session", session.id, Action.EXECUTE))
    tx.tell(Change("user_session", session.id, Action.CREATE, None, {"user_id": user.id}))
    tx.session.flush()
    by_use = _going_on(tx, user.id).order_by(UserSession.refreshed_at.desc(), UserSession.id.desc())
    for surplus in tx.session.scalars(by_use.offset(most)).all():
        _end(tx, surplus, "too_many_sessions")
    return OpenSession(_row(session), row_of(user), tx.actor, _token(tx, session))


def _end_own(tx: Tx, session_id: UUID | None) -> None:
    session = None if session_id is None else tx.session.get(UserSession, session_id)
    if session is None or session.user_id != tx.actor.user_id or session.ended_at is not None:
        raise NotFound("session_not_found")
    _end(tx, session, "")


def _end(tx: Tx, session: UserSession, note: str) -> None:
    session.ended_at = tx.now
    tx.session.flush()
    tx.record(Change("user_session", session.id, Action.EXECUTE, note=note))
    tx.tell(Change("user_session", session.id, Action.DELETE, {"user_id": session.user_id}, None))


def _going_on(tx: Tx, user_id: UUID | None) -> Select[UserSession]:
    """The sessions of an account that are neither ended nor expired."""
    return select(UserSession).where(
        UserSession.user_id == user_id,
        UserSession.ended_at.is_(None),
        UserSession.expires_at > tx.now,
        UserSession.refreshed_at > tx.now - IDLE,
    )


def _expired(tx: Tx, session: UserSession) -> bool:
    return tx.now >= session.expires_at or tx.now >= session.refreshed_at + IDLE


def _token(tx: Tx, session: UserSession) -> str:
    about = session.id.bytes + session.generation.to_bytes(4)
    return base64.urlsafe_b64encode(about + _mac(tx, about)).rstrip(b"=").decode()


def _read_token(tx: Tx, token: str) -> tuple[UUID, int]:
    try:
        whole = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        _refuse(tx)
    about, mac = whole[:20], whole[20:]
    if len(whole) != _TOKEN_BYTES or not hmac.compare_digest(mac, _mac(tx, about)):
        _refuse(tx)
    return UUID(bytes=about[:16]), int.from_bytes(about[16:])


def _refuse(tx: Tx) -> NoReturn:
    raise NotSignedIn(verb=tx.verb)


def _mark(tx: Tx, user: User) -> str:
    """What tells whether an account has the password that it had, and nothing else."""
    key = derive_key(tx.database.audit_key, "second factor tickets")
    return hmac.digest(key, user.password_hash.encode(), "sha256").hex()


def _mac(tx: Tx, about: bytes) -> bytes:
    return hmac.digest(derive_key(tx.database.audit_key, "refresh tokens"), about, "sha256")


def _row(session: UserSession, current: UUID | None = None) -> SessionRow:
    return SessionRow(
        session.id, session.device_id, session.device_name, session.address, session.created_at, session.refreshed_at,
        min(session.expires_at, session.refreshed_at + IDLE), current=session.id == current,
    )  # fmt: skip
