"""/doctors: those who see patients, when they work and are free, and whom they see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Body, Query, Response
from pydantic import Field

from clinicdesk.core.paging import MOST_PER_PAGE, Page
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import FreeDay, Opening, OpeningsOf, PatientOfPractitioner, PatientsOf
from clinicdesk.features.practitioners import service
from clinicdesk.features.practitioners.schemas import (
    AbsenceKind,
    AbsenceRow,
    AddAbsence,
    PractitionerQuery,
    PractitionerRow,
    PractitionerSort,
    SavePractitioner,
    SetWeeklyHours,
    Shift,
    WeeklyHoursRow,
    WorkingDay,
)
from clinicdesk.features.reports import service as reports
from clinicdesk.features.reports.schemas import PractitionerStatistics, ReportQuery
from clinicdesk.server.etags import IfMatch, tagged
from clinicdesk.server.paging import Paging
from clinicdesk.server.problems import answers
from clinicdesk.server.routing import router as group
from clinicdesk.server.times import Day, Instant, TimeOfDay
from clinicdesk.server.units import AuditedTx, ReadTx, ReportTx, WriteTx

router = group("/doctors", "doctors")

From = Annotated[Instant, Query(alias="from", description="From this instant on.")]
To = Annotated[Instant, Query(alias="to", description="Up to this instant, which is not among it.")]
FirstDay = Annotated[Day, Query(alias="from", description="The first day.")]
LastDay = Annotated[Day, Query(alias="to", description="The last day, which is among them.")]

_NEW = {
    "doctor": {
        "value": {
            "family": "Lee", "given": "Grace", "prefix": "Dr", "specialty": "General medicine", "room_id": None,
            "position": 0, "active": True,
        }
    }
}  # fmt: skip
_WEEK = {
    "mornings": {
        "value": {
            "shifts": [{"weekday": 0, "start": "08:00", "end": "12:30"}, {"weekday": 2, "start": "13:00", "end": "18:00"}],
            "valid_from": "2026-12-01", "valid_to": None,
        }
    }
}  # fmt: skip
_LEAVE = {
    "leave": {
        "value": {
            "kind": "leave", "start": "2026-12-21T00:00:00+01:00", "end": "2027-01-04T00:00:00+01:00", "note": "Holidays",
        }
    }
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Doctor:
    """A practitioner; `name` is how the desk calls them."""

    id: UUID
    name: str
    family: str
    given: str
    prefix: str
    suffix: str
    specialty: str
    room_id: UUID | None
    room_name: str
    position: int
    active: bool
    version: int


@dataclass(frozen=True, slots=True)
class DoctorValues:
    """Who a practitioner is; `position` is their place in the clinic's own order."""

    family: str
    given: str = ""
    prefix: str = ""
    suffix: str = ""
    specialty: str = ""
    room_id: UUID | None = None
    position: int = 0
    active: bool = True


@dataclass(frozen=True, slots=True)
class WeeklyShift:
    """One stretch of a working week in local time, Monday being 0; an end at 00:00 is midnight at the end of the day."""

    weekday: Annotated[int, Field(ge=0, le=6)]
    start: TimeOfDay
    end: TimeOfDay


@dataclass(frozen=True, slots=True)
class Week:
    """A working week from a day on, to a day where one is given. What was valid then before ends the day before."""

    shifts: Annotated[list[WeeklyShift], Field(max_length=100)]
    valid_from: Day
    valid_to: Day | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """A time without visits."""

    kind: AbsenceKind
    start: Instant
    end: Instant
    note: str = ""


@router.get("", operation_id="list_doctors", summary="Practitioners, a page at a time")
def list_doctors(
    tx: ReadTx,
    page: Paging,
    text: Annotated[
        str, Query(max_length=120, description="Words of the name or the specialty.", examples=["lee"])
    ] = "",
    specialty: Annotated[str, Query(max_length=80, examples=["Cardiology"])] = "",
    active: bool | None = None,
    sort: PractitionerSort = PractitionerSort.POSITION,
    descending: bool = False,
) -> Page[Doctor]:
    found = service.find_practitioners(tx, PractitionerQuery(text, specialty, active, sort, descending, page))
    return Page([_doctor(row) for row in found.items], found.next, found.total)


@router.post("", operation_id="add_doctor", summary="Add a practitioner", status_code=201)
def add_doctor(tx: WriteTx, values: Annotated[DoctorValues, Body(openapi_examples=_NEW)], response: Response) -> Doctor:
    """Add a practitioner."""
    return _tagged(service.save_practitioner(tx, _save(values)), response)


@router.get("/{doctor_id}", operation_id="get_doctor", summary="One practitioner", responses=answers(404))
def get_doctor(tx: ReadTx, doctor_id: UUID, response: Response) -> Doctor:
    return _tagged(service.get_practitioner(tx, doctor_id), response)


@router.put(
    "/{doctor_id}", operation_id="edit_doctor", summary="Change a practitioner, or turn one on or off",
    responses=answers(404, 409, 412, 428),
)  # fmt: skip
def edit_doctor(
    tx: WriteTx,
    doctor_id: UUID,
    version: IfMatch,
    values: Annotated[DoctorValues, Body(openapi_examples=_NEW)],
    response: Response,
) -> Doctor:
    """Give a practitioner new values. One who is not `active` takes no more visits; those that are booked stay."""
    return _tagged(service.save_practitioner(tx, _save(values, doctor_id, version)), response)


@router.get(
    "/{doctor_id}/availability", operation_id="doctor_availability",
    summary="Where a visit of some length fits with one practitioner", responses=answers(404),
)  # fmt: skip
def availability(
    tx: ReadTx,
    doctor_id: UUID,
    start: From,
    end: To,
    minutes: Annotated[int, Query(ge=1, le=1440, description="How long the visit is.")] = 30,
    limit: Annotated[int, Query(ge=1, le=MOST_PER_PAGE)] = 50,
) -> list[Opening]:
    """One practitioner's free times, end to end, in order: none earlier than now or later than 120 days on."""
    return appointments.openings_of(tx, OpeningsOf(doctor_id, start, end, timedelta(minutes=minutes), limit))


@router.get(
    "/{doctor_id}/free-times", operation_id="doctor_free_times",
    summary="When one practitioner is free on some days, a month at most", responses=answers(404),
)  # fmt: skip
def free_times(tx: ReadTx, doctor_id: UUID, first: FirstDay, last: LastDay) -> list[FreeDay]:
    return appointments.free_times(tx, doctor_id, first, last)


@router.get(
    "/{doctor_id}/schedule", operation_id="doctor_schedule",
    summary="Shifts, absences and holidays on some days, three months at most", responses=answers(404),
)  # fmt: skip
def schedule(tx: ReadTx, doctor_id: UUID, first: FirstDay, last: LastDay) -> list[WorkingDay]:
    return service.schedule(tx, doctor_id, first, last)


@router.get(
    "/{doctor_id}/hours", operation_id="doctor_hours", summary="The working weeks, past, present and to come",
    responses=answers(404),
)  # fmt: skip
def hours(tx: ReadTx, doctor_id: UUID) -> list[WeeklyHoursRow]:
    return service.weekly_hours(tx, doctor_id)


@router.put(
    "/{doctor_id}/hours", operation_id="set_doctor_hours", summary="Set the working week from a day on",
    responses=answers(404),
)  # fmt: skip
def set_hours(
    tx: WriteTx, doctor_id: UUID, week: Annotated[Week, Body(openapi_examples=_WEEK)]
) -> list[WeeklyHoursRow]:
    shifts = tuple(Shift(shift.weekday, shift.start, shift.end) for shift in week.shifts)
    return service.set_weekly_hours(tx, SetWeeklyHours(doctor_id, shifts, week.valid_from, week.valid_to))


@router.get(
    "/{doctor_id}/leave", operation_id="doctor_leave",
    summary="Leave and blocks that touch some time, those of the whole clinic among them",
)  # fmt: skip
def leave(tx: ReadTx, doctor_id: UUID, start: From, end: To) -> list[AbsenceRow]:
    """Leave and blocks of one practitioner and closures of the clinic that touch a time, by their start."""
    return service.absences(tx, start, end, (doctor_id,))


@router.post(
    "/{doctor_id}/leave", operation_id="add_doctor_leave", summary="Add leave or a block", status_code=201,
    responses=answers(404),
)  # fmt: skip
def add_leave(tx: WriteTx, doctor_id: UUID, new: Annotated[Leave, Body(openapi_examples=_LEAVE)]) -> AbsenceRow:
    return service.add_absence(tx, AddAbsence(doctor_id, new.kind, new.start, new.end, new.note))


@router.delete(
    "/{doctor_id}/leave/{absence_id}", operation_id="remove_doctor_leave", summary="Take leave or a block back",
    status_code=204, responses=answers(404),
)  # fmt: skip
def remove_leave(tx: WriteTx, doctor_id: UUID, absence_id: UUID) -> None:
    service.remove_absence(tx, absence_id, doctor_id)


@router.post(
    "/{doctor_id}/leave/{absence_id}/restore", operation_id="restore_doctor_leave",
    summary="Let leave that was taken back hold again", status_code=204, responses=answers(404),
)  # fmt: skip
def restore_leave(tx: WriteTx, doctor_id: UUID, absence_id: UUID) -> None:
    service.restore_absence(tx, absence_id, doctor_id)


@router.get(
    "/{doctor_id}/patients", operation_id="doctor_patients",
    summary="Who has visits with one practitioner, by the last of these visits", responses=answers(404),
)  # fmt: skip
def patients(
    tx: AuditedTx,
    doctor_id: UUID,
    page: Paging,
    text: Annotated[str, Query(max_length=120, description="Beginnings of names, numbers and dates.")] = "",
    since: Annotated[Instant | None, Query(alias="from", description="Visits from this instant on.")] = None,
    until: Annotated[Instant | None, Query(alias="to", description="Visits before this instant.")] = None,
    oldest_first: Annotated[bool, Query(description="Those first who were not here for the longest time.")] = False,
) -> Page[PatientOfPractitioner]:
    query = PatientsOf(doctor_id, text, since, until, oldest_first, page)
    return appointments.patients_of_practitioner(tx, query)


@router.get(
    "/{doctor_id}/statistics", operation_id="doctor_statistics",
    summary="One practitioner's visits, hours, patients and waits on some days, a year at most", responses=answers(404),
)  # fmt: skip
def statistics(
    tx: ReportTx,
    doctor_id: UUID,
    first: Annotated[Day | None, Query(alias="from", description="The first day; today where none is named.")] = None,
    last: Annotated[Day | None, Query(alias="to", description="The last day, which is among them.")] = None,
) -> PractitionerStatistics:
    return reports.practitioner_statistics(tx, ReportQuery(first, last), doctor_id)


def _doctor(row: PractitionerRow) -> Doctor:
    return Doctor(
        row.id, row.name, row.family, row.given, row.prefix, row.suffix, row.specialty, row.room_id, row.room_name,
        row.position, row.active, row.version,
    )  # fmt: skip


def _save(values: DoctorValues, doctor_id: UUID | None = None, version: int = 0) -> SavePractitioner:
    return SavePractitioner(
        values.family, values.given, values.prefix, values.suffix, values.specialty, values.room_id, values.position,
        values.active, doctor_id, version,
    )  # fmt: skip


def _tagged(row: PractitionerRow, response: Response) -> Doctor:
    return _doctor(tagged(row, response))
