"""Books a visit, takes in a walk-in or changes a visit, by keyboard: a name, Enter, Enter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto
from functools import partial
from uuid import UUID

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx
from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.booking_form import BookingForm, Choices
from clinicdesk.desktop.appointments.refusals import nearest, opening_words, refusal
from clinicdesk.desktop.appointments.slot_check import Obstacle, SlotCheck, check_slot
from clinicdesk.desktop.desk import Desk, Prefill
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, Chip, Sheet, Suggestion, TextLabel
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import (
    AppointmentRow,
    BookAppointment,
    EditAppointment,
    OutsideHours,
    Reschedule,
    SlotTaken,
)


class Purpose(Enum):
    """What the dialog is open for."""

    BOOK = auto()
    WALK_IN = auto()
    EDIT = auto()


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
        self._desk, self._purpose, self._visit = desk, purpose, visit
        self._outside_hours = self._patient_overlap = False
        self._refused: ClinicError | None = None
        """Why the time that is typed would be refused, as far as is known."""
        self._asked = 0
        self._saving = False
        self._form = BookingForm(desk, choices, visit, self, asks_when=purpose is not Purpose.WALK_IN)
        self._build(title)
        self._check_timer = QTimer(self, singleShot=True, interval=0)
        self._check_timer.timeout.connect(self._check)
        self._form.fill(prefill or Prefill())
        self._form.changed.connect(self._changed)
        self._form.patient_picked.connect(self._patient_picked)
        self._form.register_wanted.connect(self._register)
        self.opened.connect(self._check_timer.start)
        self.closed.connect(self.deleteLater)

    def draft(self) -> Prefill:
        """What was typed so far."""
        return self._form.draft()

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
        visit = self._visit
        if visit is not None:
            head.addWidget(Chip.for_status(visit.status.value, visit.confirmed, visit.in_progress, parent=self))
            if story := self._story(visit):
                column.addWidget(TextLabel(story, Role.SMALL, "ink2", wrap=True, parent=self))
        column.addWidget(self._form)
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

    def _verb(self) -> str:
        if self._purpose is Purpose.EDIT:
            return self.tr("Save")
        return self.tr("Take in") if self._purpose is Purpose.WALK_IN else self.tr("Book")

    def _anyway(self) -> str:
        return self.tr("Move anyway") if self._purpose is Purpose.EDIT else self.tr("Book anyway")

    def _story(self, visit: AppointmentRow) -> str:
        zone = self._desk.clinic.tz
        steps = (
            (self.tr("Arrived %1"), visit.arrived_at), (self.tr("Checked in %1"), visit.checked_in_at),
            (self.tr("In room %1"), visit.started_at), (self.tr("Done %1"), visit.ended_at),
        )  # fmt: skip
        return "   ".join(text.replace("%1", words.clock(at, zone)) for text, at in steps if at is not None)

    # What is typed

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not self._form.take_patient():
                self.save()
            return
        super().keyPressEvent(event)

    def _patient_picked(self) -> None:
        self._patient_overlap = False
        if self._save_button.isEnabled():
            self._save_button.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self._form.focus_start()
        self._changed()

    def _register(self, text: str) -> None:
        booking = self.draft()
        self.close_sheet()
        self._desk.new_patient(text, booking)

    def _changed(self) -> None:
        self._outside_hours = False
        self._check_timer.start()

    # Whether it can be

    def _check(self) -> None:
        """Ask, while it is typed, whether the time is free; an answer that comes too late is dropped."""
        self._asked += 1
        form, visit = self._form, self._visit
        start, practitioner_id, length = form.start(), form.practitioner_id(), form.length()
        if self._purpose is Purpose.WALK_IN or start is None or practitioner_id is None:
            self._accept("")
            return
        if visit is not None and (start, length, practitioner_id) == (
            visit.start, visit.end - visit.start, visit.practitioner_id
        ):  # fmt: skip
            self._accept("")
            return
        patient = form.patient()
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
        if check.error is not None:
            self._show_error(check.error, check.obstacle)
            return
        clock = words.clock(check.start, self._desk.clinic.tz)
        self._form.overbook_field.hide()
        self._accept(self.tr("%1 is free").replace("%1", clock))

    def _accept(self, said: str) -> None:
        """Nothing is known to stand in the way of the time."""
        self._refused = None
        self._form.clear_when_error()
        self._state.setText(said)
        self._save_button.setEnabled(not self._saving)

    def _show_error(self, error: ClinicError, obstacle: Obstacle | None = None) -> None:
        """Say it beside the field that it is about."""
        self._saving = False
        form, zone = self._form, self._desk.clinic.tz
        said = refusal(error, obstacle, form.practitioner(), form.day(), zone)
        self._state.setText("")
        self._refused = None
        if isinstance(error, SlotTaken) and error.params.get("what") == "patient":
            form.clear_when_error()
            form.patient_field.show_error(said, [Suggestion(self._anyway(), "Alt+B", self._book_anyway)])
        elif isinstance(error, SlotTaken | OutsideHours):
            may_overbook = isinstance(error, SlotTaken) and self._desk.actor.may(Permission.OVERBOOK)
            form.overbook_field.setVisible(may_overbook)
            form.when_field.show_error(said, self._ways_out(error))
            form.mark_start()
            self._refused = error
        else:
            self._say_beside(error, said)
        self._allow_saving()

    def _say_beside(self, error: ClinicError, said: str) -> None:
        form = self._form
        fields = {"reason": form.reason_field, "overbook_reason": form.overbook_field}
        if error.reason.startswith("patient"):
            form.patient_field.show_error(said)
        elif field := fields.get(str(error.params.get("field"))):
            field.show_error(said)
        else:
            form.say_when_error(said)
            self._refused = error

    def _allow_saving(self) -> None:
        """A time that is known to be refused can be saved only with a reason to overbook."""
        overbooks = isinstance(self._refused, SlotTaken) and bool(self._form.overbook_reason())
        blocked = self._refused is not None and not overbooks
        self._state.setText(self.tr("Start is not free yet") if blocked else "")
        self._save_button.setEnabled(not blocked and not self._saving)
        self._save_button.setText(self._anyway() if overbooks else self._verb())

    def _ways_out(self, error: ClinicError) -> list[Suggestion]:
        day, zone = self._form.day(), self._desk.clinic.tz
        ways = []
        for number, opening in enumerate(nearest(error), start=1):
            text = self.tr("Use %1").replace("%1", opening_words(opening, day, zone))
            ways.append(Suggestion(text, f"Alt+{number}", partial(self._use, opening.start)))
        if isinstance(error, OutsideHours) and self._desk.actor.may(Permission.OVERBOOK):
            ways.append(Suggestion(self._anyway(), "Alt+B", self._book_outside_hours))
        return ways

    def _use(self, start: datetime) -> None:
        self._form.set_start(start)
        self._accept("")
        self._save_button.setFocus(Qt.FocusReason.OtherFocusReason)
        self._check_timer.start()

    def _book_anyway(self) -> None:
        self._patient_overlap = True
        self._form.patient_field.clear_error()
        self.save()

    def _book_outside_hours(self) -> None:
        self._outside_hours = True
        self._accept("")
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
        form = self._form
        patient, who, length = form.requires_patient(), form.practitioner_id(), form.length()
        kind, reason = form.type_id(), form.reason()
        if patient is None or who is None:
            return None
        if self._purpose is Purpose.WALK_IN:
            return lambda tx: appointments.walk_in(tx, patient.id, who, length, kind, reason)
        start = form.requires_start()
        if start is None:
            return None
        request = BookAppointment(
            patient.id, who, start, length, kind, form.room_id(), reason, overbook_reason=form.overbook_reason(),
            outside_hours=self._outside_hours, patient_overlap=self._patient_overlap,
        )  # fmt: skip
        return lambda tx: appointments.book(tx, request)

    def _edit_work(self) -> Callable[[Tx], AppointmentRow] | None:
        form, visit = self._form, self._visit
        start, who = form.requires_start(), form.practitioner_id()
        if visit is None or start is None or who is None:
            return None
        length, room = form.length(), form.room_id()
        edit = EditAppointment(visit.id, visit.version, form.type_id(), form.reason())
        stays = (start, length, who, room) == (
            visit.start, visit.end - visit.start, visit.practitioner_id, visit.room_id
        )  # fmt: skip
        overbook = form.overbook_reason()
        outside, overlap = self._outside_hours, self._patient_overlap

        def changing(tx: Tx) -> AppointmentRow:
            row = appointments.edit(tx, edit)
            if stays:
                return row
            return appointments.reschedule(
                tx, Reschedule(row.id, row.version, start, length, who, room, overbook, outside, overlap)
            )

        return changing

    def _saved(self, result: tuple[UUID, AppointmentRow]) -> None:
        unit_id, row = result
        self.close_sheet()
        self.done.emit(unit_id, row)
