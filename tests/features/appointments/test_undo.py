"""Nothing that a person does by mistake is final: each verb can be undone, and redone, by whoever may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from clinicdesk.core.errors import Conflict, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import (
    AppointmentRow,
    BookAppointment,
    CancelAppointment,
    EditAppointment,
    RecordPast,
    Reschedule,
    SaveType,
    SlotTaken,
    Status,
)
from tests.features.appointments.conftest import Desk, Place, at


def facts(row: AppointmentRow) -> dict[str, Any]:
    """All but the version, which rises with every change, undo included."""
    return {name: getattr(row, name) for name in AppointmentRow.__slots__ if name != "version"}


def booking(place: Place, **other: Any) -> BookAppointment:
    return BookAppointment(**{  # type: ignore[arg-type]
        "patient_id": place.smith, "practitioner_id": place.lee, "start": at(11), "length": timedelta(minutes=30),
    } | other)  # fmt: skip


def test_a_booking_undone_is_entered_in_error_and_redone_is_booked(desk: Desk, place: Place) -> None:
    unit, row = desk.unit(appointments.book, booking(place, reason="Knee"))
    undo, undone = desk.unit(appointments.revert, unit)
    assert undone.visits[0].status is Status.ENTERED_IN_ERROR
    desk.do(appointments.revert, undo)
    [back] = desk.ask(appointments.visits_of_patient, place.smith)
    assert facts(back) == facts(row)


def test_an_undone_booking_frees_its_time(desk: Desk, place: Place) -> None:
    unit, _ = desk.unit(appointments.book, booking(place))
    undo, _ = desk.unit(appointments.revert, unit)
    desk.book(at(11), patient_id=place.jones)
    with pytest.raises(SlotTaken) as refusal:
        desk.do(appointments.revert, undo)
    assert refusal.value.params["what"] == "practitioner"


def test_a_whole_session_can_be_undone_and_redone(desk: Desk, place: Place) -> None:
    done = [desk.unit(appointments.book, booking(place))]
    row = done[0][1]
    for verb, request in (
        (appointments.reschedule, lambda r: (Reschedule(r.id, r.version, at(15), practitioner_id=place.okafor),)),
        (appointments.edit, lambda r: (EditAppointment(r.id, r.version, place.follow_up, "Knee", True),)),
        (appointments.advance, lambda r: (r.id, r.version)),
        (appointments.advance, lambda r: (r.id, r.version)),
        (appointments.step_back, lambda r: (r.id, r.version)),
        (appointments.cancel, lambda r: (CancelAppointment(r.id, r.version, "pat"),)),
    ):
        done.append(desk.unit(verb, *request(row)))
        row = done[-1][1]
    undone = []
    for (unit, _), (_, before) in zip(reversed(done), reversed([(None, None), *done[:-1]]), strict=True):
        undone.append(desk.unit(appointments.revert, unit))
        if before is not None:
            assert facts(undone[-1][1].visits[0]) == facts(before)
    for (unit, _), (_, after) in zip(reversed(undone), done, strict=True):
        assert facts(desk.do(appointments.revert, unit).visits[0]) == facts(after)


def test_what_has_changed_since_is_not_undone(desk: Desk, place: Place) -> None:
    unit, row = desk.unit(appointments.book, booking(place))
    moved, row = desk.unit(appointments.reschedule, Reschedule(row.id, row.version, at(15)))
    with pytest.raises(Conflict, match="changed_since"):
        desk.do(appointments.revert, unit)
    desk.do(appointments.confirm, row.id, row.version)
    assert desk.do(appointments.revert, moved).visits[0].confirmed  # another field stays as it is


def test_moving_back_to_a_time_that_is_taken_is_refused(desk: Desk, place: Place) -> None:
    row = desk.book(at(11))
    unit, _ = desk.unit(appointments.reschedule, Reschedule(row.id, row.version, at(15)))
    desk.book(at(11), patient_id=place.jones)
    with pytest.raises(SlotTaken):
        desk.do(appointments.revert, unit)


def test_many_visits_of_one_unit_are_undone_together(desk: Desk, place: Place) -> None:
    with desk.db.write(desk.actor) as tx:
        rows = [appointments.book(tx, booking(place, start=at(11 + n), patient_id=place.others[n])) for n in range(3)]
        rows[0] = appointments.advance(tx, rows[0].id, rows[0].version)
        unit = tx.unit_id
    undo, undone = desk.unit(appointments.revert, unit)
    assert [v.status for v in undone.visits] == [Status.ENTERED_IN_ERROR] * 3
    redone = desk.do(appointments.revert, undo)
    assert {v.id: facts(v) for v in redone.visits} == {r.id: facts(r) for r in rows}


def test_undo_is_audited_by_its_own_name_with_what_was_undone(desk: Desk, place: Place) -> None:
    unit, _ = desk.unit(appointments.book, booking(place))
    undo, _ = desk.unit(appointments.revert, unit)
    desk.do(appointments.revert, undo)
    with desk.db.read(desk.actor) as tx:
        entries = tx.session.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()
        told = [(entry.verb, "appointments.book" in entry.detail) for entry in entries]
    assert told == [("appointments.book", False), ("appointments.revert", True), ("appointments.revert", True)]


def test_only_who_did_it_or_may_correct_undoes(desk: Desk, place: Place, doctor: Actor, administrator: Actor) -> None:
    unit, _ = desk.unit(appointments.book, booking(place))
    with pytest.raises(NotPermitted):
        desk.as_(doctor).do(appointments.revert, unit)
    assert desk.as_(administrator).do(appointments.revert, unit)


def test_a_move_out_of_an_overbooking_is_undone_into_it(desk: Desk, place: Place) -> None:
    desk.book(at(11), patient_id=place.jones)
    unit, row = desk.unit(appointments.book, booking(place, overbook_reason="urgent"))
    moved, row = desk.unit(appointments.reschedule, Reschedule(row.id, row.version, at(15)))
    assert not row.overbooked
    assert desk.do(appointments.revert, moved).visits[0].overbooked
    assert desk.do(appointments.revert, unit).visits[0].status is Status.ENTERED_IN_ERROR


def test_nothing_and_other_things_are_not_undone_here(desk: Desk, administrator: Actor) -> None:
    with pytest.raises(NotFound, match="nothing_to_undo"):
        desk.do(appointments.revert, new_id())
    unit, _ = desk.as_(administrator).unit(appointments.save_type, SaveType("Check-up", 30))
    with pytest.raises(Conflict, match="not_undoable"):
        desk.as_(administrator).do(appointments.revert, unit)


def test_what_needed_a_permission_needs_it_to_be_undone(desk: Desk, place: Place, operator: Actor) -> None:
    past = RecordPast(place.smith, place.lee, at(9), at(10))
    unit, _ = desk.as_(operator).unit(appointments.record_past, past)
    with pytest.raises(NotPermitted):
        desk.do(appointments.revert, unit)
