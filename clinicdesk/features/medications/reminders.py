"""The verbs of reminders to take a medicine: their rules, and which are due when. What sends them lives elsewhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

from clinicdesk.core.clinic import load_clinic
from clinicdesk.core.clock import in_utc
from clinicdesk.core.errors import Conflict, InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.medications import rules, schedule
from clinicdesk.features.medications.models import MedicationReminder, MedicationRequest
from clinicdesk.features.medications.rows import load, rule_of
from clinicdesk.features.medications.schemas import DueReminder, ReminderRow, ReminderRule, SaveReminder, Status
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.patients.record import load as load_patient
from clinicdesk.features.patients.record import today

LONGEST_LOOK = timedelta(days=31)
"""How much time one question about due reminders may span."""


@verb(Permission.MANAGE_REMINDERS, concurrent=True, of_patient=True)
def save_reminder(tx: Tx, request: SaveReminder) -> ReminderRow:
    """Remind a patient of a medicine by a new rule (it is on), or give a reminder a new one.

    Raises NotFound, InvalidInput, Conflict(not_active: the medicine is not taken any more; changed_meanwhile).
    """
    medication = load(tx, request.medication_id)
    if Status(medication.status) not in (Status.ACTIVE, Status.ON_HOLD):
        raise Conflict("not_active")
    rule = rules.checked_rule(request.rule, today(tx))
    values = {
        "times": ",".join(at.strftime("%H:%M") for at in rule.times),
        "weekdays": "".join(map(str, sorted(rule.weekdays))),
        "starts_on": rule.starts_on,
        "until": rule.until,
    }
    if request.id is None:
        reminder = MedicationReminder(
            id=new_id(), version=1, medication_id=medication.id, enabled=True, created_at=tx.now, **values
        )
        tx.session.add(reminder)
        tx.record(Change.created(reminder, patient_id=medication.patient_id))
    else:
        reminder = _at(_stored(tx, request.id), request.version)
        if reminder.medication_id != medication.id:
            raise NotFound("reminder_not_found")
        for name, value in values.items():
            setattr(reminder, name, value)
        tx.record(Change.updated(reminder, patient_id=medication.patient_id))
    tx.session.flush()
    return _row(tx, reminder, medication)


@verb(Permission.MANAGE_REMINDERS, concurrent=True, of_patient=True)
def enable_reminder(tx: Tx, id: UUID, version: int, enabled: bool) -> ReminderRow:  # noqa: A002
    """Turn a reminder on or off. Raises NotFound and Conflict(changed_meanwhile)."""
    reminder = _stored(tx, id)
    medication = load(tx, reminder.medication_id)
    _at(reminder, version)
    reminder.enabled = enabled
    tx.record(Change.updated(reminder, patient_id=medication.patient_id, note="on" if enabled else "off"))
    tx.session.flush()
    return _row(tx, reminder, medication)


@verb(Permission.READ_MEDICATIONS, concurrent=True, of_patient=True)
def reminders_of_patient(tx: Tx, patient_id: UUID) -> list[ReminderRow]:
    """Every reminder of a patient, the next due first, then those that are not due any more. Audited. Raises NotFound."""
    tx.reach(patient_id)
    load_patient(tx, patient_id)
    tx.record(Change("medication_reminder", None, Action.READ, patient_id=patient_id))
    found = tx.session.execute(
        select(MedicationReminder, MedicationRequest)
        .join(MedicationRequest, MedicationRequest.id == MedicationReminder.medication_id)
        .where(MedicationRequest.patient_id == patient_id)
    )
    rows = [_row(tx, reminder, medication) for reminder, medication in found]
    return sorted(rows, key=lambda row: (row.next_due is None, row.next_due or tx.now, row.medicine, row.id))


@verb(Permission.MAINTAIN, writes=False)
def due_between(tx: Tx, start: datetime, end: datetime) -> list[DueReminder]:
    """Every reminder that is due in [start, end), earliest first: of medicines that are taken then, by patients who live.

    Each (reminder_id, due_at) comes back the same whenever it is asked. Raises InvalidInput for a span over 31 days.
    """
    return _due(tx, start, end)


@verb(Permission.READ_MEDICATIONS, concurrent=True, of_patient=True)
def due_for_patient(tx: Tx, patient_id: UUID, start: datetime, end: datetime) -> list[DueReminder]:
    """The same of one patient. Audited. Raises NotFound, and InvalidInput for a span over 31 days."""
    tx.reach(patient_id)
    load_patient(tx, patient_id)
    tx.record(Change("medication_reminder", None, Action.READ, patient_id=patient_id))
    return _due(tx, start, end, MedicationRequest.patient_id == patient_id)


def _due(tx: Tx, start: datetime, end: datetime, *narrowed: ColumnElement[bool]) -> list[DueReminder]:
    start, end = in_utc(start), in_utc(end)
    if not timedelta(0) <= end - start <= LONGEST_LOOK:
        raise InvalidInput("span", field="end", most=LONGEST_LOOK.days)
    zone = load_clinic(tx.session).tz
    first, last = start.astimezone(zone).date() - timedelta(days=1), end.astimezone(zone).date()
    r, m = MedicationReminder, MedicationRequest
    found = tx.session.execute(
        select(r, m)
        .join(m, m.id == r.medication_id)
        .join(Patient, Patient.id == m.patient_id)
        .where(
            r.enabled.is_(True), r.starts_on <= last, or_(r.until.is_(None), r.until >= first),
            m.status == Status.ACTIVE.value, m.starts_on <= last, or_(m.ends_on.is_(None), m.ends_on >= first),
            Patient.deceased.is_(False), Patient.active.is_(True), *narrowed,
        )
    )  # fmt: skip
    due = [
        DueReminder(reminder.id, medication.id, medication.patient_id, at)
        for reminder, medication in found
        for at in schedule.due_within(_while_taken(rule_of(reminder), medication), start, end, zone)
    ]
    return sorted(due, key=lambda one: (one.due_at, one.reminder_id))


def _while_taken(rule: ReminderRule, medication: MedicationRequest) -> ReminderRule:
    """The rule within the time of the prescription."""
    ends = [day for day in (rule.until, medication.ends_on) if day is not None]
    return ReminderRule(rule.times, max(rule.starts_on, medication.starts_on), min(ends, default=None), rule.weekdays)


def _stored(tx: Tx, id_: UUID) -> MedicationReminder:
    reminder = tx.session.get(MedicationReminder, id_)
    if reminder is None:
        raise NotFound("reminder_not_found")
    return reminder


def _at(reminder: MedicationReminder, version: int | None) -> MedicationReminder:
    if reminder.version != version:
        raise Conflict("changed_meanwhile")
    return reminder


def _row(tx: Tx, reminder: MedicationReminder, medication: MedicationRequest) -> ReminderRow:
    rule, due = rule_of(reminder), None
    if reminder.enabled and medication.status == Status.ACTIVE.value:
        due = schedule.next_due(_while_taken(rule, medication), tx.now, load_clinic(tx.session).tz)
    return ReminderRow(
        reminder.id, medication.id, medication.patient_id, medication.medicine, rule, reminder.enabled, due,
        reminder.version,
    )  # fmt: skip
