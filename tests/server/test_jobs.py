"""Jobs come round when they are due, one worker does each, and one that fails does not stop the others."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from clinicdesk.core.errors import Unavailable
from clinicdesk.core.jobs import HELD_FOR, TRY_AGAIN, JobRow, begin_job, end_job, list_jobs
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.schemas import SetUpClinic
from clinicdesk.server.jobs import JOBS, WORKER, Job, run_due
from clinicdesk.server.serving import Serving, serve_from
from clinicdesk.server.settings import load_settings
from tests.conftest import Hands, Where

HOUR = timedelta(hours=1)


@pytest.fixture
def serving(db: Database) -> Serving:
    return serve_from(load_settings({}), db, lambda: None)


def jobs_of(db: Database) -> dict[str, JobRow]:
    with db.read(WORKER) as tx:
        return {job.name: job for job in list_jobs(tx)}


def counted(name: str, done: list[str], fails: Exception | None = None) -> Job:
    def run(_serving: Serving) -> None:
        done.append(name)
        if fails is not None:
            raise fails

    return Job(name, HOUR, run)


def test_a_job_is_done_at_once_and_then_when_it_is_due_again(serving: Serving, clock: Hands) -> None:
    done: list[str] = []
    jobs = [counted("one", done)]
    for minutes in (0, 10, 40, 10):  # the last one makes a whole hour
        clock.now += timedelta(minutes=minutes)
        run_due(serving, jobs)
    assert done == ["one", "one"]
    one = jobs_of(serving.database)["one"]
    assert (one.succeeded_at, one.due_at, one.running) == (clock.now, clock.now + HOUR, False)


@pytest.mark.parametrize(
    ("failure", "code"), [(Unavailable("disk_full"), "disk_full"), (KeyError("x"), "KeyError")], ids=["known", "a bug"]
)
def test_what_fails_is_counted_and_tried_again_soon_and_the_others_go_on(
    serving: Serving, clock: Hands, failure: Exception, code: str
) -> None:
    done: list[str] = []
    jobs = [counted("bad", done, failure), counted("good", done)]
    run_due(serving, jobs)
    clock.now += TRY_AGAIN
    run_due(serving, jobs)
    assert done == ["bad", "good", "bad"]
    bad = jobs_of(serving.database)["bad"]
    assert (bad.failures, bad.error, bad.succeeded_at) == (2, code, None)
    run_due(serving, [counted("bad", done)])
    clock.now += TRY_AGAIN
    run_due(serving, [counted("bad", done)])
    assert jobs_of(serving.database)["bad"].failures == 0


def test_of_many_workers_one_does_a_job(where: Where, clock: Hands) -> None:
    together, done = threading.Barrier(6), list[str]()

    def work() -> None:
        database = where.open(clock)
        together.wait()
        run_due(serve_from(load_settings({}), database, lambda: None), [counted("one", done), counted("two", done)])
        database.close()

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(done) == ["one", "two"]


def test_a_job_of_a_worker_that_died_is_taken_up_by_another_after_a_while(db: Database, clock: Hands) -> None:
    def begin() -> Any:
        with db.write(WORKER) as tx:
            return begin_job(tx, "one")

    dead = begin()
    assert begin() is None
    assert jobs_of(db)["one"].running
    clock.now += HELD_FOR
    other = begin()
    assert other not in (None, dead)
    with db.write(WORKER) as tx:  # it was only slow; that the work is in other hands now is not changed by it
        end_job(tx, "one", dead, HOUR)
    assert jobs_of(db)["one"].running


def test_every_job_can_be_done(serving: Serving, operator: Actor) -> None:
    with serving.database.write(operator) as tx:
        practitioners.set_up_clinic(tx, SetUpClinic("Harbour", "Europe/Berlin"))
    assert run_due(serving) == len(JOBS)
    assert {name: job.error for name, job in jobs_of(serving.database).items()} == dict.fromkeys(
        sorted(job.name for job in JOBS), ""
    )


def test_names_of_jobs_are_their_own_and_fit() -> None:
    assert len({job.name for job in JOBS}) == len(JOBS)
    assert max(len(job.name) for job in JOBS) <= 40
