"""What every unit of work knows of sync: a desk that was cut off does nothing, and a visit that was booked anew is settled."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update

from clinicdesk.core.errors import NotPermitted
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Action, Change, Tx
from clinicdesk.features.appointments.schemas import Status
from clinicdesk.features.sync.models import Device, SyncConflict

NEEDS_REBOOKING = Status.WAITLIST.value
"""A booking whose time was taken keeps its id and holds no time: FHIR's waitlist. It has an open conflict of kind booking."""


def ensure_enrolled(tx: Tx) -> None:
    """A guard of every unit of work: the desk that brings it has not been revoked. Raises NotPermitted("device_revoked")."""
    if tx.actor.device_id is None:
        if tx.actor.role is Role.DEVICE:
            raise NotPermitted("device_revoked", verb="sync.ensure_enrolled")
        return
    found = tx.connection.execute(select(Device.revoked_at).where(Device.id == tx.actor.device_id)).one_or_none()
    if found is None or found.revoked_at is not None:
        raise NotPermitted("device_revoked", verb="sync.ensure_enrolled")


def follow(tx: Tx, changes: Sequence[Change]) -> None:
    """A follower of every unit of work: a visit that has left the waitlist by whatever way needs no rebooking any more."""
    left = [
        change.id
        for change in changes
        if change.entity == "appointment"
        and change.old is not None
        and change.old.get("status") == NEEDS_REBOOKING
        and (change.new or {}).get("status") != NEEDS_REBOOKING
    ]
    if not left:
        return
    waiting = select(SyncConflict.id, SyncConflict.patient_id).where(
        SyncConflict.entity_id.in_(left),
        SyncConflict.resolved_at.is_(None),
        SyncConflict.kind == "booking",
    )
    for row in tx.connection.execute(waiting).all():
        done = {"resolved_at": tx.now, "resolved_by": tx.actor.user_id, "resolution": "around"}
        tx.connection.execute(
            update(SyncConflict).where(SyncConflict.id == row.id).values(**done, version=SyncConflict.version + 1)
        )
        tx.tell(Change("sync_conflict", row.id, Action.UPDATE, None, done, row.patient_id))
