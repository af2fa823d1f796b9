"""Eight processes race for each of 200 slots: one wins, the others are told that the time is taken, and nothing else happens."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from uuid import UUID

from sqlalchemy import func, select

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import verify
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.appointments.schemas import BookAppointment, SlotTaken
from tests.conftest import Where
from tests.features.appointments.conftest import Place, at

RACERS, SLOTS = 8, 200
NOW = datetime(2026, 11, 23, 10, 42, tzinfo=UTC)


def slot(nth: int) -> datetime:
    """Twenty a day, each half an hour long."""
    return at(8, 30 * (nth % 20) % 60, day=1 + nth // 20) + timedelta(hours=nth % 20 // 2)


def race(where: Where, patient_id: UUID, practitioner_id: UUID, together: Barrier) -> Counter[str]:
    """Try every slot at the same moment as the others; returns how often which answer came."""
    database = where.open(lambda: NOW)
    actor = Actor(new_id(), Role.RECEPTIONIST, "Some racer", "Desk")
    answers: Counter[str] = Counter()
    for nth in range(SLOTS):
        together.wait(timeout=60)
        try:
            with database.write(actor) as tx:
                appointments.book(tx, BookAppointment(patient_id, practitioner_id, slot(nth), timedelta(minutes=30)))
            answers["won"] += 1
        except SlotTaken as lost:
            answers[str(lost.params["what"])] += 1
        except Exception as error:
            answers[repr(error)] += 1
    database.close()
    return answers


def run(where: Where, patient_id: UUID, practitioner_id: UUID, together: Barrier, told: Queue[Counter[str]]) -> None:
    told.put(race(where, patient_id, practitioner_id, together))


def test_one_wins_each_slot_and_the_rest_are_told(db: Database, where: Where, place: Place) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    together, told = processes.Barrier(RACERS), processes.Queue()
    racers = [
        processes.Process(target=run, args=(where, place.others[n], place.lee, together, told), daemon=True)
        for n in range(RACERS)
    ]
    for racer in racers:
        racer.start()
    answers = [told.get(timeout=120) for _ in racers]
    for racer in racers:
        racer.join()
    assert sum(answers, Counter()) == {"won": SLOTS, "practitioner": SLOTS * (RACERS - 1)}
    with db.engine.connect() as connection:
        starts = connection.scalars(select(Appointment.start).order_by(Appointment.start)).all()
        assert starts == [slot(nth) for nth in range(SLOTS)]
        assert connection.scalar(select(func.count()).select_from(Appointment)) == SLOTS
        checked = verify(connection, db.audit_key)
    assert (checked.ok, checked.entries) == (True, SLOTS)
