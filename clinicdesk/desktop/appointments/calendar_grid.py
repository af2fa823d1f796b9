"""The ground of a calendar: columns of days side by side over one axis of time, and where each thing lies in pixels."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from PySide6.QtCore import QEvent, QRect, QRectF, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.calendar_edges import Gutter, Header, Heading
from clinicdesk.desktop.appointments.columns import Column
from clinicdesk.desktop.appointments.day_axis import DayAxis
from clinicdesk.desktop.appointments.drag import SNAP
from clinicdesk.desktop.appointments.lanes import Place
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import CALENDAR_ZOOMS

USUAL_ZOOM = CALENDAR_ZOOMS.index(1.2)
_LEAST_BOX = 9
"""The height in px that the shortest visit has."""
_AFTER_MIDNIGHT = 24
"""Grid px below the end of the day, so that its last minutes stand whole: a visit's least height, the cursor's ring, the time."""


class CalendarGrid(QAbstractScrollArea):
    """Lays the columns out, scrolls and zooms them, with heads, hours and now-line beside them. Pixels are the viewport's."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._columns: tuple[Column, ...] = ()
        self._axis = DayAxis([desk.now().date()], desk.clinic.tz)
        self._zoom = USUAL_ZOOM
        self._header, self._gutter = Header(self), Gutter(self)
        self._now_minute: tuple[date, float] | None = None
        self._scrolled = False
        self.setFrameShape(QFrame.Shape.NoFrame)
        self._clock = QTimer(self)
        self._clock.timeout.connect(self.tick)
        self._clock.start(15_000)
        theme().changed.connect(self.relayout)
        self._place_edges()

    def columns(self) -> tuple[Column, ...]:
        """The columns as they stand."""
        return self._columns

    def axis(self) -> DayAxis:
        """The vertical axis."""
        return self._axis

    def heading(self, column: Column) -> Heading:
        """What heads a column."""
        raise NotImplementedError

    def choose_heading(self, index: int) -> None:
        """A header was clicked."""

    # Time

    def now(self) -> datetime:
        """The present, in the clinic's zone."""
        return self._desk.now()

    def now_minute(self) -> tuple[date, float] | None:
        """The day and minute of the now-line, where it is shown."""
        return self._now_minute

    def waiting(self, column: Column) -> list[int]:
        """Minutes that each of the column's patients has been waiting."""
        now = self._desk.now()
        found = (words.minutes_waited(visit, now) for visit in column.shown)
        return [minutes for minutes in found if minutes is not None]

    def tick(self) -> None:
        """The clock goes on: repaint the now-line and the waiting times, and nothing else."""
        now = self._desk.now()
        today = now.date()
        minute = self._axis.minute(now) // 1
        shown = (today, minute) if any(column.day == today for column in self._columns) else None
        if shown == self._now_minute:
            return
        before, self._now_minute = self._now_minute, shown
        for line in (before, shown):
            if line is not None:
                y = round(line[1] * self.scale()) - self.verticalScrollBar().value()
                self.viewport().update(0, y - 6, self.viewport().width(), 12)
        for i, column in enumerate(self._columns):
            for box in column.boxes:
                if words.minutes_waited(box.visit, now) is not None:
                    self.repaint_at(self.box_rect(i, box.top, box.bottom, box.place))
        self._gutter.update()
        self._header.update()

    # Scale and scrolling

    def zoom(self, steps: int) -> None:
        """Larger (+1) or smaller (-1) time scale; what stands in the middle stays there."""
        middle = (self.verticalScrollBar().value() + self.viewport().height() / 2) / self.scale()
        self._zoom = min(max(self._zoom + steps, 0), len(CALENDAR_ZOOMS) - 1)
        self._set_ranges()
        self.verticalScrollBar().setValue(round(middle * self.scale() - self.viewport().height() / 2))
        self.relayout()

    def scale(self) -> float:
        """Pixels per minute."""
        return CALENDAR_ZOOMS[self._zoom]

    def scroll_to_now_or_opening(self) -> None:
        """Bring the present into sight, a third down; on other days the first hour that somebody works."""
        bar = self.verticalScrollBar()
        if self._now_minute is not None:
            bar.setValue(round(self._now_minute[1] * self.scale() - self.viewport().height() / 3))
        else:
            starts = [self._axis.minute(column.open[0].start) for column in self._columns if column.open]
            minute = min(starts, default=8 * 60.0) - 30
            bar.setValue(round(minute * self.scale()))
        self._scrolled = True

    # Where things lie

    def column_width(self) -> int:
        """The width of every column."""
        columns = max(len(self._columns), 1)
        return max(self.viewport().width() // columns, self.least_width())

    def least_width(self) -> int:
        """The width under which columns do not shrink but scroll."""
        return theme().tokens.metrics.column_min

    def column_area(self, index: int) -> QRectF:
        """Where a column lies, top to bottom of the day."""
        width, bar = self.column_width(), self.horizontalScrollBar()
        whole = QRectF(
            index * width - bar.value(), -self.verticalScrollBar().value(), width, self._axis.length * self.scale()
        )
        if index == len(self._columns) - 1 and not bar.maximum():
            whole.setRight(self.viewport().width())  # what the division left over
        if self.is_rtl():
            whole.moveLeft(self.viewport().width() - whole.right())
        return whole

    def box_rect(self, index: int, top: float, bottom: float, place: Place) -> QRectF:
        """Where a visit's box lies."""
        return self.box_within(self.column_area(index), self.is_rtl(), top, bottom, place)

    def box_within(self, area: QRectF, rtl: bool, top: float, bottom: float, place: Place) -> QRectF:
        """Where a visit's box lies in the area of its column: for many of one column, which have that in common."""
        inner = area.adjusted(7, 0, -3, 0) if rtl else area.adjusted(3, 0, -7, 0)
        start, end = place.across
        left, right = (1 - end, 1 - start) if rtl else (start, end)
        width = inner.width()
        gap = 3 if right < 0.999 else 0
        scale = self.scale()
        height = max((bottom - top) * scale - 1, _LEAST_BOX)
        return QRectF(
            round(inner.left() + left * width),
            round(area.top() + top * scale + 1),
            round((right - left) * width - gap),
            round(height),
        )

    def visit_rect(self, visit_id: UUID) -> QRect:
        """Where a visit is painted; empty where it is not."""
        for i, column in enumerate(self._columns):
            for box in column.boxes:
                if box.visit.id == visit_id:
                    return self.box_rect(i, box.top, box.bottom, box.place).toRect()
        return QRect()

    def column_at(self, x: float) -> int:
        """The column under a place of the viewport, the nearest one where there is none."""
        for i in range(len(self._columns)):
            area = self.column_area(i)
            if area.left() <= x < area.right():
                return i
        first = self.column_area(0)
        before = x >= first.right() if self.is_rtl() else x < first.left()
        return 0 if before else max(len(self._columns) - 1, 0)

    def minute_at(self, y: float) -> float:
        """The minute of the axis at a height of the viewport."""
        minute = (y + self.verticalScrollBar().value()) / self.scale()
        return min(max(minute, 0.0), self._axis.length)

    def is_rtl(self) -> bool:
        """Whether columns run from right to left."""
        return self.layoutDirection() is Qt.LayoutDirection.RightToLeft

    def repaint_at(self, rect: QRectF) -> None:
        """Paint anew what stands in a rectangle, with the ring around it."""
        if not rect.isEmpty():
            self.viewport().update(rect.toAlignedRect().adjusted(-4, -4, 4, 4))

    # Events

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_edges()
        self._set_ranges()
        if not self._scrolled and self._columns:
            self.scroll_to_now_or_opening()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LayoutDirectionChange:
            self.relayout()

    def relayout(self) -> None:
        """Place and paint all anew: the theme, the direction or the scale is another."""
        self._place_edges()
        self._set_ranges()
        self._header.update()
        self._gutter.update()
        self.viewport().update()

    def _place_edges(self) -> None:
        metrics = theme().tokens.metrics
        across, down = metrics.gutter, metrics.day_header
        rtl = self.is_rtl()
        self.setViewportMargins(0 if rtl else across, down, across if rtl else 0, 0)
        view = self.viewport().geometry()
        self._header.setGeometry(0, 0, self.width(), down)
        self._gutter.setGeometry(view.right() + 1 if rtl else view.left() - across, view.top(), across, view.height())

    def _set_ranges(self) -> None:
        view = self.viewport()
        down = self.verticalScrollBar()
        whole = round(self._axis.length * self.scale()) + theme().tokens.metrics.px(_AFTER_MIDNIGHT)
        down.setRange(0, max(whole - view.height(), 0))
        down.setPageStep(view.height())
        down.setSingleStep(round(SNAP * 3 * self.scale()))
        across = self.horizontalScrollBar()
        wide = self.column_width() * len(self._columns)
        across.setRange(0, max(wide - view.width(), 0))
        across.setPageStep(view.width())
        across.setSingleStep(self.column_width())
