"""The Patients screen in the real window, with a few people on record, at 10:42 of a Monday."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.patients.screen import PatientsScreen
from clinicdesk.desktop.preferences import Preferences
from clinicdesk.desktop.runner import Runner
from clinicdesk.desktop.screens import SCREENS
from clinicdesk.desktop.window import Window
from clinicdesk.features.appointments.schemas import AppointmentRow, BookAppointment, SaveType, TypeRow
from clinicdesk.features.appointments.service import book, save_type, visits_of_patient
from clinicdesk.features.audit.schemas import AuditQuery
from clinicdesk.features.audit.service import list_entries
from clinicdesk.features.patients.schemas import Demographics, PatientDetail, PatientRow, RegisterPatient
from clinicdesk.features.patients.service import open_record, register, search
from clinicdesk.features.practitioners.clinic import clinic as read_clinic
from clinicdesk.features.practitioners.schemas import (
    PractitionerRow,
    SavePractitioner,
    SetUpClinic,
    SetWeeklyHours,
    Shift,
)
from clinicdesk.features.practitioners.service import save_practitioner, set_up_clinic, set_weekly_hours
from clinicdesk.features.users.schemas import SignedIn, UserRow
from tests.conftest import person

DAY = date(2026, 11, 23)


@dataclass
class Clinic:
    """The people on record, and the way past the screen to the database."""

    db: Database
    operator: Actor
    lee: PractitionerRow
    kind: TypeRow
    jordan: PatientRow
    freya: PatientRow
    others: list[PatientRow]

    def book(self, patient: PatientRow, hour: int, minute: int = 0, day: date = DAY) -> AppointmentRow:
        start = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
        with self.db.write(self.operator) as tx:
            return book(tx, BookAppointment(patient.id, self.lee.id, start, timedelta(minutes=20), self.kind.id))

    def visits(self, patient: PatientRow) -> list[AppointmentRow]:
        with self.db.read(self.operator) as tx:
            return visits_of_patient(tx, patient.id)

    def record(self, patient_id: UUID) -> PatientDetail:
        with self.db.write(self.operator) as tx:
            return open_record(tx, patient_id)

    def found(self, text: str) -> list[PatientRow]:
        with self.db.read(self.operator) as tx:
            return search(tx, text)

    def audited(self, verb: str) -> int:
        """How often somebody at the desk did this, by the audit trail."""
        with self.db.write(self.operator) as tx:
            rows = list_entries(tx, AuditQuery(text=verb)).rows
        return sum(row.verb == verb and row.who != self.operator.name for row in rows)


@pytest.fixture
def clinic(db: Database, operator: Actor) -> Clinic:
    with db.write(operator) as tx:
        set_up_clinic(tx, SetUpClinic("Harbour Street Clinic", "UTC"))
        lee = save_practitioner(tx, SavePractitioner("Lee", "Grace", "Dr"))
        week = tuple(Shift(day, time(8), time(18)) for day in range(7))
        set_weekly_hours(tx, SetWeeklyHours(lee.id, week, date(2026, 1, 1)))
        kind = save_type(tx, SaveType("Follow-up", 20, short="fu"))

        def add(given: str, family: str, born: date, **more: Any) -> PatientRow:
            return register(tx, RegisterPatient(Demographics(family, given, birth_date=born, **more)))

        jordan = add(
            "Jordan", "Smith", date(1984, 3, 12), mobile="07700900072", address="14 Harbour Street", city="Hull"
        )
        freya = add("Freya", "Lindholm", date(1990, 1, 2), birth_family="Ångström", mobile="07700900222", city="Leeds")
        others = [add(given, "Okafor", date(1970, 1, day)) for day, given in enumerate(("Ada", "Ben", "Chidi"), 1)]
    return Clinic(db, operator, lee, kind, jordan, freya, others)


@dataclass
class Front:
    """A person at the desk with the window in front of them."""

    window: Window
    desk: Desk
    screen: PatientsScreen


Open = Callable[[Role], Front]


@pytest.fixture
def open_patients(
    qtbot: QtBot, runner: Runner, preferences: Preferences, clinic: Clinic, operator: Actor
) -> Iterator[Open]:
    """Seats somebody of a role at the window, with the Patients screen in front."""
    windows: list[Window] = []

    def show(role: Role) -> Front:
        entries = [entry for entry in SCREENS if entry.name in ("today", "patients")]
        window = Window(runner, preferences, "Desk 1", entries)
        windows.append(window)
        window.resize(1280, 800)
        with qtbot.waitActive(window):
            window.show()
            window.activateWindow()
        actor = person(role)
        assert actor.user_id is not None
        user = UserRow(actor.user_id, f"{role}@clinic.example", actor.name, role, True, None, False, None, 1)
        with clinic.db.read(operator) as tx:
            row = read_clinic(tx)
        preferences.last_screen = "patients"
        window.seat(row, SignedIn(user, actor))
        assert window.desk is not None
        assert window.workplace is not None
        screen = window.workplace.screen_in_front
        assert isinstance(screen, PatientsScreen)
        qtbot.waitUntil(screen.search.field.hasFocus)
        return Front(window, window.desk, screen)

    yield show
    for window in windows:
        window.close()
        window.deleteLater()


@pytest.fixture
def front(open_patients: Open) -> Front:
    """A receptionist at the Patients screen."""
    return open_patients(Role.RECEPTIONIST)


def shows(front: Front, patient: PatientRow) -> bool:
    """Whether the record of this patient is on the screen."""
    record = front.screen.record
    return record.isVisible() and record.patient is not None and record.patient.id == patient.id


def open_record_of(qtbot: QtBot, front: Front, patient: PatientRow) -> None:
    """Open a record, and wait until all of it is there."""
    front.desk.open_patient(patient.id)
    qtbot.waitUntil(lambda: shows(front, patient) and front.screen.record.recent.hasFocus())


ENTER = Qt.Key.Key_Return
