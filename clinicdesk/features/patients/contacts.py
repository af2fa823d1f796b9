"""The verbs of a patient's contacts: whom to call about them."""

from __future__ import annotations

from uuid import UUID

from clinicdesk.core.errors import InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Change, Tx, verb
from clinicdesk.features.patients.models import PatientContact
from clinicdesk.features.patients.record import load
from clinicdesk.features.patients.rows import contact_row
from clinicdesk.features.patients.rules import checked_text
from clinicdesk.features.patients.schemas import ContactRow, SaveContact


@verb(Permission.EDIT_PATIENT)
def save_contact(tx: Tx, request: SaveContact) -> ContactRow:
    """Add a contact, or give one new values. Raises NotFound and InvalidInput."""
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
        contact = _load_contact(tx, request.id)
        if contact.patient_id != patient.id:
            raise NotFound("contact_not_found")
        contact.name, contact.relationship, contact.phone = name, relationship, phone
        tx.record(Change.updated(contact, patient_id=patient.id))
    return contact_row(contact)


@verb(Permission.EDIT_PATIENT)
def remove_contact(tx: Tx, id: UUID) -> None:  # noqa: A002
    """Take a contact off the record; the history keeps it. Raises NotFound."""
    contact = _load_contact(tx, id)
    contact.removed = True
    tx.record(Change.updated(contact, patient_id=contact.patient_id))


@verb(Permission.EDIT_PATIENT)
def restore_contact(tx: Tx, id: UUID) -> None:  # noqa: A002
    """Put a contact that was taken off the record back on it. Raises NotFound."""
    contact = tx.session.get(PatientContact, id)
    if contact is None:
        raise NotFound("contact_not_found")
    contact.removed = False
    tx.record(Change.updated(contact, patient_id=contact.patient_id))


def _load_contact(tx: Tx, contact_id: UUID) -> PatientContact:
    contact = tx.session.get(PatientContact, contact_id)
    if contact is None or contact.removed:
        raise NotFound("contact_not_found")
    return contact
