"""When people work: local weekly hours as UTC intervals, right across clock changes, and the arithmetic of intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.practitioners.schemas import Interval, Shift

MINUTES_A_DAY = 24 * 60
LAST_POSITION = 100_000
"""The highest place that something may have in an order of the clinic's own."""
_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=8192)
def instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """The UTC instant at which the clocks of `zone` first show, or would have passed, `minute` (0 to 1440) of `day`.

    A time that the clocks skip is the instant of the change; of a time that they show twice it is the first. So stretches
    that meet on the clock meet in time as well, and none overlap.
    """
    if minute == MINUTES_A_DAY:
        day, minute = day + timedelta(days=1), 0
    local = datetime.combine(day, time(minute // 60, minute % 60), zone)
    first = local.astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return first
    return _change_between(local.replace(fold=1).astimezone(UTC), first, zone)


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant in (before, after] from which the clocks of `zone` differ from Greenwich as they do at `after`."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after


def whole_day(day: date, zone: ZoneInfo) -> Interval:
    """A local day from midnight to midnight: 24 hours long, or 23, or 25, or what the clocks make of it."""
    return Interval(instant(day, 0, zone), instant(day, MINUTES_A_DAY, zone))


def days_between(first: date, last: date) -> list[date]:
    """Every day from first to last, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def subtract(stretches: Iterable[Interval], holes: Iterable[Interval]) -> tuple[Interval, ...]:
    """What is left of the stretches outside the holes; no empty interval among it."""
    left = [stretch for stretch in stretches if stretch.start < stretch.end]
    for hole in holes:
        if not any(stretch.overlaps(hole) for stretch in left):
            continue
        rest: list[Interval] = []
        for stretch in left:
            if not stretch.overlaps(hole):
                rest.append(stretch)
                continue
            if stretch.start < hole.start:
                rest.append(Interval(stretch.start, hole.start))
            if hole.end < stretch.end:
                rest.append(Interval(hole.end, stretch.end))
        left = rest
    return tuple(left)


def end_minute(shift: Shift) -> int:
    """The minute of the day at which the shift ends; 00:00 is midnight at its end, 1440."""
    return _minute(shift.end) or MINUTES_A_DAY


def start_minute(shift: Shift) -> int:
    """The minute of the day at which the shift starts."""
    return _minute(shift.start)


def _minute(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def shift_of(weekday: int, start: int, end: int) -> Shift:
    """The shift between two minutes of the day (0 to 1440)."""
    return Shift(weekday, time(start // 60, start % 60), time(end // 60 % 24, end % 60))


def check_week(shifts: Sequence[Shift]) -> tuple[Shift, ...]:
    """The shifts of a week in order of time.

    Raises InvalidInput("weekday", "whole_minutes", "ends_before_start" or "shifts_overlap") with `weekday`.
    """
    week = sorted(shifts, key=lambda shift: (shift.weekday, shift.start))
    for shift in week:
        if not 0 <= shift.weekday <= 6:
            raise InvalidInput("weekday", field="shifts", weekday=shift.weekday)
        if shift.start != time(shift.start.hour, shift.start.minute) or shift.end != time(
            shift.end.hour, shift.end.minute
        ):
            raise InvalidInput("whole_minutes", field="shifts", weekday=shift.weekday)
        if end_minute(shift) <= start_minute(shift):
            raise InvalidInput("ends_before_start", field="shifts", weekday=shift.weekday)
    for one, next_one in pairwise(week):
        if one.weekday == next_one.weekday and start_minute(next_one) < end_minute(one):
            raise InvalidInput("shifts_overlap", field="shifts", weekday=one.weekday)
    return tuple(week)


def check_zone(zone: str) -> str:
    """The zone's name. Raises InvalidInput("unknown_zone") unless it is an IANA name such as Europe/Berlin."""
    if zone not in available_timezones():
        raise InvalidInput("unknown_zone", field="zone", zone=zone)
    return zone


def check_country(country: str) -> str:
    """A country code of two letters in capitals, or empty. Raises InvalidInput("unknown_country")."""
    code = country.strip().upper()
    if code and not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise InvalidInput("unknown_country", field="country", country=country)
    return code


def check_range(value: int, field: str, least: int, most: int) -> int:
    """The value. Raises InvalidInput("out_of_range") with `least` and `most`, both allowed."""
    if not least <= value <= most:
        raise InvalidInput("out_of_range", field=field, least=least, most=most)
    return value


def check_days(first: date, last: date, most: int) -> None:
    """Raises InvalidInput, unless first to last are days in this order: "ends_before_start"; and at most so many: "span"."""
    if last < first:
        raise InvalidInput("ends_before_start", field="to")
    if (last - first).days >= most:
        raise InvalidInput("span", field="to", most=most)
