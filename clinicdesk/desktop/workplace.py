"""Where a signed-in person works: the rail, and the screens that their role may open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.desk import Desk, Request
from clinicdesk.desktop.keys import KEYS
from clinicdesk.desktop.look import shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.screen import Screen
from clinicdesk.desktop.screens import Entry
from clinicdesk.desktop.widgets import ActionButton, RailButton, Sheet, StatePane, TextLabel
from clinicdesk.desktop.widgets.labels import Glyph


@dataclass(frozen=True, slots=True)
class Warned:
    """What stands in amber over every screen; `verb` is on a button that `mend`s it, for who has the permission."""

    text: str
    verb: str = ""
    permission: Permission | None = None
    mend: Callable[[Desk], object] = lambda _desk: None


class Workplace(QWidget):
    """The rail at the leading side and one screen beside it. Screens are made when they are first shown."""

    screen_changed = Signal()
    hints_changed = Signal()
    counts_changed = Signal()
    lock_wanted = Signal()

    def __init__(
        self, desk: Desk, entries: Sequence[Entry], warned: Sequence[Warned] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.desk = desk
        self.entries = [entry for entry in entries if desk.actor.may(entry.permission)]
        self._screens: dict[str, Screen] = {}
        self._buttons: dict[str, RailButton] = {}
        self._current = ""
        desk.host = self
        desk.requested.connect(self._answer)
        metrics = theme().tokens.metrics

        self.pages = QStackedWidget()
        page = QVBoxLayout()
        page.setContentsMargins(1, 1, 0, 0)
        page.setSpacing(0)
        self._strips = QVBoxLayout()
        self._strips.setSpacing(0)
        page.addLayout(self._strips)
        page.addWidget(self.pages, 1)
        self.warn(warned)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self._rail = QWidget()
        row.addWidget(self._rail)
        row.addLayout(page, 1)

        self._column = QVBoxLayout(self._rail)
        self._column.setContentsMargins(0, metrics.px(4), 0, metrics.px(4))
        self._column.setSpacing(metrics.px(2))
        for entry in self.entries:
            self._add_button(entry)
        self._column.addStretch()
        self._lock = RailButton(self.tr("Lock"), "ph.lock-simple")
        self._lock.setCheckable(False)
        self._lock.setAutoExclusive(False)
        self._lock.setToolTip(KEYS["lock"].caps)
        self._lock.clicked.connect(self.lock_wanted)
        self._column.addWidget(self._lock, 0, Qt.AlignmentFlag.AlignHCenter)
        if not self.entries:
            empty = StatePane()
            empty.set_state("ph.lock-simple", self.tr("Nothing to open here"),
                            self.tr("Your role has no screen on this desk. Ask the administrator of the clinic."))  # fmt: skip
            self.pages.addWidget(empty)
        self._size_rail()
        theme().changed.connect(self._size_rail)

    def _add_button(self, entry: Entry) -> None:
        button = RailButton(entry.title, entry.icon)
        button.setToolTip(f"{entry.key.title}  {entry.key.caps}")
        button.clicked.connect(lambda: self.go(entry.name))
        self._buttons[entry.name] = button
        self._column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)

    def warn(self, warned: Sequence[Warned]) -> None:
        """Show these warnings over the screens, in place of those before."""
        while item := self._strips.takeAt(0):
            if old := item.widget():
                old.hide()
                old.deleteLater()
        for each in warned:
            strip = WarningStrip(each.text, self)
            if each.verb and each.permission is not None and self.desk.actor.may(each.permission):
                strip.offer(each.verb).clicked.connect(partial(each.mend, self.desk))
            self._strips.addWidget(strip)

    def _size_rail(self) -> None:
        self._rail.setFixedWidth(theme().tokens.metrics.rail)

    @property
    def name(self) -> str:
        """The name of the screen in front; empty where there is none."""
        return self._current

    @property
    def title(self) -> str:
        """What the screen in front is called."""
        return next((entry.title for entry in self.entries if entry.name == self._current), "")

    @property
    def screen_in_front(self) -> Screen | None:
        return self._screens.get(self._current)

    def go(self, name: str) -> None:
        """Bring a screen to the front; one that this role may not open is ignored."""
        entry = next((entry for entry in self.entries if entry.name == name), None)
        if entry is None or self.sheet_is_open():
            return
        if name not in self._screens:
            self._screens[name] = screen = entry.make(self.desk)
            screen.hints_changed.connect(self.hints_changed)
            screen.counts_changed.connect(self.counts_changed)
            self.pages.addWidget(screen)
        changed = name != self._current
        self._current = name
        self._buttons[name].setChecked(True)
        self.pages.setCurrentWidget(self._screens[name])
        self._screens[name].activate()
        if changed:
            self.screen_changed.emit()

    def sheet_is_open(self) -> bool:
        """Whether a sheet lies over the screens, so that what is typed in it must not be left."""
        return any(sheet.is_open() for sheet in self.findChildren(Sheet))

    def takes(self, kind: type[Request]) -> str:
        """The name of the screen that answers requests of this kind; empty where this role has none."""
        return next((entry.name for entry in self.entries if kind in entry.load().takes), "")

    def drafts(self) -> dict[str, object]:
        """What was typed and not saved, by screen."""
        found = ((name, screen.draft()) for name, screen in self._screens.items())
        return {name: draft for name, draft in found if draft is not None}

    def restore(self, drafts: dict[str, object]) -> None:
        """Open again what was typed before somebody else sat here."""
        for name, draft in drafts.items():
            self.go(name)
            if (screen := self._screens.get(name)) is not None:
                screen.restore(draft)

    def next_pane(self, step: int) -> None:
        """Move the focus to the next pane of the screen, or the one before (`step` -1)."""
        screen = self.screen_in_front
        panes = [pane for pane in screen.panes() if pane.isVisible()] if screen is not None else []
        if not panes:
            return
        focus = self.window().focusWidget()
        at = next((i for i, pane in enumerate(panes) if focus is pane or pane.isAncestorOf(focus)), -1) if focus else -1
        reason = Qt.FocusReason.TabFocusReason if step > 0 else Qt.FocusReason.BacktabFocusReason
        panes[(at + step) % len(panes)].setFocus(reason)

    def _answer(self, request: Request) -> None:
        name = self.takes(type(request))
        if not name:
            return
        self.go(name)
        if self._current == name and (screen := self.screen_in_front) is not None:
            screen.take(request)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The page beside the rail is a sheet of base with one round corner."""
        tokens = theme().tokens
        painter = QPainter(self)
        painter.fillRect(event.rect(), tokens.chrome)
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        left = -tokens.metrics.radius_page if mirrored else self._rail.width()
        width = self.width() - self._rail.width() + tokens.metrics.radius_page
        page = QRectF(left, 0, width, self.height() + tokens.metrics.radius_page)
        shapes.box(painter, page, tokens.metrics.radius_page, tokens.base, tokens.line)


class WarningStrip(QWidget):
    """An amber line over the screens that says what is not as safe as it should be; it stays until it is mended."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        metrics = theme().tokens.metrics
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(metrics.page_margin, metrics.px(6), metrics.page_margin, metrics.px(6))
        row.setSpacing(metrics.related)
        row.addWidget(Glyph("ph.warning-fill", 16, "amber_ink"))
        self._text = TextLabel(text, colour="amber_ink", weight=500, wrap=True)
        row.addWidget(self._text, 1)
        self.setAccessibleName(text)

    def text(self) -> str:
        """The warning."""
        return self._text.text()

    def offer(self, verb: str) -> ActionButton:
        """A button that mends it."""
        button = ActionButton(verb, parent=self)
        self._row.addWidget(button)
        return button

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = theme().tokens
        painter.fillRect(self.rect(), tokens.amber_tint)
        rect = self.rect()
        shapes.hairline(painter, QPointF(rect.bottomLeft()), QPointF(rect.bottomRight()), tokens.line)
