"""The sheet of leave and blocks: who is away, from when to when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.tx import Tx
from clinicdesk.desktop.admin.day_text import from_day, to_day, to_time
from clinicdesk.desktop.admin.form import FormSheet, combo
from clinicdesk.desktop.desk import Desk
from clinicdesk.features.practitioners.rules import instant, whole_day
from clinicdesk.features.practitioners.schemas import AbsenceKind, AddAbsence, PractitionerRow
from clinicdesk.features.practitioners.service import add_absence

_translate = QCoreApplication.translate


def kind_words(kind: AbsenceKind) -> str:
    """What the calendar calls an absence."""
    if kind is AbsenceKind.LEAVE:
        return _translate("AbsenceSheet", "Leave")
    return _translate("AbsenceSheet", "Block")


class AbsenceSheet(FormSheet):
    """Adds leave or a block, of whole days or between times, of one practitioner or of the whole clinic."""

    def __init__(self, desk: Desk, host: QWidget, people: Sequence[PractitionerRow], who: UUID | None) -> None:
        super().__init__(desk, host, _translate("AbsenceSheet", "Leave or a block"), _translate("AbsenceSheet", "Add"))
        choices: list[tuple[str, object]] = [(self.tr("The whole clinic"), None), *((p.name, p.id) for p in people)]
        self.who = combo(choices, who)
        self.kind = combo([(kind_words(kind), kind) for kind in AbsenceKind], AbsenceKind.LEAVE)
        self.first, self.last = QLineEdit(from_day(desk.now().date())), QLineEdit()
        self.last.setPlaceholderText(self.tr("the same day"))
        self.whole = QCheckBox(self.tr("Whole days"))
        self.whole.setChecked(True)
        self.start, self.end = QLineEdit(), QLineEdit()
        self.start.setPlaceholderText("9:00")
        self.end.setPlaceholderText("12:30")
        self.note = QLineEdit()
        self.note.setPlaceholderText(self.tr("Lunch, phone calls, training"))
        self.line(
            (self.field("practitioner_id", self.tr("Who"), self.who), 3),
            (self.field("kind", self.tr("What"), self.kind), 2),
        )
        self.line(
            (self.field("start", self.tr("From"), self.first), 1),
            (self.field("end", self.tr("Until, that day included"), self.last), 1),
        )
        self.body.addWidget(self.whole)
        self.fields.also("whole", self.whole)
        self._times = (
            self.field("start_time", self.tr("At"), self.start),
            self.field("end_time", self.tr("Until"), self.end),
        )
        self.line(*((field, 1) for field in self._times))
        self.line((self.field("note", self.tr("Note, seen in the calendar"), self.note), 1))
        self.whole.toggled.connect(self._show_times)
        self._show_times(True)

    def work(self) -> Callable[[Tx], object]:
        today, zone = self.desk.now().date(), self.desk.clinic.tz
        first = to_day(self.first.text(), "start", today)
        last = to_day(self.last.text(), "end", today) if self.last.text().strip() else first
        if self.whole.isChecked():
            start, end = whole_day(first, zone).start, whole_day(last, zone).end
        else:
            at, until = to_time(self.start.text(), "start_time"), to_time(self.end.text(), "end_time")
            start = instant(first, at.hour * 60 + at.minute, zone)
            end = instant(last, until.hour * 60 + until.minute, zone)
            if end <= start and last >= first:
                raise InvalidInput("ends_before_start", field="end_time")
        kind = AbsenceKind(self.kind.currentData())
        request = AddAbsence(self.who.currentData(), kind, start, end, self.note.text())
        return lambda tx: add_absence(tx, request)

    def _show_times(self, whole: bool) -> None:
        for field in self._times:
            field.setVisible(not whole)
