"""Buttons that carry their key, the segmented choice, and the buttons of the rail."""

from collections.abc import Sequence
from enum import Enum

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QFont, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QPushButton, QSizePolicy, QToolButton, QWidget

from clinicdesk.desktop.look import glyphs, shapes
from clinicdesk.desktop.look.style import draw_button
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets.keys import caps_width, key_names, paint_caps


class ButtonKind(Enum):
    """How a button is drawn: the one main action, any other, one that takes something away, one on a toast."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    DANGER = "danger"
    ON_TIP = "on tip"


class ActionButton(QPushButton):
    """A verb with its glyph and key caps; the caps are drawn, `setShortcut` makes a key act.

    `height` is a height of the metrics in px at text size 1: 28 as usual, 32 in dialogs, 38 at sign-in.
    """

    def __init__(
        self,
        text: str,
        keys: str = "",
        *,
        kind: ButtonKind = ButtonKind.SECONDARY,
        glyph: str = "",
        height: int = 28,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._kind = kind
        self._glyph = glyph
        self._height = height
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAutoDefault(False)
        self.set_keys(keys)
        theme().changed.connect(self.updateGeometry)

    def keys(self) -> str:
        """The chord on the caps."""
        return self._keys

    def set_keys(self, keys: str) -> None:
        """Draw another chord."""
        self._keys = keys
        self.setAccessibleDescription(self.tr("Key: %1").replace("%1", " ".join(key_names(keys))) if keys else "")
        self.updateGeometry()
        self.update()

    def set_glyph(self, glyph: str) -> None:
        """Draw another glyph."""
        self._glyph = glyph
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = theme().tokens.metrics
        return QSize(round(self._content_width()) + 2 * metrics.px(12 if self.text() else 6), metrics.px(self._height))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        metrics = tokens.metrics
        painter = QPainter(self)
        enabled, hover = self.isEnabled(), self.underMouse()
        down = self.isDown() or self.isChecked()
        ink, edge = self._paint_ground(painter, enabled, hover, down)
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        x = (self.width() - self._content_width()) / 2
        middle = self.height() / 2

        def place(width: float) -> float:
            return self.width() - x - width if mirrored else x

        if self._glyph:
            size = metrics.icon
            glyphs.draw(painter, QRectF(place(size), middle - size / 2, size, size), self._glyph, ink)
            x += size + (metrics.px(7) if self.text() else 0)
        if self.text():
            painter.setFont(self._font())
            painter.setPen(ink)
            width = self._text_width()
            painter.drawText(QRectF(place(width), 0, width + 1, self.height()),
                             Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextShowMnemonic | Qt.TextFlag.TextSingleLine,
                             self.text())  # fmt: skip
            x += width + metrics.px(8)
        if self._keys:
            paint_caps(
                painter,
                place(caps_width(self._keys)),
                middle,
                self._keys,
                ink if self._solid() else tokens.ink2 if enabled else ink,
                edge,
                mirrored,
            )

    def _solid(self) -> bool:
        return self._kind in (ButtonKind.PRIMARY, ButtonKind.ON_TIP)

    def _paint_ground(self, painter: QPainter, enabled: bool, hover: bool, down: bool) -> tuple[QColor, QColor]:
        """Draw the box, and return the colours of the text and of the edges of caps."""
        tokens = theme().tokens
        if self._kind is ButtonKind.ON_TIP:
            edge = QColor(tokens.on_tip)
            edge.setAlpha(130)
            fill = QColor(tokens.on_tip)
            fill.setAlpha(44 if down else 24 if hover else 0)
            shapes.box(painter, self.rect(), tokens.metrics.radius, fill, edge)
            return tokens.on_tip, edge
        primary, danger = self._kind is ButtonKind.PRIMARY, self._kind is ButtonKind.DANGER
        draw_button(
            painter, self.rect(), tokens, primary=primary, enabled=enabled, hover=hover, down=down, danger=danger
        )
        if not enabled:
            return tokens.ink3, tokens.line2
        if primary:
            return tokens.on_solid, tokens.on_solid
        return (tokens.rust_ink if danger else tokens.ink), tokens.line2

    def _font(self) -> QFont:
        return theme().font(Role.BODY, 600 if self._kind is ButtonKind.PRIMARY else 500)

    def _text_width(self) -> float:
        return QFontMetricsF(self._font()).size(Qt.TextFlag.TextShowMnemonic, self.text()).width()

    def _content_width(self) -> float:
        metrics = theme().tokens.metrics
        parts = [metrics.icon] if self._glyph else []
        width: float = sum(parts) + (metrics.px(7) if self._glyph and self.text() else 0)
        width += self._text_width() if self.text() else 0
        return width + (metrics.px(8) + caps_width(self._keys) if self._keys else 0)


class Segmented(QWidget):
    """One choice of a few, side by side: "Day | Week | List". Tab enters, arrows choose."""

    chosen = Signal(str)

    def __init__(self, segments: Sequence[tuple[str, str]], name: str, parent: QWidget | None = None) -> None:
        """`segments` are (key, shown text); `name` says to a screen reader what is being chosen."""
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(1, 1, 1, 1)
        row.setSpacing(1)
        self._group = QButtonGroup(self)
        self._segments: dict[str, _Segment] = {}
        for key, text in segments:
            segment = _Segment(text, self)
            self._group.addButton(segment)
            self._segments[key] = segment
            row.addWidget(segment)
        self._segments[segments[0][0]].setChecked(True)
        self._group.buttonToggled.connect(self._toggled)

    def _toggled(self, segment: QAbstractButton, on: bool) -> None:
        if on:
            self.chosen.emit(self.current())

    def current(self) -> str:
        """The key of the chosen segment."""
        return next(key for key, segment in self._segments.items() if segment.isChecked())

    def choose(self, key: str) -> None:
        """Choose a segment; raises KeyError for one that is not there. Emits `chosen` when it is another one."""
        self._segments[key].setChecked(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        shapes.box(painter, self.rect(), tokens.metrics.radius, tokens.base, tokens.ctl)
        for segment in list(self._segments.values())[1:]:
            edge = segment.geometry()
            x = edge.right() + 1 if self.layoutDirection() is Qt.LayoutDirection.RightToLeft else edge.left() - 1
            painter.fillRect(QRect(x, 1, 1, self.height() - 2), tokens.ctl)


class _Segment(QToolButton):
    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        metrics = theme().tokens.metrics
        text = QFontMetricsF(theme().font(Role.BODY, 600)).horizontalAdvance(self.text())
        return QSize(round(text) + metrics.px(22), metrics.button - 2)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        on = self.isChecked()
        chosen = tokens.solid if tokens.is_contrast else tokens.sel
        if on or self.underMouse():
            shapes.box(painter, self.rect(), tokens.metrics.radius - 1, chosen if on else tokens.alt)
        painter.setFont(theme().font(Role.BODY, 600 if on else 400))
        painter.setPen(tokens.on_solid if on and tokens.is_contrast else tokens.ink)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())


class RailButton(QToolButton):
    """One screen on the rail: a glyph over its name, filled while it is open, with a count of what waits there."""

    def __init__(self, text: str, glyph: str, parent: QWidget | None = None) -> None:
        """`glyph` is the plain one, "ph.calendar-blank"; its filled sister is drawn while checked."""
        super().__init__(parent)
        self.setText(text)
        self._glyph = glyph
        self._count = 0
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(text)
        theme().changed.connect(self.updateGeometry)

    def set_count(self, count: int) -> None:
        """Show how many things wait on that screen; 0 shows nothing."""
        self._count = count
        self.setAccessibleName(
            self.tr("%1, %n waiting", "", count).replace("%1", self.text()) if count else self.text()
        )
        self.update()

    def sizeHint(self) -> QSize:
        metrics = theme().tokens.metrics
        return QSize(metrics.rail - metrics.px(12), metrics.rail_item)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        metrics = tokens.metrics
        painter = QPainter(self)
        on = self.isChecked()
        if on:
            shapes.box(painter, self.rect(), metrics.radius_card, tokens.base, tokens.line)
        elif self.underMouse():
            shapes.box(painter, self.rect(), metrics.radius_card, tokens.sunk)
        ink = tokens.accent if on else tokens.ink2
        size = metrics.icon_rail
        icon = QRectF((self.width() - size) / 2, metrics.px(8), size, size)
        glyphs.draw(painter, icon, f"{self._glyph}-fill" if on else self._glyph, ink)
        painter.setFont(theme().font(Role.HAIR, 600 if on else 500))
        painter.drawText(
            QRectF(0, metrics.px(29), self.width(), metrics.px(18)), Qt.AlignmentFlag.AlignCenter, self.text()
        )
        if self._count:
            self._paint_count(painter, icon)

    def _paint_count(self, painter: QPainter, icon: QRectF) -> None:
        tokens = theme().tokens
        metrics = tokens.metrics
        text = self.locale().toString(self._count)
        painter.setFont(theme().font(Role.BADGE, 600))
        width = max(metrics.px(15), round(QFontMetricsF(painter.font()).horizontalAdvance(text)) + metrics.px(7))
        left = (
            icon.left() - width + metrics.px(8)
            if self.layoutDirection() is Qt.LayoutDirection.RightToLeft
            else icon.right() - metrics.px(8)
        )
        badge = QRectF(left, icon.top() - metrics.px(3), width, metrics.px(15))
        shapes.box(painter, badge, badge.height() / 2, tokens.rust)
        painter.setPen(tokens.base)
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)
