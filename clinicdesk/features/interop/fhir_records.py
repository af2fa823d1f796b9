"""What is read from FHIR R4 resources, frozen: a record for each kind that the clinic takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from clinicdesk.features.appointments.schemas import Status
from clinicdesk.features.patients.schemas import Demographics, Severity


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """A person as another system knows them."""

    demographics: Demographics
    deceased: bool = False
    deceased_on: date | None = None
    contacts: tuple[tuple[str, str, str], ...] = ()
    """Name, relationship and phone of each."""


@dataclass(frozen=True, slots=True)
class PractitionerRecord:
    """Somebody who saw patients."""

    family: str
    given: str = ""
    prefix: str = ""
    suffix: str = ""
    specialty: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class SiteRecord:
    """A place where care was given."""

    name: str
    address: str = ""
    city: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class AllergyRecord:
    """An allergy in words; `patient` is a reference."""

    patient: str
    substance: str
    reaction: str = ""
    severity: Severity = Severity.UNKNOWN
    withdrawn: bool = False
    """Refuted, resolved or entered in error: not to be shown as an allergy (any more)."""


@dataclass(frozen=True, slots=True)
class VisitRecord:
    """A visit that was, or is to be. `patient`, `practitioner` and `appointment` are references."""

    patient: str
    practitioner: str
    practitioner_name: str
    """What the reference calls the practitioner, for one who is described nowhere else."""
    start: datetime
    end: datetime
    status: Status
    reason: str = ""
    cancel_reason: str = ""
    confirmed: bool = False
    appointment: str = ""
    """The appointment that this encounter was made by, if that is told."""


Record = PatientRecord | PractitionerRecord | SiteRecord | AllergyRecord | VisitRecord
