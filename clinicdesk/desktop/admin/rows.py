"""Frozen rows as a Qt table: each column by name, each cell as what it says and how it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from clinicdesk.desktop.look.tokens import ColourName
from clinicdesk.desktop.widgets.labels import Tone

Row = TypeVar("Row")

RowRole = Qt.ItemDataRole.UserRole
"""The frozen row behind a line of the table."""
CellRole = Qt.ItemDataRole.UserRole + 1
"""The Cell to paint."""

Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell says, and how: `tone` makes a chip of it, `tile` a tile of initials, `swatch` (#RRGGBB) puts a colour first."""

    text: str = ""
    ink: ColourName = "ink"
    weight: int = 400
    glyph: str = ""
    glyph_ink: ColourName = "ink2"
    tone: Tone | None = None
    tile: bool = False
    swatch: str = ""
    mono: bool = False
    centred: bool = False
    ground: ColourName | None = None
    """A tint under the whole cell, for a row that stands out."""


class RowModel(QAbstractTableModel, Generic[Row]):
    """The rows that it was last given, in that order. A model of one list names its columns and says what is in them."""

    Column: ClassVar[type[IntEnum]]
    centred: ClassVar[frozenset[int]] = frozenset()
    """The columns whose header stands in the middle."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []

    def header(self, column: int) -> str:
        """What stands over a column."""
        raise NotImplementedError

    def cell(self, row: Row, column: int) -> Cell:
        """What a row has in a column."""
        raise NotImplementedError

    def key(self, row: Row) -> object:
        """What tells this row from all others, whatever else of it changes."""
        return getattr(row, "id", row)

    def rows(self) -> Sequence[Row]:
        """The rows, in the model's order."""
        return self._rows

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows. Where they are the same as before, only what they say changes, and the selection stays."""
        if [self.key(row) for row in rows] == [self.key(row) for row in self._rows]:
            self._rows = list(rows)
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, self.columnCount() - 1))
            return
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def add_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows too, at the end."""
        if rows:
            self.beginInsertRows(ROOT, len(self._rows), len(self._rows) + len(rows) - 1)
            self._rows.extend(rows)
            self.endInsertRows()

    def row_of(self, key: object) -> int:
        """The place of the row with this key, or -1."""
        return next((place for place, row in enumerate(self._rows) if self.key(row) == key), -1)

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole and section in self.centred:
            return Qt.AlignmentFlag.AlignCenter
        return self.header(section) if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == RowRole:
            return row
        if role not in (Qt.ItemDataRole.DisplayRole, CellRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        cell = self.cell(row, index.column())
        if role == CellRole:
            return cell
        if role == Qt.ItemDataRole.AccessibleTextRole and not index.column():
            return self._spoken(row)
        return cell.text

    def _spoken(self, row: Row) -> str:
        """The whole row for a screen reader, which stands on the first cell: "Maya Cole, Front desk, last seen now"."""
        cells = (self.cell(row, column) for column in range(self.columnCount()))
        return ", ".join(cell.text for cell in cells if cell.text and not cell.tile)
