"""The kinds of visit, in the order in which they are offered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

from PySide6.QtWidgets import QWidget

from clinicdesk.core.tx import Tx
from clinicdesk.desktop.admin.form import FormSheet
from clinicdesk.desktop.admin.list_pane import ListPane
from clinicdesk.desktop.admin.rows import Cell, RowModel
from clinicdesk.desktop.admin.type_sheet import TypeSheet, code_words
from clinicdesk.desktop.desk import Desk, Reversal
from clinicdesk.features.appointments.schemas import SaveType, TypeRow
from clinicdesk.features.appointments.types import list_types, save_type


class TypeModel(RowModel[TypeRow]):
    """The kinds of visit."""

    class Column(IntEnum):
        NAME = 0
        SHORT = 1
        MINUTES = 2
        KIND = 3
        STATE = 4

    def header(self, column: int) -> str:
        return {
            self.Column.NAME: self.tr("Name"),
            self.Column.SHORT: self.tr("Command bar"),
            self.Column.MINUTES: self.tr("Length"),
            self.Column.KIND: self.tr("Kind"),
            self.Column.STATE: self.tr("Booking"),
        }[self.Column(column)]

    def cell(self, row: TypeRow, column: int) -> Cell:
        faint = not row.active
        match self.Column(column):
            case self.Column.NAME:
                return Cell(row.name, "ink3" if faint else "ink", 500, swatch=row.colour)
            case self.Column.SHORT:
                return Cell(row.short, "ink3" if faint else "ink2")
            case self.Column.MINUTES:
                return Cell(self.tr("%n min", "", row.minutes), "ink3" if faint else "ink")
            case self.Column.KIND:
                return Cell(code_words(row.code), "ink3" if faint else "ink")
        if row.active:
            return Cell(self.tr("Is booked"), "ink2", glyph="ph.check-circle", glyph_ink="ok")
        return Cell(self.tr("Turned off"), tone="quiet", glyph="ph.prohibit")


class TypesPane(ListPane):
    """Adds, changes, turns off and on; Alt with the arrows changes the order."""

    name = "types"
    reads = frozenset({"appointment_type"})

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        column = TypeModel.Column
        widths = {column.SHORT: 140, column.MINUTES: 120, column.KIND: 160, column.STATE: 150}
        super().__init__(desk, TypeModel(), widths, stretch=column.NAME, parent=parent)
        self.set_title(self.tr("Visit types"))
        self.add_text = self.tr("Add visit type")
        self.set_empty("ph.tag", self.tr("No visit types yet"), self.tr("Each has a length and a colour."))

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        return {
            "admin.add": self.add,
            "admin.edit": self.edit,
            "admin.turn_off": self.turn_off_or_on,
            "admin.up": lambda: self.move_row(-1),
            "admin.down": lambda: self.move_row(1),
        }

    def refresh(self) -> None:
        self.desk.runner.read(lambda tx: list_types(tx, include_inactive=True), self.show_rows, owner=self)

    def sheet(self, row: Any | None) -> FormSheet:
        last = max((kind.position for kind in self.model.rows()), default=-1)
        sheet = TypeSheet(self.desk, self, row, last + 1)
        sheet.saved.connect(self._saved)
        return sheet

    def _saved(self, row: TypeRow) -> None:
        self.desk.toast(self.tr("Saved: {name}").replace("{name}", row.name))
        self.show_saved(row)

    def turn_off_or_on(self) -> None:
        """Let the kind under the cursor be booked no more, or again."""
        row = self.current()
        if isinstance(row, TypeRow):
            done = self.tr("{name} turned off") if row.active else self.tr("{name} turned on")
            done = done.replace("{name}", row.name)
            self.do(_switch(row, not row.active), done, done)

    def move_row(self, step: int) -> None:
        """Put the kind under the cursor one place up (-1) or down (+1)."""
        rows: list[TypeRow] = list(self.model.rows())
        place = self.table.currentIndex().row()
        if not (0 <= place < len(rows) and 0 <= place + step < len(rows)):
            return
        rows.insert(place + step, rows.pop(place))
        moved = [_request(row, position, row.active) for position, row in enumerate(rows) if row.position != position]
        self.desk.runner.write(lambda tx: [save_type(tx, request) for request in moved], owner=self)


def _request(row: TypeRow, position: int, active: bool) -> SaveType:
    return SaveType(
        row.name, row.minutes, row.colour, row.short, row.code, position, active, row.id, row.version
    )  # fmt: skip


def _switch(row: TypeRow, active: bool) -> Reversal:
    def switching(tx: Tx) -> Reversal:
        return _switch(save_type(tx, _request(row, row.position, active)), not active)

    return switching
