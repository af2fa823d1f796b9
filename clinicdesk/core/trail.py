"""The audit trail: who touched what, chained by SHA-256 so that any edited, moved, missing or added entry is found.

An entry names the fields that changed, never their values. Entries are INSERT only (the database refuses the rest). The
sealed head (`audit_head`) keeps the last number and hash under a MAC, so that a tail that was cut off is found as well.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Text,
    cast,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from clinicdesk.core.clock import from_micros
from clinicdesk.core.errors import Unavailable
from clinicdesk.core.history import HistoryEntry
from clinicdesk.core.model import Base

GENESIS = bytes(32)
_SEPARATOR = "\x1f"  # stands in no stored value: ids and words are ours, `detail` is JSON, which escapes it


class AuditEntry(Base):
    """One thing that somebody did, read, or was refused. Ids are kept as written (hex), not as references."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_patient_id", "patient_id", "seq"),
        Index("ix_audit_entry_actor_id", "actor_id", "seq"),
        Index("ix_audit_entry_at_micros", "at_micros"),
        Index(
            "ix_audit_entry_outcome",
            "outcome",
            "seq",
            sqlite_where=text("outcome <> 'ok'"),
            postgresql_where=text("outcome <> 'ok'"),
        ),
        {"postgresql_partition_by": "RANGE (seq)"},  # a part for each month, which retention drops as a whole
    )

    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    )
    at_micros: Mapped[int] = mapped_column(BigInteger)
    unit_id: Mapped[str] = mapped_column(String(32))
    actor_id: Mapped[str] = mapped_column(String(32))
    actor_name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(20))
    desk: Mapped[str] = mapped_column(String(60))
    action: Mapped[str] = mapped_column(String(1))
    verb: Mapped[str] = mapped_column(String(60))
    entity: Mapped[str] = mapped_column(String(40))
    entity_id: Mapped[str] = mapped_column(String(32))
    patient_id: Mapped[str] = mapped_column(String(32))
    outcome: Mapped[str] = mapped_column(String(10))
    detail: Mapped[str] = mapped_column(Text)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditHead(Base):
    """The one row that seals the end of the chain: its length, its last hash, and a MAC over both."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditPrune(Base):
    """The one row that says how much of the chain's beginning is gone, and seals where it goes on from.

    The database takes it only for entries that are all more than a year old, and lets go of no others.
    """

    __tablename__ = "audit_prune"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    """The last entry that is gone."""
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    until_micros: Mapped[int] = mapped_column(BigInteger)
    """Every entry that is gone is older than this."""
    history_seq: Mapped[int | None] = mapped_column(BigInteger)
    """The last row of the history that an entry which is gone has vouched for; it stays, as do the rows before it."""
    history_rows: Mapped[int | None] = mapped_column(BigInteger)
    history_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


Entry = tuple[int, int, str, str, str, str, str, str, str, str, str, str, str, str]
"""The chained columns of an entry, in the order of the table: seq, at_micros, unit_id, … detail."""

CHAINED = tuple(column.name for column in AuditEntry.__table__.columns if column.name != "hash")
_INSERT = insert(AuditEntry.__table__)  # type: ignore[arg-type]
_SEALED = AuditHead.__table__.c
HEAD = select(_SEALED.seq, _SEALED.hash, _SEALED.mac).where(_SEALED.id == 1)
_SEAL = update(AuditHead.__table__).where(AuditHead.__table__.c.id == 1)  # type: ignore[arg-type]


_COLUMNS = AuditEntry.__table__.c


class Bytes(FunctionElement[bytes]):
    """SQL for a text's bytes in UTF-8."""

    type = LargeBinary()
    inherit_cache = True


@compiles(Bytes, "sqlite")
def _bytes_on_sqlite(text: Bytes, compiler: SQLCompiler, **how: Any) -> str:
    return f"CAST({compiler.process(text.clauses, **how)} AS BLOB)"


@compiles(Bytes, "postgresql")
def _bytes_on_postgresql(text: Bytes, compiler: SQLCompiler, **how: Any) -> str:
    return f"convert_to({compiler.process(text.clauses, **how)}, 'UTF8')"


def _joined() -> ColumnElement[bytes]:
    """SQL for the bytes that `body` makes of an entry: the database joins columns twice as fast as Python would."""
    first, *others = (cast(_COLUMNS[name], Text) for name in CHAINED)
    text: ColumnElement[str] = first
    for column in others:
        text = text + _SEPARATOR + column
    return Bytes(text)


_WALK = select(_COLUMNS.seq, _COLUMNS.at_micros, _joined(), _COLUMNS.hash).order_by(_COLUMNS.seq)
_PRUNED = select(AuditPrune.__table__).where(AuditPrune.__table__.c.id == 1)


_LAST_CHANGE = select(HistoryEntry.audit_seq).order_by(HistoryEntry.seq.desc()).limit(1)
"""The entry of the newest change in the history: a second witness, where the end of the trail, seal and all, is gone."""


def body(entry: Entry) -> bytes:
    """The columns of an entry as the bytes that are hashed."""
    return _SEPARATOR.join(map(str, entry)).encode()


def link(previous: bytes, body: bytes) -> bytes:
    """The hash of an entry: SHA-256 over the hash before it and the entry's stored columns."""
    return hashlib.sha256(previous + body).digest()


def seal(key: bytes, seq: int, root: bytes) -> bytes:
    """The MAC (HMAC-SHA-256) over the chain's length and last hash."""
    return hmac.digest(key, b"%d:" % seq + root, "sha256")


@dataclass(frozen=True, slots=True)
class Settled:
    """What the history keeps of the entries that are gone: up to this row, so many rows, and the hash over them."""

    seq: int
    rows: int
    root: bytes


def seal_prune(key: bytes, seq: int, root: bytes, until_micros: int, settled: Settled | None = None) -> bytes:
    """The MAC (HMAC-SHA-256) over how much of the chain is gone, the hash it ended with, how old all of it was, and what the
    history keeps of it (None for a mark from before that was sealed)."""
    kept = b"" if settled is None else b"%d:%d:" % (settled.seq, settled.rows) + settled.root
    return hmac.digest(key, b"pruned %d:%d:" % (seq, until_micros) + root + kept, "sha256")


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where the chain begins: behind the entry with this number, from this hash."""

    seq: int = 0
    root: bytes = GENESIS
    sound: bool = True
    """Whether it is as we sealed it."""
    settled: Settled | None = None
    """What the history keeps of what came before; None where nothing seals that."""


def beginning(connection: Connection, key: bytes) -> Beginning:
    """Where the chain begins: with its first entry, unless it was pruned."""
    mark = connection.execute(_PRUNED).one_or_none()
    if mark is None:
        return Beginning()
    settled = None
    if mark.history_hash is not None:
        settled = Settled(mark.history_seq or 0, mark.history_rows or 0, mark.history_hash)
    sound = hmac.compare_digest(mark.mac, seal_prune(key, mark.seq, mark.hash, mark.until_micros, settled))
    return Beginning(mark.seq, mark.hash, sound, settled)


class Chain:
    """Entries to be added behind the sealed `head` of the chain (None where there is no entry yet), and the seal that they need.

    Raises Unavailable("audit_trail_broken") where the chain does not end as we sealed it: a new seal would hide that.
    """

    def __init__(self, head: Row[int, bytes, bytes] | None, key: bytes) -> None:
        self._key = key
        if head is not None and not hmac.compare_digest(head.mac, seal(key, head.seq, head.hash)):
            raise Unavailable("audit_trail_broken")
        self._seq: int = head.seq if head is not None else 0
        self._hash: bytes = head.hash if head is not None else GENESIS
        self.rows: list[dict[str, object]] = []
        """The entries as rows of the table."""

    def append(self, *columns: int | str) -> int:
        """Add an entry given by its columns after `seq`; returns its number."""
        self._seq += 1
        entry: Entry = (self._seq, *columns)  # type: ignore[assignment]
        self._hash = link(self._hash, body(entry))
        self.rows.append({**dict(zip(CHAINED, entry, strict=True)), "hash": self._hash})
        return self._seq

    @property
    def seal(self) -> dict[str, object]:
        """The row that seals the chain with these entries."""
        return {"seq": self._seq, "hash": self._hash, "mac": seal(self._key, self._seq, self._hash)}


def write(connection: Connection, rows: list[dict[str, object]], seal: Mapping[str, object]) -> None:
    """Write the entries of a chain and its seal. Raises Unavailable("audit_trail_broken")."""
    try:
        connection.execute(_INSERT, rows)
    except IntegrityError as error:  # somebody else's entries stand behind the seal
        raise Unavailable("audit_trail_broken") from error
    if connection.execute(_SEAL, seal).rowcount == 0:
        connection.execute(insert(AuditHead.__table__).values(id=1, **seal))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a walk over the history found, which core/binding.py does.

    `unbound` of its `rows` were written by a program that did not bind them yet: they are there, but nothing tells whether
    they are as they were. Rows may be `edited`; `deleted`; `inserted`, beside the one that an entry has or for an entry that
    has none; `reordered`, to stand at another place than their own. `settled` is false where the rows of entries that were
    let go are not as they were then. `first_bad` is the first entry of which anything of this is true, and `first_bad_at` when
    that was made.
    """

    rows: int = 0
    unbound: int = 0
    edited: int = 0
    deleted: int = 0
    inserted: int = 0
    reordered: int = 0
    settled: bool = True
    first_bad: int | None = None
    first_bad_at: datetime | None = None

    @property
    def ok(self) -> bool:
        return self.settled and not (self.edited or self.deleted or self.inserted or self.reordered)


@dataclass(frozen=True)
class Verification:
    """What a walk over the whole chain found.

    `problem` is one of: `edited` (this entry was changed, moved, or put in between), `missing` (entries before it were taken
    out), `added` (entries stand behind the sealed end), `cut` (the end was cut off), `head` (the seal was broken),
    `checkpoint` (the chain contradicts a checkpoint kept elsewhere: it was written anew), `mark` (what says how much of it was
    pruned is not ours), `pruned` (an entry stands before where it begins), `history` (the chain holds, but the history is not
    what it vouches for). `history` is what was found of that, where it was walked too.
    """

    entries: int
    problem: str | None = None
    first_bad: int | None = None
    last_good_at: datetime | None = None
    history: Kept | None = None

    @property
    def ok(self) -> bool:
        return self.problem is None


Progress = Callable[[int, int], None]
"""Called with (entries done, entries in all)."""

NO_NUMBER = (1 << 63) - 1
"""Behind every number."""
_BATCH = 20_000


def verify(
    connection: Connection, key: bytes, known: Mapping[int, bytes] | None = None, progress: Progress | None = None
) -> Verification:
    """Walk the whole chain and say the first thing that is wrong with it, if any.

    `known` are checkpoints kept elsewhere: the hash that the chain had at a given length. A chain that was rewritten as a
    whole, seal included, still contradicts them.
    """
    place: Place | None = None
    while True:
        found, place, total = verify_from(connection, key, place, _BATCH, known or {})
        if progress is not None:
            progress(found.entries, total)
        if place is None:
            return found


def verify_part(connection: Connection, begins: Beginning, last: int) -> bytes | None:
    """Walk the chain from its beginning to the entry with this number; the hash there, or None where it does not hold."""
    seq, root = begins.seq, begins.root
    part = _WALK.where(_COLUMNS.seq > seq, _COLUMNS.seq <= last).execution_options(yield_per=_BATCH)
    with connection.execute(part) as walk:
        for entries in walk.partitions():
            for number, _, content, stored in entries:
                if number != seq + 1 or stored != link(root, content):
                    return None
                seq, root = number, stored
    return root if seq == last else None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk over the chain has come to: behind this entry, which has this hash and was made then."""

    seq: int
    root: bytes
    at_micros: int | None = None


def verify_from(
    connection: Connection, key: bytes, start: Place | None, most: int, known: Mapping[int, bytes]
) -> tuple[Verification, Place | None, int]:
    """Walk at most so many entries on from a place (None: the beginning) that a walk before has come to.

    Returns what was found, where it goes on (None: that is all, or something is wrong), and the number of the last entry.
    """
    begins = beginning(connection, key)
    if not begins.sound:
        return Verification(0, "mark", begins.seq), None, begins.seq
    total = connection.scalar(select(func.max(_COLUMNS.seq))) or 0
    stray = connection.scalar(select(func.min(_COLUMNS.seq)).where(_COLUMNS.seq <= begins.seq))
    if stray is not None:
        return Verification(0, "pruned", stray), None, total
    if start is None or start.seq < begins.seq:  # it was pruned meanwhile
        start = Place(begins.seq, begins.root)
        if start.seq and known.get(start.seq, start.root) != start.root:
            return Verification(0, "checkpoint", start.seq), None, total
    sealed = connection.scalar(select(AuditHead.seq).where(AuditHead.id == 1))
    seq, root, at, walked = start.seq, start.root, start.at_micros, 0
    for number, entry_at, content, stored in connection.execute(_WALK.where(_COLUMNS.seq > seq).limit(most)):
        if number != seq + 1:
            return Verification(seq, "missing", seq + 1, _instant(at)), None, total
        if stored != link(root, content):
            problem = "edited" if sealed is None or number <= sealed else "added"
            return Verification(seq, problem, number, _instant(at)), None, total
        seq, root, at, walked = number, stored, entry_at, walked + 1
        if known and known.get(seq, root) != root:
            return Verification(seq, "checkpoint", seq, _instant(at)), None, total
    if walked == most:
        return Verification(seq, None, None, _instant(at)), Place(seq, root, at), total
    return _judge_end(connection, key, seq, root, _instant(at), max(known, default=0)), None, total


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def _judge_end(
    connection: Connection, key: bytes, seq: int, root: bytes, at: datetime | None, last_known: int
) -> Verification:
    head = connection.execute(select(AuditHead.seq, AuditHead.hash, AuditHead.mac)).one_or_none()
    last_known = max(last_known, connection.scalar(_LAST_CHANGE) or 0)
    if head is None:
        if seq < last_known:
            return Verification(seq, "cut", seq + 1, at)
        return Verification(seq) if seq == 0 else Verification(seq, "head", seq, at)
    if not hmac.compare_digest(head.mac, seal(key, head.seq, head.hash)):
        return Verification(seq, "head", head.seq, at)
    if head.seq > seq or last_known > seq:
        return Verification(seq, "cut", seq + 1, at)
    if head.seq < seq:
        return Verification(seq, "added", head.seq + 1, at)
    if head.hash != root:
        return Verification(seq, "head", seq, at)
    return Verification(seq, None, None, at)
