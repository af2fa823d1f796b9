"""Says to every worker's cache what was changed, before whoever changed it is answered.

For each scope (a table, an account) Redis keeps a mark: which unit of work changed it last. What is in the cache carries the
marks that stood before it was read from the database, and is worth something only while they stand. A process that cannot
raise a mark pauses the cache in the database instead, and waits until nobody can believe it any more.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError  # noqa: A004  (Redis's own)
from redis.retry import Retry
from sqlalchemy.exc import SQLAlchemyError

from clinicdesk.core import pauses
from clinicdesk.core.changes import LoggedChange, concerned
from clinicdesk.core.errors import Unavailable
from clinicdesk.core.feed import Unit
from clinicdesk.core.ids import new_id
from clinicdesk.core.tx import Change, Committed, Database

log = logging.getLogger(__name__)

PREFIX = "clinicdesk:mark:"
EVERYTHING = "everything"
BELIEVED_SECONDS = 1.0
"""How long a worker believes the cache after it has seen that nobody has it paused."""
_PAUSE_LASTS = timedelta(seconds=30)
_RENEW_SECONDS = 5.0
_MARGIN_SECONDS = 2.0
_TRIES = 5

_RAISE = """
for nth = 1, #KEYS do
  local mark = redis.call('GET', KEYS[nth])
  local life, seq = string.match(mark or '', '^(%w+)%.(%d+)$')
  if not life then
    redis.call('SET', KEYS[nth], ARGV[1] .. '.' .. ARGV[2])
  elseif tonumber(seq) < tonumber(ARGV[2]) then
    redis.call('SET', KEYS[nth], life .. '.' .. ARGV[2])
  end
end
return 1
"""
"""Raises marks to the number of a unit of work. One that Redis has lost begins another life, so that it never stands again
as it stood once."""


def scopes_of(changes: Iterable[Change | LoggedChange]) -> set[str]:
    """What these changes touch: tables, and accounts one by one."""
    scopes: set[str] = set()
    for change in changes:
        if change.action not in "CUD":
            continue
        scopes.add(change.entity)
        if change.entity in ("user", "user_session"):
            id_ = change.id
            if change.entity == "user_session":
                id_ = change.user_id if isinstance(change, LoggedChange) else concerned(change, "user_id")
            scopes.add(EVERYTHING if id_ is None else f"user:{id_}")
    return scopes


class Marks:
    """What a process that writes to the clinic's database says to the caches. Safe to use from several threads."""

    def __init__(self, database: Database, redis_url: str) -> None:
        self._database = database
        self._redis = Redis.from_url(
            redis_url, socket_timeout=0.5, socket_connect_timeout=0.5,
            retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),  # one that a restart of Redis has cut
        )  # fmt: skip
        self._raise = self._redis.register_script(_RAISE)
        self._lock = threading.Lock()
        self._pause_id = new_id()
        self._paused_until = 0.0
        """By this process's own clock: until then nobody believes the cache for certain. Zero where it is not paused."""
        self._closed = threading.Event()

    def committed(self, told: Committed) -> None:
        """A listener of the database: raise the marks of what was changed, before the writer goes on.

        Raises Unavailable where that cannot be said to anybody; the change itself is stored.
        """
        if told.seq is not None:
            self._say(scopes_of(told.changes), told.seq)

    def heard(self, units: Iterable[Unit]) -> None:
        """Raise the marks of what others have committed, who may not have come to it yet, before anybody is told of it."""
        newest: dict[str, int] = {}
        for unit in units:
            newest |= dict.fromkeys(scopes_of(unit.changes), unit.seq)
        newest.pop(EVERYTHING, None)  # whoever did that says so before they answer
        by_seq: dict[int, list[str]] = {}
        for scope, seq in newest.items():
            by_seq.setdefault(seq, []).append(PREFIX + scope)
        with suppress(RedisError, OSError):  # where Redis is away, nothing is read from it either
            for seq, keys in by_seq.items():
                self._raise(keys=keys, args=[new_id().hex, seq])

    def everything(self) -> None:
        """Let nothing stand that was kept until now. Raises Unavailable."""
        self._say({EVERYTHING}, 0)

    def close(self) -> None:
        """Say nothing more."""
        self._closed.set()
        self._redis.close()

    def _say(self, scopes: set[str], seq: int) -> None:
        with self._lock:
            if time.monotonic() < self._paused_until - _MARGIN_SECONDS:
                return
        try:
            if EVERYTHING in scopes:
                self._redis.set(f"{PREFIX}{EVERYTHING}", f"{new_id().hex}.0")
            if scopes != {EVERYTHING}:
                self._raise(keys=[PREFIX + scope for scope in sorted(scopes - {EVERYTHING})], args=[new_id().hex, seq])
        except (RedisError, OSError) as error:
            log.warning("Redis does not answer, the cache is paused: %s", type(error).__name__)
            self._pause()

    def _pause(self) -> None:
        """Pause the cache, and wait until nobody believes it. Others who come meanwhile wait for the same."""
        with self._lock:
            if time.monotonic() < self._paused_until - _MARGIN_SECONDS:
                return
            began = self._renew_for_certain()
            ends = time.monotonic() + BELIEVED_SECONDS + 0.1
            while (left := ends - time.monotonic()) > 0:
                time.sleep(left)
            self._paused_until = began + _PAUSE_LASTS.total_seconds()
            threading.Thread(target=self._until_redis_is_back, name="cache pause", daemon=True).start()

    def _renew_for_certain(self) -> float:
        for _ in range(_TRIES):
            began = time.monotonic()
            try:
                self._renew()
            except SQLAlchemyError as error:
                log.warning("the cache cannot be paused: %s", type(error).__name__)
                time.sleep(1)
            else:
                return began
        raise Unavailable("database_unreachable")

    def _renew(self) -> None:
        with self._database.engine.begin() as connection:
            pauses.pause(connection, self._pause_id, _PAUSE_LASTS)

    def _until_redis_is_back(self) -> None:
        renewed = time.monotonic()
        while not self._closed.wait(0.25):
            try:
                self._redis.ping()
            except (RedisError, OSError):
                now = time.monotonic()
                if now - renewed > _RENEW_SECONDS:
                    try:
                        self._renew()
                    except SQLAlchemyError:
                        continue
                    renewed = now
                    with self._lock:
                        self._paused_until = now + _PAUSE_LASTS.total_seconds()
                continue
            break
        with self._lock:  # from here on marks are raised again; only then may others believe again
            ended, self._pause_id, self._paused_until = self._pause_id, new_id(), 0.0
        try:
            with self._database.engine.begin() as connection:
                pauses.end(connection, ended)
        except SQLAlchemyError as error:  # it ends by itself, in half a minute
            log.warning("the pause of the cache ends late: %s", type(error).__name__)
