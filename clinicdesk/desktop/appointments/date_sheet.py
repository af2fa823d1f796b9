"""Go to a date: a line that reads "tue", "6w" or "12 dec" and says at once which day that is."""

from __future__ import annotations

from datetime import date

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets import Field, Sheet, TextLabel
from clinicdesk.features.appointments.when import parse_day


def read_day(text: str, today: date) -> date | None:
    """The day that is typed, with names of days and months in English or the user's language."""
    locale = QLocale()
    day = parse_day(
        text,
        today,
        [locale.dayName(i) for i in range(1, 8)],
        [locale.monthName(i) for i in range(1, 13)],
    )
    return day or parse_day(text, today)


class DateSheet(Sheet):
    """Asks for a date; Enter goes there."""

    day_chosen = Signal(object)
    """date"""

    def __init__(self, host: QWidget, today: date) -> None:
        super().__init__(host, self.tr("Go to a date"), width=320, light=True)
        self._today = today
        metrics = theme().tokens.metrics
        self._line = QLineEdit(self)
        self._line.setPlaceholderText(self.tr("tue, 6w, 12 dec"))
        self._field = Field(self.tr("Go to"), self._line, self)
        self._shown = TextLabel("", Role.SMALL, "ink2", parent=self)
        column = QVBoxLayout(self)
        column.setContentsMargins(metrics.px(16), metrics.px(14), metrics.px(16), metrics.px(14))
        column.setSpacing(metrics.px(6))
        column.addWidget(self._field)
        column.addWidget(self._shown)
        self._line.textChanged.connect(self._read)
        self.closed.connect(self.deleteLater)
        self._read("")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            day = read_day(self._line.text(), self._today)
            if day is None:
                self._field.show_error(self.tr("That is no date. Try tue, 6w or 12 dec."))
                return
            self.close_sheet()
            self.day_chosen.emit(day)
            return
        super().keyPressEvent(event)

    def _read(self, text: str) -> None:
        self._field.clear_error()
        day = read_day(text, self._today)
        self._shown.setText(words.long_day(day) + f" {day.year}" if day else " ")
