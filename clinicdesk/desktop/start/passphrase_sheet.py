"""Puts the key of the clinic's data under a passphrase, and says first what is lost with it."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QWidget

from clinicdesk.core.errors import InvalidInput
from clinicdesk.desktop.admin.form import FormSheet
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.users.password_edit import PasswordField
from clinicdesk.desktop.widgets import TextLabel
from clinicdesk.opening import OpenClinic


class PassphraseSheet(FormSheet):
    """Asks for the passphrase twice: nobody can look a mistyped one up."""

    def __init__(self, desk: Desk, host: QWidget, data: OpenClinic) -> None:
        super().__init__(desk, host, self.tr("Protect the data with a passphrase"), self.tr("Protect"))
        self._data = data
        first = self.tr("It is asked for at each start, before anybody signs in.")
        about = TextLabel(f"{first} {loss_words()}", wrap=True)
        about.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.body.addWidget(about)
        self.passphrase = PasswordField(self.tr("Passphrase, 15 characters or more"))
        self.again = PasswordField(self.tr("The same again"))
        for name, part in (("passphrase", self.passphrase), ("again", self.again)):
            self.fields.take(name, part.field, secret=True)
            self.line((part, 1))
        copies = self.tr("Copies of the folder that were made before can still be read without it.")
        self.body.addWidget(TextLabel(copies, Role.SMALL, "ink2", wrap=True))

    def send(self) -> None:
        data, actor, typed = self._data, self.desk.actor, self.passphrase.edit.text()
        check_same(typed, self.again.edit.text())
        self.desk.runner.run(
            lambda: data.set_passphrase(actor, typed), self._done, owner=self, failed=self._refused, aside=True
        )


def loss_words() -> str:
    """What a lost passphrase costs, and where the way out is shown."""
    return QCoreApplication.translate(
        "Passphrase",
        "If it is lost, only the recovery key opens the data. Write that down: clinicdesk recovery-key shows it in a terminal.",
    )


def check_same(passphrase: str, again: str) -> None:
    """Raise InvalidInput("not_the_same"), field "again", for two that differ."""
    if passphrase != again:
        raise InvalidInput("not_the_same", field="again")
