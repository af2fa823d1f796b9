"""What the verbs of the waitlist take and give."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from clinicdesk.core.paging import PageRequest
from clinicdesk.features.appointments.schemas import AppointmentRow


class Priority(StrEnum):
    """FHIR's request priority, from the least on."""

    ROUTINE = "routine"
    """In its turn."""
    URGENT = "urgent"
    """Before what is routine."""
    ASAP = "asap"
    """As soon as it can be."""
    STAT = "stat"
    """At once."""


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
