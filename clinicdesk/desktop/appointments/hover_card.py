"""The card beside a visit: who it is and how the visit stands, for whoever hovers over it or asks by key."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from PySide6.QtCore import QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look import shapes
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.widgets import Chip, InitialsTile, KeyHint, TextLabel
from clinicdesk.features.appointments.schemas import AppointmentRow
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import PatientRow

_MASK = "\u2066•••• ••• {}\u2069"


class HoverCard(QFrame):
    """One visit in a card; it never covers what it describes, and takes no focus."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.ToolTip | Qt.WindowType.FramelessWindowHint)
        self._desk = desk
        self._visit: AppointmentRow | None = None
        self._known: dict[UUID, PatientRow] = {}
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        metrics = theme().tokens.metrics
        self._tile = InitialsTile("", 32, self)
        self._name = TextLabel("", Role.BODY, "ink", 600, parent=self)
        self._about = TextLabel("", Role.SMALL, "ink2", parent=self)
        self._chip = Chip("", parent=self)
        self._top = QHBoxLayout()
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(metrics.px(16))
        self._grid.setVerticalSpacing(metrics.px(6))
        self._values: dict[str, TextLabel] = {}
        self._labels: dict[str, TextLabel] = {}
        for key, label in (
            ("when", self.tr("Time")), ("for", self.tr("For")), ("with", self.tr("With")),
            ("waiting", self.tr("Waiting")), ("overbooked", self.tr("Overbooked")), ("phone", self.tr("Phone")),
            ("born", self.tr("Born")),
        ):  # fmt: skip
            self._labels[key] = TextLabel(label, Role.SMALL, "ink3", parent=self)
            self._values[key] = TextLabel("", Role.SMALL, "ink", parent=self)
            row = len(self._values)
            self._grid.addWidget(self._labels[key], row, 0)
            self._grid.addWidget(self._values[key], row, 1)
        self._grid.setColumnStretch(1, 1)
        self._hide_timer = QTimer(self, singleShot=True)
        self._hide_timer.timeout.connect(self._mask)
        self._lay_out()

    def _lay_out(self) -> None:
        metrics = theme().tokens.metrics
        who = QVBoxLayout()
        who.setSpacing(0)
        who.addWidget(self._name)
        who.addWidget(self._about)
        top = self._top
        top.setSpacing(metrics.px(10))
        top.addWidget(self._tile, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(who, 1)
        top.addWidget(self._chip, 0, Qt.AlignmentFlag.AlignTop)
        hints = QHBoxLayout()
        hints.setSpacing(metrics.px(12))
        hints.addWidget(KeyHint("Enter", self.tr("open"), self))
        if self._desk.actor.may(Permission.BOOK):
            hints.addWidget(KeyHint("Ctrl+X", self.tr("cut"), self))
        if self._desk.actor.may(Permission.OPEN_PATIENT):
            hints.addWidget(KeyHint("V", self.tr("show"), self))
        hints.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(metrics.px(14), metrics.px(12), metrics.px(14), metrics.px(15))
        column.setSpacing(metrics.px(10))
        column.addLayout(top)
        column.addLayout(self._grid)
        column.addSpacing(metrics.px(2))
        column.addLayout(hints)
        self.setFixedWidth(metrics.px(340))

    def visit(self) -> AppointmentRow | None:
        """The visit that the card shows."""
        return self._visit

    def show_beside(self, visit: AppointmentRow, anchor: QRect) -> None:
        """Show the card of a visit that stands at `anchor`, a rectangle of the screen that stays in sight."""
        before = self._visit
        if before is None or (before.id, before.patient_id) != (visit.id, visit.patient_id):
            self._hide_timer.stop()
            self._mask()
        self._visit = visit
        self._fill()
        self._place(anchor)
        self.show()
        if visit.patient_id not in self._known and self._desk.actor.may(Permission.FIND_PATIENT):
            patient_id = visit.patient_id
            self._desk.runner.read(
                lambda tx: patients.get_row(tx, patient_id), self._learn, owner=self, failed=self._learn_nothing
            )

    def reveal(self, phone: str, birth_date: str) -> None:
        """Show what is otherwise masked, until the time for it is over."""
        self._set("phone", phone)
        self._set("born", birth_date)
        self.adjustSize()
        self._hide_timer.start(theme().tokens.timing.reveal)

    def dismiss(self) -> None:
        """Put the card away, and mask what was revealed."""
        self._hide_timer.stop()
        if self.isVisible():
            self.hide()
        self._mask()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        body = self.rect().adjusted(0, 0, 0, -3)
        shapes.lift(painter, body, tokens.metrics.radius_card, tokens)

    def _fill(self) -> None:
        visit = self._visit
        if visit is None:
            return
        zone, now = self._desk.clinic.tz, self._desk.now()
        hidden = self._desk.privacy.initials_only
        self._tile.set_name(visit.patient_name)
        self._name.setText(words.person(visit, hidden))
        self._about.setText("" if hidden else self._who(visit))
        chip = Chip.for_status(visit.status.value, visit.confirmed, visit.in_progress)
        self._top.replaceWidget(self._chip, chip)
        self._chip.deleteLater()
        self._chip = chip
        when = self.tr("%1 to %2, %3")
        for mark, text in (
            ("%1", words.clock(visit.start, zone)), ("%2", words.clock(visit.end, zone)),
            ("%3", words.hours_and_minutes(visit.end - visit.start)),
        ):  # fmt: skip
            when = when.replace(mark, text)
        self._set("when", when)
        self._set("for", "" if hidden else ", ".join(dict.fromkeys(filter(None, (visit.type_name, visit.reason)))))
        self._set("with", ", ".join(part for part in (visit.practitioner_name, visit.room_name) if part))
        waited = words.minutes_waited(visit, now)
        waiting = ""
        if waited is not None and visit.arrived_at is not None:
            waiting = self.tr("%n min, arrived %1", "", waited).replace("%1", words.clock(visit.arrived_at, zone))
        self._set("waiting", waiting)
        self._set("overbooked", visit.overbook_reason)
        if not self._hide_timer.isActive():
            self._mask()
        self.adjustSize()

    def _who(self, visit: AppointmentRow) -> str:
        patient = self._known.get(visit.patient_id)
        if patient is None:
            return visit.patient_number
        parts = []
        if patient.birth_date is not None:
            parts.append(self.tr("%n years", "", _age(patient.birth_date, self._desk.now().date())))
        parts.append(patient.pronouns)
        known = ", ".join(part for part in parts if part)
        return f"{known} · {visit.patient_number}" if known else visit.patient_number

    def _set(self, key: str, text: str) -> None:
        self._values[key].setText(text)
        self._values[key].setVisible(bool(text))
        self._labels[key].setVisible(bool(text))

    def _mask(self) -> None:
        patient = self._known.get(self._visit.patient_id) if self._visit else None
        shown = patient is not None and not self._desk.privacy.initials_only
        self._set("phone", _MASK.format(patient.phone[-3:]) if shown and patient and patient.phone else "")
        self._set("born", "")

    def _learn(self, patient: PatientRow) -> None:
        self._known[patient.id] = patient
        if self._visit is not None and self._visit.patient_id == patient.id and self.isVisible():
            self._fill()

    def _learn_nothing(self, _error: ClinicError) -> None:
        """The card says what it knows of the visit; a record that cannot be read adds nothing to it."""

    def _place(self, anchor: QRect) -> None:
        """Beside the visit where there is room, else under or over it: never on it."""
        screen = QGuiApplication.screenAt(anchor.center()) or QGuiApplication.primaryScreen()
        room, size, gap = screen.availableGeometry(), self.sizeHint(), 6
        right, left = anchor.right() + gap, anchor.left() - gap - self.width()
        rtl = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        for x in (left, right) if rtl else (right, left):
            if room.left() <= x and x + self.width() <= room.right():
                y = min(max(anchor.top(), room.top()), room.bottom() - size.height())
                self.move(QPoint(x, y))
                return
        below = anchor.bottom() + gap
        y = below if below + size.height() <= room.bottom() else anchor.top() - gap - size.height()
        self.move(QPoint(min(max(anchor.left(), room.left()), room.right() - self.width()), y))


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
