"""Kinds of visit: their names, lengths and colours."""

from __future__ import annotations

import re
from uuid import UUID

from sqlalchemy import select

from clinicdesk.core.errors import Conflict, InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Change, Tx, verb
from clinicdesk.features.appointments.models import AppointmentType
from clinicdesk.features.appointments.schemas import SaveType, TypeRow
from clinicdesk.features.practitioners.rules import LAST_POSITION, MINUTES_A_DAY, check_range

CODES = ("CHECKUP", "EMERGENCY", "FOLLOWUP", "ROUTINE", "WALKIN")
"""HL7 v2-0276 appointment reasons."""

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_EDITABLE = ("name", "short", "minutes", "colour", "code", "position", "active")


@verb(Permission.SEE_OPENINGS, writes=False)
def list_types(tx: Tx, include_inactive: bool = False) -> list[TypeRow]:
    """The kinds of visit in the clinic's order; those out of use are shown to whoever sees the calendar."""
    c = AppointmentType.__table__.c
    query = select(*(c[name] for name in TypeRow.__slots__)).order_by(c.position, c.name)
    if not (include_inactive and tx.actor.may(Permission.SEE_CALENDAR)):
        query = query.where(c.active)
    return [TypeRow(*row) for row in tx.session.execute(query)]


@verb(Permission.MANAGE_TYPES)
def save_type(tx: Tx, request: SaveType) -> TypeRow:
    """Add a kind of visit or change one; visits that are booked keep their length.

    Raises InvalidInput (empty, too_long, name_taken, out_of_range, not_a_colour, unknown_code), NotFound(type_not_found),
    Conflict(changed_meanwhile).
    """
    name = one_line(request.name, "name", 80, required=True)
    short = one_line(request.short, "short", 12).replace(" ", "").lower()
    check_range(request.minutes, "minutes", 1, MINUTES_A_DAY)
    if not _COLOUR.fullmatch(request.colour):
        raise InvalidInput("not_a_colour", field="colour")
    if request.code not in CODES:
        raise InvalidInput("unknown_code", field="code")
    check_range(request.position, "position", 0, LAST_POSITION)
    _check_name(tx, name, request.id)
    values = {
        "name": name, "short": short, "minutes": request.minutes, "colour": request.colour.upper(),
        "code": request.code, "position": request.position, "active": request.active,
    }  # fmt: skip
    if request.id is None:
        row = AppointmentType(id=new_id(), version=1, **values)
        tx.session.add(row)
        tx.record(Change.created(row))
    else:
        row = _stored(tx, request.id, request.version)
        for field, value in values.items():
            setattr(row, field, value)
        tx.record(Change.updated(row))
    tx.session.flush()
    return TypeRow(id=row.id, version=row.version, **{field: getattr(row, field) for field in _EDITABLE})


def _stored(tx: Tx, id_: UUID, version: int) -> AppointmentType:
    row = tx.session.get(AppointmentType, id_)
    if row is None:
        raise NotFound("type_not_found")
    if row.version != version:
        raise Conflict("changed_meanwhile")
    return row


def _check_name(tx: Tx, name: str, id_: UUID | None) -> None:
    c = AppointmentType.__table__.c
    for other, taken in tx.session.execute(select(c.id, c.name)):
        if taken.casefold() == name.casefold() and other != id_:
            raise InvalidInput("name_taken", field="name")
