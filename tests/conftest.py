"""What every test may ask for: a migrated, encrypted database of its own, and people of every role."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from clinicdesk.core import migrate
from clinicdesk.core.database import open_database
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.users import passwords

# How long a test waits for what must come: on a busy machine it comes late, and that is no failure.
QtBot.waitUntil.__kwdefaults__ = {"timeout": 30_000}

KEY = bytes(range(32))
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


class Hands:
    """A clock that a test sets by hand. Stands at Monday 23 November 2026, 10:42 UTC until told otherwise."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 10, 42, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty clinic's database file, migrated once a session; tests get copies."""
    file = tmp_path_factory.mktemp("template") / "clinic.db"
    database = open_database(file, KEY)
    migrate.upgrade(database.engine)
    database.close()
    return file


@pytest.fixture(autouse=True)
def shipped_rounds(monkeypatch: pytest.MonkeyPatch) -> int:
    """bcrypt's cost as the program ships it; while a test runs, passwords are hashed as cheaply as bcrypt allows."""
    shipped = passwords.ROUNDS
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    return shipped


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def database_file(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template, tmp_path / "clinic.db"))


@pytest.fixture
def db(database_file: Path, clock: Hands) -> Iterator[Database]:
    """A real, encrypted, migrated database with nothing in it."""
    database = open_database(database_file, KEY, clock)
    yield database
    database.close()


def person(role: Role) -> Actor:
    return Actor(new_id(), role, f"Some {role.value}", "Desk 1")


@pytest.fixture
def receptionist() -> Actor:
    return person(Role.RECEPTIONIST)


@pytest.fixture
def doctor() -> Actor:
    return person(Role.DOCTOR)


@pytest.fixture
def nurse() -> Actor:
    return person(Role.NURSE)


@pytest.fixture
def administrator() -> Actor:
    return person(Role.ADMINISTRATOR)


@pytest.fixture
def operator() -> Actor:
    return Actor(None, Role.OPERATOR, "operator", "command line")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The sample data that lies beside the project, where it does."""
    if not SHARED.is_dir():
        pytest.skip("the sample data beside the project is not here")
    return SHARED
