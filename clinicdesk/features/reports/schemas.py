"""What the verbs of reports take and give: figures, and never a patient.

Rates and shares are parts of one, and None where there is nothing to be a part of. A visit belongs to the day that it starts on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

Row = TypeVar("Row", covariant=True)


class By(StrEnum):
    """What visits are told apart by."""

    PRACTITIONER = "practitioner"
    TYPE = "type"
    MONTH = "month"
    DAY = "day"
    WEEKDAY = "weekday"
    HOUR = "hour"


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """Which visits a report is about: those of the local days first to last (None: today), and of these practitioners, if any
    are named."""

    first: date | None = None
    last: date | None = None
    practitioner_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Report(Generic[Row]):
    """The lines of a report and the days that it is about, both included."""

    first: date
    last: date
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class AttendanceRow:
    """What became of the visits of one practitioner, type, month, day, weekday or hour.

    `key` is the id, 2026-11, 2026-11-23, 0 (Monday) to 6, or 0 to 23; `name` that of a practitioner or type.
    """

    key: str
    name: str
    visits: int
    """All that are neither cancelled nor entered in error."""
    fulfilled: int
    no_shows: int
    cancelled: int
    no_show_rate: float | None
    """Of those that have ended."""
    cancellation_rate: float | None
    """Of all that were ever meant to be."""


@dataclass(frozen=True, slots=True)
class CancellationRow:
    """How many visits were cancelled for one reason: a code of FHIR's appointment-cancellation-reason, or empty for none."""

    reason: str
    """A code of FHIR's appointment-cancellation-reason; empty for none."""
    cancelled: int
    share: float


@dataclass(frozen=True, slots=True)
class UseRow:
    """How much of a practitioner's hours was given to patients. Overbooking, or a visit outside the hours, can make it more
    than all of them."""

    practitioner_id: UUID
    practitioner_name: str
    open_minutes: int
    """Working hours without leave, blocks and holidays."""
    given_minutes: int
    """Time that visits were given, whether the patients came or not."""
    use: float | None
    visits: int


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """How long a practitioner's patients waited, from arrival until they were in the room."""

    practitioner_id: UUID
    practitioner_name: str
    seen: int
    mean_minutes: float
    longest_minutes: float
    over_target: int
    """How many waited longer than the clinic's target."""


@dataclass(frozen=True, slots=True)
class LeadTimeRow:
    """Visits that were booked at least so many days ahead, and not as many as the next line says; what became of them."""

    days_ahead: int
    visits: int
    share: float
    cancelled: int
    no_show_rate: float | None


@dataclass(frozen=True, slots=True)
class DemandRow:
    """How many visits begin in one hour of a weekday (Monday 0), and how many that is on each such day."""

    weekday: int
    hour: int
    visits: int
    per_day: float
    """How many on each such day, on average."""


@dataclass(frozen=True, slots=True)
class BusyRow:
    """A day and its visits."""

    day: date
    visits: int


@dataclass(frozen=True, slots=True)
class PatientsRow:
    """How many patients there were, and how many of them had never had a visit in the clinic before these days.

    The line without a practitioner is about the whole clinic: who was with two practitioners counts once there.
    """

    practitioner_id: UUID | None
    practitioner_name: str
    patients: int
    new: int
    """How many of them had never had a visit in the clinic."""
    returning: int
    """How many of them had."""


@dataclass(frozen=True, slots=True)
class Today:
    """The clinic's day as it stands now."""

    day: date
    expected: int
    """Booked or pending, and not here yet."""
    unconfirmed: int
    """Those of them who have not accepted."""
    waiting: int
    """Patients who have arrived and are not in the room yet."""
    in_room: int
    """Patients who are in the room."""
    fulfilled: int
    no_shows: int
    cancelled: int
    longest_wait_minutes: float
    """How long whoever came first of those who wait has waited by now."""
    mean_wait_minutes: float
    """Of those who are in the room or were."""
    over_target: int
    open_minutes: int
    given_minutes: int
    use: float | None


@dataclass(frozen=True, slots=True)
class PractitionerStatistics:
    """One practitioner's visits on some days."""

    practitioner_id: UUID
    first: date
    last: date
    by_status: dict[str, int]
    """By FHIR status; those that there are none of are not among it."""
    visits: int
    no_show_rate: float | None
    cancellation_rate: float | None
    open_minutes: int
    given_minutes: int
    use: float | None
    patients: int
    new_patients: int
    seen: int
    mean_wait_minutes: float
    longest_wait_minutes: float
    over_target: int
