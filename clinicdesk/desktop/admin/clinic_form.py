"""The clinic's own settings: saved as a whole, with what is wrong said beside its field."""

from __future__ import annotations

from zoneinfo import available_timezones

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from clinicdesk.core.clinic import ClinicRow
from clinicdesk.core.errors import ClinicError
from clinicdesk.desktop.admin.countries import country_box
from clinicdesk.desktop.admin.form import FieldSet, Typed, number
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.sentences import sentence
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, Field, FieldError, TextLabel
from clinicdesk.features.practitioners.schemas import EditClinic
from clinicdesk.features.practitioners.service import clinic as read_clinic
from clinicdesk.features.practitioners.service import edit_clinic


class ClinicForm(QWidget):
    """Fields that Enter or the button saves. Settings that change elsewhere come in, unless something is being typed here."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self._stored: ClinicRow = desk.clinic
        self._before: Typed = {}
        self._shown: Typed = {}
        minutes = self.tr(" min")
        self.fields = FieldSet()
        self.name, self.prefix = QLineEdit(), QLineEdit()
        self.zone = _zone_box()
        self.country = country_box(desk.clinic.country, required=False)
        # Wider than the service allows, so that it is the service that says what may be.
        self.auto_lock = number(5, 0, 999, minutes)
        self.failures = number(5, 0, 999)
        self.lockout = number(15, 0, 9999, minutes)
        self.wait = number(15, 0, 999, minutes)
        self.save_button = ActionButton(self.tr("Save"), "Enter", kind=ButtonKind.PRIMARY, height=32, parent=self)
        self.save_button.clicked.connect(self.save)
        self.reset_button = ActionButton(self.tr("Put back"), height=32, parent=self)
        self.reset_button.clicked.connect(self.reset)
        self._trouble = FieldError(self)
        self._trouble.hide()
        self._lay_out()
        self.reset()
        desk.clinic_changed.connect(self._clinic_changed)

    def _lay_out(self) -> None:
        metrics = theme().tokens.metrics
        add = self.fields.add
        grid = QGridLayout()
        grid.setHorizontalSpacing(metrics.px(12))
        grid.setVerticalSpacing(metrics.px(12))
        rows: list[tuple[Field, ...]] = [
            (add("name", self.tr("Name"), self.name),),
            (add("zone", self.tr("Time zone"), self.zone), add("country", self.tr("Country"), self.country)),
            (
                add("record_prefix", self.tr("Record numbers begin with"), self.prefix),
                add("wait_target_minutes", self.tr("Waiting is late after"), self.wait),
            ),
            (
                add("auto_lock_minutes", self.tr("A desk locks when idle for"), self.auto_lock),
                add("lockout_failures", self.tr("Wrong passwords before a lock"), self.failures),
            ),
            (add("lockout_minutes", self.tr("That lock lasts"), self.lockout),),
        ]
        for line, parts in enumerate(rows):
            for place, field in enumerate(parts):
                span = 2 if field.editor is self.name else 1
                grid.addWidget(field, line, place, 1, span, Qt.AlignmentFlag.AlignTop)
        buttons = QHBoxLayout()
        buttons.setContentsMargins(0, metrics.px(4), 0, metrics.px(4))
        buttons.setSpacing(metrics.related)
        buttons.addWidget(self.save_button)
        buttons.addWidget(self.reset_button)
        buttons.addWidget(self._trouble, 1)
        buttons.addStretch()
        body = QWidget()
        inner = QVBoxLayout(body)
        inner.setContentsMargins(metrics.page_margin, metrics.px(20), metrics.page_margin, metrics.px(16))
        inner.setSpacing(metrics.px(14))
        inner.addWidget(TextLabel(self.tr("Clinic"), Role.BODY, weight=600))
        inner.addLayout(grid)
        inner.addLayout(buttons)
        inner.addStretch()
        body.setMaximumWidth(metrics.px(640))
        body.setBackgroundRole(QPalette.ColorRole.Base)
        scroll = QScrollArea(self)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.viewport().setBackgroundRole(QPalette.ColorRole.Base)
        scroll.setWidget(body)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(scroll)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setAutoFillBackground(True)
        self.fields.when_typed(self._show_state)

    def changed(self) -> bool:
        """Whether something stands here that is not saved."""
        return self.fields.typed() != self._shown

    def reset(self) -> None:
        """Show what is stored; what was typed goes."""
        self.fields.clear_errors()
        self._trouble.hide()
        self._show(max(self._stored, self.desk.clinic, key=lambda clinic: clinic.version))
        self._before = self._shown = self.fields.typed()
        self._show_state()

    def _show(self, clinic: ClinicRow) -> None:
        self._stored = clinic
        self.name.setText(clinic.name)
        self.prefix.setText(clinic.record_prefix)
        self.zone.setCurrentText(clinic.zone)
        self.country.setCurrentIndex(max(self.country.findData(clinic.country), 0))
        self.auto_lock.setValue(clinic.auto_lock_minutes)
        self.failures.setValue(clinic.lockout_failures)
        self.lockout.setValue(clinic.lockout_minutes)
        self.wait.setValue(clinic.wait_target_minutes)

    def save(self) -> None:
        """Store what stands here."""
        if not self.save_button.isEnabled():
            return
        self.fields.clear_errors()
        self._trouble.hide()
        self.save_button.setEnabled(False)
        request = EditClinic(
            version=self._stored.version,
            name=self.name.text(),
            zone=self.zone.currentText().strip(),
            country=str(self.country.currentData()),
            record_prefix=self.prefix.text(),
            auto_lock_minutes=self.auto_lock.value(),
            lockout_failures=self.failures.value(),
            lockout_minutes=self.lockout.value(),
            wait_target_minutes=self.wait.value(),
        )
        self._shown = self.fields.typed()
        self.desk.runner.write(lambda tx: edit_clinic(tx, request), self._saved, owner=self, failed=self._refused)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter saves."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.save()
        else:
            super().keyPressEvent(event)

    def _saved(self, clinic: ClinicRow) -> None:
        self._stored = clinic
        self._before = self._shown
        self._show_state()
        self.desk.toast(self.tr("The clinic's settings are saved"))

    def _refused(self, error: ClinicError) -> None:
        self._shown = {}
        self._show_state()
        if error.reason == "changed_meanwhile":
            self.desk.runner.read(read_clinic, self._take_theirs, owner=self)
        elif not self.fields.refuse(error, self.desk):
            self._say(sentence(error, self.desk.clinic.tz))

    def _take_theirs(self, clinic: ClinicRow) -> None:
        self._before, said = self.fields.merge(self._before, lambda: self._show(clinic))
        self._say(said)

    def _say(self, words: str) -> None:
        self._trouble.set_text(words)
        self._trouble.show()

    def _clinic_changed(self) -> None:
        if not self.changed():
            self.reset()

    def _show_state(self) -> None:
        self.save_button.setEnabled(self.changed())
        self.reset_button.setEnabled(self.changed())


def _zone_box() -> QComboBox:
    box = QComboBox()
    box.setEditable(True)
    box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    names = sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    box.addItems(["UTC", *names])
    completer = QCompleter(box.model(), box)
    completer.setFilterMode(Qt.MatchFlag.MatchContains)
    completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
    completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
    box.setCompleter(completer)
    return box
