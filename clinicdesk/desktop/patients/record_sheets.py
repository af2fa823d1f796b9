"""The small sheets of a record: its allergies, one contact, and that the patient has died."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.tx import Tx
from clinicdesk.desktop.desk import Desk, Reversal
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.patients import words
from clinicdesk.desktop.sentences import sentence
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, Field, Sheet, TextLabel
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import (
    AllergyRow,
    ContactRow,
    PatientDetail,
    SaveAllergy,
    SaveContact,
    Severity,
)


class _RecordSheet(Sheet):
    """A sheet with fields that saves by Enter; what is refused is said beside its field, and nothing typed is lost."""

    def __init__(self, desk: Desk, host: QWidget, title: str, width: int) -> None:
        super().__init__(host, title, width=width)
        self._desk = desk
        self._fields: dict[str, Field] = {}
        self._busy = False
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        metrics = theme().tokens.metrics
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(metrics.px(20), metrics.px(16), metrics.px(20), metrics.px(16))
        self._column.setSpacing(metrics.px(10))
        self._column.addWidget(TextLabel(title, Role.CARD, parent=self))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.save()
        else:
            super().keyPressEvent(event)

    def save(self) -> None:
        """What Enter does."""
        raise NotImplementedError

    def _add_field(self, name: str, label: str, editor: QWidget) -> Field:
        self._fields[name] = field = Field(label, editor, self)
        return field

    def _add_buttons(self, *buttons: ActionButton, leave: str) -> None:
        metrics = theme().tokens.metrics
        row = QHBoxLayout()
        row.setSpacing(metrics.related)
        close = ActionButton(leave, "Esc", height=32, parent=self)
        close.clicked.connect(self.close_sheet)
        *before, last = buttons
        for button in before:
            row.addWidget(button)
        row.addStretch()
        row.addWidget(close)
        row.addWidget(last)
        self._column.addLayout(row)

    def _do(self, work: Callable[[Tx], Reversal | None], then: Callable[[], None], undo_text: str = "") -> None:
        """Do something to the record; the work gives what takes it back, if that can be offered."""
        if self._busy:
            return
        self._busy = True
        for field in self._fields.values():
            field.clear_error()

        def done(back: Reversal | None) -> None:
            self._busy = False
            if back is not None:
                self._desk.undo.push_reversal(back, undo_text)
                self._desk.toast(undo_text, undo=True)
            then()

        self._desk.runner.write(work, done, owner=self, failed=self._refused)

    def _refused(self, error: ClinicError) -> None:
        self._busy = False
        field = self._fields.get(words.field_of(error))
        if field is None:
            self._desk.say(error)
            return
        field.show_error(sentence(error, self._desk.clinic.tz))
        field.setFocus(Qt.FocusReason.OtherFocusReason)


class ContactSheet(_RecordSheet):
    """Whom to call: a new one, or one to change or take off the record."""

    def __init__(self, desk: Desk, host: QWidget, patient_id: UUID, contact: ContactRow | None) -> None:
        title = host.tr("Contact") if contact else host.tr("Add a contact")
        super().__init__(desk, host, title, 420)
        self._patient_id, self._contact = patient_id, contact
        self.name, self.relationship, self.phone = QLineEdit(self), QLineEdit(self), QLineEdit(self)
        self.relationship.setPlaceholderText(self.tr("mother, partner, neighbour"))
        self._column.addWidget(self._add_field("name", self.tr("Name"), self.name))
        self._column.addWidget(self._add_field("relationship", self.tr("Relationship"), self.relationship))
        self._column.addWidget(self._add_field("phone", self.tr("Phone"), self.phone))
        save = ActionButton(self.tr("Save"), "Enter", kind=ButtonKind.PRIMARY, height=32, parent=self)
        save.clicked.connect(self.save)
        if contact is None:
            self._add_buttons(save, leave=self.tr("Close"))
            return
        self.name.setText(contact.name)
        self.relationship.setText(contact.relationship)
        self.phone.setText(contact.phone)
        remove = ActionButton(self.tr("Remove"), "Alt+R", kind=ButtonKind.DANGER, height=32, parent=self)
        remove.setShortcut("Alt+R")
        remove.clicked.connect(self.remove)
        self._add_buttons(remove, save, leave=self.tr("Close"))

    def save(self) -> None:
        request = SaveContact(
            self._patient_id,
            self.name.text(),
            self.relationship.text(),
            self.phone.text(),
            self._contact.id if self._contact else None,
        )

        def work(tx: Tx) -> None:
            patients.save_contact(tx, request)

        self._do(work, self.close_sheet)

    def remove(self) -> None:
        """Take the contact off the record; undo brings it back."""
        if self._contact is None:
            return
        contact_id = self._contact.id

        def work(tx: Tx) -> Reversal:
            patients.remove_contact(tx, contact_id)
            return _restoring(patients.restore_contact, patients.remove_contact, contact_id)

        self._do(work, self.close_sheet, self.tr("Contact removed"))


class AllergySheet(_RecordSheet):
    """The allergies of a patient: add one, change or take off the chosen one, and say that the patient was asked today."""

    changed = Signal()
    """Something was saved; the record is to be read anew."""

    def __init__(self, desk: Desk, host: QWidget, patient: PatientDetail) -> None:
        super().__init__(desk, host, host.tr("Allergies"), 560)
        self._patient_id = patient.id
        self._chosen: AllergyRow | None = None
        metrics = theme().tokens.metrics
        self.list = QListWidget(self)
        self.list.setAccessibleName(self.tr("Allergies on the record"))
        self.list.setFixedHeight(metrics.row_roles * 5)
        self.list.itemClicked.connect(self._choose)
        self.list.itemActivated.connect(self._choose)
        self.nothing = TextLabel(self.tr("No allergies on the record."), colour="ink2", parent=self)
        self.substance, self.reaction = QLineEdit(self), QLineEdit(self)
        self.substance.setPlaceholderText(self.tr("latex, penicillin, peanuts"))
        self.reaction.setPlaceholderText(self.tr("rash 2019"))
        self.severity = QComboBox(self)
        self.severity.addItem(self.tr("not known"), Severity.UNKNOWN.value)
        for severity in (Severity.MILD, Severity.MODERATE, Severity.SEVERE):
            self.severity.addItem(words.severity_text(severity), severity.value)
        row = QHBoxLayout()
        row.setSpacing(metrics.px(12))
        row.addWidget(self._add_field("substance", self.tr("Substance"), self.substance), 3)
        row.addWidget(self._add_field("reaction", self.tr("Reaction"), self.reaction), 3)
        row.addWidget(self._add_field("severity", self.tr("Severity"), self.severity), 2)
        self._column.addWidget(self.list)
        self._column.addWidget(self.nothing)
        self._column.addLayout(row)
        self._save = ActionButton(self.tr("Add"), "Enter", kind=ButtonKind.PRIMARY, height=32, parent=self)
        self._save.clicked.connect(self.save)
        self._remove = ActionButton(self.tr("Remove"), "Alt+R", kind=ButtonKind.DANGER, height=32, parent=self)
        self._remove.setShortcut("Alt+R")
        self._remove.clicked.connect(self.remove)
        checked = ActionButton(self.tr("Asked today"), "Alt+C", glyph="ph.check", height=32, parent=self)
        checked.setToolTip(self.tr("The patient was asked about allergies today"))
        checked.setShortcut("Alt+C")
        checked.clicked.connect(self.check)
        self._add_buttons(checked, self._remove, self._save, leave=self.tr("Close"))
        self.show_patient(patient)

    def show_patient(self, patient: PatientDetail) -> None:
        """List the allergies as they are now."""
        if patient.id != self._patient_id:
            return
        self.list.clear()
        for allergy in patient.allergies:
            item = QListWidgetItem(", ".join(filter(None, (allergy.substance, words.allergy_text(allergy)))))
            item.setData(Qt.ItemDataRole.UserRole, allergy)
            self.list.addItem(item)
        self.list.setVisible(bool(patient.allergies))
        self.nothing.setVisible(not patient.allergies)
        self._edit(None)

    def save(self) -> None:
        if self.list.hasFocus() and self.list.currentItem() is not None:
            self._choose(self.list.currentItem())
            return
        request = SaveAllergy(
            self._patient_id,
            self.substance.text(),
            self.reaction.text(),
            Severity(self.severity.currentData()),
            self._chosen.id if self._chosen else None,
        )

        def work(tx: Tx) -> None:
            patients.save_allergy(tx, request)

        self._do(work, self.changed.emit)

    def remove(self) -> None:
        """Take the chosen allergy off the record; undo brings it back."""
        item = self.list.currentItem()
        chosen = self._chosen or (item.data(Qt.ItemDataRole.UserRole) if item is not None else None)
        if not isinstance(chosen, AllergyRow):
            return
        allergy_id = chosen.id

        def work(tx: Tx) -> Reversal:
            patients.remove_allergy(tx, allergy_id)
            return _restoring(patients.restore_allergy, patients.remove_allergy, allergy_id)

        self._do(work, self.changed.emit, self.tr("Allergy removed"))

    def check(self) -> None:
        """The patient was asked today."""
        patient_id = self._patient_id

        def work(tx: Tx) -> None:
            patients.allergies_checked(tx, patient_id)

        self._do(work, self.close_sheet)

    def _choose(self, item: QListWidgetItem) -> None:
        chosen = item.data(Qt.ItemDataRole.UserRole)
        if isinstance(chosen, AllergyRow):
            self._edit(chosen)
            self.substance.setFocus(Qt.FocusReason.OtherFocusReason)

    def _edit(self, allergy: AllergyRow | None) -> None:
        self._chosen = allergy
        self._save.setText(self.tr("Save") if allergy else self.tr("Add"))
        self._save.updateGeometry()
        self.substance.setText(allergy.substance if allergy else "")
        self.reaction.setText(allergy.reaction if allergy else "")
        self.severity.setCurrentIndex(max(self.severity.findData(allergy.severity.value) if allergy else 0, 0))
        self._remove.setVisible(self.list.count() > 0)
        if allergy is None:
            self.list.setCurrentRow(-1)
        if allergy is None and self.is_open():
            self.substance.setFocus(Qt.FocusReason.OtherFocusReason)


class DeceasedSheet(_RecordSheet):
    """Asks for the day on which the patient died, where it is known."""

    def __init__(self, desk: Desk, host: QWidget, patient: PatientDetail) -> None:
        super().__init__(desk, host, host.tr("Mark as deceased"), 460)
        self._patient = patient
        self.day = QLineEdit(self)
        self.day.setPlaceholderText(self.tr("12.3.2026, or empty where it is not known"))
        says = self.tr("No visits can be booked any more. Visits ahead stay in the calendar until they are cancelled.")
        self._column.addWidget(TextLabel(says, Role.SMALL, "ink2", wrap=True, parent=self))
        self._column.addWidget(self._add_field("deceased_on", self.tr("Date of death"), self.day))
        mark = ActionButton(self.tr("Mark as deceased"), "Enter", kind=ButtonKind.DANGER, height=32, parent=self)
        mark.clicked.connect(self.save)
        self._add_buttons(mark, leave=self.tr("Close"))

    def save(self) -> None:
        typed, patient = self.day.text().strip(), self._patient
        on = words.read_birth_date(typed, self._desk.now().date())
        if typed and on is None:
            self._fields["deceased_on"].show_error(self.tr("That is no date. Try 12.3.2026 or 12 mar 2026."))
            return

        def mark(version: int) -> Reversal:
            def marking(tx: Tx) -> Reversal:
                marked = patients.mark_deceased(tx, patient.id, version, on)
                return living(marked.version)

            return marking

        def living(version: int) -> Reversal:
            def reviving(tx: Tx) -> Reversal:
                return mark(patients.mark_living(tx, patient.id, version).version)

            return reviving

        self._do(mark(patient.version), self.close_sheet, self.tr("Marked as deceased"))


_ById = Callable[[Tx, UUID], object]


def _restoring(restore: _ById, remove: _ById, id_: UUID) -> Reversal:
    """The work that brings back what was removed, which in turn can be removed again."""

    def restoring(tx: Tx) -> Reversal:
        restore(tx, id_)
        return removing

    def removing(tx: Tx) -> Reversal:
        remove(tx, id_)
        return restoring

    return restoring
