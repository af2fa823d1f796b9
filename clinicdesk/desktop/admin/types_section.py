"""Visit types: one list."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.admin.section import Section
from clinicdesk.desktop.admin.types_pane import TypesPane
from clinicdesk.desktop.desk import Desk


class TypesSection(Section):
    """The kinds of visit."""

    needs = (Permission.MANAGE_TYPES,)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.types = TypesPane(desk)
        self.lists = (self.types,)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.types)
