"""Visits that took place, or did not, before ClinicDesk knew of them: they hold no time, so they may overlap."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from clinicdesk.core.clock import in_utc
from clinicdesk.core.errors import Conflict, InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Tx, verb
from clinicdesk.features.appointments import rows, rules
from clinicdesk.features.appointments.models import REASON_MOST
from clinicdesk.features.appointments.rows import VISIT
from clinicdesk.features.appointments.schemas import RecordPast, Status


@verb(Permission.IMPORT)
def record_past(tx: Tx, request: RecordPast) -> UUID:
    """Store a visit that is over, as it was; returns its id. Neither hours nor lengths nor overlaps are judged.

    Raises InvalidInput (status_not_final, ends_before_it_begins, unknown_cancel_reason) and Conflict(visit_not_begun) for a
    visit that is said to have taken place, or been missed, in the future.
    """
    values = _values(request, tx.now)
    values |= {
        "id": new_id(), "version": 1, "confirmed": False, "overbooked": False, "overbook_reason": "",
        "patient_overlap": False, "arrived_at": None, "checked_in_at": None,
        "created_at": tx.now, "created_by": tx.actor.user_id,
    }  # fmt: skip
    rows.add(tx, values)
    id_: UUID = values["id"]
    return id_


@verb(Permission.IMPORT)
def correct_past(tx: Tx, id_: UUID, request: RecordPast) -> bool:
    """Bring a recorded visit to what the request says; False where nothing differs.

    Raises what `record_past` raises, NotFound(visit_not_found), and Conflict(visit_still_open) for one that is not over.
    """
    new = _values(request, tx.now)
    stored = tx.session.execute(select(VISIT).where(VISIT.c.id == id_)).mappings().one_or_none()
    if stored is None:
        raise NotFound("visit_not_found")
    if Status(stored["status"]) not in rules.FINAL:
        raise Conflict("visit_still_open")
    changed = {name: value for name, value in new.items() if stored[name] != value}
    if not changed:
        return False
    rows.write(tx, id_, dict(stored), changed)
    return True


def _values(request: RecordPast, now: datetime) -> dict[str, Any]:
    if request.status not in rules.FINAL:
        raise InvalidInput("status_not_final", field="status")
    start, end = in_utc(request.start), in_utc(request.end)
    if end <= start:
        raise InvalidInput("ends_before_it_begins", field="end")
    took_place = request.status is Status.FULFILLED
    if (took_place or request.status is Status.NOSHOW) and start > now:
        raise Conflict("visit_not_begun", start=start)
    if request.cancel_reason:
        rules.check_cancel_reason(request.cancel_reason)
    return {
        "patient_id": request.patient_id,
        "practitioner_id": request.practitioner_id,
        "room_id": request.room_id,
        "type_id": request.type_id,
        "start": start,
        "end": end,
        "status": request.status.value,
        "reason": one_line(request.reason, "reason", REASON_MOST),
        "cancel_reason": request.cancel_reason,
        "started_at": start if took_place else None,
        "ended_at": end if took_place else None,
    }
