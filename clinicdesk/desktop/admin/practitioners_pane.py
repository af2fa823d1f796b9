"""The practitioners of the clinic, in the order of the calendar's columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from clinicdesk.core.tx import Tx
from clinicdesk.desktop.admin.form import FormSheet
from clinicdesk.desktop.admin.list_pane import ListPane
from clinicdesk.desktop.admin.practitioner_sheet import PractitionerSheet
from clinicdesk.desktop.admin.rows import Cell, RowModel
from clinicdesk.desktop.desk import Desk, Reversal
from clinicdesk.features.practitioners.schemas import PractitionerRow, RoomRow, SavePractitioner
from clinicdesk.features.practitioners.service import list_practitioners, list_rooms, save_practitioner


class PractitionerModel(RowModel[PractitionerRow]):
    """The practitioners."""

    class Column(IntEnum):
        TILE = 0
        NAME = 1
        SPECIALTY = 2
        ROOM = 3
        STATE = 4

    def header(self, column: int) -> str:
        return {
            self.Column.TILE: "",
            self.Column.NAME: self.tr("Name"),
            self.Column.SPECIALTY: self.tr("Specialty"),
            self.Column.ROOM: self.tr("Room"),
            self.Column.STATE: self.tr("Visits"),
        }[self.Column(column)]

    def cell(self, row: PractitionerRow, column: int) -> Cell:
        match self.Column(column):
            case self.Column.TILE:
                return Cell(f"{row.given} {row.family}", "ink2" if row.active else "ink3", tile=True)
            case self.Column.NAME:
                return Cell(row.name, "ink" if row.active else "ink3", 500)
            case self.Column.SPECIALTY:
                return Cell(row.specialty, "ink" if row.active else "ink3")
            case self.Column.ROOM:
                return Cell(row.room_name, "ink2" if row.active else "ink3")
        if row.active:
            return Cell(self.tr("Takes visits"), "ink2", glyph="ph.check-circle", glyph_ink="ok")
        return Cell(self.tr("Turned off"), tone="quiet", glyph="ph.prohibit")


class PractitionersPane(ListPane):
    """Adds, changes, turns off and on; what is chosen here is what the hours beside it are of."""

    name = "practitioners"
    reads = frozenset({"practitioner", "room"})
    chosen = Signal(object)
    """The PractitionerRow under the cursor, or None."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        column = PractitionerModel.Column
        widths = {column.TILE: 42, column.SPECIALTY: 140, column.ROOM: 96, column.STATE: 118}
        super().__init__(desk, PractitionerModel(), widths, stretch=column.NAME, parent=parent)
        self.set_title(self.tr("Practitioners"))
        self.add_text = self.tr("Add practitioner")
        self._rooms: Sequence[RoomRow] = ()
        self.table.selectionModel().currentRowChanged.connect(lambda _now, _before: self.chosen.emit(self.current()))
        self.model.modelReset.connect(lambda: self.chosen.emit(self.current()))

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        return {"admin.add": self.add, "admin.edit": self.edit, "admin.turn_off": self.turn_off_or_on}

    def refresh(self) -> None:
        self.desk.runner.read(
            lambda tx: (list_practitioners(tx, include_inactive=True), list_rooms(tx, include_inactive=True)),
            self._show,
            owner=self,
        )

    def practitioners(self) -> Sequence[PractitionerRow]:
        """All of them, in order."""
        return self.model.rows()

    def _show(self, read: tuple[list[PractitionerRow], list[RoomRow]]) -> None:
        people, self._rooms = read
        self.show_rows(people)

    def sheet(self, row: Any | None) -> FormSheet:
        last = max((person.position for person in self.practitioners()), default=-1)
        own = row.room_id if row is not None else None
        rooms = [room for room in self._rooms if room.active or room.id == own]
        sheet = PractitionerSheet(self.desk, self, row, rooms, last + 1)
        sheet.saved.connect(self._saved if row is not None else self._added)
        return sheet

    def _added(self, row: PractitionerRow) -> None:
        self.desk.toast(self.tr("Added {name}. Set their hours next.").replace("{name}", row.name))
        self.show_saved(row)

    def _saved(self, row: PractitionerRow) -> None:
        self.desk.toast(self.tr("Saved: {name}").replace("{name}", row.name))
        self.show_saved(row)

    def turn_off_or_on(self) -> None:
        """Let the practitioner under the cursor take no more visits, or visits again."""
        row = self.current()
        if isinstance(row, PractitionerRow):
            done = self.tr("{name} turned off") if row.active else self.tr("{name} turned on")
            done = done.replace("{name}", row.name)
            self.do(_switch(row, not row.active), done, done)


def _switch(row: PractitionerRow, active: bool) -> Reversal:
    def switching(tx: Tx) -> Reversal:
        request = SavePractitioner(
            row.family, row.given, row.prefix, row.suffix, row.specialty, row.room_id, row.position, active, row.id,
            row.version,
        )  # fmt: skip
        return _switch(save_practitioner(tx, request), not active)

    return switching
