"""Which life of the database this is: it begins anew when a backup is put back, so that whoever followed the old one can tell.

An epoch is drawn, not counted: of one backup that is put back twice, each life has its own.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, Connection, Integer, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.ids import new_id
from clinicdesk.core.model import Base


class DatabaseEpoch(Base):
    """The one row that names the epoch."""

    __tablename__ = "database_epoch"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    epoch: Mapped[UUID]


_EPOCH = DatabaseEpoch.__table__


def current(connection: Connection) -> UUID:
    """The epoch that the database is in."""
    return UUID(hex=connection.execute(select(_EPOCH.c.epoch)).scalar_one().hex)


def begin(connection: Connection) -> UUID:
    """Begin another epoch; returns it."""
    drawn = new_id()
    done = connection.execute(update(DatabaseEpoch).values(epoch=drawn))
    if not done.rowcount:
        connection.execute(insert(DatabaseEpoch).values(id=1, epoch=drawn))
    return drawn
