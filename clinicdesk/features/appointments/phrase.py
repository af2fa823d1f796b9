"""Reads what is typed into the command bar, `smith lee fu 30 tue am`, in any order; what it cannot place is the patient."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from clinicdesk.features.appointments import when
from clinicdesk.features.appointments.schemas import FindOpenings, TypeRow
from clinicdesk.features.patients.folding import plain
from clinicdesk.features.practitioners.rules import MINUTES_A_DAY, instant
from clinicdesk.features.practitioners.schemas import PractitionerRow

_NOON, _EVENING = 12 * 60, 17 * 60
_PARTS_OF_DAY = {
    "am": (0, _NOON),
    "morning": (0, _NOON),
    "pm": (_NOON, MINUTES_A_DAY),
    "afternoon": (_NOON, _EVENING + 60),
    "evening": (_EVENING, MINUTES_A_DAY),
}
_DAYS_AHEAD = {"today": 0, "tomorrow": 1, "tmrw": 1}
_SHORTEST_BEGINNING = 3
"""Letters that stand for a whole name."""
_LONGEST = timedelta(hours=8)
_FARTHEST_DAYS = 3 * 366

_WORD = re.compile(r"\S+")
_COUNT = re.compile(r"(\d{1,4})([a-z]*)")
_DAYS_IN = {"days": 1, "weeks": 7, "months": 31}


class Part(StrEnum):
    """What a stretch of the phrase says."""

    PATIENT = "patient"
    PRACTITIONER = "practitioner"
    TYPE = "type"
    LENGTH = "length"
    WHEN = "when"


@dataclass(frozen=True, slots=True)
class Span:
    """The characters [start, end) of the text that say one thing, to be underlined."""

    start: int
    end: int
    part: Part


@dataclass(frozen=True, slots=True)
class Phrase:
    """What was understood. Days from `first` to `last` (None: open), of these weekdays (empty: any), and minutes of the day."""

    patient: str = ""
    practitioner_ids: tuple[UUID, ...] = ()
    type_id: UUID | None = None
    length: timedelta | None = None
    first: date | None = None
    last: date | None = None
    weekdays: frozenset[int] = frozenset()
    from_minute: int = 0
    to_minute: int = MINUTES_A_DAY
    spans: tuple[Span, ...] = field(default=(), compare=False)

    @property
    def says_when(self) -> bool:
        return any(span.part is Part.WHEN for span in self.spans)


@dataclass(slots=True)
class _Reading:
    """What has been read so far; each reader looks at the words from `at` on and says how many it took."""

    words: list[str]
    today: date
    patient: list[str] = field(default_factory=list)
    practitioner_ids: list[UUID] = field(default_factory=list)
    type_id: UUID | None = None
    length: timedelta | None = None
    first: date | None = None
    last: date | None = None
    weekdays: set[int] = field(default_factory=set)
    from_minute: int = 0
    to_minute: int = MINUTES_A_DAY

    def word(self, at: int) -> str:
        return self.words[at] if at < len(self.words) else ""

    def narrow_days(self, first: date | None, last: date | None) -> bool:
        if self.first is not None or self.last is not None:
            return False  # one date is meant; a second word that looks like one is left to the patient
        self.first, self.last = first, last
        return True

    def narrow_minutes(self, first: int, last: int) -> bool:
        self.from_minute, self.to_minute = max(self.from_minute, first), min(self.to_minute, last)
        return True


def parse(text: str, practitioners: Sequence[PractitionerRow], types: Sequence[TypeRow], today: date) -> Phrase:
    """What the text asks for; never raises. `today` is the clinic's.

    Understood in any order: a practitioner or a type by the beginning of a name (or a type's short word); a length (`30`,
    `30m`, `1h`); a day (`tue`, `tomorrow`, `12 dec`, `12.12.`, `2026-12-12`, `6w`, `10d`, `3m`, `next week`); a time of day
    (`am`, `afternoon`, `9:30`, `930`, `3pm`, `after 3pm`, `before 11`, `14-16`). `5m` and its multiples are minutes, other
    `3m` months. A word that could be two things, and every other word, belongs to the patient.
    """
    matches = list(_WORD.finditer(text))
    reading = _Reading([plain(match.group()) for match in matches], today)
    names = _Names(practitioners, types)
    spans: list[Span] = []
    at = 0
    while at < len(matches):
        taken, part = _take(reading, names, at)
        if part is Part.PATIENT:
            reading.patient.append(matches[at].group())
        spans.append(Span(matches[at].start(), matches[at + taken - 1].end(), part))
        at += taken
    return Phrase(
        " ".join(reading.patient), tuple(sorted(reading.practitioner_ids)), reading.type_id, reading.length,
        reading.first, reading.last, frozenset(reading.weekdays), reading.from_minute, reading.to_minute, tuple(spans),
    )  # fmt: skip


def openings_asked(
    phrase: Phrase, zone: ZoneInfo, now: datetime, length: timedelta, patient_id: UUID | None = None, limit: int = 5
) -> FindOpenings:
    """The search that the phrase asks for, of visits of this length."""
    earliest, latest = now, None
    if phrase.first is not None:
        earliest = max(now, instant(phrase.first, 0, zone))
    if phrase.last is not None:
        latest = instant(phrase.last, MINUTES_A_DAY, zone)
    return FindOpenings(
        length, earliest, latest, phrase.practitioner_ids, phrase.weekdays, phrase.from_minute, phrase.to_minute,
        patient_id=patient_id, limit=limit,
    )  # fmt: skip


def _take(reading: _Reading, names: _Names, at: int) -> tuple[int, Part]:
    """How many words from `at` on say one thing, and what; what they say is noted in the reading."""
    for read, part in _READERS:
        if taken := read(reading, at):
            return taken, part
    taken, found = names.find(reading.words, at)
    if isinstance(found, TypeRow) and reading.type_id is None:
        reading.type_id = found.id
        return taken, Part.TYPE
    if isinstance(found, PractitionerRow) and found.id not in reading.practitioner_ids:
        reading.practitioner_ids.append(found.id)
        return taken, Part.PRACTITIONER
    return 1, Part.PATIENT


class _Names:
    """The practitioners and types that a word may mean."""

    def __init__(self, practitioners: Iterable[PractitionerRow], types: Iterable[TypeRow]) -> None:
        self._types = [(plain(row.short), plain(row.name), row) for row in types]
        self._people = [(plain(row.family), plain(row.given), row) for row in practitioners]

    def find(self, words: Sequence[str], at: int) -> tuple[int, PractitionerRow | TypeRow | None]:
        """What the words from `at` on name, and how many words that took; None where it is nothing or not one thing."""
        for count in (3, 2):
            if at + count > len(words):
                continue
            several = " ".join(words[at : at + count])
            whole = [row for _, name, row in self._types if name == several and " " in name]
            if len(whole) == 1:
                return count, whole[0]
        word = words[at]
        if not word:  # signs that fold to nothing
            return 1, None
        exact: list[PractitionerRow | TypeRow] = [row for short, name, row in self._types if word in (short, name)]
        exact += [row for family, given, row in self._people if word in (family, given)]
        if exact or len(word) < _SHORTEST_BEGINNING:
            return 1, exact[0] if len(exact) == 1 else None
        begun: list[PractitionerRow | TypeRow] = [row for _, name, row in self._types if name.startswith(word)]
        begun += [row for family, given, row in self._people if family.startswith(word) or given.startswith(word)]
        return 1, begun[0] if len(begun) == 1 else None


def _read_day(reading: _Reading, at: int) -> int:
    word, following = reading.word(at), reading.word(at + 1)
    today = reading.today
    if word in _DAYS_AHEAD:
        day = today + timedelta(days=_DAYS_AHEAD[word])
        return 1 if reading.narrow_days(day, day) else 0
    if word in ("next", "this"):
        monday = today - timedelta(days=today.weekday()) + timedelta(days=7 if word == "next" else 0)
        if following == "week":
            return 2 if reading.narrow_days(max(monday, today), monday + timedelta(days=6)) else 0
        if (weekday := when.weekday(following)) is not None:
            day = monday + timedelta(days=weekday)
            return 2 if reading.narrow_days(day, day) else 0
    if (weekday := when.weekday(word)) is not None:
        reading.weekdays.add(weekday)
        return 1
    return 0


def _read_date(reading: _Reading, at: int) -> int:
    taken, found = when.written_date(reading.words[at : at + 2], reading.today)  # "12 dec 1930" ends in a time
    return taken if found is not None and reading.narrow_days(found, found) else 0


def _read_length(reading: _Reading, at: int) -> int:
    taken, number, kind = _count(reading, at)
    if kind not in ("minutes", "hours") or reading.length is not None:
        return 0
    length = timedelta(**{kind: number})
    if not timedelta(0) < length <= _LONGEST:
        return 0
    reading.length = length
    return taken


def _read_ahead(reading: _Reading, at: int) -> int:
    taken, number, kind = _count(reading, at)
    if kind not in _DAYS_IN or not 0 < number * _DAYS_IN[kind] <= _FARTHEST_DAYS:
        return 0
    ahead = when.months_on(reading.today, number) if kind == "months" else reading.today + timedelta(**{kind: number})
    return taken if reading.narrow_days(ahead, None) else 0


def _count(reading: _Reading, at: int) -> tuple[int, int, str]:
    """A number of minutes, hours, days, weeks or months at `at`: the words it takes, the number, and of what ("": of nothing)."""
    start = at + (reading.word(at) == "in")
    match = _COUNT.fullmatch(reading.word(start))
    if match is None:
        return 0, 0, ""
    number, unit, following = int(match[1]), match[2], reading.word(start + 1)
    taken = start - at + 1
    if unit == "m":
        return taken, number, "minutes" if number % 5 == 0 else "months"
    if unit:
        return taken, number, when.unit(unit)
    if len(following) > 1 and when.unit(following):
        return taken + 1, number, when.unit(following)
    return taken, number, "minutes" if 5 <= number < 100 and start == at else ""


def _read_time(reading: _Reading, at: int) -> int:
    word = reading.word(at)
    if word in _PARTS_OF_DAY:
        return reading.narrow_minutes(*_PARTS_OF_DAY[word])
    if word in ("after", "from", "before", "until", "at"):
        taken, minute = _minute(reading, at + 1, bare=True)
        if minute is None:
            return 0
        before = word in ("before", "until")
        reading.narrow_minutes(*((0, minute) if before else (minute, MINUTES_A_DAY)))
        return 1 + taken
    if match := re.fullmatch(r"(\d[\d:.]*(?:am|pm)?)[-–](\d[\d:.]*(?:am|pm)?)", word):
        first, last = (when.clock(part, bare=True) for part in match.groups())
        if first is not None and last is not None:
            return reading.narrow_minutes(first, last if last > first else last + _NOON)
        return 0
    taken, minute = _minute(reading, at, bare=False)
    return taken if minute is not None and reading.narrow_minutes(minute, MINUTES_A_DAY) else 0


def _minute(reading: _Reading, at: int, *, bare: bool) -> tuple[int, int | None]:
    """The minute of the day that the word at `at` (with am or pm behind it, maybe) says, and how many words that took."""
    word, following = reading.word(at), reading.word(at + 1)
    if following in ("am", "pm") and word.replace(":", "").isdecimal() and len(word) <= 5 and _is_hour(word):
        return 2, when.clock(word + following, bare=True)
    return 1, when.clock(word, bare=bare)


def _is_hour(word: str) -> bool:
    """Whether am or pm behind the word can belong to it: 3, 9:30; but not 30."""
    return int(word.partition(":")[0] or 99) <= 12


_READERS: tuple[tuple[Callable[[_Reading, int], int], Part], ...] = (
    (_read_date, Part.WHEN),
    (_read_time, Part.WHEN),
    (_read_length, Part.LENGTH),
    (_read_ahead, Part.WHEN),
    (_read_day, Part.WHEN),
)
