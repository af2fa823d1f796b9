"""The patients of one practitioner: the same as counting by hand gives, in pages, and without walking over the clinic."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, insert, select
from sqlalchemy.orm import Session

from clinicdesk.core.errors import InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import PageRequest, encode_cursor
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.appointments.rules import COUNTED
from clinicdesk.features.appointments.schemas import PatientOfPractitioner, PatientsOf, Status
from clinicdesk.features.patients.index import rebuild_index
from tests.features.appointments.conftest import Place, at

OVER = [Status.FULFILLED, Status.CANCELLED, Status.NOSHOW, Status.ENTERED_IN_ERROR, Status.PROPOSED]


def seed(db: Database, place: Place, count: int = 300) -> list[dict[str, Any]]:
    """Visits of the last and the next weeks, some at the same instant, that hold no time."""
    chance = Random(7)
    people = (place.smith, place.jones, *place.others)
    visits = [
        {
            "id": new_id(), "version": 1, "patient_id": chance.choice(people),
            "practitioner_id": chance.choice((place.lee, place.okafor)), "room_id": None, "type_id": None,
            "start": (start := at(8, 0, chance.randrange(-30, 10)) + timedelta(minutes=30 * chance.randrange(20))),
            "end": start + timedelta(minutes=20), "status": chance.choice(OVER).value, "arrived_at": None,
            "checked_in_at": None, "started_at": None, "ended_at": None, "created_at": start - timedelta(days=3),
            "created_by": None,
        }
        for _ in range(count)
    ]  # fmt: skip
    with Session(db.engine) as session, session.begin():
        session.execute(insert(Appointment), visits)
        rebuild_index(session)
    return visits


def by_hand(visits: list[dict[str, Any]], query: PatientsOf, now: datetime) -> list[tuple[Any, ...]]:
    mine: dict[UUID, list[datetime]] = defaultdict(list)
    for visit in visits:
        if (
            visit["practitioner_id"] == query.practitioner_id
            and visit["status"] in COUNTED
            and (query.since is None or visit["start"] >= query.since)
            and (query.until is None or visit["start"] < query.until)
        ):
            mine[visit["patient_id"]].append(visit["start"])
    order = sorted(mine.items(), key=lambda item: (max(item[1]), item[0]), reverse=not query.oldest_first)
    return [
        (
            patient_id, len(those), min(those), max(those), min((start for start in those if start >= now), default=None),
        )
        for patient_id, those in order
    ]  # fmt: skip


def everybody(db: Database, actor: Actor, query: dict[str, Any], limit: int) -> list[PatientOfPractitioner]:
    found: list[PatientOfPractitioner] = []
    cursor: str | None = ""
    while cursor is not None:
        with db.write(actor) as tx:
            page = service.patients_of_practitioner(
                tx, PatientsOf(**query, page=PageRequest(limit, cursor, total=True))
            )
        assert len(page.items) <= limit
        found += page.items
        cursor = page.next
    assert page.total == len(found)
    return found


@pytest.mark.parametrize(
    "narrowed",
    [{}, {"oldest_first": True}, {"since": at(0, day=-9)}, {"since": at(0, day=-20), "until": at(11)}, {"until": at(0, day=-90)}],
)  # fmt: skip
def test_the_pages_are_what_counting_by_hand_gives(
    db: Database, place: Place, doctor: Actor, narrowed: dict[str, Any]
) -> None:
    visits = seed(db, place)
    query = {"practitioner_id": place.lee, **narrowed}
    rows = everybody(db, doctor, query, limit=5)
    found = [(row.patient_id, row.visits, row.first_visit, row.last_visit, row.next_visit) for row in rows]
    assert found == by_hand(visits, PatientsOf(**query), at(10, 42))


def test_names_and_numbers_are_found_by_their_beginnings(db: Database, place: Place, doctor: Actor) -> None:
    seed(db, place)

    def families(text: str) -> list[str]:
        return [row.family for row in everybody(db, doctor, {"practitioner_id": place.lee, "text": text}, 50)]

    assert families("jor smi") == ["Smith"]
    assert families("hs-00002") == ["Jones"]
    assert len(families("sam")) == 10
    assert families("%") == []


def test_reading_it_is_audited_without_names(db: Database, place: Place, doctor: Actor) -> None:
    seed(db, place)
    everybody(db, doctor, {"practitioner_id": place.lee}, 200)
    with db.engine.connect() as connection:
        [entry] = connection.execute(select(AuditEntry)).all()
    assert (entry.verb, entry.action, entry.entity_id) == ("appointments.patients_of_practitioner", "R", place.lee.hex)
    assert entry.detail == '{"note":"12 patients"}'


def test_nobody_has_no_patients_and_a_made_up_cursor_is_refused(db: Database, place: Place, doctor: Actor) -> None:
    assert everybody(db, doctor, {"practitioner_id": place.herrera}, 50) == []
    with pytest.raises(NotFound, match="practitioner_not_found"), db.write(doctor) as tx:
        service.patients_of_practitioner(tx, PatientsOf(new_id()))
    for cursor in ("x", encode_cursor([(1 << 63) - 1, UUID(int=0).hex]), encode_cursor([0, "x"])):
        with pytest.raises(InvalidInput, match="cursor_not_right"), db.write(doctor) as tx:
            service.patients_of_practitioner(tx, PatientsOf(place.lee, page=PageRequest(50, cursor)))


def test_no_page_walks_over_all_appointments(db: Database, place: Place, doctor: Actor) -> None:
    seed(db, place, 3000)
    statements: list[tuple[str, Any]] = []
    on_postgres = db.engine.dialect.name == "postgresql"
    explain, walk = (
        ("EXPLAIN", r"Seq Scan on appointment") if on_postgres else ("EXPLAIN QUERY PLAN", r"SCAN (later|appointment)")
    )
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append((args[2], args[3])))
    everybody(db, doctor, {"practitioner_id": place.lee}, 5)
    asked = [one for one in statements if one[0].startswith("SELECT") and "appointment" in one[0]]
    assert asked
    with db.engine.connect() as connection:
        if on_postgres:
            connection.exec_driver_sql("SET enable_seqscan = off")  # among so few it would be the quickest way
        for statement, parameters in asked:
            plan = "\n".join(row[-1] for row in connection.exec_driver_sql(f"{explain} {statement}", parameters))
            assert not re.search(walk, plan, re.MULTILINE), f"{statement}\n{plan}"
