"""Books a visit, takes in a walk-in or changes a visit, by keyboard: a name, Enter, Enter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum, auto
from functools import partial
from uuid import UUID

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx
from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.date_sheet import read_day
from clinicdesk.desktop.appointments.day_words import parse_time
from clinicdesk.desktop.appointments.patient_picker import PatientPicker
from clinicdesk.desktop.appointments.slot_check import SlotCheck, check_slot
from clinicdesk.desktop.desk import Desk, Prefill
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.sentences import sentence
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, Chip, Field, Sheet, Suggestion, TextLabel
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import (
    AppointmentRow,
    BookAppointment,
    EditAppointment,
    Opening,
    OutsideHours,
    Reschedule,
    SlotTaken,
    TypeRow,
)
from clinicdesk.features.patients.schemas import PatientRow
from clinicdesk.features.practitioners.schemas import PractitionerRow, RoomRow

USUAL_MINUTES = 20


class Purpose(Enum):
    """What the dialog is open for."""

    BOOK = auto()
    WALK_IN = auto()
    EDIT = auto()


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from, in the clinic's order."""

    practitioners: tuple[PractitionerRow, ...]
    types: tuple[TypeRow, ...]
    rooms: tuple[RoomRow, ...]


class BookingDialog(Sheet):
    """Errors stand beside the field that they are about, with ways out; nothing typed is lost until it is closed."""

    done = Signal(object, object)
    """UUID of the unit of work, AppointmentRow: it is in the book."""

    def __init__(
        self,
        desk: Desk,
        host: QWidget,
        choices: Choices,
        prefill: Prefill | None = None,
        *,
        purpose: Purpose = Purpose.BOOK,
        visit: AppointmentRow | None = None,
    ) -> None:
        title = {
            Purpose.BOOK: self.tr("Book a visit"),
            Purpose.WALK_IN: self.tr("Walk-in"),
            Purpose.EDIT: self.tr("Visit"),
        }[purpose]
        super().__init__(host, title, width=620)
        self._desk, self._choices, self._purpose, self._visit = desk, choices, purpose, visit
        self._exact: datetime | None = None
        self._length_is_chosen = False
        self._outside_hours = self._patient_overlap = False
        self._asked = 0
        self._saving = False
        self._build(title)
        self._check_timer = QTimer(self, singleShot=True, interval=0)
        self._check_timer.timeout.connect(self._check)
        self._fill(prefill or Prefill())
        for signal in (
            self._type.currentIndexChanged, self._length.valueChanged, self._practitioner.currentIndexChanged,
            self._room.currentIndexChanged, self._day.textEdited, self._start.textEdited,
        ):  # fmt: skip
            signal.connect(self._changed)
        self._type.activated.connect(self._take_type)
        self._length.valueChanged.connect(self._length_chosen)
        self.opened.connect(self._check_timer.start)
        self.closed.connect(self.deleteLater)

    def draft(self) -> Prefill:
        """What was typed so far."""
        return Prefill(
            self._patient.patient(), self._practitioner.currentData(), self._instant(),
            timedelta(minutes=self._length.value()), self._type.currentData(), self._reason.text(),
        )  # fmt: skip

    # Building

    def _build(self, title: str) -> None:
        metrics = theme().tokens.metrics
        column = QVBoxLayout(self)
        column.setContentsMargins(metrics.px(20), metrics.px(16), metrics.px(20), metrics.px(16))
        column.setSpacing(metrics.px(10))
        head = QHBoxLayout()
        head.addWidget(TextLabel(title, Role.CARD, parent=self))
        head.addStretch()
        column.addLayout(head)

        self._patient = PatientPicker(self._desk, self)
        self._patient_field = Field(self.tr("Patient"), self._patient, self)
        self._patient_field.setFocusProxy(self._patient)
        self._type, self._practitioner, self._room = QComboBox(self), QComboBox(self), QComboBox(self)
        self._length = QSpinBox(self)
        self._length.setRange(5, 24 * 60)
        self._length.setSingleStep(5)
        self._length.setSuffix(self.tr(" min"))
        self._day, self._start = QLineEdit(self), QLineEdit(self)
        self._reason, self._overbook = QLineEdit(self), QLineEdit(self)
        self._reason.setMaxLength(250)
        self._overbook.setMaxLength(250)
        self._day.editingFinished.connect(self._spell_day)
        self._start.editingFinished.connect(self._spell_time)
        for kind in self._choices.types:
            self._type.addItem(kind.name, kind.id)
        for practitioner in self._choices.practitioners:
            self._practitioner.addItem(practitioner.name, practitioner.id)
        self._room.addItem(self.tr("Their own room"), None)
        for room in self._choices.rooms:
            self._room.addItem(room.name, room.id)

        for editor, name in (
            (self._day, self.tr("Date")), (self._start, self.tr("Start")), (self._length, self.tr("Length")),
        ):  # fmt: skip
            editor.setAccessibleName(name)
            editor.setToolTip(name)
        when = QWidget(self)
        row = QHBoxLayout(when)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(metrics.px(12))
        for editor in (self._day, self._start, self._length):
            row.addWidget(editor, 1)
        self._when_field = Field(self.tr("When"), when, self)
        self._when_field.setFocusProxy(self._start)
        self._type_field = Field(self.tr("For"), self._type, self)
        self._room_field = Field(self.tr("Room"), self._room, self)
        self._reason_field = Field(self.tr("Reason"), self._reason, self)
        self._overbook_field = Field(self.tr("Why overbook"), self._overbook, self)
        self._overbook_field.hide()
        what = QHBoxLayout()
        what.setSpacing(metrics.px(12))
        for field in (self._type_field, Field(self.tr("With"), self._practitioner, self), self._room_field):
            field.setMinimumWidth(metrics.px(140))
            what.addWidget(field, 1)
        for widget in (self._patient_field, what, self._when_field, self._reason_field, self._overbook_field):
            if isinstance(widget, QWidget):
                column.addWidget(widget)
            else:
                column.addLayout(widget)

        self._state = TextLabel("", Role.SMALL, "ink2", wrap=True, parent=self)
        self._save_button = ActionButton(self._verb(), "Enter", kind=ButtonKind.PRIMARY, height=32)
        self._save_button.clicked.connect(self.save)
        leave = ActionButton(self.tr("Close"), "Esc", height=32)
        leave.clicked.connect(self.close_sheet)
        buttons = QHBoxLayout()
        buttons.setSpacing(metrics.related)
        buttons.addWidget(self._state, 1)
        buttons.addWidget(leave)
        buttons.addWidget(self._save_button)
        column.addLayout(buttons)
        if self._purpose is Purpose.WALK_IN:
            self._day.hide()
            self._start.hide()
            self._room_field.hide()
        if self._visit is not None:
            head.addWidget(
                Chip.for_status(self._visit.status.value, self._visit.confirmed, self._visit.in_progress, parent=self)
            )
            self._type_field.setEnabled(self._may_edit())
            if story := self._story(self._visit):
                column.insertWidget(2, TextLabel(story, Role.SMALL, "ink2", wrap=True, parent=self))
        self._patient.picked.connect(self._patient_picked)
        self._patient.register_wanted.connect(self._register)
        self._patient.textEdited.connect(self._patient_field.clear_error)

    def _verb(self) -> str:
        if self._purpose is Purpose.EDIT:
            return self.tr("Save")
        return self.tr("Take in") if self._purpose is Purpose.WALK_IN else self.tr("Book")

    def _fill(self, prefill: Prefill) -> None:
        visit = self._visit
        if visit is not None:
            self._patient.setText(words.person(visit, self._desk.privacy.initials_only))
            self._patient.setReadOnly(True)
            prefill = Prefill(
                None, visit.practitioner_id, visit.start, visit.end - visit.start, visit.type_id, visit.reason
            )
            self._choose(self._room, visit.room_id)
            if visit.type_id is None:
                self._type.setCurrentIndex(-1)
        if prefill.patient is not None:
            self._patient.pick(prefill.patient)
        self._choose(self._practitioner, prefill.practitioner_id)
        self._choose(self._type, prefill.type_id)
        start = prefill.start or self._next_quarter()
        self._set_start(start)
        self._reason.setText(prefill.reason)
        if prefill.length:
            self._length_is_chosen = True
            self._length.setValue(round(prefill.length.total_seconds() / 60))
        else:
            self._take_type()

    def _story(self, visit: AppointmentRow) -> str:
        zone = self._desk.clinic.tz
        steps = (
            (self.tr("Arrived %1"), visit.arrived_at), (self.tr("Checked in %1"), visit.checked_in_at),
            (self.tr("In room %1"), visit.started_at), (self.tr("Done %1"), visit.ended_at),
        )  # fmt: skip
        return "   ".join(text.replace("%1", words.clock(at, zone)) for text, at in steps if at is not None)

    def _may_edit(self) -> bool:
        return self._desk.actor.may(Permission.BOOK)

    # What is typed

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._patient.hasFocus() and self._patient.take():
                return
            self.save()
            return
        super().keyPressEvent(event)

    def _patient_picked(self, _patient: PatientRow) -> None:
        self._patient_field.clear_error()
        self._patient_overlap = False
        self._save_button.setFocus(Qt.FocusReason.OtherFocusReason)
        self._changed()

    def _register(self, text: str) -> None:
        booking = self.draft()
        self.close_sheet()
        self._desk.new_patient(text, booking)

    def _take_type(self) -> None:
        kind = next((kind for kind in self._choices.types if kind.id == self._type.currentData()), None)
        if not self._length_is_chosen:
            self._length.blockSignals(True)
            self._length.setValue(kind.minutes if kind else USUAL_MINUTES)
            self._length.blockSignals(False)

    def _length_chosen(self) -> None:
        self._length_is_chosen = True

    def _changed(self) -> None:
        if self.sender() in (self._start, self._day):
            self._exact = None
        self._outside_hours = False
        self._check_timer.start()

    def _spell_day(self) -> None:
        day = self._typed_day()
        if day is not None:
            self._day.setText(words.short_day(day))
            self._day.setProperty("day", day.isoformat())
            self._when_field.clear_error()

    def _spell_time(self) -> None:
        at = parse_time(self._start.text())
        if at is not None:
            self._start.setText(words.clock(at))

    def _typed_day(self) -> date | None:
        shown = self._day.property("day")
        if shown and words.short_day(date.fromisoformat(shown)) == self._day.text():
            return date.fromisoformat(shown)
        return read_day(self._day.text(), self._desk.now().date())

    def _instant(self) -> datetime | None:
        if self._exact is not None:
            return self._exact
        day, at = self._typed_day(), parse_time(self._start.text())
        return None if day is None or at is None else datetime.combine(day, at, self._desk.clinic.tz)

    def _set_start(self, start: datetime) -> None:
        local = start.astimezone(self._desk.clinic.tz)
        self._day.setText(words.short_day(local.date()))
        self._day.setProperty("day", local.date().isoformat())
        self._start.setText(words.clock(local))
        self._exact = start

    def _next_quarter(self) -> datetime:
        now = self._desk.now()
        return now.replace(second=0, microsecond=0) + timedelta(minutes=-now.minute % 15)

    def _choose(self, box: QComboBox, value: UUID | None) -> None:
        index = box.findData(value) if value is not None else 0
        box.setCurrentIndex(max(index, 0))

    # Whether it can be

    def _check(self) -> None:
        """Ask, while it is typed, whether the time is free; an answer that comes too late is dropped."""
        self._asked += 1
        start, practitioner_id = self._instant(), self._practitioner.currentData()
        if self._purpose is Purpose.WALK_IN or start is None or practitioner_id is None:
            return
        length = timedelta(minutes=self._length.value())
        visit = self._visit
        if visit is not None and (start, length, practitioner_id) == (
            visit.start, visit.end - visit.start, visit.practitioner_id
        ):  # fmt: skip
            self._when_field.clear_error()
            self._state.setText("")
            return
        patient = self._patient.patient()
        patient_id = visit.patient_id if visit else patient.id if patient else None
        zone, ignoring = self._desk.clinic.tz, visit.id if visit else None
        self._desk.runner.read(
            lambda tx: check_slot(tx, practitioner_id, start, length, zone, patient_id, ignoring),
            partial(self._show_check, self._asked),
            owner=self,
            failed=self._show_error,
        )

    def _show_check(self, asked: int, check: SlotCheck) -> None:
        if asked != self._asked or self._saving:
            return
        if check.error is None:
            self._when_field.clear_error()
            self._overbook_field.hide()
            clock = words.clock(check.start, self._desk.clinic.tz)
            self._state.setText(self.tr("%1 is free").replace("%1", clock))
            return
        self._show_error(check.error)

    def _show_error(self, error: ClinicError) -> None:
        """Say it beside the field that it is about."""
        self._saving = False
        self._save_button.setEnabled(True)
        said = self._said(error)
        self._state.setText("")
        if isinstance(error, SlotTaken) and error.params.get("what") == "patient":
            anyway = Suggestion(self._anyway(), "Alt+B", self._book_anyway)
            self._patient_field.show_error(said, [anyway])
        elif isinstance(error, SlotTaken | OutsideHours):
            self._when_field.show_error(said, self._ways_out(error))
            may = self._desk.actor.may(Permission.OVERBOOK)
            self._overbook_field.setVisible(may and isinstance(error, SlotTaken))
            self._state.setText(self.tr("Start is not free yet"))
        else:
            fields = {
                "reason": self._reason_field, "overbook_reason": self._overbook_field,
            }  # fmt: skip
            field = fields.get(str(error.params.get("field")), self._when_field)
            if error.reason.startswith("patient"):
                field = self._patient_field
            field.show_error(said)

    def _said(self, error: ClinicError) -> str:
        who = self._practitioner.currentText()
        if isinstance(error, SlotTaken):
            said = {
                "patient": self.tr("The patient has another visit at that time."),
                "room": self.tr("The room is taken at that time."),
            }.get(str(error.params.get("what")), self.tr("%1 has another visit at that time."))
        elif isinstance(error, OutsideHours):
            said = {
                "leave": self.tr("%1 is on leave then."),
                "block": self.tr("%1 takes no visits then."),
                "holiday": self.tr("The clinic is closed for a holiday."),
            }.get(str(error.params.get("cause")), self.tr("%1 does not work then."))
        else:
            return sentence(error, self._desk.clinic.tz)
        times = [self._when_words(opening) for opening in self._nearest(error)]
        if times:
            said += " " + self.tr("Nearest free: %2.").replace("%2", self.tr(" or ").join(times))
        return said.replace("%1", who)

    def _anyway(self) -> str:
        return self.tr("Move anyway") if self._purpose is Purpose.EDIT else self.tr("Book anyway")

    def _nearest(self, error: ClinicError) -> list[Opening]:
        nearest = error.params.get("nearest")
        return [opening for opening in nearest if isinstance(opening, Opening)] if isinstance(nearest, Sequence) else []

    def _when_words(self, opening: Opening) -> str:
        local = opening.start.astimezone(self._desk.clinic.tz)
        if local.date() == self._typed_day():
            return words.clock(local)
        return f"{words.short_day(local.date())}, {words.clock(local)}"

    def _ways_out(self, error: ClinicError) -> list[Suggestion]:
        ways = []
        for number, opening in enumerate(self._nearest(error), start=1):
            text = self.tr("Use %1").replace("%1", self._when_words(opening))
            ways.append(Suggestion(text, f"Alt+{number}", partial(self._use, opening.start)))
        if isinstance(error, OutsideHours) and self._desk.actor.may(Permission.OVERBOOK):
            ways.append(Suggestion(self._anyway(), "Alt+B", self._book_outside_hours))
        return ways

    def _use(self, start: datetime) -> None:
        self._set_start(start)
        self._when_field.clear_error()
        self._save_button.setFocus(Qt.FocusReason.OtherFocusReason)
        self._check_timer.start()

    def _book_anyway(self) -> None:
        self._patient_overlap = True
        self._patient_field.clear_error()
        self.save()

    def _book_outside_hours(self) -> None:
        self._outside_hours = True
        self.save()

    # Saving

    def save(self) -> None:
        """Book, take in or change the visit; what stands in the way is said beside its field."""
        if self._saving:
            return
        work = self._edit_work() if self._visit else self._new_work()
        if work is None:
            return
        self._saving = True
        self._save_button.setEnabled(False)

        def working(tx: Tx) -> tuple[UUID, AppointmentRow]:
            return tx.unit_id, work(tx)

        self._desk.runner.write(working, self._saved, owner=self, failed=self._show_error)

    def _new_work(self) -> Callable[[Tx], AppointmentRow] | None:
        patient, start = self._patient.patient(), self._instant()
        if patient is None:
            self._patient_field.show_error(self.tr("Choose a patient first."))
            self._patient.setFocus(Qt.FocusReason.OtherFocusReason)
            return None
        length = timedelta(minutes=self._length.value())
        who, kind, reason = self._practitioner.currentData(), self._type.currentData(), self._reason.text()
        if self._purpose is Purpose.WALK_IN:
            return lambda tx: appointments.walk_in(tx, patient.id, who, length, kind, reason)
        if start is None or not self._read_when():
            return None
        request = BookAppointment(
            patient.id, who, start, length, kind, self._room.currentData(), reason,
            overbook_reason=self._overbook.text() if self._overbook_field.isVisible() else "",
            outside_hours=self._outside_hours, patient_overlap=self._patient_overlap,
        )  # fmt: skip
        return lambda tx: appointments.book(tx, request)

    def _edit_work(self) -> Callable[[Tx], AppointmentRow] | None:
        visit, start = self._visit, self._instant()
        if visit is None or start is None or not self._read_when():
            return None
        length = timedelta(minutes=self._length.value())
        who, room = self._practitioner.currentData(), self._room.currentData()
        edit = EditAppointment(visit.id, visit.version, self._type.currentData(), self._reason.text())
        stays = (start, length, who, room) == (
            visit.start, visit.end - visit.start, visit.practitioner_id, visit.room_id
        )  # fmt: skip
        overbook = self._overbook.text() if self._overbook_field.isVisible() else ""
        outside, overlap = self._outside_hours, self._patient_overlap

        def changing(tx: Tx) -> AppointmentRow:
            row = appointments.edit(tx, edit)
            if stays:
                return row
            return appointments.reschedule(
                tx, Reschedule(row.id, row.version, start, length, who, room, overbook, outside, overlap)
            )

        return changing

    def _read_when(self) -> bool:
        if self._typed_day() is None:
            self._when_field.show_error(self.tr("That is no date. Try tue, 6w or 12 dec."))
            self._day.setFocus(Qt.FocusReason.OtherFocusReason)
            return False
        if parse_time(self._start.text()) is None:
            self._when_field.show_error(self.tr("That is no time. Try 11:30."))
            self._start.setFocus(Qt.FocusReason.OtherFocusReason)
            return False
        return True

    def _saved(self, result: tuple[UUID, AppointmentRow]) -> None:
        unit_id, row = result
        self.close_sheet()
        self.done.emit(unit_id, row)
