"""What stands around the rows of the command bar: what can be typed, and at the foot what Enter does and what has happened."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Actor
from clinicdesk.desktop.look import shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import ColourName, Role
from clinicdesk.desktop.widgets import KeyCap, KeyHint, TextLabel


class Examples(QWidget):
    """What can be typed, for as long as nothing is being booked."""

    def __init__(self, actor: Actor, parent: QWidget) -> None:
        super().__init__(parent)
        px = theme().tokens.metrics.px
        column = QVBoxLayout(self)
        column.setContentsMargins(px(14), px(9), px(14), px(12))
        column.setSpacing(px(2))
        column.addWidget(TextLabel(self.tr("What you can type"), Role.SMALL, "ink2", 600, parent=self))
        examples = (
            (self.tr("smith"), self.tr("opens a record"), Permission.OPEN_PATIENT),
            (self.tr("flow"), self.tr("goes to a screen"), Permission.SEE_CALENDAR),
            (self.tr("lock"), self.tr("does an action"), Permission.SIGN_IN),
            (
                self.tr("smith lee fu 30 tue am"),
                self.tr("finds openings: patient, practitioner, kind of visit, minutes and day, in any order"),
                Permission.BOOK,
            ),
            (self.tr("lee 6w"), self.tr("openings six weeks on, for the patient on the screen"), Permission.BOOK),
        )
        for typed, does, needs in examples:
            if actor.may(needs):
                column.addSpacing(px(8))
                column.addWidget(TextLabel(typed, Role.BODY, "ink", 500, parent=self))
                column.addWidget(TextLabel(does, Role.SMALL, "ink2", wrap=True, parent=self))
        column.addStretch()


class Band(QWidget):
    """A strip across the sheet, set off by hairlines; the last one follows the sheet's round corners."""

    def __init__(self, parent: QWidget, *, last: bool = False) -> None:
        super().__init__(parent)
        self._last = last

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        rect = QRectF(self.rect())
        radius = tokens.metrics.radius_page if self._last else 0
        shapes.box(painter, rect.adjusted(0, -radius, 0, 0), radius, tokens.alt)
        shapes.hairline(painter, rect.topLeft(), rect.topRight(), tokens.line)
        if not self._last:
            bottom = rect.adjusted(0, 0, 0, -1)
            shapes.hairline(painter, bottom.bottomLeft(), bottom.bottomRight(), tokens.line)


class Foot(Band):
    """What Enter would do, which other keys there are, and at the end what has just happened."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, last=True)
        px = theme().tokens.metrics.px
        row = QHBoxLayout(self)
        row.setContentsMargins(px(18), px(8), px(18), px(8))
        row.setSpacing(px(14))
        self._enter = KeyCap("Enter", self)
        self._verb = TextLabel("", Role.SMALL, "ink2", parent=self)
        verb = QHBoxLayout()
        verb.setSpacing(px(5))
        verb.addWidget(self._enter)
        verb.addWidget(self._verb)
        row.addLayout(verb)
        self._booking_hints = [
            KeyHint("Alt+1–5", self.tr("book that one"), self),
            KeyHint("Tab", self.tr("edit a part"), self),
        ]
        for hint in (KeyHint("↓", self.tr("next"), self), *self._booking_hints):
            row.addWidget(hint)
        self.state = TextLabel("", Role.SMALL, "ink2", parent=self)
        self.state.setAlignment(Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.state, 1)

    says_something_grave = False
    """Whether something stands there that is to stay until something is typed."""

    def show_verb(self, verb: str, *, books: bool) -> None:
        """Say what Enter would do, nothing if it would do nothing, and whether the keys that book mean something."""
        self._enter.setVisible(bool(verb))
        self._verb.setText(verb)
        for hint in self._booking_hints:
            hint.setVisible(books)

    def say(self, text: str, colour: ColourName = "ink2") -> None:
        """Say what has happened; what is not of the usual colour stays until something is typed."""
        self.says_something_grave = colour != "ink2"
        self.state.setText(text)
        self.state.set_colour(colour)


class Edge(QWidget):
    """The line between the list and what stands beside it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedWidth(1)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), theme().tokens.line)
