"""What a database refuses by itself, whoever asks it: which of the triggers and constraints that were made are gone or off."""

from __future__ import annotations

import re
from collections.abc import Iterator

import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import Connection, MetaData, StaticPool, create_engine, text

from clinicdesk.core import migrate
from clinicdesk.core.tx import begin_as_told

_EXTENSIONS = ("btree_gist",)
_OVERLAPS = ("slot_too_long", "slot_taken_practitioner", "slot_taken_room", "slot_taken_patient")
"""Constraints on PostgreSQL that stand in no model: on the embedded database they are triggers."""
_UNGUARDED = """
    SELECT relname || ' ' || verb FROM pg_class, (VALUES ('update'), ('delete'), ('truncate')) AS verbs (verb)
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname ~ '^(audit|history)_entry'
    AND NOT EXISTS (
        SELECT 1 FROM pg_trigger
        WHERE tgrelid = pg_class.oid AND tgenabled <> 'D' AND tgname ~ ('^(audit|history)_entry_refuses_' || verb)
    )
    UNION ALL
    SELECT 'audit_prune ' || name FROM (VALUES ('is_proven'), ('refuses_delete'), ('refuses_truncate')) AS names (name)
    WHERE NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgenabled <> 'D' AND tgname = 'audit_prune_' || name)
    UNION ALL
    SELECT 'function ' || name FROM (VALUES ('refuse_because_append_only'), ('prove_audit_prune')) AS names (name)
    WHERE NOT EXISTS (SELECT 1 FROM pg_proc WHERE proname = name AND prosrc LIKE '%RAISE EXCEPTION%')
"""
"""SQL: which of the records, and of their parts, do not refuse what they should."""
_CONSTRAINT = re.compile(r'\bCONSTRAINT\s+"?(\w+)"?', re.IGNORECASE)


def missing_in_file(connection: Connection) -> list[str]:
    """What is gone from an embedded database of the present schema, or is not as migrations make it, by name."""
    made, there = _made(), _of_file(connection)
    return sorted(name for name, what in made.items() if there.get(name) != what)


def missing_on_server(connection: Connection, metadata: MetaData) -> list[str]:
    """What is gone on PostgreSQL, or switched off, by name; the models' tables are those of `metadata`."""
    return [
        *_absent(connection, _EXTENSIONS, "SELECT extname FROM pg_extension"),
        *connection.scalars(text(_UNGUARDED)),
        *_absent(connection, (*_OVERLAPS, *_named(connection, metadata)), _VALID),
    ]


_VALID = """
    SELECT conname FROM pg_constraint WHERE convalidated
    UNION SELECT indexrelid::regclass::text FROM pg_index WHERE indisunique AND indisvalid
"""


def _absent(connection: Connection, wanted: tuple[str, ...], asked: str) -> list[str]:
    present = set(connection.scalars(text(asked)))
    return [name for name in wanted if name not in present]


def _named(connection: Connection, metadata: MetaData) -> Iterator[str]:
    """The names that the constraints and unique indexes of the models have in this database."""
    names = connection.dialect.identifier_preparer
    for table in metadata.sorted_tables:
        found = [names.format_constraint(one) for one in table.constraints]
        found += [names.format_index(index) for index in table.indexes if index.unique]
        yield from (name.strip('"') for name in found if name)


def _of_file(connection: Connection) -> dict[str, str]:
    """The triggers of an embedded database and its unique indexes, as they were made, and the names of its constraints."""
    found: dict[str, str] = {}
    for kind, name, sql in connection.exec_driver_sql(
        "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    ):
        if kind == "table":
            found |= {f"{name} {constraint}": "" for constraint in _CONSTRAINT.findall(sql)}
        elif kind == "trigger" or sql.upper().startswith("CREATE UNIQUE"):
            found[name] = " ".join(sql.split())
    return found


def _made() -> dict[str, str]:
    """The same of a database that was made this moment, in memory."""
    engine = create_engine("sqlite://", module=sqlcipher, poolclass=StaticPool, connect_args={"isolation_level": None})
    begin_as_told(engine)
    try:
        migrate.upgrade(engine)
        with engine.connect() as connection:
            return _of_file(connection)
    finally:
        engine.dispose()
