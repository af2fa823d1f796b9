"""The tray beside the calendar: the month, the visits in the hand, and what the colours of the calendar mean."""

from __future__ import annotations

from datetime import date

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.month_grid import MonthGrid
from clinicdesk.desktop.appointments.pinboard import Pinboard
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.icons import icon
from clinicdesk.desktop.look.status import STATUS_LOOKS
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.look.visit_painter import VisitLook, VisitPainter
from clinicdesk.desktop.widgets import KeyHint, TextLabel
from clinicdesk.features.appointments.schemas import AppointmentRow

_KEY = (
    "proposed", "pending", "booked", "confirmed", "arrived", "checked-in", "in-room", "fulfilled", "noshow",
    "cancelled", "rebook", "entered-in-error",
)  # fmt: skip
_LEAST_PAGE = 1000
"""The width in px of a page that has no room for a tray at all."""
_BAR = 12
"""What the calendar's scroll bar takes."""


class Tray(QWidget):
    """Month, pinboard and status key, one under the other."""

    day_chosen = Signal(object)
    """date"""
    visit_chosen = Signal(object)
    """AppointmentRow of the pinboard."""

    def __init__(self, desk: Desk, pinboard: Pinboard, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._pinboard = desk, pinboard
        self._wanted: bool | None = None
        metrics = theme().tokens.metrics
        self.setFixedWidth(metrics.px(270))
        self.setAutoFillBackground(True)
        self.month = MonthGrid(desk.now().date(), small=True, parent=self)
        self.month.setAccessibleName(self.tr("Month in the tray"))
        self.month.day_opened.connect(self.day_chosen)
        self.month.month_changed.connect(self._spell_month)
        self._title = TextLabel("", Role.BODY, "ink", 600, parent=self)
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        for way, name, glyph in (
            (-1, self.tr("Month before"), "ph.caret-left"), (1, self.tr("Month after"), "ph.caret-right"),
        ):  # fmt: skip
            button = QToolButton(self)
            button.setAutoRaise(True)
            button.setIcon(icon(glyph))
            button.setAccessibleName(name)
            button.setToolTip(name)
            button.clicked.connect(lambda _checked=False, way=way: self.month.turn(way))
            head.addWidget(button)
        self._count = TextLabel("", Role.SMALL, "ink2", parent=self)
        self._hands = _Hand(desk, pinboard, self)
        self._hands.chosen.connect(self.visit_chosen)
        self._empty = TextLabel(
            self.tr("Cut a visit to carry it to another time or day."), Role.SMALL, "ink3", wrap=True, parent=self
        )
        pin_head = QHBoxLayout()
        pin_head.addWidget(TextLabel(self.tr("Pinboard"), Role.BODY, "ink", 600, parent=self))
        pin_head.addWidget(self._count, 1)
        self._hint = KeyHint("Ctrl+V", self.tr("place"), self)
        pin_head.addWidget(self._hint)
        column = QVBoxLayout(self)
        column.setContentsMargins(metrics.px(14), metrics.px(10), metrics.px(14), metrics.px(12))
        column.setSpacing(metrics.px(6))
        column.addLayout(head)
        column.addWidget(self.month)
        column.addSpacing(metrics.px(12))
        column.addLayout(pin_head)
        column.addWidget(self._empty)
        column.addWidget(self._hands)
        column.addStretch()
        column.addWidget(_StatusKey(self))
        pinboard.changed.connect(self._refresh)
        desk.privacy.changed.connect(self._hands.update)
        self._spell_month(self.month.month())
        self._refresh()

    def fit(self, page: int, columns: int) -> None:
        """Give way where `columns` px of calendar can do without scrolling then, in a page of so many px; unless wanted."""
        metrics = theme().tokens.metrics
        needed = columns + metrics.gutter + metrics.px(_BAR)
        gives_way = page < metrics.px(_LEAST_PAGE) or needed <= page < needed + self.width()
        self.setVisible(not gives_way if self._wanted is None else self._wanted)

    def toggle(self) -> None:
        """Show the tray, or put it away, whatever room there is."""
        self._wanted = not self.isVisible()
        self.setVisible(self._wanted)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.fillRect(event.rect(), tokens.alt)
        x = self.width() - 1 if self.layoutDirection() is Qt.LayoutDirection.RightToLeft else 0
        painter.fillRect(x, 0, 1, self.height(), tokens.line2)

    def _spell_month(self, month: date) -> None:
        self._title.setText(words.month_and_year(month))

    def _refresh(self) -> None:
        count = len(self._pinboard.visits())
        self._count.setText(self.tr("%n cut", "", count) if count else "")
        self._empty.setVisible(not count)
        self._hint.setVisible(bool(count))
        self._hands.setVisible(bool(count))
        self._hands.updateGeometry()
        self._hands.update()


class _Hand(QWidget):
    """The cut visits as cards; a click goes to where one still stands."""

    chosen = Signal(object)

    def __init__(self, desk: Desk, pinboard: Pinboard, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk, self._pinboard = desk, pinboard
        self._painter = VisitPainter()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Visits in the hand"))

    def sizeHint(self) -> QSize:
        metrics = theme().tokens.metrics
        return QSize(metrics.px(200), len(self._pinboard.visits()) * metrics.px(44))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = int(event.position().y() // theme().tokens.metrics.px(44))
        if row < len(self._pinboard.visits()):
            self.chosen.emit(self._pinboard.visits()[row])

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        metrics = theme().tokens.metrics
        for i, visit in enumerate(self._pinboard.visits()):
            rect = QRectF(1, i * metrics.px(44) + 1, self.width() - 2, metrics.px(40))
            self._painter.paint(painter, rect, self._look(visit))

    def _look(self, visit: AppointmentRow) -> VisitLook:
        local = visit.start.astimezone(self._desk.clinic.tz)
        when = words.clock(local)
        if local.date() != self._desk.now().date():
            when = f"{words.short_day(local.date())}, {when}"
        was = self.tr("%1, was %2 %3")
        for mark, text in (("%1", visit.type_name), ("%2", when), ("%3", visit.practitioner_name)):
            was = was.replace(mark, text)
        return VisitLook(
            visit.patient_name, was.removeprefix(", "), visit.status.value,
            initials_only=self._desk.privacy.initials_only, cut=True,
        )  # fmt: skip


class _StatusKey(QWidget):
    """Each state with its shape, glyph and word; folds away."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        metrics = theme().tokens.metrics
        self._fold = QToolButton(self)
        self._fold.setAutoRaise(True)
        self._fold.setCheckable(True)
        self._fold.setIcon(icon("ph.caret-down", on="ph.caret-up"))
        self._fold.setAccessibleName(self.tr("Fold the status key away"))
        head = QHBoxLayout()
        head.addWidget(TextLabel(self.tr("Status key"), Role.BODY, "ink", 600, parent=self), 1)
        head.addWidget(self._fold)
        self._body = QWidget(self)
        grid = QGridLayout(self._body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(metrics.px(5))
        grid.setHorizontalSpacing(metrics.px(4))
        for i, key in enumerate(_KEY):
            row = QHBoxLayout()
            row.setSpacing(metrics.px(5))
            row.addWidget(_Swatch(key, self._body))
            label = self.tr("Needs rebook") if key == "rebook" else STATUS_LOOKS[key].label
            row.addWidget(TextLabel(label, Role.SMALL, "ink2", parent=self._body), 1)
            grid.addLayout(row, i // 2, i % 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(head)
        column.addWidget(self._body)
        self._fold.toggled.connect(self._body.setHidden)


class _Swatch(QWidget):
    """One state as a small visit without words."""

    def __init__(self, key: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._painter = VisitPainter()
        status = {"confirmed": "booked", "in-room": "checked-in", "rebook": "booked"}.get(key, key)
        self._look = VisitLook(
            "", status=status, confirmed=key == "confirmed", in_progress=key == "in-room", rebook=key == "rebook",
            note=" ",
        )  # fmt: skip
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        metrics = theme().tokens.metrics
        return QSize(metrics.px(28), metrics.px(18))

    def paintEvent(self, event: QPaintEvent) -> None:
        self._painter.paint(QPainter(self), QRectF(self.rect()), self._look)
