"""The change log of a database that serves: what each unit of work changed, in the order of the commits, without values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import BigInteger, Integer, String, Text, insert
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.model import Base

if TYPE_CHECKING:
    from clinicdesk.core.tx import Change

_MOST = 200
"""Changes of one unit of work that are told one by one; of more (an import) it is told which tables changed."""

_CONCERNS = ("user_id", "conversation_id")
"""Ids among a change's fields by which those are found whom it concerns."""


class LoggedUnit(Base):
    """One committed unit of work. Rows are added while the records' lock is held, so `seq` rises in the order of commits."""

    __tablename__ = "change_log"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  (a number is never given twice)

    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(index=True)
    verb: Mapped[str] = mapped_column(String(60))
    changes: Mapped[str] = mapped_column(Text)
    """JSON: ids and words of the schema alone."""


_LOG = LoggedUnit.__table__
INSERT = insert(_LOG).returning(_LOG.c.seq)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """That a row was created, updated or deleted. The other ids say whom it concerns, as far as the change did.

    `many` says that a whole table changed in ways that are not told one by one.
    """

    entity: str
    action: str
    id: UUID | None = None
    patient_id: UUID | None = None
    user_id: UUID | None = None
    conversation_id: UUID | None = None
    many: bool = False


def row_of(at: datetime, verb: str, changes: Iterable[Change]) -> dict[str, object] | None:
    """The row that logs what was changed; None where nothing was."""
    told = [_shortened(change) for change in changes if change.action in "CUD"]
    if not told:
        return None
    if len(told) > _MOST:
        told = [{"entity": entity, "action": "U", "many": True} for entity in sorted({one["entity"] for one in told})]
    told = list({json.dumps(one, separators=(",", ":")): one for one in told}.values())
    return {"at": at, "verb": verb, "changes": json.dumps(told, separators=(",", ":"))}


def decode(changes: str) -> tuple[LoggedChange, ...]:
    """The changes of a logged unit of work."""
    return tuple(
        LoggedChange(**{name: _typed(name, value) for name, value in one.items()}) for one in json.loads(changes)
    )


def concerned(change: Change, name: str) -> UUID | None:
    """The id of this name among the fields of a change, new or old."""
    for fields in (change.new, change.old):
        value = None if fields is None else fields.get(name)
        if isinstance(value, UUID):
            return value
    return None


def _shortened(change: Change) -> dict[str, Any]:
    ids: Mapping[str, UUID | None] = {
        "id": change.id, "patient_id": change.patient_id, **{name: concerned(change, name) for name in _CONCERNS}
    }  # fmt: skip
    told: dict[str, Any] = {"entity": change.entity, "action": change.action.value}
    return told | {name: id_.hex for name, id_ in ids.items() if id_ is not None}


def _typed(name: str, value: Any) -> Any:
    return UUID(hex=value) if name == "id" or name.endswith("_id") else value
