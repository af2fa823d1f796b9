"""The only place that knows threads: work on the database leaves the main thread here, and its results come back to it."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import shiboken6
from PySide6.QtCore import QObject, Qt, Signal, Slot

from clinicdesk.core.clock import utc_now
from clinicdesk.core.crash import log_crash
from clinicdesk.core.errors import ClinicError
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Committed, Database, Tx

T = TypeVar("T")

NOBODY = Actor(None, Role.NOBODY)


class Crash(ClinicError):
    """A bug of ours stopped the work; `reference` names the entry in the log."""

    code = "crashed"


@dataclass(frozen=True, slots=True)
class _Job:
    """What a thread is given: values and functions, never a widget, so that none dies on the wrong thread."""

    number: int
    work: Callable[[], Any]
    must_finish: bool


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What stays on the main thread until the result is there."""

    owner: QObject
    then: Callable[[Any], None] | None
    failed: Callable[[ClinicError], None] | None


class _Lane:
    """One thread that takes jobs in the order in which they were put."""

    def __init__(self, name: str, done: Callable[[int, object, object], None]) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._done = done
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, job: _Job) -> None:
        self._jobs.put(job)

    def close(self) -> None:
        """Finish the job under way and the writes behind it; what only reads is given up."""
        self._closing = True
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if job.must_finish or not self._closing:
                self._work(job)
            del job  # what its closure holds must not live until the next one comes

    def _work(self, job: _Job) -> None:
        try:
            result = job.work()
        except ClinicError as error:
            self._done(job.number, None, error.with_traceback(None))
        except Exception as error:
            self._done(job.number, None, Crash(reference=log_crash(error)))
        else:
            self._done(job.number, result, None)


class Runner(QObject):
    """Takes work that needs the database and gives back its result on the main thread, to whoever is still there.

    Work is a function of values; it must not touch a widget. Reads and writes run one after the other in the order in which
    they were asked for, each in a unit of work of its own and in the name of whoever was signed in when it was asked for.
    The result goes to `then`, a ClinicError to `failed`, or to the signal of that name where there is none. Nothing is
    called once `owner` is destroyed.
    """

    changed = Signal(object)
    """Committed: this process has changed something. Comes before the `then` of the write that did it."""
    failed = Signal(object)
    """ClinicError of work that named nobody to tell."""
    crashed = Signal(str)
    """Reference of a bug that stopped work which named nobody to tell."""
    busy = Signal(bool)

    _done = Signal(int, object, object)
    _committed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.actor = NOBODY
        self._database: Database | None = None
        self._waiting: dict[int, _Waiting] = {}
        self._numbers = itertools.count(1)
        self._closed = False
        self._listener = self._committed.emit
        self._done.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._committed.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        self._first = _Lane("database", self._done.emit)
        self._aside: _Lane | None = None

    @property
    def database(self) -> Database:
        """The clinic's database. Raises RuntimeError before one was attached."""
        if self._database is None:
            raise RuntimeError("no database is open yet")
        return self._database

    def attach(self, database: Database) -> None:
        """Work on this database from now on, and tell what is committed in it."""
        self.detach()
        self._database = database
        database.listeners.append(self._listener)

    def detach(self) -> None:
        """Let go of the database; whoever opened it may close it after the work that was asked for."""
        if self._database is not None:
            self._database.listeners.remove(self._listener)
            self._database = None

    def now(self) -> datetime:
        """The present instant by the database's clock, aware, in UTC."""
        return self._database.clock() if self._database is not None else utc_now()

    def read(
        self,
        work: Callable[[Tx], T],
        then: Callable[[T], None],
        *,
        owner: QObject,
        failed: Callable[[ClinicError], None] | None = None,
    ) -> None:
        """Do `work` in a unit of work that only reads."""
        database, actor = self.database, self.actor

        def reading() -> T:
            with database.read(actor) as tx:
                return work(tx)

        self._put(self._first, reading, then, owner, failed, must_finish=False)

    def write(
        self,
        work: Callable[[Tx], T],
        then: Callable[[T], None] | None = None,
        *,
        owner: QObject,
        failed: Callable[[ClinicError], None] | None = None,
    ) -> None:
        """Do `work` in a unit of work that may change things; it is committed when `then` is called."""
        database, actor = self.database, self.actor

        def writing() -> T:
            with database.write(actor) as tx:
                return work(tx)

        self._put(self._first, writing, then, owner, failed, must_finish=True)

    def call(
        self,
        work: Callable[[Database], T],
        then: Callable[[T], None] | None = None,
        *,
        owner: QObject,
        failed: Callable[[ClinicError], None] | None = None,
        aside: bool = False,
    ) -> None:
        """Do `work` with the whole database; `aside`, beside the ordinary reads and writes, where it takes long."""
        database = self.database
        self.run(lambda: work(database), then, owner=owner, failed=failed, aside=aside)

    def run(
        self,
        work: Callable[[], T],
        then: Callable[[T], None] | None = None,
        *,
        owner: QObject,
        failed: Callable[[ClinicError], None] | None = None,
        aside: bool = False,
    ) -> None:
        """Do `work` that needs no database yet, such as opening it."""
        lane = self._first
        if aside:
            self._aside = lane = self._aside or _Lane("database aside", self._done.emit)
        self._put(lane, work, then, owner, failed, must_finish=True)

    def close(self) -> None:
        """Wait for the work under way and for every write that was asked for, then stop. Nothing is delivered any more."""
        if self._closed:
            return
        self._closed = True
        self._waiting.clear()
        for lane in (self._first, self._aside):
            if lane is not None:
                lane.close()
        if self._database is not None:
            self._database.listeners.remove(self._listener)

    def _put(
        self,
        lane: _Lane,
        work: Callable[[], Any],
        then: Callable[[Any], None] | None,
        owner: QObject,
        failed: Callable[[ClinicError], None] | None,
        *,
        must_finish: bool,
    ) -> None:
        if self._closed:
            return
        number = next(self._numbers)
        self._waiting[number] = _Waiting(owner, then, failed)
        if len(self._waiting) == 1:
            self.busy.emit(True)
        lane.put(_Job(number, work, must_finish))

    @Slot(int, object, object)
    def _deliver(self, number: int, result: object, error: ClinicError | None) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is None:
            return
        if not self._waiting:
            self.busy.emit(False)
        if error is None:
            if waiting.then is not None and shiboken6.isValid(waiting.owner):
                waiting.then(result)
        elif waiting.failed is not None and shiboken6.isValid(waiting.owner):
            waiting.failed(error)
        elif isinstance(error, Crash):
            self.crashed.emit(str(error.params["reference"]))
        else:
            self.failed.emit(error)

    @Slot(object)
    def _tell(self, committed: Committed) -> None:
        if not self._closed:
            self.changed.emit(committed)
