"""/audit: who did or saw what, whether that record holds, and taking it out of the clinic. Every look at it is an entry in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Body, Depends, Query, Request, Response
from pydantic import Field

from clinicdesk.core.paging import Page, PageRequest
from clinicdesk.core.tables import to_csv
from clinicdesk.core.tx import Action
from clinicdesk.features.audit import service
from clinicdesk.features.audit.schemas import AuditQuery, AuditRow, VerificationPage
from clinicdesk.features.interop.audit_events import to_ndjson
from clinicdesk.server.downloads import attachment
from clinicdesk.server.paging import Paging
from clinicdesk.server.problems import answers
from clinicdesk.server.routing import router as group
from clinicdesk.server.times import Instant
from clinicdesk.server.units import AuditedTx, ReadTx, WriteTx

router = group("/audit", "audit")

FHIR = "application/fhir+ndjson"
_FOUND = {"found": {"value": {"result": "WzQ3MTEsIiIsMCwi…"}}}
CSV = "text/csv; charset=utf-8; header=present"


class Outcome(StrEnum):
    """How something ended."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"


class Shape(StrEnum):
    """What entries are taken out as: FHIR R4 AuditEvents, one a line, or a table."""

    FHIR = "fhir"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Result:
    """What a verification has found, as its last page said it."""

    result: Annotated[str, Field(max_length=1000)]
    """The `result` of the last page of a verification."""


def _narrowed(
    verb: Annotated[str, Query(max_length=60, examples=["appointments.book"])] = "",
    action: Annotated[Action | None, Query(description="Created, read, updated, deleted, executed.")] = None,
    outcome: Outcome | None = None,
    patient_id: UUID | None = None,
    since: Annotated[Instant | None, Query(alias="from", description="From this instant on.")] = None,
    until: Annotated[Instant | None, Query(alias="to", description="Before this instant.")] = None,
) -> AuditQuery:
    return AuditQuery(
        since, until, patient_id=patient_id, outcome=outcome or "", verb=verb, action=action or ""
    )  # fmt: skip


Narrowed = Annotated[AuditQuery, Depends(_narrowed)]


def _asked(
    narrowed: Narrowed,
    text: Annotated[
        str, Query(max_length=120, description="Part of a name or verb, or the beginning of a record number.")
    ] = "",
    actor_id: UUID | None = None,
) -> AuditQuery:
    return replace(narrowed, text=text, actor_id=actor_id)


Asked = Annotated[AuditQuery, Depends(_asked)]


@router.get("", operation_id="list_audit_entries", summary="Who did or saw what, newest first")
def list_entries(tx: AuditedTx, page: Paging, query: Asked) -> Page[AuditRow]:
    """Who did or saw what, newest first, a page at a time. That it was read is an entry itself."""
    return service.find_entries(tx, query, page)


@router.get("/mine", operation_id="list_own_audit_entries", summary="What one did or saw oneself, newest first")
def own_entries(tx: AuditedTx, page: Paging, query: Narrowed) -> Page[AuditRow]:
    return service.own_entries(tx, query, page)


@router.get(
    "/export", operation_id="export_audit_entries",
    summary="Entries as FHIR AuditEvents or as a table; the header Link leads to those that come behind",
    response_class=Response,
    responses={
        200: {
            "description": "The entries.",
            "content": {FHIR: {"schema": {"type": "string"}}, "text/csv": {"schema": {"type": "string"}}},
        }
    },
)  # fmt: skip
def export_entries(
    tx: AuditedTx,
    request: Request,
    query: Asked,
    shape: Annotated[
        Shape, Query(alias="format", description="FHIR AuditEvents, one a line, or a table.")
    ] = Shape.FHIR,
    limit: Annotated[int, Query(ge=1, le=service.MOST_EXPORTED, description="How many at most.")] = 1000,
    cursor: Annotated[str, Query(max_length=1000, description="Found in the link of the page before.")] = "",
) -> Response:
    """Entries to be taken out of the clinic, in pages of up to 10,000; the header `Link` leads to the next. That is an entry
    itself."""
    page = service.export_entries(tx, query, PageRequest(limit, cursor))
    text, kind, ending = (
        (to_ndjson(page.items), FHIR, "ndjson") if shape is Shape.FHIR else (to_csv(page.items, AuditRow), CSV, "csv")
    )
    headers = {"Content-Disposition": attachment(f"audit {tx.now:%Y-%m-%d}.{ending}")}
    if page.next is not None:
        headers["Link"] = f'<{request.url.include_query_params(cursor=page.next)}>; rel="next"'
    return Response(text, media_type=kind, headers=headers)


@router.get(
    "/verification", operation_id="verify_audit_trail",
    summary="Walk a part of the trail and say whether it holds; `next` asks for the part behind it",
)  # fmt: skip
def verify(
    tx: ReadTx,
    cursor: Annotated[str, Query(max_length=1000, description="`next` of the part before; empty for the first.")] = "",
    limit: Annotated[int, Query(ge=1, le=service.MOST_VERIFIED, description="How many entries at most.")] = 20_000,
) -> VerificationPage:
    """Walk a part of the trail, from where the page before ended, and say whether it holds: follow `next` to its end, and
    the whole trail is verified without anybody waiting for minutes."""
    return service.verify_page(tx, cursor, limit)


@router.post(
    "/verification", operation_id="note_audit_verification", status_code=204,
    summary="Enter in the trail what a verification has found", responses=answers(409),
)  # fmt: skip
def note_result(tx: WriteTx, found: Annotated[Result, Body(openapi_examples=_FOUND)]) -> None:
    service.note_result(tx, found.result)
