"""The change log: everything that was committed, in that order, once, and nothing that it was about."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from sqlalchemy import select

from clinicdesk.core import feed
from clinicdesk.core.changes import LoggedUnit
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Actor, Change, Committed, Database, Tx, verb
from clinicdesk.features.practitioners.models import Site
from tests.conftest import Hands, Where


@verb(Permission.SEE_CALENDAR, concurrent=True)
def note_site(tx: Tx, name: str) -> Site:
    site = Site(id=new_id(), name=name)
    tx.session.add(site)
    tx.record(Change.created(site))
    return site


@verb(Permission.SEE_CALENDAR, concurrent=True)
def tell_only(tx: Tx, user: Actor) -> None:
    tx.tell(Change("notification", None, Action.UPDATE, None, {"user_id": user.user_id, "kind": "secret word"}))


def fail_after(tx: Tx) -> None:
    note_site(tx, "Harbour")
    raise AssertionError


@pytest.fixture
def served(db: Database) -> Database:
    db.serves = True
    return db


def since(db: Database, operator: Actor, seq: int, limit: int = 500) -> feed.Feed:
    with db.read(operator) as tx:
        return feed.changes_since(tx, seq, limit)


def test_a_unit_of_work_is_logged_with_ids_and_without_a_value(
    served: Database, doctor: Actor, operator: Actor
) -> None:
    told: list[Committed] = []
    served.listeners.append(told.append)
    with served.write(doctor) as tx:
        site = note_site(tx, "Mara Lindt")
        tell_only(tx, doctor)
    with served.write(doctor) as tx:
        tell_only(tx, doctor)
    found = since(served, operator, 0)
    assert [unit.seq for unit in found.units] == [one.seq for one in told]
    assert (found.newest, found.broken) == (told[-1].seq, False)
    first, second = found.units
    assert [(one.entity, one.id, one.action) for one in first.changes] == [
        ("site", site.id, "C"),
        ("notification", None, "U"),
    ]
    assert second.changes[0].user_id == doctor.user_id
    with served.engine.connect() as connection:
        kept = "".join(connection.scalars(select(LoggedUnit.changes)))
    assert "Lindt" not in kept
    assert "secret" not in kept


def test_what_is_read_or_fails_is_not_logged(served: Database, doctor: Actor, operator: Actor) -> None:
    with served.write(doctor) as tx:
        tx.record(Change("patient", new_id(), Action.READ))
    with pytest.raises(AssertionError), served.write(doctor) as tx:
        fail_after(tx)
    assert since(served, operator, 0).newest == 0


@pytest.mark.embedded
def test_a_desk_that_serves_nobody_logs_nothing(db: Database, doctor: Actor, operator: Actor) -> None:
    told: list[Committed] = []
    db.listeners.append(told.append)
    with db.write(doctor) as tx:
        note_site(tx, "Harbour")
    assert (since(db, operator, 0).newest, told[0].seq) == (0, None)


def test_an_import_is_told_by_the_tables_that_it_changed(served: Database, doctor: Actor, operator: Actor) -> None:
    with served.write(doctor) as tx:
        for number in range(300):
            note_site(tx, f"Site {number}")
    [unit] = since(served, operator, 0).units
    assert [(one.entity, one.id, one.many) for one in unit.changes] == [("site", None, True)]


def test_whoever_follows_while_four_write_misses_nothing_and_gets_nothing_twice(
    where: Where, served: Database, clock: Hands, doctor: Actor, operator: Actor
) -> None:
    done = Event()

    def write(number: int) -> list[int | None]:
        mine = where.open(clock)
        mine.serves = True
        told: list[Committed] = []
        mine.listeners.append(told.append)
        try:
            for nth in range(40):
                with mine.write(doctor) as tx:
                    note_site(tx, f"Site {number}.{nth}")
        finally:
            mine.close()
        return [one.seq for one in told]

    def follow() -> list[int]:
        seen: list[int] = []
        last_look = False
        while True:
            found = since(served, operator, seen[-1] if seen else 0, 7)
            assert not found.broken
            seen += [unit.seq for unit in found.units]
            if last_look and not found.units:
                return seen
            last_look = done.is_set()

    with ThreadPoolExecutor(6) as pool:
        followers = [pool.submit(follow) for _ in range(2)]
        written = sorted(seq for one in pool.map(write, range(4)) for seq in one if seq is not None)
        done.set()
        assert len(written) == 160
        for follower in followers:
            assert follower.result() == written


def test_whoever_comes_too_late_is_told_so(served: Database, doctor: Actor, operator: Actor, clock: Hands) -> None:
    for name in ("One", "Two", "Three"):
        with served.write(doctor) as tx:
            note_site(tx, name)
        clock.now += timedelta(days=1)
    first, second, third = (unit.seq for unit in since(served, operator, 0).units)
    with served.write(operator) as tx:
        assert feed.forget_changes(tx) == 1
    assert since(served, operator, first - 1).broken
    assert [unit.seq for unit in since(served, operator, first).units] == [second, third]
    assert since(served, operator, third + 1).broken, "of another database"
    clock.now += timedelta(days=30)
    with served.write(operator) as tx:
        assert feed.forget_changes(tx) == 1
    assert since(served, operator, third) == feed.Feed((), third, broken=False)
