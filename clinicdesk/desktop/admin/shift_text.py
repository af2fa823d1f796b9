"""A day's working hours as they are typed, "8:30–12:30, 13:15–17:00", and back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import time

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.practitioners.schemas import Shift

_STRETCH = re.compile(r"(\d{1,2})(?:[:.h]?(\d{2}))?\s*(?:-|–|—|to)\s*(\d{1,2})(?:[:.h]?(\d{2}))?")
_BETWEEN = re.compile(r"\s*[,;+&]\s*")


def read_shifts(text: str, weekday: int) -> tuple[Shift, ...]:
    """The shifts of one weekday (Monday 0): "8:30-12:30, 1315-1700" or "9-17"; nothing typed is a day off.

    Raises InvalidInput("hours_unreadable") with the `field` "weekday_0" to "weekday_6".
    """
    return tuple(_read(part, weekday) for part in _BETWEEN.split(text.strip()) if part)


def write_shifts(shifts: Iterable[Shift], weekday: int) -> str:
    """The shifts of one weekday as they are typed; empty for a day off."""
    ordered = sorted((shift for shift in shifts if shift.weekday == weekday), key=lambda shift: shift.start)
    return ", ".join(
        f"{_clock(shift.start)}–{_clock(shift.end) if shift.end != time.min else '24:00'}" for shift in ordered
    )


def _clock(at: time) -> str:
    return f"{at.hour}:{at.minute:02}"


def _read(text: str, weekday: int) -> Shift:
    unreadable = InvalidInput("hours_unreadable", field=f"weekday_{weekday}")
    found = _STRETCH.fullmatch(text)
    if found is None:
        raise unreadable
    start, end = _time(found[1], found[2]), _time(found[3], found[4])
    if start is None or start == 24 * 60 or end is None:
        raise unreadable
    return Shift(weekday, _from_minute(start), _from_minute(end))


def _time(hour: str, minute: str | None) -> int | None:
    """Minutes since midnight, 24:00 among them; None for what no clock shows."""
    minutes = int(hour) * 60 + int(minute or 0)
    return minutes if int(minute or 0) < 60 and minutes <= 24 * 60 else None


def _from_minute(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)
