"""Desks are let in by a code that works once, known by their key, and cut off at their next call."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from clinicdesk.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.sync import service as sync
from clinicdesk.features.sync.models import EnrolmentCode
from clinicdesk.features.sync.schemas import DeviceQuery, DeviceRow, Enrol, MadeCode, MakeCode
from clinicdesk.features.users.schemas import NotSignedIn
from tests.conftest import Hands
from tests.features.sync.conftest import NOBODY, enrolled


@pytest.fixture
def administrator(people: dict[Role, Actor]) -> Actor:
    return people[Role.ADMINISTRATOR]


def code_for(db: Database, administrator: Actor, hours: int = 24) -> MadeCode:
    with db.write(administrator) as tx:
        return sync.make_code(tx, MakeCode("Front desk 2", (Role.RECEPTIONIST,), hours))


def enrol(db: Database, code: str, key: Ed25519PrivateKey) -> DeviceRow:
    with db.write(NOBODY) as tx:
        return sync.enrol(tx, Enrol(code, key.public_key().public_bytes_raw()))


def test_a_code_lets_one_desk_in(db: Database, administrator: Actor) -> None:
    made = code_for(db, administrator)
    row = enrol(db, made.code, Ed25519PrivateKey.generate())
    assert (row.name, row.roles, row.enrolled_by) == ("Front desk 2", (Role.RECEPTIONIST,), administrator.user_id)
    with pytest.raises(InvalidInput, match="enrolment_code_not_right"):
        enrol(db, made.code, Ed25519PrivateKey.generate())


def test_a_code_expires(db: Database, administrator: Actor, clock: Hands) -> None:
    made = code_for(db, administrator, hours=1)
    clock.now += timedelta(hours=1)
    with pytest.raises(InvalidInput, match="enrolment_code_not_right"):
        enrol(db, made.code, Ed25519PrivateKey.generate())


def test_the_database_does_not_give_the_code_away(db: Database, administrator: Actor) -> None:
    made = code_for(db, administrator)
    with db.engine.connect() as connection:
        kept = connection.execute(select(EnrolmentCode.code_hash)).scalar_one()
        told = connection.exec_driver_sql("SELECT new FROM history_entry WHERE entity = 'enrolment_code'").scalars()
        assert made.code not in "".join(map(str, told))
    assert made.code.encode() not in kept


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (MakeCode("", (Role.NURSE,)), "name"), (MakeCode("X", ()), "roles"), (MakeCode("X", (Role.PATIENT,)), "roles"),
        (MakeCode("X", (Role.OPERATOR,)), "roles"), (MakeCode("X", (Role.DEVICE,)), "roles"),
        (MakeCode("X", (Role.NURSE,), 0), "hours"), (MakeCode("X", (Role.NURSE,), 169), "hours"),
    ],
)  # fmt: skip
def test_a_code_for_nothing_is_not_made(db: Database, administrator: Actor, request_: MakeCode, field: str) -> None:
    with pytest.raises(InvalidInput) as refused, db.write(administrator) as tx:
        sync.make_code(tx, request_)
    assert refused.value.params["field"] == field


def test_one_key_is_one_desk(db: Database, administrator: Actor) -> None:
    key = Ed25519PrivateKey.generate()
    enrol(db, code_for(db, administrator).code, key)
    made = code_for(db, administrator)
    with pytest.raises(Conflict, match="device_known"):
        enrol(db, made.code, key)
    enrol(db, made.code, Ed25519PrivateKey.generate())  # the code is still good


def prove(db: Database, device: Actor, key: Ed25519PrivateKey, challenge: str) -> DeviceRow:
    assert device.device_id is not None
    with db.write(NOBODY) as tx:
        return sync.prove(tx, device.device_id, challenge, key.sign(sync.to_sign(challenge)))


def challenge(db: Database, device: Actor) -> str:
    assert device.device_id is not None
    return sync.challenge(db.audit_key, device.device_id, db.clock())


def test_whoever_has_the_key_is_the_desk(db: Database, administrator: Actor, clock: Hands) -> None:
    device, key = enrolled(db, administrator, "Desk 1", Role.NURSE)
    assert prove(db, device, key, challenge(db, device)).id == device.device_id
    with db.read(administrator) as tx:
        assert device.device_id is not None
        assert sync.get_device(tx, device.device_id).seen_at == clock.now


def test_what_was_overheard_is_of_no_use(db: Database, administrator: Actor, clock: Hands) -> None:
    device, key = enrolled(db, administrator, "Desk 1", Role.NURSE)
    other, other_key = enrolled(db, administrator, "Desk 2", Role.NURSE)
    asked = challenge(db, device)
    prove(db, device, key, asked)
    late = challenge(db, device)
    with pytest.raises(NotSignedIn):
        prove(db, device, key, asked)  # once
    with pytest.raises(NotSignedIn):
        prove(db, device, other_key, late)  # another's key
    with pytest.raises(NotSignedIn):
        prove(db, other, other_key, late)  # another's challenge
    with pytest.raises(NotSignedIn):
        prove(db, device, key, late[:-1] + ("0" if late[-1] != "0" else "1"))  # not ours
    clock.now += timedelta(minutes=1)
    with pytest.raises(NotSignedIn):
        prove(db, device, key, late)  # over


@pytest.mark.parametrize("answered", ["", "x", "a.b.c.d", "é" * 20, "..."])
def test_what_is_no_challenge_is_refused(db: Database, administrator: Actor, answered: str) -> None:
    device, key = enrolled(db, administrator, "Desk 1", Role.NURSE)
    with pytest.raises(NotSignedIn):
        prove(db, device, key, answered)


def test_a_desk_that_is_cut_off_does_nothing_more(db: Database, administrator: Actor) -> None:
    device, key = enrolled(db, administrator, "Desk 1", Role.NURSE)
    assert device.device_id is not None
    with db.write(administrator) as tx:
        row = sync.revoke_device(tx, device.device_id, 1)
    assert (row.revoked_by, row.version) == (administrator.user_id, 2)
    asked = challenge(db, device)
    with pytest.raises(NotPermitted, match="device_revoked"):
        prove(db, device, key, asked)
    with pytest.raises(NotPermitted, match="device_revoked"), db.read(device) as tx:
        sync.hello(tx)
    with pytest.raises(Conflict, match="device_revoked_already"), db.write(administrator) as tx:
        sync.revoke_device(tx, device.device_id, 2)


def test_desks_are_listed(db: Database, administrator: Actor) -> None:
    devices = [enrolled(db, administrator, f"Desk {n}", Role.NURSE)[0].device_id for n in range(3)]
    with db.write(administrator) as tx:
        assert devices[0] is not None
        sync.revoke_device(tx, devices[0], 1)
    with db.read(administrator) as tx:
        assert [row.id for row in sync.find_devices(tx).items] == devices
        assert [row.id for row in sync.find_devices(tx, DeviceQuery(revoked=False)).items] == devices[1:]
        assert [row.id for row in sync.find_devices(tx, DeviceQuery(revoked=True)).items] == devices[:1]
        with pytest.raises(NotFound, match="device_not_found"):
            sync.get_device(tx, new_id())


def test_who_edits_what_has_changed_is_told(db: Database, administrator: Actor) -> None:
    device, _ = enrolled(db, administrator, "Desk 1", Role.NURSE)
    assert device.device_id is not None
    with db.write(administrator) as tx:
        row = sync.edit_device(tx, device.device_id, 1, "Desk 9", (Role.NURSE, Role.DOCTOR))
        assert (row.name, row.roles) == ("Desk 9", (Role.DOCTOR, Role.NURSE))
        with pytest.raises(Conflict, match="changed_meanwhile"):
            sync.edit_device(tx, device.device_id, 1, "Desk 8", (Role.NURSE,))


def test_spent_challenges_are_forgotten(db: Database, administrator: Actor, operator: Actor, clock: Hands) -> None:
    device, key = enrolled(db, administrator, "Desk 1", Role.NURSE)
    prove(db, device, key, challenge(db, device))
    with db.write(operator) as tx:
        assert sync.forget_challenges(tx) == 0
    clock.now += timedelta(minutes=5)
    with db.write(operator) as tx:
        assert sync.forget_challenges(tx) == 1
