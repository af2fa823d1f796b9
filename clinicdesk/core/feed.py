"""Reads the change log: whoever remembers how far it has come misses nothing and gets nothing twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from clinicdesk.core.changes import LoggedChange, LoggedUnit, decode
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx, verb

KEPT_FOR = timedelta(days=2)

_LOG = LoggedUnit.__table__


@dataclass(frozen=True, slots=True)
class Unit:
    """What one unit of work changed."""

    seq: int
    at: datetime
    verb: str
    changes: tuple[LoggedChange, ...]


@dataclass(frozen=True, slots=True)
class Feed:
    """Units of work in the order of their commits, and the number of the `newest` that there is.

    `broken` says that what lies between is not known any more (or the database is another's copy): read everything anew,
    and go on from `newest`.
    """

    units: tuple[Unit, ...]
    newest: int
    broken: bool


@verb(Permission.MAINTAIN, writes=False)
def changes_since(tx: Tx, seq: int, limit: int = 500) -> Feed:
    """What was committed behind the unit of work with this number, at most so many units."""
    oldest, newest = tx.connection.execute(select(func.min(_LOG.c.seq), func.max(_LOG.c.seq))).one()
    newest = newest or 0
    if seq > newest or seq < (oldest or 1) - 1:
        return Feed((), newest, broken=True)
    rows = tx.connection.execute(
        select(_LOG.c.seq, _LOG.c.at, _LOG.c.verb, _LOG.c.changes)
        .where(_LOG.c.seq > seq)
        .order_by(_LOG.c.seq)
        .limit(limit)
    )
    return Feed(tuple(Unit(row.seq, row.at, row.verb, decode(row.changes)) for row in rows), newest, broken=False)


@verb(Permission.MAINTAIN)
def forget_changes(tx: Tx) -> int:
    """Forget what was logged more than two days ago, but for the last unit of work; says how much."""
    last = select(func.max(_LOG.c.seq)).scalar_subquery()
    done = tx.connection.execute(delete(LoggedUnit).where(_LOG.c.at < tx.now - KEPT_FOR, _LOG.c.seq < last))
    return int(done.rowcount)
