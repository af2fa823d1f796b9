"""What every test may ask for: a migrated, encrypted database of its own, and people of every role."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from clinicdesk.core import migrate
from clinicdesk.core.clock import Clock
from clinicdesk.core.database import open_database
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.postgres import open_postgres
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.users import passwords

pytest_plugins = ["tests.postgres", "tests.redis", "tests.server.fleet", "tests.s3"]
# How long a test waits for what must come: on a busy machine it comes late, and that is no failure.
for waiting in (QtBot.waitUntil, QtBot.waitSignal, QtBot.waitSignals, QtBot.waitActive, QtBot.waitExposed):
    waiting.__kwdefaults__ = {**(waiting.__kwdefaults__ or {}), "timeout": 30_000}

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


@dataclass(frozen=True)
class Where:
    """Where the database of a test is; can be sent to other processes."""

    file: Path | None = None
    url: str = ""

    def open(self, clock: Clock) -> Database:
        if self.file is not None:
            return open_database(self.file, KEY, clock)
        return open_postgres(self.url, KEY, clock)


_ON_BOTH = (
    "tests.features.",
    "tests.server.test_auth",
    "tests.server.test_bad_input",
    "tests.server.test_chat",
    "tests.server.test_merged",
    "tests.server.test_notifications",
    "tests.server.test_owing",
    "tests.server.test_reach",
    "tests.server.test_schema",
    "tests.server.test_care",
    "tests.server.test_jobs",
    "tests.server.test_links",
    "tests.server.test_patients",
    "tests.server.test_documents",
    "tests.server.test_health_records",
    "tests.server.test_in_care",
    "tests.server.test_users",
    "tests.core.test_feed",
    "tests.server.test_doctors",
    "tests.server.test_clinic",
    "tests.server.test_reports",
    "tests.server.test_audit",
    "tests.server.test_appointments",
    "tests.server.test_series",
    "tests.core.test_guards",
    "tests.core.test_retention",
    "tests.server.test_waitlist",
    "tests.core.test_tx",
    "tests.core.test_trail",
    "tests.server.test_sync",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is promised above a database holds on both; what is about the file says so by the mark `embedded`."""
    if "where" in metafunc.fixturenames and metafunc.module.__name__.startswith(_ON_BOTH):
        embedded = metafunc.definition.get_closest_marker("embedded")
        metafunc.parametrize("where", ["sqlite"] if embedded else ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def database_file(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template, tmp_path / "clinic.db"))


@pytest.fixture
def where(request: pytest.FixtureRequest) -> Where:
    """A migrated database with nothing in it: the embedded one, encrypted, or PostgreSQL where it is asked for."""
    if getattr(request, "param", "sqlite") == "postgresql":
        return Where(url=request.getfixturevalue("postgres_url"))
    return Where(request.getfixturevalue("database_file"))


@pytest.fixture
def db(where: Where, clock: Hands) -> Iterator[Database]:
    """The database of the test, open."""
    database = where.open(clock)
    yield database
    database.close()


def noted(detail: str) -> str:
    """The detail of an entry of the audit trail, without the digest by which it vouches for the history."""
    return re.sub(r'"history":"[0-9a-f]{32}",?', "", detail)


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
