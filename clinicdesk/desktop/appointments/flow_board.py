"""The columns of the flow board side by side, with one cursor that stays on its visit wherever that goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSplitter, QWidget

from clinicdesk.desktop.appointments.flow_cards import HERE, Stage, stage_of
from clinicdesk.desktop.appointments.flow_columns import FlowColumn
from clinicdesk.desktop.appointments.flow_model import Pile
from clinicdesk.desktop.appointments.visit_model import VisitModel
from clinicdesk.desktop.desk import Desk
from clinicdesk.features.appointments.schemas import AppointmentRow
from clinicdesk.features.practitioners.schemas import PractitionerRow

_DIGITS = 9


class FlowBoard(QWidget):
    """Visits in piles. Arrows walk the cards and the columns, digits choose those who are here."""

    cursor_moved = Signal()
    opened = Signal(object)
    """AppointmentRow: a double click on it."""
    menu_asked = Signal(QPoint)
    dropped = Signal(object, object)
    """AppointmentRow, Stage: it was dragged there."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.model = VisitModel(desk.clinic.tz, desk.now, self)
        self._columns: list[FlowColumn] = []
        self._people: Mapping[UUID, PractitionerRow] = {}
        self._named = True
        self._splitter: QSplitter | None = None
        self._split_name = ""
        self._chosen: UUID | None = None
        self._place = (0, 0)
        """Column and row where the cursor was last, for when its visit is gone."""
        self._settling = False
        self._scroll = QScrollArea(self)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._scroll)
        desk.privacy.changed.connect(self._follow_privacy)

    # What is shown

    def columns(self) -> Sequence[FlowColumn]:
        """The columns, in the order of reading."""
        return self._columns

    def set_piles(self, piles: Sequence[Pile], name: str) -> None:
        """Show these columns; their widths are kept under `name`."""
        if [column.pile for column in self._columns] == list(piles):
            return
        had_focus = self._has_focus()
        for old in self._columns:
            old.model.deleteLater()
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setChildrenCollapsible(False)
        self._columns = [FlowColumn(self._desk, self.model, pile) for pile in piles]
        for i, column in enumerate(self._columns):
            self._wire(i, column)
            splitter.addWidget(column)
            splitter.setStretchFactor(i, 1)
        splitter.setSizes([1_000] * len(piles))
        splitter.restoreState(self._desk.preferences.splitter(f"flow.{name}"))
        splitter.splitterMoved.connect(self._keep_widths)
        self._splitter, self._split_name = splitter, name
        self._scroll.setWidget(splitter)
        self._settle(had_focus)

    def set_visits(
        self, visits: Sequence[AppointmentRow], people: Mapping[UUID, PractitionerRow], *, named: bool = True
    ) -> None:
        """Show these visits; the cursor stays on its own, or where that stood. `named` puts practitioners on the cards."""
        had_focus = self._has_focus()
        self._people, self._named = people, named
        self._settling = True
        self.model.set_rows(visits)
        self._settle(had_focus)

    def set_note(self, stage: Stage, text: str) -> None:
        """A hint under the cards of a stage."""
        for column in self._columns:
            if column.pile.stage is stage:
                column.set_note(text)

    def tick(self) -> None:
        """Time has gone on."""
        had_focus = self._has_focus()
        self._settling = True
        grown = [column.tick() for column in self._columns]
        if any(grown):
            self._settle(had_focus)
        self._settling = False

    def _settle(self, had_focus: bool) -> None:
        """Bring all columns up to date, number the cards, and put the cursor back."""
        self._settling = True
        for column in self._columns:
            column.model.set_people(self._people, named=self._named)
            column.model.look()
            column.settle()
        self._bring_into_sight()
        self._number()
        self._settling = False
        self._restore(had_focus)

    def _bring_into_sight(self) -> None:
        """A visit that the cursor stands on is shown, however far ahead it lies."""
        for column in self._columns:
            hidden = self._chosen is not None and column.model.row_of(self._chosen) < 0
            if hidden and any(visit.id == self._chosen for visit in column.model.members()):
                column.show_all(True)

    def _number(self) -> None:
        numbers: dict[UUID, int] = {}
        for column in self._columns:
            for row in range(column.model.rowCount()):
                visit = column.model.visit(row)
                if stage_of(visit) in HERE and len(numbers) < _DIGITS:
                    numbers[visit.id] = len(numbers) + 1
        for column in self._columns:
            column.model.set_numbers(numbers)
            column.list.viewport().update()

    def _keep_widths(self) -> None:
        if self._splitter is not None:
            self._desk.preferences.set_splitter(f"flow.{self._split_name}", self._splitter.saveState())

    def _follow_privacy(self) -> None:
        self.model.set_initials_only(self._desk.privacy.initials_only)

    # The cursor

    def current_visit(self) -> AppointmentRow | None:
        """The visit under the cursor."""
        return next((visit for visit in self.model.rows() if visit.id == self._chosen), None)

    def choose(self, visit_id: UUID) -> bool:
        """Put the cursor on a visit; False where it is not on the board."""
        self._chosen = visit_id
        self._settling = True
        self._bring_into_sight()
        self._settling = False
        for i, column in enumerate(self._columns):
            row = column.model.row_of(visit_id)
            if row >= 0:
                self._go(i, row, self._has_focus())
                return True
        return False

    def choose_next(self) -> None:
        """Put the cursor on the card below."""
        column, row = self._place
        if self._columns and row + 1 < self._columns[column].model.rowCount():
            self._go(column, row + 1, self._has_focus())

    def choose_number(self, number: int) -> None:
        """Put the cursor on the card with that digit, if there is one."""
        here = [
            (i, row)
            for i, column in enumerate(self._columns)
            for row in range(column.model.rowCount())
            if stage_of(column.model.visit(row)) in HERE
        ]
        if 0 < number <= min(len(here), _DIGITS):
            self._go(*here[number - 1], True)

    def cursor_corner(self) -> QPoint:
        """The lower leading corner of the chosen card on the screen, where its menu opens."""
        column, row = self._place
        if not self._columns or row >= self._columns[column].model.rowCount():
            return self.mapToGlobal(self.rect().topLeft())
        area = self._columns[column].card_area(row)
        return self._columns[column].mapToGlobal(area.bottomLeft())

    def _restore(self, had_focus: bool) -> None:
        for i, column in enumerate(self._columns):
            row = column.model.row_of(self._chosen) if self._chosen is not None else -1
            if row >= 0:
                self._go(i, row, had_focus)
                return
        first, row = self._place if self._chosen is not None else (int(Stage.ARRIVED), 0)
        order = sorted(range(len(self._columns)), key=lambda i: (abs(i - first), i < first))
        for i in order:
            count = self._columns[i].model.rowCount()
            if count:
                self._go(i, min(row if i == first else 0, count - 1), had_focus)
                return
        self._chosen = None
        if had_focus:
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.cursor_moved.emit()

    def _go(self, column: int, row: int, focus: bool) -> None:
        self._settling = True
        for i, other in enumerate(self._columns):
            other.choose(row if i == column else -1)
        self._settling = False
        target = self._columns[column]
        self._place = (column, row)
        self._chosen = target.model.visit(row).id
        self.setFocusProxy(target.list)
        self._scroll.ensureWidgetVisible(target, 0, 0)
        if focus:
            target.list.setFocus(Qt.FocusReason.OtherFocusReason)
        self.cursor_moved.emit()

    def _has_focus(self) -> bool:
        return any(column.list.hasFocus() for column in self._columns) or self.hasFocus()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The focus is the cards', also where it was given before there were any."""
        super().focusInEvent(event)
        if self._chosen is not None:
            self._columns[self._place[0]].list.setFocus(event.reason())

    # What the columns say

    def _wire(self, i: int, column: FlowColumn) -> None:
        column.cursor_moved.connect(lambda row: self._moved(i, row))
        column.side_asked.connect(lambda way: self._go_aside(i, way))
        column.beyond_asked.connect(lambda: self._go_beyond(i))
        column.number_asked.connect(self.choose_number)
        column.opened.connect(self._open)
        column.menu_asked.connect(self.menu_asked)
        column.focused.connect(lambda reason: self._pass_focus(i, reason))
        column.dropped.connect(lambda visit_id: self._drop(visit_id, column.pile.stage))

    def _moved(self, column: int, row: int) -> None:
        if not self._settling and row >= 0:
            self._go(column, row, self._has_focus())

    def _go_aside(self, column: int, way: int) -> None:
        height = self._columns[column].middle_of_cursor()
        target = column + way
        while 0 <= target < len(self._columns):
            row = self._columns[target].row_at(height)
            if row >= 0:
                self._go(target, row, True)
                return
            target += way

    def _go_beyond(self, column: int) -> None:
        model = self._columns[column].model
        if model.hidden() and not model.shows_all():
            chosen = self._chosen
            self._settling = True
            self._columns[column].show_all(True)
            self._settling = False
            if chosen is not None:
                row = model.row_of(chosen)
                self._go(column, min(row + 1, model.rowCount() - 1), True)

    def _open(self) -> None:
        visit = self.current_visit()
        if visit is not None:
            self.opened.emit(visit)

    def _pass_focus(self, column: int, reason: Qt.FocusReason) -> None:
        """The focus came back to where the visit was, and the visit has moved on: follow it."""
        here, _ = self._place
        if column != here and reason is not Qt.FocusReason.MouseFocusReason and self._chosen is not None:
            self._columns[here].list.setFocus(reason)

    def _drop(self, visit_id: UUID, stage: Stage | None) -> None:
        visit = next((visit for visit in self.model.rows() if visit.id == visit_id), None)
        if visit is not None and stage is not None and self.choose(visit_id):
            self.dropped.emit(visit, stage)
