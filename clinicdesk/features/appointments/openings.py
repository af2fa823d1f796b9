"""Finds free times: for a command bar that ranks them, for the keys that step through them, and beside a refused time.

Every query is bounded by a range of days, so the cost does not grow with the clinic's past.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, literal_column, select, text, union_all

from clinicdesk.core.clinic import load_clinic
from clinicdesk.core.clock import EPOCH, in_utc
from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.paging import MOST_PER_PAGE
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx, verb
from clinicdesk.features.appointments.models import HOLDS, AppointmentType
from clinicdesk.features.appointments.rows import VISIT
from clinicdesk.features.appointments.rules import HOLDING, LONGEST, check_length
from clinicdesk.features.appointments.schemas import FindOpenings, FreeDay, Opening, OpeningsOf
from clinicdesk.features.practitioners.models import Practitioner
from clinicdesk.features.practitioners.rules import (
    MINUTES_A_DAY,
    check_days,
    check_range,
    days_between,
    instant,
    subtract,
)
from clinicdesk.features.practitioners.schemas import Interval, WorkingDay, full_name
from clinicdesk.features.practitioners.service import get_practitioner, working_days

HORIZON_DAYS = 120
MOST_FREE_DAYS = 31
GRID = timedelta(minutes=5)
"""Now is taken to these: who stands at the desk can have the slot that has just begun."""
_CHUNKS = (4, 7, 14, 28)
"""Days that are looked at in one go: few at first, since the answer is mostly near, then more."""
_ENOUGH = 4
"""How many times the openings asked for are weighed before the best are taken."""

# What makes an opening worse, in minutes that one would wait for a better one.
_WAITED_DAY = 60
_SPLIT_GAP = 20
_LATER_IN_GAP = 15
_UNUSABLE_MINUTE = 3
_NOT_EXACT = 45
_OTHER_PRACTITIONER = 20_000


@dataclass(frozen=True, slots=True)
class _Who:
    """A practitioner whose time is searched."""

    id: UUID
    name: str
    room_id: UUID | None


@dataclass(frozen=True, slots=True)
class _Gap:
    """A free stretch of one practitioner's day: where it began, what is ahead of it (`whole`), and what may be used of that."""

    who: _Who
    day: WorkingDay
    began: datetime
    whole: Interval
    usable: Interval


@verb(Permission.SEE_OPENINGS, writes=False)
def find_openings(tx: Tx, request: FindOpenings) -> list[Opening]:
    """Where the visit fits, best first, at most `request.limit`, none earlier than now nor later than 120 days on.

    A time that fills its gap comes before one that leaves a useless rest, sooner before later, and the practitioners asked
    for before the others. What the patient has already is avoided. Raises NotFound("clinic_not_set_up").
    """
    latest = None if request.latest is None else in_utc(request.latest)
    request = replace(request, earliest=in_utc(request.earliest), latest=latest)
    asked = _people(tx, request.practitioner_ids)
    found = _search(tx, request, asked, HORIZON_DAYS, other=False)
    if request.practitioner_ids:
        known = {who.id for who in asked}
        others = [who for who in _people(tx, ()) if who.id not in known]
        found += _search(tx, request, others, sum(_CHUNKS[:2]), other=True)
    found.sort(key=lambda ranked: (ranked[0], ranked[1].start, ranked[1].practitioner_name))
    return [opening for _, opening in found[: request.limit]]


@verb(Permission.SEE_OPENINGS, writes=False)
def next_opening(
    tx: Tx,
    practitioner_id: UUID,
    after: datetime,
    length: timedelta,
    *,
    patient_id: UUID | None = None,
    days: int = HORIZON_DAYS,
) -> Opening | None:
    """The practitioner's first opening that starts later than `after` and not before now, within so many local days."""
    zone, after = load_clinic(tx.connection).tz, in_utc(after)
    floor = max(after, _now_on_grid(tx))
    first = floor.astimezone(zone).date()
    for gap in _gaps(tx, _people(tx, (practitioner_id,)), first, days, _now_on_grid(tx), patient_id):
        for start in _starts(gap, length):
            if start > after:
                return _opening(gap, start, length, timedelta(0))
    return None


@verb(Permission.SEE_OPENINGS, writes=False)
def previous_opening(
    tx: Tx, practitioner_id: UUID, before: datetime, length: timedelta, *, patient_id: UUID | None = None
) -> Opening | None:
    """The practitioner's last opening that starts earlier than `before` and not before now."""
    return _last(tx, practitioner_id, before, length, _starts, patient_id)


@verb(Permission.SEE_OPENINGS, writes=False)
def openings_of(tx: Tx, request: OpeningsOf) -> list[Opening]:
    """One practitioner's openings in the order of time, end to end, none earlier than now nor later than 120 days on.

    None of a practitioner who is not active. Raises NotFound("practitioner_not_found", "clinic_not_set_up"),
    InvalidInput("ends_before_it_begins", "visit_too_short", "visit_too_long", "out_of_range").
    """
    start, end, length = in_utc(request.start), in_utc(request.end), request.length
    check_length(Interval(tx.now, tx.now + min(length, 2 * LONGEST)))
    check_range(request.limit, "limit", 1, MOST_PER_PAGE)
    if end <= start:
        raise InvalidInput("ends_before_start", field="to")
    get_practitioner(tx, request.practitioner_id)
    zone, earliest = load_clinic(tx.connection).tz, max(start, _now_on_grid(tx))
    horizon = tx.now + timedelta(days=HORIZON_DAYS)
    first, last = (edge.astimezone(zone).date() for edge in (earliest, min(end, horizon)))
    found: list[Opening] = []
    for gap in _gaps(tx, _people(tx, (request.practitioner_id,)), first, (last - first).days + 1, earliest, None):
        for opens in _starts(gap, length):
            if opens >= end or len(found) == request.limit:
                return found
            found.append(_opening(gap, opens, length, timedelta(0)))
    return found


@verb(Permission.SEE_OPENINGS, writes=False)
def free_times(tx: Tx, practitioner_id: UUID, first: date, last: date) -> list[FreeDay]:
    """When one practitioner is free on each local day from first to last, from now on.

    Raises NotFound("practitioner_not_found", "clinic_not_set_up"), InvalidInput("ends_before_start", "span").
    """
    check_days(first, last, MOST_FREE_DAYS)
    get_practitioner(tx, practitioner_id)
    free: dict[date, list[Interval]] = {day: [] for day in days_between(first, last)}
    for gap in _gaps(tx, _people(tx, (practitioner_id,)), first, len(free), _now_on_grid(tx), None):
        free[gap.day.day].append(gap.usable)
    return [FreeDay(day, tuple(stretches)) for day, stretches in free.items()]


def openings_around(tx: Tx, practitioner_id: UUID, when: Interval) -> tuple[Opening, ...]:
    """The openings of the same length that lie closest before and after, as far as there are any."""
    around = (
        _last(tx, practitioner_id, when.start, when.length, _close),
        next_opening(tx, practitioner_id, when.start, when.length),
    )
    return tuple(opening for opening in around if opening is not None)


def _last(
    tx: Tx,
    practitioner_id: UUID,
    before: datetime,
    length: timedelta,
    starts: Callable[[_Gap, timedelta], Iterator[datetime]],
    patient_id: UUID | None = None,
) -> Opening | None:
    """The last of the starts (of all gaps from now on) that is earlier than `before`; looks back a few days at a time."""
    zone, now, before = load_clinic(tx.connection).tz, _now_on_grid(tx), in_utc(before)
    today, last = now.astimezone(zone).date(), before.astimezone(zone).date()
    people = _people(tx, (practitioner_id,))
    while last >= today:
        first = max(today, last - timedelta(days=_CHUNKS[1]))
        best: tuple[_Gap, datetime] | None = None
        for gap in _gaps(tx, people, first, (last - first).days + 1, now, patient_id):
            for start in starts(gap, length):
                if start < before:
                    best = gap, start
        if best is not None:
            return _opening(*best, length, timedelta(0))
        last = first - timedelta(days=1)
    return None


def _now_on_grid(tx: Tx) -> datetime:
    return tx.now - (tx.now - EPOCH) % GRID


def _people(tx: Tx, ids: Sequence[UUID]) -> list[_Who]:
    """The active practitioners among `ids`, or all of them, in the clinic's order."""
    c = Practitioner.__table__.c
    query = (
        select(c.id, c.prefix, c.given, c.family, c.suffix, c.room_id).where(c.active).order_by(c.position, c.family)
    )
    if ids:
        query = query.where(c.id.in_(ids))
    return [_Who(row[0], full_name(*row[1:5]), row[5]) for row in tx.connection.execute(query)]


def _search(
    tx: Tx, request: FindOpenings, people: Sequence[_Who], days: int, *, other: bool
) -> list[tuple[float, Opening]]:
    zone = load_clinic(tx.connection).tz
    earliest = max(request.earliest, _now_on_grid(tx))
    first = earliest.astimezone(zone).date()
    if request.latest is not None:
        days = min(days, (request.latest.astimezone(zone).date() - first).days + 1)
    shortest = min(_shortest_type(tx) or request.length, request.length)
    found: list[tuple[float, Opening]] = []
    first_day: date | None = None
    last_day: date | None = None
    for gap in _gaps(tx, people, first, days, earliest, request.patient_id, request):
        if gap.day.day != last_day and len(found) >= _ENOUGH * request.limit:
            break
        last_day = gap.day.day
        for nth, start in enumerate(_starts(gap, request.length)):
            if (request.latest is not None and start >= request.latest) or nth > request.limit:
                break
            first_day = first_day or gap.day.day
            opening = _opening(gap, start, request.length, shortest, other=other, later=gap.day.day > first_day)
            found.append((_cost(opening, earliest, gap, nth, other=other), opening))
    return found


def _shortest_type(tx: Tx) -> timedelta | None:
    minutes = tx.connection.scalar(select(func.min(AppointmentType.minutes)).where(AppointmentType.active))
    return None if minutes is None else timedelta(minutes=minutes)


def _gaps(
    tx: Tx,
    people: Sequence[_Who],
    first: date,
    days: int,
    earliest: datetime,
    patient_id: UUID | None,
    narrowed: FindOpenings | None = None,
) -> Iterator[_Gap]:
    """The free stretches of these people from `first` on for so many days, day by day, in order of time within a person."""
    if patient_id is not None:
        tx.reach(patient_id)  # when somebody is busy is theirs
    zone, now = load_clinic(tx.connection).tz, _now_on_grid(tx)
    by_id = {who.id: who for who in people}
    done = 0
    for chunk in (*_CHUNKS, *(_CHUNKS[-1],) * (HORIZON_DAYS // _CHUNKS[-1] + 1)):
        length = min(chunk, days - done)
        if length <= 0 or not by_id:
            return
        start_day = first + timedelta(days=done)
        done += length
        working = working_days(tx, tuple(by_id), start_day, first + timedelta(days=done - 1), zone)
        working = [day for day in working if day.open]
        if narrowed is not None and narrowed.weekdays:
            working = [day for day in working if day.day.weekday() in narrowed.weekdays]
        if not working:
            continue
        bounds = Interval(min(day.open[0].start for day in working), max(day.open[-1].end for day in working))
        room_id = None if narrowed is None else narrowed.room_id
        busy = _busy(tx, people, bounds, patient_id, room_id)
        for day in working:
            window = Interval(day.open[0].start, day.open[-1].end)
            if narrowed is not None and (narrowed.from_minute > 0 or narrowed.to_minute < MINUTES_A_DAY):
                window = Interval(
                    instant(day.day, narrowed.from_minute, zone), instant(day.day, narrowed.to_minute, zone)
                )
            mine = busy[day.practitioner_id]
            low = bisect_left(mine, Interval(day.open[0].start - LONGEST, earliest))
            high = bisect_left(mine, Interval(day.open[-1].end, earliest))
            for free in subtract(day.open, mine[low:high]):
                usable = Interval(max(free.start, earliest, window.start), min(free.end, window.end))
                if usable.start < usable.end:
                    whole = Interval(max(free.start, now), free.end)
                    yield _Gap(by_id[day.practitioner_id], day, free.start, whole, usable)


def _busy(
    tx: Tx, people: Sequence[_Who], bounds: Interval, patient_id: UUID | None, room_id: UUID | None
) -> dict[UUID, list[Interval]]:
    """What holds each person's time within the bounds: their visits, those in the room they need, and the patient's own."""
    holds, start, end = text(HOLDS), VISIT.c.start, VISIT.c.end
    inside = (start > bounds.start - LONGEST, start < bounds.end, end > bounds.start)
    rooms = {who.id: room_id or who.room_id for who in people}
    parts = [
        select(literal_column("0"), VISIT.c.practitioner_id, start, end).where(
            VISIT.c.practitioner_id.in_(rooms), holds, *inside
        )
    ]
    if wanted := {room for room in rooms.values() if room is not None}:
        parts.append(
            select(literal_column("1"), VISIT.c.room_id, start, end).where(VISIT.c.room_id.in_(wanted), holds, *inside)
        )
    if patient_id is not None:
        status = VISIT.c.status.in_(sorted(HOLDING))
        parts.append(
            select(literal_column("2"), VISIT.c.patient_id, start, end).where(
                VISIT.c.patient_id == patient_id, status, *inside
            )
        )
    taken: dict[tuple[int, UUID], list[Interval]] = defaultdict(list)
    for kind, owner, starts, ends in tx.connection.execute(union_all(*parts)):
        taken[kind, owner].append(Interval(starts, ends))
    return {
        who.id: sorted(
            taken.get((0, who.id), [])
            + (taken.get((1, room), []) if (room := rooms[who.id]) is not None else [])
            + (taken.get((2, patient_id), []) if patient_id is not None else [])
        )
        for who in people
    }


def _starts(gap: _Gap, length: timedelta) -> Iterator[datetime]:
    """Where a visit may start in the gap: at once, and then end to end as counted from where the gap begins in truth.

    So stepping through them wastes nothing, and at 10:42 the day goes on at 11:00, not at 11:12.
    """
    first, last = gap.usable.start, gap.usable.end - length
    if first <= last:
        yield first
    start = gap.began + length * ((first - gap.began) // length + 1)
    while start <= last:
        yield start
        start += length


def _close(gap: _Gap, length: timedelta) -> Iterator[datetime]:
    """The last place in the gap that a visit may start at."""
    if gap.usable.start + length <= gap.usable.end:
        yield gap.usable.end - length


def _opening(
    gap: _Gap, start: datetime, length: timedelta, shortest: timedelta, *, other: bool = False, later: bool = False
) -> Opening:
    end, whole, day = start + length, gap.whole, gap.day
    unusable = sum(
        (rest for rest in (start - whole.start, whole.end - end) if timedelta(0) < rest < shortest), timedelta(0)
    )
    first, last = start == day.open[0].start, end == day.open[-1].end
    facts = {
        "exact_fit": whole == Interval(start, end),
        "first_of_day": first,
        "last_of_day": last,
        "between_visits": all(
            edge not in (stretch.start, stretch.end) for edge in (whole.start, whole.end) for stretch in day.open
        ),
        "leaves_gap": unusable > timedelta(0),
        "other_practitioner": other,
        "later_day": later,
    }
    reasons = tuple(code for code, holds in facts.items() if holds)
    return Opening(gap.who.id, gap.who.name, start, end, reasons, unusable)


def _cost(opening: Opening, earliest: datetime, gap: _Gap, nth: int, *, other: bool) -> float:
    """How much worse than the ideal the opening is, in minutes of waiting."""
    waited = opening.start - earliest
    cost = waited.days * _WAITED_DAY + waited.seconds / 60 / 24
    cost += opening.gap.total_seconds() / 60 * _UNUSABLE_MINUTE + nth * _LATER_IN_GAP
    if opening.start > gap.whole.start and opening.end < gap.whole.end:
        cost += _SPLIT_GAP
    if "exact_fit" not in opening.reasons:
        cost += _NOT_EXACT
    return cost + (_OTHER_PRACTITIONER if other else 0)
