"""A ranked list of openings to choose from: for a visit that moves, and for a follow-up at a time that is typed."""

from __future__ import annotations

from datetime import datetime, time
from functools import partial
from zoneinfo import ZoneInfo

from PySide6.QtCore import QCoreApplication, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from clinicdesk.core.errors import ClinicError
from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.date_sheet import read_day
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, Field, Sheet, TextLabel
from clinicdesk.desktop.widgets.keys import caps_width, paint_caps
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import AppointmentRow, FindOpenings, Opening

_SHOWN = 6
_OPENING = Qt.ItemDataRole.UserRole
_WHY = Qt.ItemDataRole.UserRole + 1


def opening_reason(code: str) -> str:
    """Why an opening stands where it does, in words; nothing for a reason that needs none."""
    _translate = QCoreApplication.translate
    return {
        "exact_fit": _translate("Openings", "fits exactly"),
        "first_of_day": _translate("Openings", "first of the day"),
        "last_of_day": _translate("Openings", "last of the day"),
        "between_visits": _translate("Openings", "between two visits"),
        "leaves_gap": _translate("Openings", "leaves a gap"),
        "other_practitioner": _translate("Openings", "another practitioner"),
        "later_day": _translate("Openings", "later"),
    }.get(code, "")


class _OpeningDelegate(QStyledItemDelegate):
    """An opening as a row of columns: its key, when, with whom, and why it stands there."""

    def __init__(self, zone: ZoneInfo, parent: QWidget) -> None:
        super().__init__(parent)
        self._zone = zone

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, theme().tokens.metrics.row_opening)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        tokens = theme().tokens
        px = tokens.metrics.px
        rect = option.rect
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, tokens.sel)
        opening: Opening = index.data(_OPENING)
        local = opening.start.astimezone(self._zone)
        cap = QStyle.visualRect(option.direction, rect, rect.adjusted(px(10), 0, 0, 0))
        rtl = option.direction is Qt.LayoutDirection.RightToLeft
        number = str(index.row() + 1)
        left = cap.right() - caps_width(number) if rtl else cap.left()
        paint_caps(painter, left, rect.center().y(), number, tokens.ink2, tokens.line2, rtl)
        columns = (
            (40, 104, words.short_day(local.date()), 500, tokens.ink), (144, 56, words.clock(local), 600, tokens.ink),
            (208, 152, opening.practitioner_name, 400, tokens.ink), (368, 0, index.data(_WHY), 400, tokens.ink2),
        )  # fmt: skip
        align = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for start, width, text, weight, colour in columns:
            box = rect.adjusted(px(start), 0, 0, 0)
            box.setRight(box.left() + px(width) if width else rect.right() - px(10))
            painter.setFont(theme().font(Role.BODY, weight))
            painter.setPen(colour)
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, box.width())
            painter.drawText(QStyle.visualRect(option.direction, rect, box), align, shown)
        painter.restore()


class OpeningsSheet(Sheet):
    """Openings for what `visit` is, best first: Enter takes the marked one, Alt+1 to 6 one of the others.

    With `asks_when` a line stands above the list; what is typed there (6w, tue, 12 dec) says from which day on.
    """

    chosen = Signal(object)
    """Opening: this one."""

    def __init__(
        self, desk: Desk, host: QWidget, title: str, verb: str, visit: AppointmentRow, *, asks_when: bool = False
    ) -> None:
        super().__init__(host, title, width=600, light=True)
        self._desk, self._visit = desk, visit
        self._openings: list[Opening] = []
        self._asked = 0
        self._take_when_there = False
        metrics = theme().tokens.metrics
        column = QVBoxLayout(self)
        column.setContentsMargins(metrics.px(20), metrics.px(16), metrics.px(20), metrics.px(16))
        column.setSpacing(metrics.px(10))
        column.addWidget(TextLabel(title, Role.CARD, parent=self))
        self._when = QLineEdit(self)
        self._when.setPlaceholderText(self.tr("6w, 10d, tue, 12 dec"))
        self._field = Field(self.tr("When"), self._when, self)
        self._field.setVisible(asks_when)
        self._when.textChanged.connect(self._search_typed)
        column.addWidget(self._field)
        self._list = QListWidget(self)
        self._list.setItemDelegate(_OpeningDelegate(desk.clinic.tz, self._list))
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setAccessibleName(self.tr("Openings, best first"))
        self._list.setFixedHeight(metrics.row_opening * _SHOWN + 2)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus if asks_when else Qt.FocusPolicy.StrongFocus)
        self._list.itemDoubleClicked.connect(self._take)
        column.addWidget(self._list)
        self._state = TextLabel("", Role.SMALL, "ink2", wrap=True, parent=self)
        column.addWidget(self._state)
        buttons = QHBoxLayout()
        buttons.addStretch()
        take = ActionButton(verb, "Enter", kind=ButtonKind.PRIMARY, height=32)
        take.clicked.connect(self._take)
        buttons.addWidget(take)
        column.addLayout(buttons)
        self.closed.connect(self.deleteLater)
        if asks_when:
            self._state.setText(self.tr("Type when the follow-up is due."))
        else:
            self._search(desk.now())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take()
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            there = self._list.currentRow() + (1 if key == Qt.Key.Key_Down else -1)
            if 0 <= there < self._list.count():
                self._list.setCurrentRow(there)
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier and Qt.Key.Key_1 <= key <= Qt.Key.Key_9:
            if key - Qt.Key.Key_1 < self._list.count():
                self._list.setCurrentRow(key - Qt.Key.Key_1)
                self._take()
        else:
            super().keyPressEvent(event)

    def _search_typed(self, text: str) -> None:
        day = read_day(text, self._desk.now().date())
        if day is None:
            self._asked += 1
            self._openings = []
            self._list.clear()
            self._state.setText(self.tr("Type when the follow-up is due."))
            return
        self._search(datetime.combine(day, time(), self._desk.clinic.tz))

    def _search(self, earliest: datetime) -> None:
        self._asked += 1
        visit = self._visit
        request = FindOpenings(
            visit.end - visit.start,
            max(earliest, self._desk.now()),
            practitioner_ids=(visit.practitioner_id,),
            patient_id=visit.patient_id,
            limit=_SHOWN,
            room_id=visit.room_id,
        )
        self._desk.runner.read(
            lambda tx: appointments.find_openings(tx, request),
            partial(self._show_found, self._asked),
            owner=self,
            failed=self._show_error,
        )

    def _show_found(self, asked: int, openings: list[Opening]) -> None:
        if asked != self._asked:
            return
        self._openings = openings
        self._list.clear()
        for opening in openings:
            self._list.addItem(self._item(opening))
        self._list.setCurrentRow(0)
        self._state.setText("" if openings else self.tr("Nothing is free in the next four months."))
        if self._take_when_there and openings:
            self._take()

    def _item(self, opening: Opening) -> QListWidgetItem:
        local = opening.start.astimezone(self._desk.clinic.tz)
        days = (local.date() - self._desk.now().date()).days
        codes = [code for code in opening.reasons if code != "later_day"]
        reasons = ", ".join(
            filter(None, (self.tr("in %n days", "", days) if days > 1 else "", *map(opening_reason, codes)))
        )
        item = QListWidgetItem()
        item.setData(_OPENING, opening)
        item.setData(_WHY, reasons)
        said = (f"{words.short_day(local.date())}, {words.clock(local)}", opening.practitioner_name, reasons)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(filter(None, said)))
        return item

    def _show_error(self, error: ClinicError) -> None:
        self.close_sheet()
        self._desk.say(error)

    def _take(self) -> None:
        row = self._list.currentRow()
        if not 0 <= row < len(self._openings):
            self._take_when_there = bool(self._when.text()) or not self._field.isVisible()
            return
        opening = self._openings[row]
        self.close_sheet()
        self.chosen.emit(opening)
