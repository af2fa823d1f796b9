"""The second factor of administrators and doctors: codes of an authenticator (RFC 6238) and recovery codes, each good once."""

from __future__ import annotations

import base64
import hmac
import secrets
from hashlib import sha256
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import delete, select

from clinicdesk.core.clinic import find_clinic
from clinicdesk.core.database import derive_key
from clinicdesk.core.errors import Conflict, NotPermitted
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.users.accounts import ensure_not_own
from clinicdesk.features.users.models import RecoveryCode, SecondFactor, SignInFailure, User
from clinicdesk.features.users.passwords import Prepared
from clinicdesk.features.users.schemas import CodeWrong, Enrolment, SignInLocked, SignInRefused
from clinicdesk.features.users.signing_in import count_failure, locked_until, prove_own

STEP_SECONDS = 30
_DIGITS = 6
_RECOVERY_CODES = 10
_COUNTED_AT = "second factor"
"""Wrong codes count for the account wherever they are typed: whoever gets to type one has the password."""


@verb(Permission.USE_SECOND_FACTOR)
def enrol(tx: Tx, password: str, prepared: Prepared | None = None) -> Enrolment:
    """Begin to set up an authenticator, with one's password again; it counts once `confirm` has seen a code of it.

    So whoever has found a desk open, or a token, cannot make the account theirs. Raises Conflict("second_factor_on"),
    OwnPasswordWrong, SignInLocked, InvalidInput("password_too_long").
    """
    user = prove_own(tx, password, prepared)
    factor = tx.session.get(SecondFactor, user.id)
    if factor is not None and factor.confirmed_at is not None:
        raise Conflict("second_factor_on")
    if factor is None:
        factor = SecondFactor(user_id=user.id, nonce=b"", confirmed_at=None, last_step=0)
        tx.session.add(factor)
    factor.nonce = secrets.token_bytes(16)
    tx.record(Change("second_factor", user.id, Action.EXECUTE))
    tx.session.flush()
    secret = base64.b32encode(_secret(tx, factor)).decode()
    clinic = find_clinic(tx.session)
    issuer = quote(clinic.name if clinic else "ClinicDesk")
    return Enrolment(secret, f"otpauth://totp/{issuer}:{quote(user.email)}?secret={secret}&issuer={issuer}")


@verb(Permission.USE_SECOND_FACTOR)
def confirm(tx: Tx, code: str) -> list[str]:
    """Turn the second factor on by a first code of it; gives ten recovery codes, which are shown this once.

    Wrong ones are counted, and lock. Raises Conflict("second_factor_off", "second_factor_on"), CodeWrong, SignInLocked.
    """
    factor = tx.session.get(SecondFactor, _own(tx).id)
    if factor is None:
        raise Conflict("second_factor_off")
    if factor.confirmed_at is not None:
        raise Conflict("second_factor_on")
    failed = _failed(tx, factor.user_id)
    if not _take_from_authenticator(tx, factor, code):
        _count(tx, factor.user_id, failed)
        raise CodeWrong(field="code")
    if failed is not None:
        tx.session.delete(failed)
    factor.confirmed_at = tx.now
    tx.record(Change("second_factor", factor.user_id, Action.EXECUTE, note="on"))
    return _new_recovery_codes(tx, factor.user_id)


@verb(Permission.USE_SECOND_FACTOR)
def disable(tx: Tx, code: str) -> None:
    """Turn one's second factor off, by a code of it. Raises Conflict("second_factor_off"), SignInRefused, SignInLocked."""
    user = _own(tx)
    if not has_second_factor(tx, user.id):
        raise Conflict("second_factor_off")
    take_code(tx, user.id, code)
    _remove(tx, user.id)


@verb(Permission.USE_SECOND_FACTOR)
def renew_recovery_codes(tx: Tx, password: str, code: str, prepared: Prepared | None = None) -> list[str]:
    """Ten new recovery codes in place of what is left of the old, by one's password and a code.

    Raises as `disable` does, OwnPasswordWrong, InvalidInput("password_too_long").
    """
    user = prove_own(tx, password, prepared)
    if not has_second_factor(tx, user.id):
        raise Conflict("second_factor_off")
    take_code(tx, user.id, code)
    return _new_recovery_codes(tx, user.id)


@verb(Permission.MANAGE_USERS)
def remove_second_factor(tx: Tx, user_id: UUID) -> None:
    """Turn off the second factor of somebody else who has lost it. Raises Conflict("own_account")."""
    ensure_not_own(tx, user_id)
    _remove(tx, user_id)


def has_second_factor(tx: Tx, user_id: UUID) -> bool:
    """Whether a sign-in of this account needs a code."""
    confirmed = select(SecondFactor.user_id).where(
        SecondFactor.user_id == user_id, SecondFactor.confirmed_at.is_not(None)
    )
    return tx.session.scalar(confirmed) is not None


def take_code(tx: Tx, user_id: UUID, code: str) -> None:
    """Take a code of the account's second factor. Each works once; wrong ones are counted, and lock.

    Raises SignInRefused("code_not_right"), SignInLocked.
    """
    failed = _failed(tx, user_id)
    factor = tx.session.get(SecondFactor, user_id, with_for_update=True)
    if factor is not None and (_take_from_authenticator(tx, factor, code) or _take_recovery_code(tx, user_id, code)):
        if failed is not None:
            tx.session.delete(failed)
        tx.record(Change("second_factor", user_id, Action.EXECUTE))
        tx.session.flush()
        return
    _count(tx, user_id, failed)
    raise SignInRefused("code_not_right")


def code_at(secret: bytes, step: int) -> str:
    """The code of an authenticator in the given 30 seconds since 1970."""
    digest = hmac.digest(secret, step.to_bytes(8), "sha1")
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def _failed(tx: Tx, user_id: UUID) -> SignInFailure | None:
    """The wrong codes of the account so far. Raises SignInLocked where there were too many."""
    account = _account(user_id)
    until = locked_until(tx, account, _COUNTED_AT)
    if until is not None:
        tx.record(Change("second_factor", user_id, Action.EXECUTE, note="locked"))
        raise SignInLocked(until=until)
    return tx.session.get(SignInFailure, (account, _COUNTED_AT))


def _count(tx: Tx, user_id: UUID, failed: SignInFailure | None) -> None:
    """One wrong code more. Raises SignInLocked where it is one too many."""
    tx.record(Change("second_factor", user_id, Action.EXECUTE, note="wrong_code"))
    if failed is None:
        failed = SignInFailure(account=_account(user_id), desk=_COUNTED_AT, failures=0, locks=0, locked_until=None)
        tx.session.add(failed)
    count_failure(tx, failed, user_id)


def _account(user_id: UUID) -> str:
    return sha256(f"second factor {user_id}".encode()).hexdigest()


def _take_from_authenticator(tx: Tx, factor: SecondFactor, code: str) -> bool:
    """Whether the code is that of now, or of the half minute before or after, and none that was taken before."""
    typed = code.replace(" ", "").encode()
    now = int(tx.now.timestamp()) // STEP_SECONDS
    for step in (now - 1, now, now + 1):
        if step > factor.last_step and hmac.compare_digest(code_at(_secret(tx, factor), step).encode(), typed):
            factor.last_step = step
            tx.session.flush()
            return True
    return False


def _take_recovery_code(tx: Tx, user_id: UUID, code: str) -> bool:
    found = tx.session.get(RecoveryCode, (user_id, _hash(code)))
    if found is not None:
        tx.session.delete(found)
    return found is not None


def _new_recovery_codes(tx: Tx, user_id: UUID) -> list[str]:
    tx.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = ["-".join(secrets.token_hex(2) for _ in range(5)) for _ in range(_RECOVERY_CODES)]
    tx.session.add_all(RecoveryCode(user_id=user_id, code_hash=_hash(code)) for code in codes)
    tx.record(Change("recovery_code", user_id, Action.EXECUTE))
    tx.session.flush()
    return codes


def _remove(tx: Tx, user_id: UUID) -> None:
    tx.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    tx.session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))
    tx.record(Change("second_factor", user_id, Action.EXECUTE, note="off"))


def _own(tx: Tx) -> User:
    user = None if tx.actor.user_id is None else tx.session.get(User, tx.actor.user_id)
    if user is None:
        raise NotPermitted(verb=tx.verb)
    return user


def _secret(tx: Tx, factor: SecondFactor) -> bytes:
    key = derive_key(tx.database.audit_key, "second factor")
    return hmac.digest(key, factor.user_id.bytes + factor.nonce, "sha256")[:20]


def _hash(code: str) -> bytes:
    return sha256("".join(c for c in code.lower() if c.isalnum()).encode()).digest()
