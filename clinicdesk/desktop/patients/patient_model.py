"""Patients as a Qt model: frozen rows in named columns, with what is private masked unless it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from enum import IntEnum
from typing import Any
from uuid import UUID

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from clinicdesk.desktop.look.visit_painter import initials
from clinicdesk.desktop.patients import words
from clinicdesk.features.patients.schemas import PatientRow

RowRole = Qt.ItemDataRole.UserRole
"""The PatientRow of a row."""
AboutRole = Qt.ItemDataRole.UserRole + 1
"""The second line: age, pronouns, record number."""
BirthNameRole = Qt.ItemDataRole.UserRole + 2
"""The name that the patient was born with, in words; empty where it is not known or names are hidden."""

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class Column(IntEnum):
    """The columns, left to right."""

    PATIENT = 0
    BORN = 1
    PHONE = 2
    CITY = 3


class PatientModel(QAbstractTableModel):
    """The patients that it was last given, in that order."""

    def __init__(self, today: Callable[[], date], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._today = today
        self._rows: tuple[PatientRow, ...] = ()
        self._initials_only = False
        self._shown: UUID | None = None

    def rows(self) -> Sequence[PatientRow]:
        """The patients, in the model's order."""
        return self._rows

    def set_rows(self, rows: Sequence[PatientRow]) -> None:
        """Show these patients. Where they are the same ones as before, only what they say changes and the selection stays."""
        same = [row.id for row in rows] == [row.id for row in self._rows]
        if not same:
            self.beginResetModel()
        self._rows = tuple(rows)
        if same:
            self._say_changed(0, len(Column) - 1)
        else:
            self.endResetModel()

    def set_initials_only(self, initials_only: bool) -> None:
        """Show initials in place of names."""
        self._initials_only = initials_only
        self._say_changed(Column.PATIENT, Column.PATIENT)

    def reveal(self, patient_id: UUID | None) -> None:
        """Show the birth date and phone of this patient in clear, and of nobody else."""
        self._shown = patient_id
        self._say_changed(Column.BORN, Column.PHONE)

    def row_of(self, patient_id: UUID) -> int:
        """The row of a patient, or -1."""
        return next((i for i, row in enumerate(self._rows) if row.id == patient_id), -1)

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
            Column.PATIENT: self.tr("Patient"),
            Column.BORN: self.tr("Born"),
            Column.PHONE: self.tr("Phone"),
            Column.CITY: self.tr("City"),
        }[Column(section)]

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, Column(index.column()))
        if role == RowRole:
            return row
        if role == AboutRole:
            return words.about(row, self._today())
        if role == BirthNameRole:
            return self._birth_name(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            if index.column() != Column.PATIENT:
                return self._text(row, Column(index.column()))
            parts = (self._name(row), self._birth_name(row), words.about(row, self._today()), row.city)
            return ", ".join(filter(None, parts))
        return None

    def _text(self, row: PatientRow, column: Column) -> str:
        shown = row.id == self._shown
        match column:
            case Column.PATIENT:
                return self._name(row)
            case Column.BORN:
                if shown and row.birth_date:
                    return words.day_text(row.birth_date)
                return words.masked_birth_date(row.birth_date)
            case Column.PHONE:
                return words.isolated(row.phone) if shown else words.masked_phone(row.phone)
            case Column.CITY:
                return row.city

    def _name(self, row: PatientRow) -> str:
        return initials(row.name) if self._initials_only else row.name

    def _birth_name(self, row: PatientRow) -> str:
        if self._initials_only or not row.birth_family:
            return ""
        return self.tr("born %1").replace("%1", row.birth_family)

    def _say_changed(self, first: int, last: int) -> None:
        if self._rows:
            self.dataChanged.emit(self.index(0, first), self.index(len(self._rows) - 1, last))
