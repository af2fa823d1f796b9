"""The command bar, Ctrl+K: a phrase finds openings and Enter books one; a name opens a record, a word goes somewhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget
from shiboken6 import isValid

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Committed, Tx
from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.day_axis import DayAxis
from clinicdesk.desktop.command import listing
from clinicdesk.desktop.command.answer import Answer, Question, find_answer
from clinicdesk.desktop.command.day_strip import DayStrip, Marked
from clinicdesk.desktop.command.edits import Choices, rewritten
from clinicdesk.desktop.command.line import CommandLine
from clinicdesk.desktop.command.parts import PartButton
from clinicdesk.desktop.command.places import Place, find_places, places_of
from clinicdesk.desktop.command.results import Results
from clinicdesk.desktop.command.rows import Kind, Row
from clinicdesk.desktop.command.surround import Band, Edge, Examples, Foot
from clinicdesk.desktop.desk import Desk, NewPatient, Prefill
from clinicdesk.desktop.keys import KEYS, Group
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.look.visit_painter import initials
from clinicdesk.desktop.sentences import sentence
from clinicdesk.desktop.widgets import Chip, Glyph, KeyHint, Sheet, TextLabel
from clinicdesk.desktop.workplace import Workplace
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.phrase import Part
from clinicdesk.features.appointments.schemas import AppointmentRow, BookAppointment, Opening
from clinicdesk.features.patients.schemas import PatientRow
from clinicdesk.features.patients.service import note_search

_WIDTH, _HEIGHT, _STRIP = 968, 606, 278
_CONCERNS = frozenset(
    {"appointment", "appointment_type", "patient", "practitioner", "weekly_hours", "absence", "holiday"}
)
"""What is listed may have changed with these."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A key that came before the answer to what was typed: take a row when it is there."""

    nth: int | None = None
    """Which opening, by its number from 0; None: the row that is current."""


class CommandBar(Sheet):
    """Lists what the text may mean, best first. Old rows stay until the new ones are there, and an answer to an older text is
    dropped; a key that is pressed before the answer waits for it. Nothing typed is lost until the bar is closed.
    """

    def __init__(self, desk: Desk, workplace: Workplace) -> None:
        super().__init__(workplace, self.tr("Command bar"), width=_WIDTH, light=True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._desk, self._workplace = desk, workplace
        screen = workplace.screen_in_front
        self._context = screen.patient_in_view() if screen is not None else None
        self._places = places_of(self._actions())
        self._choices = Choices((), (), desk.now().date())
        self._answer: Answer | None = None
        self._chosen: UUID | None = None
        self._is_reading = self._is_stale = self._is_saving = False
        self._wanted: _Wanted | None = None
        self._build()
        self._ask_soon = QTimer(self, singleShot=True, interval=0)
        self._ask_soon.timeout.connect(self._ask)
        self.line.textChanged.connect(self._typed)
        self.results.current_changed.connect(self._show_current)
        self.results.taken.connect(self._take)
        self.results.candidate_clicked.connect(lambda row: self._choose_person(row.value))
        desk.runner.changed.connect(self._follow)
        desk.privacy.changed.connect(lambda: self._list(keep=True))
        self._list()
        self._ask()

    # Building

    def _build(self) -> None:
        metrics = theme().tokens.metrics
        px = metrics.px
        self._sign = Glyph("ph.magnifying-glass", 20, "accent", self)
        self.line = CommandLine(self.tr("Find, book or go to…"), self)
        self.line.installEventFilter(self)
        self._mode = Chip("", "accent", parent=self)
        self._mode.hide()
        head = QHBoxLayout()
        head.setContentsMargins(px(18), px(9), px(18), px(9))
        head.setSpacing(px(12))
        head.addWidget(self._sign)
        head.addWidget(self.line, 1)
        head.addWidget(self._mode)
        head.addWidget(KeyHint("Esc", self.tr("close"), self))

        self.parts = {
            part: PartButton(part, caption, glyph, self)
            for part, caption, glyph in (
                (Part.PATIENT, self.tr("Patient"), "ph.user"),
                (Part.PRACTITIONER, self.tr("With"), "ph.identification-badge"),
                (Part.TYPE, self.tr("For"), "ph.tag"),
                (Part.LENGTH, self.tr("Length"), "ph.clock"),
                (Part.WHEN, self.tr("When"), "ph.calendar-blank"),
            )
        }
        row = Band(self)
        parts = QHBoxLayout(row)
        parts.setContentsMargins(px(14), px(6), px(14), px(6))
        parts.setSpacing(0)
        for part, button in self.parts.items():
            parts.addWidget(button, 4 if part is Part.PATIENT else 3)
            button.stepped.connect(partial(self._step_part, part))
            button.retyped.connect(partial(self._retype, part))
        row.setVisible(self._desk.actor.may(Permission.BOOK))

        self.results = Results(self.tr("What the text may mean"), self)
        self.strip = DayStrip(self)
        self._strip_title = TextLabel("", Role.SMALL, "ink2", 600, parent=self)
        day = QWidget(self)
        column = QVBoxLayout(day)
        column.setContentsMargins(px(14), px(9), px(14), px(12))
        column.setSpacing(px(8))
        column.addWidget(self._strip_title)
        column.addWidget(self.strip, 1)
        self._aside = QStackedWidget(self)
        self._aside.setFixedWidth(px(_STRIP))
        self._aside.addWidget(Examples(self._desk.actor, self))
        self._aside.addWidget(day)
        body = QHBoxLayout()
        body.setSpacing(0)
        body.addWidget(self.results, 1)
        body.addWidget(Edge(self))
        body.addWidget(self._aside)

        self.foot = Foot(self)

        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(0)
        page.addLayout(head)
        page.addWidget(row)
        page.addLayout(body, 1)
        page.addWidget(self.foot)

    def sizeHint(self) -> QSize:
        metrics = theme().tokens.metrics
        return QSize(metrics.px(_WIDTH), metrics.px(_HEIGHT))

    def hasHeightForWidth(self) -> bool:
        return False  # the height is the same whatever is listed, so that nothing moves

    def shows(self) -> str:
        """The text that what is listed answers."""
        return self._answer.question.text if self._answer is not None else ""

    # Keys

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.line and isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            return self._press(event)
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._press(event):
            super().keyPressEvent(event)

    def _press(self, event: QKeyEvent) -> bool:
        """What a key does wherever the focus is in the bar; False for one that has no meaning here."""
        key, alt = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._want(_Wanted())
        elif alt and Qt.Key.Key_1 <= key <= Qt.Key.Key_5:
            self._want(_Wanted(key - Qt.Key.Key_1))
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            step = 1 if key == Qt.Key.Key_Down else -1
            self._step_person(step) if alt else self.results.step(step)
        else:
            return False
        return True

    # Asking

    def _typed(self) -> None:
        self._wanted = None
        self.line.set_spans(self._choices.read(self.line.text()).spans)
        self.foot.say("")
        self._is_stale = True
        self._ask_soon.start()

    def _follow(self, committed: Committed) -> None:
        if committed.entities & _CONCERNS:
            self._is_stale = True
            self._ask_soon.start()

    def _ask(self) -> None:
        """Ask for what is typed now; while an answer is on its way, that waits, so that no queue of old questions grows."""
        self._ask_soon.stop()
        if self._is_reading:
            self._is_stale = True
            return
        self._is_reading, self._is_stale = True, False
        today, zone = self._desk.now().date(), self._desk.clinic.tz
        question = Question(self.line.text(), today, zone, self._chosen, self._context)
        self._desk.runner.read(
            lambda tx: find_answer(tx, question), self._answered, owner=self, failed=self._could_not_read
        )

    def _answered(self, answer: Answer) -> None:
        self._is_reading = False
        if self._is_stale:
            self._ask()
            if answer.question.text != self.line.text():
                return
        seen_before = self._answer is not None and self._answer.question.text == answer.question.text
        self._choices = Choices(answer.practitioners, answer.types, answer.question.today)
        self._answer = answer
        self.line.set_spans(answer.phrase.spans)
        self._list(keep=seen_before)
        if self._wanted is not None and not self._is_stale:
            wanted, self._wanted = self._wanted, None
            self._take_wanted(wanted, seen_before)

    def _could_not_read(self, error: ClinicError) -> None:
        self._is_reading = False
        self._wanted = None
        self.foot.say(sentence(error, self._desk.clinic.tz), "amber_ink")

    # Showing

    def _list(self, *, keep: bool = False) -> None:
        """Show the rows of the answer that is there; `keep` the current one where the text is the same."""
        answer = self._answer
        if answer is None or not answer.question.text.strip():
            self.results.show_rows(listing.first_rows(self._places), keep=keep)
        else:
            found = find_places(answer.question.text, self._places)
            may_register = self._desk.actor.may(Permission.EDIT_PATIENT)
            self.results.show_rows(listing.rows_of(answer, found, self._name, may_register=may_register), keep=keep)
        if answer is not None:
            for part, button in self.parts.items():
                text, said = listing.part_words(answer, part, self._name)
                wrong = part is Part.PATIENT and bool(answer.phrase.patient) and answer.patient is None and answer.books
                button.show_value(text, said=said, wrong=wrong)
        self._show_current()

    def _show_current(self) -> None:
        """What stands beside the list and under it, for the row that Enter would take."""
        row, answer = self.results.current(), self._answer
        opening = row.value if row is not None and isinstance(row.value, Opening) else None
        books = answer is not None and answer.books and bool(answer.openings)
        self.foot.show_verb(self._verb_of(row), books=books)
        self.line.setAccessibleDescription(row.spoken if row is not None else "")
        self._mode.setVisible(row is not None and bool(self.line.text()))
        if row is not None:
            self._mode.set_chip(self._mode_of(row), "accent")
        self._sign.set_glyph("ph.calendar-plus" if opening is not None else "ph.magnifying-glass", "accent")
        self._aside.setCurrentIndex(1 if opening is not None else 0)
        if opening is not None and answer is not None:
            self._show_day(answer, opening)
        if not self.foot.says_something_grave:
            self.foot.say(
                listing.clash(answer, opening, self._name) if answer is not None and opening is not None else ""
            )

    def _show_day(self, answer: Answer, opening: Opening) -> None:
        zone = self._desk.clinic.tz
        day = listing.day_of(opening, zone)
        schedule = answer.schedules[opening.practitioner_id, day]
        marked = [
            Marked(number, other)
            for number, other in enumerate(answer.openings, start=1)
            if other.practitioner_id == opening.practitioner_id and listing.day_of(other, zone) == day
        ]
        self._strip_title.setText(listing.strip_title(opening, zone))
        who = self._name(answer.patient) if answer.patient is not None else ""
        self.strip.show_day(schedule, DayAxis([day], zone), marked, opening, who)

    def _verb_of(self, row: Row | None) -> str:
        if row is None:
            return ""
        if isinstance(row.value, Opening):
            return self.tr("book %1").replace("%1", words.clock(row.value.start, self._desk.clinic.tz))
        if row.kind is Kind.PERSON:
            return self.tr("open the record")
        return self.tr("go there") if isinstance(row.value, Place) and row.value.is_screen else self.tr("do it")

    def _mode_of(self, row: Row) -> str:
        if row.kind is Kind.OPENING:
            return self.tr("Book")
        if row.kind is Kind.PERSON:
            return self.tr("Open")
        return self.tr("Go to") if isinstance(row.value, Place) and row.value.is_screen else self.tr("Do")

    def _name(self, patient: PatientRow) -> str:
        return initials(patient.name) if self._desk.privacy.initials_only else patient.name

    # Parts

    def _step_part(self, part: Part, step: int) -> None:
        if part is Part.PATIENT:
            self._step_person(step)
            return
        text = self._choices.stepped(self.line.text(), part, step)
        if text != self.line.text():
            self.line.setText(text)

    def _retype(self, part: Part, typed: str) -> None:
        """Say a part anew, in the line; taking the patient away leaves nobody in view either."""
        if part is Part.PATIENT and not typed:
            self._chosen = self._context = None
        spans = self._choices.read(self.line.text()).spans
        text, end = rewritten(self.line.text(), spans, part, typed)
        self.line.setText(text)
        self._ask_soon.start()
        if typed:
            self.line.setFocus(Qt.FocusReason.OtherFocusReason)
            self.line.setCursorPosition(end)

    def _step_person(self, step: int) -> None:
        people = self._answer.candidates if self._answer is not None else ()
        if self._answer is not None and self._answer.patient is not None and len(people) > 1:
            self._choose_person(people[(people.index(self._answer.patient) + step) % len(people)])

    def _choose_person(self, patient: object) -> None:
        if isinstance(patient, PatientRow):
            self._chosen = patient.id
            self.foot.say("")
            self._is_stale = True
            self._ask_soon.start()

    # Taking

    def _want(self, wanted: _Wanted) -> None:
        """Take a row now, or once the answer to what is typed is there."""
        if self._is_reading or self._is_stale:
            self._wanted = wanted
        else:
            self._take_wanted(wanted, seen_before=True)

    def _take_wanted(self, wanted: _Wanted, seen_before: bool) -> None:
        rows = self.results.takeable()
        if wanted.nth is not None:
            rows = [row for row in rows if row.kind is Kind.OPENING]
            row = rows[wanted.nth] if wanted.nth < len(rows) else None
        else:
            row = self.results.current()
        if row is None:
            return
        several = self._answer is not None and len(self._answer.candidates) > 1
        if row.kind is Kind.OPENING and several and not seen_before:
            self.foot.say(self.tr("More than one person is called that. Enter books for the one marked."), "amber_ink")
            return
        self._take(row)

    def _take(self, row: Row) -> None:
        if isinstance(row.value, Opening):
            self._book(row.value)
        elif isinstance(row.value, PatientRow):
            self._note_search()
            patient_id = row.value.id
            self.close_sheet()
            self._desk.open_patient(patient_id)
        elif isinstance(row.value, NewPatient):
            request = row.value
            self.close_sheet()
            self._desk.new_patient(request.text, request.booking)
        elif isinstance(row.value, Place):
            name = row.value.name
            actions = {action.objectName(): action for action in self._actions()}
            self.close_sheet()
            actions[name].trigger()

    def _book(self, opening: Opening) -> None:
        answer = self._answer
        if answer is None or self._is_saving:
            return
        kind_id = answer.kind.id if answer.kind else None
        patient = answer.patient
        if patient is None and answer.phrase.patient:
            self.foot.say(self.tr("No patient matches “%1”.").replace("%1", answer.phrase.patient), "amber_ink")
            return
        if patient is None:
            self.close_sheet()
            self._desk.book(Prefill(None, opening.practitioner_id, opening.start, answer.length, kind_id))
            return
        if answer.candidates:
            self._note_search()
        request = BookAppointment(patient.id, opening.practitioner_id, opening.start, answer.length, kind_id)
        desk, self._is_saving = self._desk, True

        def booking(tx: Tx) -> tuple[UUID, AppointmentRow]:
            return tx.unit_id, appointments.book(tx, request)

        def booked(result: tuple[UUID, AppointmentRow]) -> None:
            unit_id, visit = result
            if isValid(self):
                self.close_sheet()
            text = words.booked(visit, desk.clinic.tz)
            desk.undo.push(unit_id, text)
            desk.toast(text, undo=True)

        def refused(error: ClinicError) -> None:
            if isValid(self):
                self._refuse(error)
            else:
                desk.say(error)

        desk.runner.write(booking, booked, owner=desk, failed=refused)

    def _refuse(self, error: ClinicError) -> None:
        """The time went to somebody quicker, or cannot be had: say so, and show what is free now."""
        self._is_saving = False
        self._is_stale = True
        self.foot.say(sentence(error, self._desk.clinic.tz), "amber_ink")
        self._ask_soon.start()

    def _note_search(self) -> None:
        """The search led to a person: it is put into the audit trail."""
        answer = self._answer
        hits = len(answer.candidates) or len(answer.people) if answer is not None else 0
        self._desk.runner.write(lambda tx: note_search(tx, hits), owner=self._desk)

    def _actions(self) -> list[QAction]:
        """What the window and the screen in front can do, for this role; on a visit only where one is chosen."""
        screen = self._workplace.screen_in_front
        window = [action for action in self._workplace.window().actions() if action.objectName() in KEYS]
        own = screen.key_actions() if screen is not None else []
        on_visit = [action for action in own if KEYS[action.objectName()].group is Group.VISIT]
        return [*window, *(action for action in own if self._context is not None or action not in on_visit)]
