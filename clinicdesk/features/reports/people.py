"""Patients counted: how many there were, and how many had never been here before."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Subquery, Uuid, func, literal, null, select, union_all

from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx, verb
from clinicdesk.features.appointments.rules import COUNTED
from clinicdesk.features.practitioners.models import Practitioner
from clinicdesk.features.practitioners.schemas import full_name
from clinicdesk.features.reports.schemas import PatientsRow, Report, ReportQuery
from clinicdesk.features.reports.span import VISIT, Span, span_of

_PRACTITIONER: FromClause = Practitioner.__table__
_p = _PRACTITIONER.c
_COUNTED = sorted(COUNTED)


@verb(Permission.SEE_REPORTS, writes=False)
def new_and_returning(tx: Tx, query: ReportQuery) -> Report[PatientsRow]:
    """How many patients there were and how many were new: all together first, then by practitioner in the clinic's order.

    Raises what `span_of` raises.
    """
    span = span_of(tx, query)
    counted = count_patients(tx, span)
    people = select(_p.id, _p.prefix, _p.given, _p.family, _p.suffix).order_by(_p.position, _p.family, _p.given, _p.id)
    names: dict[UUID | None, str] = {None: ""}
    names |= {row[0]: full_name(*row[1:]) for row in tx.connection.execute(people)}
    rows = (
        PatientsRow(practitioner_id, name, patients, new, patients - new)
        for practitioner_id, name in names.items()
        if practitioner_id in counted
        for patients, new in (counted[practitioner_id],)
    )
    return Report(span.first, span.last, tuple(rows))


def count_patients(tx: Tx, span: Span) -> dict[UUID | None, tuple[int, int]]:
    """How many patients each practitioner of a span had, and how many were new; under None those of all together."""
    here = _those_of(span)
    new = func.count().filter(here.c.new)
    each = select(here.c.practitioner_id, func.count(), new).group_by(here.c.practitioner_id)
    everybody = select(here.c.patient_id, here.c.new).distinct().subquery()
    whole = select(null().cast(Uuid), func.count(), func.count().filter(everybody.c.new)).select_from(everybody)
    found: Any = tx.connection.execute(union_all(whole, each))
    return {practitioner_id: (patients, fresh) for practitioner_id, patients, fresh in found}


def _those_of(span: Span) -> Subquery:
    """SQL: each practitioner's patients, each once, and whether the clinic saw them for the first time."""
    # In the order of the index in which their earlier visits are looked for: that is twice as quick as in none.
    pair = (
        select(VISIT.c.practitioner_id, VISIT.c.patient_id)
        .where(*span.visits(VISIT.c.status.in_(_COUNTED)))
        .distinct()
        .order_by(VISIT.c.patient_id)
        .subquery()
    )
    earlier = VISIT.alias("earlier")
    before = (
        select(literal(1))
        .where(
            earlier.c.patient_id == pair.c.patient_id,
            earlier.c.start < span.bounds.start,
            earlier.c.status.in_(_COUNTED),
        )
        .exists()
    )
    return select(pair.c.practitioner_id, pair.c.patient_id, (~before).label("new")).cte("here")  # type: ignore[return-value]
