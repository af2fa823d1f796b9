"""The ways from one day of the calendar to another: a typed date, the next day with visits, the next free opening."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from PySide6.QtCore import QObject, Signal

from clinicdesk.desktop.appointments import calendar_data
from clinicdesk.desktop.appointments.columns import Slot
from clinicdesk.desktop.appointments.date_sheet import DateSheet
from clinicdesk.desktop.desk import Desk
from clinicdesk.features.appointments.schemas import AppointmentRow, Opening


class Wayfinder(QObject):
    """Looks for where to go and says it in signals; where there is nowhere to go, a toast says so."""

    day_typed = Signal(object)
    """date"""
    visits_found = Signal(object)
    """date: the next day with visits."""
    opening_found = Signal(object)
    """Opening"""

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk

    def ask_date(self) -> None:
        """Ask for a date."""
        if self._desk.host is None:
            return
        sheet = DateSheet(self._desk.host, self._desk.now().date())
        sheet.day_chosen.connect(self.day_typed)
        sheet.open_sheet()

    def find_visits(self, after: date, practitioner_ids: Sequence[UUID]) -> None:
        """Look for the next day after this one that has visits of these people, or (empty) of anybody."""
        self._desk.runner.read(
            lambda tx: calendar_data.next_day_with_visits(tx, after, practitioner_ids), self._found_visits, owner=self
        )

    def _found_visits(self, day: date | None) -> None:
        if day is None:
            self._desk.toast(self.tr("No visits in the next four months."))
        else:
            self.visits_found.emit(day)

    def find_opening(
        self, slot: Slot | None, carried: AppointmentRow | None, length: timedelta, *, forward: bool
    ) -> None:
        """Look for the opening next to a slot, of this length or that of the visit in the hand; none of them is past."""
        if slot is None or slot.practitioner_id is None:
            return
        who, start = slot.practitioner_id, slot.start
        if carried is not None:
            length = carried.end - carried.start
        patient_id = carried.patient_id if carried else None
        self._desk.runner.read(
            lambda tx: calendar_data.opening_beside(tx, who, start, length, patient_id, forward),
            self._found_opening,
            owner=self,
        )

    def _found_opening(self, opening: Opening | None) -> None:
        if opening is None:
            self._desk.toast(self.tr("No free time found."))
        else:
            self.opening_found.emit(opening)
