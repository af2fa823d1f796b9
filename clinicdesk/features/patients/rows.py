"""Turns stored patients into the frozen rows that leave the session."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinicdesk.features.patients.models import Allergy, Patient, PatientContact
from clinicdesk.features.patients.schemas import (
    AllergyRow,
    ContactRow,
    Demographics,
    Gender,
    PatientDetail,
    PatientRow,
    Severity,
)

_ROW = select(
    Patient.id,
    Patient.number,
    Patient.family,
    Patient.given,
    Patient.birth_family,
    Patient.birth_date,
    Patient.gender,
    Patient.pronouns,
    Patient.phone,
    Patient.mobile,
    Patient.city,
    Patient.deceased,
    Patient.active,
)


def rows_by_id(session: Session, ids: Iterable[UUID]) -> dict[UUID, PatientRow]:
    """The patients of these ids; ids that nobody has are left out."""
    found = session.execute(_ROW.where(Patient.id.in_(list(ids))))
    return {
        p.id: PatientRow(
            p.id, p.number, p.family, p.given, p.birth_family, p.birth_date, Gender(p.gender), p.pronouns,
            p.mobile or p.phone, p.city, p.deceased, p.active,
        )
        for p in found
    }  # fmt: skip


def row_of(patient: Patient) -> PatientRow:
    """The patient as a list shows one, with the number to call first."""
    return PatientRow(
        patient.id, patient.number, patient.family, patient.given, patient.birth_family, patient.birth_date,
        Gender(patient.gender), patient.pronouns, patient.mobile or patient.phone, patient.city, patient.deceased,
        patient.active,
    )  # fmt: skip


def demographics_of(patient: Patient) -> Demographics:
    """What the patient's row says about the person."""
    return Demographics(
        family=patient.family,
        given=patient.given,
        prefix=patient.prefix,
        suffix=patient.suffix,
        birth_family=patient.birth_family,
        other_names=patient.other_names,
        birth_date=patient.birth_date,
        gender=Gender(patient.gender),
        pronouns=patient.pronouns,
        phone=patient.phone,
        mobile=patient.mobile,
        email=patient.email,
        address=patient.address,
        city=patient.city,
        state=patient.state,
        postal_code=patient.postal_code,
        country=patient.country,
        language=patient.language,
        desk_notes=patient.desk_notes,
        identifiers=tuple(patient.identifiers.splitlines()),
    )


def columns_of(demographics: Demographics) -> dict[str, object]:
    """The columns of a patient's row that demographics fill."""
    columns: dict[str, object] = {field.name: getattr(demographics, field.name) for field in fields(Demographics)}
    columns["gender"] = demographics.gender.value
    columns["identifiers"] = "\n".join(demographics.identifiers)
    return columns


def detail_of(session: Session, patient: Patient) -> PatientDetail:
    """The whole record, with contacts and allergies in the order in which they were added."""
    contacts = session.scalars(
        select(PatientContact)
        .where(PatientContact.patient_id == patient.id, PatientContact.removed.is_(False))
        .order_by(PatientContact.id)
    )
    allergies = session.scalars(
        select(Allergy).where(Allergy.patient_id == patient.id, Allergy.removed.is_(False)).order_by(Allergy.id)
    )
    return PatientDetail(
        id=patient.id,
        number=patient.number,
        demographics=demographics_of(patient),
        deceased=patient.deceased,
        deceased_on=patient.deceased_on,
        active=patient.active,
        version=patient.version,
        created_at=patient.created_at,
        contacts=tuple(contact_row(contact) for contact in contacts),
        allergies=tuple(allergy_row(allergy) for allergy in allergies),
        allergies_checked_on=patient.allergies_checked_on,
        merged_into=patient.merged_into_id,
    )


def contact_row(contact: PatientContact) -> ContactRow:
    return ContactRow(contact.id, contact.name, contact.relationship, contact.phone, contact.version, contact.removed)


def allergy_row(allergy: Allergy) -> AllergyRow:
    return AllergyRow(
        allergy.id, allergy.substance, allergy.reaction, Severity(allergy.severity), allergy.version, allergy.removed
    )
