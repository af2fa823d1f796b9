"""A desk with a clinic behind it and a person in front of it, for tests of screens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.languages import speak
from clinicdesk.desktop.preferences import Preferences
from clinicdesk.desktop.runner import Runner
from clinicdesk.features.practitioners.schemas import SetUpClinic
from clinicdesk.features.practitioners.service import set_up_clinic
from clinicdesk.features.users.schemas import SignedIn, UserRow
from tests.conftest import person

MakeDesk = Callable[[Role], Desk]


@pytest.fixture(autouse=True)
def english(qapp: QApplication) -> None:
    """What the desk says, it says as in the program."""
    speak(qapp)


@pytest.fixture
def runner(qtbot: QtBot, db: Database) -> Iterator[Runner]:
    """The real runner on the test's database."""
    made = Runner()
    made.attach(db)
    yield made
    made.close()


@pytest.fixture
def preferences(tmp_path: Path) -> Preferences:
    return Preferences(tmp_path)


@pytest.fixture
def make_desk(runner: Runner, db: Database, operator: Actor, preferences: Preferences) -> MakeDesk:
    """Makes the desk of somebody with the given role at Harbour Street Clinic (zone UTC, so that 10:42 is 10:42)."""

    def make(role: Role) -> Desk:
        with db.write(operator) as tx:
            clinic = set_up_clinic(tx, SetUpClinic("Harbour Street Clinic", "UTC"))
        actor = person(role)
        assert actor.user_id is not None
        user = UserRow(actor.user_id, f"{role}@clinic.example", actor.name, role, True, None, False, None, 1)
        return Desk(runner, clinic, SignedIn(user, actor), preferences)

    return make


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    """A receptionist's desk."""
    return make_desk(Role.RECEPTIONIST)
