"""Checkpoints of the audit trail, kept outside the database: how long it was and where it stood, hour by hour.

Whoever writes the whole chain anew, or puts an older copy of it back, seal and all, still contradicts them.
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from clinicdesk.core.database import derive_key
from clinicdesk.core.tx import Committed, Database

log = logging.getLogger(__name__)

FILE_NAME = "audit-checkpoints.jsonl"
_EVERY = timedelta(hours=1)
_TAIL_BYTES = 8_192  # some forty lines: enough to find the last whole one without reading years


@dataclass(frozen=True, slots=True)
class Known:
    """The chain's hash by its length, as checkpoints have it, and the numbers of the lines that cannot be trusted."""

    roots: dict[int, bytes] = field(default_factory=dict)
    damaged: tuple[int, ...] = ()


class Checkpoints:
    """The checkpoints of one database. Safe to use from several threads and processes."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._file = folder / FILE_NAME
        self._database = database
        self._key = derive_key(database.audit_key, "checkpoints")
        self._lock = threading.Lock()
        self._noted_at: datetime | None = None

    def known(self) -> Known:
        """All checkpoints. Where two speak of the same length, the older one counts."""
        return self._parse(self._file.read_bytes().splitlines()) if self._file.exists() else Known()

    def note(self) -> None:
        """Add a checkpoint, where the trail has grown since the last one. Raises OSError where it cannot be written."""
        with self._lock:
            self._noted_at = at = self._database.clock()
            with self._database.engine.connect() as connection:
                head = connection.execute(text("SELECT seq, hash FROM audit_head WHERE id = 1")).one_or_none()
            if head is not None and self._last() != (head.seq, head.hash):
                self._append(at, head.seq, head.hash)

    def note_hourly(self, _told: Committed) -> None:
        """Add a checkpoint if the last one is an hour old; a listener of the database, so it must not fail."""
        if self._noted_at is not None and self._database.clock() - self._noted_at < _EVERY:
            return
        try:
            self.note()
        except (OSError, DBAPIError) as error:
            log.warning("no checkpoint of the audit trail: %s", type(error).__name__)

    def contradicted(self) -> bool:
        """Whether the trail differs from the last checkpoint: a quick look, for each start. `trail.verify` says where."""
        last = self._last()
        if last is None:
            return False
        with self._database.engine.connect() as connection:
            root = connection.scalar(text("SELECT hash FROM audit_entry WHERE seq = :seq"), {"seq": last[0]})
            gone = connection.execute(text("SELECT seq, hash FROM audit_prune")).one_or_none()
        if root is None and gone is not None and last[0] <= gone.seq:
            return bool(last[0] == gone.seq and last[1] != gone.hash)
        return bool(root != last[1])

    def _append(self, at: datetime, entries: int, root: bytes) -> None:
        facts = {"at": at.isoformat(), "entries": entries, "root": root.hex()}
        line = json.dumps({**facts, "mac": self._mac(facts).hex()}).encode() + b"\n"
        if not self._ends_whole():
            line = b"\n" + line  # a power cut tore the last line; it must not take this one with it
        handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)

    def _mac(self, facts: dict[str, object]) -> bytes:
        return hmac.digest(self._key, "{at} {entries} {root}".format(**facts).encode(), "sha256")

    def _tail(self) -> bytes:
        if not self._file.exists():
            return b""
        with self._file.open("rb") as stream:
            stream.seek(max(0, self._file.stat().st_size - _TAIL_BYTES))
            return stream.read()

    def _ends_whole(self) -> bool:
        tail = self._tail()
        return not tail or tail.endswith(b"\n")

    def _last(self) -> tuple[int, bytes] | None:
        roots = self._parse(self._tail().splitlines()).roots
        return max(roots.items(), default=None)

    def _parse(self, lines: list[bytes]) -> Known:
        roots: dict[int, bytes] = {}
        damaged: list[int] = []
        for number, line in enumerate(lines, 1):
            try:
                facts = json.loads(line)
                if not hmac.compare_digest(self._mac(facts), bytes.fromhex(facts["mac"])):
                    raise ValueError("not our seal")
                roots.setdefault(int(facts["entries"]), bytes.fromhex(facts["root"]))
            except (KeyError, TypeError, ValueError, AttributeError):
                if line.strip():
                    damaged.append(number)
        return Known(roots, tuple(damaged))
