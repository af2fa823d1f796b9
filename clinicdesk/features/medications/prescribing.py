"""The verbs that make a prescription, renew it, and look at what speaks against it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select

from clinicdesk.core.errors import Conflict, InvalidInput, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.medications import rules, safety
from clinicdesk.features.medications.models import MedicationReminder, MedicationRequest
from clinicdesk.features.medications.phrase import Proposal, parse
from clinicdesk.features.medications.rows import columns_of, dosage_of, load, row_of
from clinicdesk.features.medications.schemas import (
    Checked,
    EditDraft,
    MedicationRow,
    Prescribe,
    Renew,
    SeriousWarning,
    Status,
)
from clinicdesk.features.patients.models import Allergy, Patient
from clinicdesk.features.patients.record import load as load_patient
from clinicdesk.features.patients.record import today
from clinicdesk.features.patients.rows import allergy_row

PHRASE_MOST = 300
"""Characters that a typed prescription may have."""


@verb(Permission.READ_MEDICATIONS, concurrent=True, of_patient=True)
def check_medicine(tx: Tx, patient_id: UUID, medicine: str, except_id: UUID | None = None) -> Checked:
    """What speaks against the medicine for this patient, worst first; `except_id` is a prescription that it would replace.

    See `safety.check` for what it can tell. That it was looked up stands in the audit trail. Raises NotFound.
    """
    tx.reach(patient_id)
    patient = load_patient(tx, patient_id)
    tx.record(Change("medication_request", None, Action.READ, patient_id=patient_id))
    return _check(tx, patient, medicine, except_id)


@verb(Permission.PRESCRIBE, concurrent=True, of_patient=True)
def prescribe(tx: Tx, request: Prescribe) -> MedicationRow:
    """Prescribe a medicine, or keep a draft of it. A draft is checked when it is signed.

    Raises SeriousWarning (say why, to prescribe in spite of it), NotPermitted (the role may not), InvalidInput, NotFound and
    Conflict(patient_deceased_medicine).
    """
    tx.reach(request.patient_id)
    return _prescribe(tx, request)


@verb(Permission.PRESCRIBE, writes=False)
def read_phrase(tx: Tx, text: str) -> Proposal:
    """What a prescription as one types it, such as `ibuprofen 400 tds 7d`, is understood as. Raises InvalidInput."""
    return parse(one_line(text, "text", PHRASE_MOST, required=True), today(tx))


@verb(Permission.PRESCRIBE, concurrent=True, of_patient=True)
def prescribe_phrase(
    tx: Tx, patient_id: UUID, text: str, *, draft: bool = True, override_reason: str = ""
) -> MedicationRow:
    """Prescribe what the phrase is understood as; without `draft` it is signed at once.

    Raises as `prescribe` does, and InvalidInput(unit_missing) where an amount without a unit would be signed unseen.
    """
    tx.reach(patient_id)
    proposal = parse(one_line(text, "text", PHRASE_MOST, required=True), today(tx))
    if proposal.unit_assumed and not draft:
        raise InvalidInput("unit_missing", field="text")
    return _prescribe(tx, replace(proposal.request(patient_id), draft=draft, override_reason=override_reason))


@verb(Permission.PRESCRIBE, concurrent=True, of_patient=True)
def edit_draft(tx: Tx, request: EditDraft) -> MedicationRow:
    """Give a draft new values; the patient stays the same. Raises NotFound, InvalidInput, Conflict(changed_meanwhile,
    not_a_draft)."""
    stored = load(tx, request.id, request.version)
    if stored.status != Status.DRAFT.value:
        raise Conflict("not_a_draft")
    for name, value in columns_of(rules.checked(request.prescription, today(tx))).items():
        setattr(stored, name, value)
    return _edited(tx, stored)


@verb(Permission.PRESCRIBE, concurrent=True, of_patient=True)
def sign(tx: Tx, id: UUID, version: int, override_reason: str = "") -> MedicationRow:  # noqa: A002
    """Make a draft a prescription. Raises as `prescribe` does, and Conflict(not_a_draft, changed_meanwhile)."""
    stored = load(tx, id, version)
    if stored.status != Status.DRAFT.value:
        raise Conflict("not_a_draft")
    _sign(tx, stored, rules.checked_reason(override_reason, "override_reason", required=False))
    return _edited(tx, stored)


@verb(Permission.PRESCRIBE, concurrent=True, of_patient=True)
def renew(tx: Tx, request: Renew) -> MedicationRow:
    """Let a prescription go on as a new one; the old one is completed, and its reminders go over to the new one.

    It is checked like any new prescription. Raises as `prescribe` does, and Conflict(not_renewable, changed_meanwhile).
    """
    old = load(tx, request.id, request.version)
    if Status(old.status) not in rules.RENEWABLE:
        raise Conflict("not_renewable")
    new = _new(tx, rules.checked(_again(old, request), today(tx)), old.id)
    _sign(tx, new, rules.checked_reason(request.override_reason, "override_reason", required=False), old.id)
    if old.status in (Status.ACTIVE.value, Status.ON_HOLD.value):
        old.status, old.status_reason, old.status_at = Status.COMPLETED.value, "", tx.now
        tx.record(Change.updated(old, patient_id=old.patient_id, note="renewed"))
    row = _added(tx, new)
    for reminder in tx.session.scalars(select(MedicationReminder).where(MedicationReminder.medication_id == old.id)):
        reminder.medication_id = new.id
        if reminder.until is not None and new.ends_on is not None:
            reminder.until = max(reminder.until, new.ends_on)
        tx.record(Change.updated(reminder, patient_id=new.patient_id))
    tx.session.flush()
    return row


@verb(Permission.PRESCRIBE, concurrent=True, of_patient=True)
def resume(tx: Tx, id: UUID, version: int, override_reason: str = "") -> MedicationRow:  # noqa: A002
    """Let a prescription go on that was held, or ended by mistake. It is checked again.

    Raises as `prescribe` does, and Conflict(medication_transition, changed_meanwhile).
    """
    stored = load(tx, id, version)
    if stored.status == Status.DRAFT.value:
        raise Conflict("medication_transition", from_=stored.status, to=Status.ACTIVE.value)
    _sign(tx, stored, rules.checked_reason(override_reason, "override_reason", required=False))
    return _edited(tx, stored)


def _prescribe(tx: Tx, request: Prescribe) -> MedicationRow:
    request = rules.checked(request, today(tx))
    stored = _new(tx, request)
    if request.draft:
        stored.status = Status.DRAFT.value
    else:
        _sign(tx, stored, request.override_reason)
    return _added(tx, stored)


def _again(old: MedicationRequest, request: Renew) -> Prescribe:
    return Prescribe(
        old.patient_id, old.medicine, dosage_of(old), old.strength, old.form, request.starts_on, request.ends_on,
        request.refills, old.supply_days, old.review_on, old.indication,
    )  # fmt: skip


def _new(tx: Tx, request: Prescribe, replaces_id: UUID | None = None) -> MedicationRequest:
    return MedicationRequest(
        id=new_id(), version=1, patient_id=load_patient(tx, request.patient_id).id, status=Status.DRAFT.value,
        status_reason="", status_at=tx.now, prescriber_id=tx.actor.user_id, prescriber=tx.actor.name,
        replaces_id=replaces_id, overridden="", override_reason="", created_at=tx.now, **columns_of(request),
    )  # fmt: skip


def _sign(tx: Tx, stored: MedicationRequest, override_reason: str, except_id: UUID | None = None) -> None:
    """Make the prescription an active one, unless something serious speaks against it that nobody has overridden."""
    rules.require_legal(Status(stored.status), Status.ACTIVE)
    # Two who prescribe for one patient at once must see each other's medicine.
    tx.claim(f"medications/{stored.patient_id}")
    patient = load_patient(tx, stored.patient_id)
    if patient.deceased:
        raise Conflict("patient_deceased_medicine")
    serious = _check(tx, patient, stored.medicine, except_id or stored.id).serious
    if serious and not override_reason:
        raise SeriousWarning(warnings=serious)
    if serious and not tx.actor.may(Permission.OVERRIDE_WARNING):
        raise NotPermitted(verb=tx.verb, permission=Permission.OVERRIDE_WARNING.value, patient_id=patient.id)
    stored.status, stored.status_reason, stored.status_at = Status.ACTIVE.value, "", tx.now
    stored.prescriber_id, stored.prescriber = tx.actor.user_id, tx.actor.name
    stored.overridden = "\n".join(warning.summary for warning in serious)
    stored.override_reason = override_reason if serious else ""


def _check(tx: Tx, patient: Patient, medicine: str, except_id: UUID | None) -> Checked:
    day = today(tx)
    current = select(MedicationRequest.medicine).where(
        MedicationRequest.patient_id == patient.id,
        MedicationRequest.status.in_([Status.ACTIVE.value, Status.ON_HOLD.value, Status.UNKNOWN.value]),
        or_(MedicationRequest.ends_on.is_(None), MedicationRequest.ends_on >= day - _WORKS_ON),
        MedicationRequest.id != except_id,
    )
    allergies = select(Allergy).where(Allergy.patient_id == patient.id, Allergy.removed.is_(False)).order_by(Allergy.id)
    return safety.check(
        medicine,
        tx.session.scalars(current.order_by(MedicationRequest.id)).all(),
        [allergy_row(allergy) for allergy in tx.session.scalars(allergies)],
        patient.allergies_checked_on,
    )


_WORKS_ON = timedelta(days=1)
"""How long a medicine counts after its last day: what was taken in the evening meets the next morning's."""


def warnings_unseen(tx: Tx, stored: MedicationRequest) -> tuple[str, ...]:
    """The serious warnings against a prescription that whoever signed it elsewhere has not overridden, as they would be said."""
    tx.claim(f"medications/{stored.patient_id}")
    seen = set(stored.overridden.splitlines())
    found = _check(tx, load_patient(tx, stored.patient_id), stored.medicine, stored.id).serious
    return tuple(warning.summary for warning in found if warning.summary not in seen)


def _added(tx: Tx, stored: MedicationRequest) -> MedicationRow:
    tx.session.add(stored)
    tx.record(Change.created(stored, patient_id=stored.patient_id, note=_note(stored)))
    tx.session.flush()
    return row_of(tx, stored)


def _edited(tx: Tx, stored: MedicationRequest) -> MedicationRow:
    tx.record(Change.updated(stored, patient_id=stored.patient_id, note=_note(stored)))
    tx.session.flush()
    return row_of(tx, stored)


def _note(stored: MedicationRequest) -> str:
    """How many serious warnings were overridden, for the audit trail; which ones, stands on the row."""
    count = len(stored.overridden.splitlines())
    return f"warnings_overridden {count}" if count else ""
