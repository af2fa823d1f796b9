"""The fields of a visit as they are typed: who, for what, with whom, where and when; and what is read from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.date_sheet import read_day
from clinicdesk.desktop.appointments.patient_picker import PatientPicker
from clinicdesk.desktop.desk import Desk, Prefill
from clinicdesk.desktop.look.style import INVALID
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.widgets import Field
from clinicdesk.features.appointments.schemas import AppointmentRow, TypeRow
from clinicdesk.features.appointments.when import parse_time
from clinicdesk.features.patients.schemas import PatientRow
from clinicdesk.features.practitioners.schemas import PractitionerRow, RoomRow

USUAL_MINUTES = 20
_SWATCH = 12


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from, in the clinic's order."""

    practitioners: tuple[PractitionerRow, ...]
    types: tuple[TypeRow, ...]
    rooms: tuple[RoomRow, ...]


class BookingForm(QWidget):
    """Values are read as they stand; what cannot be read is said beside its field. `visit` is the one that is changed."""

    changed = Signal()
    """Another time, length, practitioner or room."""
    patient_picked = Signal()
    register_wanted = Signal(str)
    """The patient is not known: what was typed."""

    def __init__(
        self, desk: Desk, choices: Choices, visit: AppointmentRow | None, parent: QWidget, *, asks_when: bool = True
    ) -> None:
        super().__init__(parent)
        self._desk, self._choices, self._visit = desk, choices, visit
        self._exact: datetime | None = None
        """The instant that was given, while nobody has typed another: an hour that the clock repeats is two instants."""
        self._length_is_chosen = False
        self._make_editors(parent)
        self._lay_out(self.tr("When") if asks_when else self.tr("Length"))
        self._start.setVisible(asks_when)
        self._day.setVisible(asks_when)
        self.room_field.setVisible(asks_when)
        self.overbook_field.hide()

    def _make_editors(self, parent: QWidget) -> None:
        self._picker = PatientPicker(self._desk, parent)  # its answers may hang lower than the form
        self._type, self._practitioner, self._room = QComboBox(self), QComboBox(self), QComboBox(self)
        self._day, self._start, self._length = QLineEdit(self), QLineEdit(self), QSpinBox(self)
        self._length.setRange(5, 24 * 60)
        self._length.setSingleStep(5)
        self._length.setSuffix(self.tr(" min"))
        self._reason, self._overbook = QLineEdit(self), QLineEdit(self)
        self._reason.setMaxLength(250)
        self._overbook.setMaxLength(250)
        size = theme().tokens.metrics.px(_SWATCH)
        self._type.setIconSize(QSize(size, size))
        for kind in self._choices.types:
            self._type.addItem(_swatch(kind.colour, size, self.devicePixelRatioF()), kind.name, kind.id)
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

    def _lay_out(self, when_label: str) -> None:
        metrics = theme().tokens.metrics
        when = QWidget(self)
        row = QHBoxLayout(when)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(metrics.px(12))
        for editor in (self._day, self._start, self._length):
            row.addWidget(editor, 1)
        self.patient_field = Field(self.tr("Patient"), self._picker, self)
        self.when_field = Field(when_label, when, self)
        self.when_field.setFocusProxy(self._start)
        self.type_field = Field(self.tr("For"), self._type, self)
        self.room_field = Field(self.tr("Room"), self._room, self)
        self.reason_field = Field(self.tr("Reason"), self._reason, self)
        self.overbook_field = Field(self.tr("Why overbook"), self._overbook, self)
        what = QHBoxLayout()
        what.setSpacing(metrics.px(12))
        for field in (self.type_field, Field(self.tr("With"), self._practitioner, self), self.room_field):
            field.setMinimumWidth(metrics.px(140))
            what.addWidget(field, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(metrics.px(10))
        column.addWidget(self.patient_field)
        column.addLayout(what)
        for below in (self.when_field, self.reason_field, self.overbook_field):
            column.addWidget(below)

    def fill(self, prefill: Prefill) -> None:
        """Begin with these values, or with those of the visit that is changed; from then on say what changes."""
        visit = self._visit
        if visit is not None:
            self._picker.setText(words.person(visit, self._desk.privacy.initials_only))
            self._picker.setReadOnly(True)
            self.type_field.setEnabled(self._desk.actor.may(Permission.BOOK))
            prefill = Prefill(
                None, visit.practitioner_id, visit.start, visit.end - visit.start, visit.type_id, visit.reason
            )
            _choose(self._room, visit.room_id, visit.room_name)
            _choose(self._type, visit.type_id, visit.type_name)
            _choose(self._practitioner, visit.practitioner_id, visit.practitioner_name)
        if prefill.patient is not None:
            self._picker.pick(prefill.patient)
        _choose(self._practitioner, prefill.practitioner_id)
        _choose(self._type, prefill.type_id)
        if visit is not None and visit.type_id is None:
            self._type.setCurrentIndex(-1)
        self.set_start(prefill.start or self._next_quarter())
        self._reason.setText(prefill.reason)
        if prefill.length:
            self._length_is_chosen = True
            self._length.setValue(round(prefill.length.total_seconds() / 60))
        else:
            self._take_length_of_type()
        self._watch()

    def _watch(self) -> None:
        self._type.activated.connect(self._take_length_of_type)
        self._length.valueChanged.connect(self._length_chosen)
        for editor in (self._day, self._start):
            editor.textEdited.connect(self._time_typed)
        for signal in (
            self._type.currentIndexChanged, self._length.valueChanged, self._practitioner.currentIndexChanged,
            self._room.currentIndexChanged, self._day.textEdited, self._start.textEdited, self._overbook.textChanged,
        ):  # fmt: skip
            signal.connect(lambda *_: self.changed.emit())
        self._day.editingFinished.connect(self._spell_day)
        self._start.editingFinished.connect(self._spell_time)
        self._picker.picked.connect(self._take_patient)
        self._picker.register_wanted.connect(self.register_wanted)
        self._picker.textEdited.connect(self.patient_field.clear_error)

    # What stands in the fields

    def patient(self) -> PatientRow | None:
        """Who was picked."""
        return self._picker.patient()

    def take_patient(self) -> bool:
        """Enter in the line of the patient: pick who is marked. False where the line has not the focus, or nobody to pick."""
        return self._picker.hasFocus() and self._picker.take()

    def practitioner_id(self) -> UUID | None:
        """With whom; None where the clinic has nobody."""
        chosen = self._practitioner.currentData()
        return chosen if isinstance(chosen, UUID) else None

    def practitioner(self) -> str:
        """With whom, by name."""
        return self._practitioner.currentText()

    def type_id(self) -> UUID | None:
        """What for, if that is said."""
        chosen = self._type.currentData()
        return chosen if isinstance(chosen, UUID) else None

    def room_id(self) -> UUID | None:
        """Where; None: the practitioner's own room."""
        chosen = self._room.currentData()
        return chosen if isinstance(chosen, UUID) else None

    def length(self) -> timedelta:
        """How long."""
        return timedelta(minutes=self._length.value())

    def reason(self) -> str:
        """Why, in free words."""
        return self._reason.text()

    def overbook_reason(self) -> str:
        """Why a taken time is booked all the same; empty where that is not asked."""
        return self._overbook.text().strip() if self.overbook_field.isVisibleTo(self) else ""

    def day(self) -> date | None:
        """The day that is typed; None where none can be read."""
        shown = self._day.property("day")
        if shown and words.short_day(date.fromisoformat(shown)) == self._day.text():
            return date.fromisoformat(shown)
        return read_day(self._day.text(), self._desk.now().date())

    def start(self) -> datetime | None:
        """When it begins; None where day or time cannot be read."""
        day, at = self.day(), parse_time(self._start.text())
        if day is None or at is None:
            return None
        return self._exact or datetime.combine(day, at, self._desk.clinic.tz)

    def set_start(self, start: datetime) -> None:
        """Begin then."""
        local = start.astimezone(self._desk.clinic.tz)
        self._show_day(local.date())
        self._start.setText(words.clock(local))
        self._exact = start

    def draft(self) -> Prefill:
        """All of it."""
        return Prefill(
            self.patient(), self.practitioner_id(), self.start(), self.length(), self.type_id(), self.reason()
        )

    def requires_patient(self) -> PatientRow | None:
        """The patient; where nobody is picked, the field says so and takes the focus."""
        patient = self.patient()
        if patient is None:
            self.patient_field.show_error(self.tr("Choose a patient first."))
            self._picker.setFocus(Qt.FocusReason.OtherFocusReason)
        return patient

    def requires_start(self) -> datetime | None:
        """When it begins; what cannot be read is said, and takes the focus."""
        if self.day() is None:
            self.say_when_error(self.tr("That is no date. Try tue, 6w or 12 dec."), self._day)
        elif parse_time(self._start.text()) is None:
            self.say_when_error(self.tr("That is no time. Try 11:30."), self._start)
        return self.start()

    def say_when_error(self, sentence: str, editor: QLineEdit | None = None) -> None:
        """Say what is wrong with the time; `editor` (the start, if none is given) is marked and, if given, takes the focus."""
        self.when_field.show_error(sentence)
        self._mark(editor or self._start)
        if editor is not None:
            editor.setFocus(Qt.FocusReason.OtherFocusReason)

    def mark_start(self) -> None:
        """The start is what is wrong with the time."""
        self._mark(self._start)

    def _mark(self, wrong: QLineEdit | None) -> None:
        for editor in (self._day, self._start):
            editor.setProperty(INVALID, editor is wrong)
            editor.update()

    def focus_start(self) -> None:
        """Go where another time is typed."""
        self._start.setFocus(Qt.FocusReason.OtherFocusReason)
        self._start.selectAll()

    def clear_when_error(self) -> None:
        """The time is right now."""
        self.when_field.clear_error()
        self._mark(None)

    # What is typed

    def _take_patient(self) -> None:
        self.patient_field.clear_error()
        self.patient_picked.emit()

    def _take_length_of_type(self) -> None:
        kind = next((kind for kind in self._choices.types if kind.id == self.type_id()), None)
        if not self._length_is_chosen:
            self._length.blockSignals(True)
            self._length.setValue(kind.minutes if kind else USUAL_MINUTES)
            self._length.blockSignals(False)

    def _length_chosen(self) -> None:
        self._length_is_chosen = True

    def _time_typed(self) -> None:
        self._exact = None

    def _spell_day(self) -> None:
        day = self.day()
        if day is not None:
            self._show_day(day)

    def _show_day(self, day: date) -> None:
        self._day.setText(words.short_day(day))
        self._day.setProperty("day", day.isoformat())

    def _spell_time(self) -> None:
        at = parse_time(self._start.text())
        if at is not None:
            self._start.setText(words.clock(at))

    def _next_quarter(self) -> datetime:
        now = self._desk.now()
        return now.replace(second=0, microsecond=0) + timedelta(minutes=-now.minute % 15)


def _choose(box: QComboBox, value: UUID | None, name: str = "") -> None:
    """Choose what has this value. What a visit has and is not offered any more is added by `name`, so that it stays so."""
    # Not findData: it takes equal ids that are two Python objects for two values.
    index = next((i for i in range(box.count()) if box.itemData(i) == value), -1)
    if index < 0 and value is not None and name:
        box.addItem(name, value)
        index = box.count() - 1
    box.setCurrentIndex(max(index, 0))


def _swatch(colour: str, size: int, ratio: float) -> QIcon:
    """A small round square in a type's own colour."""
    pixmap = QPixmap(QSize(size, size) * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(0, 0, size, size, 3, 3)
    painter.end()
    return QIcon(pixmap)
