"""A verb that is about one patient: who is let in for one alone, and that it cannot forget to ask."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from clinicdesk.core.access import Access
from clinicdesk.core.errors import NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import EMERGENCY, Permission, Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Action, Actor, Change, Database, Tx, verb

ANNA, BEN = new_id(), new_id()


@verb(Permission.READ_MEDICATIONS, concurrent=True, of_patient=True)
def look(tx: Tx, patient_id: UUID) -> UUID:
    tx.reach(patient_id)
    tx.record(Change("medication_request", None, Action.READ, patient_id=patient_id))
    return patient_id


@verb(Permission.READ_MEDICATIONS, writes=False, of_patient=True)
def forgetful(tx: Tx, patient_id: UUID) -> UUID:
    return patient_id


@verb(Permission.BOOK, writes=False, of_patient=True)
def around(tx: Tx, mine: UUID, other: UUID) -> UUID:
    tx.reach(mine)
    return forgetful(tx, other)


@verb(Permission.SEE_OPENINGS, writes=False)
def whose(tx: Tx) -> UUID | None:
    return tx.own_patient


@verb(Permission.PRESCRIBE, writes=False)
def of_nobody(tx: Tx) -> None: ...


def patient(patient_id: UUID | None) -> Actor:
    return Actor(new_id(), Role.PATIENT, "Anna", patient_id=patient_id)


def test_a_patient_reaches_their_own_record_and_no_other(db: Database) -> None:
    with db.write(patient(ANNA)) as tx:
        assert look(tx, ANNA) == ANNA
        assert whose(tx) == ANNA
    with pytest.raises(NotPermitted, match="not_own_record"), db.write(patient(ANNA)) as tx:
        look(tx, BEN)
    with db.engine.connect() as connection:
        seen = connection.execute(select(AuditEntry.outcome, AuditEntry.patient_id).order_by(AuditEntry.seq)).all()
    assert [tuple(row) for row in seen] == [("ok", ANNA.hex), ("refused", BEN.hex)]


def test_an_account_that_nobody_has_linked_reaches_nothing(db: Database) -> None:
    with pytest.raises(NotPermitted, match="record_not_linked"), db.write(patient(None)) as tx:
        look(tx, ANNA)
    with pytest.raises(NotPermitted, match="record_not_linked"), db.read(patient(None)) as tx:
        whose(tx)


def test_what_is_granted_for_oneself_opens_no_verb_that_is_not_about_one_patient(db: Database) -> None:
    with pytest.raises(NotPermitted), db.read(patient(ANNA)) as tx:
        of_nobody(tx)


def test_a_verb_that_does_not_say_whom_it_is_about_is_a_bug_that_is_seen(db: Database, doctor: Actor) -> None:
    for actor in (doctor, patient(ANNA)):
        with pytest.raises(AssertionError, match="whom it is about"), db.read(actor) as tx:
            forgetful(tx, ANNA)
    with pytest.raises(AssertionError, match="whom it is about"), db.read(patient(ANNA)) as tx:
        around(tx, ANNA, BEN)  # what an outer verb reached counts for that one alone


def test_an_exception_opens_one_patient_and_is_marked_in_the_trail(db: Database, receptionist: Actor) -> None:
    class ForAnna(Access):
        def excepts(self, tx: Tx, permission: Permission) -> bool:
            return permission in EMERGENCY

        def admit(self, tx: Tx, permission: Permission, patient_id: UUID) -> bool:
            if patient_id != ANNA:
                raise NotPermitted(verb=tx.verb, permission=permission.value, patient_id=patient_id)
            return True

    with pytest.raises(NotPermitted), db.write(receptionist) as tx:
        look(tx, ANNA)
    db.access = ForAnna()
    with db.write(receptionist) as tx:
        look(tx, ANNA)
    with pytest.raises(NotPermitted), db.write(receptionist) as tx:
        look(tx, BEN)
    with db.engine.connect() as connection:
        marked = connection.scalars(select(AuditEntry.detail).where(AuditEntry.outcome == "ok")).all()
    assert list(marked) == ['{"emergency":true}']
