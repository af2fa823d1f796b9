"""What the calendar reads from the services: plain functions of a unit of work, run off the main thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from clinicdesk.core.tx import Tx
from clinicdesk.desktop.appointments.booking_form import Choices
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
    next_visits: date | None = None
    """Where nobody works on these days and there are no visits: the next day that has some."""

    @property
    def visits(self) -> list[AppointmentRow]:
        return [visit for schedule in self.schedules for visit in schedule.visits]


def read_days(tx: Tx, days: Sequence[date], looked_for: Sequence[UUID] = ()) -> Days:
    """These days, of all active practitioners; visits of `looked_for` (empty: of anybody) are what the next day is told by."""
    choices = Choices(tuple(list_practitioners(tx)), tuple(list_types(tx)), tuple(list_rooms(tx)))
    ids = [practitioner.id for practitioner in choices.practitioners]
    schedules = tuple(day_schedule(tx, day, ids) for day in days)
    if any(schedule.visits or any(hours.open for hours in schedule.working) for schedule in schedules):
        return Days(schedules, choices)
    return Days(schedules, choices, next_day_with_visits(tx, days[-1], looked_for))


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
