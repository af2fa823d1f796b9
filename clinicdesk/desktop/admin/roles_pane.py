"""What each role may do, as the table of permissions has it."""

from __future__ import annotations

from enum import IntEnum

from PySide6.QtWidgets import QWidget

from clinicdesk.core.permissions import Permission, may
from clinicdesk.desktop.admin import words
from clinicdesk.desktop.admin.list_pane import ListPane
from clinicdesk.desktop.admin.rows import Cell, RowModel
from clinicdesk.desktop.admin.user_sheets import ROLES
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.users.roles import role_name


class RoleModel(RowModel[Permission]):
    """A permission a row, a role a column."""

    class Column(IntEnum):
        MAY = 0
        RECEPTIONIST = 1
        NURSE = 2
        DOCTOR = 3
        ADMINISTRATOR = 4

    centred = frozenset({Column.RECEPTIONIST, Column.NURSE, Column.DOCTOR, Column.ADMINISTRATOR})

    def header(self, column: int) -> str:
        return role_name(ROLES[column - 1]) if column else self.tr("May")

    def cell(self, row: Permission, column: int) -> Cell:
        if not column:
            return Cell(words.permission(row))
        if may(ROLES[column - 1], row):
            return Cell(self.tr("yes"), glyph="ph.check", glyph_ink="ok", centred=True)
        return Cell("–", "ink3", centred=True)


class RolesPane(ListPane):
    """The grid of roles and permissions; to be read."""

    name = "roles"
    counted = False
    marks_first = False

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        column = RoleModel.Column
        widths = {column.RECEPTIONIST: 84, column.NURSE: 58, column.DOCTOR: 64, column.ADMINISTRATOR: 106}
        super().__init__(desk, RoleModel(), widths, stretch=column.MAY, row_height="row_roles", parent=parent)
        self.set_title(self.tr("Roles"))

    def refresh(self) -> None:
        granted = [p for p in Permission if p is not Permission.SIGN_IN and any(may(role, p) for role in ROLES)]
        self.show_rows(granted)
