"""The Flow screen: where every patient of the day is, how long they have waited, and the next step for each by one key."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QApplication, QStackedWidget, QVBoxLayout, QWidget

from clinicdesk.core.permissions import Permission, Role
from clinicdesk.core.tx import Committed
from clinicdesk.desktop.appointments import calendar_data, words
from clinicdesk.desktop.appointments.actions import VisitActions
from clinicdesk.desktop.appointments.booking_dialog import BookingDialog, Purpose
from clinicdesk.desktop.appointments.calendar_data import CONCERNS, Days
from clinicdesk.desktop.appointments.flow_board import FlowBoard
from clinicdesk.desktop.appointments.flow_cards import Stage, stage_of, summary
from clinicdesk.desktop.appointments.flow_model import piles_by_practitioner, piles_by_status
from clinicdesk.desktop.appointments.flow_rooms import RoomStrip, rooms_now
from clinicdesk.desktop.appointments.flow_toolbar import FlowToolbar
from clinicdesk.desktop.desk import Desk, Prefill
from clinicdesk.desktop.screen import Screen
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, StatePane
from clinicdesk.features.appointments.rules import CHAIN, State, state_of
from clinicdesk.features.appointments.schemas import AppointmentRow
from clinicdesk.features.practitioners.schemas import PractitionerRow

_STATES = dict(zip(Stage, CHAIN, strict=True))
_TICK = 30_000
_NO_CARD_HERE = ("visit.card", "reveal")
"""Keys of visits that need the calendar's hover card."""


class FlowScreen(Screen):
    """Today's visits in columns. What is shown is read anew after every change that concerns it; times run by one timer."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        own = desk.user.practitioner_id is not None and desk.user.role in (Role.DOCTOR, Role.NURSE)
        self._whose: UUID | None = desk.user.practitioner_id if own else None
        """Whose patients alone are shown."""
        self._view = "status"
        self._days: Days | None = None
        self._day = desk.now().date()
        self._asked = 0
        self._after: Callable[[], object] | None = None
        """What to do once what was asked for last is shown: put the cursor where it belongs."""
        self._dialog: BookingDialog | None = None

        self.toolbar = FlowToolbar(desk, own, self)
        self.rooms = RoomStrip(desk, self)
        self.board = FlowBoard(desk)
        self._pane = StatePane()
        self._pages = QStackedWidget()
        self._pages.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._pages.addWidget(self.board)
        self._pages.addWidget(self._pane)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.toolbar)
        column.addWidget(self.rooms)
        column.addWidget(self._pages, 1)
        self.rooms.hide()
        self.board.set_piles(piles_by_status(), self._view)

        self.actions_of_visits = VisitActions(desk, self.board.current_visit, parent=self)
        self._refresh_timer = QTimer(self, singleShot=True, interval=0)
        self._refresh_timer.timeout.connect(self.refresh)
        self._clock = QTimer(self)
        self._clock.timeout.connect(self.tick)
        self._clock.start(_TICK)
        self._wire()

    def _wire(self) -> None:
        desk, actions = self.desk, self.actions_of_visits
        for name, action in actions.bind(self.board).items():
            if name in _NO_CARD_HERE:
                self.board.removeAction(action)
                action.deleteLater()
        desk.keys.bind(self.board, {"visit.menu": lambda: self._open_menu(self.board.cursor_corner())})
        if desk.actor.may(Permission.BOOK):  # on an empty day too
            self.board.addActions(list(desk.keys.bind(self._pages, {"visit.walk_in": self.walk_in}).values()))
        actions.open_wanted.connect(self._open)
        actions.follow.connect(lambda visit: self._then(partial(self.board.choose, visit.id)))
        actions.freed.connect(lambda _visit: self._refresh_timer.start())
        actions.move_on.connect(lambda _visit: self.board.choose_next())
        self.board.opened.connect(self._open)
        self.board.menu_asked.connect(self._open_menu)
        self.board.dropped.connect(self._drop)
        self.rooms.visit_chosen.connect(self._go_to)
        self.toolbar.view_chosen.connect(self.choose_view)
        self.toolbar.whose_chosen.connect(self.choose_whose)
        self.toolbar.walk_in_asked.connect(self.walk_in)
        self.toolbar.search_asked.connect(self._open_command_bar)
        desk.runner.changed.connect(self._follow_changes)
        desk.clinic_changed.connect(self.refresh)

    # The screen

    def activate(self) -> None:
        self.refresh()
        focus = QApplication.focusWidget()
        if focus is None or not any(pane.isAncestorOf(focus) for pane in (self._pages, self.rooms)):
            self._face().setFocus(Qt.FocusReason.OtherFocusReason)

    def patient_in_view(self) -> UUID | None:
        visit = self.board.current_visit()
        return visit.patient_id if visit is not None else None

    def draft(self) -> object | None:
        return self._dialog.draft() if self._dialog is not None and self._dialog.is_open() else None

    def restore(self, draft: object) -> None:
        if isinstance(draft, Prefill):
            self._open_dialog(draft, Purpose.WALK_IN)

    def hints(self) -> tuple[str, ...]:
        wanted = {
            "flow.pick": Permission.SEE_CALENDAR, "visit.advance": Permission.ADVANCE_VISIT,
            "visit.step_back": Permission.ADVANCE_VISIT, "visit.walk_in": Permission.BOOK,
            "visit.open": Permission.SEE_CALENDAR,
        }  # fmt: skip
        return tuple(name for name, permission in wanted.items() if self.desk.actor.may(permission))

    def counts(self) -> tuple[tuple[str, str], ...]:
        text = self.tr("Times run from arrival. Target %1 min")
        return (("", text.replace("%1", str(self.desk.clinic.wait_target_minutes))),)

    def panes(self) -> list[QWidget]:
        return [self._face(), self.rooms]

    def own_keys(self) -> tuple[str, ...]:
        return ("flow.pick", "flow.columns")

    # What is shown

    def refresh(self) -> None:
        """Read today, and show it once it is there; an answer to an older question is dropped."""
        self._asked += 1
        self._refresh_timer.stop()
        self._day = self.desk.now().date()
        days = (self._day,)
        self.desk.runner.read(
            lambda tx: calendar_data.read_days(tx, days), partial(self._show, self._asked), owner=self
        )

    def choose_view(self, view: str) -> None:
        """By status, or by practitioner."""
        self._view = view
        self._fill()

    def choose_whose(self, whose: str) -> None:
        """One's own patients, or everybody's."""
        self._whose = self.desk.user.practitioner_id if whose == "own" else None
        self._fill()

    def tick(self) -> None:
        """Time has gone on: the times that run are others, and after midnight the day is."""
        if self.desk.now().date() != self._day:
            self.refresh()
            return
        self.board.tick()
        self._say_rooms()

    def _show(self, asked: int, days: Days) -> None:
        if asked != self._asked:
            return
        self._days = days
        self._fill()
        after, self._after = self._after, None
        if after is not None:
            after()

    def _visits(self) -> list[AppointmentRow]:
        visits = self._days.visits if self._days else []
        return [v for v in visits if stage_of(v) is not None and self._whose in (None, v.practitioner_id)]

    def _people(self) -> list[PractitionerRow]:
        """Who is shown; whoever sits here comes first."""
        everybody = self._days.choices.practitioners if self._days else ()
        shown = [person for person in everybody if self._whose in (None, person.id)]
        return sorted(shown, key=lambda person: person.id != self.desk.user.practitioner_id)

    def _fill(self) -> None:
        if self._days is None:
            return
        visits = self._visits()
        if self._view == "practitioner":
            busy = {visit.practitioner_id for visit in visits}
            self.board.set_piles(piles_by_practitioner([p for p in self._people() if p.id in busy]), self._view)
        else:
            self.board.set_piles(piles_by_status(), self._view)
        people = {person.id: person for person in self._days.choices.practitioners}
        self.board.set_visits(visits, people, named=self._whose is None)
        self._say_rooms()
        self._choose_page(bool(visits))

    def _say_rooms(self) -> None:
        """What stands above the board, and the hint of who may go in."""
        if self._days is None:
            return
        now, visits = self.desk.now(), self._visits()
        working = {day.practitioner_id: day for schedule in self._days.schedules for day in schedule.working}
        rooms = rooms_now(self._people(), working, visits, now)
        self.rooms.set_rooms(rooms)
        self.toolbar.set_summary(summary(visits, now))
        free = next((room for room in rooms if room.inside is None and room.next_in is not None), None)
        text = ""
        if free is not None and free.next_in is not None and free.practitioner.room_name:
            text = self.tr("Next: %1, %2 is free").replace("%2", free.practitioner.room_name)
            name = words.person(free.next_in, self.desk.privacy.initials_only)
            text = text.replace("%1", name)
        self.board.set_note(Stage.CHECKED_IN, text)

    def _choose_page(self, any_visits: bool) -> None:
        focus = self.window().focusWidget()  # the window may not be the active one
        had_focus = focus is not None and (focus is self._pages or self._pages.isAncestorOf(focus))
        if not any_visits:
            buttons = []
            if self.desk.actor.may(Permission.BOOK):
                buttons.append(ActionButton(self.tr("Walk-in"), "W", kind=ButtonKind.PRIMARY, glyph="ph.user-plus"))
                buttons[0].clicked.connect(self.walk_in)
            self._pane.set_state("ph.users-three", *self._words_of_empty(), *buttons)
        self._pages.setCurrentWidget(self.board if any_visits else self._pane)
        if had_focus:
            self._face().setFocus(Qt.FocusReason.OtherFocusReason)

    def _words_of_empty(self) -> tuple[str, str]:
        if self._whose is not None:
            return self.tr("No patients of yours today"), self.tr("Choose Everybody to see the whole clinic.")
        return self.tr("No visits today"), self.tr("Whoever walks in can be taken in here.")

    def _face(self) -> QWidget:
        """What takes the focus."""
        return self.board if self._pages.currentWidget() is self.board and self.board.current_visit() else self._pages

    # Following what happens

    def _follow_changes(self, committed: Committed) -> None:
        if committed.entities & CONCERNS:
            self._refresh_timer.start()

    def _then(self, after: Callable[[], object]) -> None:
        self._after = after
        self._refresh_timer.start()

    # Doing

    def walk_in(self) -> None:
        """Take in a patient who stands at the desk."""
        self._open_dialog(Prefill(practitioner_id=self._whose or self._first_at_work()), Purpose.WALK_IN)

    def _first_at_work(self) -> UUID | None:
        """Who takes visits soonest from now on, the first in the clinic's order; None where nobody does any more today."""
        now = self.desk.now()
        days = [day for schedule in self._days.schedules for day in schedule.working] if self._days else []
        soonest = {
            day.practitioner_id: min(max(span.start, now) for span in day.open if span.end > now)
            for day in days
            if any(span.end > now for span in day.open)
        }
        people = [person.id for person in self._people() if person.id in soonest]
        return min(people, key=lambda id_: soonest[id_], default=None)

    def _open(self, visit: AppointmentRow) -> None:
        self._open_dialog(Prefill(), Purpose.EDIT, visit)

    def _open_dialog(self, prefill: Prefill, purpose: Purpose, visit: AppointmentRow | None = None) -> None:
        if self.desk.host is None:
            return
        if self._days is None:  # asked for before the first answer
            self._after = partial(self._open_dialog, prefill, purpose, visit)
            return
        choices = self._days.choices
        self._dialog = BookingDialog(self.desk, self.desk.host, choices, prefill, purpose=purpose, visit=visit)
        self._dialog.done.connect(self._taken_in if visit is None else self._edited)
        self._dialog.closed.connect(self._forget_dialog)
        self._dialog.open_sheet()

    def _forget_dialog(self) -> None:
        self._dialog = None

    def _taken_in(self, unit_id: UUID, visit: AppointmentRow) -> None:
        self.actions_of_visits.tell(unit_id, self.actions_of_visits.booked_words(visit))
        self._then(partial(self.board.choose, visit.id))

    def _edited(self, unit_id: UUID, visit: AppointmentRow) -> None:
        self.actions_of_visits.tell(unit_id, self.actions_of_visits.changed_words(visit))
        self._then(partial(self.board.choose, visit.id))

    def _drop(self, visit: AppointmentRow, stage: Stage) -> None:
        """The verb that a drag from one column to another stands for, which is that of a key; or why there is none."""
        now, to = state_of(visit), _STATES[stage]
        if not self.desk.actor.may(Permission.ADVANCE_VISIT):
            self.desk.toast(self.tr("Your role may not move visits along."))
        elif now not in CHAIN:
            self.desk.toast(self.tr("A visit that was missed is brought back by undo, or booked anew."))
        elif CHAIN.index(to) == CHAIN.index(now) + 1:
            self.actions_of_visits.advance()
        elif CHAIN.index(to) == CHAIN.index(now) - 1:
            self.actions_of_visits.step_back()
        elif (now, to) == (State.BOOKED, State.CHECKED_IN):
            self.actions_of_visits.check_in()
        elif to is not now:
            self.desk.toast(self.tr("One step at a time: drag the card to the next column, or one back."))

    def _go_to(self, visit: AppointmentRow) -> None:
        self.board.choose(visit.id)
        self._face().setFocus(Qt.FocusReason.OtherFocusReason)

    def _open_menu(self, place: QPoint) -> None:
        self.actions_of_visits.menu(self.board).popup(place)

    def _open_command_bar(self) -> None:
        for action in self.window().findChildren(QAction, "command"):
            action.trigger()
            return

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.toolbar.fit(self.width())
