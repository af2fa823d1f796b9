"""The verbs of a patient's allergies: what they must not be given, in words, and when they were asked."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from clinicdesk.core.errors import NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Change, Tx, verb
from clinicdesk.features.patients.models import Allergy
from clinicdesk.features.patients.record import load, today
from clinicdesk.features.patients.rows import allergy_row
from clinicdesk.features.patients.rules import checked_text
from clinicdesk.features.patients.schemas import AllergyRow, SaveAllergy


@verb(Permission.EDIT_ALLERGIES)
def save_allergy(tx: Tx, request: SaveAllergy) -> AllergyRow:
    """Add an allergy, or give one new values. Raises NotFound and InvalidInput."""
    patient = load(tx, request.patient_id)
    substance = checked_text(request.substance, "substance", 200, needed=True)
    reaction = checked_text(request.reaction, "reaction", 200)
    if request.id is None:
        allergy = Allergy(
            id=new_id(),
            version=1,
            patient_id=patient.id,
            substance=substance,
            reaction=reaction,
            severity=request.severity.value,
            removed=False,
        )
        tx.session.add(allergy)
        tx.record(Change.created(allergy, patient_id=patient.id))
    else:
        allergy = _load_allergy(tx, request.id)
        if allergy.patient_id != patient.id:
            raise NotFound("allergy_not_found")
        allergy.substance, allergy.reaction, allergy.severity = substance, reaction, request.severity.value
        tx.record(Change.updated(allergy, patient_id=patient.id))
    return allergy_row(allergy)


@verb(Permission.EDIT_ALLERGIES)
def remove_allergy(tx: Tx, id: UUID) -> None:  # noqa: A002
    """Take an allergy off the record; the history keeps it. Raises NotFound."""
    allergy = _load_allergy(tx, id)
    allergy.removed = True
    tx.record(Change.updated(allergy, patient_id=allergy.patient_id))


@verb(Permission.EDIT_ALLERGIES)
def restore_allergy(tx: Tx, id: UUID) -> None:  # noqa: A002
    """Put an allergy that was taken off the record back on it. Raises NotFound."""
    allergy = tx.session.get(Allergy, id)
    if allergy is None:
        raise NotFound("allergy_not_found")
    allergy.removed = False
    tx.record(Change.updated(allergy, patient_id=allergy.patient_id))


@verb(Permission.EDIT_ALLERGIES)
def allergies_checked(tx: Tx, patient_id: UUID) -> date:
    """Record that the patient was asked about allergies today; gives back the day. Raises NotFound."""
    patient = load(tx, patient_id)
    patient.allergies_checked_on = day = today(tx)
    tx.record(Change.updated(patient, patient_id=patient.id))
    return day


def _load_allergy(tx: Tx, allergy_id: UUID) -> Allergy:
    allergy = tx.session.get(Allergy, allergy_id)
    if allergy is None or allergy.removed:
        raise NotFound("allergy_not_found")
    return allergy
