"""Measures search as someone types, and the warning of duplicates, beside bare FTS5 on the same encrypted file."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from clinicdesk.core import migrate
from clinicdesk.core.database import open_database
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.folding import parts
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.patients.schemas import Demographics
from tests.benchmarks.people import fill
from tests.benchmarks.report import Aim, Measure, Scale, percentile

SAMPLES = 300
SHOWN = 20
_DESK = Actor(None, Role.RECEPTIONIST)
_AIMS = {100_000: Aim(most=5), 1_000_000: Aim(most=15)}
_BARE = """
    SELECT p.number, p.family, p.given, p.birth_date, p.mobile FROM (
        SELECT rowid FROM patient_fts WHERE patient_fts MATCH ? LIMIT 20
    ) f JOIN patient_search s ON s.docid = f.rowid JOIN patient p ON p.id = s.patient_id
"""
"""The first 20 patients that a bare full-text query gives, unranked, as SQLite and the driver alone read them."""
_BARE_PHONE = _BARE.replace("patient_fts", "patient_phone_fts")

Bare = tuple[str, tuple[str]]
"""A statement and its parameters."""
Person = Any
"""A row with family, given, birth_date, mobile and number."""


def measure(scale: Scale) -> Iterator[Measure]:
    """One keystroke and one warning, among each number of patients."""
    for count in scale.patients:
        yield from _among(count)


def _among(count: int) -> list[Measure]:
    """p50 and p95 of one keystroke, in milliseconds, for each kind of query among `count` patients (made up here)."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Path(folder) / "clinic.db", bytes(32))
        migrate.upgrade(database.engine)
        fill(database, count)
        try:
            return _measures(database, count)
        finally:
            database.close()


def _measures(database: Database, count: int) -> list[Measure]:
    people = _some(database, count)
    rng = random.Random(count)
    measures: list[Measure] = []
    for what, typed, bare in _kinds(rng):
        ours, limit = _side_by_side(database, [(typed(person), bare and bare(person)) for person in people])
        for share, name in ((0.5, "p50"), (0.95, "p95")):
            measures.append(
                Measure(
                    f"search by {what}, {count:,} patients, {name}",
                    percentile(ours, share),
                    percentile(limit, share) if limit else None,
                    "ms",
                    _AIMS.get(count) if name == "p95" else None,
                )
            )
    ours = [_milliseconds(_duplicates, database, person) for person in people]
    aim = Aim(most=10) if count <= 100_000 else None
    measures.append(Measure(f"duplicates while typing, {count:,} patients, p50", percentile(ours, 0.5), None, "ms"))
    measures.append(
        Measure(f"duplicates while typing, {count:,} patients, p95", percentile(ours, 0.95), None, "ms", aim)
    )
    return measures


def _kinds(
    rng: random.Random,
) -> list[tuple[str, Callable[[Person], str], Callable[[Person], Bare] | None]]:
    """(what, what is typed for a person, the bare statement and expression for the same; None where there is no such)."""

    def by_name(length: int) -> tuple[Callable[[Person], str], Callable[[Person], Bare]]:
        return lambda p: p.family[:length], lambda p: (_BARE, (f"n{_folded(p.family[:length])}*",))

    two = (
        lambda p: f"{p.given[:2]} {p.family[:3]}",
        lambda p: (_BARE, (f"n{_folded(p.given[:2])}* AND n{_folded(p.family[:3])}*",)),
    )
    initials = (
        lambda p: f"{p.given[:1]} {p.family[:1]}",
        lambda p: (_BARE, (f"n{_folded(p.given[:1])}* AND n{_folded(p.family[:1])}*",)),
    )
    return [
        *((f"{length} letters of a family name", *by_name(length)) for length in (1, 2, 3, 4, 6)),
        ("a whole given name", lambda p: p.given, lambda p: (_BARE, (f"n{_folded(p.given)}*",))),
        ("two initials", *initials),
        ("two beginnings of names", *two),
        ("a name and a birth year", lambda p: f"{p.family} {p.birth_date.year}",
         lambda p: (_BARE, (f"n{_folded(p.family)}* AND b{p.birth_date.year}*",))),
        ("a birth date", lambda p: f"{p.birth_date.day}.{p.birth_date.month}.{p.birth_date.year}",
         lambda p: (_BARE, (f"b{_compact(p.birth_date)}",))),
        ("the end of a phone number", lambda p: p.mobile[-4:], lambda p: (_BARE, (f"r{p.mobile[-4:][::-1]}*",))),
        ("five digits of a phone number", lambda p: p.mobile[-7:-2], lambda p: (_BARE_PHONE, (f'"{p.mobile[-7:-2]}"',))),
        ("a name and the end of a phone number", lambda p: f"{p.family} {p.mobile[-4:]}",
         lambda p: (_BARE, (f"n{_folded(p.family)}* AND r{p.mobile[-4:][::-1]}*",))),
        ("a record number", lambda p: p.number, lambda p: (_BARE, (f"k{_folded(p.number)}",))),
        ("a mistyped family name", lambda p: _mistyped(p.family, rng), None),
        ("a mistyped name, still being typed", lambda p: _mistyped(p.family, rng)[:5], None),
        ("two mistyped names", lambda p: f"{_mistyped(p.given, rng)} {_mistyped(p.family, rng)}", None),
    ]  # fmt: skip


def _some(database: Database, count: int) -> Sequence[Person]:
    """Patients from all over the file, as common and as rare as names are; warms the file's upper pages."""
    columns = (Patient.family, Patient.given, Patient.birth_date, Patient.mobile, Patient.number)
    with database.read(_DESK) as tx:
        first, step = 1, max(1, count // SAMPLES)
        total = tx.session.scalar(select(func.count()).select_from(Patient)) or 0
        numbers = [f"HS-{at:05d}" for at in range(first, total + 1, step)]
        return tx.session.execute(select(*columns).where(Patient.number.in_(numbers))).all()


def _search(database: Database, text: str) -> None:
    with database.read(_DESK) as tx:
        patients.search(tx, text, SHOWN)


def _duplicates(database: Database, person: Person) -> None:
    told = Demographics(person.family, person.given, birth_date=person.birth_date, mobile=person.mobile)
    with database.read(_DESK) as tx:
        patients.find_duplicates(tx, told)


def _side_by_side(database: Database, queries: Sequence[tuple[str, Bare | None]]) -> tuple[list[float], list[float]]:
    """Milliseconds of each search and of its bare statement, taken in turn, so that a busy machine slows both alike."""
    ours: list[float] = []
    limit: list[float] = []
    with database.engine.connect() as connection:
        cursor = connection.connection.cursor()
        for text, bare in queries:
            ours.append(_milliseconds(_search, database, text))
            if bare:
                limit.append(_milliseconds(lambda query: cursor.execute(*query).fetchall(), bare))
    return ours, limit


def _milliseconds(work: Callable[..., object], *inputs: object) -> float:
    began = time.perf_counter()
    work(*inputs)
    return (time.perf_counter() - began) * 1000


def _folded(text: str) -> str:
    return "".join(parts(text))


def _compact(day: date) -> str:
    return day.isoformat().replace("-", "")


def _mistyped(name: str, rng: random.Random) -> str:
    """The name with one letter wrong, missing or too many."""
    at, letter = rng.randrange(1, len(name)), rng.choice("abcdefghiklmnoprstuw")
    return rng.choice((name[:at] + letter + name[at + 1 :], name[:at] + name[at + 1 :], name[:at] + letter + name[at:]))
