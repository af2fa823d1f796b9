"""The gate: each of these broken protocols has to be caught by the invariants. One that is not shows that they see too little."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.features.sync import apply, pulling, pushing, rules, service
from clinicdesk.features.sync.entities import Scope
from clinicdesk.features.sync.rules import Merged
from clinicdesk.features.sync.schemas import OpResult, Outcome, Pulled
from tests.simulation.conftest import MakeWorld
from tests.simulation.desk import Desk

MOST_SEEDS = 12


def last_writer_wins(patch: pytest.MonkeyPatch) -> None:
    def merge(_old: Any, new: Mapping[str, Any], server: Mapping[str, Any], _together: Any = ()) -> Merged:
        return Merged({name: value for name, value in new.items() if server[name] != value}, {})

    patch.setattr(rules, "merge", merge)


def each_field_by_itself(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rules, "_groups", lambda new, _together: [frozenset({name}) for name in sorted(new)])


def conflicts_that_nobody_sees(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(apply, "keep", lambda *_args, **_more: new_id())


def said_and_not_done(patch: pytest.MonkeyPatch) -> None:
    take = pushing._take

    def lazy(database: Any, ready: Any, stream_id: Any, op: Any, payload: Any) -> OpResult:
        if op.n % 4 == 0:
            return OpResult(op.op_id, op.n, Outcome.APPLIED, "", None)
        return take(database, ready, stream_id, op, payload)

    patch.setattr(pushing, "_take", lazy)


def a_cursor_that_passes_what_was_not_sent(patch: pytest.MonkeyPatch) -> None:
    pull = service.pull

    def hasty(tx: Any, request: Any) -> Pulled:
        return replace(pull(tx, request), upto=pulling._newest(tx), has_more=False)

    patch.setattr(service, "pull", hasty)


def everybody_holds_everything(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Scope, "of", classmethod(lambda cls, _roles: cls(frozenset(Permission))))


def a_ledger_of_each_stream_alone(patch: pytest.MonkeyPatch) -> None:
    begin = pushing._begin_op
    streams: dict[Any, Any] = {}

    def forgetful(tx: Any, stream_id: Any, op: Any, payload: Any) -> Any:
        first = streams.setdefault(op.op_id, stream_id)
        return begin(tx, stream_id, op, payload) if first == stream_id else None

    patch.setattr(pushing, "_begin_op", forgetful)


def a_page_that_is_dropped(patch: pytest.MonkeyPatch) -> None:
    pulled = Desk.pulled

    def careless(self: Desk, parts: list[Pulled]) -> None:
        pulled(self, [parts[0], replace(parts[-1], changes=())] if len(parts) > 1 else parts)

    patch.setattr(Desk, "pulled", careless)


def a_desk_that_trusts_its_screen(patch: pytest.MonkeyPatch) -> None:
    answered = Desk.answered

    def stubborn(self: Desk, results: Any) -> None:
        before = dict(self.rows)
        answered(self, results)
        self.rows |= before

    patch.setattr(Desk, "answered", stubborn)


def two_bookings_on_one_screen(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Desk, "_demote", lambda _self: None)


BROKEN: tuple[Callable[[pytest.MonkeyPatch], None], ...] = (
    last_writer_wins, each_field_by_itself, conflicts_that_nobody_sees, said_and_not_done,
    a_cursor_that_passes_what_was_not_sent, everybody_holds_everything, a_ledger_of_each_stream_alone,
    a_page_that_is_dropped, a_desk_that_trusts_its_screen, two_bookings_on_one_screen,
)  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: str(broken.__name__))
def test_a_broken_protocol_is_caught(
    on_sqlite: MakeWorld, monkeypatch: pytest.MonkeyPatch, broken: Callable[[pytest.MonkeyPatch], None]
) -> None:
    broken(monkeypatch)
    for seed in range(MOST_SEEDS):
        try:
            on_sqlite(seed).run()
        except Exception:  # an invariant, or the database's own
            return
    pytest.fail(f"{broken.__name__} was not caught by {MOST_SEEDS} seeds")
