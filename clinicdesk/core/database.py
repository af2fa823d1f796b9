"""Opens the embedded, encrypted database: SQLCipher in WAL mode, every commit durable before it is acknowledged."""

from __future__ import annotations

import hmac
import sqlite3
from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import URL, Engine, create_engine, event

from clinicdesk.core.clock import Clock, utc_now
from clinicdesk.core.tx import Database, begin_as_told

DATABASE_NAME = "clinic.db"
BUSY_TIMEOUT_MS = 10_000
_CACHE_KIB = 8_192
_CHECKPOINT_PAGES = 4_000
"""The write-ahead log is folded into the file at 16 MB: a page that many commits wrote is then copied once."""


def sqlite_engine(file: Path, key: bytes | None) -> Engine:
    """An engine on the database file; `key` is 32 bytes, or None for a plain file (an explicit setting, for trials)."""
    module: Any = sqlite3 if key is None else sqlcipher
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        module=module,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000, "isolation_level": None},
        pool_size=4,
        hide_parameters=True,  # messages of errors end in logs, and parameters are patient data
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        _unlock(cursor, key)
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA recursive_triggers = ON")  # so that REPLACE is refused where DELETE is
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA temp_store = MEMORY")  # nothing of a patient in a temporary file
        cursor.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        cursor.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        cursor.close()

    begin_as_told(engine)
    return engine


def bare_connection(file: Path, key: bytes | None) -> Any:
    """A DBAPI connection for whoever handles the file as a whole: a backup, a check. It changes no setting of the file."""
    module: Any = sqlite3 if key is None else sqlcipher
    connection = module.connect(str(file), isolation_level=None)
    _unlock(connection.cursor(), key)
    return connection


def _unlock(cursor: Any, key: bytes | None) -> None:
    if key is not None:
        cursor.execute("PRAGMA cipher_log_level = NONE")  # a wrong key is told by us, not on standard error
        cursor.execute(f"PRAGMA key = \"x'{key.hex()}'\"")  # a raw key: no derivation at each connection


def derive_key(key: bytes, purpose: str) -> bytes:
    """A 32-byte subkey of the database key for one purpose (HKDF's expand step, one block)."""
    return hmac.digest(key, purpose.encode() + b"\x01", "sha256")


def open_database(file: Path, key: bytes, clock: Clock = utc_now, *, encrypted: bool = True) -> Database:
    """The clinic's database in `file`, ready for units of work. Does not create or upgrade tables.

    `key` also seals the audit trail, so a plain file (`encrypted=False`) has one too.
    """
    return Database(sqlite_engine(file, key if encrypted else None), derive_key(key, "audit"), clock)
