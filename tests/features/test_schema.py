"""The migration chain and the models describe the same database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Connection, Engine, inspect, text

from clinicdesk.core import migrate
from clinicdesk.core.database import sqlite_engine
from clinicdesk.core.ids import new_id
from clinicdesk.core.postgres import postgres_engine
from clinicdesk.features.tables import metadata
from tests.postgres import Cluster

MIGRATION_ALONE = re.compile(
    r"patient_(phone_)?fts|ix_patient_search_|slot_t|alembic_version|audit_entry_open|audit_entry_y"
)
"""What no model describes: the full-text index, which keeps itself, the rules on overlaps, the parts of the audit trail, and the
chain's own table."""
LEXEMES = ("patient_search", "lexemes")

RULES = {
    "sqlite": "SELECT name, sql AS rule FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": """
        SELECT indexname AS name, indexdef AS rule FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL
        SELECT conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conname !~ '^slot_t'
    """,
}


def in_models(item: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
    """Whether Alembic compares this; indexes are compared below, with their conditions and for each database its own."""
    if kind == "column" and (item.table.name, name) == LEXEMES:
        return False
    return kind != "index" and not MIGRATION_ALONE.match(name or "")


@pytest.fixture(params=["sqlite", "postgresql"])
def blank(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    """Makes databases without a single table."""
    with ExitStack() as undo:

        def make() -> Engine:
            if request.param == "sqlite":
                engine = sqlite_engine(tmp_path / f"{new_id().hex}.db", None)
            else:
                cluster: Cluster = request.getfixturevalue("postgres")
                engine = postgres_engine(undo.enter_context(cluster.database()))
            undo.callback(engine.dispose)
            return engine

        yield make


@pytest.fixture
def migrated(blank: Callable[[], Engine]) -> Engine:
    """An empty database, brought to the head of the chain."""
    engine = blank()
    migrate.upgrade(engine)
    return engine


@pytest.fixture
def modelled(blank: Callable[[], Engine]) -> Engine:
    """A database made from the models alone."""
    engine = blank()
    metadata.create_all(engine)
    return engine


def rules(connection: Connection) -> dict[str, str]:
    """The statements that make the indexes, partial ones with their conditions, and the constraints that are no index."""
    rows = connection.execute(text(RULES[connection.dialect.name]))
    return {row.name: " ".join(row.rule.split()) for row in rows if not MIGRATION_ALONE.match(row.name)}


@pytest.mark.filterwarnings("ignore:.* expression-based index")  # these are compared below
def test_the_models_ask_for_nothing_that_the_chain_does_not_make(migrated: Engine) -> None:
    with migrated.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": in_models})
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("blank", ["sqlite"], indirect=True)
def test_the_checks_are_the_same(migrated: Engine) -> None:
    """On SQLite, where they keep the words in which they were said; PostgreSQL's are compared below."""
    inspector = inspect(migrated)
    for table in metadata.sorted_tables:
        asked = {
            str(check.name): " ".join(str(check.sqltext).split())
            for check in table.constraints
            if isinstance(check, CheckConstraint)
        }
        made = {str(check["name"]): check["sqltext"] for check in inspector.get_check_constraints(table.name)}
        assert made == asked, table.name


def test_the_indexes_and_constraints_are_the_same(migrated: Engine, modelled: Engine) -> None:
    with migrated.connect() as made, modelled.connect() as asked:
        assert rules(made) == rules(asked)


def test_the_head_is_the_end_of_the_one_chain(migrated: Engine) -> None:
    with migrated.connect() as connection:
        scripts = ScriptDirectory.from_config(migrate.alembic_config(connection))
        assert scripts.get_heads() == [migrate.head_revision()]
        assert migrate.current_revision(connection) == migrate.head_revision()


def test_an_empty_database_has_no_revision_and_an_upgraded_one_needs_nothing_more(blank: Callable[[], Engine]) -> None:
    engine = blank()
    with engine.connect() as connection:
        assert migrate.current_revision(connection) is None
    migrate.upgrade(engine)
    with engine.connect() as connection:
        before = rules(connection)
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert rules(connection) == before
        if connection.dialect.name == "sqlite":
            assert connection.scalar(text("PRAGMA integrity_check")) == "ok"


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(
    blank: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError("the power went")

    engine = blank()
    monkeypatch.setattr("alembic.op.create_index", fail)
    with pytest.raises(RuntimeError, match="the power went"):
        migrate.upgrade(engine)
    assert inspect(engine).get_table_names() == []
