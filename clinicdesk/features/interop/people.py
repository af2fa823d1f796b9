"""Stores people, places and allergies from elsewhere: what the source does not say never erases what the desk knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from uuid import UUID

from sqlalchemy import func, select

from clinicdesk.core.errors import Conflict, NotFound
from clinicdesk.core.tx import Tx
from clinicdesk.features.interop.fhir_records import AllergyRecord, PatientRecord, PractitionerRecord, SiteRecord
from clinicdesk.features.interop.schemas import Outcome
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.folding import identifier_values
from clinicdesk.features.patients.fulltext import matching
from clinicdesk.features.patients.models import Allergy, Patient, PatientContact
from clinicdesk.features.patients.rows import demographics_of
from clinicdesk.features.patients.schemas import (
    Demographics,
    EditPatient,
    Gender,
    RegisterPatient,
    SaveAllergy,
    SaveContact,
)
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.models import Practitioner, Site
from clinicdesk.features.practitioners.schemas import SavePractitioner, SaveSite

Stored = tuple[UUID, Outcome]
"""The row that a record is, and what became of it."""

_AFTER_OUR_OWN = 1000
"""Where imported practitioners stand among the calendar's columns."""
_CANDIDATES = 50
"""Patients with the same number in some system, of whom the one with the same system too is looked for."""


def patient_with(tx: Tx, identifiers: Iterable[str]) -> UUID | None:
    """The patient who has one of these identifiers (`system|value`, both parts the same), if there is one."""
    wanted = {identifier for identifier in identifiers if not identifier.startswith("|")}
    for value in sorted(identifier_values(sorted(wanted))):
        candidates = [hit.patient_id for hit in matching(tx.session, f"i{value}", _CANDIDATES)]
        for patient in tx.session.scalars(select(Patient).where(Patient.id.in_(candidates))):
            if wanted.intersection(patient.identifiers.splitlines()):
                return patient.id
    return None


def store_patient(
    tx: Tx, record: PatientRecord, row_id: UUID | None, *, number: str = "", match: bool = True
) -> Stored:
    """Register a patient (under `number`, if given), or bring the one who it is to what the record says.

    With `match`, a patient who was entered by hand is known by a shared identifier, and keeps every value that the desk has
    typed. Raises Conflict("other_patient") where the id is somebody else's here.
    """
    told = record.demographics
    typed_here = row_id is None
    if row_id is None and match:
        row_id = patient_with(tx, told.identifiers)
    if row_id is None:
        row = patients.register(tx, RegisterPatient(told, number, record.deceased, record.deceased_on))
        _add_contacts(tx, row.id, record)
        return row.id, Outcome.CREATED
    patient = tx.session.get(Patient, row_id)
    if patient is None:
        raise NotFound("patient_not_found")
    stored = demographics_of(patient)
    if not typed_here:
        _check_same_person(stored, told)
    merged = _merged(stored, told, keep=typed_here)
    changed = merged != stored
    if changed:
        patients.edit(tx, EditPatient(patient.id, patient.version, merged))
    if record.deceased and not patient.deceased:
        patients.mark_deceased(tx, patient.id, patient.version, record.deceased_on)
        changed = True
    changed |= _add_contacts(tx, patient.id, record)
    return patient.id, Outcome.UPDATED if changed else Outcome.UNCHANGED


def _merged(stored: Demographics, told: Demographics, *, keep: bool) -> Demographics:
    """What the row shall say: the source's values where it has any; with `keep`, only where there is none yet."""
    new: dict[str, object] = {}
    for name in (field.name for field in fields(Demographics)):
        old, value = getattr(stored, name), getattr(told, name)
        if name == "identifiers":
            new[name] = tuple(dict.fromkeys((*old, *value)))
        elif name == "desk_notes":
            new[name] = old if value in old else f"{old}\n{value}".strip()
        elif value and value is not Gender.UNKNOWN and (not keep or not old or old is Gender.UNKNOWN):
            new[name] = value
    return replace(stored, **new)  # type: ignore[arg-type]


def _check_same_person(stored: Demographics, told: Demographics) -> None:
    """Two systems may give one number to two people: nobody is overwritten by somebody else.

    Raises Conflict("other_patient").
    """
    share = set(stored.identifiers) & set(told.identifiers)
    same_name = told.family == stored.family or told.given == stored.given
    if not share and not same_name and told.birth_date != stored.birth_date:
        raise Conflict("other_patient")


def _add_contacts(tx: Tx, patient_id: UUID, record: PatientRecord) -> bool:
    """Add the contacts who are not there by name yet; says whether there were any."""
    if not record.contacts:
        return False
    known = set(tx.session.scalars(select(PatientContact.name).where(PatientContact.patient_id == patient_id)))
    new = [contact for contact in record.contacts if contact[0] not in known]
    for name, relationship, phone in new:
        patients.save_contact(tx, SaveContact(patient_id, name, relationship, phone))
    return bool(new)


def store_practitioner(tx: Tx, record: PractitionerRecord, row_id: UUID | None) -> Stored:
    """Add a practitioner after the clinic's own, or bring the one who it is to what the record says."""
    if row_id is None:
        request = SavePractitioner(
            record.family, record.given, record.prefix, record.suffix, record.specialty,
            position=_AFTER_OUR_OWN, active=record.active,
        )  # fmt: skip
        return practitioners.save_practitioner(tx, request).id, Outcome.CREATED
    row = tx.session.get_one(Practitioner, row_id)
    before = row.version
    request = SavePractitioner(
        record.family, record.given, record.prefix, record.suffix, record.specialty or row.specialty,
        row.room_id, row.position, record.active, row.id, row.version,
    )  # fmt: skip
    saved = practitioners.save_practitioner(tx, request)
    return row_id, Outcome.UPDATED if saved.version != before else Outcome.UNCHANGED


def store_site(tx: Tx, record: SiteRecord, row_id: UUID | None) -> Stored:
    """Add a place, or bring the one that it is to what the record says. Of two with one name, the second tells its town."""
    if row_id is not None:
        row = tx.session.get_one(Site, row_id)
        before = row.version
        name = row.name if row.name == _with_town(record) else record.name
        request = SaveSite(name, record.address or row.address, record.active, row.id, row.version)
        saved = practitioners.save_site(tx, request)
        return row_id, Outcome.UPDATED if saved.version != before else Outcome.UNCHANGED
    same = select(Site).where(func.lower(Site.name) == func.lower(record.name), Site.active)
    namesake = tx.session.scalars(same).first()
    if namesake is not None and namesake.address == record.address:
        return namesake.id, Outcome.UNCHANGED
    name = record.name if namesake is None else _with_town(record)
    return practitioners.save_site(tx, SaveSite(name, record.address, record.active)).id, Outcome.CREATED


def _with_town(record: SiteRecord) -> str:
    return f"{record.name} ({record.city})" if record.city else record.name


def store_allergy(tx: Tx, record: AllergyRecord, row_id: UUID | None, patient_id: UUID) -> tuple[UUID | None, Outcome]:
    """Add an allergy unless the patient's record names the substance already; take one off that the source takes back."""
    if record.withdrawn:
        if row_id is None or tx.session.get_one(Allergy, row_id).removed:
            return None, Outcome.LEFT_OUT
        patients.remove_allergy(tx, row_id)
        return row_id, Outcome.UPDATED
    if row_id is None:
        same = select(Allergy.id).where(
            Allergy.patient_id == patient_id,
            func.lower(Allergy.substance) == func.lower(record.substance),
            Allergy.removed.is_(False),
        )
        there = tx.session.scalars(same).first()
        if there is not None:
            return there, Outcome.UNCHANGED
    request = SaveAllergy(patient_id, record.substance, record.reaction, record.severity, row_id)
    before = tx.session.get_one(Allergy, row_id).version if row_id else 0
    saved = patients.save_allergy(tx, request)
    if row_id is None:
        return saved.id, Outcome.CREATED
    return row_id, Outcome.UPDATED if tx.session.get_one(Allergy, row_id).version != before else Outcome.UNCHANGED
