"""Finds and turns everything that points at a patient, by the foreign keys of all tables, so that none is forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Table, UniqueConstraint, and_, select, update

from clinicdesk.core.tx import Action, Change, Tx
from clinicdesk.features import tables

DERIVED = frozenset({"patient_search"})
"""Made anew from the patients' rows."""
FOLLOWING = frozenset({"outbound_message"})
"""What follows from visits and goes its own way afterwards: its rows are turned back even where they have changed since."""
KEPT = frozenset({"audit_entry.patient_id"})
"""What was done stays written of whom it was done to."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """A column that names a patient, in the rows that fit `also`."""

    column: Column[Any]
    also: ColumnElement[bool] | None = None

    @property
    def table(self) -> Table:
        return self.column.table

    def at(self, patient_id: UUID) -> ColumnElement[bool]:
        here = self.column == patient_id
        return here if self.also is None else and_(here, self.also)


@cache
def pointers() -> tuple[Pointer, ...]:
    """Every pointer at a patient, in an order that does not change."""
    by_key = [
        Pointer(key.parent)
        for table in tables.metadata.sorted_tables
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name)
        if key.target_fullname == "patient.id" and table.name not in DERIVED
    ]
    imported = tables.metadata.tables["imported_record"].c
    return (
        *by_key,
        # Features that patients are above, or that point at rows of several kinds, have no foreign key.
        Pointer(tables.metadata.tables["user"].c.patient_id),
        Pointer(imported.entity_id, imported.entity == "patient"),
    )


def turn(tx: Tx, pointer: Pointer, old: UUID, new: UUID, more: Mapping[UUID, Mapping[str, Any]]) -> int:
    """Let every row that points at one patient point at the other, with `more` new values by the row's id; how many there are.

    A row of which there can be one for each patient stays where it is if the other has one.
    """
    table, turned = pointer.table, 0
    versioned = "version" in table.c and table.name not in FOLLOWING
    once = any(pointer.column.name in columns for columns in _unique(table))
    for row in tx.connection.execute(select(table).where(pointer.at(old))).mappings().all():
        if once and _is_taken(tx, pointer, row, new):
            continue
        turned += 1
        name = pointer.column.name
        values = {name: new, **more.get(row.get("id"), {})}  # type: ignore[arg-type]
        before = {key: row[key] for key in values}
        if versioned:
            before["version"], values["version"] = row["version"], row["version"] + 1
        if once or len(values) > 1 + versioned:
            tx.connection.execute(update(table).where(*_key(table, row)).values(values))
        for key in (column.name for column in table.primary_key if column.name != "id"):
            before, values = {key: row[key], **before}, {key: row[key], **values}
        tx.record(Change(table.name, values.get("id", _id(row)), Action.UPDATE, before, values, new))
    if turned and not once:  # all that change alike at once: of some tables a patient has hundreds
        alike: dict[str, Any] = {pointer.column.name: new} | ({"version": table.c.version + 1} if versioned else {})
        tx.connection.execute(update(table).where(pointer.at(old)).values(alike))
    return turned


def _is_taken(tx: Tx, pointer: Pointer, row: Mapping[Any, Any], new: UUID) -> bool:
    """Whether a rule that something is there once for each patient keeps the row from being turned."""
    for columns in _unique(pointer.table):
        if pointer.column.name in columns:
            same = [pointer.table.c[name] == (new if name == pointer.column.name else row[name]) for name in columns]
            if tx.connection.execute(select(1).select_from(pointer.table).where(*same)).first():
                return True
    return False


def _unique(table: Table) -> Iterator[list[str]]:
    yield [column.name for column in table.primary_key]
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield [column.name for column in constraint.columns]
    for index in table.indexes:
        if index.unique:
            yield [column.name for column in index.columns]


def _key(table: Table, row: Mapping[Any, Any]) -> list[ColumnElement[bool]]:
    return [column == row[column.name] for column in table.primary_key]


def _id(row: Mapping[Any, Any]) -> UUID | None:
    found = row.get("id")
    return found if isinstance(found, UUID) else None
