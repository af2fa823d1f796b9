"""`clinicdesk check` misses every trigger and constraint that somebody took away, and names it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from clinicdesk.core.guards import missing_in_file, missing_on_server
from clinicdesk.core.tx import Database
from clinicdesk.features import tables


def missing(db: Database) -> list[str]:
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            return missing_in_file(connection)
        return missing_on_server(connection, tables.metadata)


def do(db: Database, *statements: str) -> None:
    with db.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_a_database_that_migrations_made_misses_nothing(db: Database) -> None:
    assert missing(db) == []


def test_every_trigger_is_missed(db: Database) -> None:
    with db.engine.connect() as connection:
        on_server = connection.dialect.name == "postgresql"
        asked = (
            "SELECT DISTINCT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE NOT tgisinternal AND tgparentid = 0"
            if on_server
            else "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
        )
        triggers = connection.execute(text(asked)).all()
    assert len(triggers) >= 9
    for count, (name, table) in enumerate(triggers, 1):
        do(db, f"DROP TRIGGER {name} ON {table}" if on_server else f"DROP TRIGGER {name}")
        assert len(missing(db)) == count, name


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("ALTER TABLE appointment DROP CONSTRAINT slot_taken_room", "slot_taken_room"),
        ("ALTER TABLE document DROP CONSTRAINT ck_document_size", "ck_document_size"),
        ("ALTER TABLE document DROP CONSTRAINT uq_document_content_key", "uq_document_content_key"),
        ("ALTER TABLE document DROP CONSTRAINT fk_document_patient_id_patient", "fk_document_patient_id_patient"),
        ("ALTER TABLE history_entry DISABLE TRIGGER history_entry_refuses_delete", "history_entry delete"),
        (
            "CREATE OR REPLACE FUNCTION refuse_because_append_only() RETURNS trigger AS 'BEGIN END' LANGUAGE plpgsql",
            "function refuse_because_append_only",
        ),
    ],
)  # fmt: skip
def test_what_was_taken_away_on_a_server_is_named(db: Database, statement: str, name: str) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("said in the words of PostgreSQL")
    do(db, statement)
    assert missing(db) == [name]


@pytest.mark.embedded
def test_a_trigger_that_refuses_no_more_and_a_rule_that_was_taken_out_are_named(db: Database) -> None:
    do(
        db,
        "DROP TRIGGER audit_entry_refuses_update",
        "CREATE TRIGGER audit_entry_refuses_update BEFORE UPDATE ON audit_entry BEGIN SELECT 1; END",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'ck_document_size', 'ck_document_any') WHERE name = 'document'",
    )
    assert missing(db) == ["audit_entry_refuses_update", "document ck_document_size"]
