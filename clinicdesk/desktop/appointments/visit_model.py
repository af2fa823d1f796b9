"""Visits as a Qt model: frozen rows in named columns, with a role to sort by and one for the row itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from clinicdesk.desktop.appointments import words
from clinicdesk.features.appointments.schemas import AppointmentRow

RowRole = Qt.ItemDataRole.UserRole
"""The AppointmentRow of a row."""
SortRole = Qt.ItemDataRole.UserRole + 1
"""A value that sorts as the column means: instants, minutes, words without case."""

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class Column(IntEnum):
    """The columns, left to right."""

    TIME = 0
    LENGTH = 1
    PATIENT = 2
    TYPE = 3
    PRACTITIONER = 4
    ROOM = 5
    STATUS = 6
    WAITING = 7


class VisitModel(QAbstractTableModel):
    """The visits that it was last given, in that order."""

    def __init__(self, zone: ZoneInfo, now: Callable[[], datetime], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._zone, self._now = zone, now
        self._rows: list[AppointmentRow] = []
        self._initials_only = False

    def rows(self) -> Sequence[AppointmentRow]:
        """The visits, in the model's order."""
        return self._rows

    def set_rows(self, rows: Sequence[AppointmentRow]) -> None:
        """Show these visits. Where they are the same visits as before, only what they say changes and selections stay."""
        if [row.id for row in rows] == [row.id for row in self._rows]:
            self._rows = list(rows)
            self._say_changed(0, len(Column) - 1)
            return
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def set_initials_only(self, initials_only: bool) -> None:
        """Show initials in place of names."""
        self._initials_only = initials_only
        self._say_changed(Column.PATIENT, Column.PATIENT)

    def tick(self) -> None:
        """A minute has passed: say that the waiting times are others."""
        self._say_changed(Column.WAITING, Column.WAITING)

    def row_of(self, visit_id: UUID) -> int:
        """The row of a visit, or -1."""
        return next((i for i, row in enumerate(self._rows) if row.id == visit_id), -1)

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        if orientation is not Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return {
            Column.TIME: self.tr("Time"),
            Column.LENGTH: self.tr("Length"),
            Column.PATIENT: self.tr("Patient"),
            Column.TYPE: self.tr("For"),
            Column.PRACTITIONER: self.tr("With"),
            Column.ROOM: self.tr("Room"),
            Column.STATUS: self.tr("Status"),
            Column.WAITING: self.tr("Waiting"),
        }[Column(section)]

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row, column = self._rows[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == RowRole:
            return row
        if role == SortRole:
            return self._sort_key(row, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return words.spoken(row, self._now(), self._zone, self._initials_only)
        return None

    def _text(self, row: AppointmentRow, column: Column) -> str:
        match column:
            case Column.TIME:
                return words.clock(row.start, self._zone)
            case Column.LENGTH:
                return words.hours_and_minutes(row.end - row.start)
            case Column.PATIENT:
                return words.person(row, self._initials_only)
            case Column.TYPE:
                return row.type_name
            case Column.PRACTITIONER:
                return row.practitioner_name
            case Column.ROOM:
                return row.room_name
            case Column.STATUS:
                return words.status_word(row)
            case Column.WAITING:
                waited = words.minutes_waited(row, self._now())
                return "" if waited is None else self.tr("%n min", "", waited)

    def _sort_key(self, row: AppointmentRow, column: Column) -> str | float:
        match column:
            case Column.TIME:
                return row.start.timestamp()
            case Column.LENGTH:
                return (row.end - row.start).total_seconds()
            case Column.PATIENT:
                return f"{row.patient_family} {row.patient_given}".casefold()
            case Column.WAITING:
                waited = words.minutes_waited(row, self._now())
                return -1 if waited is None else waited
            case _:
                return self._text(row, column).casefold()

    def _say_changed(self, first: int, last: int) -> None:
        if self._rows:
            self.dataChanged.emit(self.index(0, first), self.index(len(self._rows) - 1, last))
