"""Asks whose columns to show: a line that searches, a list to tick, all or nobody by a key."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, SearchField, Sheet, TextLabel
from clinicdesk.features.patients.folding import plain
from clinicdesk.features.practitioners.schemas import PractitionerRow

_ID = Qt.ItemDataRole.UserRole
_ROWS = 10


class PeopleSheet(Sheet):
    """Enter shows those who are ticked, or ticks while something is searched. With `only_one` Enter takes the marked one."""

    chosen = Signal(object)
    """frozenset of practitioner ids; None: whoever works or has visits on the day."""

    def __init__(
        self, host: QWidget, people: Sequence[PractitionerRow], shown: frozenset[UUID], *, only_one: bool = False
    ) -> None:
        title = self.tr("Whose week") if only_one else self.tr("Whose columns")
        super().__init__(host, title, width=400 if only_one else 520, light=True)
        self._only_one = only_one
        metrics = theme().tokens.metrics
        self._search = SearchField(self.tr("Name or specialty"), parent=self)
        self._search.textChanged.connect(self._narrow)
        self._list = QListWidget(self)
        self._list.setAccessibleName(title)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._list.setFixedHeight(metrics.row * min(max(len(people), 3), _ROWS) + 2)
        for person in people:
            item = QListWidgetItem(", ".join(filter(None, (person.name, person.specialty))), self._list)
            item.setData(_ID, person.id)
            if not only_one:
                item.setCheckState(Qt.CheckState.Checked if person.id in shown else Qt.CheckState.Unchecked)
        self._list.setCurrentRow(next((i for i, person in enumerate(people) if person.id in shown), 0))
        self._list.itemChanged.connect(self._say)
        self._list.itemDoubleClicked.connect(self._take_one)
        self._count = TextLabel("", Role.SMALL, "ink2", parent=self)
        self._show_button = ActionButton(self.tr("Show"), "Enter", kind=ButtonKind.PRIMARY, height=32)
        self._show_button.clicked.connect(self._take)
        self._build(title)
        self.closed.connect(self.deleteLater)
        self._say()

    def _build(self, title: str) -> None:
        metrics = theme().tokens.metrics
        column = QVBoxLayout(self)
        column.setContentsMargins(metrics.px(20), metrics.px(16), metrics.px(20), metrics.px(16))
        column.setSpacing(metrics.px(10))
        head = QHBoxLayout()
        head.addWidget(TextLabel(title, Role.CARD, parent=self), 1)
        head.addWidget(self._count)
        column.addLayout(head)
        column.addWidget(self._search)
        column.addWidget(self._list)
        buttons = QHBoxLayout()
        buttons.setSpacing(metrics.related)
        if not self._only_one:
            for text, keys, act in (
                (self.tr("All"), "Alt+A", lambda: self._tick_all(True)),
                (self.tr("Nobody"), "Alt+N", lambda: self._tick_all(False)),
                (self.tr("Who is in"), "Alt+W", self._take_whoever),
            ):
                button = ActionButton(text, keys, height=32)
                button.setShortcut(keys)
                button.clicked.connect(act)
                buttons.addWidget(button)
        buttons.addStretch()
        buttons.addWidget(self._show_button)
        column.addLayout(buttons)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._enter()
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Up) and self._search.hasFocus():
            self._list.setFocus(Qt.FocusReason.OtherFocusReason)
            self._mark(1 if key == Qt.Key.Key_Down else -1)
        else:
            super().keyPressEvent(event)

    def _rows(self) -> list[QListWidgetItem]:
        return [self._list.item(row) for row in range(self._list.count())]

    def _ticked(self) -> frozenset[UUID]:
        return frozenset(item.data(_ID) for item in self._rows() if item.checkState() is Qt.CheckState.Checked)

    def _narrow(self, text: str) -> None:
        wanted = plain(text).split()
        for item in self._rows():
            item.setHidden(not all(word in plain(item.text()) for word in wanted))
        current = self._list.currentItem()
        if current is None or current.isHidden():
            first = next((item for item in self._rows() if not item.isHidden()), None)
            if first is not None:
                self._list.setCurrentItem(first)

    def _mark(self, way: int) -> None:
        seen = [item for item in self._rows() if not item.isHidden()]
        here = next((i for i, item in enumerate(seen) if item is self._list.currentItem()), 0)
        if seen:
            self._list.setCurrentItem(seen[min(max(here + way, 0), len(seen) - 1)])

    def _tick_all(self, on: bool) -> None:
        """Those that the search leaves in sight."""
        for item in self._rows():
            if not item.isHidden():
                item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    def _say(self) -> None:
        if self._only_one:
            return
        count = len(self._ticked())
        self._count.setText(
            self.tr("%1 of %2").replace("%1", str(count)).replace("%2", str(self._list.count())) if count else ""
        )
        self._show_button.setEnabled(bool(count))

    def _enter(self) -> None:
        item = self._list.currentItem()
        if self._only_one:
            self._take_one(item)
        elif self._search.text() and self._search.hasFocus():
            if item is not None and not item.isHidden():
                ticked = item.checkState() is Qt.CheckState.Checked
                item.setCheckState(Qt.CheckState.Unchecked if ticked else Qt.CheckState.Checked)
                self._search.clear()
        else:
            self._take()

    def _take(self) -> None:
        if self._only_one:
            self._take_one(self._list.currentItem())
        elif ticked := self._ticked():
            self._done(ticked)

    def _take_one(self, item: QListWidgetItem | None) -> None:
        if self._only_one and item is not None and not item.isHidden():
            self._done(frozenset({item.data(_ID)}))

    def _take_whoever(self) -> None:
        self._done(None)

    def _done(self, ids: frozenset[UUID] | None) -> None:
        self.close_sheet()
        self.chosen.emit(ids)
