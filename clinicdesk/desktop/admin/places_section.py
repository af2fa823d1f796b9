"""Rooms and clinic: where visits are held, and what the clinic has set for itself."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.admin.clinic_form import ClinicForm
from clinicdesk.desktop.admin.form import Typed
from clinicdesk.desktop.admin.places_panes import RoomsPane, SitesPane
from clinicdesk.desktop.admin.section import Section
from clinicdesk.desktop.desk import Desk

_CLINIC = "clinic"


class PlacesSection(Section):
    """Two lists, and a form beside them."""

    needs = (Permission.MANAGE_PRACTITIONERS, Permission.MANAGE_CLINIC)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.rooms, self.sites, self.clinic = RoomsPane(desk), SitesPane(desk), ClinicForm(desk)
        self.lists = (self.rooms, self.sites)
        places = self.splitter("admin/places", Qt.Orientation.Vertical, (self.rooms, 3), (self.sites, 2))
        whole = self.splitter("admin/clinic", Qt.Orientation.Horizontal, (places, 1), (self.clinic, 1))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(whole)

    def panes(self) -> list[QWidget]:
        return [*super().panes(), self.clinic.name]

    def draft(self) -> tuple[str, object, Typed] | None:
        if self.clinic.changed():
            return _CLINIC, None, self.clinic.fields.typed()
        return super().draft()

    def restore(self, name: str, key: object, typed: Typed) -> None:
        if name == _CLINIC:
            self.clinic.fields.fill(typed)
        else:
            super().restore(name, key, typed)
