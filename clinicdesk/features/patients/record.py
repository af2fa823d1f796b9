"""Loads the patient that a verb is about, and says which day it is in the clinic."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from clinicdesk.core.clinic import ClinicRow, find_clinic
from clinicdesk.core.errors import Conflict, NotFound
from clinicdesk.core.tx import Tx
from clinicdesk.features.patients.models import Patient


def load_any(tx: Tx, patient_id: UUID) -> Patient:
    """The patient's own row, of a record that was merged into another too. Raises NotFound."""
    patient = tx.session.get(Patient, patient_id)
    if patient is None:
        raise NotFound("patient_not_found")
    return patient


def load(tx: Tx, patient_id: UUID) -> Patient:
    """The patient's own row. Raises NotFound, and Conflict patient_merged: what there is of the person is elsewhere."""
    patient = load_any(tx, patient_id)
    if patient.merged_into_id is not None:
        raise Conflict("patient_merged", merged_into=patient.merged_into_id)
    return patient


def load_version(tx: Tx, patient_id: UUID, version: int) -> Patient:
    """The patient's own row, where it is as the caller saw it. Raises NotFound, Conflict (patient_merged, changed_meanwhile)."""
    patient = load(tx, patient_id)
    if patient.version != version:
        raise Conflict("changed_meanwhile")
    return patient


def today(tx: Tx) -> date:
    """The day it is in the clinic."""
    return day_in(find_clinic(tx.session), tx.now)


def day_in(clinic: ClinicRow | None, instant: datetime) -> date:
    """The clinic's day at an instant; the day in UTC before the clinic has been set up."""
    return instant.astimezone(clinic.tz if clinic else UTC).date()
