"""The rooms of the clinic and the sites that they are in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from clinicdesk.core.tx import Tx
from clinicdesk.desktop.admin.form import FormSheet
from clinicdesk.desktop.admin.list_pane import ListPane
from clinicdesk.desktop.admin.place_sheets import RoomSheet, SiteSheet
from clinicdesk.desktop.admin.rows import Cell, RowModel
from clinicdesk.desktop.desk import Desk, Reversal
from clinicdesk.desktop.widgets import ActionButton
from clinicdesk.features.practitioners.schemas import RoomRow, SaveRoom, SaveSite, SiteRow
from clinicdesk.features.practitioners.service import list_rooms, list_sites, save_room, save_site


class PlaceModel(RowModel[RoomRow | SiteRow]):
    """Rooms with their sites, or sites with their addresses."""

    class Column(IntEnum):
        NAME = 0
        WHERE = 1
        STATE = 2

    def __init__(self, where: str) -> None:
        """`where` stands over the middle column."""
        super().__init__()
        self._where = where

    def header(self, column: int) -> str:
        return {
            self.Column.NAME: self.tr("Name"),
            self.Column.WHERE: self._where,
            self.Column.STATE: self.tr("Use"),
        }[self.Column(column)]

    def cell(self, row: RoomRow | SiteRow, column: int) -> Cell:
        match self.Column(column):
            case self.Column.NAME:
                return Cell(row.name, "ink" if row.active else "ink3", 500)
            case self.Column.WHERE:
                where = row.site_name if isinstance(row, RoomRow) else row.address
                return Cell(where, "ink2" if row.active else "ink3")
        if row.active:
            return Cell(self.tr("In use"), "ink2", glyph="ph.check-circle", glyph_ink="ok")
        return Cell(self.tr("Turned off"), tone="quiet", glyph="ph.prohibit")


_WIDTHS = {PlaceModel.Column.WHERE: 220, PlaceModel.Column.STATE: 120}


class PlacesPane(ListPane):
    """What rooms and sites have in common: they are added, changed, turned off and on."""

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        return {"admin.add": self.add, "admin.edit": self.edit, "admin.turn_off": self.turn_off_or_on}

    def turn_off_or_on(self) -> None:
        """Take the place under the cursor out of use, or into use again."""
        row = self.current()
        if isinstance(row, RoomRow | SiteRow):
            done = self.tr("{name} turned off") if row.active else self.tr("{name} turned on")
            done = done.replace("{name}", row.name)
            self.do(_switch(row, not row.active), done, done)

    def _saved(self, row: RoomRow | SiteRow) -> None:
        self.desk.toast(self.tr("Saved: {name}").replace("{name}", row.name))
        self.show_saved(row)


class RoomsPane(PlacesPane):
    """The rooms."""

    name = "rooms"
    reads = frozenset({"room", "site"})

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        column = PlaceModel.Column
        widths = {column.WHERE: 220, column.STATE: 120}
        super().__init__(
            desk,
            PlaceModel(QCoreApplication.translate("PlaceModel", "Site")),
            widths,
            stretch=column.NAME,
            parent=parent,
        )
        self.set_title(self.tr("Rooms"))
        self.add_text = self.tr("Add room")
        self.set_empty("ph.door", self.tr("No rooms yet"), self.tr("A clinic can do without; visits then have none."))
        self._sites: Sequence[SiteRow] = ()

    def refresh(self) -> None:
        self.desk.runner.read(
            lambda tx: (list_rooms(tx, include_inactive=True), list_sites(tx, include_inactive=True)),
            self._show,
            owner=self,
        )

    def _show(self, read: tuple[list[RoomRow], list[SiteRow]]) -> None:
        rooms, self._sites = read
        self.show_rows(rooms)

    def sheet(self, row: Any | None) -> FormSheet | None:
        own = row.site_id if row is not None else None
        sites = [site for site in self._sites if site.active or site.id == own]
        if not sites:
            self.desk.toast(self.tr("A room is in a site. Add the site first."))
            return None
        sheet = RoomSheet(self.desk, self, row, sites)
        sheet.saved.connect(self._saved)
        return sheet


class SitesPane(PlacesPane):
    """The sites."""

    name = "sites"
    reads = frozenset({"site"})
    marks_first = False

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        column = PlaceModel.Column
        widths = {column.WHERE: 220, column.STATE: 120}
        super().__init__(
            desk,
            PlaceModel(QCoreApplication.translate("PlaceModel", "Address")),
            widths,
            stretch=column.NAME,
            parent=parent,
        )
        self.set_title(self.tr("Sites"))
        self.set_empty("ph.buildings", self.tr("No sites yet"), self.tr("A site is a place where the clinic works."))
        add = ActionButton(self.tr("Add site"), glyph="ph.plus", parent=self)
        add.clicked.connect(self.add)
        self.head.addWidget(add)

    def refresh(self) -> None:
        self.desk.runner.read(lambda tx: list_sites(tx, include_inactive=True), self.show_rows, owner=self)

    def sheet(self, row: Any | None) -> FormSheet:
        sheet = SiteSheet(self.desk, self, row)
        sheet.saved.connect(self._saved)
        return sheet


def _switch(row: RoomRow | SiteRow, active: bool) -> Reversal:
    def switching(tx: Tx) -> Reversal:
        if isinstance(row, RoomRow):
            return _switch(save_room(tx, SaveRoom(row.site_id, row.name, active, row.id, row.version)), not active)
        return _switch(save_site(tx, SaveSite(row.name, row.address, active, row.id, row.version)), not active)

    return switching
