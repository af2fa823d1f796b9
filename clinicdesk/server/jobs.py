"""The work that no request waits for: the outbox is emptied, and each job of one table is done when it is due.

Any number of processes may do it at once (`clinicdesk worker`, or a server that is a single process): a message is claimed
by one of them, and so is a job. What fails is logged, counted where an operator sees it, and tried again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from clinicdesk.core.crash import log_crash
from clinicdesk.core.errors import ClinicError
from clinicdesk.core.feed import forget_changes
from clinicdesk.core.jobs import begin_job, end_job
from clinicdesk.core.permissions import Role
from clinicdesk.core.retention import close_months, prune
from clinicdesk.core.tx import Actor, Tx
from clinicdesk.features.documents.archive import expire_removed, sweep_orphans
from clinicdesk.features.notifications.schemas import Channel
from clinicdesk.features.notifications.senders import (
    HttpSmsSender,
    Sender,
    SmsSettings,
    SmtpSender,
    SmtpSettings,
    Tls,
)
from clinicdesk.features.notifications.service import forget_told_reminders, remind_of_medicines
from clinicdesk.features.notifications.worker import run_worker
from clinicdesk.features.sync import service as sync
from clinicdesk.features.users.answers import forget_answers
from clinicdesk.features.users.sessions import forget_sessions
from clinicdesk.server.serving import Serving
from clinicdesk.server.settings import Settings

log = logging.getLogger(__name__)

WORKER = Actor(None, Role.OPERATOR, "job worker", "worker")
PAUSE_SECONDS = 10.0
_GRACE_SECONDS = 45.0
"""How long the end waits for a message that is being sent: longer than a sender's time-outs."""
_IMPLICIT_TLS_PORT = 465
_PIECES = 50


@dataclass(frozen=True, slots=True)
class Job:
    """Work that comes again: its name, how often, and a function that does a bounded piece of it."""

    name: str
    every: timedelta
    run: Callable[[Serving], object]


def in_tx(do: Callable[[Tx], object]) -> Callable[[Serving], object]:
    """A job that is one verb, in a unit of work of its own."""

    def run(serving: Serving) -> None:
        with serving.database.write(WORKER) as tx:
            do(tx)

    return run


def _note_checkpoint(serving: Serving) -> None:
    if serving.checkpoints is not None:
        serving.checkpoints.note()


def _prune_trail(serving: Serving) -> None:
    """Let go of the months of the audit trail that are kept long enough, a bounded piece each time round."""
    _note_checkpoint(serving)  # so that the newest one stands behind what goes
    for _ in range(_PIECES):
        with serving.database.write(WORKER) as tx:
            if not prune(tx, serving.settings.retention_years):
                return


def _expire_documents(serving: Serving) -> None:
    """Let go of the contents of documents that were removed long ago, where the clinic does not keep them for ever."""
    if days := serving.settings.documents_removed_days:
        expire_removed(serving.database, serving.archive, WORKER, timedelta(days=days))


JOBS: tuple[Job, ...] = (
    Job("medicine_reminders", timedelta(minutes=1), in_tx(remind_of_medicines)),
    Job("told_reminders", timedelta(days=1), in_tx(forget_told_reminders)),
    Job("checkpoints", timedelta(hours=1), _note_checkpoint),
    Job("audit_months", timedelta(hours=1), in_tx(close_months)),
    Job("retention", timedelta(hours=6), _prune_trail),
    Job("sessions", timedelta(hours=1), in_tx(forget_sessions)),
    Job("changes", timedelta(hours=1), in_tx(forget_changes)),
    Job("device_challenges", timedelta(hours=1), in_tx(sync.forget_challenges)),
    Job("held_contents", timedelta(hours=1), in_tx(sync.forget_contents)),
    Job("sync_horizon", timedelta(days=1), in_tx(sync.move_horizon)),
    Job("answers", timedelta(hours=1), in_tx(forget_answers)),
    Job("removed_documents", timedelta(days=1), _expire_documents),
    Job("documents", timedelta(days=1), lambda serving: sweep_orphans(serving.database, serving.archive, WORKER)),
)
"""Every job: a line for each. A name stays, for the database knows the job by it."""


def run_due(serving: Serving, jobs: Sequence[Job] = JOBS) -> int:
    """Do each job that is due and nobody else's, one after the other; returns how many were done, well or not.

    Raises Unavailable where the database cannot say which are due.
    """
    done = 0
    for job in jobs:
        with serving.database.write(WORKER) as tx:
            claim_id = begin_job(tx, job.name)
        if claim_id is None:
            continue
        error = ""
        try:
            job.run(serving)
        except ClinicError as failure:
            error = failure.reason
            log.warning("job %s: %s", job.name, error)
        except Exception as failure:  # a bug, or the disk: the other jobs go on
            error = type(failure).__name__
            log_crash(failure)
        with serving.database.write(WORKER) as tx:
            end_job(tx, job.name, claim_id, job.every, error)
        done += 1
    return done


def senders_of(settings: Settings) -> Mapping[Channel, Sender]:
    """The ways out that are set; what has none waits for one, and is in the end shown to the desk as failed."""
    senders: dict[Channel, Sender] = {}
    if settings.smtp_host:
        tls = Tls.NONE
        if settings.smtp_tls:
            tls = Tls.IMPLICIT if settings.smtp_port == _IMPLICIT_TLS_PORT else Tls.STARTTLS
        senders[Channel.EMAIL] = SmtpSender(
            SmtpSettings(
                settings.smtp_host, settings.mail_from, settings.smtp_port, tls, settings.smtp_user,
                settings.smtp_password.get_secret_value(),
            )
        )  # fmt: skip
    if settings.sms_url:
        senders[Channel.SMS] = HttpSmsSender(
            SmsSettings(settings.sms_url, settings.sms_sender, settings.sms_token.get_secret_value())
        )
    return senders


class Work:
    """Does all of it in two threads, from `start` until `stop`."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._stop = threading.Event()
        senders = senders_of(serving.settings)
        self._threads = [
            threading.Thread(
                target=self._keep_at, args=(lambda: run_worker(serving.database, senders, self._stop),), name="outbox"
            ),
            threading.Thread(target=self._keep_at, args=(self._jobs,), name="jobs"),
        ]

    def start(self) -> None:
        """Begin; returns at once."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Begin nothing more, and wait for what is under way: a message that is being sent, a job."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_GRACE_SECONDS)

    def _jobs(self) -> None:
        while not self._stop.is_set():
            run_due(self._serving)
            self._stop.wait(PAUSE_SECONDS)

    def _keep_at(self, work: Callable[[], None]) -> None:
        """Go on after whatever goes wrong: a database that is away is waited for, and a bug does not end the rest."""
        while not self._stop.is_set():
            try:
                work()
            except ClinicError as error:
                log.warning("%s: %s", threading.current_thread().name, error)
                self._stop.wait(PAUSE_SECONDS)
            except Exception as error:
                log_crash(error)
                self._stop.wait(PAUSE_SECONDS)
