"""The first start: five questions on one page, or the demo clinic."""

from __future__ import annotations

from datetime import time
from zoneinfo import ZoneInfo, available_timezones

from PySide6.QtCore import QLocale, Qt, QTime, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QTimeEdit,
    QToolButton,
    QWidget,
)

from clinicdesk.core.errors import ClinicError, InvalidInput
from clinicdesk.core.tx import Database
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.runner import Runner
from clinicdesk.desktop.sentences import sentence
from clinicdesk.desktop.start.answers import Answers, set_up, system_country, system_zone
from clinicdesk.desktop.start.passphrase_sheet import loss_words
from clinicdesk.desktop.users.cover import CoverPage
from clinicdesk.desktop.users.password_edit import PasswordEdit, PasswordField
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, Field, TextLabel
from clinicdesk.features.users.schemas import SignedIn, SignIn
from clinicdesk.features.users.service import authenticate
from clinicdesk.opening import OpenClinic, check_passphrase, operator


class FirstStartPage(CoverPage):
    """Asks for clinic, zone, first practitioner, hours and administrator. Enter goes on; what is wrong is said beside it."""

    FORM_WIDTH = 460

    finished = Signal(object)
    """SignedIn: the clinic is there, and its administrator signed in."""
    demo_wanted = Signal()

    def __init__(self, runner: Runner, desk_name: str, data: OpenClinic, parent: QWidget | None = None) -> None:
        """`data` is the empty clinic; a passphrase is offered where its key lies in a file."""
        hints = (("Enter", self.tr("next field")), ("Ctrl+Enter", self.tr("open the clinic")))
        super().__init__(hints, parent)
        self._runner, self._desk_name, self._data = runner, desk_name, data
        self.cover.set_text(
            self.tr("A new clinic"),
            self.tr("Five questions, two minutes.\nEverything can be changed later in Administration."),
        )
        self.clinic = QLineEdit()
        self.zone = _ZoneBox()
        self.prefix, self.given, self.family = QLineEdit(), QLineEdit(), QLineEdit()
        self.days = _Days()
        self.start, self.end = _time_edit(self.tr("From"), QTime(9, 0)), _time_edit(self.tr("Until"), QTime(17, 0))
        self.name, self.email = QLineEdit(), QLineEdit()
        self.email.setInputMethodHints(Qt.InputMethodHint.ImhEmailCharactersOnly)
        self.password = PasswordField(self.tr("Password, 15 characters or more"))
        self.passphrase, self.again = PasswordEdit(), PasswordEdit()
        self.open = ActionButton(self.tr("Open the clinic"), "Ctrl+Enter", kind=ButtonKind.PRIMARY, height=38)
        self.demo = ActionButton(self.tr("Open the demo clinic"), glyph="ph.flask", height=38)

        self.prefix.setPlaceholderText(self.tr("Dr"))
        self._clinic = Field(self.tr("1  What is the clinic called?"), self.clinic)
        self._zone = Field(self.tr("2  In which time zone is it?"), self.zone)
        self._practitioner = Field(
            self.tr("3  Who sees patients first?"), _row((self.prefix, 1), (self.given, 3), (self.family, 3))
        )
        self._hours = Field(self.tr("4  When?"), _row((self.days, 0), (self.start, 1), (self.end, 1)))
        self._name = Field(self.tr("5  Who looks after ClinicDesk? Your name"), self.name)
        self._email = Field(self.tr("E-mail, to sign in with"), self.email)
        self._passphrase = Field(
            self.tr("A passphrase for the data, if you like: no keyring keeps its key"),
            _row((self.passphrase, 1), (self.again, 1)),
        )
        self._loss = TextLabel(loss_words(), Role.SMALL, "ink2", wrap=True)
        for edit, words in ((self.prefix, self.tr("Title")), (self.given, self.tr("Given name")),
                            (self.family, self.tr("Family name")), (self.passphrase, self.tr("Passphrase")),
                            (self.again, self.tr("The same again"))):  # fmt: skip
            edit.setAccessibleName(words)
            if edit is not self.prefix:
                edit.setPlaceholderText(words)
        self._fields: dict[str, Field] = {
            "clinic": self._clinic,
            "zone": self._zone,
            "practitioner": self._practitioner,
            "hours": self._hours,
            "name": self._name,
            "email": self._email,
            "password": self.password.field,
            "passphrase": self._passphrase,
        }
        self._first_edits: dict[str, QWidget] = {
            "clinic": self.clinic,
            "zone": self.zone,
            "practitioner": self.family,
            "hours": self.start,
            "name": self.name,
            "email": self.email,
            "password": self.password.edit,
            "passphrase": self.passphrase,
        }
        self._last = (self.password.edit, self.again)
        self.form.setSpacing(theme().tokens.metrics.px(12))
        self.form.addWidget(TextLabel(self.tr("Set up the clinic"), Role.FIGURE))
        for part in (self._clinic, self._zone, self._practitioner, self._hours, self._name, self._email, self.password,
                     self._passphrase, self._loss):  # fmt: skip
            self.form.addWidget(part)
        for part in (self._passphrase, self._loss):
            part.setVisible("key_in_file" in data.warnings)
        buttons = QHBoxLayout()
        buttons.addWidget(self.open)
        buttons.addWidget(self.demo)
        for button in (self.open, self.demo):
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.form.addSpacing(theme().tokens.metrics.px(4))
        self.form.addLayout(buttons)
        self.open.clicked.connect(self._finish)
        self.demo.clicked.connect(self.demo_wanted)
        self.setFocusProxy(self.clinic)

    def error(self, question: str) -> str:
        """The sentence beside a question (clinic, zone, practitioner, hours, name, email, password, passphrase), or nothing."""
        return self._fields[question].error()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter goes on to the next field, and Ctrl+Enter finishes."""
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
        elif event.modifiers() & Qt.KeyboardModifier.ControlModifier or self.focusWidget() in self._last:
            self._finish()
        else:
            self.focusNextChild()

    def _finish(self) -> None:
        for field in self._fields.values():
            field.clear_error()
        question, words = self._missing()
        if question:
            self._refuse(question, words)
            return
        zone = self.zone.currentText().strip()
        answers = Answers(
            clinic=self.clinic.text(),
            zone=zone,
            prefix=self.prefix.text(),
            given=self.given.text(),
            family=self.family.text(),
            weekdays=self.days.chosen(),
            start=_to_time(self.start.time()),
            end=_to_time(self.end.time()),
            name=self.name.text(),
            email=self.email.text().strip(),
            today=self._runner.now().astimezone(ZoneInfo(zone)).date(),
            password=self.password.edit.text(),
            country=system_country(),
        )
        desk_name, data, passphrase = self._desk_name, self._data, self.passphrase.text()
        self.setEnabled(False)

        def work(database: Database) -> SignedIn:
            if passphrase:
                check_passphrase(passphrase)
            with database.write(operator(desk_name)) as tx:
                set_up(tx, answers)
            if passphrase:
                data.set_passphrase(operator(desk_name), passphrase)
            return authenticate(database, SignIn(answers.email, answers.password, desk_name))

        self._runner.call(work, self.finished.emit, owner=self, failed=self._refused)

    def _missing(self) -> tuple[str, str]:
        """The first question without an answer, and what to do about it."""
        if not self.clinic.text().strip():
            return "clinic", self.tr("Give the clinic a name.")
        if self.zone.currentText().strip() not in available_timezones():
            return "zone", self.tr("Choose a time zone from the list, such as Europe/Madrid.")
        if not self.family.text().strip():
            return "practitioner", self.tr("Type at least a family name.")
        if not self.days.chosen():
            return "hours", self.tr("Choose at least one day.")
        if not self.name.text().strip():
            return "name", self.tr("Type a name.")
        if self.passphrase.text() != self.again.text():
            return "passphrase", sentence(InvalidInput("not_the_same"))
        return "", ""

    def _refused(self, error: ClinicError) -> None:
        self.setEnabled(True)
        question = str(error.params.get("question", error.params.get("field", "")))
        self._refuse(question if question in self._fields else "password", sentence(error))

    def _refuse(self, question: str, words: str) -> None:
        self._fields[question].show_error(words)
        self._first_edits[question].setFocus()


class _ZoneBox(QComboBox):
    """All time zones, found by typing a part of the name; the computer's own is chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        names = sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
        self.addItems(["UTC", *names])
        self.setCurrentText(system_zone())
        completer = QCompleter(self.model(), self)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        self.setCompleter(completer)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if (line := self.lineEdit()) is not None:
            line.selectAll()


class _Days(QWidget):
    """The seven days, each on or off; Monday to Friday at first."""

    def __init__(self) -> None:
        super().__init__()
        locale = QLocale()
        self._buttons: list[QToolButton] = []
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme().tokens.metrics.px(2))
        for weekday in range(7):
            button = QToolButton()
            button.setText(locale.dayName(weekday + 1, QLocale.FormatType.ShortFormat)[:2])
            button.setAccessibleName(locale.dayName(weekday + 1))
            button.setCheckable(True)
            button.setChecked(weekday < 5)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setFixedHeight(theme().tokens.metrics.field)
            self._buttons.append(button)
            row.addWidget(button)

    def chosen(self) -> tuple[int, ...]:
        """The days that are on, Monday 0."""
        return tuple(weekday for weekday, button in enumerate(self._buttons) if button.isChecked())


def _time_edit(name: str, at: QTime) -> QTimeEdit:
    edit = QTimeEdit(at)
    edit.setDisplayFormat("HH:mm")
    edit.setAccessibleName(name)
    return edit


def _to_time(value: QTime) -> time:
    return time(value.hour(), value.minute())


def _row(*parts: tuple[QWidget, int]) -> QWidget:
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme().tokens.metrics.related)
    for part, stretch in parts:
        row.addWidget(part, stretch)
    holder.setFocusProxy(parts[0][0])
    return holder
