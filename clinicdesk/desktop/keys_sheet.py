"""The sheet that F1 shows: every key that does something on the screen in front, found by typing what it does."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from clinicdesk.desktop.keys import KEYS, Group
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets import Glyph, KeyCap, KeyHint, SearchField, Sheet, TextLabel


class KeysSheet(Sheet):
    """Four columns of keys; typing keeps those whose words or caps have what was typed."""

    def __init__(self, host: QWidget, title: str, names: Iterable[str]) -> None:
        """`names` are the ids of the keys that act here and now, in any order."""
        super().__init__(host, self.tr("Keys"), width=1218, top=84, light=True)
        metrics = theme().tokens.metrics
        here = set(names)
        self._rows = [_Row(name) for name, key in KEYS.items() if name in here and key.caps]
        self.search = SearchField(self.tr("Type an action or a key"))
        self.search.setMinimumWidth(metrics.px(300))
        self.search.textChanged.connect(self._filter)
        self._nothing = TextLabel(self.tr("No key does that here."), colour="ink2")
        self._nothing.hide()

        head = QHBoxLayout()
        head.setContentsMargins(metrics.px(22), metrics.px(12), metrics.px(22), metrics.px(12))
        head.setSpacing(metrics.px(14))
        head.addWidget(Glyph("ph.keyboard", 22, "accent"))
        head.addWidget(TextLabel(self.tr("Keys for {screen}").replace("{screen}", title), Role.PAGE))
        head.addSpacing(metrics.px(10))
        head.addWidget(self.search)
        head.addStretch()
        head.addWidget(KeyHint("Esc", self.tr("close")))

        body = QWidget()
        grid = QGridLayout(body)
        grid.setContentsMargins(metrics.px(22), metrics.px(16), metrics.px(22), metrics.px(16))
        grid.setHorizontalSpacing(metrics.px(36))
        grid.setVerticalSpacing(0)
        self._columns: dict[Group, QWidget] = {}
        here_groups = {KEYS[row.name].group for row in self._rows}
        for position, group in enumerate(group for group in Group if group in here_groups):
            self._columns[group] = column = self._column(group)
            grid.addWidget(column, 0, position, Qt.AlignmentFlag.AlignTop)
            grid.setColumnStretch(position, 1)
        grid.addWidget(self._nothing, 1, 0, 1, 4)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(body)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        body.setAutoFillBackground(False)
        scroll.viewport().setAutoFillBackground(False)
        room = host.height() - metrics.px(200)  # what head, foot and the window around the sheet leave
        scroll.setMinimumHeight(max(min(body.sizeHint().height(), room), metrics.px(120)))

        foot = QWidget()
        row = QHBoxLayout(foot)
        row.setContentsMargins(metrics.px(22), metrics.px(12), metrics.px(22), metrics.px(12))
        words = self.tr("Single letters work in the calendar and lists, never while you type in a field.")
        row.addWidget(TextLabel(words, Role.SMALL, "ink2"))
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(0)
        page.addLayout(head)
        page.addWidget(_Line())
        page.addWidget(scroll, 1)
        page.addWidget(_Line())
        page.addWidget(foot)

    def _column(self, group: Group) -> QWidget:
        metrics = theme().tokens.metrics
        column = QWidget()
        lines = QVBoxLayout(column)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(metrics.px(2))
        lines.addWidget(TextLabel(group.title, Role.BODY, weight=600))
        lines.addSpacing(metrics.px(6))
        lines.addWidget(_Line())
        lines.addSpacing(metrics.px(4))
        for row in self._rows:
            if KEYS[row.name].group is group:
                lines.addWidget(row)
        return column

    def shown(self) -> list[str]:
        """The ids of the keys that are listed now."""
        return [row.name for row in self._rows if not row.isHidden()]

    def _filter(self, typed: str) -> None:
        wanted = typed.casefold().split()
        for row in self._rows:
            row.setVisible(all(word in row.words for word in wanted))
        shown = {KEYS[name].group for name in self.shown()}
        for group, column in self._columns.items():
            column.setVisible(group in shown)
        self._nothing.setVisible(not shown)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F1:
            self.close_sheet()
        else:
            super().keyPressEvent(event)


class _Row(QWidget):
    """What an action is called, and its caps."""

    def __init__(self, name: str) -> None:
        super().__init__()
        metrics = theme().tokens.metrics
        key = KEYS[name]
        self.name = name
        self.words = f"{key.title} {key.caps} {' '.join(key.sequences)}".casefold()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(metrics.px(4))
        row.addWidget(TextLabel(key.title), 1)
        for cap in key.caps.split():
            row.addWidget(KeyCap(cap))
        self.setFixedHeight(metrics.px(26))


class _Line(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(1)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), theme().tokens.line2)
