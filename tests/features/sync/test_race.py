"""Many desks at once: one has the time, each op takes effect once, and whoever fetches meanwhile misses nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from uuid import UUID

from sqlalchemy import func, select

from clinicdesk.core.ids import new_id
from clinicdesk.core.tx import Database
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.sync.models import OpLedger, SyncConflict
from clinicdesk.features.sync.schemas import OpResult, Outcome
from tests.features.sync.conftest import Place, Sender, at

DESKS = 4


def test_of_desks_that_promise_one_time_at_once_one_has_it(
    db: Database, make_desk: Callable[..., Sender], place: Place
) -> None:
    desks = [make_desk(f"Desk {n}") for n in range(DESKS)]
    hours = (14, 15, 16)

    def send(desk: Sender, patient: UUID) -> list[OpResult]:
        visits = (desk.visit(place, at(hour), patient_id=str(patient)) for hour in hours)
        return list(desk.push(*(desk.op("appointment", new_id(), one) for one in visits)).results)

    with ThreadPoolExecutor(DESKS) as pool:
        results = [one for sent in pool.map(send, desks, place.others) for one in sent]
    outcomes = sorted(one.outcome for one in results)
    assert outcomes == sorted([Outcome.APPLIED] * len(hours) + [Outcome.CONFLICT] * len(hours) * (DESKS - 1))
    with db.engine.connect() as connection:
        held = connection.execute(select(func.count()).where(Appointment.status == "booked")).scalar_one()
        open_ = connection.execute(select(func.count()).select_from(SyncConflict)).scalar_one()
    assert (held, open_) == (len(hours), len(hours) * (DESKS - 1))


def test_an_op_that_comes_by_several_ways_at_once_takes_effect_once(db: Database, desk: Sender, place: Place) -> None:
    op = desk.op("appointment", new_id(), desk.visit(place, at(14)))
    with ThreadPoolExecutor(DESKS) as pool:
        pushed = list(pool.map(lambda stream: _by(desk, stream).push(op), [new_id() for _ in range(DESKS)]))
    assert {one.results[0].outcome for one in pushed} == {Outcome.APPLIED}
    with db.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(OpLedger)).scalar_one() == 1
        assert connection.execute(select(func.count()).select_from(Appointment)).scalar_one() == 1


def _by(desk: Sender, stream: UUID) -> Sender:
    return Sender(desk.db, desk.actor, desk.people, stream)


def test_whoever_fetches_while_others_write_misses_nothing(
    db: Database, make_desk: Callable[..., Sender], place: Place
) -> None:
    writers, reader = [make_desk(f"Desk {n}") for n in range(DESKS)], make_desk("Reader")
    _, cursor = reader.snapshot()
    over = Event()

    def write(desk: Sender, nth: int) -> set[UUID]:
        ids = set()
        for day in range(1, 6):
            op = desk.op("appointment", new_id(), desk.visit(place, at(8 + 2 * nth, 0, day)))
            desk.push(op)
            ids.add(op.id)
        return ids

    def fetch() -> set[UUID]:
        found: set[UUID] = set()
        position = cursor
        while True:
            last = over.is_set()
            page = reader.pull(position, limit=3)
            found |= {change.id for change in page.changes if change.entity == "appointment"}
            position = page.upto
            if last and not page.has_more:
                return found

    with ThreadPoolExecutor(DESKS + 1) as pool:
        fetching = pool.submit(fetch)
        try:
            written = set().union(*pool.map(write, writers, range(DESKS)))
        finally:
            over.set()
        assert fetching.result() == written
