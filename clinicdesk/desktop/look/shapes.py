"""The few shapes that every surface is drawn with: rounded boxes, rings, hairlines, hatching."""

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from clinicdesk.desktop.look.tokens import Tokens


def box(
    painter: QPainter,
    rect: QRect | QRectF,
    radius: float,
    fill: QColor | None = None,
    edge: QColor | None = None,
    width: float = 1,
    line: Qt.PenStyle = Qt.PenStyle.SolidLine,
) -> None:
    """A rounded box whose border of `width` px lies inside `rect`, so that straight edges stay crisp."""
    outline = QRectF(rect)
    if edge is not None:
        outline = outline.adjusted(width / 2, width / 2, -width / 2, -width / 2)
        pen = QPen(edge, width, line)
        if line is Qt.PenStyle.DashLine:
            pen.setDashPattern([4 / width, 2 / width])
        elif line is Qt.PenStyle.DotLine:
            pen.setDashPattern([1 / width, 2 / width])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
    else:
        painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill if fill is not None else Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.drawRoundedRect(outline, radius, radius)


def focus_ring(painter: QPainter, rect: QRect | QRectF, radius: float, tokens: Tokens) -> None:
    """The one focus ring: outside `rect`, after a gap of 1 px that shows what lies under it."""
    metrics = tokens.metrics
    grow = metrics.focus_gap + metrics.focus_stroke
    box(painter, QRectF(rect).adjusted(-grow, -grow, grow, grow), radius + grow, None, tokens.focus,
        metrics.focus_stroke)  # fmt: skip


def bar(painter: QPainter, rect: QRect | QRectF, width: int, radius: float, colour: QColor, right: bool) -> None:
    """The status bar of a visit: the outer `width` px of the rounded box `rect`, on its leading side."""
    outline = QRectF(rect)
    shape = QPainterPath()
    shape.addRoundedRect(outline, radius, radius)
    painter.save()
    left = outline.right() - width if right else outline.left()
    painter.setClipRect(QRectF(left, outline.top(), width, outline.height()), Qt.ClipOperation.IntersectClip)
    painter.fillPath(shape, colour)
    painter.restore()


def hatch(painter: QPainter, rect: QRect | QRectF, radius: float, colour: QColor, step: int = 7) -> None:
    """Rising diagonal lines, `step` px apart, inside a rounded box."""
    area = QRectF(rect)
    painter.save()
    if radius:
        shape = QPainterPath()
        shape.addRoundedRect(area, radius, radius)
        painter.setClipPath(shape, Qt.ClipOperation.IntersectClip)
    else:
        painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1))
    height = area.height()
    first = int(area.left() - height) // step * step
    painter.drawLines(
        [
            QLineF(QPointF(x, area.bottom()), QPointF(x + height, area.top()))
            for x in range(first, int(area.right()) + step, step)
        ]
    )
    painter.restore()


def hairline(painter: QPainter, start: QPointF, end: QPointF, colour: QColor) -> None:
    """A straight line of one device pixel."""
    hairlines(painter, [QLineF(start, end)], colour)


def hairlines(painter: QPainter, lines: Sequence[QLineF], colour: QColor) -> None:
    """Straight lines of one device pixel."""
    pen = QPen(colour, 1)
    pen.setCosmetic(True)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(pen)
    painter.drawLines(lines)


def lift(painter: QPainter, rect: QRect | QRectF, radius: float, tokens: Tokens) -> None:
    """The popup box: raised fill, line2 edge, and two faint boxes behind it for height; needs 3 px below `rect`."""
    outline = QRectF(rect)
    for offset, alpha in ((3, 9), (1, 13)):
        box(painter, outline.translated(0, offset), radius, QColor(0, 0, 0, alpha))
    box(painter, outline, radius, tokens.raised, tokens.line2)
