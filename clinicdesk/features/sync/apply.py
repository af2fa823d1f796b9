"""Carries out one op on its row, as if its writer had done it here: merged by value, held to the rules, recorded like any change.

What could not be stored as it was claimed becomes a conflict, in the same unit of work, so that somebody sees it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, and_, delete, inspect, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from clinicdesk.core.clinic import find_clinic
from clinicdesk.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.model import Base
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Action, Change, Tx
from clinicdesk.features.appointments import rows as visits
from clinicdesk.features.appointments.booking import check_meeting
from clinicdesk.features.appointments.models import REASON_MOST, Appointment
from clinicdesk.features.appointments.rules import FINAL, HOLDING
from clinicdesk.features.appointments.schemas import SlotTaken, Status
from clinicdesk.features.documents import rules as documents
from clinicdesk.features.documents.models import Document
from clinicdesk.features.documents.schemas import DocumentType
from clinicdesk.features.medications.models import MedicationRequest
from clinicdesk.features.medications.prescribing import warnings_unseen
from clinicdesk.features.medications.schemas import Status as MedicationStatus
from clinicdesk.features.patients.index import add_to_index, index_patient
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.patients.record import load as load_patient
from clinicdesk.features.patients.record import today
from clinicdesk.features.patients.service import DEFAULT_PREFIX, record_number
from clinicdesk.features.practitioners.models import Practitioner
from clinicdesk.features.sync import checks, rules, wire
from clinicdesk.features.sync.entities import SLOT, SYNCED, Scope, Synced
from clinicdesk.features.sync.following import NEEDS_REBOOKING
from clinicdesk.features.sync.holding import LASTS
from clinicdesk.features.sync.models import HeldContent, SyncConflict
from clinicdesk.features.sync.rules import Merged
from clinicdesk.features.sync.schemas import ConflictKind, Op, OpAction, Outcome

_HERE = frozenset({Status.ARRIVED.value, Status.CHECKED_IN.value})
_MARKS = frozenset({"id", "version"})
_SIGNED: Mapping[str, str] = MappingProxyType(
    {"recorder_id": "recorder", "prescriber_id": "prescriber", "author_id": "author"}
)
"""The column that keeps the name beside the one that keeps the id of who did it."""
_v = Appointment.__table__.c


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an op."""

    outcome: Outcome
    conflict_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A person has been asked and wants it so: what does not fit is refused, and becomes no conflict again."""

    reason: str = ""
    """Why a prescription is stored in spite of serious warnings."""


def carry_out(tx: Tx, op: Op, scope: Scope, *, decided: Decided | None = None) -> Done:
    """Do to the row what the op says.

    Raises NotPermitted (by role, by the desk's scope, by care), NotFound, InvalidInput, Conflict: then it is rejected.
    """
    one = _permitted(tx, op, scope)
    try:
        if op.action is OpAction.CREATE:
            return _create(tx, op, one, scope, decided)
        if op.action is OpAction.UPDATE:
            return _update(tx, op, one, scope, decided)
        return _delete(tx, op, one, scope)
    except IntegrityError:
        raise Conflict("sync_rule", field=op.entity) from None  # a rule of the database that nobody has put into words


def _permitted(tx: Tx, op: Op, scope: Scope) -> Synced:
    """The table, where the desk may hold it and the person may do this to it. Fails closed."""
    one = SYNCED.get(op.entity)
    if one is None or op.entity not in scope.fields:
        raise NotPermitted("not_synced", verb=tx.verb)
    needed = {OpAction.CREATE: one.create, OpAction.UPDATE: one.update, OpAction.DELETE: one.delete}[op.action]
    if (
        needed is None or needed not in scope.permissions
    ):  # whoever has a desk's key can do no more than the desk is for
        raise NotPermitted("not_synced", verb=tx.verb)
    require(tx, needed)
    return one


def require(tx: Tx, permission: Permission, patient_id: UUID | None = None) -> None:
    """Raises NotPermitted for whoever has not the permission, or has it not for this patient."""
    if patient_id is not None:
        if tx.database.access.admit(tx, permission, patient_id):
            tx.emergency = True
    elif not tx.actor.may(permission):
        raise NotPermitted(verb=tx.verb, permission=permission.value)


# ---- a new row -------------------------------------------------------------------------------------------------------


def _create(tx: Tx, op: Op, one: Synced, scope: Scope, decided: Decided | None) -> Done:
    table = one.model.__table__
    if tx.connection.execute(select(table.c.id).where(table.c.id == op.id)).first() is not None:
        raise Conflict("sync_row_exists")
    told = _told(op.new, one, scope)
    values = _filled(one.model, told) | {"id": op.id, "version": 1}
    for name in one.theirs:
        values[name] = tx.actor.user_id
        if name in _SIGNED:
            values[_SIGNED[name]] = tx.actor.name
    patient_id = _whose(tx, one, values)
    if patient_id is not None and one.create is not None and one.model is not Patient:
        require(tx, one.create, patient_id)
    tidy = checks.checked(one.name, values, None, today(tx), tx.now)
    values |= tidy
    _check_references(tx, one, values)
    _check_more(tx, one, values, None)
    if one.model is Patient:
        return _create_patient(tx, values, told)
    if one.model is Document:
        _take_content(tx, values)
    if one.model is Appointment:
        return _book(tx, op, values, decided)
    row = one.model(**values)
    if isinstance(row, MedicationRequest) and row.status == MedicationStatus.ACTIVE.value:
        warned = _warned(tx, row, decided)
        if warned is None:
            clash = {name: (None, value) for name, value in values.items() if name not in _MARKS}
            return Done(Outcome.CONFLICT, keep(tx, op, ConflictKind.FIELDS, clash, patient_id))
        for name, value in warned.items():
            setattr(row, name, value)
    tx.session.add(row)
    tx.record(Change.created(row, patient_id=patient_id))
    tx.session.flush()
    return Done(Outcome.MERGED if _changed(told, values) else Outcome.APPLIED)


def _told(fields: Mapping[str, Any] | None, one: Synced, scope: Scope) -> dict[str, Any]:
    """The fields of an op, decoded: those that the desk may hold, and no others. Raises InvalidInput."""
    told = {name: value for name, value in (fields or {}).items() if name not in _MARKS}
    for name in told:
        if name not in scope.fields[one.name]:
            raise InvalidInput("unknown_field", field=name)
    return wire.decode_row(one.model, told)


def _filled(model: type[Base], told: Mapping[str, Any]) -> dict[str, Any]:
    """A whole row: what was not said is what the model has by itself. Raises InvalidInput("missing")."""
    values: dict[str, Any] = {}
    for column in inspect(model).columns:
        if column.key in told:
            values[column.key] = told[column.key]
        elif isinstance(column.default, ScalarElementColumnDefault):
            values[column.key] = column.default.arg
        elif column.nullable or column.key in _MARKS or column.key in ("content_key", "number"):
            values[column.key] = None
        else:
            raise InvalidInput("missing", field=column.key)
    return values


def _changed(told: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    return any(values[name] != value for name, value in told.items())


def _whose(tx: Tx, one: Synced, values: dict[str, Any]) -> UUID | None:
    """The patient whom a row is about. One of a record that was merged goes to the record that took it over.

    Raises NotFound("patient_not_found", "medication_not_found").
    """
    if one.model is Patient:
        return values.get("id")
    if one.name == "contact_preference":
        return load_patient(tx, values["id"]).id
    if "medication_id" in values and "patient_id" not in values:
        medication = tx.session.get(MedicationRequest, values["medication_id"])
        if medication is None:
            raise NotFound("medication_not_found")
        return medication.patient_id
    if "patient_id" not in values:
        return None
    patient = tx.session.get(Patient, values["patient_id"])
    if patient is not None and patient.merged_into_id is not None:
        patient = tx.session.get(Patient, patient.merged_into_id)
    if patient is None:
        raise NotFound("patient_not_found")
    values["patient_id"] = patient.id
    return patient.id


def _check_references(tx: Tx, one: Synced, values: Mapping[str, Any]) -> None:
    """Raises NotFound("refers_to_nothing") for a row that refers to one that is not here."""
    for column in one.model.__table__.columns:
        for key in column.foreign_keys:
            wanted = values.get(column.key)
            target = key.column
            if wanted is not None and tx.connection.execute(select(target).where(target == wanted)).first() is None:
                raise NotFound("refers_to_nothing", field=column.key)


def _check_more(tx: Tx, one: Synced, values: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
    """What takes a look at other rows, or at what the person may do besides."""
    if one.model is Appointment:
        if before is None:
            check_meeting(tx, values["patient_id"], values["practitioner_id"], values["room_id"], values["type_id"])
        if values["overbooked"] and not (before and before["overbooked"]):
            require(tx, Permission.OVERBOOK)
    elif one.model is Document:
        types = {values["type"], *((before["type"],) if before else ())}
        if before is not None and not all(documents.is_administrative(DocumentType(type_)) for type_ in types):
            require(tx, Permission.EDIT_CLINICAL_DOCUMENT, values["patient_id"])
        _check_same_patient(tx, values["medication_id"], values["patient_id"])
    elif one.model is Patient:
        if values["allergies_checked_on"] != (before or {}).get("allergies_checked_on"):
            require(tx, Permission.EDIT_ALLERGIES)
    elif one.model is MedicationRequest:
        if values["overridden"] and not (before and before["overridden"] == values["overridden"]):
            require(tx, Permission.OVERRIDE_WARNING)
        _check_same_patient(tx, values["replaces_id"], values["patient_id"])
    elif one.name == "waitlist_entry":
        ids = checks.hex_ids(values["practitioner_ids"])
        known = set(tx.session.scalars(select(Practitioner.id).where(Practitioner.id.in_(ids))))
        if known != set(ids):
            raise NotFound("practitioner_not_found")


def _check_same_patient(tx: Tx, medication_id: UUID | None, patient_id: UUID) -> None:
    if medication_id is not None:
        medication = tx.session.get(MedicationRequest, medication_id)
        if medication is None or medication.patient_id != patient_id:
            raise NotFound("medication_not_found")


def _create_patient(tx: Tx, values: dict[str, Any], told: Mapping[str, Any]) -> Done:
    """Take in a patient; one whose record number somebody else has gets the clinic's next."""
    clinic = find_clinic(tx.session)
    prefix = clinic.record_prefix if clinic else DEFAULT_PREFIX
    try:
        values["number"] = record_number(tx, values["number"] or "", prefix)
    except Conflict:
        values["number"] = record_number(tx, "", prefix)
    patient = Patient(**values)
    tx.session.add(patient)
    tx.record(Change.created(patient, patient_id=patient.id))
    tx.session.flush()
    add_to_index(tx.session, [patient])
    return Done(Outcome.MERGED if _changed(told, values) else Outcome.APPLIED)


def _book(tx: Tx, op: Op, values: dict[str, Any], decided: Decided | None) -> Done:
    """Book a visit; where its time is taken it is kept without one, for somebody to book it anew."""
    try:
        visits.add(tx, values, retry=True)
    except SlotTaken:
        if decided:
            raise
        kept = {**values, **_without_time(values)}
        visits.add(tx, kept)
        return Done(Outcome.CONFLICT, _keep_booking(tx, op, None, values))
    return Done(Outcome.APPLIED)


def _take_content(tx: Tx, values: dict[str, Any]) -> None:
    """The content of a document was brought before it, and is its own from now on. Raises NotFound("content_not_brought")."""
    held = tx.session.get(HeldContent, (values["sha256"], tx.actor.device_id))
    if held is None or held.held_at <= tx.now - LASTS:
        raise NotFound("content_not_brought", field="sha256")
    values |= {
        "media_type": held.media_type, "size": held.size, "sha256": held.kept_sha256, "pages": held.pages,
        "content_key": held.content_key, "thumbnail_key": held.thumbnail_key,
    }  # fmt: skip
    tx.session.execute(
        delete(HeldContent).where(HeldContent.sha256 == held.sha256, HeldContent.device_id == held.device_id)
    )


# ---- a row that is there ---------------------------------------------------------------------------------------------


def _update(tx: Tx, op: Op, one: Synced, scope: Scope, decided: Decided | None) -> Done:
    server = _stored(tx, one, op.id)
    if server.get("merged_into_id") is not None:
        raise Conflict("patient_merged", merged_into=server["merged_into_id"])
    patient_id = _whose(tx, one, dict(server))
    if patient_id is not None and one.update is not None:
        require(tx, one.update, patient_id)
    old, new = _told(op.old, one, scope), _told(op.new, one, scope)
    for name in one.fixed & new.keys():
        if new[name] != server[name]:
            raise Conflict("field_fixed", field=name)
        del new[name]
    merged = rules.merge(old, new, server, one.together)
    if (
        one.model is Appointment
        and decided is None
        and (Status(server["status"]) in FINAL and Status(merged.take.get("status", server["status"])) in FINAL)
    ):
        merged = rules.keep_apart(merged, SLOT, server)  # whoever moves a visit takes it to be one still
    _sign(tx, one, merged)
    after = {**server, **merged.take}
    if merged.take:
        tidy = checks.checked(one.name, after, server, today(tx), tx.now)
        merged.take.update({name: tidy[name] for name in tidy.keys() & merged.take.keys()})
        after |= merged.take
        _check_references(tx, one, {name: after[name] for name in merged.take})
        _check_more(tx, one, after, server)
    if one.model is Appointment:
        return _change_visit(tx, op, server, merged, patient_id, decided)
    clash = dict(merged.clash)
    starts = one.model is MedicationRequest and {"status", "medicine"} & merged.take.keys()
    if starts and after["status"] == MedicationStatus.ACTIVE.value:
        warned = _warned(tx, MedicationRequest(**after), decided)
        if warned is None:
            clash |= {name: (server[name], value) for name, value in merged.take.items()}
            merged.take.clear()
        else:
            merged.take.update(warned)
    if merged.take:
        _write(tx, one, op.id, merged.take, patient_id)
    if clash:
        return Done(Outcome.CONFLICT, keep(tx, op, ConflictKind.FIELDS, clash, patient_id))
    return Done(_how(op, server, merged, new))


def _stored(tx: Tx, one: Synced, id_: UUID) -> dict[str, Any]:
    """The row's columns as the server has them. Raises NotFound("sync_row_missing")."""
    table: FromClause = one.model.__table__
    found = tx.connection.execute(select(table).where(table.c.id == id_)).mappings().one_or_none()
    if found is None:
        raise NotFound("sync_row_missing")
    return dict(found)


def _sign(tx: Tx, one: Synced, merged: Merged) -> None:
    """Whoever does something does it in their own name."""
    for name in one.theirs & merged.take.keys():
        merged.take[name] = tx.actor.user_id
        if name in _SIGNED:
            merged.take[_SIGNED[name]] = tx.actor.name


def _how(op: Op, server: Mapping[str, Any], merged: Merged, new: Mapping[str, Any]) -> Outcome:
    """Applied where the row is now as its writer saw it; merged where others had changed it meanwhile, or it was tidied."""
    seen = (op.old or {}).get("version", server["version"])
    as_wanted = {name: value for name, value in new.items() if server[name] != value} == merged.take
    return Outcome.APPLIED if seen == server["version"] and as_wanted else Outcome.MERGED


def _write(tx: Tx, one: Synced, id_: UUID, take: Mapping[str, Any], patient_id: UUID | None) -> None:
    row: Any = tx.session.get(one.model, id_, populate_existing=True)
    for name, value in take.items():
        setattr(row, name, value)
    tx.record(Change.updated(row, patient_id=patient_id))
    tx.session.flush()
    if isinstance(row, Patient) and row.merged_into_id is None:
        index_patient(tx.session, row)


def _warned(tx: Tx, prescription: MedicationRequest, decided: Decided | None) -> dict[str, Any] | None:
    """What is written on a prescription that serious warnings speak against here which its writer has not seen; None where
    somebody has to be asked first. Raises NotPermitted, InvalidInput("empty") for whoever decides it without a reason."""
    unseen = warnings_unseen(tx, prescription)
    if not unseen:
        return {}
    if decided is None:
        return None
    require(tx, Permission.OVERRIDE_WARNING)
    reason = one_line(decided.reason, "reason", REASON_MOST, required=True)
    return {"overridden": "\n".join((*prescription.overridden.splitlines(), *unseen)), "override_reason": reason}


def _change_visit(
    tx: Tx, op: Op, server: dict[str, Any], merged: Merged, patient_id: UUID | None, decided: Decided | None
) -> Done:
    clash = dict(merged.clash)
    if merged.take:
        try:
            visits.write(tx, op.id, server, merged.take, retry=True)
        except SlotTaken:
            if decided:
                raise
            if server["status"] in _HERE:  # the patient sits in the waiting room, whatever the book says
                merged = rules.keep_apart(merged, SLOT, server)
                clash = dict(merged.clash)
                if merged.take:
                    visits.write(tx, op.id, server, merged.take)
            else:
                wanted = {**server, **merged.take}
                kept = {**merged.take, **_without_time(wanted)}
                visits.write(tx, op.id, server, {name: value for name, value in kept.items() if server[name] != value})
                return Done(Outcome.CONFLICT, _keep_booking(tx, op, server, wanted))
    if clash:
        return Done(Outcome.CONFLICT, keep(tx, op, ConflictKind.FIELDS, clash, patient_id))
    return Done(_how(op, server, merged, _told_new(op)))


def _told_new(op: Op) -> dict[str, Any]:
    told = {name: value for name, value in (op.new or {}).items() if name not in _MARKS}
    return wire.decode_row(Appointment, told)


def _without_time(values: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a visit one that needs rebooking: it has come nowhere, and no exception is made for it."""
    return {
        "status": NEEDS_REBOOKING, "cancel_reason": "", "overbooked": False, "overbook_reason": "",
        "patient_overlap": False, "arrived_at": None, "checked_in_at": None, "started_at": None, "ended_at": None,
    }  # fmt: skip


def _delete(tx: Tx, op: Op, one: Synced, scope: Scope) -> Done:
    """Remove a row that is as its writer saw it. One that is gone already is as they want it."""
    table = one.model.__table__
    if tx.connection.execute(select(table.c.id).where(table.c.id == op.id)).first() is None:
        return Done(Outcome.MERGED)
    server, old = _stored(tx, one, op.id), _told(op.old, one, scope)
    unseen = sorted(set(one.all_fields) - _MARKS - old.keys())
    if unseen:
        raise InvalidInput("op_incomplete", field=unseen[0])
    clash = {name: (server[name], None) for name in old if server[name] != old[name]}
    if clash:
        return Done(Outcome.CONFLICT, keep(tx, op, ConflictKind.FIELDS, clash, None))
    row: Any = tx.session.get(one.model, op.id, populate_existing=True)
    tx.record(Change(one.name, op.id, Action.DELETE, server, None))
    tx.session.delete(row)
    tx.session.flush()
    return Done(Outcome.APPLIED)


# ---- what a person decides -------------------------------------------------------------------------------------------


def keep(
    tx: Tx, op: Op, kind: ConflictKind, clash: Mapping[str, tuple[Any, Any]], patient_id: UUID | None,
    other_id: UUID | None = None,
) -> UUID:  # fmt: skip
    """Keep both claims until somebody decides; returns the conflict's id."""
    assert tx.actor.user_id is not None  # noqa: S101  (an op has a writer,
    assert tx.actor.device_id is not None  # noqa: S101  and a desk that brings it)
    conflict = SyncConflict(
        id=new_id(), version=1, kind=kind.value, op_id=op.op_id, entity=op.entity, entity_id=op.id,
        patient_id=patient_id, other_id=other_id, stands=_as_json({name: one for name, (one, _) in clash.items()}),
        claimed=_as_json({name: other for name, (_, other) in clash.items()}), user_id=tx.actor.user_id,
        device_id=tx.actor.device_id, wall_at=op.wall_at, opened_at=tx.now, resolved_at=None, resolved_by=None,
        resolution="",
    )  # fmt: skip
    tx.session.add(conflict)
    tx.record(Change.created(conflict, patient_id=patient_id))
    tx.session.flush()
    return conflict.id


def _keep_booking(tx: Tx, op: Op, server: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> UUID:
    names = (*sorted(SLOT), "status", "type_id")
    clash = {name: (None if server is None else server[name], wanted[name]) for name in names}
    return keep(tx, op, ConflictKind.BOOKING, clash, wanted["patient_id"], holder(tx, op.id, wanted))


def holder(tx: Tx, id_: UUID, wanted: Mapping[str, Any]) -> UUID | None:
    """The visit that has the time which another claims: its practitioner's, its room's, or its patient's."""
    same: list[ColumnElement[bool]] = [
        and_(_v.practitioner_id == wanted["practitioner_id"], _v.overbooked.is_(False)),
        and_(_v.patient_id == wanted["patient_id"], _v.patient_overlap.is_(False)),
    ]
    if wanted["room_id"] is not None:
        same.append(and_(_v.room_id == wanted["room_id"], _v.overbooked.is_(False)))
    found: UUID | None = tx.connection.execute(
        select(_v.id)
        .where(
            _v.start < wanted["end"], _v.end > wanted["start"], _v.start > wanted["start"] - timedelta(hours=24),
            _v.status.in_(sorted(HOLDING)), _v.id != id_, or_(*same),
        )
        .order_by(_v.start, _v.id)
        .limit(1)
    ).scalar()  # fmt: skip
    return found


def _as_json(fields: Mapping[str, Any]) -> str:
    return json.dumps({name: wire.encode(value) for name, value in fields.items()}, ensure_ascii=False)
