"""The program does its main job by itself: the keys that a person would press, in its own windows, with proof and pictures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from sys import stdout
from typing import TypeVar
from uuid import UUID

from PySide6.QtCore import QDeadlineTimer, QEventLoop, QTimer
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import Verification
from clinicdesk.core.tx import Tx
from clinicdesk.desktop.appointments import words
from clinicdesk.desktop.appointments.columns import Slot
from clinicdesk.desktop.appointments.today import TodayScreen
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.look.theme import Mode, theme
from clinicdesk.desktop.window import Window
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import AppointmentRow, Status
from clinicdesk.features.audit import service as audit
from clinicdesk.features.demo.cast import ACCOUNTS
from clinicdesk.features.patients import service as patients
from clinicdesk.features.practitioners.schemas import Interval

SIZE = (1440, 900)
PATIENCE_MS = 20_000
OPENING_MS = 120_000
"""The demo clinic is made at its first start, with every visit through the same verbs as one that is booked by hand."""
_TICK_MS = 20
_QUIET_TICKS = 6
"""So long nothing is under way before the next key: a button that is pressed by a key takes 100 ms to do it."""
_STILL_TICKS = 20
"""So long before a picture is taken: a search may wait for another letter."""

T = TypeVar("T")
Visits = dict[UUID, AppointmentRow]


class Stuck(Exception):
    """What a step waits for has not come true."""


class Hands:
    """Somebody at the keyboard, who looks at the window between two keys. Nothing here reaches past it but questions."""

    def __init__(self, app: QApplication, window: Window) -> None:
        self._app, self.window = app, window
        self.keys = 0
        """How many keys were pressed so far; a chord is one."""
        self._busy = False
        self._crash = ""
        window.runner.busy.connect(self._set_busy)
        window.runner.crashed.connect(self._note_crash)

    def press(self, *chords: str) -> None:
        """Press keys, such as "Ctrl+X" or ".", and wait until the program has done what they ask."""
        for chord in chords:
            QTest.keySequence(self.window.windowHandle(), QKeySequence(chord))
            self.keys += 1
            self.settle()

    def type(self, text: str) -> None:
        """Type the letters, as fast as they come."""
        for letter in text:
            QTest.keyClick(self.window.windowHandle(), ord(letter))
            self.keys += 1
        self.settle()

    def wait(self, condition: Callable[[], T | None], what: str, patience: int = PATIENCE_MS) -> T:
        """Let the program work until the condition holds; gives its value. Raises Stuck, saying `what` is missing."""
        clock = QTimer()
        clock.start(_TICK_MS)  # wakes the loop where nothing else does
        deadline = QDeadlineTimer(patience)
        value = condition()
        while not value:
            if self._crash:
                raise Stuck(f"something went wrong, reference {self._crash}")
            if deadline.hasExpired() or not self.window.isVisible():
                raise Stuck(what)
            self._app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
            value = condition()
        return value

    def settle(self, wanted: int = _QUIET_TICKS) -> None:
        """Wait until nothing has been under way for so many ticks."""
        ticks = 0

        def is_quiet() -> bool:
            nonlocal ticks
            ticks = 0 if self._busy else ticks + 1
            return ticks > wanted

        self.wait(is_quiet, "the work under way does not end")

    def ask(self, work: Callable[[Tx], T], *, audited: bool = False) -> T:
        """Ask the database, in the name of whoever is signed in; what is `audited` leaves an entry. Raises Stuck."""
        answers: list[T] = []
        refusals: list[ClinicError] = []
        runner = self.window.runner
        (runner.write if audited else runner.read)(work, answers.append, owner=self.window, failed=refusals.append)
        self.wait(lambda: answers or refusals, "the database does not answer")
        if refusals:
            raise Stuck(f"the database refuses: {refusals[0].reason}")
        return answers[0]

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy

    def _note_crash(self, reference: str) -> None:
        self._crash = reference


class Tour:
    """The steps. Each does what a person would, proves it by the database, and says in words what came of it, naming nobody."""

    def __init__(self, hands: Hands) -> None:
        self.hands, self.window = hands, hands.window
        self._patient: UUID | None = None
        self._visit: UUID | None = None
        self._slot: Slot | None = None

    # The receptionist

    def type_password(self) -> str:
        self.hands.wait(lambda: self._title("Sign in"), "nobody is asked to sign in", OPENING_MS)
        self._type_account(Role.RECEPTIONIST)
        return "The demo clinic is open, and a receptionist types e-mail and password."

    def see_today(self) -> str:
        self.hands.press("Return")
        self.hands.wait(lambda: self.window.desk, "the receptionist is not let in")
        self.hands.press("Ctrl+1")  # another screen may have been the last one here
        self.hands.wait(lambda: self._today.day_view.columns(), "the day stays empty")
        return "Enter signs in. Today shows who comes when, to whom, and who waits."

    def see_week(self) -> str:
        self.hands.press("Alt+2")
        self._expect(self._today.view() == "week", "the week does not show")
        return "The week of one practitioner."

    def see_month(self) -> str:
        self.hands.press("Alt+3")
        self._expect(self._today.view() == "month", "the month does not show")
        self.hands.settle()
        return "The month, with how full each day is."

    def find_patient(self) -> str:
        self.hands.press("Alt+1", "/")
        self.hands.wait(lambda: self._title("Patients"), "the search does not open")
        self.hands.type("smi")
        found = self.hands.ask(lambda tx: patients.search(tx, "smi"))
        self._patient = found[0].id
        return f"Four keys, / s m i, find {len(found)} patients."

    def open_record(self) -> str:
        patient_id = self._known(self._patient)
        self.hands.press("Return")
        log = self.hands.ask(lambda tx: audit.access_log(tx, patient_id), audited=True)
        opened = [entry for entry in log if entry.verb == "patients.open_record"]
        self._expect(bool(opened) and opened[0].actor_id == self._desk.actor.user_id, "the record does not open")
        return "Enter opens the record of the first, and their access log says who opened it."

    def choose_slot(self) -> str:
        patient_id = self._known(self._patient)
        self.hands.press("Ctrl+1", "T")
        taken = [row.interval for row in self._visits().values() if row.patient_id == patient_id]
        slot = self._next_opening()
        while any(Interval(slot.start, slot.start + timedelta(hours=1)).overlaps(visit) for visit in taken):
            slot = self._next_opening()
        self.hands.press("N")
        self.hands.type("smi")
        self.hands.press("Return")
        return (
            f"One key goes to the next free opening, {self._when(slot.start)}; N and three letters fill in the visit."
        )

    def book(self) -> str:
        before = self._visits()
        self.hands.press("Return")
        row = self._new_visit(before)
        self._visit = row.id
        self._expect(row.patient_id == self._patient and row.status is Status.BOOKED, "another visit was booked")
        return f"Enter books it: {self._told(row)}."

    def cut(self) -> str:
        self.hands.press("Ctrl+X")
        self._next_opening()
        self._slot = self._next_opening()
        self._expect(self._row().start != self._slot.start, "the visit moves before it is placed")
        return "Ctrl+X takes the visit into the hand, and . . goes two openings on; it keeps its time."

    def move(self) -> str:
        slot = self._known(self._slot)
        self.hands.press("Ctrl+V")
        row = self._wait_for(lambda row: row.start == slot.start, "the visit does not move")
        return f"Ctrl+V places it: {self._told(row)}."

    def check_in(self) -> str:
        self.hands.press("C")
        row = self._wait_for(lambda row: row.status is Status.CHECKED_IN, "the visit is not checked in")
        return f"C checks it in: {self._told(row)}."

    def undo(self) -> str:
        self.hands.press("Ctrl+Z")
        self._wait_for(lambda row: row.status is Status.BOOKED, "the check-in is not undone")
        return "Ctrl+Z takes the check-in back."

    def redo(self) -> str:
        self.hands.press("Ctrl+Shift+Z")
        self._wait_for(lambda row: row.status is Status.CHECKED_IN, "the check-in is not done again")
        return "Ctrl+Shift+Z does it again."

    def type_phrase(self) -> str:
        self.hands.press("Ctrl+K")
        self._expect(self._known(self.window.workplace).sheet_is_open(), "the command bar does not open")
        self.hands.type("smith lee fu 30 tue am")
        return "The command bar ranks openings for: smith lee fu 30 tue am."

    def book_by_phrase(self) -> str:
        before = self._visits()
        self.hands.press("Return")
        row = self._new_visit(before)
        self._expect(
            "Lee" in row.practitioner_name
            and row.end - row.start == timedelta(minutes=30)
            and row.start.astimezone(self._desk.clinic.tz).strftime("%a %p") == "Tue AM",
            "another visit was booked than the phrase says",
        )
        return f"Enter books the best: {self._told(row)}."

    def see_flow(self) -> str:
        self.hands.press("Ctrl+2")
        self.hands.wait(lambda: self._title("Flow"), "the flow board does not open")
        return "The flow board: who is expected, who waits and how long, who is in which room."

    def advance(self) -> str:
        before = self._visits()
        self.hands.press("1", "Space")
        row = self.hands.wait(
            lambda: next((row for row in self._visits().values() if before[row.id] != row), None),
            "no visit goes a step on",
        )
        return f"Space takes the first a step on: {self._told(row)} is now {row.status.value.replace('-', ' ')}."

    def see_keys(self) -> str:
        self.hands.press("F1")
        self._expect(self._known(self.window.workplace).sheet_is_open(), "the keys do not show")
        return "F1 shows the keys."

    def lock(self) -> str:
        self.hands.press("Esc", "Ctrl+L")
        self._expect(self._title("Locked"), "the desk does not lock")
        return "Ctrl+L locks the desk: counts, and not one name."

    # The administrator

    def see_users(self) -> str:
        self.hands.press("Alt+U")
        self._type_account(Role.ADMINISTRATOR)
        self.hands.press("Return")
        self.hands.wait(lambda: self._desk.actor.role is Role.ADMINISTRATOR, "the administrator is not let in")
        self.hands.press("Ctrl+4")
        self.hands.wait(lambda: self._title("Admin"), "the administration does not open")
        return "Another person takes over: users, roles and the audit log."

    def verify_trail(self) -> str:
        actor = self._desk.actor
        found: list[Verification] = []
        self.window.runner.call(
            lambda database: audit.verify_chain(database, actor), found.append, owner=self.window, aside=True
        )
        self.hands.wait(lambda: found, "the audit trail is not verified")
        self._expect(found[0].ok, "the audit trail is broken")
        self.hands.press("Ctrl+F")
        self.hands.type(next(account.name for account in ACCOUNTS if account.role is Role.RECEPTIONIST))
        return f"The audit trail is whole: {found[0].entries} entries. Ctrl+F finds what the receptionist did."

    def see_hours(self) -> str:
        self.hands.press("Ctrl+1", "Ctrl+4", "Alt+2")
        return "Practitioners, their weekly hours, leave and the public holidays."

    def see_types(self) -> str:
        self.hands.press("Alt+3")
        return "Visit types with length and colour."

    def see_places(self) -> str:
        self.hands.press("Alt+4")
        return "Rooms, sites and the clinic itself."

    def see_dark(self) -> str:
        theme().set_mode(Mode.DARK)
        self.hands.press("Ctrl+1", "T")
        self.hands.wait(lambda: self._title("Today"), "Today does not open")
        return "Today in dark."

    # What the steps share

    @property
    def _desk(self) -> Desk:
        return self._known(self.window.desk)

    @property
    def _today(self) -> TodayScreen:
        screen = self._known(self.window.workplace).screen_in_front
        if not isinstance(screen, TodayScreen):
            raise Stuck("Today is not in front")
        return screen

    def _type_account(self, role: Role) -> None:
        account = next(account for account in ACCOUNTS if account.role is role)
        self.hands.type(account.email)
        self.hands.press("Return")
        self.hands.type(account.passphrase)

    def _title(self, page: str) -> bool:
        return self.window.windowTitle() == f"ClinicDesk - {page}"

    def _next_opening(self) -> Slot:
        """Press the key for the next free opening, until the cursor has come to one."""
        before = self._today.current_slot()
        self.hands.press(".")
        return self.hands.wait(
            lambda: slot if (slot := self._today.current_slot()) != before else None, "no free opening is found"
        )

    def _visits(self) -> Visits:
        """What stands in the book now, from yesterday on."""
        first = self._desk.now() - timedelta(days=1)
        rows = self.hands.ask(lambda tx: appointments.visits_between(tx, first, first + timedelta(days=120)))
        return {row.id: row for row in rows}

    def _row(self) -> AppointmentRow:
        """The visit that the tour has booked, as it is now."""
        return self._visits()[self._known(self._visit)]

    def _wait_for(self, condition: Callable[[AppointmentRow], bool], what: str) -> AppointmentRow:
        return self.hands.wait(lambda: row if condition(row := self._row()) else None, what)

    def _new_visit(self, before: Visits) -> AppointmentRow:
        """The visit that was not in the book before."""
        return self.hands.wait(
            lambda: next((row for id_, row in self._visits().items() if id_ not in before), None), "no visit is booked"
        )

    def _when(self, start: datetime) -> str:
        local = start.astimezone(self._desk.clinic.tz)
        return f"{words.short_day(local.date())}, {words.clock(local)}"

    def _told(self, row: AppointmentRow) -> str:
        return f"{self._when(row.start)} with {row.practitioner_name}"

    def _expect(self, condition: bool, what: str) -> None:
        if not condition:
            raise Stuck(what)

    def _known(self, value: T | None) -> T:
        if value is None:
            raise Stuck("nobody is signed in, or nothing was found to go on with")
        return value


STEPS: tuple[tuple[str, Callable[[Tour], str]], ...] = (
    ("sign-in", Tour.type_password),
    ("today", Tour.see_today),
    ("week", Tour.see_week),
    ("month", Tour.see_month),
    ("find-patient", Tour.find_patient),
    ("record", Tour.open_record),
    ("next-opening", Tour.choose_slot),
    ("booked", Tour.book),
    ("cut", Tour.cut),
    ("moved", Tour.move),
    ("checked-in", Tour.check_in),
    ("undone", Tour.undo),
    ("done-again", Tour.redo),
    ("command-bar", Tour.type_phrase),
    ("booked-by-phrase", Tour.book_by_phrase),
    ("flow", Tour.see_flow),
    ("advanced", Tour.advance),
    ("keys", Tour.see_keys),
    ("locked", Tour.lock),
    ("administration", Tour.see_users),
    ("audit", Tour.verify_trail),
    ("hours", Tour.see_hours),
    ("visit-types", Tour.see_types),
    ("clinic", Tour.see_places),
    ("today-dark", Tour.see_dark),
)
"""Name of the picture, and what is done before it is taken."""


def run(app: QApplication, window: Window, directory: Path) -> int:
    """Do all steps in the demo clinic, print a line for each and leave its picture in `directory`.

    Returns 0, or 1 after the step that did not come true: the line says what is missing, and the picture how it stood.
    """
    directory.mkdir(parents=True, exist_ok=True)
    theme().set_mode(Mode.LIGHT)
    theme().set_reduced_motion(True)
    window.resize(*SIZE)
    window.activateWindow()
    tour = Tour(Hands(app, window))
    for number, (name, step) in enumerate(STEPS, start=1):
        picture = directory / f"{number:02}-{name}.png"
        try:
            line = step(tour)
            tour.hands.settle(_STILL_TICKS)
        except Stuck as stuck:
            _say(f"{number:2} {name}: this did not come true: {stuck}. {picture} shows how it stood.")
            window.grab().save(str(picture))
            return 1
        window.grab().save(str(picture))
        _say(f"{number:2} {line}")
    _say(f"Pictures of all {len(STEPS)} steps: {directory}")
    return 0


def _say(line: str) -> None:
    if stdout is not None:  # a program without a terminal has none on some systems
        stdout.write(f"{line}\n")
        stdout.flush()
