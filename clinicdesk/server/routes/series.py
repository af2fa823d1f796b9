"""/appointments/series: visits that recur, booked together, and changed or cancelled from one of them on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Body
from pydantic import Field

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.appointments import service
from clinicdesk.features.appointments.recurrence import MOST_INTERVAL, MOST_VISITS, Frequency, Recurrence
from clinicdesk.features.appointments.series_schemas import (
    BookSeries,
    CancelSeries,
    ChangeSeries,
    OnClash,
    Scope,
    SeriesDetail,
)
from clinicdesk.server.etags import IfMatch
from clinicdesk.server.glossary import CANCELLATION
from clinicdesk.server.problems import answers
from clinicdesk.server.routes.appointments import Minutes, Reason
from clinicdesk.server.routing import router as group
from clinicdesk.server.times import Day, Instant, TimeOfDay
from clinicdesk.server.units import AuditedTx, WriteTx

router = group("/appointments", "series")

_NEW = {
    "every Tuesday": {
        "value": {
            "patient_id": "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6071",
            "practitioner_id": "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6072",
            "start": "2026-11-24T09:00:00+01:00", "minutes": 30, "reason": "Physiotherapy",
            "repeat": {"frequency": "weekly", "weekdays": [1], "count": 6}, "on_clash": "skip",
        }
    }
}  # fmt: skip
_LATER = {"an hour later": {"value": {"scope": "following", "at": "10:00"}}}
_OFF = {"all": {"value": {"scope": "all", "reason": "pat"}}}


@dataclass(frozen=True, slots=True)
class Repeat:
    """How visits recur, in iCalendar's terms. Weekdays begin with Monday, 0; `nth` and `month_day` count from the end by -1.
    Exactly one of `count` and `until` says when it ends; exceptions count."""

    frequency: Frequency
    """Every day, week, month or year."""
    interval: Annotated[int, Field(strict=True, ge=1, le=MOST_INTERVAL)] = 1
    """Every so many of these."""
    weekdays: Annotated[list[Annotated[int, Field(strict=True, ge=0, le=6)]], Field(max_length=7)] = field(
        default_factory=list
    )
    nth: Annotated[int, Field(strict=True, ge=-1, le=5)] | None = None
    month_day: Annotated[int, Field(strict=True, ge=-1, le=31)] | None = None
    count: Annotated[int, Field(strict=True, ge=1, le=MOST_VISITS)] | None = None
    until: Day | None = None
    exceptions: Annotated[list[Day], Field(max_length=MOST_VISITS)] = field(default_factory=list)

    def rule(self) -> Recurrence:
        return Recurrence(
            self.frequency, self.interval, tuple(self.weekdays), self.nth, self.month_day, self.count, self.until,
            tuple(self.exceptions),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewSeries:
    """Visits to book at the same time of the clinic's day, from the day of `start` on."""

    patient_id: UUID
    practitioner_id: UUID
    start: Instant
    minutes: Minutes
    repeat: Repeat
    type_id: UUID | None = None
    room_id: UUID | None = None
    reason: Reason = ""
    outside_hours: bool = False
    on_clash: OnClash = OnClash.REFUSE


@dataclass(frozen=True, slots=True)
class SeriesChanges:
    """New values for one visit, it and those that follow, or all that are to come. What is left out stays as it is."""

    scope: Scope
    at: TimeOfDay | None = None
    """To which time of the day; null: it stays."""
    minutes: Minutes | None = None
    practitioner_id: UUID | None = None
    room_id: UUID | None = None
    type_id: UUID | None = None
    reason: Reason | None = None
    outside_hours: bool = False
    on_clash: OnClash = OnClash.REFUSE


@dataclass(frozen=True, slots=True)
class SeriesCancellation:
    """How much to cancel, and why: a code of FHIR's appointment-cancellation-reason."""

    scope: Scope
    reason: Annotated[str, Field(max_length=12, description=CANCELLATION)]


@router.post(
    "/series", operation_id="book_series", summary="Book visits that recur, all or those that fit", status_code=201,
    responses=answers(404, 409),
)  # fmt: skip
def book_series(tx: WriteTx, new: Annotated[NewSeries, Body(openapi_examples=_NEW)]) -> SeriesDetail:
    """Book every visit of a series, at the same time of the clinic's local day. Where some do not fit, none is booked and
    `clashes` names them, or they are left out and told, as `on_clash` says; if none fits, the series is refused in any
    case."""
    request = BookSeries(
        new.patient_id, new.practitioner_id, new.start, timedelta(minutes=new.minutes), new.repeat.rule(), new.type_id,
        new.room_id, new.reason, new.outside_hours, new.on_clash,
    )  # fmt: skip
    return service.book_series(tx, request)


@router.get(
    "/series/{series_id}", operation_id="open_series", summary="A series and its visits; audited",
    responses=answers(404),
)  # fmt: skip
def open_series(tx: AuditedTx, series_id: UUID) -> SeriesDetail:
    return service.open_series(tx, series_id)


@router.post(
    "/{appointment_id}/series", operation_id="change_series", summary="Change a visit and what of its series is to come",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def change_series(
    tx: WriteTx, appointment_id: UUID, version: IfMatch, changes: Annotated[SeriesChanges, Body(openapi_examples=_LATER)]
) -> SeriesDetail:  # fmt: skip
    at = changes.at
    if at is not None and at.second:
        raise InvalidInput("whole_minutes", field="at")
    request = ChangeSeries(
        appointment_id, version, changes.scope, None if at is None else at.hour * 60 + at.minute,
        None if changes.minutes is None else timedelta(minutes=changes.minutes), changes.practitioner_id,
        changes.room_id, changes.type_id, changes.reason, changes.outside_hours, changes.on_clash,
    )  # fmt: skip
    return service.change_series(tx, request)


@router.post(
    "/{appointment_id}/series/cancel", operation_id="cancel_series",
    summary="Cancel a visit and what of its series is to come", responses=answers(404, 409, 412, 428),
)  # fmt: skip
def cancel_series(
    tx: WriteTx, appointment_id: UUID, version: IfMatch, why: Annotated[SeriesCancellation, Body(openapi_examples=_OFF)]
) -> SeriesDetail:  # fmt: skip
    return service.cancel_series(tx, CancelSeries(appointment_id, version, why.scope, why.reason))
