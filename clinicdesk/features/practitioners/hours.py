"""When practitioners work: weekly hours, absences and public holidays, and the working days that follow from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BindParameter, ColumnElement, bindparam, cast, null, or_, select, union_all

from clinicdesk.core.clinic import load_clinic
from clinicdesk.core.errors import InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.practitioners.models import Absence, Holiday, Practitioner, WeeklyHours
from clinicdesk.features.practitioners.rules import (
    check_days,
    check_week,
    days_between,
    end_minute,
    instant,
    shift_of,
    start_minute,
    subtract,
    whole_day,
)
from clinicdesk.features.practitioners.schemas import (
    AbsenceKind,
    AbsenceRow,
    AddAbsence,
    HolidayRow,
    Interval,
    SetWeeklyHours,
    WeeklyHoursRow,
    WorkingDay,
)

LONGEST_SCHEDULE = 92
"""Days that a schedule is told for at once."""
_DAY = timedelta(days=1)

# The statements of working_days stand ready: every booking asks it, and building them would cost more than running them.
_h, _a, _d = WeeklyHours.__table__.c, Absence.__table__.c, Holiday.__table__.c
_IDS: BindParameter[Any] = bindparam("practitioner_ids", expanding=True)
_HOURS = select(_h.practitioner_id, _h.weekday, _h.start_minute, _h.end_minute, _h.valid_from, _h.valid_to).where(
    _h.practitioner_id.in_(_IDS),
    _h.valid_from <= bindparam("last"),
    or_(_h.valid_to.is_(None), _h.valid_to >= bindparam("first")),
)
_ABSENCES = select(_a.id, _a.practitioner_id, _a.kind, _a.start, _a.end, _a.note).where(
    _a.end > bindparam("from"), _a.start < bindparam("to"), _a.removed.is_(False)
)
_ABSENCES_OF = _ABSENCES.where(or_(_a.practitioner_id.is_(None), _a.practitioner_id.in_(_IDS)))
_HOLIDAYS = select(_d.id, _d.day, _d.name, _d.closed).where(_d.day.between(bindparam("first"), bindparam("last")))


def _nothing(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(null(), column.type)


_DAYS = union_all(
    _HOURS.add_columns(*map(_nothing, (_a.id, _a.kind, _a.start, _a.end, _a.note))),
    _ABSENCES_OF.with_only_columns(
        _a.practitioner_id, *map(_nothing, (_h.weekday, _h.start_minute, _h.end_minute, _h.valid_from, _h.valid_to)),
        _a.id, _a.kind, _a.start, _a.end, _a.note,
    ),
    _HOLIDAYS.where(_d.closed).with_only_columns(
        _nothing(_h.practitioner_id), *map(_nothing, (_h.weekday, _h.start_minute, _h.end_minute)),
        _d.day, *map(_nothing, (_h.valid_to, _a.id, _a.kind, _a.start, _a.end)), _d.name,
    ),
)  # fmt: skip
"""All that working days follow from, by one statement: shifts, which have a weekday; absences, which have an id; holidays."""


@verb(Permission.SEE_CALENDAR, writes=False)
def weekly_hours(tx: Tx, practitioner_id: UUID) -> list[WeeklyHoursRow]:
    """The practitioner's working weeks, past, present and to come, by the day from which they hold.

    Raises NotFound("practitioner_not_found").
    """
    _check_practitioner(tx, practitioner_id)
    rows = tx.session.scalars(
        select(WeeklyHours)
        .where(WeeklyHours.practitioner_id == practitioner_id)
        .order_by(WeeklyHours.valid_from, WeeklyHours.valid_to, WeeklyHours.weekday, WeeklyHours.start_minute)
    )
    return [
        WeeklyHoursRow(
            practitioner_id,
            tuple(shift_of(r.weekday, r.start_minute, r.end_minute) for r in week),
            valid_from,
            valid_to,
        )
        for (valid_from, valid_to), week in groupby(rows, lambda r: (r.valid_from, r.valid_to))
    ]


@verb(Permission.MANAGE_PRACTITIONERS)
def set_weekly_hours(tx: Tx, request: SetWeeklyHours) -> list[WeeklyHoursRow]:
    """Set the practitioner's working week for a range of days; returns all of their weeks.

    What was valid ends the day before, and goes on the day after where the range has an end. No shifts: not at work.
    Visits that are booked stay where they are. Raises NotFound("practitioner_not_found"), InvalidInput.
    """
    _check_practitioner(tx, request.practitioner_id)
    if request.valid_to is not None and request.valid_to < request.valid_from:
        raise InvalidInput("ends_before_start", field="valid_to")
    week = check_week(request.shifts)
    before = weekly_hours(tx, request.practitioner_id)
    if WeeklyHoursRow(request.practitioner_id, week, request.valid_from, request.valid_to) in before:
        return before
    _make_way(tx, request.practitioner_id, request.valid_from, request.valid_to)
    for shift in week:
        row = WeeklyHours(
            id=new_id(), version=1, practitioner_id=request.practitioner_id, weekday=shift.weekday,
            start_minute=start_minute(shift), end_minute=end_minute(shift),
            valid_from=request.valid_from, valid_to=request.valid_to,
        )  # fmt: skip
        tx.session.add(row)
        tx.record(Change.created(row))
    tx.session.flush()
    return weekly_hours(tx, request.practitioner_id)


def _make_way(tx: Tx, practitioner_id: UUID, first: date, last: date | None) -> None:
    """Cut the days first to last (None: all that follow) out of the practitioner's weekly hours."""
    touched = select(WeeklyHours).where(
        WeeklyHours.practitioner_id == practitioner_id,
        or_(WeeklyHours.valid_to.is_(None), WeeklyHours.valid_to >= first),
    )
    if last is not None:
        touched = touched.where(WeeklyHours.valid_from <= last)
    for row in tx.session.scalars(touched).all():
        starts_before = row.valid_from < first
        goes_on = last is not None and (row.valid_to is None or row.valid_to > last)
        if goes_on and last is not None:
            after = WeeklyHours(
                id=new_id(), version=1, practitioner_id=practitioner_id, weekday=row.weekday,
                start_minute=row.start_minute, end_minute=row.end_minute, valid_from=last + _DAY, valid_to=row.valid_to,
            )  # fmt: skip
            tx.session.add(after)
            tx.record(Change.created(after))
        if starts_before:
            row.valid_to = first - _DAY
            tx.record(Change.updated(row))
        else:
            tx.record(_deleted(row))
            tx.session.delete(row)


@verb(Permission.MANAGE_PRACTITIONERS)
def add_absence(tx: Tx, request: AddAbsence) -> AbsenceRow:
    """Add leave or a block. It may lie over booked visits, which stay where they are.

    Raises NotFound("practitioner_not_found"), InvalidInput("ends_before_start", field="end").
    """
    if request.practitioner_id is not None:
        _check_practitioner(tx, request.practitioner_id)
    if request.end <= request.start:
        raise InvalidInput("ends_before_start", field="end")
    row = Absence(
        id=new_id(), version=1, practitioner_id=request.practitioner_id, kind=request.kind.value,
        start=request.start, end=request.end, note=one_line(request.note, "note", 120), removed=False,
    )  # fmt: skip
    tx.session.add(row)
    tx.record(Change.created(row))
    tx.session.flush()
    return AbsenceRow(row.id, row.practitioner_id, request.kind, row.start, row.end, row.note)


@verb(Permission.MANAGE_PRACTITIONERS)
def remove_absence(tx: Tx, absence_id: UUID, practitioner_id: UUID | None = None) -> None:
    """Take leave or a block back, of this practitioner where one is named. Raises NotFound("absence_not_found")."""
    _set_removed(tx, absence_id, practitioner_id, removed=True)


@verb(Permission.MANAGE_PRACTITIONERS)
def restore_absence(tx: Tx, absence_id: UUID, practitioner_id: UUID | None = None) -> None:
    """Let leave or a block that was taken back hold again, of this practitioner where one is named.

    Raises NotFound("absence_not_found") unless it was taken back.
    """
    _set_removed(tx, absence_id, practitioner_id, removed=False)


def _set_removed(tx: Tx, absence_id: UUID, practitioner_id: UUID | None, *, removed: bool) -> None:
    row = tx.session.get(Absence, absence_id)
    if row is None or row.removed is removed or practitioner_id not in (None, row.practitioner_id):
        raise NotFound("absence_not_found")
    row.removed = removed
    tx.record(Change.updated(row))
    tx.session.flush()


@verb(Permission.SEE_CALENDAR, writes=False)
def absences(
    tx: Tx, start: datetime, end: datetime, practitioner_ids: Sequence[UUID] | None = None
) -> list[AbsenceRow]:
    """The absences of these practitioners (None: of all) and of the whole clinic that touch [start, end), by their start.

    Those of the whole clinic have no practitioner.
    """
    range_: dict[str, object] = {"from": start, "to": end}
    if practitioner_ids is None:
        found = tx.connection.execute(_ABSENCES.order_by(_a.start, _a.id), range_)
    else:
        who = {"practitioner_ids": list(practitioner_ids)}
        found = tx.connection.execute(_ABSENCES_OF.order_by(_a.start, _a.id), range_ | who)
    return [
        AbsenceRow(row_id, practitioner_id, AbsenceKind(kind), starts, ends, note)
        for row_id, practitioner_id, kind, starts, ends, note in found
    ]


@verb(Permission.SEE_OPENINGS, writes=False)
def holidays(tx: Tx, first: date, last: date) -> list[HolidayRow]:
    """The public holidays from first to last, both included."""
    return [
        HolidayRow(*row) for row in tx.connection.execute(_HOLIDAYS.order_by(_d.day), {"first": first, "last": last})
    ]


@verb(Permission.MANAGE_PRACTITIONERS)
def save_holiday(tx: Tx, day: date, name: str, closed: bool = True) -> HolidayRow:
    """Make a day a holiday, or change the one that it is; on one that is not `closed` the clinic works. Raises InvalidInput."""
    name = one_line(name, "name", 120, required=True)
    row = tx.session.scalar(select(Holiday).where(Holiday.day == day))
    if row is None:
        row = Holiday(id=new_id(), version=1, day=day, name=name, closed=closed)
        tx.session.add(row)
        tx.record(Change.created(row))
    else:
        row.name, row.closed = name, closed
        tx.record(Change.updated(row))
    tx.session.flush()
    return HolidayRow(row.id, row.day, row.name, row.closed)


@verb(Permission.MANAGE_PRACTITIONERS)
def remove_holiday(tx: Tx, holiday_id: UUID) -> None:
    """Make a holiday a day like any other. Raises NotFound("holiday_not_found")."""
    row = tx.session.get(Holiday, holiday_id)
    if row is None:
        raise NotFound("holiday_not_found")
    tx.record(_deleted(row))
    tx.session.delete(row)
    tx.session.flush()


@verb(Permission.MANAGE_PRACTITIONERS)
def load_public_holidays(tx: Tx, country: str, year: int, subdivision: str | None = None) -> int:
    """Add a country's public holidays of a year; returns how many were new. Days that are holidays already stay as they are.

    `country` is an ISO 3166 code, `subdivision` that of a state or region. Raises InvalidInput("unknown_country",
    "unknown_subdivision").
    """
    import holidays as public  # three megabytes of calendars, needed once a year

    try:
        calendar = public.country_holidays(country.strip().upper(), subdiv=subdivision, years=year)
    except NotImplementedError as error:
        if subdivision and country.strip().upper() in public.list_supported_countries():
            raise InvalidInput("unknown_subdivision", field="subdivision") from error
        raise InvalidInput("unknown_country", field="country", country=country) from error
    known = set(
        tx.session.scalars(select(Holiday.day).where(Holiday.day.between(date(year, 1, 1), date(year, 12, 31))))
    )
    added = [
        Holiday(id=new_id(), version=1, day=day, name=one_line(name, "name", 1000)[:120], closed=True)
        for day, name in sorted(calendar.items())
        if day not in known
    ]
    tx.session.add_all(added)
    for row in added:
        tx.record(Change.created(row))
    tx.session.flush()
    return len(added)


@verb(Permission.SEE_CALENDAR, writes=False)
def schedule(tx: Tx, practitioner_id: UUID, first: date, last: date) -> list[WorkingDay]:
    """When one practitioner works on each local day from first to last, with leave, blocks and holidays.

    Raises NotFound("practitioner_not_found", "clinic_not_set_up"), InvalidInput("ends_before_start", "span").
    """
    check_days(first, last, LONGEST_SCHEDULE)
    _check_practitioner(tx, practitioner_id)
    return working_days(tx, (practitioner_id,), first, last)


@verb(Permission.SEE_OPENINGS, writes=False)
def working_days(
    tx: Tx, practitioner_ids: Sequence[UUID], first: date, last: date, zone: ZoneInfo | None = None
) -> list[WorkingDay]:
    """When each practitioner takes visits on each local day from first to last: by day, then in the order of the ids.

    `zone` is the clinic's, from a caller that has read it already. Takes one query and the one for the zone, however
    many practitioners and days. Raises NotFound("clinic_not_set_up").
    """
    zone = zone or load_clinic(tx.connection).tz
    days = days_between(first, last)
    shifts: dict[tuple[UUID, date], list[Interval]] = defaultdict(list)
    away: dict[UUID, list[AbsenceRow]] = {practitioner_id: [] for practitioner_id in practitioner_ids}
    closed: dict[date, str] = {}
    found = tx.connection.execute(
        _DAYS,
        {
            "practitioner_ids": list(practitioner_ids), "first": first, "last": last,
            "from": whole_day(first, zone).start, "to": whole_day(last, zone).end,
        },
    )  # fmt: skip
    for owner, weekday, start, end, valid_from, valid_to, row_id, kind, starts, ends, words in found:
        if row_id is not None:
            absence = AbsenceRow(row_id, owner, AbsenceKind(kind), starts, ends, words)
            for whose in practitioner_ids if owner is None else (owner,):
                away[whose].append(absence)
        elif weekday is None:
            closed[valid_from] = words
        else:
            for day in days:
                if day.weekday() == weekday and valid_from <= day and (valid_to is None or day <= valid_to):
                    shifts[owner, day].append(Interval(instant(day, start, zone), instant(day, end, zone)))
    for absences_of_one in away.values():
        absences_of_one.sort(key=lambda absence: (absence.start, absence.id))
    return [
        _working_day(
            practitioner_id,
            day,
            whole_day(day, zone),
            shifts.get((practitioner_id, day), ()),
            away[practitioner_id],
            closed,
        )
        for day in days
        for practitioner_id in practitioner_ids
    ]


def _working_day(
    practitioner_id: UUID,
    day: date,
    bounds: Interval,
    shifts: Iterable[Interval],
    away: Iterable[AbsenceRow],
    closed: dict[date, str],
) -> WorkingDay:
    planned = subtract(sorted(shifts), ())
    mine = tuple(absence for absence in away if absence.start < bounds.end and bounds.start < absence.end)
    holiday = closed.get(day, "")
    free = () if holiday else subtract(planned, (Interval(absence.start, absence.end) for absence in mine))
    return WorkingDay(practitioner_id, day, planned, free, mine, holiday)


def _check_practitioner(tx: Tx, practitioner_id: UUID) -> None:
    if tx.session.scalar(select(Practitioner.id).where(Practitioner.id == practitioner_id)) is None:
        raise NotFound("practitioner_not_found")


def _deleted(row: WeeklyHours | Holiday) -> Change:
    fields = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    return Change(row.__tablename__, row.id, Action.DELETE, fields, None)
