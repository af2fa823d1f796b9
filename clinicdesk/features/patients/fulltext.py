"""The full-text index over patients, asked in the same words on either database: FTS5 on SQLite, GIN on PostgreSQL.

An expression is made of terms (`nsmith`), beginnings of terms (`nsmi*`), AND, OR and brackets, as FTS5 writes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from sqlalchemy import ColumnElement, TextClause, Uuid, text
from sqlalchemy.orm import Session

from clinicdesk.features.patients.folding import LONGEST_TERM


@dataclass(frozen=True, slots=True)
class Hit:
    """A patient that the index gave back, with the terms it is found by."""

    docid: int
    patient: str
    """The patient's id as text: most hits are ranked away before anybody needs more."""
    terms: str
    phones: str
    gone: bool

    @property
    def patient_id(self) -> UUID:
        return UUID(hex=self.patient)


def matching(session: Session, expression: str, most: int, phones: Sequence[str] = ()) -> list[Hit]:
    """The latest `most` patients whose terms match the expression, and who have each run of digits within a phone number.

    An empty expression asks for the phones alone.
    """
    find = _find_on_sqlite if session.get_bind().dialect.name == "sqlite" else _find_on_postgresql
    return find(session, expression, most, phones)


def among(
    session: Session, patient_id: ColumnElement[UUID], expression: str, *, walking: bool = False
) -> ColumnElement[bool]:
    """The condition that a column names a patient whose terms match the expression (which is not empty).

    All who match are gathered first, unless whoever asks is `walking` past patients and asks about each.
    """
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    found = (_AMONG_ON_SQLITE if on_sqlite else _AMONG_WALKING if walking else _AMONG_ON_POSTGRESQL).columns(
        patient_id=Uuid()
    )
    return patient_id.in_(found.bindparams(query=expression if on_sqlite else _query(expression)))


def is_broad(session: Session, expression: str) -> bool:
    """Whether so many match that it is quicker to walk past patients until there are enough for a page; SQLite never walks."""
    if session.get_bind().dialect.name == "sqlite":
        return False
    return (session.scalar(_COUNTED, {"query": _query(expression), "most": _FEW + 1}) or 0) > _FEW


_FEW = 2_000


_AMONG_ON_SQLITE = text(
    "SELECT s.patient_id FROM patient_fts f JOIN patient_search s ON s.docid = f.rowid WHERE f.patient_fts MATCH :query"
)
_AMONG_WALKING = text("SELECT patient_id FROM patient_search WHERE lexemes @@ CAST(:query AS tsquery)")
# Left the choice, PostgreSQL walks: it does not know that whoever is called alike stands together at the end of the walk.
_AMONG_ON_POSTGRESQL = text(
    "WITH found AS MATERIALIZED (SELECT patient_id FROM patient_search WHERE lexemes @@ CAST(:query AS tsquery))"
    " SELECT patient_id FROM found"
)
_COUNTED = text(
    "SELECT count(*) FROM"
    " (SELECT 1 FROM patient_search WHERE lexemes @@ CAST(:query AS tsquery) LIMIT :most) AS counted"
)


def settle(session: Session) -> None:
    """Put the index in its best shape, once it was made anew."""
    for statement in _SETTLE[session.get_bind().dialect.name]:
        session.execute(text(statement))


_SETTLE = {
    "sqlite": [
        f"INSERT INTO {name} ({name}) VALUES ('optimize')"  # noqa: S608
        for name in ("patient_fts", "patient_phone_fts")
    ],
    "postgresql": ["ANALYZE patient_search", "ANALYZE patient_spelling"],
}

_HIT_ON_SQLITE = """
    SELECT s.docid, s.patient_id, s.terms, s.phones, s.gone
    FROM {index} f JOIN patient_search s ON s.docid = f.rowid
    WHERE f.{index} MATCH :query {more}
    ORDER BY f.rowid DESC LIMIT :most
"""
_BY_TERMS = text(_HIT_ON_SQLITE.format(index="patient_fts", more=""))
_BY_PHONE = text(_HIT_ON_SQLITE.format(index="patient_phone_fts", more=""))
# The plus sign makes SQLite walk both lists once; it would ask the first index anew for each row of the second.
_BY_BOTH = text(
    _HIT_ON_SQLITE.format(
        index="patient_fts",
        more="AND +f.rowid IN (SELECT rowid FROM patient_phone_fts WHERE patient_phone_fts MATCH :phones)",
    )
)


def _find_on_sqlite(session: Session, expression: str, most: int, phones: Sequence[str]) -> list[Hit]:
    runs = " AND ".join(f'"{run}"' for run in phones)
    statement = _BY_BOTH if expression and runs else _BY_PHONE if runs else _BY_TERMS
    found = session.execute(statement, {"query": expression or runs, "phones": runs, "most": most})
    return [Hit(*row) for row in found]


# Whether to ask the index, or to walk back from the latest patient until there are enough, depends on how many share the terms.
# PostgreSQL knows that of what many share, if each search is planned for itself; of anything else it supposes too many, and a
# walk that finds too few is a walk through all patients. So it is left the choice only where it can tell.
_PLANNED = text(
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true),"
    " set_config('max_parallel_workers_per_gather', '0', true)"
)
_HIT_ON_POSTGRESQL = "SELECT docid, patient_id::text, terms, phones, gone FROM patient_search WHERE "
_LATEST = " ORDER BY docid DESC LIMIT :most"
_TERMS_MATCH = "lexemes @@ CAST(:query AS tsquery)"
_BY_EITHER = text(_HIT_ON_POSTGRESQL + _TERMS_MATCH + _LATEST)
_BY_WALKING = text(_HIT_ON_POSTGRESQL + "phones || '' LIKE :run0" + _LATEST)
_COMMON_RUN = 3
"""Digits in a row that one patient in a hundred has."""
_MOST_WORDS = 2
"""Words of an expression up to which the sum of what is supposed of them is harmless."""


@cache
def _by_index(runs: int, terms: bool) -> TextClause:
    """Asks the indexes for all who match, and brings those into order then."""
    conditions = [_TERMS_MATCH] * terms + [f"phones LIKE :run{nth}" for nth in range(runs)]
    found = _HIT_ON_POSTGRESQL + " AND ".join(conditions)
    return text(f"WITH found AS MATERIALIZED ({found}) SELECT * FROM found {_LATEST}")  # noqa: S608


def _find_on_postgresql(session: Session, expression: str, most: int, phones: Sequence[str]) -> list[Hit]:
    session.execute(_PLANNED)
    query = _query(expression)
    if not phones and len(_WORD.findall(query)) <= _MOST_WORDS:
        statement = _BY_EITHER
    elif not query and len(phones) == 1 and len(phones[0]) <= _COMMON_RUN:
        statement = _BY_WALKING
    else:
        statement = _by_index(len(phones), bool(query))
    parameters: dict[str, object] = {f"run{nth}": f"%{run}%" for nth, run in enumerate(phones)}
    return [Hit(*row) for row in session.execute(statement, parameters | {"query": query, "most": most})]


_WORD = re.compile(r"\w+")
_TOO_LONG = re.compile(rf"(\w{{{LONGEST_TERM}}})\w+")
_BEGINNING = re.compile(r"(\w+)\*")
_KEPT_BEGINNINGS = range(2, 6)
"""The lengths of beginnings that the index keeps, with an underscore, beside the terms (see the migration)."""


def _query(expression: str) -> str:
    """The expression as a tsquery."""
    cut = _TOO_LONG.sub(r"\1", expression)
    return _BEGINNING.sub(_begun, cut).replace(" AND ", " & ").replace(" OR ", " | ")


def _begun(match: re.Match[str]) -> str:
    beginning = match[1]
    return f"{beginning}_" if len(beginning) in _KEPT_BEGINNINGS else f"{beginning}:*"
