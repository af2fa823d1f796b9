"""Rows of documents as they leave the session."""

from __future__ import annotations

from clinicdesk.features.documents import rules
from clinicdesk.features.documents.models import Document
from clinicdesk.features.documents.schemas import DocumentRow, DocumentStatus, DocumentType, MediaType


def row_of(document: Document) -> DocumentRow:
    """What is said of a document."""
    type_ = DocumentType(document.type)
    described = rules.TYPES[type_]
    return DocumentRow(
        document.id, document.patient_id, type_, described.code, described.category, document.title, document.dated_on,
        document.medication_id, DocumentStatus(document.status), document.status_at, document.filename,
        MediaType(document.media_type), document.size, document.sha256, document.pages,
        document.thumbnail_key is not None, document.author_id, document.author, document.from_patient,
        document.filed_at, document.version, document.expired_at,
    )  # fmt: skip
