"""Accounts that people open by themselves: registering, proving an e-mail address, and a new password for a lost one.

No answer says whether an account exists; the mail that goes to its owner does.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete, select

from clinicdesk.core.clinic import find_clinic
from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission, Role
from clinicdesk.core.smtp import Mail
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Action, Actor, Change, Database, Tx, verb
from clinicdesk.features.users import mail
from clinicdesk.features.users.accounts import known_phrases, record_user, row_of, set_password
from clinicdesk.features.users.models import MailedLink, SignInFailure, User
from clinicdesk.features.users.passwords import hash_password
from clinicdesk.features.users.rules import RESET, VERIFY, account_key, check_email, check_password, fold_email
from clinicdesk.features.users.schemas import Register, UserRow

_LASTS = {VERIFY: timedelta(days=3), RESET: timedelta(hours=1)}


def open_account(database: Database, actor: Actor, request: Register, site: str) -> Mail:
    """Open a patient's account, as `register` does; the slow work on the password is done before the unit of work."""
    hashed = hash_password(request.password)
    with database.write(actor) as tx:
        return register(tx, request, hashed, site)


@verb(Permission.SIGN_IN)
def register(tx: Tx, request: Register, hashed: str, site: str) -> Mail:
    """Open a patient's account with this hashed password; gives the mail that has to go out. `site` begins its link.

    Where there is an account with this e-mail nothing changes, and the mail says so. Raises InvalidInput.
    """
    given = one_line(request.given_name, "given_name", 60, required=True)
    family = one_line(request.family_name, "family_name", 59, required=True)
    email = check_email(request.email)
    check_password(request.password, known_phrases(tx.session, f"{given} {family}", email))
    known = tx.session.scalar(select(User).where(User.email == email))
    if known is not None:
        tx.record(Change("user", known.id, Action.EXECUTE, note="registered_before"))
        return mail.already_registered(email, _clinic(tx), f"{site}/forgot")
    user = User(
        id=new_id(), version=1, email=email, name=f"{given} {family}", role=Role.PATIENT.value, password_hash=hashed,
        must_change_password=False, practitioner_id=None, active=True, created_at=tx.now, last_seen_at=None,
        patient_id=None, email_verified_at=None,
    )  # fmt: skip
    tx.session.add(user)
    record_user(tx, Change.created(user))
    tx.session.flush()
    return _ask_to_verify(tx, user, site)


@verb(Permission.SIGN_IN)
def send_verification(tx: Tx, email: str, site: str) -> Mail | None:
    """The mail that asks once more to confirm an address; None where there is nothing to confirm."""
    user = tx.session.scalar(select(User).where(User.email == fold_email(email), User.active))
    if user is None or user.email_verified_at is not None:
        return None
    return _ask_to_verify(tx, user, site)


@verb(Permission.SIGN_IN)
def verify_email(tx: Tx, token: str) -> None:
    """Note that whoever sent this token reads the account's mail. Raises InvalidInput("link_not_right")."""
    user = _take_link(tx, token, VERIFY)
    user.email_verified_at = tx.now
    record_user(tx, Change.updated(user))
    tx.session.flush()


@verb(Permission.SIGN_IN)
def forgot_password(tx: Tx, email: str, site: str) -> Mail | None:
    """The mail by which a lost password is replaced; None where there is no such account."""
    user = tx.session.scalar(select(User).where(User.email == fold_email(email), User.active))
    if user is None:
        return None
    return mail.password_reset(user.email, _clinic(tx), f"{site}/reset?token={_new_link(tx, user, RESET)}")


def choose_password(database: Database, actor: Actor, token: str, new: str) -> UserRow:
    """Replace a lost password, as `replace_lost_password` does; the slow work is done before the unit of work."""
    hashed = hash_password(new)
    with database.write(actor) as tx:
        return replace_lost_password(tx, token, new, hashed)


@verb(Permission.SIGN_IN)
def replace_lost_password(tx: Tx, token: str, new: str, hashed: str) -> UserRow:
    """Set a new password (and its hash) by a mailed link, lift the account's locks and end its sessions.

    Raises InvalidInput("link_not_right", "password_…").
    """
    user = _take_link(tx, token, RESET)
    check_password(new, known_phrases(tx.session, user.name, user.email))
    user.email_verified_at = user.email_verified_at or tx.now
    set_password(tx, user, hashed, must_change=False)
    tx.session.execute(delete(SignInFailure).where(SignInFailure.account == account_key(user.email)))
    tx.session.execute(delete(MailedLink).where(MailedLink.user_id == user.id))
    return row_of(user)


def _ask_to_verify(tx: Tx, user: User, site: str) -> Mail:
    return mail.verification(user.email, _clinic(tx), f"{site}/verify?token={_new_link(tx, user, VERIFY)}")


def _new_link(tx: Tx, user: User, purpose: str) -> str:
    """A token that works once, in place of earlier ones for the same purpose."""
    tx.session.execute(delete(MailedLink).where(MailedLink.user_id == user.id, MailedLink.purpose == purpose))
    token = secrets.token_urlsafe(32)
    link = MailedLink(
        token_hash=_hash(token), user_id=user.id, purpose=purpose, email=user.email, expires_at=tx.now + _LASTS[purpose]
    )
    tx.session.add(link)
    tx.record(Change("user", user.id, Action.EXECUTE, note=f"link_to_{purpose}"))
    tx.session.flush()
    return token


def _take_link(tx: Tx, token: str, purpose: str) -> User:
    link = tx.session.get(MailedLink, _hash(token))
    user = tx.session.get(User, link.user_id) if link is not None else None
    if link is None or link.purpose != purpose or tx.now >= link.expires_at:
        raise InvalidInput("link_not_right", field="token")
    if user is None or not user.active or user.email != link.email:
        raise InvalidInput("link_not_right", field="token")
    tx.session.delete(link)
    tx.session.flush()
    return user


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _clinic(tx: Tx) -> str:
    clinic = find_clinic(tx.session)
    return clinic.name if clinic else "ClinicDesk"
