"""Opens the booking dialog: to book, to take in a walk-in, to change a visit; and tells what came of it."""

from __future__ import annotations

from uuid import UUID

from PySide6.QtCore import QObject, Signal

from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.actions import VisitActions
from clinicdesk.desktop.appointments.booking_dialog import BookingDialog, Purpose
from clinicdesk.desktop.appointments.booking_form import Choices
from clinicdesk.desktop.appointments.columns import Slot, Span
from clinicdesk.desktop.desk import Desk, Prefill
from clinicdesk.features.appointments.schemas import AppointmentRow


class Bookings(QObject):
    """One dialog at a time. What is in the book is undoable, and told without the patient's name."""

    wanted = Signal(object, object, object)
    """Prefill, Purpose, AppointmentRow or None: open the dialog for that, as soon as there is something to choose from."""
    done = Signal(object)
    """AppointmentRow as it stands in the book now."""

    def __init__(self, desk: Desk, actions: VisitActions, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._actions = desk, actions
        self._dialog: BookingDialog | None = None

    def open(self, choices: Choices, prefill: Prefill, purpose: Purpose, visit: AppointmentRow | None) -> None:
        """Open the dialog, prefilled."""
        if self._desk.host is None:
            return
        self._dialog = BookingDialog(self._desk, self._desk.host, choices, prefill, purpose=purpose, visit=visit)
        self._dialog.done.connect(self._booked if visit is None else self._edited)
        self._dialog.closed.connect(self._forget)
        self._dialog.open_sheet()

    def draft(self) -> Prefill | None:
        """What is typed in the dialog that is open."""
        return self._dialog.draft() if self._dialog is not None and self._dialog.is_open() else None

    def book_slot(self, slot: Slot) -> None:
        """Book where the cursor stands; where that is past, from now on."""
        start = None if slot.is_past(self._desk.now()) else slot.start
        self.wanted.emit(Prefill(practitioner_id=slot.practitioner_id, start=start), Purpose.BOOK, None)

    def book_span(self, span: Span) -> None:
        """Book the time that was drawn."""
        if self._desk.actor.may(Permission.BOOK):
            prefill = Prefill(practitioner_id=span.practitioner_id, start=span.start, length=span.length or None)
            self.wanted.emit(prefill, Purpose.BOOK, None)

    def take_in(self, slot: Slot | None) -> None:
        """Take in somebody who is here without a visit."""
        self.wanted.emit(Prefill(practitioner_id=slot.practitioner_id if slot else None), Purpose.WALK_IN, None)

    def change(self, visit: AppointmentRow) -> None:
        """Open a visit to look at it and change it."""
        self.wanted.emit(Prefill(), Purpose.EDIT, visit)

    def _booked(self, unit_id: UUID, visit: AppointmentRow) -> None:
        self._actions.tell(unit_id, words.booked(visit, self._desk.clinic.tz))
        self.done.emit(visit)

    def _edited(self, unit_id: UUID, visit: AppointmentRow) -> None:
        self._actions.tell(unit_id, self._actions.changed_words(visit))
        self.done.emit(visit)

    def _forget(self) -> None:
        self._dialog = None
