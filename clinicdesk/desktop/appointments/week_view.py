"""A week of one practitioner, with the days side by side."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QDate, QLocale

from clinicdesk.desktop.appointments.calendar_edges import Heading
from clinicdesk.desktop.appointments.calendar_view import CalendarView
from clinicdesk.desktop.appointments.columns import Column
from clinicdesk.desktop.appointments.day_axis import DayAxis
from clinicdesk.desktop.look.theme import theme
from clinicdesk.features.appointments.rules import HOLDING
from clinicdesk.features.appointments.schemas import DaySchedule, Status
from clinicdesk.features.practitioners.schemas import PractitionerRow


class WeekView(CalendarView):
    """One column for each day; a click on its head opens the day."""

    def show_week(
        self, schedules: Sequence[DaySchedule], practitioner: PractitionerRow, *, with_errors: bool = False
    ) -> None:
        """Show these days of one practitioner; what was entered in error only `with_errors`."""
        axis = DayAxis([schedule.day for schedule in schedules], self._desk.clinic.tz)
        columns = []
        for schedule in schedules:
            working = tuple(day for day in schedule.working if day.practitioner_id == practitioner.id)
            visits = tuple(visit for visit in schedule.visits if visit.practitioner_id == practitioner.id)
            columns.append(Column(schedule.day, axis, working, visits, practitioner, with_errors))
        self.set_columns(columns, axis)

    def least_width(self) -> int:
        return theme().tokens.metrics.px(104)

    def heading(self, column: Column) -> Heading:
        day = QDate(column.day.year, column.day.month, column.day.day)
        title = QLocale().toString(day, QCoreApplication.translate("Calendar", "ddd d MMM", "date format"))
        counted = sum(1 for visit in column.shown if visit.status in HOLDING or visit.status is Status.FULFILLED)
        subtitle = column.holiday or (self.tr("%n visits", "", counted) if counted else "")
        return Heading(title, subtitle=subtitle, strong=column.day == self._desk.now().date())

    def choose_heading(self, index: int) -> None:
        self.day_chosen.emit(self.columns()[index].day)
