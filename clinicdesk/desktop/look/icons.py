"""Icons by glyph and token colour, kept once and tinted anew whenever the theme changes."""

from functools import cache

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap

from clinicdesk.desktop.look import glyphs
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import ColourName


class _TokenIconEngine(QIconEngine):
    """Paints a glyph in the colour that its token has at that moment."""

    def __init__(self, off: str, colour: ColourName, on: str, on_colour: ColourName) -> None:
        super().__init__()
        self._off = (off, colour)
        self._on = (on, on_colour)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        name, colour = self._on if state is QIcon.State.On else self._off
        if mode is QIcon.Mode.Disabled:
            colour = "ink3"
        painter.save()
        glyphs.draw(painter, rect, name, theme().tokens.colour(colour))
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap


@cache
def icon(
    name: str, colour: ColourName = "ink2", *, on: str | None = None, on_colour: ColourName | None = None
) -> QIcon:
    """The icon of a glyph such as "ph.printer"; `on` and `on_colour` are for its checked state."""
    glyphs.character(name)
    return QIcon(_TokenIconEngine(name, colour, on or name, on_colour or colour))
