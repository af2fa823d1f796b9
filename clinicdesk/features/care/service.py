"""The verbs of care: breaking the glass in an emergency, ending and reviewing that, and how far care reaches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, insert, select

from clinicdesk.core.errors import Conflict, InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import Page, PageRequest, decode_id_cursor, encode_cursor, total_of
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Action, Actor, Change, Database, Tx, verb
from clinicdesk.features.care.models import REASON_MOST, CareSettings, EmergencyAccess
from clinicdesk.features.care.reach import CareAccess, in_care, load_care
from clinicdesk.features.care.schemas import BreakGlass, CareRow, EmergencyQuery, EmergencyRow, ReviewEmergency
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.patients.record import load as load_patient
from clinicdesk.features.users.models import User
from clinicdesk.features.users.passwords import Prepared
from clinicdesk.features.users.service import prepare_own, prove_own

__all__ = [
    "CareAccess",
    "break_glass",
    "care_settings",
    "edit_care_settings",
    "emergencies",
    "end_emergency",
    "in_care",
    "open_emergency",
    "own_emergencies",
    "review",
]

_ROWS: Select[*tuple[Any, ...]] = (
    select(
        EmergencyAccess.id, EmergencyAccess.user_id, User.name, EmergencyAccess.patient_id, Patient.number,
        EmergencyAccess.reason, EmergencyAccess.started_at, EmergencyAccess.expires_at, EmergencyAccess.reviewed_at,
        EmergencyAccess.reviewed_by, EmergencyAccess.justified, EmergencyAccess.review_note, EmergencyAccess.version,
    )
    .join(User, User.id == EmergencyAccess.user_id)
    .join(Patient, Patient.id == EmergencyAccess.patient_id)
)  # fmt: skip


def break_glass(database: Database, actor: Actor, request: BreakGlass) -> EmergencyRow:
    """Open a record for a while in an emergency. Checking the password takes a quarter of a second, and nobody waits for it.

    Raises as `open_emergency` does.
    """
    prepared = prepare_own(database, actor, request.password)
    with database.write(actor) as tx:
        return open_emergency(tx, request, prepared)


@verb(Permission.BREAK_GLASS)
def open_emergency(tx: Tx, request: BreakGlass, prepared: Prepared | None = None) -> EmergencyRow:
    """Break the glass of one patient's record, with a reason and the caller's own password, which is counted if it is wrong.

    From then on, for as long as the clinic allows, the caller reaches that record beyond care and role; it is alerted, marked
    in the audit trail, and waits for a review. Raises OwnPasswordWrong, SignInLocked, NotFound("patient_not_found"),
    InvalidInput("empty", "too_long", "control_characters").
    """
    reason = one_line(request.reason, "reason", REASON_MOST, required=True)
    load_patient(tx, request.patient_id)
    user = prove_own(tx, request.password, prepared)
    opened = EmergencyAccess(
        id=new_id(), version=1, user_id=user.id, patient_id=request.patient_id, reason=reason, started_at=tx.now,
        expires_at=tx.now + timedelta(minutes=load_care(tx).emergency_minutes), reviewed_at=None, reviewed_by=None,
        justified=None, review_note="",
    )  # fmt: skip
    tx.session.add(opened)
    tx.record(Change.created(opened, patient_id=opened.patient_id))
    tx.session.flush()
    return _row(tx, opened.id)


@verb(Permission.BREAK_GLASS)
def end_emergency(tx: Tx, id: UUID) -> EmergencyRow:  # noqa: A002
    """Give an access of one's own back before its time. Raises NotFound("emergency_not_found"), Conflict("emergency_over")."""
    opened = tx.session.get(EmergencyAccess, id)
    if opened is None or opened.user_id != tx.actor.user_id:
        raise NotFound("emergency_not_found")
    if opened.expires_at <= tx.now:
        raise Conflict("emergency_over")
    opened.expires_at = tx.now
    tx.record(Change.updated(opened, patient_id=opened.patient_id))
    tx.session.flush()
    return _row(tx, id)


@verb(Permission.BREAK_GLASS, writes=False)
def own_emergencies(tx: Tx) -> list[EmergencyRow]:
    """The accesses of the caller that last at this moment, the latest first."""
    mine = _ROWS.where(EmergencyAccess.user_id == tx.actor.user_id, EmergencyAccess.expires_at > tx.now)
    return [EmergencyRow(*row) for row in tx.session.execute(mine.order_by(EmergencyAccess.id.desc()))]


@verb(Permission.REVIEW_ACCESS, concurrent=True)
def emergencies(tx: Tx, query: EmergencyQuery = EmergencyQuery()) -> Page[EmergencyRow]:  # noqa: B008
    """Accesses in emergencies, the latest first. Audited. Raises InvalidInput("cursor_not_right")."""
    wanted: list[Any] = []
    if query.reviewed is not None:
        unreviewed = EmergencyAccess.reviewed_at.is_(None)
        wanted.append(~unreviewed if query.reviewed else unreviewed)
    if query.user_id is not None:
        wanted.append(EmergencyAccess.user_id == query.user_id)
    if query.patient_id is not None:
        wanted.append(EmergencyAccess.patient_id == query.patient_id)
    page: PageRequest = query.page
    found = _ROWS.where(*wanted).order_by(EmergencyAccess.id.desc()).limit(page.limit + 1)
    if page.cursor:
        found = found.where(EmergencyAccess.id < decode_id_cursor(page.cursor))
    rows = [EmergencyRow(*row) for row in tx.session.execute(found)]
    total = tx.session.scalar(total_of(select(EmergencyAccess.id).where(*wanted))) if page.total else None
    items = rows[: page.limit]
    tx.record(Change("emergency_access", None, Action.READ, patient_id=query.patient_id))
    return Page(items, encode_cursor([items[-1].id.hex]) if len(rows) > page.limit else None, total)


@verb(Permission.REVIEW_ACCESS)
def review(tx: Tx, request: ReviewEmergency) -> EmergencyRow:
    """Judge an access of somebody else's; what was not justified needs a note.

    Raises NotFound("emergency_not_found"), Conflict("changed_meanwhile", "already_reviewed", "own_emergency"),
    InvalidInput("empty", "too_long", "control_characters").
    """
    opened = tx.session.get(EmergencyAccess, request.id)
    if opened is None:
        raise NotFound("emergency_not_found")
    if opened.reviewed_at is not None:
        raise Conflict("already_reviewed")
    if opened.version != request.version:
        raise Conflict("changed_meanwhile")
    if opened.user_id == tx.actor.user_id:
        raise Conflict("own_emergency")
    opened.review_note = one_line(request.note, "note", REASON_MOST, required=not request.justified)
    opened.justified, opened.reviewed_at, opened.reviewed_by = request.justified, tx.now, tx.actor.user_id
    tx.record(Change.updated(opened, patient_id=opened.patient_id))
    tx.session.flush()
    return _row(tx, request.id)


@verb(Permission.SEE_CALENDAR, writes=False)
def care_settings(tx: Tx) -> CareRow:
    """How far care reaches in this clinic."""
    return load_care(tx)


@verb(Permission.MANAGE_CLINIC)
def edit_care_settings(tx: Tx, request: CareRow) -> CareRow:
    """Change how far care reaches; `version` is the one that the editor saw.

    Raises Conflict("changed_meanwhile"), InvalidInput("out_of_range").
    """
    before = load_care(tx)
    if before.version != request.version:
        raise Conflict("changed_meanwhile")
    for name, least, most in (("months_back", 1, 120), ("emergency_minutes", 5, 240)):
        if not least <= getattr(request, name) <= most:
            raise InvalidInput("out_of_range", field=name, least=least, most=most)
    new = {
        "scope": request.scope.value, "months_back": request.months_back,
        "emergency_minutes": request.emergency_minutes, "version": before.version + 1,
    }  # fmt: skip
    row = tx.session.get(CareSettings, 1)
    if row is None:
        tx.session.execute(insert(CareSettings).values(id=1, **new))
        tx.record(Change("care_settings", None, Action.CREATE, None, new))
    else:
        old = {name: getattr(row, name) for name in new}
        for name, value in new.items():
            setattr(row, name, value)
        tx.session.flush()
        changed = {name: value for name, value in new.items() if value != old[name]}
        tx.record(Change("care_settings", None, Action.UPDATE, {name: old[name] for name in changed}, changed))
    return load_care(tx)


def _row(tx: Tx, id_: UUID) -> EmergencyRow:
    return EmergencyRow(*tx.session.execute(_ROWS.where(EmergencyAccess.id == id_)).one())
