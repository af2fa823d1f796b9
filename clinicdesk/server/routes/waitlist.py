"""/appointments/waitlist: who waits for a visit, whom a free time would suit, and the giving of one to the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Body, Query, Response
from pydantic import Field

from clinicdesk.core.paging import Page
from clinicdesk.features.appointments import service
from clinicdesk.features.appointments.schemas import AppointmentRow
from clinicdesk.features.appointments.waitlist import MOST_PRACTITIONERS
from clinicdesk.features.appointments.waitlist_schemas import (
    Candidate,
    FillTime,
    Priority,
    Wish,
    WishQuery,
    WishRow,
    WishState,
)
from clinicdesk.server.etags import IfMatch, tagged
from clinicdesk.server.paging import Paging
from clinicdesk.server.problems import answers
from clinicdesk.server.routes.appointments import Minutes, Reason
from clinicdesk.server.routing import router as group
from clinicdesk.server.times import Day, Instant
from clinicdesk.server.units import AuditedTx, ListTx, WriteTx

router = group("/appointments/waitlist", "waitlist")

_CHANGES = answers(404, 409, 412, 428)
_PATIENT = "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6071"
_DOCTOR = "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6072"
_WISH = {"minutes": 30, "weekdays": [1, 3], "from_minute": 480, "to_minute": 720, "priority": "urgent"}
_NEW = {"mornings": {"value": {"patient_id": _PATIENT, **_WISH}}}
_EDIT = {"mornings": {"value": _WISH}}
_FILL = {"tomorrow": {"value": {"practitioner_id": _DOCTOR, "start": "2026-11-24T09:00:00+01:00"}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """What would do for somebody who waits. Without practitioners anybody, without weekdays (Monday 0) any day; between two
    minutes of the clinic's local day. `visit_id` is a visit that they have, and would have earlier."""

    minutes: Minutes
    practitioner_ids: Annotated[list[UUID], Field(max_length=MOST_PRACTITIONERS)] = field(default_factory=list)
    type_id: UUID | None = None
    weekdays: Annotated[list[Annotated[int, Field(strict=True, ge=0, le=6)]], Field(max_length=7)] = field(
        default_factory=list
    )
    from_minute: Annotated[int, Field(strict=True, ge=0, le=1439)] = 0
    to_minute: Annotated[int, Field(strict=True, ge=1, le=1440)] = 1440
    earliest: Day | None = None
    latest: Day | None = None
    priority: Priority = Priority.ROUTINE
    note: Reason = ""
    visit_id: UUID | None = None

    def wish(self) -> Wish:
        return Wish(
            timedelta(minutes=self.minutes), tuple(self.practitioner_ids), self.type_id, frozenset(self.weekdays),
            self.from_minute, self.to_minute, self.earliest, self.latest, self.priority, self.note, self.visit_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWish(Wished):
    """Somebody to put on the waitlist."""

    patient_id: UUID


@dataclass(frozen=True, slots=True)
class Filling:
    """The time that somebody who waits is given; the length is that of the wish."""

    practitioner_id: UUID
    start: Instant
    room_id: UUID | None = None
    reason: Reason = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody on the waitlist, and what they wish for; `filled_by` is the visit that came of it."""

    id: UUID
    patient_id: UUID
    patient_number: str
    patient_given: str
    patient_family: str
    minutes: int
    practitioner_ids: list[UUID]
    type_id: UUID | None
    weekdays: list[int]
    from_minute: int
    to_minute: int
    earliest: Day | None
    latest: Day | None
    priority: Priority
    note: str
    visit_id: UUID | None
    state: WishState
    """Whether they still wait."""
    filled_by: UUID | None
    created_at: datetime
    version: int

    @classmethod
    def of(cls, row: WishRow) -> Waiting:
        wish = row.wish
        return cls(
            row.id, row.patient_id, row.patient_number, row.patient_given, row.patient_family,
            wish.length // timedelta(minutes=1), list(wish.practitioner_ids), wish.type_id, sorted(wish.weekdays),
            wish.from_minute, wish.to_minute, wish.earliest, wish.latest, wish.priority, wish.note, wish.visit_id,
            row.state, row.filled_by, row.created_at, row.version,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Suited:
    """Somebody whom a free time would suit, where in it their visit would lie, and why they stand where they do."""

    entry: Waiting
    start: datetime
    end: datetime
    reasons: list[str]

    @classmethod
    def of(cls, one: Candidate) -> Suited:
        return cls(Waiting.of(one.entry), one.start, one.end, list(one.reasons))


@dataclass(frozen=True, slots=True)
class Freed:
    """A time that a cancelled visit has left, which is still free, and whom it would suit, best first."""

    visit_id: UUID
    practitioner_id: UUID
    practitioner_name: str
    start: datetime
    end: datetime
    candidates: list[Suited]


@dataclass(frozen=True, slots=True)
class FilledTime:
    """The visit that came of a wish, and the wish as it is now."""

    visit: AppointmentRow
    entry: Waiting


@router.get("", operation_id="list_waitlist", summary="The waitlist, those who have waited longest first")
def list_waitlist(
    tx: ListTx,
    page: Paging,
    state: Annotated[WishState | None, Query(description="Without it those who wait.")] = None,
    patient_id: UUID | None = None,
    practitioner_id: Annotated[UUID | None, Query(description="Those who would go to this one.")] = None,
    type_id: UUID | None = None,
    priority: Annotated[Priority, Query(description="At least as urgent as this.")] = Priority.ROUTINE,
) -> Page[Waiting]:
    """Those who wait, the longest first. To list what one patient waits for is audited."""
    query = WishQuery(state or WishState.WAITING, patient_id, practitioner_id, type_id, priority, page)
    found = service.find_wishes(tx, query)
    return Page([Waiting.of(row) for row in found.items], found.next, found.total)


@router.post(
    "", operation_id="add_wish", summary="Put a patient on the waitlist", status_code=201, responses=answers(404, 409)
)  # fmt: skip
def add_wish(tx: WriteTx, new: Annotated[NewWish, Body(openapi_examples=_NEW)], response: Response) -> Waiting:
    return _tagged(service.add_wish(tx, new.patient_id, new.wish()), response)


@router.get("/candidates", operation_id="find_candidates", summary="Whom a free time would suit, best first",
            responses=answers(404))  # fmt: skip
def find_candidates(
    tx: AuditedTx,
    practitioner_id: UUID,
    start: Annotated[Instant, Query(alias="from", description="When the time begins.")],
    end: Annotated[Instant, Query(alias="to", description="When it ends.")],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> list[Suited]:
    return [Suited.of(one) for one in service.candidates_for(tx, practitioner_id, start, end, limit)]


@router.get("/freed", operation_id="list_freed_times", responses=answers(404),
            summary="Times that cancelled visits have left, with whom they would suit")  # fmt: skip
def list_freed_times(
    tx: AuditedTx, practitioner_id: UUID | None = None, limit: Annotated[int, Query(ge=1, le=50)] = 5
) -> list[Freed]:
    return [
        Freed(
            one.visit_id, one.practitioner_id, one.practitioner_name, one.start, one.end,
            [Suited.of(candidate) for candidate in one.candidates],
        )
        for one in service.freed_times(tx, practitioner_id, limit)
    ]  # fmt: skip


@router.get("/{entry_id}", operation_id="open_wish", summary="One wish; audited", responses=answers(404))
def open_wish(tx: AuditedTx, entry_id: UUID, response: Response) -> Waiting:
    return _tagged(service.open_wish(tx, entry_id), response)


@router.put("/{entry_id}", operation_id="edit_wish", summary="Change what somebody wishes for", responses=_CHANGES)
def edit_wish(
    tx: WriteTx, entry_id: UUID, version: IfMatch, wished: Annotated[Wished, Body(openapi_examples=_EDIT)],
    response: Response,
) -> Waiting:  # fmt: skip
    return _tagged(service.edit_wish(tx, entry_id, version, wished.wish()), response)


@router.delete("/{entry_id}", operation_id="remove_wish", summary="Take somebody off the waitlist", responses=_CHANGES)
def remove_wish(tx: WriteTx, entry_id: UUID, version: IfMatch, response: Response) -> Waiting:
    return _tagged(service.remove_wish(tx, entry_id, version), response)


@router.post("/{entry_id}/restore", operation_id="restore_wish", summary="Let somebody wait again", responses=_CHANGES)
def restore_wish(tx: WriteTx, entry_id: UUID, version: IfMatch, response: Response) -> Waiting:
    return _tagged(service.restore_wish(tx, entry_id, version), response)


@router.post(
    "/{entry_id}/fill", operation_id="fill_time", summary="Give somebody who waits a visit", status_code=201,
    responses=_CHANGES,
)  # fmt: skip
def fill(
    tx: WriteTx, entry_id: UUID, version: IfMatch, time: Annotated[Filling, Body(openapi_examples=_FILL)],
    response: Response,
) -> FilledTime:  # fmt: skip
    filled = service.fill(tx, FillTime(entry_id, version, time.practitioner_id, time.start, time.room_id, time.reason))
    return FilledTime(filled.visit, _tagged(filled.entry, response))


def _tagged(row: WishRow, response: Response) -> Waiting:
    return Waiting.of(tagged(row, response))
