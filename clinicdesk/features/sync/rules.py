"""Decides what becomes of an op beside what others did meanwhile, and whom the server still understands. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from uuid import UUID

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.sync import wire
from clinicdesk.features.sync.schemas import Op, OutOfStep, TooOld

PROTOCOL = 1
SCHEMA = 1
"""Raised where a field that is synced changes its name, its kind or its meaning; then `UPCASTS` gets a line."""
OLDEST_FETCHED = max(1, SCHEMA - 1)
"""The oldest schema whose desks are served: this one and the one before."""
MOST_OPS = 200
MOST_CHANGES = 1000

Upcast = Callable[[Op], Op]
UPCASTS: Mapping[int, Upcast] = MappingProxyType({})
"""How an op of a schema is said in the next one. Whatever was once shipped stays here: no work is to be stranded."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What of an op is taken, and what clashes: by field the server's value and the other."""

    take: dict[str, Any]
    clash: dict[str, tuple[Any, Any]]


def merge(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    server: Mapping[str, Any],
    together: Collection[frozenset[str]] = (),
) -> Merged:
    """Three-way, by field and by value: what the writer saw, what they want, what the server has.

    A value is taken where the server has what the writer saw, and nothing is to be done where it has what they want.
    Otherwise the server's value stays and both are shown. Fields that stand `together` are judged as one: all of them have
    to be as the writer saw them. Raises InvalidInput("op_incomplete") where an op does not say what was seen.
    """
    take: dict[str, Any] = {}
    clash: dict[str, tuple[Any, Any]] = {}
    changed = [name for name, value in new.items() if name not in old or old[name] != value]
    for group in _groups(changed, together):
        unseen = sorted(group - old.keys())
        if unseen:
            raise InvalidInput("op_incomplete", field=unseen[0])
        wanted = {name: new.get(name, old[name]) for name in group}
        differs = {name for name in group if server[name] != wanted[name]}
        if all(server[name] == old[name] for name in group):
            take |= {name: wanted[name] for name in differs}
        else:
            clash |= {name: (server[name], wanted[name]) for name in differs}
    return Merged(take, clash)


def _groups(new: Iterable[str], together: Collection[frozenset[str]]) -> list[frozenset[str]]:
    """The fields that are judged as one, of those that an op touches, in a fixed order."""
    found: dict[frozenset[str], None] = {}
    for name in sorted(new):
        found[next((group for group in together if name in group), frozenset({name}))] = None
    return list(found)


def keep_apart(merged: Merged, names: Collection[str], server: Mapping[str, Any]) -> Merged:
    """The same, but these fields are not taken: somebody has to be asked."""
    apart = {name: (server[name], value) for name, value in merged.take.items() if name in names}
    return Merged({name: value for name, value in merged.take.items() if name not in apart}, merged.clash | apart)


def payload(op: Op) -> bytes:
    """What has to be the same wherever an op is sent again. Its number in a stream is not: a new stream numbers anew."""
    return wire.digest(
        [
            str(op.op_id), str(op.user_id), op.entity, str(op.id), op.action.value, wire.encode(op.wall_at),
            None if op.old is None else dict(op.old), None if op.new is None else dict(op.new),
        ]
    )  # fmt: skip


def check_fetching(protocol: int, schema: int) -> None:
    """Raises TooOld for a desk that cannot be served any more, and OutOfStep("server_too_old") for one that is ahead of us."""
    _check_ahead(protocol, schema)
    if protocol < PROTOCOL or schema < OLDEST_FETCHED:
        raise TooOld(oldest=OLDEST_FETCHED)


def check_sending(protocol: int, schema: int, upcasts: Mapping[int, Upcast] = UPCASTS, to: int = SCHEMA) -> None:
    """The same for a desk that sends: it is understood as far back as there is a way from its schema to ours."""
    _check_ahead(protocol, schema, to)
    if protocol < PROTOCOL or any(step not in upcasts for step in range(schema, to)):
        raise TooOld(oldest=to)


def _check_ahead(protocol: int, schema: int, to: int = SCHEMA) -> None:
    if protocol > PROTOCOL or schema > to:
        raise OutOfStep("server_too_old")


def upcast(op: Op, schema: int, upcasts: Mapping[int, Upcast] = UPCASTS, to: int = SCHEMA) -> Op:
    """An op of an older schema as this one says it."""
    for step in range(schema, to):
        op = upcasts[step](op)
    return op


def check_numbers(ops: Collection[Op]) -> None:
    """Raises InvalidInput("op_order") where the numbers of a push do not follow each other, ("op_twice") for an id in two."""
    numbers = [op.n for op in ops]
    if numbers and numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise InvalidInput("op_order", field="ops")
    if len({op.op_id for op in ops}) != len(numbers):
        raise InvalidInput("op_twice", field="ops")


def check_stream(ops: Iterable[Op], last_n: int, known: Collection[UUID]) -> None:
    """Whether a push goes on from where the stream is; `known` are those of its ops that the ledger has.

    Raises OutOfStep: seq_gap (something before it is missing), stream_forked (the desk was restored from a backup: it gives
    numbers anew that it has used).
    """
    expected = last_n + 1
    for op in ops:
        if op.n > expected:
            raise OutOfStep("seq_gap", last_n=last_n)
        if op.n < expected and op.op_id not in known:
            raise OutOfStep("stream_forked", last_n=last_n)
        expected = max(expected, op.n + 1)


def renamed(op: Op, names: Mapping[str, str]) -> Op:
    """An op whose fields are called otherwise: what most upcasts are."""

    def said(fields: Mapping[str, Any] | None) -> dict[str, Any] | None:
        return None if fields is None else {names.get(name, name): value for name, value in fields.items()}

    return replace(op, old=said(op.old), new=said(op.new))


def digest_of(rows: Iterable[tuple[UUID, Mapping[str, Any]]]) -> tuple[int, str]:
    """How many rows there are, and their digest: of each its id and the digest of its fields, in the order of the ids."""
    count, total = 0, hashlib.sha256()
    for id_, fields in rows:
        count += 1
        total.update(id_.bytes + wire.digest(dict(fields)))
    return count, total.hexdigest()
