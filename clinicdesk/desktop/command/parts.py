"""The parts of a booking as they were understood: buttons to go to with Tab, and to change by arrows or by typing anew."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QStyle, QWidget

from clinicdesk.desktop.look import glyphs, shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import ColourName, Role
from clinicdesk.features.appointments.phrase import Part

_RING = 4
"""Room around the box for the focus ring."""


class PartButton(QAbstractButton):
    """What was understood of one part; what nobody said, but will be taken, is written lighter."""

    stepped = Signal(int)
    """The next choice (+1) or the one before (-1) is wanted."""
    retyped = Signal(str)
    """A character was typed: what the text says of this part begins anew with it; with none, it is taken away."""

    def __init__(self, part: Part, caption: str, glyph: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.part = part
        self._caption, self._glyph = caption, glyph
        self._colour: ColourName = "ink"
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleDescription(self.tr("Arrow keys choose another, letters say it anew"))
        self.show_value("", said=False)
        theme().changed.connect(self.updateGeometry)

    def show_value(self, text: str, *, said: bool, wrong: bool = False) -> None:
        """Show what the part is; `said` by the text, or taken for granted; or `wrong`, so that it cannot be booked."""
        self.setText(text)
        self._colour = "amber_ink" if wrong else "ink" if said else "ink2"
        self.setAccessibleName(f"{self._caption}: {text}")
        self.setToolTip(text)
        self.update()

    def sizeHint(self) -> QSize:
        metrics = theme().tokens.metrics
        return QSize(metrics.px(120), metrics.px(44) + 2 * _RING)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            event.ignore()
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.stepped.emit(1 if key == Qt.Key.Key_Down else -1)
        elif key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self.retyped.emit("")
        elif event.text().isprintable() and event.text().strip():
            self.retyped.emit(event.text())
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        metrics = tokens.metrics
        painter = QPainter(self)
        box = self.rect().adjusted(_RING, _RING, -_RING, -_RING)
        shapes.box(painter, box, metrics.radius, tokens.raised, tokens.line2)
        inner = box.adjusted(metrics.px(10), metrics.px(4), -metrics.px(8), -metrics.px(5))
        align = QStyle.visualAlignment(self.layoutDirection(), Qt.AlignmentFlag.AlignLeading)
        painter.setFont(theme().font(Role.HAIR))
        painter.setPen(tokens.ink2)
        painter.drawText(inner, align | Qt.AlignmentFlag.AlignTop, self._caption)
        size = metrics.px(15)
        line = QRect(inner.left(), inner.bottom() - metrics.px(18) + 1, inner.width(), metrics.px(18))
        spot = QStyle.visualRect(
            self.layoutDirection(), line, QRect(line.left(), line.top() + metrics.px(2), size, size)
        )
        glyphs.draw(painter, spot, self._glyph, tokens.accent)
        gap = size + metrics.px(6)
        text = QStyle.visualRect(
            self.layoutDirection(), line, QRect(line.left() + gap, line.top(), line.width() - gap, line.height())
        )
        font = theme().font(Role.BODY, 500)
        painter.setFont(font)
        painter.setPen(tokens.colour(self._colour))
        shown = QFontMetricsF(font).elidedText(self.text(), Qt.TextElideMode.ElideRight, text.width())
        painter.drawText(text, align | Qt.AlignmentFlag.AlignVCenter, shown)
        if self.hasFocus():
            shapes.focus_ring(painter, box, metrics.radius, tokens)
