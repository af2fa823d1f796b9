"""The sheets of rooms and sites."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from clinicdesk.core.tx import Tx
from clinicdesk.desktop.admin.form import FormSheet, choose, combo, current
from clinicdesk.desktop.desk import Desk
from clinicdesk.features.practitioners.schemas import RoomRow, SaveRoom, SaveSite, SiteRow
from clinicdesk.features.practitioners.service import list_rooms, list_sites, save_room, save_site

_translate = QCoreApplication.translate


class RoomSheet(FormSheet):
    """Adds a room, or changes one."""

    def __init__(self, desk: Desk, host: QWidget, row: RoomRow | None, sites: Sequence[SiteRow]) -> None:
        title = _translate("RoomSheet", "Change room") if row else _translate("RoomSheet", "Add a room")
        super().__init__(desk, host, title, _translate("RoomSheet", "Save"), width=420)
        self._row = row
        self.name = QLineEdit()
        self.site = combo([(site.name, site.id) for site in sites], None)
        self.active = QCheckBox(self.tr("In use"))
        self.active.setChecked(True)
        self.line((self.field("name", self.tr("Name"), self.name), 1))
        self.line((self.field("site_id", self.tr("Site"), self.site), 1))
        self.body.addWidget(self.active)
        self.fields.also("active", self.active)
        if row:
            self.show_row(row)

    def stored(self, tx: Tx) -> RoomRow | None:
        return current(self._row, list_rooms(tx, include_inactive=True))

    def show_row(self, row: RoomRow) -> None:
        self._row = row
        self.name.setText(row.name)
        choose(self.site, row.site_id)
        self.active.setChecked(row.active)

    def work(self) -> Callable[[Tx], object]:
        request = SaveRoom(
            self.site.currentData(), self.name.text(), self.active.isChecked(), self._row.id if self._row else None,
            self._row.version if self._row else 0,
        )  # fmt: skip
        return lambda tx: save_room(tx, request)


class SiteSheet(FormSheet):
    """Adds a site, or changes one."""

    def __init__(self, desk: Desk, host: QWidget, row: SiteRow | None) -> None:
        title = _translate("SiteSheet", "Change site") if row else _translate("SiteSheet", "Add a site")
        super().__init__(desk, host, title, _translate("SiteSheet", "Save"), width=420)
        self._row = row
        self.name, self.address = QLineEdit(), QLineEdit()
        self.active = QCheckBox(self.tr("In use"))
        self.active.setChecked(True)
        self.line((self.field("name", self.tr("Name"), self.name), 1))
        self.line((self.field("address", self.tr("Address"), self.address), 1))
        self.body.addWidget(self.active)
        self.fields.also("active", self.active)
        if row:
            self.show_row(row)

    def stored(self, tx: Tx) -> SiteRow | None:
        return current(self._row, list_sites(tx, include_inactive=True))

    def show_row(self, row: SiteRow) -> None:
        self._row = row
        self.name.setText(row.name)
        self.address.setText(row.address)
        self.active.setChecked(row.active)

    def work(self) -> Callable[[Tx], object]:
        request = SaveSite(
            self.name.text(), self.address.text(), self.active.isChecked(), self._row.id if self._row else None,
            self._row.version if self._row else 0,
        )  # fmt: skip
        return lambda tx: save_site(tx, request)
