"""Clinics for benchmarks: ten practitioners with thirty visits a day each, for as many days as it takes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from clinicdesk.core import migrate
from clinicdesk.core.clinic import Clinic
from clinicdesk.core.clock import to_micros
from clinicdesk.core.database import open_database
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.appointments.schemas import BookAppointment
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.practitioners.models import Practitioner, Room, Site, WeeklyHours
from tests.benchmarks.people import made_up

KEY = bytes(range(32))
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")
LENGTH = timedelta(minutes=20)
PRACTITIONERS, A_DAY = 10, 30
VISITS_OF_A_PATIENT = 50
_LEAST_PATIENTS = 200
ACTOR = Actor(new_id(), Role.RECEPTIONIST, "Some receptionist", "Desk 1")


@dataclass(frozen=True)
class Grown:
    """A clinic whose past has so many visits, and a full day today."""

    database: Database
    practitioners: list[UUID]
    patients: list[UUID]
    free: Iterator[BookAppointment]

    def book(self) -> None:
        """Book the next visit that is free."""
        with self.database.write(ACTOR) as tx:
            appointments.book(tx, next(self.free))

    def read(self, verb: Callable[..., Any], *args: Any) -> Any:
        """What a reading verb gives."""
        with self.database.read(ACTOR) as tx:
            return verb(tx, *args)


def grow(file: Path, visits: int) -> Grown:
    """A clinic in a new file, in which it is NOW, with so many visits until today's end."""
    database = open_database(file, KEY, lambda: NOW)
    migrate.upgrade(database.engine)
    people = list(made_up(max(visits // VISITS_OF_A_PATIENT, _LEAST_PATIENTS)))
    with database.engine.begin() as connection:
        connection.execute(sa.insert(Patient), people)
    patients: list[UUID] = [row["id"] for row in people]  # type: ignore[misc]
    practitioners = fill(database, patients, visits, NOW)
    return Grown(database, practitioners, patients, _free(practitioners, patients))


def fill(database: Database, patients: list[UUID], visits: int, first: datetime) -> list[UUID]:
    """Put a clinic, its practitioners, and visits of the patients into a database: from `first` on and at the same hours of
    the days before, as many as it takes. Gives the practitioners' ids."""
    with database.engine.begin() as connection:
        practitioners, rooms = set_up(connection)
    raw = database.engine.raw_connection()
    columns = [column.name for column in Appointment.__table__.columns]
    names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" for _ in columns)
    past = _past(visits, first, *([id_.hex for id_ in ids] for ids in (practitioners, rooms, patients)))
    while batch := [[row.get(name) for name in columns] for row in itertools.islice(past, 50_000)]:
        raw.cursor().execute("BEGIN")
        raw.cursor().executemany(f"INSERT INTO appointment ({names}) VALUES ({marks})", batch)
        raw.commit()
    raw.close()
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return practitioners


def set_up(connection: sa.Connection) -> tuple[list[UUID], list[UUID]]:
    """Put the clinic itself into a database, with practitioners who work day and night; gives their ids and their rooms'."""
    site, practitioners = new_id(), [new_id() for _ in range(PRACTITIONERS)]
    rooms = [new_id() for _ in practitioners]

    def put(model: type[Any], rows: list[dict[str, Any]]) -> None:
        connection.execute(sa.insert(model), rows)

    put(Clinic, [{"id": 1, "name": "Harbour Street", "zone": ZONE.key}])
    put(Site, [{"id": site, "name": "Harbour Street"}])
    put(Room, [{"id": id_, "site_id": site, "name": f"Room {n}"} for n, id_ in enumerate(rooms)])
    people = zip(practitioners, rooms, strict=True)
    put(Practitioner, [{"id": id_, "family": f"Doctor{n}", "room_id": room} for n, (id_, room) in enumerate(people)])
    week = itertools.product(practitioners, range(7))
    hours = {"start_minute": 0, "end_minute": 1440, "valid_from": date(2000, 1, 1), "valid_to": None}
    put(WeeklyHours, [{"id": new_id(), "practitioner_id": id_, "weekday": day, **hours} for id_, day in week])
    return practitioners, rooms


def _past(
    visits: int, first: datetime, practitioners: list[str], rooms: list[str], patients: list[str]
) -> Iterator[dict[str, Any]]:
    """The last day's visits are booked, those of the days before are over; each patient comes in turn."""
    days, turn = -(-visits // (PRACTITIONERS * A_DAY)), itertools.cycle(patients)
    blank: dict[str, Any] = dict.fromkeys(("reason", "cancel_reason", "overbook_reason"), "")
    blank |= dict.fromkeys(("arrived_at", "checked_in_at", "started_at", "ended_at", "type_id", "created_by"))
    blank |= dict.fromkeys(("confirmed", "overbooked", "patient_overlap"), 0)
    for day in range(days - 1, -1, -1):
        for nth, practitioner in itertools.product(range(A_DAY), range(PRACTITIONERS)):
            start = to_micros(first - timedelta(days=day) + nth * LENGTH)
            yield blank | {
                "id": new_id().hex, "version": 1, "patient_id": next(turn), "start": start,
                "practitioner_id": practitioners[practitioner], "room_id": rooms[practitioner],
                "end": start + LENGTH // timedelta(microseconds=1), "created_at": start,
                "status": "booked" if day == 0 else "fulfilled",
            }  # fmt: skip


def _free(practitioners: list[UUID], patients: list[UUID]) -> Iterator[BookAppointment]:
    """Visits that can be booked, from tomorrow on."""
    turn = itertools.cycle(patients)
    for nth in itertools.count(72):
        for practitioner in practitioners:
            yield BookAppointment(next(turn), practitioner, NOW + nth * LENGTH, LENGTH)
