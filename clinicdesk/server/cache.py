"""Answers that are kept for whoever asks next, and are never older than the last write that was acknowledged anywhere.

On PostgreSQL they lie in Redis and, unpacked, in the worker; an answer is worth something while the marks of `marks.py` stand
that were read before it was, and while nobody has the cache paused. The embedded database counts its own commits, which
serves as the one mark. Where anything is in doubt there is no answer, and the database is asked.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from clinicdesk.core import pauses
from clinicdesk.core.errors import ClinicError
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database, Tx
from clinicdesk.server.cached import Kept
from clinicdesk.server.link import Away, Link
from clinicdesk.server.marks import BELIEVED_SECONDS, EVERYTHING, PREFIX, Marks
from clinicdesk.server.tokens import Caller

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.3
_LASTS_SECONDS = 600
_LONGEST = 512 * 1024
_PACKED_FROM = 1_000
_TIME_OF_DAY_SECONDS = 300
_VALUES = "clinicdesk:answer:"

_looked = Counter("clinicdesk_cache_total", "Answers looked up in the cache", ["answer", "found"])


@dataclass(slots=True)
class Answer:
    """An answer as it was given: its ETag and its body; packed once somebody takes it packed."""

    marks: bytes
    etag: bytes
    body: bytes = field(repr=False)
    _packed: bytes | None = field(default=None, repr=False)

    def packed(self) -> bytes | None:
        """The body by gzip; None where that is not worth it."""
        if len(self.body) < _PACKED_FROM:
            return None
        if self._packed is None:
            self._packed = gzip.compress(self.body, 5)
        return self._packed


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for and not found, with the marks that stood before the database is read."""

    kind: Kept
    id: str
    path: str
    query: bytes
    of_caller: bytes
    of_answer: bytes


@dataclass(frozen=True, slots=True)
class _Known:
    """Who acts in a session, while these marks stand."""

    marks: bytes
    role: Role
    patient_id: UUID | None


class _Kept(OrderedDict[Any, Any]):
    """What this worker has at hand: so many, and so many bytes; what was not used for longest goes first."""

    def __init__(self, most: int, most_bytes: int = 0) -> None:
        super().__init__()
        self._most, self._most_bytes, self._bytes = most, most_bytes, 0

    def put(self, key: Any, value: Any, size: int = 0) -> None:
        if key in self:
            self.drop(key)
        self[key] = value
        self._bytes += size
        while len(self) > self._most or self._bytes > self._most_bytes > 0:
            self.drop(next(iter(self)))

    def drop(self, key: Any) -> None:
        value = self.pop(key)
        self._bytes -= len(value.body) if isinstance(value, Answer) else 0


class Cache:
    """One worker's. `start` and `stop` it within the loop that serves; before that it finds nothing."""

    def __init__(self, database: Database, link: Link | None, marks: Marks | None) -> None:
        self._database = database
        self._link = link
        self._marks = marks
        self._embedded = database.engine.dialect.name == "sqlite"
        self._counter: Any = None
        dialect: Any = database.engine.dialect
        self._errors: type[Exception] = dialect.dbapi.Error
        self._task: asyncio.Task[None] | None = None
        self._believed_until = 0.0
        self._era = b""
        self._answers = _Kept(2_000, 64 * 1024 * 1024)
        self._known = _Kept(10_000)
        self._keys: dict[tuple[str, str, str], tuple[str, ...]] = {}

    async def start(self) -> None:
        """Begin to keep answers."""
        if self._embedded:
            self._counter = self._database.engine.raw_connection()
        elif self._link is not None and self._marks is not None:
            self._task = asyncio.create_task(self._keep_looking(self._marks))

    async def stop(self) -> None:
        """Keep nothing more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._counter is not None:
            self._counter.close()
            self._counter = None

    # ---- asking -------------------------------------------------------------------------------------------------------

    async def look(self, kind: Kept, id_: str, path: str, query: bytes, caller: Caller) -> Answer | Asked | None:
        """The answer; or what is to be kept with it once it is made; None where that cannot be kept."""
        if self._embedded:
            marks = self._commits()
            if marks is None:
                return None
            asked = Asked(kind, id_, path, query, marks, marks)
        else:
            found = await self._standing(kind, id_, caller)
            if found is None:
                return None
            asked = Asked(kind, id_, path, query, *found)
        known: _Known | None = self._known.get(caller.session_id)
        if known is None or known.marks != asked.of_caller or known.role is not caller.actor.role:
            _looked.labels(kind.name, "no").inc()
            return asked
        key = self._key(asked, caller.actor.user_id, known.role, known.patient_id)
        answer: Answer | None = self._answers.get(key)
        if answer is None or answer.marks != asked.of_answer:
            answer = await self._fetch(key, asked.of_answer)
        else:
            self._answers.move_to_end(key)
        _looked.labels(kind.name, "yes" if answer is not None else "no").inc()
        return asked if answer is None else answer

    def keep(self, asked: Asked, caller: Caller, tx: Tx, response: Response) -> None:
        """Keep an answer that was read in this unit of work, and who asked."""
        if tx.writes:
            return
        actor: Actor = tx.actor
        if tx.owes:  # what is kept is for those who may ask for anything
            return
        self._known.put(caller.session_id, _Known(asked.of_caller, actor.role, actor.patient_id))
        etag, body = response.headers.get("etag", "").encode(), bytes(response.body)
        if response.status_code != 200 or not etag or len(body) > _LONGEST:
            return
        key = self._key(asked, actor.user_id, actor.role, actor.patient_id)
        answer = Answer(asked.of_answer, etag, body)
        self._answers.put(key, answer, len(body))
        if self._link is not None and not self._embedded:
            whole = b"\n".join((answer.marks, etag, body))
            with suppress(Away):
                self._link.tell("SET", _name(key), whole, "EX", _LASTS_SECONDS)

    def _key(self, asked: Asked, user_id: UUID | None, role: Role, patient_id: UUID | None) -> tuple[Any, ...]:
        whose = user_id if asked.kind.account == "own" else patient_id if role is Role.PATIENT else None
        now = int(self._database.clock().timestamp()) // _TIME_OF_DAY_SECONDS if asked.kind.timed else 0
        return (asked.path, asked.query, role.value, whose, now)

    # ---- marks --------------------------------------------------------------------------------------------------------

    def _commits(self) -> bytes | None:
        """How often the embedded database was written to, by anybody; None before the start."""
        if self._counter is None:
            return None
        try:
            number: int = self._counter.driver_connection.execute("PRAGMA data_version").fetchone()[0]
        except self._errors:  # whoever asks the database next is told what is the matter
            return None
        return number.to_bytes(8)

    async def _standing(self, kind: Kept, id_: str, caller: Caller) -> tuple[bytes, bytes] | None:
        """The marks of the caller, and those of the answer, as they stand; None where they are not to be believed."""
        link = self._link
        if link is None or time.monotonic() >= self._believed_until:
            return None
        era = self._era
        names = self._names(kind, id_, str(caller.actor.user_id))
        try:
            found: list[bytes | None] = await link.ask("MGET", *names)
        except Away:
            return None
        if None in found:
            self._begin([name for name, mark in zip(names, found, strict=True) if mark is None])
            return None
        if time.monotonic() >= self._believed_until or era != self._era:
            return None
        marks: Sequence[bytes] = found  # type: ignore[assignment]
        basis = b"%b/%b/%b" % (link.run_id.encode(), era, marks[0])
        return basis + marks[1], b"/".join((basis, *marks[2:]))

    def _names(self, kind: Kept, id_: str, user_id: str) -> tuple[str, ...]:
        known = self._keys.get((kind.name, id_, user_id))
        if known is None:
            own = f"user:{user_id}"
            of = {"own": [own], "path": [f"user:{_normal(id_)}"]}.get(kind.account, list(kind.tables))
            if len(self._keys) > 10_000:
                self._keys.clear()
            known = tuple(PREFIX + scope for scope in (EVERYTHING, own, *of))
            self._keys[kind.name, id_, user_id] = known
        return known

    def _begin(self, names: list[str]) -> None:
        """Give each of these marks a first life."""
        assert self._link is not None  # noqa: S101
        with suppress(Away):
            for name in names:
                self._link.tell("SET", name, f"{new_id().hex}.0", "NX")

    async def _fetch(self, key: tuple[Any, ...], marks: bytes) -> Answer | None:
        """The answer that another worker has kept."""
        if self._link is None or self._embedded:
            return None
        try:
            whole: bytes | None = await self._link.ask("GET", _name(key))
        except Away:
            return None
        if whole is None:
            return None
        stood, etag, body = whole.split(b"\n", 2)
        if stood != marks:
            return None
        answer = Answer(marks, etag, body)
        self._answers.put(key, answer, len(body))
        return answer

    async def _keep_looking(self, marks: Marks) -> None:
        """See again and again that nobody has the cache paused."""
        fresh = False
        while True:
            began = time.monotonic()
            try:
                if not fresh:  # a worker that was here before may have died between a commit and its word
                    await asyncio.to_thread(marks.everything)
                    fresh = True
                found = await asyncio.to_thread(self._look_at_pauses)
            except (SQLAlchemyError, ClinicError) as error:
                log.warning("whether the cache is paused is not known: %s", type(error).__name__)
            else:
                self._era = found.era.encode()
                self._believed_until = 0.0 if found.paused else began + BELIEVED_SECONDS
            await asyncio.sleep(_LOOK_SECONDS)

    def _look_at_pauses(self) -> pauses.Pauses:
        with self._database.engine.connect() as connection:
            return pauses.look(connection)


def _normal(id_: str) -> str:
    try:
        return str(UUID(id_))
    except ValueError:
        return id_


def _name(key: tuple[Any, ...]) -> str:
    return _VALUES + hashlib.sha256(repr(key).encode()).hexdigest()
