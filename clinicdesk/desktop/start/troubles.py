"""What is shown where the clinic's data does not open: the question for its passphrase, or what is the matter and what to do."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from clinicdesk.core.errors import ClinicError
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.sentences import sentence
from clinicdesk.desktop.users.cover import CoverPage
from clinicdesk.desktop.users.password_edit import PasswordField
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, TextLabel

PASSPHRASE_CODES = frozenset({"passphrase_needed", "wrong_passphrase"})


class PassphrasePage(CoverPage):
    """Asks for the passphrase that locks the data of this clinic."""

    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__((("Enter", self.tr("open")),), parent)
        self.cover.set_text(self.tr("This clinic's data is locked"), self.tr("Whoever set it up chose a passphrase."))
        self.passphrase = PasswordField(self.tr("Passphrase"))
        self._button = ActionButton(self.tr("Open"), "Enter", kind=ButtonKind.PRIMARY, height=38)
        self._button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for part in (TextLabel(self.tr("Unlock the data"), Role.FIGURE), self.passphrase, self._button):
            self.form.addWidget(part)
        self.passphrase.edit.returnPressed.connect(self._ask)
        self.passphrase.edit.textEdited.connect(self.passphrase.field.clear_error)
        self._button.clicked.connect(self._ask)
        self.setFocusProxy(self.passphrase)

    def refuse(self, error: ClinicError) -> None:
        """Say that the passphrase did not fit, and ask again."""
        self.setEnabled(True)
        self.passphrase.clear()
        self.passphrase.field.show_error(sentence(error))
        self.passphrase.setFocus()

    def _ask(self) -> None:
        if self.passphrase.edit.text():
            self.setEnabled(False)
            self.asked.emit(self.passphrase.edit.text())
        else:
            self.passphrase.field.show_error(self.tr("Type the passphrase."))


class TroublePage(CoverPage):
    """Says in a sentence why the data does not open and what to do, and lets one try again."""

    retry = Signal()
    give_up = Signal()

    def __init__(self, error: ClinicError, folder: str, parent: QWidget | None = None) -> None:
        super().__init__((("Enter", self.tr("try again")),), parent)
        self.cover.set_text(self.tr("ClinicDesk cannot open"), self.tr("Nothing of the clinic's data was changed."))
        self.words = sentence(error)
        again = ActionButton(self.tr("Try again"), "Enter", kind=ButtonKind.PRIMARY, height=38)
        quit_button = ActionButton(self.tr("Quit"), "Ctrl+Q", height=38)
        buttons = QHBoxLayout()
        for button in (again, quit_button):
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            buttons.addWidget(button)
        again.setAutoDefault(True)
        again.setShortcut("Return")
        self.form.addWidget(TextLabel(self.tr("The data does not open"), Role.FIGURE))
        self.form.addWidget(TextLabel(self.words, wrap=True))
        place = self.tr("Folder: {folder}").replace("{folder}", folder)
        self.form.addWidget(TextLabel(place, Role.SMALL, "ink2", wrap=True))
        self.form.addLayout(buttons)
        again.clicked.connect(self.retry)
        quit_button.clicked.connect(self.give_up)
        self.setFocusProxy(again)
