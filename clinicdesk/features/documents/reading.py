"""The verbs that read documents: a patient's in pages, one by one, and where their contents lie. Each is audited."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, func, literal, select, tuple_

from clinicdesk.core.clock import to_micros
from clinicdesk.core.errors import InvalidInput, NotFound
from clinicdesk.core.paging import Page, check_limit, decode_cursor, encode_cursor, id_of, instant_of
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.documents import rules
from clinicdesk.features.documents.access import see_type, sees_clinical
from clinicdesk.features.documents.models import Document
from clinicdesk.features.documents.rows import row_of
from clinicdesk.features.documents.schemas import (
    Category,
    Content,
    DocumentQuery,
    DocumentRow,
    DocumentSort,
    DocumentStatus,
    DocumentType,
    DocumentTypeRow,
    MediaType,
)
from clinicdesk.features.patients.record import load as load_patient


@verb(Permission.SIGN_IN, writes=False)
def list_types(tx: Tx) -> list[DocumentTypeRow]:
    """The types of documents there are, with what is known of each."""
    return rules.document_types()


@verb(Permission.READ_DOCUMENTS, concurrent=True, of_patient=True)
def list_documents(tx: Tx, query: DocumentQuery) -> Page[DocumentRow]:
    """A page of a patient's documents that the caller may see. Audited.

    Raises NotPermitted (a clinical type that is asked for by name is refused, not left out), NotFound("patient_not_found"),
    InvalidInput("cursor_not_right", "out_of_range").
    """
    tx.reach(query.patient_id)
    load_patient(tx, query.patient_id)
    page = query.page
    check_limit(page)
    fitting = _fitting(tx, query)
    column, kind, stored, told = _SORTS[query.sort]
    wanted = fitting
    if page.cursor:
        place, last = decode_cursor(page.cursor, kind, str)
        behind = tuple_(literal(stored(place), column.type), literal(id_of(last)))
        here = tuple_(column, Document.id)
        wanted = wanted.where(here < behind if query.descending else here > behind)
    order = (column.desc(), Document.id.desc()) if query.descending else (column, Document.id)
    found = list(tx.session.execute(wanted.add_columns(column).order_by(*order).limit(page.limit + 1)).all())
    following = None
    if len(found) > page.limit:
        found.pop()
        document, place = found[-1]
        following = encode_cursor([told(place), document.id.hex])
    counted = fitting.with_only_columns(func.count(), maintain_column_froms=True)
    total = tx.session.scalar(counted) if page.total else None
    tx.record(Change("document", None, Action.READ, patient_id=query.patient_id))
    return Page([row_of(document) for document, _ in found], following, total)


@verb(Permission.READ_DOCUMENTS, concurrent=True, of_patient=True)
def get_document(tx: Tx, document_id: UUID) -> DocumentRow:
    """What is said of one document. Audited. Raises NotPermitted, NotFound("document_not_found")."""
    return row_of(_opened(tx, document_id))


@verb(Permission.READ_DOCUMENTS, concurrent=True, of_patient=True)
def open_content(tx: Tx, document_id: UUID) -> Content:
    """Where the content of a document lies. Audited. Raises NotPermitted, NotFound("document_not_found", "document_expired")."""
    document = _opened(tx, document_id, "content")
    media_type = MediaType(document.media_type)
    name = document.filename or f"{document.type}-{document.dated_on}.{rules.OWN_EXTENSION[media_type]}"
    return Content(document.content_key, media_type, name, document.sha256)


@verb(Permission.READ_DOCUMENTS, concurrent=True, of_patient=True)
def open_thumbnail(tx: Tx, document_id: UUID) -> Content:
    """Where the small picture of an image lies. Audited. Raises as `open_content` does, NotFound("no_thumbnail")."""
    document = _opened(tx, document_id, "thumbnail")
    if document.thumbnail_key is None:
        raise NotFound("no_thumbnail")
    return Content(document.thumbnail_key, MediaType.JPEG, "thumbnail.jpg")


def _opened(tx: Tx, document_id: UUID, note: str = "") -> Document:
    """The document, where the caller may see it; a removed one is there for who can put it back."""
    document = tx.session.get(Document, document_id)
    if document is None:
        raise NotFound("document_not_found")
    tx.reach(document.patient_id)
    see_type(tx, document.patient_id, DocumentType(document.type))
    if document.status != DocumentStatus.CURRENT and not tx.actor.may(Permission.EDIT_DOCUMENT):
        raise NotFound("document_not_found")
    if note and document.expired_at is not None:
        raise NotFound("document_expired")
    tx.record(Change("document", document.id, Action.READ, patient_id=document.patient_id, note=note))
    return document


def _fitting(tx: Tx, query: DocumentQuery) -> Select[Document]:
    wanted = select(Document).where(Document.patient_id == query.patient_id, Document.status == query.status.value)
    types = {type_ for type_ in DocumentType if query.category in (None, rules.TYPES[type_].category)}
    if query.type is not None:
        types &= {query.type}
    named = query.type is not None or query.category not in (None, Category.ADMINISTRATIVE)
    if named:
        for type_ in sorted(types):
            see_type(tx, query.patient_id, type_)
    elif query.category is None and not sees_clinical(tx, query.patient_id):
        types = {type_ for type_ in types if rules.is_administrative(type_)}
    if len(types) < len(DocumentType):
        wanted = wanted.where(Document.type.in_(sorted(type_.value for type_ in types)))
    if query.status is not DocumentStatus.CURRENT and not tx.actor.may(Permission.EDIT_DOCUMENT):
        wanted = wanted.where(false())  # what was removed is there for who can put it back
    if query.medication_id is not None:
        wanted = wanted.where(Document.medication_id == query.medication_id)
    return wanted


def _day_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("cursor_not_right", field="cursor") from error


def _same(text: str) -> str:
    return text


_SORTS: dict[
    DocumentSort,
    tuple[ColumnElement[Any], type[int] | type[str], Callable[[Any], Any], Callable[[Any], int | str]],
] = {
    DocumentSort.FILED: (Document.filed_at, int, instant_of, to_micros),  # type: ignore[dict-item]
    DocumentSort.DATED: (Document.dated_on, str, _day_of, date.isoformat),  # type: ignore[dict-item]
    DocumentSort.TITLE: (func.lower(Document.title), str, _same, _same),
}
"""Column, kind in the cursor, and how the one becomes the other."""
