"""Finding a patient while a name, number, phone or birth date is typed; before that, whoever was opened last."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.patients.patient_list import PatientList
from clinicdesk.desktop.patients.typed_person import typed_person
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, SearchField, StatePane, TextLabel
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import PatientRow

MOST_FOUND = 30
MOST_RECENT = 12
QUIET_MS = 800
"""After this long without a key, what was searched for counts as one search and is audited."""


class PatientSearch(SearchField):
    """The line to type in; the keys that move in a list move in the list below it."""

    stepped = Signal(int)
    """Rows down, or up."""
    paged = Signal(int)
    entered = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__("", "/", parent)
        self.setPlaceholderText(self.tr("Name, phone, birth date or record number"))
        self.setAccessibleName(self.tr("Find a patient"))
        self.setMaxLength(200)

    def sizeHint(self) -> QSize:
        return QSize(theme().tokens.metrics.px(640), super().sizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Down: (self.stepped, 1), Qt.Key.Key_Up: (self.stepped, -1),
                 Qt.Key.Key_PageDown: (self.paged, 1), Qt.Key.Key_PageUp: (self.paged, -1)}  # fmt: skip
        key = Qt.Key(event.key())
        if event.text() == "/" and self.selectedText() == self.text():
            return  # the key that leads here; within a birth date it is typed
        if key in steps:
            signal, step = steps[key]
            signal.emit(step)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        elif key == Qt.Key.Key_Escape and self.text():
            self.clear()
            self.textEdited.emit("")
        else:
            super().keyPressEvent(event)


class SearchPage(QWidget):
    """One line, and below it who was found. Old answers stay until the new ones are there; an older never replaces a newer."""

    opened = Signal(object)
    """PatientRow: show the record."""
    register_wanted = Signal(str)
    """Somebody new, and what was typed."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._recent: list[PatientRow] = []
        self._asking = False
        self._answered = ""
        self._open_when_there = False
        self._unnoted: int | None = None
        """How many were found by a search that is not in the audit trail yet."""
        self.field = PatientSearch(self)
        self.list = PatientList(lambda: desk.now().date(), self)
        self.list.patients.set_initials_only(desk.privacy.initials_only)
        self._caption = TextLabel("", Role.SMALL, "ink2", parent=self)
        self._pane = StatePane(self)
        self._below = QStackedWidget(self)
        self._below.addWidget(self._pane)
        self._below.addWidget(self.list)
        self._quiet = QTimer(self, singleShot=True, interval=QUIET_MS)
        self._quiet.timeout.connect(self._note)
        self._mask = QTimer(self, singleShot=True)
        self._mask.timeout.connect(lambda: self.list.patients.reveal(None))
        self._lay_out()
        self.field.textEdited.connect(self._ask)
        self.field.stepped.connect(self.list.step)
        self.field.paged.connect(lambda pages: self.list.step(pages * self.list.rows_in_sight()))
        self.field.entered.connect(self.open_chosen)
        self.list.opened.connect(lambda _index: self.open_chosen())
        desk.privacy.changed.connect(lambda: self.list.patients.set_initials_only(desk.privacy.initials_only))
        if desk.actor.may(Permission.OPEN_PATIENT):
            desk.keys.bind(self.list, {"reveal": self._reveal})
        self._show_recent()

    def _lay_out(self) -> None:
        metrics = theme().tokens.metrics
        bar = Bar(self)
        bar.setFixedHeight(metrics.toolbar)
        row = QHBoxLayout(bar)
        row.setContentsMargins(metrics.page_margin, 0, metrics.page_margin, 0)
        row.setSpacing(metrics.related)
        row.addWidget(TextLabel(self.tr("Patients"), Role.PAGE, parent=bar))
        row.addSpacing(metrics.px(16))
        self.field.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        row.addWidget(self.field, 1)
        row.addStretch()
        if self._desk.actor.may(Permission.EDIT_PATIENT):
            new = ActionButton(self.tr("New patient"), "Ctrl+N", glyph="ph.user-plus", parent=bar)
            new.clicked.connect(lambda: self.register_wanted.emit(self.field.text().strip()))
            row.addWidget(new)
        self._caption.setContentsMargins(metrics.page_margin, metrics.px(10), metrics.page_margin, metrics.px(6))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(bar)
        column.addWidget(self._caption)
        column.addWidget(self._below, 1)

    # For the screen

    def activate(self) -> None:
        """Take the focus, unless something here has it."""
        if not self.list.hasFocus():
            self.field.setFocus(Qt.FocusReason.OtherFocusReason)
        if not self.field.text():
            self._read_recent()

    def begin(self, text: str = "") -> None:
        """Put the cursor into the line, with `text` in it or with what is there ready to be typed over."""
        if text:
            self.field.setText(text)
            self._ask()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def remember(self, patient: PatientRow) -> None:
        """The record was opened; while nothing is typed it stands first. Kept in memory alone."""
        self._recent = [patient, *(known for known in self._recent if known.id != patient.id)][:MOST_RECENT]
        if not self.field.text():
            self._show_recent()

    def refresh(self) -> None:
        """Somebody's record has changed: find again what is shown."""
        if self.field.text().strip():
            self._ask()
        else:
            self._read_recent()

    def open_chosen(self) -> None:
        """Open the record under the cursor, as soon as the answer to what was typed is there."""
        if self.field.text().strip() != self._answered:
            self._open_when_there = True
            return
        patient = self.list.current_patient() if self._below.currentWidget() is self.list else None
        if patient is not None:
            self._quiet.stop()
            self._note()
            self.opened.emit(patient)

    # Searching

    def _ask(self) -> None:
        """Search for what stands in the line. Only one search is under way: what was typed meanwhile is searched for after it."""
        self._open_when_there = False
        self._quiet.stop()
        text = self.field.text().strip()
        if not text:
            self._answered = ""
            self._unnoted = None
            self._show_recent()
            return
        if self._asking:
            return
        self._asking = True
        self._desk.runner.read(
            lambda tx: patients.search(tx, text, MOST_FOUND), partial(self._answer, text), owner=self, failed=self._fail
        )

    def _answer(self, text: str, found: list[PatientRow]) -> None:
        self._asking = False
        wanted = self.field.text().strip()
        if text != wanted:
            if wanted:
                waiting = self._open_when_there
                self._ask()
                self._open_when_there = waiting
            return
        same = text == self._answered
        if not same:
            self._answered, self._unnoted = text, len(found)
            self._quiet.start()
        self._mask.stop()
        self.list.patients.reveal(None)
        if found:
            self.list.show_patients(found, stay=same)
            self._below.setCurrentWidget(self.list)
            more = len(found) == MOST_FOUND
            self._say(self.tr("The first %n. Type more to narrow it", "", len(found)) if more
                      else self.tr("%n found", "", len(found)))  # fmt: skip
        else:
            self._show_nobody(text)
        if self._open_when_there:
            self._open_when_there = False
            self.open_chosen()

    def _fail(self, error: ClinicError) -> None:
        self._asking = False
        self._open_when_there = False
        self._desk.say(error)

    def _note(self) -> None:
        """Enter in the audit trail that a search was made, once for what was typed."""
        hits, self._unnoted = self._unnoted, None
        if hits is not None:
            self._desk.runner.write(lambda tx: patients.note_search(tx, hits), owner=self)

    # Showing

    def _show_nobody(self, text: str) -> None:
        title = self.tr("No patient matches “%1”").replace("%1", text)
        buttons = []
        if self._desk.actor.may(Permission.EDIT_PATIENT):
            person = typed_person(text, self._desk.now().date())
            verb = self.tr("Register %1").replace("%1", person.family) if person.family else self.tr("Register")
            register = ActionButton(verb, "Ctrl+N", kind=ButtonKind.PRIMARY, glyph="ph.user-plus")
            register.clicked.connect(lambda: self.register_wanted.emit(self.field.text().strip()))
            buttons.append(register)
        self._pane.set_state(
            "ph.identification-card", title, self.tr("Try fewer letters, or a phone or record number."), *buttons
        )
        self._below.setCurrentWidget(self._pane)
        self._say("", title)

    def _show_recent(self) -> None:
        if self._recent:
            self.list.show_patients(self._recent, stay=True)
            self._below.setCurrentWidget(self.list)
            self._say(self.tr("Opened since you signed in"))
            return
        self._pane.set_state(
            "ph.identification-card",
            self.tr("Find a patient"),
            self.tr("Type part of a name, phone, birth date or record number."),
        )
        self._below.setCurrentWidget(self._pane)
        self._say("")

    def _read_recent(self) -> None:
        ids = [patient.id for patient in self._recent]
        if ids:
            self._desk.runner.read(lambda tx: patients.get_rows(tx, ids), self._renew_recent, owner=self)

    def _renew_recent(self, rows: dict[UUID, PatientRow]) -> None:
        self._recent = [rows[patient.id] for patient in self._recent if patient.id in rows]
        if not self.field.text():
            self._show_recent()

    def _say(self, caption: str, spoken: str = "") -> None:
        """Write over the list what it shows, and let a screen reader say it while the cursor stays in the line."""
        if caption != self._caption.text():
            self._caption.setText(caption)
        if QAccessible.isActive() and (spoken or caption):
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.field, spoken or caption))

    def _reveal(self) -> None:
        patient = self.list.current_patient()
        if patient is None:
            return
        patient_id = patient.id

        def show(_fields: object) -> None:
            self.list.patients.reveal(patient_id)
            self._mask.start(theme().tokens.timing.reveal)

        self._desk.runner.write(lambda tx: patients.reveal(tx, patient_id, ("birth_date", "phone")), show, owner=self)

    def shown_patients(self) -> Sequence[PatientRow]:
        """Who is listed now."""
        return self.list.patients.rows() if self._below.currentWidget() is self.list else ()


class Bar(QWidget):
    """The line that a page begins with, over a hairline."""

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.fillRect(event.rect(), tokens.base)
        painter.fillRect(0, self.height() - 1, self.width(), 1, tokens.line2)
