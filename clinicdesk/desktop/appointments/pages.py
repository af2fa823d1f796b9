"""The four ways to see the calendar's days, of which one is shown: day, week, list and month, or a pane where they are empty."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QStackedWidget, QWidget

from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.calendar_data import Days
from clinicdesk.desktop.appointments.calendar_view import CalendarView
from clinicdesk.desktop.appointments.columns import Slot
from clinicdesk.desktop.appointments.day_view import DayView
from clinicdesk.desktop.appointments.empty_pane import EmptyPane
from clinicdesk.desktop.appointments.month_grid import MonthGrid
from clinicdesk.desktop.appointments.visit_list import VisitList
from clinicdesk.desktop.appointments.week_view import WeekView
from clinicdesk.desktop.desk import Desk
from clinicdesk.features.appointments.schemas import AppointmentRow
from clinicdesk.features.patients import service as patients
from clinicdesk.features.practitioners.schemas import PractitionerRow

VIEWS = ("day", "week", "month", "list")


class Pages(QStackedWidget):
    """Shows what it is given in the view that is chosen, and has one cursor: that of the view that is shown.

    `visits` holds the views that have visits in them, so the keys of visits act there.
    """

    def __init__(self, desk: Desk, day: date, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._view = "day"
        self.day_view, self.week_view = DayView(desk), WeekView(desk)
        self.visit_list, self.month, self.pane = VisitList(desk), MonthGrid(day), EmptyPane()
        self.visits = QStackedWidget()
        self.visits.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for page in (self.day_view, self.week_view, self.visit_list, self.pane):
            self.visits.addWidget(page)
        self.addWidget(self.visits)
        self.addWidget(self.month)

    def view(self) -> str:
        """day, week, month or list."""
        return self._view

    def choose_view(self, view: str) -> None:
        """Show days this way from now on. Raises ValueError for what is no view."""
        VIEWS.index(view)
        self._view = view
        self.setCurrentWidget(self.month if view == "month" else self.visits)

    def show_days(
        self, day: date, days: Days, people: Sequence[PractitionerRow], visits: Sequence[AppointmentRow], errors: bool
    ) -> None:
        """Show these people's days (all but the month, which is given its loads); of `visits`, those of the people are listed."""
        if self._view == "day":
            self.day_view.show_day(days.schedules[0], people, with_errors=errors)
        elif self._view == "week" and people:
            self.week_view.show_week(days.schedules, people[0], with_errors=errors)
        elif self._view == "list":
            self.visit_list.show_visits(visits)
        ids = {person.id for person in people}
        works = any(hours.open for of_day in days.schedules for hours in of_day.working if hours.practitioner_id in ids)
        empty = not visits and (self._view == "list" or not works)
        if empty:
            may_book = self._desk.actor.may(Permission.BOOK)
            self.pane.say(self._view, day, days, people, self._desk.now(), may_book=may_book)
        self._turn_to(self.pane if empty else self.calendar() or self.visit_list)

    def _turn_to(self, page: QWidget) -> None:
        focus = QApplication.focusWidget()
        had_focus = focus is not None and (focus is self.visits or self.visits.isAncestorOf(focus))
        self.visits.setCurrentWidget(page)
        if had_focus:
            self.face().setFocus(Qt.FocusReason.OtherFocusReason)

    def calendar(self) -> CalendarView | None:
        """The view that is shown, where it has columns."""
        return {"day": self.day_view, "week": self.week_view}.get(self._view)

    def face(self) -> QWidget:
        """What takes the focus."""
        if self._view == "month":
            return self.month
        if self.visits.currentWidget() is self.pane:
            return self.visits
        return self.calendar() or self.visit_list

    # The cursor

    def current_visit(self) -> AppointmentRow | None:
        """The visit under the cursor."""
        if self._view == "list":
            return self.visit_list.current_visit()
        calendar = self.calendar()
        return calendar.current_visit() if calendar is not None else None

    def current_slot(self) -> Slot | None:
        """The time under the cursor; in a list the present day's, as far as a visit tells one."""
        calendar = self.calendar()
        if calendar is not None:
            return calendar.current_slot()
        visit = self.current_visit()
        if visit is not None:
            return Slot(visit.practitioner_id, visit.start, timedelta(), True)
        return None

    def choose_visit(self, visit_id: UUID) -> None:
        """Put the cursor on a visit, where it is shown."""
        (self.calendar() or self.visit_list).choose_visit(visit_id)

    def choose_time(self, practitioner_id: UUID | None, start: datetime) -> None:
        """Put the cursor on a time, where that is shown."""
        calendar = self.calendar()
        if calendar is not None:
            calendar.choose_time(practitioner_id, start)

    def choose_next_visit(self) -> None:
        """Put the cursor on the visit that follows."""
        calendar = self.calendar()
        if calendar is not None:
            calendar.choose_next_visit()
        else:
            self.visit_list.choose_next()

    def choose_now(self, own: UUID | None) -> None:
        """Put the cursor on the present, first of all in the column of `own`."""
        calendar = self.calendar()
        if calendar is not None:
            calendar.go_now(own)

    def cursor_place(self) -> QPoint:
        """Where on the screen a menu of what the cursor stands on belongs."""
        calendar = self.calendar()
        if calendar is not None:
            return calendar.viewport().mapToGlobal(calendar.cursor_rect().bottomLeft().toPoint())
        rect = self.visit_list.visualRect(self.visit_list.currentIndex())
        return self.visit_list.viewport().mapToGlobal(rect.bottomLeft())

    # What all views have in common

    def set_cut(self, visit_ids: frozenset[UUID]) -> None:
        """Show these visits as taken into the hand."""
        for calendar in (self.day_view, self.week_view):
            calendar.set_cut(visit_ids)

    def zoom(self, steps: int) -> None:
        """Larger (+1) or smaller (-1) time scale."""
        for calendar in (self.day_view, self.week_view):
            calendar.zoom(steps)

    def tick(self, today: date) -> None:
        """The clock goes on."""
        self.visit_list.tick()
        self.month.set_today(today)

    def show_card(self) -> None:
        """Show the card of the visit under the cursor."""
        calendar = self.calendar()
        if calendar is not None:
            calendar.show_card()

    def reveal(self, visit: AppointmentRow) -> None:
        """Show the hidden fields of a visit's patient on its card for a while; that is audited."""
        calendar, patient_id = self.calendar(), visit.patient_id
        if calendar is None:
            return

        def show(fields: object) -> None:
            current = calendar.current_visit()  # the cursor may have gone on to somebody else
            if isinstance(fields, dict) and current is not None and current.patient_id == patient_id:
                born = fields.get("birth_date")
                phone = fields.get("mobile") or fields.get("phone") or ""
                calendar.reveal(str(phone), words.short_date(born) if isinstance(born, date) else "")

        self._desk.runner.write(
            lambda tx: dict(patients.reveal(tx, patient_id, ("phone", "mobile", "birth_date"))), show, owner=self
        )
