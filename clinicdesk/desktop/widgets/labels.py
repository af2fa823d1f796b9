"""Words and signs on a surface: text in a role, glyphs, chips, and the tile of a person's initials."""

from typing import Literal, Self

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from clinicdesk.desktop.look import glyphs, shapes
from clinicdesk.desktop.look.status import Fill, status_look
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import ColourName, Role
from clinicdesk.desktop.look.visit_painter import initials

Tone = Literal["slate", "amber", "rust", "sand", "ok", "accent", "quiet", "solid"]

_TONES: dict[Tone, tuple[ColourName, ColourName, ColourName]] = {
    "slate": ("slate_tint", "slate_ink", "slate"),
    "amber": ("amber_tint", "amber_ink", "amber"),
    "rust": ("rust_tint", "rust_ink", "rust"),
    "sand": ("sand_tint", "sand_ink", "sand"),
    "ok": ("ok_tint", "ok", "ok"),
    "accent": ("accent_tint", "accent", "accent"),
    "quiet": ("base", "ink2", "line2"),
    "solid": ("solid", "on_solid", "solid"),
}


class TextLabel(QLabel):
    """Plain text in a type role and a token colour; follows the theme."""

    def __init__(
        self,
        text: str = "",
        role: Role = Role.BODY,
        colour: ColourName = "ink",
        weight: int | None = None,
        *,
        wrap: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._role, self._weight = role, weight
        self._colour: ColourName = colour
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        # On a page of role Base, a label would take the colour of Text.
        self.setForegroundRole(QPalette.ColorRole.WindowText)
        self._dress()
        theme().changed.connect(self._dress)

    def set_colour(self, colour: ColourName) -> None:
        """Show the text in another token colour."""
        self._colour = colour
        self._dress()

    def _dress(self) -> None:
        self.setFont(theme().font(self._role, self._weight))
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.WindowText, theme().tokens.colour(self._colour))
        self.setPalette(palette)


class Chip(QWidget):
    """A small word with a glyph on its tint: a visit's status, or a badge such as "Chain verified"."""

    def __init__(
        self, text: str, tone: Tone = "quiet", glyph: str = "", *, outlined: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.updateGeometry)
        self._outlined = outlined
        self.set_chip(text, tone, glyph)

    @classmethod
    def for_status(
        cls, status: str, confirmed: bool = False, in_progress: bool = False, parent: QWidget | None = None
    ) -> Self:
        """The chip of a visit's status."""
        look = status_look(status, confirmed, in_progress)
        tone: Tone = "quiet" if look.family == "done" else look.family
        return cls(look.label, tone, look.glyph, outlined=look.fill is Fill.BASE, parent=parent)

    def set_chip(self, text: str, tone: Tone, glyph: str = "") -> None:
        """Show another text, tone and glyph."""
        self._text, self._tone, self._glyph = text, tone, glyph
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def text(self) -> str:
        """The word on the chip."""
        return self._text

    def sizeHint(self) -> QSize:
        metrics = theme().tokens.metrics
        text = QFontMetricsF(theme().font(Role.SMALL, 500)).horizontalAdvance(self._text)
        glyph = metrics.px(18) if self._glyph else 0
        return QSize(round(text) + metrics.px(16) + glyph, metrics.px(24) if self._outlined else metrics.chip)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_chip(
            painter, QRectF(self.rect()), self._text, self._tone, self._glyph, self._outlined,
            self.layoutDirection() is Qt.LayoutDirection.RightToLeft,
        )  # fmt: skip


def paint_chip(
    painter: QPainter, rect: QRectF, text: str, tone: Tone, glyph: str, outlined: bool, right_to_left: bool
) -> None:
    """Paint a chip that fills `rect`; delegates use it for the status column of a table."""
    tokens = theme().tokens
    metrics = tokens.metrics
    tint, ink, edge = _TONES[tone]
    bordered = outlined or tone == "quiet" or tokens.is_contrast
    shapes.box(painter, rect, metrics.radius_chip, tokens.colour(tint), tokens.colour(edge) if bordered else None)
    inner = rect.adjusted(metrics.px(8), 0, -metrics.px(8), 0)
    if glyph:
        size = metrics.px(14)
        left = inner.right() - size + 1 if right_to_left else inner.left() - 1
        colour = tokens.ok if glyph == "ph.check-bold" and tone == "quiet" else tokens.colour(ink)
        glyphs.draw(painter, QRectF(left, rect.center().y() - size / 2, size, size), glyph, colour)
        inner = inner.adjusted(0, 0, -metrics.px(18), 0) if right_to_left else inner.adjusted(metrics.px(18), 0, 0, 0)
    painter.setFont(theme().font(Role.SMALL, 500))
    painter.setPen(tokens.colour(ink))
    side = Qt.AlignmentFlag.AlignRight if right_to_left else Qt.AlignmentFlag.AlignLeft
    painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | side | Qt.AlignmentFlag.AlignAbsolute, text)


class Glyph(QWidget):
    """A glyph of `size` px in a token colour; a picture for the eye only, so it has no name."""

    def __init__(self, name: str, size: int = 16, colour: ColourName = "ink2", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._size = name, size
        self._colour: ColourName = colour
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.updateGeometry)

    def set_glyph(self, name: str, colour: ColourName | None = None) -> None:
        """Draw another glyph, in another colour if one is given."""
        self._name = name
        self._colour = colour or self._colour
        self.update()

    def sizeHint(self) -> QSize:
        side = theme().tokens.metrics.px(self._size)
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        glyphs.draw(QPainter(self), QRectF(self.rect()), self._name, theme().tokens.colour(self._colour))


class InitialsTile(QWidget):
    """The initials of a person on a quiet tile of `size` px: 22 in tables, 28 in headers, 48 on a record."""

    def __init__(self, name: str, size: int = 28, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._size = size
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.updateGeometry)
        self.set_name(name)

    def set_name(self, name: str) -> None:
        """Show the initials of another person."""
        self._initials = initials(name)
        self.setAccessibleName(self._initials)
        self.update()

    def sizeHint(self) -> QSize:
        side = theme().tokens.metrics.px(self._size)
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        shapes.box(painter, self.rect(), tokens.metrics.radius_card if self._size > 24 else tokens.metrics.radius, tokens.sunk,
                   tokens.ink if tokens.is_contrast else None)  # fmt: skip
        role = Role.CARD if self._size >= 40 else Role.HAIR if self._size >= 28 else Role.BADGE
        painter.setFont(theme().font(role, 600))
        painter.setPen(tokens.ink2)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._initials)
