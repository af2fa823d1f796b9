"""The reference desk: what a desk has to do with what the server says. It knows no network, no clock and no disk.

It is the least that keeps the invariants; the desk of the program may do more, and has to keep them too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from clinicdesk.core.ids import new_id
from clinicdesk.features.sync.entities import SYNCED
from clinicdesk.features.sync.schemas import Op, OpAction, OpResult, Outcome, Pulled, Snapshot

Key = tuple[str, UUID]
Row = dict[str, Any]
HOLDING = ("pending", "booked", "arrived", "checked-in")


class State(StrEnum):
    """Where an op of the outbox stands. RESEND: it was answered, by a server that has forgotten it."""

    NEW = "new"
    ACKED = "acked"
    RESEND = "resend"
    ATTENTION = "attention"


@dataclass
class Kept:
    """An op, kept for as long as the server could forget it."""

    op: Op
    state: State = State.NEW
    outcome: Outcome | None = None
    code: str = ""
    conflict_id: UUID | None = None


@dataclass
class Desk:
    """What a desk stores."""

    name: str
    rows: dict[Key, Row] = field(default_factory=dict)
    """What is on the screen."""
    base: dict[Key, Row] = field(default_factory=dict)
    """The last copy from the server."""
    outbox: list[Kept] = field(default_factory=list)
    stream_id: UUID = field(default_factory=new_id)
    next_n: int = 1
    epoch: UUID | None = None
    cursor: int | None = None
    """None: a snapshot is to be taken."""
    scope_hash: str = ""

    # ---- what is done here ------------------------------------------------------------------------------------------

    def do(self, user_id: UUID, entity: str, id_: UUID, new: Row, wall_at: datetime) -> Op:
        """Change a row here, and put it into the outbox with what was seen."""
        row = self.rows.get((entity, id_))
        action, old = OpAction.CREATE, None
        if row is not None:
            action, old = OpAction.UPDATE, {name: row.get(name) for name in {*_touched(entity, new), "version"}}
        op = Op(self.next_n, new_id(), user_id, entity, id_, action, wall_at, old, dict(new))
        self.next_n += 1
        self.outbox.append(Kept(op))
        self.settle([(entity, id_)])
        return op

    # ---- what goes out and comes back ----------------------------------------------------------------------------------

    def waiting(self, most: int) -> tuple[Op, ...]:
        """The ops that are to be sent next, in their order."""
        return tuple(kept.op for kept in self.outbox if kept.state in (State.NEW, State.RESEND))[:most]

    def answered(self, results: Iterable[OpResult]) -> None:
        """The server has said what became of ops: each row is what the server has, and what is still to be sent upon it."""
        by_id = {kept.op.op_id: kept for kept in self.outbox}
        keys = []
        for result in results:
            kept = by_id.get(result.op_id)
            if kept is None:  # of a life that a restore of the desk has ended
                continue
            kept.state = State.ATTENTION if result.outcome is Outcome.REJECTED else State.ACKED
            kept.outcome, kept.code, kept.conflict_id = result.outcome, result.code, result.conflict_id
            key = kept.op.entity, kept.op.id
            keys.append(key)
            if result.row is None:
                self.base.pop(key, None)
            else:
                self.base[key] = dict(result.row)
        self.settle(keys)

    def begin_stream(self) -> None:
        """Send everything that is kept once more, in another stream: what was taken stays taken once."""
        self.stream_id, self.next_n = new_id(), 1
        for kept in self.outbox:
            kept.op = replace(kept.op, n=self.next_n)
            self.next_n += 1
            if kept.state is not State.NEW:
                kept.state = State.RESEND

    def start_over(self) -> None:
        """What the server has is not known any more, or is not to be held any more."""
        self.cursor = None

    def took_snapshot(self, parts: list[Snapshot]) -> None:
        """All that the desk may hold, in one transaction."""
        self.base = {(one.entity, one.id): dict(one.row) for part in parts for one in part.rows}
        self.rows = {}
        last = parts[-1]
        self.cursor, self.epoch, self.scope_hash = last.cursor, last.epoch, last.scope_hash
        self.settle([*self.base, *((kept.op.entity, kept.op.id) for kept in self.outbox)])

    def pulled(self, parts: list[Pulled]) -> None:
        """All that has changed, in one transaction; the cursor moves with it."""
        keys = []
        for part in parts:
            for change in part.changes:
                key = change.entity, change.id
                keys.append(key)
                if change.row is None:
                    self.base.pop(key, None)
                else:
                    self.base[key] = dict(change.row)
        self.settle(keys)
        self.cursor = parts[-1].upto

    # ---- what is on the screen -----------------------------------------------------------------------------------------

    def settle(self, keys: Iterable[Key]) -> None:
        """Make rows what the server has and what is still to be sent upon it, and let no two bookings hold one time."""
        for key in keys:
            row = dict(self.base.get(key, {}))
            pending = [
                kept.op for kept in self.outbox if kept.state is State.NEW and (kept.op.entity, kept.op.id) == key
            ]
            for op in pending:
                if row or op.action is OpAction.CREATE:
                    row = {**_empty(key[0]), **row, "id": str(key[1]), **(op.new or {})}
            if row:
                self.rows[key] = row
            else:
                self.rows.pop(key, None)
        self._demote()

    def provisional(self, key: Key) -> bool:
        """Whether something of a row has yet to be accepted by the server."""
        return any(kept.state is State.NEW and (kept.op.entity, kept.op.id) == key for kept in self.outbox)

    def _demote(self) -> None:
        """A provisional booking whose time somebody has by now needs rebooking; it holds no time."""
        held: list[Row] = []
        visits = [(key, row) for key, row in self.rows.items() if key[0] == "appointment"]
        for _key, row in sorted(visits, key=lambda item: (self.provisional(item[0]), self._place(item[0]))):
            if row.get("status") not in HOLDING:
                continue
            if any(overlap(row, other) for other in held):
                row["status"] = "waitlist"
            else:
                held.append(row)

    def _place(self, key: Key) -> int:
        return next((nth for nth, kept in enumerate(self.outbox) if (kept.op.entity, kept.op.id) == key), -1)


def overlap(one: Row, other: Row) -> bool:
    """Whether two visits cannot both hold their time."""
    if not (_at(one["start"]) < _at(other["end"]) and _at(other["start"]) < _at(one["end"])):
        return False
    return (
        one["practitioner_id"] == other["practitioner_id"]
        or one["patient_id"] == other["patient_id"]
        or (one.get("room_id") is not None and one.get("room_id") == other.get("room_id"))
    )


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _touched(entity: str, new: Row) -> set[str]:
    """The fields that a change touches, with those that are changed with them as one."""
    touched = set(new)
    for group in SYNCED[entity].together:
        if group & touched:
            touched |= group
    return touched


def _empty(entity: str) -> Row:
    """A row of which nothing was said: what the columns are by themselves."""
    values = {}
    for column in SYNCED[entity].model.__table__.columns:
        default = getattr(column.default, "arg", None)
        values[column.name] = default if isinstance(default, str | int | bool) else None
    return values
