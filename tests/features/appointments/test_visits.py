"""The state machine, pair by pair: what is legal is done and can be undone and redone, and the rest is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from clinicdesk.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor
from clinicdesk.features.appointments import rules
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.appointments.rules import LEGAL, State
from clinicdesk.features.appointments.schemas import AppointmentRow, CancelAppointment, SlotTaken, Status
from tests.conftest import Hands
from tests.features.appointments.conftest import Desk, Place, at

VERBS = {
    State.PROPOSED: appointments.propose,
    State.PENDING: appointments.make_pending,
    State.WAITLIST: appointments.put_on_waitlist,
    State.BOOKED: appointments.reinstate,
    State.ARRIVED: appointments.arrive,
    State.CHECKED_IN: appointments.check_in,
    State.IN_ROOM: appointments.start_visit,
    State.FULFILLED: appointments.fulfil,
    State.NOSHOW: appointments.no_show,
    State.ENTERED_IN_ERROR: appointments.mark_entered_in_error,
}
DAY = [State.ARRIVED, State.CHECKED_IN, State.IN_ROOM, State.FULFILLED]


def bring(desk: Desk, row: AppointmentRow, to: State) -> tuple[UUID, AppointmentRow]:
    """Do what leads to the state in one step, whatever the state is now."""
    if to is State.CANCELLED:
        return desk.unit(appointments.cancel, CancelAppointment(row.id, row.version, "pat-lt"))
    return desk.unit(VERBS[to], row.id, row.version)


def visit_in(desk: Desk, state: State, start: datetime) -> AppointmentRow:
    """A visit in that state, come to by legal steps."""
    if state.status in rules.BOOKABLE:
        return desk.book(start, status=state.status)
    row = desk.book(start)
    for step in DAY[: DAY.index(state) + 1] if state in DAY else [state]:
        row = bring(desk, row, step)[1]
    return row


@pytest.fixture
def corrector(desk: Desk, administrator: Actor, clock: Hands) -> Desk:
    """Somebody who may do all of it, after the visits' time."""
    clock.now = at(17)
    return desk.as_(administrator)


@pytest.mark.parametrize("now", State)
def test_from_each_state_what_is_legal_is_done_undone_and_redone_and_the_rest_refused(
    corrector: Desk, now: State
) -> None:
    for nth, to in enumerate(State):
        before = visit_in(corrector, now, at(8) + nth * timedelta(minutes=30))
        if to in LEGAL[now]:
            unit, after = bring(corrector, before, to)
            assert rules.state_of(after) is to
            undo, undone = corrector.unit(appointments.revert, unit)
            assert without_version(undone.visits[0]) == without_version(before)
            redone = corrector.do(appointments.revert, undo)
            assert without_version(redone.visits[0]) == without_version(after)
            continue
        with pytest.raises(Conflict) as refusal:
            bring(corrector, before, to)
        assert refusal.value.reason == "illegal_transition"
        assert refusal.value.params == {"from_": now.value, "to": to.value}
        assert before in corrector.ask(appointments.visits_between, before.start, before.end)


def without_version(row: AppointmentRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in AppointmentRow.__slots__ if name != "version"}


def test_the_table_names_every_status_of_fhir() -> None:
    assert set(LEGAL) == set(State)
    assert {state.status for state in State} == set(Status)


def test_one_key_takes_a_visit_through_its_day_and_back(desk: Desk, clock: Hands) -> None:
    row = desk.book(at(11))
    seen = []
    for minute in range(4):
        clock.now = at(11, minute)
        row = desk.do(appointments.advance, row.id, row.version)
        seen.append(rules.state_of(row))
    assert seen == DAY
    times = (row.arrived_at, row.checked_in_at, row.started_at, row.ended_at)
    assert times == (at(11), at(11, 1), at(11, 2), at(11, 3))
    with pytest.raises(Conflict, match="no_next_step"):
        desk.do(appointments.advance, row.id, row.version)
    for left in (3, 2, 1, 0):
        row = desk.do(appointments.step_back, row.id, row.version)
        stamps = (row.arrived_at, row.checked_in_at, row.started_at, row.ended_at)
        assert stamps == times[:left] + (None,) * (4 - left)
    assert row.status is Status.BOOKED
    with pytest.raises(Conflict, match="no_step_back"):
        desk.do(appointments.step_back, row.id, row.version)


def test_who_checks_in_has_arrived(desk: Desk) -> None:
    row = desk.book(at(11))
    row = desk.do(appointments.check_in, row.id, row.version)
    assert row.arrived_at == row.checked_in_at == at(10, 42)


def test_a_visit_is_not_missed_before_its_time(desk: Desk, clock: Hands) -> None:
    row = desk.book(at(11))
    with pytest.raises(Conflict, match="visit_not_begun"):
        desk.do(appointments.no_show, row.id, row.version)
    clock.now = at(11)
    assert desk.do(appointments.no_show, row.id, row.version).status is Status.NOSHOW


@pytest.mark.parametrize("code", rules.CANCEL_REASONS)
def test_every_reason_of_fhir_is_taken(desk: Desk, code: str) -> None:
    row = desk.book(at(11))
    row = desk.do(appointments.cancel, CancelAppointment(row.id, row.version, code))
    assert (row.status, row.cancel_reason) == (Status.CANCELLED, code)
    with desk.db.read(desk.actor) as tx:
        details = tx.session.scalars(select(AuditEntry.detail).order_by(AuditEntry.seq)).all()
    assert f'"note":"{code}"' in details[-1]


def test_another_reason_is_not(desk: Desk) -> None:
    row = desk.book(at(11))
    for code in ("", "bored"):
        with pytest.raises(InvalidInput, match="unknown_cancel_reason"):
            desk.do(appointments.cancel, CancelAppointment(row.id, row.version, code))


def test_nine_reasons_have_a_digit() -> None:
    assert len(set(rules.CANCEL_DIGITS)) == 9
    assert set(rules.CANCEL_DIGITS) <= set(rules.CANCEL_REASONS)


def test_a_cancelled_visit_comes_back_only_to_a_free_time(desk: Desk, place: Place) -> None:
    row = desk.book(at(11))
    row = desk.do(appointments.cancel, CancelAppointment(row.id, row.version, "pat"))
    other = desk.book(at(11), patient_id=place.jones)
    with pytest.raises(SlotTaken):
        desk.do(appointments.reinstate, row.id, row.version)
    desk.do(appointments.cancel, CancelAppointment(other.id, other.version, "pat"))
    row = desk.do(appointments.reinstate, row.id, row.version)
    assert (row.status, row.cancel_reason) == (Status.BOOKED, "")


def test_opening_a_visit_is_audited(desk: Desk, place: Place) -> None:
    row = desk.book(at(11), reason="Knee pain")
    assert desk.do(appointments.open_visit, row.id) == row
    with desk.db.read(desk.actor) as tx:
        entry = tx.session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc())).first()
    assert entry is not None
    assert (entry.action, entry.verb, entry.patient_id) == ("R", "appointments.open_visit", place.smith.hex)


def test_a_visit_that_is_not_there(desk: Desk) -> None:
    with pytest.raises(NotFound, match="visit_not_found"):
        desk.do(appointments.open_visit, new_id())


def test_only_who_may_correct_marks_an_error(desk: Desk) -> None:
    row = desk.book(at(11))
    with pytest.raises(NotPermitted):
        desk.do(appointments.mark_entered_in_error, row.id, row.version)


def test_the_database_itself_refuses_an_overlap_that_a_state_would_make(desk: Desk, place: Place) -> None:
    row = desk.book(at(11))
    row = desk.do(appointments.cancel, CancelAppointment(row.id, row.version, "pat"))
    desk.book(at(11), patient_id=place.jones)
    with pytest.raises(Exception, match="slot_taken_practitioner"), desk.db.engine.begin() as connection:
        connection.execute(update(Appointment).where(Appointment.id == row.id).values(status="booked"))


def test_nobody_is_not_anybody(desk: Desk) -> None:
    row = desk.book(at(11))
    with pytest.raises(NotPermitted):
        desk.as_(Actor(None, Role.NOBODY)).do(appointments.advance, row.id, row.version)
