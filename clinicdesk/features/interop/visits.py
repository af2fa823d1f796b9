"""Stores visits from elsewhere: what is over as it was, what is open by the rules that the desk books by."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from sqlalchemy import select

from clinicdesk.core.errors import Conflict
from clinicdesk.core.tx import Tx
from clinicdesk.features.appointments import rows
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.appointments.rules import FINAL
from clinicdesk.features.appointments.schemas import (
    AppointmentRow,
    BookAppointment,
    CancelAppointment,
    EditAppointment,
    RecordPast,
    Reschedule,
    Status,
)
from clinicdesk.features.interop.fhir_records import VisitRecord
from clinicdesk.features.interop.schemas import Outcome


def patient_of(tx: Tx, visit_id: UUID) -> UUID | None:
    """Whose visit it is."""
    return tx.session.scalar(select(Appointment.patient_id).where(Appointment.id == visit_id))


def store_visit(
    tx: Tx, record: VisitRecord, row_id: UUID | None, patient_id: UUID, practitioner_id: UUID
) -> tuple[UUID, Outcome]:
    """Store a visit, or bring the one that it is to what the record says.

    Raises what `record_past` and `book` raise: SlotTaken for an open visit in a time that is held.
    """
    past = RecordPast(
        patient_id, practitioner_id, record.start, record.end, record.status,
        reason=record.reason, cancel_reason=record.cancel_reason,
    )  # fmt: skip
    if row_id is None:
        if record.status in FINAL:
            return appointments.record_past(tx, past), Outcome.CREATED
        return _book(tx, record, patient_id, practitioner_id), Outcome.CREATED
    visit = rows.get(tx, row_id)
    before = visit.version
    if visit.patient_id != patient_id:
        raise Conflict("other_patient")
    if visit.status not in FINAL:
        visit = _bring_on(tx, visit, record, practitioner_id)
    elif record.status not in FINAL:
        raise Conflict("visit_over")
    if visit.status in FINAL:
        appointments.correct_past(tx, row_id, replace(past, reason=record.reason or visit.reason))
    return row_id, Outcome.UPDATED if rows.get(tx, row_id).version != before else Outcome.UNCHANGED


def _book(tx: Tx, record: VisitRecord, patient_id: UUID, practitioner_id: UUID) -> UUID:
    """Put an open visit in the book. Hours and the patient's own overlaps were the other system's to judge."""
    visit = appointments.book(
        tx,
        BookAppointment(
            patient_id, practitioner_id, record.start, record.end - record.start,
            reason=record.reason, status=record.status, outside_hours=True, patient_overlap=True,
        ),
    )  # fmt: skip
    if record.confirmed:
        appointments.confirm(tx, visit.id, visit.version)
    return visit.id


def _bring_on(tx: Tx, visit: AppointmentRow, record: VisitRecord, practitioner_id: UUID) -> AppointmentRow:
    """Move, rename and advance an open visit to what the record says."""
    if record.status is Status.CANCELLED:
        return appointments.cancel(tx, CancelAppointment(visit.id, visit.version, record.cancel_reason))
    if record.status is Status.ENTERED_IN_ERROR:
        return appointments.mark_entered_in_error(tx, visit.id, visit.version)
    if record.status is Status.NOSHOW:
        return appointments.no_show(tx, visit.id, visit.version)
    if record.status is Status.FULFILLED:
        while visit.status is not Status.FULFILLED:
            visit = appointments.advance(tx, visit.id, visit.version)
        return visit
    if (visit.start, visit.end, visit.practitioner_id) != (record.start, record.end, practitioner_id):
        request = Reschedule(
            visit.id, visit.version, record.start, record.end - record.start, practitioner_id,
            outside_hours=True, patient_overlap=True,
        )  # fmt: skip
        visit = appointments.reschedule(tx, request)
    visit = appointments.edit(
        tx, EditAppointment(visit.id, visit.version, reason=record.reason or None, confirmed=record.confirmed or None)
    )
    if visit.status is not record.status:
        visit = _STEPS[record.status](tx, visit.id, visit.version)
    return visit


_STEPS = {
    Status.PROPOSED: appointments.propose,
    Status.PENDING: appointments.make_pending,
    Status.WAITLIST: appointments.put_on_waitlist,
    Status.BOOKED: appointments.reinstate,
    Status.ARRIVED: appointments.arrive,
    Status.CHECKED_IN: appointments.check_in,
}
