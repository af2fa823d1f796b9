"""Two desks, each a process with a database connection of its own, that want the same time at the same instant."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from uuid import UUID

from clinicdesk.core.database import open_database
from clinicdesk.core.tx import Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import BookAppointment, SlotTaken
from tests.benchmarks.clinic import ACTOR, KEY, LENGTH, NOW, grow
from tests.benchmarks.report import Aim, Measure, Scale, percentile

_FIRST = 72
"""The first time that is free: tomorrow's."""


def measure(scale: Scale) -> Iterator[Measure]:
    """Of each time that both want one must get it, and the other soon be told so. The limit: one desk alone."""
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "clinic.db")
        clinic = grow(file, scale.small)
        practitioner = clinic.practitioners[0]
        barrier = spawn.Barrier(2)
        ours, theirs = zip(*(spawn.Pipe() for _ in range(2)), strict=True)
        desks = [
            spawn.Process(target=_desk, args=(file, practitioner, clinic.patients[nth], scale.rounds, barrier, end))
            for nth, end in enumerate(theirs)
        ]
        for desk in desks:
            desk.start()
        rounds = list(zip(*(end.recv() for end in ours), strict=True))
        for desk in desks:
            desk.join()
        alone = [_try(clinic.database, practitioner, clinic.patients[0], 10_000 + n)[1] for n in range(50)]
        clinic.database.close()
    once = sum(one_won != two_won for (one_won, _), (two_won, _) in rounds)
    lost = [waited * 1e3 for both in rounds for won, waited in both if not won]
    yield Measure(
        f"one time, two desks, {scale.rounds} rounds: one wins", once, None, "rounds", Aim(least=scale.rounds)
    )
    limit = percentile(alone, 0.5) * 1e3
    yield Measure(
        "… the loser's answer, p50 (limit: a booking that nobody contests)", percentile(lost, 0.5), limit, "ms"
    )
    yield Measure("… the slowest of the losers' answers", max(lost), None, "ms", Aim(most=50))


def _desk(file: Path, practitioner: UUID, patient: UUID, rounds: int, barrier: Barrier, end: Connection) -> None:
    """One desk: at each signal try the next time, then tell (won, seconds until the answer) of all."""
    database = open_database(file, KEY, lambda: NOW)
    _try(database, practitioner, patient, 0)  # taken already: what is loaded once is loaded now
    found = []
    for nth in range(rounds):
        barrier.wait()
        found.append(_try(database, practitioner, patient, _FIRST + nth))
    database.close()
    end.send(found)


def _try(database: Database, practitioner: UUID, patient: UUID, nth: int) -> tuple[bool, float]:
    """Whether the nth time of the practitioner could be had, and how many seconds the answer took."""
    began = time.perf_counter()
    try:
        with database.write(ACTOR) as tx:
            appointments.book(tx, BookAppointment(patient, practitioner, NOW + nth * LENGTH, LENGTH))
    except SlotTaken:
        return False, time.perf_counter() - began
    return True, time.perf_counter() - began
