"""Visits in figures, by grouped queries over a range of days: their cost is that of the days asked for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import FromClause, func, select

from clinicdesk.core.clinic import load_clinic
from clinicdesk.core.model import between
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx, verb
from clinicdesk.features.appointments.models import AppointmentType
from clinicdesk.features.appointments.rows import VISIT
from clinicdesk.features.appointments.schedule import day_loads
from clinicdesk.features.appointments.schemas import Share, Status, VisitStatistics
from clinicdesk.features.practitioners.figures import whose_figures
from clinicdesk.features.practitioners.models import Practitioner
from clinicdesk.features.practitioners.rules import check_days, whole_day
from clinicdesk.features.practitioners.schemas import full_name

MOST_DAYS = 366

_PRACTITIONER: FromClause = Practitioner.__table__
_TYPE: FromClause = AppointmentType.__table__
_v = VISIT.c
_WAIT = between(_v.arrived_at, _v.started_at)
_LEAD = between(_v.created_at, _v.start)
_WAITED = _v.arrived_at.is_not(None) & _v.started_at.is_not(None)
_AHEAD = _v.start > _v.created_at
"""Not so for what was entered afterwards."""
_TOGETHER = (
    select(
        _v.practitioner_id, _v.type_id, _v.status, func.count(),
        func.count().filter(_WAITED), func.sum(_WAIT).filter(_WAITED),
        func.count().filter(_AHEAD), func.sum(_LEAD).filter(_AHEAD),
    )
    .group_by(_v.practitioner_id, _v.type_id, _v.status)
)  # fmt: skip

_DUE = (Status.FULFILLED, Status.NOSHOW)
_AGREED = (
    Status.PENDING, Status.BOOKED, Status.ARRIVED, Status.CHECKED_IN, Status.FULFILLED, Status.CANCELLED, Status.NOSHOW,
)  # fmt: skip


@verb(Permission.SEE_REPORTS, writes=False)
def statistics(tx: Tx, first: date, last: date, practitioner_ids: Sequence[UUID] = ()) -> VisitStatistics:
    """The visits that start on the local days from first to last, of these practitioners or of everybody, in figures.

    As far as the caller may see them. Raises InvalidInput("ends_before_start", "span"), NotFound("clinic_not_set_up"),
    NotPermitted("figures_of_today", "own_figures", "practitioner_not_linked").
    """
    check_days(first, last, MOST_DAYS)
    zone = load_clinic(tx.connection).tz
    only_today = first == last == tx.now.astimezone(zone).date()
    practitioner_ids = whose_figures(tx, tuple(practitioner_ids) or None, only_today=only_today) or ()
    query = _TOGETHER.where(_v.start >= whole_day(first, zone).start, _v.start < whole_day(last, zone).end)
    if practitioner_ids:
        query = query.where(_v.practitioner_id.in_(practitioner_ids))
    by_status: Counter[Status] = Counter()
    by_practitioner: dict[UUID | None, Counter[Status]] = defaultdict(Counter)
    by_type: dict[UUID | None, Counter[Status]] = defaultdict(Counter)
    waits = leads = 0
    waited = led = timedelta(0)
    for practitioner_id, type_id, stored, count, some_waits, wait, some_leads, lead in tx.connection.execute(query):
        status = Status(stored)
        for figures in (by_status, by_practitioner[practitioner_id], by_type[type_id]):
            figures[status] += count
        waits, waited = waits + some_waits, waited + (wait or timedelta(0))
        leads, led = leads + some_leads, led + (lead or timedelta(0))
    loads = day_loads(tx, first, last, practitioner_ids)
    booked = sum((day.booked for day in loads), timedelta(0))
    opened = sum((day.open for day in loads), timedelta(0))
    return VisitStatistics(
        first, last, dict(by_status), _named(tx, _PRACTITIONER, by_practitioner), _named(tx, _TYPE, by_type),
        tuple(loads),
        _rate(by_status[Status.NOSHOW], (by_status[status] for status in _DUE)),
        _rate(by_status[Status.CANCELLED], (by_status[status] for status in _AGREED)),
        waited // waits if waits else None,
        led // leads if leads else None,
        booked, opened, booked / opened if opened else None,
    )  # fmt: skip


def _rate(some: int, whole: Iterable[int]) -> float | None:
    total = sum(whole)
    return some / total if total else None


def _named(tx: Tx, table: FromClause, figures: dict[UUID | None, Counter[Status]]) -> tuple[Share, ...]:
    """The shares of a table's rows in the clinic's order; last that of none."""
    c = table.c
    name = [c.prefix, c.given, c.family, c.suffix] if table is _PRACTITIONER else [c.name]
    known = tx.connection.execute(
        select(c.id, *name).where(c.id.in_([id_ for id_ in figures if id_ is not None])).order_by(c.position, name[-1])
    )
    shares = [Share(row[0], full_name(*row[1:]) if len(row) > 2 else row[1], dict(figures[row[0]])) for row in known]
    if None in figures:
        shares.append(Share(None, "", dict(figures[None])))
    return tuple(shares)
