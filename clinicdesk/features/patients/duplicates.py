"""Finds patients who may be the person that is being registered, while the form is being filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx, verb
from clinicdesk.features.patients.folding import digits, identifier_values, name_words
from clinicdesk.features.patients.fulltext import Hit, matching
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.patients.record import load
from clinicdesk.features.patients.rows import demographics_of, row_of
from clinicdesk.features.patients.schemas import Demographics, Duplicate
from clinicdesk.features.patients.spelling import corrections

LEAST_SCORE = 0.3
LIKELY = 0.9
"""The score from which it is very likely the same person."""
MOST_DUPLICATES = 5
_READ_AT_ONCE = 60
_COMPARED = 40
"""Candidates whose rows are read and compared in full."""
_PHONE_DIGITS = 8
_WEIGHTS = {"i": 4, "b": 3, "r": 3, "f": 1, "n": 1, "k": 0}


@verb(Permission.FIND_PATIENT, writes=False)
def find_duplicates(tx: Tx, demographics: Demographics, other_than: UUID | None = None) -> list[Duplicate]:
    """The patients who may be this person, the likeliest first, at most five; leaves out `other_than`, who is being edited.

    Takes demographics as they stand while they are being typed, complete or not.
    """
    from clinicdesk.features.patients.likeness import Person, compare  # brings RapidFuzz, which no start needs

    tx.note_look("patient")
    person, terms = Person.of(demographics), _terms(demographics)
    candidates: dict[int, Hit] = {}
    for query in _queries(tx.session, demographics):
        candidates.update((hit.docid, hit) for hit in matching(tx.session, query, _READ_AT_ONCE))
    nearest = sorted(candidates.values(), key=lambda hit: (-_shared(terms, hit), -hit.docid))[:_COMPARED]
    ids = {hit.patient_id for hit in nearest} - {other_than}
    found: list[Duplicate] = []
    for patient in tx.session.scalars(select(Patient).where(Patient.id.in_(ids))):
        likeness = compare(person, Person.of(demographics_of(patient)))
        if likeness.score >= LEAST_SCORE and likeness.reasons:
            found.append(Duplicate(row_of(patient), likeness.score, likeness.reasons))
    return sorted(found, key=lambda duplicate: (-duplicate.score, duplicate.patient.number))[:MOST_DUPLICATES]


@verb(Permission.FIND_PATIENT, writes=False, of_patient=True)
def duplicates_of(tx: Tx, id: UUID) -> list[Duplicate]:  # noqa: A002
    """The patients who may be the same person as this one, as `find_duplicates` finds them. Raises NotFound."""
    tx.reach(id)
    return find_duplicates(tx, demographics_of(load(tx, id)), id)


def _shared(terms: frozenset[str], hit: Hit) -> int:
    return sum(_WEIGHTS[term[0]] for term in terms.intersection(hit.terms.split()))


def _terms(demographics: Demographics) -> frozenset[str]:
    d = demographics
    words = name_words(d.family) | name_words(d.given) | name_words(d.birth_family)
    return frozenset(
        [*(f"n{word}" for word in words), *_birth(d), *(f"i{i}" for i in identifier_values(d.identifiers))]
    )


def _birth(demographics: Demographics) -> list[str]:
    day = demographics.birth_date
    return [] if day is None else ["b" + day.isoformat().replace("-", "")]


def _queries(session: Session, demographics: Demographics) -> Iterator[str]:
    """Full-text expressions that between them find whoever shares enough with the person."""
    d = demographics
    yield from _birth(d)
    if values := identifier_values(d.identifiers):
        yield _any_of(f"i{value}" for value in sorted(values))
    tails = (digits(phone)[-_PHONE_DIGITS:] for phone in (d.phone, d.mobile))
    if phones := [f"r{tail[::-1]}*" for tail in tails if len(tail) == _PHONE_DIGITS]:
        yield _any_of(phones)
    family = _spelled(session, name_words(d.family) | name_words(d.birth_family))
    given = _spelled(session, name_words(d.given))
    if family and given:
        both = f"{family} AND {given}"
        if d.birth_date:
            yield f"{both} AND b{d.birth_date.year}*"
        yield both
    elif family or given:
        yield family or given


def _spelled(session: Session, words: Iterable[str]) -> str:
    """An expression for any of the words, or what they may have been meant to be; empty without words."""
    choices: list[str] = []
    for word in sorted(words):
        choices += [f"n{word}", *(f"n{beginning}*" for beginning in corrections(session, word))]
    return _any_of(choices) if choices else ""


def _any_of(choices: Iterable[str]) -> str:
    return f"({' OR '.join(dict.fromkeys(choices))})"
