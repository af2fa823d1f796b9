"""What the verbs of practitioners take and give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

from clinicdesk.core.paging import PageRequest


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A half-open stretch of time [start, end) between two aware instants."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def overlaps(self, other: Interval) -> bool:
        return self.start < other.end and other.start < self.end

    def covers(self, other: Interval) -> bool:
        return self.start <= other.start and other.end <= self.end


class AbsenceKind(StrEnum):
    """Why somebody takes no visits for a time."""

    LEAVE = "leave"
    """Away."""
    BLOCK = "block"
    """At work, but not for visits: phone calls, a meeting."""


@dataclass(frozen=True, slots=True)
class SetUpClinic:
    """The first two of the five questions of the first start."""

    name: str
    zone: str
    country: str = ""


@dataclass(frozen=True, slots=True)
class EditClinic:
    """New settings of the clinic; `version` is the one that the editor saw."""

    version: int
    name: str
    zone: str
    country: str
    record_prefix: str
    auto_lock_minutes: int
    lockout_failures: int
    lockout_minutes: int
    wait_target_minutes: int


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A place where the clinic works."""

    id: UUID
    name: str
    address: str
    active: bool
    version: int


@dataclass(frozen=True, slots=True)
class RoomRow:
    """A room, and the site that it is in."""

    id: UUID
    site_id: UUID
    site_name: str
    name: str
    active: bool
    version: int


def full_name(prefix: str, given: str, family: str, suffix: str) -> str:
    """How the desk calls a practitioner: "Dr Grace Lee", "Tomás Herrera RN"."""
    return " ".join(part for part in (prefix, given, family, suffix) if part)


@dataclass(frozen=True, slots=True)
class PractitionerRow:
    """A practitioner; `name` is how the desk calls them ("Dr Grace Lee", "Tomás Herrera RN"), `short` "Lee"."""

    id: UUID
    family: str
    given: str
    prefix: str
    suffix: str
    specialty: str
    room_id: UUID | None
    room_name: str
    position: int
    active: bool
    version: int

    @property
    def name(self) -> str:
        return full_name(self.prefix, self.given, self.family, self.suffix)

    @property
    def short(self) -> str:
        return f"{self.prefix} {self.family}".strip()


class PractitionerSort(StrEnum):
    """What a list of practitioners goes by: the clinic's own order, or the name."""

    POSITION = "position"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class PractitionerQuery:
    """Which practitioners to list; what is left empty does not narrow. Each word of `text` is in the name or the specialty."""

    text: str = ""
    specialty: str = ""
    active: bool | None = None
    sort: PractitionerSort = PractitionerSort.POSITION
    descending: bool = False
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True)
class SavePractitioner:
    """A new practitioner (`id` None) or new values for one; `version` is the one that the editor saw."""

    family: str
    given: str = ""
    prefix: str = ""
    suffix: str = ""
    specialty: str = ""
    room_id: UUID | None = None
    position: int = 0
    active: bool = True
    id: UUID | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class SaveSite:
    name: str
    address: str = ""
    active: bool = True
    id: UUID | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class SaveRoom:
    site_id: UUID
    name: str
    active: bool = True
    id: UUID | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class Shift:
    """One stretch of a working week in local time. `end` 00:00 means midnight at the end of the day."""

    weekday: int
    start: time
    end: time


@dataclass(frozen=True, slots=True)
class SetWeeklyHours:
    """A practitioner's working week from a date on (to a date, if given). What was valid then before ends the day before."""

    practitioner_id: UUID
    shifts: tuple[Shift, ...]
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class WeeklyHoursRow:
    """A practitioner's working week, from a day on."""

    practitioner_id: UUID
    shifts: tuple[Shift, ...]
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class AddAbsence:
    """Leave or a block. Without a practitioner it holds for the whole clinic."""

    practitioner_id: UUID | None
    kind: AbsenceKind
    start: datetime
    end: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class AbsenceRow:
    """Leave or a block. Without a practitioner it holds for the whole clinic."""

    id: UUID
    practitioner_id: UUID | None
    kind: AbsenceKind
    start: datetime
    end: datetime
    note: str


@dataclass(frozen=True, slots=True)
class HolidayRow:
    """A public holiday; on one that is not `closed` the clinic works."""

    id: UUID
    day: date
    name: str
    closed: bool


@dataclass(frozen=True, slots=True)
class WorkingDay:
    """When a practitioner takes visits on one local day: `shifts` as planned, `open` with absences and holidays taken out."""

    practitioner_id: UUID
    day: date
    shifts: tuple[Interval, ...]
    open: tuple[Interval, ...]
    absences: tuple[AbsenceRow, ...]
    holiday: str
    """The name of the public holiday that closes the clinic, or empty."""
