"""What the verbs of visits, of their types and of free times take and give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from clinicdesk.core.errors import Conflict
from clinicdesk.core.paging import PageRequest
from clinicdesk.features.practitioners.schemas import Interval, WorkingDay


class Status(StrEnum):
    """FHIR R4 appointment status."""

    PROPOSED = "proposed"
    """Offered; no time is kept for it."""
    PENDING = "pending"
    """The time is kept until somebody has agreed."""
    BOOKED = "booked"
    """Agreed."""
    ARRIVED = "arrived"
    """The patient is here, and waits."""
    CHECKED_IN = "checked-in"
    """All is ready; with a `started_at`, the patient is in the room."""
    FULFILLED = "fulfilled"
    """It took place, and is over."""
    CANCELLED = "cancelled"
    """Called off before it began; its time is free again."""
    NOSHOW = "noshow"
    """The patient did not come."""
    WAITLIST = "waitlist"
    """Its time was given free; the patient waits for another."""
    ENTERED_IN_ERROR = "entered-in-error"
    """It should never have been in this record."""


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
    """HL7's appointment reason: CHECKUP, EMERGENCY, FOLLOWUP, ROUTINE or WALKIN."""
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
    """Time given to patients."""
    open: timedelta
    """Time that practitioners were to be had."""
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
    """The same for each practitioner."""
    by_type: tuple[Share, ...]
    """The same for each kind of visit."""
    by_day: tuple[DayLoad, ...]
    """Day by day."""
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

    `text` are beginnings of names, numbers and dates as one types them into the search, all of which must fit. `oldest_first`
    turns the order of the last visits round.
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
    """When the first of them begins."""
    last_visit: datetime
    """The latest that there is; it may be to come."""
    next_visit: datetime | None
    """When the next one that is to come begins; null without one."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo (or redo) did: the visits as they are now. Undo it in turn by its own unit of work."""

    visits: tuple[AppointmentRow, ...]
    """The visits as they are now."""
