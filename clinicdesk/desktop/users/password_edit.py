"""A field for a password: hidden unless asked, with a word when Caps Lock is on."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from clinicdesk.desktop.look.icons import icon
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets import Field, TextLabel
from clinicdesk.desktop.widgets.labels import Glyph


class TallEdit(QLineEdit):
    """A line to type in, of the height that sign-in has, with a glyph in front."""

    def __init__(self, glyph: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.addAction(icon(glyph), QLineEdit.ActionPosition.LeadingPosition)
        self._size()
        theme().changed.connect(self._size)

    def _size(self) -> None:
        self.setFixedHeight(theme().tokens.metrics.field_sign_in)


class PasswordEdit(TallEdit):
    """Shows dots; the eye shows what was typed. It tells whether Caps Lock seems to be on."""

    caps_lock = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("ph.lock-simple", parent)
        self.setEchoMode(QLineEdit.EchoMode.Password)
        self.setInputMethodHints(Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText)
        self._eye: QAction = self.addAction(icon("ph.eye"), QLineEdit.ActionPosition.TrailingPosition)
        self._eye.setCheckable(True)
        self._eye.setText(self.tr("Show the password"))
        self._eye.toggled.connect(self._show)

    def _show(self, on: bool) -> None:
        self.setEchoMode(QLineEdit.EchoMode.Normal if on else QLineEdit.EchoMode.Password)

    def hide_again(self) -> None:
        """Empty the field and cover what is typed next."""
        self.clear()
        self._eye.setChecked(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        letter = event.text()
        if letter.isalpha():
            shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.caps_lock.emit(letter.isupper() != shifted and letter.lower() != letter.upper())
        super().keyPressEvent(event)


class PasswordField(QWidget):
    """A labelled password with its error, and the word about Caps Lock below it."""

    def __init__(self, label: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        metrics = theme().tokens.metrics
        self.edit = PasswordEdit()
        self.field = Field(label, self.edit)
        self._caps = QWidget()
        row = QHBoxLayout(self._caps)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(metrics.px(6))
        row.addWidget(Glyph("ph.warning-fill", 15, "amber_ink"))
        row.addWidget(TextLabel(self.tr("Caps Lock is on"), Role.SMALL, "amber_ink", 500), 1)
        self._caps.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(metrics.px(6))
        column.addWidget(self.field)
        column.addWidget(self._caps)
        self.setFocusProxy(self.edit)
        self.edit.caps_lock.connect(self._caps.setVisible)

    def clear(self) -> None:
        """Forget what was typed."""
        self.edit.hide_again()
        self._caps.hide()
