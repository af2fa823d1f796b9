"""The history: what each change was, by field, old and new. Undo, the time machine and the sync outbox read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, Integer, String, Text, Uuid, insert, inspect, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.type_api import TypeEngine

from clinicdesk.core.clock import from_micros, to_micros
from clinicdesk.core.model import Base, UtcDateTime

Fields = Mapping[str, Any]


class HistoryEntry(Base):
    """One changed row: its fields before and after. Rows that one unit of work changed share `unit_id`."""

    __tablename__ = "history_entry"
    __table_args__ = (
        Index("ix_history_entry_entity", "entity", "entity_id", "seq"),
        Index("ix_history_entry_unit_id", "unit_id"),
    )

    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    unit_id: Mapped[str] = mapped_column(String(32))
    audit_seq: Mapped[int] = mapped_column(BigInteger)
    at_micros: Mapped[int] = mapped_column(BigInteger)
    actor_id: Mapped[str] = mapped_column(String(32))
    verb: Mapped[str] = mapped_column(String(60))
    entity: Mapped[str] = mapped_column(String(40))
    entity_id: Mapped[str] = mapped_column(String(32))
    action: Mapped[str] = mapped_column(String(1))
    old: Mapped[str | None] = mapped_column(Text)
    new: Mapped[str | None] = mapped_column(Text)


INSERT_HISTORY = insert(HistoryEntry.__table__)  # type: ignore[arg-type]


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return to_micros(value)
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"history cannot keep a {type(value).__name__}")


def encode(fields: Fields | None) -> str | None:
    """Fields as JSON text: instants in microseconds since 1970, ids in hex, dates in ISO 8601."""
    return None if fields is None else json.dumps(fields, default=_plain, ensure_ascii=False, separators=(",", ":"))


def decode(model: type[Base], text: str | None) -> dict[str, Any]:
    """The fields of an entry as the model's own Python values; unknown fields (dropped since) are left out."""
    if text is None:
        return {}
    columns = inspect(model).columns
    return {name: _typed(columns[name].type, value) for name, value in json.loads(text).items() if name in columns}


def _typed(column_type: TypeEngine[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column_type, (UtcDateTime, DateTime)):
        return from_micros(value)
    if isinstance(column_type, Uuid):
        return UUID(hex=value)
    if column_type.python_type is date:
        return date.fromisoformat(value)
    return value


def entries_of_unit(session: Session, unit_id: UUID) -> list[HistoryEntry]:
    """What one unit of work changed, in order."""
    return list(
        session.scalars(select(HistoryEntry).where(HistoryEntry.unit_id == unit_id.hex).order_by(HistoryEntry.seq))
    )


def entries_of(session: Session, entity: str, entity_id: UUID) -> list[HistoryEntry]:
    """The whole life of one row, oldest first."""
    return list(
        session.scalars(
            select(HistoryEntry)
            .where(HistoryEntry.entity == entity, HistoryEntry.entity_id == entity_id.hex)
            .order_by(HistoryEntry.seq)
        )
    )
