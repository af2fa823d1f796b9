"""Finds a patient while a name, number, phone or birth date is typed, and holds the one that was picked."""

from __future__ import annotations

from datetime import date
from functools import partial

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets import ActionButton, SearchField, TextLabel
from clinicdesk.features.patients.schemas import PatientRow
from clinicdesk.features.patients.search import note_search, search

_SHOWN = 7


class PatientPicker(SearchField):
    """A line with its answers below: arrows mark, Enter picks. Old answers stay until the new ones are there."""

    picked = Signal(object)
    """PatientRow"""
    register_wanted = Signal(str)
    """Nobody was found, and the person is to be registered: what was typed."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(self.tr("Name, number, phone or birth date"), parent=parent)
        self._desk = desk
        self._patient: PatientRow | None = None
        self._found: list[PatientRow] = []
        self._asked = self._answered = 0
        self._pick_when_there = False
        self._host = parent
        self._popup = QFrame(parent)
        self._popup.setFrameShape(QFrame.Shape.StyledPanel)
        self._popup.setAutoFillBackground(True)
        self._popup.hide()
        self._list = QListWidget(self._popup)
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._list.setUniformItemSizes(True)
        self._list.setAccessibleName(self.tr("Patients found"))
        self._list.itemClicked.connect(lambda _item: self.take())
        self._nobody = TextLabel("", Role.SMALL, "ink2", wrap=True, parent=self._popup)
        self._register = ActionButton(self.tr("Register"), "Ctrl+N", glyph="ph.user-plus", parent=self._popup)
        self._register.setShortcut("Ctrl+N")
        self._register.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._register.clicked.connect(lambda: self.register_wanted.emit(self.text().strip()))
        metrics = theme().tokens.metrics
        column = QVBoxLayout(self._popup)
        column.setContentsMargins(metrics.px(4), metrics.px(4), metrics.px(4), metrics.px(4))
        column.addWidget(self._list)
        column.addWidget(self._nobody)
        column.addWidget(self._register)
        self.textEdited.connect(self._search)

    def patient(self) -> PatientRow | None:
        """Who was picked, if anybody was since something was typed last."""
        return self._patient

    def pick(self, patient: PatientRow) -> None:
        """Hold this patient."""
        self._patient = patient
        self._asked += 1
        self._popup.hide()
        self.setText(f"{patient.name}  {patient.number}")
        self.picked.emit(patient)

    def take(self) -> bool:
        """Pick the marked answer, as soon as it is there; False where there is nothing to pick (any more)."""
        if self._patient is not None or not self.text().strip():
            return False
        if self._answered != self._asked:
            self._pick_when_there = True
            return True
        row = self._list.currentRow()
        if not 0 <= row < len(self._found):
            return True
        hits, patient = len(self._found), self._found[row]
        self._desk.runner.write(lambda tx: note_search(tx, hits), owner=self)
        self.pick(patient)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Up) and self._popup.isVisible():
            there = self._list.currentRow() + (1 if key == Qt.Key.Key_Down else -1)
            if 0 <= there < self._list.count():
                self._list.setCurrentRow(there)
            return
        if key == Qt.Key.Key_Escape and self._popup.isVisible():
            self._popup.hide()
            return
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.ignore()
            return
        super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() is not Qt.FocusReason.PopupFocusReason:
            self._popup.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Hide:
            self._popup.hide()
        return super().event(event)

    def _search(self, text: str) -> None:
        self._patient = None
        self._pick_when_there = False
        self._asked += 1
        if not text.strip():
            self._answered = self._asked
            self._found = []
            self._popup.hide()
            return
        self._desk.runner.read(
            lambda tx: search(tx, text, _SHOWN), partial(self._show_found, self._asked), owner=self, failed=self._fail
        )

    def _fail(self, error: ClinicError) -> None:
        self._popup.hide()
        self._desk.say(error)

    def _show_found(self, asked: int, found: list[PatientRow]) -> None:
        if asked != self._asked:
            return
        self._answered, self._found = asked, found
        self._list.clear()
        for patient in found:
            item = QListWidgetItem(self._words(patient))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, self._words(patient))
            self._list.addItem(item)
        self._list.setCurrentRow(0)
        self._list.setVisible(bool(found))
        self._nobody.setVisible(not found)
        self._nobody.setText(self.tr("No patient matches “%1”.").replace("%1", self.text().strip()))
        self._register.setVisible(not found and self._desk.actor.may(Permission.EDIT_PATIENT))
        self._place()
        self._popup.show()
        self._popup.raise_()
        if self._pick_when_there:
            self._pick_when_there = False
            self.take()

    def _words(self, patient: PatientRow) -> str:
        parts = [patient.name]
        if patient.birth_family:
            parts[0] += self.tr(", born %1").replace("%1", patient.birth_family)
        if patient.birth_date is not None:
            today: date = self._desk.now().date()
            born = patient.birth_date
            years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
            parts.append(self.tr("%n years", "", years))
        parts += [patient.number, patient.city]
        if patient.deceased:
            parts.append(self.tr("deceased"))
        return "   ".join(part for part in parts if part)

    def _place(self) -> None:
        rows = max(len(self._found), 1)
        metrics = theme().tokens.metrics
        row = self._list.sizeHintForRow(0) if self._found else metrics.row
        self._list.setFixedHeight(rows * row + 2)
        self._popup.setFixedWidth(self.width())
        self._popup.adjustSize()
        below = self.mapTo(self._host, QPoint(0, self.height() + 2))
        self._popup.move(below)
