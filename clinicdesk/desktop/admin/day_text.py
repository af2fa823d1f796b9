"""Days and times as they are typed into the forms of the administration."""

from __future__ import annotations

from datetime import date, time

from clinicdesk.core.errors import InvalidInput
from clinicdesk.desktop.admin import words
from clinicdesk.desktop.appointments.date_sheet import read_day
from clinicdesk.features.appointments.when import parse_time


def to_day(text: str, field: str, today: date) -> date:
    """The day that is typed: "24 Dec 2026", "tue", "6w", 2026-12-24, or as `words.day` writes it.

    Raises InvalidInput ("empty" or "date_unreadable") with `field`.
    """
    said = text.strip()
    if not said:
        raise InvalidInput("empty", field=field)
    head, _, rest = said.partition(" ")
    day = read_day(said, today) or (read_day(rest, today) if head.rstrip(".,").isalpha() else None)
    if day is None:
        raise InvalidInput("date_unreadable", field=field)
    return day


def to_time(text: str, field: str) -> time:
    """The time of day that is typed: 8:30, 930, 14. Raises InvalidInput ("empty" or "time_unreadable") with `field`."""
    if not text.strip():
        raise InvalidInput("empty", field=field)
    at = parse_time(text)
    if at is None:
        raise InvalidInput("time_unreadable", field=field)
    return at


def from_day(day: date | None) -> str:
    """A day as it stands in a field; empty for none."""
    return "" if day is None else words.day(day)
