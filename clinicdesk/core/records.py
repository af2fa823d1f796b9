"""What a unit of work writes down as its last act: in the audit trail, the history, and the change log where others follow.

Nobody else can write theirs from the moment at which the end of the trail is known until the commit. So all that does not
follow from what stands before is made ready beforehand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Row

from clinicdesk.core import binding, changes, history, trail
from clinicdesk.core.clock import to_micros

if TYPE_CHECKING:
    from clinicdesk.core.tx import Actor, Change


@dataclass(frozen=True, slots=True)
class Chained:
    """Rows, complete: of the audit trail and its seal, of the history, and of the change log (None: it is not logged)."""

    entries: list[dict[str, object]]
    seal: dict[str, object]
    history: list[dict[str, object]]
    logged: dict[str, object] | None


class Records:
    """The records of one unit of work; false where there are none."""

    def __init__(self, at: datetime, unit_id: UUID, binder: binding.Binder) -> None:
        self._at = at
        self._binder = binder
        self._micros = to_micros(at)
        self._unit = unit_id.hex
        self._entries: list[tuple[int | str, ...]] = []
        self._history: list[tuple[int, dict[str, object]]] = []
        """Rows of the history, each with the place of its entry among ours."""
        self._logged: dict[str, object] | None = None

    def __bool__(self) -> bool:
        return bool(self._entries) or self._logged is not None

    def add(self, actor: Actor, verb: str, change: Change, outcome: str, *, emergency: bool = False) -> None:
        """Write down what somebody did, for the audit trail and, if it is a change, for the history."""
        entity_id = change.id.hex if change.id else ""
        actor_id = actor.user_id.hex if actor.user_id else ""
        fields = sorted(change.new or change.old or ()) if change.action == "U" else []
        detail: dict[str, object] = {}
        if fields:
            detail["fields"] = fields
        if change.note:
            detail["note"] = change.note
        if emergency and change.patient_id is not None:
            detail["emergency"] = True
        if change.action in "CUD":
            row: dict[str, object] = {
                "unit_id": self._unit, "at_micros": self._micros, "actor_id": actor_id, "verb": verb,
                "entity": change.entity, "entity_id": entity_id, "action": change.action.value,
                "old": history.encode(change.old), "new": history.encode(change.new),
            }  # fmt: skip
            self._history.append((len(self._entries), row))
            detail = {binding.KEY: self._binder(binding.content(row)), **detail}
        self._entries.append(
            (
                self._micros, self._unit, actor_id, actor.name, actor.role.value, actor.desk, change.action.value, verb,
                change.entity, entity_id, change.patient_id.hex if change.patient_id else "", outcome,
                json.dumps(detail, separators=(",", ":")) if detail else "{}",
            )
        )  # fmt: skip

    def log(self, verb: str, made: Iterable[Change]) -> None:
        """Enter the unit of work in the change log, if it changed anything."""
        self._logged = changes.row_of(self._at, verb, made)

    def behind(self, head: Row[int, bytes, bytes] | None, key: bytes) -> Chained:
        """The records as they stand behind this head of the audit trail. Raises Unavailable("audit_trail_broken")."""
        chain = trail.Chain(head, key)
        numbers = [chain.append(*entry) for entry in self._entries]
        kept = [{**row, "audit_seq": numbers[place]} for place, row in self._history]
        return Chained(chain.rows, chain.seal, kept, self._logged)
