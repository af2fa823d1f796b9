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
from sqlalchemy.orm import Session

from clinicdesk.core import migrate
from clinicdesk.core.clinic import Clinic
from clinicdesk.core.clock import to_micros
from clinicdesk.core.database import open_database
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
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
VISITS_OF_A_PATIENT = 50
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
    patients = list(made_up(max(visits // VISITS_OF_A_PATIENT, SMALL // VISITS_OF_A_PATIENT)))
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


def bare(file: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    """The floors: look whether the time is free, insert the visit, insert an audit row, durable; by SQLAlchemy's session as
    it is commonly used, and by its Core, which does the least.

    In the same tables with their indexes and triggers, so that the same pages are written; without rules, history and chain.
    """
    clinic = grow(file, 0)
    engine = clinic.database.engine.execution_options(clinicdesk_begin="BEGIN IMMEDIATE")
    visit = Appointment
    who: sa.BindParameter[Any] = sa.bindparam("who")
    start: sa.BindParameter[Any] = sa.bindparam("from")
    end: sa.BindParameter[Any] = sa.bindparam("to")
    taken = sa.select(visit.id).where(visit.practitioner_id == who, visit.start < end, visit.end > start).limit(1)
    add, note, number = sa.insert(visit.__table__), sa.insert(AuditEntry.__table__), itertools.count(1)  # type: ignore[arg-type]
    texts = [column.name for column in AuditEntry.__table__.columns if isinstance(column.type, sa.String)]
    entry: dict[str, Any] = dict.fromkeys(texts, "") | {"hash": KEY}
    missing = ("arrived_at", "checked_in_at", "started_at", "ended_at", "room_id", "type_id", "created_by")
    blank: dict[str, Any] = dict.fromkeys(missing)

    def next_visit() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        request, seq = next(clinic.free), next(number)
        when = {"start": request.start, "end": request.start + request.length, "created_at": NOW, "status": "booked"}
        ids = {"id": new_id(), "patient_id": request.patient_id, "practitioner_id": request.practitioner_id}
        look = {"who": request.practitioner_id, "from": request.start, "to": request.start + request.length}
        return look, blank | ids | when, entry | {"seq": seq, "at_micros": seq}

    def by_session() -> None:
        look, row, audit = next_visit()
        with Session(engine) as session:
            if session.scalar(taken, look) is None:
                session.add(visit(**row))
                session.add(AuditEntry(**audit))
                session.commit()

    def by_core() -> None:
        look, row, audit = next_visit()
        with engine.begin() as connection:
            if connection.execute(taken, look).first() is None:
                connection.execute(add, row)
                connection.execute(note, audit)

    return by_session, by_core


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
        by_session, by_core = bare(Path(folder, "bare.db"))
        small, large = grow(Path(folder, "small.db"), SMALL), grow(Path(folder, "large.db"), LARGE)
        found = list(_measure(by_session, by_core, small, large))
        small.database.close()
        large.database.close()
    return found


def _measure(
    by_session: Callable[[], None], by_core: Callable[[], None], small: Grown, large: Grown
) -> Iterator[Measure]:
    bare_work = "check + insert + audit row"
    ours, limit = against(small.book, by_session, BATCH)
    yield Measure(f"a booking (limit: {bare_work}, by a session)", 1 / ours, 1 / limit, "/s", ">= 500/s, >= 60 %")
    ours, limit = against(small.book, by_core, BATCH)
    yield Measure(f"a booking (limit: {bare_work}, by Core)", 1 / ours, 1 / limit, "/s", ">= 500/s")
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
        yield Measure(
            f"{what} among 1,000,000 visits (limit: 10,000)",
            one * 1e3,
            many * 1e3,
            "ms",
            f"{aim}, <= 1.2 x".removeprefix(", "),
        )


if __name__ == "__main__":
    from tests.benchmarks.report import table

    print(table(measure()))
