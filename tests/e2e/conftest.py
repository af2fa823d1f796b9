"""The whole desk in one window, with all its screens on a real database, and hands on its keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database, Tx
from clinicdesk.desktop.appointments.today import TodayScreen
from clinicdesk.desktop.preferences import Preferences
from clinicdesk.desktop.runner import Runner
from clinicdesk.desktop.tour import Hands
from clinicdesk.desktop.window import Window
from clinicdesk.features.appointments.schemas import AppointmentRow, BookAppointment, TypeRow
from clinicdesk.features.appointments.service import book, visits_of_patient
from clinicdesk.features.patients.schemas import PatientRow
from clinicdesk.features.practitioners.schemas import PractitionerRow, SetUpClinic
from clinicdesk.features.practitioners.service import set_up_clinic
from clinicdesk.features.users.schemas import AddUser
from clinicdesk.features.users.service import add_user
from tests.desktop.appointments.conftest import set_up

PASSWORD = "seven kites over blue water"
EMAIL = "maya@clinic.example"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Front:
    """The desk of a receptionist who has just signed in, on Today, at 10:42 of a Monday."""

    window: Window
    hands: Hands
    db: Database
    operator: Actor
    lee: PractitionerRow
    okafor: PractitionerRow
    kind: TypeRow
    smith: PatientRow
    osei: PatientRow

    def ask(self, work: Callable[[Tx], T]) -> T:
        """Ask the database, past the desk."""
        with self.db.write(self.operator) as tx:  # some questions leave an entry in the audit trail
            return work(tx)

    def visits(self, patient: PatientRow) -> list[AppointmentRow]:
        """All visits of the patient, as the database has them."""
        return self.ask(lambda tx: list(visits_of_patient(tx, patient.id)))

    def only_visit(self, patient: PatientRow) -> AppointmentRow:
        """The one visit that the patient has."""
        (visit,) = self.visits(patient)
        return visit

    def book(self, patient: PatientRow, start: datetime) -> AppointmentRow:
        """Book 20 minutes with Dr Lee, past the desk, and put the cursor of Today on it."""
        request = BookAppointment(patient.id, self.lee.id, start, timedelta(minutes=20), self.kind.id)
        with self.db.write(self.operator) as tx:
            visit = book(tx, request)
        self.hands.wait(lambda: self.today.day_view.choose_visit(visit.id), "the visit does not show")
        self.hands.settle()
        return visit

    @property
    def today(self) -> TodayScreen:
        """The screen in front, which is Today."""
        assert self.window.workplace is not None
        screen = self.window.workplace.screen_in_front
        assert isinstance(screen, TodayScreen)
        return screen

    def counted(self, press: Callable[[], object]) -> int:
        """How many keys it takes."""
        before = self.hands.keys
        press()
        return self.hands.keys - before


class Watch(QObject):
    """Notes each window of the program that shows, by its title; a stray one would flash up and take the keyboard."""

    def __init__(self) -> None:
        super().__init__()
        self.titles: list[str] = []
        self.strays: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(watched, QWidget) and watched.isWindow():
            if event.type() is QEvent.Type.WindowTitleChange:
                self.titles.append(watched.windowTitle())
            elif event.type() is QEvent.Type.Show and watched.windowType() is Qt.WindowType.Window:
                self.titles.append(watched.windowTitle())
                if not isinstance(watched, Window):
                    self.strays.append(type(watched).__name__)
        return False


@pytest.fixture
def watch(qapp: QApplication) -> Iterator[Watch]:
    made = Watch()
    qapp.installEventFilter(made)
    yield made
    qapp.removeEventFilter(made)
    assert made.strays == []


@pytest.fixture
def front(
    watch: Watch, qtbot: QtBot, qapp: QApplication, db: Database, operator: Actor, tmp_path: Path
) -> Iterator[Front]:
    with db.write(operator) as tx:
        clinic = set_up_clinic(tx, SetUpClinic("Harbour Street Clinic", "UTC"))
        add_user(tx, AddUser(EMAIL, "Maya Cole", Role.RECEPTIONIST, PASSWORD))
    people = set_up(db, operator)
    runner = Runner()
    runner.attach(db)
    window = Window(runner, Preferences(tmp_path), "Desk 1")
    qtbot.addWidget(window)
    hands = Hands(qapp, window)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    window.sign_in(clinic)
    for line in (EMAIL, PASSWORD):
        hands.type(line)
        hands.press("Return")
    hands.wait(lambda: window.workplace, "nobody is let in")
    osei, smith = people.patients[:2]
    made = Front(window, hands, db, operator, people.lee, people.okafor, people.kind, smith, osei)
    hands.wait(lambda: made.today.day_view.columns(), "Today stays empty")
    hands.settle()
    yield made
    window.close()
    runner.close()
