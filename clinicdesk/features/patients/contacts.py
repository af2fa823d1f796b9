"""The verbs of a patient's contacts: whom to call about them."""

from __future__ import annotations

from uuid import UUID

from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Change, Tx, verb
from clinicdesk.features.patients.models import PatientContact
from clinicdesk.features.patients.parts import part, parts_of, put_back, take_off
from clinicdesk.features.patients.record import load
from clinicdesk.features.patients.rows import contact_row
from clinicdesk.features.patients.rules import checked_text
from clinicdesk.features.patients.schemas import ContactRow, SaveContact


@verb(Permission.OPEN_PATIENT, concurrent=True, of_patient=True)
def list_contacts(tx: Tx, patient_id: UUID, *, removed: bool = False) -> list[ContactRow]:
    """Whom to call about a patient, in the order in which they were added, with those taken off the record if asked.

    Audited. Raises NotFound.
    """
    return [contact_row(contact) for contact in parts_of(tx, PatientContact, patient_id, removed=removed)]


@verb(Permission.EDIT_PATIENT, of_patient=True)
def save_contact(tx: Tx, request: SaveContact) -> ContactRow:
    """Add a contact, or give one new values. Raises NotFound, InvalidInput, and Conflict changed_meanwhile."""
    tx.reach(request.patient_id)
    patient = load(tx, request.patient_id)
    name = checked_text(request.name, "name", 120, needed=True)
    relationship = checked_text(request.relationship, "relationship", 60)
    phone = checked_text(request.phone, "phone", 40)
    if phone and not any(character.isdigit() for character in phone):
        raise InvalidInput("phone_without_digits", field="phone")
    if request.id is None:
        contact = PatientContact(
            id=new_id(),
            version=1,
            patient_id=patient.id,
            name=name,
            relationship=relationship,
            phone=phone,
            removed=False,
        )
        tx.session.add(contact)
        tx.record(Change.created(contact, patient_id=patient.id))
    else:
        contact = part(tx, PatientContact, request.id, request.version, patient.id)
        contact.name, contact.relationship, contact.phone = name, relationship, phone
        tx.record(Change.updated(contact, patient_id=patient.id))
    tx.session.flush()
    return contact_row(contact)


@verb(Permission.EDIT_PATIENT, of_patient=True)
def remove_contact(tx: Tx, id: UUID, version: int | None = None, of: UUID | None = None) -> None:  # noqa: A002
    """Take a contact off the record (of this patient); the history keeps it. Raises NotFound, Conflict changed_meanwhile."""
    take_off(tx, PatientContact, id, version, of)


@verb(Permission.EDIT_PATIENT, of_patient=True)
def restore_contact(tx: Tx, id: UUID, version: int | None = None, of: UUID | None = None) -> ContactRow:  # noqa: A002
    """Put a contact that was taken off the record back on it. Raises NotFound, Conflict changed_meanwhile."""
    return contact_row(put_back(tx, PatientContact, id, version, of))
