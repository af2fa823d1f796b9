"""Users and audit: the accounts and what their roles may do, over the log of what was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.admin.audit_pane import AuditPane
from clinicdesk.desktop.admin.roles_pane import RolesPane
from clinicdesk.desktop.admin.section import Section
from clinicdesk.desktop.admin.users_pane import UsersPane
from clinicdesk.desktop.desk import Desk


class UsersSection(Section):
    """Three lists; the chain of the log is verified when the section is first opened."""

    needs = (Permission.MANAGE_USERS, Permission.READ_AUDIT)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.users, self.roles, self.audit = UsersPane(desk), RolesPane(desk), AuditPane(desk)
        self.lists = (self.users, self.roles, self.audit)
        upper = self.splitter("admin/users", Qt.Orientation.Horizontal, (self.users, 13), (self.roles, 10))
        whole = self.splitter("admin/audit", Qt.Orientation.Vertical, (upper, 4), (self.audit, 5))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(whole)

    def activate(self) -> None:
        super().activate()
        if not self.audit.verified:
            self.audit.verify()

    def panes(self) -> list[QWidget]:
        return [self.users.table, self.roles.table, self.audit.search, self.audit.table]

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        return {"admin.filter": self._find}

    def counts(self) -> tuple[tuple[str, str], ...]:
        return (("ph.eye", self.tr("Reading this log is itself logged")),)

    def _find(self) -> None:
        self.audit.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.audit.search.selectAll()
