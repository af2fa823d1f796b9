"""What the verbs of patients take and give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from clinicdesk.core.errors import Conflict
from clinicdesk.core.paging import PageRequest


class Gender(StrEnum):
    """FHIR administrative-gender."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """How bad an allergic reaction is."""

    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"
    UNKNOWN = ""
    """Nobody has said."""


@dataclass(frozen=True, slots=True)
class Demographics:
    """What a person tells the desk about themselves. `family` or `given` must be there."""

    family: str = ""
    given: str = ""
    prefix: str = ""
    suffix: str = ""
    birth_family: str = ""
    other_names: str = ""
    birth_date: date | None = None
    gender: Gender = Gender.UNKNOWN
    pronouns: str = ""
    phone: str = ""
    mobile: str = ""
    email: str = ""
    address: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    language: str = ""
    desk_notes: str = ""
    identifiers: tuple[str, ...] = ()
    """`system|value`, one for each number that others know the patient by."""


@dataclass(frozen=True, slots=True)
class RegisterPatient:
    """A new patient. `number` is given by the clinic where it is empty.

    `duplicates_seen` False: whoever asks has not looked for the person yet, and is told where they are very likely known.
    """

    demographics: Demographics
    number: str = ""
    deceased: bool = False
    deceased_on: date | None = None
    duplicates_seen: bool = True


@dataclass(frozen=True, slots=True)
class EditPatient:
    """New demographics; `version` is the one that the editor saw."""

    id: UUID
    version: int
    demographics: Demographics


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """How and where a person is reached, and in which language: what patients may change by themselves."""

    phone: str = ""
    mobile: str = ""
    email: str = ""
    address: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class EditContactDetails:
    """New contact details; `version` is the one that the editor saw."""

    id: UUID
    version: int
    details: ContactDetails


class PatientSort(StrEnum):
    """What a list of patients is sorted by: the orders that an index keeps, so that any page costs the same."""

    NAME = "name"
    NUMBER = "number"
    REGISTERED = "registered"


@dataclass(frozen=True, slots=True)
class PatientQuery:
    """Which patients to list; what is left empty does not narrow.

    `text` are beginnings of names, numbers and dates as one types them into the search, all of which must fit; `number` is a
    whole record number, `phone_tail` the last digits of a phone number (three at least).
    """

    text: str = ""
    number: str = ""
    phone_tail: str = ""
    birth_date: date | None = None
    active: bool | None = None
    deceased: bool | None = None
    sort: PatientSort = PatientSort.NAME
    descending: bool = False
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True)
class PatientRow:
    """A patient as a list shows one: enough to pick the right person, and no more."""

    id: UUID
    number: str
    family: str
    given: str
    birth_family: str
    birth_date: date | None
    gender: Gender
    pronouns: str
    phone: str
    city: str
    deceased: bool
    active: bool

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}".strip()


@dataclass(frozen=True, slots=True)
class ContactRow:
    """Somebody to call about a patient."""

    id: UUID
    name: str
    relationship: str
    phone: str
    version: int = 1
    removed: bool = False


@dataclass(frozen=True, slots=True)
class AllergyRow:
    """What a patient must not be given, in words."""

    id: UUID
    substance: str
    reaction: str
    severity: Severity
    version: int = 1
    removed: bool = False


@dataclass(frozen=True, slots=True)
class PatientDetail:
    """A whole record, as its own screen shows it. Opening it is audited."""

    id: UUID
    number: str
    demographics: Demographics
    deceased: bool
    deceased_on: date | None
    active: bool
    version: int
    created_at: datetime
    contacts: tuple[ContactRow, ...]
    """Whom to call about the patient."""
    allergies: tuple[AllergyRow, ...]
    """What the patient must not be given."""
    allergies_checked_on: date | None
    """When the patient was last asked about allergies; null: never."""
    merged_into: UUID | None = None
    """The record that has taken this one over; what there is of the person stands there."""

    @property
    def name(self) -> str:
        return f"{self.demographics.given} {self.demographics.family}".strip()


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A patient who may be the one that is being registered, and why."""

    patient: PatientRow
    score: float
    """0 to 1; from 0.9 on it is very likely the same person."""
    reasons: tuple[str, ...]
    """Codes: same_name, similar_name, same_birth_date, similar_birth_date, same_phone, same_identifier, same_address."""


class PossibleDuplicates(Conflict):
    """Somebody is very likely the person already; `duplicates` (of `Duplicate`) says who."""

    code = "possible_duplicates"


@dataclass(frozen=True, slots=True)
class SaveContact:
    """A new contact (`id` None) or new values for one; `version` is the one that the editor saw (None: whichever there is)."""

    patient_id: UUID
    name: str
    relationship: str = ""
    phone: str = ""
    id: UUID | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class SaveAllergy:
    """A new allergy (`id` None) or new values for one; `version` is the one that the editor saw (None: whichever there is)."""

    patient_id: UUID
    substance: str
    reaction: str = ""
    severity: Severity = Severity.UNKNOWN
    id: UUID | None = None
    version: int | None = None
