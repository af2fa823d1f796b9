"""The Today screen: the calendar by day, week, month and list, kept true to the database, with the tray beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import ClassVar
from uuid import UUID

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Committed
from clinicdesk.desktop.appointments import calendar_data, words
from clinicdesk.desktop.appointments.actions import VisitActions
from clinicdesk.desktop.appointments.booking_dialog import Purpose
from clinicdesk.desktop.appointments.booking_form import USUAL_MINUTES
from clinicdesk.desktop.appointments.bookings import Bookings
from clinicdesk.desktop.appointments.calendar_data import CONCERNS, Days
from clinicdesk.desktop.appointments.columns import Slot
from clinicdesk.desktop.appointments.day_axis import days_of_week
from clinicdesk.desktop.appointments.loads import Loads
from clinicdesk.desktop.appointments.month_grid import first_weekday
from clinicdesk.desktop.appointments.pages import Pages
from clinicdesk.desktop.appointments.people import ShownPeople
from clinicdesk.desktop.appointments.pinboard import Pinboard
from clinicdesk.desktop.appointments.toolbar import Toolbar, title_of
from clinicdesk.desktop.appointments.tray import Tray
from clinicdesk.desktop.appointments.wayfinder import Wayfinder
from clinicdesk.desktop.desk import BookVisit, Desk, Prefill, Request, ShowDay, ShowVisit
from clinicdesk.desktop.screen import Screen
from clinicdesk.features.appointments.schemas import AppointmentRow, Opening, Status
from clinicdesk.features.practitioners.schemas import PractitionerRow


class TodayScreen(Screen):
    """One day under the cursor, shown four ways. What is shown is read anew after every change that concerns it."""

    takes: ClassVar[tuple[type[Request], ...]] = (ShowVisit, ShowDay, BookVisit)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self._day = desk.now().date()
        self._days: Days | None = None
        self._people = ShownPeople(desk, self)
        self._with_errors = False
        self._asked = 0
        self._after: Callable[[], object] | None = None
        """What to do once what was asked for last is shown: put the cursor where it belongs."""

        self._toolbar = Toolbar(self)
        self._pages = Pages(desk, self._day, self)
        self.day_view, self.week_view = self._pages.day_view, self._pages.week_view
        self.visit_list, self.month = self._pages.visit_list, self._pages.month
        self.pinboard = Pinboard(self)
        self.actions_of_visits = VisitActions(desk, self.current_visit, self.current_slot, self.pinboard, self)
        self._bookings = Bookings(desk, self.actions_of_visits, self)
        self._ways, self._loads = Wayfinder(desk, self), Loads(desk, self)
        self.tray = Tray(desk, self.pinboard, self)

        body = QHBoxLayout()
        body.setSpacing(0)
        body.addWidget(self._pages, 1)
        body.addWidget(self.tray)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._toolbar)
        column.addLayout(body, 1)

        self._refresh_timer = QTimer(self, singleShot=True, interval=0)
        self._refresh_timer.timeout.connect(self.refresh)
        self._minute = QTimer(self)
        self._minute.timeout.connect(self._tick)
        self._minute.start(30_000)
        self._wire()
        self._bind()

    # The screen

    def activate(self) -> None:
        self.refresh()
        focus = QApplication.focusWidget()
        if focus is None or not (self._pages.isAncestorOf(focus) or self.tray.isAncestorOf(focus)):
            self._pages.face().setFocus(Qt.FocusReason.OtherFocusReason)

    def take(self, request: Request) -> None:
        if isinstance(request, ShowDay):
            self.go_to_day(request.day)
        elif isinstance(request, ShowVisit):
            visit = request.visit
            self._after = partial(self._pages.choose_visit, visit.id)
            self.go_to_day(visit.start.astimezone(self.desk.clinic.tz).date())
        elif isinstance(request, BookVisit):
            self.book(request.prefill)

    def draft(self) -> object | None:
        return self._bookings.draft()

    def restore(self, draft: object) -> None:
        if isinstance(draft, Prefill):
            self.book(draft)

    def patient_in_view(self) -> UUID | None:
        visit = self.current_visit()
        return visit.patient_id if visit is not None else None

    def hints(self) -> tuple[str, ...]:
        wanted = ("visit.book", "visit.advance", "visit.check_in", "visit.cut", "patient.find", "keys")
        needs = {"visit.book": Permission.BOOK, "visit.cut": Permission.BOOK}
        return tuple(name for name in wanted if self.desk.actor.may(needs.get(name, Permission.SEE_CALENDAR)))

    def counts(self) -> tuple[tuple[str, str], ...]:
        if self._pages.view() == "month":
            visits = self.month.visits()
            return (words.count(visits),) if visits is not None else ()
        if self._days is None:
            return ()
        return words.counts(self._visits_of(self._in_sight(self._days)), self.desk.now())

    def panes(self) -> list[QWidget]:
        return [self._pages.face(), self.tray.month]

    def own_keys(self) -> tuple[str, ...]:
        return ("calendar.time", "calendar.practitioner")

    # What is chosen

    def day(self) -> date:
        """The day under the cursor."""
        return self._day

    def view(self) -> str:
        """day, week, month or list."""
        return self._pages.view()

    def current_visit(self) -> AppointmentRow | None:
        """The visit under the cursor of the view that is shown."""
        return self._pages.current_visit()

    def current_slot(self) -> Slot | None:
        """The time under the cursor of the view that is shown."""
        return self._pages.current_slot()

    def go_to_day(self, day: date) -> None:
        """Show a day, in the view that is shown; from the month, as a day."""
        self._day = day
        if self._pages.view() == "month":
            self.choose_view("day")
            return
        self.refresh()

    def choose_view(self, view: str) -> None:
        """Show the same day another way. Raises ValueError for what is no view."""
        if view == self.view() and self._days is not None:
            return
        before, slot = self.current_visit(), self.current_slot()
        if view == "week" and self._pages.view() in ("day", "list"):
            whose = before.practitioner_id if before else self.day_view.practitioner_at_cursor()
            if whose is not None:
                self._people.choose_week_of(whose)
        self._pages.choose_view(view)
        self._toolbar.choose_view(view)
        if before is not None:
            self._after = partial(self._pages.choose_visit, before.id)
        elif slot is not None:
            self._after = partial(self._pages.choose_time, slot.practitioner_id, slot.start)
        self.refresh()
        self._pages.face().setFocus(Qt.FocusReason.OtherFocusReason)

    def refresh(self) -> None:
        """Read what is shown, and show it once it is there; an answer to an older question is dropped."""
        self._asked += 1
        self._refresh_timer.stop()
        days = self._days_of_view()
        self._say_title(days)
        self._say_loads()
        if self._pages.view() == "month":
            return
        ids = self._looked_for()
        self.desk.runner.read(
            lambda tx: calendar_data.read_days(tx, days, ids), partial(self._show, self._asked), owner=self
        )

    def book(self, prefill: Prefill, purpose: Purpose = Purpose.BOOK, visit: AppointmentRow | None = None) -> None:
        """Open the booking dialog, prefilled."""
        if self._days is None:  # asked for before the first answer
            self._after = partial(self.book, prefill, purpose, visit)
            return
        choices = self._days.choices
        people = self._people.in_order(choices.practitioners)
        self._bookings.open(replace(choices, practitioners=people), prefill, purpose, visit)

    # Wiring

    def _wire(self) -> None:
        actions, tray, toolbar, bookings, ways = (
            self.actions_of_visits, self.tray, self._toolbar, self._bookings, self._ways,
        )  # fmt: skip
        for calendar in (self.day_view, self.week_view):
            calendar.cursor_moved.connect(self._cursor_moved)
            calendar.opened.connect(bookings.change)
            calendar.drawn.connect(bookings.book_span)
            calendar.dropped.connect(lambda visit, who, start: actions.move(visit, start, who))
            calendar.stretched.connect(actions.stretch)
            calendar.menu_asked.connect(self._open_menu)
            calendar.day_chosen.connect(self._open_day)
        self.visit_list.visit_opened.connect(bookings.change)
        self.visit_list.menu_asked.connect(self._open_menu)
        self.month.day_opened.connect(self._open_day)
        self.month.month_changed.connect(self._month_turned)
        tray.day_chosen.connect(self.go_to_day)
        tray.month.month_changed.connect(self._say_loads)
        tray.visit_chosen.connect(self.desk.show_visit)
        self._loads.shown.connect(self.counts_changed)
        toolbar.stepped.connect(self._step)
        toolbar.today_asked.connect(self._go_now)
        toolbar.view_chosen.connect(self.choose_view)
        toolbar.people_asked.connect(self.ask_people)
        toolbar.person_stepped.connect(self._step_person)
        toolbar.search_asked.connect(self._open_command_bar)
        actions.follow.connect(lambda visit: self._then(partial(self._pages.choose_visit, visit.id)))
        actions.freed.connect(
            lambda visit: self._then(partial(self._pages.choose_time, visit.practitioner_id, visit.start))
        )
        actions.move_on.connect(lambda _visit: self._pages.choose_next_visit())
        actions.open_wanted.connect(bookings.change)
        actions.book_wanted.connect(bookings.book_slot)
        actions.walk_in_wanted.connect(lambda: bookings.take_in(self.current_slot()))
        actions.card_wanted.connect(self._pages.show_card)
        actions.reveal_wanted.connect(self._pages.reveal)
        bookings.wanted.connect(self.book)
        bookings.done.connect(self._show_booked)
        ways.day_typed.connect(self._go_to_typed_day)
        ways.visits_found.connect(self.go_to_day)
        ways.opening_found.connect(self._go_to_opening)
        self._pages.pane.next_asked.connect(self._find_visits)
        self._pages.pane.book_asked.connect(lambda start: self.book(Prefill(start=start)))
        self.pinboard.changed.connect(lambda: self._pages.set_cut(self.pinboard.ids()))
        self.desk.runner.changed.connect(self._follow_changes)
        self.desk.clinic_changed.connect(self.refresh)
        self._people.changed.connect(self._refresh_timer.start)

    def _bind(self) -> None:
        self.actions_of_visits.bind(self._pages.visits)
        self.desk.keys.bind(self._pages.visits, {"visit.menu": lambda: self._open_menu(self._pages.cursor_place())})
        bound = self.desk.keys.bind(
            self._pages,
            {
                "calendar.day": lambda: self.choose_view("day"),
                "calendar.week": lambda: self.choose_view("week"),
                "calendar.month": lambda: self.choose_view("month"),
                "calendar.list": lambda: self.choose_view("list"),
                "calendar.previous_day": lambda: self._step(-1),
                "calendar.next_day": lambda: self._step(1),
                "calendar.next_visits": self._find_visits,
                "calendar.now": self._go_now,
                "calendar.go_to_date": self._ways.ask_date,
                "calendar.next_opening": lambda: self._find_opening(True),
                "calendar.previous_opening": lambda: self._find_opening(False),
                "calendar.people": self.ask_people,
                "calendar.person_before": lambda: self._step_person(-1),
                "calendar.person_after": lambda: self._step_person(1),
                "calendar.entered_in_error": self._toggle_errors,
                "calendar.zoom_in": lambda: self._pages.zoom(1),
                "calendar.zoom_out": lambda: self._pages.zoom(-1),
            },
        )
        bound["calendar.entered_in_error"].setCheckable(True)
        self.desk.keys.bind(self, {"tray": self.tray.toggle})

    # Showing

    def _days_of_view(self) -> tuple[date, ...]:
        if self._pages.view() == "week":
            return days_of_week(self._day, first_weekday())
        return (self._day,)

    def _show(self, asked: int, days: Days) -> None:
        if asked != self._asked:
            return
        first, self._days = self._days is None, days
        shown = self._in_sight(days)
        self._say_title(self._days_of_view())
        self._pages.show_days(self._day, days, shown, self._visits_of(shown), self._with_errors)
        self.pinboard.refresh(days.visits)
        self.tray.month.choose(self._day)
        self._fit_tray()
        after, self._after = self._after, None
        if after is not None:
            after()
        elif first:
            self._pages.choose_now(self._people.own)
        self.counts_changed.emit()

    def _say_title(self, days: Sequence[date]) -> None:
        """Which days, and whose."""
        known = self._days
        one = self._people.week_of(known) if known is not None and self._pages.view() == "week" else None
        self._toolbar.set_title(
            *title_of(self._pages.view(), [self._day] if self._pages.view() == "month" else days, one)
        )
        if self._pages.view() == "week":
            self._toolbar.set_person(one)
        elif known is not None:
            self._toolbar.set_people(self._people.among(known), len(known.choices.practitioners))

    def _in_sight(self, days: Days) -> tuple[PractitionerRow, ...]:
        """Whose time the view shows."""
        return self._people.in_sight(days, for_week=self._pages.view() == "week")

    def _visits_of(self, people: Sequence[PractitionerRow]) -> list[AppointmentRow]:
        """The visits of these people in the order of time, as far as they are to be seen."""
        ids = {person.id for person in people}
        return [
            visit
            for visit in (self._days.visits if self._days else ())
            if visit.practitioner_id in ids and (self._with_errors or visit.status is not Status.ENTERED_IN_ERROR)
        ]

    def _looked_for(self) -> tuple[UUID, ...]:
        """Whose visits are meant by a day with visits; empty for anybody's."""
        if self._pages.view() == "week" and self._days is not None and (one := self._people.week_of(self._days)):
            return (one.id,)
        return tuple(self._people.chosen or ())

    def _say_loads(self) -> None:
        in_sight = (self.tray.month, self.month) if self._pages.view() == "month" else (self.tray.month,)
        self._loads.read(in_sight, self._looked_for())

    # Following what happens

    def _follow_changes(self, committed: Committed) -> None:
        if committed.entities & CONCERNS:
            self._refresh_timer.start()

    def _then(self, after: Callable[[], object]) -> None:
        """Do something once the change that has just been made is shown."""
        self._after = after
        self._refresh_timer.start()

    def _show_booked(self, visit: AppointmentRow) -> None:
        day = visit.start.astimezone(self.desk.clinic.tz).date()
        self._after = partial(self._pages.choose_visit, visit.id)
        if day in self._days_of_view():
            self._refresh_timer.start()
        else:
            self.go_to_day(day)

    def _cursor_moved(self) -> None:
        if self._pages.view() == "week":
            column = self.week_view.current_column()
            if column is not None and column.day != self._day and self.sender() is self.week_view:
                self._day = column.day
                self.tray.month.choose(column.day)

    def _tick(self) -> None:
        today = self.desk.now().date()
        self._pages.tick(today)
        self.tray.month.set_today(today)
        self.counts_changed.emit()

    # Going

    def _step(self, way: int) -> None:
        if self._pages.view() == "month":
            self.month.turn(way)
            return
        self.go_to_day(self._day + timedelta(days=way * (7 if self._pages.view() == "week" else 1)))

    def _go_now(self) -> None:
        today = self.desk.now().date()
        if self._pages.view() == "month":
            self.month.choose(today)
            return
        self._after = partial(self._pages.choose_now, self._people.own)
        self.go_to_day(today)

    def _go_to_typed_day(self, day: date) -> None:
        if self._pages.view() == "month":
            self.month.choose(day)
        else:
            self.go_to_day(day)

    def _open_day(self, day: date) -> None:
        self._day = day
        self.choose_view("day") if self._pages.view() != "day" else self.refresh()

    def _month_turned(self, month: date) -> None:
        self._toolbar.set_title(*title_of("month", [month]))
        self._day = self.month.day()
        self._say_loads()

    def _find_visits(self) -> None:
        self._ways.find_visits(self._day, self._looked_for())

    def _find_opening(self, forward: bool) -> None:
        types = self._days.choices.types if self._days else ()
        length = timedelta(minutes=types[0].minutes if types else USUAL_MINUTES)
        self._ways.find_opening(self.current_slot(), self.pinboard.next(), length, forward=forward)

    def _go_to_opening(self, opening: Opening) -> None:
        if self._pages.view() not in ("day", "week"):
            self.choose_view("day")
        day = opening.start.astimezone(self.desk.clinic.tz).date()
        if day == self._day or (self._pages.view() == "week" and day in self._days_of_view()):
            self._pages.choose_time(opening.practitioner_id, opening.start)
        else:
            self._after = partial(self._pages.choose_time, opening.practitioner_id, opening.start)
            self.go_to_day(day)

    # Whose time, and which visits

    def ask_people(self) -> None:
        """Let whoever sits here choose whose columns, or whose week."""
        if self._days is not None:
            self._people.ask(self._days, for_week=self._pages.view() == "week")

    def _step_person(self, way: int) -> None:
        if self._pages.view() == "week" and self._days is not None:
            self._people.step_week_of(self._days, way)

    def _toggle_errors(self) -> None:
        self._with_errors = not self._with_errors
        self.refresh()

    # The menu

    def _open_menu(self, place: QPoint) -> None:
        self.actions_of_visits.menu(self._pages.visits).popup(place)

    def _open_command_bar(self) -> None:
        for action in self.window().findChildren(QAction, "command"):
            action.trigger()
            return

    # The tray

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._toolbar.fit(self.width())
        self._fit_tray()

    def _fit_tray(self) -> None:
        calendar = self._pages.calendar()
        columns = len(calendar.columns()) * calendar.least_width() if calendar is not None else 0
        self.tray.fit(self.width(), columns)
