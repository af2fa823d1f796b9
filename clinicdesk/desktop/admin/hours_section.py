"""Practitioners and hours: who sees patients, in which weeks they work, when they are away, and the days that are off."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.admin.absences_pane import AbsencesPane
from clinicdesk.desktop.admin.form import Typed
from clinicdesk.desktop.admin.holidays_pane import HolidaysPane
from clinicdesk.desktop.admin.hours_pane import HoursPane
from clinicdesk.desktop.admin.practitioners_pane import PractitionersPane
from clinicdesk.desktop.admin.section import Section
from clinicdesk.desktop.desk import Desk


class HoursSection(Section):
    """Four lists; the hours are those of the practitioner who is marked."""

    needs = (Permission.MANAGE_PRACTITIONERS,)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.practitioners, self.hours = PractitionersPane(desk), HoursPane(desk)
        self.absences, self.holidays = AbsencesPane(desk), HolidaysPane(desk)
        self.lists = (self.practitioners, self.hours, self.absences, self.holidays)
        self.practitioners.chosen.connect(self.hours.show_practitioner)
        self.practitioners.chosen.connect(self.absences.show_practitioner)
        upper = self.splitter("admin/hours", Qt.Orientation.Horizontal, (self.practitioners, 1), (self.hours, 1))
        lower = self.splitter("admin/days", Qt.Orientation.Horizontal, (self.absences, 1), (self.holidays, 1))
        whole = self.splitter("admin/practitioners", Qt.Orientation.Vertical, (upper, 1), (lower, 1))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(whole)

    def restore(self, name: str, key: object, typed: Typed) -> None:
        if name == self.hours.name and isinstance(key, tuple):
            self.practitioners.want(key[0])
        super().restore(name, key, typed)
