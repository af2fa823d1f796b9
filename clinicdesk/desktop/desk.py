"""What every screen is given: who sits here, the way to the database, the way to the other screens, undo and privacy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from clinicdesk.core.clinic import ClinicRow
from clinicdesk.core.errors import ClinicError, Unavailable
from clinicdesk.core.tx import Actor, Committed, Tx
from clinicdesk.desktop.keys import KeyBinder
from clinicdesk.desktop.look.theme import Theme, theme
from clinicdesk.desktop.preferences import Preferences
from clinicdesk.desktop.runner import Crash, Runner
from clinicdesk.desktop.sentences import sentence
from clinicdesk.features.appointments.schemas import AppointmentRow
from clinicdesk.features.patients.schemas import PatientRow
from clinicdesk.features.practitioners.clinic import clinic as read_clinic
from clinicdesk.features.users.schemas import SignedIn, UserRow


@dataclass(frozen=True, slots=True)
class Prefill:
    """What is known of a visit before it is booked. `start` is aware; whatever is None is asked."""

    patient: PatientRow | None = None
    practitioner_id: UUID | None = None
    start: datetime | None = None
    length: timedelta | None = None
    type_id: UUID | None = None
    reason: str = ""


class Request:
    """Something that one screen asks of another, whichever that is."""


@dataclass(frozen=True, slots=True)
class OpenPatient(Request):
    patient_id: UUID


@dataclass(frozen=True, slots=True)
class FindPatient(Request):
    """Put the cursor into the search for patients; `text` is typed already."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class NewPatient(Request):
    """Begin to register a patient; `text` is what was searched for, and likely their name.

    With `booking`, the visit that they are wanted for is booked on once they are registered.
    """

    text: str = ""
    booking: Prefill | None = None


@dataclass(frozen=True, slots=True)
class ShowVisit(Request):
    visit: AppointmentRow


@dataclass(frozen=True, slots=True)
class ShowDay(Request):
    day: date


@dataclass(frozen=True, slots=True)
class BookVisit(Request):
    prefill: Prefill


class Privacy(QObject):
    """Whether names are cut down to initials wherever the public may look on."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._initials_only = False

    @property
    def initials_only(self) -> bool:
        return self._initials_only

    def set_initials_only(self, on: bool) -> None:
        if on != self._initials_only:
            self._initials_only = on
            self.changed.emit()


Reversal: TypeAlias = Callable[[Tx], "Reversal"]
"""Work that takes something back, and gives the work that would do it again."""


def _revert(unit_id: UUID) -> Reversal:
    """Takes back what a unit of work did to visits."""

    def reverting(tx: Tx) -> Reversal:
        from clinicdesk.features.appointments.undo import (
            revert,  # loaded on first use: start-up need not wait for it
        )

        revert(tx, unit_id)
        return _revert(tx.unit_id)

    return reverting


@dataclass(frozen=True, slots=True)
class _Step:
    back: Reversal
    text: str


class UndoStack(QObject):
    """What this person did in this session and can undo, last first, and those that can be done again.

    An undo is a new, audited unit of work; to redo is to undo that one. `text` says what was done, without names.
    """

    changed = Signal()
    told = Signal(str)
    """What has just been undone, or done again, in words."""
    failed = Signal(object)
    """ClinicError: it could not be undone."""

    def __init__(self, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._done: list[_Step] = []
        self._undone: list[_Step] = []

    @property
    def undo_text(self) -> str:
        """What the next undo would undo; empty where there is nothing."""
        return self._done[-1].text if self._done else ""

    @property
    def redo_text(self) -> str:
        """What the next redo would do again; empty where there is nothing."""
        return self._undone[-1].text if self._undone else ""

    def push(self, unit_id: UUID, text: str) -> None:
        """Remember a committed unit of work on visits (`tx.unit_id`). Whatever was undone before it cannot be done again."""
        self.push_reversal(_revert(unit_id), text)

    def push_reversal(self, back: Reversal, text: str) -> None:
        """Remember something else that is done, by the work that takes it back: verbs, as everything that changes data."""
        self._done.append(_Step(back, text))
        self._undone.clear()
        self.changed.emit()

    def undo(self) -> None:
        """Undo the last step, if there is one."""
        self._revert(self._done, self._undone, self.tr("Undone: {what}"))

    def redo(self) -> None:
        """Do again what was undone last, if there is something."""
        self._revert(self._undone, self._done, self.tr("Done again: {what}"))

    def _revert(self, source: list[_Step], target: list[_Step], words: str) -> None:
        if not source:
            return
        step = source.pop()
        self.changed.emit()

        def reverted(back: Reversal) -> None:
            target.append(_Step(back, step.text))
            self.changed.emit()
            self.told.emit(words.replace("{what}", step.text))

        def refused(error: ClinicError) -> None:
            if isinstance(error, Unavailable):  # trying again may help
                source.append(step)
                self.changed.emit()
            self.failed.emit(error)

        self._runner.write(step.back, reverted, owner=self, failed=refused)


class Desk(QObject):
    """One person's session at this desk, from sign-in to sign-out. Screens talk to it, and through it to each other."""

    requested = Signal(object)
    """A Request; the window brings up the screen that takes it."""
    toasted = Signal(str, bool)
    """Words for the toast, and whether Undo stands beside them."""
    clinic_changed = Signal()
    """The clinic's settings are new."""

    def __init__(
        self,
        runner: Runner,
        clinic: ClinicRow,
        signed_in: SignedIn,
        preferences: Preferences,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.runner = runner
        self.theme: Theme = theme()
        self.preferences = preferences
        self.host: QWidget | None = None
        """What a sheet of this person lies on: it is hidden with the screens when the desk locks. The window sets it."""
        self.keys = KeyBinder(self)
        self.keys.set_characters(preferences.character_keys)
        self.privacy = Privacy(self)
        self.undo = UndoStack(runner, self)
        self.clinic = clinic
        self.user: UserRow = signed_in.user
        self.actor: Actor = signed_in.actor
        runner.actor = signed_in.actor
        self.undo.told.connect(self.toast)
        self.undo.failed.connect(self.say)
        runner.failed.connect(self.say)
        runner.crashed.connect(self._say_crash)
        runner.changed.connect(self._follow)

    def now(self) -> datetime:
        """The present instant, aware, in the clinic's zone."""
        return self.runner.now().astimezone(self.clinic.tz)

    def toast(self, text: str, undo: bool = False) -> None:
        """Say briefly what has happened, without names; `undo` offers the way back."""
        self.toasted.emit(text, undo)

    def say(self, error: ClinicError) -> None:
        """Say in a sentence what went wrong, where no field can say it."""
        self.toast(sentence(error, self.clinic.tz))

    def open_patient(self, patient_id: UUID) -> None:
        """Show the record of a patient."""
        self.requested.emit(OpenPatient(patient_id))

    def find_patient(self, text: str = "") -> None:
        """Go to the search for patients."""
        self.requested.emit(FindPatient(text))

    def new_patient(self, text: str = "", booking: Prefill | None = None) -> None:
        """Begin to register a patient, and after it book the visit that `booking` knows of."""
        self.requested.emit(NewPatient(text, booking))

    def show_visit(self, visit: AppointmentRow) -> None:
        """Show the calendar where this visit stands, and choose it."""
        self.requested.emit(ShowVisit(visit))

    def show_day(self, day: date) -> None:
        """Show the calendar of a day."""
        self.requested.emit(ShowDay(day))

    def book(self, prefill: Prefill) -> None:
        """Begin to book a visit."""
        self.requested.emit(BookVisit(prefill))

    def _say_crash(self, reference: str) -> None:
        self.toast(sentence(Crash(reference=reference), self.clinic.tz))

    def _follow(self, committed: Committed) -> None:
        if "clinic" in committed.entities:
            self.runner.read(read_clinic, self._take_clinic, owner=self)

    def _take_clinic(self, clinic: ClinicRow) -> None:
        self.clinic = clinic
        self.clinic_changed.emit()
