"""Paints what lies under the visits: open and closed hours, absences with their words, hairlines and the now-line."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPolygonF

from clinicdesk.desktop.appointments.columns import Column
from clinicdesk.desktop.look import glyphs, shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.features.practitioners.schemas import AbsenceKind

_translate = QCoreApplication.translate


def paint_ground(painter: QPainter, column: Column, area: QRectF, scale: float, clip: QRectF) -> None:
    """Paint a column's hours into `area`, its whole height at `scale` px a minute; only what `clip` touches."""
    tokens = theme().tokens
    painter.fillRect(area & clip, tokens.base)

    def part(top: float, bottom: float) -> QRectF:
        return QRectF(area.left(), area.top() + top * scale, area.width(), (bottom - top) * scale)

    for closed in column.closed:
        painter.fillRect(part(closed.top, closed.bottom) & clip, tokens.off)
    for top, bottom in column.axis.missing(column.day):
        painter.fillRect(part(top, bottom) & clip, tokens.off)
        _hatch(painter, part(top, bottom), clip)
    for shut in column.shut:
        rect = part(shut.top, shut.bottom)
        if shut.absence.kind is AbsenceKind.LEAVE:
            painter.fillRect(rect & clip, tokens.off)
        _hatch(painter, rect, clip)
    if column.holiday:
        _hatch(painter, area, clip)


def paint_words(painter: QPainter, column: Column, area: QRectF, scale: float, clip: QRectF, rtl: bool) -> None:
    """Write beside a hatched or closed stretch what it is; the words stay in sight while the stretch does."""

    def label(top: float, bottom: float, glyph: str, text: str, hatched: bool = True) -> None:
        rect = QRectF(area.left(), area.top() + top * scale, area.width(), (bottom - top) * scale)
        _label(painter, rect, clip, glyph, text, hatched, rtl)

    if column.holiday:
        label(0, column.axis.length, "ph.flag", column.holiday)
        return
    for closed in column.closed:
        if closed.is_break:
            text = _translate("Calendar", "Lunch") if closed.is_lunch else _translate("Calendar", "Break")
            label(closed.top, closed.bottom, "ph.coffee", text, hatched=False)
    for shut in column.shut:
        if shut.absence.kind is AbsenceKind.LEAVE:
            label(shut.top, shut.bottom, "ph.airplane-takeoff", shut.absence.note or _translate("Calendar", "On leave"))
        else:
            label(shut.top, shut.bottom, "ph.prohibit", shut.absence.note or _translate("Calendar", "Blocked"))


def paint_lines(painter: QPainter, column: Column, area: QRectF, scale: float, clip: QRectF) -> None:
    """The hairline of each half-hour, and the one that parts the column from the next."""
    heights = (round(area.top() + mark.minute * scale) for mark in column.axis.marks)
    lines = [QLineF(area.left(), y, area.right() - 1, y) for y in heights if clip.top() - 1 <= y <= clip.bottom() + 1]
    shapes.hairlines(painter, lines, theme().tokens.line)


def paint_edge(painter: QPainter, area: QRectF, clip: QRectF) -> None:
    """The hairline down the leading edge of a column."""
    shapes.hairline(
        painter, QPointF(area.left(), clip.top()), QPointF(area.left(), clip.bottom()), theme().tokens.line2
    )


def paint_now(painter: QPainter, area: QRectF, y: float, rtl: bool) -> None:
    """The now-line across a column, with an arrow head on its leading edge."""
    ink = theme().tokens.ink
    painter.fillRect(QRectF(area.left(), round(y) - 1, area.width(), 2), ink)
    edge, way = (area.right(), -1) if rtl else (area.left(), 1)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ink)
    painter.drawPolygon(QPolygonF([QPointF(edge, y - 5), QPointF(edge + way * 6, y), QPointF(edge, y + 5)]))


def _hatch(painter: QPainter, rect: QRectF, clip: QRectF) -> None:
    # Phase is kept by the rect's own corner, so that what is painted in parts joins up.
    seen = rect & clip.adjusted(-1, -1, 1, 1)
    if seen.isEmpty():
        return
    painter.save()
    painter.setClipRect(seen, Qt.ClipOperation.IntersectClip)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(theme().tokens.hatch)
    step, height = 8, seen.height()
    phase = (rect.left() + rect.top()) % step
    first = ((seen.left() + seen.top()) // step) * step + phase - step
    total = first
    while total < seen.right() + seen.bottom() + step:
        painter.drawLine(QPointF(total - seen.top(), seen.top()), QPointF(total - seen.top() - height, seen.bottom()))
        total += step
    painter.restore()


def _label(painter: QPainter, rect: QRectF, clip: QRectF, glyph: str, text: str, hatched: bool, rtl: bool) -> None:
    tokens = theme().tokens
    metrics = tokens.metrics
    height = metrics.px(20)
    if rect.height() < metrics.visit_one_line or not rect.intersects(clip):
        return
    y = min(max(rect.top() + metrics.px(8), metrics.px(4)), rect.bottom() - height)
    y = max(y, rect.top()) if rect.height() >= height else rect.center().y() - height / 2
    font = theme().font(Role.SMALL)
    room = int(rect.width() - metrics.px(40))
    text = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, room)
    width = QFontMetricsF(font).horizontalAdvance(text) + metrics.px(26)
    left = rect.right() - metrics.px(8) - width if rtl else rect.left() + metrics.px(8)
    box = QRectF(left, y, width, height)
    if hatched:
        fill = QColor(tokens.base)
        fill.setAlpha(220)
        shapes.box(painter, box, metrics.radius_chip, fill)
    size = metrics.px(14)
    icon_left = box.right() - size - metrics.px(3) if rtl else box.left() + metrics.px(3)
    glyphs.draw(painter, QRectF(icon_left, box.center().y() - size / 2, size, size), glyph, tokens.ink3)
    painter.setFont(font)
    painter.setPen(tokens.ink2)
    words = box.adjusted(metrics.px(3), 0, -metrics.px(20), 0) if rtl else box.adjusted(metrics.px(20), 0, 0, 0)
    side = Qt.AlignmentFlag.AlignRight if rtl else Qt.AlignmentFlag.AlignLeft
    painter.drawText(words, side | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute, text)
