"""Key caps: the key of an action, written beside it."""

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from clinicdesk.desktop.look import shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import ColourName, Role
from clinicdesk.desktop.widgets.labels import TextLabel


def key_names(keys: str) -> tuple[str, ...]:
    """The caps of a chord such as "Ctrl+K" or "Alt+1–5", in the user's language; "+" alone is the plus key."""
    parts = [keys] if keys in ("", "+") else keys.split("+")
    return tuple(QCoreApplication.translate("QShortcut", part) for part in parts if part)


def caps_width(keys: str) -> float:
    """The width in px of the caps of a chord."""
    names = key_names(keys)
    metrics = theme().tokens.metrics
    return sum(_cap_width(name) for name in names) + metrics.px(4) * max(len(names) - 1, 0)


def paint_caps(
    painter: QPainter, left: float, middle: float, keys: str, ink: QColor, edge: QColor, mirrored: bool = False
) -> None:
    """Paint the caps of a chord from `left`, centred on the height `middle`; mirrored lets the chord read leftwards."""
    metrics = theme().tokens.metrics
    names = key_names(keys)
    for name in reversed(names) if mirrored else names:
        width = _cap_width(name)
        rect = QRectF(left, round(middle - metrics.key_cap / 2), width, metrics.key_cap)
        shapes.box(painter, rect, metrics.radius_chip, None, edge)
        shapes.hairline(
            painter, QPointF(rect.left() + 2, rect.bottom() - 2), QPointF(rect.right() - 3, rect.bottom() - 2), edge
        )
        painter.setFont(theme().font(Role.HAIR, 500))
        painter.setPen(ink)
        painter.drawText(rect.adjusted(0, 0, 0, -1), Qt.AlignmentFlag.AlignCenter, name)
        left += width + metrics.px(4)


def _cap_width(name: str) -> float:
    metrics = theme().tokens.metrics
    text = QFontMetricsF(theme().font(Role.HAIR, 500)).horizontalAdvance(name)
    return max(round(text) + metrics.px(11), metrics.key_cap)


class KeyCap(QWidget):
    """The caps of one chord, drawn and not pressed."""

    def __init__(
        self, keys: str, parent: QWidget | None = None, *, ink: ColourName = "ink2", edge: ColourName = "line2"
    ) -> None:
        super().__init__(parent)
        self._keys = keys
        self._ink: ColourName = ink
        self._edge: ColourName = edge
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(" ".join(key_names(keys)))
        theme().changed.connect(self.updateGeometry)

    def keys(self) -> str:
        """The chord, as it was given."""
        return self._keys

    def sizeHint(self) -> QSize:
        return QSize(round(caps_width(self._keys)), theme().tokens.metrics.key_cap)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = theme().tokens
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        paint_caps(
            painter, 0, self.height() / 2, self._keys, tokens.colour(self._ink), tokens.colour(self._edge), mirrored
        )


class KeyHint(QWidget):
    """Caps and what they do, "Space advance": for the status bar and the heads of panes."""

    def __init__(self, keys: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme().tokens.metrics.px(5))
        row.addWidget(KeyCap(keys, self))
        row.addWidget(TextLabel(text, Role.SMALL, "ink2", parent=self))
        self.setAccessibleName(f"{' '.join(key_names(keys))} {text}")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
