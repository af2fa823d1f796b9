"""The users of the clinic: who they are, what they may do, when they were last here, and whether their account is on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any
from uuid import UUID

from PySide6.QtWidgets import QWidget

from clinicdesk.core.tx import Tx
from clinicdesk.desktop.admin import words
from clinicdesk.desktop.admin.form import FormSheet
from clinicdesk.desktop.admin.list_pane import ListPane
from clinicdesk.desktop.admin.rows import Cell, RowModel
from clinicdesk.desktop.admin.user_sheets import PasswordSheet, UserSheet
from clinicdesk.desktop.desk import Desk, Reversal
from clinicdesk.desktop.users.roles import role_name
from clinicdesk.features.practitioners.schemas import PractitionerRow
from clinicdesk.features.practitioners.service import list_practitioners
from clinicdesk.features.users.schemas import UserRow
from clinicdesk.features.users.service import list_users, set_active


class UserModel(RowModel[UserRow]):
    """The accounts."""

    class Column(IntEnum):
        TILE = 0
        NAME = 1
        ROLE = 2
        EMAIL = 3
        SEEN = 4
        STATE = 5

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def header(self, column: int) -> str:
        return {
            self.Column.TILE: "",
            self.Column.NAME: self.tr("Name"),
            self.Column.ROLE: self.tr("Role"),
            self.Column.EMAIL: self.tr("E-mail"),
            self.Column.SEEN: self.tr("Last seen"),
            self.Column.STATE: self.tr("Sign-in"),
        }[self.Column(column)]

    def cell(self, row: UserRow, column: int) -> Cell:
        match self.Column(column):
            case self.Column.TILE:
                return Cell(row.name, "ink2" if row.active else "ink3", tile=True)
            case self.Column.NAME:
                return Cell(row.name, "ink" if row.active else "ink3", 500)
            case self.Column.ROLE:
                return Cell(role_name(row.role), "ink" if row.active else "ink3")
            case self.Column.EMAIL:
                return Cell(row.email, "ink2" if row.active else "ink3")
            case self.Column.SEEN:
                return Cell(self._seen(row), "ink2" if row.active else "ink3")
        if not row.active:
            return Cell(self.tr("Turned off"), tone="quiet", glyph="ph.prohibit")
        if row.must_change_password:
            return Cell(self.tr("New password due"), tone="amber", glyph="ph.warning-fill")
        return Cell(self.tr("On"), "ink2", glyph="ph.check-circle", glyph_ink="ok")

    def _seen(self, row: UserRow) -> str:
        if row.last_seen_at is None:
            return self.tr("Never")
        return words.lately(row.last_seen_at, self._desk.now(), self._desk.clinic.tz)


class UsersPane(ListPane):
    """Adds, changes, turns off and on; P gives a new password."""

    name = "users"
    reads = frozenset({"user", "practitioner"})

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        column = UserModel.Column
        widths = {column.TILE: 42, column.ROLE: 104, column.EMAIL: 126, column.SEEN: 84, column.STATE: 142}
        super().__init__(desk, UserModel(desk), widths, stretch=column.NAME, parent=parent)
        self.set_title(self.tr("Users"))
        self.add_text = self.tr("Add user")
        self._practitioners: Sequence[PractitionerRow] = ()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        return {
            "admin.add": self.add,
            "admin.edit": self.edit,
            "admin.turn_off": self.turn_off_or_on,
            "admin.password": self.new_password,
        }

    def refresh(self) -> None:
        self.desk.runner.read(
            lambda tx: (list_users(tx), list_practitioners(tx, include_inactive=True)), self._show, owner=self
        )

    def _show(self, read: tuple[list[UserRow], list[PractitionerRow]]) -> None:
        users, self._practitioners = read
        self.show_rows(users)

    def sheet(self, row: Any | None) -> FormSheet:
        sheet = UserSheet(self.desk, self, row, self._practitioners)
        sheet.saved.connect(self._saved if row is not None else self._added)
        return sheet

    def _added(self, user: UserRow) -> None:
        self.desk.toast(self.tr("Added a user: {role}").replace("{role}", role_name(user.role)))
        self.show_saved(user)

    def _saved(self, user: UserRow) -> None:
        self.desk.toast(self.tr("Saved"))
        self.show_saved(user)

    def turn_off_or_on(self) -> None:
        """Turn the account under the cursor off, or on again."""
        row = self.current()
        if isinstance(row, UserRow):
            done = self.tr("Account turned off") if row.active else self.tr("Account turned on")
            self.do(_switch(row.id, row.version, not row.active), done, done[:1].lower() + done[1:])

    def new_password(self) -> None:
        """Ask for a new password for the account under the cursor."""
        row = self.current()
        if isinstance(row, UserRow):
            sheet = PasswordSheet(self.desk, self, row)
            sheet.saved.connect(lambda _user: self.desk.toast(self.tr("The new password is set")))
            sheet.open_sheet()


def _switch(user_id: UUID, version: int, active: bool) -> Reversal:
    def switching(tx: Tx) -> Reversal:
        row = set_active(tx, user_id, version, active)
        return _switch(user_id, row.version, not active)

    return switching
