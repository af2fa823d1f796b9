"""Opens a clinic's database on PostgreSQL: many writers at once, one order of records, and a way back when the server is away."""

from __future__ import annotations

import hashlib
import json
import selectors
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from sqlalchemy import (
    ARRAY,
    URL,
    BigInteger,
    Connection,
    Engine,
    LargeBinary,
    Row,
    String,
    Text,
    bindparam,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError

from clinicdesk.core import trail
from clinicdesk.core.clock import Clock, utc_now
from clinicdesk.core.errors import Unavailable
from clinicdesk.core.model import UtcDateTime
from clinicdesk.core.records import Chained
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

_SEALED = trail.HEAD.with_for_update()
"""The end of the audit trail, once everybody is done who was about to write behind it; and then it is ours until the commit."""
_WRITE = text("""
    WITH entries AS (
        INSERT INTO audit_entry SELECT * FROM json_populate_recordset(NULL::audit_entry, CAST(:entries AS json))
    ), sealed AS (
        INSERT INTO audit_head (id, seq, hash, mac) SELECT 1, :seq, :hash, :mac WHERE CAST(:seq AS bigint) > 0
        ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, mac = excluded.mac
    ), kept AS (
        INSERT INTO history_entry
            (unit_id, audit_seq, at_micros, actor_id, verb, entity, entity_id, action, "old", "new")
        SELECT unit_id, audit_seq, at_micros, actor_id, verb, entity, entity_id, action, "old", "new"
        FROM json_populate_recordset(NULL::history_entry, CAST(:history AS json))
    )
    INSERT INTO change_log (at, verb, changes)
    SELECT * FROM (SELECT :at, :verb, :changes) AS logged (at, verb, changes) WHERE changes IS NOT NULL
    RETURNING seq
""").bindparams(
    bindparam("seq", type_=BigInteger), bindparam("hash", type_=LargeBinary), bindparam("mac", type_=LargeBinary),
    bindparam("at", type_=UtcDateTime()), bindparam("verb", type_=String), bindparam("changes", type_=Text),
)  # fmt: skip
"""All records in one statement: while they are written nobody else can write theirs, so every round trip counts."""


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

    def begin_records(self, connection: Connection) -> Row[int, bytes, bytes] | None:
        head = connection.execute(_SEALED).one_or_none()
        if head is None:  # there is no row to lock yet
            connection.execute(_TO_RECORD)
            head = connection.execute(_SEALED).one_or_none()
        return head

    def write_records(self, connection: Connection, records: Chained) -> int | None:
        logged = records.logged or dict.fromkeys(("at", "verb", "changes"))
        values = {"entries": _as_json(records.entries), "history": _as_json(records.history), **records.seal, **logged}
        try:
            return connection.execute(_WRITE, values).scalar()
        except IntegrityError as error:
            if "audit_entry" not in str(error.orig):  # the key of the part that takes new entries
                raise
            raise Unavailable("audit_trail_broken") from error  # somebody else's entries stand behind the seal


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

    A connection that the server has closed is replaced before it is used, so that a restart of the server is not noticed by
    whoever comes after it.
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
        hide_parameters=True,  # messages of errors end in logs, and parameters are patient data
    )
    event.listen(engine, "handle_error", _leave_out_values)
    event.listen(engine, "checkout", _replace_closed)
    return engine


def open_postgres(url: str | URL, audit_key: bytes, clock: Clock = utc_now, **settings: Any) -> Database:
    """The clinic's database at `url`, ready for units of work; `settings` are those of `postgres_engine`.

    Does not create or upgrade tables. `audit_key` (32 bytes) seals the audit trail.
    """
    database = Database(postgres_engine(url, **settings), audit_key, clock, PostgresTurns())
    database.serves = True  # whoever writes here, others may be following
    return database


def _as_json(rows: list[dict[str, object]]) -> str:
    """Rows of a table as the database reads them; bytes in its own notation."""
    return json.dumps(rows, default=lambda value: f"\\x{value.hex()}", ensure_ascii=False)


def lock_schema(connection: Connection) -> None:
    """Wait, however long it takes, until nobody else upgrades the schema; holds until the end of the transaction."""
    connection.execute(_NO_TIMEOUTS)
    connection.execute(_TO_MIGRATE)


def _replace_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Have the pool make a new connection where the server has closed this one.

    Nothing is under way on a connection that was in the pool, so if it has something to read, the server has said good-bye.
    Looking costs no round trip, which asking the server for a sign of life would.
    """
    if connection.closed:
        raise DisconnectionError()
    with selectors.DefaultSelector() as selector:
        selector.register(connection.fileno(), selectors.EVENT_READ)
        if selector.select(0):
            raise DisconnectionError()


def _leave_out_values(context: ExceptionContext) -> None:
    """PostgreSQL's details of an error quote the row, and messages end in logs: keep the first line, which names the rule."""
    diagnosis = getattr(context.original_exception, "diag", None)
    if diagnosis is None or not diagnosis.message_primary:
        return
    context.original_exception.args = (diagnosis.message_primary,)
    if isinstance(context.sqlalchemy_exception, DBAPIError):
        kind = type(context.original_exception).__name__
        context.sqlalchemy_exception.args = (f"({kind}) {diagnosis.message_primary}",)
