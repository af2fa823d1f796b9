"""Finds patients as someone types: exact before beginnings before typing errors, the latest registered and living first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.patients.fulltext import Hit, matching
from clinicdesk.features.patients.query import Figures, Name, Term, parse
from clinicdesk.features.patients.rows import rows_by_id
from clinicdesk.features.patients.schemas import PatientRow
from clinicdesk.features.patients.spelling import corrections, distance, errors_allowed

MOST_HITS = 200
_READ_AT_ONCE = 60
"""Hits that one look at the index reads, latest first, before they are ranked."""
_TOO_FEW = 5
"""With fewer hits than this, typing errors are forgiven; with a number among the words, only when nobody is found."""


@verb(Permission.FIND_PATIENT, writes=False)
def search(tx: Tx, text: str, limit: int = 20) -> list[PatientRow]:
    """The patients who match all of the typed words, numbers and dates, best first, `limit` (at most 200) of them.

    Takes any text; finds nobody where there is nothing to look for. Writes nothing: see `note_search`.
    """
    terms = parse(text)
    limit = max(0, min(limit, MOST_HITS))
    if not terms or not limit:
        return []
    hits: dict[int, Hit] = {}
    for found in _looks(tx.session, terms, max(limit, _READ_AT_ONCE)):
        hits.update((hit.docid, hit) for hit in found)
        if len(hits) >= limit:
            break
    enough = 1 if any(isinstance(term, Figures) for term in terms) else _TOO_FEW
    if len(hits) < min(enough, limit):
        hits.update((hit.docid, hit) for hit in _forgiving(tx.session, terms, max(limit, _READ_AT_ONCE)))
    ranked = sorted(hits.values(), key=lambda hit: (_mismatch(terms, hit), hit.gone, -hit.docid))
    ids = [hit.patient_id for hit in ranked[:limit]]
    rows = rows_by_id(tx.session, ids)
    return [rows[id_] for id_ in ids]


@verb(Permission.FIND_PATIENT, concurrent=True)
def note_search(tx: Tx, hits: int) -> None:
    """Leave in the audit trail that patients were searched for, and how many were shown; never what was typed."""
    tx.record(Change("patient", None, Action.EXECUTE, note=f"hits={hits}"))


def _looks(session: Session, terms: Sequence[Term], most: int) -> Iterator[list[Hit]]:
    """Looks at the index, the narrowest first; each is made only when the ones before found too little."""
    exact = [term.expression(prefix=False) for term in terms]
    begun = [term.expression(prefix=True) for term in terms]
    [*_, last] = terms
    if len(terms) > 1:
        yield matching(session, " AND ".join(exact), most)
        yield matching(session, " AND ".join([*exact[:-1], begun[-1]]), most)
    elif isinstance(last, Name):
        yield matching(session, last.expression(prefix=False, field="f"), most)
        yield matching(session, exact[0], most)
        yield matching(session, last.expression(prefix=True, field="f"), most)
    else:
        for query in filter(None, (exact[0], last.by_tail(), last.by_birth(), last.by_beginning())):
            yield matching(session, query, most)
    yield matching(session, " AND ".join(begun), most)
    yield from _within_phones(session, terms, most)


def _within_phones(session: Session, terms: Sequence[Term], most: int) -> Iterator[list[Hit]]:
    """Patients with the typed digits anywhere in a phone number, and the other terms as usual."""
    runs = [term for term in terms if isinstance(term, Figures) and term.anywhere]
    others = [term.expression(prefix=True) for term in terms if term not in runs]
    if runs:
        yield matching(session, " AND ".join(others), most, [term.anywhere for term in runs if term.anywhere])


def _forgiving(session: Session, terms: Sequence[Term], most: int) -> list[Hit]:
    """Patients who match when each longer word may have typing errors."""
    expressions: list[str] = []
    corrected = False
    for term in terms:
        choices = [term.expression(prefix=True)]
        if isinstance(term, Name):
            near = corrections(session, term.joined[0])
            choices += [f"n{beginning}*" for beginning in near]
            corrected = corrected or bool(near)
        expressions.append(f"({' OR '.join(choices)})")
    return matching(session, " AND ".join(expressions), most) if corrected else []


_EXACT_FAMILY, _EXACT, _FAMILY, _BEGINNING, _WITHIN, _FORGIVEN = range(6)


def _mismatch(terms: Sequence[Term], hit: Hit) -> int:
    """How far the hit is from what was typed, 0 for exact family names: what hits are ranked by."""
    stored = hit.terms.split()
    return sum(_mismatch_of(term, stored) for term in terms)


def _mismatch_of(term: Term, stored: list[str]) -> int:
    if isinstance(term, Figures):
        return _mismatch_of_figures(term, stored)
    best = _FORGIVEN + 3
    for joined in term.joined:
        allowed = errors_allowed(joined)
        for kept in stored:
            kind, word = kept[0], kept[1:]
            if word == joined:
                best = min(best, _EXACT_FAMILY if kind == "f" else _EXACT)
            elif word.startswith(joined):
                best = min(best, _FAMILY if kind == "f" else _BEGINNING)
            elif best > _FORGIVEN and allowed and kind == "n":
                best = min(best, _FORGIVEN + min(distance(joined, word), 3))
    for words in term.spellings:
        if best > _EXACT and len(words) > 1 and all(f"n{word}" in stored for word in words):
            best = _EXACT
    return best


def _mismatch_of_figures(term: Figures, stored: list[str]) -> int:
    exact = {
        f"i{term.run}",
        f"n{term.run}",
        f"k{term.run}",
        f"k{term.run.lstrip('0') or '0'}",
        *(f"b{day}" for day in term.birth),
    }
    if not exact.isdisjoint(stored):
        return _EXACT_FAMILY
    if any(kept.startswith(f"r{tail}") for tail in term.tails for kept in stored):
        return _EXACT
    if any(kept.startswith(f"b{day}") for day in term.birth for kept in stored):
        return _FAMILY
    if any(kept.startswith((f"k{term.run}", f"i{term.run}", f"n{term.run}")) for kept in stored):
        return _BEGINNING
    return _WITHIN
