"""/appointments: visits, from the free time that they are booked into to their end; and the kinds that there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Body, Query, Response
from pydantic import Field

from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.paging import Page
from clinicdesk.core.tx import Tx
from clinicdesk.features.appointments import service
from clinicdesk.features.appointments.schemas import (
    AppointmentRow,
    BookAppointment,
    CancelAppointment,
    EditAppointment,
    FindOpenings,
    ListedVisit,
    Opening,
    Reschedule,
    SaveType,
    Status,
    TypeRow,
    Undone,
    VisitQuery,
    VisitStatistics,
)
from clinicdesk.server.etags import IfMatch, tagged
from clinicdesk.server.glossary import CANCELLATION
from clinicdesk.server.paging import Paging
from clinicdesk.server.problems import answers
from clinicdesk.server.routing import router as group
from clinicdesk.server.times import Day, Instant
from clinicdesk.server.units import AuditedTx, ListTx, ReadTx, ReportTx, WriteTx

router = group("/appointments", "appointments")

Minutes = Annotated[int, Field(strict=True, ge=1, le=1440, examples=[30])]
Reason = Annotated[str, Field(max_length=250)]
_CHANGES = answers(404, 409, 412, 428)
_WHO = {
    "patient_id": "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6071",
    "practitioner_id": "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6072",
}
_NEW = {"visit": {"value": {**_WHO, "start": "2026-11-24T09:00:00+01:00", "minutes": 30, "reason": "Sore throat"}}}
_WALK_IN = {"walk-in": {"value": {**_WHO, "minutes": 15, "reason": "Cut finger"}}}
_TYPE = {"follow-up": {"value": {"name": "Follow-up", "minutes": 20, "short": "fu", "code": "FOLLOWUP"}}}


@dataclass(frozen=True, slots=True)
class NewVisit:
    """A visit to book. An overbooking needs a reason; the others say that a warning was seen and overridden."""

    patient_id: UUID
    practitioner_id: UUID
    start: Instant
    minutes: Minutes
    type_id: UUID | None = None
    room_id: UUID | None = None
    reason: Reason = ""
    status: Status = Status.BOOKED
    overbook_reason: Reason = ""
    outside_hours: bool = False
    patient_overlap: bool = False


@dataclass(frozen=True, slots=True)
class WalkIn:
    """Somebody who stands at the desk."""

    patient_id: UUID
    practitioner_id: UUID
    minutes: Minutes
    type_id: UUID | None = None
    reason: Reason = ""


@dataclass(frozen=True, slots=True)
class VisitChanges:
    """What a visit is for, and whether the patient has confirmed it. What is left out stays as it is."""

    type_id: UUID | None = None
    reason: Reason | None = None
    confirmed: bool | None = None


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Why a visit is cancelled: a code of FHIR's appointment-cancellation-reason."""

    reason: Annotated[str, Field(max_length=12, description=CANCELLATION)]


@dataclass(frozen=True, slots=True)
class Move:
    """Another time, length, practitioner or room for a visit. What is left out stays as it is."""

    start: Instant | None = None
    minutes: Minutes | None = None
    practitioner_id: UUID | None = None
    room_id: UUID | None = None
    overbook_reason: Reason = ""
    outside_hours: bool = False
    patient_overlap: bool = False


@dataclass(frozen=True, slots=True)
class Undo:
    """Which write to put back: what its answer said in Clinicdesk-Unit."""

    unit_id: UUID


@dataclass(frozen=True, slots=True)
class VisitType:
    """A kind of visit."""

    name: Annotated[str, Field(max_length=80)]
    minutes: Minutes
    colour: Annotated[str, Field(pattern="^#[0-9A-Fa-f]{6}$")] = "#41679F"
    short: Annotated[str, Field(max_length=12)] = ""
    code: Annotated[str, Field(max_length=12)] = "ROUTINE"
    """HL7's appointment reason: CHECKUP, EMERGENCY, FOLLOWUP, ROUTINE or WALKIN."""
    position: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 0
    active: bool = True


@router.get(
    "", operation_id="list_visits", summary="Visits by their start, a page at a time", responses=answers(404)
)  # fmt: skip
def list_visits(
    tx: ListTx,
    page: Paging,
    day: Annotated[Day | None, Query(description="A day of the clinic's calendar, instead of `from` and `to`.")] = None,
    start: Annotated[Instant | None, Query(alias="from", description="Those that start then or later.")] = None,
    end: Annotated[Instant | None, Query(alias="to", description="Those that start earlier.")] = None,
    practitioner_id: UUID | None = None,
    patient_id: UUID | None = None,
    room_id: UUID | None = None,
    type_id: UUID | None = None,
    status: Annotated[list[Status], Query(max_length=10, description="In one of these states.")] = [],  # noqa: B006
    descending: bool = False,
) -> Page[ListedVisit]:
    """The visits that fit, by their start. A patient finds their own alone. To list what one patient has is to look into a
    record, and is audited."""
    return service.find_visits(
        tx,
        VisitQuery(
            day, start, end, practitioner_id, patient_id, room_id, type_id, tuple(status), descending, page
        ),
    )  # fmt: skip


@router.post("", operation_id="book_visit", summary="Book a visit", status_code=201, responses=answers(404, 409))
def book(tx: WriteTx, visit: Annotated[NewVisit, Body(openapi_examples=_NEW)], response: Response) -> AppointmentRow:
    request = BookAppointment(
        visit.patient_id, visit.practitioner_id, visit.start, timedelta(minutes=visit.minutes), visit.type_id,
        visit.room_id, visit.reason, visit.status, visit.overbook_reason, visit.outside_hours, visit.patient_overlap,
    )  # fmt: skip
    return tagged(service.book(tx, request), response)


@router.post(
    "/walk-ins", operation_id="take_in_walk_in", summary="Give whoever stands at the desk the first free time of today",
    status_code=201, responses=answers(404, 409),
)  # fmt: skip
def walk_in(
    tx: WriteTx, visit: Annotated[WalkIn, Body(openapi_examples=_WALK_IN)], response: Response
) -> AppointmentRow:
    length = timedelta(minutes=visit.minutes)
    row = service.walk_in(tx, visit.patient_id, visit.practitioner_id, length, visit.type_id, visit.reason)
    return tagged(row, response)


@router.post("/undo", operation_id="undo_visits", summary="Put back what one write did", responses=answers(404, 409))
def undo(
    tx: WriteTx, what: Annotated[Undo, Body(openapi_examples={"last": {"value": {"unit_id": _WHO["patient_id"]}}})],
) -> Undone:  # fmt: skip
    """Put back what one write did to visits, series and the waitlist, as a new change; a booking becomes entered in error.
    An undo can be undone in turn. It needs what the write needed, and more where somebody else did it."""
    return service.revert(tx, what.unit_id)


@router.get("/openings", operation_id="find_openings", summary="Free times, best first", responses=answers(404))
def find_openings(
    tx: ReadTx,
    minutes: Annotated[int, Query(ge=1, le=1440, description="How long the visit is.", examples=[20])],
    start: Annotated[
        Instant | None, Query(alias="from", description="None earlier; now, where nothing is said.")
    ] = None,
    end: Annotated[Instant | None, Query(alias="to", description="None that starts later.")] = None,
    practitioner_id: Annotated[list[UUID], Query(max_length=50, description="Of these; of anybody without.")] = [],  # noqa: B006
    weekday: Annotated[list[Annotated[int, Field(ge=0, le=6)]], Query(max_length=7, description="Monday is 0.")] = [],  # noqa: B006
    from_minute: Annotated[int, Query(ge=0, le=1440, description="Of the clinic's local day.")] = 0,
    to_minute: Annotated[int, Query(ge=0, le=1440)] = 1440,
    patient_id: Annotated[UUID | None, Query(description="Whose own visits are avoided.")] = None,
    room_id: Annotated[UUID | None, Query(description="Which has to be free, too.")] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 5,
) -> list[Opening]:
    """Where a visit fits, best first: none earlier than now or later than 120 days on. A time that fills its gap comes
    before one that leaves a useless rest, sooner before later, and the practitioners asked for before the others."""
    if start is not None and end is not None and end < start:
        raise InvalidInput("ends_before_start", field="to")
    return service.find_openings(
        tx,
        FindOpenings(
            timedelta(minutes=minutes), start or tx.now, end, tuple(practitioner_id), frozenset(weekday), from_minute,
            to_minute, patient_id, room_id, limit,
        ),
    )  # fmt: skip


@router.get(
    "/statistics", operation_id="visit_statistics", summary="The visits of some days in figures, as far as each role sees them",
    responses=answers(404),
)  # fmt: skip
def visit_statistics(
    tx: ReportTx,
    first: Annotated[Day, Query(alias="from", description="The first day.")],
    last: Annotated[Day, Query(alias="to", description="The last day, which is among them; of 366 at most.")],
    practitioner_id: Annotated[list[UUID], Query(max_length=50, description="Of these; of everybody without.")] = [],  # noqa: B006
) -> VisitStatistics:
    return service.statistics(tx, first, last, practitioner_id)


@router.get("/types", operation_id="list_visit_types", summary="The kinds of visit, in the clinic's order")
def list_types(
    tx: ReadTx, inactive: Annotated[bool, Query(description="Whether to show those out of use as well.")] = False
) -> list[TypeRow]:
    return service.list_types(tx, inactive)


@router.post(
    "/types", operation_id="add_visit_type", summary="Add a kind of visit", status_code=201, responses=answers(409)
)  # fmt: skip
def add_type(tx: WriteTx, new: Annotated[VisitType, Body(openapi_examples=_TYPE)], response: Response) -> TypeRow:
    """Add a kind of visit."""
    return tagged(service.save_type(tx, _save(new)), response)


@router.put("/types/{type_id}", operation_id="edit_visit_type", summary="Change a kind of visit", responses=_CHANGES)
def edit_type(
    tx: WriteTx, type_id: UUID, version: IfMatch, changes: Annotated[VisitType, Body(openapi_examples=_TYPE)],
    response: Response,
) -> TypeRow:  # fmt: skip
    """Give a kind of visit new values; visits that are booked keep their length."""
    return tagged(service.save_type(tx, _save(changes, type_id, version)), response)


@router.get(
    "/{appointment_id}", operation_id="open_visit", summary="One visit, with what it is for; audited",
    responses=answers(404),
)  # fmt: skip
def open_visit(tx: AuditedTx, appointment_id: UUID, response: Response) -> AppointmentRow:
    return tagged(service.open_visit(tx, appointment_id), response)


@router.patch("/{appointment_id}", operation_id="edit_visit", summary="Change what a visit is for", responses=_CHANGES)
def edit(
    tx: WriteTx, appointment_id: UUID, version: IfMatch,
    changes: Annotated[VisitChanges, Body(openapi_examples={"confirmed": {"value": {"confirmed": True}}})],
    response: Response,
) -> AppointmentRow:  # fmt: skip
    request = EditAppointment(appointment_id, version, changes.type_id, changes.reason, changes.confirmed)
    return tagged(service.edit(tx, request), response)


@router.post(
    "/{appointment_id}/reschedule", operation_id="reschedule_visit", summary="Move a visit, or stretch it",
    responses=_CHANGES,
)  # fmt: skip
def reschedule(
    tx: WriteTx, appointment_id: UUID, version: IfMatch,
    move: Annotated[Move, Body(openapi_examples={"later": {"value": {"start": "2026-11-24T10:30:00+01:00"}}})],
    response: Response,
) -> AppointmentRow:  # fmt: skip
    length = None if move.minutes is None else timedelta(minutes=move.minutes)
    request = Reschedule(
        appointment_id, version, move.start, length, move.practitioner_id, move.room_id, move.overbook_reason,
        move.outside_hours, move.patient_overlap,
    )  # fmt: skip
    return tagged(service.reschedule(tx, request), response)


@router.post(
    "/{appointment_id}/cancel", operation_id="cancel_visit", summary="Cancel a visit; its time is free again",
    responses=_CHANGES,
)  # fmt: skip
def cancel(
    tx: WriteTx, appointment_id: UUID, version: IfMatch,
    why: Annotated[Cancellation, Body(openapi_examples={"by the patient": {"value": {"reason": "pat"}}})],
    response: Response,
) -> AppointmentRow:  # fmt: skip
    return tagged(service.cancel(tx, CancelAppointment(appointment_id, version, why.reason)), response)


def _step(path: str, verb: Callable[[Tx, UUID, int], AppointmentRow], summary: str) -> None:
    """An endpoint that takes a visit from one state to another."""

    @router.post(
        f"/{{appointment_id}}/{path}", operation_id=f"{path.replace('-', '_')}_visit", summary=summary,
        responses=_CHANGES,
    )  # fmt: skip
    def take(tx: WriteTx, appointment_id: UUID, version: IfMatch, response: Response) -> AppointmentRow:
        return tagged(verb(tx, appointment_id, version), response)


_step("arrive", service.arrive, "The patient is here, and waits")
_step("check-in", service.check_in, "All is ready for the visit to begin")
_step("start", service.start_visit, "The patient is in the room")
_step("fulfil", service.fulfil, "The visit is over")
_step("no-show", service.no_show, "The patient did not come")
_step("advance", service.advance, "One step on, from booked to fulfilled")
_step("step-back", service.step_back, "One step back, forgetting its time")
_step("reinstate", service.reinstate, "Take a visit (back) into the book")
_step("pend", service.make_pending, "Keep the time until somebody has agreed")
_step("propose", service.propose, "Offer the time without keeping it")
_step("waitlist", service.put_on_waitlist, "Give the time free and wait for another")
_step("entered-in-error", service.mark_entered_in_error, "The visit should never have been in this record")


def _save(given: VisitType, type_id: UUID | None = None, version: int = 0) -> SaveType:
    return SaveType(
        given.name, given.minutes, given.colour, given.short, given.code, given.position, given.active, type_id, version
    )  # fmt: skip
