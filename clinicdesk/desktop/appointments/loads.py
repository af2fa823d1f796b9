"""Tells month grids how full their days are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import partial
from uuid import UUID

from PySide6.QtCore import QObject, Signal

from clinicdesk.desktop.appointments import calendar_data
from clinicdesk.desktop.appointments.month_grid import MonthGrid, days_of_grid
from clinicdesk.desktop.desk import Desk
from clinicdesk.features.appointments.schemas import DayLoad


class Loads(QObject):
    """Reads the loads of the months in sight; an answer for a month that was turned away from is dropped."""

    shown = Signal()
    """A grid was given its loads."""

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk

    def read(self, grids: Iterable[MonthGrid], practitioner_ids: tuple[UUID, ...]) -> None:
        """Give the grids the loads of these people, or (empty) of everybody."""
        for grid in grids:
            month = grid.month()
            self._desk.runner.read(
                partial(calendar_data.read_loads, days=days_of_grid(month), practitioner_ids=practitioner_ids),
                partial(self._show, grid, month),
                owner=self,
            )

    def _show(self, grid: MonthGrid, month: date, loads: list[DayLoad]) -> None:
        if grid.month() == month:
            grid.set_loads(loads)
            self.shown.emit()
