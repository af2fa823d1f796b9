"""What keys do to a visit, wherever it is shown: the one table from verbs of the desk to verbs of the services."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx
from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.cancel_sheet import CancelSheet
from clinicdesk.desktop.appointments.columns import Slot
from clinicdesk.desktop.appointments.openings_sheet import OpeningsSheet
from clinicdesk.desktop.appointments.pinboard import Pinboard
from clinicdesk.desktop.desk import Desk
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.rules import LEGAL, State, next_step, state_of, step_back
from clinicdesk.features.appointments.schemas import (
    AppointmentRow,
    BookAppointment,
    CancelAppointment,
    Opening,
    Reschedule,
)

Current = Callable[[], AppointmentRow | None]
CurrentSlot = Callable[[], Slot | None]
_Work = Callable[[Tx, AppointmentRow], AppointmentRow]
_Words = Callable[[AppointmentRow], str]


@dataclass(frozen=True, slots=True)
class _Task:
    """Something to do to a visit, once what is under way for it is done."""

    work: _Work
    say: _Words
    then: Callable[[AppointmentRow], None] | None
    failed: Callable[[ClinicError], None] | None


class VisitActions(QObject):
    """Acts on the visit that `current` gives; where there are times to choose (`slot`), also books and places.

    Each action is one undoable unit of work, told in a toast that names time and practitioner, never the patient. What the
    role may not do has no action at all.
    """

    follow = Signal(object)
    """AppointmentRow as it is now: keep the cursor on it, wherever it stands."""
    freed = Signal(object)
    """AppointmentRow that was cancelled: put the cursor on the time that it left."""
    move_on = Signal(object)
    """AppointmentRow that was confirmed: go on to the next."""
    open_wanted = Signal(object)
    """AppointmentRow: open it to look at and edit."""
    book_wanted = Signal(object)
    """Slot: book there."""
    walk_in_wanted = Signal()
    card_wanted = Signal()
    reveal_wanted = Signal(object)
    """AppointmentRow: show the hidden fields of its patient."""

    _NEEDS: ClassVar[dict[str, Permission]] = {
        "visit.book": Permission.BOOK,
        "visit.walk_in": Permission.BOOK,
        "visit.advance": Permission.ADVANCE_VISIT,
        "visit.step_back": Permission.ADVANCE_VISIT,
        "visit.check_in": Permission.ADVANCE_VISIT,
        "visit.confirm": Permission.BOOK,
        "visit.reschedule": Permission.BOOK,
        "visit.follow_up": Permission.BOOK,
        "visit.cut": Permission.BOOK,
        "visit.place": Permission.BOOK,
        "visit.cancel": Permission.BOOK,
        "visit.no_show": Permission.ADVANCE_VISIT,
        "visit.entered_in_error": Permission.CORRECT_VISIT,
        "visit.open": Permission.SEE_CALENDAR,
        "visit.card": Permission.SEE_CALENDAR,
        "visit.patient": Permission.OPEN_PATIENT,
        "reveal": Permission.OPEN_PATIENT,
    }
    _NEEDS_TIME: ClassVar[frozenset[str]] = frozenset({"visit.book", "visit.walk_in", "visit.cut", "visit.place"})

    def __init__(
        self,
        desk: Desk,
        current: Current,
        slot: CurrentSlot | None = None,
        pinboard: Pinboard | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._desk = desk
        self._current, self._slot = current, slot
        self.pinboard = pinboard or Pinboard(self)
        self._waiting: dict[UUID, list[_Task]] = {}
        self._latest: dict[UUID, AppointmentRow] = {}

    def bind(self, widget: QWidget, without: Collection[str] = ()) -> dict[str, QAction]:
        """Give a calendar, list or board the keys of visits, as far as the role may use them; `without` some, by id."""
        handlers: dict[str, Callable[[], object]] = {
            "visit.book": self.book,
            "visit.walk_in": self.walk_in_wanted.emit,
            "visit.advance": self.advance,
            "visit.step_back": self.step_back,
            "visit.check_in": self.check_in,
            "visit.confirm": self.confirm,
            "visit.reschedule": self.reschedule,
            "visit.follow_up": self.follow_up,
            "visit.cut": self.cut,
            "visit.place": self.place,
            "visit.cancel": self.cancel,
            "visit.no_show": self.no_show,
            "visit.entered_in_error": self.mark_entered_in_error,
            "visit.open": self.open,
            "visit.card": self.card_wanted.emit,
            "visit.patient": self.open_patient,
            "reveal": self.reveal,
        }
        allowed = {
            name: handler
            for name, handler in handlers.items()
            if name not in without
            and self._desk.actor.may(self._NEEDS[name])
            and (self._slot is not None or name not in self._NEEDS_TIME)
        }
        return self._desk.keys.bind(widget, allowed)

    def menu(self, widget: QWidget) -> QMenu:
        """The same actions as a menu; what makes no sense for the current visit is grey."""
        menu = QMenu(widget)
        visit = self._current()
        possible = self._possible(visit)
        last = ""
        for action in widget.actions():
            name = action.objectName()
            if name not in self._NEEDS:
                continue
            group = "time" if name in self._NEEDS_TIME else "visit"
            if last and group != last:
                menu.addSeparator()
            last = group
            copy = menu.addAction(action.text())
            copy.setShortcut(action.shortcut())
            copy.setShortcutVisibleInContextMenu(True)
            copy.setEnabled(name in possible)
            copy.triggered.connect(action.trigger)
        return menu

    def _possible(self, visit: AppointmentRow | None) -> set[str]:
        found = {"visit.walk_in", "visit.book"}
        if self.pinboard.next() is not None:
            found.add("visit.place")
        if visit is None:
            return found
        found |= {"visit.open", "visit.card", "visit.patient", "reveal", "visit.follow_up"}
        state = state_of(visit)
        ways = {
            "visit.check_in": State.CHECKED_IN,
            "visit.cancel": State.CANCELLED,
            "visit.no_show": State.NOSHOW,
            "visit.entered_in_error": State.ENTERED_IN_ERROR,
        }
        found |= {name for name, to in ways.items() if to in LEGAL[state]}
        if state in (State.BOOKED, State.PENDING, State.PROPOSED):
            found |= {"visit.cut", "visit.reschedule", "visit.confirm"}
        for name, step in (("visit.advance", next_step), ("visit.step_back", step_back)):
            try:
                step(state)
                found.add(name)
            except ClinicError:
                pass
        return found

    # Along the day of a visit

    def advance(self) -> None:
        """One step on: arrived, checked in, in the room, over."""
        self._do(lambda tx, row: appointments.advance(tx, row.id, row.version), self._state_words)

    def step_back(self) -> None:
        """One step back."""
        self._do(lambda tx, row: appointments.step_back(tx, row.id, row.version), self._state_words)

    def check_in(self) -> None:
        """The patient is here and all is ready."""
        self._do(lambda tx, row: appointments.check_in(tx, row.id, row.version), self._state_words)

    def no_show(self) -> None:
        """The patient did not come."""
        self._do(lambda tx, row: appointments.no_show(tx, row.id, row.version), self._state_words)

    def mark_entered_in_error(self) -> None:
        """The visit should never have been in this record."""
        self._do(
            lambda tx, row: appointments.mark_entered_in_error(tx, row.id, row.version),
            self._state_words,
            self.freed.emit,
        )

    def confirm(self) -> None:
        """The patient has said yes; go on to the next visit."""
        visit = self._current()
        if visit is None:
            return
        if visit.confirmed:
            self.move_on.emit(visit)
            return
        self._do(
            lambda tx, row: appointments.confirm(tx, row.id, row.version),
            lambda row: self._told(self.tr("Confirmed %1 with %2"), row),
            self.move_on.emit,
        )

    def cancel(self) -> None:
        """Ask for one of the reasons, then cancel."""
        visit = self._current()
        if visit is None:
            return
        sheet = CancelSheet(self._host(), self._told(self.tr("Cancel %1 with %2"), visit))
        sheet.reason_chosen.connect(lambda code, visit=visit: self._cancel(visit, code))
        sheet.open_sheet()

    def _cancel(self, visit: AppointmentRow, code: str) -> None:
        self._do(
            lambda tx, row: appointments.cancel(tx, CancelAppointment(row.id, row.version, code)),
            lambda row: self._told(self.tr("Cancelled %1 with %2"), row),
            self.freed.emit,
            visit=visit,
        )

    # To another time

    def cut(self) -> None:
        """Take the visit into the hand; it keeps its time until it is placed."""
        visit = self._current()
        if visit is not None and "visit.cut" in self._possible(visit):
            self.pinboard.take(visit)

    def place(self) -> None:
        """Move the visit in the hand to where the cursor stands."""
        visit, slot = self.pinboard.next(), self._slot() if self._slot else None
        if visit is not None and slot is not None:
            self.move(visit, slot.start, slot.practitioner_id)

    def move(self, visit: AppointmentRow, start: datetime, practitioner_id: UUID | None = None) -> None:
        """Give a visit another time, and another practitioner if one is named."""

        def moving(tx: Tx, row: AppointmentRow) -> AppointmentRow:
            return appointments.reschedule(
                tx, Reschedule(row.id, row.version, start=start, practitioner_id=practitioner_id)
            )

        def moved(row: AppointmentRow) -> None:
            self.pinboard.drop(row.id)
            self.follow.emit(row)

        self._do(moving, self._moved_words, moved, visit=visit)

    def stretch(self, visit: AppointmentRow, length: timedelta) -> None:
        """Make a visit longer or shorter."""

        def stretching(tx: Tx, row: AppointmentRow) -> AppointmentRow:
            return appointments.reschedule(tx, Reschedule(row.id, row.version, length=length))

        def say(row: AppointmentRow) -> str:
            told = self._told(self.tr("%1 with %2 is %3 long"), row)
            return told.replace("%3", words.hours_and_minutes(row.end - row.start))

        self._do(stretching, say, visit=visit)

    def reschedule(self) -> None:
        """Choose among the best openings for this visit, then move it."""
        visit = self._current()
        if visit is None or "visit.reschedule" not in self._possible(visit):
            return
        sheet = OpeningsSheet(self._desk, self._host(), self.tr("Reschedule"), self.tr("Move"), visit)
        sheet.chosen.connect(lambda opening, visit=visit: self.move(visit, opening.start, opening.practitioner_id))
        sheet.open_sheet()

    def follow_up(self) -> None:
        """Ask when (6w), offer openings there, and book the same again."""
        visit = self._current()
        if visit is None:
            return
        sheet = OpeningsSheet(self._desk, self._host(), self.tr("Follow-up"), self.tr("Book"), visit, asks_when=True)
        sheet.chosen.connect(lambda opening, visit=visit: self._book_follow_up(visit, opening))
        sheet.open_sheet()

    def _book_follow_up(self, visit: AppointmentRow, opening: Opening) -> None:
        request = BookAppointment(
            visit.patient_id,
            opening.practitioner_id,
            opening.start,
            opening.end - opening.start,
            type_id=visit.type_id,
        )

        def booking(tx: Tx) -> tuple[UUID, AppointmentRow]:
            return tx.unit_id, appointments.book(tx, request)

        def booked(result: tuple[UUID, AppointmentRow]) -> None:
            self.tell(result[0], self.booked_words(result[1]))

        self._desk.runner.write(booking, booked, owner=self)

    # What the view does

    def book(self) -> None:
        """Book at the cursor."""
        slot = self._slot() if self._slot else None
        if slot is not None:
            self.book_wanted.emit(slot)

    def open(self) -> None:
        """Open the visit; on free time, book there."""
        visit = self._current()
        if visit is not None:
            self.open_wanted.emit(visit)
        elif self._desk.actor.may(Permission.BOOK):
            self.book()

    def open_patient(self) -> None:
        """Go to the record of the visit's patient."""
        visit = self._current()
        if visit is not None:
            self._desk.open_patient(visit.patient_id)

    def reveal(self) -> None:
        """Show the hidden fields of the visit's patient for a while; that is audited."""
        visit = self._current()
        if visit is not None:
            self.reveal_wanted.emit(visit)

    # Words

    def booked_words(self, row: AppointmentRow) -> str:
        """What the toast says of a new visit."""
        return words.booked(row, self._desk.clinic.tz)

    def changed_words(self, row: AppointmentRow) -> str:
        """What the toast says of a visit that was edited."""
        return self._told(self.tr("Changed %1 with %2"), row)

    def _moved_words(self, row: AppointmentRow) -> str:
        local = row.start.astimezone(self._desk.clinic.tz)
        return self.tr("Moved to %1, %2").replace("%1", words.short_day(local.date())).replace("%2", words.clock(local))

    def _state_words(self, row: AppointmentRow) -> str:
        return self._told("%3: %1, %2", row).replace("%3", words.status_word(row))

    def _told(self, sentence: str, row: AppointmentRow) -> str:
        clock = words.clock(row.start, self._desk.clinic.tz)
        return sentence.replace("%1", clock).replace("%2", row.practitioner_name)

    # Doing

    def tell(self, unit_id: UUID, text: str) -> None:
        """Remember a unit of work for undo, and say what it did."""
        self._desk.undo.push(unit_id, text)
        self._desk.toast(text, undo=True)

    def _do(
        self,
        work: _Work,
        say: _Words,
        then: Callable[[AppointmentRow], None] | None = None,
        *,
        visit: AppointmentRow | None = None,
        failed: Callable[[ClinicError], None] | None = None,
    ) -> None:
        """Do something to a visit (the current one, if none is given), after whatever is still under way for it."""
        row = visit or self._current()
        if row is None:
            return
        task = _Task(work, say, then, failed)
        if row.id in self._waiting:
            self._waiting[row.id].append(task)
            return
        self._waiting[row.id] = []
        self._start(self._newer(row), task)

    def _newer(self, row: AppointmentRow) -> AppointmentRow:
        latest = self._latest.get(row.id)
        return latest if latest is not None and latest.version > row.version else row

    def _start(self, row: AppointmentRow, task: _Task) -> None:
        def working(tx: Tx) -> tuple[UUID, AppointmentRow]:
            return tx.unit_id, task.work(tx, row)

        def done(result: tuple[UUID, AppointmentRow]) -> None:
            unit_id, now = result
            self._latest[now.id] = now
            self.tell(unit_id, task.say(now))
            (task.then or self.follow.emit)(now)
            queue = self._waiting[row.id]
            if queue:
                self._start(now, queue.pop(0))
            else:
                del self._waiting[row.id]

        def failed(error: ClinicError) -> None:
            del self._waiting[row.id]
            (task.failed or self._desk.say)(error)

        self._desk.runner.write(working, done, owner=self, failed=failed)

    def _host(self) -> QWidget:
        if self._desk.host is None:
            raise RuntimeError("a sheet needs the window")
        return self._desk.host
