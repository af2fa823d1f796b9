"""/health: what was measured of patients, by the clinic or by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Body, Response
from pydantic import Field

from clinicdesk.core.paging import Page
from clinicdesk.features.observations import service as observations
from clinicdesk.features.observations.schemas import (
    CorrectObservation,
    Latest,
    Measure,
    ObservationQuery,
    ObservationRow,
    RecordObservation,
    Trend,
)
from clinicdesk.server.etags import IfMatch, tagged
from clinicdesk.server.paging import Paging
from clinicdesk.server.routes.medications import CHANGE, OF, PATIENT, REASON, Amount, Reason, Text
from clinicdesk.server.routing import router as group
from clinicdesk.server.times import From, Instant, To
from clinicdesk.server.units import AuditedTx, WriteTx

router = group("/health", "health")

_METRIC = {
    "weight": {"value": {"measure": "weight", "value": 70.4, "unit": "kg"}},
    "blood pressure": {
        "value": {
            "measure": "blood-pressure", "value": 128, "diastolic": 82, "taken_at": "2026-11-23T08:10:00+01:00",
            "note": "sitting, left arm",
        }
    },
}  # fmt: skip
_CORRECT = {"typing error": {"value": {"value": 70.4, "reason": "Typed 704"}}}


@dataclass(frozen=True, slots=True)
class Measured:
    """A measurement; of a blood pressure `value` is the upper one. No unit: the measure's own. No `taken_at`: now."""

    measure: Measure
    value: Amount
    diastolic: Amount | None = None
    unit: Annotated[str, Field(max_length=20)] = ""
    taken_at: Instant | None = None
    note: Text = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """What should have been recorded, and why it was not."""

    value: Amount
    reason: Text
    diastolic: Amount | None = None
    unit: Annotated[str, Field(max_length=20)] = ""
    taken_at: Instant | None = None
    note: Text = ""


@router.get(f"{PATIENT}/metrics", operation_id="list_metrics", summary="What was measured, the latest first", **OF)
def list_metrics(
    tx: AuditedTx, patient_id: UUID, page: Paging, measure: Measure | None = None, since: From = None,
    until: To = None, entered_in_error: bool = False,
) -> Page[ObservationRow]:  # fmt: skip
    query = ObservationQuery(patient_id, measure, since, until, entered_in_error, page)
    return observations.list_observations(tx, query)


@router.post(
    f"{PATIENT}/metrics", operation_id="record_metric", summary="Record what was measured", status_code=201, **OF
)  # fmt: skip
def record_metric(
    tx: WriteTx, patient_id: UUID, told: Annotated[Measured, Body(openapi_examples=_METRIC)], response: Response
) -> ObservationRow:
    request = RecordObservation(
        patient_id, told.measure, told.value, told.diastolic, told.unit, told.taken_at, told.note
    )
    return tagged(observations.record(tx, request), response)


@router.get(
    f"{PATIENT}/metrics/latest", operation_id="latest_metrics", summary="The latest value of each measure", **OF
)  # fmt: skip
def latest_metrics(tx: AuditedTx, patient_id: UUID) -> Latest:
    return observations.latest(tx, patient_id)


@router.get(f"{PATIENT}/metrics/trend", operation_id="metric_trend", summary="A measure over time", **OF)
def metric_trend(
    tx: AuditedTx, patient_id: UUID, measure: Measure = Measure.WEIGHT, since: From = None,
    until: To = None,
) -> Trend:  # fmt: skip
    """A measure from `from` on and before `to`, oldest first, with its figures; BMI is computed from weights and heights. Of
    more than 10,000 values the latest are given. Audited."""
    return observations.trend(tx, patient_id, measure, since, until)


@router.put(
    "/metrics/{metric_id}", operation_id="correct_metric", **CHANGE,
    summary="Put a value right: the wrong one is kept and marked, and a new one takes its place",
)  # fmt: skip
def correct_metric(
    tx: WriteTx, metric_id: UUID, version: IfMatch, told: Annotated[Correction, Body(openapi_examples=_CORRECT)],
    response: Response,
) -> ObservationRow:  # fmt: skip
    request = CorrectObservation(
        metric_id, version, told.value, told.reason, told.diastolic, told.unit, told.taken_at, told.note
    )
    return tagged(observations.correct(tx, request), response)


@router.post("/metrics/{metric_id}/wrong", operation_id="mark_metric_wrong", summary="It is none of theirs", **CHANGE)
def mark_metric_wrong(
    tx: WriteTx, metric_id: UUID, version: IfMatch, why: Annotated[Reason, Body(openapi_examples=REASON)],
    response: Response,
) -> ObservationRow:  # fmt: skip
    return tagged(observations.mark_wrong(tx, metric_id, version, why.reason), response)
