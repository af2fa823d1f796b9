"""Which days a recurring visit falls on: a small part of iCalendar's RRULE, as pure sums over days; the time stays local."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from itertools import count as numbers

from clinicdesk.core.errors import InvalidInput

MOST_VISITS = 366
MOST_DAYS = 3660
"""A series ends within ten years of its first day."""
MOST_INTERVAL = 99

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = timedelta(days=1)


class Frequency(StrEnum):
    """iCalendar's FREQ, as far as visits need it."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Every `interval` days, weeks, months or years, until a day (included) or so many times.

    `weekdays` (Monday 0) narrow a daily rule and say on which days a weekly one falls; without any it falls on the weekday
    of the first visit. A monthly rule falls on `month_day` (-1: the last; without any that of the first visit), or on the
    `nth` of its one weekday (-1: the last). What a month has not (the 31st, a fifth Monday) is left out, as iCalendar does.
    `exceptions` are days that the rule names and the series leaves out; they count.
    """

    frequency: Frequency
    interval: int = 1
    weekdays: tuple[int, ...] = ()
    nth: int | None = None
    month_day: int | None = None
    count: int | None = None
    until: date | None = None
    exceptions: tuple[date, ...] = ()


def checked(rule: Recurrence, first: date) -> Recurrence:
    """The rule with what follows from the first day written out. Raises InvalidInput with the field that cannot be right:
    out_of_range, recurrence_not_right, recurrence_without_end, ends_before_start, span."""
    _within(rule.interval, "interval", 1, MOST_INTERVAL)
    for weekday in rule.weekdays:
        _within(weekday, "weekdays", 0, 6)
    weekdays = tuple(sorted(set(rule.weekdays)))
    _check_end(rule, first)
    monthly = rule.frequency is Frequency.MONTHLY
    if rule.nth is not None:
        if rule.nth == 0:
            raise InvalidInput("out_of_range", field="nth", least=-1, most=5)
        _within(rule.nth, "nth", -1, 5)
        if not monthly or rule.month_day is not None or len(weekdays) != 1:
            raise InvalidInput("recurrence_not_right", field="nth")
    elif weekdays and rule.frequency not in (Frequency.DAILY, Frequency.WEEKLY):
        raise InvalidInput("recurrence_not_right", field="weekdays")
    month_day = rule.month_day
    if month_day is not None:
        if not monthly:
            raise InvalidInput("recurrence_not_right", field="month_day")
        if month_day == 0:
            raise InvalidInput("out_of_range", field="month_day", least=-1, most=31)
        _within(month_day, "month_day", -1, 31)
    elif monthly and rule.nth is None:
        month_day = first.day
    if rule.frequency is Frequency.WEEKLY and not weekdays:
        weekdays = (first.weekday(),)
    if len(rule.exceptions) > MOST_VISITS:
        raise InvalidInput("too_many", field="exceptions", most=MOST_VISITS)
    return replace(rule, weekdays=weekdays, month_day=month_day, exceptions=tuple(sorted(set(rule.exceptions))))


def _check_end(rule: Recurrence, first: date) -> None:
    if (rule.count is None) == (rule.until is None):
        raise InvalidInput("recurrence_without_end", field="count")
    if rule.count is not None:
        _within(rule.count, "count", 1, MOST_VISITS)
    if rule.until is not None:
        if rule.until < first:
            raise InvalidInput("ends_before_start", field="until")
        if (rule.until - first).days > MOST_DAYS:
            raise InvalidInput("span", field="until", most=MOST_DAYS)


def named_days(rule: Recurrence, first: date) -> list[date]:
    """Every day from `first` on that a checked rule names, exceptions among them, in order.

    Raises InvalidInput: too_many (more than 366), span (they do not end within ten years).
    """
    last = first + MOST_DAYS * _DAY
    if rule.until is not None:
        last = min(last, rule.until)
    days: list[date] = []
    for day in _candidates(rule, first, last):
        days.append(day)
        if rule.count is not None and len(days) == rule.count:
            return days
        if len(days) > MOST_VISITS:
            raise InvalidInput("too_many", field="until", most=MOST_VISITS)
    if rule.count is not None:
        raise InvalidInput("span", field="count", most=MOST_DAYS)
    return days


def days_of(rule: Recurrence, first: date) -> list[date]:
    """The days that a checked rule falls on, without its exceptions. Raises what `named_days` raises."""
    left_out = set(rule.exceptions)
    return [day for day in named_days(rule, first) if day not in left_out]


def from_day(rule: Recurrence, first: date, day: date) -> Recurrence:
    """The rule of what is left from `day` on, which is one of the days that it names."""
    later = tuple(one for one in rule.exceptions if one >= day)
    if rule.count is None:
        return replace(rule, exceptions=later)
    return replace(rule, count=sum(one >= day for one in named_days(rule, first)), exceptions=later)


def up_to(rule: Recurrence, day: date) -> Recurrence:
    """The rule as far as it comes before `day`."""
    earlier = tuple(one for one in rule.exceptions if one < day)
    return replace(rule, count=None, until=day - _DAY, exceptions=earlier)


def _candidates(rule: Recurrence, first: date, last: date) -> Iterator[date]:
    for period in numbers(0, rule.interval):
        if rule.frequency is Frequency.DAILY:
            start = first + period * _DAY
            days = [start] if not rule.weekdays or start.weekday() in rule.weekdays else []
        elif rule.frequency is Frequency.WEEKLY:
            start = first - first.weekday() * _DAY + 7 * period * _DAY
            days = [start + weekday * _DAY for weekday in rule.weekdays]
        elif rule.frequency is Frequency.MONTHLY:
            months = first.month - 1 + period
            start = date(first.year + months // 12, months % 12 + 1, 1)
            days = _in_month(rule, start)
        else:
            start = date(first.year + period, 1, 1)
            days = _on(first.year + period, first.month, first.day)
        if start > last:
            return
        yield from (day for day in days if first <= day <= last)


def _in_month(rule: Recurrence, start: date) -> list[date]:
    length = monthrange(start.year, start.month)[1]
    if rule.nth is None:
        return _on(start.year, start.month, length if rule.month_day == -1 else rule.month_day or 1)
    if rule.nth == -1:
        end = date(start.year, start.month, length)
        return [end - (end.weekday() - rule.weekdays[0]) % 7 * _DAY]
    return _on(start.year, start.month, 1 + (rule.weekdays[0] - start.weekday()) % 7 + 7 * (rule.nth - 1))


def _on(year: int, month: int, day: int) -> list[date]:
    return [date(year, month, day)] if day <= monthrange(year, month)[1] else []


def _within(value: int, field: str, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidInput("out_of_range", field=field, least=least, most=most)


# ---- as iCalendar writes it ----------------------------------------------------------------------------------------


def to_rrule(rule: Recurrence) -> str:
    """The rule in iCalendar's words, without its exceptions: FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;COUNT=10."""
    parts = [f"FREQ={rule.frequency.value.upper()}"]
    if rule.interval != 1:
        parts.append(f"INTERVAL={rule.interval}")
    if rule.weekdays:
        nth = "" if rule.nth is None else str(rule.nth)
        parts.append("BYDAY=" + ",".join(nth + _WEEKDAYS[weekday] for weekday in rule.weekdays))
    if rule.month_day is not None:
        parts.append(f"BYMONTHDAY={rule.month_day}")
    if rule.count is not None:
        parts.append(f"COUNT={rule.count}")
    if rule.until is not None:
        parts.append(f"UNTIL={rule.until:%Y%m%d}")
    return ";".join(parts)


def from_rrule(text: str, exceptions: tuple[date, ...] = ()) -> Recurrence:
    """The rule that `to_rrule` has written."""
    parts = dict(part.split("=", 1) for part in text.split(";"))
    by_day = parts["BYDAY"].split(",") if "BYDAY" in parts else []
    nth = by_day[0][:-2] if by_day else ""
    until = parts.get("UNTIL")
    return Recurrence(
        Frequency(parts["FREQ"].lower()),
        int(parts.get("INTERVAL", 1)),
        tuple(_WEEKDAYS.index(day[-2:]) for day in by_day),
        int(nth) if nth else None,
        int(parts["BYMONTHDAY"]) if "BYMONTHDAY" in parts else None,
        int(parts["COUNT"]) if "COUNT" in parts else None,
        None if until is None else date(int(until[:4]), int(until[4:6]), int(until[6:])),
        exceptions,
    )
