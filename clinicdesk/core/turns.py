"""How units of work that write at the same time take turns: all that a unit of work must know of the database under it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from sqlalchemy import Connection, Row

from clinicdesk.core import changes, history, trail
from clinicdesk.core.records import Chained


class Turns:
    """SQLite's way, and the simplest: whoever writes has the database alone from the first statement to the commit."""

    writing: ClassVar[Mapping[str, Any]] = {"clinicdesk_begin": "BEGIN IMMEDIATE"}
    """Execution options of a unit of work that writes."""
    reading: ClassVar[Mapping[str, Any]] = {"clinicdesk_begin": "BEGIN"}
    """Execution options of one that reads: it sees one consistent state."""

    def begin_verb(self, connection: Connection, *, alone: bool) -> None:
        """Wait until the verb may run: beside none that writes (`alone`), or beside others that need not be alone."""

    def claim(self, connection: Connection, things: Iterable[str]) -> None:
        """Wait for everybody else who has claimed one of these, until the end of the unit of work."""

    def begin_records(self, connection: Connection) -> Row[int, bytes, bytes] | None:
        """Wait until records may be written, whose order is the order of the commits; gives the head of the audit trail."""
        return connection.execute(trail.HEAD).one_or_none()

    def write_records(self, connection: Connection, records: Chained) -> int | None:
        """Write the records; their number in the change log, where they go there.

        Raises Unavailable("audit_trail_broken").
        """
        if records.entries:
            trail.write(connection, records.entries, records.seal)
        if records.history:
            connection.execute(history.INSERT_HISTORY, records.history)
        return None if records.logged is None else connection.execute(changes.INSERT, records.logged).scalar_one()
