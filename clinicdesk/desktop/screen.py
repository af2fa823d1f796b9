"""What the window asks of every screen, and what a screen is given."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from clinicdesk.desktop import keys
from clinicdesk.desktop.desk import Desk, Request


class Screen(QWidget):
    """A page of the window. Its title, icon, key and permission stand in the list of screens (screens.py).

    It is made when it is first shown, and destroyed when its user signs out. Bind keys with `desk.keys.bind(widget, …)`: they
    appear in the menus and on the keys sheet by themselves.
    """

    takes: ClassVar[tuple[type[Request], ...]] = ()
    """The requests that this screen answers in `take`: the window brings it to the front first."""

    hints_changed = Signal()
    """What `hints` says is new."""
    counts_changed = Signal()
    """What `counts` says is new."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk

    def activate(self) -> None:
        """The screen has come to the front: read anew what may be stale, and take the focus where none of it has it."""

    def take(self, request: Request) -> None:
        """Answer a request of one of the kinds in `takes`."""
        raise NotImplementedError

    def patient_in_view(self) -> UUID | None:
        """Whom the screen is about just now, by the record that is open or the visit that is chosen: the command bar books for
        them."""
        return None

    def draft(self) -> object | None:
        """What was typed here and not saved, for when the same person comes back after another; None where nothing is open."""
        return None

    def restore(self, draft: object) -> None:
        """Open again what `draft` gave before."""

    def hints(self) -> tuple[str, ...]:
        """Ids of the keys that help most where the focus is; the status bar shows them at the left."""
        return ()

    def counts(self) -> tuple[tuple[str, str], ...]:
        """Icon and words of what the status bar shows at the right, such as ("ph.armchair", "4 waiting")."""
        return ()

    def panes(self) -> list[QWidget]:
        """What F6 goes round: the widget of each pane that takes the focus."""
        return []

    def own_keys(self) -> tuple[str, ...]:
        """Ids of keys that the screen answers without an action, such as the arrows of a calendar."""
        return ()

    def key_actions(self) -> list[QAction]:
        """The actions of the table that something on this screen was given, for the menus."""
        return [action for action in self.findChildren(QAction) if action.objectName() in keys.KEYS]

    def keys_here(self) -> set[str]:
        """The ids of all keys that do something on this screen."""
        return {*self.own_keys(), *(action.objectName() for action in self.key_actions())}
