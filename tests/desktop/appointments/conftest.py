"""A Today screen on a clinic with two practitioners, three kinds of visit and some patients, at 10:42 of a Monday."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.desktop.appointments.today import TodayScreen
from clinicdesk.desktop.desk import Desk
from clinicdesk.features.appointments.schemas import AppointmentRow, BookAppointment, SaveType, TypeRow
from clinicdesk.features.appointments.service import book, day_schedule, save_type
from clinicdesk.features.patients.schemas import Demographics, PatientRow, RegisterPatient
from clinicdesk.features.patients.service import register
from clinicdesk.features.practitioners.schemas import PractitionerRow, SavePractitioner, SetWeeklyHours, Shift
from clinicdesk.features.practitioners.service import save_practitioner, set_weekly_hours
from tests.desktop.appointments.samples import DAY
from tests.desktop.conftest import MakeDesk

NAMES = ("Daniel Osei", "Jordan Smith", "Freya Lindholm", "Zoë Ångström")


@dataclass
class Clinic:
    """What the tests need to know of the clinic, and the way past the screen to its database."""

    db: Database
    operator: Actor
    lee: PractitionerRow
    okafor: PractitionerRow
    kind: TypeRow
    patients: list[PatientRow]

    def book(
        self, start: datetime, patient: int = 0, minutes: int = 20, who: Any = None, **more: Any
    ) -> AppointmentRow:
        request = BookAppointment(
            self.patients[patient].id, (who or self.lee).id, start, timedelta(minutes=minutes), self.kind.id, **more
        )
        with self.db.write(self.operator) as tx:
            return book(tx, request)

    def visits(self, day: date = DAY) -> list[AppointmentRow]:
        with self.db.read(self.operator) as tx:
            return list(day_schedule(tx, day).visits)

    def visit(self, row: AppointmentRow, day: date = DAY) -> AppointmentRow:
        return next(visit for visit in self.visits(day) if visit.id == row.id)


@pytest.fixture
def clinic(desk: Desk, db: Database, operator: Actor) -> Clinic:
    """Set up behind the desk, which is a receptionist's."""
    return set_up(db, operator)


def set_up(db: Database, operator: Actor) -> Clinic:
    with db.write(operator) as tx:
        people = [
            save_practitioner(tx, SavePractitioner("Lee", "Grace", "Dr", specialty="GP", position=1)),
            save_practitioner(tx, SavePractitioner("Okafor", "Amara", "Dr", specialty="GP", position=2)),
        ]
        for person in people:
            week = tuple(Shift(day, time(9), time(17)) for day in range(7))
            set_weekly_hours(tx, SetWeeklyHours(person.id, week, date(2026, 1, 1)))
        kind = save_type(tx, SaveType("Follow-up", 20, short="fu"))
        patients = []
        for name in NAMES:
            given, _, family = name.partition(" ")
            patients.append(
                register(tx, RegisterPatient(Demographics(family=family, given=given, mobile="07700900418")))
            )
    return Clinic(db, operator, people[0], people[1], kind, patients)


class Hands:
    """A person at the keyboard whose keys are counted. A chord is one key."""

    def __init__(self, qtbot: QtBot) -> None:
        self._qtbot = qtbot
        self.count = 0

    def press(self, *keys: Qt.Key | str, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        for key in keys:
            self.count += 1
            target = QApplication.focusWidget()
            assert target is not None
            if isinstance(key, str):
                QTest.keyClicks(target, key)
            else:
                QTest.keyClick(target, key, modifier)

    def type(self, text: str) -> None:
        for letter in text:
            self.press(letter)

    def ctrl(self, key: Qt.Key) -> None:
        self.press(key, modifier=Qt.KeyboardModifier.ControlModifier)


@pytest.fixture
def hands(qtbot: QtBot) -> Hands:
    return Hands(qtbot)


Opened = Callable[[Desk], TodayScreen]


@pytest.fixture
def open_today(qtbot: QtBot) -> Iterator[Opened]:
    """Shows the Today screen of a desk in a window of its own, and waits until the day is there."""
    windows: list[QWidget] = []

    def show(desk: Desk) -> TodayScreen:
        window = QWidget()
        windows.append(window)
        window.resize(1280, 800)
        layout = QVBoxLayout(window)
        layout.setContentsMargins(0, 0, 0, 0)
        desk.host = window
        screen = TodayScreen(desk)
        layout.addWidget(screen)
        window.show()
        with qtbot.waitActive(window):
            window.activateWindow()
        screen.activate()
        qtbot.waitUntil(lambda: bool(screen.day_view.columns()))
        return screen

    yield show
    for window in windows:
        window.close()
        window.deleteLater()


@pytest.fixture
def today(desk: Desk, clinic: Clinic, open_today: Opened) -> TodayScreen:
    """The Today screen of a receptionist, with an empty day."""
    return open_today(desk)


@pytest.fixture
def doctor_today(make_desk: MakeDesk, db: Database, operator: Actor, open_today: Opened) -> TodayScreen:
    """The Today screen of a doctor."""
    desk = make_desk(Role.DOCTOR)
    set_up(db, operator)
    return open_today(desk)
