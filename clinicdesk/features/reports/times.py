"""Time counted: the use of working hours, and how long patients waited."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, func, select

from clinicdesk.core.clinic import load_clinic
from clinicdesk.core.model import between
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx, verb
from clinicdesk.features.appointments.rules import COUNTED, GIVEN
from clinicdesk.features.practitioners.models import Practitioner
from clinicdesk.features.practitioners.schemas import full_name
from clinicdesk.features.practitioners.service import working_days
from clinicdesk.features.reports.schemas import Report, ReportQuery, UseRow, WaitingRow
from clinicdesk.features.reports.span import VISIT, Span, span_of

_PRACTITIONER: FromClause = Practitioner.__table__
_p = _PRACTITIONER.c
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Use:
    """How much of some hours was given to patients."""

    open_minutes: int
    given_minutes: int
    visits: int

    @property
    def share(self) -> float | None:
        return round(self.given_minutes / self.open_minutes, 4) if self.open_minutes else None


@dataclass(frozen=True, slots=True)
class Waits:
    """How long patients waited who were seen."""

    seen: int
    mean_minutes: float
    longest_minutes: float
    over_target: int


@verb(Permission.SEE_REPORTS, writes=False)
def use_of_hours(tx: Tx, query: ReportQuery) -> Report[UseRow]:
    """How much of their hours practitioners gave to patients, in the clinic's order; of those who had hours or visits.

    Raises what `span_of` raises.
    """
    span = span_of(tx, query)
    used = uses(tx, span)
    people = select(_p.id, _p.prefix, _p.given, _p.family, _p.suffix).order_by(_p.position, _p.family, _p.given, _p.id)
    rows = []
    for practitioner_id, *name in tx.connection.execute(people):
        one = used.get(practitioner_id)
        if one is not None and (one.open_minutes or one.visits):
            rows.append(
                UseRow(practitioner_id, full_name(*name), one.open_minutes, one.given_minutes, one.share, one.visits)
            )
    return Report(span.first, span.last, tuple(rows))


@verb(Permission.SEE_REPORTS, writes=False)
def waiting(tx: Tx, query: ReportQuery) -> Report[WaitingRow]:
    """How long patients waited, by practitioner in the clinic's order. Raises what `span_of` raises."""
    span = span_of(tx, query)
    found = tx.connection.execute(
        select(_p.id, _p.prefix, _p.given, _p.family, _p.suffix, *_wait_figures(tx))
        .join_from(VISIT, _PRACTITIONER, _p.id == VISIT.c.practitioner_id)
        .where(*_seen(span))
        .group_by(_p.id)
        .order_by(_p.position, _p.family, _p.given, _p.id)
    )
    rows = []
    for row in found:
        waits = _waits(row[5:])
        rows.append(
            WaitingRow(
                row[0], full_name(*row[1:5]), waits.seen, waits.mean_minutes, waits.longest_minutes, waits.over_target
            )
        )
    return Report(span.first, span.last, tuple(rows))


def waits_of(tx: Tx, span: Span) -> Waits:
    """How long the patients of a span waited, all together."""
    return _waits(tx.connection.execute(select(*_wait_figures(tx)).where(*_seen(span))).one())


def uses(tx: Tx, span: Span) -> dict[UUID, Use]:
    """How each practitioner of a span used their hours."""
    given = func.sum(between(VISIT.c.start, VISIT.c.end)).filter(VISIT.c.status.in_(sorted(GIVEN)))
    counted = func.count().filter(VISIT.c.status.in_(sorted(COUNTED)))
    found: Any = tx.connection.execute(
        select(VISIT.c.practitioner_id, given, counted).where(*span.visits()).group_by(VISIT.c.practitioner_id)
    )
    booked = {practitioner_id: (time or timedelta(0), count) for practitioner_id, time, count in found}
    people = span.practitioner_ids or tuple(tx.connection.scalars(select(_p.id)))
    hours: dict[UUID, timedelta] = defaultdict(timedelta)
    for day in working_days(tx, people, span.first, span.last, span.zone):
        for stretch in day.open:
            hours[day.practitioner_id] += stretch.length
    return {
        one: Use(hours[one] // _MINUTE, time // _MINUTE, count)
        for one in people
        for time, count in (booked.get(one, (timedelta(0), 0)),)
    }


def _seen(span: Span) -> list[ColumnElement[bool]]:
    # Somebody may be fetched before anybody has noted that they came; that is no wait.
    return span.visits(VISIT.c.started_at >= VISIT.c.arrived_at, VISIT.c.status.in_(sorted(COUNTED)))


def _wait_figures(tx: Tx) -> tuple[ColumnElement[Any], ...]:
    wait = between(VISIT.c.arrived_at, VISIT.c.started_at)
    target = timedelta(minutes=load_clinic(tx.connection).wait_target_minutes)
    return func.count(), func.sum(wait), func.max(wait), func.count().filter(wait > target)


def _waits(figures: Any) -> Waits:
    seen, total, longest, over = figures
    if not seen:
        return Waits(0, 0.0, 0.0, 0)
    return Waits(seen, round(total / seen / _MINUTE, 1), round(longest / _MINUTE, 1), over)
