"""/patients: the people in the clinic's care, found, registered and kept; every look at a record is audited."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Body, Query, Response
from pydantic import Field

from clinicdesk.core.paging import Page
from clinicdesk.features.audit import service as audit
from clinicdesk.features.audit.schemas import AuditRow
from clinicdesk.features.merging import service as merging
from clinicdesk.features.merging.schemas import Merged, MergePatients, Unmerged
from clinicdesk.features.patients import service
from clinicdesk.features.patients.rules import LONGEST, LONGEST_IDENTIFIER, MOST_IDENTIFIERS
from clinicdesk.features.patients.schemas import (
    AllergyRow,
    ContactDetails,
    ContactRow,
    Demographics,
    Duplicate,
    EditContactDetails,
    EditPatient,
    Gender,
    PatientDetail,
    PatientQuery,
    PatientRow,
    PatientSort,
    RegisterPatient,
    SaveAllergy,
    SaveContact,
    Severity,
)
from clinicdesk.features.timeline import service as timeline
from clinicdesk.features.timeline.schemas import EntryKind, Timeline, TimelineQuery
from clinicdesk.server.etags import IfMatch, etag, tagged
from clinicdesk.server.paging import Paging
from clinicdesk.server.problems import answers
from clinicdesk.server.routing import router as group
from clinicdesk.server.times import BirthDay, Day, From, To
from clinicdesk.server.units import AuditedTx, WriteTx

router = group("/patients", "patients")

Versioned = TypeVar("Versioned", PatientDetail, AllergyRow, ContactRow)

Yes = Annotated[bool, Field(strict=True)]

_PERSON = {
    "family": "Smith-Okafor", "given": "Joan", "birth_date": "1984-03-12", "gender": "female", "mobile": "+49 170 5550101",
    "email": "joan@mail.example", "address": "4 Harbour Street", "city": "Kiel", "postal_code": "24103", "language": "en",
    "identifiers": ["urn:oid:1.2.276|A123456780"],
}  # fmt: skip
_NEW = {
    "somebody new": {"value": {"demographics": _PERSON}},
    "in spite of who was found": {"value": {"demographics": _PERSON, "duplicates_seen": True}},
    "from paper": {"value": {"demographics": {"family": "Abe", "given": "Ren"}, "number": "HS-00042"}},
}
_PEOPLE = {"whole": {"value": _PERSON}, "unfinished": {"value": {"family": "Smi", "given": "Joan"}}}
_DETAILS = {
    "moved": {"value": {"mobile": "+49 170 5550101", "address": "7 Quay", "city": "Kiel", "postal_code": "24103"}}
}
_DEATH = {"on a day": {"value": {"on": "2026-11-02"}}, "day not known": {"value": {"on": None}}}
_FIELDS = {"numbers to call": {"value": {"fields": ["phone", "mobile"]}}}
_MERGE = {"one person": {"value": {"duplicate_id": "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6071", "duplicate_version": 2}}}
_ALLERGY = {"severe": {"value": {"substance": "Penicillin", "reaction": "hives, swelling", "severity": "severe"}}}
_CONTACT = {"parent": {"value": {"name": "Ada Smith", "relationship": "mother", "phone": "+49 431 5550102"}}}


Line = Annotated[str, Field(max_length=max(LONGEST["email"], LONGEST["address"]))]
Notes = Annotated[str, Field(max_length=LONGEST["desk_notes"])]
Identifiers = Annotated[
    tuple[Annotated[str, Field(max_length=LONGEST_IDENTIFIER)], ...], Field(max_length=MOST_IDENTIFIERS)
]


@dataclass(frozen=True, slots=True)
class Person:
    """What a person tells the desk about themselves. `family` or `given` must be there when they are registered."""

    family: Line = ""
    given: Line = ""
    prefix: Line = ""
    suffix: Line = ""
    birth_family: Line = ""
    other_names: Line = ""
    birth_date: BirthDay | None = None
    gender: Gender = Gender.UNKNOWN
    pronouns: Line = ""
    phone: Line = ""
    mobile: Line = ""
    email: Line = ""
    address: Line = ""
    city: Line = ""
    state: Line = ""
    postal_code: Line = ""
    country: Line = ""
    language: Line = ""
    desk_notes: Notes = ""
    identifiers: Identifiers = ()
    """`system|value`, one for each number that others know the patient by."""

    def told(self) -> Demographics:
        return Demographics(**asdict(self))


@dataclass(frozen=True, slots=True)
class NewPatient:
    """A new patient; the clinic gives the record number where there is none.

    Where somebody very likely is this person already, that is told (409, possible_duplicates) unless `duplicates_seen`.
    """

    demographics: Person
    number: str = ""
    deceased: Yes = False
    deceased_on: Day | None = None
    duplicates_seen: Yes = False


@dataclass(frozen=True, slots=True)
class Death:
    """When somebody died; null where the day is not known."""

    on: Day | None = None


@dataclass(frozen=True, slots=True)
class Fields:
    """Names of demographic fields that are shown masked."""

    fields: Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=20)]


@dataclass(frozen=True, slots=True)
class Revealed:
    """The fields in clear."""

    fields: dict[str, date | list[str] | str | None]


@dataclass(frozen=True, slots=True)
class SamePerson:
    """The other record, and its version (of its ETag); `patient_overlap`: visits at the same time were seen, and stay."""

    duplicate_id: UUID
    duplicate_version: Annotated[int, Field(strict=True, ge=1, le=999_999_999)]
    patient_overlap: Yes = False


@dataclass(frozen=True, slots=True)
class Substance:
    """What a patient must not be given, and what happened."""

    substance: str
    reaction: str = ""
    severity: Severity = Severity.UNKNOWN


@dataclass(frozen=True, slots=True)
class Somebody:
    """Whom to call about a patient."""

    name: str
    relationship: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class AllergiesChecked:
    """The clinic's day on which the patient was asked about allergies."""

    on: date


# ---- finding and registering ---------------------------------------------------------------------------------------


@router.get("", operation_id="list_patients", summary="Patients, a page at a time")
def list_patients(
    tx: AuditedTx,
    page: Paging,
    text: Annotated[str, Query(max_length=120, description="Beginnings of names, numbers, dates; all must fit.")] = "",
    number: Annotated[str, Query(max_length=20, description="A whole record number.", examples=["HS-00042"])] = "",
    phone_tail: Annotated[str, Query(max_length=40, description="The last digits of a phone number.")] = "",
    birth_date: BirthDay | None = None,
    active: bool | None = None,
    deceased: bool | None = None,
    sort: PatientSort = PatientSort.NAME,
    descending: bool = False,
) -> Page[PatientRow]:
    query = PatientQuery(text, number, phone_tail, birth_date, active, deceased, sort, descending, page)
    return service.list_patients(tx, query)


@router.get("/search", operation_id="search_patients", summary="Patients as someone types, the best first")
def search_patients(
    tx: AuditedTx,
    text: Annotated[
        str, Query(max_length=120, description="Names, numbers, dates, in any order.", examples=["smi 84"])
    ] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> list[PatientRow]:
    """Patients by parts of names, birth date, phone or record number, as one types them, the best first. That it was asked,
    and how many were shown, stands in the audit trail."""
    return service.look_up(tx, text, limit)


@router.post("/duplicates", operation_id="find_duplicates", summary="Who may be this person already")
def find_duplicates(tx: AuditedTx, person: Annotated[Person, Body(openapi_examples=_PEOPLE)]) -> list[Duplicate]:
    """The patients who may be this person, the likeliest first, at most five. Takes demographics as they stand while they
    are being typed, complete or not."""
    return service.find_duplicates(tx, person.told())


@router.post(
    "", operation_id="register_patient", summary="Take a new patient in", status_code=201, responses=answers(409)
)  # fmt: skip
def register_patient(
    tx: WriteTx, new: Annotated[NewPatient, Body(openapi_examples=_NEW)], response: Response
) -> PatientRow:
    response.headers["ETag"] = etag(1)
    return service.register(
        tx,
        RegisterPatient(new.demographics.told(), new.number, new.deceased, new.deceased_on, new.duplicates_seen),
    )


# ---- one record ----------------------------------------------------------------------------------------------------


@router.get("/{patient_id}", operation_id="open_patient", summary="Open a record", responses=answers(404))
def open_patient(tx: AuditedTx, patient_id: UUID, response: Response) -> PatientDetail:
    return _tagged(service.open_record(tx, patient_id), response)


@router.put(
    "/{patient_id}", operation_id="edit_patient", summary="Give a patient new demographics",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def edit_patient(
    tx: WriteTx, patient_id: UUID, version: IfMatch, person: Annotated[Person, Body(openapi_examples=_PEOPLE)],
    response: Response,
) -> PatientDetail:  # fmt: skip
    return _tagged(service.edit(tx, EditPatient(patient_id, version, person.told())), response)


@router.put(
    "/{patient_id}/contact-details", operation_id="edit_contact_details",
    summary="Say anew how a patient is reached; patients may do that by themselves",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def edit_contact_details(
    tx: WriteTx, patient_id: UUID, version: IfMatch, details: Annotated[ContactDetails, Body(openapi_examples=_DETAILS)],
    response: Response,
) -> PatientDetail:  # fmt: skip
    return _tagged(service.edit_contact_details(tx, EditContactDetails(patient_id, version, details)), response)


@router.put(
    "/{patient_id}/deceased", operation_id="mark_deceased", summary="Note that a patient has died",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def mark_deceased(
    tx: WriteTx, patient_id: UUID, version: IfMatch, death: Annotated[Death, Body(openapi_examples=_DEATH)],
    response: Response,
) -> PatientDetail:  # fmt: skip
    return _tagged(service.mark_deceased(tx, patient_id, version, death.on), response)


@router.delete(
    "/{patient_id}/deceased", operation_id="mark_living", summary="Take back that a patient has died",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def mark_living(tx: WriteTx, patient_id: UUID, version: IfMatch, response: Response) -> PatientDetail:
    return _tagged(service.mark_living(tx, patient_id, version), response)


@router.post(
    "/{patient_id}/reveal", operation_id="reveal_fields", summary="Show masked fields in clear", responses=answers(404, 409)
)  # fmt: skip
def reveal_fields(
    tx: AuditedTx, patient_id: UUID, wanted: Annotated[Fields, Body(openapi_examples=_FIELDS)]
) -> Revealed:
    """The masked fields in clear; which ones were shown stands in the audit trail."""
    return Revealed(dict(service.reveal(tx, patient_id, wanted.fields)))


@router.get(
    "/{patient_id}/duplicates", operation_id="duplicates_of_patient", summary="Who may be the same person",
    responses=answers(404, 409),
)  # fmt: skip
def duplicates_of_patient(tx: AuditedTx, patient_id: UUID) -> list[Duplicate]:
    return service.duplicates_of(tx, patient_id)


@router.get(
    "/{patient_id}/timeline", operation_id="patient_timeline", responses=answers(404, 409),
    summary="What happened with a patient, the latest first; what one may not see is left out, and said to be",
)  # fmt: skip
def patient_timeline(
    tx: AuditedTx, patient_id: UUID, page: Paging,
    kinds: Annotated[list[EntryKind], Query(max_length=5, description="None: all.")] = [],  # noqa: B006
    since: From = None, until: To = None,
) -> Timeline:  # fmt: skip
    wanted = frozenset(kinds) or frozenset(EntryKind)
    return timeline.of_patient(tx, TimelineQuery(patient_id, wanted, since, until, page))


@router.get("/{patient_id}/access-log", operation_id="patient_access_log", summary="Who saw or did what of a record")
def patient_access_log(tx: AuditedTx, patient_id: UUID, page: Paging) -> Page[AuditRow]:
    """Every entry of the audit trail about a patient's record, newest first: who saw or did what, and when."""
    return audit.access_log_page(tx, patient_id, page)


@router.post(
    "/{patient_id}/merge", operation_id="merge_patients", summary="Make another record of the same person part of this one",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def merge_patients(
    tx: WriteTx, patient_id: UUID, version: IfMatch, other: Annotated[SamePerson, Body(openapi_examples=_MERGE)],
    response: Response,
) -> Merged:  # fmt: skip
    merged = merging.merge(
        tx,
        MergePatients(patient_id, version, other.duplicate_id, other.duplicate_version, other.patient_overlap),
    )
    _tagged(merged.patient, response)
    return merged


@router.post(
    "/{patient_id}/unmerge", operation_id="unmerge_patients", responses=answers(404, 409),
    summary="Undo that this record was merged into another, as long as nothing of it has changed",
)  # fmt: skip
def unmerge_patients(tx: WriteTx, patient_id: UUID, response: Response) -> Unmerged:
    unmerged = merging.unmerge(tx, patient_id)
    _tagged(unmerged.patient, response)
    return unmerged


# ---- allergies -----------------------------------------------------------------------------------------------------


@router.get(
    "/{patient_id}/allergies", operation_id="list_allergies", summary="What a patient must not be given",
    responses=answers(404, 409),
)  # fmt: skip
def list_allergies(tx: AuditedTx, patient_id: UUID, removed: bool = False) -> list[AllergyRow]:
    return service.list_allergies(tx, patient_id, removed=removed)


@router.post(
    "/{patient_id}/allergies", operation_id="add_allergy", summary="Add an allergy", status_code=201,
    responses=answers(404, 409),
)  # fmt: skip
def add_allergy(
    tx: WriteTx, patient_id: UUID, told: Annotated[Substance, Body(openapi_examples=_ALLERGY)], response: Response
) -> AllergyRow:
    """Add what a patient must not be given."""
    return _tagged(
        service.save_allergy(tx, SaveAllergy(patient_id, told.substance, told.reaction, told.severity)), response
    )


@router.post(
    "/{patient_id}/allergies/checked", operation_id="allergies_checked",
    summary="Note that a patient was asked about allergies today", responses=answers(404, 409),
)  # fmt: skip
def allergies_checked(tx: WriteTx, patient_id: UUID) -> AllergiesChecked:
    return AllergiesChecked(service.allergies_checked(tx, patient_id))


@router.put(
    "/{patient_id}/allergies/{allergy_id}", operation_id="edit_allergy", summary="Correct an allergy",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def edit_allergy(
    tx: WriteTx, patient_id: UUID, allergy_id: UUID, version: IfMatch,
    told: Annotated[Substance, Body(openapi_examples=_ALLERGY)], response: Response,
) -> AllergyRow:  # fmt: skip
    """Give an allergy new values."""
    request = SaveAllergy(patient_id, told.substance, told.reaction, told.severity, allergy_id, version)
    return _tagged(service.save_allergy(tx, request), response)


@router.delete(
    "/{patient_id}/allergies/{allergy_id}", operation_id="remove_allergy", summary="Take an allergy off the record",
    status_code=204, responses=answers(404, 409, 412, 428),
)  # fmt: skip
def remove_allergy(tx: WriteTx, patient_id: UUID, allergy_id: UUID, version: IfMatch) -> None:
    service.remove_allergy(tx, allergy_id, version, patient_id)


@router.post(
    "/{patient_id}/allergies/{allergy_id}/restore", operation_id="restore_allergy",
    summary="Put an allergy back on the record", responses=answers(404, 409, 412, 428),
)  # fmt: skip
def restore_allergy(
    tx: WriteTx, patient_id: UUID, allergy_id: UUID, version: IfMatch, response: Response
) -> AllergyRow:
    return _tagged(service.restore_allergy(tx, allergy_id, version, patient_id), response)


# ---- contacts ------------------------------------------------------------------------------------------------------


@router.get(
    "/{patient_id}/contacts", operation_id="list_contacts", summary="Whom to call about a patient",
    responses=answers(404, 409),
)  # fmt: skip
def list_contacts(tx: AuditedTx, patient_id: UUID, removed: bool = False) -> list[ContactRow]:
    return service.list_contacts(tx, patient_id, removed=removed)


@router.post(
    "/{patient_id}/contacts", operation_id="add_contact", summary="Add a contact", status_code=201,
    responses=answers(404, 409),
)  # fmt: skip
def add_contact(
    tx: WriteTx, patient_id: UUID, told: Annotated[Somebody, Body(openapi_examples=_CONTACT)], response: Response
) -> ContactRow:
    """Add somebody to call about a patient."""
    return _tagged(
        service.save_contact(tx, SaveContact(patient_id, told.name, told.relationship, told.phone)), response
    )


@router.put(
    "/{patient_id}/contacts/{contact_id}", operation_id="edit_contact", summary="Correct a contact",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def edit_contact(
    tx: WriteTx, patient_id: UUID, contact_id: UUID, version: IfMatch,
    told: Annotated[Somebody, Body(openapi_examples=_CONTACT)], response: Response,
) -> ContactRow:  # fmt: skip
    """Give a contact new values."""
    request = SaveContact(patient_id, told.name, told.relationship, told.phone, contact_id, version)
    return _tagged(service.save_contact(tx, request), response)


@router.delete(
    "/{patient_id}/contacts/{contact_id}", operation_id="remove_contact", summary="Take a contact off the record",
    status_code=204, responses=answers(404, 409, 412, 428),
)  # fmt: skip
def remove_contact(tx: WriteTx, patient_id: UUID, contact_id: UUID, version: IfMatch) -> None:
    service.remove_contact(tx, contact_id, version, patient_id)


@router.post(
    "/{patient_id}/contacts/{contact_id}/restore", operation_id="restore_contact",
    summary="Put a contact back on the record", responses=answers(404, 409, 412, 428),
)  # fmt: skip
def restore_contact(
    tx: WriteTx, patient_id: UUID, contact_id: UUID, version: IfMatch, response: Response
) -> ContactRow:
    return _tagged(service.restore_contact(tx, contact_id, version, patient_id), response)


def _tagged(row: Versioned, response: Response) -> Versioned:
    parts = (row.contacts, row.allergies) if isinstance(row, PatientDetail) else None
    return tagged(row, response, parts)
