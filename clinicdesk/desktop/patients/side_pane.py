"""What stands beside a record on every tab: desk notes, whom to call, and who has looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QHBoxLayout,
    QLayout,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.admin.deeds import deed
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.look.visit_painter import initials
from clinicdesk.desktop.patients import words
from clinicdesk.desktop.patients.access_log import person_who
from clinicdesk.desktop.patients.elided_label import ElidedLabel
from clinicdesk.desktop.widgets import ActionButton, Glyph, TextLabel
from clinicdesk.features.audit.schemas import AuditRow
from clinicdesk.features.patients.schemas import ContactRow, PatientDetail

_LOOKS_SHOWN = 5


class PersonLine(QAbstractButton):
    """A name with something smaller below it and at the end of the line; a press opens it."""

    def __init__(self, name: str, below: str, aside: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._below, self._aside = below, aside
        self.setText(name)
        self.setAccessibleName(", ".join(filter(None, (name, below, aside))))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        metrics = theme().tokens.metrics
        return QSize(metrics.px(160), metrics.px(40 if self._below else 24))

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens, metrics = theme().tokens, theme().tokens.metrics
        painter = QPainter(self)
        if self.underMouse() and self.isEnabled():
            painter.fillRect(self.rect(), tokens.sunk)
        line = metrics.px(20)
        top = (self.height() - line * (2 if self._below else 1)) / 2
        first = QRectF(0, top, self.width(), line)
        start = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading
        end = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignTrailing
        small = QFontMetricsF(theme().font(Role.SMALL))
        aside = small.horizontalAdvance(self._aside)
        room = self.width() - aside - (metrics.px(8) if self._aside else 0)
        body = theme().name_font(Role.BODY)
        painter.setFont(body)
        painter.setPen(tokens.ink)
        name = QFontMetricsF(body).elidedText(self.text(), Qt.TextElideMode.ElideRight, room)
        painter.drawText(self._mirrored(QRectF(0, top, room, line)), start, name)
        painter.setFont(theme().font(Role.SMALL))
        painter.setPen(tokens.ink2)
        painter.drawText(first, end, self._aside)
        if self._below:
            below = small.elidedText(self._below, Qt.TextElideMode.ElideRight, self.width())
            painter.drawText(QRectF(0, top + line, self.width(), line), start, below)

    def _mirrored(self, rect: QRectF) -> QRectF:
        if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
            rect.moveRight(self.width() - rect.left())
        return rect


class SidePane(QWidget):
    """Shows what it is given; says in signals what is wanted."""

    contact_wanted = Signal(object)
    """ContactRow to look at or change; None to add one."""
    log_wanted = Signal()

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self._may_edit = desk.actor.may(Permission.EDIT_PATIENT)
        self._patient: PatientDetail | None = None
        self._lines: dict[str, PersonLine] = {}
        metrics = theme().tokens.metrics
        self.notes = TextLabel("", Role.SMALL, "ink2", wrap=True, parent=self)
        self.notes.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._contacts, self._looks = QVBoxLayout(), QVBoxLayout()
        for lines in (self._contacts, self._looks):
            lines.setSpacing(metrics.px(4))
        self.add_contact = ActionButton(self.tr("Add"), "K", parent=self)
        self.add_contact.setAccessibleName(self.tr("Add a contact"))
        self.add_contact.clicked.connect(lambda: self.contact_wanted.emit(None))
        self.add_contact.setVisible(self._may_edit)
        self.log = ActionButton(self.tr("Access log"), parent=self)
        self.log.clicked.connect(self.log_wanted)
        self.log.setVisible(desk.actor.may(Permission.READ_ACCESS_LOG))

        body = QWidget()
        body.setAutoFillBackground(False)
        column = QVBoxLayout(body)
        column.setContentsMargins(0, metrics.px(14), 0, metrics.px(14))
        column.setSpacing(metrics.px(14))
        self._add_part(column, self.tr("Desk notes"), None, self.notes)
        self._add_part(column, self.tr("Contacts"), self.add_contact, self._contacts)
        if desk.actor.may(Permission.READ_ACCESS_LOG):
            self._add_part(column, self.tr("Who has looked"), self.log, self._looks)
        hint = QHBoxLayout()
        hint.setContentsMargins(metrics.page_margin, 0, metrics.page_margin, 0)
        hint.addWidget(Glyph("ph.eye-slash", 15, "ink3"), 0, Qt.AlignmentFlag.AlignTop)
        says = self.tr("V shows hidden fields for 20 seconds. Each look is logged.")
        hint.addWidget(TextLabel(says, Role.SMALL, "ink2", wrap=True), 1)
        column.addLayout(hint)
        column.addStretch()
        scroll = QScrollArea(self)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(body)
        scroll.viewport().setAutoFillBackground(False)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.addWidget(scroll)
        self.setMinimumWidth(metrics.px(240))

    def _add_part(self, column: QVBoxLayout, title: str, button: ActionButton | None, body: QWidget | QLayout) -> None:
        metrics = theme().tokens.metrics
        part = QVBoxLayout()
        part.setContentsMargins(metrics.page_margin, 0, metrics.page_margin, 0)
        part.setSpacing(metrics.px(6))
        head = QHBoxLayout()
        head.addWidget(TextLabel(title, Role.BODY, weight=600), 1)
        if button is not None:
            head.addWidget(button)
        part.addLayout(head)
        if isinstance(body, QWidget):
            part.addWidget(body)
        else:
            part.addLayout(body)
        column.addLayout(part)
        column.addWidget(_Line())

    def show_patient(self, patient: PatientDetail) -> None:
        """Show notes and contacts, phones masked."""
        self._patient = patient
        notes = patient.demographics.desk_notes
        self.notes.setText(notes or self.tr("No notes"))
        self.notes.set_colour("ink2" if notes else "ink3")
        self._show_contacts(patient.contacts, clear=False)

    def reveal(self, on: bool) -> None:
        """Show the phones of contacts in clear, or masked again."""
        if self._patient is not None:
            self._show_contacts(self._patient.contacts, clear=on)

    def show_looks(self, entries: Sequence[AuditRow], today: date, zone: ZoneInfo) -> None:
        """Name the last ones who saw or changed something; reading the log itself is no news."""
        _empty(self._looks)
        told: set[tuple[str, str, date]] = set()
        for entry in entries:
            who, what = person_who(entry, self._desk), deed(entry)[0]
            key = (who, what, _local_day(entry.at, zone))
            if entry.verb == "audit.access_log" or key in told or len(told) == _LOOKS_SHOWN:
                continue
            told.add(key)
            self._looks.addLayout(_look_line(words.when_text(entry.at, zone, today), who, what))
        if not told:
            self._looks.addWidget(TextLabel(self.tr("Nobody yet"), Role.SMALL, "ink3"))

    def contact_lines(self) -> Mapping[str, PersonLine]:
        """The lines of contacts, by the name that they show."""
        return self._lines

    def _show_contacts(self, contacts: Sequence[ContactRow], *, clear: bool) -> None:
        focused = next((name for name, line in self.contact_lines().items() if line.hasFocus()), None)
        _empty(self._contacts)
        self._lines = {}
        hide = self._desk.privacy.initials_only
        for contact in contacts:
            phone = words.isolated(contact.phone) if clear else words.masked_phone(contact.phone)
            line = PersonLine(initials(contact.name) if hide else contact.name, phone, contact.relationship, self)
            line.setEnabled(self._may_edit)
            line.clicked.connect(lambda _checked=False, contact=contact: self.contact_wanted.emit(contact))
            self._contacts.addWidget(line)
            self._lines[line.text()] = line
            if line.text() == focused:
                line.setFocus(Qt.FocusReason.OtherFocusReason)
        if not contacts:
            self._contacts.addWidget(TextLabel(self.tr("Nobody to call yet"), Role.SMALL, "ink3"))

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(event.rect(), theme().tokens.alt)


class _Line(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(1)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), theme().tokens.line)


def _look_line(when: str, who: str, what: str) -> QHBoxLayout:
    metrics = theme().tokens.metrics
    line = QHBoxLayout()
    line.setSpacing(metrics.px(8))
    time = TextLabel(when, Role.SMALL, "ink2")
    time.setMinimumWidth(metrics.px(44))
    deed = TextLabel(what, Role.SMALL, "ink2")
    deed.setAlignment(Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignVCenter)
    name = ElidedLabel(Role.SMALL, "ink", 500)
    name.setText(who)
    line.addWidget(time)
    line.addWidget(name)
    line.addStretch()
    line.addWidget(deed)
    return line


def _local_day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _empty(layout: QLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        if (inner := item.layout()) is not None:
            _empty(inner)
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
