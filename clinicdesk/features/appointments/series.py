"""Visits that recur: booked, changed and cancelled together, each a visit as any other once it is in the book.

A series has the clinic alone while it is written, as far as writing goes: it is many visits, which must not wait for others
one by one. It is one unit of work, so one undo takes it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from clinicdesk.core.clinic import load_clinic
from clinicdesk.core.clock import in_utc
from clinicdesk.core.errors import Conflict, InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.appointments import recurrence, rows, rules
from clinicdesk.features.appointments.booking import (
    Known,
    alter,
    altered,
    check_hours,
    check_meeting,
    move,
    moved,
    new_visit,
)
from clinicdesk.features.appointments.models import AppointmentSeries
from clinicdesk.features.appointments.rows import VISIT, VISITS
from clinicdesk.features.appointments.rules import State
from clinicdesk.features.appointments.schemas import (
    AppointmentRow,
    BookAppointment,
    EditAppointment,
    OutsideHours,
    Reschedule,
    SlotTaken,
)
from clinicdesk.features.appointments.series_schemas import (
    BookSeries,
    CancelSeries,
    ChangeSeries,
    Clash,
    OnClash,
    Scope,
    SeriesClash,
    SeriesDetail,
    SeriesRow,
)
from clinicdesk.features.appointments.visits import in_state
from clinicdesk.features.practitioners.rules import MINUTES_A_DAY, instant
from clinicdesk.features.practitioners.schemas import Interval
from clinicdesk.features.practitioners.service import working_days

_MINUTE = timedelta(minutes=1)

T = TypeVar("T")


@verb(Permission.BOOK)
def book_series(tx: Tx, request: BookSeries) -> SeriesDetail:
    """Book every visit of a series, at the same time of the clinic's local day.

    Where some do not fit, none is booked (SeriesClash names them all), or those are left out and told, as `on_clash` says;
    if none fits, the series is refused in any case. Raises besides what `book` raises, and InvalidInput (what
    `recurrence.checked` says; whole_minutes; no_occurrence).
    """
    zone = load_clinic(tx.connection).tz
    asked = in_utc(request.start)
    rules.check_length(Interval(asked, asked + request.length))
    room_id = check_meeting(tx, request.patient_id, request.practitioner_id, request.room_id, request.type_id)
    local = asked.astimezone(zone)
    minutes = _whole_minutes(request.length, "length")
    if local.second or local.microsecond:
        raise InvalidInput("whole_minutes", field="start")
    first, start_minute = local.date(), local.hour * 60 + local.minute
    rule = recurrence.checked(request.rule, first)
    days = recurrence.days_of(rule, first)
    if not days:
        raise InvalidInput("no_occurrence", field="rule")
    series = AppointmentSeries(
        id=new_id(), version=1, patient_id=request.patient_id, practitioner_id=request.practitioner_id,
        rule=recurrence.to_rrule(rule), exceptions="", first_day=first, start_minute=start_minute, minutes=minutes,
        removed=False, created_at=tx.now, created_by=tx.actor.user_id,
    )  # fmt: skip

    tx.session.add(series)
    tx.session.flush()  # its visits refer to it
    visits, clashes = _fitting(tx, request, room_id, {day: instant(day, start_minute, zone) for day in days})
    if clashes and (request.on_clash is OnClash.REFUSE or not visits):
        raise SeriesClash(clashes=clashes)
    rows.add_all(tx, [visit | {"series_id": series.id, "series_day": day} for day, visit in visits])
    series.exceptions = _joined({*rule.exceptions, *(clash.day for clash in clashes)})
    tx.session.flush()
    tx.record(Change.created(series, series.patient_id))
    return SeriesDetail(_row(series), _visits_of(tx, series.id), clashes)


@verb(Permission.OPEN_PATIENT, concurrent=True, of_patient=True)
def open_series(tx: Tx, series_id: UUID) -> SeriesDetail:
    """A series and all its visits. Opening it is audited. Raises NotFound(series_not_found), NotPermitted."""
    series = _stored(tx, series_id)
    tx.reach(series.patient_id)
    tx.record(Change("appointment_series", series.id, Action.READ, patient_id=series.patient_id))
    return SeriesDetail(_row(series), tuple(rows.shown(tx, visit) for visit in _visits_of(tx, series.id)))


@verb(Permission.BOOK)
def change_series(tx: Tx, request: ChangeSeries) -> SeriesDetail:
    """Give a visit of a series another time of its day, length, practitioner, room, type or reason, and as much of the
    series with it as `scope` says, so far as it is still to come; returns the visits that were changed.

    A visit that had been moved by itself keeps its time, and one that went to somebody else stays there. What comes before
    stays: from the first changed visit on it is a series of its own. Raises what `reschedule` and `edit` raise, SeriesClash
    as `book_series` does, Conflict (not_in_series, not_movable), InvalidInput(out_of_range).
    """
    if request.start_minute is not None and not 0 <= request.start_minute < MINUTES_A_DAY:
        raise InvalidInput("out_of_range", field="start_minute", least=0, most=MINUTES_A_DAY - 1)
    if request.length is not None:
        rules.check_length(Interval(tx.now, tx.now + request.length))
        _whole_minutes(request.length, "length")
    visit, series = _addressed(tx, request.visit_id, request.version)
    zone = load_clinic(tx.connection).tz
    days = _days_of(tx, series.id)
    later = request.start_minute is not None and request.start_minute > series.start_minute
    targets = [visit] if request.scope is Scope.ONE else _to_come(tx, series.id, days, visit, request.scope)
    before = (series.start_minute, series.practitioner_id)
    moved_to = series if request.scope is Scope.ONE else _from(tx, series, min(days[one.id] for one in targets), days)

    known = None
    if request.scope is not Scope.ONE:  # which is told of openings beside a time that will not do
        people = {target.practitioner_id for target in targets} | {request.practitioner_id or series.practitioner_id}
        known = _known(tx, people, [days[one.id] for one in targets], zone)

    def wanted(target: AppointmentRow) -> Reschedule:
        own_time = target.id != visit.id and target.start != instant(days[target.id], before[0], zone)
        own_people = target.id != visit.id and target.practitioner_id != before[1]
        start = None
        if request.start_minute is not None and not own_time:
            start = instant(days[target.id], request.start_minute, zone)
        return Reschedule(
            target.id, target.version, start, request.length, None if own_people else request.practitioner_id,
            request.room_id, outside_hours=request.outside_hours,
        )  # fmt: skip

    what = EditAppointment(visit.id, visit.version, request.type_id, request.reason)
    more = {"series_id": moved_to.id}

    def change_one(target: AppointmentRow) -> AppointmentRow:
        return alter(tx, move(tx, target, wanted(target), known), what, more, known)

    if request.scope is Scope.ONE:
        return SeriesDetail(_row(series), (change_one(visit),))
    # Later times are taken from the last visit on, so that none is in the way of the one before it.
    ordered = sorted(targets, key=lambda one: one.start, reverse=later)
    clashes: tuple[Clash, ...] = ()
    try:
        with tx.attempt():
            steps = [
                (
                    target,
                    (
                        time := moved(tx, target, wanted(target), known)[0],
                        altered(tx, replace(target, practitioner_id=time["practitioner_id"]), what, known) | more,
                    ),
                )
                for target in ordered
            ]
            visits = rows.change_all(tx, steps)
    except (SlotTaken, OutsideHours):  # one by one then, which tells what is in the way of each
        visits, clashes = _each(tx, ordered, change_one, lambda target: (days[target.id], target.start))
    if clashes and (request.on_clash is OnClash.REFUSE or not visits):
        raise SeriesClash(clashes=tuple(sorted(clashes, key=lambda clash: clash.day)))
    _take_along(tx, series, moved_to, days, {one.id for one in visits})
    if moved_to is not series:
        _cut(series, moved_to.first_day)
    if request.start_minute is not None:
        moved_to.start_minute = request.start_minute
    if request.length is not None:
        moved_to.minutes = request.length // _MINUTE
    if request.practitioner_id is not None:
        moved_to.practitioner_id = request.practitioner_id
    tx.record(Change.updated(series, series.patient_id))
    if moved_to is not series:
        tx.record(Change.created(moved_to, series.patient_id))
    tx.session.flush()
    return SeriesDetail(_row(moved_to), tuple(sorted(visits, key=lambda one: one.start)), clashes)


@verb(Permission.BOOK)
def cancel_series(tx: Tx, request: CancelSeries) -> SeriesDetail:
    """Cancel a visit of a series, and as much of the series with it as `scope` says, so far as it is still to come; returns
    what was cancelled. Raises what `cancel` raises, and Conflict(not_in_series, not_movable)."""
    rules.check_cancel_reason(request.reason)
    visit, series = _addressed(tx, request.visit_id, request.version)
    days = _days_of(tx, series.id)
    targets = [visit] if request.scope is Scope.ONE else _to_come(tx, series.id, days, visit, request.scope)
    changes = [(target, [in_state(tx, target, State.CANCELLED, request.reason)]) for target in targets]
    cancelled = rows.change_all(tx, changes, request.reason)
    if request.scope is not Scope.ONE:
        _cut(series, min(days[one.id] for one in targets))
        tx.record(Change.updated(series, series.patient_id))
        tx.session.flush()
    return SeriesDetail(_row(series), cancelled)


# ---- parts ---------------------------------------------------------------------------------------------------------


def _each(
    tx: Tx,
    things: Sequence[T],
    do: Callable[[T], AppointmentRow],
    where: Callable[[T], tuple[date, datetime]],
) -> tuple[tuple[AppointmentRow, ...], tuple[Clash, ...]]:
    """What could be done to each thing by itself, and for the others why not."""
    done: list[AppointmentRow] = []
    clashes: list[Clash] = []
    for thing in things:
        try:
            with tx.attempt():
                done.append(do(thing))
        except (SlotTaken, OutsideHours) as refusal:
            clashes.append(_clash(*where(thing), refusal))
    return tuple(done), tuple(clashes)


def _fitting(
    tx: Tx, request: BookSeries, room_id: UUID | None, starts: Mapping[date, datetime]
) -> tuple[list[tuple[date, dict[str, Any]]], tuple[Clash, ...]]:
    """The visits of a new series that fit, as they are to be stored, and for the other days why not. Nobody else books
    meanwhile. Raises what `put` raises, but for that."""
    zone = load_clinic(tx.connection).tz
    known = _known(tx, {request.practitioner_id}, list(starts), zone)
    times = {day: Interval(start, start + request.length) for day, start in starts.items()}
    taken = rows.taken(tx, list(times.values()), request.practitioner_id, room_id, request.patient_id)
    fitting: list[tuple[date, dict[str, Any]]] = []
    clashes: list[Clash] = []
    held_until: datetime | None = None
    for nth, (day, time) in enumerate(times.items()):
        if not tx.actor.may(Permission.CORRECT_VISIT):
            rules.check_not_past(time.start, tx.now)
        try:
            check_hours(tx, request.practitioner_id, time, zone, outside_hours=request.outside_hours, known=known)
        except OutsideHours as refusal:
            clashes.append(_clash(day, time.start, refusal))
            continue
        if held_until is not None and time.start < held_until:  # its own visit of the day before, where clocks change
            clashes.append(_clash(day, time.start, SlotTaken(what="practitioner")))
        elif nth in taken:
            clashes.append(_clash(day, time.start, SlotTaken(what=taken[nth])))
        else:
            visit = BookAppointment(
                request.patient_id, request.practitioner_id, time.start, request.length, request.type_id,
                reason=request.reason,
            )  # fmt: skip
            fitting.append((day, new_visit(tx, visit, room_id)))
            held_until = time.end
    return fitting, tuple(clashes)


def _clash(day: date, start: datetime, refusal: SlotTaken | OutsideHours) -> Clash:
    return Clash(day, start, refusal.reason, str(refusal.params.get("what") or refusal.params.get("cause") or ""))


def _known(tx: Tx, practitioner_ids: Iterable[UUID], days: Sequence[date], zone: ZoneInfo) -> Known:
    """What is read once: the working days from the first of these to the day after the last, which a visit may reach into."""
    last = max(days) + timedelta(days=1)
    return Known(working_days(tx, tuple(practitioner_ids), min(days), last, zone))


def _visits_of(tx: Tx, series_id: UUID) -> tuple[AppointmentRow, ...]:
    return rows.read(tx, VISITS.where(VISIT.c.series_id == series_id).order_by(VISIT.c.start, VISIT.c.id))


def _whole_minutes(length: timedelta, field: str) -> int:
    if length % _MINUTE:
        raise InvalidInput("whole_minutes", field=field)
    return length // _MINUTE


def _stored(tx: Tx, series_id: UUID) -> AppointmentSeries:
    series = tx.session.get(AppointmentSeries, series_id)
    if series is None:
        raise NotFound("series_not_found")
    return series


def _addressed(tx: Tx, visit_id: UUID, version: int) -> tuple[AppointmentRow, AppointmentSeries]:
    visit = rows.get(tx, visit_id, version)
    if visit.series_id is None:
        raise Conflict("not_in_series")
    return visit, _stored(tx, visit.series_id)


def _days_of(tx: Tx, series_id: UUID) -> dict[UUID, date]:
    """The day in the series that each of its visits stands for."""
    found = tx.connection.execute(select(VISIT.c.id, VISIT.c.series_day).where(VISIT.c.series_id == series_id))
    return {row.id: row.series_day for row in found}


def _to_come(
    tx: Tx, series_id: UUID, days: dict[UUID, date], visit: AppointmentRow, scope: Scope
) -> list[AppointmentRow]:
    """The visits that are meant: those that nobody has come to yet, from this one's day on or all."""
    meant = [
        one
        for one in _visits_of(tx, series_id)
        if one.status in rules.BOOKABLE
        and one.start > tx.now
        and (scope is Scope.ALL or days[one.id] >= days[visit.id])
    ]
    if not meant:
        raise Conflict("not_movable", status=visit.status.value)
    return meant


def _from(tx: Tx, series: AppointmentSeries, day: date, days: dict[UUID, date]) -> AppointmentSeries:
    """The series of what falls on `day` and later: itself where that is all of it, a new one otherwise."""
    if day <= min(days.values()):
        return series
    rule = _rule(series)
    rest = AppointmentSeries(
        id=new_id(), version=1, patient_id=series.patient_id, practitioner_id=series.practitioner_id,
        rule=recurrence.to_rrule(recurrence.from_day(rule, series.first_day, day)),
        exceptions=_joined(one for one in rule.exceptions if one >= day), first_day=day,
        start_minute=series.start_minute, minutes=series.minutes, removed=False, created_at=tx.now,
        created_by=tx.actor.user_id,
    )  # fmt: skip
    tx.session.add(rest)
    tx.session.flush()
    return rest


def _cut(series: AppointmentSeries, day: date) -> None:
    """Let the series end before a day."""
    earlier = recurrence.up_to(_rule(series), day)
    series.rule, series.exceptions = recurrence.to_rrule(earlier), _joined(earlier.exceptions)


def _take_along(
    tx: Tx, series: AppointmentSeries, rest: AppointmentSeries, days: dict[UUID, date], done: set[UUID]
) -> None:
    """Bring what else falls on the days of the new series into it: what was cancelled, kept apart or could not be changed."""
    if rest is series:
        return
    left = [id_ for id_, day in days.items() if day >= rest.first_day and id_ not in done]
    found = {visit.id: visit for visit in rows.read(tx, VISITS.where(VISIT.c.id.in_(left)))}
    rows.change_all(tx, [(found[id_], [{"series_id": rest.id}]) for id_ in left])


def _rule(series: AppointmentSeries) -> recurrence.Recurrence:
    exceptions = tuple(date.fromisoformat(day) for day in series.exceptions.split(",") if day)
    return recurrence.from_rrule(series.rule, exceptions)


def _joined(days: Iterable[date]) -> str:
    return ",".join(day.isoformat() for day in sorted(days))


def _row(series: AppointmentSeries) -> SeriesRow:
    return SeriesRow(
        series.id, series.patient_id, series.practitioner_id, series.rule, _rule(series).exceptions, series.first_day,
        series.start_minute, series.minutes, series.version,
    )  # fmt: skip
