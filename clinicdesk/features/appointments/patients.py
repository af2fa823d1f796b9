"""The patients of one practitioner: in the order of their last visits at the cost of a page; in another, of all visits there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Select, and_, false, func, literal, select, tuple_

from clinicdesk.core.clock import from_micros, in_utc, to_micros
from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.model import NotSought
from clinicdesk.core.paging import MOST_PER_PAGE, Page, decode_cursor, encode_cursor, plan_for_values
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.appointments.rows import VISIT
from clinicdesk.features.appointments.rules import COUNTED
from clinicdesk.features.appointments.schemas import PatientOfPractitioner, PatientsOf
from clinicdesk.features.patients.fulltext import among, is_broad
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.patients.query import parse
from clinicdesk.features.practitioners.rules import check_range
from clinicdesk.features.practitioners.service import get_practitioner

_PATIENT: FromClause = Patient.__table__
_p = _PATIENT.c
_v = VISIT.c
_COUNTED = sorted(COUNTED)


@verb(Permission.FIND_PATIENT, concurrent=True)
def patients_of_practitioner(tx: Tx, query: PatientsOf) -> Page[PatientOfPractitioner]:
    """A page of those who have visits with the practitioner, by the last of these visits. Reading it is audited.

    Raises NotFound("practitioner_not_found"), InvalidInput("cursor_not_right", "out_of_range", "too_long").
    """
    page = query.page
    check_range(page.limit, "limit", 1, MOST_PER_PAGE)
    get_practitioner(tx, query.practitioner_id)
    plan_for_values(tx.connection)
    named = _named(tx, query.text)
    whose = _last_of_each(query, named) if named or query.oldest_first else _last_first(query)
    found = tx.connection.execute(whose.limit(page.limit + 1)).all()
    shown = [patient_id for patient_id, _ in found[: page.limit]]
    people = _rows(tx, query, shown)
    following = None
    if len(found) > page.limit:
        last_shown, start = found[page.limit - 1]
        following = encode_cursor([to_micros(start), last_shown.hex])
    total = None
    if page.total:
        counted = select(func.count(_v.patient_id.distinct())).where(
            *named, _inside(VISIT, query, by_patient=bool(named))
        )
        total = tx.connection.scalar(counted)
    tx.record(Change("practitioner", query.practitioner_id, Action.READ, note=f"{len(people)} patients"))
    return Page(people, following, total)


def _last_first(query: PatientsOf) -> Select[Any]:
    """SQL: the patients, who was here last first: a walk back over the visits, past those that are not a patient's last."""
    later = VISIT.alias("later")
    behind = (later.c.start > _v.start) | ((later.c.start == _v.start) & (later.c.id > _v.id))
    another = (
        select(literal(1))
        .where(
            later.c.patient_id == _v.patient_id,
            later.c.start >= _v.start,
            behind,
            _inside(later, query, by_patient=True),
        )
        .exists()
    )
    walk = select(_v.patient_id, _v.start).where(_inside(VISIT, query), ~another)
    if query.page.cursor:
        walk = walk.where(tuple_(_v.start, _v.patient_id) < _behind(query.page.cursor))
    return walk.order_by(_v.start.desc(), _v.patient_id.desc())


def _last_of_each(query: PatientsOf, named: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """SQL: the patients by their last visit, from all visits of those who are named, or that the practitioner had: what an order
    from the oldest cannot do without."""
    last = func.max(_v.start)
    inside = _inside(VISIT, query, by_patient=bool(named))
    each = select(_v.patient_id, last).where(*named, inside).group_by(_v.patient_id)
    if query.page.cursor:
        here, behind = tuple_(last, _v.patient_id), _behind(query.page.cursor)
        each = each.having(here > behind if query.oldest_first else here < behind)
    if query.oldest_first:
        return each.order_by(last, _v.patient_id)
    return each.order_by(last.desc(), _v.patient_id.desc())


def _named(tx: Tx, text: str) -> list[ColumnElement[bool]]:
    """SQL: the visit is of a patient whom the words find; nothing where there are none."""
    words = one_line(text, "text", 120)
    if not words:
        return []
    expression = " AND ".join(term.expression(prefix=True) for term in parse(words))
    if not expression:
        return [false()]
    return [among(tx.session, _v.patient_id, expression, walking=is_broad(tx.session, expression))]


def _inside(visit: FromClause, query: PatientsOf, *, by_patient: bool = False) -> ColumnElement[bool]:
    """Whether the visit is one that the query is about; `by_patient`: it is looked for among those of patients."""
    whose = NotSought(visit.c.practitioner_id) if by_patient else visit.c.practitioner_id
    conditions = [whose == query.practitioner_id, visit.c.status.in_(_COUNTED)]
    if query.since is not None:
        conditions.append(visit.c.start >= in_utc(query.since))
    if query.until is not None:
        conditions.append(visit.c.start < in_utc(query.until))
    return and_(*conditions)


def _rows(tx: Tx, query: PatientsOf, patient_ids: list[UUID]) -> list[PatientOfPractitioner]:
    """The patients in this order, with their visits counted."""
    next_visit = func.min(_v.start).filter(_v.start >= tx.now)
    found = tx.connection.execute(
        select(
            _p.id, _p.number, _p.given, _p.family, _p.birth_date,
            func.count(), func.min(_v.start), func.max(_v.start), next_visit,
        )
        .join_from(VISIT, _PATIENT, _p.id == _v.patient_id)
        .where(_v.patient_id.in_(patient_ids), _inside(VISIT, query, by_patient=True))
        .group_by(_p.id)
    )  # fmt: skip
    rows = {row[0]: PatientOfPractitioner(*row) for row in found}
    return [rows[patient_id] for patient_id in patient_ids]


def _behind(cursor: str) -> ColumnElement[Any]:
    start, last = decode_cursor(cursor, int, str)
    try:
        return tuple_(literal(from_micros(int(start)), _v.start.type), literal(UUID(hex=str(last))))
    except (ValueError, OverflowError) as error:
        raise InvalidInput("cursor_not_right", field="cursor") from error
