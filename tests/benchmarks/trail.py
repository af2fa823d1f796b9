"""The verification of a year's audit trail, beside reading the same rows and hashing as many bytes without looking at them."""

from __future__ import annotations

import hashlib
import itertools
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from clinicdesk.core import migrate, trail
from clinicdesk.core.clock import to_micros
from clinicdesk.core.database import open_database
from clinicdesk.core.ids import new_id
from clinicdesk.core.tx import Database
from tests.benchmarks.clinic import KEY, NOW
from tests.benchmarks.report import Aim, Measure, Scale

_BATCH = 20_000
_LIKE_AN_ENTRY = bytes(260)
"""As many bytes as the chained columns of an entry have."""


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
        limit = _read_and_hash(database)
        database.close()
    what = f"verification of {scale.entries:,} audit entries (limit: read the rows, hash as many bytes)"
    yield Measure(what, scale.entries / ours, scale.entries / limit, "rows/s", Aim(least=150_000))


def _write_chain(database: Database, count: int) -> None:
    """A chain such as bookings leave, sealed."""
    columns = [*trail.CHAINED, "hash"]
    insert = f"INSERT INTO audit_entry ({', '.join(columns)}) VALUES ({', '.join('?' for _ in columns)})"
    people, patients = ([new_id().hex for _ in range(many)] for many in (20, 5_000))
    start, root = to_micros(NOW), trail.GENESIS
    raw = database.engine.raw_connection()
    entries = (
        (
            seq, start + seq, f"{seq:032x}", people[seq % 20], "Some receptionist", "receptionist", "Desk 1", "C",
            "appointments.book", "appointment", f"{seq:032x}", patients[seq % 5_000], "ok", "{}",
        )
        for seq in range(1, count + 1)
    )  # fmt: skip
    while batch := list(itertools.islice(entries, _BATCH)):
        rows = []
        for entry in batch:
            root = trail.link(root, trail.body(entry))
            rows.append((*entry, root))
        raw.cursor().execute("BEGIN")
        raw.cursor().executemany(insert, rows)
        raw.commit()
    seal = trail.seal(database.audit_key, count, root)
    raw.cursor().execute("INSERT INTO audit_head (id, seq, hash, mac) VALUES (1, ?, ?, ?)", (count, root, seal))
    raw.commit()
    raw.close()


def _read_and_hash(database: Database) -> float:
    """Seconds that it takes to have every row from the driver, and to hash as many bytes."""
    raw = database.engine.raw_connection()
    began = time.perf_counter()
    for row in raw.cursor().execute("SELECT * FROM audit_entry ORDER BY seq"):
        hashlib.sha256(_LIKE_AN_ENTRY + row[-1])
    taken = time.perf_counter() - began
    raw.close()
    return taken
