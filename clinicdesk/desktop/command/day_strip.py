"""The practitioner's day around an opening: what is taken, without names, and where the visit would stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.day_axis import DayAxis
from clinicdesk.desktop.look import shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.look.visit_painter import VisitLook, VisitPainter
from clinicdesk.desktop.widgets.keys import caps_width, paint_caps
from clinicdesk.features.appointments.schemas import AppointmentRow, DaySchedule, Opening, Status

_SCALE = 1.6
"""Pixels per minute."""
_LEAD = 60
"""Minutes shown before the first opening."""
_HIDDEN = frozenset({Status.CANCELLED, Status.ENTERED_IN_ERROR, Status.WAITLIST, Status.NOSHOW})


@dataclass(frozen=True, slots=True)
class Marked:
    """An opening with its number in the list."""

    number: int
    opening: Opening


class DayStrip(QWidget):
    """A stretch of one day, from an hour before the first opening on; it does not move while the chosen one is in sight."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axis: DayAxis | None = None
        self._schedule: DaySchedule | None = None
        self._marked: tuple[Marked, ...] = ()
        self._chosen: Opening | None = None
        self._patient = ""
        self._first = 0.0
        self._painter = VisitPainter()
        theme().changed.connect(self.update)

    def show_day(
        self, schedule: DaySchedule, axis: DayAxis, marked: Sequence[Marked], chosen: Opening, patient: str
    ) -> None:
        """Show the day of one practitioner with these openings in it; `patient` is written into the chosen one."""
        known = self._schedule
        same = known is not None and known.day == schedule.day and _whose(known) == _whose(schedule)
        self._schedule, self._axis, self._marked, self._chosen, self._patient = (
            schedule, axis, tuple(marked), chosen, patient
        )  # fmt: skip
        if not same or not self._in_sight(chosen):
            first = min(axis.minute(mark.opening.start) for mark in marked)
            first = first if self._span_fits(first, chosen) else axis.minute(chosen.start)
            self._first = max(0.0, (first - _LEAD) // 30 * 30)
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self._schedule = self._axis = self._chosen = None
        self.update()

    def sizeHint(self) -> QSize:
        metrics = theme().tokens.metrics
        return QSize(metrics.px(240), metrics.px(200))

    def _minutes(self) -> float:
        return self.height() / self._scale()

    def _scale(self) -> float:
        return _SCALE * theme().tokens.metrics.text_size

    def _span_fits(self, first: float, chosen: Opening) -> bool:
        return self._axis is not None and self._axis.minute(chosen.end) <= first - _LEAD + self._minutes()

    def _in_sight(self, chosen: Opening) -> bool:
        if self._axis is None:
            return False
        start = self._axis.minute(chosen.start)
        length = (chosen.end - chosen.start).total_seconds() / 60
        return self._first <= start and start + length <= self._first + self._minutes()

    def paintEvent(self, event: QPaintEvent) -> None:
        schedule, axis = self._schedule, self._axis
        if schedule is None or axis is None:
            return
        tokens = theme().tokens
        metrics = tokens.metrics
        painter = QPainter(self)
        gutter = metrics.px(44)
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        column = QRectF(0 if mirrored else gutter, 0, self.width() - gutter, self.height())
        hours = QRectF(self.width() - gutter if mirrored else 0, 0, gutter - metrics.px(8), 0)
        self._paint_closed(painter, schedule, axis, column)
        painter.setFont(theme().font(Role.HAIR))
        for mark in axis.marks:
            top = self._y(mark.minute)
            if mark.is_hour and 0 <= top < self.height() - metrics.px(7):
                shapes.hairline(painter, QPointF(column.left(), top), QPointF(column.right(), top), tokens.line)
                painter.setPen(tokens.ink2)
                line = hours.translated(0, max(top - metrics.px(7), 0)).adjusted(0, 0, 0, metrics.px(14))
                painter.drawText(
                    line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words.clock(mark.at)
                )
        for visit in schedule.visits:
            span = axis.span(schedule.day, visit.start, visit.end)
            if span is not None and visit.status not in _HIDDEN:
                self._painter.paint(painter, self._box(span, column), _nameless(visit), mirrored)
        for marked in sorted(self._marked, key=lambda marked: marked.opening == self._chosen):
            span = axis.span(schedule.day, marked.opening.start, marked.opening.end)
            if span is not None:
                self._paint_opening(
                    painter, marked, words.clock(marked.opening.start, axis.zone), self._box(span, column)
                )

    def _y(self, minute: float) -> float:
        return round((minute - self._first) * self._scale())

    def _box(self, span: tuple[float, float], column: QRectF) -> QRectF:
        top, bottom = map(self._y, span)
        return QRectF(column.left(), top + 1, column.width() - 1, max(bottom - top - 2, 4))

    def _paint_closed(self, painter: QPainter, schedule: DaySchedule, axis: DayAxis, column: QRectF) -> None:
        """Hours in which no visits are taken lie on another ground."""
        tokens = theme().tokens
        painter.fillRect(column, tokens.off)
        for day in schedule.working:
            for stretch in day.open:
                span = axis.span(schedule.day, stretch.start, stretch.end)
                if span is not None:
                    top, bottom = map(self._y, span)
                    painter.fillRect(QRectF(column.left(), top, column.width(), bottom - top), tokens.raised)

    def _paint_opening(self, painter: QPainter, marked: Marked, clock: str, box: QRectF) -> None:
        tokens = theme().tokens
        metrics = tokens.metrics
        chosen, mirrored = marked.opening == self._chosen, self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        if chosen:
            shapes.box(painter, box, metrics.radius, tokens.accent_tint, tokens.focus, metrics.focus_stroke)
        else:
            shapes.box(painter, box, metrics.radius, tokens.raised, tokens.ctl, 1, Qt.PenStyle.DashLine)
        text = f"{clock} {self._patient}".strip() if chosen else self.tr("%1 free").replace("%1", clock)
        inner = box.adjusted(metrics.px(10), 0, -metrics.px(8), 0)
        keys, gap = str(marked.number), metrics.px(8)
        middle = box.top() + min(box.height() / 2, metrics.px(24))
        if box.height() >= metrics.px(22):
            width = caps_width(keys)
            left = inner.right() - width if mirrored else inner.left()
            paint_caps(painter, left, middle, keys, tokens.ink, tokens.ctl, mirrored)
            inner = inner.adjusted(0, 0, -width - gap, 0) if mirrored else inner.adjusted(width + gap, 0, 0, 0)
        painter.setFont(theme().font(Role.SMALL, 600 if chosen else 400))
        painter.setPen(tokens.ink if chosen else tokens.ink2)
        side = Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft
        line = QRectF(inner.left(), middle - metrics.px(9), inner.width(), metrics.px(18))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(line.width()))
        painter.drawText(line, side | Qt.AlignmentFlag.AlignVCenter, shown)


def _nameless(visit: AppointmentRow) -> VisitLook:
    return VisitLook(
        "", status=visit.status.value, confirmed=visit.confirmed, in_progress=visit.in_progress, masked=True
    )


def _whose(schedule: DaySchedule) -> frozenset[object]:
    return frozenset(day.practitioner_id for day in schedule.working)
