"""The plain list of patients, a page at a time: narrowed by what is known of them, in an order that an index keeps."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, collate, literal, select, tuple_

from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.paging import MOST_PER_PAGE, Page, decode_cursor, encode_cursor, plan_for_values, total_of
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.patients.folding import digits
from clinicdesk.features.patients.fulltext import among, is_broad
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.patients.query import LONGEST_TEXT, SHORTEST_RUN, parse
from clinicdesk.features.patients.rows import rows_by_id
from clinicdesk.features.patients.rules import LONGEST, LONGEST_NUMBER
from clinicdesk.features.patients.schemas import PatientQuery, PatientRow, PatientSort
from clinicdesk.features.patients.search import search


@verb(Permission.FIND_PATIENT, concurrent=True)
def list_patients(tx: Tx, query: PatientQuery) -> Page[PatientRow]:
    """A page of the patients who fit. That it was read, and how many were shown, stands in the audit trail.

    Raises InvalidInput("cursor_not_right", "out_of_range", "too_short", "too_long", "control_characters").
    """
    page = query.page
    if not 1 <= page.limit <= MOST_PER_PAGE:
        raise InvalidInput("out_of_range", field="limit", least=1, most=MOST_PER_PAGE)
    expression, conditions = _expression(query), _conditions(query)
    order = _order(tx, query.sort)
    directed = [column.desc() for column in order] if query.descending else order
    sorted_by = [Patient.__table__.c[name] for name in _SORTED_BY[query.sort]]
    behind: list[ColumnElement[bool]] = []
    if page.cursor:
        place = _place(page.cursor, query.sort)
        # The first column alone as well: by that SQLite finds the place in the index, which it does not by several at once.
        behind = [
            order[0] <= place[0] if query.descending else order[0] >= place[0],
            _between(order, place, before=query.descending),
        ]

    def look(*more: ColumnElement[bool]) -> list[Any]:
        wanted = select(Patient.id, *sorted_by).where(*conditions, *behind, *more)
        return list(tx.session.execute(wanted.order_by(*directed).limit(page.limit + 1)))

    plan_for_values(tx.connection)
    if not expression:
        found = look()
    else:
        found = []
        if is_broad(tx.session, expression):
            every = select(*sorted_by).where(*behind).order_by(*directed)
            end = tx.session.execute(every.offset(_NEARBY).limit(1)).one_or_none()
            near = [] if end is None else [_between(order, list(end), before=not query.descending)]
            found = look(among(tx.session, _ID, expression, walking=True), *near)
        if len(found) <= page.limit:
            found = look(among(tx.session, _ID, expression))
    following = None
    if len(found) > page.limit:
        [*found, _] = found
        following = encode_cursor([_text(value) for value in found[-1][1:]])
    rows = rows_by_id(tx.session, [id_ for id_, *_ in found])
    if expression:
        conditions.append(among(tx.session, _ID, expression))
    total = tx.session.scalar(total_of(select(Patient.id).where(*conditions))) if page.total else None
    tx.record(Change("patient", None, Action.READ, note=f"{len(found)} listed"))
    return Page([rows[id_] for id_, *_ in found], following, total)


@verb(Permission.FIND_PATIENT, concurrent=True)
def look_up(tx: Tx, text: str, limit: int = 20) -> list[PatientRow]:
    """What `search` finds, in one unit of work with the note of it in the audit trail: for callers that do not type letter
    by letter."""
    rows = search(tx, text, limit)
    tx.record(Change("patient", None, Action.EXECUTE, note=f"hits={len(rows)}"))
    return rows


_ID = Patient.__table__.c.id
_NEARBY = 5_000
"""Patients that are walked past in the hope of a page, before all who match are gathered."""
_SORTED_BY = {
    PatientSort.NAME: ("family", "given", "id"),
    PatientSort.NUMBER: ("number",),
    PatientSort.REGISTERED: ("id",),
}
"""The columns that make each order; ids rise with the registrations."""


def _order(tx: Tx, sort: PatientSort) -> list[ColumnElement[Any]]:
    columns: list[ColumnElement[Any]] = [Patient.__table__.c[name] for name in _SORTED_BY[sort]]
    if tx.connection.dialect.name == "sqlite":  # which would put every small letter behind Z, as its index does not
        return [collate(column, "NOCASE") if column.name in LONGEST else column for column in columns]
    return columns


def _place(cursor: str, sort: PatientSort) -> list[ColumnElement[Any]]:
    names = _SORTED_BY[sort]
    values = decode_cursor(cursor, *(str for _ in names))
    try:
        typed = [UUID(hex=str(value)) if name == "id" else value for name, value in zip(names, values, strict=True)]
    except ValueError as error:
        raise InvalidInput("cursor_not_right", field="cursor") from error
    return [literal(value, Patient.__table__.c[name].type) for name, value in zip(names, typed, strict=True)]


def _between(order: list[ColumnElement[Any]], place: list[Any], *, before: bool) -> ColumnElement[bool]:
    """SQL: the patient stands before or behind a place in the order."""
    here, there = tuple_(*order), tuple_(*place)
    return here < there if before else here > there


def _expression(query: PatientQuery) -> str:
    """What the search is asked for; empty for nothing."""
    expressions: list[str] = []
    if text := one_line(query.text, "text", LONGEST_TEXT):
        terms = [term.expression(prefix=True) for term in parse(text)]
        if not terms:
            raise InvalidInput("empty", field="text")
        expressions += terms
    if tail := one_line(query.phone_tail, "phone_tail", LONGEST["phone"]):
        figures = digits(tail)
        if len(figures) < SHORTEST_RUN:
            raise InvalidInput("too_short", field="phone_tail", least=SHORTEST_RUN)
        expressions.append(f"r{figures[::-1]}*")
    return " AND ".join(expressions)


def _conditions(query: PatientQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Patient.merged_into_id.is_(None)]
    if number := one_line(query.number, "number", LONGEST_NUMBER):
        conditions.append(Patient.number == number)
    if query.birth_date is not None:
        conditions.append(Patient.birth_date == query.birth_date)
    # As the indexes of the few say it.
    if query.active is not None:
        conditions.append(Patient.active.expression if query.active else ~Patient.active)
    if query.deceased is not None:
        conditions.append(Patient.deceased.expression if query.deceased else ~Patient.deceased)
    return conditions


def _text(value: UUID | str) -> str:
    return value.hex if isinstance(value, UUID) else value
