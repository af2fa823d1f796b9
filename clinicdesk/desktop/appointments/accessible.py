"""Lets screen readers into the calendar: each visit is a child of the grid, with a name, a place and the focus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QRect
from PySide6.QtGui import QAccessible, QAccessibleInterface, QColor
from PySide6.QtWidgets import QAccessibleWidget

from clinicdesk.features.appointments.schemas import AppointmentRow

if TYPE_CHECKING:
    from PySide6.QtGui import QWindow

    from clinicdesk.desktop.appointments.calendar_view import CalendarView

_installed = False


def install() -> None:
    """Tell Qt how calendars are read; once a process is enough."""
    global _installed
    if not _installed:
        QAccessible.installFactory(_interface_of)
        _installed = True


def child_of(view: CalendarView, visit: AppointmentRow | None) -> int | None:
    """The number of a visit among the calendar's children."""
    if visit is None:
        return None
    return next((i for i, row in enumerate(_visits(view)) if row.id == visit.id), None)


def _interface_of(_name: str, thing: QObject | None) -> QAccessibleInterface | None:
    from clinicdesk.desktop.appointments.calendar_view import CalendarView

    if not isinstance(thing, CalendarView):
        return None
    return thing.accessible_interface()


def _visits(view: CalendarView) -> list[AppointmentRow]:
    return [box.visit for column in view.columns() for box in column.boxes]


class CalendarInterface(QAccessibleWidget):
    """The calendar: a list of its visits, column by column. Qt takes null for a child that is not there."""

    def __init__(self, view: CalendarView) -> None:
        super().__init__(view, QAccessible.Role.List)
        self._view = view
        self._children: list[_Visit] = []
        """One for each place in the list; they are never given back, for a reader may still hold them."""

    def childCount(self) -> int:
        return len(_visits(self._view))

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]
        if not 0 <= index < self.childCount():
            return None
        while len(self._children) <= index:
            self._children.append(_Visit(self, self._view, len(self._children)))
        return self._children[index]

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        return child.index if isinstance(child, _Visit) else -1

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]
        for i in range(self.childCount()):
            found = self.child(i)
            if found is not None and found.rect().contains(x, y):
                return found
        return None

    def focusChild(self) -> QAccessibleInterface | None:  # type: ignore[override]
        index = child_of(self._view, self._view.current_visit())
        return self if index is None else self.child(index)

    def text(self, kind: QAccessible.Text) -> str:
        if kind is QAccessible.Text.Description:
            return self._view.cursor_words()
        return super().text(kind)


class _Visit(QAccessibleInterface):
    """One visit in the list."""

    def __init__(self, parent: CalendarInterface, view: CalendarView, index: int) -> None:
        super().__init__()
        self._parent, self._view, self.index = parent, view, index

    def _row(self) -> AppointmentRow | None:
        visits = _visits(self._view)
        return visits[self.index] if self.index < len(visits) else None

    def isValid(self) -> bool:
        return self._row() is not None

    def object(self) -> Any:
        return None

    def window(self) -> QWindow:
        return self._parent.window()

    def parent(self) -> QAccessibleInterface:
        return self._parent

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]
        return None

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]
        return None

    def childCount(self) -> int:
        return 0

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        return -1

    def rect(self) -> QRect:
        row = self._row()
        if row is None:
            return QRect()
        rect = self._view.visit_rect(row.id)
        return QRect(self._view.viewport().mapToGlobal(rect.topLeft()), rect.size())

    def role(self) -> QAccessible.Role:
        return QAccessible.Role.ListItem

    def state(self) -> QAccessible.State:
        state = QAccessible.State()
        current, row = self._view.current_visit(), self._row()
        state.focusable = state.selectable = True
        if current is not None and row is not None and current.id == row.id:
            state.selected = True
            state.focused = self._view.hasFocus()
        state.invisible = not self._view.viewport().rect().intersects(self._view.visit_rect(row.id) if row else QRect())
        return state

    def text(self, kind: QAccessible.Text) -> str:
        row = self._row()
        return self._view.words_of(row) if row is not None and kind is QAccessible.Text.Name else ""

    def setText(self, kind: QAccessible.Text, text: str) -> None:
        """A visit is not renamed by a screen reader."""

    def backgroundColor(self) -> QColor:
        return QColor()

    def foregroundColor(self) -> QColor:
        return QColor()
