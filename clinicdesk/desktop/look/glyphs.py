"""Phosphor glyphs drawn straight from the icon font, sharp at every scale."""

from functools import cache

import qtawesome
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter


@cache
def character(name: str) -> str:
    """The character of a glyph such as "ph.check-bold"; raises KeyError for a name that the font has not."""
    found: str = qtawesome.charmap(name)
    return found


@cache
def glyph_font(prefix: str, px: int) -> QFont:
    """The icon font of a prefix ("ph") at a height in logical pixels."""
    font: QFont = qtawesome.font(prefix, px)
    return font


def draw(painter: QPainter, rect: QRect | QRectF, name: str, colour: QColor) -> None:
    """Draw a glyph as large as the shorter side of rect, centred in it; leaves font and pen changed."""
    box = QRectF(rect)
    painter.setFont(glyph_font(name.partition(".")[0], round(min(box.width(), box.height()))))
    painter.setPen(colour)
    painter.drawText(box.adjusted(-2, -2, 2, 2), Qt.AlignmentFlag.AlignCenter, character(name))
