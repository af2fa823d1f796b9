"""The full-text index over patients, asked in the same words on either database: FTS5 on SQLite, GIN on PostgreSQL.

An expression is made of terms (`nsmith`), beginnings of terms (`nsmi*`), AND, OR and brackets, as FTS5 writes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import TextClause, text
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


def _on_postgresql(*conditions: str) -> TextClause:
    return text(
        "SELECT docid, patient_id::text, terms, phones, gone FROM patient_search"  # noqa: S608
        f" WHERE {' AND '.join(conditions)} ORDER BY docid DESC LIMIT :most"
    )


_TOO_LONG = re.compile(rf"(\w{{{LONGEST_TERM}}})\w+")
_TERMS_MATCH, _PHONES_MATCH = "lexemes @@ CAST(:query AS tsquery)", "phones LIKE ALL (:phones)"
_BY_TERMS_ON_POSTGRESQL = _on_postgresql(_TERMS_MATCH)
_BY_PHONE_ON_POSTGRESQL = _on_postgresql(_PHONES_MATCH)
_BY_BOTH_ON_POSTGRESQL = _on_postgresql(_TERMS_MATCH, _PHONES_MATCH)
# How many patients match decides whether to ask the index or to walk back from the latest one, so each search is planned.
_PLAN_EACH = text("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")


def _find_on_postgresql(session: Session, expression: str, most: int, phones: Sequence[str]) -> list[Hit]:
    session.execute(_PLAN_EACH)
    query = _TOO_LONG.sub(r"\1", expression).replace(" AND ", " & ").replace(" OR ", " | ").replace("*", ":*")
    statement = (
        _BY_BOTH_ON_POSTGRESQL if query and phones else _BY_PHONE_ON_POSTGRESQL if phones else _BY_TERMS_ON_POSTGRESQL
    )
    found = session.execute(statement, {"query": query, "phones": [f"%{run}%" for run in phones], "most": most})
    return [Hit(*row) for row in found]
