"""Who waits for a visit, or for an earlier one, and whom a free time would suit.

The times that cancelled visits have left are looked for as they are asked for, so that none is offered that was taken since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Select, or_, select

from clinicdesk.core.clinic import load_clinic
from clinicdesk.core.clock import in_utc
from clinicdesk.core.errors import Conflict, InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import MOST_PER_PAGE, Page, decode_cursor, encode_cursor, total_of
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.appointments import rows, rules
from clinicdesk.features.appointments.booking import check_meeting, check_patient, move, put
from clinicdesk.features.appointments.models import REASON_MOST, WaitlistEntry
from clinicdesk.features.appointments.rows import VISIT
from clinicdesk.features.appointments.schemas import BookAppointment, Reschedule, Status
from clinicdesk.features.appointments.waitlist_schemas import (
    Candidate,
    Filled,
    FillTime,
    FreedTime,
    Priority,
    Wish,
    WishQuery,
    WishRow,
    WishState,
)
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.practitioners.models import Practitioner
from clinicdesk.features.practitioners.rules import MINUTES_A_DAY, check_range
from clinicdesk.features.practitioners.schemas import Interval, full_name

MOST_PRACTITIONERS = 20
MOST_WEIGHED = 500
"""So many of the most urgent who have waited longest are weighed for a time."""
FREED_DAYS = 28
MOST_FREED = 50

_MINUTE = timedelta(minutes=1)
_EVERY_DAY = 0b1111111
_PRIORITIES = tuple(Priority)
_ENTRY: FromClause = WaitlistEntry.__table__
_PATIENT: FromClause = Patient.__table__
_e, _v, _p = _ENTRY.c, VISIT.c, _PATIENT.c
_WAITING = _e.state == WishState.WAITING.value

ENTRIES: Select[Any] = select(
    _e.id, _e.patient_id, _p.number, _p.given, _p.family, _e.practitioner_ids, _e.type_id, _e.minutes, _e.weekdays,
    _e.from_minute, _e.to_minute, _e.earliest, _e.latest, _e.priority, _e.note, _e.visit_id, _e.state, _e.filled_by,
    _e.created_at, _e.version,
).join_from(_ENTRY, _PATIENT, _p.id == _e.patient_id)  # fmt: skip


# ---- the list ------------------------------------------------------------------------------------------------------


@verb(Permission.BOOK, concurrent=True)
def add_wish(tx: Tx, patient_id: UUID, wish: Wish) -> WishRow:
    """Put a patient on the waitlist. Raises InvalidInput (out_of_range, ends_before_start, too_many, too_long, span,
    visit_too_short, visit_too_long, whole_minutes), NotFound and Conflict as `book` does."""
    values = _checked(tx, patient_id, wish)
    entry = WaitlistEntry(
        id=new_id(), version=1, patient_id=patient_id, state=WishState.WAITING.value, filled_by=None,
        created_at=tx.now, created_by=tx.actor.user_id, **values,
    )  # fmt: skip
    tx.session.add(entry)
    tx.session.flush()
    tx.record(Change.created(entry, patient_id))
    return _get(tx, entry.id)


@verb(Permission.BOOK, concurrent=True)
def edit_wish(tx: Tx, id_: UUID, version: int, wish: Wish) -> WishRow:
    """Give somebody who waits another wish. Raises what `add_wish` raises, NotFound(wish_not_found), Conflict
    (changed_meanwhile, wish_not_waiting)."""
    entry = _stored(tx, id_, version, WishState.WAITING)
    for name, value in _checked(tx, entry.patient_id, wish).items():
        setattr(entry, name, value)
    return _changed(tx, entry)


@verb(Permission.BOOK, concurrent=True)
def remove_wish(tx: Tx, id_: UUID, version: int) -> WishRow:
    """Take somebody off the waitlist. Raises NotFound(wish_not_found), Conflict(changed_meanwhile, wish_not_waiting)."""
    entry = _stored(tx, id_, version, WishState.WAITING)
    entry.state = WishState.REMOVED.value
    return _changed(tx, entry)


@verb(Permission.BOOK, concurrent=True)
def restore_wish(tx: Tx, id_: UUID, version: int) -> WishRow:
    """Let somebody wait again who was taken off the list, or whose visit came to nothing. Raises NotFound(wish_not_found),
    Conflict(changed_meanwhile, wish_waits)."""
    entry = _stored(tx, id_, version)
    if entry.state == WishState.WAITING.value:
        raise Conflict("wish_waits")
    entry.state, entry.filled_by = WishState.WAITING.value, None
    return _changed(tx, entry)


@verb(Permission.OPEN_PATIENT, concurrent=True, of_patient=True)
def open_wish(tx: Tx, id_: UUID) -> WishRow:
    """One wish. Opening it is audited. Raises NotFound(wish_not_found), NotPermitted."""
    row = _get(tx, id_)
    tx.reach(row.patient_id)
    tx.record(Change("waitlist_entry", id_, Action.READ, patient_id=row.patient_id))
    return row


@verb(Permission.SEE_CALENDAR, writes=False)
def find_wishes(tx: Tx, query: WishQuery) -> Page[WishRow]:
    """A page of the waitlist, those who have waited longest first. One patient's is audited, and needs a unit of work that
    writes. Raises InvalidInput(cursor_not_right, out_of_range)."""
    page = query.page
    check_range(page.limit, "limit", 1, MOST_PER_PAGE)
    fitting = [_e.priority >= _PRIORITIES.index(query.priority)]
    if query.state is not None:
        fitting.append(_e.state == query.state.value)
    if query.type_id is not None:
        fitting.append(_e.type_id == query.type_id)
    if query.practitioner_id is not None:
        fitting.append(_would_go_to(query.practitioner_id))
    if query.patient_id is not None:
        fitting.append(_e.patient_id == query.patient_id)
        tx.reach(query.patient_id)
        if not tx.writes:
            raise AssertionError("what one patient waits for is looked at in a unit of work that writes: it is audited")
        tx.record(Change("waitlist_entry", None, Action.READ, patient_id=query.patient_id))
    else:
        tx.note_look("waitlist_entry")
    wanted = ENTRIES.where(*fitting)
    if page.cursor:
        wanted = wanted.where(_e.id > _behind(page.cursor))
    found = tx.connection.execute(wanted.order_by(_e.id).limit(page.limit + 1)).all()
    entries = [_to_row(row) for row in found[: page.limit]]
    total = tx.connection.scalar(total_of(select(_e.id).where(*fitting))) if page.total else None
    return Page(entries, encode_cursor([entries[-1].id.hex]) if len(found) > page.limit else None, total)


# ---- filling the book ----------------------------------------------------------------------------------------------


@verb(Permission.SEE_CALENDAR, writes=False)
def candidates_for(
    tx: Tx, practitioner_id: UUID, start: datetime, end: datetime, limit: int = 10
) -> tuple[Candidate, ...]:
    """Whom a free time would suit, best first: the most urgent, then whoever asked for this practitioner, who fits it best,
    and who has waited longest. Whether it is free is not asked. Raises InvalidInput (ends_before_it_begins, visit_too_long,
    out_of_range), NotFound("clinic_not_set_up")."""
    check_range(limit, "limit", 1, MOST_PER_PAGE)
    free = Interval(in_utc(start), in_utc(end))
    rules.check_length(free)
    tx.note_look("waitlist_entry")
    return suited(tx, practitioner_id, free, limit)


def suited(tx: Tx, practitioner_id: UUID, free: Interval, limit: int) -> tuple[Candidate, ...]:
    """Whom a free time would suit, for verbs and for what follows from changes; needs no permission of its own."""
    zone = load_clinic(tx.connection).tz
    free = Interval(max(free.start, tx.now), free.end)
    if free.start >= free.end:
        return ()
    first, last = (edge.astimezone(zone).date() for edge in (free.start, free.end))
    days = {day.weekday() for day in (first, last)}
    wanted = ENTRIES.where(
        _WAITING,
        _p.active,
        ~_p.deceased,
        _e.minutes <= free.length // _MINUTE,
        _e.weekdays.bitwise_and(sum(1 << day for day in days)) != 0,
        or_(_e.earliest.is_(None), _e.earliest <= last),
        or_(_e.latest.is_(None), _e.latest >= first),
        _would_go_to(practitioner_id),
    )
    found = tx.connection.execute(wanted.order_by(_e.priority.desc(), _e.id).limit(MOST_WEIGHED))
    placed = [
        (entry, place)
        for entry in map(_to_row, found)
        if (place := rules.place_in(free, entry.wish, (first, last), zone)) is not None
    ]
    busy = _busy(tx, [entry for entry, _ in placed], free)
    had = _had(tx, [entry for entry, _ in placed])
    fit = [
        (entry, place)
        for entry, place in placed
        if not any(
            visit_id != entry.wish.visit_id and taken.overlaps(place) for visit_id, taken in busy[entry.patient_id]
        )
        and (entry.wish.visit_id is None or place.start < had.get(entry.wish.visit_id, place.start))
    ]
    longest = min((entry.id for entry, _ in fit), default=None)
    ranked = sorted(fit, key=lambda one: _worse(one[0], practitioner_id, free))
    return tuple(
        Candidate(entry, place.start, place.end, _reasons(entry, practitioner_id, free, longest))
        for entry, place in ranked[:limit]
    )


def anybody_waits(tx: Tx) -> bool:
    """Whether there is anybody on the waitlist at all."""
    return tx.connection.scalar(select(_e.id).where(_WAITING).limit(1)) is not None


@verb(Permission.SEE_CALENDAR, writes=False)
def freed_times(tx: Tx, practitioner_id: UUID | None = None, limit: int = 5) -> tuple[FreedTime, ...]:
    """The times of the next four weeks that cancelled visits have left, that are still free, and that would suit somebody who
    waits, soonest first; of each the best `limit` people. The soonest fifty are looked at. Raises InvalidInput(out_of_range)."""
    check_range(limit, "limit", 1, 50)
    tx.note_look("waitlist_entry")
    if not anybody_waits(tx):
        return ()
    person = Practitioner.__table__.c
    left = (
        select(_v.id, _v.practitioner_id, person.prefix, person.given, person.family, person.suffix, _v.start, _v.end)
        .join_from(VISIT, Practitioner.__table__, person.id == _v.practitioner_id)
        .where(
            _v.start > tx.now,
            _v.start < tx.now + timedelta(days=FREED_DAYS),
            _v.status == Status.CANCELLED.value,
            rows.IS_ASIDE,
            person.active,
        )
        .order_by(_v.start, _v.id)
        .limit(MOST_FREED)
    )
    if practitioner_id is not None:
        left = left.where(_v.practitioner_id == practitioner_id)
    freed: dict[tuple[UUID, Interval], FreedTime] = {}
    for id_, who, *name, start, end in tx.connection.execute(left):
        when = Interval(start, end)
        if (who, when) in freed or _is_taken(tx, who, when):
            continue
        if people := suited(tx, who, when, limit):
            freed[who, when] = FreedTime(id_, who, full_name(*name), start, end, people)
    return tuple(freed.values())


@verb(Permission.BOOK, concurrent=True)
def fill(tx: Tx, request: FillTime) -> Filled:
    """Give somebody who waits a visit of the length that they wish for; one that they would have earlier is moved there.

    The wish is fulfilled with it, and one undo takes both back. Raises what `book` and `reschedule` raise,
    NotFound(wish_not_found), Conflict(changed_meanwhile, wish_not_waiting).
    """
    entry = _stored(tx, request.id, request.version, WishState.WAITING)
    wish = _to_wish(entry)
    had = None if entry.visit_id is None else rows.get(tx, entry.visit_id)
    if had is not None and had.status in rules.BOOKABLE:
        to = Reschedule(had.id, had.version, request.start, wish.length, request.practitioner_id, request.room_id)
        visit = move(tx, had, to)
    else:
        booking = BookAppointment(
            entry.patient_id, request.practitioner_id, request.start, wish.length, wish.type_id, request.room_id,
            request.reason,
        )  # fmt: skip
        visit = put(tx, booking, {})
    entry.state, entry.filled_by = WishState.FULFILLED.value, visit.id
    return Filled(visit, _changed(tx, entry))


# ---- parts ---------------------------------------------------------------------------------------------------------


def _checked(tx: Tx, patient_id: UUID, wish: Wish) -> dict[str, Any]:
    rules.check_length(Interval(tx.now, tx.now + min(wish.length, 2 * rules.LONGEST)))
    if wish.length % _MINUTE:
        raise InvalidInput("whole_minutes", field="length")
    if len(wish.practitioner_ids) > MOST_PRACTITIONERS:
        raise InvalidInput("too_many", field="practitioner_ids", most=MOST_PRACTITIONERS)
    for weekday in wish.weekdays:
        check_range(weekday, "weekdays", 0, 6)
    check_range(wish.from_minute, "from_minute", 0, MINUTES_A_DAY - 1)
    check_range(wish.to_minute, "to_minute", 1, MINUTES_A_DAY)
    minutes = wish.length // _MINUTE
    if wish.to_minute - wish.from_minute < minutes:
        raise InvalidInput("ends_before_start", field="to_minute")
    if wish.earliest is not None and wish.latest is not None and wish.latest < wish.earliest:
        raise InvalidInput("ends_before_start", field="latest")
    _check_people(tx, patient_id, wish)
    return {
        "practitioner_ids": ",".join(sorted({id_.hex for id_ in wish.practitioner_ids})),
        "type_id": wish.type_id,
        "minutes": minutes,
        "weekdays": sum(1 << day for day in wish.weekdays) or _EVERY_DAY,
        "from_minute": wish.from_minute,
        "to_minute": wish.to_minute,
        "earliest": wish.earliest,
        "latest": wish.latest,
        "priority": _PRIORITIES.index(wish.priority),
        "note": one_line(wish.note, "note", REASON_MOST),
        "visit_id": wish.visit_id,
    }


def _check_people(tx: Tx, patient_id: UUID, wish: Wish) -> None:
    for practitioner_id in wish.practitioner_ids:
        check_meeting(tx, patient_id, practitioner_id, None, wish.type_id)
    if not wish.practitioner_ids:
        check_patient(tx, patient_id, wish.type_id)
    if wish.visit_id is not None and rows.get(tx, wish.visit_id).patient_id != patient_id:
        raise NotFound("visit_not_found")


def _stored(tx: Tx, id_: UUID, version: int, state: WishState | None = None) -> WaitlistEntry:
    entry = tx.session.get(WaitlistEntry, id_)
    if entry is None:
        raise NotFound("wish_not_found")
    if entry.version != version:
        raise Conflict("changed_meanwhile")
    if state is not None and entry.state != state.value:
        raise Conflict("wish_not_waiting")
    return entry


def _changed(tx: Tx, entry: WaitlistEntry) -> WishRow:
    tx.record(Change.updated(entry, entry.patient_id))
    tx.session.flush()
    return _get(tx, entry.id)


def _get(tx: Tx, id_: UUID) -> WishRow:
    found = tx.connection.execute(ENTRIES.where(_e.id == id_)).one_or_none()
    if found is None:
        raise NotFound("wish_not_found")
    return _to_row(found)


def _would_go_to(practitioner_id: UUID) -> Any:
    return or_(_e.practitioner_ids == "", _e.practitioner_ids.contains(practitioner_id.hex))


def _behind(cursor: str) -> UUID:
    (last,) = decode_cursor(cursor, str)
    try:
        return UUID(str(last))
    except ValueError as error:
        raise InvalidInput("cursor_not_right", field="cursor") from error


def _to_row(found: Any) -> WishRow:
    return WishRow(
        found.id, found.patient_id, found.number, found.given, found.family, _to_wish(found), WishState(found.state),
        found.filled_by, found.created_at, found.version,
    )  # fmt: skip


def _to_wish(entry: Any) -> Wish:
    days = frozenset(day for day in range(7) if entry.weekdays >> day & 1)
    return Wish(
        entry.minutes * _MINUTE, tuple(UUID(hex=id_) for id_ in entry.practitioner_ids.split(",") if id_),
        entry.type_id, frozenset() if entry.weekdays == _EVERY_DAY else days, entry.from_minute, entry.to_minute,
        entry.earliest, entry.latest, _PRIORITIES[entry.priority], entry.note, entry.visit_id,
    )  # fmt: skip


def _busy(tx: Tx, entries: Sequence[WishRow], free: Interval) -> Mapping[UUID, list[tuple[UUID, Interval]]]:
    """What the patients have at that time already."""
    taken: dict[UUID, list[tuple[UUID, Interval]]] = defaultdict(list)
    query = select(_v.id, _v.patient_id, _v.start, _v.end).where(
        _v.patient_id.in_({entry.patient_id for entry in entries}),
        _v.start > free.start - rules.LONGEST,
        _v.start < free.end,
        _v.end > free.start,
        _v.status.in_(sorted(rules.HOLDING)),
    )
    if entries:
        for id_, patient_id, start, end in tx.connection.execute(query):
            taken[patient_id].append((id_, Interval(start, end)))
    return taken


def _is_taken(tx: Tx, practitioner_id: UUID, when: Interval) -> bool:
    """Whether a visit holds some of the practitioner's time."""
    query = select(_v.id).where(
        _v.practitioner_id == practitioner_id,
        _v.start > when.start - rules.LONGEST,
        _v.start < when.end,
        _v.end > when.start,
        _v.status.in_(sorted(rules.HOLDING)),
        ~_v.overbooked,
    )
    return tx.connection.scalar(query.limit(1)) is not None


def _had(tx: Tx, entries: Iterable[WishRow]) -> dict[UUID, datetime]:
    """When the visits begin that some would have earlier, as far as they can still be moved."""
    ids = {entry.wish.visit_id for entry in entries if entry.wish.visit_id is not None}
    if not ids:
        return {}
    query = select(_v.id, _v.start).where(_v.id.in_(ids), _v.status.in_(sorted(rules.BOOKABLE)))
    return {row.id: row.start for row in tx.connection.execute(query)}


def _worse(entry: WishRow, practitioner_id: UUID, free: Interval) -> tuple[int, bool, timedelta, UUID]:
    return (
        -_PRIORITIES.index(entry.wish.priority),
        practitioner_id not in entry.wish.practitioner_ids,
        free.length - entry.wish.length,
        entry.id,
    )


def _reasons(entry: WishRow, practitioner_id: UUID, free: Interval, longest: UUID | None) -> tuple[str, ...]:
    facts = {
        "urgent": entry.wish.priority is not Priority.ROUTINE,
        "asked_for_practitioner": practitioner_id in entry.wish.practitioner_ids,
        "exact_fit": entry.wish.length == free.length,
        "longest_waiting": entry.id == longest,
    }
    return tuple(code for code, holds in facts.items() if holds)
