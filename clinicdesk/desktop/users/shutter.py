"""The privacy shutter: slats, a clock and a password; of the clinic's day it shows counts alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.tx import Database
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look import shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.sentences import sentence
from clinicdesk.desktop.users.cover import KeyStrip
from clinicdesk.desktop.users.password_edit import PasswordField
from clinicdesk.desktop.users.sign_in import long_date
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, Chip, Glyph, InitialsTile, TextLabel
from clinicdesk.features.users.schemas import UserRow
from clinicdesk.features.users.service import unlock_screen

_SLAT = 28


class Shutter(QWidget):
    """Covers the desk of a person who has left it for a while. Only their password opens it again, or another person's."""

    unlocked = Signal()
    other_person = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        metrics = theme().tokens.metrics
        self._clinic = TextLabel(desk.clinic.name, Role.SMALL, "ink2")
        self._clock = TextLabel("", Role.CLOCK)
        self._date = TextLabel("", Role.CARD, "ink2", 400)
        for label in (self._clock, self._date):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._card = _Card(desk)
        self._counts = QHBoxLayout()
        self._counts.setSpacing(metrics.px(10))
        self._counts.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        words = TextLabel(self.tr("Names and reasons stay hidden until someone unlocks."), Role.SMALL, "ink3")
        strip = KeyStrip((("Enter", self.tr("unlock")), ("Alt+U", self.tr("switch user"))), desk.actor.desk)

        top = QHBoxLayout()
        top.setContentsMargins(metrics.px(12), metrics.px(6), metrics.px(12), 0)
        top.setSpacing(metrics.px(6))
        top.addStretch()
        top.addWidget(Glyph("ph.buildings", 16, "ink2"))
        top.addWidget(self._clinic)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addStretch(2)
        column.addWidget(self._clock)
        column.addWidget(self._date)
        column.addSpacing(metrics.px(52))
        column.addWidget(self._card, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(metrics.px(24))
        column.addLayout(self._counts)
        column.addSpacing(metrics.px(20))
        column.addWidget(words, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
        column.addWidget(strip)

        self._tick = QTimer(self)
        self._tick.setInterval(1000)
        self._tick.timeout.connect(self._show_time)
        self._card.asked.connect(self._unlock)
        self._card.other.clicked.connect(self.other_person)
        switch = QAction(self)
        switch.setShortcut("Alt+U")
        switch.triggered.connect(self.other_person)
        self.addAction(switch)
        self.setFocusProxy(self._card.password)

    def close_over(self, since: datetime, idle_minutes: int, counts: Sequence[tuple[str, str]]) -> None:
        """Start to cover the desk, at `since`; `idle_minutes` is 0 where a person locked it. Counts name nobody."""
        self._card.begin(since, idle_minutes)
        while item := self._counts.takeAt(0):
            if old := item.widget():
                old.deleteLater()
        for glyph, text in counts:
            self._counts.addWidget(Chip(text, "quiet", glyph, outlined=True))
        self._show_time()

    def error(self) -> str:
        """The sentence below the password, or nothing."""
        return self._card.password.field.error()

    def _show_time(self) -> None:
        now = self._desk.now()
        self._clock.setText(f"{now:%H:%M}")
        self._date.setText(long_date(now))

    def _unlock(self, password: str) -> None:
        actor = self._desk.actor
        self._card.wait(True)

        def work(database: Database) -> UserRow:
            return unlock_screen(database, actor, password)

        def done(_: UserRow) -> None:
            self._card.wait(False)
            self._card.password.clear()
            self.unlocked.emit()

        def refused(error: ClinicError) -> None:
            self._card.wait(False)
            self._card.refuse(sentence(error, self._desk.clinic.tz))

        self._desk.runner.call(work, done, owner=self, failed=refused, aside=True)

    def showEvent(self, event: object) -> None:
        self._tick.start()

    def hideEvent(self, event: object) -> None:
        self._tick.stop()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.fillRect(self.rect(), tokens.chrome)
        step = tokens.metrics.px(_SLAT)
        slat = QColor(tokens.line)
        slat.setAlpha(120)
        for y in range(step, self.height(), step):
            shapes.hairline(painter, QPointF(0, y), QPointF(self.width(), y), slat)


class _Card(QWidget):
    """Who locked the desk and when, the password, and the way for somebody else."""

    asked = Signal(str)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        metrics = theme().tokens.metrics
        self._desk = desk
        self._when = TextLabel("", Role.SMALL, "ink2")
        names = QVBoxLayout()
        names.setSpacing(metrics.px(1))
        names.addWidget(TextLabel(self.tr("Locked by {name}").replace("{name}", desk.user.name), Role.CARD))
        names.addWidget(self._when)
        head = QHBoxLayout()
        head.setSpacing(metrics.px(12))
        head.addWidget(InitialsTile(desk.user.name, 40))
        head.addLayout(names, 1)
        head.addWidget(Glyph("ph.lock-simple-fill", 20, "accent"))
        self.password = PasswordField(self.tr("Password"))
        self._unlock = ActionButton(self.tr("Unlock"), "Enter", kind=ButtonKind.PRIMARY, height=36)
        self.other = ActionButton(self.tr("Other person"), "Alt+U", glyph="ph.users")
        for button in (self._unlock, self.other):
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(metrics.px(24), metrics.px(22), metrics.px(24), metrics.px(24))
        column.setSpacing(metrics.px(12))
        column.addLayout(head)
        column.addSpacing(metrics.px(4))
        for part in (self.password, self._unlock, self.other):
            column.addWidget(part)
        self.setFixedWidth(metrics.px(380))
        self.password.edit.returnPressed.connect(self._ask)
        self.password.edit.textEdited.connect(self.password.field.clear_error)
        self._unlock.clicked.connect(self._ask)

    def begin(self, since: datetime, idle_minutes: int) -> None:
        self.wait(False)
        self.password.clear()
        self.password.field.clear_error()
        words = (
            self.tr("at {time}, after %n min without input", "", idle_minutes) if idle_minutes else self.tr("at {time}")
        )
        self._when.setText(words.replace("{time}", f"{since:%H:%M}"))

    def wait(self, on: bool) -> None:
        self.setEnabled(not on)

    def refuse(self, words: str) -> None:
        self.password.clear()
        self.password.field.show_error(words)
        self.password.setFocus()

    def _ask(self) -> None:
        if self.password.edit.text():
            self.asked.emit(self.password.edit.text())
        else:
            self.password.field.show_error(self.tr("Type your password."))

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        shapes.box(painter, self.rect(), tokens.metrics.radius_card, tokens.base, tokens.line2)
