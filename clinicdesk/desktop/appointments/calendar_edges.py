"""What stays in sight while the calendar scrolls: the heads of the columns above it, the hours beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QHelpEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolTip, QWidget

from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.look import glyphs, shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import ColourName, Role

if TYPE_CHECKING:
    from clinicdesk.desktop.appointments.calendar_grid import CalendarGrid

_LEADING = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
_TRAILING = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute


@dataclass(frozen=True, slots=True)
class Heading:
    """What heads a column: who or which day, a line under it, and at the end how it stands there."""

    title: str
    short_title: str = ""
    """Where the title does not fit."""
    subtitle: str = ""
    short_subtitle: str = ""
    """Where the subtitle does not fit."""
    tile: str = ""
    aside: str = ""
    aside_glyph: str = ""
    aside_colour: ColourName = "ink3"
    waiting: int = 0
    strong: bool = False
    """Today, among other days."""


class Header(QWidget):
    """The heads of the columns; a click chooses one."""

    def __init__(self, view: CalendarGrid) -> None:
        super().__init__(view)
        self._view = view
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.fillRect(event.rect(), tokens.base)
        shift = self._view.viewport().x()
        visible = QRectF(shift, 0, self._view.viewport().width(), self.height())
        painter.setClipRect(visible)
        for i, column in enumerate(self._view.columns()):
            area = self._view.column_area(i)
            rect = QRectF(area.left() + shift, 0, area.width(), self.height())
            if rect.intersects(visible):
                self._paint(painter, rect, self._view.heading(column))
        painter.setClipping(False)
        shapes.hairline(painter, QPointF(0, self.height() - 1), QPointF(self.width(), self.height() - 1), tokens.line2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self._index_at(event.position().x())
        if index is not None:
            self._view.choose_heading(index)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            index = self._index_at(event.pos().x())
            if index is not None:
                heading = self._view.heading(self._view.columns()[index])
                QToolTip.showText(event.globalPos(), ", ".join(filter(None, (heading.title, heading.subtitle))))
            return True
        return super().event(event)

    def _index_at(self, x: float) -> int | None:
        inner = x - self._view.viewport().x()
        if not self._view.columns() or not 0 <= inner < self._view.viewport().width():
            return None
        return self._view.column_at(inner)

    def _paint(self, painter: QPainter, rect: QRectF, heading: Heading) -> None:
        tokens = theme().tokens
        metrics = tokens.metrics
        rtl = self._view.is_rtl()
        leading, trailing = (_TRAILING, _LEADING) if rtl else (_LEADING, _TRAILING)
        edge = rect.right() if rtl else rect.left()
        shapes.hairline(painter, QPointF(edge, 0), QPointF(edge, self.height()), tokens.line2)
        inner = rect.adjusted(metrics.px(10), 0, -metrics.px(10), 0)
        # Where somebody runs late, their name needs the room more than their initials do.
        if heading.tile and rect.width() >= metrics.px(230 if heading.aside_glyph else 180):
            size = metrics.px(28)
            left = inner.right() - size if rtl else inner.left()
            tile = QRectF(left, (rect.height() - size) / 2, size, size)
            shapes.box(painter, tile, metrics.radius, tokens.sunk, tokens.ink if tokens.is_contrast else None)
            painter.setFont(theme().font(Role.HAIR, 600))
            painter.setPen(tokens.ink2)
            painter.drawText(tile, Qt.AlignmentFlag.AlignCenter, heading.tile)
            inner = (
                inner.adjusted(0, 0, -size - metrics.px(9), 0) if rtl else inner.adjusted(size + metrics.px(9), 0, 0, 0)
            )
        upper = QRectF(inner.left(), metrics.px(8), inner.width(), metrics.px(18))
        lower = QRectF(inner.left(), metrics.px(26), inner.width(), metrics.px(17))

        aside = self._paint_aside(painter, upper, heading, trailing, rtl)
        title_font = theme().name_font(Role.BODY, 600)
        title_room = upper.width() - aside
        colour = tokens.accent if heading.strong else tokens.ink
        title = heading.title
        if heading.short_title and QFontMetricsF(title_font).horizontalAdvance(title) > title_room:
            title = heading.short_title
        self._write(painter, _narrowed(upper, aside, rtl), title, title_font, colour, leading, title_room)

        used = 0.0
        if heading.waiting:
            count = self.locale().toString(heading.waiting)
            font = theme().font(Role.SMALL)
            width = QFontMetricsF(font).horizontalAdvance(count)
            painter.setFont(font)
            painter.setPen(tokens.ink2)
            painter.drawText(lower, trailing, count)
            size = metrics.px(13)
            left = lower.left() + width + metrics.px(4) if rtl else lower.right() - width - metrics.px(4) - size
            glyphs.draw(painter, QRectF(left, lower.center().y() - size / 2, size, size), "ph.armchair", tokens.ink2)
            used = width + size + metrics.px(10)
        small, room = theme().font(Role.SMALL), lower.width() - used
        subtitle = heading.subtitle
        if heading.short_subtitle and QFontMetricsF(small).horizontalAdvance(subtitle) > room:
            subtitle = heading.short_subtitle
        self._write(painter, _narrowed(lower, used, rtl), subtitle, small, tokens.ink2, leading, room)

    def _paint_aside(
        self, painter: QPainter, rect: QRectF, heading: Heading, trailing: Qt.AlignmentFlag, rtl: bool
    ) -> float:
        """Paint how the column stands, where there is room beside the title, and return the width that it takes."""
        tokens = theme().tokens
        metrics = tokens.metrics
        if not heading.aside:
            return 0.0
        font = theme().font(Role.SMALL, 500 if heading.aside_glyph else 400)
        width = QFontMetricsF(font).horizontalAdvance(heading.aside)
        size = metrics.px(14) if heading.aside_glyph else 0
        total = width + size + (metrics.px(4) if size else 0) + metrics.px(8)
        least = QFontMetricsF(theme().name_font(Role.BODY, 600)).horizontalAdvance(heading.title)
        if rect.width() - total < least and not heading.aside_glyph:
            return 0.0
        painter.setFont(font)
        painter.setPen(tokens.colour(heading.aside_colour))
        painter.drawText(rect, trailing, heading.aside)
        if size:
            left = rect.left() + width + metrics.px(4) if rtl else rect.right() - width - metrics.px(4) - size
            box = QRectF(left, rect.center().y() - size / 2, size, size)
            glyphs.draw(painter, box, heading.aside_glyph, tokens.colour(heading.aside_colour))
        return total

    def _write(
        self,
        painter: QPainter,
        rect: QRectF,
        text: str,
        font: QFont,
        colour: QColor,
        side: Qt.AlignmentFlag,
        room: float,
    ) -> None:
        painter.setFont(font)
        painter.setPen(colour)
        shown = QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, max(int(room), 0))
        painter.drawText(rect, side, shown)


class Gutter(QWidget):
    """The local hours beside the columns, and the present in a pill; an hour that the clock repeats stands there twice."""

    def __init__(self, view: CalendarGrid) -> None:
        super().__init__(view)
        self._view = view
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        metrics = tokens.metrics
        painter = QPainter(self)
        painter.fillRect(event.rect(), tokens.base)
        if not self._view.columns():
            return
        offset, scale, rtl = self._view.verticalScrollBar().value(), self._view.scale(), self._view.is_rtl()
        now = self._view.now_minute()
        pill_y = now[1] * scale - offset if now else None
        painter.setFont(theme().font(Role.HAIR))
        side = _LEADING if rtl else _TRAILING
        for mark in self._view.axis().marks:
            if not mark.is_hour:
                continue
            y = mark.minute * scale - offset
            if not -20 < y < self.height() + 20 or (pill_y is not None and abs(pill_y - y) < metrics.px(15)):
                continue
            box = QRectF(metrics.px(4), y - metrics.px(8), self.width() - metrics.px(14), metrics.px(16))
            if mark.minute == 0:
                continue
            painter.setPen(tokens.ink2)
            painter.drawText(box, side, words.clock(mark.at))
            tick = self.width() - metrics.px(6)
            ends = (0.0, metrics.px(6)) if rtl else (tick, self.width())
            shapes.hairline(painter, QPointF(ends[0], round(y)), QPointF(ends[1], round(y)), tokens.line)
        if now and pill_y is not None:
            self._paint_pill(painter, pill_y)

    def _paint_pill(self, painter: QPainter, y: float) -> None:
        tokens = theme().tokens
        metrics = tokens.metrics
        font = theme().font(Role.HAIR, 600)
        text = words.clock(self._view.now())
        width = min(QFontMetricsF(font).horizontalAdvance(text) + metrics.px(12), self.width() - 4)
        left = metrics.px(4) if self._view.is_rtl() else self.width() - width - metrics.px(4)
        pill = QRectF(left, round(y) - metrics.px(9), width, metrics.px(18))
        shapes.box(painter, pill, pill.height() / 2, tokens.tip)
        painter.setFont(font)
        painter.setPen(tokens.on_tip)
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)


def _narrowed(rect: QRectF, by: float, rtl: bool) -> QRectF:
    return rect.adjusted(by, 0, 0, 0) if rtl else rect.adjusted(0, 0, -by, 0)
