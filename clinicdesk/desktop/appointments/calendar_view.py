"""The calendar's grid: columns of days side by side, worked by keyboard and mouse, that says what is asked of it in signals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from clinicdesk.desktop.appointments import accessible, words
from clinicdesk.desktop.appointments.calendar_edges import Gutter, Header, Heading
from clinicdesk.desktop.appointments.calendar_mouse import CalendarMouse
from clinicdesk.desktop.appointments.calendar_painter import CalendarPainter
from clinicdesk.desktop.appointments.columns import Column, Slot, Stop
from clinicdesk.desktop.appointments.day_axis import DayAxis
from clinicdesk.desktop.appointments.drag import SNAP, Drag
from clinicdesk.desktop.appointments.hover_card import HoverCard
from clinicdesk.desktop.appointments.lanes import Place
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import CALENDAR_ZOOMS
from clinicdesk.features.appointments.schemas import AppointmentRow

USUAL_ZOOM = CALENDAR_ZOOMS.index(1.2)


class CalendarView(QAbstractScrollArea):
    """Columns over one vertical axis. Subclasses say what heads a column; what the view shows is given by `set_columns`."""

    cursor_moved = Signal()
    """The keyboard cursor stands on another visit or slot: see `current_visit` and `current_slot`."""
    opened = Signal(object)
    """AppointmentRow: a double click on it."""
    drawn = Signal(object)
    """Span: free time was drawn to book in it."""
    dropped = Signal(object, object, object)
    """AppointmentRow, practitioner id or None (as it was), datetime: the visit was dropped there."""
    stretched = Signal(object, object)
    """AppointmentRow, timedelta: its lower edge was pulled to that length."""
    menu_asked = Signal(QPoint)
    """A context menu for where the cursor stands, at this place of the screen."""
    day_chosen = Signal(object)
    """date: a header of another day was chosen."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._painter = CalendarPainter(desk, self)
        self._mouse = CalendarMouse(desk, self)
        self._columns: tuple[Column, ...] = ()
        self._axis = DayAxis([desk.now().date()], desk.clinic.tz)
        self._zoom = USUAL_ZOOM
        self._at_column, self._at = 0, Stop(9 * 60, 9 * 60)
        self._wanted = 9 * 60.0
        self._cut: frozenset[UUID] = frozenset()
        self._card = HoverCard(desk, self)
        self._header, self._gutter = Header(self), Gutter(self)
        self._interface: accessible.CalendarInterface | None = None
        self._now_minute: tuple[date, float] | None = None
        self._scrolled = False
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._clock = QTimer(self)
        self._clock.timeout.connect(self.tick)
        self._clock.start(15_000)
        theme().changed.connect(self._relayout)
        desk.privacy.changed.connect(self.viewport().update)
        accessible.install()
        self._place_edges()
        self.tick()

    # What it shows

    def set_columns(self, columns: Sequence[Column], axis: DayAxis) -> None:
        """Show these columns. The cursor stays on its visit where that is still here, else on its practitioner and time."""
        visit = self._at.visit
        whose = self._columns[self._at_column].practitioner_id if self._columns else None
        self._mouse.let_go()
        self._card.dismiss()
        self._columns, self._axis = tuple(columns), axis
        self._painter.begin_day()
        self._now_minute = None
        here = min(self._at_column, max(len(columns) - 1, 0))
        if columns and columns[here].practitioner_id != whose:
            here = next((i for i, column in enumerate(columns) if column.practitioner_id == whose), here)
        if visit is not None:
            here = next((i for i, column in enumerate(columns) if column.find(visit.id)), here)
        self._place(here, self._wanted, visit.id if visit else None)
        self._set_ranges()
        if not self._scrolled and self.isVisible():
            self.scroll_to_now_or_opening()
        self.tick()
        self._header.update()
        self._gutter.update()
        self.viewport().update()
        self.cursor_moved.emit()

    def columns(self) -> tuple[Column, ...]:
        """The columns as they stand."""
        return self._columns

    def set_cut(self, visit_ids: frozenset[UUID]) -> None:
        """Show these visits as taken into the hand."""
        if visit_ids != self._cut:
            self._cut = visit_ids
            self.viewport().update()

    def heading(self, column: Column) -> Heading:
        """What heads a column."""
        raise NotImplementedError

    def choose_heading(self, index: int) -> None:
        """A header was clicked."""

    # The cursor

    def current_visit(self) -> AppointmentRow | None:
        """The visit that the cursor stands on."""
        return self._at.visit if self._columns else None

    def current_slot(self) -> Slot | None:
        """The time that the cursor stands on; on a visit, from its start."""
        return self._columns[self._at_column].slot(self._at) if self._columns else None

    def current_column(self) -> Column | None:
        """The column that the cursor stands in."""
        return self._columns[self._at_column] if self._columns else None

    def choose_visit(self, visit_id: UUID) -> bool:
        """Put the cursor on a visit and bring it into sight; False where it is not here."""
        for i, column in enumerate(self._columns):
            if column.find(visit_id):
                self.go(i, self._columns[i].stops[column.stop_at(0, visit_id)])
                return True
        return False

    def choose_time(self, practitioner_id: UUID | None, start: datetime) -> bool:
        """Put the cursor on free time at an instant, as close as it has a place there; False where that day is not shown."""
        day = start.astimezone(self._axis.zone).date()
        for i, column in enumerate(self._columns):
            if column.day == day and (practitioner_id is None or column.practitioner_id in (practitioner_id, None)):
                minute = self._axis.minute(start)
                stop = column.free_stop_at(minute)
                if stop.visit is None and stop.top < minute:
                    stop = Stop(minute, stop.end, None, stop.is_open)
                self.go(i, stop)
                return True
        return False

    def choose_next_visit(self) -> None:
        """Put the cursor on the visit that follows, in this column or the first one after it that has some."""
        for i in range(self._at_column, len(self._columns)):
            stops = [stop for stop in self._columns[i].stops if stop.visit is not None]
            if i == self._at_column:
                here = next((n for n, stop in enumerate(stops) if _same(stop, self._at)), None)
                stops = stops[here + 1 :] if here is not None else [stop for stop in stops if stop.top > self._at.top]
            if stops:
                self.go(i, stops[0])
                return

    def go_now(self) -> None:
        """Put the cursor on the present, and bring it into sight."""
        now = self._desk.now()
        if self.choose_time(self._columns[self._at_column].practitioner_id if self._columns else None, now):
            column = self._columns[self._at_column]
            self.go(self._at_column, column.stops[column.stop_at(self._axis.minute(now))])
            self.scroll_to_now_or_opening()

    def zoom(self, steps: int) -> None:
        """Larger (+1) or smaller (-1) time scale; what stands in the middle stays there."""
        middle = (self.verticalScrollBar().value() + self.viewport().height() / 2) / self.scale()
        self._zoom = min(max(self._zoom + steps, 0), len(CALENDAR_ZOOMS) - 1)
        self._set_ranges()
        self.verticalScrollBar().setValue(round(middle * self.scale() - self.viewport().height() / 2))
        self._relayout()

    def scale(self) -> float:
        """Pixels per minute."""
        return CALENDAR_ZOOMS[self._zoom]

    def show_card(self) -> None:
        """Show the card of the visit under the cursor, beside it."""
        if self._at.visit:
            self.show_card_of(self._at.visit)

    def show_card_of(self, visit: AppointmentRow) -> None:
        """Show the card of a visit, beside it."""
        rect = self.visit_rect(visit.id)
        if rect.isEmpty():
            rect = self.cursor_rect().toRect()
        rect = rect & self.viewport().rect()
        self._card.show_beside(visit, QRect(self.viewport().mapToGlobal(rect.topLeft()), rect.size()))

    def hide_card(self) -> None:
        """Put the card away."""
        self._card.dismiss()

    def reveal(self, phone: str, birth_date: str) -> None:
        """Show fields that were hidden on the card of the visit under the cursor, for a while."""
        self.show_card()
        self._card.reveal(phone, birth_date)

    def card(self) -> HoverCard:
        """The card, shown or not."""
        return self._card

    def is_dragging(self) -> bool:
        """Whether something hangs on the mouse."""
        return self._mouse.drag is not None

    def ghost(self) -> Drag | None:
        """What hangs on the mouse, as it would be dropped."""
        return self._mouse.drag

    def repaint_drag(self, drag: Drag) -> None:
        """Paint anew where a drag stands or stood."""
        self._update(self.box_rect(drag.column, drag.top, drag.bottom, Place(0, 1)))

    def cut(self) -> frozenset[UUID]:
        """The visits that are in the hand."""
        return self._cut

    # Geometry, in pixels of the viewport

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
        area = self.column_area(index)
        inner = area.adjusted(3, 0, -7, 0) if not self.is_rtl() else area.adjusted(7, 0, -3, 0)
        part = inner.width() / place.lanes
        lane = place.lanes - 1 - place.lane if self.is_rtl() else place.lane
        gap = 3 if lane < place.lanes - 1 else 0
        scale = self.scale()
        height = max((bottom - top) * scale - 1, 9)
        return QRectF(
            round(inner.left() + lane * part), round(area.top() + top * scale + 1), round(part - gap), round(height)
        )

    def visit_rect(self, visit_id: UUID) -> QRect:
        """Where a visit is painted; empty where it is not."""
        for i, column in enumerate(self._columns):
            for box in column.boxes:
                if box.visit.id == visit_id:
                    return self.box_rect(i, box.top, box.bottom, box.place).toRect()
        return QRect()

    def is_rtl(self) -> bool:
        """Whether columns run from right to left."""
        return self.layoutDirection() is Qt.LayoutDirection.RightToLeft

    def axis(self) -> DayAxis:
        """The vertical axis."""
        return self._axis

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
                    self._update(self.box_rect(i, box.top, box.bottom, box.place))
        self._gutter.update()
        self._header.update()

    # Keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key == Qt.Key.Key_Escape and self._mouse.drag:
            self._mouse.let_go()
            return
        if key == Qt.Key.Key_Escape and self._card.isVisible():
            self._card.dismiss()
            return
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier or not self._columns:
            super().keyPressEvent(event)
            return
        match key:
            case Qt.Key.Key_Down:
                self._step(1)
            case Qt.Key.Key_Up:
                self._step(-1)
            case Qt.Key.Key_Left | Qt.Key.Key_Right:
                self._cross(1 if (key == Qt.Key.Key_Right) != self.is_rtl() else -1)
            case Qt.Key.Key_Home:
                self.go(self._at_column, self._first_stop())
            case _:
                super().keyPressEvent(event)

    def _step(self, way: int) -> None:
        column = self._columns[self._at_column]
        stops = column.stops
        here = next((i for i, stop in enumerate(stops) if _same(stop, self._at)), None)
        if here is None:
            here = column.stop_at(self._at.top)
            if way > 0 or stops[here].top < self._at.top:
                way = way if way > 0 else 0
        there = here + way
        if 0 <= there < len(stops):
            self.go(self._at_column, stops[there])

    def _cross(self, way: int) -> None:
        there = self._at_column + way
        if 0 <= there < len(self._columns):
            column = self._columns[there]
            wanted = self._wanted
            self.go(there, column.stops[column.stop_at(wanted)])
            self._wanted = wanted

    def _first_stop(self) -> Stop:
        stops = self._columns[self._at_column].stops
        return next((stop for stop in stops if stop.visit or stop.is_open), stops[0])

    def go(self, column: int, stop: Stop) -> None:
        """Put the cursor on one of a column's stops, and bring it into sight."""
        self._update(self.cursor_rect())
        self._at_column, self._at, self._wanted = column, stop, stop.top
        self._update(self.cursor_rect())
        self._card.dismiss()
        self._bring_into_sight()
        self._announce()
        self.cursor_moved.emit()

    def _place(self, column: int, minute: float, visit_id: UUID | None) -> None:
        """Put the cursor where it belongs among new columns, without scrolling."""
        if not self._columns:
            self._at_column, self._at = 0, Stop(minute, minute)
            return
        stops = self._columns[column].stops
        before = self._at
        self._at_column, self._at = column, stops[self._columns[column].stop_at(minute, visit_id)]
        if (
            visit_id is None
            and before.visit is None
            and self._at.visit is None
            and self._at.top < before.top < self._at.end
        ):
            self._at = Stop(before.top, self._at.end, None, self._at.is_open)

    def cursor_rect(self) -> QRectF:
        """Where the cursor is painted: its visit, or a box on free time of half an hour at most."""
        if not self._columns:
            return QRectF()
        if self._at.visit is None:
            bottom = min(self._at.end, max(self._at.top + 30, self._at.top + 17 / self.scale()))
            return self.box_rect(self._at_column, self._at.top, bottom, Place(0, 1))
        column = self._columns[self._at_column]
        for box in column.boxes:
            if box.visit.id == self._at.visit.id:
                return self.box_rect(self._at_column, box.top, box.bottom, box.place)
        for more, visits in column.more:
            if any(visit.id == self._at.visit.id for visit in visits):
                return self.box_rect(self._at_column, more.start, more.end, more.place)
        return QRectF()

    def _update(self, rect: QRectF) -> None:
        if not rect.isEmpty():
            self.viewport().update(rect.toAlignedRect().adjusted(-4, -4, 4, 4))

    def _bring_into_sight(self) -> None:
        rect = self.cursor_rect()
        margin = 24
        bar, height = self.verticalScrollBar(), self.viewport().height()
        if rect.top() < margin:
            bar.setValue(bar.value() + round(rect.top()) - margin)
        elif rect.bottom() > height - margin:
            bar.setValue(bar.value() + round(min(rect.bottom() - height + margin, rect.top() - margin)))
        across, width = self.horizontalScrollBar(), self.viewport().width()
        way = -1 if self.is_rtl() else 1
        area = self.column_area(self._at_column)
        if area.left() < 0:
            across.setValue(across.value() + way * round(area.left()))
        elif area.right() > width:
            across.setValue(across.value() + way * round(area.right() - width))

    def _announce(self) -> None:
        if not QAccessible.isActive():
            return
        event = QAccessibleEvent(self, QAccessible.Event.Focus)
        child = accessible.child_of(self, self._at.visit)
        if child is not None:
            event.setChild(child)
        QAccessible.updateAccessibility(event)

    def accessible_interface(self) -> accessible.CalendarInterface:
        """How a screen reader sees the calendar."""
        if self._interface is None:
            self._interface = accessible.CalendarInterface(self)
        return self._interface

    def words_of(self, visit: AppointmentRow) -> str:
        """What a screen reader says of a visit."""
        return words.spoken(visit, self._desk.now(), self._axis.zone, self._desk.privacy.initials_only)

    def cursor_words(self) -> str:
        """What a screen reader says of where the cursor stands."""
        if self._at.visit is not None:
            return self.words_of(self._at.visit)
        slot = self.current_slot()
        if slot is None:
            return ""
        clock = words.clock(slot.start, self._axis.zone)
        whose = self.heading(self._columns[self._at_column]).title
        if not slot.is_open:
            return self.tr("%1, closed, %2").replace("%1", clock).replace("%2", whose)
        free = words.hours_and_minutes(slot.free)
        return self.tr("%1, %2 free, %3").replace("%1", clock).replace("%2", free).replace("%3", whose)

    # Events

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        store = self.window().backingStore()
        # A picture of the window (grab) must be whole; only what goes to the screen may come in parts.
        on_screen = store is not None and store.paintDevice() is painter.paintEngine().paintDevice()
        left = self._painter.paint(painter, QRectF(event.rect()), in_parts=on_screen)
        if not left.isEmpty():
            QTimer.singleShot(0, self.viewport(), lambda: self.viewport().update(left.toAlignedRect()))

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Leave:
            self._mouse.hover(None)
        return super().viewportEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._mouse.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._mouse.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._mouse.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._mouse.double_click(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._mouse.hover(None)
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom(1 if event.angleDelta().y() > 0 else -1)
            return
        super().wheelEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() is QContextMenuEvent.Reason.Mouse:  # the keys have an action of their own
            self.menu_asked.emit(event.globalPos())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_edges()
        self._set_ranges()
        if not self._scrolled and self._columns:
            self.scroll_to_now_or_opening()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self._card.dismiss()
        self.viewport().update()
        if dx:
            self._header.update()
        if dy:
            self._gutter.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._update(self.cursor_rect())
        self._announce()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._update(self.cursor_rect())
        if event.reason() is not Qt.FocusReason.PopupFocusReason:
            self._card.dismiss()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LayoutDirectionChange:
            self._relayout()

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

    def _relayout(self) -> None:
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
        down.setRange(0, max(round(self._axis.length * self.scale()) - view.height(), 0))
        down.setPageStep(view.height())
        down.setSingleStep(round(SNAP * 3 * self.scale()))
        across = self.horizontalScrollBar()
        wide = self.column_width() * len(self._columns)
        across.setRange(0, max(wide - view.width(), 0))
        across.setPageStep(view.width())
        across.setSingleStep(self.column_width())


def _same(one: Stop, other: Stop) -> bool:
    if one.visit is None or other.visit is None:
        return one.visit is other.visit and one.top == other.top
    return one.visit.id == other.visit.id
