"""What each feature has to tell of a patient: a small verb each, so that each is open to whom its feature is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_

from clinicdesk.core.model import UtcDateTime
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx, verb
from clinicdesk.features.appointments.models import Appointment, AppointmentType
from clinicdesk.features.appointments.schemas import Status as VisitStatus
from clinicdesk.features.documents.models import Document
from clinicdesk.features.documents.rules import is_administrative
from clinicdesk.features.documents.schemas import DocumentStatus, DocumentType
from clinicdesk.features.medications.models import MedicationRequest
from clinicdesk.features.medications.schemas import Status as MedicationStatus
from clinicdesk.features.notifications.models import OutboundMessage
from clinicdesk.features.observations.measures import BY_CODE, MEASURES
from clinicdesk.features.observations.models import Observation
from clinicdesk.features.observations.schemas import Status as ObservationStatus
from clinicdesk.features.timeline.schemas import EntryKind, TimelineEntry

_v, _m, _o = Appointment.__table__.c, MedicationRequest.__table__.c, Observation.__table__.c
_d, _t, _n = Document.__table__.c, AppointmentType.__table__.c, OutboundMessage.__table__.c
_ADMINISTRATIVE = [kind.value for kind in DocumentType if is_administrative(kind)]


@dataclass(frozen=True, slots=True)
class Look:
    """Which part of the time to look at: the latest `most` entries of [since, until) behind a place, counted if `total`."""

    since: datetime | None
    until: datetime | None
    behind: tuple[datetime, UUID] | None
    most: int
    total: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Entries, the latest first, and how many there are in all."""

    entries: list[TimelineEntry]
    total: int


Source = Callable[[Tx, UUID, Look], Found]


@verb(Permission.OPEN_PATIENT, writes=False, of_patient=True)
def visits(tx: Tx, patient_id: UUID, look: Look) -> Found:
    """The patient's visits, by their start; not those that were entered in error."""
    tx.reach(patient_id)
    query = (
        select(_v.start, _v.id, func.coalesce(_t.name, ""), _v.status, _v.reason)
        .outerjoin_from(Appointment.__table__, AppointmentType.__table__, _t.id == _v.type_id)
        .where(_v.patient_id == patient_id, _v.status != VisitStatus.ENTERED_IN_ERROR.value)
    )
    return _found(tx, query, _v.start, _v.id, look, lambda row: TimelineEntry(row[0], EntryKind.VISIT, *row[1:]))


@verb(Permission.READ_MEDICATIONS, writes=False, of_patient=True)
def medications(tx: Tx, patient_id: UUID, look: Look) -> Found:
    """What was prescribed, by when it was; drafts are the clinic's own."""
    tx.reach(patient_id)
    unseen = [MedicationStatus.ENTERED_IN_ERROR.value]
    if tx.own_patient is not None:
        unseen.append(MedicationStatus.DRAFT.value)
    query = select(_m.created_at, _m.id, _m.medicine, _m.status, _m.strength).where(
        _m.patient_id == patient_id, _m.status.not_in(unseen)
    )
    return _found(
        tx, query, _m.created_at, _m.id, look, lambda row: TimelineEntry(row[0], EntryKind.MEDICATION, *row[1:])
    )


@verb(Permission.READ_OBSERVATIONS, writes=False, of_patient=True)
def measurements(tx: Tx, patient_id: UUID, look: Look) -> Found:
    """What was measured, by when it was; not what was entered in error."""
    tx.reach(patient_id)
    query = select(_o.taken_at, _o.id, _o.code, _o.status, _o.value, _o.diastolic).where(
        _o.patient_id == patient_id, _o.status != ObservationStatus.ENTERED_IN_ERROR.value
    )
    return _found(tx, query, _o.taken_at, _o.id, look, _measurement)


def _measurement(row: Any) -> TimelineEntry:
    taken_at, id_, code, status, value, diastolic = row
    measure = BY_CODE[code]
    figures = f"{value:g}" if diastolic is None else f"{value:g}/{diastolic:g}"
    return TimelineEntry(
        taken_at, EntryKind.MEASUREMENT, id_, measure.value, status, f"{figures} {MEASURES[measure].unit}".strip()
    )


@verb(Permission.READ_DOCUMENTS, writes=False, of_patient=True)
def documents(tx: Tx, patient_id: UUID, look: Look) -> Found:
    """The titles of the documents that are the desk's business, by when they were filed."""
    tx.reach(patient_id)
    return _documents(tx, patient_id, look, _d.type.in_(_ADMINISTRATIVE))


@verb(Permission.READ_CLINICAL_DOCUMENTS, writes=False, of_patient=True)
def clinical_documents(tx: Tx, patient_id: UUID, look: Look) -> Found:
    """The titles of all others."""
    tx.reach(patient_id)
    return _documents(tx, patient_id, look, _d.type.not_in(_ADMINISTRATIVE))


def _documents(tx: Tx, patient_id: UUID, look: Look, which: ColumnElement[bool]) -> Found:
    query = select(_d.filed_at, _d.id, _d.title, _d.status, _d.type).where(
        _d.patient_id == patient_id, _d.status == DocumentStatus.CURRENT.value, which
    )
    return _found(tx, query, _d.filed_at, _d.id, look, lambda row: TimelineEntry(row[0], EntryKind.DOCUMENT, *row[1:]))


@verb(Permission.SEE_MESSAGES, writes=False, of_patient=True)
def messages(tx: Tx, patient_id: UUID, look: Look) -> Found:
    """What the clinic has sent to the patient, or will, by when that was planned."""
    tx.reach(patient_id)
    query = select(_n.created_at, _n.id, _n.template, _n.state, _n.channel).where(_n.patient_id == patient_id)
    return _found(tx, query, _n.created_at, _n.id, look, lambda row: TimelineEntry(row[0], EntryKind.MESSAGE, *row[1:]))


SOURCES: tuple[tuple[EntryKind, Source], ...] = (
    (EntryKind.VISIT, visits),
    (EntryKind.MEDICATION, medications),
    (EntryKind.MEASUREMENT, measurements),
    (EntryKind.DOCUMENT, documents),
    (EntryKind.DOCUMENT, clinical_documents),
    (EntryKind.MESSAGE, messages),
)
"""All that is told: a line for each verb above."""


def _found(
    tx: Tx,
    query: Select[Any],
    at: ColumnElement[Any],
    id_: ColumnElement[Any],
    look: Look,
    entry: Callable[[Any], TimelineEntry],
) -> Found:
    if look.since is not None:
        query = query.where(at >= look.since)
    if look.until is not None:
        query = query.where(at < look.until)
    total = 0
    if look.total:
        total = tx.connection.scalar(select(func.count()).select_from(query.subquery())) or 0
    if look.behind is not None:
        instant, last = look.behind
        query = query.where(tuple_(at, id_) < tuple_(literal(instant, UtcDateTime()), literal(last)))
    rows = tx.connection.execute(query.order_by(at.desc(), id_.desc()).limit(look.most))
    return Found([entry(row) for row in rows], total)
