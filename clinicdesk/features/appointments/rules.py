"""What may be booked, and which state of a visit follows which: pure decisions, given all that they judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from clinicdesk.core.errors import Conflict, InvalidInput
from clinicdesk.features.appointments.schemas import AppointmentRow, Status
from clinicdesk.features.appointments.waitlist_schemas import Wish
from clinicdesk.features.practitioners.rules import instant
from clinicdesk.features.practitioners.schemas import Interval, WorkingDay

HOLDING = frozenset({Status.PENDING, Status.BOOKED, Status.ARRIVED, Status.CHECKED_IN})
"""A visit in one of these keeps its time for itself; the triggers of the database know the same four."""

BOOKABLE = frozenset({Status.PROPOSED, Status.PENDING, Status.BOOKED, Status.WAITLIST})
"""What a visit may be when it is booked."""

FINAL = frozenset({Status.FULFILLED, Status.CANCELLED, Status.NOSHOW, Status.ENTERED_IN_ERROR})
"""What a visit of the past may be when it is recorded from elsewhere."""

GIVEN = HOLDING | {Status.FULFILLED, Status.NOSHOW}
"""The time of these was given to a patient, whether they came or not."""

COUNTED = frozenset(Status) - {Status.CANCELLED, Status.ENTERED_IN_ERROR}
"""What counts where visits are counted, for a day or a month: whatever is neither cancelled nor entered in error."""

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(hours=24)
OWN_LONGEST = timedelta(hours=1)
"""What a patient can book without naming a type of visit."""
GRACE = timedelta(minutes=15)
"""How far back a visit may still begin: the slot that is running."""


class State(StrEnum):
    """Where a visit stands: FHIR's status, and IN_ROOM, which FHIR calls checked-in with an encounter in progress."""

    PROPOSED = "proposed"
    PENDING = "pending"
    WAITLIST = "waitlist"
    BOOKED = "booked"
    ARRIVED = "arrived"
    CHECKED_IN = "checked-in"
    IN_ROOM = "in-room"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NOSHOW = "noshow"
    ENTERED_IN_ERROR = "entered-in-error"

    @property
    def status(self) -> Status:
        return Status.CHECKED_IN if self is State.IN_ROOM else Status(self.value)


_S = State
CHAIN = (_S.BOOKED, _S.ARRIVED, _S.CHECKED_IN, _S.IN_ROOM, _S.FULFILLED)
"""The day of a visit, one step after the other."""

STAMPS = {
    _S.ARRIVED: "arrived_at",
    _S.CHECKED_IN: "checked_in_at",
    _S.IN_ROOM: "started_at",
    _S.FULFILLED: "ended_at",
}
"""Which time each step of the chain is remembered in."""

LEGAL: Mapping[State, frozenset[State]] = {
    _S.PROPOSED: frozenset({_S.PENDING, _S.BOOKED, _S.WAITLIST, _S.CANCELLED, _S.ENTERED_IN_ERROR}),
    _S.PENDING: frozenset({_S.PROPOSED, _S.BOOKED, _S.WAITLIST, _S.CANCELLED, _S.ENTERED_IN_ERROR}),
    _S.WAITLIST: frozenset({_S.PROPOSED, _S.PENDING, _S.BOOKED, _S.CANCELLED, _S.ENTERED_IN_ERROR}),
    # Check-in is one key: whoever checks in has arrived, and a doctor may fetch a patient from the waiting room.
    _S.BOOKED: frozenset(
        {_S.PENDING, _S.WAITLIST, _S.ARRIVED, _S.CHECKED_IN, _S.CANCELLED, _S.NOSHOW, _S.ENTERED_IN_ERROR}
    ),
    _S.ARRIVED: frozenset({_S.BOOKED, _S.CHECKED_IN, _S.IN_ROOM, _S.CANCELLED, _S.ENTERED_IN_ERROR}),
    _S.CHECKED_IN: frozenset({_S.ARRIVED, _S.IN_ROOM, _S.CANCELLED, _S.ENTERED_IN_ERROR}),
    _S.IN_ROOM: frozenset({_S.CHECKED_IN, _S.FULFILLED, _S.ENTERED_IN_ERROR}),
    _S.FULFILLED: frozenset({_S.IN_ROOM, _S.ENTERED_IN_ERROR}),
    _S.CANCELLED: frozenset({_S.BOOKED, _S.ENTERED_IN_ERROR}),
    # A missed visit may turn out to be a late one.
    _S.NOSHOW: frozenset({_S.BOOKED, _S.ARRIVED, _S.ENTERED_IN_ERROR}),
    _S.ENTERED_IN_ERROR: frozenset(),
}
"""Every legal change of state. What is not here is reached by undo alone."""

CANCEL_REASONS = (
    "pat", "pat-crs", "pat-cpp", "pat-dec", "pat-fb", "pat-lt", "pat-mt", "pat-mv", "pat-preg", "pat-swl", "pat-ucp",
    "prov", "prov-pers", "prov-dch", "prov-edu", "prov-hosp", "prov-labs", "prov-mri", "prov-onc",
    "maint", "meds-inc",
    "other", "oth-cms", "oth-err", "oth-fin", "oth-iv", "oth-int", "oth-mu", "oth-room", "oth-oerr", "oth-swie", "oth-weath",
)  # fmt: skip
"""FHIR's appointment-cancellation-reason, whole."""

CANCEL_DIGITS = ("pat", "pat-fb", "pat-lt", "pat-mv", "prov", "prov-hosp", "oth-weath", "oth-oerr", "other")
"""Those that the desk offers by the digits 1 to 9."""


def state_of(visit: AppointmentRow) -> State:
    """Where the visit stands."""
    return State.IN_ROOM if visit.in_progress else State(visit.status.value)


def require_legal(now: State, to: State) -> None:
    """Raises Conflict(illegal_transition, from_, to) where `to` may not follow `now`."""
    if to not in LEGAL[now]:
        raise Conflict("illegal_transition", from_=now.value, to=to.value)


def next_step(now: State) -> State:
    """The step that follows on the day of a visit. Raises Conflict(no_next_step)."""
    if now not in CHAIN[:-1]:
        raise Conflict("no_next_step", from_=now.value)
    return CHAIN[CHAIN.index(now) + 1]


def step_back(now: State) -> State:
    """The step before. Raises Conflict(no_step_back)."""
    if now not in CHAIN[1:]:
        raise Conflict("no_step_back", from_=now.value)
    return CHAIN[CHAIN.index(now) - 1]


def stamps(visit: AppointmentRow, to: State, now: datetime) -> dict[str, object]:
    """The times of the visit once it is `to`: steps that it has reached keep their time or get `now`, later ones lose it.

    What ends a visit off the chain (cancelled, missed, entered in error) keeps the times: they were so.
    """
    if to in (State.CANCELLED, State.NOSHOW, State.ENTERED_IN_ERROR):
        return {}
    reached = CHAIN.index(to) if to in CHAIN else 0
    return {
        name: (getattr(visit, name) or now) if CHAIN.index(step) <= reached else None for step, name in STAMPS.items()
    }


def check_cancel_reason(code: str, *, by_patient: bool = False) -> None:
    """Raises InvalidInput(unknown_cancel_reason) for what is no code of FHIR's list, or none that a patient can give."""
    if code not in CANCEL_REASONS or (by_patient and code.partition("-")[0] != "pat"):
        raise InvalidInput("unknown_cancel_reason", field="reason")


def check_length(when: Interval) -> None:
    """Raises InvalidInput: ends_before_it_begins, visit_too_short (under a minute) or visit_too_long (over 24 h)."""
    if when.end <= when.start:
        raise InvalidInput("ends_before_it_begins", field="length")
    if when.length < SHORTEST:
        raise InvalidInput("visit_too_short", field="length")
    if when.length > LONGEST:
        raise InvalidInput("visit_too_long", field="length")


def check_own_length(when: Interval, usual: timedelta | None) -> None:
    """Raises InvalidInput(own_visit_too_long) for more time than a patient can book: the type's, or an hour."""
    if when.length > (usual or OWN_LONGEST):
        raise InvalidInput("own_visit_too_long", field="length", most=(usual or OWN_LONGEST) // SHORTEST)


def place_in(free: Interval, wish: Wish, days: Iterable[date], zone: ZoneInfo) -> Interval | None:
    """Where in a free time a visit would lie as early as the wish allows; None where it would not.

    `days` are the local days that the free time touches.
    """
    for day in sorted(set(days)):
        if wish.weekdays and day.weekday() not in wish.weekdays:
            continue
        if (wish.earliest is not None and day < wish.earliest) or (wish.latest is not None and day > wish.latest):
            continue
        start = max(free.start, instant(day, wish.from_minute, zone))
        if start + wish.length <= min(free.end, instant(day, wish.to_minute, zone)):
            return Interval(start, start + wish.length)
    return None


def check_not_past(start: datetime, now: datetime) -> None:
    """Raises InvalidInput(in_the_past) where a visit would begin earlier than the slot that is running."""
    if start < now - GRACE:
        raise InvalidInput("in_the_past", field="start", start=start)


def why_closed(when: Interval, days: list[WorkingDay]) -> str | None:
    """Why one practitioner takes no visit then: holiday, leave, block or hours; None where they do.

    `days` are the working days of the practitioner for all local days that `when` touches.
    """
    reached = when.start
    for stretch in sorted(stretch for day in days for stretch in day.open):
        if stretch.start <= reached < stretch.end:
            reached = stretch.end  # a shift to midnight and one from midnight on are one
    if reached >= when.end:
        return None
    for day in days:
        if day.holiday and any(shift.overlaps(when) for shift in day.shifts):
            return "holiday"
        for absence in day.absences:
            if Interval(absence.start, absence.end).overlaps(when):
                return absence.kind.value
    if any(day.holiday for day in days):
        return "holiday"
    return "hours"
