"""/documents: what is kept of patients on paper and in pictures, and what people look like.

A file is sent as the body itself, with what is said of it beside it; what could be about somebody's health (title, name of the
file) goes in headers, percent-encoded, since addresses end up in the logs of proxies.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote, unquote_to_bytes
from uuid import UUID

from fastapi import BackgroundTasks, Body, Depends, Header, Query, Request, Response
from fastapi.concurrency import contextmanager_in_threadpool
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.paging import Page
from clinicdesk.features.documents import intake, service
from clinicdesk.features.documents.schemas import (
    Category,
    Content,
    Displaced,
    DocumentQuery,
    DocumentRow,
    DocumentSort,
    DocumentStatus,
    DocumentType,
    DocumentTypeRow,
    EditDocument,
    FileDocument,
    Held,
    MediaType,
    PictureRow,
)
from clinicdesk.features.users import service as users
from clinicdesk.server.etags import IfMatch, IfThere, etag, putting, tagged
from clinicdesk.server.identity import SignedInCaller, serving_of
from clinicdesk.server.paging import Paging
from clinicdesk.server.problems import UnsupportedMedia, answers
from clinicdesk.server.routing import router as group
from clinicdesk.server.times import Day
from clinicdesk.server.units import AuditedTx, ReadTx, WriteTx, auditing, reading

router = group("/documents", "documents")

TITLE_HEADER, FILENAME_HEADER = HEADERS = ("Document-Title", "Document-Filename")

_PATIENT = "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6071"
_IMAGES = (MediaType.JPEG, MediaType.PNG, MediaType.WEBP)
_CHANGE = {"letter": {"value": {"type": "letter", "title": "Letter from the hospital", "dated_on": "2026-11-20"}}}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_ENCODED = r"^(?:[ -$&-~]|%[0-9A-Fa-f]{2})*$"


def _files(*kinds: MediaType) -> dict[str, Any]:
    """What the OpenAPI document says of a body that is a file."""
    return {"requestBody": {"required": True, "content": {kind.value: _BINARY for kind in kinds}}}


def _sends(*kinds: MediaType) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of an answer that is a file."""
    return {200: {"description": "The file", "content": {kind.value: _BINARY for kind in kinds}}}


@dataclass(frozen=True, slots=True)
class DocumentChanges:
    """What is said of a document from now on."""

    type: DocumentType
    title: Annotated[str, Field(max_length=200)]
    dated_on: Day
    medication_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that lies in the archive for as long as its request goes on, and what is said of it."""

    said: FileDocument
    held: Held


async def _taken(
    request: Request, check: Callable[[bytes, str], intake.Checked], kinds: tuple[MediaType, ...]
) -> intake.Checked:
    """The file in the body, read through."""
    told = request.headers.get("content-type", "")
    kind = told.partition(";")[0].strip().lower()
    if kind not in ("", "application/octet-stream", *kinds):
        raise UnsupportedMedia()
    body = await request.body()
    async with serving_of(request).looking:  # waiting for it holds no thread
        return await run_in_threadpool(check, body, told)


def _holding(request: Request, checked: intake.Checked) -> Any:
    return contextmanager_in_threadpool(serving_of(request).archive.holding(checked))


async def _upload(
    request: Request,
    caller: SignedInCaller,
    patient_id: Annotated[UUID, Query(examples=[_PATIENT])],
    type: Annotated[DocumentType, Query(description="What it is.", examples=["laboratory"])],  # noqa: A002
    dated_on: Annotated[Day | None, Query(description="The day that it bears; today without one.")] = None,
    medication_id: Annotated[UUID | None, Query(description="The prescription that it shows.")] = None,
    title: Annotated[
        str,
        Header(
            alias=TITLE_HEADER, max_length=1800, pattern=_ENCODED, examples=["Blutbild%20M%C3%A4rz"],
            description="Text in UTF-8, percent-encoded. Without one the name of the file is the title.",
        ),
    ] = "",
    filename: Annotated[
        str,
        Header(
            alias=FILENAME_HEADER, max_length=1800, pattern=_ENCODED, examples=["scan-0012.pdf"],
            description="What the file is called, in the same way; its extension has to be that of its kind.",
        ),
    ] = "",
) -> AsyncIterator[Upload]:  # fmt: skip
    """Look at the file that is sent, once it is clear that it may be, and keep it until its row is written."""
    name = _decoded(filename, FILENAME_HEADER)
    said = FileDocument(patient_id, type, _decoded(title, TITLE_HEADER), dated_on, medication_id)
    async with reading(request, caller) as tx:
        await run_in_threadpool(service.ensure_can_file, tx, said, serving_of(request).settings.quota)
    checked = await _taken(request, lambda body, told: intake.check_document(body, name, told), tuple(MediaType))
    async with _holding(request, checked) as held:
        yield Upload(said, held)


async def _own_picture(request: Request, caller: SignedInCaller) -> AsyncIterator[Held]:
    async with reading(request, caller) as tx:  # whoever may not is told before the file is read
        await run_in_threadpool(users.acting, tx)
    checked = await _taken(request, intake.check_picture, _IMAGES)
    async with _holding(request, checked) as held:
        yield held


async def _patients_picture(request: Request, caller: SignedInCaller, patient_id: UUID) -> AsyncIterator[Held]:
    async with reading(request, caller) as tx:
        await run_in_threadpool(service.ensure_can_set_photo, tx, patient_id)
    checked = await _taken(request, intake.check_picture, _IMAGES)
    async with _holding(request, checked) as held:
        yield held


async def _later(request: Request, later: BackgroundTasks) -> Callable[[Displaced], None]:
    """Lets go of contents behind the answer, and so once it is committed that no row knows of them."""
    return lambda displaced: later.add_task(serving_of(request).archive.let_go, displaced)


LetGo = Annotated[Callable[[Displaced], None], Depends(_later)]

Small = Annotated[bool, Query(description="Whether a small one will do.")]


async def _content(request: Request, caller: SignedInCaller, document_id: UUID) -> Content:
    async with auditing(request, caller) as tx:
        return await run_in_threadpool(service.open_content, tx, document_id)


async def _thumbnail(request: Request, caller: SignedInCaller, document_id: UUID) -> Content:
    async with auditing(request, caller) as tx:
        return await run_in_threadpool(service.open_thumbnail, tx, document_id)


async def _avatar(request: Request, caller: SignedInCaller, user_id: UUID, small: Small = False) -> Content:
    async with reading(request, caller) as tx:
        return await run_in_threadpool(service.open_avatar, tx, user_id, small)


async def _photo(request: Request, caller: SignedInCaller, patient_id: UUID, small: Small = False) -> Content:
    async with auditing(request, caller) as tx:
        return await run_in_threadpool(service.open_photo, tx, patient_id, small)


@router.get(
    "", operation_id="list_documents", summary="A patient's documents, a page at a time", responses=answers(404, 409)
)
def list_documents(
    tx: AuditedTx,
    page: Paging,
    patient_id: Annotated[UUID, Query(examples=[_PATIENT])],
    type: Annotated[DocumentType | None, Query(description="Of this type.")] = None,  # noqa: A002
    category: Category | None = None,
    medication_id: UUID | None = None,
    status: Annotated[DocumentStatus, Query(description="Removed ones are entered-in-error.")] = DocumentStatus.CURRENT,
    sort: DocumentSort = DocumentSort.FILED,
    descending: bool = True,
) -> Page[DocumentRow]:
    query = DocumentQuery(patient_id, type, category, medication_id, status, sort, descending, page)
    return service.list_documents(tx, query)


@router.post(
    "", operation_id="file_document", summary="Keep a file with a patient; the body is the file", status_code=201,
    responses=answers(404, 409), openapi_extra=_files(*MediaType),
)  # fmt: skip
def file_document(
    request: Request, upload: Annotated[Upload, Depends(_upload, scope="function")], tx: WriteTx, response: Response
) -> DocumentRow:
    """Keep a file with a patient. Whoever has the paper may file it, whatever it is; who sees it then is decided by its
    type. Images are encoded anew, without what the camera wrote into them."""
    quota = serving_of(request).settings.quota
    return tagged(service.file_document(tx, upload.said, upload.held, quota), response)


@router.get("/types", operation_id="list_document_types", summary="The types of documents, and who sees each")
def list_document_types(tx: ReadTx) -> list[DocumentTypeRow]:
    """Every type of document with its LOINC code, and whom it is for: the desk sees the administrative ones alone."""
    return service.list_types(tx)


@router.put(
    "/avatars/me", operation_id="set_own_avatar", summary="Give one's account a picture; the body is the image",
    responses=answers(409, 412, 428), openapi_extra=_files(*_IMAGES),
)  # fmt: skip
def set_own_avatar(
    there: IfThere,
    held: Annotated[Held, Depends(_own_picture, scope="function")],
    tx: WriteTx,
    response: Response,
    let_go: LetGo,
) -> PictureRow:
    """Give one's own account a picture, in place of the one it had. It is encoded anew, without what a camera wrote into it."""
    with putting(there) as version:
        row, displaced = service.set_own_avatar(tx, held, version)
    let_go(displaced)
    return tagged(row, response)


@router.delete(
    "/avatars/me", operation_id="remove_own_avatar", summary="Take one's own picture away", status_code=204,
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def remove_own_avatar(tx: WriteTx, version: IfMatch, let_go: LetGo) -> None:
    let_go(service.remove_own_avatar(tx, version))


@router.get(
    "/avatars/{user_id}", operation_id="get_avatar", summary="The picture of an account", response_class=Response,
    responses={**_sends(MediaType.JPEG), **answers(404)},
)  # fmt: skip
def get_avatar(request: Request, content: Annotated[Content, Depends(_avatar)]) -> Response:
    """The picture of a colleague's account, as JPEG."""
    return _sent(request, content)


@router.put(
    "/photos/{patient_id}", operation_id="set_patient_photo", summary="Keep a patient's picture; the body is the image",
    responses=answers(404, 409, 412, 428), openapi_extra=_files(*_IMAGES),
)  # fmt: skip
def set_patient_photo(
    there: IfThere,
    held: Annotated[Held, Depends(_patients_picture, scope="function")],
    tx: WriteTx,
    patient_id: UUID,
    response: Response,
    let_go: LetGo,
) -> PictureRow:
    with putting(there) as version:
        row, displaced = service.set_photo(tx, patient_id, held, version)
    let_go(displaced)
    return tagged(row, response)


@router.delete(
    "/photos/{patient_id}", operation_id="remove_patient_photo", summary="Take a patient's picture away",
    status_code=204, responses=answers(404, 409, 412, 428),
)  # fmt: skip
def remove_patient_photo(tx: WriteTx, patient_id: UUID, version: IfMatch, let_go: LetGo) -> None:
    let_go(service.remove_photo(tx, patient_id, version))


@router.get(
    "/photos/{patient_id}", operation_id="get_patient_photo", summary="A patient's picture", response_class=Response,
    responses={**_sends(MediaType.JPEG), **answers(404, 409)},
)  # fmt: skip
def get_patient_photo(request: Request, content: Annotated[Content, Depends(_photo)]) -> Response:
    """What a patient looks like, as JPEG."""
    return _sent(request, content)


@router.get(
    "/{document_id}", operation_id="get_document", summary="What is said of a document", responses=answers(404)
)  # fmt: skip
def get_document(tx: AuditedTx, document_id: UUID, response: Response) -> DocumentRow:
    return tagged(service.get_document(tx, document_id), response)


@router.get(
    "/{document_id}/content", operation_id="download_document", summary="The document itself", response_class=Response,
    responses={**_sends(*MediaType), **answers(404)},
)  # fmt: skip
def download_document(request: Request, content: Annotated[Content, Depends(_content)]) -> Response:
    """The file as it is kept, to be saved and not to be shown in place. That it was read stands in the audit trail."""
    return _sent(request, content)


@router.get(
    "/{document_id}/thumbnail", operation_id="get_document_thumbnail", summary="An image in small",
    response_class=Response, responses={**_sends(MediaType.JPEG), **answers(404)},
)  # fmt: skip
def get_document_thumbnail(request: Request, content: Annotated[Content, Depends(_thumbnail)]) -> Response:
    """A small picture of a document that is an image. That it was seen stands in the audit trail."""
    return _sent(request, content)


@router.put(
    "/{document_id}", operation_id="edit_document", summary="Say something else of a document",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def edit_document(
    tx: WriteTx,
    document_id: UUID,
    version: IfMatch,
    changes: Annotated[DocumentChanges, Body(openapi_examples=_CHANGE)],
    response: Response,
) -> DocumentRow:
    request = EditDocument(
        document_id, version, changes.type, changes.title, changes.dated_on, changes.medication_id
    )  # fmt: skip
    return tagged(service.edit_document(tx, request), response)


@router.delete(
    "/{document_id}", operation_id="remove_document", summary="Mark a document as entered in error; it is kept",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def remove_document(tx: WriteTx, document_id: UUID, version: IfMatch, response: Response) -> DocumentRow:
    return tagged(service.remove_document(tx, document_id, version), response)


@router.post(
    "/{document_id}/restore", operation_id="restore_document", summary="Put a removed document back",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def restore_document(tx: WriteTx, document_id: UUID, version: IfMatch, response: Response) -> DocumentRow:
    return tagged(service.restore_document(tx, document_id, version), response)


def _decoded(header: str, name: str) -> str:
    """The text that a header says, percent-encoded. Raises InvalidInput("header_not_right")."""
    try:
        return unquote_to_bytes(header).decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("header_not_right", field=name) from error


def _sent(request: Request, content: Content) -> Response:
    """The file, to be saved and not to be shown in our place."""
    data = serving_of(request).archive.read(content)
    plain = "".join(
        one if one.isascii() and one.isprintable() and one not in '"\\%' else "_" for one in content.filename
    )
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(content.filename, safe='')}"
    headers = {"Content-Disposition": disposition}
    if content.version is not None:  # for If-Match; the small one is another than the whole
        headers["ETag"] = etag(content.version, content.key)
    elif content.sha256 is not None:
        headers["ETag"] = f'"{content.sha256}"'
    return Response(data, media_type=content.media_type.value, headers=headers)
