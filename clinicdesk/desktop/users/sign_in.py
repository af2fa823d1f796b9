"""The sign-in page: e-mail and password, and a new password where the first one was given by somebody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from clinicdesk.core.clinic import ClinicRow
from clinicdesk.core.errors import ClinicError
from clinicdesk.core.tx import Database
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.runner import Runner
from clinicdesk.desktop.sentences import sentence
from clinicdesk.desktop.users.cover import CoverPage
from clinicdesk.desktop.users.password_edit import PasswordField, TallEdit
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, Field, TextLabel
from clinicdesk.features.users.schemas import ChangePassword, SignedIn, SignIn
from clinicdesk.features.users.service import authenticate, replace_password


class SignInPage(CoverPage):
    """Asks who sits down. Enter goes on from each field; only the password is forgotten when it is wrong."""

    signed_in = Signal(object, object)
    """ClinicRow and SignedIn: the person may work there."""
    left = Signal()
    """Esc: back to where one came from."""

    def __init__(
        self,
        runner: Runner,
        clinic: ClinicRow,
        desk_name: str,
        accounts: Sequence[tuple[str, str, str]] = (),
        parent: QWidget | None = None,
    ) -> None:
        hints = (("Enter", self.tr("go on")),)
        super().__init__(hints, parent)
        self._runner, self._clinic, self._desk_name = runner, clinic, desk_name
        self._steps = QStackedWidget()
        self._steps.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.who = _Who()
        self.new_password = _NewPassword()
        self._steps.addWidget(self.who)
        self._steps.addWidget(self.new_password)
        self.form.addWidget(self._steps)
        if accounts:
            self.form.addWidget(_DemoAccounts(accounts, self.who.fill))
        self._pending: tuple[SignedIn, str] | None = None
        self._may_leave = False
        self.who.asked.connect(self._sign_in)
        self.new_password.asked.connect(self._change_password)
        self.setFocusProxy(self.who.email)

    def begin(self, *, may_leave: bool = False) -> None:
        """Ask from the beginning; Esc leaves where there is somewhere to go back to."""
        self._pending = None
        self._may_leave = may_leave
        self.who.begin()
        self.new_password.clear()
        self._steps.setCurrentWidget(self.who)
        now = self._runner.now().astimezone(self._clinic.tz)
        self.cover.set_text(self._clinic.name, f"{long_date(now)}\n{self._desk_name}")

    def set_clinic(self, clinic: ClinicRow) -> None:
        """The clinic's settings are new."""
        self._clinic = clinic

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._may_leave:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _sign_in(self, email: str, password: str) -> None:
        request = SignIn(email, password, self._desk_name)
        self.who.wait(True)

        def work(database: Database) -> SignedIn:
            return authenticate(database, request)

        def done(signed_in: SignedIn) -> None:
            self.who.wait(False)
            self.who.password.clear()
            if signed_in.user.must_change_password:
                self._pending = (signed_in, password)
                self._steps.setCurrentWidget(self.new_password)
                self.new_password.first.setFocus()
            else:
                self.signed_in.emit(self._clinic, signed_in)

        self._runner.call(work, done, owner=self, failed=self._refused, aside=True)

    def _refused(self, error: ClinicError) -> None:
        self.who.wait(False)
        self.who.refuse(sentence(error, self._clinic.tz))

    def _change_password(self, new: str) -> None:
        if self._pending is None:
            return
        signed_in, current = self._pending
        request = ChangePassword(current, new)
        self.new_password.wait(True)

        def work(database: Database) -> SignedIn:
            return replace(signed_in, user=replace_password(database, signed_in.actor, request))

        def done(changed: SignedIn) -> None:
            self.new_password.wait(False)
            self.new_password.clear()
            self._pending = None
            self.signed_in.emit(self._clinic, changed)

        def refused(error: ClinicError) -> None:
            self.new_password.wait(False)
            self.new_password.refuse(sentence(error, self._clinic.tz))

        self._runner.call(work, done, owner=self, failed=refused, aside=True)


class _Who(QWidget):
    asked = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.email = TallEdit("ph.user")
        self.email.setInputMethodHints(Qt.InputMethodHint.ImhEmailCharactersOnly)
        self.email_field = Field(self.tr("E-mail"), self.email)
        self.password = PasswordField(self.tr("Password"))
        self.button = _primary(self.tr("Sign in"))
        _stack(self, TextLabel(self.tr("Sign in"), Role.FIGURE), self.email_field, self.password, self.button)
        self.email.returnPressed.connect(self._email_done)
        self.password.edit.returnPressed.connect(self._ask)
        self.button.clicked.connect(self._ask)
        self.email.textEdited.connect(self.email_field.clear_error)
        self.password.edit.textEdited.connect(self.password.field.clear_error)

    def begin(self) -> None:
        self.wait(False)
        self.email.clear()
        self.email_field.clear_error()
        self.password.field.clear_error()
        self.password.clear()
        self.email.setFocus()

    def fill(self, email: str, password: str) -> None:
        self.email.setText(email)
        self.password.edit.setText(password)
        self.password.setFocus()

    def wait(self, on: bool) -> None:
        self.setEnabled(not on)

    def refuse(self, words: str) -> None:
        self.password.clear()
        self.password.field.show_error(words)
        self.password.setFocus()

    def _email_done(self) -> None:
        if self.email.text().strip():
            self.password.setFocus()

    def _ask(self) -> None:
        if not self.email.text().strip():
            self.email_field.show_error(self.tr("Type your e-mail address."))
            self.email.setFocus()
        elif not self.password.edit.text():
            self.password.field.show_error(self.tr("Type your password."))
            self.password.setFocus()
        else:
            self.asked.emit(self.email.text().strip(), self.password.edit.text())


class _NewPassword(QWidget):
    asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        words = TextLabel(
            self.tr("The password you have was given to you. Choose one that nobody else knows: four words are good."),
            colour="ink2",
            wrap=True,
        )
        self.first = PasswordField(self.tr("New password"))
        self.again = PasswordField(self.tr("New password again"))
        self.button = _primary(self.tr("Save and go on"))
        title = TextLabel(self.tr("Choose a password"), Role.FIGURE)
        _stack(self, title, words, self.first, self.again, self.button)
        self.first.edit.returnPressed.connect(self.again.setFocus)
        self.again.edit.returnPressed.connect(self._ask)
        self.button.clicked.connect(self._ask)
        for field in (self.first, self.again):
            field.edit.textEdited.connect(field.field.clear_error)

    def clear(self) -> None:
        for field in (self.first, self.again):
            field.clear()
            field.field.clear_error()

    def wait(self, on: bool) -> None:
        self.setEnabled(not on)

    def refuse(self, words: str) -> None:
        self.first.field.show_error(words)
        self.first.setFocus()

    def _ask(self) -> None:
        if self.first.edit.text() != self.again.edit.text():
            self.again.field.show_error(self.tr("The two are not the same."))
            self.again.setFocus()
        else:
            self.asked.emit(self.first.edit.text())


class _DemoAccounts(QWidget):
    """The accounts of the demo clinic; a press types one in."""

    def __init__(self, accounts: Sequence[tuple[str, str, str]], fill: Callable[[str, str], None]) -> None:
        super().__init__()
        parts: list[QWidget] = [TextLabel(self.tr("The demo clinic has these accounts"), Role.SMALL, "ink2", 500)]
        for email, password, name in accounts:
            button = ActionButton(f"{name} · {email}", glyph="ph.user")
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.clicked.connect(partial(fill, email, password))
            parts.append(button)
        _stack(self, *parts)
        if (column := self.layout()) is not None:
            column.setContentsMargins(0, theme().tokens.metrics.px(12), 0, 0)
            column.setSpacing(theme().tokens.metrics.px(6))


def _primary(text: str) -> ActionButton:
    button = ActionButton(text, "Enter", kind=ButtonKind.PRIMARY, height=38)
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return button


def _stack(page: QWidget, *parts: QWidget) -> None:
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(theme().tokens.metrics.px(14))
    for part in parts:
        column.addWidget(part)


def long_date(now: datetime) -> str:
    """A day as people say it, such as Monday 23 November 2026."""
    locale = QLocale()
    return f"{locale.dayName(now.isoweekday())} {now.day} {locale.monthName(now.month)} {now.year}"
