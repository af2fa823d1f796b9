"""Two records of one person become one: nothing is left behind, nothing is lost, and it can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, func, insert, select

from clinicdesk.core.errors import ClinicError, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features import tables
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.appointments.schemas import AppointmentRow, BookAppointment, CancelAppointment
from clinicdesk.features.audit import service as audit
from clinicdesk.features.interop.models import ImportedRecord
from clinicdesk.features.medications import service as medications
from clinicdesk.features.medications.schemas import Prescribe
from clinicdesk.features.merging import service as merging
from clinicdesk.features.merging.pointers import DERIVED, KEPT, pointers
from clinicdesk.features.merging.rules import combined
from clinicdesk.features.merging.schemas import Merged, MergePatients, OverlappingVisits, VisitsOverlap
from clinicdesk.features.notifications import service as notifications
from clinicdesk.features.notifications.planning import follow
from clinicdesk.features.notifications.schemas import ContactPreferenceRow, Reach, SaveReminderRule, Template
from clinicdesk.features.observations import service as observations
from clinicdesk.features.observations.schemas import Measure, RecordObservation
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.patients.schemas import (
    Demographics,
    EditPatient,
    PatientQuery,
    RegisterPatient,
    SaveAllergy,
    SaveContact,
)
from clinicdesk.features.users import service as users
from clinicdesk.features.users.models import User
from clinicdesk.features.users.schemas import AddUser
from tests.features.appointments.conftest import Place, at, furnish

JOAN = Demographics("Smith", "Joan", mobile="0170 5550101", email="joan@mail.example")
JONA = Demographics("Smyth", "Jona", phone="0431 99", address="4 Quay", city="Kiel", desk_notes="late as ever")

Do = Callable[..., Any]


@pytest.fixture
def place(db: Database) -> Place:
    return furnish(db, others=0)


@pytest.fixture
def do(db: Database, operator: Actor) -> Do:
    """`do(verb, …)` in a unit of work of its own, as somebody who may do all of it."""

    def call(verb: Do, *told: Any, **named: Any) -> Any:
        with db.write(operator) as tx:
            return verb(tx, *told, **named)

    return call


@pytest.fixture
def kept(do: Do, place: Place) -> UUID:
    row: UUID = do(patients.register, RegisterPatient(JOAN)).id
    return row


@pytest.fixture
def taken(do: Do, place: Place) -> UUID:
    row: UUID = do(patients.register, RegisterPatient(JONA)).id
    return row


@pytest.fixture
def merge(db: Database, administrator: Actor, kept: UUID, taken: UUID) -> Callable[..., Merged]:
    """Merges the second record into the first, as they stand."""

    def both(**told: Any) -> Merged:
        with db.write(administrator) as tx:
            versions = [tx.session.get_one(Patient, id_).version for id_ in (kept, taken)]
            return merging.merge(tx, MergePatients(kept, versions[0], taken, versions[1], **told))

    return both


def visit(do: Do, place: Place, patient: UUID, hour: int, who: UUID | None = None) -> AppointmentRow:
    request = BookAppointment(patient, who or place.lee, at(hour), timedelta(minutes=20))
    row: AppointmentRow = do(appointments.book, request)
    return row


def something_of_everything(db: Database, do: Do, place: Place, of: UUID) -> None:
    """A row in each table that points at patients, as far as verbs make them."""
    do(notifications.edit_messaging, replace(do(notifications.messaging), email=True, notices=True))
    visit(do, place, of, 15)
    do(patients.save_allergy, SaveAllergy(of, "Penicillin"))
    do(patients.save_contact, SaveContact(of, "Ada"))
    do(medications.prescribe, Prescribe(of, "ibuprofen"))
    do(observations.record, RecordObservation(of, Measure.WEIGHT, 70))
    do(notifications.set_contact_preference, ContactPreferenceRow(of, Reach.EMAIL, 0))
    account = do(users.add_user, AddUser("joan@mail.example", "Joan", Role.PATIENT, "seven quiet boats at noon"))
    with db.write(Actor(None, Role.OPERATOR)) as tx:
        tx.session.get_one(User, account.id).patient_id = of
        imported = {"kind": "Patient", "source_id": "7", "entity": "patient", "entity_id": of, "digest": b"7" * 32}
        tx.session.execute(insert(ImportedRecord).values(imported))


def everything(db: Database) -> dict[str, list[dict[str, Any]]]:
    """Every row that the clinic's work has made, without what counts how often it was touched."""
    left_out = {"audit_entry", "audit_seal", "history_entry", "patient_search", "patient_spelling", "change_log"}
    with db.engine.connect() as connection:
        found = {}
        for table in tables.metadata.sorted_tables:
            if table.name not in left_out and not table.name.startswith(("audit", "change", "feed")):
                rows = [dict(row) for row in connection.execute(select(table)).mappings()]
                for row in rows:
                    row.pop("version", None)
                found[table.name] = sorted(rows, key=lambda row: str(sorted(row.items(), key=str)))
        return found


def count_of(db: Database, patient: UUID) -> dict[str, int]:
    """How many rows point at a patient, by table."""
    with db.engine.connect() as connection:
        counts = {
            pointer.table.name: connection.scalar(
                select(func.count()).select_from(pointer.table).where(pointer.at(patient))
            )
            or 0
            for pointer in pointers()
        }
    return {name: count for name, count in counts.items() if count}


def test_no_column_that_names_a_patient_is_forgotten() -> None:
    """A new table that points at patients is found by its foreign key; one that cannot have a key has to be said."""
    covered = {f"{one.table.name}.{one.column.name}" for one in pointers()}
    named = {
        f"{table.name}.{column.name}"
        for table in tables.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith("patient_id") or any(key.target_fullname == "patient.id" for key in column.foreign_keys)
    }
    assert named - covered - KEPT == {f"{name}.patient_id" for name in DERIVED}
    assert covered - named == {"imported_record.entity_id"}


def test_everything_goes_over_and_comes_back(
    db: Database, do: Do, place: Place, kept: UUID, taken: UUID, merge: Callable[..., Merged]
) -> None:
    something_of_everything(db, do, place, taken)
    before, moved = everything(db), count_of(db, taken)
    assert len(moved) >= 8
    merged = merge()
    assert (count_of(db, taken), merged.moved) == ({}, moved)
    assert count_of(db, kept) == moved | {"patient": 1}
    assert do(merging.unmerge, taken).patient.id == taken
    assert (count_of(db, kept), count_of(db, taken)) == ({}, moved)
    assert everything(db) == before


def test_a_record_with_a_long_past_takes_as_few_statements_as_a_short_one(
    db: Database, place: Place, taken: UUID, merge: Callable[..., Merged]
) -> None:
    """Nobody else writes meanwhile."""
    visits = [
        {
            "id": new_id(), "version": 1, "patient_id": taken, "practitioner_id": place.lee, "start": at(8, day=-nth),
            "end": at(9, day=-nth), "status": "fulfilled", "created_at": at(8, day=-nth),
        }
        for nth in range(200)
    ]  # fmt: skip
    with db.engine.begin() as connection:
        connection.execute(insert(Appointment), visits)
    seen: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
    assert merge().moved == {"appointment": 200}
    assert len(seen) < 100


def test_the_one_record_says_what_both_said(do: Do, kept: UUID, taken: UUID, merge: Callable[..., Merged]) -> None:
    whole = merge().patient.demographics
    assert (whole.given, whole.mobile, whole.phone, whole.address) == ("Joan", "0170 5550101", "0431 99", "4 Quay")
    assert (whole.other_names, whole.desk_notes) == ("Jona Smyth", "late as ever")
    assert whole.identifiers == ("merged|HS-00004",)
    left = do(patients.open_record, taken)
    assert (left.active, left.merged_into, left.demographics) == (False, kept, JONA)


def test_an_address_is_taken_whole_or_not_at_all() -> None:
    one, other = Demographics("A", city="Kiel"), Demographics("A", address="4 Quay", city="Ulm", other_names="B")
    assert combined(one, other, "HS-2") == replace(one, other_names="B", identifiers=("merged|HS-2",))


def test_search_finds_the_one_record_by_the_names_and_number_of_both(
    db: Database, do: Do, kept: UUID, taken: UUID, merge: Callable[..., Merged]
) -> None:
    merge()

    def found(text: str) -> list[UUID]:
        return [row.id for row in do(patients.search, text)]

    assert found("smyth") == found("HS-00004") == found("joan") == [kept]
    assert [row.id for row in do(patients.list_patients, PatientQuery(text="s")).items] == [kept]
    do(merging.unmerge, taken)
    assert (found("smyth")[0], found("5550101")) == (taken, [kept])


def test_a_merged_record_takes_nothing_any_more(do: Do, kept: UUID, taken: UUID, merge: Callable[..., Merged]) -> None:
    merge()
    for verb, told in (
        (patients.save_allergy, SaveAllergy(taken, "Latex")),
        (patients.edit, EditPatient(taken, 2, JONA)),
        (medications.current_medications, taken),
        (observations.latest, taken),
    ):
        with pytest.raises(ClinicError) as refused:
            do(verb, told)
        assert (refused.value.reason, refused.value.params["merged_into"]) == ("patient_merged", kept)


def test_visits_at_the_same_time_are_named_or_marked(
    do: Do, place: Place, kept: UUID, taken: UUID, merge: Callable[..., Merged]
) -> None:
    first, second = visit(do, place, kept, 15), visit(do, place, taken, 15, place.okafor)
    visit(do, place, taken, 17)
    with pytest.raises(VisitsOverlap) as refused:
        merge()
    assert refused.value.params["overlaps"] == [OverlappingVisits(first.id, second.id, at(15), at(15, 20))]
    assert do(appointments.open_visit, second.id).patient_id == taken
    merge(patient_overlap=True)
    both = [do(appointments.open_visit, one.id) for one in (first, second)]
    assert [(one.patient_id, one.patient_overlap) for one in both] == [(kept, False), (kept, True)]
    do(merging.unmerge, taken)
    back = do(appointments.open_visit, second.id)
    assert (back.patient_id, back.patient_overlap) == (taken, False)


def test_what_there_is_once_for_each_patient_stays_that_of_the_record_that_stays(
    db: Database, do: Do, kept: UUID, taken: UUID, merge: Callable[..., Merged]
) -> None:
    for patient, reach in ((kept, Reach.SMS), (taken, Reach.EMAIL)):
        do(notifications.set_contact_preference, ContactPreferenceRow(patient, reach, 0))
    before = everything(db)
    merge()
    assert do(notifications.contact_preference, kept).reach is Reach.SMS
    assert count_of(db, taken) == {"contact_preference": 1}
    do(merging.unmerge, taken)
    assert everything(db) == before


def test_it_is_taken_back_only_while_nothing_of_it_has_changed(
    db: Database, do: Do, place: Place, kept: UUID, taken: UUID, merge: Callable[..., Merged]
) -> None:
    moved = visit(do, place, taken, 15)
    merge()
    now = do(appointments.open_visit, moved.id)
    do(appointments.cancel, CancelAppointment(moved.id, now.version, "pat"))
    with pytest.raises(ClinicError) as refused:
        do(merging.unmerge, taken)
    assert refused.value.reason == "changed_since"
    assert do(patients.open_record, taken).merged_into == kept


def test_records_that_were_merged_in_turn_are_taken_apart_in_turn(
    do: Do, db: Database, administrator: Actor, kept: UUID, taken: UUID, merge: Callable[..., Merged]
) -> None:
    merge()
    third = do(patients.register, RegisterPatient(JOAN)).id
    with db.write(administrator) as tx:
        merging.merge(tx, MergePatients(third, 1, kept, tx.session.get_one(Patient, kept).version))
    assert do(patients.open_record, taken).merged_into == third
    with pytest.raises(ClinicError) as refused:
        do(merging.unmerge, taken)
    assert refused.value.reason == "changed_since"
    do(merging.unmerge, kept)
    assert do(patients.open_record, taken).merged_into == kept


def test_it_stands_in_the_trail_of_both(do: Do, kept: UUID, taken: UUID, merge: Callable[..., Merged]) -> None:
    merge()
    for patient in (kept, taken):
        log = do(audit.access_log, patient)
        assert ("merging.merge", "merged") in {(row.verb, row.note) for row in log}
    assert {row.patient_id for row in do(audit.access_log, kept)} >= {kept, taken}


def test_what_cannot_be_merged_is_refused(do: Do, kept: UUID, taken: UUID, merge: Callable[..., Merged]) -> None:
    for request, reason in (
        (MergePatients(kept, 1, kept, 1), "same_patient"),
        (MergePatients(kept, 1, new_id(), 1), "patient_not_found"),
        (MergePatients(kept, 2, taken, 1), "changed_meanwhile"),
        (MergePatients(kept, 1, taken, 2), "changed_meanwhile"),
    ):
        with pytest.raises(ClinicError) as refused:
            do(merging.merge, request)
        assert refused.value.reason == reason
    for id_ in (kept, taken):
        with pytest.raises(ClinicError) as refused:
            do(merging.unmerge, id_)
        assert refused.value.reason == "not_merged"
    merge()
    with pytest.raises(ClinicError) as refused:
        merge()
    assert refused.value.reason == "patient_merged"


def test_the_desk_does_not_merge(db: Database, receptionist: Actor, kept: UUID, taken: UUID) -> None:
    with pytest.raises(NotPermitted), db.write(receptionist) as tx:
        merging.merge(tx, MergePatients(kept, 1, taken, 1))


def test_messages_to_come_go_along_and_nobody_is_told_anything_twice(
    db: Database, do: Do, place: Place, kept: UUID, taken: UUID, merge: Callable[..., Merged]
) -> None:
    db.followers.append(follow)
    do(notifications.edit_messaging, replace(do(notifications.messaging), email=True, notices=True))
    do(notifications.save_reminder_rule, SaveReminderRule(60))
    do(patients.edit, EditPatient(taken, 1, replace(JONA, email="jona@mail.example")))
    visit(do, place, taken, 15)
    before = do(notifications.messages).items
    assert {message.template for message in before} >= {Template.VISIT_REMINDER}
    merge()
    after = do(notifications.messages).items
    assert {message.patient_id for message in after} == {kept}
    assert len(after) == len(before)
    do(merging.unmerge, taken)
    assert {message.patient_id for message in do(notifications.messages).items} == {taken}
