"""Reads days and times of day as people write them: "tue", "6w", "12 dec", "9:30", "3pm"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, time, timedelta

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
LEAST_BEGINNING = 3
"""Letters that stand for a whole weekday or month."""
_NOON = 12 * 60

_UNITS = {
    "minutes": {"min", "mins", "minute", "minutes"},
    "hours": {"h", "hr", "hrs", "hour", "hours"},
    "days": {"d", "day", "days"},
    "weeks": {"w", "wk", "wks", "week", "weeks"},
    "months": {"mo", "month", "months"},
}
_TIME = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?(am|pm)?")
_DAY_OF_MONTH = re.compile(r"(\d{1,2})(?:\.|st|nd|rd|th)?")
_AHEAD = re.compile(r"(\+?)(\d{1,3}) ?([a-z]*)")


def parse_day(
    text: str, today: date, weekdays: Sequence[str] = WEEKDAYS, months: Sequence[str] = MONTHS
) -> date | None:
    """The day that is meant, none in the past unless it is written out; None where no day can be read.

    `weekdays` (from Monday) and `months` are names in the user's language; two letters are enough of the former, three of the
    latter. A number with a letter counts from today: 10d, 6w, 3m, 1y; by itself it is the day of a month.
    """
    said = " ".join(text.lower().split())
    near = {"today": 0, "now": 0, "yesterday": -1}.get(said)
    if near is None and len(said) >= LEAST_BEGINNING and "tomorrow".startswith(said):
        near = 1
    if near is not None:
        return today + timedelta(days=near)
    if (match := _AHEAD.fullmatch(said)) and (match[1] or match[3]):
        if (ahead := _ahead(today, int(match[2]), match[3])) is not None:
            return ahead
    elif match:
        return _next_of_month(today, int(match[2]))
    nth = begun(said.removeprefix("next "), weekdays, 2)
    if nth is not None:
        return today + timedelta(days=(nth - today.weekday() - 1) % 7 + 1)
    if re.fullmatch(r"\d{1,2}[./-]\d{1,2}", said):
        said += "."
    words = said.split()
    taken, found = written_date(words, today, months)
    return found if taken == len(words) else None


def parse_time(text: str) -> time | None:
    """The time of day that is typed: 9, 930, 11:30, 11.30, 2pm; None where none can be read."""
    minute = clock("".join(text.lower().split()), bare=True, by_day=False)
    return None if minute is None else time(minute // 60, minute % 60)


def written_date(words: Sequence[str], today: date, months: Sequence[str] = MONTHS) -> tuple[int, date | None]:
    """How many of the first words are a date (0: none), and which; without a year it is the next such day."""
    taken, day, month, year = _day_month_year([*words[:3], "", "", ""][:3], months)
    for guess in (year,) if year else (today.year, today.year + 1):
        try:
            found = date(guess, month, day)
        except ValueError:  # no date at all, or none of this year
            continue
        if year or found >= today:
            return taken, found
    return 0, None


def _day_month_year(words: Sequence[str], months: Sequence[str]) -> tuple[int, int, int, int]:
    """The words taken, day, month and year (0 if not said) of what may be a date; month 0 for what is none."""
    word, following, third = words
    if match := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", word):
        return 1, int(match[3]), int(match[2]), int(match[1])
    if match := re.fullmatch(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})?", word):
        return 1, int(match[1]), int(match[2]), int(match[3] or 0)
    if match := re.fullmatch(r"(\d{1,2})\.?([^\W\d_]{3,})", word):
        year = _year(following)
        return 1 + bool(year), int(match[1]), _month(match[2], months), year
    for day, month in ((word, following), (following, word)):
        if match := _DAY_OF_MONTH.fullmatch(day):
            nth, year = _month(month, months), _year(third)
            return 2 + bool(year), int(match[1]), nth, year
    return 0, 0, 0, 0


def _year(word: str) -> int:
    return int(word) if re.fullmatch(r"(?:19|20)\d{2}", word) else 0


def _month(word: str, months: Sequence[str]) -> int:
    """January is 1; 0 for what is no month."""
    nth = begun(word, months)
    return 0 if nth is None else nth + 1


def weekday(word: str) -> int | None:
    """Monday is 0; None for what is no weekday."""
    return begun(word, WEEKDAYS)


def begun(word: str, names: Sequence[str], least: int = LEAST_BEGINNING) -> int | None:
    """Which of the names the word begins (`least` letters will do); None for none."""
    word = word.rstrip(".,")
    if len(word) < least:
        return None
    return next((nth for nth, name in enumerate(names) if name.lower().startswith(word)), None)


def unit(word: str) -> str:
    """minutes, hours, days, weeks or months, as it may be written; empty for what is none of them."""
    return next((kind for kind, words in _UNITS.items() if word in words), "")


def months_on(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), following - timedelta(days=1))


def clock(word: str, *, bare: bool, by_day: bool = True) -> int | None:
    """The minute of the day of 9:30, 930, 3pm; with `bare` of 14 or 3 too, where it is known that a time is meant.

    `by_day` takes 1 to 6 for the afternoon: nobody says "after 3" or "3:30" of the night.
    """
    if re.fullmatch(r"\d{3,4}", word):
        word = f"{word[:-2]}:{word[-2:]}"
    match = _TIME.fullmatch(word)
    if match is None or (not bare and match[2] is None and match[3] is None):
        return None
    hour, minute, half = int(match[1]), int(match[2] or 0), match[3]
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif by_day and 1 <= hour <= 6 and not word.startswith("0"):
        hour += 12
    return hour * 60 + minute if hour < 24 and minute < 60 else None


def _ahead(today: date, count: int, word: str) -> date | None:
    if word in ("m", "y"):
        return months_on(today, count * (12 if word == "y" else 1))
    kind = unit(word) if word else "days"
    if kind == "months":
        return months_on(today, count)
    return today + timedelta(**{kind: count}) if kind in ("days", "weeks") else None


def _next_of_month(today: date, day: int) -> date | None:
    for month in (today.replace(day=1), months_on(today.replace(day=1), 1)):
        try:
            found = month.replace(day=day)
        except ValueError:
            continue
        if found >= today:
            return found
    return None
