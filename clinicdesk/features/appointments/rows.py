"""Visits as rows: the one way in which they are read, and the one way in which they are stored and recorded.

The statements are Core and take only the columns that are needed: a day's calendar and a booking are the hot paths.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    bindparam,
    column,
    insert,
    literal_column,
    select,
    text,
    union_all,
    update,
    values,
)
from sqlalchemy.exc import IntegrityError, OperationalError

from clinicdesk.core.errors import Conflict, NotFound
from clinicdesk.core.model import UtcDateTime
from clinicdesk.core.tx import Action, Change, Tx
from clinicdesk.features.appointments.models import ASIDE, HOLDS, OPEN, Appointment, AppointmentType
from clinicdesk.features.appointments.rules import HOLDING, LONGEST
from clinicdesk.features.appointments.schemas import AppointmentRow, ListedVisit, SlotTaken, Status
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.practitioners.models import Practitioner, Room
from clinicdesk.features.practitioners.schemas import Interval, full_name

VISIT: FromClause = Appointment.__table__
_PATIENT: FromClause = Patient.__table__
_PRACTITIONER: FromClause = Practitioner.__table__
_ROOM: FromClause = Room.__table__
_TYPE: FromClause = AppointmentType.__table__
_v = VISIT.c

_PARTIES = (
    VISIT.join(_PATIENT, _PATIENT.c.id == _v.patient_id)
    .join(_PRACTITIONER, _PRACTITIONER.c.id == _v.practitioner_id)
    .outerjoin(_ROOM, _ROOM.c.id == _v.room_id)
    .outerjoin(_TYPE, _TYPE.c.id == _v.type_id)
)
VISITS: Select[Any] = (
    select(
        _v.id, _v.patient_id, _PATIENT.c.number, _PATIENT.c.given, _PATIENT.c.family,
        _v.practitioner_id,
        _PRACTITIONER.c.prefix, _PRACTITIONER.c.given, _PRACTITIONER.c.family, _PRACTITIONER.c.suffix,
        _v.room_id, _ROOM.c.name, _v.type_id, _TYPE.c.name, _TYPE.c.colour,
        _v.start, _v.end, _v.status, _v.confirmed, _v.reason, _v.cancel_reason,
        _v.overbooked, _v.overbook_reason, _v.patient_overlap,
        _v.arrived_at, _v.checked_in_at, _v.started_at, _v.ended_at, _v.version, _v.series_id,
    )
    .select_from(_PARTIES)
)  # fmt: skip
"""Every visit with the names that a row needs, to be narrowed by `where`."""

LISTED: Select[Any] = (
    select(
        _v.id, _v.patient_id, _PATIENT.c.number, _PATIENT.c.given, _PATIENT.c.family,
        _v.practitioner_id,
        _PRACTITIONER.c.prefix, _PRACTITIONER.c.given, _PRACTITIONER.c.family, _PRACTITIONER.c.suffix,
        _v.room_id, _ROOM.c.name, _v.type_id, _TYPE.c.name, _TYPE.c.colour,
        _v.start, _v.end, _v.status, _v.confirmed, _v.overbooked,
        _v.arrived_at, _v.checked_in_at, _v.started_at, _v.ended_at, _v.version, _v.series_id,
    )
    .select_from(_PARTIES)
)  # fmt: skip
"""The same with what a list shows alone."""

IS_ASIDE, IS_OPEN = (_v.status.in_([literal_column(f"'{status}'") for status in few]) for few in (ASIDE, OPEN))
"""Said in a query beside the states that are looked for, it lets the database use the index of these alone."""

_INSERT = insert(Appointment.__table__)  # type: ignore[arg-type]
_STATUS = {status.value: status for status in Status}
_HOLDING = {status.value for status in HOLDING}
_TIME = ("status", "start", "end", "practitioner_id", "patient_id", "room_id")
_TAKEN = re.compile(r"slot_taken_(\w+)")
"""The rule of the database that a visit broke, as a trigger's message or the name of a constraint."""
_DEADLOCK = "40P01"
"""PostgreSQL: two visits met in the constraint although the times were claimed (by whoever booked several at once)."""


def to_row(values: Sequence[Any]) -> AppointmentRow:
    """A result of VISITS as the row that leaves the session."""
    (
        id_, patient_id, number, given, family, practitioner_id, prefix, first, last, suffix, room_id, room, type_id,
        type_name, colour, start, end, status, *rest,
    ) = values  # fmt: skip
    return AppointmentRow(
        id_, patient_id, number, given, family, practitioner_id, full_name(prefix, first, last, suffix), room_id,
        room or "", type_id, type_name or "", colour or "", start, end, _STATUS[status], *rest,
    )  # fmt: skip


def to_listed(values: Sequence[Any]) -> ListedVisit:
    """A result of LISTED as the row that leaves the session."""
    (
        id_, patient_id, number, given, family, practitioner_id, prefix, first, last, suffix, room_id, room, type_id,
        type_name, colour, start, end, status, *rest,
    ) = values  # fmt: skip
    return ListedVisit(
        id_, patient_id, number, given, family, practitioner_id, full_name(prefix, first, last, suffix), room_id,
        room or "", type_id, type_name or "", colour or "", start, end, _STATUS[status], *rest,
    )  # fmt: skip


def read(tx: Tx, statement: Select[Any]) -> tuple[AppointmentRow, ...]:
    """The visits that a narrowed VISITS finds."""
    return tuple(map(to_row, tx.connection.execute(statement)))


def get(tx: Tx, id_: UUID, version: int | None = None) -> AppointmentRow:
    """One visit. Raises NotFound(visit_not_found), or Conflict(changed_meanwhile) if it is not at `version` any more."""
    found = read(tx, VISITS.where(_v.id == id_))
    if not found:
        raise NotFound("visit_not_found")
    if version is not None and found[0].version != version:
        raise Conflict("changed_meanwhile")
    return found[0]


def reach(tx: Tx, id_: UUID, version: int | None = None) -> AppointmentRow:
    """One visit for a verb that is about its patient, whom the caller has to reach. Raises what `get` raises, NotPermitted."""
    visit = get(tx, id_)
    tx.reach(visit.patient_id)
    if (
        version is not None and visit.version != version
    ):  # whoever may not see the visit is not told that it has changed
        raise Conflict("changed_meanwhile")
    return visit


def shown(tx: Tx, visit: AppointmentRow) -> AppointmentRow:
    """The visit as the caller may see it: what the desk notes about bending its rules is not for the patient."""
    if tx.own_patient is None:
        return visit
    return replace(visit, overbooked=False, overbook_reason="", patient_overlap=False)


def add(tx: Tx, values: Mapping[str, Any], note: str = "", *, retry: bool = False) -> None:
    """Store a new visit, given by all its columns, and record it. Raises SlotTaken.

    With `retry` the transaction stays usable after SlotTaken, so that an overridden one can be tried.
    """
    _claim_time(tx, values)
    _store(tx, _INSERT, values, retry=retry)
    tx.record(Change("appointment", values["id"], Action.CREATE, None, values, values["patient_id"], note))


def add_all(tx: Tx, visits: Sequence[Mapping[str, Any]]) -> None:
    """Store and record many new visits, for a verb that has the clinic alone. Raises SlotTaken."""
    if visits:
        _store(tx, _INSERT, visits)
    for visit in visits:
        tx.record(Change("appointment", visit["id"], Action.CREATE, None, visit, visit["patient_id"]))


def taken(
    tx: Tx, times: Sequence[Interval], practitioner_id: UUID, room_id: UUID | None, patient_id: UUID
) -> dict[int, str]:
    """Which of the times are held by other visits, by their places, and of whom: what SlotTaken says, as long as nobody else
    writes."""
    if not times:
        return {}
    asked = (
        values(
            column("nth", Integer), column("low", UtcDateTime), column("opens", UtcDateTime),
            column("closes", UtcDateTime), name="asked",
        )
        .data([(nth, time.start - LONGEST, time.start, time.end) for nth, time in enumerate(times)])
        .cte("asked")
    )  # fmt: skip
    holding = text(HOLDS)
    held: list[tuple[str, ColumnElement[bool], Any]] = [
        ("practitioner", _v.practitioner_id == practitioner_id, holding)
    ]
    if room_id is not None:
        held.append(("room", (_v.room_id == room_id) & _v.room_id.is_not(None), holding))
    held.append(("patient", (_v.patient_id == patient_id) & ~_v.patient_overlap, _v.status.in_(sorted(HOLDING))))
    looks = [
        select(asked.c.nth, literal_column(f"'{what}'")).join_from(
            asked, VISIT, whose & (_v.start > asked.c.low) & (_v.start < asked.c.closes) & (_v.end > asked.c.opens)
        ).where(holds)
        for what, whose, holds in held
    ]  # fmt: skip
    found: dict[int, str] = {}
    order = [what for what, _, _ in held]
    for nth, what in sorted(tx.connection.execute(union_all(*looks)), key=lambda one: order.index(one[1])):
        found.setdefault(nth, what)
    return found


def change_all(
    tx: Tx, changes: Sequence[tuple[AppointmentRow, Sequence[Mapping[str, Any]]]], note: str = ""
) -> tuple[AppointmentRow, ...]:
    """Store new values of many visits in this order, each in one or more steps that are recorded as calls of `change` are, for
    a verb that has the clinic alone; gives the visits as they are then. Raises SlotTaken, Conflict(changed_meanwhile)."""
    stored: list[tuple[UUID, int, dict[str, Any]]] = []
    for visit, steps in changes:
        now: dict[str, Any] = {}
        version = visit.version
        for step in steps:
            new = {name: value for name, value in step.items() if now.get(name, getattr(visit, name)) != value}
            if new:
                old = {name: now.get(name, getattr(visit, name)) for name in new} | {"version": version}
                version += 1
                now |= new
                patient_id = now.get("patient_id", visit.patient_id)
                tx.record(
                    Change("appointment", visit.id, Action.UPDATE, old, new | {"version": version}, patient_id, note)
                )
        if now:
            stored.append((visit.id, visit.version, now | {"version": version}))
    # One statement for as many as change the same columns: the order is kept, which visits in each other's way depend on.
    for names, alike in groupby(stored, key=lambda one: tuple(one[2])):
        at_version = (
            update(Appointment.__table__)  # type: ignore[arg-type]
            .where(_v.id == bindparam("of_id"), _v.version == bindparam("at_version"))
            .values({name: bindparam(f"new_{name}") for name in names})
        )
        _store(
            tx,
            at_version,
            [
                {"of_id": id_, "at_version": version} | {f"new_{name}": value for name, value in now.items()}
                for id_, version, now in alike
            ],
        )
    found = {visit.id: visit for visit in read(tx, VISITS.where(_v.id.in_([visit.id for visit, _ in changes])))}
    if any(found[id_].version != now["version"] for id_, _, now in stored):
        raise Conflict("changed_meanwhile")
    return tuple(found[visit.id] for visit, _ in changes)


def change(
    tx: Tx, visit: AppointmentRow, values: Mapping[str, Any], note: str = "", *, retry: bool = False
) -> AppointmentRow:
    """Store new values of a visit and record what differs; returns it as it is now. Raises SlotTaken."""
    new = {name: value for name, value in values.items() if getattr(visit, name) != value}
    if not new:
        return visit
    before = {name: getattr(visit, name) for name in (*_TIME, *new)}
    write(tx, visit.id, before | {"patient_id": visit.patient_id, "version": visit.version}, new, note, retry=retry)
    return get(tx, visit.id)


def write(
    tx: Tx, id_: UUID, before: Mapping[str, Any], new: Mapping[str, Any], note: str = "", *, retry: bool = False
) -> None:
    """Store new values of some columns of a visit, and record old and new. Raises SlotTaken, and Conflict(changed_meanwhile)
    where the visit does not stand at the version that it had `before`.

    `before` holds at least the columns that are written, those that say what time it holds, its patient and its version.
    """
    old = {name: before[name] for name in new} | {"version": before["version"]}
    new = {**new, "version": before["version"] + 1}
    _claim_time(tx, {**before, **new})
    at_version = update(Appointment.__table__).where(_v.id == id_, _v.version == before["version"])  # type: ignore[arg-type]
    _store(tx, at_version, new, retry=retry)
    tx.record(Change("appointment", id_, Action.UPDATE, old, new, new.get("patient_id", before["patient_id"]), note))


def _claim_time(tx: Tx, values: Mapping[str, Any]) -> None:
    """Let those who want the same time of the same people or room decide it one after the other.

    The constraint of the database would decide too, but two who meet in it at one moment may wait for each other.
    """
    if values["status"] not in _HOLDING:
        return
    days = {values["start"].date(), values["end"].date()}
    parties = (values["practitioner_id"], values["patient_id"], values["room_id"])
    tx.claim(*(f"{party}/{day}" for party in parties if party is not None for day in days))


def _store(
    tx: Tx, statement: Any, values: Mapping[str, Any] | Sequence[Mapping[str, Any]], *, retry: bool = False
) -> None:
    one = values if isinstance(values, Mapping) else {}
    try:
        if retry:
            with tx.connection.begin_nested():
                stored = tx.connection.execute(statement, values)
        else:
            stored = tx.connection.execute(statement, values)
    except IntegrityError as refusal:
        taken = _TAKEN.search(str(refusal.orig))
        if taken is None:
            raise
        raise SlotTaken(what=taken[1], start=one.get("start"), end=one.get("end")) from None
    except OperationalError as failure:
        if getattr(failure.orig, "sqlstate", None) != _DEADLOCK:
            raise
        raise SlotTaken(what="practitioner", start=one.get("start"), end=one.get("end")) from None
    if one and stored.rowcount == 0:
        raise Conflict("changed_meanwhile")
