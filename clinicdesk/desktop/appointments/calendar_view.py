"""The calendar that is worked: a cursor for the keyboard, the mouse, and signals that say what is asked of it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
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
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from clinicdesk.desktop.appointments import accessible, words
from clinicdesk.desktop.appointments.calendar_grid import CalendarGrid
from clinicdesk.desktop.appointments.calendar_mouse import CalendarMouse
from clinicdesk.desktop.appointments.calendar_painter import CalendarPainter
from clinicdesk.desktop.appointments.columns import Column, Slot, Stop
from clinicdesk.desktop.appointments.day_axis import DayAxis
from clinicdesk.desktop.appointments.drag import Drag
from clinicdesk.desktop.appointments.hover_card import HoverCard
from clinicdesk.desktop.appointments.lanes import Place
from clinicdesk.desktop.desk import Desk
from clinicdesk.features.appointments.schemas import AppointmentRow


class CalendarView(CalendarGrid):
    """Columns with a cursor. Subclasses say what heads a column; what the view shows is given by `set_columns`."""

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
        super().__init__(desk, parent)
        self._painter = CalendarPainter(desk, self)
        self._mouse = CalendarMouse(desk, self)
        self._at_column, self._at = 0, Stop(9 * 60, 9 * 60)
        self._wanted = 9 * 60.0
        self._cut: frozenset[UUID] = frozenset()
        self._card = HoverCard(desk, self)
        self._interface: accessible.CalendarInterface | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        desk.privacy.changed.connect(self.viewport().update)
        accessible.install()
        self.tick()

    def set_columns(self, columns: Sequence[Column], axis: DayAxis) -> None:
        """Show these columns. The cursor stays on its visit where that is still here, else on its practitioner and time."""
        visit = self._at.visit
        whose = self._columns[self._at_column].practitioner_id if self._columns else None
        self._mouse.let_go()
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
        self.tick()
        if not self._scrolled and self.isVisible():
            self.scroll_to_now_or_opening()
        self._keep_card()
        self._header.update()
        self._gutter.update()
        self.viewport().update()
        self.cursor_moved.emit()

    def set_cut(self, visit_ids: frozenset[UUID]) -> None:
        """Show these visits as taken into the hand."""
        if visit_ids != self._cut:
            self._cut = visit_ids
            self.viewport().update()

    def cut(self) -> frozenset[UUID]:
        """The visits that are in the hand."""
        return self._cut

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

    def go_now(self, own: UUID | None = None) -> None:
        """Put the cursor on the present, in the column of `own` or else of the first who is working, and bring it into sight."""
        now = self._desk.now()
        today = [i for i, column in enumerate(self._columns) if column.day == now.date()]
        if not today:
            return
        chosen = next(
            itertools.chain(
                (i for i in today if own is not None and self._columns[i].practitioner_id == own),
                (i for i in today if any(span.start <= now < span.end for span in self._columns[i].open)),
                (i for i in today if any(now < span.end for span in self._columns[i].open)),
                today,
            )
        )
        self.go(chosen, self._columns[chosen].stop_now(self._axis.minute(now)))
        self.scroll_to_now_or_opening()

    def go(self, column: int, stop: Stop) -> None:
        """Put the cursor on one of a column's stops, and bring it into sight."""
        self.repaint_at(self.cursor_rect())
        self._at_column, self._at, self._wanted = column, stop, stop.top
        self.repaint_at(self.cursor_rect())
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

    # The card, and what hangs on the mouse

    def card(self) -> HoverCard:
        """The card, shown or not."""
        return self._card

    def show_card(self) -> None:
        """Show the card of the visit under the cursor, beside it."""
        if self._at.visit:
            self.show_card_of(self._at.visit)

    def show_card_of(self, visit: AppointmentRow) -> None:
        """Show the card of a visit, beside it."""
        rect = self.visit_rect(visit.id)
        if rect.isEmpty():
            rect = self.cursor_rect().toRect()
        self._show_card_at(visit, rect)

    def _keep_card(self) -> None:
        """The columns are others: the card stays with its visit while that is in sight, and says how it stands now."""
        shown = self._card.visit() if self._card.isVisible() else None
        visit = next((row for column in self._columns if shown and (row := column.find(shown.id))), None)
        if visit is None:
            self._card.dismiss()
            return
        rect = self.visit_rect(visit.id)
        if rect.isEmpty() and self._at.visit is not None and self._at.visit.id == visit.id:
            rect = self.cursor_rect().toRect()  # it stands behind a "+2"
        if rect.intersects(self.viewport().rect()):
            self._show_card_at(visit, rect)
        else:
            self._card.dismiss()

    def _show_card_at(self, visit: AppointmentRow, rect: QRect) -> None:
        rect = rect & self.viewport().rect()
        self._card.show_beside(visit, QRect(self.viewport().mapToGlobal(rect.topLeft()), rect.size()))

    def hide_card(self) -> None:
        """Put the card away."""
        self._card.dismiss()

    def reveal(self, phone: str, birth_date: str) -> None:
        """Show fields that were hidden on the card of the visit under the cursor, for a while."""
        self.show_card()
        self._card.reveal(phone, birth_date)

    def is_dragging(self) -> bool:
        """Whether something hangs on the mouse."""
        return self._mouse.drag is not None

    def ghost(self) -> Drag | None:
        """What hangs on the mouse, as it would be dropped."""
        return self._mouse.drag

    def repaint_drag(self, drag: Drag) -> None:
        """Paint anew where a drag stands or stood."""
        self.repaint_at(self.box_rect(drag.column, drag.top, drag.bottom, Place(0, 1)))

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

    # For screen readers

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
        whose = self.heading(self._columns[self._at_column]).title
        return ", ".join((words.of_slot(slot, self._desk.now(), self._axis.zone)[0], whose))

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

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self._card.dismiss()
        self.viewport().update()
        if dx:
            self._header.update()
        if dy:
            self._gutter.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.repaint_at(self.cursor_rect())
        self._announce()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.repaint_at(self.cursor_rect())
        if event.reason() is not Qt.FocusReason.PopupFocusReason:
            self._card.dismiss()


def _same(one: Stop, other: Stop) -> bool:
    if one.visit is None or other.visit is None:
        return one.visit is other.visit and one.top == other.top
    return one.visit.id == other.visit.id
