"""What the verbs of care take and give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from clinicdesk.core.paging import PageRequest


class CareScope(StrEnum):
    """Whose clinical records a clinician reaches."""

    OWN = "own"
    """Those of patients who have visits with them; a nurse, or a doctor who is no practitioner of the book, goes by `clinic`."""
    CLINIC = "clinic"
    """Those of patients who have visits here, with anybody."""
    EVERYBODY = "everybody"
    """Those of every patient."""


@dataclass(frozen=True, slots=True)
class CareRow:
    """How far care reaches: a visit counts for `months_back` months, and a broken glass for `emergency_minutes`.

    Version 0 where it was never set."""

    scope: CareScope = CareScope.OWN
    months_back: int = 24
    emergency_minutes: int = 60
    version: int = 0


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """An emergency: whose record, why, and the caller's own password again."""

    patient_id: UUID
    reason: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EmergencyRow:
    """Somebody's access in an emergency, and what became of it. `justified` is None until somebody has judged it."""

    id: UUID
    user_id: UUID
    user_name: str
    patient_id: UUID
    patient_number: str
    reason: str
    started_at: datetime
    expires_at: datetime
    reviewed_at: datetime | None
    reviewed_by: UUID | None
    justified: bool | None
    review_note: str
    version: int


@dataclass(frozen=True, slots=True)
class EmergencyQuery:
    """Which emergencies a list shows, the latest first: those that wait for a review, of one person, of one patient."""

    reviewed: bool | None = None
    user_id: UUID | None = None
    patient_id: UUID | None = None
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True)
class ReviewEmergency:
    """A judgement on an emergency: it was justified or not, and why."""

    id: UUID
    version: int
    justified: bool
    note: str = ""
