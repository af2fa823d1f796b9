"""Sites, rooms and practitioners: added, changed, turned off; the places listed as well."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from sqlalchemy import func, select

from clinicdesk.core.errors import Conflict, InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Change, Tx, verb
from clinicdesk.features.practitioners.directory import PRACTITIONERS
from clinicdesk.features.practitioners.models import Practitioner, Room, Site
from clinicdesk.features.practitioners.rules import LAST_POSITION, check_range
from clinicdesk.features.practitioners.schemas import (
    PractitionerRow,
    RoomRow,
    SavePractitioner,
    SaveRoom,
    SaveSite,
    SiteRow,
)

Saved = TypeVar("Saved", Site, Room, Practitioner)


@verb(Permission.SEE_CALENDAR, writes=False)
def list_sites(tx: Tx, include_inactive: bool = False) -> list[SiteRow]:
    """The sites by name."""
    rows = select(Site.id, Site.name, Site.address, Site.active, Site.version).order_by(func.lower(Site.name))
    if not include_inactive:
        rows = rows.where(Site.active)
    return [SiteRow(*row) for row in tx.session.execute(rows)]


@verb(Permission.SEE_CALENDAR, writes=False)
def list_rooms(tx: Tx, include_inactive: bool = False) -> list[RoomRow]:
    """The rooms by site and name."""
    rows = (
        select(Room.id, Room.site_id, Site.name, Room.name, Room.active, Room.version)
        .join(Site, Site.id == Room.site_id)
        .order_by(func.lower(Site.name), func.lower(Room.name))
    )
    if not include_inactive:
        rows = rows.where(Room.active, Site.active)
    return [RoomRow(*row) for row in tx.session.execute(rows)]


@verb(Permission.MANAGE_PRACTITIONERS)
def save_site(tx: Tx, request: SaveSite) -> SiteRow:
    """Add a site or change one. Raises InvalidInput ("empty", "name_taken"), NotFound, Conflict("changed_meanwhile")."""
    site = _stored_or_new(tx, Site, request.id, request.version)
    site.name = one_line(request.name, "name", 120, required=True)
    site.address = one_line(request.address, "address", 250)
    site.active = request.active
    same = select(Site.id).where(func.lower(Site.name) == func.lower(site.name), Site.active, Site.id != site.id)
    if site.active and tx.session.execute(same).first():
        raise InvalidInput("name_taken", field="name")
    _record(tx, site)
    return SiteRow(site.id, site.name, site.address, site.active, site.version)


@verb(Permission.MANAGE_PRACTITIONERS)
def save_room(tx: Tx, request: SaveRoom) -> RoomRow:
    """Add a room or change one. Raises InvalidInput ("empty", "name_taken", "unknown_site"), NotFound, Conflict."""
    site_name = tx.session.scalar(select(Site.name).where(Site.id == request.site_id))
    if site_name is None:
        raise InvalidInput("unknown_site", field="site_id")
    room = _stored_or_new(tx, Room, request.id, request.version)
    room.site_id = request.site_id
    room.name = one_line(request.name, "name", 60, required=True)
    room.active = request.active
    same = select(Room.id).where(
        func.lower(Room.name) == func.lower(room.name), Room.site_id == room.site_id, Room.active, Room.id != room.id
    )
    if room.active and tx.session.execute(same).first():
        raise InvalidInput("name_taken", field="name")
    _record(tx, room)
    return RoomRow(room.id, room.site_id, site_name, room.name, room.active, room.version)


@verb(Permission.MANAGE_PRACTITIONERS)
def save_practitioner(tx: Tx, request: SavePractitioner) -> PractitionerRow:
    """Add a practitioner or change one. Raises InvalidInput ("empty", "out_of_range", "unknown_room"), NotFound, Conflict."""
    if request.room_id is not None and tx.session.scalar(select(Room.id).where(Room.id == request.room_id)) is None:
        raise InvalidInput("unknown_room", field="room_id")
    person = _stored_or_new(tx, Practitioner, request.id, request.version)
    person.family = one_line(request.family, "family", 120, required=True)
    person.given = one_line(request.given, "given", 120)
    person.prefix = one_line(request.prefix, "prefix", 20)
    person.suffix = one_line(request.suffix, "suffix", 20)
    person.specialty = one_line(request.specialty, "specialty", 80)
    person.room_id = request.room_id
    person.position = check_range(request.position, "position", 0, LAST_POSITION)
    person.active = request.active
    _record(tx, person)
    return PractitionerRow(*tx.session.execute(PRACTITIONERS.where(Practitioner.id == person.id)).one())


def _stored_or_new(tx: Tx, model: type[Saved], row_id: UUID | None, version: int) -> Saved:
    """The stored row, or one that is yet to be filled and recorded."""
    if row_id is None:
        return model(id=new_id(), version=1)
    row = tx.session.get(model, row_id)
    if row is None:
        raise NotFound(f"{model.__tablename__}_not_found")
    if row.version != version:
        raise Conflict("changed_meanwhile")
    return row


def _record(tx: Tx, row: Saved) -> None:
    """Say what saving this row changes, and let the database answer."""
    if row in tx.session:
        tx.record(Change.updated(row))
    else:
        tx.session.add(row)
        tx.record(Change.created(row))
    tx.session.flush()
