"""Registers a patient, or edits one: five fields, more on demand, and who may be the same person shown while one types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from clinicdesk.core.errors import ClinicError, Conflict
from clinicdesk.core.tx import Tx
from clinicdesk.desktop.desk import Desk, Prefill, Reversal
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.patients import form_fields, words
from clinicdesk.desktop.patients.duplicates_pane import DuplicatesPane
from clinicdesk.desktop.patients.form_fields import FIRST, ROWS
from clinicdesk.desktop.patients.typed_person import typed_person
from clinicdesk.desktop.sentences import sentence
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, Field, FieldError, Sheet, TextLabel
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import (
    Demographics,
    Duplicate,
    EditPatient,
    PatientDetail,
    PatientRow,
    RegisterPatient,
)

PAUSE_MS = 250
"""After this long without a key, duplicates are looked for."""


@dataclass(frozen=True, slots=True)
class FormDraft:
    """What was typed and not saved: a new patient, or changes to one (`patient`, as it was when the form was opened)."""

    typed: Mapping[str, str]
    patient: PatientDetail | None = None
    booking: Prefill | None = None
    """The visit that is to be booked once the patient is registered."""


def draft_of(desk: Desk, text: str, booking: Prefill | None = None) -> FormDraft:
    """The beginning of a registration, from what was searched for."""
    person = typed_person(text, desk.now().date())
    typed = form_fields.typed_of(Demographics(family=person.family, given=person.given, mobile=person.phone))
    return FormDraft({**typed, "birth_date": person.birth_date}, booking=booking)


class PatientForm(Sheet):
    """What is refused is said beside its field, and nothing typed is lost: what is open when the form closes is a draft."""

    registered = Signal(object, object)
    """PatientRow, Prefill or None: a new patient, and the visit that is to be booked for them."""
    edited = Signal()
    """The record has new demographics."""
    open_wanted = Signal(object)
    """UUID: this record instead."""

    def __init__(self, desk: Desk, host: QWidget, draft: FormDraft) -> None:
        title = host.tr("Edit the record") if draft.patient else host.tr("New patient")
        super().__init__(host, title, width=880, top=40)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._desk = desk
        self._host = host
        self._patient, self._booking = draft.patient, draft.booking
        self._before = form_fields.typed_of(draft.patient.demographics if draft.patient else Demographics())
        self._saving = self._saved = False
        self._asked = 0
        self.fields: dict[str, Field] = {}
        self._build(title)
        for name, text in draft.typed.items():
            form_fields.type_into(self.fields[name].editor, text)
        self._unfold(any(draft.typed[name] for row in ROWS for name in row))
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self._look_for_duplicates)
        self._listen()
        self._read_birth_date()
        self._pause.start()

    # Building

    def _build(self, title: str) -> None:
        metrics = theme().tokens.metrics
        form = QWidget(self)
        column = QVBoxLayout(form)
        column.setContentsMargins(metrics.px(20), metrics.px(16), metrics.px(20), metrics.px(8))
        column.setSpacing(metrics.px(10))
        column.addWidget(TextLabel(title, Role.CARD))
        self._refusal = FieldError()
        self._refusal.hide()
        column.addWidget(self._refusal)
        column.addLayout(self._row("family", "given"))
        self.born = TextLabel(" ", Role.SMALL, "ink2")
        born = QVBoxLayout()
        born.setSpacing(metrics.px(2))
        born.addWidget(self._field("birth_date"))
        born.addWidget(self.born)
        row = QHBoxLayout()
        row.setSpacing(metrics.px(12))
        row.addLayout(born, 1)
        row.addWidget(self._field("mobile"), 1, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._field("gender"), 1, Qt.AlignmentFlag.AlignTop)
        column.addLayout(row)
        self.more = ActionButton(self.tr("More"), "Alt+M", glyph="ph.caret-down")
        self.more.setShortcut("Alt+M")
        self.more.clicked.connect(lambda: self._unfold(True, focus=True))
        column.addWidget(self.more)
        self._folded = QWidget()
        folded = QVBoxLayout(self._folded)
        folded.setContentsMargins(0, 0, 0, 0)
        folded.setSpacing(metrics.px(10))
        for names in ROWS:
            folded.addLayout(self._row(*names))
        column.addWidget(self._folded)
        column.addStretch()

        self._scroll = QScrollArea(self)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(form)
        form.setAutoFillBackground(False)
        self._scroll.viewport().setAutoFillBackground(False)
        self._form = form
        self.duplicates = DuplicatesPane(lambda: self._desk.now().date(), self)
        self.duplicates.open_wanted.connect(self._open_instead)
        body = QHBoxLayout()
        body.setSpacing(0)
        body.addWidget(self._scroll, 1)
        body.addWidget(self.duplicates)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(0)
        page.addLayout(body, 1)
        page.addLayout(self._foot())

    def _foot(self) -> QHBoxLayout:
        metrics = theme().tokens.metrics
        self._state = TextLabel("", Role.SMALL, "ink2", wrap=True, parent=self)
        leave = ActionButton(self.tr("Close"), "Esc", height=32, parent=self)
        leave.clicked.connect(self.close_sheet)
        verb = self.tr("Save") if self._patient else self.tr("Register")
        if self._booking is not None:
            verb = self.tr("Register and book")
        self._save_button = ActionButton(verb, "Enter", kind=ButtonKind.PRIMARY, height=32, parent=self)
        self._save_button.clicked.connect(self.save)
        foot = QHBoxLayout()
        foot.setContentsMargins(metrics.px(20), metrics.px(12), metrics.px(20), metrics.px(12))
        foot.setSpacing(metrics.related)
        foot.addWidget(self._state, 1)
        foot.addWidget(leave)
        foot.addWidget(self._save_button)
        return foot

    def _row(self, *names: str) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(theme().tokens.metrics.px(12))
        for name in names:
            row.addWidget(self._field(name), 1, Qt.AlignmentFlag.AlignTop)
        return row

    def _field(self, name: str) -> Field:
        self.fields[name] = field = Field(form_fields.label_of(name), form_fields.make_editor(name, self))
        return field

    def _listen(self) -> None:
        for name, field in self.fields.items():
            editor = field.editor
            changed = partial(self._typed, name)
            if isinstance(editor, QComboBox):
                editor.currentIndexChanged.connect(changed)
            elif isinstance(editor, QPlainTextEdit | QLineEdit):
                editor.textChanged.connect(changed)

    # What is typed

    def typed(self) -> dict[str, str]:
        """What stands in the fields."""
        return {name: form_fields.typed_in(field.editor) for name, field in self.fields.items()}

    def draft(self) -> FormDraft | None:
        """What was typed and is not saved; None where nothing was."""
        typed = self.typed()
        if self._saved or typed == self._before:
            return None
        return FormDraft(typed, self._patient, self._booking)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.save()
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        moved = super().focusNextPrevChild(forward)
        focus = self.focusWidget()
        if focus is not None and self._form.isAncestorOf(focus):
            self._scroll.ensureWidgetVisible(focus, 0, theme().tokens.metrics.px(40))
        return moved

    def _typed(self, name: str, *_value: object) -> None:
        self.fields[name].clear_error()
        if name == "birth_date":
            self._read_birth_date()
        self._pause.start()

    def _read_birth_date(self) -> None:
        """Say back which day was read, so that a mistaken order of day and month is seen."""
        text = form_fields.typed_in(self.fields["birth_date"].editor)
        today = self._desk.now().date()
        born = words.read_birth_date(text, today)
        said = " "
        if born is not None and born <= today:
            said = f"{words.day_text(born)}, {words.age_text(born, today)}"
        elif born is not None:
            said = words.day_text(born)
        self.born.setText(said)

    def _unfold(self, on: bool, focus: bool = False) -> None:
        self.more.setVisible(not on)
        self._folded.setVisible(on)
        self._size()
        if focus:
            self.fields[ROWS[0][0]].setFocus(Qt.FocusReason.OtherFocusReason)

    def _size(self) -> None:
        """Ask for the height of the fields, as far as the window has it."""
        self._form.adjustSize()
        room = self._host.height() - theme().tokens.metrics.px(130)
        least = theme().tokens.metrics.px(380)
        wanted = max(self._form.sizeHint().height(), least)
        self._scroll.setMinimumHeight(min(wanted, max(room, theme().tokens.metrics.px(200))))
        self.updateGeometry()

    # Who it may be

    def _look_for_duplicates(self) -> None:
        self._asked += 1
        known = self._patient
        person = form_fields.read(self.typed(), self._desk.now().date(), known.demographics if known else None)
        demographics, other_than = person.demographics, known.id if known else None
        self._desk.runner.read(
            lambda tx: patients.find_duplicates(tx, demographics, other_than),
            partial(self._show_duplicates, self._asked),
            owner=self,
        )

    def _show_duplicates(self, asked: int, found: list[Duplicate]) -> None:
        if asked == self._asked:
            self.duplicates.show_duplicates(found)

    def _open_instead(self, patient_id: UUID) -> None:
        self.close_sheet()
        self.open_wanted.emit(patient_id)

    # Saving

    def save(self) -> None:
        """Register or change the patient; what stands in the way is said beside its field."""
        if self._saving:
            return
        self._refusal.hide()
        known = self._patient
        reading = form_fields.read(self.typed(), self._desk.now().date(), known.demographics if known else None)
        if not reading.birth_date_is_right:
            self._refuse("birth_date", self.tr("That is no date. Try 12.3.1984 or 12 mar 1984."))
            return
        self._saving = True
        self._save_button.setEnabled(False)
        demographics = reading.demographics
        if known is None:
            request = RegisterPatient(demographics)
            self._desk.runner.write(
                lambda tx: patients.register(tx, request), self._take_new, owner=self, failed=self._failed
            )
            return
        change = _change(known.id, known.version, known.demographics, demographics)
        self._desk.runner.write(change, self._take_edited, owner=self, failed=self._failed)

    def _take_new(self, patient: PatientRow) -> None:
        self._saved = True
        booking = replace(self._booking, patient=patient) if self._booking is not None else None
        self.close_sheet()
        self.registered.emit(patient, booking)

    def _take_edited(self, back: Reversal) -> None:
        self._saved = True
        self.close_sheet()
        self._desk.undo.push_reversal(back, self.tr("Record changed"))
        self._desk.toast(self.tr("Record changed"), undo=True)
        self.edited.emit()

    def _failed(self, error: ClinicError) -> None:
        self._saving = False
        self._save_button.setEnabled(True)
        said = sentence(error, self._desk.clinic.tz)
        name = words.field_of(error)
        if name in self.fields:
            self._refuse(name, said)
        elif isinstance(error, Conflict) and error.reason == "changed_meanwhile" and self._patient is not None:
            patient_id = self._patient.id
            self._desk.runner.write(
                lambda tx: patients.open_record(tx, patient_id), self._take_theirs, owner=self, failed=self._desk.say
            )
        else:
            self._say(said)

    def _take_theirs(self, theirs: PatientDetail) -> None:
        """Somebody else was faster: keep what was typed here, take what was not, and name what differs."""
        stored, typed = form_fields.typed_of(theirs.demographics), self.typed()
        differs = False
        for name, field in self.fields.items():
            if stored[name] in (self._before[name], typed[name]):
                continue
            if typed[name] == self._before[name]:
                form_fields.type_into(field.editor, stored[name])
                continue
            differs = True
            value = stored[name] or self.tr("nothing")
            field.show_error(self.tr("Somebody has changed this to “%1” in the meantime.").replace("%1", value))
        self._patient, self._before = theirs, stored
        asks = self.tr(
            "Somebody else has changed this record in the meantime. What you typed is kept. Save again to store it."
        )
        self._say(asks if not differs else asks + " " + self.tr("Look at the marked fields first."))

    def _say(self, said: str) -> None:
        self._refusal.set_text(said)
        self._refusal.show()
        self._size()
        self._scroll.verticalScrollBar().setValue(0)

    def _refuse(self, name: str, said: str) -> None:
        if name not in FIRST:
            self._unfold(True)
        field = self.fields[name]
        field.show_error(said)
        self._size()
        field.setFocus(Qt.FocusReason.OtherFocusReason)
        self._scroll.ensureVisible(0, field.mapTo(self._form, QPoint()).y(), 0, theme().tokens.metrics.px(80))


def _change(patient_id: UUID, version: int, old: Demographics, new: Demographics) -> Reversal:
    """The work that gives a patient new demographics, and can be taken back."""

    def changing(tx: Tx) -> Reversal:
        changed = patients.edit(tx, EditPatient(patient_id, version, new))
        return _change(patient_id, changed.version, new, old)

    return changing
