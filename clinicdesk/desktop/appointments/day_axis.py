"""Turns instants into minutes down the calendar and back, through days of 23, 24 and 25 hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from clinicdesk.features.practitioners.rules import whole_day

DAY_MINUTES = 24 * 60
_MINUTE = timedelta(minutes=1)
_STEP = 30


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across the calendar: its place in minutes, and the local time that it stands for."""

    minute: float
    at: time

    @property
    def is_hour(self) -> bool:
        return self.at.minute == 0


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Part of the axis: from `minute` on, `length` minutes whose local time begins at minute `wall` of the day."""

    minute: float
    wall: float
    length: float
    fold: int = 0

    @property
    def end(self) -> float:
        return self.minute + self.length


class DayAxis:
    """The vertical axis of one or more days shown side by side.

    For a single day it is the elapsed time of that day: an hour that the clock skips is not there, one that it repeats
    is there twice. Where several days share the axis, the days without the change leave the repeated hour empty, and
    the day that skips an hour leaves that one empty, so that 09:00 stands at one height in all of them.
    """

    def __init__(self, days: Sequence[date], zone: ZoneInfo) -> None:
        self.days = tuple(days)
        self.zone = zone
        self._stretches = self._walk()
        self.length = self._stretches[-1].end
        """Minutes from top to bottom."""

    def span(self, day: date, start: datetime, end: datetime) -> tuple[float, float] | None:
        """Where [start, end) lies on that day, in minutes from the top; None where it lies on other days alone."""
        whole = whole_day(day, self.zone)
        first, last = whole.start, whole.end
        if end <= first or start >= last:
            return None
        top = 0.0 if start <= first else self.minute(start)
        bottom = self.length if end >= last else self.minute(end)
        return top, max(bottom, top)

    def minute(self, instant: datetime) -> float:
        """How far down an instant stands on its own local day."""
        local = instant.astimezone(self.zone)
        wall = local.hour * 60 + local.minute + local.second / 60
        for stretch in self._stretches:
            if stretch.fold == local.fold and stretch.wall <= wall < stretch.wall + stretch.length:
                return stretch.minute + wall - stretch.wall
        return self._nearest(wall)

    def instant(self, day: date, minute: float) -> datetime:
        """The instant, in UTC and on the whole minute, that stands `minute` minutes down on that day."""
        minute = min(max(minute, 0.0), self.length)
        if minute == self.length:
            return whole_day(day, self.zone).end
        stretch = next(s for s in self._stretches if minute < s.end)
        wall = round(stretch.wall + minute - stretch.minute)
        if wall >= DAY_MINUTES:
            return whole_day(day, self.zone).end
        local = datetime.combine(day, time(wall // 60, wall % 60, fold=stretch.fold), self.zone)
        return local.astimezone(UTC)

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """A mark for each half-hour of local time, top to bottom; a repeated hour is marked twice."""
        found: list[Mark] = []
        for stretch in self._stretches:
            wall = -(-int(stretch.wall) // _STEP) * _STEP
            while wall < stretch.wall + stretch.length:
                found.append(Mark(stretch.minute + wall - stretch.wall, time(wall // 60 % 24, wall % 60)))
                wall += _STEP
        return tuple(found)

    def missing(self, day: date) -> list[tuple[float, float]]:
        """The spans that this day does not have: an hour that its clock skips, or one that only another day repeats."""
        whole = whole_day(day, self.zone)
        change = _change(day, self.zone)
        repeats = change is not None and change[1] < 0
        gaps = [(stretch.minute, stretch.end) for stretch in self._stretches if stretch.fold and not repeats]
        if change and change[1] > 0 and self.length - whole.length / _MINUTE >= change[1]:
            top = self._nearest(change[0])
            gaps.append((top, top + change[1]))
        return gaps

    def _nearest(self, wall: float) -> float:
        for stretch in self._stretches:
            if not stretch.fold and wall < stretch.wall + stretch.length:
                return stretch.minute + max(wall - stretch.wall, 0.0)
        return self.length

    def _walk(self) -> list[_Stretch]:
        changes = [change for change in (_change(day, self.zone) for day in self.days) if change]
        back = next((change for change in changes if change[1] < 0), None)
        if back:
            again, size = back[0], -back[1]
            return [
                _Stretch(0.0, 0.0, again + size),
                _Stretch(again + size, again, size, fold=1),
                _Stretch(again + 2 * size, again + size, DAY_MINUTES - again - size),
            ]
        if changes and len(self.days) == 1:
            skipped, size = changes[0]
            return [
                _Stretch(0.0, 0.0, skipped),
                _Stretch(skipped, skipped + size, DAY_MINUTES - skipped - size),
            ]
        return [_Stretch(0.0, 0.0, float(DAY_MINUTES))]


def _change(day: date, zone: ZoneInfo) -> tuple[float, float] | None:
    """The local minute that the clock change of the day begins at, and the minutes that it skips (negative: repeats)."""
    whole = whole_day(day, zone)
    first, last = whole.start, whole.end
    before = datetime.combine(day, time(), zone).utcoffset()  # of a skipped midnight: the offset before the change
    after = (last - _MINUTE).astimezone(zone).utcoffset()
    if before is None or after is None or before == after:
        return None
    low, high = -1, int((last - first) / _MINUTE)
    while high - low > 1:
        middle = (low + high) // 2
        if (first + middle * _MINUTE).astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    size = (after - before) / _MINUTE
    return (float(high), size) if size > 0 else (high + size, size)


def days_of_week(day: date, first_weekday: int) -> tuple[date, ...]:
    """The seven days of the week that holds `day`, from the locale's first weekday (Monday 0) on."""
    first = day - timedelta(days=(day.weekday() - first_weekday) % 7)
    return tuple(first + timedelta(days=i) for i in range(7))
