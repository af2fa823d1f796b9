"""What the command bar lists: openings, people, places and what stands between them, as rows of one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

RowRole = Qt.ItemDataRole.UserRole
"""The Row."""

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class Kind(Enum):
    """What a row is; of these, Enter takes an opening, a person or a place."""

    HEADING = auto()
    OPENING = auto()
    CANDIDATE = auto()
    PERSON = auto()
    PLACE = auto()
    NOTE = auto()


_TAKEN = frozenset({Kind.OPENING, Kind.PERSON, Kind.PLACE})


@dataclass(frozen=True, slots=True)
class Row:
    """`text` in front, `detail` behind it, `aside` at the far end; an opening has its day and practitioner in `cells`."""

    kind: Kind
    text: str
    detail: str = ""
    aside: str = ""
    glyph: str = ""
    keys: str = ""
    number: int = 0
    cells: tuple[str, str] = ("", "")
    chosen: bool = False
    warns: bool = False
    value: object = None
    """The Opening, PatientRow or Place that it stands for."""

    @property
    def is_taken(self) -> bool:
        """Whether Enter does something with it."""
        return self.kind in _TAKEN

    @property
    def spoken(self) -> str:
        """What a screen reader says."""
        return ", ".join(part for part in (self.text, *self.cells, self.detail, self.aside) if part)


class RowModel(QAbstractListModel):
    """The rows that it was last given."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[Row, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        return self._rows

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show these."""
        self.beginResetModel()
        self._rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        row = self._rows[index.row()]
        if row.is_taken:
            return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return Qt.ItemFlag.ItemIsEnabled if row.kind is Kind.CANDIDATE else Qt.ItemFlag.NoItemFlags

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.text
        if role == RowRole:
            return row
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return row.spoken
        return None
