"""The line above the flow board: how long people wait, by what the board is sorted, and the ways in."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.appointments.toolbar import SearchButton
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.keys import KEYS
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, Segmented, TextLabel


class FlowToolbar(QWidget):
    """Says what is asked of it in signals; what it shows is set."""

    view_chosen = Signal(str)
    """status or practitioner."""
    whose_chosen = Signal(str)
    """own or all."""
    walk_in_asked = Signal()
    search_asked = Signal()

    def __init__(self, desk: Desk, whose: bool, parent: QWidget | None = None) -> None:
        """`whose` offers the choice between one's own patients and everybody's."""
        super().__init__(parent)
        self._desk = desk
        metrics = theme().tokens.metrics
        self.setFixedHeight(metrics.toolbar)
        self._summary = TextLabel("", Role.BODY, "ink2")
        self._summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._whose = Segmented(
            [("own", self.tr("My patients")), ("all", self.tr("Everybody"))], self.tr("Whose patients")
        )
        self._whose.chosen.connect(self.whose_chosen)
        self._views = Segmented(
            [("status", self.tr("By status")), ("practitioner", self.tr("By practitioner"))], self.tr("Columns")
        )
        self._views.chosen.connect(self.view_chosen)
        self.initials = ActionButton(KEYS["initials"].title, KEYS["initials"].caps, glyph="ph.eye-slash")
        self.initials.setCheckable(True)
        self.initials.clicked.connect(desk.privacy.set_initials_only)
        desk.privacy.changed.connect(self._show_privacy)
        self.walk_in = ActionButton(
            self.tr("Walk-in"), KEYS["visit.walk_in"].caps, kind=ButtonKind.PRIMARY, glyph="ph.user-plus"
        )
        self.walk_in.clicked.connect(self.walk_in_asked)
        self._search = SearchButton(self.tr("Find, book or go to…"), self)
        self._search.pressed.connect(self.search_asked)
        row = QHBoxLayout(self)
        row.setContentsMargins(metrics.page_margin, 0, metrics.page_margin, 0)
        row.setSpacing(metrics.related)
        row.addWidget(TextLabel(self.tr("Flow"), Role.PAGE))
        row.addSpacing(metrics.px(2))
        row.addWidget(self._summary, 1)
        for widget in (self._whose, self._views, self.initials, self.walk_in, self._search):
            row.addWidget(widget)
        # Only now: what is shown before it has a parent becomes a window and takes the focus.
        self._whose.setVisible(whose)
        self.walk_in.setVisible(desk.actor.may(Permission.BOOK))
        self._show_privacy()

    def summary(self) -> str:
        """What stands beside the title."""
        return self._summary.text()

    def set_summary(self, text: str) -> None:
        """Say how long people wait."""
        self._summary.setText(text)
        self._summary.setToolTip(text)

    def fit(self, width: int) -> None:
        """Leave out what a narrow window has no room for: the search line first, its key works all the same."""
        metrics = theme().tokens.metrics
        taken = metrics.px(760) + (self._whose.sizeHint().width() if self._whose.isVisibleTo(self) else 0)
        self._search.setVisible(width >= taken + metrics.px(330))

    def _show_privacy(self) -> None:
        self.initials.setChecked(self._desk.privacy.initials_only)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.fillRect(event.rect(), tokens.base)
        painter.fillRect(0, self.height() - 1, self.width(), 1, tokens.line2)
