"""Leave and blocks, of one practitioner or of the whole clinic, from a month back onwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from enum import IntEnum
from typing import Any
from uuid import UUID

from PySide6.QtWidgets import QWidget

from clinicdesk.core.tx import Tx
from clinicdesk.desktop.admin import words
from clinicdesk.desktop.admin.absence_sheet import AbsenceSheet, kind_words
from clinicdesk.desktop.admin.form import FormSheet
from clinicdesk.desktop.admin.list_pane import ListPane
from clinicdesk.desktop.admin.rows import Cell, RowModel
from clinicdesk.desktop.desk import Desk, Reversal
from clinicdesk.desktop.widgets import ActionButton
from clinicdesk.features.practitioners.rules import whole_day
from clinicdesk.features.practitioners.schemas import AbsenceKind, AbsenceRow, PractitionerRow
from clinicdesk.features.practitioners.service import absences, list_practitioners, remove_absence, restore_absence

_BACK, _AHEAD = timedelta(days=31), timedelta(days=731)


class AbsenceModel(RowModel[AbsenceRow]):
    """The absences, with the names of those who are away."""

    class Column(IntEnum):
        WHEN = 0
        WHO = 1
        KIND = 2
        NOTE = 3

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.names: Mapping[UUID, str] = {}

    def header(self, column: int) -> str:
        return {
            self.Column.WHEN: self.tr("When"),
            self.Column.WHO: self.tr("Who"),
            self.Column.KIND: self.tr("What"),
            self.Column.NOTE: self.tr("Note"),
        }[self.Column(column)]

    def cell(self, row: AbsenceRow, column: int) -> Cell:
        over = row.end <= self._desk.now()
        match self.Column(column):
            case self.Column.WHEN:
                return Cell(self._when(row), "ink3" if over else "ink", 500)
            case self.Column.WHO:
                who = (
                    self.tr("Whole clinic") if row.practitioner_id is None else self.names.get(row.practitioner_id, "")
                )
                return Cell(who, "ink3" if over else "ink")
            case self.Column.KIND:
                glyph = "ph.airplane-tilt" if row.kind is AbsenceKind.LEAVE else "ph.phone"
                return Cell(kind_words(row.kind), "ink3" if over else "ink2", glyph=glyph)
        return Cell(row.note, "ink3" if over else "ink2")

    def _when(self, row: AbsenceRow) -> str:
        """ "23 Nov 2026", "23 Nov 2026 to 27 Nov 2026", "23 Nov 2026, 13:00 to 14:00"."""
        zone = self._desk.clinic.tz
        first, last = row.start.astimezone(zone), row.end.astimezone(zone)
        midnight = whole_day(first.date(), zone).start == row.start and whole_day(last.date(), zone).start == row.end
        to = self.tr("{from} to {until}")
        if midnight:
            one, other = first.date(), (last - timedelta(seconds=1)).date()
            return words.day(one) if one == other else _between(to, words.date_(one), words.date_(other))
        times = _between(to, words.clock(row.start, zone), words.clock(row.end, zone))
        if first.date() == last.date():
            return f"{words.day(first.date())}, {times}"
        return _between(
            to,
            f"{words.date_(first.date())} {words.clock(row.start, zone)}",
            f"{words.date_(last.date())} {words.clock(row.end, zone)}",
        )


def _between(form: str, start: str, end: str) -> str:
    return form.replace("{from}", start).replace("{until}", end)


class AbsencesPane(ListPane):
    """Adds leave and blocks, and removes them, which can be undone."""

    name = "absences"
    reads = frozenset({"absence", "practitioner"})
    marks_first = False

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        column = AbsenceModel.Column
        self._absences = AbsenceModel(desk)
        widths = {column.WHEN: 236, column.WHO: 140, column.KIND: 86}
        super().__init__(desk, self._absences, widths, stretch=column.NOTE, parent=parent)
        self.set_title(self.tr("Leave and blocks"))
        self.set_empty("ph.calendar-x", self.tr("Nobody is away"), self.tr("Leave and blocks of time stand here."))
        add = ActionButton(self.tr("Add leave or block"), glyph="ph.plus", parent=self)
        add.clicked.connect(self.add)
        self.head.addWidget(add)
        self._people: Sequence[PractitionerRow] = ()
        self._chosen: PractitionerRow | None = None

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        return {"admin.add": self.add, "admin.remove": self.remove}

    def show_practitioner(self, who: object) -> None:
        """Whom a new absence is offered for."""
        self._chosen = who if isinstance(who, PractitionerRow) and who.active else None

    def refresh(self) -> None:
        now = self.desk.now()
        self.desk.runner.read(
            lambda tx: (absences(tx, now - _BACK, now + _AHEAD), list_practitioners(tx, include_inactive=True)),
            self._show,
            owner=self,
        )

    def _show(self, read: tuple[list[AbsenceRow], list[PractitionerRow]]) -> None:
        rows, everybody = read
        self._people = [person for person in everybody if person.active]
        self._absences.names = {person.id: person.name for person in everybody}
        self.show_rows(rows)

    def sheet(self, row: Any | None) -> FormSheet | None:
        if row is not None:
            return None
        chosen = self._chosen
        people = self._people or ([chosen] if chosen is not None else [])  # the list may not have been read yet
        sheet = AbsenceSheet(self.desk, self, people, chosen.id if chosen is not None else None)
        sheet.saved.connect(self._added)
        return sheet

    def _added(self, row: AbsenceRow) -> None:
        what = self.tr("{kind} added").replace("{kind}", kind_words(row.kind))
        self.desk.undo.push_reversal(_take_away(row.id), what)
        self.desk.toast(what, undo=True)
        self.show_saved(row)

    def remove(self) -> None:
        """Take the absence under the cursor back."""
        row = self.current()
        if isinstance(row, AbsenceRow):
            what = self.tr("{kind} removed").replace("{kind}", kind_words(row.kind))
            self.do(_take_away(row.id), what, what)


def _take_away(absence_id: UUID) -> Reversal:
    def taking(tx: Tx) -> Reversal:
        remove_absence(tx, absence_id)
        return _put_back(absence_id)

    return taking


def _put_back(absence_id: UUID) -> Reversal:
    def putting(tx: Tx) -> Reversal:
        restore_absence(tx, absence_id)
        return _take_away(absence_id)

    return putting
