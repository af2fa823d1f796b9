"""A desk fetches all that its roles may hold, in order, without a gap, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from clinicdesk.core import epoch
from clinicdesk.core.errors import InvalidInput, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Action, Actor, Change, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import BookAppointment
from clinicdesk.features.documents.models import Document
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.schemas import EditClinic
from clinicdesk.features.sync import rules
from clinicdesk.features.sync import service as sync
from clinicdesk.features.sync.entities import SYNCED
from clinicdesk.features.sync.schemas import CursorExpired, OutOfStep, TooOld
from tests.conftest import Hands
from tests.features.sync.conftest import Place, Sender, at


def book(db: Database, who: Actor, place: Place, hour: int, **more: Any) -> UUID:
    request = BookAppointment(place.smith, place.lee, at(hour), timedelta(minutes=20), **more)
    with db.write(who) as tx:
        return appointments.book(tx, request).id


@pytest.fixture
def receptionist(people: dict[Role, Actor]) -> Actor:
    return people[Role.RECEPTIONIST]


def test_what_is_done_at_the_server_is_fetched_once(
    db: Database, desk: Sender, place: Place, receptionist: Actor
) -> None:
    _, cursor = desk.snapshot()
    id_ = book(db, receptionist, place, 14, reason="Cough")
    found = desk.pull(cursor)
    assert [(one.entity, one.id) for one in found.changes] == [("appointment", id_)]
    row = found.changes[0].row
    assert row is not None
    assert (row["start"], row["reason"], row["status"]) == (at(14).isoformat(), "Cough", "booked")
    assert (found.has_more, desk.pull(found.upto).changes) == (False, ())


def test_a_row_is_fetched_as_it_stands_at_the_place_of_its_last_change(
    db: Database, desk: Sender, place: Place, receptionist: Actor
) -> None:
    _, cursor = desk.snapshot()
    first, second = book(db, receptionist, place, 14), book(db, receptionist, place, 15)
    with db.write(receptionist) as tx:
        appointments.arrive(tx, first, 1)
    found = desk.pull(cursor)
    assert [one.id for one in found.changes] == [second, first]
    assert [one.row and one.row["status"] for one in found.changes] == ["booked", "arrived"]
    assert found.changes[0].seq < found.changes[1].seq == found.upto


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_in_whatever_pieces_nothing_is_left_out(
    db: Database, desk: Sender, place: Place, receptionist: Actor, limit: int
) -> None:
    _, cursor = desk.snapshot()
    ids = {book(db, receptionist, place, hour) for hour in (11, 12, 13, 14, 15)}
    fetched: set[UUID] = set()
    more = True
    while more:
        found = desk.pull(cursor, limit=limit)
        assert found.upto > cursor
        assert all(cursor < one.seq <= found.upto for one in found.changes)
        fetched |= {one.id for one in found.changes}
        cursor, more = found.upto, found.has_more
    assert fetched == ids


def test_a_row_that_is_gone_is_told_as_gone(
    db: Database, make_desk: Callable[..., Sender], people: dict[Role, Actor]
) -> None:
    desk = make_desk()
    with db.write(people[Role.ADMINISTRATOR]) as tx:
        day = practitioners.save_holiday(tx, date(2026, 12, 24), "Christmas Eve")
    _, cursor = desk.snapshot()
    with db.write(people[Role.ADMINISTRATOR]) as tx:
        practitioners.remove_holiday(tx, day.id)
    assert [(one.entity, one.id, one.row) for one in desk.pull(cursor).changes] == [("holiday", day.id, None)]


def test_a_change_to_the_clinic_comes_too(db: Database, desk: Sender, people: dict[Role, Actor]) -> None:
    rows, cursor = desk.snapshot()
    assert rows["clinic", UUID(int=1)]["name"] == "Harbour Street"
    with db.write(people[Role.ADMINISTRATOR]) as tx:
        clinic = practitioners.clinic_settings(tx)
        practitioners.edit_clinic(tx, EditClinic(**{**asdict(clinic), "name": "Hill Street"}))
    [change] = desk.pull(cursor).changes
    assert change.row is not None
    assert (change.entity, change.id, change.row["name"]) == ("clinic", UUID(int=1), "Hill Street")


# ---- who may hold what -------------------------------------------------------------------------------------------------


def document(place: Place, type_: str) -> dict[str, Any]:
    key = new_id().hex
    return {
        "id": new_id(), "version": 1, "patient_id": place.smith, "type": type_, "title": "X", "dated_on": date(2026, 11, 20),
        "status": "current", "status_at": at(9), "filename": "", "media_type": "text/plain", "size": 1, "sha256": "0" * 64,
        "content_key": key, "filed_at": at(9),
    }  # fmt: skip


def write(db: Database, values: dict[str, Any], actor: Actor) -> None:
    with db.write(actor) as tx:
        row = Document(**values)
        tx.session.add(row)
        tx.session.flush()
        tx.record(Change.created(row, patient_id=row.patient_id))


def test_the_front_desk_holds_no_clinical_document_and_is_not_told_of_one(
    db: Database, make_desk: Callable[..., Sender], place: Place, operator: Actor
) -> None:
    front, room = make_desk("Front"), make_desk("Room", Role.DOCTOR)
    clinical, consent = document(place, "laboratory"), document(place, "consent")
    cursors = {one.actor.name: one.snapshot()[1] for one in (front, room)}
    for values in (clinical, consent):
        write(db, values, operator)
    assert [one.id for one in front.pull(cursors["Front"]).changes] == [consent["id"]]
    assert [one.id for one in room.pull(cursors["Room"]).changes] == [clinical["id"], consent["id"]]
    held = {id_ for entity, id_ in front.snapshot()[0] if entity == "document"}
    assert held == {consent["id"]}


def test_a_document_that_becomes_clinical_is_to_be_held_no_longer(
    db: Database, make_desk: Callable[..., Sender], place: Place, operator: Actor
) -> None:
    front = make_desk("Front")
    consent = document(place, "consent")
    write(db, consent, operator)
    _, cursor = front.snapshot()
    with db.write(operator) as tx:
        row = tx.session.get(Document, consent["id"])
        assert row is not None
        row.type = "laboratory"
        tx.record(Change.updated(row, patient_id=place.smith))
    assert [(one.id, one.row) for one in front.pull(cursor).changes] == [(consent["id"], None)]


def test_no_field_leaves_that_is_not_in_the_table(
    db: Database, make_desk: Callable[..., Sender], place: Place, operator: Actor, receptionist: Actor
) -> None:
    book(db, receptionist, place, 14)
    write(db, document(place, "consent"), operator)
    for role in (Role.RECEPTIONIST, Role.DOCTOR):
        desk = make_desk(role.value, role)
        scope = desk.hello().scope
        rows, _ = desk.snapshot()
        assert {entity for entity, _ in rows} >= {"appointment", "patient", "user", "practitioner", "document"}
        for (entity, _), row in rows.items():
            assert set(row) == set(scope[entity])
            assert not set(row) & set(SYNCED[entity].kept)
        names = {row["role"] for (entity, _), row in rows.items() if entity == "user"}
        assert names == {"administrator", "doctor", "nurse", "receptionist"}


def test_another_scope_starts_over(db: Database, desk: Sender, people: dict[Role, Actor]) -> None:
    _, cursor = desk.snapshot()
    before = desk.hello().scope_hash
    assert desk.actor.device_id is not None
    with db.write(people[Role.ADMINISTRATOR]) as tx:
        version = sync.get_device(tx, desk.actor.device_id).version
        sync.edit_device(tx, desk.actor.device_id, version, "Desk 1", (Role.DOCTOR,))
    with pytest.raises(OutOfStep) as changed:
        desk.pull(cursor, scope_hash=before)
    assert changed.value.reason == "scope_changed"
    assert "observation" in desk.hello().scope


def test_another_epoch_starts_over(db: Database, desk: Sender) -> None:
    _, cursor = desk.snapshot(limit=5)
    before = desk.hello().epoch
    with db.write(desk.actor) as tx:
        part = sync.snapshot(tx, "", 2).next
    with db.engine.begin() as connection:
        epoch.begin(connection)
    with pytest.raises(OutOfStep, match="epoch_changed"):
        desk.pull(cursor, epoch=before)
    with pytest.raises(OutOfStep, match="epoch_changed"), db.write(desk.actor) as tx:
        sync.snapshot(tx, part or "")


def test_a_cursor_from_the_future_is_of_another_life(desk: Sender) -> None:
    with pytest.raises(OutOfStep, match="epoch_changed"):
        desk.pull(10**9)


def test_who_is_too_old_is_not_served(desk: Sender) -> None:
    for more in ({"protocol": 0}, {"schema": 0}):
        with pytest.raises(TooOld):
            desk.pull(0, **more)
    with pytest.raises(InvalidInput):
        desk.pull(0, limit=rules.MOST_CHANGES + 1)


def test_after_four_hundred_days_a_desk_takes_a_snapshot(
    db: Database, desk: Sender, place: Place, receptionist: Actor, operator: Actor, clock: Hands
) -> None:
    _, cursor = desk.snapshot()
    book(db, receptionist, place, 14)
    middle = desk.pull(cursor).upto
    clock.now += timedelta(days=300)
    book_later = BookAppointment(place.smith, place.lee, clock.now.replace(hour=14), timedelta(minutes=20))
    with db.write(receptionist) as tx:
        appointments.book(tx, book_later)
    with db.write(operator) as tx:
        sync.move_horizon(tx)
    assert len(desk.pull(cursor).changes) == 2
    clock.now += timedelta(days=101)
    with db.write(operator) as tx:
        sync.move_horizon(tx)
    with pytest.raises(CursorExpired):
        desk.pull(cursor)
    found = desk.pull(middle)
    assert (len(found.changes), found.min_retained) == (1, middle)


# ---- snapshots ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_a_snapshot_is_whole_with_what_changed_meanwhile(
    db: Database, desk: Sender, place: Place, receptionist: Actor, limit: int
) -> None:
    first = book(db, receptionist, place, 14)
    with db.write(desk.actor) as tx:
        part = sync.snapshot(tx, "", limit)
    second = book(db, receptionist, place, 15)
    with db.write(receptionist) as tx:
        appointments.arrive(tx, first, 1)
    rows = {(one.entity, one.id): one.row for one in part.rows}
    while part.next:
        with db.write(desk.actor) as tx:
            part = sync.snapshot(tx, part.next, limit)
        rows |= {(one.entity, one.id): one.row for one in part.rows}
    for change in desk.pull(part.cursor).changes:
        if change.row is not None:
            rows[change.entity, change.id] = change.row
    assert rows == desk.snapshot()[0]
    assert rows["appointment", first]["status"] == "arrived"
    assert ("appointment", second) in rows


@pytest.mark.parametrize("cursor", ["x", "WyJhIl0", "W10"])
def test_a_cursor_that_is_none_is_refused(db: Database, desk: Sender, cursor: str) -> None:
    with pytest.raises(InvalidInput) as refused, db.write(desk.actor) as tx:
        sync.snapshot(tx, cursor)
    assert refused.value.reason == "cursor_not_right"


def test_a_desk_can_tell_whether_it_holds_all(db: Database, desk: Sender, place: Place, receptionist: Actor) -> None:
    book(db, receptionist, place, 14)
    rows, cursor = desk.snapshot()
    with db.read(desk.actor) as tx:
        found = sync.digest(tx, cursor)
        assert sync.digest(tx, cursor, ("patient",)).entities["patient"] == found.entities["patient"]
    for entity in desk.hello().scope:
        held = sorted((id_, row) for (name, id_), row in rows.items() if name == entity)
        assert (found.entities[entity].rows, found.entities[entity].sha256) == rules.digest_of(held)
    book(db, receptionist, place, 15)
    with pytest.raises(OutOfStep, match="seq_moved"), db.read(desk.actor) as tx:
        sync.digest(tx, cursor)
    with pytest.raises(InvalidInput), db.read(desk.actor) as tx:
        sync.digest(tx, desk.pull(cursor).upto, ("observation",))


def test_what_was_fetched_stands_in_the_audit_trail(
    db: Database, desk: Sender, place: Place, receptionist: Actor
) -> None:
    _, cursor = desk.snapshot()
    book(db, receptionist, place, 14)
    desk.pull(cursor)
    with db.engine.connect() as connection:
        reads = connection.execute(
            select(AuditEntry.actor_name, AuditEntry.role, AuditEntry.verb).where(AuditEntry.entity == "device",
                AuditEntry.action == Action.READ.value)
        ).all()  # fmt: skip
    assert {tuple(read) for read in reads} == {("Desk 1", "device", "sync.snapshot"), ("Desk 1", "device", "sync.pull")}


def test_nobody_else_fetches(db: Database, desk: Sender, people: dict[Role, Actor]) -> None:
    for role, actor in people.items():
        with pytest.raises(NotPermitted), db.write(actor) as tx:
            sync.snapshot(tx)
        assert role is not Role.DEVICE
