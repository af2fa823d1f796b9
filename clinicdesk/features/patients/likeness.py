"""Decides how likely two descriptions of a person are of the same person, and why; pure, without a session.

Each thing that two people share, or do not, adds evidence in bits: what few people share weighs most. The weights were
set on people with known duplicates; the tests hold what they reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.fuzz import ratio, token_sort_ratio

from clinicdesk.features.patients.folding import digits, identifier_values, parts
from clinicdesk.features.patients.schemas import Demographics, Gender

_PRIOR = -8.0
"""Bits against: two people taken at random are hardly ever one."""
_SIMILAR_NAME = 0.86
"""The Jaro-Winkler similarity from which one name may be the other, mistyped."""
_NOT_UNLIKE = 0.72
"""Above this Jaro-Winkler similarity names may still be one, badly mistyped: no evidence either way."""
_SIMILAR_NAMES = 4.0
"""Bits for family and given name together, from which a person would call them similar."""
_SIMILAR_ADDRESS = 88.0
_PHONE_DIGITS = 8
"""The last digits that tell phone numbers apart, however the country and area are written."""
_LONG_IDENTIFIER = 6


@dataclass(frozen=True, slots=True)
class Person:
    """A person's data, folded for comparison."""

    family: str
    given: str
    birth_family: str
    birth_date: date | None
    gender: Gender
    phones: frozenset[str]
    identifiers: frozenset[str]
    address: str
    place: frozenset[str]

    @classmethod
    def of(cls, demographics: Demographics) -> Person:
        """The person whom the demographics describe."""
        d = demographics
        phones = (digits(phone)[-_PHONE_DIGITS:] for phone in (d.phone, d.mobile))
        return cls(
            family=" ".join(parts(d.family)),
            given=" ".join(parts(d.given)),
            birth_family=" ".join(parts(d.birth_family)),
            birth_date=d.birth_date,
            gender=d.gender,
            phones=frozenset(phone for phone in phones if len(phone) >= _LONG_IDENTIFIER),
            identifiers=frozenset(identifier_values(d.identifiers)),
            address=" ".join(parts(d.address)),
            place=frozenset({" ".join(parts(d.city)), " ".join(parts(d.postal_code))} - {""}),
        )


@dataclass(frozen=True, slots=True)
class Likeness:
    """0 to 1, and the reasons as codes of `schemas.Duplicate`."""

    score: float
    reasons: tuple[str, ...]


def compare(one: Person, other: Person) -> Likeness:
    """How likely both are the same person."""
    evidence = (
        _names(one, other),
        _birth_dates(one.birth_date, other.birth_date),
        _phones(one.phones, other.phones),
        _identifiers(one.identifiers, other.identifiers),
        _addresses(one, other),
        (-1.5 if Gender.UNKNOWN not in (one.gender, other.gender) and one.gender != other.gender else 0.0, ""),
    )
    bits = _PRIOR + sum(weight for weight, _ in evidence)
    return Likeness(1 / (1 + 2.0**-bits), tuple(reason for _, reason in evidence if reason))


def _names(one: Person, other: Person) -> tuple[float, str]:
    family = max(
        (
            _family(mine, theirs)
            for mine in (one.family, one.birth_family)
            for theirs in (other.family, other.birth_family)
        ),
        key=abs if not (one.family and other.family) else float,
    )
    as_given = family + _given(one.given, other.given)
    swapped = _family(one.family, other.given) + _given(one.given, other.family) - 1
    best = max(as_given, swapped)
    if {one.family, one.given} == {other.family, other.given}:
        return best, "same_name"
    return best, "similar_name" if best >= _SIMILAR_NAMES else ""


def _family(one: str, other: str) -> float:
    return _alike(one, other, same=4.5, similar=3.0, different=-3.0)


def _given(one: str, other: str) -> float:
    if one and other and one[0] == other[0] and 1 in (len(one), len(other)):
        return 1.0  # an initial
    return _alike(one, other, same=3.0, similar=2.0, different=-2.5)


def _alike(one: str, other: str, *, same: float, similar: float, different: float) -> float:
    if not one or not other:
        return 0.0
    if one == other:
        return same
    likeness = JaroWinkler.similarity(one, other)
    if likeness >= _SIMILAR_NAME or OSA.distance(one, other, score_cutoff=1) <= 1 < min(len(one), len(other)) - 1:
        return similar
    if not set(one.split()).isdisjoint(other.split()):
        return similar - 1  # one of two names: Garcia, and Garcia Lopez
    if likeness >= _NOT_UNLIKE:
        return 0.0
    return different


def _birth_dates(one: date | None, other: date | None) -> tuple[float, str]:
    if one is None or other is None:
        return 0.0, ""
    if one == other:
        return 6.0, "same_birth_date"
    if (one.year, one.month, one.day) == (other.year, other.day, other.month):
        return 4.0, "similar_birth_date"
    if OSA.distance(f"{one:%Y%m%d}", f"{other:%Y%m%d}", score_cutoff=1) <= 1:
        return 3.5, "similar_birth_date"
    parts_shared = (one.year == other.year) + (one.month == other.month) + (one.day == other.day)
    return (-1.0 if parts_shared == 2 else -3.0), ""


def _phones(one: frozenset[str], other: frozenset[str]) -> tuple[float, str]:
    if one & other:
        return 5.0, "same_phone"
    return (-0.5 if one and other else 0.0), ""


def _identifiers(one: frozenset[str], other: frozenset[str]) -> tuple[float, str]:
    if one & other:
        return 9.0, "same_identifier"
    near = any(
        min(len(mine), len(theirs)) >= _LONG_IDENTIFIER and OSA.distance(mine, theirs, score_cutoff=1) <= 1
        for mine in one
        for theirs in other
    )
    return (4.0, "") if near else (0.0, "")


def _addresses(one: Person, other: Person) -> tuple[float, str]:
    if not one.address or not other.address:
        return (1.0 if one.place & other.place else 0.0), ""
    likeness = max(
        token_sort_ratio(one.address, other.address),
        ratio(one.address.replace(" ", ""), other.address.replace(" ", "")),
    )
    if likeness >= _SIMILAR_ADDRESS and (one.place & other.place or not (one.place and other.place)):
        return 4.0, "same_address"
    return (2.0 if likeness >= _SIMILAR_ADDRESS else 1.0 if one.place & other.place else -0.5), ""
