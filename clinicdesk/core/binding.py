"""Binds the history to the audit trail: the entry of a change carries a keyed digest of the row that the history keeps of it.

The trail's hashes then cover the values as well, which it does not hold. A walk over the history holds each row against its
entry and says what was edited, deleted, put in or put in another place behind the program's back. The digest is keyed, so that
nobody can find out by it which value a short field had.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Result, Row, String, Text, cast, func, select, true, type_coerce

from clinicdesk.core import trail
from clinicdesk.core.clock import from_micros
from clinicdesk.core.history import HistoryEntry
from clinicdesk.core.trail import GENESIS, AuditEntry, Beginning, Bytes, Kept, Progress, Settled

CONTENT = ("unit_id", "at_micros", "actor_id", "verb", "entity", "entity_id", "action", "old", "new")
"""The columns of a row of the history that its entry vouches for; the others say where it stands."""
KEY = "history"
"""What the digest goes by in an entry's `detail`, where it stands first."""

_DIGITS = 32
_PREFIX = f'{{"{KEY}":"'
_PURPOSE = b"history 1:"
_PAD_BYTES = 64
_BATCH = 20_000
_MOST_AT_ONCE = 500
_NO_ROW = (None, None, b"")

_ROW = HistoryEntry.__table__.c
_ENTRY = AuditEntry.__table__.c


def content(row: Mapping[str, object]) -> bytes:
    """The bytes of a row that are hashed: how long each column is (nothing for NULL), then all of them in UTF-8.

    No two rows have the same.
    """
    parts = [None if (value := row[name]) is None else str(value).encode() for name in CONTENT]
    lengths = ",".join("" if part is None else str(len(part)) for part in parts)
    return b":".join((lengths.encode(), b"".join(part or b"" for part in parts)))


def _content() -> ColumnElement[bytes]:
    """SQL for the same bytes: the database joins columns faster than Python would."""
    lengths: ColumnElement[str] | None = None
    whole: ColumnElement[str] | None = None
    for name in CONTENT:
        column: ColumnElement[str] = _ROW[name] if isinstance(_ROW[name].type, String) else cast(_ROW[name], Text)
        length: ColumnElement[str] = type_coerce(func.length(Bytes(column)), Text)
        if _ROW[name].nullable:
            length, column = func.coalesce(cast(length, Text), ""), func.coalesce(column, "")
        lengths = length if lengths is None else lengths + "," + length
        whole = column if whole is None else whole + column
    assert lengths is not None and whole is not None  # noqa: S101, PT018  (there are columns)
    return Bytes(lengths + ":" + whole)


class Binder:
    """Makes the digest of a row's bytes: half of HMAC-SHA-256 under the trail's key, in hex.

    Both pads are hashed beforehand, which leaves half of the work for each row.
    """

    def __init__(self, key: bytes) -> None:
        padded = key.ljust(_PAD_BYTES, b"\0")  # the key has 32 bytes; a longer one than a block would be hashed first
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + _PURPOSE)
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def __call__(self, content: bytes) -> str:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(content)
        outer.update(inner.digest())
        return outer.hexdigest()[:_DIGITS]


_mark = func.substr(_ENTRY.detail, 1, len(_PREFIX) + _DIGITS)
"""SQL for how the detail of an entry begins that carries a digest."""
_CHANGES = select(_ENTRY.seq, _mark.label("mark")).where(_ENTRY.action.in_(("C", "U", "D"))).order_by(_ENTRY.seq)
"""The entries that the history keeps something of: those of changes, each of which has one row."""
ROWS = select(_ROW.seq, _ROW.audit_seq, _content().label("content"))


# ---- the walk --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk over the history has come to: behind this entry and this row (None: before any), after so many rows.

    `root` is over the rows of entries that were let go, while it is among them.
    """

    entry: int
    row: int | None = None
    rows: int = 0
    unbound: int = 0
    root: bytes = GENESIS


def verify(connection: Connection, key: bytes, progress: Progress | None = None) -> Kept:
    """Walk the whole history and say what is wrong with it, if anything; `progress` is told (number of the row, of the last).

    It is held against the trail, so that has to hold.
    """
    place: Place | None = None
    while True:
        found, place, last = verify_from(connection, key, place, _BATCH)
        if progress is not None:
            progress(place.row or 0 if place else last, last)
        if place is None:
            return found


def last_row(connection: Connection) -> int:
    """The number of the last row."""
    return connection.scalar(select(func.max(_ROW.seq))) or 0


def verify_from(connection: Connection, key: bytes, start: Place | None, most: int) -> tuple[Kept, Place | None, int]:
    """Walk at most so many rows on from a place (None: the beginning) that a walk before has come to.

    Where something is wrong, all that follows is looked at as well. Returns what was found, where it goes on (None: that is
    all), and the number of the last row.
    """
    begins = trail.beginning(connection, key)
    last = last_row(connection)
    place = start if start is not None and start.entry >= begins.seq else _beginning(connection, begins)
    settled = begins.settled
    if settled is not None and settled.rows and (place.row is None or place.row < settled.seq):
        place = _among_settled(connection, settled, place, most)
        if place.row == settled.seq and (place.root, place.rows) != (settled.root, settled.rows):
            return Kept(place.rows, settled=False, first_bad=begins.seq), None, last
        return Kept(place.rows), place, last
    binder = Binder(key)
    further = _further(connection, binder, place, most)
    if further is None:
        return _what_is_wrong(connection, binder, place), None, last
    return Kept(further.rows, further.unbound), further if further.rows - place.rows == most else None, last


def settle(connection: Connection, key: bytes, begins: Beginning, until: int) -> Settled | None:
    """What seals the history of the entries up to this one, which are let go; None where it is not as they say it was."""
    binder = Binder(key)
    place = _beginning(connection, begins)
    row, rows, root = None, 0, GENESIS
    if begins.settled is not None and begins.settled.rows:
        row, rows, root = begins.settled.seq, begins.settled.rows, begins.settled.root
        place = Place(begins.seq, row)
    while True:
        further = _further(connection, binder, place, _BATCH, until)
        if further is None:
            return None
        counted, root = _rolled(connection, root, row, further.row)
        rows += counted
        if further.entry == place.entry:
            return Settled(further.row or 0, rows, root)
        place, row = further, further.row


def _beginning(connection: Connection, begins: Beginning) -> Place:
    """Behind what the history keeps of entries that were let go, where nothing seals it: a program let them go that did not."""
    if not begins.seq or begins.settled is not None:
        return Place(begins.seq)
    first = connection.scalar(select(_ROW.seq).where(_ROW.audit_seq > begins.seq).order_by(_ROW.seq).limit(1))
    before = select(func.count(), func.max(_ROW.seq)).where(true() if first is None else _ROW.seq < first)
    rows, row = connection.execute(before).one()
    return Place(begins.seq, row, rows, rows)


def _further(
    connection: Connection, binder: Binder, place: Place, most: int, until: int = trail.NO_NUMBER
) -> Place | None:
    """Hold the next entries, and their rows, against each other, one by one; None where something is wrong."""
    entries = connection.execute(_CHANGES.where(_ENTRY.seq > place.entry, _ENTRY.seq <= until).limit(most)).all()
    beyond = len(entries) < most  # then the row that follows has to be of an entry that is not asked for
    rows = iter(connection.execute(ROWS.where(_behind(place.row)).order_by(_ROW.seq).limit(len(entries) + beyond)))
    number, row, unbound = place.entry, place.row, 0
    for number, mark in entries:
        row, named, content = next(rows, _NO_ROW)
        if named != number:
            return None
        if mark != _PREFIX + binder(content):
            if mark.startswith(_PREFIX):
                return None
            unbound += 1
    _, named, _ = next(rows, _NO_ROW)
    if named is not None and (until == trail.NO_NUMBER or named <= until):
        return None
    return Place(number, row, place.rows + len(entries), place.unbound + unbound)


def _among_settled(connection: Connection, settled: Settled, place: Place, most: int) -> Place:
    end = connection.scalar(
        select(_ROW.seq).where(_behind(place.row), _ROW.seq <= settled.seq).order_by(_ROW.seq).offset(most - 1).limit(1)
    )
    rows, root = _rolled(connection, place.root, place.row, end or settled.seq)
    return Place(place.entry, end or settled.seq, place.rows + rows, place.unbound, root)


def _behind(row: int | None) -> ColumnElement[bool]:
    return true() if row is None else _ROW.seq > row


def _rolled(connection: Connection, root: bytes, behind: int | None, last: int | None) -> tuple[int, bytes]:
    """How many rows there are behind one and up to another, and the hash over these and all before them."""
    rows = 0
    if last is None:
        return rows, root
    wanted = ROWS.where(_behind(behind), _ROW.seq <= last).order_by(_ROW.seq)
    with connection.execute(wanted.execution_options(yield_per=_BATCH)) as found:
        for _, named, content in found:
            root = trail.link(root, b"%d:" % named + content)
            rows += 1
    return rows, root


# ---- what is wrong ---------------------------------------------------------------------------------------------------


def _what_is_wrong(connection: Connection, binder: Binder, place: Place) -> Kept:
    """Look at all entries and rows behind a place, both in the order of the entries, and say what was done to the rows."""
    found = _Found(connection, binder, place)
    entries = _CHANGES.where(_ENTRY.seq > place.entry).execution_options(yield_per=_BATCH)
    rows = ROWS.where(_behind(place.row)).order_by(_ROW.audit_seq, _ROW.seq).execution_options(yield_per=_BATCH)
    with connection.execute(entries) as all_entries, connection.execute(rows) as all_rows:
        for entry, own in _beside(all_entries, all_rows):
            found.look_at(entry, own)
    return found.told()


def _beside(entries: Result[Any], rows: Result[Any]) -> Iterator[tuple[Row[Any] | None, list[Row[Any]]]]:
    """Each entry with the rows that name it; rows that name none of them stand beside None."""
    groups = ((number, list(own)) for number, own in groupby(rows, key=attrgetter("audit_seq")))
    group = next(groups, None)
    for entry in entries:
        while group is not None and group[0] < entry.seq:
            yield None, group[1]
            group = next(groups, None)
        if group is not None and group[0] == entry.seq:
            yield entry, group[1]
            group = next(groups, None)
        else:
            yield entry, []
    while group is not None:
        yield None, group[1]
        group = next(groups, None)


def _batches(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), _MOST_AT_ONCE):
        yield numbers[start : start + _MOST_AT_ONCE]


class _Found:
    """What is wrong, as it is found."""

    def __init__(self, connection: Connection, binder: Binder, place: Place) -> None:
        self._connection = connection
        self._binder = binder
        self._place = place
        self._rows, self._unbound = place.rows, place.unbound
        self._counts: Counter[str] = Counter()
        self._first: int | None = None
        self._before = place.row
        self._owners: set[int] = set()
        """Entries for which rows were made that stand elsewhere, beside what belongs there."""

    def look_at(self, entry: Row[Any] | None, rows: list[Row[Any]]) -> None:
        """Hold the rows that name an entry against it."""
        self._rows += len(rows)
        strays = rows
        if entry is not None:
            bound = entry.mark.startswith(_PREFIX)
            self._unbound += not bound
            right = next((row for row in rows if not bound or self._mark(row) == entry.mark), None)
            strays = [row for row in rows if row is not right]
            if right is not None:
                if self._before is not None and right.seq < self._before:
                    self._add("reordered", entry.seq)
                self._before = right.seq
            elif strays:
                self._add("edited" if self._owner(strays.pop(0)) is None else "reordered", entry.seq)
            else:
                self._add("deleted", entry.seq)
        for row in strays:
            if (owner := self._owner(row)) is not None:
                self._owners.add(owner)
            self._add("inserted", row.audit_seq)

    def told(self) -> Kept:
        """All of it. A row that stands elsewhere while its own entry has none was moved, and is neither one more nor lost."""
        for owners in _batches(sorted(self._owners)):
            have = set(self._connection.scalars(select(_ROW.audit_seq).where(_ROW.audit_seq.in_(owners))))
            moved = len(set(owners) - have)
            self._counts.update(deleted=-moved, inserted=-moved, reordered=moved)
        if not self._counts.total():  # something is, or nobody would look: the database takes for a number what is none
            self._add("edited", self._place.entry + 1)
        counts, first = self._counts, self._first
        at = self._connection.scalar(select(_ENTRY.at_micros).where(_ENTRY.seq == first))
        return Kept(
            self._rows, self._unbound, counts["edited"], counts["deleted"], counts["inserted"], counts["reordered"],
            first_bad=first, first_bad_at=None if at is None else from_micros(at),
        )  # fmt: skip

    def _add(self, what: str, entry: int) -> None:
        self._counts[what] += 1
        self._first = entry if self._first is None else min(entry, self._first)

    def _mark(self, row: Row[Any]) -> str:
        return _PREFIX + self._binder(row.content)

    def _owner(self, row: Row[Any]) -> int | None:
        """The entry that a row was made for: one of that moment which carries its digest."""
        made_at = select(_ROW.at_micros).where(_ROW.seq == row.seq).scalar_subquery()
        made_for = select(_ENTRY.seq).where(_ENTRY.at_micros == made_at, _mark == self._mark(row))
        return self._connection.scalar(made_for.limit(1))
