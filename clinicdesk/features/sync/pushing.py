"""Takes in what a desk sends: each op in a unit of work of its own, as the person who did it, once and never again.

An op that cannot be stored is rejected, with the reason, and does not hold up those behind it. What the server cannot do at this
moment (its database is busy) ends the push instead: the desk sends the rest again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, insert, select, update

from clinicdesk.core import epoch
from clinicdesk.core.errors import ClinicError, Conflict, InvalidInput, NotPermitted, Unavailable
from clinicdesk.core.permissions import Permission, Role
from clinicdesk.core.tx import Action, Actor, Change, Database, Tx, verb
from clinicdesk.features.sync import rules, wire
from clinicdesk.features.sync.apply import Done, carry_out
from clinicdesk.features.sync.devices import own_device, roles_of
from clinicdesk.features.sync.entities import SYNCED, Scope
from clinicdesk.features.sync.models import Device, OpLedger, SyncConflict, SyncStream
from clinicdesk.features.sync.schemas import Op, OpResult, Outcome, OutOfStep, Push, Pushed
from clinicdesk.features.users.models import User

_TRIES = 3
"""How often an op is tried that meets somebody else's change in the moment in which it is carried out."""
_BESIDE = frozenset({"appointment", "observation", "contact_preference", "document"})
"""Tables whose ops run beside other units of work, as the verbs of their features do."""
_STREAM: FromClause = SyncStream.__table__
_LEDGER: FromClause = OpLedger.__table__


@dataclass(frozen=True, slots=True)
class _Ready:
    """What is known before the first op is carried out."""

    device: Actor
    scope: Scope
    people: Mapping[UUID, Actor]


def push(database: Database, device: Actor, request: Push) -> Pushed:
    """Carry out what a desk sends, as far as it was not before, and say what became of each op.

    Raises OutOfStep (epoch_changed, seq_gap, stream_forked, server_too_old), TooOld, InvalidInput (op_id_reused, op_order,
    op_twice, too_many), NotPermitted("device_revoked"), Unavailable.
    """
    with database.write(device) as tx:
        ready = begin_push(tx, request)
    results = []
    for given in request.ops:
        op = rules.upcast(given, request.schema)
        results.append(_take(database, ready, request.stream_id, op, rules.payload(given)))
    with database.read(device) as tx:
        return answer(tx, request.stream_id, request.ops, results)


@verb(Permission.SYNC, concurrent=True)
def begin_push(tx: Tx, request: Push) -> _Ready:
    """See whether the push goes on from where the stream is, and who those are that did what it brings. Raises as `push`."""
    rules.check_sending(request.protocol, request.schema)
    device = own_device(tx)
    if request.epoch != epoch.current(tx.connection):
        raise OutOfStep("epoch_changed", epoch=epoch.current(tx.connection))
    if len(request.ops) > rules.MOST_OPS:
        raise InvalidInput("too_many", field="ops", most=rules.MOST_OPS)
    rules.check_numbers(request.ops)
    known = _known(tx, [op.op_id for op in request.ops])
    for op in request.ops:
        if op.op_id in known and known[op.op_id] != rules.payload(op):
            raise InvalidInput("op_id_reused", field="ops")
    rules.check_stream(request.ops, _last_n(tx, device, request.stream_id), known)
    people = {
        row.id: Actor(row.id, Role(row.role), row.name, device.name, device_id=device.id)
        for row in tx.connection.execute(
            select(User.id, User.role, User.name).where(User.id.in_({op.user_id for op in request.ops}))
        )
    }
    return _Ready(tx.actor, Scope.of(roles_of(device)), people)


def _last_n(tx: Tx, device: Device, stream_id: UUID) -> int:
    """The last number of the stream, which begins with its first op. Raises OutOfStep("stream_forked") for another desk's."""
    tx.claim(f"sync_stream/{stream_id}")
    found = tx.connection.execute(
        select(_STREAM.c.device_id, _STREAM.c.last_n).where(_STREAM.c.id == stream_id)
    ).one_or_none()
    if found is None:
        tx.connection.execute(insert(SyncStream).values(id=stream_id, device_id=device.id, last_n=0, created_at=tx.now))
        return 0
    if found.device_id != device.id:
        raise OutOfStep("stream_forked", last_n=0)
    last: int = found.last_n
    return last


def _known(tx: Tx, op_ids: list[UUID]) -> dict[UUID, bytes]:
    found = tx.connection.execute(select(_LEDGER.c.op_id, _LEDGER.c.payload_sha256).where(_LEDGER.c.op_id.in_(op_ids)))
    return {row.op_id: row.payload_sha256 for row in found}


def _take(database: Database, ready: _Ready, stream_id: UUID, op: Op, payload: bytes) -> OpResult:
    """Carry out one op, or note why not."""
    refusal: ClinicError = NotPermitted("account_off")
    person = ready.people.get(op.user_id)
    if person is not None:
        carry = apply_beside if op.entity in _BESIDE else apply_alone
        for _ in range(_TRIES):
            try:
                with database.write(person) as tx:
                    return carry(tx, stream_id, op, payload, ready.scope)
            except (Unavailable, OutOfStep):
                raise
            except ClinicError as error:
                if error.reason == "device_revoked":
                    raise
                refusal = error
                if error.reason != "changed_meanwhile":
                    break
        if refusal.reason == "changed_meanwhile":
            raise Unavailable("database_busy") from refusal
    with database.write(ready.device) as tx:
        return reject(tx, stream_id, op, payload, refusal.reason)


@verb(Permission.WORK_OFFLINE, concurrent=True)
def apply_beside(tx: Tx, stream_id: UUID, op: Op, payload: bytes, scope: Scope) -> OpResult:
    """Carry out what the caller did at a desk, beside others who write. Raises what `apply.carry_out` raises, OutOfStep."""
    return _apply(tx, stream_id, op, payload, scope)


@verb(Permission.WORK_OFFLINE)
def apply_alone(tx: Tx, stream_id: UUID, op: Op, payload: bytes, scope: Scope) -> OpResult:
    """The same for tables whose verbs have the clinic alone."""
    return _apply(tx, stream_id, op, payload, scope)


@verb(Permission.SYNC, concurrent=True)
def reject(tx: Tx, stream_id: UUID, op: Op, payload: bytes, code: str) -> OpResult:
    """Note that an op cannot be carried out, and why: somebody at the desk has to look at it. Raises OutOfStep."""
    before = _begin_op(tx, stream_id, op, payload)
    if before is not None:
        return before
    tx.record(Change("op_ledger", op.op_id, Action.EXECUTE, note=f"rejected {code}"))
    return _end_op(tx, stream_id, op, payload, Done(Outcome.REJECTED), code)


@verb(Permission.SYNC, writes=False)
def answer(tx: Tx, stream_id: UUID, ops: Iterable[Op], results: Iterable[OpResult]) -> Pushed:
    """What became of the ops, with the rows as they stand now that all of them are done."""
    device = own_device(tx)
    rows = current_rows(tx, Scope.of(roles_of(device)), ((op.entity, op.id) for op in ops))
    told = [
        OpResult(
            one.op_id, one.n, one.outcome, one.code, rows.get((op.entity, op.id)), one.conflict_id
        )
        for op, one in zip(ops, results, strict=True)
    ]  # fmt: skip
    last_n = tx.connection.execute(select(_STREAM.c.last_n).where(_STREAM.c.id == stream_id)).scalar_one()
    return Pushed(tuple(told), last_n, tx.now)


def current_rows(tx: Tx, scope: Scope, wanted: Iterable[tuple[str, UUID]]) -> dict[tuple[str, UUID], dict[str, Any]]:
    """These rows as they stand, in JSON's values, with the fields that the scope has; those outside of it are left out."""
    by_entity: dict[str, set[UUID]] = {}
    for entity, id_ in wanted:
        if entity in scope.fields:
            by_entity.setdefault(entity, set()).add(id_)
    found = {}
    for entity, ids in by_entity.items():
        for id_, row in rows_of(tx, scope, entity, sorted(ids)):
            found[entity, id_] = row
    return found


def rows_of(tx: Tx, scope: Scope, entity: str, ids: list[UUID]) -> Iterable[tuple[UUID, dict[str, Any]]]:
    """Rows of one table by their ids."""
    one = SYNCED[entity]
    table: FromClause = one.model.__table__
    keys = [id_.int for id_ in ids] if one.single else ids
    columns = [table.c[name] for name in scope.fields[entity]]
    statement = select(*columns).where(table.c.id.in_(keys), *scope.conditions(one))
    for row in tx.connection.execute(statement).mappings():
        id_ = UUID(int=row["id"]) if one.single else row["id"]
        yield id_, wire.encode_row(dict(row), scope.fields[entity])


# ---- the ledger ------------------------------------------------------------------------------------------------------


def _apply(tx: Tx, stream_id: UUID, op: Op, payload: bytes, scope: Scope) -> OpResult:
    before = _begin_op(tx, stream_id, op, payload)
    if before is not None:
        return before
    done = carry_out(tx, op, scope)
    return _end_op(tx, stream_id, op, payload, done, "")


def _begin_op(tx: Tx, stream_id: UUID, op: Op, payload: bytes) -> OpResult | None:
    """Wait for whoever is at the same op or stream; what became of the op, where it was taken before."""
    tx.claim(f"sync_stream/{stream_id}", f"op/{op.op_id}")
    last_n = tx.connection.execute(select(_STREAM.c.last_n).where(_STREAM.c.id == stream_id)).scalar_one()
    known = tx.connection.execute(select(_LEDGER).where(_LEDGER.c.op_id == op.op_id)).one_or_none()
    rules.check_stream([op], last_n, () if known is None else (op.op_id,))
    if known is None:
        return None
    if known.payload_sha256 != payload:
        raise OutOfStep("stream_forked", last_n=last_n)
    _advance(tx, stream_id, op.n)
    conflict_id = tx.connection.execute(select(SyncConflict.id).where(SyncConflict.op_id == op.op_id)).scalar()
    return OpResult(op.op_id, op.n, Outcome(known.outcome), known.code, None, conflict_id)


def _end_op(tx: Tx, stream_id: UUID, op: Op, payload: bytes, done: Done, code: str) -> OpResult:
    if tx.actor.device_id is None:
        raise Conflict("device_revoked")
    tx.connection.execute(
        insert(OpLedger).values(
            op_id=op.op_id, payload_sha256=payload, device_id=tx.actor.device_id, user_id=op.user_id,
            entity=op.entity[:40], entity_id=op.id, outcome=done.outcome.value, code=code, wall_at=op.wall_at,
            taken_at=tx.now,
        )
    )  # fmt: skip
    _advance(tx, stream_id, op.n)
    return OpResult(op.op_id, op.n, done.outcome, code, None, done.conflict_id)


def _advance(tx: Tx, stream_id: UUID, n: int) -> None:
    tx.connection.execute(update(SyncStream).where(SyncStream.id == stream_id, SyncStream.last_n < n).values(last_n=n))
