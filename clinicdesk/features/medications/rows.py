"""Turns stored prescriptions into the frozen rows that leave the session, with what was handed out on them counted in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, time
from uuid import UUID

from sqlalchemy import select

from clinicdesk.core.clinic import find_clinic
from clinicdesk.core.errors import Conflict, NotFound
from clinicdesk.core.tx import Tx
from clinicdesk.features.medications import rules
from clinicdesk.features.medications.models import MedicationDispense, MedicationReminder, MedicationRequest
from clinicdesk.features.medications.schemas import (
    DispenseRow,
    Dosage,
    MedicationRow,
    Moment,
    PeriodUnit,
    Prescribe,
    ReminderRule,
    Route,
    Status,
)
from clinicdesk.features.patients.record import day_in


def load(tx: Tx, id_: UUID, version: int | None = None) -> MedicationRequest:
    """A prescription's own row, once it is sure that the caller reaches its patient.

    Raises NotFound(medication_not_found), NotPermitted, and Conflict(changed_meanwhile) if it is not at `version`.
    """
    found = tx.session.get(MedicationRequest, id_)
    if found is None:
        raise NotFound("medication_not_found")
    tx.reach(found.patient_id)
    if version is not None and found.version != version:
        raise Conflict("changed_meanwhile")
    return found


def columns_of(request: Prescribe) -> dict[str, object]:
    """The columns that a checked prescription fills."""
    dosage = request.dosage
    return {
        "medicine": request.medicine, "strength": request.strength, "form": request.form,
        "amount": dosage.amount, "unit": dosage.unit, "times": dosage.times, "period": dosage.period,
        "period_unit": dosage.period_unit.value, "moment": dosage.moment.value, "as_needed": dosage.as_needed,
        "most_a_day": dosage.most_a_day, "route": dosage.route.value, "instructions": dosage.instructions,
        "starts_on": request.starts_on, "ends_on": request.ends_on, "refills": request.refills,
        "supply_days": request.supply_days, "review_on": request.review_on, "indication": request.indication,
    }  # fmt: skip


def dosage_of(stored: MedicationRequest) -> Dosage:
    """How the medicine is taken."""
    return Dosage(
        stored.amount, stored.unit, stored.times, stored.period, PeriodUnit(stored.period_unit), Moment(stored.moment),
        stored.as_needed, stored.most_a_day, Route(stored.route), stored.instructions,
    )  # fmt: skip


def dispensed(tx: Tx, ids: Iterable[UUID]) -> dict[UUID, list[DispenseRow]]:
    """What was handed out on each of the prescriptions, oldest first."""
    found: dict[UUID, list[DispenseRow]] = defaultdict(list)
    supplies = tx.session.scalars(
        select(MedicationDispense)
        .where(MedicationDispense.medication_id.in_(list(ids)))
        .order_by(MedicationDispense.dispensed_on, MedicationDispense.id)
    )
    for supply in supplies:
        found[supply.medication_id].append(
            DispenseRow(supply.id, supply.dispensed_on, supply.days, supply.quantity, supply.unit, supply.dispensed_by)
        )
    return found


def rows_of(tx: Tx, stored: Sequence[MedicationRequest]) -> list[MedicationRow]:
    """The prescriptions as lists show them."""
    clinic = find_clinic(tx.session)
    today = day_in(clinic, tx.now)
    supplies = dispensed(tx, [one.id for one in stored])
    return [_row(one, supplies.get(one.id, []), day_in(clinic, one.status_at), today) for one in stored]


def row_of(tx: Tx, stored: MedicationRequest) -> MedicationRow:
    """One prescription as a list shows it."""
    return rows_of(tx, [stored])[0]


def _row(stored: MedicationRequest, supplies: list[DispenseRow], changed_on: date, today: date) -> MedicationRow:
    status, handed_out = Status(stored.status), len(supplies)
    supplied = rules.supplied_until([(supply.on, supply.days) for supply in supplies], stored.starts_on)
    lasts = rules.lasts_until(supplied, stored.starts_on, stored.supply_days, handed_out, stored.refills)
    left = stored.refills - max(0, handed_out - 1)
    return MedicationRow(
        stored.id, stored.patient_id, stored.medicine, stored.strength, stored.form, dosage_of(stored),
        stored.starts_on, stored.ends_on, status, stored.status_reason, changed_on, stored.indication,
        stored.refills, left, stored.supply_days, supplied, lasts,
        left > 0 and rules.runs_out(status, supplied, stored.ends_on, today),
        rules.runs_out(status, lasts, stored.ends_on, today),
        stored.review_on, stored.prescriber_id, stored.prescriber, stored.replaces_id,
        tuple(stored.overridden.splitlines()), stored.override_reason, stored.version,
    )  # fmt: skip


def rule_of(stored: MedicationReminder) -> ReminderRule:
    """When a stored reminder is due."""
    return ReminderRule(
        tuple(time.fromisoformat(at) for at in stored.times.split(",")),
        stored.starts_on,
        stored.until,
        frozenset(map(int, stored.weekdays)),
    )
