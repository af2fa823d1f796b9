"""The Patients screen: find somebody, see and keep their record, register who is new."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QStackedWidget, QVBoxLayout, QWidget

from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Committed
from clinicdesk.desktop.desk import Desk, FindPatient, NewPatient, OpenPatient, Prefill, Request
from clinicdesk.desktop.patients import form_fields
from clinicdesk.desktop.patients.patient_form import FormDraft, PatientForm, draft_of
from clinicdesk.desktop.patients.record_page import RecordPage
from clinicdesk.desktop.patients.search_page import SearchPage
from clinicdesk.desktop.screen import Screen
from clinicdesk.features.patients.schemas import PatientDetail, PatientRow


class PatientsScreen(Screen):
    """The search in front, or the record that was opened from it; Esc leads back to the search, on the same row."""

    takes: ClassVar[tuple[type[Request], ...]] = (FindPatient, OpenPatient, NewPatient)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self._form: PatientForm | None = None
        self._put_aside: FormDraft | None = None
        """What was typed into a form that was closed without saving."""
        self.search, self.record = SearchPage(desk), RecordPage(desk)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self.search)
        self._pages.addWidget(self.record)
        for page in (self, self.search, self.record):
            page.setBackgroundRole(QPalette.ColorRole.Base)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._pages)
        self.search.opened.connect(lambda patient: self.open(patient.id))
        self.search.register_wanted.connect(self.register)
        self.record.left.connect(self.leave_record)
        self.record.shown.connect(self._remember)
        self.record.edit_wanted.connect(self._edit)
        desk.runner.changed.connect(self._follow)

    # The screen

    def activate(self) -> None:
        focus = QApplication.focusWidget()
        if focus is not None and self.isAncestorOf(focus):
            return
        if self._record_is_open():
            self.record.take_focus()
        else:
            self.search.activate()

    def take(self, request: Request) -> None:
        if isinstance(request, OpenPatient):
            self.open(request.patient_id)
        elif isinstance(request, FindPatient):
            self._show(self.search)
            self.search.begin(request.text)
        elif isinstance(request, NewPatient):
            typed = "" if self._record_is_open() else self.search.field.text().strip()
            self.register(request.text or typed, request.booking)

    def draft(self) -> object | None:
        return self._form.draft() if self._form is not None else self._put_aside

    def restore(self, draft: object) -> None:
        if isinstance(draft, FormDraft):
            self._open_form(draft)

    def hints(self) -> tuple[str, ...]:
        if not self._record_is_open():
            wanted = {"patient.new": Permission.EDIT_PATIENT, "reveal": Permission.OPEN_PATIENT}
        else:
            wanted = {
                "visit.check_in": Permission.ADVANCE_VISIT,
                "visit.reschedule": Permission.BOOK,
                "visit.book": Permission.BOOK,
                "reveal": Permission.OPEN_PATIENT,
                "back": Permission.FIND_PATIENT,
            }
        return tuple(name for name, needed in wanted.items() if self.desk.actor.may(needed))

    def counts(self) -> tuple[tuple[str, str], ...]:
        return (("ph.eye", self.tr("This view is logged")),) if self._record_is_open() else ()

    def panes(self) -> list[QWidget]:
        return self.record.panes() if self._record_is_open() else [self.search.field, self.search.list]

    def patient_in_view(self) -> UUID | None:
        if self._record_is_open():
            return self.record.patient.id if self.record.patient else None
        return None

    # What it does

    def open(self, patient_id: UUID) -> None:
        """Show a record."""
        self.record.open(patient_id)
        self._show(self.record)
        self.record.setFocus(Qt.FocusReason.OtherFocusReason)

    def leave_record(self) -> None:
        """Back to the search, with the cursor on the patient whose record was open."""
        self._show(self.search)
        self.search.begin()
        if self.record.patient is not None:
            self.search.list.choose(self.record.patient.id)

    def register(self, text: str = "", booking: Prefill | None = None) -> None:
        """Begin to register somebody; what was put aside without saving comes back where nothing else is known."""
        if not self.desk.actor.may(Permission.EDIT_PATIENT):
            return
        aside = self._put_aside
        if not text and booking is None and aside is not None and aside.patient is None:
            self._open_form(aside)
        else:
            self._open_form(draft_of(self.desk, text, booking))

    def _edit(self, patient: PatientDetail) -> None:
        aside = self._put_aside
        if aside is not None and aside.patient is not None and aside.patient.id == patient.id:
            self._open_form(aside)
        else:
            self._open_form(FormDraft(form_fields.typed_of(patient.demographics), patient))

    def _open_form(self, draft: FormDraft) -> None:
        host = self.desk.host
        if host is None or self._form is not None:
            return
        self._form = form = PatientForm(self.desk, host, draft)
        form.registered.connect(self._registered)
        form.open_wanted.connect(self.open)
        form.closed.connect(self._form_closed)
        form.open_sheet()

    def _form_closed(self) -> None:
        if self._form is not None:
            self._put_aside, self._form = self._form.draft(), None

    def _registered(self, patient: PatientRow, booking: Prefill | None) -> None:
        self.desk.toast(self.tr("Patient registered"))
        if booking is None:
            self.open(patient.id)
        else:
            self.search.remember(patient)
            self.desk.book(booking)

    def _remember(self, patient: PatientRow) -> None:
        self.search.remember(patient)
        self.hints_changed.emit()

    def _show(self, page: QWidget) -> None:
        self._pages.setCurrentWidget(page)
        self.hints_changed.emit()
        self.counts_changed.emit()

    def _record_is_open(self) -> bool:
        return self._pages.currentWidget() is self.record

    def _follow(self, committed: Committed) -> None:
        if "patient" in committed.entities:
            self.search.refresh()
