"""A sheet with fields that saves through a verb: what is wrong is said beside its field, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Protocol, TypeVar
from uuid import UUID

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.tx import Tx
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.sentences import sentence
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, Field, FieldError, Sheet, TextLabel

Typed = dict[str, str]
"""What stands in the fields, by name."""


class FieldSet:
    """Fields by the names that the service calls them; finds the one that an error speaks of."""

    def __init__(self) -> None:
        self.fields: dict[str, Field] = {}
        self._secret: set[str] = set()
        self._all: dict[str, QWidget] = {}

    def add(self, name: str, label: str, editor: QWidget) -> Field:
        """Make the field of an editor."""
        self.fields[name] = field = Field(label, editor)
        self._all[name] = editor
        return field

    def take(self, name: str, field: Field, *, secret: bool) -> None:
        """Take a field that is made already; what is secret in it is never kept."""
        self.fields[name], self._all[name] = field, field.editor
        if secret:
            self._secret.add(name)

    def also(self, name: str, editor: QWidget) -> None:
        """An editor that says itself what it is for, such as a tick box."""
        self._all[name] = editor

    def clear_errors(self) -> None:
        """Take every sentence away."""
        for field in self.fields.values():
            field.clear_error()

    def refuse(self, error: ClinicError, desk: Desk) -> bool:
        """Say the error beside its field and put the cursor there; False where no field here is meant."""
        field = self.fields.get(_NAMES.get(error.reason, str(error.params.get("field", ""))))
        if field is None:
            return False
        field.show_error(sentence(error, desk.clinic.tz))
        field.editor.setFocus(Qt.FocusReason.OtherFocusReason)
        return True

    def typed(self) -> Typed:
        """What stands in the fields now; passwords are left out."""
        return {name: _typed(editor) for name, editor in self._all.items() if name not in self._secret}

    def fill(self, typed: Typed) -> None:
        """Put back what `typed` gave."""
        for name, text in typed.items():
            if name in self._all:
                _fill(self._all[name], text)

    def merge(self, before: Typed, show: Callable[[], object]) -> tuple[Typed, str]:
        """Somebody else has stored other values: take those where nothing was typed, keep what was, and mark what differs.

        `before` is what stood here before anything was typed; `show` fills the fields with what is stored now. Gives what
        is stored, in place of `before`, and the sentence that says so: to save again is then to choose.
        """
        typed = self.typed()
        show()
        stored = self.typed()
        translate = QCoreApplication.translate
        said = translate("FieldSet", "Somebody else has changed this in the meantime. What you typed is kept.")
        self.fill({name: text for name, text in typed.items() if text != before[name]})
        for name, field in self.fields.items():
            if name in stored and stored[name] not in (before[name], typed[name]) and typed[name] != before[name]:
                theirs = stored[name] or translate("FieldSet", "nothing")
                field.show_error(translate("FieldSet", "Somebody has changed this to “%1”.").replace("%1", theirs))
        return stored, said + " " + translate("FieldSet", "Save again to store it.")

    def when_typed(self, tell: Callable[[], object]) -> None:
        """Call `tell` whenever something else stands in a field."""
        for editor in self._all.values():
            if isinstance(editor, QLineEdit):
                editor.textChanged.connect(lambda _text: tell())
            elif isinstance(editor, QComboBox):
                editor.currentTextChanged.connect(lambda _text: tell())
            elif isinstance(editor, QSpinBox):
                editor.valueChanged.connect(lambda _value: tell())
            elif isinstance(editor, QCheckBox):
                editor.toggled.connect(lambda _on: tell())

    def editors(self) -> list[QWidget]:
        """What Tab goes through, in order."""
        return list(self._all.values())


_NAMES = {"email_taken": "email", "name_taken": "name", "last_administrator": "role"}
"""Where an error that names no field belongs."""


def _typed(editor: QWidget) -> str:
    if isinstance(editor, QLineEdit):
        return editor.text()
    if isinstance(editor, QComboBox):
        return editor.currentText()
    if isinstance(editor, QSpinBox):
        return str(editor.value())
    if isinstance(editor, QCheckBox):
        return "on" if editor.isChecked() else ""
    raise TypeError(f"no form has a {type(editor).__name__}")


def _fill(editor: QWidget, text: str) -> None:
    if isinstance(editor, QLineEdit):
        editor.setText(text)
    elif isinstance(editor, QComboBox):
        editor.setCurrentText(text)
    elif isinstance(editor, QSpinBox):
        editor.setValue(int(text))
    elif isinstance(editor, QCheckBox):
        editor.setChecked(bool(text))


class FormSheet(Sheet):
    """Fields over two buttons. Enter saves, Esc leaves; while it saves, the fields wait. Build it, then `open_sheet()`."""

    saved = Signal(object)
    """What the verb gave back; the sheet is closed by then."""

    def __init__(self, desk: Desk, host: QWidget, title: str, verb: str, *, width: int = 520) -> None:
        """`verb` is what the button says that saves."""
        super().__init__(desk.host or host, title, width=width)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        metrics = theme().tokens.metrics
        self.desk = desk
        self.fields = FieldSet()
        self.save_button = ActionButton(verb, "Enter", kind=ButtonKind.PRIMARY, height=32)
        self.save_button.clicked.connect(self.save)
        translate = QCoreApplication.translate
        cancel = ActionButton(translate("FormSheet", "Leave it"), "Esc", height=32)
        cancel.clicked.connect(self.close_sheet)
        self._trouble = FieldError()
        self._trouble.hide()
        self._opened_with: Typed = {}
        self.body = QVBoxLayout()
        self.body.setSpacing(metrics.px(12))
        buttons = QHBoxLayout()
        buttons.setSpacing(metrics.related)
        buttons.addWidget(self._trouble, 1)
        buttons.addStretch()
        buttons.addWidget(cancel)
        buttons.addWidget(self.save_button)
        column = QVBoxLayout(self)
        margin = metrics.px(24)
        column.setContentsMargins(margin, metrics.px(18), margin, metrics.px(20))
        column.setSpacing(metrics.px(14))
        column.addWidget(TextLabel(title, Role.PAGE, wrap=True))
        column.addLayout(self.body)
        column.addSpacing(metrics.px(4))
        column.addLayout(buttons)
        self._buttons = (cancel, self.save_button)

    def work(self) -> Callable[[Tx], object]:
        """What saving does, made of what is typed. Raises InvalidInput with `field` for what cannot be sent."""
        raise NotImplementedError

    def stored(self, tx: Tx) -> object | None:
        """What this sheet changes, as it is stored now; None where it makes something new, or that is gone."""
        return None

    def show_row(self, row: Any) -> None:
        """Say in the fields what a row says, and save over that row from now on."""
        raise NotImplementedError

    def send(self) -> None:
        """Have it done; a subclass whose work is no single unit of work says how. Raises as `work`."""
        self.desk.runner.write(self.work(), self._done, owner=self, failed=self._refused)

    def field(self, name: str, label: str, editor: QWidget) -> Field:
        """Make a field that the layout of a subclass places."""
        return self.fields.add(name, label, editor)

    def line(self, *parts: tuple[QWidget, int]) -> None:
        """Add widgets side by side, each with its share of the width."""
        row = QHBoxLayout()
        row.setSpacing(theme().tokens.metrics.px(12))
        for part, share in parts:
            row.addWidget(part, share, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(row)

    def changed(self) -> bool:
        """Whether something was typed since the sheet was opened."""
        return self.fields.typed() != self._opened_with

    def trouble(self) -> str:
        """The sentence at the foot, for what no field can say; empty where there is none."""
        return self._trouble.text() if self._trouble.isVisibleTo(self) else ""

    def save(self) -> None:
        """Send what is typed to the verb."""
        if not self.save_button.isEnabled():
            return
        self.fields.clear_errors()
        self._trouble.hide()
        try:
            self.send()
        except ClinicError as error:
            self._refused(error)
        else:
            self.save_button.setEnabled(False)

    def _done(self, result: object) -> None:
        self.close_sheet()
        self.saved.emit(result)

    def _refused(self, error: ClinicError) -> None:
        if error.reason == "changed_meanwhile":
            told = partial(self._tell, error)
            self.desk.runner.read(self.stored, partial(self._take_theirs, error), owner=self, failed=told)
        else:
            self._tell(error)

    def _take_theirs(self, error: ClinicError, row: object | None) -> None:
        if row is None:
            self._tell(error)
            return
        self._opened_with, said = self.fields.merge(self._opened_with, lambda: self.show_row(row))
        self.save_button.setEnabled(True)
        self._say(said)

    def _tell(self, error: ClinicError) -> None:
        self.save_button.setEnabled(True)
        if not self.fields.refuse(error, self.desk):
            self._say(sentence(error, self.desk.clinic.tz))

    def _say(self, words: str) -> None:
        self._trouble.set_text(words)
        self._trouble.show()

    def open_sheet(self) -> None:
        """Show the sheet with the cursor in its first field."""
        editors = self.fields.editors()
        for before, after in pairwise([*editors, *self._buttons]):
            self.setTabOrder(before, after)
        self._opened_with = self.fields.typed()
        super().open_sheet()
        editors[0].setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter saves, but on another button it presses that."""
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
        elif isinstance(focus := QApplication.focusWidget(), QAbstractButton) and not isinstance(focus, QCheckBox):
            focus.click()
        else:
            self.save()


def combo(choices: Sequence[tuple[str, object]], chosen: object) -> QComboBox:
    """A list to choose from, of (words, value); `chosen` is the value to begin with."""
    box = QComboBox()
    for words, value in choices:
        box.addItem(words, value)
    at = next((place for place, (_, value) in enumerate(choices) if value == chosen), 0)
    box.setCurrentIndex(at)
    return box


def choose(box: QComboBox, value: object) -> None:
    """Stand on the line with this value, or on the first where there is none."""
    # Not findData: it takes equal ids that are two Python objects for two values.
    box.setCurrentIndex(next((line for line in range(box.count()) if box.itemData(line) == value), 0))


class _Stored(Protocol):
    @property
    def id(self) -> UUID: ...


StoredRow = TypeVar("StoredRow", bound=_Stored)


def current(row: StoredRow | None, rows: Sequence[StoredRow]) -> StoredRow | None:
    """The one of `rows` that `row` has become; None where it is gone, or never was."""
    return next((now for now in rows if row is not None and now.id == row.id), None)


def number(value: int, least: int, most: int, suffix: str = "") -> QSpinBox:
    """A whole number to type, from least to most; the suffix says of what."""
    box = QSpinBox()
    box.setRange(least, most)
    box.setValue(value)
    box.setSuffix(suffix)
    return box
