"""Reads a birth date as people write it: 12.3.1984, 12/03/84, 12 mar 1984, 1984-03-12, 12031984."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

_ISO = re.compile(r"(\d{4})[-./ ](\d{1,2})[-./ ](\d{1,2})")
_NUMBERS = re.compile(r"(\d{1,2})[-./ ]+(\d{1,2})[-./ ]+(\d{4}|\d{2})")
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th|\.)?[-./ ]*([^\W\d_]{3,})\.?[-./, ]*(\d{4}|\d{2})")
_MONTH_DAY = re.compile(r"([^\W\d_]{3,})\.?[-./ ]*(\d{1,2})(?:st|nd|rd|th)?[-./, ]+(\d{4}|\d{2})")
_PACKED = re.compile(r"(\d{2})(\d{2})(\d{4}|\d{2})")
_PACKED_ISO = re.compile(r"((?:18|19|20)\d{2})(\d{2})(\d{2})")


def parse_birth_date(text: str, today: date, months: Sequence[Sequence[str]], *, day_first: bool = True) -> date | None:
    """The day that is meant, or None where no day can be read.

    `months` holds lists of twelve names, one for each language that is understood; three letters are enough. Of two numbers
    that can both be a month, the first is the day where `day_first`. A year of two figures is the latest that is not ahead.
    """
    said = " ".join(text.casefold().split())
    if iso := _ISO.fullmatch(said):
        return _day(int(iso[1]), int(iso[2]), int(iso[3]))
    if numbers := _NUMBERS.fullmatch(said) or _packed(said, today, day_first):
        return _numbers(numbers, today, day_first)
    if packed := _PACKED_ISO.fullmatch(said):
        return _day(int(packed[1]), int(packed[2]), int(packed[3]))
    if written := _DAY_MONTH.fullmatch(said):
        return _near(written[3], _month(written[2], months), int(written[1]), today)
    if written := _MONTH_DAY.fullmatch(said):
        return _near(written[3], _month(written[1], months), int(written[2]), today)
    return None


def _packed(said: str, today: date, day_first: bool) -> re.Match[str] | None:
    """Six or eight figures without anything between them, where they are day, month and year in this order."""
    match = _PACKED.fullmatch(said)
    return match if match and _numbers(match, today, day_first) else None


def _numbers(match: re.Match[str], today: date, day_first: bool) -> date | None:
    first, second = int(match[1]), int(match[2])
    day, month = (first, second) if day_first else (second, first)
    return _near(match[3], month, day, today) or _near(match[3], day, month, today)


def _near(year: str, month: int, day: int, today: date) -> date | None:
    if len(year) == 4:
        return _day(int(year), month, day)
    this_century = _day(today.year // 100 * 100 + int(year), month, day)
    if this_century is not None and this_century <= today:
        return this_century
    return _day(today.year // 100 * 100 - 100 + int(year), month, day)


def _month(word: str, months: Sequence[Sequence[str]]) -> int:
    for names in months:
        for number, name in enumerate(names, start=1):
            if name.casefold().startswith(word):
                return number
    return 0


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
