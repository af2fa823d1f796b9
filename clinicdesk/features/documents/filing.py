"""The verbs of documents: filed with a patient, said differently, removed and put back. Contents never change."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from clinicdesk.core.errors import Conflict, InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Change, Tx, verb
from clinicdesk.features.documents import rules
from clinicdesk.features.documents.access import change_type
from clinicdesk.features.documents.models import Document, Picture
from clinicdesk.features.documents.rows import row_of
from clinicdesk.features.documents.schemas import (
    Category,
    DocumentRow,
    DocumentStatus,
    DocumentType,
    EditDocument,
    FileDocument,
    Held,
    Quota,
)
from clinicdesk.features.medications.models import MedicationRequest
from clinicdesk.features.patients.record import load as load_patient
from clinicdesk.features.patients.record import today

_QUOTA = Quota()
_MIB = 1024 * 1024


@verb(Permission.FILE_DOCUMENT, writes=False, of_patient=True)
def ensure_can_file(tx: Tx, request: FileDocument, quota: Quota = _QUOTA) -> None:
    """Raise what `file_document` would, before anything is put away for it."""
    tx.reach(request.patient_id)
    _check(tx, request)
    _check_room(tx, request.patient_id, 1, quota)


@verb(Permission.FILE_DOCUMENT, concurrent=True, of_patient=True)
def file_document(tx: Tx, request: FileDocument, held: Held, quota: Quota = _QUOTA) -> DocumentRow:
    """Keep with a patient what was put into the archive (see `archive`). Whoever has the paper may file it, whatever it is.

    Raises NotPermitted, NotFound("patient_not_found", "medication_not_found"), InvalidInput("not_a_prescription",
    "in_the_future", "too_long", "control_characters"), Conflict("patient_merged", "upload_quota_reached",
    "archive_quota_reached").
    """
    tx.reach(request.patient_id)
    _check(tx, request)
    own, clinic = tx.own_patient is not None, quota.clinic_bytes > 0
    # Of two that are filed at once the second finds the first, which it could not see before that one is committed.
    tx.claim(*[f"uploads of {request.patient_id}"] * own, *["archive of documents"] * clinic)
    _check_room(tx, request.patient_id, held.size, quota)
    document = Document(
        id=new_id(), version=1, patient_id=request.patient_id, type=request.type.value,
        title=rules.title_of(request.title, held.filename, request.type), dated_on=request.dated_on or today(tx),
        medication_id=request.medication_id, status=DocumentStatus.CURRENT.value, status_at=tx.now,
        filename=held.filename, media_type=held.media_type.value, size=held.size, sha256=held.sha256, pages=held.pages,
        content_key=held.content_key, thumbnail_key=held.thumbnail_key, author_id=tx.actor.user_id, author=tx.actor.name,
        from_patient=own, filed_at=tx.now, expired_at=None,
    )  # fmt: skip
    tx.session.add(document)
    tx.record(Change.created(document, patient_id=document.patient_id))
    tx.session.flush()
    return row_of(document)


@verb(Permission.EDIT_DOCUMENT, concurrent=True, of_patient=True)
def edit_document(tx: Tx, request: EditDocument) -> DocumentRow:
    """Say something else of a document: its title, type, day, prescription. Neither from nor to a clinical type by the desk.

    Raises NotPermitted, NotFound("document_not_found", "medication_not_found"), InvalidInput (as `file_document`),
    Conflict("changed_meanwhile", "document_removed").
    """
    document = _load(tx, request.id, request.version)
    if document.status != DocumentStatus.CURRENT:
        raise Conflict("document_removed")
    change_type(tx, document.patient_id, request.type)
    _check_said(tx, document.patient_id, request.type, request.dated_on, request.medication_id)
    document.title = one_line(request.title, "title", rules.TITLE_MOST, required=True)
    document.type, document.dated_on = request.type.value, request.dated_on
    document.medication_id = request.medication_id
    tx.record(Change.updated(document, patient_id=document.patient_id))
    tx.session.flush()
    return row_of(document)


@verb(Permission.EDIT_DOCUMENT, concurrent=True, of_patient=True)
def remove_document(tx: Tx, document_id: UUID, version: int) -> DocumentRow:
    """Mark a document as entered in error: it is listed no more where nobody asks for such. Its content is kept for long.

    Raises NotPermitted, NotFound("document_not_found"), Conflict("changed_meanwhile", "document_removed").
    """
    document = _load(tx, document_id, version)
    if document.status != DocumentStatus.CURRENT:
        raise Conflict("document_removed")
    return _with_status(tx, document, DocumentStatus.ENTERED_IN_ERROR)


@verb(Permission.EDIT_DOCUMENT, concurrent=True, of_patient=True)
def restore_document(tx: Tx, document_id: UUID, version: int) -> DocumentRow:
    """Put a removed document back. Raises as `remove_document`, but Conflict("document_not_removed", "document_expired")."""
    document = _load(tx, document_id, version)
    if document.status == DocumentStatus.CURRENT:
        raise Conflict("document_not_removed")
    if document.expired_at is not None:
        raise Conflict("document_expired")
    return _with_status(tx, document, DocumentStatus.CURRENT)


def _load(tx: Tx, document_id: UUID, version: int) -> Document:
    """The document at this version, where the caller may change it."""
    document = tx.session.get(Document, document_id)
    if document is None:
        raise NotFound("document_not_found")
    tx.reach(document.patient_id)
    change_type(tx, document.patient_id, DocumentType(document.type))
    if document.version != version:
        raise Conflict("changed_meanwhile")
    return document


def _with_status(tx: Tx, document: Document, status: DocumentStatus) -> DocumentRow:
    document.status, document.status_at = status.value, tx.now
    tx.record(Change.updated(document, patient_id=document.patient_id, note=status.value))
    tx.session.flush()
    return row_of(document)


def _check(tx: Tx, request: FileDocument) -> None:
    load_patient(tx, request.patient_id)
    one_line(request.title, "title", rules.TITLE_MOST)
    _check_said(tx, request.patient_id, request.type, request.dated_on, request.medication_id)


def _check_room(tx: Tx, patient_id: UUID, size: int, quota: Quota) -> None:
    """Raises Conflict("upload_quota_reached", "archive_quota_reached") where so many bytes more are too many."""
    kept = select(func.count(), func.coalesce(func.sum(Document.size), 0)).where(Document.expired_at.is_(None))
    if tx.own_patient is not None:
        sent_in = kept.where(Document.patient_id == patient_id, Document.from_patient)
        count, total = tx.connection.execute(sent_in).one()
        if count >= quota.patient_count or total + size > quota.patient_bytes:
            raise Conflict("upload_quota_reached", count=quota.patient_count, most=quota.patient_bytes // _MIB)
    if quota.clinic_bytes:
        _, total = tx.connection.execute(kept).one()
        pictures = tx.connection.scalar(select(func.coalesce(func.sum(Picture.size), 0))) or 0
        if total + pictures + size > quota.clinic_bytes:
            raise Conflict("archive_quota_reached")


def _check_said(
    tx: Tx, patient_id: UUID, type_: DocumentType, dated_on: date | None, medication_id: UUID | None
) -> None:
    if dated_on is not None and dated_on > today(tx):
        raise InvalidInput("in_the_future", field="dated_on")
    if medication_id is None:
        return
    if rules.TYPES[type_].category is not Category.PRESCRIPTION:
        raise InvalidInput("not_a_prescription", field="medication_id")
    medication = tx.session.get(MedicationRequest, medication_id)
    if medication is None or medication.patient_id != patient_id:
        raise NotFound("medication_not_found")
