"""A part of the administration: some lists side by side, and who may open it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QSizePolicy, QSplitter, QWidget

from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.admin.form import Typed
from clinicdesk.desktop.admin.list_pane import ListPane
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.theme import theme


class Section(QWidget):
    """Lists and forms that belong together. The first list is the one that the screen's main button adds to."""

    needs: ClassVar[tuple[Permission, ...]] = ()
    """Every one of these permissions: whoever lacks one does not see the section."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.lists: tuple[ListPane, ...] = ()

    def activate(self) -> None:
        """The section has come to the front: read everything anew."""
        for pane in self.lists:
            pane.refresh()

    def follow(self, entities: frozenset[str]) -> None:
        """These tables have changed: read anew what shows them."""
        for pane in self.lists:
            if pane.reads & entities:
                pane.refresh()

    def panes(self) -> list[QWidget]:
        """What F6 goes round."""
        return [pane.focus_pane() for pane in self.lists]

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """What keys do wherever the focus is in this section, by their ids."""
        return {}

    def counts(self) -> tuple[tuple[str, str], ...]:
        """What the status bar says at the right."""
        return ()

    def draft(self) -> tuple[str, object, Typed] | None:
        """The list, the key of its row and what was typed in a form that is open; None where nothing was typed."""
        for pane in self.lists:
            if (sheet := pane.open_sheet) is not None and sheet.changed():
                return pane.name, pane.open_key, sheet.fields.typed()
        return None

    def restore(self, name: str, key: object, typed: Typed) -> None:
        """Open again what `draft` gave."""
        for pane in self.lists:
            if pane.name == name:
                pane.reopen(key, typed)

    def splitter(self, name: str, orientation: Qt.Orientation, *parts: tuple[QWidget, int]) -> QSplitter:
        """Parts with their shares of the room, which the user may shift; the desk remembers how."""
        metrics = theme().tokens.metrics
        made = QSplitter(orientation, self)
        made.setChildrenCollapsible(False)
        made.setHandleWidth(1)
        for place, (part, share) in enumerate(parts):
            part.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
            part.setMinimumSize(metrics.px(320), metrics.px(160))
            made.addWidget(part)
            made.setStretchFactor(place, share)
        state = self.desk.preferences.splitter(name)
        if state.isEmpty() or not made.restoreState(state):
            made.setSizes([share * 100 for _, share in parts])
        made.splitterMoved.connect(lambda *_: self.desk.preferences.set_splitter(name, QByteArray(made.saveState())))
        return made
