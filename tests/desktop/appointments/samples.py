"""Visits and practitioners made up for tests of the calendar; plain values, no database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from clinicdesk.core.ids import new_id
from clinicdesk.features.appointments.schemas import AppointmentRow, Status
from clinicdesk.features.practitioners.schemas import AbsenceRow, Interval, PractitionerRow, WorkingDay

DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 10, 42, tzinfo=UTC)
ZONE = ZoneInfo("UTC")


def at(hour: int, minute: int = 0, day: date = DAY, zone: ZoneInfo = ZONE) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)


def practitioner(given: str, family: str, room: str = "Room 1", **more: Any) -> PractitionerRow:
    values: dict[str, Any] = {
        "id": new_id(), "family": family, "given": given, "prefix": "Dr", "suffix": "", "specialty": "GP",
        "room_id": None, "room_name": room, "position": 0, "active": True, "version": 1,
    }  # fmt: skip
    return PractitionerRow(**(values | more))


LEE = practitioner("Grace", "Lee", "Room 2")
OKAFOR = practitioner("Amara", "Okafor")


def visit(
    start: datetime,
    minutes: int = 30,
    name: str = "Daniel Osei",
    status: Status = Status.BOOKED,
    who: PractitionerRow = LEE,
    **more: Any,
) -> AppointmentRow:
    given, _, family = name.rpartition(" ")
    waits = status in (Status.ARRIVED, Status.CHECKED_IN)
    values: dict[str, Any] = {
        "id": new_id(), "patient_id": new_id(), "patient_number": "HS-20418", "patient_given": given,
        "patient_family": family, "practitioner_id": who.id, "practitioner_name": who.short, "room_id": None,
        "room_name": who.room_name, "type_id": None, "type_name": "Follow-up", "type_colour": "#41679F",
        "start": start, "end": start + timedelta(minutes=minutes), "status": status, "confirmed": False, "reason": "",
        "cancel_reason": "", "overbooked": False, "overbook_reason": "", "patient_overlap": False,
        "arrived_at": start if waits else None, "checked_in_at": None, "started_at": None, "ended_at": None,
        "version": 1,
    }  # fmt: skip
    return AppointmentRow(**(values | more))


def working(
    who: PractitionerRow | UUID,
    *shifts: tuple[datetime, datetime],
    day: date = DAY,
    absences: Sequence[AbsenceRow] = (),
    holiday: str = "",
) -> WorkingDay:
    """A working day whose open time is its shifts without the absences, or nothing on a holiday."""
    planned = tuple(Interval(*shift) for shift in shifts)
    free: list[Interval] = [] if holiday else list(planned)
    for absence in absences:
        cut: list[Interval] = []
        for span in free:
            if absence.end <= span.start or absence.start >= span.end:
                cut.append(span)
                continue
            if span.start < absence.start:
                cut.append(Interval(span.start, absence.start))
            if absence.end < span.end:
                cut.append(Interval(absence.end, span.end))
        free = cut
    who_id = who if isinstance(who, UUID) else who.id
    return WorkingDay(who_id, day, planned, tuple(free), tuple(absences), holiday)
