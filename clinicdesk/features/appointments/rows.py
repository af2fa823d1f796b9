"""Visits as rows: the one way in which they are read, and the one way in which they are stored and recorded.

The statements are Core and take only the columns that are needed: a day's calendar and a booking are the hot paths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from clinicdesk.core.errors import Conflict, NotFound
from clinicdesk.core.tx import Action, Change, Tx
from clinicdesk.features.appointments.models import Appointment, AppointmentType
from clinicdesk.features.appointments.schemas import AppointmentRow, SlotTaken, Status
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.practitioners.models import Practitioner, Room
from clinicdesk.features.practitioners.schemas import full_name

VISIT: FromClause = Appointment.__table__
_PATIENT: FromClause = Patient.__table__
_PRACTITIONER: FromClause = Practitioner.__table__
_ROOM: FromClause = Room.__table__
_TYPE: FromClause = AppointmentType.__table__
_v = VISIT.c

VISITS: Select[Any] = (
    select(
        _v.id, _v.patient_id, _PATIENT.c.number, _PATIENT.c.given, _PATIENT.c.family,
        _v.practitioner_id,
        _PRACTITIONER.c.prefix, _PRACTITIONER.c.given, _PRACTITIONER.c.family, _PRACTITIONER.c.suffix,
        _v.room_id, _ROOM.c.name, _v.type_id, _TYPE.c.name, _TYPE.c.colour,
        _v.start, _v.end, _v.status, _v.confirmed, _v.reason, _v.cancel_reason,
        _v.overbooked, _v.overbook_reason, _v.patient_overlap,
        _v.arrived_at, _v.checked_in_at, _v.started_at, _v.ended_at, _v.version,
    )
    .join_from(VISIT, _PATIENT, _PATIENT.c.id == _v.patient_id)
    .join(_PRACTITIONER, _PRACTITIONER.c.id == _v.practitioner_id)
    .outerjoin(_ROOM, _ROOM.c.id == _v.room_id)
    .outerjoin(_TYPE, _TYPE.c.id == _v.type_id)
)  # fmt: skip
"""Every visit with the names that a row needs, to be narrowed by `where`."""

_INSERT = insert(Appointment.__table__)  # type: ignore[arg-type]
_STATUS = {status.value: status for status in Status}


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


def add(tx: Tx, values: Mapping[str, Any], note: str = "", *, retry: bool = False) -> None:
    """Store a new visit, given by all its columns, and record it. Raises SlotTaken.

    With `retry` the transaction stays usable after SlotTaken, so that an overridden one can be tried.
    """
    _store(tx, _INSERT, values, retry=retry)
    tx.record(Change("appointment", values["id"], Action.CREATE, None, values, values["patient_id"], note))


def change(
    tx: Tx, visit: AppointmentRow, values: Mapping[str, Any], note: str = "", *, retry: bool = False
) -> AppointmentRow:
    """Store new values of a visit and record what differs; returns it as it is now. Raises SlotTaken."""
    new = {name: value for name, value in values.items() if getattr(visit, name) != value}
    if not new:
        return visit
    old = {name: getattr(visit, name) for name in new}
    write(tx, visit.id, visit.patient_id, visit.version, old, new, note, retry=retry)
    return get(tx, visit.id)


def write(
    tx: Tx,
    id_: UUID,
    patient_id: UUID,
    version: int,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    note: str = "",
    *,
    retry: bool = False,
) -> None:
    """Store new values of some columns of the visit that stands at `version`, and record old and new. Raises SlotTaken."""
    old = {**old, "version": version}
    new = {**new, "version": version + 1}
    _store(tx, update(Appointment.__table__).where(_v.id == id_), new, retry=retry)  # type: ignore[arg-type]
    tx.record(Change("appointment", id_, Action.UPDATE, old, new, patient_id, note))


def _store(tx: Tx, statement: Any, values: Mapping[str, Any], *, retry: bool) -> None:
    try:
        if retry:
            with tx.session.begin_nested():
                tx.connection.execute(statement, values)
        else:
            tx.connection.execute(statement, values)
    except IntegrityError as refusal:
        taken = str(refusal.orig).partition("slot_taken:")[2]
        if not taken:
            raise
        raise SlotTaken(what=taken, start=values.get("start"), end=values.get("end")) from None
