"""The mouse on the calendar: choosing, drawing, carrying and stretching, and the card of what it rests on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QMenu

from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.columns import Box, Span
from clinicdesk.desktop.appointments.drag import Drag, DragKind, begin_booking
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.theme import theme
from clinicdesk.features.appointments.schemas import AppointmentRow

if TYPE_CHECKING:
    from clinicdesk.desktop.appointments.calendar_view import CalendarView

_EDGE = 6
"""Height in px of a visit's lower edge that stretches it."""
_START = 6
"""How far in px the mouse goes with a button down before it drags."""


class CalendarMouse(QObject):
    """Turns what the mouse does on a calendar's viewport into its cursor, its signals and the ghost under the mouse."""

    def __init__(self, desk: Desk, view: CalendarView) -> None:
        super().__init__(view)
        self._desk, self._view = desk, view
        self.drag: Drag | None = None
        """What hangs on the mouse."""
        self._press: tuple[QPoint, Drag] | None = None
        self._hovered: AppointmentRow | None = None
        self._rest = QTimer(self, singleShot=True)
        self._rest.timeout.connect(self._show_hovered)

    def press(self, event: QMouseEvent) -> None:
        """A button went down: choose what is there, and be ready to drag it."""
        view, place = self._view, event.position()
        self.hover(None)
        view.setFocus(Qt.FocusReason.MouseFocusReason)
        if not view.columns():
            return
        index, minute = view.column_at(place.x()), view.minute_at(place.y())
        column = view.columns()[index]
        box = self.box_at(place)
        if box is not None:
            view.go(index, column.stops[column.stop_at(0, box.visit.id)])
        elif crowd := self.more_at(place):
            if event.button() is Qt.MouseButton.LeftButton:
                self._list_hidden(crowd, event.globalPosition().toPoint())
            return
        else:
            view.go(index, column.free_stop_at(minute))
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        if box is None:
            drag = begin_booking(index, minute)
        else:
            kind = DragKind.STRETCH if self._on_edge(index, box, place) else DragKind.MOVE
            drag = Drag(kind, index, box.top, box.bottom, minute - box.top, box.visit)
        self._press = (place.toPoint(), drag)

    def move(self, event: QMouseEvent) -> None:
        """The mouse went on: drag, or see what it is over."""
        view, place = self._view, event.position()
        if self._press and event.buttons() & Qt.MouseButton.LeftButton:
            start, drag = self._press
            if self.drag is None and (place.toPoint() - start).manhattanLength() < _START:
                return
            last = self.drag or drag
            moved = last.moved(view.column_at(place.x()), view.minute_at(place.y()), view.axis().length)
            if moved != self.drag:
                self.drag = moved
                view.repaint_drag(last)
                view.repaint_drag(moved)
            self._scroll_near_edge(place)
            return
        box = self.box_at(place)
        self.hover(box.visit if box else None)
        on_edge = box is not None and self._on_edge(view.column_at(place.x()), box, place)
        view.viewport().setCursor(Qt.CursorShape.SizeVerCursor if on_edge else Qt.CursorShape.ArrowCursor)

    def release(self, event: QMouseEvent) -> None:
        """The button went up: what was dragged is asked for."""
        view, drag = self._view, self.drag
        self.let_go()
        if drag is None or event.button() is not Qt.MouseButton.LeftButton:
            return
        column, axis = view.columns()[drag.column], view.axis()
        start, end = axis.instant(column.day, drag.top), axis.instant(column.day, drag.bottom)
        visit = drag.visit
        if visit is None:
            view.drawn.emit(Span(column.practitioner_id, start, end - start))
        elif drag.kind is DragKind.STRETCH:
            if end != visit.end:
                view.stretched.emit(visit, end - visit.start)
        elif start != visit.start or column.practitioner_id not in (None, visit.practitioner_id):
            view.dropped.emit(visit, column.practitioner_id, start)

    def double_click(self, event: QMouseEvent) -> None:
        """Open the visit, or book in the free time."""
        view = self._view
        self._press = None
        box = self.box_at(event.position())
        if box is not None:
            view.opened.emit(box.visit)
        elif view.columns() and not self.more_at(event.position()):
            slot = view.current_slot()
            if slot is not None:
                view.drawn.emit(Span(slot.practitioner_id, slot.start, timedelta()))

    def let_go(self) -> None:
        """Drop what hangs on the mouse; nothing is asked for."""
        if self.drag:
            self._view.repaint_drag(self.drag)
        self.drag = self._press = None

    def hover(self, visit: AppointmentRow | None) -> None:
        """The mouse is over a visit, or over none."""
        if visit == self._hovered:
            return
        self._hovered = visit
        self._view.hide_card()
        if visit is None:
            self._rest.stop()
        else:
            self._rest.start(theme().tokens.timing.hover_card)

    def box_at(self, place: QPointF) -> Box | None:
        """The visit's box at a place of the viewport."""
        if not self._view.columns():
            return None
        index = self._view.column_at(place.x())
        boxes = reversed(self._view.columns()[index].boxes)
        return next((box for box in boxes if self._rect(index, box).contains(place)), None)

    def more_at(self, place: QPointF) -> tuple[AppointmentRow, ...]:
        """The visits behind the "+2" at a place of the viewport."""
        index = self._view.column_at(place.x())
        for more, visits in self._view.columns()[index].more:
            if self._view.box_rect(index, more.start, more.end, more.place).contains(place):
                return visits
        return ()

    def _rect(self, index: int, box: Box) -> QRectF:
        return self._view.box_rect(index, box.top, box.bottom, box.place)

    def _on_edge(self, index: int, box: Box, place: QPointF) -> bool:
        rect = self._rect(index, box)
        return place.y() > rect.bottom() - min(_EDGE, rect.height() / 4)

    def _list_hidden(self, visits: tuple[AppointmentRow, ...], place: QPoint) -> None:
        view = self._view
        menu = QMenu(view)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for visit in visits:
            clock = words.clock(visit.start, view.axis().zone)
            action = menu.addAction(f"{clock}  {words.person(visit, self._desk.privacy.initials_only)}")
            action.triggered.connect(lambda _=False, visit=visit: view.choose_visit(visit.id))
        menu.popup(place)

    def _scroll_near_edge(self, place: QPointF) -> None:
        bar, height = self._view.verticalScrollBar(), self._view.viewport().height()
        if place.y() < 20:
            bar.setValue(bar.value() - 12)
        elif place.y() > height - 20:
            bar.setValue(bar.value() + 12)

    def _show_hovered(self) -> None:
        if self._hovered is not None and self.drag is None:
            self._view.show_card_of(self._hovered)
