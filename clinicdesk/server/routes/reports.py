"""/reports: the clinic in figures, as documents or as tables for a spreadsheet. No patient is named in any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response

from clinicdesk.core.tables import to_csv
from clinicdesk.core.tx import Tx
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
from clinicdesk.server.units import ReadTx, ReportTx

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
    "/attendance", operation_id="report_attendance",
    summary="Visits kept, missed and cancelled, by practitioner, type, month, day, weekday or hour",
    response_model=Report[AttendanceRow], responses=CSV_TOO | answers(404),
)  # fmt: skip
def attendance(
    tx: ReportTx,
    query: Asked,
    wanted: WantedFormat,
    by: Annotated[By, Query(description="What a line is for.")] = By.PRACTITIONER,
) -> Report[AttendanceRow] | Response:
    return _answer(service.attendance(tx, query, by), AttendanceRow, f"attendance-by-{by}", wanted)


@router.get(
    "/busiest-days", operation_id="report_busiest_days", summary="The days with the most visits",
    response_model=Report[BusyRow], responses=CSV_TOO | answers(404),
)  # fmt: skip
def busiest_days(
    tx: ReportTx, query: Asked, wanted: WantedFormat, limit: Annotated[int, Query(ge=1, le=100)] = 10
) -> Report[BusyRow] | Response:
    return _answer(service.busiest_days(tx, query, limit), BusyRow, "busiest-days", wanted)


def _answer(report: Report[Row], kind: type[Row], name: str, wanted: Format) -> Report[Row] | Response:
    if wanted is Format.JSON:
        return report
    return csv_file(to_csv(report.rows, kind), f"{name} {report.first} {report.last}")


def _add(name: str, report: Callable[[Tx, ReportQuery], Report[Row]], kind: type[Row], summary: str) -> None:
    """The route of a report that takes nothing beside the days and the practitioners."""

    def answer(tx: ReportTx, query: Asked, wanted: WantedFormat) -> Any:
        return _answer(report(tx, query), kind, name, wanted)

    router.get(
        f"/{name}", operation_id=f"report_{name.replace('-', '_')}", summary=summary, responses=CSV_TOO | answers(404),
        response_model=Report[kind],  # type: ignore[valid-type]
    )(answer)  # fmt: skip


_add("use-of-hours", service.use_of_hours, UseRow, "How much of their hours practitioners gave to patients")
_add("cancellations", service.cancellations, CancellationRow, "Why visits were cancelled")
_add("waiting", service.waiting, WaitingRow, "How long patients waited from arrival until they were in the room")
_add("lead-times", service.lead_times, LeadTimeRow, "How far ahead visits were booked, and how many were kept")
_add("demand", service.demand, DemandRow, "At which hours of which weekdays visits begin")
_add("patients", service.new_and_returning, PatientsRow, "How many patients there were, and how many were new")
