"""A line of text that gives way: where it has no room it ends in dots, and the tooltip says the whole of it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget

from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import ColourName, Role
from clinicdesk.desktop.widgets import TextLabel


class ElidedLabel(TextLabel):
    """As wide as its text where there is room, and never wider."""

    def __init__(
        self,
        role: Role = Role.BODY,
        colour: ColourName = "ink",
        weight: int | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("", role, colour, weight, parent=parent)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setToolTip(text)

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().tokens.metrics.px(40), super().sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading
        self.style().drawItemText(
            QPainter(self), self.rect(), int(align), self.palette(), True, text, QPalette.ColorRole.WindowText
        )
