"""The verbs of patients: registering, editing and opening a record; search, duplicates, allergies and contacts come along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import date
from uuid import UUID

from sqlalchemy import bindparam, select, text

from clinicdesk.core.clinic import find_clinic
from clinicdesk.core.errors import Conflict, InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.patients.allergies import (
    allergies_checked,
    list_allergies,
    remove_allergy,
    restore_allergy,
    save_allergy,
)
from clinicdesk.features.patients.contacts import list_contacts, remove_contact, restore_contact, save_contact
from clinicdesk.features.patients.directory import list_patients, look_up
from clinicdesk.features.patients.duplicates import LIKELY, duplicates_of, find_duplicates
from clinicdesk.features.patients.index import add_to_index, index_patient
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.patients.record import day_in, load, load_any, load_version, today
from clinicdesk.features.patients.rows import columns_of, demographics_of, detail_of, row_of, rows_by_id
from clinicdesk.features.patients.rules import (
    LONGEST_NUMBER,
    check_deceased_on,
    checked,
    checked_text,
)
from clinicdesk.features.patients.schemas import (
    ContactDetails,
    Demographics,
    EditContactDetails,
    EditPatient,
    PatientDetail,
    PatientRow,
    PossibleDuplicates,
    RegisterPatient,
)
from clinicdesk.features.patients.search import note_search, search

__all__ = [
    "allergies_checked",
    "duplicates_of",
    "edit",
    "edit_contact_details",
    "find_duplicates",
    "get_row",
    "get_rows",
    "list_allergies",
    "list_contacts",
    "list_patients",
    "look_up",
    "mark_deceased",
    "mark_living",
    "note_search",
    "open_record",
    "register",
    "remove_allergy",
    "remove_contact",
    "restore_allergy",
    "restore_contact",
    "reveal",
    "save_allergy",
    "save_contact",
    "search",
]

DEFAULT_PREFIX = "HS"
"""Of record numbers that are given before the clinic has been set up."""
_TAKEN = select(Patient.id).where(Patient.number == bindparam("number"))
_COUNT = text(
    """
    INSERT INTO record_counter (prefix, last) VALUES (:prefix, :least)
    ON CONFLICT (prefix) DO UPDATE
    SET last = CASE WHEN record_counter.last + :step > :least THEN record_counter.last + :step ELSE :least END
    RETURNING last
    """
)
_OWN_FIGURES = 8
"""The most figures of a record number that may push the clinic's own numbering forward."""


@verb(Permission.EDIT_PATIENT)
def register(tx: Tx, request: RegisterPatient) -> PatientRow:
    """Take a new patient in. Gives the next record number where the request has none.

    Raises InvalidInput for what cannot be right, Conflict number_taken for a number that somebody has, and PossibleDuplicates
    where the request has not seen who is very likely the same person.
    """
    clinic = find_clinic(tx.session)
    day = day_in(clinic, tx.now)
    demographics = checked(request.demographics, day)
    check_deceased_on(request.deceased_on, demographics.birth_date, day)
    if not request.duplicates_seen:
        likely = [found for found in find_duplicates(tx, demographics) if found.score >= LIKELY]
        if likely:
            raise PossibleDuplicates(duplicates=likely)
    patient = Patient(
        id=new_id(),
        version=1,
        number=record_number(tx, request.number, clinic.record_prefix if clinic else DEFAULT_PREFIX),
        deceased=request.deceased or request.deceased_on is not None,
        deceased_on=request.deceased_on,
        allergies_checked_on=None,
        active=True,
        created_at=tx.now,
        **columns_of(demographics),
    )
    tx.session.add(patient)
    tx.record(Change.created(patient, patient_id=patient.id))
    tx.session.flush()
    add_to_index(tx.session, [patient])
    return row_of(patient)


@verb(Permission.EDIT_PATIENT, of_patient=True)
def edit(tx: Tx, request: EditPatient) -> PatientDetail:
    """Give a patient new demographics. Raises NotFound, InvalidInput, and Conflict changed_meanwhile."""
    tx.reach(request.id)
    patient = load_version(tx, request.id, request.version)
    demographics = checked(request.demographics, today(tx))
    for name, value in columns_of(demographics).items():
        setattr(patient, name, value)
    check_deceased_on(patient.deceased_on, patient.birth_date, today(tx))
    return _edited(tx, patient)


@verb(Permission.CHOOSE_CONTACT, of_patient=True)
def edit_contact_details(tx: Tx, request: EditContactDetails) -> PatientDetail:
    """Say anew how and where a patient is reached; name and birth date stay. Raises NotFound, InvalidInput, and Conflict
    changed_meanwhile."""
    tx.reach(request.id)
    patient = load_version(tx, request.id, request.version)
    told = {field.name: getattr(request.details, field.name) for field in fields(ContactDetails)}
    demographics = checked(replace(demographics_of(patient), **told), today(tx))
    for name in told:
        setattr(patient, name, getattr(demographics, name))
    return _edited(tx, patient)


@verb(Permission.EDIT_PATIENT, of_patient=True)
def mark_deceased(tx: Tx, id: UUID, version: int, on: date | None) -> PatientDetail:  # noqa: A002
    """Record that the patient has died, on a day where it is known. Raises NotFound, InvalidInput, Conflict."""
    tx.reach(id)
    patient = load_version(tx, id, version)
    check_deceased_on(on, patient.birth_date, today(tx))
    patient.deceased, patient.deceased_on = True, on
    return _edited(tx, patient)


@verb(Permission.EDIT_PATIENT, of_patient=True)
def mark_living(tx: Tx, id: UUID, version: int) -> PatientDetail:  # noqa: A002
    """Take back that the patient has died. Raises NotFound and Conflict changed_meanwhile."""
    tx.reach(id)
    patient = load_version(tx, id, version)
    patient.deceased, patient.deceased_on = False, None
    return _edited(tx, patient)


@verb(Permission.OPEN_PATIENT, concurrent=True, of_patient=True)
def open_record(tx: Tx, id: UUID) -> PatientDetail:  # noqa: A002
    """The whole record; that it was opened stands in the audit trail. Raises NotFound.

    What the desk has noted for itself is not shown to the patients themselves. A record that was merged into another says so.
    """
    tx.reach(id)
    patient = load_any(tx, id)
    tx.record(Change("patient", id, Action.READ, patient_id=id))
    return _shown(tx, detail_of(tx.session, patient))


@verb(Permission.OPEN_PATIENT, concurrent=True, of_patient=True)
def reveal(tx: Tx, id: UUID, fields: Iterable[str]) -> Mapping[str, str | date | None]:  # noqa: A002
    """The masked fields (names of `Demographics`) in clear; which ones were shown stands in the audit trail.

    Raises NotFound, and InvalidInput for a field that there is not.
    """
    tx.reach(id)
    names = sorted(set(fields))
    if not _FIELDS.issuperset(names) or (tx.own_patient and not _DESKS_OWN.isdisjoint(names)):
        raise InvalidInput("unknown_field", field="fields")
    demographics = demographics_of(load(tx, id))
    tx.record(Change("patient", id, Action.READ, patient_id=id, note=f"revealed {','.join(names)}"))
    return {name: getattr(demographics, name) for name in names}


@verb(Permission.FIND_PATIENT, writes=False, of_patient=True)
def get_row(tx: Tx, id: UUID) -> PatientRow:  # noqa: A002
    """One patient, as a list shows them. Raises NotFound."""
    tx.reach(id)
    rows = rows_by_id(tx.session, [id])
    if id not in rows:
        raise NotFound("patient_not_found")
    return rows[id]


@verb(Permission.FIND_PATIENT, writes=False)
def get_rows(tx: Tx, ids: Iterable[UUID]) -> dict[UUID, PatientRow]:
    """Patients by id, as a list shows them; ids that nobody has are left out."""
    return rows_by_id(tx.session, ids)


_FIELDS = frozenset(field.name for field in fields(Demographics))
_DESKS_OWN = frozenset({"desk_notes"})


def _shown(tx: Tx, detail: PatientDetail) -> PatientDetail:
    """The record as whoever asks may see it."""
    if tx.own_patient is None:
        return detail
    return replace(detail, demographics=replace(detail.demographics, desk_notes=""))


def _edited(tx: Tx, patient: Patient) -> PatientDetail:
    tx.record(Change.updated(patient, patient_id=patient.id))
    tx.session.flush()
    index_patient(tx.session, patient)
    return _shown(tx, detail_of(tx.session, patient))


def record_number(tx: Tx, given: str, prefix: str) -> str:
    """The number that the request brings, or the clinic's next one. Raises Conflict number_taken.

    A verb that takes patients in has the clinic alone, so two desks never get the same number.
    """
    number = checked_text(given, "number", LONGEST_NUMBER)
    if not number:
        while _is_taken(tx, number := f"{prefix}-{_count(tx, prefix, 1, 0):05d}"):
            pass
        return number
    if _is_taken(tx, number):
        raise Conflict("number_taken", field="number", number=number)
    figures = number.removeprefix(f"{prefix}-")
    if figures != number and figures.isascii() and figures.isdigit() and len(figures) <= _OWN_FIGURES:
        _count(tx, prefix, 0, int(figures))
    return number


def _count(tx: Tx, prefix: str, step: int, least: int) -> int:
    """Move the clinic's counter on by `step`, to `least` at the least, and say where it stands."""
    last: int = tx.session.scalar(_COUNT, {"prefix": prefix, "step": step, "least": max(least, step)})
    return last


def _is_taken(tx: Tx, number: str) -> bool:
    return tx.session.scalar(_TAKEN, {"number": number}) is not None
