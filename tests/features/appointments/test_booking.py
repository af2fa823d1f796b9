"""A visit goes into the book when everything about it can be, and is refused by one clear code when it cannot."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from clinicdesk.core.clock import to_micros
from clinicdesk.core.errors import ClinicError, Conflict, InvalidInput, NotFound, NotPermitted
from clinicdesk.core.history import HistoryEntry
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry, verify
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.models import AppointmentType
from clinicdesk.features.appointments.schemas import (
    AppointmentRow,
    CancelAppointment,
    EditAppointment,
    OutsideHours,
    Reschedule,
    SlotTaken,
    Status,
)
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.practitioners.models import Absence, Holiday, Practitioner, Room
from tests.conftest import Hands, noted
from tests.features.appointments.conftest import TODAY, Desk, Place, at


def change(db: Database, model: type, id_: object, **values: object) -> None:
    """Make something so behind the desk's back."""
    with db.engine.begin() as connection:
        connection.execute(update(model).where(model.id == id_).values(**values))  # type: ignore[attr-defined]


def stored(db: Database) -> int:
    with db.engine.connect() as connection:
        return connection.scalar(text("SELECT count(*) FROM appointment")) or 0


def test_a_booked_visit_has_all_that_a_calendar_shows(desk: Desk, place: Place) -> None:
    row = desk.book(at(11), type_id=place.follow_up, reason="  Knee   pain ")
    assert (row.patient_name, row.patient_number) == ("Jordan Smith", "HS-00001")
    assert (row.practitioner_name, row.room_name, row.type_name) == ("Dr Grace Lee", "Room 2", "Follow-up")
    assert (row.start, row.end, row.status, row.reason) == (at(11), at(11, 30), Status.BOOKED, "Knee pain")
    assert desk.ask(appointments.visits_between, at(0), at(23)) == (row,)
    assert desk.ask(appointments.visits_of_patient, place.smith) == [row]


def test_a_booking_is_audited_and_kept_in_history(desk: Desk, db: Database, place: Place) -> None:
    row = desk.book(at(11), reason="Knee pain")
    with db.read(desk.actor) as tx:
        [audit] = tx.session.scalars(select(AuditEntry)).all()
        [entry] = tx.session.scalars(select(HistoryEntry)).all()
    assert (audit.verb, audit.entity_id, audit.patient_id) == ("appointments.book", row.id.hex, place.smith.hex)
    assert "Knee" not in audit.detail
    assert f'"start":{to_micros(at(11))}' in (entry.new or "")


@pytest.mark.parametrize(
    ("start", "minutes"),
    [(at(11), 30), (at(10, 45), 30), (at(11, 15), 30), (at(10, 45), 60), (at(11, 10), 5)],
)
def test_a_taken_time_is_refused(desk: Desk, place: Place, start: object, minutes: int) -> None:
    desk.book(at(11))
    with pytest.raises(SlotTaken) as refusal:
        desk.book(start, minutes, patient_id=place.jones)  # type: ignore[arg-type]
    assert refusal.value.params["what"] == "practitioner"
    assert refusal.value.params["practitioner"] == "Dr Grace Lee"
    assert "Smith" not in repr(refusal.value.params)


def test_visits_may_touch(desk: Desk, place: Place) -> None:
    desk.book(at(11))
    desk.book(at(11, 30), patient_id=place.jones)
    desk.book(at(10, 45), 15, patient_id=place.others[0])


def test_a_room_is_held_too(desk: Desk, place: Place) -> None:
    desk.book(at(11))
    with pytest.raises(SlotTaken) as refusal:
        desk.book(at(11), patient_id=place.jones, practitioner_id=place.herrera, room_id=place.lee_room)
    assert refusal.value.params["what"] == "room"


def test_a_patients_own_overlap_is_a_warning_that_can_be_overridden(desk: Desk, place: Place) -> None:
    desk.book(at(11))
    with pytest.raises(SlotTaken) as refusal:
        desk.book(at(11), practitioner_id=place.okafor)
    assert refusal.value.params["what"] == "patient"
    assert desk.book(at(11), practitioner_id=place.okafor, patient_overlap=True).patient_overlap
    assert not desk.book(at(12), practitioner_id=place.okafor, patient_overlap=True).patient_overlap


def test_overbooking_needs_a_reason_and_permission_and_is_noted(desk: Desk, place: Place, nurse: Actor) -> None:
    desk.book(at(11))
    with pytest.raises(NotPermitted):
        desk.as_(nurse).book(at(11), patient_id=place.jones, overbook_reason="urgent")
    row = desk.book(at(11), patient_id=place.jones, overbook_reason="urgent")
    assert (row.overbooked, row.overbook_reason) == (True, "urgent")
    with desk.db.read(desk.actor) as tx:
        details = tx.session.scalars(select(AuditEntry.detail).order_by(AuditEntry.seq)).all()
    assert noted(details[-1]) == '{"note":"overbooked"}'
    free = desk.book(at(12), patient_id=place.jones, overbook_reason="urgent")
    assert (free.overbooked, free.overbook_reason) == (False, "")


def test_both_overrides_at_once(desk: Desk) -> None:
    desk.book(at(11))
    row = desk.book(at(11), overbook_reason="twins", patient_overlap=True)
    assert row.overbooked
    assert row.patient_overlap


@pytest.mark.parametrize(
    ("model", "of", "values", "code"),
    [
        (Patient, "smith", {"deceased": True}, "patient_deceased"),
        (Patient, "smith", {"active": False}, "patient_inactive"),
        (Practitioner, "lee", {"active": False}, "practitioner_inactive"),
        (AppointmentType, "follow_up", {"active": False}, "type_inactive"),
        (Room, "okafor_room", {"active": False}, "room_inactive"),
    ],
)
def test_what_is_out_of_use_is_refused(
    desk: Desk, db: Database, place: Place, model: type, of: str, values: dict[str, object], code: str
) -> None:
    change(db, model, getattr(place, of), **values)
    with pytest.raises(Conflict, match=code):
        desk.book(at(11), type_id=place.follow_up, room_id=place.okafor_room)
    assert stored(db) == 0


def test_a_practitioners_own_room_that_is_out_of_use_is_left_out(desk: Desk, db: Database, place: Place) -> None:
    change(db, Room, place.lee_room, active=False)
    assert desk.book(at(11)).room_id is None


@pytest.mark.parametrize(
    ("of", "code"),
    [
        ("patient_id", "patient_not_found"),
        ("practitioner_id", "practitioner_not_found"),
        ("room_id", "room_not_found"),
        ("type_id", "type_not_found"),
    ],
)
def test_what_is_not_there_is_said(desk: Desk, of: str, code: str) -> None:
    with pytest.raises(NotFound, match=code):
        desk.book(at(11), 30, **{of: new_id()})


@pytest.mark.parametrize(
    ("minutes", "code"),
    [(0, "ends_before_it_begins"), (-30, "ends_before_it_begins"), (0.5, "visit_too_short"), (1441, "visit_too_long")],
)
def test_a_length_that_cannot_be_is_refused(desk: Desk, minutes: float, code: str) -> None:
    with pytest.raises(InvalidInput, match=code):
        desk.book(at(11), minutes)  # type: ignore[arg-type]


def test_the_past_is_closed_save_for_the_slot_that_runs(desk: Desk, administrator: Actor) -> None:
    with pytest.raises(InvalidInput, match="in_the_past"):
        desk.book(at(10, 26), 10)
    assert desk.book(at(10, 27), 10)
    assert desk.as_(administrator).book(at(8), 10)  # late entry, by whoever may correct


@pytest.mark.parametrize("status", [Status.ARRIVED, Status.CHECKED_IN, Status.FULFILLED, Status.CANCELLED])
def test_a_visit_is_not_booked_as_something_that_happens_later(desk: Desk, status: Status) -> None:
    with pytest.raises(InvalidInput, match="status_not_bookable"):
        desk.book(at(11), status=status)


@pytest.mark.parametrize("status", [Status.PROPOSED, Status.WAITLIST])
def test_what_is_only_proposed_holds_no_time(desk: Desk, place: Place, status: Status) -> None:
    desk.book(at(11), status=status)
    desk.book(at(11), patient_id=place.jones)


def test_outside_hours_says_why_and_what_is_near(desk: Desk, place: Place, nurse: Actor) -> None:
    with pytest.raises(OutsideHours) as refusal:
        desk.book(at(19))
    assert refusal.value.params["cause"] == "hours"
    nearest = refusal.value.params["nearest"]
    assert isinstance(nearest, tuple)
    before, after = nearest
    assert (before.end, after.start) == (at(18), at(8, day=1))
    with pytest.raises(NotPermitted):
        desk.as_(nurse).book(at(19), outside_hours=True)
    assert desk.book(at(19), outside_hours=True)


@pytest.mark.parametrize("kind", ["leave", "block"])
def test_an_absence_closes_the_time(desk: Desk, db: Database, place: Place, kind: str) -> None:
    with db.write(desk.actor) as tx:
        absence = {"id": new_id(), "practitioner_id": place.lee, "kind": kind, "start": at(14), "end": at(15)}
        tx.session.add(Absence(**absence, note=""))
    with pytest.raises(OutsideHours) as refusal:
        desk.book(at(13, 45))
    assert refusal.value.params["cause"] == kind
    desk.book(at(13, 30))


def test_a_holiday_closes_the_day(desk: Desk, db: Database, place: Place) -> None:
    with db.write(desk.actor) as tx:
        tx.session.add(Holiday(id=new_id(), day=TODAY + timedelta(days=1), name="A holiday", closed=True))
    with pytest.raises(OutsideHours) as refusal:
        desk.book(at(11, day=1))
    assert refusal.value.params["cause"] == "holiday"


def moved(row: AppointmentRow, **values: object) -> Reschedule:
    return Reschedule(row.id, row.version, **values)  # type: ignore[arg-type]


def test_moving_frees_the_old_time_and_takes_the_new(desk: Desk, place: Place) -> None:
    row = desk.do(appointments.reschedule, moved(desk.book(at(11)), start=at(15)))
    assert (row.start, row.end, row.version) == (at(15), at(15, 30), 2)
    desk.book(at(11), patient_id=place.jones)
    with pytest.raises(SlotTaken):
        desk.book(at(15), patient_id=place.jones)


def test_a_visit_may_move_over_its_own_old_time(desk: Desk) -> None:
    assert desk.do(appointments.reschedule, moved(desk.book(at(11)), start=at(11, 10))).start == at(11, 10)


def test_stretching_keeps_the_start(desk: Desk, place: Place) -> None:
    row = desk.book(at(11))
    desk.book(at(12), patient_id=place.jones)
    row = desk.do(appointments.reschedule, moved(row, length=timedelta(minutes=60)))
    assert (row.start, row.end) == (at(11), at(12))
    with pytest.raises(SlotTaken):
        desk.do(appointments.reschedule, moved(row, length=timedelta(minutes=61)))


def test_another_practitioner_means_another_room(desk: Desk, place: Place) -> None:
    row = desk.do(appointments.reschedule, moved(desk.book(at(11)), practitioner_id=place.okafor))
    assert (row.practitioner_name, row.room_name) == ("Dr Amara Okafor", "Room 1")
    row = desk.do(appointments.reschedule, moved(row, practitioner_id=place.herrera))
    assert row.room_id is None


def test_an_override_is_left_behind_by_a_move_and_kept_by_a_stretch(desk: Desk, place: Place) -> None:
    desk.book(at(11))
    row = desk.book(at(11), patient_id=place.jones, overbook_reason="urgent")
    row = desk.do(appointments.reschedule, moved(row, length=timedelta(minutes=20)))
    assert row.overbooked
    row = desk.do(appointments.reschedule, moved(row, start=at(16)))
    assert (row.overbooked, row.overbook_reason) == (False, "")
    with pytest.raises(SlotTaken):
        desk.do(appointments.reschedule, moved(row, start=at(11)))
    assert desk.do(appointments.reschedule, moved(row, start=at(11), overbook_reason="urgent")).overbooked


def test_a_move_into_the_past_is_refused_but_a_running_visit_can_be_stretched(desk: Desk, clock: Hands) -> None:
    row = desk.book(at(11))
    clock.now = at(11, 20)
    with pytest.raises(InvalidInput, match="in_the_past"):
        desk.do(appointments.reschedule, moved(row, start=at(11, 1)))
    for verb in (appointments.arrive, appointments.check_in, appointments.start_visit):
        row = desk.do(verb, row.id, row.version)
    with pytest.raises(Conflict, match="visit_started"):
        desk.do(appointments.reschedule, moved(row, start=at(12)))
    assert desk.do(appointments.reschedule, moved(row, length=timedelta(minutes=45))).end == at(11, 45)


def test_what_is_over_cannot_be_moved(desk: Desk) -> None:
    row = desk.book(at(11))
    row = desk.do(appointments.cancel, CancelAppointment(row.id, row.version, "pat"))
    with pytest.raises(Conflict, match="not_movable"):
        desk.do(appointments.reschedule, moved(row, start=at(15)))


@pytest.mark.parametrize("verb", ["reschedule", "edit", "advance"])
def test_who_saw_an_older_visit_is_told(desk: Desk, verb: str) -> None:
    row = desk.book(at(11))
    desk.do(appointments.confirm, row.id, row.version)
    requests = {
        "reschedule": (moved(row, start=at(15)),),
        "edit": (EditAppointment(row.id, row.version, reason="x"),),
        "advance": (row.id, row.version),
    }
    with pytest.raises(Conflict, match="changed_meanwhile"):
        desk.do(getattr(appointments, verb), *requests[verb])


def test_edit_changes_what_is_given(desk: Desk, place: Place) -> None:
    row = desk.book(at(11), reason="Knee")
    row = desk.do(appointments.edit, EditAppointment(row.id, row.version, type_id=place.follow_up))
    assert (row.type_name, row.reason, row.confirmed) == ("Follow-up", "Knee", False)
    row = desk.do(appointments.edit, EditAppointment(row.id, row.version, reason="", confirmed=True))
    assert (row.type_name, row.reason, row.confirmed, row.version) == ("Follow-up", "", True, 3)
    assert desk.do(appointments.edit, EditAppointment(row.id, row.version)).version == 3


def test_a_walk_in_is_here_and_takes_the_next_free_time(desk: Desk, place: Place) -> None:
    first = desk.do(appointments.walk_in, place.smith, place.lee, timedelta(minutes=20))
    assert (first.start, first.status, first.arrived_at) == (at(10, 40), Status.ARRIVED, at(10, 42))
    second = desk.do(appointments.walk_in, place.jones, place.lee, timedelta(minutes=20))
    assert second.start == at(11)


def test_a_walk_in_after_hours_is_told(desk: Desk, place: Place, clock: Hands) -> None:
    clock.now = at(17, 55)
    with pytest.raises(Conflict, match="no_opening_today"):
        desk.do(appointments.walk_in, place.smith, place.lee, timedelta(minutes=20))


def test_a_refused_booking_leaves_nothing(desk: Desk, db: Database, place: Place) -> None:
    desk.book(at(11))
    for minutes in (30, 0):
        with pytest.raises(ClinicError):
            desk.book(at(11), minutes, patient_id=place.jones)
    assert stored(db) == 1
    with db.engine.connect() as connection:
        assert verify(connection, db.audit_key).entries == 1


@pytest.mark.parametrize("role", ["administrator", "receptionist", "nurse", "doctor"])
def test_everybody_at_the_desk_may_book(desk: Desk, role: str, request: pytest.FixtureRequest) -> None:
    assert desk.as_(request.getfixturevalue(role)).book(at(11))


def test_the_unsigned_may_not(desk: Desk) -> None:
    with pytest.raises(NotPermitted):
        desk.as_(Actor(None, Role.NOBODY)).book(at(11))
