"""/break-glass: access to a record in an emergency, its review, and how far care reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Body, Query, Request, Response

from clinicdesk.core.paging import Page
from clinicdesk.features.care import service
from clinicdesk.features.care.schemas import (
    BreakGlass,
    CareRow,
    CareScope,
    EmergencyQuery,
    EmergencyRow,
    ReviewEmergency,
)
from clinicdesk.server.etags import IfMatch, tagged
from clinicdesk.server.identity import SignedInCaller, serving_of
from clinicdesk.server.paging import Paging
from clinicdesk.server.problems import answers
from clinicdesk.server.routing import router as group
from clinicdesk.server.units import AuditedTx, ReadTx, WriteTx

router = group("/break-glass", "break-glass")

_PATIENT = "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6071"
_OPEN = {
    "emergency": {
        "value": {
            "patient_id": _PATIENT, "reason": "Unconscious in the waiting room",
            "password": "seven quiet boats at noon",
        }
    }
}  # fmt: skip
_REVIEW = {
    "justified": {"value": {"justified": True, "note": ""}},
    "not_justified": {"value": {"justified": False, "note": "There was no emergency. Spoken to on Monday."}},
}
_SETTINGS = {"own": {"value": {"scope": "own", "months_back": 24, "emergency_minutes": 60}}}


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether the access was justified; where it was not, the note says why."""

    justified: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far care reaches: whose records, for how many months after a visit, and how long a broken glass lasts."""

    scope: CareScope
    months_back: int
    emergency_minutes: int


@router.post(
    "", operation_id="break_glass", summary="Open a record in an emergency, with a reason and one's password again",
    status_code=201, responses=answers(401, 404, 409),
)  # fmt: skip
def break_glass(
    request: Request,
    caller: SignedInCaller,
    asked: Annotated[BreakGlass, Body(openapi_examples=_OPEN)],
    response: Response,
) -> EmergencyRow:
    """Reach the clinical record of a patient who is not in one's care, in an emergency: for an hour, with a reason and one's
    own password again. Administrators are alerted, and one of them judges it."""
    database = serving_of(request).database
    return tagged(service.break_glass(database, caller.actor, asked), response)


@router.get("", operation_id="list_emergencies", summary="Accesses in emergencies, the latest first")
def list_emergencies(
    tx: AuditedTx,
    page: Paging,
    reviewed: Annotated[bool | None, Query(description="Those that were judged, or those that were not.")] = None,
    user_id: UUID | None = None,
    patient_id: UUID | None = None,
) -> Page[EmergencyRow]:
    return service.emergencies(tx, EmergencyQuery(reviewed, user_id, patient_id, page))


@router.get("/mine", operation_id="list_own_emergencies", summary="One's own accesses that last at this moment")
def list_own_emergencies(tx: ReadTx) -> list[EmergencyRow]:
    return service.own_emergencies(tx)


@router.get("/settings", operation_id="get_care_settings", summary="How far care reaches in this clinic")
def get_care_settings(tx: ReadTx, response: Response) -> CareRow:
    return tagged(service.care_settings(tx), response)


@router.put(
    "/settings", operation_id="edit_care_settings", summary="Change how far care reaches",
    responses=answers(409, 412, 428),
)  # fmt: skip
def edit_care_settings(
    tx: WriteTx, version: IfMatch, wanted: Annotated[Reach, Body(openapi_examples=_SETTINGS)], response: Response
) -> CareRow:
    request = CareRow(wanted.scope, wanted.months_back, wanted.emergency_minutes, version)
    return tagged(service.edit_care_settings(tx, request), response)


@router.post(
    "/{emergency_id}/end", operation_id="end_emergency", summary="Give one's own access back before its time",
    responses=answers(404, 409),
)  # fmt: skip
def end_emergency(tx: WriteTx, emergency_id: UUID, response: Response) -> EmergencyRow:
    return tagged(service.end_emergency(tx, emergency_id), response)


@router.put(
    "/{emergency_id}/review", operation_id="review_emergency", summary="Judge somebody else's access",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def review_emergency(
    tx: WriteTx,
    emergency_id: UUID,
    version: IfMatch,
    judgement: Annotated[Judgement, Body(openapi_examples=_REVIEW)],
    response: Response,
) -> EmergencyRow:
    request = ReviewEmergency(emergency_id, version, judgement.justified, judgement.note)
    return tagged(service.review(tx, request), response)
