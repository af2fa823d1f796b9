"""What calendars and lists show. Every query is bounded by an index range, so that its cost is that of the days asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Integer, column, func, select, values

from clinicdesk.core.clinic import load_clinic
from clinicdesk.core.clock import in_utc
from clinicdesk.core.model import UtcDateTime, between
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx, verb
from clinicdesk.features.appointments import rows
from clinicdesk.features.appointments.rows import VISIT, VISITS
from clinicdesk.features.appointments.rules import COUNTED, GIVEN, LONGEST
from clinicdesk.features.appointments.schemas import AppointmentRow, DayLoad, DaySchedule, Status, WaitingTimes
from clinicdesk.features.practitioners.models import Practitioner
from clinicdesk.features.practitioners.rules import days_between, whole_day
from clinicdesk.features.practitioners.service import working_days


@verb(Permission.SEE_CALENDAR, writes=False)
def day_schedule(tx: Tx, day: date, practitioner_ids: Sequence[UUID] = ()) -> DaySchedule:
    """A local day of these practitioners (of all active ones, if none are named): when they work, and every visit in any
    state, by its start. Raises NotFound("clinic_not_set_up")."""
    zone = load_clinic(tx.connection).tz
    bounds = whole_day(day, zone)
    people = tuple(practitioner_ids) or _active(tx)
    visits = visits_between(tx, bounds.start, bounds.end, practitioner_ids)
    return DaySchedule(day, tuple(working_days(tx, people, day, day, zone)), visits)


@verb(Permission.SEE_CALENDAR, writes=False)
def visits_between(
    tx: Tx, start: datetime, end: datetime, practitioner_ids: Sequence[UUID] = ()
) -> tuple[AppointmentRow, ...]:
    """Every visit in any state that touches [start, end), by its start; of everybody, if no practitioners are named.

    A visit recorded from elsewhere that is longer than a day is found by its first day.
    """
    start, end = in_utc(start), in_utc(end)
    query = VISITS.where(VISIT.c.start > start - LONGEST, VISIT.c.start < end, VISIT.c.end > start)
    if practitioner_ids:
        query = query.where(VISIT.c.practitioner_id.in_(practitioner_ids))
    return rows.read(tx, query.order_by(VISIT.c.start, VISIT.c.id))


@verb(Permission.SEE_CALENDAR, writes=False)
def visits_of_patient(tx: Tx, patient_id: UUID) -> list[AppointmentRow]:
    """All visits of a patient, the latest first."""
    return list(rows.read(tx, VISITS.where(VISIT.c.patient_id == patient_id).order_by(VISIT.c.start.desc())))


@verb(Permission.SEE_CALENDAR, writes=False)
def day_loads(tx: Tx, first: date, last: date, practitioner_ids: Sequence[UUID] = ()) -> list[DayLoad]:
    """How full each local day from first to last is, by one grouped query; of everybody, if no practitioners are named."""
    zone = load_clinic(tx.connection).tz
    days = days_between(first, last)
    people = tuple(practitioner_ids) or _active(tx)
    bounds = [whole_day(day, zone) for day in days]
    # The instants stand in the list as the table stores them, so that the comparison can use its index.
    edges = (
        values(column("nth", Integer), column("low", UtcDateTime), column("high", UtcDateTime), name="day")
        .data([(nth, bound.start, bound.end) for nth, bound in enumerate(bounds)])
        .cte("day")
    )
    length = between(VISIT.c.start, VISIT.c.end)
    query = (
        select(
            edges.c.nth,
            func.count(),
            func.sum(length).filter(VISIT.c.status.in_(sorted(GIVEN))),
        )
        .join_from(edges, VISIT, (VISIT.c.start >= edges.c.low) & (VISIT.c.start < edges.c.high))
        .where(VISIT.c.status.in_(sorted(COUNTED)))
        .group_by(edges.c.nth)
    )
    if practitioner_ids:
        query = query.where(VISIT.c.practitioner_id.in_(practitioner_ids))
    booked = {nth: (count, time or timedelta(0)) for nth, count, time in tx.connection.execute(query)}
    open_time = dict.fromkeys(days, timedelta(0))
    closed = dict.fromkeys(days, "")
    for working in working_days(tx, people, first, last, zone):
        open_time[working.day] += sum((stretch.length for stretch in working.open), timedelta(0))
        closed[working.day] = working.holiday
    return [
        DayLoad(day, *booked.get(nth, (0, timedelta(0))), open_time[day], closed[day]) for nth, day in enumerate(days)
    ]


@verb(Permission.SEE_CALENDAR, writes=False)
def waiting_times(tx: Tx, day: date, practitioner_ids: Sequence[UUID] = ()) -> WaitingTimes:
    """How long patients wait on a local day, as of now."""
    clinic = load_clinic(tx.connection)
    bounds, target = whole_day(day, clinic.tz), timedelta(minutes=clinic.wait_target_minutes)
    query = select(VISIT.c.status, VISIT.c.arrived_at, VISIT.c.started_at).where(
        VISIT.c.start >= bounds.start, VISIT.c.start < bounds.end, VISIT.c.arrived_at.is_not(None)
    )
    if practitioner_ids:
        query = query.where(VISIT.c.practitioner_id.in_(practitioner_ids))
    here = {Status.ARRIVED.value, Status.CHECKED_IN.value}
    running: list[timedelta] = []
    over: list[timedelta] = []
    for status, arrived_at, started_at in tx.connection.execute(query):
        if started_at is not None:
            over.append(started_at - arrived_at)
        elif status in here:
            running.append(tx.now - arrived_at)
    zero = timedelta(0)
    return WaitingTimes(
        waiting=len(running),
        longest=max(running, default=zero),
        seen=len(over),
        mean=sum(over, zero) / len(over) if over else zero,
        over_target=sum(wait > target for wait in running + over),
    )


def _active(tx: Tx) -> tuple[UUID, ...]:
    c = Practitioner.__table__.c
    return tuple(tx.connection.scalars(select(c.id).where(c.active).order_by(c.position, c.family)))
