"""What the verbs of appointments take and give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from clinicdesk.core.errors import Conflict
from clinicdesk.core.paging import PageRequest
from clinicdesk.features.appointments.recurrence import Recurrence
from clinicdesk.features.practitioners.schemas import Interval, WorkingDay


class Status(StrEnum):
    """FHIR R4 appointment status."""

    PROPOSED = "proposed"
    PENDING = "pending"
    BOOKED = "booked"
    ARRIVED = "arrived"
    CHECKED_IN = "checked-in"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NOSHOW = "noshow"
    WAITLIST = "waitlist"
    ENTERED_IN_ERROR = "entered-in-error"


class SlotTaken(Conflict):
    """The time is held by another appointment. `what` says of whom: practitioner, room or patient."""

    code = "slot_taken"


class OutsideHours(Conflict):
    """The practitioner does not take visits then; `cause` is hours, leave, block or holiday, `nearest` the openings around it."""

    code = "outside_hours"


@dataclass(frozen=True, slots=True)
class TypeRow:
    """A kind of visit. `colour` is #RRGGBB, `short` what one types for it in the command bar."""

    id: UUID
    name: str
    short: str
    minutes: int
    colour: str
    code: str
    position: int
    active: bool
    version: int


@dataclass(frozen=True, slots=True)
class SaveType:
    """A new kind of visit (`id` None) or new values for one."""

    name: str
    minutes: int
    colour: str = "#41679F"
    short: str = ""
    code: str = "ROUTINE"
    position: int = 0
    active: bool = True
    id: UUID | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class BookAppointment:
    """A visit to book. `start` is an aware instant. The room is the practitioner's own where none is given.

    An overbooking needs a reason; `outside_hours` and `patient_overlap` say that the warning was seen and overridden. An
    override takes effect only where it is needed: in a free time the visit is booked as any other."""

    patient_id: UUID
    practitioner_id: UUID
    start: datetime
    length: timedelta
    type_id: UUID | None = None
    room_id: UUID | None = None
    reason: str = ""
    status: Status = Status.BOOKED
    overbook_reason: str = ""
    outside_hours: bool = False
    patient_overlap: bool = False


@dataclass(frozen=True, slots=True)
class Reschedule:
    """A new time, length or practitioner for a visit. What is None stays as it is."""

    id: UUID
    version: int
    start: datetime | None = None
    length: timedelta | None = None
    practitioner_id: UUID | None = None
    room_id: UUID | None = None
    overbook_reason: str = ""
    outside_hours: bool = False
    patient_overlap: bool = False


@dataclass(frozen=True, slots=True)
class EditAppointment:
    """What a visit is for. What is None stays as it is."""

    id: UUID
    version: int
    type_id: UUID | None = None
    reason: str | None = None
    confirmed: bool | None = None


@dataclass(frozen=True, slots=True)
class CancelAppointment:
    """`reason` is a code of FHIR's appointment-cancellation-reason, such as pat or prov-pers."""

    id: UUID
    version: int
    reason: str


class Scope(StrEnum):
    """How much of a series: the one visit, it and those that follow, or all that are still to come."""

    ONE = "one"
    FOLLOWING = "following"
    ALL = "all"


class OnClash(StrEnum):
    """What becomes of a series of which some visits do not fit: it is refused whole, or these are left out, and named."""

    REFUSE = "refuse"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Clash:
    """A visit of a series that does not fit: its day in the series, and why, as `book` would say it."""

    day: date
    start: datetime
    code: str
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
    visits: tuple[AppointmentRow, ...]
    skipped: tuple[Clash, ...] = ()


class Priority(StrEnum):
    """FHIR's request priority, from the least on."""

    ROUTINE = "routine"
    URGENT = "urgent"
    ASAP = "asap"
    STAT = "stat"


class WishState(StrEnum):
    """Whether somebody still waits."""

    WAITING = "waiting"
    FULFILLED = "fulfilled"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Wish:
    """What would do for somebody who waits. Empty `practitioner_ids`: anybody; empty `weekdays` (Monday 0): any day. The visit
    would lie between two minutes of the clinic's local day and not before or after a day. `visit_id` is a visit that they
    have, and would have earlier."""

    length: timedelta
    practitioner_ids: tuple[UUID, ...] = ()
    type_id: UUID | None = None
    weekdays: frozenset[int] = frozenset()
    from_minute: int = 0
    to_minute: int = 24 * 60
    earliest: date | None = None
    latest: date | None = None
    priority: Priority = Priority.ROUTINE
    note: str = ""
    visit_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class WishRow:
    """Somebody on the waitlist, and what they wish for; `filled_by` is the visit that came of it."""

    id: UUID
    patient_id: UUID
    patient_number: str
    patient_given: str
    patient_family: str
    wish: Wish
    state: WishState
    filled_by: UUID | None
    created_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class WishQuery:
    """Which of the waitlist: in a state (None: in any), of one patient, that would go to a practitioner, of a type, or at
    least as urgent as this."""

    state: WishState | None = WishState.WAITING
    patient_id: UUID | None = None
    practitioner_id: UUID | None = None
    type_id: UUID | None = None
    priority: Priority = Priority.ROUTINE
    page: PageRequest = PageRequest()  # noqa: RUF009  (frozen)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody whom a free time would suit, where in it their visit would lie, and why they stand where they do."""

    entry: WishRow
    start: datetime
    end: datetime
    reasons: tuple[str, ...]
    """Codes: urgent, asked_for_practitioner, exact_fit, longest_waiting."""


@dataclass(frozen=True, slots=True)
class FreedTime:
    """A time that a cancelled visit has left, which is still free, and whom it would suit, best first."""

    visit_id: UUID
    practitioner_id: UUID
    practitioner_name: str
    start: datetime
    end: datetime
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class FillTime:
    """Give somebody on the waitlist a visit at a time."""

    id: UUID
    version: int
    practitioner_id: UUID
    start: datetime
    room_id: UUID | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """The visit that came of a wish, and the wish as it is now."""

    visit: AppointmentRow
    entry: WishRow


@dataclass(frozen=True, slots=True)
class RecordPast:
    """A visit that is over, known from elsewhere. `status` is fulfilled, cancelled, noshow or entered-in-error."""

    patient_id: UUID
    practitioner_id: UUID
    start: datetime
    end: datetime
    status: Status = Status.FULFILLED
    type_id: UUID | None = None
    room_id: UUID | None = None
    reason: str = ""
    cancel_reason: str = ""


@dataclass(frozen=True, slots=True)
class AppointmentRow:
    """A visit as calendars and lists show it, with the names that they need."""

    id: UUID
    patient_id: UUID
    patient_number: str
    patient_given: str
    patient_family: str
    practitioner_id: UUID
    practitioner_name: str
    room_id: UUID | None
    room_name: str
    type_id: UUID | None
    type_name: str
    type_colour: str
    start: datetime
    end: datetime
    status: Status
    confirmed: bool
    reason: str
    cancel_reason: str
    overbooked: bool
    overbook_reason: str
    patient_overlap: bool
    arrived_at: datetime | None
    checked_in_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    version: int
    series_id: UUID | None = None

    @property
    def patient_name(self) -> str:
        return f"{self.patient_given} {self.patient_family}".strip()

    @property
    def interval(self) -> Interval:
        return Interval(self.start, self.end)

    @property
    def in_progress(self) -> bool:
        return self.status is Status.CHECKED_IN and self.started_at is not None


@dataclass(frozen=True, slots=True)
class ListedVisit:
    """A visit in a list: when, who, where and how it stands; what it is for is read by opening it."""

    id: UUID
    patient_id: UUID
    patient_number: str
    patient_given: str
    patient_family: str
    practitioner_id: UUID
    practitioner_name: str
    room_id: UUID | None
    room_name: str
    type_id: UUID | None
    type_name: str
    type_colour: str
    start: datetime
    end: datetime
    status: Status
    confirmed: bool
    overbooked: bool
    arrived_at: datetime | None
    checked_in_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    version: int
    series_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class VisitQuery:
    """Which visits, by their start: those of a local day, or from an instant on and before another. Of the clinic's a year at
    most, from today on where nothing is said; of one patient's all."""

    day: date | None = None
    start: datetime | None = None
    end: datetime | None = None
    practitioner_id: UUID | None = None
    patient_id: UUID | None = None
    room_id: UUID | None = None
    type_id: UUID | None = None
    statuses: tuple[Status, ...] = ()
    descending: bool = False
    page: PageRequest = PageRequest()  # noqa: RUF009  (frozen)


@dataclass(frozen=True, slots=True)
class DaySchedule:
    """All that a day's calendar shows: working days and visits of the practitioners asked for, by practitioner."""

    day: date
    working: tuple[WorkingDay, ...]
    visits: tuple[AppointmentRow, ...]


@dataclass(frozen=True, slots=True)
class DayLoad:
    """How full one day is, over all practitioners asked for: how many visits count, the time given to patients, the time open."""

    day: date
    visits: int
    booked: timedelta
    open: timedelta
    holiday: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """How many visits fall to one practitioner or type, by how they stand; `id` None: to none."""

    id: UUID | None
    name: str
    by_status: dict[Status, int]


@dataclass(frozen=True, slots=True)
class VisitStatistics:
    """The visits of some local days in figures. Rates are between 0 and 1, and None where there is nothing to divide by."""

    first: date
    last: date
    by_status: dict[Status, int]
    by_practitioner: tuple[Share, ...]
    by_type: tuple[Share, ...]
    by_day: tuple[DayLoad, ...]
    missed: float | None
    """Of the visits that were due, those to which nobody came."""
    cancelled: float | None
    """Of all that had been agreed, those that were cancelled."""
    mean_wait: timedelta | None
    """From arrival until in the room."""
    mean_lead: timedelta | None
    """From the booking to the visit."""
    booked: timedelta
    """Time given to patients."""
    open: timedelta
    """Time that practitioners were to be had."""
    used: float | None
    """How much of the open time was given to patients; above 1 where they work longer."""


@dataclass(frozen=True, slots=True)
class WaitingTimes:
    """How long patients wait on one day, from arrival until they are in the room."""

    waiting: int
    """Patients who have arrived and are not in the room yet."""
    longest: timedelta
    """How long the one of them who came first has waited by now."""
    seen: int
    """Patients whose wait is over."""
    mean: timedelta
    """Their wait, on average."""
    over_target: int
    """How many, waiting or seen, have waited longer than the clinic's target."""


@dataclass(frozen=True, slots=True)
class FindOpenings:
    """Where `length` fits, from `earliest` on. Empty `practitioner_ids`: anybody. `weekdays` (Monday 0), `from_minute` and
    `to_minute` (of the clinic's local day) narrow it; `room_id` must be free too, if given."""

    length: timedelta
    earliest: datetime
    latest: datetime | None = None
    practitioner_ids: tuple[UUID, ...] = ()
    weekdays: frozenset[int] = frozenset()
    from_minute: int = 0
    to_minute: int = 24 * 60
    patient_id: UUID | None = None
    room_id: UUID | None = None
    limit: int = 5


@dataclass(frozen=True, slots=True)
class Opening:
    """A free time, and why it stands where it does in the ranking."""

    practitioner_id: UUID
    practitioner_name: str
    start: datetime
    end: datetime
    reasons: tuple[str, ...]
    """Codes: exact_fit, first_of_day, last_of_day, between_visits, leaves_gap, other_practitioner, later_day."""
    gap: timedelta
    """Free time that would remain unusable beside it."""


@dataclass(frozen=True, slots=True)
class OpeningsOf:
    """Where `length` fits with one practitioner and nobody else: openings that start in [start, end), at most `limit`."""

    practitioner_id: UUID
    start: datetime
    end: datetime
    length: timedelta
    limit: int = 50


@dataclass(frozen=True, slots=True)
class FreeDay:
    """When a practitioner is free on a local day, from now on: no visit, no absence."""

    day: date
    free: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class PatientsOf:
    """Which of a practitioner's patients to list: who has visits there that begin in [since, until), in that order of them.

    Each word of `text` begins a part of the name, or the record number. `oldest_first` turns the order of the last visits round.
    """

    practitioner_id: UUID
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    oldest_first: bool = False
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True)
class PatientOfPractitioner:
    """A patient of a practitioner, and their visits there that are neither cancelled nor entered in error."""

    patient_id: UUID
    number: str
    given: str
    family: str
    birth_date: date | None
    visits: int
    first_visit: datetime
    last_visit: datetime
    """The latest that there is; it may be to come."""
    next_visit: datetime | None


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo (or redo) did: the visits as they are now. Undo it in turn by its own unit of work."""

    visits: tuple[AppointmentRow, ...]
