"""What is decided without a database: merging by value, numbers of streams, versions, and the values of rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.ids import new_id
from clinicdesk.features.sync import rules, wire
from clinicdesk.features.sync.entities import DESK_ROLES, LEFT_OUT, SYNCED, Scope
from clinicdesk.features.sync.schemas import Op, OpAction, OutOfStep, TooOld
from clinicdesk.features.tables import metadata

pytestmark = pytest.mark.embedded
FIELDS = ("a", "b", "c", "d", "e")
TOGETHER = (frozenset({"a", "b"}), frozenset({"c", "d"}))
values = st.integers(0, 2)
rows = st.fixed_dictionaries(dict.fromkeys(FIELDS, values))
changes = st.dictionaries(st.sampled_from(FIELDS), values, min_size=1)


@given(rows, changes, rows)
def test_nothing_is_overwritten_that_its_writer_had_not_seen(
    old: dict[str, int], new: dict[str, int], server: dict[str, int]
) -> None:
    merged = rules.merge(old, new, server, TOGETHER)
    for name in merged.take:
        assert server[name] == old[name]
        for group in TOGETHER:
            if name in group:
                assert {one: server[one] for one in group} == {one: old[one] for one in group}


@given(rows, changes, rows)
def test_every_wish_is_taken_or_there_already_or_shown(
    old: dict[str, int], new: dict[str, int], server: dict[str, int]
) -> None:
    merged = rules.merge(old, new, server, TOGETHER)
    assert not merged.take.keys() & merged.clash.keys()
    for name, wanted in new.items():
        assert (
            old[name] == wanted
            or merged.take.get(name) == wanted
            or server[name] == wanted
            or merged.clash.get(name) == (server[name], wanted)
        )
    for name, (stands, _) in merged.clash.items():
        assert stands == server[name]


@given(rows, changes)
def test_where_nobody_else_was_the_row_is_what_its_writer_wanted(old: dict[str, int], new: dict[str, int]) -> None:
    merged = rules.merge(old, new, old, TOGETHER)
    assert merged.clash == {}
    assert {**old, **merged.take} == {**old, **new}


@given(rows, changes, rows)
def test_merging_twice_changes_nothing_more(old: dict[str, int], new: dict[str, int], server: dict[str, int]) -> None:
    after = {**server, **rules.merge(old, new, server, TOGETHER).take}
    again = rules.merge(old, new, after, TOGETHER)
    assert {**after, **again.take} == after


@given(rows, changes, changes)
def test_two_who_change_different_things_come_out_the_same_in_either_order(
    old: dict[str, int], one: dict[str, int], two: dict[str, int]
) -> None:
    def done(first: dict[str, int], second: dict[str, int]) -> tuple[dict[str, int], bool]:
        after = {**old, **rules.merge(old, first, old, TOGETHER).take}
        merged = rules.merge(old, second, after, TOGETHER)
        return {**after, **merged.take}, bool(merged.clash)

    (row, clashes), (other, clashes_too) = done(one, two), done(two, one)
    assert clashes == clashes_too
    if not clashes:
        assert row == other


def op(n: int = 1, **more: Any) -> Op:
    one = Op(n, new_id(), new_id(), "patient", new_id(), OpAction.UPDATE, datetime(2026, 11, 23, tzinfo=UTC), {}, {})
    return replace(one, **more)


def test_what_an_op_says_is_what_counts_and_not_its_number() -> None:
    one = op(new={"a": 1, "b": None})
    assert rules.payload(one) == rules.payload(replace(one, n=9, new={"b": None, "a": 1}))
    for other in (
        replace(one, new={"a": 2, "b": None}), replace(one, user_id=new_id()), replace(one, old={"a": 0}),
        replace(one, wall_at=one.wall_at + timedelta(seconds=1)), replace(one, action=OpAction.DELETE),
    ):  # fmt: skip
        assert rules.payload(other) != rules.payload(one)


@pytest.mark.parametrize(
    ("numbers", "known", "code"),
    [
        ([4, 5], [], ""), ([3, 4], [3], ""), ([1, 2, 3, 4], [1, 2, 3], ""), ([5], [], "seq_gap"),
        ([3, 4], [], "stream_forked"), ([2, 3, 4], [2], "stream_forked"), ([], [], ""),
    ],
)  # fmt: skip
def test_a_stream_goes_on_from_three(numbers: list[int], known: list[int], code: str) -> None:
    ops = [op(n) for n in numbers]
    ids = {one.op_id for one in ops if one.n in known}
    try:
        rules.check_stream(ops, 3, ids)
        found = ""
    except OutOfStep as error:
        found = error.reason
    assert found == code


def test_an_older_desk_is_understood_and_not_served() -> None:
    steps = {1: lambda one: rules.renamed(one, {"a": "b"}), 2: lambda one: rules.renamed(one, {"b": "c"})}
    rules.check_sending(rules.PROTOCOL, 1, steps, 3)
    assert rules.upcast(op(new={"a": 1}, old={"a": 0}), 1, steps, 3).new == {"c": 1}
    assert rules.upcast(op(new={"c": 1}), 3, steps, 3).new == {"c": 1}
    with pytest.raises(TooOld):
        rules.check_sending(rules.PROTOCOL, 1, {2: steps[2]}, 3)
    with pytest.raises(TooOld):
        rules.check_fetching(rules.PROTOCOL, 0)


def test_every_older_schema_that_is_served_can_be_sent() -> None:
    for schema in range(rules.OLDEST_FETCHED, rules.SCHEMA + 1):
        rules.check_sending(rules.PROTOCOL, schema)


# ---- the table of what is synced ---------------------------------------------------------------------------------------


def test_of_every_table_it_is_said_whether_it_is_synced() -> None:
    assert SYNCED.keys() | LEFT_OUT.keys() == set(metadata.tables)
    assert not SYNCED.keys() & LEFT_OUT.keys()


@pytest.mark.parametrize("entity", SYNCED)
def test_of_every_column_it_is_said_whether_it_leaves(entity: str) -> None:
    one = SYNCED[entity]
    columns = [column.name for column in one.model.__table__.columns]
    assert sorted([*one.all_fields, *one.kept]) == sorted(columns)
    assert one.fixed | one.theirs | frozenset().union(*one.together) <= set(one.all_fields)


def test_rows_come_behind_those_that_they_refer_to() -> None:
    order = list(SYNCED)
    for place, one in enumerate(SYNCED.values()):
        for column in one.model.__table__.columns:
            for key in column.foreign_keys:
                assert key.column.table.name in order[: place + 1], f"{one.name}.{column.name}"


HELD = {
    "receptionist": {"medication_request", "medication_dispense", "medication_reminder", "observation"},
    "administrator": {"medication_request", "medication_dispense", "medication_reminder", "observation"},
    "nurse": set(),
    "doctor": set(),
}
"""What a desk of each role holds nothing of, of all that is synced."""


@pytest.mark.parametrize("role", DESK_ROLES)
def test_a_desk_holds_what_its_role_may_read(role: Any) -> None:
    scope = Scope.of([role])
    assert SYNCED.keys() - scope.fields.keys() == HELD[role.value]
    assert scope.sees_clinical_documents == (not HELD[role.value])
    for name, fields in scope.fields.items():
        assert not set(fields) & {"password_hash", "email_verified_at", "content_key", "thumbnail_key"}, name


def test_another_scope_has_another_hash() -> None:
    hashes = {Scope.of(roles).hash for roles in ([DESK_ROLES[0]], [DESK_ROLES[1]], DESK_ROLES)}
    assert len(hashes) == 2  # administrator and receptionist hold the same; so do the clinicians and all together
    assert Scope.of([]).fields == {}


# ---- values ------------------------------------------------------------------------------------------------------------


def test_what_is_said_comes_back_as_it_was() -> None:
    model = SYNCED["appointment"].model
    row = {
        "id": new_id(), "start": datetime(2026, 11, 23, 14, 0, 0, 7, tzinfo=UTC), "overbooked": True, "reason": "Ü",
        "series_day": None, "version": 3,
    }  # fmt: skip
    assert wire.decode_row(model, wire.encode_row(row, row)) == row


@pytest.mark.parametrize(
    ("entity", "field", "value", "code"),
    [
        ("appointment", "start", "2026-11-23T14:00:00", "invalid_input"),
        ("appointment", "start", 1764000000, "invalid_input"),
        ("appointment", "start", "0001-01-01T00:00:00+00:00", "out_of_range"),
        ("appointment", "start", "9999-12-31T23:59:59-23:59", "invalid_input"),
        ("appointment", "start", None, "missing"),
        ("appointment", "overbooked", 1, "invalid_input"),
        ("appointment", "patient_id", "HS-1", "invalid_input"),
        ("appointment", "patient_id", "0" * 32, "invalid_input"),
        ("appointment", "reason", "x" * 251, "too_long"),
        ("appointment", "reason", "a\x00b", "control_characters"),
        ("appointment", "reason", "\ud800", "control_characters"),
        ("appointment", "reason", ["x"], "invalid_input"),
        ("appointment", "nothing", 1, "unknown_field"),
        ("waitlist_entry", "minutes", 2**31, "out_of_range"),
        ("waitlist_entry", "minutes", True, "invalid_input"),
        ("waitlist_entry", "minutes", 1.5, "invalid_input"),
        ("waitlist_entry", "earliest", "2026-1-1", "invalid_input"),
        ("waitlist_entry", "earliest", "0001-01-01", "out_of_range"),
        ("observation", "value", float("nan"), "out_of_range"),
        ("observation", "value", 1e300, "out_of_range"),
        ("observation", "value", "70", "invalid_input"),
        ("patient", "desk_notes", "x" * 20_001, "too_long"),
    ],
)
def test_what_cannot_be_right_is_refused_by_name(entity: str, field: str, value: Any, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        wire.decode_row(SYNCED[entity].model, {field: value})
    assert (refused.value.reason, refused.value.params["field"]) == (code, field)


def test_a_digest_tells_rows_apart() -> None:
    one, other = UUID(int=1), UUID(int=2)
    whole = rules.digest_of([(one, {"a": 1}), (other, {"a": 2})])
    assert whole == rules.digest_of([(one, {"a": 1}), (other, {"a": 2})])
    for rows_ in ([(one, {"a": 1})], [(one, {"a": 2}), (other, {"a": 1})], [(one, {"a": 1}), (other, {"b": 2})]):
        assert rules.digest_of(rows_) != whole
