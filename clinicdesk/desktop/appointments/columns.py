"""One column of the calendar: whose day it is, what stands in it, and where the keyboard cursor can stop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from uuid import UUID

from clinicdesk.desktop.appointments.day_axis import DayAxis
from clinicdesk.desktop.appointments.lanes import More, Place, in_lanes
from clinicdesk.features.appointments.rules import GRACE, HOLDING
from clinicdesk.features.appointments.schemas import AppointmentRow, Status
from clinicdesk.features.practitioners.rules import subtract, whole_day
from clinicdesk.features.practitioners.schemas import AbsenceKind, AbsenceRow, Interval, PractitionerRow, WorkingDay

OPEN_STEP = 15
"""Minutes between two places in open time where the cursor stops; the length of the shortest usual visit."""
CLOSED_STEP = 60
_TAKEN = HOLDING | {Status.FULFILLED}
_IDLE = frozenset({Status.CANCELLED, Status.NOSHOW, Status.ENTERED_IN_ERROR})
"""A visit in one of these leaves the width of its column to those that take place."""
_MOVABLE = (Status.PENDING, Status.BOOKED)
_LUNCH = (11 * 60, 15 * 60)


@dataclass(frozen=True, slots=True)
class Box:
    """Where a visit stands in its column, in minutes down the axis and lanes across."""

    visit: AppointmentRow
    top: float
    bottom: float
    place: Place


@dataclass(frozen=True, slots=True)
class Stop:
    """A place where the cursor can stand: on a visit, or on free time until `end`."""

    top: float
    end: float
    visit: AppointmentRow | None = None
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Slot:
    """Free time under the cursor: whose, from when, and how long it stays free."""

    practitioner_id: UUID | None
    start: datetime
    free: timedelta
    is_open: bool

    def is_past(self, now: datetime) -> bool:
        """Whether nothing can be booked here any more."""
        return self.start < now - GRACE


@dataclass(frozen=True, slots=True)
class Span:
    """Free time that was drawn with the mouse."""

    practitioner_id: UUID | None
    start: datetime
    length: timedelta


@dataclass(frozen=True, slots=True)
class Closed:
    """A stretch of closed time; `is_lunch` where it parts two shifts around midday."""

    top: float
    bottom: float
    is_break: bool = False
    is_lunch: bool = False


@dataclass(frozen=True, slots=True)
class Shut:
    """An absence as the column shows it; what needs words has a note, or its kind says it."""

    top: float
    bottom: float
    absence: AbsenceRow


@dataclass(frozen=True)
class Column:
    """A day of one practitioner, or of everybody together (`practitioner` None)."""

    day: date
    axis: DayAxis = field(repr=False)
    working: tuple[WorkingDay, ...] = ()
    visits: tuple[AppointmentRow, ...] = ()
    practitioner: PractitionerRow | None = None
    with_errors: bool = False

    @property
    def practitioner_id(self) -> UUID | None:
        return self.practitioner.id if self.practitioner else None

    @cached_property
    def shown(self) -> tuple[AppointmentRow, ...]:
        """The visits that the calendar shows: what was entered in error only `with_errors`."""
        return tuple(visit for visit in self.visits if self.with_errors or visit.status is not Status.ENTERED_IN_ERROR)

    @cached_property
    def holiday(self) -> str:
        """The holiday that closes the day, or nothing."""
        return next((day.holiday for day in self.working if day.holiday), "")

    @cached_property
    def _placed(self) -> tuple[tuple[Box, ...], tuple[tuple[More, tuple[AppointmentRow, ...]], ...]]:
        found = []
        for visit in self.shown:
            span = self.axis.span(self.day, visit.start, visit.end)
            if span:
                found.append((visit, span))
        idle = [i for i, (visit, _) in enumerate(found) if visit.status in _IDLE]
        lanes = in_lanes([span for _, span in found], idle)
        boxes = tuple(
            Box(visit, *span, place) for (visit, span), place in zip(found, lanes.places, strict=True) if place
        )
        more = tuple((more, tuple(found[i][0] for i in more.hidden)) for more in lanes.more)
        return boxes, more

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The visits and their places, in the order given."""
        return self._placed[0]

    @property
    def more(self) -> tuple[tuple[More, tuple[AppointmentRow, ...]], ...]:
        """What crowded hours hide: where "+2" stands, and the visits behind it."""
        return self._placed[1]

    @cached_property
    def closed(self) -> tuple[Closed, ...]:
        """Closed time, top to bottom: outside every shift, and between two."""
        shifts = sorted({shift for day in self.working for shift in day.shifts})
        if self.holiday:
            shifts = []
        found: list[Closed] = []
        for stretch in subtract([whole_day(self.day, self.axis.zone)], shifts):
            span = self.axis.span(self.day, stretch.start, stretch.end)
            if span is None:
                continue
            between = any(s.end <= stretch.start for s in shifts) and any(s.start >= stretch.end for s in shifts)
            found.append(Closed(*span, between, between and is_lunch(*span)))
        return tuple(found)

    @cached_property
    def shut(self) -> tuple[Shut, ...]:
        """Leave and blocks, where they lie on this day."""
        found: dict[UUID, Shut] = {}
        for absence in (absence for day in self.working for absence in day.absences):
            span = self.axis.span(self.day, absence.start, absence.end)
            if span:
                found[absence.id] = Shut(*span, absence)
        return tuple(found.values())

    @cached_property
    def open(self) -> tuple[Interval, ...]:
        """When visits are taken, merged over everybody in the column."""
        whole = [whole_day(self.day, self.axis.zone)]
        return subtract(whole, subtract(whole, [stretch for day in self.working for stretch in day.open]))

    @cached_property
    def free(self) -> tuple[Interval, ...]:
        """What no visit holds or has held, open and closed time alike."""
        held = [visit.interval for visit in self.shown if visit.status in _TAKEN]
        return subtract([whole_day(self.day, self.axis.zone)], held)

    @cached_property
    def stops(self) -> tuple[Stop, ...]:
        """Where the cursor stops, top to bottom: every visit, quarter-hours of open time, hours of closed time."""
        stops = [Stop(box.top, box.bottom, box.visit) for box in self.boxes]
        for hidden in (visit for _, visits in self.more for visit in visits):
            span = self.axis.span(self.day, hidden.start, hidden.end)
            if span:
                stops.append(Stop(*span, hidden))
        open_free = _overlaps(self.free, self.open)
        stops += self._free_stops(open_free, OPEN_STEP, True)
        stops += self._free_stops(subtract(self.free, self.open), CLOSED_STEP, False)
        return tuple(sorted(stops, key=lambda stop: (stop.top, stop.visit is None, stop.end)))

    def _free_stops(self, stretches: Iterable[Interval], step: int, is_open: bool) -> list[Stop]:
        stops = []
        for stretch in stretches:
            span = self.axis.span(self.day, stretch.start, stretch.end)
            if span is None:
                continue
            top, bottom = span
            while top < bottom:
                stops.append(Stop(top, bottom, None, is_open))
                top = (top // step + 1) * step
        return stops

    def stop_at(self, minute: float, visit_id: UUID | None = None) -> int:
        """The index of the stop that stands at a minute: of that visit if it is here, else of what covers the minute."""
        best = 0
        for i, stop in enumerate(self.stops):
            if visit_id is not None and stop.visit is not None and stop.visit.id == visit_id:
                return i
            if stop.top <= minute and (stop.top > self.stops[best].top or _covers(stop, minute, self.stops[best])):
                best = i
        return best

    def stop_now(self, minute: float) -> Stop:
        """Where the present is: the visit that holds it, the open slot that is running, or else what comes next."""
        worth = [stop for stop in self.stops if (stop.visit.status in HOLDING if stop.visit else stop.is_open)]
        running = [stop for stop in worth if stop.top <= minute < stop.end]
        if running:
            return max(running, key=lambda stop: (stop.visit is not None, stop.top))
        return next((stop for stop in worth if stop.top > minute), self.stops[self.stop_at(minute)])

    def free_stop_at(self, minute: float) -> Stop:
        """The last free stop at or before a minute whose time is still free then; where none is, the visit in the way."""
        free = [stop for stop in self.stops if stop.visit is None and stop.top <= minute < stop.end]
        return max(free, key=lambda stop: stop.top) if free else self.stops[self.stop_at(minute)]

    def slot(self, stop: Stop) -> Slot:
        """The free time that a stop stands on (on a visit: the time from its start)."""
        start = self.axis.instant(self.day, stop.top)
        return Slot(self.practitioner_id, start, self.axis.instant(self.day, stop.end) - start, stop.is_open)

    def is_stranded(self, visit: AppointmentRow) -> bool:
        """Whether a visit still stands where its practitioner is away by now, and needs another time."""
        if visit.status not in _MOVABLE:
            return False
        return any(
            (day.holiday and any(shift.overlaps(visit.interval) for shift in day.shifts))
            or any(
                absence.kind is AbsenceKind.LEAVE and Interval(absence.start, absence.end).overlaps(visit.interval)
                for absence in day.absences
            )
            for day in self.working
            if day.practitioner_id == visit.practitioner_id
        )

    def find(self, visit_id: UUID) -> AppointmentRow | None:
        """The visit of that id, if it is in this column."""
        return next((visit for visit in self.shown if visit.id == visit_id), None)


def is_lunch(first: float, last: float) -> bool:
    """Whether a break from one minute of the day to another lies around midday."""
    return first < _LUNCH[1] and last > _LUNCH[0]


def _covers(stop: Stop, minute: float, than: Stop) -> bool:
    """Whether a stop that begins where another does is the better answer: the first one given, unless it is over by then."""
    return stop.top == than.top and than.end <= minute < stop.end


def _overlaps(one: Iterable[Interval], other: Iterable[Interval]) -> list[Interval]:
    others = list(other)
    return [Interval(max(a.start, b.start), min(a.end, b.end)) for a in one for b in others if a.overlaps(b)]
