"""Accounts: who is added, changed and turned off, and that what is off stops at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from clinicdesk.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Committed, Database
from clinicdesk.features.users import service
from clinicdesk.features.users.schemas import AddUser, EditUser, SignIn, SignInLocked, SignInRefused, UserRow
from tests.features.users.conftest import PASSWORD

NEW_PASSWORD = "nine green kites over Ulm"


def edit_of(user: UserRow) -> EditUser:
    return EditUser(user.id, user.version, user.email, user.name, user.role, user.practitioner_id)


def actor_of(user: UserRow) -> Actor:
    return Actor(user.id, user.role, user.name, "Desk 1")


def test_the_first_administrator_comes_from_the_operator(clinic: Database, operator: Actor) -> None:
    with clinic.write(operator) as tx:
        assert not service.has_administrator(tx)
        service.add_user(tx, AddUser("Ada@Harbour.example", "Ada  Okafor", Role.ADMINISTRATOR, PASSWORD))
        assert service.has_administrator(tx)
        [user] = service.list_users(tx)
    assert (user.email, user.name, user.active) == ("ada@harbour.example", "Ada Okafor", True)


def test_the_accounts_are_listed_by_name(clinic: Database, chief: Actor, reyes: UserRow) -> None:
    with clinic.write(chief) as tx:
        off = service.set_active(tx, reyes.id, reyes.version, False)
        assert [user.name for user in service.list_users(tx)] == ["Ada Okafor", "Sam Reyes"]
        assert [user.name for user in service.list_users(tx, include_inactive=False)] == ["Ada Okafor"]
    assert (off.active, off.version) == (False, reyes.version + 1)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": " "}, "empty"),
        ({"email": "nobody"}, "email_not_right"),
        ({"role": Role.OPERATOR}, "role_not_for_accounts"),
        ({"role": Role.NOBODY}, "role_not_for_accounts"),
        ({"password": "short"}, "password_too_short"),
        ({"password": "Kim Park kim.park"}, "password_guessable"),
    ],
)
def test_an_account_that_cannot_be_is_refused(
    clinic: Database, chief: Actor, change: dict[str, object], code: str
) -> None:
    kim = AddUser("kim.park@harbour.example", "Kim Park", Role.NURSE, PASSWORD)
    with pytest.raises(InvalidInput, match=code), clinic.write(chief) as tx:
        service.add_user(tx, replace(kim, **change))  # type: ignore[arg-type]


def test_an_email_belongs_to_one_account(clinic: Database, chief: Actor, reyes: UserRow) -> None:
    with pytest.raises(Conflict, match="email_taken"), clinic.write(chief) as tx:
        service.add_user(tx, AddUser("SAM.REYES@harbour.example", "Another", Role.NURSE, PASSWORD))
    with pytest.raises(Conflict, match="email_taken"), clinic.write(chief) as tx:
        service.edit_user(tx, replace(edit_of(reyes), email="ada@harbour.example"))


def test_an_account_is_changed_on_the_version_that_was_seen(clinic: Database, chief: Actor, reyes: UserRow) -> None:
    with clinic.write(chief) as tx:
        edited = service.edit_user(tx, replace(edit_of(reyes), name="Sam Reyes-Cole"))
        assert service.edit_user(tx, edit_of(edited)) == edited
    assert (edited.name, edited.version) == ("Sam Reyes-Cole", reyes.version + 1)
    with pytest.raises(Conflict, match="changed_meanwhile"), clinic.write(chief) as tx:
        service.edit_user(tx, edit_of(reyes))
    with pytest.raises(NotFound, match="user_not_found"), clinic.write(chief) as tx:
        service.edit_user(tx, replace(edit_of(reyes), id=new_id()))


def test_the_last_administrator_stays(clinic: Database, chief: Actor, okafor: UserRow, reyes: UserRow) -> None:
    with pytest.raises(Conflict, match="last_administrator"), clinic.write(chief) as tx:
        service.set_active(tx, okafor.id, okafor.version, False)
    with pytest.raises(Conflict, match="last_administrator"), clinic.write(chief) as tx:
        service.edit_user(tx, replace(edit_of(okafor), role=Role.DOCTOR))
    with clinic.write(chief) as tx:
        promoted = service.edit_user(tx, replace(edit_of(reyes), role=Role.ADMINISTRATOR))
        off = service.set_active(tx, okafor.id, okafor.version, False)
    with pytest.raises(Conflict, match="last_administrator"), clinic.write(actor_of(promoted)) as tx:
        service.set_active(tx, promoted.id, promoted.version, False)
    with clinic.write(actor_of(promoted)) as tx:
        service.set_active(tx, okafor.id, off.version, False)  # off already
        service.set_active(tx, okafor.id, off.version, True)


def test_whose_account_is_turned_off_can_do_nothing_more(clinic: Database, chief: Actor, reyes: UserRow) -> None:
    actor = actor_of(reyes)
    with clinic.read(actor):
        pass
    with clinic.write(chief) as tx:
        service.set_active(tx, reyes.id, reyes.version, False)
    with pytest.raises(NotPermitted, match="account_off"), clinic.read(actor):
        pytest.fail("it opened")
    with pytest.raises(NotPermitted, match="account_off"), clinic.write(actor):
        pytest.fail("it opened")


def test_whose_role_was_changed_signs_in_again(clinic: Database, chief: Actor, reyes: UserRow) -> None:
    with clinic.write(chief) as tx:
        service.edit_user(tx, replace(edit_of(reyes), role=Role.NURSE))
    with pytest.raises(NotPermitted, match="account_off"), clinic.read(actor_of(reyes)):
        pytest.fail("it opened")
    actor = service.authenticate(clinic, SignIn(reyes.email, PASSWORD, "Desk 1")).actor
    assert actor.role is Role.NURSE
    with clinic.read(actor):
        pass


def test_nobody_acts_without_an_account_or_under_one_that_does_not_exist(clinic: Database) -> None:
    for actor in (Actor(None, Role.ADMINISTRATOR), Actor(new_id(), Role.ADMINISTRATOR), Actor(new_id(), Role.NOBODY)):
        with pytest.raises(NotPermitted, match="account_off"), clinic.read(actor):
            pytest.fail("it opened")


def test_a_reset_password_is_to_be_changed_and_lifts_the_locks(clinic: Database, chief: Actor, reyes: UserRow) -> None:
    for _ in range(5):
        with pytest.raises((SignInRefused, SignInLocked)):
            service.authenticate(clinic, SignIn(reyes.email, "x", "Desk 1"))
    with clinic.write(chief) as tx:
        assert service.reset_password(tx, reyes.id, NEW_PASSWORD).must_change_password
    assert service.authenticate(clinic, SignIn(reyes.email, NEW_PASSWORD, "Desk 1")).user.must_change_password
    with pytest.raises(InvalidInput, match="password_too_short"), clinic.write(chief) as tx:
        service.reset_password(tx, reyes.id, "short")


def test_no_password_and_no_hash_reaches_history_audit_or_listeners(
    clinic: Database, chief: Actor, reyes: UserRow
) -> None:
    told: list[Committed] = []
    clinic.listeners.append(told.append)
    with clinic.write(chief) as tx:
        service.reset_password(tx, reyes.id, NEW_PASSWORD)
    assert [t.entities for t in told] == [{"user"}]
    assert "$2b$" not in repr([t.changes for t in told])
    with clinic.engine.connect() as connection:
        hashes = connection.execute(text('SELECT password_hash FROM "user"')).scalars().all()
        kept = str(connection.execute(text("SELECT old, new FROM history_entry")).all())
        kept += str(connection.execute(text("SELECT detail FROM audit_entry")).all())
    assert all(stored.startswith("$2b$") for stored in hashes)
    assert "$2b$" not in kept
    assert '"note":"password"' in kept
