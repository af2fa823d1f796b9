"""Gives desks what changed, in the order of the commits, and all there is to those that begin; each what its roles may hold.

The history is the log: it is written in the order of the commits, its numbers rise in that order, and it is kept. A change
names a row, and the row is given whole, as it stands now; of one that is gone, or is to be held no longer, its absence.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, delete, func, insert, select, update

from clinicdesk.core import epoch
from clinicdesk.core.clock import to_micros
from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.history import HistoryEntry
from clinicdesk.core.paging import decode_cursor, encode_cursor, id_of
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.sync import rules, wire
from clinicdesk.features.sync.devices import own_device, roles_of
from clinicdesk.features.sync.entities import SYNCED, Scope
from clinicdesk.features.sync.models import OpLedger, SyncHorizon
from clinicdesk.features.sync.pushing import current_rows
from clinicdesk.features.sync.schemas import (
    CursorExpired,
    Digest,
    EntityDigest,
    OutOfStep,
    Pull,
    Pulled,
    RowChange,
    Snapshot,
    SnapshotRow,
)

KEPT_FOR = timedelta(days=400)
"""How long a desk may have been away and still fetch what changed; for as long the ledger knows what became of an op."""
MOST_ROWS = 1000
_H: FromClause = HistoryEntry.__table__
_SINGLE = UUID(int=1)
"""The id of a row that is alone in its table."""


@verb(Permission.SYNC, concurrent=True)
def pull(tx: Tx, request: Pull) -> Pulled:
    """What changed behind the desk's cursor. Where there is something it is audited.

    Raises OutOfStep (epoch_changed, scope_changed, server_too_old), CursorExpired, TooOld, InvalidInput("out_of_range").
    """
    rules.check_fetching(request.protocol, request.schema)
    if not 1 <= request.limit <= rules.MOST_CHANGES:
        raise InvalidInput("out_of_range", field="limit", least=1, most=rules.MOST_CHANGES)
    scope = _scope(tx)
    _check_epoch(tx, request.epoch)
    if request.scope_hash != scope.hash:
        raise OutOfStep("scope_changed", scope_hash=scope.hash)
    newest, horizon = _newest(tx), _horizon(tx)
    if request.cursor > newest:
        raise OutOfStep("epoch_changed", epoch=epoch.current(tx.connection))
    if request.cursor < horizon:
        raise CursorExpired(min_retained=horizon)
    found = tx.connection.execute(
        select(_H.c.seq, _H.c.entity, _H.c.entity_id)
        .where(_H.c.seq > request.cursor, _H.c.seq <= newest, _H.c.entity.in_(sorted(scope.fields)))
        .order_by(_H.c.seq)
        .limit(request.limit + 1)
    ).all()
    has_more = len(found) > request.limit
    found = found[: request.limit]
    upto = found[-1].seq if has_more else newest
    last: dict[tuple[str, UUID], int] = {}
    for seq, entity, entity_id in found:
        last[entity, UUID(hex=entity_id) if entity_id else _SINGLE] = seq
    rows = current_rows(tx, scope, last)
    unknown = _never_held(tx, scope, request.cursor, [key for key in last if key not in rows])
    changes = tuple(
        RowChange(seq, entity, id_, rows.get((entity, id_)))
        for (entity, id_), seq in sorted(last.items(), key=lambda item: item[1])
        if (entity, id_) not in unknown
    )
    if changes:
        _audit(tx, len(changes))
    return Pulled(changes, upto, has_more, horizon, tx.now)


def _never_held(tx: Tx, scope: Scope, cursor: int, hidden: list[tuple[str, UUID]]) -> set[tuple[str, UUID]]:
    """Those of the rows outside of the scope that the desk cannot have held: not even that there is such a row is told it.

    A row that was in the scope until now is left to be told of: the change that took it out names the field that decides.
    """
    unknown = set()
    for entity, id_ in hidden:
        decides = scope.decides(SYNCED[entity])
        table: FromClause = SYNCED[entity].model.__table__
        if decides is None or tx.connection.execute(select(table.c.id).where(table.c.id == id_)).first() is None:
            continue
        left = select(_H.c.seq).where(
            _H.c.entity == entity, _H.c.entity_id == id_.hex, _H.c.seq > cursor, _H.c.old.contains(f'"{decides}":')
        )
        if tx.connection.execute(left.limit(1)).first() is None:
            unknown.add((entity, id_))
    return unknown


@verb(Permission.SYNC, concurrent=True)
def snapshot(tx: Tx, cursor: str = "", limit: int = 500) -> Snapshot:
    """A part of all that the desk may hold, table by table. Audited.

    What changes meanwhile is behind the cursor that each part names, so whoever pulls from there on has all. Raises
    OutOfStep (epoch_changed, scope_changed) where that happened since the first part, InvalidInput("cursor_not_right",
    "out_of_range").
    """
    if not 1 <= limit <= MOST_ROWS:
        raise InvalidInput("out_of_range", field="limit", least=1, most=MOST_ROWS)
    scope = _scope(tx)
    names = list(scope.fields)
    life = epoch.current(tx.connection)
    began, place, last = _newest(tx), 0, ""
    if cursor:
        began_in, scope_hash, began, place, last = _place(cursor)
        _check_epoch(tx, began_in)
        if scope_hash != scope.hash:
            raise OutOfStep("scope_changed", scope_hash=scope.hash)
        if not 0 <= place < len(names):
            raise InvalidInput("cursor_not_right", field="cursor")
    rows: list[SnapshotRow] = []
    following: str | None = None
    while place < len(names):
        wanted = limit - len(rows)
        part = list(_part(tx, scope, names[place], last, wanted))
        rows += [SnapshotRow(names[place], id_, row) for id_, row in part]
        if len(part) == wanted:
            following = encode_cursor([str(life), scope.hash, began, place, part[-1][0].hex])
            break
        place, last = place + 1, ""
    _audit(tx, len(rows))
    return Snapshot(life, scope.hash, began, tuple(rows), following, tx.now)


def _place(cursor: str) -> tuple[str, str, int, int, str]:
    """Where a snapshot goes on: its epoch and scope, where it began, and behind which row of which table."""
    began_in, scope_hash, began, place, last = decode_cursor(cursor, str, str, int, int, str)
    return str(began_in), str(scope_hash), int(began), int(place), str(last)


def _part(tx: Tx, scope: Scope, entity: str, last: str, limit: int) -> Iterator[tuple[UUID, dict[str, Any]]]:
    """Rows of a table behind an id, in the order of ids."""
    one = SYNCED[entity]
    table: FromClause = one.model.__table__
    statement = select(*(table.c[name] for name in scope.fields[entity])).where(*scope.conditions(one))
    if last and one.single:
        return
    if last:
        statement = statement.where(table.c.id > id_of(last))
    for row in tx.connection.execute(statement.order_by(table.c.id).limit(limit)).mappings():
        id_ = UUID(int=row["id"]) if one.single else row["id"]
        yield id_, wire.encode_row(dict(row), scope.fields[entity])


@verb(Permission.SYNC, writes=False)
def digest(tx: Tx, seq: int, entities: tuple[str, ...] = ()) -> Digest:
    """What a desk that has come as far as `seq` has to hold: of each table (or of these) how many rows, and their digest.

    Raises OutOfStep("seq_moved") where something has been committed since: pull, and ask again; InvalidInput("unknown_field")
    for a table that the desk does not hold.
    """
    scope = _scope(tx)
    if not set(entities) <= scope.fields.keys():
        raise InvalidInput("unknown_field", field="entity")
    newest = _newest(tx)
    if seq != newest:
        raise OutOfStep("seq_moved")
    found = {}
    for entity in entities or scope.fields:
        count, sha256 = rules.digest_of(_all(tx, scope, entity))
        found[entity] = EntityDigest(count, sha256)
    return Digest(epoch.current(tx.connection), scope.hash, newest, found)


def _all(tx: Tx, scope: Scope, entity: str) -> Iterator[tuple[UUID, dict[str, Any]]]:
    last = ""
    while part := list(_part(tx, scope, entity, last, MOST_ROWS)):
        yield from part
        last = part[-1][0].hex


@verb(Permission.MAINTAIN)
def move_horizon(tx: Tx) -> int:
    """Let cursors expire that are older than 400 days, and ops that were taken before that be forgotten; returns how many
    ops were. The history itself is kept."""
    before = tx.now - KEPT_FOR
    low, high = _horizon(tx), _newest(tx)
    while low < high:  # the numbers rise with the time, so a few looks find the place
        middle = (low + high + 1) // 2
        at = tx.connection.execute(
            select(_H.c.at_micros).where(_H.c.seq >= middle).order_by(_H.c.seq).limit(1)
        ).scalar()
        if at is not None and at < to_micros(before):
            low = middle
        else:
            high = middle - 1
    if not tx.connection.execute(update(SyncHorizon).values(min_retained=low)).rowcount:
        tx.connection.execute(insert(SyncHorizon).values(id=1, min_retained=low))
    gone = tx.connection.execute(delete(OpLedger).where(OpLedger.taken_at < before))
    return int(gone.rowcount)


def _scope(tx: Tx) -> Scope:
    return Scope.of(roles_of(own_device(tx)))


def _check_epoch(tx: Tx, given: UUID | str) -> None:
    now = epoch.current(tx.connection)
    if str(given) != str(now):
        raise OutOfStep("epoch_changed", epoch=now)


def _newest(tx: Tx) -> int:
    return tx.connection.execute(select(func.coalesce(func.max(_H.c.seq), 0))).scalar_one()  # type: ignore[no-any-return]


def _horizon(tx: Tx) -> int:
    return tx.connection.execute(select(SyncHorizon.min_retained)).scalar() or 0


def _audit(tx: Tx, count: int) -> None:
    """Patients' data goes to a desk: which desk, and how much, stands in the audit trail."""
    tx.record(Change("device", tx.actor.device_id, Action.READ, note=f"{count} rows"))
