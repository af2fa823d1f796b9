"""One patient's record, as the desk sees it: who it is, allergies on every tab, visits, whom to call, and who has looked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMenu, QSplitter, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Committed, Tx
from clinicdesk.desktop.appointments.actions import VisitActions
from clinicdesk.desktop.desk import Desk, Prefill
from clinicdesk.desktop.keys import KEYS
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.patients import words
from clinicdesk.desktop.patients.access_log import AccessLogTable
from clinicdesk.desktop.patients.next_visit_card import NextVisitCard
from clinicdesk.desktop.patients.record_header import MASKED, AllergyStrip, RecordHeader, Strip
from clinicdesk.desktop.patients.record_sheets import AllergySheet, ContactSheet, DeceasedSheet
from clinicdesk.desktop.patients.search_page import Bar
from clinicdesk.desktop.patients.side_pane import SidePane
from clinicdesk.desktop.patients.visit_history import VisitTable, counts_text, next_visit
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, Glyph, TextLabel
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import AppointmentRow, Status
from clinicdesk.features.audit import service as audit
from clinicdesk.features.audit.schemas import AuditRow
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import ContactRow, PatientDetail, PatientRow

_OVERVIEW, _APPOINTMENTS, _ACCESS_LOG = range(3)
_PAST_ON_OVERVIEW = 8
_OF_THE_RECORD = frozenset({"patient", "allergy", "patient_contact"})
_OWN_KEYS = frozenset({"visit.check_in", "visit.reschedule", "visit.card", "visit.patient", "reveal"})
"""Keys of visits that act on the whole record, or make no sense on it."""


class RecordPage(QWidget):
    """Shows the record that was opened last, and keeps it true: after each change that concerns it, it is read anew."""

    left = Signal()
    edit_wanted = Signal(object)
    """PatientDetail: open the form."""
    shown = Signal(object)
    """PatientRow: the record is on the screen."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._patient: PatientDetail | None = None
        self._row: PatientRow | None = None
        self._wanted: UUID | None = None
        self._is_stale = False
        """Whether something was changed while the record was out of sight; nobody is logged for a look that nobody took."""
        self._visits: list[AppointmentRow] = []
        self._allergies: AllergySheet | None = None
        self.actions_of_visits = VisitActions(desk, self.current_visit, parent=self)
        self.header = RecordHeader(self)
        self.allergies = AllergyStrip(desk.actor.may(Permission.EDIT_ALLERGIES), self)
        self.deceased = Strip(self)
        self.deceased.set_look("alt", "ctl", "ink2", "ph.info")
        self.next_card = NextVisitCard(desk, self)
        self.recent, self.all_visits = VisitTable(desk, _PAST_ON_OVERVIEW), VisitTable(desk)
        self.log = AccessLogTable(desk)
        self.side = SidePane(desk, self)
        self.tabs = QTabBar(self)
        self._pages = QStackedWidget(self)
        self._lay_out()
        self._mask = QTimer(self, singleShot=True)
        self._mask.timeout.connect(self._show_masked)
        self._minute = QTimer(self)
        self._minute.timeout.connect(self.next_card.tick)
        self._minute.start(30_000)
        self._wire()
        self._actions = self._bind()

    # Building

    def _lay_out(self) -> None:
        metrics = theme().tokens.metrics
        self._body = QWidget(self)
        column = QVBoxLayout(self._body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        strips = QVBoxLayout()
        strips.setContentsMargins(metrics.page_margin, 0, metrics.page_margin, metrics.px(4))
        strips.setSpacing(metrics.px(6))
        strips.addWidget(self.deceased)
        strips.addWidget(self.allergies)
        column.addLayout(strips)
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName(self.tr("Parts of the record"))
        for name in ("record.overview", "record.appointments", "record.access_log"):
            if name != "record.access_log" or self._desk.actor.may(Permission.READ_ACCESS_LOG):
                index = self.tabs.addTab(KEYS[name].title)
                self.tabs.setTabToolTip(index, KEYS[name].caps)
        line = Bar(self)
        tabs = QHBoxLayout(line)
        tabs.setContentsMargins(metrics.px(8), 0, metrics.px(8), 0)
        tabs.addWidget(self.tabs)
        tabs.addStretch()
        column.addWidget(line)
        for page in (self._overview(), self._in_margins(self.all_visits), self._in_margins(self.log)):
            self._pages.addWidget(page)
        self._splitter = QSplitter(self)
        self._splitter.addWidget(self._pages)
        self._splitter.addWidget(self.side)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setStretchFactor(0, 1)
        self._splitter.setStretchFactor(1, 0)
        self._splitter.setSizes([metrics.px(1000), metrics.px(324)])
        state = self._desk.preferences.splitter("record")
        if not state.isEmpty():
            self._splitter.restoreState(state)
        column.addWidget(self._splitter, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._bar())
        whole.addWidget(self._body, 1)

    def _bar(self) -> QWidget:
        metrics = theme().tokens.metrics
        bar = Bar(self)
        bar.setFixedHeight(metrics.toolbar)
        back = ActionButton("", glyph="ph.arrow-left", parent=bar)
        back.setAccessibleName(KEYS["back"].title)
        back.setToolTip(f"{KEYS['back'].title}  {KEYS['back'].caps}")
        back.clicked.connect(self.left)
        self._number = TextLabel("", Role.BODY, "ink", 600, parent=bar)
        self._edit = ActionButton(self.tr("Edit"), "E", glyph="ph.pencil-simple", parent=bar)
        self._edit.clicked.connect(self.edit)
        self._edit.setVisible(self._desk.actor.may(Permission.EDIT_PATIENT))
        self.more = ActionButton("", glyph="ph.dots-three", parent=bar)
        self.more.setAccessibleName(self.tr("More"))
        self.more.setToolTip(self.tr("More"))
        self.more.clicked.connect(self._open_menu)
        self.more.setVisible(self._desk.actor.may(Permission.EDIT_PATIENT))
        self.book_button = ActionButton(
            self.tr("Book"), "N", kind=ButtonKind.PRIMARY, glyph="ph.calendar-plus", parent=bar
        )
        self.book_button.clicked.connect(self.book)
        self.book_button.setVisible(self._desk.actor.may(Permission.BOOK))
        row = QHBoxLayout(bar)
        row.setContentsMargins(metrics.page_margin, 0, metrics.page_margin, 0)
        row.setSpacing(metrics.related)
        row.addWidget(back)
        row.addSpacing(metrics.px(4))
        row.addWidget(TextLabel(self.tr("Patients"), Role.BODY, "ink2", parent=bar))
        row.addWidget(Glyph("ph.caret-right", 12, "ink3", bar))
        row.addWidget(self._number)
        row.addStretch()
        for button in (self.more, self._edit, self.book_button):
            row.addWidget(button)
        return bar

    def _overview(self) -> QWidget:
        metrics = theme().tokens.metrics
        page = QWidget()
        self._counts = TextLabel("", Role.SMALL, "ink2")
        head = QHBoxLayout()
        head.setContentsMargins(0, metrics.px(12), 0, metrics.px(4))
        head.addWidget(TextLabel(self.tr("Visits"), Role.BODY, weight=600), 1)
        head.addWidget(self._counts)
        column = QVBoxLayout(page)
        column.setContentsMargins(metrics.page_margin, metrics.px(14), metrics.page_margin, metrics.px(8))
        column.setSpacing(0)
        column.addWidget(self.next_card)
        column.addLayout(head)
        column.addWidget(self.recent, 1)
        return page

    def _in_margins(self, table: QWidget) -> QWidget:
        metrics = theme().tokens.metrics
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(metrics.page_margin, metrics.px(14), metrics.page_margin, metrics.px(8))
        column.addWidget(table)
        return page

    def _wire(self) -> None:
        desk = self._desk
        self.tabs.currentChanged.connect(self._turn)
        self.allergies.edit_wanted.connect(self.edit_allergies)
        self.next_card.check_in_wanted.connect(lambda: self._on_next(self.actions_of_visits.check_in))
        self.next_card.reschedule_wanted.connect(lambda: self._on_next(self.actions_of_visits.reschedule))
        self.side.contact_wanted.connect(self.edit_contact)
        self.side.log_wanted.connect(lambda: self.tabs.setCurrentIndex(_ACCESS_LOG))
        self.actions_of_visits.open_wanted.connect(desk.show_visit)
        for table in (self.recent, self.all_visits):
            table.visit_opened.connect(desk.show_visit)
        self._splitter.splitterMoved.connect(
            lambda: desk.preferences.set_splitter("record", self._splitter.saveState())
        )
        desk.runner.changed.connect(self._follow)
        desk.privacy.changed.connect(self._show_masked)
        desk.theme.changed.connect(self._show_masked)

    def _bind(self) -> dict[str, QAction]:
        desk = self._desk
        for table in (self.recent, self.all_visits):
            self.actions_of_visits.bind(table, without=_OWN_KEYS)
        tab = self.tabs.setCurrentIndex
        handlers: dict[str, tuple[Permission, Callable[[], object]]] = {
            "visit.check_in": (Permission.ADVANCE_VISIT, self.actions_of_visits.check_in),
            "visit.reschedule": (Permission.BOOK, self.actions_of_visits.reschedule),
            "visit.book": (Permission.BOOK, self.book),
            "reveal": (Permission.OPEN_PATIENT, self.reveal),
            "record.edit": (Permission.EDIT_PATIENT, self.edit),
            "record.contact": (Permission.EDIT_PATIENT, lambda: self.edit_contact(None)),
            "record.deceased": (Permission.EDIT_PATIENT, self.toggle_deceased),
            "record.allergies": (Permission.EDIT_ALLERGIES, self.edit_allergies),
            "record.overview": (Permission.OPEN_PATIENT, lambda: tab(_OVERVIEW)),
            "record.appointments": (Permission.OPEN_PATIENT, lambda: tab(_APPOINTMENTS)),
            "record.access_log": (Permission.READ_ACCESS_LOG, lambda: tab(_ACCESS_LOG)),
            "back": (Permission.FIND_PATIENT, self.left.emit),
        }
        return desk.keys.bind(
            self, {name: handler for name, (needed, handler) in handlers.items() if desk.actor.may(needed)}
        )

    # Showing

    @property
    def patient(self) -> PatientDetail | None:
        """Whose record is shown."""
        return self._patient

    def open(self, patient_id: UUID) -> None:
        """Show a record; that it was opened is audited. Until it is there, nobody else's is."""
        if self._patient is None or self._patient.id != patient_id:
            self._patient = self._row = None
            self._visits = []
            self._body.hide()
            self._number.setText("")
            self.tabs.setCurrentIndex(_OVERVIEW)
        self._wanted, self._is_stale = patient_id, False
        self._read(patient_id)
        self._read_visits(patient_id)
        self._read_log(patient_id)

    def current_visit(self) -> AppointmentRow | None:
        """The visit under the cursor of the table that has the focus; elsewhere on the record, the next one."""
        for table in (self.recent, self.all_visits):
            if table.hasFocus():
                return table.current_visit()
        return next_visit(self._visits, self._desk.now())

    def take_focus(self) -> None:
        """Put the focus where the keys of visits work."""
        self._table().setFocus(Qt.FocusReason.OtherFocusReason)

    def panes(self) -> list[QWidget]:
        """What F6 goes round."""
        side: QWidget = self.side.add_contact
        return [self._table(), self.tabs, side]

    def _read(self, patient_id: UUID) -> None:
        def opening(tx: Tx) -> tuple[PatientDetail, PatientRow]:
            return patients.open_record(tx, patient_id), patients.get_row(tx, patient_id)

        self._desk.runner.write(opening, self._show, owner=self, failed=self._not_there)

    def _not_there(self, error: ClinicError) -> None:
        self._desk.say(error)
        self.left.emit()

    def _show(self, opened: tuple[PatientDetail, PatientRow]) -> None:
        patient, row = opened
        if patient.id != self._wanted:
            return
        is_new = self._patient is None
        self._patient, self._row = patient, row
        self._number.setText(patient.number)
        self._show_masked()
        self._show_deceased(patient)
        if self._allergies is not None:
            self._allergies.show_patient(patient)
        self._body.show()
        if is_new and self.isVisible():
            self.take_focus()
        self.shown.emit(row)

    def _show_masked(self) -> None:
        patient = self._patient
        self._mask.stop()
        if patient is not None:
            self.header.show_patient(patient, self._desk.now().date(), self._desk.privacy.initials_only)
            self.allergies.show_allergies(patient)
            self.side.show_patient(patient)

    def _show_deceased(self, patient: PatientDetail) -> None:
        self.deceased.setVisible(patient.deceased)
        when = words.day_text(patient.deceased_on) if patient.deceased_on else ""
        says = self.tr("Deceased on %1.").replace("%1", when) if when else self.tr("Deceased.")
        sentence = says + " " + self.tr("No visits can be booked.")
        self.deceased.words.setText(f"<b>{says}</b> " + self.tr("No visits can be booked."))
        self.deceased.setAccessibleName(sentence)
        self.book_button.setEnabled(not patient.deceased)
        self.book_button.setToolTip(sentence if patient.deceased else "")
        if (action := self._actions.get("record.deceased")) is not None:
            living = self.tr("Mark as living")
            action.setText(living if patient.deceased else KEYS["record.deceased"].title)

    def _read_visits(self, patient_id: UUID) -> None:
        self._desk.runner.read(
            lambda tx: appointments.visits_of_patient(tx, patient_id),
            partial(self._show_visits, patient_id),
            owner=self,
        )

    def _show_visits(self, patient_id: UUID, visits: list[AppointmentRow]) -> None:
        if patient_id != self._wanted:
            return
        self._visits = visits
        self.recent.show_visits(visits)
        self.all_visits.show_visits(visits)
        self.next_card.show_visit(next_visit(visits, self._desk.now()))
        count = len(visits) - sum(visit.status is Status.ENTERED_IN_ERROR for visit in visits)
        title = KEYS["record.appointments"].title
        self.tabs.setTabText(_APPOINTMENTS, f"{title}  {count}" if count else title)
        self._counts.setText(counts_text(visits, self._desk.now()))

    def _read_log(self, patient_id: UUID) -> None:
        if self._desk.actor.may(Permission.READ_ACCESS_LOG):
            self._desk.runner.write(
                lambda tx: audit.access_log(tx, patient_id), partial(self._show_log, patient_id), owner=self
            )

    def _show_log(self, patient_id: UUID, entries: list[AuditRow]) -> None:
        if patient_id == self._wanted:
            self.log.show_entries(entries)
            self.side.show_looks(entries, self._desk.now().date(), self._desk.clinic.tz)

    def _turn(self, index: int) -> None:
        self._pages.setCurrentIndex(index)
        if index == _ACCESS_LOG and self._wanted is not None:
            self._read_log(self._wanted)
        focus = QApplication.focusWidget()
        if focus is not None and self._pages.isAncestorOf(focus):
            self._table().setFocus(Qt.FocusReason.OtherFocusReason)

    def _table(self) -> QWidget:
        return (self.recent, self.all_visits, self.log)[self._pages.currentIndex()]

    def _follow(self, committed: Committed) -> None:
        """Something was changed: read again what of it is shown."""
        patient_id = self._wanted
        if patient_id is None or all(change.patient_id != patient_id for change in committed.changes):
            return
        if not self.isVisible():
            self._is_stale = True
            return
        if committed.entities & _OF_THE_RECORD:
            self._read(patient_id)
        if "appointment" in committed.entities:
            self._read_visits(patient_id)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale and self._wanted is not None:
            self.open(self._wanted)

    # Doing

    def book(self) -> None:
        """Book a visit for this patient."""
        if self._row is not None and not self._row.deceased:
            self._desk.book(Prefill(patient=self._row))

    def reveal(self) -> None:
        """Show what is masked for a while; that is audited."""
        if self._patient is None:
            return
        patient_id = self._patient.id

        def revealing(tx: Tx) -> dict[str, object]:
            return dict(patients.reveal(tx, patient_id, MASKED))

        def show(fields: dict[str, object]) -> None:
            if patient_id == self._wanted:
                self.header.reveal(fields)
                self.side.reveal(True)
                self._mask.start(theme().tokens.timing.reveal)

        self._desk.runner.write(revealing, show, owner=self)

    def edit(self) -> None:
        """Open the form; it shows everything in clear, so that is audited too."""
        patient = self._patient
        if patient is None:
            return

        def open_form(_fields: object) -> None:
            self.edit_wanted.emit(patient)

        self._desk.runner.write(lambda tx: patients.reveal(tx, patient.id, MASKED), open_form, owner=self)

    def edit_allergies(self) -> None:
        """Open the sheet of allergies."""
        if self._patient is not None and self._desk.host is not None:
            self._allergies = sheet = AllergySheet(self._desk, self._desk.host, self._patient)
            sheet.closed.connect(self._forget_allergies)
            sheet.open_sheet()

    def _forget_allergies(self) -> None:
        self._allergies = None

    def edit_contact(self, contact: ContactRow | None) -> None:
        """Open the sheet of a contact, or of a new one."""
        if self._patient is not None and self._desk.host is not None:
            ContactSheet(self._desk, self._desk.host, self._patient.id, contact).open_sheet()

    def toggle_deceased(self) -> None:
        """Mark as deceased, or take that back."""
        patient = self._patient
        if patient is None or self._desk.host is None:
            return
        if not patient.deceased:
            DeceasedSheet(self._desk, self._desk.host, patient).open_sheet()
            return
        self._desk.runner.write(
            lambda tx: patients.mark_living(tx, patient.id, patient.version),
            lambda _patient: self._desk.toast(self.tr("Marked as living")),
            owner=self,
        )

    def _on_next(self, act: Callable[[], None]) -> None:
        """A button of the card means the card's visit, wherever the cursor stands."""
        visit = next_visit(self._visits, self._desk.now())
        if visit is not None:
            self.recent.choose_visit(visit.id)
            self.tabs.setCurrentIndex(_OVERVIEW)
            self.recent.setFocus(Qt.FocusReason.OtherFocusReason)
            act()

    def _open_menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for name in ("record.allergies", "record.contact", "record.deceased"):
            if name in self._actions:
                menu.addAction(self._actions[name])
        menu.popup(self.more.mapToGlobal(QPoint(0, self.more.height() + 2)))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        for table in (self.recent, self.all_visits):
            if table.hasFocus() and table.current_visit() is not None:
                self.actions_of_visits.menu(table).popup(event.globalPos())
