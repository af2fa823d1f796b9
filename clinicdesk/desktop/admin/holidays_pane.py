"""Public holidays of a year: on which the clinic is closed, and on which it works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from enum import IntEnum
from typing import Any

from PySide6.QtWidgets import QWidget

from clinicdesk.core.tx import Tx
from clinicdesk.desktop.admin import words
from clinicdesk.desktop.admin.form import FormSheet, number
from clinicdesk.desktop.admin.holiday_sheets import HolidaySheet, LoadHolidaysSheet
from clinicdesk.desktop.admin.list_pane import ListPane
from clinicdesk.desktop.admin.rows import Cell, RowModel
from clinicdesk.desktop.desk import Desk, Reversal
from clinicdesk.desktop.widgets import ActionButton
from clinicdesk.features.practitioners.schemas import HolidayRow
from clinicdesk.features.practitioners.service import holidays, remove_holiday, save_holiday


class HolidayModel(RowModel[HolidayRow]):
    """The holidays."""

    class Column(IntEnum):
        DAY = 0
        NAME = 1
        CLOSED = 2

    def header(self, column: int) -> str:
        return {
            self.Column.DAY: self.tr("Day"),
            self.Column.NAME: self.tr("Name"),
            self.Column.CLOSED: self.tr("Clinic"),
        }[self.Column(column)]

    def cell(self, row: HolidayRow, column: int) -> Cell:
        match self.Column(column):
            case self.Column.DAY:
                return Cell(words.day(row.day), weight=500)
            case self.Column.NAME:
                return Cell(row.name)
        if row.closed:
            return Cell(self.tr("Closed"), "ink2", glyph="ph.prohibit")
        return Cell(self.tr("Open"), "ink2", glyph="ph.check-circle", glyph_ink="ok")


class HolidaysPane(ListPane):
    """Loads a country's holidays, adds and changes the clinic's own; Space turns a day from closed to open."""

    name = "holidays"
    reads = frozenset({"holiday"})
    marks_first = False

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        column = HolidayModel.Column
        widths = {column.DAY: 136, column.CLOSED: 96}
        super().__init__(desk, HolidayModel(), widths, stretch=column.NAME, parent=parent)
        self.set_title(self.tr("Public holidays"))
        self.set_empty("ph.calendar-blank", self.tr("No holidays in this year"), self.tr("Load those of your country."))
        self.year = number(desk.now().year, 1970, 2100)
        self.year.setAccessibleName(self.tr("Year"))
        self.year.valueChanged.connect(lambda _year: self.refresh())
        load = ActionButton(self.tr("Load"), glyph="ph.download-simple", parent=self)
        load.clicked.connect(self.load)
        add = ActionButton(self.tr("Add"), glyph="ph.plus", parent=self)
        add.clicked.connect(self.add)
        for widget in (self.year, load, add):
            self.head.addWidget(widget)

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        return {
            "admin.add": self.add,
            "admin.edit": self.edit,
            "admin.remove": self.remove,
            "admin.toggle": self.close_or_open,
        }

    def refresh(self) -> None:
        year = self.year.value()

        def show(rows: list[HolidayRow]) -> None:
            if year == self.year.value():
                self.show_rows(rows)

        self.desk.runner.read(lambda tx: holidays(tx, date(year, 1, 1), date(year, 12, 31)), show, owner=self)

    def sheet(self, row: Any | None) -> FormSheet:
        sheet = HolidaySheet(self.desk, self, row)
        sheet.saved.connect(self._saved)
        return sheet

    def _saved(self, row: HolidayRow) -> None:
        self.desk.toast(self.tr("Saved: {name}").replace("{name}", row.name))
        self.show_saved(row)
        self.year.setValue(row.day.year)

    def load(self) -> None:
        """Ask for a country and a year, and take in its public holidays."""
        sheet = LoadHolidaysSheet(self.desk, self, self.year.value())

        def loaded(count: object) -> None:
            self.desk.toast(self.tr("%n holidays loaded", "", int(str(count))))
            self.year.setValue(sheet.year.value())

        sheet.saved.connect(loaded)
        sheet.open_sheet()

    def close_or_open(self) -> None:
        """Let the clinic work on the day under the cursor, or close it again."""
        row = self.current()
        if isinstance(row, HolidayRow):
            done = self.tr("Open on {day}") if row.closed else self.tr("Closed on {day}")
            done = done.replace("{day}", words.day(row.day))
            self.do(_set(row.day, row.name, not row.closed), done, done)

    def remove(self) -> None:
        """Make the day under the cursor a day like any other."""
        row = self.current()
        if isinstance(row, HolidayRow):
            done = self.tr("Removed: {name}").replace("{name}", row.name)
            self.do(_remove(row), done, done)


def _set(day: date, name: str, closed: bool) -> Reversal:
    def setting(tx: Tx) -> Reversal:
        save_holiday(tx, day, name, closed)
        return _set(day, name, not closed)

    return setting


def _remove(row: HolidayRow) -> Reversal:
    def removing(tx: Tx) -> Reversal:
        remove_holiday(tx, row.id)
        return _add(row)

    return removing


def _add(row: HolidayRow) -> Reversal:
    def adding(tx: Tx) -> Reversal:
        return _remove(save_holiday(tx, row.day, row.name, row.closed))

    return adding
