"""What the calendar reads from the services: plain functions of a unit of work, run off the main thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from clinicdesk.core.tx import Tx
from clinicdesk.desktop.appointments.booking_dialog import Choices
from clinicdesk.features.appointments.schemas import AppointmentRow, DayLoad, DaySchedule, Opening
from clinicdesk.features.appointments.service import (
    day_loads,
    day_schedule,
    list_types,
    next_opening,
    previous_opening,
)
from clinicdesk.features.practitioners.service import list_practitioners, list_rooms

LOOK_AHEAD = timedelta(days=120)

CONCERNS = frozenset(
    {
        "appointment",
        "appointment_type",
        "patient",
        "practitioner",
        "weekly_hours",
        "absence",
        "holiday",
        "room",
        "clinic",
    }
)
"""The tables whose changes are seen in what `read_days` gives."""


@dataclass(frozen=True, slots=True)
class Days:
    """Some days of the calendar, with all that there is to choose from."""

    schedules: tuple[DaySchedule, ...]
    choices: Choices

    @property
    def visits(self) -> list[AppointmentRow]:
        return [visit for schedule in self.schedules for visit in schedule.visits]


def read_days(tx: Tx, days: Sequence[date]) -> Days:
    """These days, of all active practitioners."""
    choices = Choices(tuple(list_practitioners(tx)), tuple(list_types(tx)), tuple(list_rooms(tx)))
    ids = [practitioner.id for practitioner in choices.practitioners]
    return Days(tuple(day_schedule(tx, day, ids) for day in days), choices)


def read_loads(tx: Tx, days: Sequence[date], practitioner_ids: Sequence[UUID]) -> list[DayLoad]:
    """How full the days between the first and the last are."""
    return day_loads(tx, days[0], days[-1], practitioner_ids)


def next_day_with_visits(tx: Tx, after: date, practitioner_ids: Sequence[UUID]) -> date | None:
    """The first later day that somebody is booked on, if one is near."""
    loads = day_loads(tx, after + timedelta(days=1), after + LOOK_AHEAD, practitioner_ids)
    return next((load.day for load in loads if load.visits), None)


def opening_beside(
    tx: Tx, practitioner_id: UUID, at: datetime, length: timedelta, patient_id: UUID | None, forward: bool
) -> Opening | None:
    """The practitioner's next opening after a time, or the one before it."""
    if forward:
        return next_opening(tx, practitioner_id, at, length, patient_id=patient_id)
    return previous_opening(tx, practitioner_id, at, length, patient_id=patient_id)
