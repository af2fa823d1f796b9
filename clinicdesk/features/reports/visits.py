"""Visits counted: what became of them, why they were cancelled, when they are wanted, and how far ahead they were booked."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, case, func, select

from clinicdesk.core.model import between
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx, verb
from clinicdesk.features.appointments.models import AppointmentType
from clinicdesk.features.appointments.rules import COUNTED
from clinicdesk.features.appointments.schemas import Status
from clinicdesk.features.practitioners.models import Practitioner
from clinicdesk.features.practitioners.rules import check_range
from clinicdesk.features.practitioners.schemas import full_name
from clinicdesk.features.reports.schemas import (
    AttendanceRow,
    BusyRow,
    By,
    CancellationRow,
    DemandRow,
    LeadTimeRow,
    Report,
    ReportQuery,
)
from clinicdesk.features.reports.span import VISIT, Span, day_of, span_of

_TYPE: FromClause = AppointmentType.__table__
_PRACTITIONER: FromClause = Practitioner.__table__
_p = _PRACTITIONER.c

DAYS_AHEAD = (0, 1, 3, 8, 15, 31)
"""Where the lines of the lead times begin: at once, a day, the rest of the week, two weeks, a month, longer."""

_v = VISIT.c
_COUNTED = _v.status.in_(sorted(COUNTED))
_FIGURES: tuple[ColumnElement[int], ...] = (
    func.count().filter(_COUNTED),
    func.count().filter(_v.status == Status.FULFILLED.value),
    func.count().filter(_v.status == Status.NOSHOW.value),
    func.count().filter(_v.status == Status.CANCELLED.value),
)
"""SQL: visits, fulfilled, no-shows, cancelled."""


@verb(Permission.SEE_REPORTS, writes=False)
def attendance(tx: Tx, query: ReportQuery, by: By = By.PRACTITIONER) -> Report[AttendanceRow]:
    """What became of the visits, by practitioner (in the clinic's order), type, month, day, weekday or hour.

    Raises what `span_of` raises.
    """
    span = span_of(tx, query)
    if by in (By.PRACTITIONER, By.TYPE):
        rows = _by_practitioner(tx, span) if by is By.PRACTITIONER else _by_type(tx, span)
    else:
        rows = _by_time(tx, span, by)
    return Report(span.first, span.last, rows)


@verb(Permission.SEE_REPORTS, writes=False)
def cancellations(tx: Tx, query: ReportQuery) -> Report[CancellationRow]:
    """Why visits were cancelled, the commonest reason first. Raises what `span_of` raises."""
    span = span_of(tx, query)
    found = tx.connection.execute(
        select(VISIT.c.cancel_reason, func.count())
        .where(*span.visits(_v.status == Status.CANCELLED.value))
        .group_by(VISIT.c.cancel_reason)
        .order_by(func.count().desc(), VISIT.c.cancel_reason)
    ).all()
    total = sum(count for _, count in found)
    rows = tuple(CancellationRow(reason, count, _part(count, total) or 0.0) for reason, count in found)
    return Report(span.first, span.last, rows)


@verb(Permission.SEE_REPORTS, writes=False)
def demand(tx: Tx, query: ReportQuery) -> Report[DemandRow]:
    """At which hours of which weekdays visits begin. Raises what `span_of` raises."""
    span = span_of(tx, query)
    found = tx.connection.execute(
        select((span.local_day() % 7).label("weekday_no"), span.local_hour().label("hour_no"), func.count())
        .where(*span.visits(_COUNTED))
        .group_by("weekday_no", "hour_no")
        .order_by("weekday_no", "hour_no")
    )
    days = Counter(day.weekday() for day in span.days)
    rows = tuple(DemandRow(weekday, hour, n, round(n / days[weekday], 2)) for weekday, hour, n in found)
    return Report(span.first, span.last, rows)


@verb(Permission.SEE_REPORTS, writes=False)
def busiest_days(tx: Tx, query: ReportQuery, limit: int = 10) -> Report[BusyRow]:
    """The days with the most visits, at most `limit` (1 to 100). Raises what `span_of` raises, InvalidInput("out_of_range")."""
    check_range(limit, "limit", 1, 100)
    span = span_of(tx, query)
    found = tx.connection.execute(
        select(span.local_day().label("day_no"), func.count().label("visits"))
        .where(*span.visits(_COUNTED))
        .group_by("day_no")
        .order_by(func.count().desc(), "day_no")
        .limit(limit)
    )
    return Report(span.first, span.last, tuple(BusyRow(day_of(number), count) for number, count in found))


@verb(Permission.SEE_REPORTS, writes=False)
def lead_times(tx: Tx, query: ReportQuery) -> Report[LeadTimeRow]:
    """How far ahead visits were booked, and how that goes with their being kept. Raises what `span_of` raises."""
    span = span_of(tx, query)
    ahead = between(_v.created_at, _v.start)
    # What was entered after it began belongs to the first line.
    line = case(*((ahead >= timedelta(days=low), low) for low in reversed(DAYS_AHEAD[1:])), else_=DAYS_AHEAD[0])
    found = tx.connection.execute(select(line.label("line"), *_FIGURES).where(*span.visits()).group_by("line"))
    lines: dict[int, Any] = {low: figures for low, *figures in found}
    total = sum(visits for visits, *_ in lines.values())
    rows = tuple(
        LeadTimeRow(low, visits, _part(visits, total) or 0.0, cancelled, _part(missed, fulfilled + missed))
        for low in DAYS_AHEAD
        for visits, fulfilled, missed, cancelled in (lines.get(low, (0, 0, 0, 0)),)
    )
    return Report(span.first, span.last, rows)


def _by_practitioner(tx: Tx, span: Span) -> tuple[AttendanceRow, ...]:
    found = tx.connection.execute(
        select(_p.id, _p.prefix, _p.given, _p.family, _p.suffix, *_FIGURES)
        .join_from(VISIT, _PRACTITIONER, _p.id == VISIT.c.practitioner_id)
        .where(*span.visits())
        .group_by(_p.id)
        .order_by(_p.position, _p.family, _p.given, _p.id)
    )
    return tuple(_line(str(row[0]), full_name(*row[1:5]), row[5:]) for row in found)


def _by_type(tx: Tx, span: Span) -> tuple[AttendanceRow, ...]:
    c = _TYPE.c
    found = tx.connection.execute(
        select(c.id, c.name, *_FIGURES)
        .join_from(VISIT, _TYPE, c.id == VISIT.c.type_id, isouter=True)
        .where(*span.visits())
        .group_by(c.id)
        .order_by(c.position.is_(None), c.position, c.name, c.id)
    )
    return tuple(_line(str(row[0] or ""), row[1] or "", row[2:]) for row in found)


def _by_time(tx: Tx, span: Span, by: By) -> tuple[AttendanceRow, ...]:
    number = span.local_hour() if by is By.HOUR else span.local_day()
    counted = select(number.label("time_no"), *_FIGURES).where(*span.visits()).group_by("time_no").order_by("time_no")
    lines: dict[str, list[int]] = {}
    for at, *figures in tx.connection.execute(counted):
        key = str(at) if by is By.HOUR else _key(day_of(at), by)
        lines[key] = [a + b for a, b in zip(lines.get(key, [0] * 4), figures, strict=True)]
    order = sorted(lines, key=lambda key: (len(key), key))
    return tuple(_line(key, "", lines[key]) for key in order)


def _key(day: date, by: By) -> str:
    if by is By.WEEKDAY:
        return str(day.weekday())
    return f"{day:%Y-%m}" if by is By.MONTH else day.isoformat()


def _line(key: str, name: str, figures: Any) -> AttendanceRow:
    visits, fulfilled, missed, cancelled = figures
    return AttendanceRow(
        key, name, visits, fulfilled, missed, cancelled, _part(missed, fulfilled + missed),
        _part(cancelled, visits + cancelled),
    )  # fmt: skip


def _part(some: int, of: int) -> float | None:
    return round(some / of, 4) if of else None
