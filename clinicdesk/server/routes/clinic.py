"""/clinic: the clinic's settings, places, kinds of visit and holidays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Body, Query, Response
from pydantic import Field

from clinicdesk.core.clinic import ClinicRow
from clinicdesk.features.practitioners import service
from clinicdesk.features.practitioners.schemas import (
    AbsenceKind,
    AbsenceRow,
    AddAbsence,
    EditClinic,
    HolidayRow,
    RoomRow,
    SaveRoom,
    SaveSite,
    SiteRow,
)
from clinicdesk.server.etags import IfMatch, etag, tagged
from clinicdesk.server.problems import answers
from clinicdesk.server.routing import router as group
from clinicdesk.server.times import Day, Instant
from clinicdesk.server.units import ReadTx, WriteTx

router = group("/clinic", "clinic")

Inactive = Annotated[bool, Query(description="Whether to list what is out of use as well.")]

_SETTINGS = {
    "defaults": {
        "value": {
            "name": "Harbour Street Clinic", "zone": "Europe/Berlin", "country": "DE", "record_prefix": "HS",
            "auto_lock_minutes": 5, "lockout_failures": 5, "lockout_minutes": 15, "wait_target_minutes": 15,
        }
    }
}  # fmt: skip
_SITE = {"site": {"value": {"name": "Harbour Street", "address": "3 Harbour Street", "active": True}}}
_ROOM = {"room": {"value": {"site_id": "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6071", "name": "Room 2", "active": True}}}
_CLOSED = {
    "closed": {
        "value": {
            "kind": "block", "start": "2026-12-04T14:00:00+01:00", "end": "2026-12-04T18:00:00+01:00", "note": "Training",
        }
    }
}  # fmt: skip
_HOLIDAY = {"holiday": {"value": {"day": "2026-12-24", "name": "Christmas Eve", "closed": True}}}
_CALENDAR = {"bavaria": {"value": {"country": "DE", "year": 2027, "subdivision": "BY"}}}


@dataclass(frozen=True, slots=True)
class ClinicCard:
    """What anybody may know of the clinic; its days begin and end in `zone`, an IANA name."""

    name: str
    zone: str
    country: str


@dataclass(frozen=True, slots=True)
class ClinicValues:
    """The clinic's settings."""

    name: str
    zone: Annotated[str, Field(max_length=64)]
    country: Annotated[str, Field(max_length=2)]
    record_prefix: Annotated[str, Field(max_length=8)]
    auto_lock_minutes: int
    lockout_failures: int
    lockout_minutes: int
    wait_target_minutes: int


@dataclass(frozen=True, slots=True)
class SiteValues:
    """A place where the clinic works."""

    name: str
    address: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class RoomValues:
    """A room that visits are held in."""

    site_id: UUID
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Closure:
    """A time without visits for the whole clinic."""

    kind: AbsenceKind
    start: Instant
    end: Instant
    note: str = ""


@dataclass(frozen=True, slots=True)
class HolidayValues:
    """A holiday; on one that is not `closed` the clinic works."""

    day: Day
    name: str
    closed: bool = True


@dataclass(frozen=True, slots=True)
class PublicHolidays:
    """Whose public holidays to take: an ISO 3166 code, a year, and a state or region where they have their own."""

    country: Annotated[str, Field(max_length=3)]
    year: Annotated[int, Field(ge=1900, le=2199)]
    subdivision: Annotated[str | None, Field(max_length=10)] = None


@dataclass(frozen=True, slots=True)
class Added:
    """How many there were that were not known."""

    added: int


@router.get("", operation_id="get_clinic", summary="The clinic's name and time zone", responses=answers(404))
def get_clinic(tx: ReadTx) -> ClinicCard:
    row = service.clinic(tx)
    return ClinicCard(row.name, row.zone, row.country)


@router.get("/settings", operation_id="get_clinic_settings", summary="The clinic's settings", responses=answers(404))
def get_settings(tx: ReadTx, response: Response) -> ClinicRow:
    row = service.clinic_settings(tx)
    response.headers["ETag"] = etag(row.version)
    return row


@router.put(
    "/settings", operation_id="edit_clinic_settings", summary="Change the clinic's settings",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def edit_settings(
    tx: WriteTx,
    version: IfMatch,
    values: Annotated[ClinicValues, Body(openapi_examples=_SETTINGS)],
    response: Response,
) -> ClinicRow:
    row = service.edit_clinic(
        tx,
        EditClinic(
            version, values.name, values.zone, values.country, values.record_prefix, values.auto_lock_minutes,
            values.lockout_failures, values.lockout_minutes, values.wait_target_minutes,
        ),
    )  # fmt: skip
    response.headers["ETag"] = etag(row.version)
    return row


@router.get("/sites", operation_id="list_sites", summary="The clinic's sites; an ETag is made of a version")
def list_sites(tx: ReadTx, inactive: Inactive = False) -> list[SiteRow]:
    return service.list_sites(tx, inactive)


@router.post("/sites", operation_id="add_site", summary="Add a site", status_code=201)
def add_site(tx: WriteTx, values: Annotated[SiteValues, Body(openapi_examples=_SITE)], response: Response) -> SiteRow:
    """Add a site."""
    return tagged(service.save_site(tx, SaveSite(values.name, values.address, values.active)), response)


@router.put(
    "/sites/{site_id}", operation_id="edit_site", summary="Change a site", responses=answers(404, 409, 412, 428)
)
def edit_site(
    tx: WriteTx,
    site_id: UUID,
    version: IfMatch,
    values: Annotated[SiteValues, Body(openapi_examples=_SITE)],
    response: Response,
) -> SiteRow:
    """Give a site new values."""
    changed = SaveSite(values.name, values.address, values.active, site_id, version)
    return tagged(service.save_site(tx, changed), response)


@router.get("/rooms", operation_id="list_rooms", summary="The clinic's rooms; an ETag is made of a version")
def list_rooms(tx: ReadTx, inactive: Inactive = False) -> list[RoomRow]:
    return service.list_rooms(tx, inactive)


@router.post("/rooms", operation_id="add_room", summary="Add a room", status_code=201)
def add_room(tx: WriteTx, values: Annotated[RoomValues, Body(openapi_examples=_ROOM)], response: Response) -> RoomRow:
    """Add a room of a site."""
    return tagged(service.save_room(tx, SaveRoom(values.site_id, values.name, values.active)), response)


@router.put(
    "/rooms/{room_id}", operation_id="edit_room", summary="Change a room", responses=answers(404, 409, 412, 428)
)
def edit_room(
    tx: WriteTx,
    room_id: UUID,
    version: IfMatch,
    values: Annotated[RoomValues, Body(openapi_examples=_ROOM)],
    response: Response,
) -> RoomRow:
    """Give a room new values."""
    changed = SaveRoom(values.site_id, values.name, values.active, room_id, version)
    return tagged(service.save_room(tx, changed), response)


@router.get("/holidays", operation_id="list_holidays", summary="Public holidays")
def list_holidays(
    tx: ReadTx,
    first: Annotated[Day, Query(alias="from", description="The first day.")],
    last: Annotated[Day, Query(alias="to", description="The last day, which is among them.")],
) -> list[HolidayRow]:
    return service.holidays(tx, first, last)


@router.put("/holidays", operation_id="save_holiday", summary="Make a day a holiday, or change the one that it is")
def save_holiday(tx: WriteTx, values: Annotated[HolidayValues, Body(openapi_examples=_HOLIDAY)]) -> HolidayRow:
    return service.save_holiday(tx, values.day, values.name, values.closed)


@router.delete(
    "/holidays/{holiday_id}", operation_id="remove_holiday", summary="Make a holiday a day like any other",
    status_code=204, responses=answers(404),
)  # fmt: skip
def remove_holiday(tx: WriteTx, holiday_id: UUID) -> None:
    service.remove_holiday(tx, holiday_id)


@router.post(
    "/holidays/public", operation_id="load_public_holidays", summary="Add a country's public holidays of a year"
)
def load_holidays(tx: WriteTx, of: Annotated[PublicHolidays, Body(openapi_examples=_CALENDAR)]) -> Added:
    return Added(service.load_public_holidays(tx, of.country, of.year, of.subdivision))


@router.get("/absences", operation_id="list_absences", summary="Leave and blocks of everybody that touch some time")
def list_absences(
    tx: ReadTx,
    start: Annotated[Instant, Query(alias="from", description="Those that end later.")],
    end: Annotated[Instant, Query(alias="to", description="Those that begin earlier.")],
) -> list[AbsenceRow]:
    """Leave, blocks and closures that touch a time, by their start. Those of the whole clinic have no practitioner."""
    return service.absences(tx, start, end)


@router.post("/absences", operation_id="add_closure", summary="Close the whole clinic for a time", status_code=201)
def add_closure(tx: WriteTx, new: Annotated[Closure, Body(openapi_examples=_CLOSED)]) -> AbsenceRow:
    """Close the whole clinic for a time. Visits that are booked stay where they are."""
    return service.add_absence(tx, AddAbsence(None, new.kind, new.start, new.end, new.note))


@router.delete(
    "/absences/{absence_id}", operation_id="remove_absence", summary="Take a closure, leave or a block back",
    status_code=204, responses=answers(404),
)  # fmt: skip
def remove_absence(tx: WriteTx, absence_id: UUID) -> None:
    service.remove_absence(tx, absence_id)


@router.post(
    "/absences/{absence_id}/restore", operation_id="restore_absence",
    summary="Let a closure, leave or a block that was taken back hold again", status_code=204, responses=answers(404),
)  # fmt: skip
def restore_absence(tx: WriteTx, absence_id: UUID) -> None:
    service.restore_absence(tx, absence_id)
