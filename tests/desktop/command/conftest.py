"""A window with the Today screen and two screens that only note what is asked of them, on a clinic with four patients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from clinicdesk.core.clinic import ClinicRow
from clinicdesk.core.permissions import Permission, Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.desktop.appointments.today import TodayScreen
from clinicdesk.desktop.command.bar import CommandBar
from clinicdesk.desktop.desk import Desk, NewPatient, OpenPatient, Request
from clinicdesk.desktop.preferences import Preferences
from clinicdesk.desktop.runner import Runner
from clinicdesk.desktop.screen import Screen
from clinicdesk.desktop.screens import Entry
from clinicdesk.desktop.window import Window
from clinicdesk.features.practitioners.schemas import SetUpClinic
from clinicdesk.features.practitioners.service import set_up_clinic
from clinicdesk.features.users.schemas import SignedIn, UserRow
from tests.conftest import person
from tests.desktop.appointments.conftest import Clinic, Hands, set_up

TODAY = Entry(
    "today", "ph.calendar-blank", Permission.SEE_CALENDAR, "clinicdesk.desktop.appointments.today", "TodayScreen"
)


class Records(Screen):
    """A list of people; what it was asked for last, and whom it shows."""

    takes = (OpenPatient, NewPatient)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.asked: Request | None = None
        self.shown: UUID | None = None
        self.list = QListWidget()
        self.list.addItem("one")
        QVBoxLayout(self).addWidget(self.list)

    def activate(self) -> None:
        self.list.setFocus()

    def take(self, request: Request) -> None:
        self.asked = request

    def patient_in_view(self) -> UUID | None:
        return self.shown


@dataclass(frozen=True, slots=True)
class RecordsEntry(Entry):
    def load(self) -> type[Screen]:
        return Records


ENTRIES = (
    TODAY,
    RecordsEntry("patients", "ph.identification-card", Permission.FIND_PATIENT, "", ""),
    RecordsEntry("admin", "ph.gear", Permission.MANAGE_USERS, "", ""),
)


@dataclass
class Front:
    """The window, and what is behind it."""

    qtbot: QtBot
    window: Window
    clinic: Clinic
    hands: Hands

    @property
    def desk(self) -> Desk:
        assert self.window.desk is not None
        return self.window.desk

    @property
    def today(self) -> TodayScreen:
        assert self.window.workplace is not None
        screen = self.window.workplace.screen_in_front
        assert isinstance(screen, TodayScreen)
        return screen

    def go(self, name: str) -> Records:
        assert self.window.workplace is not None
        self.window.workplace.go(name)
        screen = self.window.workplace.screen_in_front
        assert isinstance(screen, Records)
        return screen

    def bars(self) -> list[CommandBar]:
        return [bar for bar in self.window.findChildren(CommandBar) if bar.is_open()]

    def open(self) -> CommandBar:
        """Press Ctrl+K."""
        self.hands.ctrl(Qt.Key.Key_K)
        (bar,) = self.bars()
        return bar

    def type(self, text: str) -> CommandBar:
        """Open the bar, type, and wait for the answer."""
        bar = self.open()
        self.hands.type(text)
        self.answered(bar)
        return bar

    def answered(self, bar: CommandBar) -> None:
        self.qtbot.waitUntil(lambda: bar.shows() == bar.line.text())


Seat = Callable[[Role], Front]


@pytest.fixture
def seat(
    qtbot: QtBot, runner: Runner, preferences: Preferences, db: Database, operator: Actor, hands: Hands
) -> Iterator[Seat]:
    windows: list[Window] = []

    def sit(role: Role) -> Front:
        with db.write(operator) as tx:
            clinic: ClinicRow = set_up_clinic(tx, SetUpClinic("Harbour Street Clinic", "UTC"))
        known = set_up(db, operator)
        window = Window(runner, preferences, "Desk 1", ENTRIES)
        windows.append(window)
        window.resize(1280, 800)
        with qtbot.waitActive(window):
            window.show()
            window.activateWindow()
        actor = person(role)
        assert actor.user_id is not None
        user = UserRow(actor.user_id, f"{role}@clinic.example", actor.name, role, True, None, False, None, 1)
        window.seat(clinic, SignedIn(user, actor))
        front = Front(qtbot, window, known, hands)
        qtbot.waitUntil(lambda: bool(front.today.day_view.columns()))
        return front

    yield sit
    for window in windows:
        window.close()
        window.deleteLater()


@pytest.fixture
def hands(qtbot: QtBot) -> Hands:
    return Hands(qtbot)


@pytest.fixture
def front(seat: Seat) -> Front:
    """A receptionist's window on an empty Monday 23 November 2026, 10:42."""
    return seat(Role.RECEPTIONIST)
