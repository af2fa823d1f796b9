"""Undo and redo of what was booked, through the real verbs: each is a change of its own, and says what it did."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from pytestqt.qtbot import QtBot

from clinicdesk.core.clinic import load_clinic
from clinicdesk.core.tx import Actor, Database
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.preferences import Preferences
from clinicdesk.desktop.runner import Runner
from clinicdesk.features.appointments.schemas import AppointmentRow, BookAppointment, CancelAppointment, Status
from clinicdesk.features.appointments.service import book, cancel
from clinicdesk.features.appointments.visits import open_visit
from clinicdesk.features.users.schemas import SignedIn, UserRow
from tests.features.appointments.conftest import Place, at, furnish


@pytest.fixture
def place(db: Database) -> Place:
    return furnish(db)


@pytest.fixture
def desk(runner: Runner, db: Database, place: Place, receptionist: Actor, preferences: Preferences) -> Desk:
    with db.read(receptionist) as tx:
        clinic = load_clinic(tx.session)
    assert receptionist.user_id is not None
    user = UserRow(receptionist.user_id, "maya@clinic.example", "Maya", receptionist.role, True, None, False, None, 1)
    return Desk(runner, clinic, SignedIn(user, receptionist), preferences)


def booked(db: Database, desk: Desk, place: Place) -> tuple[UUID, AppointmentRow]:
    with db.write(desk.actor) as tx:
        request = BookAppointment(place.smith, place.lee, at(11), timedelta(minutes=20))
        return tx.unit_id, book(tx, request)


def status(db: Database, desk: Desk, visit: AppointmentRow) -> Status:
    with db.write(desk.actor) as tx:
        return open_visit(tx, visit.id).status


def test_undo_takes_a_booking_back_and_redo_books_it_again(
    qtbot: QtBot, db: Database, desk: Desk, place: Place
) -> None:
    unit, visit = booked(db, desk, place)
    desk.undo.push(unit, "booked 11:00 with Dr Lee")
    assert (desk.undo.undo_text, desk.undo.redo_text) == ("booked 11:00 with Dr Lee", "")
    with qtbot.waitSignal(desk.toasted) as said:
        desk.undo.undo()
    assert said.args == ["Undone: booked 11:00 with Dr Lee", False]
    assert status(db, desk, visit) is Status.ENTERED_IN_ERROR
    assert (desk.undo.undo_text, desk.undo.redo_text) == ("", "booked 11:00 with Dr Lee")
    with qtbot.waitSignal(desk.toasted) as said:
        desk.undo.redo()
    assert said.args == ["Done again: booked 11:00 with Dr Lee", False]
    assert status(db, desk, visit) is Status.BOOKED


def test_steps_are_undone_last_first(qtbot: QtBot, db: Database, desk: Desk, place: Place) -> None:
    unit, visit = booked(db, desk, place)
    desk.undo.push(unit, "booked")
    with db.write(desk.actor) as tx:
        cancel(tx, CancelAppointment(visit.id, visit.version, "pat"))
        desk.undo.push(tx.unit_id, "cancelled")
    with qtbot.waitSignals([desk.toasted, desk.toasted]):
        desk.undo.undo()
        desk.undo.undo()
    assert status(db, desk, visit) is Status.ENTERED_IN_ERROR
    assert desk.undo.undo_text == ""


def test_what_was_changed_since_is_not_undone_and_the_desk_says_so(
    qtbot: QtBot, db: Database, desk: Desk, place: Place
) -> None:
    unit, visit = booked(db, desk, place)
    desk.undo.push(unit, "booked")
    with db.write(desk.actor) as tx:
        cancel(tx, CancelAppointment(visit.id, visit.version, "pat"))
    with qtbot.waitSignal(desk.toasted) as said:
        desk.undo.undo()
    assert said.args is not None
    assert "Undone" not in said.args[0]
    assert status(db, desk, visit) is Status.CANCELLED


def test_something_new_ends_what_could_be_done_again(qtbot: QtBot, db: Database, desk: Desk, place: Place) -> None:
    unit, _ = booked(db, desk, place)
    desk.undo.push(unit, "booked")
    with qtbot.waitSignal(desk.toasted):
        desk.undo.undo()
    unit, _ = booked(db, desk, place)
    desk.undo.push(unit, "booked again")
    assert desk.undo.redo_text == ""
