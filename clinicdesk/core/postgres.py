"""Opens a clinic's database on PostgreSQL: many writers at once, one order of records, and a way back when the server is away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from sqlalchemy import ARRAY, URL, BigInteger, Connection, Engine, bindparam, create_engine, event, make_url, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError

from clinicdesk.core.clock import Clock, utc_now
from clinicdesk.core.turns import Turns
from clinicdesk.core.tx import Database

POOL_SIZE = 5
POOL_OVERFLOW = 10
POOL_WAIT_SECONDS = 10.0
STATEMENT_SECONDS = 30.0
LOCK_SECONDS = 10.0
IDLE_SECONDS = 60.0

# Keys of advisory locks, which count within one database: a clinic. Those of `claim` have one 64-bit key instead of two.
_SPACE = 0x0C11
_WRITERS, _RECORDS, _SCHEMA = range(3)
_BESIDE = text(f"SELECT pg_advisory_xact_lock_shared({_SPACE}, {_WRITERS})")
_ALONE = text(f"SELECT pg_advisory_xact_lock({_SPACE}, {_WRITERS})")
_TO_RECORD = text(f"SELECT pg_advisory_xact_lock({_SPACE}, {_RECORDS})")
_TO_MIGRATE = text(f"SELECT pg_advisory_xact_lock({_SPACE}, {_SCHEMA})")
_NO_TIMEOUTS = text("SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true)")
_CLAIM = text("SELECT count(pg_advisory_xact_lock(key)) FROM unnest(:keys) AS key").bindparams(
    bindparam("keys", type_=ARRAY(BigInteger))
)


class PostgresTurns(Turns):
    """READ COMMITTED, and locks that are held to the end of the transaction.

    A verb has the clinic alone unless it is declared `concurrent`; those run beside each other, and settle what they may not
    do at once by a constraint, a version or a claim. The audit trail is a chain, so records are added one unit of work after
    the other: the lock is taken last, and held through the commit, so that the order of records is the order of commits.
    """

    writing: ClassVar[Mapping[str, Any]] = {}
    reading: ClassVar[Mapping[str, Any]] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

    def begin_verb(self, connection: Connection, *, alone: bool) -> None:
        connection.execute(_ALONE if alone else _BESIDE)

    def claim(self, connection: Connection, things: Iterable[str]) -> None:
        # Sorted, so that two who claim the same things never wait for each other.
        keys = sorted(int.from_bytes(hashlib.sha256(thing.encode()).digest()[:8], signed=True) for thing in set(things))
        if keys:
            connection.execute(_CLAIM, {"keys": keys})

    def begin_records(self, connection: Connection) -> None:
        connection.execute(_TO_RECORD)


def postgres_engine(
    url: str | URL,
    *,
    pool_size: int = POOL_SIZE,
    pool_overflow: int = POOL_OVERFLOW,
    pool_wait: float = POOL_WAIT_SECONDS,
    statement_timeout: float = STATEMENT_SECONDS,
    lock_timeout: float = LOCK_SECONDS,
) -> Engine:
    """An engine on the database at `url` (postgresql://…); times are in seconds.

    A connection is tried before it is used, so that a restart of the server is not noticed by whoever comes after it.
    """
    settings = {
        "statement_timeout": round(statement_timeout * 1000),
        "lock_timeout": round(lock_timeout * 1000),
        "idle_in_transaction_session_timeout": round(IDLE_SECONDS * 1000),
        "timezone": "UTC",
    }
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        connect_args={
            "connect_timeout": 5,
            "application_name": "clinicdesk",
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        },
        pool_size=pool_size,
        max_overflow=pool_overflow,
        pool_timeout=pool_wait,
        pool_pre_ping=True,
        hide_parameters=True,  # messages of errors end in logs, and parameters are patient data
    )
    event.listen(engine, "handle_error", _leave_out_values)
    return engine


def open_postgres(url: str | URL, audit_key: bytes, clock: Clock = utc_now, **settings: Any) -> Database:
    """The clinic's database at `url`, ready for units of work; `settings` are those of `postgres_engine`.

    Does not create or upgrade tables. `audit_key` (32 bytes) seals the audit trail.
    """
    database = Database(postgres_engine(url, **settings), audit_key, clock, PostgresTurns())
    database.serves = True  # whoever writes here, others may be following
    return database


def lock_schema(connection: Connection) -> None:
    """Wait, however long it takes, until nobody else upgrades the schema; holds until the end of the transaction."""
    connection.execute(_NO_TIMEOUTS)
    connection.execute(_TO_MIGRATE)


def _leave_out_values(context: ExceptionContext) -> None:
    """PostgreSQL's details of an error quote the row, and messages end in logs: keep the first line, which names the rule."""
    diagnosis = getattr(context.original_exception, "diag", None)
    if diagnosis is None or not diagnosis.message_primary:
        return
    context.original_exception.args = (diagnosis.message_primary,)
    if isinstance(context.sqlalchemy_exception, DBAPIError):
        kind = type(context.original_exception).__name__
        context.sqlalchemy_exception.args = (f"({kind}) {diagnosis.message_primary}",)
