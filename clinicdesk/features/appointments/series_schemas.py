"""What the verbs of a series of visits take and give."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from clinicdesk.core.errors import Conflict
from clinicdesk.features.appointments.recurrence import Recurrence
from clinicdesk.features.appointments.schemas import AppointmentRow


class Scope(StrEnum):
    """How much of a series."""

    ONE = "one"
    """The one visit."""
    FOLLOWING = "following"
    """It and those that follow."""
    ALL = "all"
    """All that are still to come."""


class OnClash(StrEnum):
    """What becomes of a series of which some visits do not fit."""

    REFUSE = "refuse"
    """It is refused whole."""
    SKIP = "skip"
    """These are left out, and named."""


@dataclass(frozen=True, slots=True)
class Clash:
    """A visit of a series that does not fit: its day in the series, and why, as `book` would say it."""

    day: date
    start: datetime
    code: str
    """As it would be told of a single visit: `slot_taken`, `outside_hours` …"""
    cause: str
    """Whose time it is (practitioner, room, patient), or why there is none (hours, leave, block, holiday)."""


class SeriesClash(Conflict):
    """Some visits of a series do not fit; `clashes` are these."""

    code = "series_does_not_fit"

    @property
    def clashes(self) -> tuple[Clash, ...]:
        found = self.params["clashes"]
        return found if isinstance(found, tuple) else ()


@dataclass(frozen=True, slots=True)
class BookSeries:
    """Visits that recur. `start` is the first one's, or the time of day from whose day on the rule is looked for."""

    patient_id: UUID
    practitioner_id: UUID
    start: datetime
    length: timedelta
    rule: Recurrence
    type_id: UUID | None = None
    room_id: UUID | None = None
    reason: str = ""
    outside_hours: bool = False
    on_clash: OnClash = OnClash.REFUSE


@dataclass(frozen=True, slots=True)
class ChangeSeries:
    """New values for a visit of a series, and for as much of the series as `scope` says. What is None stays as it is.

    `start_minute` is of the clinic's local day: the days stay."""

    visit_id: UUID
    version: int
    scope: Scope
    start_minute: int | None = None
    length: timedelta | None = None
    practitioner_id: UUID | None = None
    room_id: UUID | None = None
    type_id: UUID | None = None
    reason: str | None = None
    outside_hours: bool = False
    on_clash: OnClash = OnClash.REFUSE


@dataclass(frozen=True, slots=True)
class CancelSeries:
    """Which visit of a series to cancel, how much of the series with it, and why: a code as for a single one."""

    visit_id: UUID
    version: int
    scope: Scope
    reason: str


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series as it was agreed. `rrule` is iCalendar's, `start_minute` of the clinic's local day."""

    id: UUID
    patient_id: UUID
    practitioner_id: UUID
    rrule: str
    exceptions: tuple[date, ...]
    first_day: date
    start_minute: int
    minutes: int
    version: int


@dataclass(frozen=True, slots=True)
class SeriesDetail:
    """A series with its visits, by their start, and with what of it did not fit."""

    series: SeriesRow
    """The series as it was agreed."""
    visits: tuple[AppointmentRow, ...]
    """Its visits, by their start."""
    skipped: tuple[Clash, ...] = ()
    """What of it did not fit and was left out."""
