"""How long the audit trail is kept: what is older goes from its beginning, and a seal says where the rest goes on from.

Only what was found whole goes, the oldest first. On PostgreSQL the trail has a part for each month, in the order of its
numbers: a part is closed when its month is over, and dropped as a whole. On SQLite the entries of a month are deleted. The
history, which holds values and not who looked, is part of the patients' records and stays: what an entry vouched for that
goes is sealed with the mark.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text, update

from clinicdesk.core import binding, trail
from clinicdesk.core.clock import from_micros, to_micros
from clinicdesk.core.errors import Unavailable
from clinicdesk.core.permissions import Permission
from clinicdesk.core.trail import AuditEntry, AuditPrune
from clinicdesk.core.tx import Action, Change, Tx, verb

OPEN = "audit_entry_open"
"""The part that takes new entries on PostgreSQL. It takes any number, so that none is ever refused."""
MOST_AT_ONCE = 20_000
"""Entries that are deleted in one unit of work where they have to be deleted one by one."""

_ENTRY = AuditEntry.__table__.c
_CLOSED = re.compile(r"audit_entry_y\d{4}m\d{2}")
_PARTS = text(
    "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
    "WHERE inhparent = CAST('audit_entry' AS regclass) ORDER BY relname"
)
_QUICKLY = text(
    "SET LOCAL lock_timeout = '2s'"
)  # whoever reads a part holds it, and those who write must not wait for both


@verb(Permission.MAINTAIN)
def close_months(tx: Tx) -> str | None:
    """Close the open part of the trail if its month is over, and open another; returns its name. Nothing on SQLite.

    Raises Unavailable("database_busy") where somebody reads the trail meanwhile.
    """
    if tx.connection.dialect.name == "sqlite":
        return None
    tx.database.turns.begin_records(tx.connection)
    first, last = tx.connection.execute(text(f"SELECT min(seq), max(seq) FROM {OPEN}")).one()  # noqa: S608
    if first is None:
        return None
    began = from_micros(
        tx.connection.scalar(text(f"SELECT at_micros FROM {OPEN} WHERE seq = :seq"), {"seq": first}) or 0  # noqa: S608
    )
    if (began.year, began.month) >= (tx.now.year, tx.now.month):
        return None
    name = f"audit_entry_y{began:%Y}m{began:%m}"
    tx.connection.execute(_QUICKLY)
    for statement in (
        f"ALTER TABLE audit_entry DETACH PARTITION {OPEN}",
        f"ALTER TABLE {OPEN} RENAME TO {name}",
        f"ALTER TABLE {name} ADD CONSTRAINT {name}_bounds CHECK (seq >= {first} AND seq <= {last})",
        f"ALTER TABLE audit_entry ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({last + 1})",
        f"ALTER TABLE {name} DROP CONSTRAINT {name}_bounds",
        f"CREATE TABLE {OPEN} PARTITION OF audit_entry DEFAULT",
        *refusals(OPEN),
    ):
        tx.connection.exec_driver_sql(statement)
    tx.record(Change("audit_entry", None, Action.EXECUTE, note=f"{began:%Y-%m}"))
    return name


@verb(Permission.MAINTAIN, writes=False)
def has_old(tx: Tx, years: int) -> bool:
    """Whether the trail begins with an entry that is older than so many years, to the month."""
    first = tx.connection.scalar(select(_ENTRY.at_micros).order_by(_ENTRY.seq).limit(1))
    return first is not None and first < to_micros(_month_before(tx.now, years))


@verb(Permission.MAINTAIN)
def prune(tx: Tx, years: int) -> int:
    """Let go of what is older than so many years, a month of it at a time; returns how many entries went.

    Only from the beginning, and only what was found whole. Raises Unavailable("audit_trail_broken") where it was not, or
    Unavailable("history_differs") where the history is not what it vouches for, and then nothing goes;
    Unavailable("database_busy") where somebody reads it meanwhile.
    """
    tx.database.turns.begin_records(tx.connection)
    begins = trail.beginning(tx.connection, tx.database.audit_key)
    if not begins.sound:
        raise Unavailable("audit_trail_broken")
    until = _month_before(tx.now, years)
    on_server = tx.connection.dialect.name != "sqlite"
    part = _oldest_part(tx.connection, until) if on_server else None
    last = part[1] if part else None if on_server else _last_older(tx.connection, begins.seq, until)
    if last is None:
        return 0
    root = trail.verify_part(tx.connection, begins, last)
    if root is None:
        raise Unavailable("audit_trail_broken")
    settled = binding.settle(tx.connection, tx.database.audit_key, begins, last)
    if settled is None:
        raise Unavailable("history_differs")
    _seal(tx, begins, last, root, to_micros(until), settled)
    if part:
        tx.connection.execute(_QUICKLY)
        tx.connection.exec_driver_sql(f"DROP TABLE {part[0]}")
    else:
        tx.connection.execute(delete(AuditEntry).where(_ENTRY.seq <= last))
    tx.record(Change("audit_entry", None, Action.EXECUTE, note=f"{last - begins.seq} entries before {until:%Y-%m}"))
    return last - begins.seq


def refusals(part: str) -> list[str]:
    """Statements that make a part of the trail refuse what the whole of it refuses, for whoever speaks to it by its name."""
    return [
        f"CREATE TRIGGER audit_entry_refuses_{verb.lower()} BEFORE {verb} ON {part} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_because_append_only()"
        for verb in ("UPDATE", "DELETE", "TRUNCATE")
    ]


def _month_before(now: datetime, years: int) -> datetime:
    """The beginning of the month that lies so many years before: what is older is of months that are whole."""
    return datetime(now.year - years, now.month, 1, tzinfo=UTC)


def _oldest_part(connection: Connection, until: datetime) -> tuple[str, int] | None:
    """The oldest closed part and its last number, if all of it is older."""
    for name in connection.scalars(_PARTS):
        if _CLOSED.fullmatch(name):
            newest, last = connection.execute(text(f"SELECT max(at_micros), max(seq) FROM {name}")).one()  # noqa: S608
            return (name, last) if newest is not None and newest < to_micros(until) else None
    return None


def _last_older(connection: Connection, gone: int, until: datetime) -> int | None:
    """The last of the entries at the beginning that are all older, of so many as go at once."""
    younger = connection.scalar(select(func.min(_ENTRY.seq)).where(_ENTRY.at_micros >= to_micros(until)))
    newest = connection.scalar(select(func.max(_ENTRY.seq))) or 0
    last: int = min(newest if younger is None else younger - 1, gone + MOST_AT_ONCE)
    return last if last > gone else None


def _seal(tx: Tx, begins: trail.Beginning, last: int, root: bytes, until_micros: int, settled: trail.Settled) -> None:
    mark: dict[str, Any] = {
        "seq": last, "hash": root, "until_micros": until_micros,
        "history_seq": settled.seq, "history_rows": settled.rows, "history_hash": settled.root,
        "mac": trail.seal_prune(tx.database.audit_key, last, root, until_micros, settled),
    }  # fmt: skip
    change = update(AuditPrune).values(mark) if begins.seq else insert(AuditPrune).values(id=1, **mark)
    tx.connection.execute(change)
