"""The working weeks of one practitioner, by the days on which each holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from enum import IntEnum
from itertools import groupby
from typing import Any
from uuid import UUID

from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QWidget

from clinicdesk.desktop.admin import words
from clinicdesk.desktop.admin.form import FormSheet
from clinicdesk.desktop.admin.hours_sheet import HoursSheet, hours_a_week
from clinicdesk.desktop.admin.list_pane import ListPane
from clinicdesk.desktop.admin.rows import Cell, RowModel
from clinicdesk.desktop.admin.shift_text import write_shifts
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.widgets import ActionButton
from clinicdesk.features.practitioners.schemas import PractitionerRow, Shift, WeeklyHoursRow
from clinicdesk.features.practitioners.service import weekly_hours


def week_words(shifts: Sequence[Shift]) -> str:
    """A working week in a line, days with the same hours together: "Mon to Fri 9:00–17:00, Sat 9:00–12:00"."""
    locale = QLocale()

    def name(weekday: int) -> str:
        return locale.dayName(weekday + 1, QLocale.FormatType.ShortFormat)

    parts = []
    for hours, run in groupby(range(7), lambda weekday: write_shifts(shifts, weekday)):
        days = list(run)
        if hours:
            span = name(days[0]) if len(days) == 1 else f"{name(days[0])}–{name(days[-1])}"
            parts.append(f"{span} {hours}")
    return "; ".join(parts)


class WeekModel(RowModel[WeeklyHoursRow]):
    """The weeks of one practitioner; the one that holds today is in bold."""

    class Column(IntEnum):
        FROM = 0
        TO = 1
        WEEK = 2
        HOURS = 3

    def __init__(self, today: Callable[[], date]) -> None:
        super().__init__()
        self._today = today

    def key(self, row: WeeklyHoursRow) -> object:
        return row.practitioner_id, row.valid_from

    def header(self, column: int) -> str:
        return {
            self.Column.FROM: self.tr("From"),
            self.Column.TO: self.tr("Until"),
            self.Column.WEEK: self.tr("Week"),
            self.Column.HOURS: self.tr("Hours"),
        }[self.Column(column)]

    def cell(self, row: WeeklyHoursRow, column: int) -> Cell:
        today = self._today()
        holds = row.valid_from <= today and (row.valid_to is None or today <= row.valid_to)
        over = row.valid_to is not None and row.valid_to < today
        weight = 600 if holds else 400
        match self.Column(column):
            case self.Column.FROM:
                return Cell(words.date_(row.valid_from), "ink3" if over else "ink", weight)
            case self.Column.TO:
                return Cell(
                    words.date_(row.valid_to) if row.valid_to else self.tr("open end"), "ink3" if over else "ink2"
                )
            case self.Column.WEEK:
                return Cell(week_words(row.shifts), "ink3" if over else "ink", 500 if holds else 400)
        hours = hours_a_week(row.shifts).total_seconds() / 3600
        return Cell(QLocale().toString(hours, "f", 0 if hours == int(hours) else 1), "ink3" if over else "ink2")


class HoursPane(ListPane):
    """Shows and sets the hours of whoever is chosen beside it."""

    name = "hours"
    reads = frozenset({"weekly_hours"})
    counted = False
    marks_first = False

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        column = WeekModel.Column
        widths = {column.FROM: 112, column.TO: 108, column.HOURS: 62}
        super().__init__(desk, WeekModel(lambda: desk.now().date()), widths, stretch=column.WEEK, parent=parent)
        self.set_title(self.tr("Hours"))
        self.set_empty("ph.clock", self.tr("No hours yet"), self.tr("Without hours nobody can be booked here."))
        self.set_button = ActionButton(self.tr("Set hours"), glyph="ph.clock", parent=self)
        self.set_button.setEnabled(False)
        self.set_button.clicked.connect(self.add)
        self.head.addWidget(self.set_button)
        self._who: PractitionerRow | None = None
        self._read_of: UUID | None = None
        """Whose weeks are listed."""

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        return {"admin.add": self.add, "admin.edit": self.edit} if self._who is not None else {}

    def show_practitioner(self, who: object) -> None:
        """Show the weeks of another practitioner; None shows nothing."""
        self._who = who if isinstance(who, PractitionerRow) else None
        self.set_button.setEnabled(self._who is not None)
        self.set_title(self.tr("Hours of {name}").replace("{name}", self._who.name) if self._who else self.tr("Hours"))
        self.refresh()

    def refresh(self) -> None:
        who = self._who
        if who is None:
            self.show_rows(())
            self.empty.hide()
            return

        def show(weeks: list[WeeklyHoursRow]) -> None:
            if self._who is not None and self._who.id == who.id:
                self._read_of = who.id
                self.show_rows(weeks)

        self.desk.runner.read(lambda tx: weekly_hours(tx, who.id), show, owner=self)

    def sheet(self, row: Any | None) -> FormSheet | None:
        if self._who is None:
            return None
        sheet = HoursSheet(self.desk, self, self._who, row or self._now(), row is not None)
        sheet.saved.connect(self._saved)
        return sheet

    def _open(self, row: Any | None) -> FormSheet | None:
        sheet = super()._open(row)
        if self._who is not None:
            self.open_key = (self._who.id, row.valid_from if row is not None else None)
        return sheet

    def _try_reopen(self) -> None:
        """What was typed belongs to one practitioner: it waits until their weeks are listed."""
        if self._left is None:
            return
        (who, valid_from), typed = self._left
        if who == self._read_of:
            row = next((week for week in self.model.rows() if week.valid_from == valid_from), None)
            self._left = None
            if valid_from is None or row is not None:
                sheet = self._open(row)
                if sheet is not None:
                    sheet.fields.fill(typed)

    def _now(self) -> WeeklyHoursRow | None:
        """The week to begin a new one with: the last that has begun."""
        today = self.desk.now().date()
        begun = [week for week in self.model.rows() if week.valid_from <= today]
        return begun[-1] if begun else None

    def _saved(self, _weeks: object) -> None:
        name = self._who.name if self._who is not None else ""
        self.desk.toast(self.tr("Hours set: {name}").replace("{name}", name))
