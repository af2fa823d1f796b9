"""Puts visits into the book and moves them in it. Whether a time is free is decided by the database alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, func, select, true

from clinicdesk.core.clinic import Clinic
from clinicdesk.core.clock import in_utc
from clinicdesk.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Tx, verb
from clinicdesk.features.appointments import rows, rules
from clinicdesk.features.appointments.models import REASON_MOST, AppointmentType
from clinicdesk.features.appointments.openings import GRID, next_opening, openings_around
from clinicdesk.features.appointments.schemas import (
    AppointmentRow,
    BookAppointment,
    EditAppointment,
    OutsideHours,
    Reschedule,
    SlotTaken,
    Status,
)
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.practitioners.models import Practitioner, Room
from clinicdesk.features.practitioners.rules import days_between
from clinicdesk.features.practitioners.schemas import Interval, WorkingDay, full_name
from clinicdesk.features.practitioners.service import working_days

T = TypeVar("T")

_patient, _practitioner = Patient.__table__.c, Practitioner.__table__.c
_room, _type = Room.__table__.c, AppointmentType.__table__.c

_PARTIES = (
    select(
        _patient.number, _patient.given, _patient.family, _patient.active, _patient.deceased, _patient.merged_into_id,
        _practitioner.id, _practitioner.prefix, _practitioner.given, _practitioner.family, _practitioner.suffix,
        _practitioner.active, _room.id, _room.name, _room.active,
        _type.id, _type.name, _type.colour, _type.active, _type.minutes, Clinic.__table__.c.zone,
    )
    .select_from(Patient.__table__)
    .outerjoin(Practitioner.__table__, _practitioner.id == bindparam("practitioner_id"))
    .outerjoin(Room.__table__, _room.id == func.coalesce(bindparam("room_id", type_=_room.id.type), _practitioner.room_id))
    .outerjoin(AppointmentType.__table__, and_(true(), _type.id == bindparam("type_id")))
    .outerjoin(Clinic.__table__, true())
    .where(_patient.id == bindparam("patient_id"))
)  # fmt: skip


class _Parties(NamedTuple):
    """Who and what meets in a visit, by one query. What is not there is None."""

    patient_number: str
    patient_given: str
    patient_family: str
    patient_active: bool
    deceased: bool
    merged_into: UUID | None
    practitioner_id: UUID | None
    prefix: str
    given: str
    family: str
    suffix: str
    practitioner_active: bool
    room_id: UUID | None
    room_name: str | None
    room_active: bool
    type_id: UUID | None
    type_name: str | None
    type_colour: str | None
    type_active: bool
    type_minutes: int | None
    zone: str | None
    """The clinic's; None before its first start is over."""

    @property
    def practitioner_name(self) -> str:
        return full_name(self.prefix, self.given, self.family, self.suffix)


class Known:
    """What a verb that has the clinic alone for many visits reads once for all of them: working days, and who is to meet."""

    def __init__(self, days: Iterable[WorkingDay]) -> None:
        self.days = {(working.practitioner_id, working.day): working for working in days}
        self.parties: dict[tuple[UUID, UUID, UUID | None, UUID | None], _Parties] = {}


def _parties(
    tx: Tx,
    patient_id: UUID,
    practitioner_id: UUID,
    room_id: UUID | None,
    type_id: UUID | None,
    known: Known | None = None,
) -> _Parties:
    """Who and what is to meet. A practitioner's own room that is out of use is left out; one that was asked for is refused."""
    if known is None:
        return _read_parties(tx, patient_id, practitioner_id, room_id, type_id)
    who = (patient_id, practitioner_id, room_id, type_id)
    if who not in known.parties:
        known.parties[who] = _read_parties(tx, *who)
    return known.parties[who]


def _read_parties(
    tx: Tx, patient_id: UUID, practitioner_id: UUID, room_id: UUID | None, type_id: UUID | None
) -> _Parties:
    found = tx.connection.execute(
        _PARTIES,
        {"patient_id": patient_id, "practitioner_id": practitioner_id, "room_id": room_id, "type_id": type_id},
    ).one_or_none()
    if found is None:
        raise NotFound("patient_not_found")
    parties = _Parties._make(found)
    if parties.practitioner_id is None:
        raise NotFound("practitioner_not_found")
    if room_id is not None and parties.room_id is None:
        raise NotFound("room_not_found")
    if type_id is not None and parties.type_id is None:
        raise NotFound("type_not_found")
    if parties.room_id is not None and not parties.room_active:
        if room_id is not None:
            raise Conflict("room_inactive", room=parties.room_name)
        parties = parties._replace(room_id=None, room_name=None)
    return parties


def _check_parties(parties: _Parties) -> None:
    if parties.merged_into is not None:
        raise Conflict("patient_merged", merged_into=parties.merged_into)
    if parties.deceased:
        raise Conflict("patient_deceased")
    if not parties.patient_active:
        raise Conflict("patient_inactive")
    if not parties.practitioner_active:
        raise Conflict("practitioner_inactive", practitioner=parties.practitioner_name)
    if parties.type_id is not None and not parties.type_active:
        raise Conflict("type_inactive", type=parties.type_name)


def check_meeting(
    tx: Tx, patient_id: UUID, practitioner_id: UUID, room_id: UUID | None = None, type_id: UUID | None = None
) -> UUID | None:
    """The room in which these meet. Raises NotFound and Conflict as `book` does, where they cannot at whatever time."""
    parties = _parties(tx, patient_id, practitioner_id, room_id, type_id)
    _check_parties(parties)
    return parties.room_id


def check_patient(tx: Tx, patient_id: UUID, type_id: UUID | None = None) -> None:
    """Raises NotFound and Conflict as `book` does, where no visit of this type can be booked for the patient."""
    patient = tx.connection.execute(
        select(_patient.active, _patient.deceased, _patient.merged_into_id).where(_patient.id == patient_id)
    ).one_or_none()
    if patient is None:
        raise NotFound("patient_not_found")
    if patient.merged_into_id is not None:
        raise Conflict("patient_merged", merged_into=patient.merged_into_id)
    if patient.deceased:
        raise Conflict("patient_deceased")
    if not patient.active:
        raise Conflict("patient_inactive")
    if type_id is not None:
        kind = tx.connection.execute(select(_type.name, _type.active).where(_type.id == type_id)).one_or_none()
        if kind is None:
            raise NotFound("type_not_found")
        if not kind.active:
            raise Conflict("type_inactive", type=kind.name)


def _require(tx: Tx, permission: Permission) -> None:
    if not tx.actor.may(permission):
        raise NotPermitted(verb=tx.verb, permission=permission.value)


def _check_when(
    tx: Tx,
    parties: _Parties,
    practitioner_id: UUID,
    when: Interval,
    *,
    outside_hours: bool,
    known: Known | None = None,
) -> None:
    if parties.zone is None:
        if not outside_hours:
            raise NotFound("clinic_not_set_up")
        _require(tx, Permission.OVERBOOK)  # an import before the first start: nobody has hours yet
        return
    check_hours(tx, practitioner_id, when, ZoneInfo(parties.zone), outside_hours=outside_hours, known=known)


def check_hours(
    tx: Tx, practitioner_id: UUID, when: Interval, zone: ZoneInfo, *, outside_hours: bool, known: Known | None = None
) -> None:
    """The time must lie in the practitioner's hours, unless that was seen and may be overridden. Raises OutsideHours,
    NotPermitted.

    Whoever asks for many times gives the working days that are `known`, and is not told of openings beside each.
    """
    first, last = (instant.astimezone(zone).date() for instant in (when.start, when.end - timedelta(microseconds=1)))
    touched = [] if known is None else [known.days.get((practitioner_id, day)) for day in days_between(first, last)]
    days = [day for day in touched if day is not None]
    if known is None or len(days) < len(touched):
        days = working_days(tx, (practitioner_id,), first, last, zone)
    cause = rules.why_closed(when, days)
    if cause is None:
        return
    if not outside_hours:
        nearest = openings_around(tx, practitioner_id, when) if known is None else ()
        raise OutsideHours(cause=cause, nearest=nearest)
    _require(tx, Permission.OVERBOOK)


def _claim(
    tx: Tx,
    store: Callable[[dict[str, Any], bool], T],
    values: dict[str, Any],
    overbook_reason: str,
    patient_overlap: bool,
    practitioner_name: str,
) -> T:
    """Store a visit; where its time is taken, again with what was overridden. Raises SlotTaken, NotPermitted.

    An override takes effect only where it is needed: a visit in a free time stands under the constraint, whoever asked.
    """
    while True:
        can_overbook = bool(overbook_reason) and not values["overbooked"]
        can_overlap = patient_overlap and not values["patient_overlap"]
        try:
            return store(values, can_overbook or can_overlap)
        except SlotTaken as taken:
            what = taken.params["what"]
            if what == "patient" and can_overlap:
                values = values | {"patient_overlap": True}
            elif what != "patient" and can_overbook:
                _require(tx, Permission.OVERBOOK)
                values = values | {"overbooked": True, "overbook_reason": overbook_reason}
            else:
                taken.params["practitioner"] = practitioner_name
                raise


@verb(Permission.BOOK, concurrent=True, of_patient=True)
def book(tx: Tx, request: BookAppointment) -> AppointmentRow:
    """Book a visit. Raises SlotTaken, OutsideHours, NotPermitted (an override that the role may not make), InvalidInput
    (in_the_past, ends_before_it_begins, visit_too_short, visit_too_long, status_not_bookable), Conflict (patient_deceased,
    patient_inactive, practitioner_inactive, room_inactive, type_inactive) and NotFound.

    A patient books for themselves, for the length of the type or an hour at most (own_visit_too_long), and overrides nothing.
    """
    tx.reach(request.patient_id)
    if request.status not in rules.BOOKABLE:
        raise InvalidInput("status_not_bookable", field="status")
    if request.status is not Status.BOOKED:
        _keep_from_patients(tx)
    return put(tx, request, {})


def _keep_from_patients(tx: Tx) -> None:
    """What the desk alone may do, within a verb that patients have for their own visits. Raises NotPermitted."""
    if tx.own_patient is not None:
        raise NotPermitted(verb=tx.verb)


def put(tx: Tx, request: BookAppointment, more: Mapping[str, Any]) -> AppointmentRow:
    """Put a visit into the book, with some columns beside what the request says; for verbs, which say whom they may book.

    Raises what `book` raises.
    """
    if request.overbook_reason or request.outside_hours or request.patient_overlap:
        _keep_from_patients(tx)
    start = in_utc(request.start)
    when = Interval(start, start + request.length)
    rules.check_length(when)
    parties = _parties(tx, request.patient_id, request.practitioner_id, request.room_id, request.type_id)
    _check_parties(parties)
    if tx.own_patient is not None:
        rules.check_own_length(when, timedelta(minutes=parties.type_minutes) if parties.type_minutes else None)
    if not tx.actor.may(Permission.CORRECT_VISIT):  # late entry of a visit that took place
        rules.check_not_past(when.start, tx.now)
    _check_when(tx, parties, request.practitioner_id, when, outside_hours=request.outside_hours)
    values = {**new_visit(tx, request, parties.room_id), **more}

    def store(values: dict[str, Any], retry: bool) -> dict[str, Any]:
        rows.add(tx, values, "overbooked" if values["overbooked"] else "", retry=retry)
        return values

    stored = _claim(
        tx,
        store,
        values,
        one_line(request.overbook_reason, "overbook_reason", REASON_MOST),
        request.patient_overlap,
        parties.practitioner_name,
    )
    stored = {name: stored[name] for name in AppointmentRow.__slots__ if name in stored}
    return AppointmentRow(
        **stored | {"status": request.status},
        patient_number=parties.patient_number,
        patient_given=parties.patient_given,
        patient_family=parties.patient_family,
        practitioner_name=parties.practitioner_name,
        room_name=parties.room_name or "",
        type_name=parties.type_name or "",
        type_colour=parties.type_colour or "",
    )


def new_visit(tx: Tx, request: BookAppointment, room_id: UUID | None) -> dict[str, Any]:
    """All columns of a visit that is made by a request. Raises InvalidInput for a reason that cannot be stored."""
    start = in_utc(request.start)
    return {
        "id": new_id(),
        "version": 1,
        "patient_id": request.patient_id,
        "practitioner_id": request.practitioner_id,
        "room_id": room_id,
        "type_id": request.type_id,
        "start": start,
        "end": start + request.length,
        "status": request.status.value,
        "confirmed": False,
        "reason": one_line(request.reason, "reason", REASON_MOST),
        "cancel_reason": "",
        "overbooked": False,
        "overbook_reason": "",
        "patient_overlap": False,
        "arrived_at": None,
        "checked_in_at": None,
        "started_at": None,
        "ended_at": None,
        "created_at": tx.now,
        "created_by": tx.actor.user_id,
    }


@verb(Permission.BOOK, concurrent=True)
def walk_in(
    tx: Tx, patient_id: UUID, practitioner_id: UUID, length: timedelta, type_id: UUID | None = None, reason: str = ""
) -> AppointmentRow:
    """Take in a patient who stands at the desk: arrived, with the first free time of today from now (to the 5 minutes) on.

    Raises Conflict(no_opening_today), and what `book` raises.
    """
    opening = next_opening(tx, practitioner_id, tx.now - GRID, length, patient_id=patient_id, days=1)
    if opening is None:
        raise Conflict("no_opening_today")
    request = BookAppointment(
        patient_id, practitioner_id, opening.start, length, type_id, reason=reason, status=Status.ARRIVED
    )
    return put(tx, request, {"arrived_at": tx.now})


@verb(Permission.BOOK, concurrent=True, of_patient=True)
def reschedule(tx: Tx, request: Reschedule) -> AppointmentRow:
    """Give a visit another time, length, practitioner or room. Raises what `book` raises, and Conflict
    (changed_meanwhile; not_movable for a visit that is over; visit_started for one in the room, which can only be stretched).
    A patient moves a visit that is still to come, and cannot stretch it.

    A visit that moves to another time or practitioner leaves its overrides (overbooked, patient overlap) behind. It goes to
    the new practitioner's own room, unless one is given.
    """
    visit = rows.reach(tx, request.id, request.version)
    return rows.shown(tx, move(tx, visit, request))


def move(tx: Tx, visit: AppointmentRow, request: Reschedule, known: Known | None = None) -> AppointmentRow:
    """Move or stretch a visit that was read, for verbs, which say who may. Raises what `reschedule` raises."""
    values, practitioner_name = moved(tx, visit, request, known)

    def store(values: dict[str, Any], retry: bool) -> AppointmentRow:
        note = "overbooked" if values["overbooked"] and not visit.overbooked else ""
        return rows.change(tx, visit, values, note, retry=retry)

    overbook_reason = one_line(request.overbook_reason, "overbook_reason", REASON_MOST)
    return _claim(tx, store, values, overbook_reason, request.patient_overlap, practitioner_name)


def moved(tx: Tx, visit: AppointmentRow, request: Reschedule, known: Known | None = None) -> tuple[dict[str, Any], str]:
    """What a visit is once it was moved or stretched, if its time is free, and the practitioner's name. Raises what
    `reschedule` raises, but for SlotTaken."""
    if request.overbook_reason or request.outside_hours or request.patient_overlap:
        _keep_from_patients(tx)
    if visit.status in rules.FINAL:
        raise Conflict("not_movable", status=visit.status.value)
    start = visit.start if request.start is None else in_utc(request.start)
    when = Interval(start, start + (visit.end - visit.start if request.length is None else request.length))
    practitioner_id = request.practitioner_id or visit.practitioner_id
    moves = start != visit.start or practitioner_id != visit.practitioner_id
    if moves and visit.in_progress:
        raise Conflict("visit_started")
    rules.check_length(when)
    if tx.own_patient is not None:
        rules.check_not_past(visit.start, tx.now)
        rules.check_own_length(when, visit.end - visit.start)
    room_id = request.room_id or (visit.room_id if practitioner_id == visit.practitioner_id else None)
    parties = _parties(tx, visit.patient_id, practitioner_id, room_id, None, known)
    if practitioner_id == visit.practitioner_id and request.room_id is None:
        parties = parties._replace(room_id=visit.room_id)  # a visit without a room does not gain one by being moved
    _check_parties(parties)
    if start != visit.start and not tx.actor.may(Permission.CORRECT_VISIT):
        rules.check_not_past(start, tx.now)
    if moves or when != visit.interval:
        _check_when(tx, parties, practitioner_id, when, outside_hours=request.outside_hours, known=known)
    values: dict[str, Any] = {
        "start": when.start,
        "end": when.end,
        "practitioner_id": practitioner_id,
        "room_id": parties.room_id,
        "overbooked": visit.overbooked and not moves,
        "overbook_reason": "" if moves else visit.overbook_reason,
        "patient_overlap": visit.patient_overlap and not moves,
    }
    return values, parties.practitioner_name


@verb(Permission.BOOK, concurrent=True, of_patient=True)
def edit(tx: Tx, request: EditAppointment) -> AppointmentRow:
    """Change what a visit is for, or whether the patient has confirmed it. Raises Conflict (changed_meanwhile, type_inactive),
    NotFound, NotPermitted (the type is the desk's to change)."""
    visit = rows.reach(tx, request.id, request.version)
    if tx.own_patient is not None:
        rules.check_not_past(visit.start, tx.now)
    return rows.shown(tx, alter(tx, visit, request))


def alter(
    tx: Tx,
    visit: AppointmentRow,
    request: EditAppointment,
    more: Mapping[str, Any] = MappingProxyType({}),
    known: Known | None = None,
) -> AppointmentRow:
    """Change what a visit that was read is for, and some columns besides, for verbs, which say who may; raises what `edit`
    raises."""
    return rows.change(tx, visit, {**altered(tx, visit, request, known), **more})


def altered(tx: Tx, visit: AppointmentRow, request: EditAppointment, known: Known | None = None) -> dict[str, Any]:
    """What a visit is for once that was changed. Raises what `edit` raises."""
    if request.type_id is not None and request.type_id != visit.type_id:
        _keep_from_patients(tx)
        parties = _parties(tx, visit.patient_id, visit.practitioner_id, None, request.type_id, known)
        if not parties.type_active:
            raise Conflict("type_inactive", type=parties.type_name)
    return {
        "type_id": request.type_id or visit.type_id,
        "reason": visit.reason if request.reason is None else one_line(request.reason, "reason", REASON_MOST),
        "confirmed": visit.confirmed if request.confirmed is None else request.confirmed,
    }


@verb(Permission.BOOK, concurrent=True, of_patient=True)
def confirm(tx: Tx, id_: UUID, version: int, confirmed: bool = True) -> AppointmentRow:
    """Note that the patient has said yes to the visit (or has taken it back). Raises Conflict(changed_meanwhile), NotFound,
    NotPermitted."""
    rows.reach(tx, id_, version)
    return edit(tx, EditAppointment(id_, version, confirmed=confirmed))
