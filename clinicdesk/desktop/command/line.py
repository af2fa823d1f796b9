"""The line that a phrase is typed into: what was understood is underlined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent, QTextLayout, QTextLine
from PySide6.QtWidgets import QLineEdit, QWidget

from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.features.appointments.phrase import Span

_CURSOR_MIDDLE = 5
"""Qt's rectangle of the cursor begins so many px before it."""


class CommandLine(QLineEdit):
    """A line without a frame, in the size of a title."""

    def __init__(self, placeholder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spans: tuple[Span, ...] = ()
        self.setFrame(False)
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(placeholder)
        self._dress()
        theme().changed.connect(self._dress)

    def set_spans(self, spans: Sequence[Span]) -> None:
        """Underline these stretches of the text."""
        self._spans = tuple(spans)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._spans or not self.text():
            return
        layout = QTextLayout(self.text(), self.font())
        layout.beginLayout()
        line = layout.createLine()
        layout.endLayout()
        metrics = theme().tokens.metrics
        cursor = self.cursorRect()
        left = cursor.left() + _CURSOR_MIDDLE - _x(line, self.cursorPosition())
        top = self.contentsRect().center().y() + self.fontMetrics().ascent() * 0.5 + metrics.px(3)
        painter = QPainter(self)
        for span in self._spans:
            ends = sorted((_x(line, span.start), _x(line, min(span.end, len(self.text())))))
            painter.fillRect(
                QRectF(left + ends[0], round(top), ends[1] - ends[0], metrics.px(2)), theme().tokens.accent
            )

    def _dress(self) -> None:
        self.setFont(theme().font(Role.PAGE, 500))
        self.setMinimumHeight(theme().tokens.metrics.px(36))


def _x(line: QTextLine, position: int) -> float:
    """Where a cursor position lies on a line of text, in px."""
    found: Any = line.cursorToX(position)  # the stubs say float; PySide gives the position back as well
    return float(found[0] if isinstance(found, tuple) else found)
