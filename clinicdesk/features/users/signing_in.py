"""Signing in and out, unlocking a screen, changing one's own password; wrong passwords are counted and lock, desk by desk.

Checking a password takes a quarter of a second by design. `authenticate`, `unlock_screen` and `replace_password` spend it
between a short read and a short write, so that no other desk waits; the verbs that they call check for themselves where
nothing was prepared, or where the password was changed in between.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from clinicdesk.core.clinic import find_clinic
from clinicdesk.core.errors import InvalidInput, NotPermitted
from clinicdesk.core.permissions import Permission, Role
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Action, Actor, Change, Database, Tx, verb
from clinicdesk.features.users.accounts import known_phrases, row_of, set_password
from clinicdesk.features.users.models import SignInFailure, User
from clinicdesk.features.users.passwords import MOST_CHARACTERS, Prepared, hash_password, prepare
from clinicdesk.features.users.rules import account_key, check_password, fold_email, lock_length
from clinicdesk.features.users.schemas import (
    ChangePassword,
    OwnPasswordWrong,
    SignedIn,
    SignIn,
    SignInLocked,
    SignInRefused,
    UserRow,
)

_FAILURES = 5
_LOCK_MINUTES = 15


def authenticate(database: Database, request: SignIn) -> SignedIn:
    """Sign in at a desk (also at one where somebody else is signed in: a quick switch).

    Raises SignInRefused, SignInLocked, InvalidInput("password_too_long") above 1,000 characters.
    """
    nobody = Actor(None, Role.NOBODY, desk=one_line(request.desk, "desk", 60))
    email = fold_email(request.email)
    with database.read(nobody) as tx:
        stored = tx.session.scalar(select(User.password_hash).where(User.email == email))
        locked = locked_until(tx, account_key(email)) is not None
    prepared = None if locked else prepare(stored, request.password)
    with database.write(nobody) as tx:
        return sign_in(tx, request, prepared)


def unlock_screen(database: Database, actor: Actor, password: str) -> UserRow:
    """Let the signed-in person back to their locked screen. Raises as `unlock` does."""
    prepared = prepare_own(database, actor, password)
    with database.write(actor) as tx:
        return unlock(tx, password, prepared)


def replace_password(
    database: Database, actor: Actor, request: ChangePassword, session_id: UUID | None = None
) -> UserRow:
    """Change the signed-in person's own password. Raises as `change_password` does."""
    if len(request.current) > MOST_CHARACTERS:
        raise InvalidInput("password_too_long", field="current", most=MOST_CHARACTERS)
    prepared = prepare_own(database, actor, request.current, request.new)
    with database.write(actor) as tx:
        return change_password(tx, request, prepared, session_id)


def prepare_own(database: Database, actor: Actor, typed: str, new: str = "") -> Prepared | None:
    """Check the signed-in person's own password, and hash a new one, ahead of the unit of work that needs it.

    None where there is nothing to check. Raises InvalidInput("password_too_long").
    """
    with database.read(actor) as tx:
        own = tx.session.execute(select(User.email, User.password_hash).where(User.id == actor.user_id)).one_or_none()
        if own is None or locked_until(tx, account_key(own.email)) is not None:
            return None
    return prepare(own.password_hash, typed, new)


@verb(Permission.SIGN_IN)
def sign_in(tx: Tx, request: SignIn, prepared: Prepared | None = None) -> SignedIn:
    """Sign in within this unit of work, which belongs to the person from then on. Raises as `authenticate` does."""
    desk = one_line(request.desk, "desk", 60)
    tx.actor = Actor(None, Role.NOBODY, desk=desk)
    email = fold_email(request.email)
    user = tx.session.scalar(select(User).where(User.email == email))
    user = _prove(tx, account_key(email), user, request.password, prepared)
    tx.actor = Actor(user.id, Role(user.role), user.name, desk)
    _seen(tx, user)
    return SignedIn(row_of(user), tx.actor)


@verb(Permission.SIGN_IN)
def sign_out(tx: Tx) -> None:
    """Say that the person leaves the desk."""
    tx.record(Change("user", tx.actor.user_id, Action.EXECUTE))


@verb(Permission.SIGN_IN)
def unlock(tx: Tx, password: str, prepared: Prepared | None = None) -> UserRow:
    """Check the password of the person who is signed in, whose screen is locked.

    Raises OwnPasswordWrong, SignInLocked, InvalidInput("password_too_long"); NotPermitted where nobody is signed in.
    """
    user = prove_own(tx, password, prepared)
    _seen(tx, user)
    return row_of(user)


@verb(Permission.SIGN_IN, owing=True)
def change_password(
    tx: Tx, request: ChangePassword, prepared: Prepared | None = None, session_id: UUID | None = None
) -> UserRow:
    """Change one's own password, which ends one's sessions on the server but for this one.

    Raises OwnPasswordWrong, SignInLocked for a wrong `current`; InvalidInput("password_same", "password_…") for the new one;
    NotPermitted where nobody is signed in.
    """
    user = prove_own(tx, request.current, prepared)
    if request.new == request.current:
        raise InvalidInput("password_same", field="password")
    check_password(request.new, known_phrases(tx.session, user.name, user.email))
    ready = prepared is not None and prepared.stored == user.password_hash and prepared.new_hash
    set_password(tx, user, ready or hash_password(request.new), must_change=False, keep=session_id)
    return row_of(user)


def prove_own(tx: Tx, password: str, prepared: Prepared | None) -> User:
    """The signed-in person, if the password is theirs; within a verb that asks for it again. A wrong one is counted.

    Raises OwnPasswordWrong, SignInLocked, InvalidInput("password_too_long"); NotPermitted where nobody is signed in.
    """
    user = None if tx.actor.user_id is None else tx.session.get(User, tx.actor.user_id)
    if user is None:
        raise NotPermitted(verb=tx.verb)
    return _prove(tx, account_key(user.email), user, password, prepared, OwnPasswordWrong)


def _prove(
    tx: Tx,
    account: str,
    user: User | None,
    password: str,
    prepared: Prepared | None,
    refusal: type[SignInRefused] = SignInRefused,
) -> User:
    """The user, if the password is theirs, the account is on and not locked here. Everything else is counted and refused."""
    user_id = user.id if user is not None else None
    until = locked_until(tx, account)
    if until is not None:
        tx.record(Change("user", user_id, Action.EXECUTE, note="locked"))
        raise SignInLocked(until=until)
    stored = user.password_hash if user is not None else None
    if prepared is None or prepared.stored != stored:
        prepared = prepare(stored, password)
    failed = tx.session.get(SignInFailure, (account, tx.actor.desk))
    if user is not None and user.active and prepared.fits:
        if failed is not None:
            tx.session.delete(failed)
        return user
    note = "unknown_account" if user is None else "account_off" if prepared.fits else "wrong_password"
    tx.record(Change("user", user_id, Action.EXECUTE, note=note))
    if failed is None:
        failed = SignInFailure(account=account, desk=tx.actor.desk, failures=0, locks=0, locked_until=None)
        tx.session.add(failed)
    count_failure(tx, failed, user_id)
    raise refusal()


def count_failure(tx: Tx, failed: SignInFailure, user_id: UUID | None) -> None:
    """One failure more; enough of them lock the account at this desk, each time for twice as long."""
    clinic = find_clinic(tx.session)
    failed.failures += 1
    if failed.failures < (clinic.lockout_failures if clinic else _FAILURES):
        return
    length = lock_length(clinic.lockout_minutes if clinic else _LOCK_MINUTES, failed.locks)
    failed.failures, failed.locks, failed.locked_until = 0, failed.locks + 1, tx.now + length
    tx.record(Change("user", user_id, Action.EXECUTE, note=f"locked_for_{length // timedelta(minutes=1)}_min"))
    raise SignInLocked(until=failed.locked_until)


def locked_until(tx: Tx, account: str, desk: str | None = None) -> datetime | None:
    """The end of the lock on the account at a desk (None: the actor's); None where there is none (any more)."""
    place = tx.actor.desk if desk is None else desk
    until = tx.session.scalar(
        select(SignInFailure.locked_until).where(SignInFailure.account == account, SignInFailure.desk == place)
    )
    return until if until is not None and tx.now < until else None


def _seen(tx: Tx, user: User) -> None:
    """Note when the person was here last: neither a new version of the account nor history, but it is audited."""
    user.last_seen_at = tx.now
    tx.session.flush()
    tx.record(Change("user", user.id, Action.EXECUTE))
