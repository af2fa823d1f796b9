"""Work that comes again: when each job is due is kept in the database, so that of any number of workers one does it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.ids import new_id
from clinicdesk.core.model import Base
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx, verb

HELD_FOR = timedelta(minutes=30)
"""How long a worker has a job before it counts as dead. Jobs do a bounded piece of work at a time, far shorter than this."""


TRY_AGAIN = timedelta(minutes=10)


class JobRun(Base):
    """One job: when it is due, who is at it, and how it went."""

    __tablename__ = "job_run"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    due_at: Mapped[datetime]
    claim_id: Mapped[UUID | None]
    held_until: Mapped[datetime | None]
    """Until then it is the work of whoever has the claim."""
    succeeded_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    """Since it went well the last time."""
    error: Mapped[str] = mapped_column(String(40), default="")
    """A code: why it failed the last time."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """How a job stands. `failures` in a row, with the code of the last one; `running` while a worker is at it."""

    name: str
    due_at: datetime
    running: bool
    succeeded_at: datetime | None
    failures: int
    error: str


@verb(Permission.MAINTAIN, concurrent=True)
def begin_job(tx: Tx, name: str) -> UUID | None:
    """Take a job that is due, which is then the caller's alone for half an hour; None where it is not due, or somebody's."""
    tx.claim(f"job {name}")
    job = tx.session.get(JobRun, name)
    if job is None:
        job = JobRun(name=name, due_at=tx.now, claim_id=None, held_until=None, succeeded_at=None, failures=0, error="")
        tx.session.add(job)
    if job.due_at > tx.now or (job.held_until is not None and job.held_until > tx.now):
        return None
    job.claim_id, job.held_until = new_id(), tx.now + HELD_FOR
    return job.claim_id


@verb(Permission.MAINTAIN, concurrent=True)
def end_job(tx: Tx, name: str, claim_id: UUID, every: timedelta, error: str = "") -> None:
    """Say how a job went and when it is due again: after a failure soon. Whoever took so long that it is another's by now
    says nothing.
    """
    tx.claim(f"job {name}")
    job = tx.session.get_one(JobRun, name)
    if job.claim_id != claim_id:
        return
    job.claim_id = job.held_until = None
    job.due_at = tx.now + (min(every, TRY_AGAIN) if error else every)
    if error:
        job.failures, job.error = job.failures + 1, error[:40]
    else:
        job.failures, job.error, job.succeeded_at = 0, "", tx.now


@verb(Permission.MAINTAIN, writes=False)
def list_jobs(tx: Tx) -> list[JobRow]:
    """How every job stands that has ever been taken, by name."""
    return [
        JobRow(
            job.name, job.due_at, job.held_until is not None and job.held_until > tx.now, job.succeeded_at,
            job.failures, job.error,
        )
        for job in tx.session.scalars(select(JobRun).order_by(JobRun.name))
    ]  # fmt: skip
