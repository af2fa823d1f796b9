"""/reports: the clinic in figures, as documents or as tables for a spreadsheet. No patient is named in any."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from clinicdesk.core.tables import to_csv
from clinicdesk.features.reports import service
from clinicdesk.features.reports.schemas import (
    AttendanceRow,
    BusyRow,
    By,
    CancellationRow,
    DemandRow,
    LeadTimeRow,
    PatientsRow,
    Report,
    ReportQuery,
    Row,
    Today,
    UseRow,
    WaitingRow,
)
from clinicdesk.server.downloads import CSV_TOO, Format, WantedFormat, csv_file
from clinicdesk.server.problems import answers
from clinicdesk.server.routing import router as group
from clinicdesk.server.times import Day
from clinicdesk.server.units import ReadTx

router = group("/reports", "reports")

Practitioners = Annotated[
    list[UUID] | None, Query(alias="practitioner_id", max_length=100, description="Of these practitioners alone.")
]


def _query(
    first: Annotated[Day | None, Query(alias="from", description="The first day; today where none is named.")] = None,
    last: Annotated[Day | None, Query(alias="to", description="The last day, a year behind the first at most.")] = None,
    practitioner_ids: Practitioners = None,
) -> ReportQuery:
    return ReportQuery(first, last, tuple(practitioner_ids or ()))


Asked = Annotated[ReportQuery, Depends(_query)]


@router.get("/today", operation_id="report_today", summary="The day as it stands now", responses=answers(404))
def today(tx: ReadTx, practitioner_ids: Practitioners = None) -> Today:
    return service.today(tx, tuple(practitioner_ids or ()))


@router.get(
    "/use-of-hours", operation_id="report_use_of_hours", summary="How much of their hours practitioners gave to patients",
    response_model=Report[UseRow], responses=CSV_TOO | answers(404),
)  # fmt: skip
def use_of_hours(tx: ReadTx, query: Asked, wanted: WantedFormat) -> Report[UseRow] | Response:
    return _answer(service.use_of_hours(tx, query), UseRow, "use-of-hours", wanted)


@router.get(
    "/attendance", operation_id="report_attendance",
    summary="Visits kept, missed and cancelled, by practitioner, type, month, day, weekday or hour",
    response_model=Report[AttendanceRow], responses=CSV_TOO | answers(404),
)  # fmt: skip
def attendance(
    tx: ReadTx, query: Asked, wanted: WantedFormat, by: By = By.PRACTITIONER
) -> Report[AttendanceRow] | Response:
    return _answer(service.attendance(tx, query, by), AttendanceRow, f"attendance-by-{by}", wanted)


@router.get(
    "/cancellations", operation_id="report_cancellations", summary="Why visits were cancelled",
    response_model=Report[CancellationRow], responses=CSV_TOO | answers(404),
)  # fmt: skip
def cancellations(tx: ReadTx, query: Asked, wanted: WantedFormat) -> Report[CancellationRow] | Response:
    return _answer(service.cancellations(tx, query), CancellationRow, "cancellations", wanted)


@router.get(
    "/waiting", operation_id="report_waiting", summary="How long patients waited from arrival until they were in the room",
    response_model=Report[WaitingRow], responses=CSV_TOO | answers(404),
)  # fmt: skip
def waiting(tx: ReadTx, query: Asked, wanted: WantedFormat) -> Report[WaitingRow] | Response:
    return _answer(service.waiting(tx, query), WaitingRow, "waiting", wanted)


@router.get(
    "/lead-times", operation_id="report_lead_times", summary="How far ahead visits were booked, and how many were kept",
    response_model=Report[LeadTimeRow], responses=CSV_TOO | answers(404),
)  # fmt: skip
def lead_times(tx: ReadTx, query: Asked, wanted: WantedFormat) -> Report[LeadTimeRow] | Response:
    return _answer(service.lead_times(tx, query), LeadTimeRow, "lead-times", wanted)


@router.get(
    "/demand", operation_id="report_demand", summary="At which hours of which weekdays visits begin",
    response_model=Report[DemandRow], responses=CSV_TOO | answers(404),
)  # fmt: skip
def demand(tx: ReadTx, query: Asked, wanted: WantedFormat) -> Report[DemandRow] | Response:
    return _answer(service.demand(tx, query), DemandRow, "demand", wanted)


@router.get(
    "/busiest-days", operation_id="report_busiest_days", summary="The days with the most visits",
    response_model=Report[BusyRow], responses=CSV_TOO | answers(404),
)  # fmt: skip
def busiest_days(
    tx: ReadTx, query: Asked, wanted: WantedFormat, limit: Annotated[int, Query(ge=1, le=100)] = 10
) -> Report[BusyRow] | Response:
    return _answer(service.busiest_days(tx, query, limit), BusyRow, "busiest-days", wanted)


@router.get(
    "/patients", operation_id="report_patients", summary="How many patients there were, and how many were new",
    response_model=Report[PatientsRow], responses=CSV_TOO | answers(404),
)  # fmt: skip
def patients(tx: ReadTx, query: Asked, wanted: WantedFormat) -> Report[PatientsRow] | Response:
    return _answer(service.new_and_returning(tx, query), PatientsRow, "patients", wanted)


def _answer(report: Report[Row], kind: type[Row], name: str, wanted: Format) -> Report[Row] | Response:
    if wanted is Format.JSON:
        return report
    return csv_file(to_csv(report.rows, kind), f"{name} {report.first} {report.last}")
