"""The line at the bottom of the window: the keys of the focused pane at the leading side, counts at the other."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtWidgets import QHBoxLayout, QWidget

from clinicdesk.desktop.keys import KEYS
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets import Glyph, KeyHint, TextLabel


class StatusStrip(QWidget):
    """Key hints and counts; both are replaced as a whole."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        metrics = theme().tokens.metrics
        self._hints = QHBoxLayout()
        self._hints.setSpacing(metrics.px(16))
        self._counts = QHBoxLayout()
        self._counts.setSpacing(metrics.px(16))
        row = QHBoxLayout(self)
        row.setContentsMargins(metrics.px(12), 1, metrics.px(12), 0)
        row.addLayout(self._hints)
        row.addStretch()
        row.addLayout(self._counts)
        self._shown: tuple[str, ...] = ()
        self._counted: tuple[tuple[str, str], ...] = ()
        self._size()
        theme().changed.connect(self._size)

    def _size(self) -> None:
        self.setFixedHeight(theme().tokens.metrics.status_bar)

    @property
    def words(self) -> tuple[str, ...]:
        """What stands here, for tests and screen readers: the hints' words, then the counts."""
        return (*(KEYS[name].word for name in self._shown), *(text for _, text in self._counted))

    def set_hints(self, names: Iterable[str]) -> None:
        """Show the keys with these ids, at most seven of them."""
        wanted = tuple(names)[:7]
        if wanted == self._shown:
            return
        self._shown = wanted
        _empty(self._hints)
        for name in wanted:
            self._hints.addWidget(KeyHint(KEYS[name].caps, KEYS[name].word))

    def set_counts(self, counts: Iterable[tuple[str, str]]) -> None:
        """Show these glyphs and words, such as ("ph.armchair", "4 waiting")."""
        wanted = tuple(counts)
        if wanted == self._counted:
            return
        self._counted = wanted
        _empty(self._counts)
        for glyph, text in wanted:
            pair = QHBoxLayout()
            pair.setSpacing(theme().tokens.metrics.px(6))
            holder = QWidget()
            holder.setLayout(pair)
            pair.setContentsMargins(0, 0, 0, 0)
            if glyph:
                pair.addWidget(Glyph(glyph, 15, "ink2"))
            pair.addWidget(TextLabel(text, Role.SMALL, "ink2"))
            self._counts.addWidget(holder)


def _empty(row: QHBoxLayout) -> None:
    while item := row.takeAt(0):
        if old := item.widget():
            old.hide()
            old.deleteLater()
