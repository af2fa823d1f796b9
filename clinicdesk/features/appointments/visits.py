"""The day of a visit: every change of its state, by the one table of legal transitions, each of them undoable."""

from __future__ import annotations

from uuid import UUID

from clinicdesk.core.errors import Conflict
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.appointments import rows, rules
from clinicdesk.features.appointments.rules import State
from clinicdesk.features.appointments.schemas import AppointmentRow, CancelAppointment


def to_state(tx: Tx, visit: AppointmentRow, to: State, *, cancel_reason: str = "", note: str = "") -> AppointmentRow:
    """Bring a visit that was read into another state, for verbs, which say who may. Raises Conflict(illegal_transition),
    SlotTaken."""
    return rows.change(tx, visit, in_state(tx, visit, to, cancel_reason), note)


def in_state(tx: Tx, visit: AppointmentRow, to: State, cancel_reason: str = "") -> dict[str, object]:
    """What a visit is once it is in another state. Raises Conflict(illegal_transition)."""
    rules.require_legal(rules.state_of(visit), to)
    return {"status": to.status, "cancel_reason": cancel_reason} | rules.stamps(visit, to, tx.now)


@verb(Permission.OPEN_PATIENT, concurrent=True, of_patient=True)
def open_visit(tx: Tx, id_: UUID) -> AppointmentRow:
    """A visit as its card shows it, with what it is for. Opening it is audited.

    Raises NotFound(visit_not_found), NotPermitted.
    """
    visit = rows.reach(tx, id_)
    tx.record(Change("appointment", visit.id, Action.READ, patient_id=visit.patient_id))
    return rows.shown(tx, visit)


@verb(Permission.ADVANCE_VISIT, concurrent=True)
def advance(tx: Tx, id_: UUID, version: int) -> AppointmentRow:
    """One step on: booked, arrived, checked in, in the room, fulfilled. Raises Conflict(no_next_step, changed_meanwhile)."""
    visit = rows.get(tx, id_, version)
    return to_state(tx, visit, rules.next_step(rules.state_of(visit)))


@verb(Permission.ADVANCE_VISIT, concurrent=True)
def step_back(tx: Tx, id_: UUID, version: int) -> AppointmentRow:
    """One step back, forgetting its time. Raises Conflict(no_step_back, changed_meanwhile), SlotTaken."""
    visit = rows.get(tx, id_, version)
    return to_state(tx, visit, rules.step_back(rules.state_of(visit)))


@verb(Permission.ADVANCE_VISIT, concurrent=True)
def arrive(tx: Tx, id_: UUID, version: int) -> AppointmentRow:
    """The patient is here, and waits. Raises Conflict(illegal_transition, changed_meanwhile), SlotTaken."""
    return to_state(tx, rows.get(tx, id_, version), State.ARRIVED)


@verb(Permission.ADVANCE_VISIT, concurrent=True)
def check_in(tx: Tx, id_: UUID, version: int) -> AppointmentRow:
    """All is ready for the visit to begin; who checks in has arrived. Raises Conflict(illegal_transition, changed_meanwhile)."""
    return to_state(tx, rows.get(tx, id_, version), State.CHECKED_IN)


@verb(Permission.ADVANCE_VISIT, concurrent=True)
def start_visit(tx: Tx, id_: UUID, version: int) -> AppointmentRow:
    """The patient is in the room: the encounter begins. Raises Conflict(illegal_transition, changed_meanwhile)."""
    return to_state(tx, rows.get(tx, id_, version), State.IN_ROOM)


@verb(Permission.ADVANCE_VISIT, concurrent=True)
def fulfil(tx: Tx, id_: UUID, version: int) -> AppointmentRow:
    """The visit is over. Raises Conflict(illegal_transition, changed_meanwhile)."""
    return to_state(tx, rows.get(tx, id_, version), State.FULFILLED)


@verb(Permission.ADVANCE_VISIT, concurrent=True)
def no_show(tx: Tx, id_: UUID, version: int) -> AppointmentRow:
    """The patient did not come. Raises Conflict(visit_not_begun) before its time, (illegal_transition, changed_meanwhile)."""
    visit = rows.get(tx, id_, version)
    rules.require_legal(rules.state_of(visit), State.NOSHOW)
    if visit.start > tx.now:
        raise Conflict("visit_not_begun", start=visit.start)
    return to_state(tx, visit, State.NOSHOW)


@verb(Permission.BOOK, concurrent=True, of_patient=True)
def cancel(tx: Tx, request: CancelAppointment) -> AppointmentRow:
    """Cancel a visit, for one of FHIR's reasons; its time is free again. Patients cancel for reasons of theirs, and in time.

    Raises InvalidInput(unknown_cancel_reason, in_the_past), Conflict(illegal_transition, changed_meanwhile), NotPermitted,
    NotFound(visit_not_found).
    """
    visit = rows.reach(tx, request.id, request.version)
    rules.check_cancel_reason(request.reason, by_patient=tx.own_patient is not None)
    if tx.own_patient is not None:
        rules.check_not_past(visit.start, tx.now)
    return rows.shown(tx, to_state(tx, visit, State.CANCELLED, cancel_reason=request.reason, note=request.reason))


@verb(Permission.BOOK, concurrent=True)
def reinstate(tx: Tx, id_: UUID, version: int) -> AppointmentRow:
    """Take a visit (back) into the book: one that is proposed, pending, on the waitlist, cancelled or missed.

    Raises SlotTaken where its time is taken by now, Conflict(illegal_transition, changed_meanwhile).
    """
    return to_state(tx, rows.get(tx, id_, version), State.BOOKED)


@verb(Permission.BOOK, concurrent=True)
def make_pending(tx: Tx, id_: UUID, version: int) -> AppointmentRow:
    """Keep the time until somebody has agreed. Raises SlotTaken, Conflict(illegal_transition, changed_meanwhile)."""
    return to_state(tx, rows.get(tx, id_, version), State.PENDING)


@verb(Permission.BOOK, concurrent=True)
def propose(tx: Tx, id_: UUID, version: int) -> AppointmentRow:
    """Offer the time without keeping it. Raises Conflict(illegal_transition, changed_meanwhile)."""
    return to_state(tx, rows.get(tx, id_, version), State.PROPOSED)


@verb(Permission.BOOK, concurrent=True)
def put_on_waitlist(tx: Tx, id_: UUID, version: int) -> AppointmentRow:
    """Give the time free and wait for another. Raises Conflict(illegal_transition, changed_meanwhile)."""
    return to_state(tx, rows.get(tx, id_, version), State.WAITLIST)


@verb(Permission.CORRECT_VISIT, concurrent=True)
def mark_entered_in_error(tx: Tx, id_: UUID, version: int) -> AppointmentRow:
    """The visit should never have been in this record. Raises Conflict(illegal_transition, changed_meanwhile)."""
    return to_state(tx, rows.get(tx, id_, version), State.ENTERED_IN_ERROR)
