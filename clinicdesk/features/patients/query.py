"""Reads what was typed into the search field: words, numbers and dates, and the full-text expression of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from clinicdesk.features.patients.folding import digits, parts, plain, record_number, spellings

LONGEST_TEXT = 120
MOST_TERMS = 8
SHORTEST_RUN = 3
"""Digits that it takes to look for them within a phone number."""
_ABROAD = 10
_WITHOUT_COUNTRY = 8

_NUMERIC = re.compile(r"[+(]*\d[\d()./\-]*")
_BREAK = re.compile(r"[\s,;:]+")
_YMD = re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})")
_DMY = re.compile(r"(\d{1,2})[-./](\d{1,2})[-./](\d{4}|\d{2})")
_YM = re.compile(r"(\d{4})[-./](\d{1,2})")
_MY = re.compile(r"(\d{1,2})[-./](\d{4})")
_PACKED = re.compile(r"(\d{4})(\d\d)(\d\d)")
_PACKED_DMY = re.compile(r"(\d\d)(\d\d)(\d{4})")
_UNFINISHED_DATE = re.compile(r"\d{1,2}[./](\d{1,2}[./]?)?")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january enero ene", "feb february febrero", "mar march marzo", "apr april abril abr", "may mayo",
            "jun june junio", "jul july julio", "aug august agosto ago", "sep sept september septiembre",
            "oct october octubre", "nov november noviembre", "dec december diciembre dic",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Name:
    """A typed word: in each spelling, its parts (`smith-jones` has two)."""

    spellings: tuple[tuple[str, ...], ...]

    @property
    def joined(self) -> tuple[str, ...]:
        return tuple("".join(words) for words in self.spellings)

    @property
    def is_mixed(self) -> bool:
        """Has figures, and may so be a record number or another identifier."""
        return any(character.isdigit() for character in self.joined[0])

    def expression(self, *, prefix: bool, field: str = "n") -> str:
        """The full-text expression for this word as a whole, or as the beginning of one."""
        star = "*" if prefix else ""
        choices = [f"{field}{joined}{star}" for joined in self.joined]
        if field == "n":
            choices += [
                "(" + " AND ".join([*(f"n{word}" for word in words[:-1]), f"n{words[-1]}{star}"]) + ")"
                for words in self.spellings
                if len(words) > 1
            ]
            if self.is_mixed:
                choices += [f"{kind}{self.joined[0]}{star}" for kind in "ki"]
        return _any_of(choices)


@dataclass(frozen=True, slots=True)
class Figures:
    """A typed number: of a record, of a phone, another identifier, a birth date where it can be read as one, or Baby 2."""

    run: str
    birth: tuple[str, ...] = ()
    """Folded birth dates: 19840312, or the beginning of one."""

    @property
    def tails(self) -> tuple[str, ...]:
        """The run backwards, as the end of a phone number; without the zeros or the country that may not be stored."""
        if len(self.run) < SHORTEST_RUN:
            return ()
        national = self.run.lstrip("0")
        choices = [self.run, national] if len(national) >= SHORTEST_RUN else [self.run]
        if len(self.run) >= _ABROAD:
            choices.append(self.run[-_WITHOUT_COUNTRY:])
        return tuple(dict.fromkeys(choice[::-1] for choice in choices))

    @property
    def anywhere(self) -> str | None:
        """The run as it is looked for in the middle of a phone number; None where it is too short."""
        run = self.run.lstrip("0") if self.run.startswith("0") else self.run
        return run if len(run) >= SHORTEST_RUN else None

    def expression(self, *, prefix: bool) -> str:
        if not prefix:
            return self.exact()
        return _any_of([self.exact(), *filter(None, (self.by_tail(), self.by_birth(), self.by_beginning()))])

    def exact(self) -> str:
        numbers = sorted(record_number(self.run))
        dates = [f"b{day}" for day in self.birth if len(day) == len("19840312")]
        return _any_of([*(f"k{number}" for number in numbers), f"i{self.run}", f"n{self.run}", *dates])

    def by_tail(self) -> str:
        return _any_of([f"r{tail}*" for tail in self.tails])

    def by_birth(self) -> str:
        return _any_of([f"b{day}*" for day in self.birth])

    def by_beginning(self) -> str:
        return _any_of([f"k{self.run}*", f"i{self.run}*", f"n{self.run}*"])


Term = Name | Figures


def _any_of(choices: list[str]) -> str:
    unique = list(dict.fromkeys(choices))
    return unique[0] if len(unique) == 1 else f"({' OR '.join(unique)})" if unique else ""


def parse(text: str) -> list[Term]:
    """The terms of a typed text, all of which a patient must match. Takes any text; empty where nothing can be looked for."""
    words = [word for word in _BREAK.split(text[:LONGEST_TEXT]) if word]
    terms = list(_terms(words))
    finished = [term for term in terms if term is not None]
    return finished[:MOST_TERMS]


def _terms(words: list[str]) -> Iterator[Term | None]:
    """One term for each word, or for words that belong together: a date, a phone number in groups."""
    at = 0
    while at < len(words):
        if day := _spelled_date(words[at : at + 3]):
            yield Figures(day, (day,))
            at += 3
            continue
        group = at
        while group < len(words) and _NUMERIC.fullmatch(plain(words[group])):
            group += 1
        if group > at:
            yield _figures([plain(word) for word in words[at:group]], alone=len(words) == group - at)
            at = group
            continue
        if folded := [tuple(spelling) for spelling in spellings(words[at]) if spelling]:
            yield Name(tuple(folded))
        at += 1


def _spelled_date(words: list[str]) -> str | None:
    """12 mar 1984 and mar 12 1984, folded; None for anything else."""
    if len(words) < 3:
        return None
    first, second, third = ("".join(parts(word)) for word in words)
    day, month = (first, second) if second in _MONTHS else (second, first)
    day = day.removesuffix("th").removesuffix("st").removesuffix("nd").removesuffix("rd")
    if month not in _MONTHS or not re.fullmatch(r"\d{1,2}", day) or not re.fullmatch(r"\d{4}", third):
        return None
    return _day(int(third), _MONTHS[month], int(day))


def _figures(group: list[str], *, alone: bool) -> Figures | None:
    """The number that a group of numeric words is; None for a date that is still being typed beside other words."""
    run = digits("".join(group))
    text = group[0] if len(group) == 1 else "-".join(group)
    birth = tuple(dict.fromkeys(_dates(text, run)))
    if not birth and not alone and len(group) == 1 and _UNFINISHED_DATE.fullmatch(text):
        return None
    return Figures(run, birth)


def _dates(text: str, run: str) -> Iterator[str]:
    """The birth dates that a number can be read as: day before month and month before day, this century and the last."""
    if match := _YMD.fullmatch(text) or _PACKED.fullmatch(text):
        yield from _days(match[1], match[2], match[3])
    if match := _DMY.fullmatch(text) or _PACKED_DMY.fullmatch(text):
        first, second, year = match.groups()
        for full_year in (year,) if len(year) == 4 else (f"19{year}", f"20{year}"):
            yield from _days(full_year, second, first)
            yield from _days(full_year, first, second)
    if match := _YM.fullmatch(text):
        yield from _month(match[1], match[2])
    if match := _MY.fullmatch(text):
        yield from _month(match[2], match[1])
    if text == run and 4 <= len(run) < 8 and "1850" <= run[:4] < "2100":
        yield run


def _days(year: str, month: str, day: str) -> Iterator[str]:
    if found := _day(int(year), int(month), int(day)):
        yield found


def _day(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat().replace("-", "")
    except ValueError:
        return None


def _month(year: str, month: str) -> Iterator[str]:
    if 1 <= int(month) <= 12:
        yield f"{year}{int(month):02d}"
