"""The verbs of a patient's allergies: what they must not be given, in words, and when they were asked."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Change, Tx, verb
from clinicdesk.features.patients.models import Allergy
from clinicdesk.features.patients.parts import part, parts_of, put_back, take_off
from clinicdesk.features.patients.record import load, today
from clinicdesk.features.patients.rows import allergy_row
from clinicdesk.features.patients.rules import checked_text
from clinicdesk.features.patients.schemas import AllergyRow, SaveAllergy


@verb(Permission.OPEN_PATIENT, concurrent=True, of_patient=True)
def list_allergies(tx: Tx, patient_id: UUID, *, removed: bool = False) -> list[AllergyRow]:
    """A patient's allergies in the order in which they were added, with those taken off the record if asked.

    Audited. Raises NotFound.
    """
    return [allergy_row(allergy) for allergy in parts_of(tx, Allergy, patient_id, removed=removed)]


@verb(Permission.EDIT_ALLERGIES, of_patient=True)
def save_allergy(tx: Tx, request: SaveAllergy) -> AllergyRow:
    """Add an allergy, or give one new values. Raises NotFound, InvalidInput, and Conflict changed_meanwhile."""
    tx.reach(request.patient_id)
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
        allergy = part(tx, Allergy, request.id, request.version, patient.id)
        allergy.substance, allergy.reaction, allergy.severity = substance, reaction, request.severity.value
        tx.record(Change.updated(allergy, patient_id=patient.id))
    tx.session.flush()
    return allergy_row(allergy)


@verb(Permission.EDIT_ALLERGIES, of_patient=True)
def remove_allergy(tx: Tx, id: UUID, version: int | None = None, of: UUID | None = None) -> None:  # noqa: A002
    """Take an allergy off the record (of this patient); the history keeps it. Raises NotFound, Conflict changed_meanwhile."""
    take_off(tx, Allergy, id, version, of)


@verb(Permission.EDIT_ALLERGIES, of_patient=True)
def restore_allergy(tx: Tx, id: UUID, version: int | None = None, of: UUID | None = None) -> AllergyRow:  # noqa: A002
    """Put an allergy that was taken off the record back on it. Raises NotFound, Conflict changed_meanwhile."""
    return allergy_row(put_back(tx, Allergy, id, version, of))


@verb(Permission.EDIT_ALLERGIES, of_patient=True)
def allergies_checked(tx: Tx, patient_id: UUID) -> date:
    """Record that the patient was asked about allergies today; gives back the day. Raises NotFound."""
    tx.reach(patient_id)
    patient = load(tx, patient_id)
    patient.allergies_checked_on = day = today(tx)
    tx.record(Change.updated(patient, patient_id=patient.id))
    return day
