"""Paints the calendar: the ground, the visits over it, the cursor over both, and what hangs on the mouse on top."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, QRectF, Qt
from PySide6.QtGui import QPainter

from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.appointments import ground, words
from clinicdesk.desktop.appointments.columns import Column, Slot
from clinicdesk.desktop.appointments.drag import Drag
from clinicdesk.desktop.appointments.lanes import More, Place
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look import glyphs, shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.look.visit_painter import VisitLook, VisitPainter
from clinicdesk.desktop.widgets.keys import caps_width, paint_caps
from clinicdesk.features.appointments.schemas import AppointmentRow

if TYPE_CHECKING:
    from clinicdesk.desktop.appointments.calendar_view import CalendarView

_FRAME_MS = 8
"""What one paint event may spend on the visits of a new day before the rest waits for the next one."""


class CalendarPainter:
    """Paints one calendar in the current theme."""

    def __init__(self, desk: Desk, view: CalendarView) -> None:
        self._desk, self._view = desk, view
        self._visits = VisitPainter()
        self._unpainted: set[int] = set()
        """Columns of a new day whose visits have not been laid out yet."""
        self._grounds: set[int] = set()
        """Those of them whose ground is on the screen already."""

    def begin_day(self) -> None:
        """The columns are new ones: their visits may take several frames to lay out, a column at a time at least."""
        self._unpainted = set(range(len(self._view.columns())))
        self._grounds = set()

    def paint(self, painter: QPainter, clip: QRectF, *, in_parts: bool) -> QRectF:
        """Paint what `clip` touches; `in_parts`, a new day may take several frames: returns what is left for the next."""
        view = self._view
        painter.setClipRect(clip)
        columns = view.columns()
        if not columns:
            painter.fillRect(clip, theme().tokens.base)
            return QRectF()
        rtl, scale, now = view.is_rtl(), view.scale(), self._desk.now()
        bottom = view.column_area(0).bottom()
        if bottom < clip.bottom():
            painter.fillRect(QRectF(clip.left(), bottom, clip.width(), clip.bottom() - bottom + 1), theme().tokens.off)
        left = QRectF()
        spent = QElapsedTimer()
        spent.start()
        for i, column in enumerate(columns):
            area = view.column_area(i)
            seen = area & clip
            if seen.isEmpty():
                self._unpainted.discard(i)
                continue
            late = in_parts and i in self._unpainted and spent.elapsed() > _FRAME_MS
            if late and i in self._grounds:
                left = left.united(seen)
                continue
            ground.paint_ground(painter, column, area, scale, seen)
            ground.paint_lines(painter, column, area, scale, seen)
            ground.paint_edge(painter, QRectF(area.right(), 0, 0, 0) if rtl else area, seen)
            line = view.now_minute()
            if line is not None and column.day == line[0]:
                ground.paint_now(painter, area, area.top() + line[1] * scale, rtl)
            ground.paint_words(painter, column, area, scale, seen, rtl)
            if late:
                self._grounds.add(i)
                left = left.united(seen)
                continue
            self._unpainted.discard(i)
            self._paint_visits(painter, i, column, clip, now)
        self._paint_cursor(painter, clip, now)
        if ghost := view.ghost():
            self._paint_drag(painter, ghost)
        return left

    def _paint_visits(self, painter: QPainter, index: int, column: Column, clip: QRectF, now: datetime) -> None:
        rtl, area = self._view.is_rtl(), self._view.column_area(index)
        for box in column.boxes:
            rect = self._view.box_within(area, rtl, box.top, box.bottom, box.place)
            if rect.adjusted(-4, -4, 4, 4).intersects(clip):
                self._visits.paint(painter, rect, self._look(column, box.visit, now), rtl)
        for more, visits in column.more:
            self._paint_more(painter, index, more, visits)

    def _paint_cursor(self, painter: QPainter, clip: QRectF, now: datetime) -> None:
        view = self._view
        visit, column = view.current_visit(), view.current_column()
        if visit is None or column is None:
            self._paint_slot_cursor(painter, clip)
            return
        rect = QRectF(view.visit_rect(visit.id))
        if rect.isEmpty() or not rect.adjusted(-4, -4, 4, 4).intersects(clip):
            return
        focused = view.hasFocus()
        self._visits.paint(painter, rect, self._look(column, visit, now, focused), view.is_rtl())
        if not focused:
            shapes.box(painter, rect, theme().tokens.metrics.radius, None, theme().tokens.focus, 1)

    def _look(self, column: Column, visit: AppointmentRow, now: datetime, focused: bool = False) -> VisitLook:
        return words.look_of(
            visit,
            now,
            initials_only=self._desk.privacy.initials_only,
            cut=visit.id in self._view.cut(),
            rebook=column.is_stranded(visit),
            focused=focused,
        )

    def _paint_more(self, painter: QPainter, index: int, more: More, visits: tuple[AppointmentRow, ...]) -> None:
        tokens = theme().tokens
        rect = self._view.box_rect(index, more.start, more.end, more.place)
        shapes.box(painter, rect, tokens.metrics.radius, tokens.sunk, tokens.line2)
        painter.setFont(theme().font(Role.SMALL, 600))
        painter.setPen(tokens.ink2)
        painter.drawText(
            rect, Qt.AlignmentFlag.AlignCenter, f"\u2066+{self._view.locale().toString(len(visits))}\u2069"
        )
        current = self._view.current_visit()
        if current is not None and any(visit.id == current.id for visit in visits):
            shapes.focus_ring(painter, rect, tokens.metrics.radius, tokens)

    def _paint_slot_cursor(self, painter: QPainter, clip: QRectF) -> None:
        rect = self._view.cursor_rect()
        if rect.isEmpty() or not rect.adjusted(-4, -4, 4, 4).intersects(clip):
            return
        tokens = theme().tokens
        metrics = tokens.metrics
        shapes.box(painter, rect, metrics.radius, tokens.base, tokens.ctl, 1, Qt.PenStyle.DashLine)
        slot = self._view.current_slot()
        if slot is None:
            return
        self._paint_slot_words(painter, rect, slot)
        if self._view.hasFocus():
            shapes.focus_ring(painter, rect, metrics.radius, tokens)

    def _paint_slot_words(self, painter: QPainter, rect: QRectF, slot: Slot) -> None:
        """From when and how long it is free, as fully as there is room, and the key that books there where one may."""
        tokens, now = theme().tokens, self._desk.now()
        metrics = tokens.metrics
        rtl = self._view.is_rtl()
        can_book = slot.is_open and not slot.is_past(now) and self._desk.actor.may(Permission.BOOK)
        start: float = metrics.px(9)
        end = start
        if can_book:
            size = metrics.px(14)
            left = rect.right() - start - size if rtl else rect.left() + start
            glyphs.draw(painter, QRectF(left, rect.center().y() - size / 2, size, size), "ph.plus", tokens.ink2)
            start = metrics.px(27)
        painter.setFont(theme().font(Role.SMALL))
        painter.setPen(tokens.ink2)
        fonts = painter.fontMetrics()
        ways = words.of_slot(slot, now, self._view.axis().zone)
        cap: float = caps_width("N") + metrics.px(8) if can_book and rect.height() >= metrics.key_cap else 0
        room = int(rect.width()) - start - end
        # The key is left out rather than the time: it stands in the status bar too.
        if cap and fonts.horizontalAdvance(ways[1]) + cap <= room:
            x = rect.left() + end if rtl else rect.right() - end - caps_width("N")
            paint_caps(painter, x, rect.center().y(), "N", tokens.ink2, tokens.line2, rtl)
            room -= cap
            end += cap
        said = next((text for text in ways if fonts.horizontalAdvance(text) <= room), ways[-1])
        inner = rect.adjusted(end, 0, -start, 0) if rtl else rect.adjusted(start, 0, -end, 0)
        side = Qt.AlignmentFlag.AlignRight if rtl else Qt.AlignmentFlag.AlignLeft
        painter.drawText(inner, side | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute, said)

    def _paint_drag(self, painter: QPainter, drag: Drag) -> None:
        tokens = theme().tokens
        rect = self._view.box_rect(drag.column, drag.top, drag.bottom, Place(0, 1))
        column = self._view.columns()[drag.column]
        start = words.clock(self._view.axis().instant(column.day, drag.top), self._view.axis().zone)
        end = words.clock(self._view.axis().instant(column.day, drag.bottom), self._view.axis().zone)
        note = self._view.tr("%1 to %2").replace("%1", start).replace("%2", end)
        painter.setOpacity(0.92)
        if drag.visit is not None:
            look = words.look_of(drag.visit, self._desk.now(), initials_only=self._desk.privacy.initials_only)
            self._visits.paint(painter, rect, replace(look, note=note, focused=True), self._view.is_rtl())
        else:
            shapes.box(painter, rect, tokens.metrics.radius, tokens.accent_tint, tokens.accent)
            painter.setFont(theme().font(Role.SMALL, 600))
            painter.setPen(tokens.ink)
            painter.drawText(
                rect.adjusted(9, 2, -9, -2), Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignTop, note
            )
        painter.setOpacity(1)
