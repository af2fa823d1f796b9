"""The sheets of the users list: an account's values, and a new password for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QLineEdit, QWidget

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Tx
from clinicdesk.desktop.admin.form import FormSheet, choose, combo, current
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look import tokens
from clinicdesk.desktop.users.password_edit import PasswordField
from clinicdesk.desktop.users.roles import role_name
from clinicdesk.desktop.widgets import TextLabel
from clinicdesk.features.practitioners.schemas import PractitionerRow
from clinicdesk.features.users.schemas import AddUser, EditUser, UserRow
from clinicdesk.features.users.service import add_user, edit_user, list_users, reset_password

ROLES = (Role.RECEPTIONIST, Role.NURSE, Role.DOCTOR, Role.ADMINISTRATOR)
"""The roles that somebody at a desk can have, in the order of the grid."""


class UserSheet(FormSheet):
    """Adds an account, or changes one. A new one is given a password, to be changed at the first sign-in."""

    def __init__(
        self, desk: Desk, host: QWidget, user: UserRow | None, practitioners: Sequence[PractitionerRow]
    ) -> None:
        title = self.tr("Change user") if user else self.tr("Add a user")
        super().__init__(desk, host, title, self.tr("Save") if user else self.tr("Add user"))
        self._user = user
        self.name, self.email = QLineEdit(), QLineEdit()
        roles = [*ROLES, Role.PATIENT] if user and user.role is Role.PATIENT else ROLES
        self.role = combo([(role_name(role), role) for role in roles], Role.RECEPTIONIST)
        people: list[tuple[str, object]] = [(self.tr("Nobody"), None), *((p.name, p.id) for p in practitioners)]
        self.practitioner = combo(people, None)
        self.line((self.field("name", self.tr("Name"), self.name), 1))
        self.line((self.field("email", self.tr("E-mail, to sign in with"), self.email), 1))
        self.line(
            (self.field("role", self.tr("Role"), self.role), 1),
            (self.field("practitioner_id", self.tr("Sees patients as"), self.practitioner), 1),
        )
        self.password: PasswordField | None = None
        if user is None:
            self.password = password_field(self, self.tr("First password, 15 characters or more"))
            self.line((self.password, 1))
        else:
            self.show_row(user)

    def stored(self, tx: Tx) -> UserRow | None:
        return current(self._user, list_users(tx))

    def show_row(self, row: UserRow) -> None:
        self._user = row
        self.name.setText(row.name)
        self.email.setText(row.email)
        choose(self.role, row.role)
        choose(self.practitioner, row.practitioner_id)

    def work(self) -> Callable[[Tx], object]:
        name, email, role = self.name.text(), self.email.text(), Role(self.role.currentData())
        practitioner: UUID | None = self.practitioner.currentData()
        if self._user is not None:
            change = EditUser(self._user.id, self._user.version, email, name, role, practitioner)
            return lambda tx: edit_user(tx, change)
        password = self.password.edit.text() if self.password is not None else ""
        new = AddUser(email, name, role, password, practitioner, must_change_password=True)
        return lambda tx: add_user(tx, new)


class PasswordSheet(FormSheet):
    """Gives an account a new password; whoever owns it chooses their own at the next sign-in."""

    def __init__(self, desk: Desk, host: QWidget, user: UserRow) -> None:
        title = QCoreApplication.translate("PasswordSheet", "New password for {name}").replace("{name}", user.name)
        super().__init__(desk, host, title, self.tr("Set password"), width=460)
        self._user_id = user.id
        self.password = password_field(self, self.tr("New password, 15 characters or more"))
        self.line((self.password, 1))
        words = self.tr("It is asked for once, then changed. A lock after wrong passwords is lifted.")
        self.body.addWidget(TextLabel(words, tokens.Role.SMALL, "ink2", wrap=True))

    def work(self) -> Callable[[Tx], object]:
        user_id, password = self._user_id, self.password.edit.text()
        return lambda tx: reset_password(tx, user_id, password)


def password_field(sheet: FormSheet, label: str) -> PasswordField:
    """A password in a form; it is left out of drafts."""
    made = PasswordField(label)
    sheet.fields.take("password", made.field, secret=True)
    return made
