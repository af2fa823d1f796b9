"""The card over a patient's visits: the next one, how long until then, and what the desk does with it."""

from __future__ import annotations

from datetime import timedelta

from PySide6.QtCore import QCoreApplication, QRectF, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.appointments import words as visit_words
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look import shapes
from clinicdesk.desktop.look.status import Fill, status_look
from clinicdesk.desktop.look.theme import theme
from clinicdesk.desktop.look.tokens import Role
from clinicdesk.desktop.patients.elided_label import ElidedLabel
from clinicdesk.desktop.patients.visit_history import when_words
from clinicdesk.desktop.widgets import ActionButton, ButtonKind, Chip, Glyph
from clinicdesk.features.appointments.rules import LEGAL, State, state_of
from clinicdesk.features.appointments.schemas import AppointmentRow, Status


class NextVisitCard(QFrame):
    """One visit in words; its keys work anywhere on the record where no other visit is chosen."""

    check_in_wanted = Signal()
    reschedule_wanted = Signal()

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk
        self._visit: AppointmentRow | None = None
        self._may_reschedule = False
        metrics = theme().tokens.metrics
        self._glyph = Glyph("ph.calendar-check", 22, "accent", self)
        self._title = ElidedLabel(Role.CARD, parent=self)
        self._detail = ElidedLabel(Role.BODY, "ink2", parent=self)
        self._chip = Chip("", parent=self)
        self._reschedule = ActionButton(self.tr("Reschedule"), "R", parent=self)
        self._reschedule.clicked.connect(self.reschedule_wanted)
        self._check_in = ActionButton(self.tr("Check in"), "C", kind=ButtonKind.PRIMARY, parent=self)
        self._check_in.clicked.connect(self.check_in_wanted)
        told = QVBoxLayout()
        told.setSpacing(metrics.px(1))
        told.addWidget(self._title)
        told.addWidget(self._detail)
        row = QHBoxLayout(self)
        row.setContentsMargins(metrics.px(16), metrics.px(10), metrics.px(14), metrics.px(10))
        row.setSpacing(metrics.px(14))
        row.addWidget(self._glyph)
        row.addLayout(told)
        row.addStretch(1)
        row.addWidget(self._chip)
        row.addWidget(self._reschedule)
        row.addWidget(self._check_in)
        self.show_visit(None)

    def show_visit(self, visit: AppointmentRow | None) -> None:
        """Show the next visit, or that there is none."""
        self._visit = visit
        state = state_of(visit) if visit is not None else None
        actor = self._desk.actor
        is_today = visit is not None and visit.start.astimezone(self._desk.clinic.tz).date() == self._desk.now().date()
        may_check_in = state is not None and State.CHECKED_IN in LEGAL[state] and is_today
        self._check_in.setVisible(may_check_in and actor.may(Permission.ADVANCE_VISIT))
        movable = state in (State.BOOKED, State.PENDING, State.PROPOSED)
        self._may_reschedule = movable and actor.may(Permission.BOOK)
        if visit is not None:
            look = status_look(visit.status.value, visit.confirmed, visit.in_progress)
            tone = "quiet" if look.family == "done" or look.fill is Fill.BASE else look.family
            self._chip.set_chip(look.label, tone, look.glyph)
        self._fit()
        self.tick()

    def _fit(self) -> None:
        """Where it is narrow the words come first: the table says the status too, and the key works without its button."""
        metrics = theme().tokens.metrics
        self._chip.setVisible(self._visit is not None and self.width() >= metrics.px(520))
        self._reschedule.setVisible(self._may_reschedule and self.width() >= metrics.px(620))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def tick(self) -> None:
        """The clock has gone on: say anew how long it is until then."""
        visit = self._visit
        if visit is None:
            self._title.setText(self.tr("No visit ahead"))
            self._detail.setText(self.tr("Nothing is booked from now on."))
            return
        now = self._desk.now()
        local = visit.start.astimezone(self._desk.clinic.tz)
        if local.date() == now.date():
            title = self.tr("Next: today at %1").replace("%1", visit_words.clock(local))
        else:
            title = self.tr("Next: %1").replace("%1", when_words(visit, self._desk))
        if until := _until(visit.start - now):
            title += ", " + until
        if visit.status in (Status.ARRIVED, Status.CHECKED_IN):
            title = self.tr("Here now, booked for %1").replace("%1", visit_words.clock(local))
        self._title.setText(title)
        what = visit.type_name or visit.reason or self.tr("Visit")
        with_whom = self.tr("%1 with %2").replace("%1", what).replace("%2", visit.practitioner_name)
        length = visit_words.hours_and_minutes(visit.end - visit.start)
        self._detail.setText(", ".join(filter(None, (with_whom, visit.room_name, length))))

    def title(self) -> str:
        """The first line."""
        return self._title.text()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme().tokens
        shapes.box(QPainter(self), QRectF(self.rect()), tokens.metrics.radius_card, tokens.base, tokens.line2)


def _until(length: timedelta) -> str:
    """ "in 1 h 38 min" within a day, "in 21 days" after; nothing for what has begun."""
    if length <= timedelta():
        return ""
    translate = QCoreApplication.translate
    if length < timedelta(days=1):
        return translate("Patients", "in %1").replace("%1", visit_words.hours_and_minutes(length))
    return translate("Patients", "in %n days", "", length.days)
