"""The visits in the hand: cut from the calendar, not yet placed again. Nothing is changed until one is placed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from PySide6.QtCore import QObject, Signal

from clinicdesk.features.appointments.schemas import AppointmentRow


class Pinboard(QObject):
    """Holds cut visits, the last one first; each keeps its time in the book until it is placed."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._visits: list[AppointmentRow] = []

    def visits(self) -> Sequence[AppointmentRow]:
        """What is in the hand, the next one to place first."""
        return self._visits

    def ids(self) -> frozenset[UUID]:
        """Which visits are in the hand."""
        return frozenset(visit.id for visit in self._visits)

    def next(self) -> AppointmentRow | None:
        """The visit that is placed next."""
        return self._visits[0] if self._visits else None

    def take(self, visit: AppointmentRow) -> None:
        """Take a visit into the hand; taking it again puts it back where it is."""
        if visit.id in self.ids():
            self.drop(visit.id)
            return
        self._visits.insert(0, visit)
        self.changed.emit()

    def drop(self, visit_id: UUID) -> None:
        """Let go of a visit."""
        if visit_id in self.ids():
            self._visits = [visit for visit in self._visits if visit.id != visit_id]
            self.changed.emit()

    def refresh(self, rows: Sequence[AppointmentRow]) -> None:
        """Take over what is new of the visits in the hand."""
        new = {row.id: row for row in rows}
        if any(new.get(visit.id, visit) != visit for visit in self._visits):
            self._visits = [new.get(visit.id, visit) for visit in self._visits]
            self.changed.emit()
