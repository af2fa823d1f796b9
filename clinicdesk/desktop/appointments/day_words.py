"""Reads a day as it is typed at the desk: "tue", "6w", "12 dec", "tomorrow", "+3"."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from datetime import date, time, timedelta

_AHEAD = re.compile(r"\+?(\d{1,3})\s*([dwmy]?)")
_DATE = re.compile(r"(\d{1,2})[./\s-]*([^\W\d_]+|\d{1,2})?[./\s-]*(\d{4})?")
_TIME = re.compile(r"(\d{1,2})(?:[:.h\s]?(\d{2}))?\s*(am|pm|a|p)?")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = tuple(name.lower() for name in calendar.month_name[1:])


def parse_day(
    text: str, today: date, weekdays: Sequence[str] = WEEKDAYS, months: Sequence[str] = MONTHS
) -> date | None:
    """The day that is meant, none in the past unless it is written out; None where no day can be read.

    `weekdays` (from Monday) and `months` are names in the user's language; two letters are enough of the former, three
    of the latter. A bare number with a letter counts from today: 10d, 6w, 3m, 1y.
    """
    said = " ".join(text.lower().split())
    if not said:
        return None
    if said in ("today", "now"):
        return today
    if "tomorrow".startswith(said) and len(said) >= 3:
        return today + timedelta(days=1)
    if said == "yesterday":
        return today - timedelta(days=1)
    if iso := _ISO.fullmatch(said):
        return _day(*map(int, iso.groups()))
    ahead = _AHEAD.fullmatch(said)
    if ahead and (ahead[2] or said.startswith("+")):
        return _later(today, int(ahead[1]), ahead[2] or "d")
    weekday = _named(said.removeprefix("next "), weekdays, 2)
    if weekday is not None:
        days = (weekday - today.weekday() - 1) % 7 + 1
        return today + timedelta(days=days)
    if written := _DATE.fullmatch(said):
        return _written(written, today, months)
    return None


def parse_time(text: str) -> time | None:
    """The time of day that is typed: 9, 930, 11:30, 11.30, 2pm; None where none can be read."""
    found = _TIME.fullmatch(text.strip().lower())
    if not found:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), found[3]
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _written(written: re.Match[str], today: date, months: Sequence[str]) -> date | None:
    day, word, year = int(written[1]), written[2], written[3]
    if word is None:
        this = _day(today.year, today.month, day)
        return this if this and this >= today else _day(*_next_month(today), day)
    month = int(word) if word.isdigit() else (_named(word, months, 3) or 0) + (_named(word, months, 3) is not None)
    if year:
        return _day(int(year), month, day)
    this = _day(today.year, month, day)
    return this if this and this >= today else _day(today.year + 1, month, day)


def _named(word: str, names: Sequence[str], least: int) -> int | None:
    if len(word) < least:
        return None
    return next((i for i, name in enumerate(names) if name.lower().startswith(word.rstrip("."))), None)


def _next_month(today: date) -> tuple[int, int]:
    return (today.year + 1, 1) if today.month == 12 else (today.year, today.month + 1)


def _later(today: date, count: int, unit: str) -> date:
    if unit in "dw":
        return today + timedelta(days=count * (7 if unit == "w" else 1))
    months = today.month - 1 + count * (12 if unit == "y" else 1)
    year, month = today.year + months // 12, months % 12 + 1
    return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
