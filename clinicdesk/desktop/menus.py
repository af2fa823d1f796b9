"""The menu bar: every action that exists here and now, in the menu that the table of keys gives it, and who sits here."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QMenuBar, QWidget

from clinicdesk.desktop.keys import KEYS, Menu
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.users.roles import role_name
from clinicdesk.desktop.widgets import Glyph, TextLabel
from clinicdesk.features.users.schemas import UserRow


class Menus:
    """Fills the menu bar from actions that carry ids of the table; a menu without an action is not shown."""

    def __init__(self, bar: QMenuBar) -> None:
        self._menus: dict[Menu, QMenu] = {menu: bar.addMenu(menu.title) for menu in Menu}

    def fill(self, actions: Iterable[QAction]) -> None:
        """Replace what the menus hold; order and separators follow the table."""
        by_name = {action.objectName(): action for action in actions}
        for menu, widget in self._menus.items():
            for shown in widget.actions():
                widget.removeAction(shown)  # clear() of PySide would destroy them
                if shown.isSeparator():
                    shown.deleteLater()
            group = None
            for name, key in KEYS.items():
                if key.menu is menu and name in by_name:
                    if group not in (None, key.group):
                        widget.addSeparator()
                    group = key.group
                    widget.addAction(by_name[name])
            widget.menuAction().setVisible(group is not None)


class Corner(QWidget):
    """The clinic and the person, at the trailing end of the menu bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        metrics = theme().tokens.metrics
        self._clinic = TextLabel("", Role.SMALL, "ink2")
        self._person = TextLabel("", Role.SMALL, "ink2")
        row = QHBoxLayout(self)
        row.setContentsMargins(metrics.px(12), 0, metrics.px(12), 0)
        row.setSpacing(metrics.px(6))
        row.addWidget(Glyph("ph.buildings", 16, "ink2"))
        row.addWidget(self._clinic)
        row.addSpacing(metrics.px(10))
        row.addWidget(Glyph("ph.user-circle", 16, "ink2"))
        row.addWidget(self._person)

    def show_person(self, clinic: str, user: UserRow) -> None:
        """Show the clinic's name, and the person's with their role."""
        self._clinic.setText(clinic)
        self._person.setText(f"{user.name} · {role_name(user.role)}")
        self.setMinimumHeight(theme().tokens.metrics.menu)
        self.adjustSize()
