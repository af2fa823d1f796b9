"""Fields: a label, what is typed, and a sentence beside it when it needs the user."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from clinicdesk.desktop.look import glyphs
from clinicdesk.desktop.look.style import INVALID
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets.buttons import ActionButton
from clinicdesk.desktop.widgets.keys import caps_width, paint_caps
from clinicdesk.desktop.widgets.labels import Glyph, TextLabel


@dataclass(frozen=True)
class Suggestion:
    """A way out of an error: what the button says, the chord that presses it, and what it does."""

    text: str
    keys: str
    take: Callable[[], object]


class FieldError(QWidget):
    """The sentence under a field that needs the user."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = TextLabel("", Role.SMALL, "rust_ink", 500, wrap=True, parent=self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme().tokens.metrics.px(6))
        row.addWidget(Glyph("ph.warning-circle-fill", 15, "rust_ink", self), 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._text, 1)

    def text(self) -> str:
        """The sentence."""
        return self._text.text()

    def set_text(self, sentence: str) -> None:
        """Show another sentence."""
        self._text.setText(sentence)
        self.setAccessibleName(sentence)


class Field(QWidget):
    """A label over an editor over an error line with its suggestions."""

    def __init__(self, label: str, editor: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        metrics = theme().tokens.metrics
        self.editor = editor
        self._label = TextLabel(label, Role.SMALL, "ink", 500, parent=self)
        self._label.setBuddy(editor)
        self._error = FieldError(self)
        self._error.hide()
        self._suggestions = QHBoxLayout()
        self._suggestions.setSpacing(metrics.related)
        self._suggestions.setAlignment(Qt.AlignmentFlag.AlignLeading)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(metrics.px(4))
        column.addWidget(self._label)
        column.addWidget(editor)
        column.addWidget(self._error)
        column.addLayout(self._suggestions)
        editor.setAccessibleName(label)
        self.setFocusProxy(editor)

    def error(self) -> str:
        """The sentence that stands under the field, or nothing."""
        return self._error.text() if self.editor.property(INVALID) else ""

    def show_error(self, sentence: str, suggestions: Sequence[Suggestion] = ()) -> None:
        """Say what the field needs and offer ways out; what was typed stays."""
        self._clear_suggestions()
        self._error.set_text(sentence)
        self._error.show()
        for suggestion in suggestions:
            button = ActionButton(suggestion.text, suggestion.keys, parent=self)
            button.setShortcut(suggestion.keys)
            button.clicked.connect(suggestion.take)
            self._suggestions.addWidget(button)
            button.show()
        self._mark(True, sentence)

    def clear_error(self) -> None:
        """Take the sentence and its suggestions away."""
        self._clear_suggestions()
        self._error.hide()
        self._mark(False, "")

    def _clear_suggestions(self) -> None:
        while item := self._suggestions.takeAt(0):
            if old := item.widget():
                old.hide()
                old.deleteLater()

    def _mark(self, invalid: bool, sentence: str) -> None:
        self.editor.setProperty(INVALID, invalid)
        self.editor.setAccessibleDescription(sentence)
        self.editor.update()


class SearchField(QLineEdit):
    """A line to search with: a lens in front, and while it is empty the chord that leads here."""

    def __init__(self, placeholder: str, keys: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keys = keys
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(placeholder)
        self._make_room()
        self.textChanged.connect(self._make_room)
        theme().changed.connect(self._make_room)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        tokens = theme().tokens
        metrics = tokens.metrics
        painter = QPainter(self)
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        size, middle = metrics.icon, self.height() / 2
        left: float = self.width() - metrics.px(10) - size if mirrored else metrics.px(10)
        glyphs.draw(painter, QRectF(left, middle - size / 2, size, size), "ph.magnifying-glass", tokens.ink2)
        if self._keys and not self.text():
            width = caps_width(self._keys)
            left = metrics.px(10) if mirrored else self.width() - metrics.px(10) - width
            paint_caps(painter, left, middle, self._keys, tokens.ink2, tokens.line2, mirrored)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LayoutDirectionChange:
            self._make_room()

    def _make_room(self) -> None:
        metrics = theme().tokens.metrics
        front = metrics.px(24)
        back = round(caps_width(self._keys)) + metrics.px(8) if self._keys and not self.text() else 0
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        self.setTextMargins(back if mirrored else front, 0, front if mirrored else back, 0)
