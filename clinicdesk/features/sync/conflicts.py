"""What a person has to decide: both claims side by side, and the ways out, each by the verb that does it anywhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Select, func, select

from clinicdesk.core.clock import from_micros, in_utc
from clinicdesk.core.errors import Conflict, NotFound, NotPermitted
from clinicdesk.core.history import HistoryEntry
from clinicdesk.core.paging import Page, check_limit, decode_id_cursor, encode_cursor
from clinicdesk.core.permissions import GRANTS, Permission
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.appointments import rows as visits
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.appointments.schemas import (
    CancelAppointment,
    FindOpenings,
    Opening,
    Reschedule,
)
from clinicdesk.features.documents.models import Document
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.sync.apply import Decided, carry_out, require
from clinicdesk.features.sync.entities import ADMINISTRATIVE, SYNCED, Scope
from clinicdesk.features.sync.models import Device, SyncConflict
from clinicdesk.features.sync.pushing import rows_of
from clinicdesk.features.sync.schemas import (
    Claim,
    ConflictDetail,
    ConflictKind,
    ConflictQuery,
    ConflictRow,
    Op,
    OpAction,
    Resolution,
)
from clinicdesk.features.users.models import User

_OPENINGS = 3
_C: FromClause = SyncConflict.__table__
_H: FromClause = HistoryEntry.__table__
_ROWS: Select[*tuple[Any, ...]] = (
    select(
        SyncConflict, Patient.given, Patient.family, Patient.mobile, Patient.phone, User.name.label("user_name"),
        Device.name.label("desk"),
    )
    .join(Device, Device.id == SyncConflict.device_id)
    .outerjoin(Patient, Patient.id == SyncConflict.patient_id)
    .outerjoin(User, User.id == SyncConflict.user_id)
)  # fmt: skip


@verb(Permission.RESOLVE_CONFLICTS, writes=False)
def find_conflicts(tx: Tx, query: ConflictQuery = ConflictQuery()) -> Page[ConflictRow]:  # noqa: B008
    """What is to be decided, the oldest first: of those tables that the caller may read.

    Raises InvalidInput("cursor_not_right", "out_of_range").
    """
    check_limit(query.page)
    tx.note_look("sync_conflict", patient_id=query.patient_id)
    wanted: list[ColumnElement[bool]] = [SyncConflict.entity.in_(_readable(tx))]
    if query.resolved is not None:
        wanted.append(SyncConflict.resolved_at.is_not(None) if query.resolved else SyncConflict.resolved_at.is_(None))
    if query.kind is not None:
        wanted.append(SyncConflict.kind == query.kind.value)
    if query.patient_id is not None:
        wanted.append(SyncConflict.patient_id == query.patient_id)
    found = _ROWS.where(*wanted).order_by(SyncConflict.id).limit(query.page.limit + 1)
    if query.page.cursor:
        found = found.where(SyncConflict.id > decode_id_cursor(query.page.cursor))
    rows = tx.session.execute(found).all()
    shown = rows[: query.page.limit]
    count = select(func.count()).select_from(SyncConflict).where(*wanted)
    following = encode_cursor([shown[-1].SyncConflict.id.hex]) if len(rows) > query.page.limit else None
    return Page([_row(one) for one in shown], following, tx.session.scalar(count) if query.page.total else None)


@verb(Permission.RESOLVE_CONFLICTS, concurrent=True)
def open_conflict(tx: Tx, id: UUID) -> ConflictDetail:  # noqa: A002
    """Both claims: who made each, when, at which desk; the row as it stands, the patient's phone, and for a visit that has to
    be booked anew the next three free times. Audited. Raises NotFound("conflict_not_found"), NotPermitted.
    """
    found = _found(tx, id)
    conflict: SyncConflict = found.SyncConflict
    _reach(tx, conflict)
    tx.record(Change("sync_conflict", conflict.id, Action.READ, patient_id=conflict.patient_id))
    return _detail(tx, found)


# ---- a visit whose time was taken --------------------------------------------------------------------------------------


@verb(Permission.RESOLVE_CONFLICTS, concurrent=True)
def rebook(
    tx: Tx,
    id: UUID,  # noqa: A002
    version: int,
    start: datetime,
    *,
    practitioner_id: UUID | None = None,
    room_id: UUID | None = None,
) -> ConflictDetail:
    """Give the visit another time, and take it into the book. Raises what `appointments.reschedule` and
    `appointments.reinstate` raise, NotFound("conflict_not_found"), Conflict("changed_meanwhile", "conflict_resolved",
    "not_a_booking")."""
    conflict = _booking(tx, id, version)
    _into_the_book(tx, conflict.entity_id, start, practitioner_id, room_id)
    return _resolved(tx, conflict, Resolution.REBOOKED)


@verb(Permission.RESOLVE_CONFLICTS, concurrent=True)
def swap(
    tx: Tx,
    id: UUID,  # noqa: A002
    version: int,
    start: datetime,
    *,
    practitioner_id: UUID | None = None,
) -> ConflictDetail:
    """Let the visit have the time that it claims, and give the one that has it another. Raises as `rebook` does, and
    Conflict("nothing_to_swap") where nobody has the time any more."""
    conflict = _booking(tx, id, version)
    if conflict.other_id is None:
        raise Conflict("nothing_to_swap")
    claimed = json.loads(conflict.claimed)
    wanted = datetime.fromisoformat(claimed["start"])
    other = visits.get(tx, conflict.other_id)
    if other.start >= datetime.fromisoformat(claimed["end"]) or other.end <= wanted:
        raise Conflict("nothing_to_swap")
    appointments.reschedule(tx, Reschedule(other.id, other.version, in_utc(start), practitioner_id=practitioner_id))
    _into_the_book(tx, conflict.entity_id, wanted, UUID(claimed["practitioner_id"]), None)
    return _resolved(tx, conflict, Resolution.SWAPPED)


@verb(Permission.RESOLVE_CONFLICTS, concurrent=True)
def cancel(tx: Tx, id: UUID, version: int, reason: str) -> ConflictDetail:  # noqa: A002
    """Cancel the visit, for one of FHIR's reasons. Raises what `appointments.cancel` raises, and as `rebook` does."""
    conflict = _booking(tx, id, version)
    visit = visits.get(tx, conflict.entity_id)
    appointments.cancel(tx, CancelAppointment(visit.id, visit.version, reason))
    return _resolved(tx, conflict, Resolution.CANCELLED)


def _into_the_book(tx: Tx, visit_id: UUID, start: datetime, practitioner_id: UUID | None, room_id: UUID | None) -> None:
    visit = visits.get(tx, visit_id)
    length = visit.end - visit.start
    moved = appointments.reschedule(tx, Reschedule(visit.id, visit.version, start, length, practitioner_id, room_id))
    appointments.reinstate(tx, moved.id, moved.version)


# ---- values that somebody else had changed -----------------------------------------------------------------------------


@verb(Permission.RESOLVE_CONFLICTS, concurrent=True)
def keep_values(tx: Tx, id: UUID, version: int) -> ConflictDetail:  # noqa: A002
    """Leave it as the server has it. Raises NotFound("conflict_not_found"), Conflict("changed_meanwhile",
    "conflict_resolved", "not_fields"), NotPermitted."""
    conflict = _fields(tx, id, version)
    one = SYNCED[conflict.entity]
    needed = one.update or one.create
    if needed is not None:  # who decides about a value is somebody who may write it
        require(tx, needed)
    return _resolved(tx, conflict, Resolution.KEPT)


@verb(Permission.RESOLVE_CONFLICTS)
def take_values(
    tx: Tx,
    id: UUID,  # noqa: A002
    version: int,
    row_version: int | None,
    reason: str = "",
) -> ConflictDetail:
    """Store the other values, over the row as it was shown (`row_version`; None where there is no row yet).

    Raises what carrying out an op raises, and as `keep_values` does; Conflict("changed_meanwhile") where the row is another
    by now, SlotTaken where a visit would lie over another. A prescription that serious warnings speak against needs a reason.
    """
    conflict = _fields(tx, id, version)
    one = SYNCED[conflict.entity]
    row = _whole(tx, conflict)
    if (None if row is None else row["version"]) != row_version:
        raise Conflict("changed_meanwhile")
    claimed: Mapping[str, Any] = json.loads(conflict.claimed)
    needed = one.create if row is None else one.update
    if needed is None:
        raise NotPermitted("not_synced", verb=tx.verb)
    require(tx, needed, conflict.patient_id)
    action = OpAction.CREATE if row is None else OpAction.UPDATE
    if row is not None and all(value is None for value in claimed.values()):
        action = OpAction.DELETE
    op = Op(
        0, conflict.op_id, conflict.user_id, conflict.entity, conflict.entity_id, action, conflict.wall_at, row,
        None if action is OpAction.DELETE else claimed,
    )  # fmt: skip
    carry_out(tx, op, Scope(GRANTS[tx.actor.role]), decided=Decided(reason))
    return _resolved(tx, conflict, Resolution.TAKEN)


# ---- parts -----------------------------------------------------------------------------------------------------------


def _readable(tx: Tx) -> list[str]:
    return sorted(name for name, one in SYNCED.items() if tx.actor.may(one.read))


def _reach(tx: Tx, conflict: SyncConflict) -> None:
    """Raises NotPermitted for whoever may not read the table, or not of this patient."""
    require(tx, SYNCED[conflict.entity].read, conflict.patient_id)
    if conflict.entity == Document.__tablename__:
        kind = tx.connection.execute(select(Document.type).where(Document.id == conflict.entity_id)).scalar()
        if kind is not None and kind not in ADMINISTRATIVE:
            require(tx, Permission.READ_CLINICAL_DOCUMENTS, conflict.patient_id)


def _found(tx: Tx, id_: UUID) -> Any:
    found = tx.session.execute(_ROWS.where(SyncConflict.id == id_)).one_or_none()
    if found is None:
        raise NotFound("conflict_not_found")
    return found


def _load(tx: Tx, id_: UUID, version: int, kind: ConflictKind, otherwise: str) -> SyncConflict:
    conflict: SyncConflict = _found(tx, id_).SyncConflict
    _reach(tx, conflict)
    if conflict.version != version:
        raise Conflict("changed_meanwhile")
    if conflict.resolved_at is not None:
        raise Conflict("conflict_resolved")
    if conflict.kind != kind:
        raise Conflict(otherwise)
    return conflict


def _booking(tx: Tx, id_: UUID, version: int) -> SyncConflict:
    return _load(tx, id_, version, ConflictKind.BOOKING, "not_a_booking")


def _fields(tx: Tx, id_: UUID, version: int) -> SyncConflict:
    return _load(tx, id_, version, ConflictKind.FIELDS, "not_fields")


def _resolved(tx: Tx, conflict: SyncConflict, how: Resolution) -> ConflictDetail:
    conflict.resolved_at, conflict.resolved_by, conflict.resolution = tx.now, tx.actor.user_id, how.value
    tx.record(Change.updated(conflict, patient_id=conflict.patient_id, note=how.value))
    tx.session.flush()
    return _detail(tx, _found(tx, conflict.id))


def _row(found: Any) -> ConflictRow:
    one: SyncConflict = found.SyncConflict
    return ConflictRow(
        one.id, ConflictKind(one.kind), one.entity, one.entity_id, one.patient_id,
        f"{found.given or ''} {found.family or ''}".strip(), one.user_id, found.user_name or "", found.desk, one.wall_at,
        one.opened_at, one.resolved_at, one.resolved_by, Resolution(one.resolution) if one.resolution else None,
        one.version,
    )  # fmt: skip


def _detail(tx: Tx, found: Any) -> ConflictDetail:
    one: SyncConflict = found.SyncConflict
    row = _whole(tx, one)
    claimed = Claim(json.loads(one.claimed), one.user_id, found.user_name or "", found.desk, one.wall_at)
    return ConflictDetail(
        _row(found), _stands(tx, one), claimed, one.other_id, row, None if row is None else row["version"],
        found.mobile or found.phone or "", _openings(tx, one),
    )  # fmt: skip


def _whole(tx: Tx, conflict: SyncConflict) -> dict[str, Any] | None:
    """The row as the caller may see it; None where there is none."""
    scope = Scope(GRANTS[tx.actor.role])
    if conflict.entity not in scope.fields:
        return None
    return next((row for _, row in rows_of(tx, scope, conflict.entity, [conflict.entity_id])), None)


def _stands(tx: Tx, conflict: SyncConflict) -> Claim:
    """The other side: of a booking the visit that had the time, of values who wrote them last before the conflict."""
    values: Mapping[str, Any] = json.loads(conflict.stands)
    about = (conflict.entity, conflict.entity_id)
    if conflict.kind == ConflictKind.BOOKING and conflict.other_id is not None:
        about = "appointment", conflict.other_id
        scope = Scope(GRANTS[tx.actor.role])
        values = next((row for _, row in rows_of(tx, scope, "appointment", [conflict.other_id])), {})
    last = tx.connection.execute(
        select(_H.c.actor_id, _H.c.at_micros, _H.c.audit_seq)
        .where(_H.c.entity == about[0], _H.c.entity_id == about[1].hex)
        .order_by(_H.c.seq.desc() if conflict.kind == ConflictKind.FIELDS else _H.c.seq)
        .limit(1)
    ).one_or_none()
    if last is None:
        return Claim(values, None, "", "", conflict.opened_at)
    who = UUID(hex=last.actor_id) if last.actor_id else None
    entry = tx.connection.execute(
        select(AuditEntry.actor_name, AuditEntry.desk).where(AuditEntry.seq == last.audit_seq)
    ).one_or_none()
    name, desk = ("", "") if entry is None else entry
    return Claim(values, who, name, desk, from_micros(last.at_micros))


def _openings(tx: Tx, conflict: SyncConflict) -> tuple[Opening, ...]:
    """The next free times for a visit that has to be booked anew."""
    if conflict.kind != ConflictKind.BOOKING or conflict.resolved_at is not None:
        return ()
    visit = tx.connection.execute(
        select(Appointment.practitioner_id, Appointment.patient_id, Appointment.start, Appointment.end).where(
            Appointment.id == conflict.entity_id
        )
    ).one_or_none()
    if visit is None:
        return ()
    length = max(visit.end - visit.start, timedelta(minutes=1))
    return tuple(
        appointments.find_openings(
            tx,
            FindOpenings(
                length, max(visit.start, tx.now), practitioner_ids=(visit.practitioner_id,), patient_id=visit.patient_id,
                limit=_OPENINGS,
            ),
        )
    )  # fmt: skip
