"""The Today screen: the calendar by day, week, month and list, kept true to the database, with the tray beside it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import ClassVar
from uuid import UUID

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Committed
from clinicdesk.desktop.appointments import calendar_data, words
from clinicdesk.desktop.appointments.actions import VisitActions
from clinicdesk.desktop.appointments.booking_dialog import BookingDialog, Choices, Purpose
from clinicdesk.desktop.appointments.calendar_data import Days
from clinicdesk.desktop.appointments.calendar_view import CalendarView
from clinicdesk.desktop.appointments.columns import Slot, Span
from clinicdesk.desktop.appointments.date_sheet import DateSheet
from clinicdesk.desktop.appointments.day_axis import days_of_week
from clinicdesk.desktop.appointments.day_view import DayView
from clinicdesk.desktop.appointments.month_grid import MonthGrid, days_of_grid, first_weekday
from clinicdesk.desktop.appointments.pinboard import Pinboard
from clinicdesk.desktop.appointments.toolbar import Toolbar, title_of, words_of_empty
from clinicdesk.desktop.appointments.tray import Tray
from clinicdesk.desktop.appointments.visit_list import VisitList
from clinicdesk.desktop.appointments.week_view import WeekView
from clinicdesk.desktop.desk import BookVisit, Desk, Prefill, Request, ShowDay, ShowVisit
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.screen import Screen
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, StatePane
from clinicdesk.features.appointments.rules import HOLDING
from clinicdesk.features.appointments.schemas import AppointmentRow, DayLoad, Opening, Status
from clinicdesk.features.patients import service as patients
from clinicdesk.features.practitioners.schemas import PractitionerRow

VIEWS = ("day", "week", "month", "list")
_CONCERNS = frozenset(
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
_COUNTED = HOLDING | {Status.FULFILLED, Status.PROPOSED}


class TodayScreen(Screen):
    """One day under the cursor, shown four ways. What is shown is read anew after every change that concerns it."""

    takes: ClassVar[tuple[type[Request], ...]] = (ShowVisit, ShowDay, BookVisit)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self._day = desk.now().date()
        self._view = "day"
        self._days: Days | None = None
        self._shown: frozenset[UUID] | None = None
        """Whose columns are shown; everybody's, as long as nobody was chosen."""
        self._week_of: UUID | None = None
        self._asked = 0
        self._after: Callable[[], object] | None = None
        """What to do once what was asked for last is shown: put the cursor where it belongs."""
        self._dialog: BookingDialog | None = None
        self._tray_wanted: bool | None = None

        self._toolbar = Toolbar(self)
        self.day_view, self.week_view = DayView(desk), WeekView(desk)
        self.visit_list, self.month = VisitList(desk), MonthGrid(self._day)
        self._pane = StatePane()
        self._pages = QStackedWidget(self)
        self._visits = QStackedWidget()
        for page in (self.day_view, self.week_view, self.visit_list, self._pane):
            self._visits.addWidget(page)
        self._pages.addWidget(self._visits)
        self._pages.addWidget(self.month)
        self._visits.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.pinboard = Pinboard(self)
        self.actions_of_visits = VisitActions(desk, self.current_visit, self.current_slot, self.pinboard, self)
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
            self._face().setFocus(Qt.FocusReason.OtherFocusReason)

    def take(self, request: Request) -> None:
        if isinstance(request, ShowDay):
            self.go_to_day(request.day)
        elif isinstance(request, ShowVisit):
            visit = request.visit
            self._after = partial(self._choose_visit, visit.id)
            self.go_to_day(visit.start.astimezone(self.desk.clinic.tz).date())
        elif isinstance(request, BookVisit):
            self.book(request.prefill)

    def draft(self) -> object | None:
        return self._dialog.draft() if self._dialog is not None and self._dialog.is_open() else None

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
        if self._days is None:
            return ()
        shown = [visit for visit in self._days.visits if self._is_shown(visit.practitioner_id)]
        visits = [visit for visit in shown if visit.status in _COUNTED]
        found = [("ph.calendar-blank", self.tr("%n visits", "", len(visits)))]
        now = self.desk.now()
        waits = [w for w in (words.minutes_waited(visit, now) for visit in visits) if w is not None]
        if waits:
            text = self.tr("%n waiting, longest %1 min", "", len(waits)).replace("%1", str(max(waits)))
            found.append(("ph.armchair", text))
        return tuple(found)

    def panes(self) -> list[QWidget]:
        return [self._face(), self.tray.month]

    def own_keys(self) -> tuple[str, ...]:
        return ("calendar.time", "calendar.practitioner")

    # What is chosen

    def day(self) -> date:
        """The day under the cursor."""
        return self._day

    def view(self) -> str:
        """day, week, month or list."""
        return self._view

    def current_visit(self) -> AppointmentRow | None:
        """The visit under the cursor of the view that is shown."""
        if self._view == "list":
            return self.visit_list.current_visit()
        calendar = self._calendar()
        return calendar.current_visit() if calendar is not None else None

    def current_slot(self) -> Slot | None:
        """The time under the cursor; in a list the present day's, as far as a visit tells one."""
        calendar = self._calendar()
        if calendar is not None:
            return calendar.current_slot()
        visit = self.current_visit()
        if visit is not None:
            return Slot(visit.practitioner_id, visit.start, timedelta(), True)
        return None

    def go_to_day(self, day: date) -> None:
        """Show a day, in the view that is shown; from the month, as a day."""
        self._day = day
        if self._view == "month":
            self.choose_view("day")
            return
        self.refresh()

    def choose_view(self, view: str) -> None:
        """Show the same day another way. Raises ValueError for what is no view."""
        if VIEWS.index(view) < 0 or (view == self._view and self._days is not None):
            return
        before = self.current_visit()
        if view == "week" and self._view in ("day", "list"):
            column = self.day_view.current_column()
            self._week_of = before.practitioner_id if before else column.practitioner_id if column else None
        self._view = view
        self._toolbar.choose_view(view)
        self._pages.setCurrentWidget(self.month if view == "month" else self._visits)
        if before is not None:
            self._after = partial(self._choose_visit, before.id)
        self.refresh()
        self._face().setFocus(Qt.FocusReason.OtherFocusReason)

    def refresh(self) -> None:
        """Read what is shown, and show it once it is there; an answer to an older question is dropped."""
        self._asked += 1
        self._refresh_timer.stop()
        days = self._days_of_view()
        self._toolbar.set_title(*title_of(self._view, [self._day] if self._view == "month" else days))
        self._say_loads()
        if self._view == "month":
            return
        self.desk.runner.read(
            lambda tx: calendar_data.read_days(tx, days), partial(self._show, self._asked), owner=self
        )

    def book(self, prefill: Prefill, purpose: Purpose = Purpose.BOOK, visit: AppointmentRow | None = None) -> None:
        """Open the booking dialog, prefilled."""
        if self.desk.host is None:
            return
        if self._days is None:  # asked for before the first answer
            self._after = partial(self.book, prefill, purpose, visit)
            return
        choices = self._days.choices
        people = self._in_order(choices.practitioners)
        self._dialog = BookingDialog(
            self.desk,
            self.desk.host,
            Choices(people, choices.types, choices.rooms),
            prefill,
            purpose=purpose,
            visit=visit,
        )
        self._dialog.done.connect(self._booked if visit is None else self._edited)
        self._dialog.closed.connect(self._forget_dialog)
        self._dialog.open_sheet()

    # Wiring

    def _wire(self) -> None:
        actions, tray, toolbar = self.actions_of_visits, self.tray, self._toolbar
        for calendar in (self.day_view, self.week_view):
            calendar.cursor_moved.connect(self._cursor_moved)
            calendar.opened.connect(self._open)
            calendar.drawn.connect(self._book_span)
            calendar.dropped.connect(lambda visit, who, start: actions.move(visit, start, who))
            calendar.stretched.connect(actions.stretch)
            calendar.menu_asked.connect(self._open_menu)
            calendar.day_chosen.connect(self._open_day)
        self.visit_list.visit_opened.connect(self._open)
        self.visit_list.menu_asked.connect(self._open_menu)
        self.month.day_opened.connect(self._open_day)
        self.month.month_changed.connect(self._month_turned)
        tray.day_chosen.connect(self._tray_day)
        tray.month.month_changed.connect(self._say_loads)
        tray.visit_chosen.connect(self.desk.show_visit)
        toolbar.stepped.connect(self._step)
        toolbar.today_asked.connect(self._go_now)
        toolbar.view_chosen.connect(self.choose_view)
        toolbar.shown_changed.connect(self._show_people)
        toolbar.search_asked.connect(self._open_command_bar)
        actions.follow.connect(lambda visit: self._then(partial(self._choose_visit, visit.id)))
        actions.freed.connect(lambda visit: self._then(partial(self._choose_time, visit.practitioner_id, visit.start)))
        actions.move_on.connect(self._move_on)
        actions.open_wanted.connect(self._open)
        actions.book_wanted.connect(self._book_slot)
        actions.walk_in_wanted.connect(self._walk_in)
        actions.card_wanted.connect(self._show_card)
        actions.reveal_wanted.connect(self._reveal)
        self.pinboard.changed.connect(self._mark_cut)
        self.desk.runner.changed.connect(self._follow_changes)
        self.desk.clinic_changed.connect(self.refresh)

    def _bind(self) -> None:
        self.actions_of_visits.bind(self._visits)
        self.desk.keys.bind(self._visits, {"visit.menu": self._open_menu_at_cursor})
        self.desk.keys.bind(
            self._pages,
            {
                "calendar.day": lambda: self.choose_view("day"),
                "calendar.week": lambda: self.choose_view("week"),
                "calendar.month": lambda: self.choose_view("month"),
                "calendar.list": lambda: self.choose_view("list"),
                "calendar.previous_day": lambda: self._step(-1),
                "calendar.next_day": lambda: self._step(1),
                "calendar.next_visits": self._go_to_next_visits,
                "calendar.now": self._go_now,
                "calendar.go_to_date": self._ask_date,
                "calendar.next_opening": lambda: self._go_to_opening(True),
                "calendar.previous_opening": lambda: self._go_to_opening(False),
                "calendar.zoom_in": lambda: self._zoom(1),
                "calendar.zoom_out": lambda: self._zoom(-1),
            },
        )
        self.desk.keys.bind(self, {"tray": self._toggle_tray})

    # Showing

    def _days_of_view(self) -> tuple[date, ...]:
        if self._view == "week":
            return days_of_week(self._day, first_weekday())
        return (self._day,)

    def _show(self, asked: int, days: Days) -> None:
        if asked != self._asked:
            return
        self._days = days
        people = self._in_order(days.choices.practitioners)
        self._toolbar.set_people(people, self._shown_ids(people))
        shown = [person for person in people if self._is_shown(person.id)]
        if self._view == "day":
            self.day_view.show_day(days.schedules[0], shown)
        elif self._view == "week":
            one = next((person for person in people if person.id == self._week_of), None)
            self.week_view.show_week(days.schedules, one)
        else:
            self.visit_list.show_visits([v for v in days.visits if self._is_shown(v.practitioner_id) and _is_listed(v)])
        self.pinboard.refresh(days.visits)
        self._choose_page(days, shown)
        self.tray.month.choose(self._day)
        self._fit_tray()
        after, self._after = self._after, None
        if after is not None:
            after()
        self.counts_changed.emit()

    def _choose_page(self, days: Days, shown: list[PractitionerRow]) -> None:
        """The view, or a pane that says why there is nothing to see."""
        face: QWidget = self._calendar() or self.visit_list
        visits = [visit for visit in days.visits if self._is_shown(visit.practitioner_id)]
        works = any(day.open for schedule in days.schedules for day in schedule.working)
        empty = not visits and (self._view == "list" or not works)
        if empty:
            self._say_empty(days, bool(shown), works)
        focus = QApplication.focusWidget()
        had_focus = focus is not None and (focus is self._visits or self._visits.isAncestorOf(focus))
        self._visits.setCurrentWidget(self._pane if empty else face)
        if had_focus:
            self._face().setFocus(Qt.FocusReason.OtherFocusReason)

    def _say_empty(self, days: Days, anybody: bool, works: bool) -> None:
        next_day = ActionButton(self.tr("Next day with visits"), "End")
        next_day.clicked.connect(self._go_to_next_visits)
        buttons = [next_day]
        if works and self.desk.actor.may(Permission.BOOK):
            book = ActionButton(self.tr("Book"), "N", kind=ButtonKind.PRIMARY)
            book.clicked.connect(lambda: self.book(Prefill(start=self._first_free())))
            buttons.insert(0, book)
        self._pane.set_state("ph.calendar-blank", *words_of_empty(self._view, self._day, days, anybody), *buttons)

    def _first_free(self) -> datetime | None:
        if self._days is None:
            return None
        starts = [span.start for s in self._days.schedules for day in s.working for span in day.open]
        return max(min(starts), self.desk.now()) if starts else None

    def _say_loads(self) -> None:
        """Read how full the days of the months in sight are."""
        ids = tuple(self._shown or ())
        for grid in (self.tray.month, self.month) if self._view == "month" else (self.tray.month,):
            days = days_of_grid(grid.month())
            self.desk.runner.read(
                partial(calendar_data.read_loads, days=days, practitioner_ids=ids),
                partial(self._show_loads, grid, grid.month()),
                owner=self,
            )

    def _show_loads(self, grid: MonthGrid, month: date, loads: list[DayLoad]) -> None:
        if grid.month() == month:
            grid.set_loads(loads)

    def _in_order(self, practitioners: tuple[PractitionerRow, ...]) -> tuple[PractitionerRow, ...]:
        """Who sits here sees their own column first."""
        own = self.desk.user.practitioner_id
        return tuple(sorted(practitioners, key=lambda person: person.id != own))

    def _shown_ids(self, people: tuple[PractitionerRow, ...]) -> frozenset[UUID]:
        return frozenset(person.id for person in people if self._is_shown(person.id))

    def _is_shown(self, practitioner_id: UUID) -> bool:
        return self._shown is None or practitioner_id in self._shown

    def _show_people(self, shown: frozenset[UUID]) -> None:
        everybody = {person.id for person in self._days.choices.practitioners} if self._days else set()
        self._shown = None if shown == everybody else shown
        self._week_of = next(iter(shown)) if len(shown) == 1 else None
        self.refresh()

    def _calendar(self) -> CalendarView | None:
        return {"day": self.day_view, "week": self.week_view}.get(self._view)

    def _face(self) -> QWidget:
        """What takes the focus."""
        if self._view == "month":
            return self.month
        if self._visits.currentWidget() is self._pane:
            return self._visits
        return self._calendar() or self.visit_list

    # Following what happens

    def _follow_changes(self, committed: Committed) -> None:
        if committed.entities & _CONCERNS:
            self._refresh_timer.start()

    def _then(self, after: Callable[[], object]) -> None:
        """Do something once the change that has just been made is shown."""
        self._after = after
        self._refresh_timer.start()

    def _choose_visit(self, visit_id: UUID) -> None:
        calendar = self._calendar()
        (calendar or self.visit_list).choose_visit(visit_id)

    def _choose_time(self, practitioner_id: UUID | None, start: datetime) -> None:
        calendar = self._calendar()
        if calendar is not None:
            calendar.choose_time(practitioner_id, start)

    def _move_on(self, visit: AppointmentRow) -> None:
        if self._view == "list":
            self.visit_list.choose_next()
        elif (calendar := self._calendar()) is not None:
            calendar.choose_next_visit()

    def _cursor_moved(self) -> None:
        if self._view == "week":
            column = self.week_view.current_column()
            if column is not None and column.day != self._day and self.sender() is self.week_view:
                self._day = column.day
                self.tray.month.choose(column.day)

    def _tick(self) -> None:
        self.visit_list.tick()
        today = self.desk.now().date()
        self.month.set_today(today)
        self.tray.month.set_today(today)
        self.counts_changed.emit()

    def _mark_cut(self) -> None:
        for calendar in (self.day_view, self.week_view):
            calendar.set_cut(self.pinboard.ids())

    # Going

    def _step(self, way: int) -> None:
        if self._view == "month":
            self.month.turn(way)
            return
        self.go_to_day(self._day + timedelta(days=way * (7 if self._view == "week" else 1)))

    def _go_now(self) -> None:
        today = self.desk.now().date()
        if self._view == "month":
            self.month.choose(today)
            return
        calendar = self._calendar()
        if calendar is not None:
            self._after = calendar.go_now
        self.go_to_day(today)

    def _ask_date(self) -> None:
        if self.desk.host is None:
            return
        sheet = DateSheet(self.desk.host, self.desk.now().date())
        sheet.day_chosen.connect(self._open_typed_day)
        sheet.open_sheet()

    def _open_typed_day(self, day: date) -> None:
        if self._view == "month":
            self.month.choose(day)
        else:
            self.go_to_day(day)

    def _open_day(self, day: date) -> None:
        self._day = day
        self.choose_view("day") if self._view != "day" else self.refresh()

    def _tray_day(self, day: date) -> None:
        self.go_to_day(day)

    def _month_turned(self, month: date) -> None:
        self._toolbar.set_title(*title_of("month", [month]))
        self._day = self.month.day()
        self._say_loads()

    def _go_to_next_visits(self) -> None:
        day, ids = self._day, tuple(self._shown or ())
        self.desk.runner.read(
            lambda tx: calendar_data.next_day_with_visits(tx, day, ids), self._arrive_at_visits, owner=self
        )

    def _arrive_at_visits(self, day: date | None) -> None:
        if day is None:
            self.desk.toast(self.tr("No visits in the next four months."))
        else:
            self.go_to_day(day)

    def _go_to_opening(self, forward: bool) -> None:
        slot = self.current_slot()
        if slot is None or slot.practitioner_id is None:
            return
        carried = self.pinboard.next()
        length = carried.end - carried.start if carried else self._usual_length()
        who, start = slot.practitioner_id, slot.start
        patient_id = carried.patient_id if carried else None
        self.desk.runner.read(
            lambda tx: calendar_data.opening_beside(tx, who, start, length, patient_id, forward),
            self._arrive_at_opening,
            owner=self,
        )

    def _arrive_at_opening(self, opening: Opening | None) -> None:
        if opening is None:
            self.desk.toast(self.tr("No free time found."))
            return
        if self._view not in ("day", "week"):
            self.choose_view("day")
        self._after = partial(self._choose_time, opening.practitioner_id, opening.start)
        day = opening.start.astimezone(self.desk.clinic.tz).date()
        if day == self._day or (self._view == "week" and day in self._days_of_view()):
            self._after = None
            self._choose_time(opening.practitioner_id, opening.start)
        else:
            self.go_to_day(day)

    def _usual_length(self) -> timedelta:
        types = self._days.choices.types if self._days else ()
        return timedelta(minutes=types[0].minutes if types else 20)

    def _zoom(self, steps: int) -> None:
        for calendar in (self.day_view, self.week_view):
            calendar.zoom(steps)

    # Opening

    def _book_slot(self, slot: Slot) -> None:
        self.book(Prefill(practitioner_id=slot.practitioner_id, start=slot.start))

    def _book_span(self, span: Span) -> None:
        if self.desk.actor.may(Permission.BOOK):
            self.book(Prefill(practitioner_id=span.practitioner_id, start=span.start, length=span.length or None))

    def _walk_in(self) -> None:
        slot = self.current_slot()
        self.book(Prefill(practitioner_id=slot.practitioner_id if slot else None), Purpose.WALK_IN)

    def _booked(self, unit_id: UUID, visit: AppointmentRow) -> None:
        self.actions_of_visits.tell(unit_id, self.actions_of_visits.booked_words(visit))
        day = visit.start.astimezone(self.desk.clinic.tz).date()
        self._after = partial(self._choose_visit, visit.id)
        if day in self._days_of_view():
            self._refresh_timer.start()
        else:
            self.go_to_day(day)

    def _edited(self, unit_id: UUID, visit: AppointmentRow) -> None:
        self.actions_of_visits.tell(unit_id, self.actions_of_visits.changed_words(visit))
        self._then(partial(self._choose_visit, visit.id))

    def _forget_dialog(self) -> None:
        self._dialog = None

    def _open(self, visit: AppointmentRow) -> None:
        self.book(Prefill(), Purpose.EDIT, visit)

    def _open_menu_at_cursor(self) -> None:
        calendar = self._calendar()
        if calendar is not None:
            self._open_menu(calendar.viewport().mapToGlobal(calendar.cursor_rect().bottomLeft().toPoint()))
        else:
            rect = self.visit_list.visualRect(self.visit_list.currentIndex())
            self._open_menu(self.visit_list.viewport().mapToGlobal(rect.bottomLeft()))

    def _open_menu(self, place: QPoint) -> None:
        self.actions_of_visits.menu(self._visits).popup(place)

    def _show_card(self) -> None:
        calendar = self._calendar()
        if calendar is not None:
            calendar.show_card()

    def _reveal(self, visit: AppointmentRow) -> None:
        calendar, patient_id = self._calendar(), visit.patient_id
        if calendar is None:
            return

        def show(fields: object) -> None:
            if isinstance(fields, dict) and calendar.current_visit() is not None:
                born = fields.get("birth_date")
                phone = fields.get("mobile") or fields.get("phone") or ""
                calendar.reveal(str(phone), words.short_date(born) if isinstance(born, date) else "")

        self.desk.runner.write(
            lambda tx: dict(patients.reveal(tx, patient_id, ("phone", "mobile", "birth_date"))), show, owner=self
        )

    def _open_command_bar(self) -> None:
        for action in self.window().findChildren(QAction, "command"):
            action.trigger()
            return

    # The tray

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._toolbar.fit(self.width())
        self._fit_tray()

    def _toggle_tray(self) -> None:
        self._tray_wanted = not self.tray.isVisible()
        self._fit_tray()

    def _fit_tray(self) -> None:
        """The tray goes first where the columns would have to scroll, unless it was asked for."""
        metrics = theme().tokens.metrics
        columns = len(self.day_view.columns()) if self._view == "day" else 7
        needed = metrics.gutter + columns * metrics.column_min + self.tray.width()
        fits = self.width() >= min(needed, metrics.px(1200))
        self.tray.setVisible(fits if self._tray_wanted is None else self._tray_wanted)


def _is_listed(visit: AppointmentRow) -> bool:
    return visit.status is not Status.ENTERED_IN_ERROR
