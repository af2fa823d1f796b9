"""Pauses of the cache: how a process that cannot tell the others what it changed keeps them from believing what they remember.

Who reads from the cache believes it only for as long as it has seen, a moment ago, that nobody has it paused; and what was
kept before a pause is worth nothing after it. The database is the one place that whoever writes can reach for certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.model import Base

_REMEMBERED = timedelta(days=1)


class CachePause(Base):
    """One stretch of time in which nobody may believe what is in the cache."""

    __tablename__ = "cache_pause"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    until: Mapped[datetime]


_P = CachePause.__table__.c


@dataclass(frozen=True, slots=True)
class Pauses:
    """Whether the cache is paused, and what names the time between two pauses."""

    paused: bool
    era: str


def look(connection: Connection) -> Pauses:
    """How it stands at this moment, by the database's own clock."""
    found = connection.execute(select(_P.id, _P.until > func.clock_timestamp()).order_by(_P.id)).all()
    return Pauses(any(paused for _, paused in found), ",".join(id_.hex[-12:] for id_, _ in found))


def pause(connection: Connection, id_: UUID, lasts: timedelta) -> None:
    """Pause the cache from the commit on for so long, or for longer where that is a pause already."""
    until = func.clock_timestamp() + lasts
    if connection.execute(update(CachePause).where(_P.id == id_).values(until=until)).rowcount == 0:
        connection.execute(delete(CachePause).where(_P.until < func.clock_timestamp() - _REMEMBERED))
        connection.execute(insert(CachePause).values(id=id_, until=until))


def end(connection: Connection, id_: UUID) -> None:
    """End a pause; its row remains for a day, so that what was kept before it stays worthless."""
    connection.execute(update(CachePause).where(_P.id == id_).values(until=func.clock_timestamp()))
