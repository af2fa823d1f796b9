"""The trail vouches for the values that the history keeps: whatever is done to them behind the program's back is found."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select, text

from clinicdesk.core import binding, retention
from clinicdesk.core import trail as audit_trail
from clinicdesk.core.errors import Unavailable
from clinicdesk.core.history import HistoryEntry
from clinicdesk.core.trail import AuditEntry, Kept
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.audit import service
from clinicdesk.features.practitioners.schemas import SaveSite
from clinicdesk.features.practitioners.service import save_site
from tests.conftest import KEY, Hands
from tests.features.audit.test_audit import verified

COLUMNS = "unit_id, at_micros, actor_id, verb, entity, entity_id, action, old, new"
COPY = (
    f"INSERT INTO history_entry (audit_seq, {COLUMNS}) SELECT {{}}, {COLUMNS} FROM history_entry WHERE audit_seq = {{}}"
)

COPY_FIRST = COPY.replace("(audit_seq", "(seq, audit_seq").replace("SELECT", "SELECT -5,")
LIMITS = (1, 2, 100)


@pytest.fixture
def changed(db: Database, operator: Actor, clock: Hands) -> Database:
    """Six changes, an hour apart, and a look at the log behind the third: entry 4 is of no change."""
    for number in range(1, 7):
        with db.write(operator) as tx:
            save_site(tx, SaveSite(f"Harbour Street {number}"))
        clock.now += timedelta(hours=1)
        if number == 3:
            service.verify_chain(db, operator)
    return db


def unlock(connection: Connection, *tables: str) -> None:
    """Take away what the database refuses, as one who owns it can."""
    for table in tables:
        for verb in ("update", "delete"):
            on = f" ON {table}" if connection.dialect.name == "postgresql" else ""
            connection.execute(text(f"DROP TRIGGER {table}_refuses_{verb}{on}"))


def do(db: Database, *statements: str) -> None:
    with db.engine.begin() as connection:
        unlock(connection, "history_entry")
        for statement in statements:
            connection.execute(text(statement))


def counts(kept: Kept | None) -> dict[str, int]:
    assert kept is not None
    found = {name: getattr(kept, name) for name in ("edited", "deleted", "inserted", "reordered")}
    return {name: count for name, count in found.items() if count}


EDIT = "UPDATE history_entry SET new = replace(new, 'Harbour', 'Hello') WHERE audit_seq = {}"
DELETE = "DELETE FROM history_entry WHERE audit_seq = {}"


@pytest.mark.parametrize(
    ("statements", "found", "first_bad"),
    [
        ([EDIT.format(3)], {"edited": 1}, 3),
        ([EDIT.format(3), EDIT.format(6)], {"edited": 2}, 3),
        (["UPDATE history_entry SET old = '' WHERE audit_seq = 2"], {"edited": 1}, 2),
        (["UPDATE history_entry SET new = NULL WHERE audit_seq = 2"], {"edited": 1}, 2),
        (["UPDATE history_entry SET actor_id = 'somebody else' WHERE audit_seq = 1"], {"edited": 1}, 1),
        (["UPDATE history_entry SET at_micros = at_micros + 1 WHERE audit_seq = 7"], {"edited": 1}, 7),
        ([DELETE.format(2)], {"deleted": 1}, 2),
        ([DELETE.format(7)], {"deleted": 1}, 7),
        (["DELETE FROM history_entry"], {"deleted": 6}, 1),
        ([COPY.format(2, 2)], {"inserted": 1}, 2),
        ([COPY.format(4, 2)], {"inserted": 1}, 4),
        ([COPY_FIRST.format(99, 2)], {"inserted": 1}, 99),
        ([COPY.format(0, 2)], {"inserted": 1}, 0),
        (["UPDATE history_entry SET audit_seq = 5 - audit_seq WHERE audit_seq IN (2, 3)"], {"reordered": 2}, 2),
        (["UPDATE history_entry SET audit_seq = 4 WHERE audit_seq = 3"], {"reordered": 1}, 3),
        (["UPDATE history_entry SET audit_seq = 99 WHERE audit_seq = 3"], {"reordered": 1}, 3),
        (["UPDATE history_entry SET seq = 1000 WHERE audit_seq = 2"], {"reordered": 1}, 3),
        (["UPDATE history_entry SET seq = 0 WHERE audit_seq = 6"], {"reordered": 1}, 6),
        ([EDIT.format(2), DELETE.format(3), COPY.format(4, 5)], {"edited": 1, "deleted": 1, "inserted": 1}, 2),
    ],
)  # fmt: skip
def test_what_was_done_to_the_history_is_found_and_named(
    changed: Database, operator: Actor, statements: list[str], found: dict[str, int], first_bad: int
) -> None:
    do(changed, *statements)
    for limit in LIMITS:
        *pages, last = verified(changed, operator, limit)
        assert all(page.problem is None for page in pages)
        assert (counts(last.history), last.problem, last.first_bad) == (found, "history", first_bad)
    whole = service.verify_chain(changed, operator)
    assert (counts(whole.history), whole.problem, whole.ok) == (found, "history", False)
    assert whole.first_bad == first_bad


def test_it_is_said_since_when(changed: Database, operator: Actor) -> None:
    do(changed, EDIT.format(3), EDIT.format(6))
    kept = service.verify_chain(changed, operator).history
    assert kept is not None
    assert (kept.rows, kept.first_bad_at) == (6, datetime(2026, 11, 23, 12, 42, tzinfo=UTC))


def test_a_digest_that_was_taken_off_its_entry_breaks_the_chain(changed: Database, operator: Actor) -> None:
    do(changed, EDIT.format(3))
    with changed.engine.begin() as connection:
        unlock(connection, "audit_entry")
        connection.execute(text("UPDATE audit_entry SET detail = '{}' WHERE seq = 3"))
    found = service.verify_chain(changed, operator)
    assert (found.problem, found.first_bad, found.history) == ("edited", 3, None)


def as_before(db: Database, until: int) -> None:
    """Write the trail anew up to an entry as the program did that did not bind the history yet."""
    with db.engine.begin() as connection:
        unlock(connection, "audit_entry")
        root = audit_trail.GENESIS
        columns = ", ".join(audit_trail.CHAINED)
        for entry in connection.execute(text(f"SELECT {columns} FROM audit_entry ORDER BY seq")).all():
            old = entry if entry.seq > until else (*entry[:-1], "{}")
            root = audit_trail.link(root, audit_trail.body(tuple(old)))
            facts = {"root": root, "detail": old[-1], "seq": entry.seq}
            connection.execute(text("UPDATE audit_entry SET hash = :root, detail = :detail WHERE seq = :seq"), facts)
        mac = audit_trail.seal(db.audit_key, entry.seq, root)
        connection.execute(text("UPDATE audit_head SET hash = :root, mac = :mac"), {"root": root, "mac": mac})


def test_what_is_from_before_is_counted_as_not_bound_and_is_no_damage(changed: Database, operator: Actor) -> None:
    as_before(changed, 3)
    for limit in LIMITS:
        assert verified(changed, operator, limit)[-1].history == Kept(6, 3)
    found = service.verify_chain(changed, operator)
    assert (found.ok, found.history) == (True, Kept(6, 3))
    do(changed, DELETE.format(2), EDIT.format(6))
    kept = service.verify_chain(changed, operator).history
    assert (counts(kept), kept and kept.unbound) == ({"deleted": 1, "edited": 1}, 3), (
        "that one is gone is seen all the same"
    )


# ---- what the history keeps of entries that were let go --------------------------------------------------------------


def let_go(db: Database, operator: Actor) -> int:
    gone = 0
    while True:
        with db.write(operator) as tx:
            went = retention.prune(tx, 6)
        if not went:
            return gone
        gone += went


@pytest.fixture
def old(db: Database, operator: Actor, clock: Hands) -> Database:
    """Two changes in each of three months, of which the first two are over six years old."""
    for month in (
        datetime(2020, 8, 5, tzinfo=UTC),
        datetime(2020, 9, 5, tzinfo=UTC),
        datetime(2026, 11, 5, tzinfo=UTC),
    ):
        clock.now = month
        with db.write(operator) as tx:
            retention.close_months(tx)
        for name in ("Harbour", "Hill"):
            with db.write(operator) as tx:
                save_site(tx, SaveSite(f"{name} {month:%m}"))
    return db


def rows(db: Database) -> int:
    with db.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(HistoryEntry)) or 0


def test_the_history_outlives_the_entries_and_stays_vouched_for(old: Database, operator: Actor) -> None:
    assert let_go(old, operator) >= 4
    assert rows(old) == 6
    for limit in LIMITS:
        assert verified(old, operator, limit)[-1].history == Kept(6)
    assert service.verify_chain(old, operator).history == Kept(6)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE history_entry SET new = replace(new, 'Harbour', 'Hello') WHERE seq = 1",
        "UPDATE history_entry SET audit_seq = 2 WHERE seq = 1",
        "DELETE FROM history_entry WHERE seq = 2",
        f"INSERT INTO history_entry (seq, audit_seq, {COLUMNS}) SELECT 0, audit_seq, {COLUMNS} FROM history_entry WHERE seq = 1",
    ],
)
def test_what_is_done_to_it_afterwards_is_found(old: Database, operator: Actor, statement: str) -> None:
    let_go(old, operator)
    do(old, statement)
    for limit in LIMITS:
        last = verified(old, operator, limit)[-1]
        assert last.problem == "history"
        assert last.history
        assert not last.history.settled
    assert service.verify_chain(old, operator).problem == "history"


def test_nothing_is_let_go_whose_history_differs(old: Database, operator: Actor) -> None:
    do(old, "UPDATE history_entry SET new = replace(new, 'Harbour', 'Hello') WHERE seq = 1")
    with pytest.raises(Unavailable, match="history_differs"):
        let_go(old, operator)
    with old.engine.connect() as connection:
        assert connection.scalar(select(func.min(AuditEntry.seq))) == 1


def test_a_mark_from_before_the_history_was_sealed_with_it_still_counts(
    old: Database, operator: Actor, clock: Hands
) -> None:
    let_go(old, operator)
    with old.engine.begin() as connection:
        seq, root, until = connection.execute(text("SELECT seq, hash, until_micros FROM audit_prune")).one()
        for name in connection.scalars(
            text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_prune'")
            if connection.dialect.name == "sqlite"
            else text(
                "SELECT DISTINCT tgname FROM pg_trigger WHERE tgrelid = 'audit_prune'::regclass AND NOT tgisinternal"
            )
        ).all():
            on = " ON audit_prune" if connection.dialect.name == "postgresql" else ""
            connection.execute(text(f"DROP TRIGGER {name}{on}"))
        mac = audit_trail.seal_prune(old.audit_key, seq, root, until)
        connection.execute(
            text("UPDATE audit_prune SET history_seq = NULL, history_rows = NULL, history_hash = NULL, mac = :mac"),
            {"mac": mac},
        )
    assert service.verify_chain(old, operator).history == Kept(6, 4), "its rows are not bound"
    do(old, "UPDATE history_entry SET new = replace(new, 'Harbour', 'Hello') WHERE seq = 5")
    assert counts(service.verify_chain(old, operator).history) == {"edited": 1}
    with old.engine.begin() as connection:
        connection.execute(text("UPDATE history_entry SET new = replace(new, 'Hello', 'Harbour') WHERE seq = 5"))
    clock.now = datetime(2034, 1, 1, tzinfo=UTC)
    with old.write(operator) as tx:
        retention.close_months(tx)
    assert let_go(old, operator) > 0
    kept = service.verify_chain(old, operator).history
    assert kept is not None
    assert (kept.ok, kept.unbound) == (True, 0), "sealed as they stood, with those that followed"


# ---- the bytes -------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
WORDS = st.one_of(TEXT, st.sampled_from(["", "1", "1,", ",", ":", "0:", "\x1f", "+", "-", "Ä", "𝄞"]))
A_ROW = st.fixed_dictionaries(
    {
        **dict.fromkeys(("unit_id", "actor_id", "verb", "entity", "entity_id", "action"), WORDS),
        "at_micros": st.integers(-(2**63), 2**63 - 1),
        **dict.fromkeys(("old", "new"), st.none() | WORDS),
    }
)


def read_back(content: bytes) -> dict[str, Any]:
    """The row that bytes are of."""
    head, _, rest = content.partition(b":")
    row: dict[str, Any] = {}
    for name, length in zip(binding.CONTENT, head.decode().split(","), strict=True):
        part, rest = rest[: int(length or 0)], rest[int(length or 0) :]
        row[name] = part.decode() if length else None
    assert rest == b""
    return {**row, "at_micros": int(row["at_micros"])}


@given(A_ROW)
def test_the_bytes_of_a_row_can_be_of_no_other(row: dict[str, Any]) -> None:
    assert read_back(binding.content(row)) == row


def test_a_database_makes_the_same_bytes_of_a_row(db: Database) -> None:
    odd: list[dict[str, Any]] = [
        {"old": None, "new": ""},
        {"old": '{"name":"Ä\U0001d11e,1:\\u0000"}', "new": None, "verb": "a,b:c"},
        {"old": "0", "new": "\x1f", "at_micros": -1},
    ]
    plain = dict.fromkeys(binding.CONTENT, "") | {"at_micros": 0, "action": "C"}
    with db.engine.begin() as connection:
        for number, differing in enumerate(odd, 1):
            row = plain | differing
            names = ", ".join(row)
            connection.execute(
                text(
                    f"INSERT INTO history_entry (audit_seq, {names}) VALUES (:seq, {', '.join(f':{name}' for name in row)})"
                ),
                {"seq": number, **row},
            )
        stored = connection.execute(binding.ROWS.order_by(HistoryEntry.seq)).all()
    assert [bytes(row.content) for row in stored] == [binding.content(plain | differing) for differing in odd]


@given(st.binary(max_size=200))
def test_the_digest_is_half_of_an_hmac(content: bytes) -> None:
    assert binding.Binder(KEY)(content) == hmac.digest(KEY, b"history 1:" + content, "sha256").hex()[:32]
