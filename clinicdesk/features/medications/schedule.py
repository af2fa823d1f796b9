"""When a reminder is due, across clock changes: pure, given the rule and the clinic's zone.

A time that the clocks leave out is due as long after the one of the day before as ever (02:30 becomes 03:30); one that comes
twice is due the first time. So every time of every day is due exactly once, unless two of them fall together.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from clinicdesk.features.medications.schemas import ReminderRule

_DAY = timedelta(days=1)


def due_from(rule: ReminderRule, start: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Every instant from `start` on (itself included) at which the rule asks for a reminder, in order, in UTC."""
    day = max(rule.starts_on, start.astimezone(zone).date())
    while rule.until is None or day <= rule.until + _DAY:
        # Where clocks skip midnight, a late time of one day falls on the next, perhaps together with one of its own.
        near = {*_instants(rule, day - _DAY, zone), *_instants(rule, day, zone)}
        for due in sorted(near):
            if due >= start and due.astimezone(zone).date() == day:
                yield due
        day += _DAY


def due_within(rule: ReminderRule, start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """Every instant of [start, end) at which the rule asks for a reminder, in order, in UTC."""
    return list(takewhile(lambda due: due < end, due_from(rule, start, zone)))


def next_due(rule: ReminderRule, after: datetime, zone: ZoneInfo) -> datetime | None:
    """The first instant later than `after`, in UTC; None where there is none any more."""
    return next((due for due in due_from(rule, after, zone) if due > after), None)


def _instants(rule: ReminderRule, day: date, zone: ZoneInfo) -> list[datetime]:
    """The instants of the times of one day of the calendar."""
    if day < rule.starts_on or (rule.until is not None and day > rule.until) or day.weekday() not in rule.weekdays:
        return []
    return [datetime.combine(day, at, zone).astimezone(UTC) for at in rule.times]
