"""Accounts: added, changed, turned off, listed; and the guard that stops whoever's account is off."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from sqlalchemy import and_, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from clinicdesk.core.clinic import find_clinic
from clinicdesk.core.errors import Conflict, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission, Role
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Change, Tx, verb
from clinicdesk.features.users.models import MailedLink, SignInFailure, User, UserSession
from clinicdesk.features.users.passwords import hash_password
from clinicdesk.features.users.rules import RESET, account_key, check_email, check_password, check_role
from clinicdesk.features.users.schemas import AddUser, EditUser, NotSignedIn, UserRow

_u, _s = User.__table__.c, UserSession.__table__.c
_FACTS = (
    _u.active, _u.role, _u.patient_id, _u.practitioner_id, _u.must_change_password,
    _s.id.is_not(None) & _s.ended_at.is_(None),
)  # fmt: skip
_ACCOUNT = (
    select(*_FACTS)
    .select_from(User.__table__)
    .outerjoin(UserSession.__table__, and_(_s.id == bindparam("session_id", type_=_s.id.type), _s.user_id == _u.id))
    .where(_u.id == bindparam("user_id"))
)


def ensure_active(tx: Tx) -> None:
    """The guard of every unit of work: its actor's account is on and has the role that the actor claims, and the sign-in by
    which the actor came through the server has not been ended since the access token was given.

    Says which practitioner or patient the actor is; and of whoever came through the server with a password that was given to
    them, that they owe another. At a desk the sign-in itself asks for it. The operator, a device and nobody have no account.
    Raises NotPermitted("account_off"), NotSignedIn("session_ended").
    """
    actor = tx.actor
    if actor.user_id is None and actor.role in (Role.OPERATOR, Role.NOBODY, Role.DEVICE):
        return
    account = tx.connection.execute(_ACCOUNT, {"user_id": actor.user_id, "session_id": actor.session_id}).one_or_none()
    if account is None:
        raise NotPermitted("account_off", verb="users.ensure_active")
    active, role, patient_id, practitioner_id, must_change_password, signed_in = account
    if not active or role != actor.role:
        raise NotPermitted("account_off", verb="users.ensure_active")
    if actor.session_id is not None and not signed_in:
        raise NotSignedIn("session_ended", verb="users.ensure_active")
    if actor.session_id is not None and must_change_password:
        tx.owes = "password_change_required"
    tx.actor = replace(actor, patient_id=patient_id, practitioner_id=practitioner_id)


@verb(Permission.SIGN_IN, writes=False)
def has_administrator(tx: Tx) -> bool:
    """Whether anybody can administer this clinic; where not, the first start asks for an administrator."""
    return _active_administrators(tx.session) > 0


@verb(Permission.MANAGE_USERS, writes=False)
def list_users(tx: Tx, include_inactive: bool = True) -> list[UserRow]:
    """The accounts by name."""
    users = select(User).order_by(func.lower(User.name), User.id)
    if not include_inactive:
        users = users.where(User.active)
    return [row_of(user) for user in tx.session.scalars(users)]


@verb(Permission.MANAGE_USERS)
def add_user(tx: Tx, request: AddUser) -> UserRow:
    """Add an account. Hashing takes a quarter of a second.

    Raises Conflict("email_taken"), InvalidInput("empty", "email_not_right", "role_not_for_accounts", "password_…").
    """
    name = one_line(request.name, "name", 120, required=True)
    email = _free_email(tx.session, request.email, None)
    check_password(request.password, known_phrases(tx.session, name, email))
    user = User(
        id=new_id(), version=1, email=email, name=name, role=check_role(request.role).value,
        password_hash=hash_password(request.password), must_change_password=request.must_change_password,
        practitioner_id=request.practitioner_id, active=True, created_at=tx.now, last_seen_at=None,
        patient_id=None, email_verified_at=None,
    )  # fmt: skip
    tx.session.add(user)
    record_user(tx, Change.created(user))
    tx.session.flush()
    return row_of(user)


@verb(Permission.MANAGE_USERS)
def edit_user(tx: Tx, request: EditUser) -> UserRow:
    """Change an account; a changed role ends what is signed in with the old one.

    Raises NotFound("user_not_found"), Conflict("changed_meanwhile", "email_taken", "last_administrator"), InvalidInput.
    """
    user = _find(tx.session, request.id, request.version)
    role = check_role(request.role)
    if role is not Role.ADMINISTRATOR:
        _keep_an_administrator(tx.session, user)
    user.name = one_line(request.name, "name", 120, required=True)
    email = _free_email(tx.session, request.email, user.id)
    if email != user.email:
        user.email, user.email_verified_at = email, None
    user.role = role.value
    user.practitioner_id = request.practitioner_id
    record_user(tx, Change.updated(user))
    tx.session.flush()
    return row_of(user)


@verb(Permission.MANAGE_USERS)
def set_active(tx: Tx, user_id: UUID, version: int, active: bool) -> UserRow:
    """Turn an account on or off. Off, nothing more can be done with it, at any desk, from the next unit of work on; its
    sessions on the server end for good, so that whoever is let in again signs in again.

    Raises NotFound("user_not_found"), Conflict("changed_meanwhile", "last_administrator").
    """
    user = _find(tx.session, user_id, version)
    if not active:
        _keep_an_administrator(tx.session, user)
        end_sessions(tx, user.id)
    user.active = active
    record_user(tx, Change.updated(user))
    tx.session.flush()
    return row_of(user)


@verb(Permission.MANAGE_USERS)
def reset_password(tx: Tx, user_id: UUID, new: str) -> UserRow:
    """Give an account a new password, to be changed at the next sign-in, and lift its locks. Hashing takes a quarter of a second.

    One's own is changed with the old one. Raises NotFound("user_not_found"), Conflict("own_account"), InvalidInput("password_…").
    """
    ensure_not_own(tx, user_id)
    user = _find(tx.session, user_id)
    check_password(new, known_phrases(tx.session, user.name, user.email))
    set_password(tx, user, hash_password(new), must_change=True)
    tx.session.execute(delete(SignInFailure).where(SignInFailure.account == account_key(user.email)))
    return row_of(user)


@verb(Permission.MANAGE_USERS)
def link_patient(tx: Tx, user_id: UUID, version: int, patient_id: UUID | None, *, in_person: bool = False) -> UserRow:
    """Say which patient an account belongs to: the person may then see that record and no other.

    That the account is the patient's is proven by the mailed link, or by the person, who was here (`in_person`). Raises
    NotFound("user_not_found", "patient_not_found"), Conflict("changed_meanwhile", "not_a_patients_account",
    "email_not_verified", "patient_merged").
    """
    user = _find(tx.session, user_id, version)
    if user.role != Role.PATIENT:
        raise Conflict("not_a_patients_account")
    if patient_id is not None and user.email_verified_at is None and not in_person:
        raise Conflict("email_not_verified")
    if patient_id is not None:
        tx.database.access.ensure_record(tx, patient_id)
    user.patient_id = patient_id
    record_user(tx, Change.updated(user, note="in_person" if in_person else ""))
    tx.session.flush()
    return row_of(user)


def ensure_not_own(tx: Tx, user_id: UUID) -> None:
    """Somebody else's account is meant: to one's own there is a way that asks who one is. Raises Conflict("own_account")."""
    if user_id == tx.actor.user_id:
        raise Conflict("own_account")


def row_of(user: User) -> UserRow:
    """The account as it leaves the session."""
    return UserRow(
        user.id, user.email, user.name, Role(user.role), user.active, user.practitioner_id, user.must_change_password,
        user.last_seen_at, user.version, user.patient_id, user.email_verified_at is not None,
    )  # fmt: skip


def set_password(tx: Tx, user: User, new_hash: str, *, must_change: bool, keep: UUID | None = None) -> None:
    """Store the hash of a new password, record that without it, end every session but `keep`, and take back what was mailed to
    replace the old one."""
    end_sessions(tx, user.id, keep)
    tx.session.execute(delete(MailedLink).where(MailedLink.user_id == user.id, MailedLink.purpose == RESET))
    user.password_hash = new_hash
    user.must_change_password = must_change
    record_user(tx, Change.updated(user, note="password"))
    tx.session.flush()


def end_sessions(tx: Tx, user_id: UUID, keep: UUID | None = None) -> None:
    """End the sessions that the account has on the server, but for `keep`."""
    open_ones = update(UserSession).where(UserSession.user_id == user_id, UserSession.ended_at.is_(None))
    if keep is not None:
        open_ones = open_ones.where(UserSession.id != keep)
    tx.session.execute(open_ones.values(ended_at=tx.now))


def record_user(tx: Tx, change: Change | None) -> None:
    """Record a change of an account, without password hashes: the history keeps what it is given for ever."""
    if change is not None:
        old, new = (
            None if fields is None else {name: value for name, value in fields.items() if name != "password_hash"}
            for fields in (change.old, change.new)
        )
        tx.record(replace(change, old=old, new=new))


def known_phrases(session: Session, name: str, email: str) -> list[str]:
    """What an attacker knows of a person here: the names of the clinic and of the person, and the e-mail."""
    clinic = find_clinic(session)
    return [name, email, clinic.name if clinic else ""]


def _find(session: Session, user_id: UUID, version: int | None = None) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("user_not_found")
    if version is not None and user.version != version:
        raise Conflict("changed_meanwhile")
    return user


def _free_email(session: Session, email: str, owner: UUID | None) -> str:
    folded = check_email(email)
    holder = session.scalar(select(User.id).where(User.email == folded))
    if holder not in (None, owner):
        raise Conflict("email_taken")
    return folded


def _active_administrators(session: Session) -> int:
    administrators = select(func.count()).select_from(User).where(User.role == Role.ADMINISTRATOR.value, User.active)
    return session.scalar(administrators) or 0


def _keep_an_administrator(session: Session, user: User) -> None:
    if user.active and user.role == Role.ADMINISTRATOR and _active_administrators(session) == 1:
        raise Conflict("last_administrator")
