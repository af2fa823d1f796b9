"""What a drag with the mouse means on the calendar: a stretch of free time, a visit on the move, a visit made longer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from clinicdesk.features.appointments.schemas import AppointmentRow

SNAP = 5
"""Minutes that a drag moves by."""


class DragKind(Enum):
    """BOOK draws a new visit over free time, MOVE carries one, STRETCH pulls its lower edge."""

    BOOK = auto()
    MOVE = auto()
    STRETCH = auto()


@dataclass(frozen=True, slots=True)
class Drag:
    """A drag as it stands: where the ghost is, in minutes of which column, and where in it the pointer holds it."""

    kind: DragKind
    column: int
    top: float
    bottom: float
    grip: float
    visit: AppointmentRow | None = None

    def moved(self, column: int, minute: float, length: float) -> Drag:
        """The drag with the pointer at `minute` of `column`, on an axis of `length` minutes."""
        if self.kind is DragKind.MOVE:
            height = self.bottom - self.top
            top = min(max(_snap(minute - self.grip), 0.0), length - height)
            return replace(self, column=column, top=top, bottom=top + height)
        edge = min(max(_snap(minute), 0.0), length)
        if self.kind is DragKind.STRETCH:
            return replace(self, bottom=max(edge, self.top + SNAP))
        if edge >= self.grip:
            return replace(self, top=self.grip, bottom=max(edge, self.grip + SNAP))
        return replace(self, top=edge, bottom=self.grip + SNAP)


def begin_booking(column: int, minute: float) -> Drag:
    """A drag over free time that begins at `minute`."""
    grip = minute // SNAP * SNAP
    return Drag(DragKind.BOOK, column, grip, grip + SNAP, grip)


def _snap(minute: float) -> float:
    return round(minute / SNAP) * SNAP
