"""Undo: what one unit of work changed in the book is put back, by a new change that is audited and can be undone in turn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import select

from clinicdesk.core.errors import Conflict, NotFound, NotPermitted
from clinicdesk.core.history import HistoryEntry, decode, entries_of_unit
from clinicdesk.core.model import Base
from clinicdesk.core.permissions import Permission
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import VERBS, Change, Tx, verb
from clinicdesk.features.appointments import rows
from clinicdesk.features.appointments.models import Appointment, AppointmentSeries, WaitlistEntry
from clinicdesk.features.appointments.rows import VISIT
from clinicdesk.features.appointments.schemas import Status, Undone

_NAME = "appointments.revert"
_BESIDE: Mapping[str, tuple[type[Base], Mapping[str, Any]]] = MappingProxyType(
    {
        "appointment_series": (AppointmentSeries, {"removed": True}),
        "waitlist_entry": (WaitlistEntry, {"state": "removed"}),
    }
)
"""What may be put back beside visits, and what becomes of a row that was made by mistake."""


@verb(Permission.SEE_CALENDAR, concurrent=True)
def revert(tx: Tx, unit_id: UUID) -> Undone:
    """Put back what a unit of work changed, as far as it is visits, series and the waitlist; a booking becomes entered in error.
    Undoing an undo is redo.

    Needs the permission of the verb that is undone, and CORRECT_VISIT where somebody else did it. Raises
    NotFound(nothing_to_undo), Conflict (not_undoable where more than these was changed, changed_since where one is not as
    that unit of work left it), SlotTaken (the old time is taken by now), NotPermitted.
    """
    entries = entries_of_unit(tx.session, unit_id)
    if not entries:
        raise NotFound("nothing_to_undo")
    if any(entry.entity != "appointment" and entry.entity not in _BESIDE for entry in entries):
        raise Conflict("not_undoable")
    undone = {entry.seq: _undone_verb(tx, entry) for entry in entries}
    for name in undone.values():
        _require(tx, VERBS[name].permission)
    if any(entry.actor_id != (tx.actor.user_id.hex if tx.actor.user_id else "") for entry in entries):
        _require(tx, Permission.CORRECT_VISIT)
    changed = []
    for entry in reversed(entries):
        if entry.entity == "appointment":
            changed.append(_put_back(tx, entry, undone[entry.seq]))
        else:
            _put_back_beside(tx, entry, undone[entry.seq])
    return Undone(tuple(rows.get(tx, id_) for id_ in dict.fromkeys(reversed(changed))))


def _undone_verb(tx: Tx, entry: HistoryEntry) -> str:
    """The verb that was done in the first place; an undo keeps it as its note in the audit trail."""
    if entry.verb != _NAME:
        return entry.verb
    detail = tx.session.scalar(select(AuditEntry.detail).where(AuditEntry.seq == entry.audit_seq))
    return str(json.loads(detail or "{}")["note"])


def _put_back(tx: Tx, entry: HistoryEntry, undone: str) -> UUID:
    id_ = UUID(hex=entry.entity_id)
    left, before = decode(Appointment, entry.new), decode(Appointment, entry.old)
    if not before:  # it was made: what was a mistake is said to be one, never deleted
        before = {"status": Status.ENTERED_IN_ERROR.value}
    stored = tx.session.execute(select(VISIT).where(VISIT.c.id == id_)).mappings().one()
    if any(stored[name] != value for name, value in left.items() if name != "version"):
        raise Conflict("changed_since")
    new: dict[str, Any] = {name: value for name, value in before.items() if name != "version"}
    if new.get("overbooked"):
        _require(tx, Permission.OVERBOOK)
    rows.write(tx, id_, dict(stored), new, note=undone)
    return id_


def _put_back_beside(tx: Tx, entry: HistoryEntry, undone: str) -> None:
    model, mistaken = _BESIDE[entry.entity]
    row: Any = tx.session.get(model, UUID(hex=entry.entity_id))
    left, before = decode(model, entry.new), decode(model, entry.old) or dict(mistaken)
    if any(getattr(row, name) != value for name, value in left.items() if name != "version"):
        raise Conflict("changed_since")
    for name, value in before.items():
        if name != "version":
            setattr(row, name, value)
    tx.record(Change.updated(row, row.patient_id, undone))
    tx.session.flush()


def _require(tx: Tx, permission: Permission) -> None:
    if not tx.actor.may(permission):
        raise NotPermitted(verb=tx.verb, permission=permission.value)
