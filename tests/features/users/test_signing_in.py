"""Signing in: who gets in, who is told what, and when an account is locked at a desk."""

from __future__ import annotations

import json
from datetime import timedelta

import bcrypt
import pytest
from sqlalchemy import select, text

from clinicdesk.core.errors import InvalidInput, NotPermitted
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.users import passwords, service
from clinicdesk.features.users.schemas import (
    ChangePassword,
    SignedIn,
    SignIn,
    SignInLocked,
    SignInRefused,
    UserRow,
)
from tests.conftest import Hands
from tests.features.users.conftest import PASSWORD

NEW_PASSWORD = "nine green kites over Ulm"
WRONG = "eight quiet boats at noon"


def sign_in(db: Database, email: str, password: str = PASSWORD, desk: str = "Desk 1") -> SignedIn:
    return service.authenticate(db, SignIn(email, password, desk))


def fail(db: Database, email: str, times: int, desk: str = "Desk 1") -> None:
    for _ in range(times):
        with pytest.raises(SignInRefused):
            sign_in(db, email, WRONG, desk)


def audited(db: Database) -> list[tuple[str, str, str, str]]:
    """Verb, outcome, note and actor of everything audited, oldest first."""
    with db.engine.connect() as connection:
        rows = connection.execute(
            select(AuditEntry.verb, AuditEntry.outcome, AuditEntry.detail, AuditEntry.actor_name).order_by(
                AuditEntry.seq
            )
        ).all()
    return [(verb, outcome, json.loads(detail).get("note", ""), actor) for verb, outcome, detail, actor in rows]


def test_whoever_has_the_password_gets_in(clinic: Database, reyes: UserRow, clock: Hands) -> None:
    signed = sign_in(clinic, " SAM.reyes@harbour.example")
    assert signed.actor == Actor(reyes.id, Role.RECEPTIONIST, "Sam Reyes", "Desk 1")
    assert (signed.user.id, signed.user.last_seen_at, signed.user.version) == (reyes.id, clock.now, reyes.version)
    with clinic.read(signed.actor) as tx:
        assert practitioners.clinic(tx).name == "Harbour Street Clinic"
    assert audited(clinic)[-1] == ("users.sign_in", "ok", "", "Sam Reyes")


def test_a_sign_in_within_one_unit_of_work_is_the_same(clinic: Database, reyes: UserRow) -> None:
    nobody = Actor(None, Role.NOBODY)
    with clinic.write(nobody) as tx:
        assert service.sign_in(tx, SignIn(reyes.email, PASSWORD, "Desk 1")).user.id == reyes.id
    with pytest.raises(SignInRefused), clinic.write(nobody) as tx:
        service.sign_in(tx, SignIn(reyes.email, WRONG, "Desk 1"))
    assert audited(clinic)[-1][:3] == ("users.sign_in", "failed", "wrong_password")


def test_a_colleague_takes_over_the_desk(clinic: Database, reyes: UserRow, okafor: UserRow) -> None:
    assert sign_in(clinic, reyes.email).actor.user_id == reyes.id
    assert sign_in(clinic, okafor.email).actor.user_id == okafor.id


def test_nobody_is_told_what_was_wrong_but_the_audit_knows(clinic: Database, reyes: UserRow, chief: Actor) -> None:
    with pytest.raises(SignInRefused) as wrong:
        sign_in(clinic, reyes.email, WRONG)
    with pytest.raises(SignInRefused) as unknown:
        sign_in(clinic, "my secret typed here", WRONG)
    with clinic.write(chief) as tx:
        service.set_active(tx, reyes.id, reyes.version, False)
    with pytest.raises(SignInRefused) as off:
        sign_in(clinic, reyes.email)
    assert wrong.value.reason == unknown.value.reason == off.value.reason == "sign_in_refused"
    assert wrong.value.params == unknown.value.params == off.value.params == {}
    failures = [note for verb, outcome, note, _ in audited(clinic) if (verb, outcome) == ("users.sign_in", "failed")]
    assert failures == ["wrong_password", "unknown_account", "account_off"]
    with clinic.engine.connect() as connection:
        assert "my secret" not in str(connection.execute(select(AuditEntry.__table__)).all())


def test_an_unknown_account_costs_as_much_work(
    clinic: Database, reyes: UserRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[bytes] = []
    check = bcrypt.checkpw

    def counted(typed: bytes, stored: bytes) -> bool:
        checked.append(stored)
        return check(typed, stored)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    for email in (reyes.email, "nobody@harbour.example"):
        fail(clinic, email, 1)
    assert [stored[:7] for stored in checked] == [b"$2b$04$", b"$2b$04$"]


def test_a_very_long_password_is_refused_and_no_error(clinic: Database, reyes: UserRow) -> None:
    with pytest.raises(SignInRefused):
        sign_in(clinic, reyes.email, "x" * 1000)
    with pytest.raises(InvalidInput, match="password_too_long"):
        sign_in(clinic, reyes.email, "x" * 1001)


def test_five_failures_lock_the_account_at_that_desk_for_longer_each_time(
    clinic: Database, reyes: UserRow, clock: Hands
) -> None:
    for minutes in (15, 30, 60, 120):
        fail(clinic, reyes.email, 4)
        with pytest.raises(SignInLocked) as locked:
            sign_in(clinic, reyes.email, WRONG)
        until = clock.now + timedelta(minutes=minutes)
        assert locked.value.params == {"until": until}
        clock.now = until - timedelta(seconds=1)
        with pytest.raises(SignInLocked):
            sign_in(clinic, reyes.email)  # the right password does not help
        clock.now = until
    assert sign_in(clinic, reyes.email).user.id == reyes.id
    fail(clinic, reyes.email, 4)
    with pytest.raises(SignInLocked) as locked:
        sign_in(clinic, reyes.email, WRONG)
    assert locked.value.params == {"until": clock.now + timedelta(minutes=15)}  # a success starts over
    notes = [note for _, outcome, note, _ in audited(clinic) if outcome == "failed"]
    assert notes[:6] == ["wrong_password"] * 5 + ["locked_for_15_min"]
    assert notes[6] == "locked"


def test_a_success_forgets_the_failures(clinic: Database, reyes: UserRow) -> None:
    for _ in range(3):
        fail(clinic, reyes.email, 4)
        sign_in(clinic, reyes.email)


def test_strangers_cannot_lock_out_a_desk(clinic: Database, reyes: UserRow, okafor: UserRow) -> None:
    fail(clinic, reyes.email, 4, desk="Elsewhere")
    for _ in range(20):
        with pytest.raises(SignInLocked):
            sign_in(clinic, reyes.email, WRONG, desk="Elsewhere")
    assert sign_in(clinic, reyes.email).user.id == reyes.id
    assert sign_in(clinic, okafor.email, desk="Elsewhere").user.id == okafor.id


def test_an_account_that_does_not_exist_locks_like_any_other(clinic: Database) -> None:
    fail(clinic, "nobody@harbour.example", 4)
    with pytest.raises(SignInLocked):
        sign_in(clinic, "nobody@harbour.example", WRONG)


def test_the_person_at_a_locked_screen_comes_back_with_their_password(clinic: Database, reyes: UserRow) -> None:
    actor = sign_in(clinic, reyes.email).actor
    assert service.unlock_screen(clinic, actor, PASSWORD).id == reyes.id
    for _ in range(4):
        with pytest.raises(SignInRefused):
            service.unlock_screen(clinic, actor, WRONG)
    with pytest.raises(SignInLocked), clinic.write(actor) as tx:
        service.unlock(tx, WRONG)
    with pytest.raises(SignInLocked):
        service.unlock_screen(clinic, actor, PASSWORD)
    with pytest.raises(SignInLocked):
        sign_in(clinic, reyes.email)  # the same account at the same desk
    assert ("users.unlock", "failed", "wrong_password", "Sam Reyes") in audited(clinic)


def test_signing_out_is_audited(clinic: Database, reyes: UserRow) -> None:
    actor = sign_in(clinic, reyes.email).actor
    with clinic.write(actor) as tx:
        service.sign_out(tx)
    assert audited(clinic)[-1] == ("users.sign_out", "ok", "", "Sam Reyes")


@pytest.mark.parametrize("prepared", [True, False])
def test_people_change_their_own_password(clinic: Database, reyes: UserRow, prepared: bool) -> None:
    actor = sign_in(clinic, reyes.email).actor
    change = ChangePassword(PASSWORD, NEW_PASSWORD)
    if prepared:
        changed = service.replace_password(clinic, actor, change)
    else:
        with clinic.write(actor) as tx:
            changed = service.change_password(tx, change)
    assert changed.must_change_password is False
    with pytest.raises(SignInRefused):
        sign_in(clinic, reyes.email, PASSWORD)
    assert sign_in(clinic, reyes.email, NEW_PASSWORD).user.id == reyes.id


def test_a_new_password_is_another_one_and_hard_to_guess(clinic: Database, reyes: UserRow) -> None:
    actor = sign_in(clinic, reyes.email).actor
    for new, code in (
        (PASSWORD, "password_same"),
        ("too short", "password_too_short"),
        ("Harbour Street Clinic 1", "password_guessable"),
        ("x" * 2000, "password_too_long"),
    ):
        with pytest.raises(InvalidInput, match=code):
            service.replace_password(clinic, actor, ChangePassword(PASSWORD, new))
    with pytest.raises(SignInRefused):
        service.replace_password(clinic, actor, ChangePassword(WRONG, NEW_PASSWORD))
    assert sign_in(clinic, reyes.email).user.id == reyes.id


def test_what_was_prepared_does_not_outlive_the_password(clinic: Database, reyes: UserRow) -> None:
    actor = sign_in(clinic, reyes.email).actor
    with clinic.engine.connect() as connection:
        stored = connection.scalar(text('SELECT password_hash FROM "user" WHERE id = :id'), {"id": reyes.id.hex})
    prepared = passwords.prepare(stored, PASSWORD)
    assert prepared.fits
    service.replace_password(clinic, actor, ChangePassword(PASSWORD, NEW_PASSWORD))
    with pytest.raises(SignInRefused), clinic.write(Actor(None, Role.NOBODY)) as tx:
        service.sign_in(tx, SignIn(reyes.email, PASSWORD, "Desk 1"), prepared)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.NOBODY])
def test_who_has_no_account_has_no_password(clinic: Database, role: Role) -> None:
    actor = Actor(None, role)
    with pytest.raises(NotPermitted):
        service.unlock_screen(clinic, actor, PASSWORD)
    with pytest.raises(NotPermitted):
        service.replace_password(clinic, actor, ChangePassword(PASSWORD, NEW_PASSWORD))
