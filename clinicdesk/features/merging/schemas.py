"""What the verbs of merging take and give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from clinicdesk.core.errors import Conflict
from clinicdesk.features.patients.schemas import PatientDetail


@dataclass(frozen=True, slots=True)
class MergePatients:
    """The record `id` stays and takes over what there is of `duplicate_id`; the versions are those that the caller saw.

    `patient_overlap`: visits of the two that hold the same time were seen, and stay, marked.
    """

    id: UUID
    version: int
    duplicate_id: UUID
    duplicate_version: int
    patient_overlap: bool = False


@dataclass(frozen=True, slots=True)
class OverlappingVisits:
    """A visit of the record that stays and one of the other, which hold time together from `start` to `end`."""

    visit_id: UUID
    duplicate_visit_id: UUID
    """The visit of the record that is given up."""
    start: datetime
    end: datetime


class VisitsOverlap(Conflict):
    """Nobody can be at two visits at once: `overlaps` (of `OverlappingVisits`) says which have to be settled first."""

    code = "visits_overlap"


@dataclass(frozen=True, slots=True)
class Merged:
    """The record that stayed, as it is now. `unit_id` names what was done in the history; `moved` counts rows by their table."""

    patient: PatientDetail
    duplicate_id: UUID
    """The record that was given up."""
    unit_id: UUID
    moved: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Unmerged:
    """The record that is one of its own again, and the one that had taken it over."""

    patient: PatientDetail
    other: PatientDetail
    """The record that had taken it over."""
