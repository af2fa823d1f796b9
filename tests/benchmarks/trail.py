"""The verification of a year's audit trail, and of the history that it vouches for, beside reading the same rows and hashing as
many bytes without looking at them."""

from __future__ import annotations

import hashlib
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from clinicdesk.core import binding, migrate, trail
from clinicdesk.core.clock import to_micros
from clinicdesk.core.database import open_database
from clinicdesk.core.history import encode
from clinicdesk.core.ids import new_id
from clinicdesk.core.tx import Database
from tests.benchmarks.clinic import KEY, NOW
from tests.benchmarks.report import Aim, Measure, Scale

_BATCH = 20_000
_LIKE_AN_ENTRY = bytes(305)
"""As many bytes as the chained columns of an entry have."""
_HASH = bytes(32)
_LIKE_A_ROW = bytes(600)
_BOOKED = {
    **dict.fromkeys(("id", "patient_id", "practitioner_id", "type_id", "room_id", "site_id", "created_by"), "f" * 32),
    "start": to_micros(NOW), "end": to_micros(NOW), "status": "booked", "reason": "Knee pain", "version": 1,
}  # fmt: skip


def measure(scale: Scale) -> Iterator[Measure]:
    """Rows a second. Most of the time goes into writing the chain."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Path(folder, "clinic.db"), KEY, lambda: NOW)
        migrate.upgrade(database.engine)
        _write_chain(database, scale.entries)
        with database.engine.connect() as connection:
            began = time.perf_counter()
            found = trail.verify(connection, database.audit_key)
            ours = time.perf_counter() - began
        if not found.ok or found.entries != scale.entries:
            raise AssertionError(f"the chain is not whole: {found.problem} at {found.first_bad}")
        with database.engine.connect() as connection:
            began = time.perf_counter()
            kept = binding.verify(connection, database.audit_key)
            history = time.perf_counter() - began
        if not kept.ok or kept.rows != scale.entries or kept.unbound:
            raise AssertionError(f"the history is not whole: {kept}")
        limit = _read_and_hash(database, "audit_entry", _LIKE_AN_ENTRY)
        history_limit = _read_and_hash(database, "history_entry", _LIKE_A_ROW)
        database.close()
    what = f"verification of {scale.entries:,} audit entries (limit: read the rows, hash as many bytes)"
    yield Measure(what, scale.entries / ours, scale.entries / limit, "rows/s", Aim(least=150_000))
    what = (
        f"verification of the history they vouch for, {scale.entries:,} rows (limit: read the rows, hash as many bytes)"
    )
    yield Measure(what, scale.entries / history, scale.entries / history_limit, "rows/s")


def _write_chain(database: Database, count: int) -> None:
    """A chain such as bookings leave, sealed, and what the history keeps of it."""
    insert = _insertion("audit_entry", [*trail.CHAINED, "hash"])
    keep = _insertion("history_entry", ["audit_seq", *binding.CONTENT])
    binder = binding.Binder(database.audit_key)
    booked = encode(_BOOKED)
    people, patients = ([new_id().hex for _ in range(many)] for many in (20, 5_000))
    start, root = to_micros(NOW), trail.GENESIS
    raw = database.engine.raw_connection()
    numbers = iter(range(1, count + 1))
    while batch := list(itertools.islice(numbers, _BATCH)):
        rows: list[tuple[Any, ...]] = []
        changes: list[tuple[Any, ...]] = []
        for seq in batch:
            unit, actor = f"{seq:032x}", people[seq % 20]
            change = (unit, start + seq, actor, "appointments.book", "appointment", unit, "C", None, booked)
            digest = binder(binding.content(dict(zip(binding.CONTENT, change, strict=True))))
            entry = (
                seq, start + seq, unit, actor, "Some receptionist", "receptionist", "Desk 1", "C", "appointments.book",
                "appointment", unit, patients[seq % 5_000], "ok", encode({binding.KEY: digest}) or "",
            )  # fmt: skip
            root = trail.link(root, trail.body(entry))
            rows.append((*entry, root))
            changes.append((seq, *change))
        raw.cursor().execute("BEGIN")
        raw.cursor().executemany(insert, rows)
        raw.cursor().executemany(keep, changes)
        raw.commit()
    seal = trail.seal(database.audit_key, count, root)
    raw.cursor().execute("INSERT INTO audit_head (id, seq, hash, mac) VALUES (1, ?, ?, ?)", (count, root, seal))
    raw.commit()
    raw.close()


def _insertion(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' for _ in columns)})"


def _read_and_hash(database: Database, table: str, content: bytes) -> float:
    """Seconds that it takes to have every row from the driver, and to hash as many bytes."""
    raw = database.engine.raw_connection()
    began = time.perf_counter()
    for _ in raw.cursor().execute(f"SELECT * FROM {table} ORDER BY seq"):
        hashlib.sha256(_HASH + content)
    taken = time.perf_counter() - began
    raw.close()
    return taken
