"""Which documents of a patient a caller sees and changes: clinical ones clinicians alone, or to look in an emergency."""

from __future__ import annotations

from uuid import UUID

from clinicdesk.core.errors import NotPermitted
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx, verb
from clinicdesk.features.documents import rules
from clinicdesk.features.documents.schemas import DocumentType


@verb(Permission.READ_CLINICAL_DOCUMENTS, writes=False, of_patient=True)
def reach_clinical(tx: Tx, patient_id: UUID) -> None:
    """Make sure that the caller may see the clinical documents of this patient. Raises NotPermitted."""
    tx.reach(patient_id)


@verb(Permission.EDIT_CLINICAL_DOCUMENT, writes=False, of_patient=True)
def reach_clinical_change(tx: Tx, patient_id: UUID) -> None:
    """Make sure that the caller may change clinical documents of this patient. Raises NotPermitted."""
    tx.reach(patient_id)


def see_type(tx: Tx, patient_id: UUID, type_: DocumentType) -> None:
    """Make sure that the caller may see documents of this type of this patient. Raises NotPermitted."""
    if not rules.is_administrative(type_):
        reach_clinical(tx, patient_id)


def change_type(tx: Tx, patient_id: UUID, type_: DocumentType) -> None:
    """Make sure that the caller may change documents of this type of this patient. Raises NotPermitted."""
    if not rules.is_administrative(type_):
        reach_clinical_change(tx, patient_id)


def sees_clinical(tx: Tx, patient_id: UUID) -> bool:
    """Whether the caller's role, or an emergency, shows them clinical documents of this patient.

    Raises NotPermitted("not_in_care") for a clinician who would have to say that it is an emergency.
    """
    try:
        reach_clinical(tx, patient_id)
    except NotPermitted:
        if tx.actor.may(Permission.READ_CLINICAL_DOCUMENTS):
            raise
        return False
    return True
