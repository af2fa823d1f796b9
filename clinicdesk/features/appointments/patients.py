"""The patients of one practitioner, by their last visit: a page costs what it shows, however much the clinic has seen."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, and_, func, literal, or_, select, tuple_

from clinicdesk.core.clock import from_micros, in_utc, to_micros
from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.paging import MOST_PER_PAGE, Page, decode_cursor, encode_cursor
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.appointments.rows import VISIT
from clinicdesk.features.appointments.rules import COUNTED
from clinicdesk.features.appointments.schemas import PatientOfPractitioner, PatientsOf
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.practitioners.rules import check_range
from clinicdesk.features.practitioners.service import get_practitioner

_PATIENT: FromClause = Patient.__table__
_p = _PATIENT.c
_COUNTED = sorted(COUNTED)


@verb(Permission.FIND_PATIENT, concurrent=True)
def patients_of_practitioner(tx: Tx, query: PatientsOf) -> Page[PatientOfPractitioner]:
    """A page of those who have visits with the practitioner, by the last of these visits. Reading it is audited.

    Raises NotFound("practitioner_not_found"), InvalidInput("cursor_not_right", "out_of_range", "too_long").
    """
    page = query.page
    check_range(page.limit, "limit", 1, MOST_PER_PAGE)
    get_practitioner(tx, query.practitioner_id)
    visit = VISIT.alias("visit")
    fitting = (
        select(visit.c.start, visit.c.id, _p.id, _p.number, _p.given, _p.family, _p.birth_date)
        .join_from(visit, _PATIENT, _p.id == visit.c.patient_id)
        .where(_inside(visit, query), *_named(query.text))
    )
    last = fitting.where(~_later(visit, query))
    here = tuple_(visit.c.start, visit.c.id)
    if page.cursor:
        behind = _behind(page.cursor)
        last = last.where(here > behind if query.oldest_first else here < behind)
    order = (visit.c.start, visit.c.id) if query.oldest_first else (visit.c.start.desc(), visit.c.id.desc())
    found = tx.connection.execute(last.order_by(*order).limit(page.limit + 1)).all()
    shown = found[: page.limit]
    figures = _figures(tx, query, [row[2] for row in shown])
    people = [PatientOfPractitioner(*row[2:], *figures[row[2]]) for row in shown]
    following = None
    if len(found) > page.limit:
        start, visit_id = shown[-1][:2]
        following = encode_cursor([to_micros(start), visit_id.hex])
    total = None
    if page.total:
        total = tx.connection.scalar(fitting.with_only_columns(func.count(visit.c.patient_id.distinct())))
    tx.record(Change("practitioner", query.practitioner_id, Action.READ, note=f"{len(people)} patients"))
    return Page(people, following, total)


def _inside(visit: FromClause, query: PatientsOf) -> ColumnElement[bool]:
    """Whether the visit is one that the query is about."""
    conditions = [visit.c.practitioner_id == query.practitioner_id, visit.c.status.in_(_COUNTED)]
    if query.since is not None:
        conditions.append(visit.c.start >= in_utc(query.since))
    if query.until is not None:
        conditions.append(visit.c.start < in_utc(query.until))
    return and_(*conditions)


def _later(visit: FromClause, query: PatientsOf) -> ColumnElement[bool]:
    """Whether the same patient has a later visit among these: a look into the few that one patient has."""
    later = VISIT.alias("later")
    behind = tuple_(later.c.start, later.c.id) > tuple_(visit.c.start, visit.c.id)
    return (
        select(literal(1))
        .where(later.c.patient_id == visit.c.patient_id, later.c.start >= visit.c.start, behind, _inside(later, query))
        .exists()
    )


def _named(text: str) -> list[ColumnElement[bool]]:
    words = one_line(text, "text", 120).split()
    return [or_(*(c.istartswith(word, autoescape=True) for c in (_p.family, _p.given, _p.number))) for word in words]


def _figures(
    tx: Tx, query: PatientsOf, patient_ids: list[UUID]
) -> dict[UUID, tuple[int, datetime, datetime, datetime | None]]:
    """How many visits each of these patients has, the first, the last and the next."""
    c = VISIT.c
    rows: Any = tx.connection.execute(
        select(
            c.patient_id,
            func.count(),
            func.min(c.start),
            func.max(c.start),
            func.min(c.start).filter(c.start >= tx.now),
        )
        .where(c.patient_id.in_(patient_ids), _inside(VISIT, query))
        .group_by(c.patient_id)
    )
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in rows}


def _behind(cursor: str) -> ColumnElement[Any]:
    start, last = decode_cursor(cursor, int, str)
    try:
        return tuple_(literal(from_micros(int(start)), VISIT.c.start.type), literal(UUID(hex=str(last))))
    except (ValueError, OverflowError) as error:
        raise InvalidInput("cursor_not_right", field="cursor") from error
