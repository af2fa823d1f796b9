"""Folds names, numbers and typed text to plain a-z and 0-9, and says under which terms a patient is found.

A term is one letter that says what it is, and the folded text: `n` any part of a name, `f` a part of a family name,
`b` a birth date (b19840312), `k` a record number, `i` a number that others know the patient by, `r` a phone number
written backwards (so that its last digits are a prefix).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Protocol

from anyascii import anyascii

LONGEST_TERM = 500
"""What is longer is found by its beginning; PostgreSQL takes some 2,000 letters."""
SHORTEST_WORD = 3
"""Shorter words are not offered as corrections of a typing error."""

_APART = re.compile(r"[^a-z0-9]+")
_DIGITS = re.compile(r"\d+")
_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_MOST_JOINED = 4


def plain(text: str) -> str:
    """The text in lower-case ASCII: accents dropped, other scripts transliterated, punctuation kept as it falls."""
    return anyascii(unicodedata.normalize("NFKC", text)).casefold()


def parts(text: str) -> list[str]:
    """The folded words of a text; a hyphen, an apostrophe or any other sign stands between two words."""
    return [part for part in _APART.split(plain(text)) if part]


def spellings(text: str) -> list[list[str]]:
    """The folded words of a text, once for each way of writing them: as they are, and with umlauts written out."""
    written_out = unicodedata.normalize("NFKC", text).casefold().translate(_WRITTEN_OUT)
    first, second = parts(text), parts(written_out)
    return [first] if first == second else [first, second]


def digits(text: str) -> str:
    """The digits of a text, of whatever script, as 0-9 and nothing else."""
    return "".join(_DIGITS.findall(plain(text)))


def record_number(text: str) -> set[str]:
    """The folded ways to write a record number: HS-00042 is also 00042, 42 and hs42."""
    whole = "".join(parts(text))
    forms = {whole}
    if match := re.fullmatch(r"([a-z]*?)(\d+)", whole):
        letters, figures = match.groups()
        short = figures.lstrip("0") or "0"
        forms |= {figures, short, letters + short}
    return forms - {""}


@lru_cache(maxsize=8192)  # an import meets the same names again and again
def name_words(name: str) -> frozenset[str]:
    """Every folded word under which a name is found: its parts, and parts that are often written as one."""
    found: set[str] = set()
    for words in spellings(name):
        found.update(words)
        if 1 < len(words) <= _MOST_JOINED:
            found.add("".join(words))
    for word in name.split():
        found.update("".join(words) for words in spellings(word))
        found.update(_ideograph_tails(word))
    return frozenset(found - {""})


def _ideograph_tails(word: str) -> Iterator[str]:
    """Where a name is written without spaces, each character may begin a part: 王小明 is found by xiaoming."""
    if word.isascii():
        return
    for at in range(1, len(word)):
        if "CJK UNIFIED" in unicodedata.name(word[at], "") or "HANGUL SYLLABLE" in unicodedata.name(word[at], ""):
            yield "".join(parts(word[at:]))


@dataclass(frozen=True, slots=True)
class Entry:
    """What the search index holds of one patient."""

    terms: str
    """All terms, sorted, apart by spaces."""
    phones: str
    """The digits of each phone number, apart by spaces."""

    @property
    def words(self) -> set[str]:
        """The folded words of the names."""
        return {term[1:] for term in self.terms.split() if term[0] == "n"}


class Searched(Protocol):
    """A patient's row, or as much of one as search needs."""

    number: str
    family: str
    given: str
    birth_family: str
    other_names: str
    birth_date: date | None
    phone: str
    mobile: str
    identifiers: str


def entry_of(patient: Searched) -> Entry:
    """What the search index must hold of the patient."""
    family = name_words(patient.family) | name_words(patient.birth_family)
    names = family.union(name_words(patient.given), name_words(patient.other_names))
    phones = [phone for phone in (digits(patient.phone), digits(patient.mobile)) if phone]
    terms = {f"f{word}" for word in family}
    terms.update(f"n{word}" for word in names)
    terms.update(f"k{form}" for form in record_number(patient.number))
    terms.update(f"r{phone[::-1]}" for phone in phones)
    terms.update(f"i{value}" for value in identifier_values(patient.identifiers.splitlines()))
    if patient.birth_date:
        terms.add("b" + patient.birth_date.isoformat().replace("-", ""))
    return Entry(" ".join(sorted({term[:LONGEST_TERM] for term in terms})), " ".join(dict.fromkeys(phones)))


def identifier_values(identifiers: list[str] | tuple[str, ...]) -> set[str]:
    """The folded values of `system|value` lines."""
    return {"".join(parts(line.rpartition("|")[2])) for line in identifiers} - {""}
