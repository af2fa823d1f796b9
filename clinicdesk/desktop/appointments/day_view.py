"""A day of all practitioners side by side."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.calendar_edges import Heading
from clinicdesk.desktop.appointments.calendar_view import CalendarView
from clinicdesk.desktop.appointments.columns import Column
from clinicdesk.desktop.appointments.day_axis import DayAxis
from clinicdesk.desktop.look.visit_painter import initials
from clinicdesk.features.appointments.schemas import AppointmentRow, DaySchedule, Status
from clinicdesk.features.practitioners.schemas import PractitionerRow

_STILL_TO_BEGIN = (Status.ARRIVED, Status.CHECKED_IN)
LATE = 5
"""Minutes behind that the head of a column calls late."""


class DayView(CalendarView):
    """One column for each practitioner, headed by name, hours and how late they run."""

    def show_day(
        self, schedule: DaySchedule, practitioners: Sequence[PractitionerRow], *, with_errors: bool = False
    ) -> None:
        """Show a day of these practitioners, in this order; what was entered in error only `with_errors`."""
        axis = DayAxis([schedule.day], self._desk.clinic.tz)
        self.set_columns(day_columns(schedule, practitioners, axis, with_errors), axis)

    def heading(self, column: Column) -> Heading:
        practitioner = column.practitioner
        if practitioner is None:
            return Heading("")
        zone = self._desk.clinic.tz
        parts = [practitioner.room_name]
        shifts = [shift for day in column.working for shift in day.shifts]
        if column.holiday:
            parts = [column.holiday]
        elif shifts:
            parts.append(f"{words.clock(shifts[0].start, zone)}–{words.clock(shifts[-1].end, zone)}")
        else:
            parts.append(self.tr("not in"))
        now = self._desk.now()
        tile = initials(f"{practitioner.given} {practitioner.family}")
        short = " · ".join(part for part in parts if part)
        subtitle = " · ".join(filter(None, (practitioner.specialty, short))) if not column.holiday else short
        if column.day != now.date() or not column.shown:
            return Heading(practitioner.name, practitioner.short, subtitle, short, tile)
        late = minutes_late(column.shown, now)
        waiting = len(self.waiting(column))
        if late < LATE:
            return Heading(
                practitioner.name, practitioner.short, subtitle, short, tile, self.tr("on time"), waiting=waiting
            )
        aside = self.tr("%n min late", "", late)
        return Heading(
            practitioner.name, practitioner.short, subtitle, short, tile, aside, "ph.clock", "amber_ink", waiting
        )

    def practitioner_at_cursor(self) -> UUID | None:
        """Whose column the cursor stands in."""
        column = self.current_column()
        return column.practitioner_id if column else None


def day_columns(
    schedule: DaySchedule, practitioners: Sequence[PractitionerRow], axis: DayAxis, with_errors: bool = False
) -> list[Column]:
    """The columns of a day: each practitioner with their own hours and visits."""
    by_practitioner: dict[UUID, list[AppointmentRow]] = {practitioner.id: [] for practitioner in practitioners}
    for visit in schedule.visits:
        if visit.practitioner_id in by_practitioner:
            by_practitioner[visit.practitioner_id].append(visit)
    working = {day.practitioner_id: day for day in schedule.working}
    return [
        Column(
            schedule.day,
            axis,
            (working[practitioner.id],) if practitioner.id in working else (),
            tuple(by_practitioner[practitioner.id]),
            practitioner,
            with_errors,
        )
        for practitioner in practitioners
    ]


def minutes_late(visits: Sequence[AppointmentRow], now: datetime) -> int:
    """How long the patient who has been due longest, and is here, waits past their time."""
    due = (now - visit.start for visit in visits if visit.status in _STILL_TO_BEGIN and not visit.in_progress)
    return int(max(max(due, default=timedelta()), timedelta()).total_seconds() // 60)
