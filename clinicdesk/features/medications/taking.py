"""The verbs of a prescription's life: its lists, holding, ending and correcting it, and what was handed out."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, and_, not_, or_, select

from clinicdesk.core.errors import Conflict, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import Page, PageRequest, check_limit, decode_cursor, encode_cursor
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.medications import rules
from clinicdesk.features.medications.models import MedicationDispense, MedicationRequest
from clinicdesk.features.medications.rows import dispensed, load, row_of, rows_of
from clinicdesk.features.medications.schemas import Dispense, MedicationDetail, MedicationRow, Status
from clinicdesk.features.patients.record import load as load_patient
from clinicdesk.features.patients.record import today


@verb(Permission.READ_MEDICATIONS, concurrent=True, of_patient=True)
def current_medications(tx: Tx, patient_id: UUID) -> list[MedicationRow]:
    """What the patient takes, has on hold or in draft, by name; that it was read stands in the audit trail. Raises NotFound."""
    found = select(MedicationRequest).where(*_reading(tx, patient_id), _is_current(tx))
    return sorted(
        rows_of(tx, tx.session.scalars(found).all()), key=lambda row: (row.medicine.casefold(), row.starts_on, row.id)
    )


@verb(Permission.READ_MEDICATIONS, concurrent=True, of_patient=True)
def past_medications(
    tx: Tx,
    patient_id: UUID,
    page: PageRequest = PageRequest(),  # noqa: B008  (frozen)
    *,
    entered_in_error: bool = False,
) -> Page[MedicationRow]:
    """A page of what the patient took, the latest ended first; with what was entered in error if asked.

    Audited. Raises NotFound, InvalidInput("cursor_not_right", "out_of_range").
    """
    check_limit(page)
    found = select(MedicationRequest).where(*_reading(tx, patient_id), not_(_is_current(tx)))
    if not entered_in_error:
        found = found.where(MedicationRequest.status != Status.ENTERED_IN_ERROR.value)
    # When one ended is reckoned from several columns, and of one patient there are not many.
    rows = sorted(rows_of(tx, tx.session.scalars(found).all()), key=_place, reverse=True)
    total = len(rows) if page.total else None
    if page.cursor:
        behind = tuple(map(str, decode_cursor(page.cursor, str, str)))
        rows = [row for row in rows if _place(row) < behind]
    shown = rows[: page.limit]
    return Page(shown, encode_cursor(_place(shown[-1])) if len(rows) > page.limit else None, total)


def _reading(tx: Tx, patient_id: UUID) -> list[ColumnElement[bool]]:
    """Note that the patient's medications are read; gives back which ones the caller may see: drafts are the clinic's own."""
    tx.reach(patient_id)
    load_patient(tx, patient_id)
    tx.record(Change("medication_request", None, Action.READ, patient_id=patient_id))
    wanted = [MedicationRequest.patient_id == patient_id]
    return wanted if tx.own_patient is None else [*wanted, MedicationRequest.status != Status.DRAFT.value]


def _place(row: MedicationRow) -> tuple[str, str]:
    return _ended_on(row).isoformat(), row.id.hex


def _ended_on(row: MedicationRow) -> date:
    """The day on which it was ended by a person or, of one whose time ran out, its last."""
    return row.ends_on if row.ends_on is not None and row.status in rules.OPEN else row.changed_on


@verb(Permission.READ_MEDICATIONS, concurrent=True, of_patient=True)
def open_medication(tx: Tx, id: UUID) -> MedicationDetail:  # noqa: A002
    """A prescription with all that was handed out on it. Audited. Raises NotFound."""
    stored = load(tx, id)
    if tx.own_patient is not None and stored.status == Status.DRAFT.value:
        raise NotFound("medication_not_found")
    tx.record(Change("medication_request", id, Action.READ, patient_id=stored.patient_id))
    return MedicationDetail(row_of(tx, stored), tuple(dispensed(tx, [id]).get(id, ())), stored.created_at)


@verb(Permission.PRESCRIBE, concurrent=True, of_patient=True)
def hold(tx: Tx, id: UUID, version: int, reason: str) -> MedicationRow:  # noqa: A002
    """Pause a medicine that is to go on later.

    Raises NotFound, InvalidInput, Conflict(medication_transition, changed_meanwhile).
    """
    return _to(tx, id, version, Status.ON_HOLD, rules.checked_reason(reason))


@verb(Permission.PRESCRIBE, concurrent=True, of_patient=True)
def stop(tx: Tx, id: UUID, version: int, reason: str) -> MedicationRow:  # noqa: A002
    """End a medicine before its time. Raises NotFound, InvalidInput, Conflict(medication_transition, changed_meanwhile)."""
    return _to(tx, id, version, Status.STOPPED, rules.checked_reason(reason))


@verb(Permission.PRESCRIBE, concurrent=True, of_patient=True)
def complete(tx: Tx, id: UUID, version: int) -> MedicationRow:  # noqa: A002
    """Say that a medicine was taken as prescribed, to its end.

    Raises NotFound, Conflict(medication_transition, changed_meanwhile).
    """
    return _to(tx, id, version, Status.COMPLETED)


@verb(Permission.PRESCRIBE, concurrent=True, of_patient=True)
def withdraw(tx: Tx, id: UUID, version: int, reason: str = "") -> MedicationRow:  # noqa: A002
    """Cancel a prescription of which nothing was handed out yet.

    Raises NotFound, InvalidInput, Conflict(medication_transition, already_dispensed, changed_meanwhile).
    """
    reason = rules.checked_reason(reason, required=False)
    if dispensed(tx, [load(tx, id, version).id]):
        raise Conflict("already_dispensed")
    return _to(tx, id, version, Status.CANCELLED, reason)


@verb(Permission.PRESCRIBE, concurrent=True, of_patient=True)
def mark_entered_in_error(tx: Tx, id: UUID, version: int, reason: str) -> MedicationRow:  # noqa: A002
    """Say that a prescription should never have stood on this record; it is kept, and shown only where it is asked for.

    Raises NotFound, InvalidInput, Conflict(medication_transition, changed_meanwhile).
    """
    return _to(tx, id, version, Status.ENTERED_IN_ERROR, rules.checked_reason(reason))


@verb(Permission.PRESCRIBE, concurrent=True, of_patient=True)
def dispense(tx: Tx, request: Dispense) -> MedicationRow:
    """Note that a supply was handed out: the first, or a refill while one is left.

    Raises NotFound, InvalidInput, Conflict(not_active, no_refill_left, changed_meanwhile).
    """
    stored = load(tx, request.id, request.version)
    if stored.status != Status.ACTIVE.value:
        raise Conflict("not_active")
    day = today(tx)
    on = request.on or day
    rules.check_supply(on, request.days, request.quantity, day)
    if len(dispensed(tx, [stored.id]).get(stored.id, ())) > stored.refills:
        raise Conflict("no_refill_left")
    supply = MedicationDispense(
        id=new_id(), version=1, medication_id=stored.id, dispensed_on=on, days=request.days or stored.supply_days,
        quantity=request.quantity, unit=one_line(request.unit, "unit", 20), dispensed_by=tx.actor.name, created_at=tx.now,
    )  # fmt: skip
    tx.session.add(supply)
    tx.record(Change.created(supply, patient_id=stored.patient_id))
    # The prescription's version rises too: of two desks that hand out the last refill at once, one is told.
    before, stored.version = stored.version, stored.version + 1
    tx.record(
        Change(
            "medication_request", stored.id, Action.UPDATE, {"version": before}, {"version": stored.version},
            stored.patient_id,
        )
    )  # fmt: skip
    tx.session.flush()
    return row_of(tx, stored)


def _is_current(tx: Tx) -> ColumnElement[bool]:
    return and_(
        MedicationRequest.status.in_([status.value for status in rules.OPEN]),
        or_(MedicationRequest.ends_on.is_(None), MedicationRequest.ends_on >= today(tx)),
    )


def _to(tx: Tx, id_: UUID, version: int, status: Status, reason: str = "") -> MedicationRow:
    stored = load(tx, id_, version)
    rules.require_legal(Status(stored.status), status)
    stored.status, stored.status_reason, stored.status_at = status.value, reason, tx.now
    tx.record(Change.updated(stored, patient_id=stored.patient_id, note=status.value))
    tx.session.flush()
    return row_of(tx, stored)
