"""Who saw or changed a record, as a Qt model and its table, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QLocale, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QWidget

from clinicdesk.core.permissions import Role as UserRole
from clinicdesk.desktop.admin.deeds import deed
from clinicdesk.desktop.appointments.words import clock
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.patients import words
from clinicdesk.desktop.users.roles import role_name
from clinicdesk.desktop.widgets import TableView
from clinicdesk.features.audit.schemas import AuditRow

RowRole = Qt.ItemDataRole.UserRole
"""The AuditRow of a row."""

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class Column(IntEnum):
    """The columns, left to right."""

    WHEN = 0
    WHO = 1
    ROLE = 2
    DESK = 3
    WHAT = 4


def person_who(entry: AuditRow, desk: Desk) -> str:
    """ "You" for whoever sits here, else the name."""
    is_self = entry.actor_id is not None and entry.actor_id == desk.actor.user_id
    return desk.tr("You") if is_self else entry.who


class AccessLogModel(QAbstractTableModel):
    """The entries that it was last given."""

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._rows: tuple[AuditRow, ...] = ()

    def set_entries(self, entries: Sequence[AuditRow]) -> None:
        """Show these entries."""
        self.beginResetModel()
        self._rows = tuple(entries)
        self.endResetModel()

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
            Column.WHEN: self.tr("When"),
            Column.WHO: self.tr("Who"),
            Column.ROLE: self.tr("Role"),
            Column.DESK: self.tr("Where"),
            Column.WHAT: self.tr("What"),
        }[Column(section)]

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row, column = self._rows[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == RowRole:
            return row
        if role == Qt.ItemDataRole.AccessibleTextRole:
            if column is not Column.WHEN:
                return self._text(row, column)
            return ", ".join(self._text(row, each) for each in Column)
        return None

    def _text(self, row: AuditRow, column: Column) -> str:
        match column:
            case Column.WHEN:
                local = row.at.astimezone(self._desk.clinic.tz)
                day = self.tr("Today") if local.date() == self._desk.now().date() else words.day_text(local.date())
                return f"{day}, {clock(local)}"
            case Column.WHO:
                return person_who(row, self._desk)
            case Column.ROLE:
                return role_name(UserRole(row.role)) if row.role in set(UserRole) else row.role
            case Column.DESK:
                return row.desk
            case Column.WHAT:
                fields = QLocale().createSeparatedList(
                    [name.replace("_", " ") for name in row.fields if name != "version"]
                )
                return ": ".join(filter(None, (deed(row)[0], fields)))


class AccessLogTable(TableView):
    """The access log of one patient."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__("", "row_audit", parent)
        self.setAccessibleName(self.tr("Access log"))
        self.entries = AccessLogModel(desk, self)
        self.setModel(self.entries)
        self._fit_columns()
        theme().changed.connect(self._fit_columns)

    def show_entries(self, entries: Sequence[AuditRow]) -> None:
        """List these entries, with the cursor where it was."""
        row = max(self.currentIndex().row(), 0)
        self.entries.set_entries(entries)
        if entries:
            self.selectRow(min(row, len(entries) - 1))

    def _fit_columns(self) -> None:
        metrics = theme().tokens.metrics
        for column, width in ((Column.WHEN, 168), (Column.WHO, 168), (Column.ROLE, 112), (Column.DESK, 128)):
            self.setColumnWidth(column, metrics.px(width))
