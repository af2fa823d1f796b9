"""A small clinic to book in: two doctors with rooms of their own, a nurse without one, patients, and hours from 8 to 18."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert

from clinicdesk.core.clinic import Clinic
from clinicdesk.core.ids import new_id
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.models import AppointmentType
from clinicdesk.features.appointments.schemas import AppointmentRow, BookAppointment
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.practitioners.models import Practitioner, Room, Site, WeeklyHours

TODAY = date(2026, 11, 23)  # a Monday, and the day of the test clock (10:42)


@dataclass(frozen=True)
class Place:
    """The ids of the clinic that the tests book in."""

    lee: UUID
    okafor: UUID
    herrera: UUID
    lee_room: UUID
    okafor_room: UUID
    follow_up: UUID
    smith: UUID
    jones: UUID
    others: tuple[UUID, ...]


def at(hour: int, minute: int = 0, day: int = 0) -> datetime:
    """A time of the tests' day (or so many days later); the clinic lies in UTC unless a test says otherwise."""
    return datetime(2026, 11, 23, hour, minute, tzinfo=UTC) + timedelta(days=day)


def furnish(db: Database, zone: str = "UTC", others: int = 10) -> Place:
    """Put the small clinic into an empty database."""
    place = Place(
        *(new_id(), new_id(), new_id(), new_id(), new_id(), new_id(), new_id(), new_id()),
        others=tuple(new_id() for _ in range(others)),
    )
    site = new_id()

    def put(model: type[Any], *rows: dict[str, Any]) -> None:
        session.execute(insert(model), [{"version": 1, **row} for row in rows])

    with db.engine.begin() as session:
        put(Clinic, {"id": 1, "name": "Harbour Street", "zone": zone, "country": "", "record_prefix": "HS"})
        put(Site, {"id": site, "name": "Harbour Street"})
        put(
            Room,
            {"id": place.lee_room, "site_id": site, "name": "Room 2"},
            {"id": place.okafor_room, "site_id": site, "name": "Room 1"},
        )
        put(
            Practitioner,
            person(place.okafor, "Okafor", "Amara", "Dr", place.okafor_room, 0),
            person(place.lee, "Lee", "Grace", "Dr", place.lee_room, 1),
            person(place.herrera, "Herrera", "Tomás", "", None, 2),
        )
        put(
            AppointmentType,
            {"id": place.follow_up, "name": "Follow-up", "short": "fu", "minutes": 20, "colour": "#41679F"},
        )
        put(
            WeeklyHours,
            *(
                {
                    "id": new_id(), "practitioner_id": who, "weekday": weekday, "start_minute": 8 * 60,
                    "end_minute": 18 * 60, "valid_from": date(2000, 1, 1), "valid_to": None,
                }
                for who in (place.lee, place.okafor, place.herrera)
                for weekday in range(7)
            ),
        )  # fmt: skip
        put(
            Patient,
            patient(place.smith, "HS-00001", "Smith", "Jordan"),
            patient(place.jones, "HS-00002", "Jones", "Ada"),
            *(patient(id_, f"HS-1{n:04}", f"Other{n}", "Sam") for n, id_ in enumerate(place.others)),
        )
    return place


def person(id_: UUID, family: str, given: str, prefix: str, room_id: UUID | None, position: int) -> dict[str, Any]:
    return {
        "id": id_, "family": family, "given": given, "prefix": prefix, "room_id": room_id, "position": position,
    }  # fmt: skip


def patient(id_: UUID, number: str, family: str, given: str) -> dict[str, Any]:
    return {
        "id": id_, "number": number, "family": family, "given": given, "birth_date": None, "deceased_on": None,
        "allergies_checked_on": None, "created_at": datetime(2020, 1, 1, tzinfo=UTC),
    }  # fmt: skip


@pytest.fixture
def place(db: Database) -> Place:
    return furnish(db)


@dataclass(frozen=True)
class Desk:
    """Somebody at a desk, who does one thing at a time: each verb in a unit of work of its own."""

    db: Database
    actor: Actor
    place: Place

    def do(self, verb: Any, *args: Any, **kwargs: Any) -> Any:
        return self.unit(verb, *args, **kwargs)[1]

    def unit(self, verb: Any, *args: Any, **kwargs: Any) -> tuple[UUID, Any]:
        """Do it, and say in which unit of work."""
        with self.db.write(self.actor) as tx:
            return tx.unit_id, verb(tx, *args, **kwargs)

    def ask(self, verb: Any, *args: Any, **kwargs: Any) -> Any:
        with self.db.read(self.actor) as tx:
            return verb(tx, *args, **kwargs)

    def book(self, start: datetime, minutes: int = 30, **other: Any) -> AppointmentRow:
        request = BookAppointment(self.place.smith, self.place.lee, start, timedelta(minutes=minutes))
        row: AppointmentRow = self.do(appointments.book, replace(request, **other))
        return row

    def as_(self, actor: Actor) -> Desk:
        return replace(self, actor=actor)


@pytest.fixture
def desk(db: Database, receptionist: Actor, place: Place) -> Desk:
    return Desk(db, receptionist, place)
