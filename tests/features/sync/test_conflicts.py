"""What clashed waits with both claims until a person has decided, and is decided by the verbs that do it anywhere else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from clinicdesk.core.errors import ClinicError, Conflict, InvalidInput, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Change, Database, Tx
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import BookAppointment, CancelAppointment, Reschedule, SlotTaken, Status
from clinicdesk.features.documents.models import Document
from clinicdesk.features.medications.models import MedicationRequest
from clinicdesk.features.notifications import service as notifications
from clinicdesk.features.notifications.models import OutboundMessage
from clinicdesk.features.notifications.schemas import MessagingRow, SaveReminderRule
from clinicdesk.features.patients.models import Allergy, Patient
from clinicdesk.features.sync import service as sync
from clinicdesk.features.sync.schemas import ConflictDetail, ConflictKind, ConflictQuery, OpResult, Resolution
from tests.features.sync.conftest import SLOT, Place, Sender, at, seen


@pytest.fixture
def receptionist(people: dict[Role, Actor]) -> Actor:
    return people[Role.RECEPTIONIST]


@pytest.fixture
def other(make_desk: Callable[..., Sender]) -> Sender:
    return make_desk("Desk 2")


@pytest.fixture
def holder(db: Database, receptionist: Actor, place: Place) -> UUID:
    """The visit that has the time."""
    with db.write(receptionist) as tx:
        return appointments.book(tx, BookAppointment(place.smith, place.lee, at(14), timedelta(minutes=30))).id


@pytest.fixture
def lost(other: Sender, place: Place, holder: UUID) -> OpResult:
    """A booking of the same time, which a desk brings later."""
    new = other.visit(place, at(14, 10), 20, patient_id=str(place.jones), reason="Rash")
    return other.send(other.op("appointment", new_id(), new))


def opened(db: Database, who: Actor, id_: UUID | None) -> ConflictDetail:
    assert id_ is not None
    with db.write(who) as tx:
        return sync.open_conflict(tx, id_)


def test_both_claims_are_shown_and_where_there_is_time(
    db: Database, receptionist: Actor, place: Place, holder: UUID, lost: OpResult
) -> None:
    with db.engine.begin() as connection:
        connection.execute(Patient.__table__.update().where(Patient.id == place.jones).values(mobile="0151 23"))  # type: ignore[attr-defined]
    found = opened(db, receptionist, lost.conflict_id)
    assert (found.conflict.kind, found.conflict.patient_name, found.patient_phone) == (
        ConflictKind.BOOKING, "Ada Jones", "0151 23",
    )  # fmt: skip
    assert (found.stands.values["id"], found.stands.user_name, found.stands.desk) == (
        str(holder), "Some receptionist", "Desk 1",
    )  # fmt: skip
    assert (found.claimed.values["start"], found.claimed.user_name, found.claimed.desk) == (
        at(14, 10).isoformat(), "Some receptionist", "Desk 2",
    )  # fmt: skip
    assert found.other_id == holder
    assert len(found.openings) == 3
    assert all(opening.start >= at(14, 30) and opening.practitioner_id == place.lee for opening in found.openings)


def test_a_visit_that_needs_rebooking_holds_no_time_and_nobody_is_reminded_of_it(
    db: Database, desk: Sender, receptionist: Actor, people: dict[Role, Actor], place: Place
) -> None:
    with db.engine.begin() as connection:
        connection.execute(Patient.__table__.update().values(email="x@y.example"))  # type: ignore[attr-defined]
    with db.write(people[Role.ADMINISTRATOR]) as tx:
        notifications.edit_messaging(tx, MessagingRow(email=True, notices=False))
        notifications.save_reminder_rule(tx, SaveReminderRule(60))
    first = desk.op("appointment", new_id(), desk.visit(place, at(14), patient_id=str(place.smith)))
    second = desk.op("appointment", new_id(), desk.visit(place, at(14), patient_id=str(place.jones)))
    desk.push(first, second)
    with db.engine.connect() as connection:
        told = set(connection.scalars(select(OutboundMessage.patient_id).where(OutboundMessage.state == "held")))
    assert told == {place.smith}
    with db.write(receptionist) as tx:
        appointments.cancel(tx, _cancel(tx, first.id))
        appointments.book(tx, BookAppointment(place.others[0], place.lee, at(14), timedelta(minutes=30)))


def _cancel(tx: Any, id_: UUID) -> Any:
    return CancelAppointment(id_, appointments.open_visit(tx, id_).version, "pat")


def test_it_is_rebooked(db: Database, receptionist: Actor, lost: OpResult) -> None:
    found = opened(db, receptionist, lost.conflict_id)
    with db.write(receptionist) as tx:
        done = sync.rebook(tx, found.conflict.id, found.conflict.version, found.openings[0].start)
    assert (done.conflict.resolution, done.conflict.resolved_by) == (Resolution.REBOOKED, receptionist.user_id)
    assert done.row is not None
    assert (done.row["status"], done.row["start"], done.row["reason"]) == (
        "booked", found.openings[0].start.isoformat(), "Rash",
    )  # fmt: skip
    with pytest.raises(Conflict, match="conflict_resolved"), db.write(receptionist) as tx:
        sync.cancel(tx, found.conflict.id, done.conflict.version, "pat")


def test_it_is_not_rebooked_into_a_time_that_is_taken(db: Database, receptionist: Actor, lost: OpResult) -> None:
    found = opened(db, receptionist, lost.conflict_id)
    with pytest.raises(SlotTaken), db.write(receptionist) as tx:
        sync.rebook(tx, found.conflict.id, found.conflict.version, at(14, 10))
    assert opened(db, receptionist, lost.conflict_id).conflict.resolution is None


def test_they_are_swapped(db: Database, receptionist: Actor, holder: UUID, lost: OpResult) -> None:
    found = opened(db, receptionist, lost.conflict_id)
    with db.write(receptionist) as tx:
        done = sync.swap(tx, found.conflict.id, found.conflict.version, at(16))
    assert done.row is not None
    assert (done.conflict.resolution, done.row["status"], done.row["start"]) == (
        Resolution.SWAPPED, "booked", at(14, 10).isoformat(),
    )  # fmt: skip
    with db.write(receptionist) as tx:
        moved = appointments.open_visit(tx, holder)
    assert (moved.start, moved.status) == (at(16), Status.BOOKED)


def test_there_is_nothing_to_swap_where_the_time_is_free(
    db: Database, receptionist: Actor, holder: UUID, lost: OpResult
) -> None:
    with db.write(receptionist) as tx:
        appointments.reschedule(tx, Reschedule(holder, 1, at(16)))
    found = opened(db, receptionist, lost.conflict_id)
    with pytest.raises(Conflict, match="nothing_to_swap"), db.write(receptionist) as tx:
        sync.swap(tx, found.conflict.id, found.conflict.version, at(17))
    with db.write(receptionist) as tx:
        done = sync.rebook(tx, found.conflict.id, found.conflict.version, at(14, 10))
    assert done.conflict.resolution is Resolution.REBOOKED


def test_it_is_cancelled_with_a_reason(db: Database, receptionist: Actor, lost: OpResult) -> None:
    found = opened(db, receptionist, lost.conflict_id)
    with pytest.raises(InvalidInput), db.write(receptionist) as tx:
        sync.cancel(tx, found.conflict.id, found.conflict.version, "because")
    with db.write(receptionist) as tx:
        done = sync.cancel(tx, found.conflict.id, found.conflict.version, "prov")
    assert done.row is not None
    assert (done.conflict.resolution, done.row["status"]) == (Resolution.CANCELLED, "cancelled")


def test_whoever_takes_the_visit_into_the_book_elsewhere_has_decided_it(
    db: Database, receptionist: Actor, holder: UUID, lost: OpResult
) -> None:
    with db.write(receptionist) as tx:
        appointments.cancel(tx, _cancel(tx, holder))
        assert lost.row is not None
        appointments.reinstate(tx, UUID(lost.row["id"]), lost.row["version"])
    assert opened(db, receptionist, lost.conflict_id).conflict.resolution is Resolution.AROUND


def test_what_has_been_decided_meanwhile_is_not_decided_again(
    db: Database, receptionist: Actor, lost: OpResult
) -> None:
    found = opened(db, receptionist, lost.conflict_id)
    calls: tuple[Callable[[Tx], Any], ...] = (
        lambda tx: sync.rebook(tx, found.conflict.id, 9, at(16)),
        lambda tx: sync.swap(tx, found.conflict.id, 9, at(16)),
        lambda tx: sync.cancel(tx, found.conflict.id, 9, "pat"),
    )
    for call in calls:
        with pytest.raises(Conflict, match="changed_meanwhile"), db.write(receptionist) as tx:
            call(tx)
    with pytest.raises(Conflict, match="not_fields"), db.write(receptionist) as tx:
        sync.keep_values(tx, found.conflict.id, 1)
    with pytest.raises(NotFound, match="conflict_not_found"), db.write(receptionist) as tx:
        sync.open_conflict(tx, new_id())


# ---- values ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def values(make_desk: Callable[..., Sender], desk: Sender, place: Place) -> OpResult:
    """Two desks have changed one phone number."""
    other = make_desk("Desk 2")
    desk.send(desk.op("patient", place.smith, {"phone": "1"}, {"phone": "", "version": 1}))
    return other.send(other.op("patient", place.smith, {"phone": "2"}, {"phone": "", "version": 1}))


def test_the_servers_value_is_kept(db: Database, receptionist: Actor, values: OpResult) -> None:
    found = opened(db, receptionist, values.conflict_id)
    assert (found.stands.values, found.claimed.values) == ({"phone": "1"}, {"phone": "2"})
    assert (found.stands.desk, found.claimed.desk) == ("Desk 1", "Desk 2")
    assert found.openings == ()
    with db.write(receptionist) as tx:
        done = sync.keep_values(tx, found.conflict.id, found.conflict.version)
    assert (done.conflict.resolution, done.row and done.row["phone"]) == (Resolution.KEPT, "1")


def test_the_other_value_is_taken_over_the_row_that_was_shown(
    db: Database, receptionist: Actor, values: OpResult, place: Place
) -> None:
    found = opened(db, receptionist, values.conflict_id)
    with pytest.raises(Conflict, match="changed_meanwhile"), db.write(receptionist) as tx:
        sync.take_values(tx, found.conflict.id, found.conflict.version, 1)
    with db.write(receptionist) as tx:
        done = sync.take_values(tx, found.conflict.id, found.conflict.version, found.row_version)
    assert (done.conflict.resolution, done.row and done.row["phone"]) == (Resolution.TAKEN, "2")


def test_a_visit_is_not_taken_over_another(
    db: Database, receptionist: Actor, desk: Sender, other: Sender, place: Place, holder: UUID
) -> None:
    mine = desk.send(desk.op("appointment", new_id(), desk.visit(place, at(16), patient_id=str(place.jones)))).row
    assert mine is not None
    desk.send(desk.op("appointment", mine["id"], {"room_id": None}, seen(mine, SLOT)))
    clash = {"start": at(14).isoformat(), "end": at(14, 30).isoformat()}
    result = other.send(other.op("appointment", mine["id"], clash, seen(mine, SLOT)))
    found = opened(db, receptionist, result.conflict_id)
    with pytest.raises(SlotTaken), db.write(receptionist) as tx:
        sync.take_values(tx, found.conflict.id, found.conflict.version, found.row_version)
    with db.write(receptionist) as tx:
        row = appointments.open_visit(tx, UUID(mine["id"]))
    assert row.start == at(16)


def test_who_may_not_read_it_is_not_shown_it(
    db: Database, make_desk: Callable[..., Sender], people: dict[Role, Actor], receptionist: Actor, place: Place
) -> None:
    one, two = make_desk("Room 1", Role.DOCTOR), make_desk("Room 2", Role.DOCTOR)
    new = {
        "patient_id": str(place.smith), "medicine": "vitamin D", "starts_on": "2026-11-23", "status": "active",
        "status_at": at(10).isoformat(), "created_at": at(10).isoformat(),
    }  # fmt: skip
    id_ = new_id()
    row = one.send(one.op("medication_request", id_, new, role=Role.DOCTOR)).row
    assert row is not None
    for desk, strength in ((one, "10 µg"), (two, "20 µg")):
        result = desk.send(desk.op("medication_request", id_, {"strength": strength}, dict(row), role=Role.DOCTOR))
    assert result.conflict_id is not None
    with db.read(receptionist) as tx:
        assert sync.find_conflicts(tx).items == []
    with pytest.raises(NotPermitted), db.write(receptionist) as tx:
        sync.open_conflict(tx, result.conflict_id)
    doctor = people[Role.DOCTOR]
    with db.read(doctor) as tx:
        assert [found.id for found in sync.find_conflicts(tx).items] == [result.conflict_id]
    with db.write(doctor) as tx:
        sync.take_values(tx, result.conflict_id, 1, 2)
    with db.engine.connect() as connection:
        assert connection.execute(select(MedicationRequest.strength)).scalar_one() == "20 µg"


def test_a_prescription_in_spite_of_a_warning_is_a_doctors_with_a_reason(
    db: Database, make_desk: Callable[..., Sender], people: dict[Role, Actor], place: Place
) -> None:
    desk = make_desk("Room 2", Role.DOCTOR)
    desk.send(
        desk.op("allergy", new_id(), {"patient_id": str(place.smith), "substance": "amoxicillin"}, role=Role.DOCTOR)
    )
    new = {
        "patient_id": str(place.smith), "medicine": "amoxicillin", "starts_on": "2026-11-23", "status": "active",
        "status_at": at(10).isoformat(), "created_at": at(10).isoformat(),
    }  # fmt: skip
    result = desk.send(desk.op("medication_request", new_id(), new, role=Role.DOCTOR))
    assert result.conflict_id is not None
    refused: list[tuple[Role, str, type[ClinicError]]] = [
        (Role.NURSE, "Tolerated before", NotPermitted),
        (Role.DOCTOR, "", InvalidInput),
    ]
    for role, reason, error in refused:
        with pytest.raises(error), db.write(people[role]) as tx:
            sync.take_values(tx, result.conflict_id, 1, None, reason)
    with db.write(people[Role.DOCTOR]) as tx:
        sync.take_values(tx, result.conflict_id, 1, None, "Tolerated before")
    with db.engine.connect() as connection:
        stored = connection.execute(select(MedicationRequest)).one()
        assert connection.execute(select(Allergy.substance)).scalar_one() == "amoxicillin"
    assert (stored.override_reason, stored.status) == ("Tolerated before", "active")
    assert "amoxicillin" in stored.overridden


def test_the_front_desk_does_not_read_a_clinical_document_in_a_conflict(
    db: Database, make_desk: Callable[..., Sender], people: dict[Role, Actor], receptionist: Actor, place: Place
) -> None:
    desk, id_ = make_desk("Room 2", Role.DOCTOR), new_id()
    values: dict[str, Any] = {
        "id": id_, "version": 1, "patient_id": place.smith, "type": "laboratory", "title": "HIV", "dated_on": at(9).date(),
        "status": "current", "status_at": at(9), "filename": "", "media_type": "text/plain", "size": 1, "sha256": "0" * 64,
        "content_key": new_id().hex, "filed_at": at(9),
    }  # fmt: skip
    with db.write(people[Role.DOCTOR]) as tx:
        row = Document(**values)
        tx.session.add(row)
        tx.session.flush()
        tx.record(Change.created(row, patient_id=place.smith))
    result = desk.send(desk.op("document", id_, {"title": "HIV test"}, {"title": "H"}, role=Role.DOCTOR))
    assert result.conflict_id is not None
    with pytest.raises(NotPermitted), db.write(receptionist) as tx:
        sync.open_conflict(tx, result.conflict_id)
    with pytest.raises(NotPermitted), db.write(receptionist) as tx:
        sync.keep_values(tx, result.conflict_id, 1)
    assert opened(db, people[Role.DOCTOR], result.conflict_id).stands.values == {"title": "HIV"}


def test_conflicts_are_listed_by_what_is_asked(
    db: Database, receptionist: Actor, place: Place, lost: OpResult, values: OpResult
) -> None:
    def ids(query: ConflictQuery) -> list[UUID]:
        with db.read(receptionist) as tx:
            return [found.id for found in sync.find_conflicts(tx, query).items]

    both = [lost.conflict_id, values.conflict_id]
    assert ids(ConflictQuery()) == both
    assert ids(ConflictQuery(kind=ConflictKind.FIELDS)) == both[1:]
    assert ids(ConflictQuery(resolved=True)) == []
    with db.write(receptionist) as tx:
        assert [one.id for one in sync.find_conflicts(tx, ConflictQuery(patient_id=place.jones)).items] == both[:1]
        assert values.conflict_id is not None
        sync.keep_values(tx, values.conflict_id, 1)
    assert ids(ConflictQuery()) == both[:1]
    assert ids(ConflictQuery(resolved=None)) == both
    assert ids(ConflictQuery(resolved=True)) == both[1:]
