"""The migration chain and the models describe the same database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Connection, Engine, inspect, text

from clinicdesk.core import migrate
from clinicdesk.core.database import sqlite_engine
from clinicdesk.features.tables import metadata

FULL_TEXT = ("patient_fts", "patient_phone_fts")


def belongs_to_search(name: str | None) -> bool:
    """SQLite's full-text tables keep themselves; no model describes them."""
    return name is not None and name.startswith(FULL_TEXT)


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[Engine]:
    """An empty file, brought to the head of the chain."""
    engine = sqlite_engine(tmp_path / "migrated.db", None)
    migrate.upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def modelled(tmp_path: Path) -> Iterator[Engine]:
    """A database made from the models alone."""
    engine = sqlite_engine(tmp_path / "modelled.db", None)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def indexes(connection: Connection) -> dict[str, str]:
    """The statements that made the indexes, partial ones with their conditions; spaces evened out."""
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"))
    return {row.name: " ".join(row.sql.split()) for row in rows if not belongs_to_search(row.name)}


def test_the_models_ask_for_nothing_that_the_chain_does_not_make(migrated: Engine) -> None:
    with migrated.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, _parents: kind != "table" or not belongs_to_search(name),
            },
        )
        assert compare_metadata(context, metadata) == []


def test_the_checks_are_the_same(migrated: Engine) -> None:
    inspector = inspect(migrated)
    for table in metadata.sorted_tables:
        asked = {
            str(check.name): " ".join(str(check.sqltext).split())
            for check in table.constraints
            if isinstance(check, CheckConstraint)
        }
        made = {str(check["name"]): check["sqltext"] for check in inspector.get_check_constraints(table.name)}
        assert made == asked, table.name


def test_the_indexes_are_the_same(migrated: Engine, modelled: Engine) -> None:
    with migrated.connect() as made, modelled.connect() as asked:
        assert indexes(made) == indexes(asked)


def test_the_head_is_the_end_of_the_one_chain(migrated: Engine) -> None:
    with migrated.connect() as connection:
        scripts = ScriptDirectory.from_config(migrate.alembic_config(connection))
        assert scripts.get_heads() == [migrate.head_revision()]
        assert migrate.current_revision(connection) == migrate.head_revision()


def test_an_empty_file_has_no_revision_and_an_upgraded_one_needs_nothing_more(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "clinic.db", None)
    with engine.connect() as connection:
        assert migrate.current_revision(connection) is None
    migrate.upgrade(engine)
    with engine.connect() as connection:
        before = connection.scalar(text("PRAGMA schema_version"))
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA schema_version")) == before
        assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
    engine.dispose()
