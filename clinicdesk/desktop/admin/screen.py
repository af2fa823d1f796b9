"""Administration: the sections that the role may open, one at a time, each worked by the same few keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from clinicdesk.core.tx import Committed
from clinicdesk.desktop.admin.form import Typed
from clinicdesk.desktop.admin.hours_section import HoursSection
from clinicdesk.desktop.admin.list_pane import ListPane
from clinicdesk.desktop.admin.places_section import PlacesSection
from clinicdesk.desktop.admin.section import Section
from clinicdesk.desktop.admin.types_section import TypesSection
from clinicdesk.desktop.admin.users_section import UsersSection
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.keys import KEYS
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.screen import Screen
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, Segmented, TextLabel

SECTIONS: dict[str, type[Section]] = {
    "admin.users": UsersSection,
    "admin.hours": HoursSection,
    "admin.types": TypesSection,
    "admin.places": PlacesSection,
}
"""The sections in their order, by the key that opens each."""

_LIST_KEYS = tuple(name for name, key in KEYS.items() if key.place.startswith("admin") and name not in SECTIONS)


@dataclass(frozen=True, slots=True)
class Draft:
    """A form that was open with something typed in it: where it belongs, the row that it changes, and what was typed."""

    section: str
    list_name: str
    key: object
    typed: Typed


class AdminScreen(Screen):
    """A line with the sections and the main button over the section in front."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.sections: dict[str, Section] = {
            name: section(desk)
            for name, section in SECTIONS.items()
            if all(desk.actor.may(permission) for permission in section.needs)
        }
        metrics = theme().tokens.metrics
        self.segments = Segmented(
            [(name, KEYS[name].title) for name in self.sections], self.tr("Part of administration")
        )
        self.segments.chosen.connect(lambda _name: self._chosen())
        self.add_button = ActionButton("", "N", kind=ButtonKind.PRIMARY, glyph="ph.plus")
        self.add_button.clicked.connect(lambda: self.section.lists[0].add())
        bar = _Bar()
        row = QHBoxLayout(bar)
        row.setContentsMargins(metrics.page_margin, 0, metrics.page_margin, 0)
        row.addWidget(TextLabel(self.tr("Admin"), Role.PAGE))  # the short word: beside it there is room for large text
        row.addSpacing(metrics.px(16))
        row.addWidget(self.segments)
        row.addStretch()
        row.addWidget(self.add_button)
        self._stack = QStackedWidget()
        for section in self.sections.values():
            self._stack.addWidget(section)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(bar)
        column.addWidget(self._stack, 1)
        self._list: ListPane | None = None
        """The list that has the focus, or had it last: its keys are the ones that act."""
        here: Mapping[str, Callable[[], object]] = {
            **{name: partial(self._act, name) for name in _LIST_KEYS},
            **{name: partial(self.segments.choose, name) for name in self.sections},
        }
        self._actions = desk.keys.bind(self, here)
        QApplication.instance().focusChanged.connect(self._focus_moved)  # type: ignore[union-attr]
        desk.runner.changed.connect(self._follow)
        self._show_section()

    @property
    def section(self) -> Section:
        """The section in front."""
        return self.sections[self.segments.current()]

    def choose(self, name: str) -> None:
        """Bring a section to the front. Raises KeyError for one that this role may not open."""
        self.segments.choose(name)

    def _chosen(self) -> None:
        self._show_section()
        self.section.activate()
        self.section.panes()[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def activate(self) -> None:
        self.section.activate()
        focus = QApplication.focusWidget()
        if focus is None or not self.isAncestorOf(focus):
            self.section.panes()[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def hints(self) -> tuple[str, ...]:
        return tuple(name for name in _LIST_KEYS if self._actions[name].isEnabled())[:5]

    def counts(self) -> tuple[tuple[str, str], ...]:
        return self.section.counts()

    def panes(self) -> list[QWidget]:
        return self.section.panes()

    def draft(self) -> Draft | None:
        for name, section in self.sections.items():
            if (found := section.draft()) is not None:
                return Draft(name, *found)
        return None

    def restore(self, draft: object) -> None:
        if isinstance(draft, Draft) and draft.section in self.sections:
            self.choose(draft.section)
            self.section.restore(draft.list_name, draft.key, draft.typed)

    # Keys

    def _act(self, name: str) -> None:
        handler = self._handlers().get(name)
        if handler is not None:
            handler()

    def _handlers(self) -> Mapping[str, Callable[[], object]]:
        own = self._list.handlers() if self._list is not None else {}
        return {**own, **self.section.handlers()}

    def _focus_moved(self, _before: QWidget | None, now: QWidget | None) -> None:
        if now is None or not self.isAncestorOf(now):
            return  # a menu or a sheet: what stands in the menu is for the list behind it
        self._list = self._list_of(now)
        self._show_keys()

    def _list_of(self, focus: QWidget | None) -> ListPane | None:
        """The list of this section that has the focus."""
        return next((pane for pane in self.section.lists if focus is pane.table), None)

    def _show_keys(self) -> None:
        able = self._handlers()
        for name in _LIST_KEYS:
            self._actions[name].setEnabled(name in able)
        self.hints_changed.emit()

    def _show_section(self) -> None:
        self._stack.setCurrentWidget(self.section)
        self._list = self._list_of(QApplication.focusWidget())
        self.add_button.setText(self.section.lists[0].add_text)
        self.add_button.updateGeometry()
        self._show_keys()
        self.counts_changed.emit()

    def _follow(self, committed: Committed) -> None:
        if self.isVisible():  # else `activate` reads everything
            self.section.follow(committed.entities)


class _Bar(QWidget):
    """The line above a screen."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(theme().tokens.metrics.toolbar)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.fillRect(self.rect(), tokens.base)
        painter.fillRect(0, self.height() - 1, self.width(), 1, tokens.line2)
