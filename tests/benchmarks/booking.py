"""A booking against the same work done bare, a doctor's day and the whole clinic's, and what growth to a million visits costs."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from clinicdesk.core.ids import new_id
from clinicdesk.core.trail import AuditEntry
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.appointments.schemas import FindOpenings
from tests.benchmarks.clinic import KEY, LENGTH, NOW, Grown, grow
from tests.benchmarks.report import Aim, Measure, Scale

ROUNDS, BATCH = 12, 50


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


def measure(scale: Scale) -> Iterator[Measure]:
    """Bookings, reads, and both as the clinic grows. Most of the time goes into making the visits."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = grow(Path(folder, "small.db"), scale.small), grow(Path(folder, "large.db"), scale.large)
        try:
            yield from _bookings(*bare(Path(folder, "bare.db")), small, large, scale)
            yield from _reads(small, large, scale)
        finally:
            small.database.close()
            large.database.close()


def _bookings(
    by_session: Callable[[], None], by_core: Callable[[], None], small: Grown, large: Grown, scale: Scale
) -> Iterator[Measure]:
    bare_work = "check, insert and audit row"
    ours, limit = against(small.book, by_session, BATCH)
    aim = Aim(least=500, least_ratio=0.6)
    yield Measure(f"a booking (limit: {bare_work} by SQLAlchemy's session)", 1 / ours, 1 / limit, "/s", aim)
    ours, limit = against(small.book, by_core, BATCH)
    yield Measure(f"a booking (limit: {bare_work} by SQLAlchemy's Core)", 1 / ours, 1 / limit, "/s")
    one, many = against(large.book, small.book, BATCH)
    what = f"a booking among {scale.large:,} visits (limit: among {scale.small:,})"
    yield Measure(what, one * 1e3, many * 1e3, "ms", Aim(most_ratio=1.3))


def _reads(small: Grown, large: Grown, scale: Scale) -> Iterator[Measure]:
    works: list[tuple[str, Callable[[Grown], Any], float | None]] = [
        ("a doctor's day", lambda c: c.read(appointments.day_schedule, NOW.date(), (c.practitioners[0],)), 4),
        ("a day of 10 practitioners, 300 visits", lambda c: c.read(appointments.day_schedule, NOW.date()), None),
        ("a patient's visits", lambda c: c.read(appointments.visits_of_patient, c.patients[0]), None),
        ("a month's day loads", lambda c: c.read(appointments.day_loads, date(2026, 11, 1), date(2026, 11, 30)), None),
        (
            "the five best openings of 10 practitioners",
            lambda c: c.read(appointments.find_openings, FindOpenings(LENGTH, NOW, patient_id=c.patients[0])),
            None,
        ),
    ]
    for what, work, most in works:
        one, many = against(lambda work=work: work(large), lambda work=work: work(small), 10)  # type: ignore[misc]
        what = f"{what} among {scale.large:,} visits (limit: among {scale.small:,})"
        yield Measure(what, one * 1e3, many * 1e3, "ms", Aim(most=most, most_ratio=1.2))
