"""Phosphor glyphs drawn straight from the icon font, sharp at every scale."""

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPainter


def _fonts() -> Path:
    """The folder of QtAwesome's icon fonts. Importing the package would load all of them, a quarter of a second at each start."""
    found = find_spec("qtawesome")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("the icon fonts of QtAwesome are not installed")
    return Path(next(iter(found.submodule_search_locations))) / "fonts"


@cache
def _codes() -> dict[str, str]:
    """The code point of each glyph of the font, in hexadecimal, by name without its prefix."""
    (table,) = _fonts().glob("phosphor-charmap-*.json")
    codes: dict[str, str] = json.loads(table.read_bytes())
    return codes


@cache
def _family() -> str:
    (file,) = _fonts().glob("phosphor-*.ttf")
    return QFontDatabase.applicationFontFamilies(QFontDatabase.addApplicationFont(str(file)))[0]


@cache
def character(name: str) -> str:
    """The character of a glyph such as "ph.check-bold"; raises KeyError for a name that the font has not."""
    return chr(int(_codes()[name.removeprefix("ph.")], 16))


@cache
def glyph_font(px: int) -> QFont:
    """The icon font at a height in logical pixels."""
    font = QFont(_family())
    font.setPixelSize(max(px, 1))
    return font


def draw(painter: QPainter, rect: QRect | QRectF, name: str, colour: QColor) -> None:
    """Draw a glyph as large as the shorter side of rect, centred in it; leaves font and pen changed."""
    box = QRectF(rect)
    painter.setFont(glyph_font(round(min(box.width(), box.height()))))
    painter.setPen(colour)
    painter.drawText(box.adjusted(-2, -2, 2, 2), Qt.AlignmentFlag.AlignCenter, character(name))
