"""What a pane shows when it has nothing to show: empty, not available, not found."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Metrics, Role
from clinicdesk.desktop.widgets.buttons import ActionButton
from clinicdesk.desktop.widgets.labels import Glyph, TextLabel


class StatePane(QWidget):
    """A glyph, a title, one sentence, and at most two buttons, in the middle of the pane."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        metrics = theme().tokens.metrics
        self._glyph = Glyph("ph.circle", Metrics.icon_state, "ink3", self)
        self._title = TextLabel("", Role.CARD, wrap=True, parent=self)
        self._sentence = TextLabel("", Role.BODY, "ink2", wrap=True, parent=self)
        for label in (self._title, self._sentence):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(metrics.related)
        column = QVBoxLayout(self)
        column.setSpacing(metrics.related)
        column.addStretch()
        column.addWidget(self._glyph, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(metrics.px(4))
        for label in (self._title, self._sentence):
            across = (
                QHBoxLayout()
            )  # an aligned label would be given the height that its text takes over the whole width
            across.addStretch(1)
            across.addWidget(label, 100)
            across.addStretch(1)
            column.addLayout(across)
        column.addSpacing(metrics.px(4))
        column.addLayout(self._buttons)
        column.addStretch()
        self._buttons.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._size()
        theme().changed.connect(self._size)

    def _size(self) -> None:
        metrics = theme().tokens.metrics
        for label in (self._title, self._sentence):
            label.setMinimumWidth(metrics.px(200))
            label.setMaximumWidth(metrics.px(420))

    def set_state(self, glyph: str, title: str, sentence: str, *buttons: ActionButton) -> None:
        """Say what is empty or wrong, and what to do next; raises ValueError for more than two buttons."""
        if len(buttons) > 2:
            raise ValueError("a state pane offers at most two buttons")
        self._glyph.set_glyph(glyph)
        self._title.setText(title)
        self._sentence.setText(sentence)
        self._sentence.setVisible(bool(sentence))
        self.setAccessibleName(title)
        self.setAccessibleDescription(sentence)
        while item := self._buttons.takeAt(0):
            if old := item.widget():
                old.hide()
                old.deleteLater()
        for button in buttons:
            self._buttons.addWidget(button)
            button.show()
