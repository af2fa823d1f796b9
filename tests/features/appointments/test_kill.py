"""The power goes while visits are booked: what was acknowledged is there, whole, and the audit trail still verifies."""

from __future__ import annotations

import multiprocessing
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection as MessagePipe
from uuid import UUID

from sqlalchemy import Connection, text

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import verify
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import BookAppointment
from tests.conftest import Where
from tests.features.appointments.conftest import Place

KILLS = 50
HEX = {"sqlite": "id", "postgresql": "replace(id::text, '-', '')"}
"""SQL for a visit's id as the records have it."""
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)


def book_on(where: Where, patient_id: UUID, practitioner_id: UUID, first_day: int, said: MessagePipe) -> None:
    """Book one visit after the other, from a day on, and say each id once its unit of work has been left."""
    database = where.open(lambda: NOW)
    actor = Actor(new_id(), Role.RECEPTIONIST, "Some booker", "Desk")
    start, length = datetime(2026, 11, 23, 8, tzinfo=UTC) + timedelta(days=first_day), timedelta(minutes=1)
    while True:
        request = BookAppointment(patient_id, practitioner_id, start, length, outside_hours=True)
        with database.write(actor) as tx:
            row = appointments.book(tx, request)
        said.send_bytes(row.id.bytes)
        start += length


def halves(connection: Connection) -> int:
    """Visits without their audit entry or history, and entries or history without their visit."""
    visits = f"SELECT {HEX[connection.dialect.name]} FROM appointment"
    audited = "SELECT entity_id FROM audit_entry WHERE entity = 'appointment'"
    kept = "SELECT entity_id FROM history_entry WHERE entity = 'appointment'"
    pairs = [(visits, audited), (audited, visits), (visits, kept), (kept, visits)]
    return sum(
        connection.scalar(text(f"SELECT count(*) FROM ({one} EXCEPT {other}) AS half")) or 0 for one, other in pairs
    )


def heard(said: MessagePipe, most: int) -> list[str]:
    """The next ids that the booker has said, until it says no more."""
    ids: list[str] = []
    with suppress(EOFError, ConnectionResetError):
        while len(ids) < most:
            ids.append(said.recv_bytes().hex())
    return ids


def test_what_was_acknowledged_survives_and_nothing_is_half_done(db: Database, where: Where, place: Place) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    chance, acknowledged = random.Random(7), 0
    for nth in range(KILLS):
        hear, say = processes.Pipe(duplex=False)
        booker = processes.Process(target=book_on, args=(where, place.smith, place.lee, 1 + nth, say))
        booker.start()
        say.close()
        ids = heard(hear, chance.randint(1, 20))
        for _ in range(chance.randint(0, 50_000)):
            pass  # somewhere within the next booking or two
        booker.kill()
        booker.join()
        ids += heard(hear, 1000)
        hear.close()
        acknowledged += len(ids)
        with db.engine.connect() as connection:
            assert set(ids) <= set(connection.scalars(text(f"SELECT {HEX[connection.dialect.name]} FROM appointment")))
            assert halves(connection) == 0
    with db.engine.connect() as connection:
        assert verify(connection, db.audit_key).ok
        if connection.dialect.name == "sqlite":
            assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
    assert acknowledged >= KILLS
