"""A booking against the same work done bare, a doctor's day and the whole clinic's, and what growth to a million visits costs."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from clinicdesk.core import migrate
from clinicdesk.core.clinic import Clinic
from clinicdesk.core.clock import to_micros
from clinicdesk.core.database import open_database, sqlite_engine
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.appointments.schemas import BookAppointment, FindOpenings
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.practitioners.models import Practitioner, Room, Site, WeeklyHours
from tests.benchmarks.people import made_up
from tests.benchmarks.report import Measure

KEY = bytes(range(32))
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
LENGTH = timedelta(minutes=20)
PRACTITIONERS, A_DAY = 10, 30
PATIENTS = 20_000
SMALL, LARGE = 10_000, 1_000_000
ROUNDS, BATCH = 12, 50


@dataclass(frozen=True)
class Grown:
    """A clinic whose past has so many visits, and a full day today."""

    database: Database
    practitioners: list[UUID]
    patients: list[UUID]
    free: Iterator[BookAppointment]

    def book(self) -> None:
        with self.database.write(ACTOR) as tx:
            appointments.book(tx, next(self.free))

    def read(self, verb: Callable[..., Any], *args: Any) -> Any:
        with self.database.read(ACTOR) as tx:
            return verb(tx, *args)


ACTOR = Actor(new_id(), Role.RECEPTIONIST, "Some receptionist", "Desk 1")


def grow(file: Path, visits: int) -> Grown:
    """A clinic of ten practitioners with thirty visits a day each, for as many days back as it takes, and today."""
    database = open_database(file, KEY, lambda: NOW)
    migrate.upgrade(database.engine)
    site, practitioners = new_id(), [new_id() for _ in range(PRACTITIONERS)]
    rooms = [new_id() for _ in practitioners]
    patients = [{**row, "birth_date": row["birth_date"]} for row in made_up(PATIENTS)]
    ids: list[UUID] = [row["id"] for row in patients]  # type: ignore[misc]

    def put(model: type[Any], rows: list[dict[str, Any]]) -> None:
        connection.execute(sa.insert(model), rows)

    with database.engine.begin() as connection:
        put(Clinic, [{"id": 1, "name": "Harbour Street", "zone": "Europe/Berlin"}])
        put(Site, [{"id": site, "name": "Harbour Street"}])
        put(Room, [{"id": id_, "site_id": site, "name": f"Room {n}"} for n, id_ in enumerate(rooms)])
        people = zip(practitioners, rooms, strict=True)
        put(
            Practitioner, [{"id": id_, "family": f"Doctor{n}", "room_id": room} for n, (id_, room) in enumerate(people)]
        )
        week = itertools.product(practitioners, range(7))
        hours = {"start_minute": 0, "end_minute": 1440, "valid_from": date(2000, 1, 1), "valid_to": None}
        put(WeeklyHours, [{"id": new_id(), "practitioner_id": id_, "weekday": day, **hours} for id_, day in week])
        put(Patient, patients)
    raw = database.engine.raw_connection()
    columns = [column.name for column in Appointment.__table__.columns]
    marks = ", ".join("?" for _ in columns)
    statement = (
        f"INSERT INTO appointment ({', '.join(f'{chr(34)}{name}{chr(34)}' for name in columns)}) VALUES ({marks})"
    )
    past = _past(visits, [id_.hex for id_ in practitioners], [id_.hex for id_ in rooms], [id_.hex for id_ in ids])
    while batch := [[row[name] for name in columns] for row in itertools.islice(past, 50_000)]:
        raw.cursor().execute("BEGIN")
        raw.cursor().executemany(statement, batch)
        raw.commit()
    raw.close()
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return Grown(database, practitioners, ids, _free(practitioners, ids))


def _past(visits: int, practitioners: list[str], rooms: list[str], patients: list[str]) -> Iterator[dict[str, Any]]:
    """Today's visits are booked, those of the days before are over; each patient comes in turn."""
    days, turn = -(-visits // (PRACTITIONERS * A_DAY)), itertools.cycle(patients)
    blank = dict.fromkeys(("reason", "cancel_reason", "overbook_reason"), "")
    blank |= dict.fromkeys(("arrived_at", "checked_in_at", "started_at", "ended_at", "type_id", "created_by"))  # type: ignore[arg-type]
    blank |= dict.fromkeys(("confirmed", "overbooked", "patient_overlap"), 0)  # type: ignore[arg-type]
    for day in range(days - 1, -1, -1):
        for nth, practitioner in itertools.product(range(A_DAY), range(PRACTITIONERS)):
            start = to_micros(NOW - timedelta(days=day) + nth * LENGTH)
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


def bare(file: Path) -> Callable[[], None]:
    """The floor: look whether the time is free, insert the visit, insert an audit row, durable, by SQLAlchemy Core alone."""
    engine = sqlite_engine(file, KEY).execution_options(clinicdesk_begin="BEGIN IMMEDIATE")
    tables = sa.MetaData()
    slot = sa.Table(
        "slot", tables,
        sa.Column("id", sa.Uuid, primary_key=True), sa.Column("practitioner", sa.Uuid), sa.Column("patient", sa.Uuid),
        sa.Column("start", sa.BigInteger), sa.Column("end", sa.BigInteger), sa.Column("status", sa.String),
        sa.Index("ix_slot", "practitioner", "start"),
    )  # fmt: skip
    audit = sa.Table(
        "audit", tables,
        sa.Column("seq", sa.Integer, primary_key=True), sa.Column("at", sa.BigInteger), sa.Column("who", sa.String),
        sa.Column("what", sa.String), sa.Column("hash", sa.LargeBinary),
    )  # fmt: skip
    tables.create_all(engine)
    low, high, who = sa.bindparam("low"), sa.bindparam("high"), sa.bindparam("who", type_=sa.Uuid())
    taken = sa.select(slot.c.id).where(slot.c.practitioner == who, slot.c.start < high, slot.c.end > low).limit(1)
    add, note, doctor, minutes = sa.insert(slot), sa.insert(audit), new_id(), itertools.count()

    def book() -> None:
        start = next(minutes)
        with engine.begin() as connection:
            if connection.execute(taken, {"who": doctor, "low": start, "high": start + 1}).first() is None:
                row = {"id": new_id(), "practitioner": doctor, "patient": doctor, "start": start, "end": start + 1}
                connection.execute(add, row | {"status": "booked"})
                connection.execute(note, {"at": start, "who": "somebody", "what": "book", "hash": KEY})

    return book


def seconds(work: Callable[[], Any], times: int) -> float:
    """How long doing it so often takes, each on average."""
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times


def against(ours: Callable[[], Any], other: Callable[[], Any], times: int) -> tuple[float, float]:
    """Median seconds of each, taken in turns so that both meet the same machine."""
    seconds(ours, times)
    seconds(other, times)
    rounds = [(seconds(ours, times), seconds(other, times)) for _ in range(ROUNDS)]
    return median(one for one, _ in rounds), median(two for _, two in rounds)


def measure() -> list[Measure]:
    """The rows of the table; takes some minutes, most of them to make a million visits."""
    with tempfile.TemporaryDirectory() as folder:
        floor = bare(Path(folder, "bare.db"))
        small, large = grow(Path(folder, "small.db"), SMALL), grow(Path(folder, "large.db"), LARGE)
        found = list(_measure(floor, small, large))
        small.database.close()
        large.database.close()
    return found


def _measure(floor: Callable[[], None], small: Grown, large: Grown) -> Iterator[Measure]:
    ours, limit = against(small.book, floor, BATCH)
    yield Measure(
        "a booking, durable (limit: check + insert + audit row)", 1 / ours, 1 / limit, "/s", ">= 500/s, >= 60 %"
    )
    one, many = against(large.book, small.book, BATCH)
    yield Measure("a booking among 1,000,000 visits (limit: 10,000)", one * 1e3, many * 1e3, "ms", "<= 1.3 x")
    works: list[tuple[str, Callable[[Grown], Any], str]] = [
        ("a doctor's day", lambda c: c.read(appointments.day_schedule, NOW.date(), (c.practitioners[0],)), "<= 4 ms"),
        ("a day of 10 practitioners, 300 visits", lambda c: c.read(appointments.day_schedule, NOW.date()), "<= 10 ms"),
        ("a patient's visits", lambda c: c.read(appointments.visits_of_patient, c.patients[0]), ""),
        ("a month's day loads", lambda c: c.read(appointments.day_loads, date(2026, 11, 1), date(2026, 11, 30)), ""),
        (
            "the five best openings of 10 practitioners",
            lambda c: c.read(appointments.find_openings, FindOpenings(LENGTH, NOW, patient_id=c.patients[0])),
            "<= 50 ms",
        ),
    ]
    for what, work, aim in works:
        one, many = against(lambda work=work: work(large), lambda work=work: work(small), 10)  # type: ignore[misc]
        yield Measure(f"{what} among 1,000,000 visits (limit: 10,000)", one * 1e3, many * 1e3, "ms", f"{aim}, <= 1.2 x")


if __name__ == "__main__":
    from tests.benchmarks.report import table

    print(table(measure()))
