"""The audit trail is kept for years and then let go from its beginning: what stays proves itself, and nothing younger goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from clinicdesk.core import trail, upkeep
from clinicdesk.core.errors import Unavailable
from clinicdesk.core.history import HistoryEntry
from clinicdesk.core.retention import close_months, prune
from clinicdesk.core.trail import AuditEntry, AuditHead, AuditPrune, Verification
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.practitioners.schemas import SaveSite
from clinicdesk.features.practitioners.service import save_site
from tests.conftest import Hands

YEARS = 6
A_MONTH = 3
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


def months(first: tuple[int, int], count: int) -> list[datetime]:
    return [
        datetime(first[0] + (first[1] - 1 + n) // 12, (first[1] - 1 + n) % 12 + 1, 5, tzinfo=UTC) for n in range(count)
    ]


@pytest.fixture
def grown(db: Database, clock: Hands, operator: Actor) -> Database:
    """A trail with three entries in each of four months that are over six years old, then in two that are not."""
    for month in [*months((2020, 7), 4), *months((2020, 12), 2)]:
        clock.now = month
        with db.write(operator) as tx:
            close_months(tx)  # as the job does; it enters what it closes, on PostgreSQL
        for _ in range(A_MONTH):
            clock.now += timedelta(days=1)
            with db.write(operator) as tx:
                upkeep.check(tx)
    clock.now = NOW
    with db.write(operator) as tx:
        close_months(tx)
    return db


def let_go(db: Database, operator: Actor) -> int:
    """Prune until there is nothing more to go."""
    gone = 0
    while True:
        with db.write(operator) as tx:
            went = prune(tx, YEARS)
        if not went:
            return gone
        gone += went


def verify(db: Database, known: dict[int, bytes] | None = None) -> Verification:
    with db.engine.connect() as connection:
        return trail.verify(connection, db.audit_key, known)


def oldest(db: Database) -> datetime:
    with db.engine.connect() as connection:
        micros = connection.scalar(select(func.min(AuditEntry.at_micros))) or 0
    return datetime.fromtimestamp(micros / 1e6, UTC)


def unlock(connection: Connection, table: str) -> None:
    """Take away what the database refuses, as one who owns it can."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        return
    found = connection.execute(
        text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :t"), {"t": table}
    )
    for (name,) in found.all():
        connection.execute(text(f"DROP TRIGGER {name}"))


def test_whole_months_that_are_old_enough_go_and_the_rest_is_whole(grown: Database, operator: Actor) -> None:
    before = verify(grown)
    assert before.ok
    gone = let_go(grown, operator)
    assert gone >= 4 * A_MONTH
    assert oldest(grown) >= datetime(2020, 11, 1, tzinfo=UTC)
    after = verify(grown)
    assert (after.ok, after.problem) == (True, None)
    assert after.entries > before.entries, "what was let go is entered, and numbers go on"
    with grown.engine.connect() as connection:
        notes = connection.scalars(select(AuditEntry.detail).where(AuditEntry.verb == "retention.prune")).all()
        assert all("entries before 2020-11" in note for note in notes)
    assert let_go(grown, operator) == 0


def test_it_goes_on_month_by_month(grown: Database, operator: Actor, clock: Hands) -> None:
    let_go(grown, operator)
    clock.now = datetime(2027, 2, 1, tzinfo=UTC)
    assert let_go(grown, operator) >= 2 * A_MONTH
    assert oldest(grown) > datetime(2026, 1, 1, tzinfo=UTC)
    assert verify(grown).ok


def test_the_history_of_what_was_changed_stays(db: Database, clock: Hands, operator: Actor) -> None:
    clock.now = datetime(2020, 7, 1, tzinfo=UTC)
    with db.write(operator) as tx:
        save_site(tx, SaveSite("Harbour Street"))
    clock.now = NOW
    with db.write(operator) as tx:
        close_months(tx)
    assert let_go(db, operator) >= 1
    with db.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(HistoryEntry)) == 1
    assert verify(db).ok


def test_checkpoints_from_before_still_hold_and_one_that_contradicts_the_mark_is_told(
    grown: Database, operator: Actor
) -> None:
    with grown.engine.connect() as connection:
        roots = {row.seq: row.hash for row in connection.execute(select(AuditEntry.seq, AuditEntry.hash))}
    let_go(grown, operator)
    assert verify(grown, roots).ok
    with grown.engine.connect() as connection:
        begins = connection.scalar(select(AuditPrune.seq)) or 0
    assert verify(grown, {begins: bytes(32)}).problem == "checkpoint"


@pytest.mark.parametrize(
    "change",
    [{"seq": 2}, {"until_micros": 0}, {"hash": bytes(32)}, {"mac": bytes(32)}],
    ids=lambda change: next(iter(change)),
)
def test_a_mark_that_is_not_ours_is_found(grown: Database, operator: Actor, change: dict[str, Any]) -> None:
    let_go(grown, operator)
    with grown.engine.begin() as connection:
        unlock(connection, "audit_prune")
        connection.execute(update(AuditPrune).values(**change))
    assert verify(grown).problem == "mark"
    with pytest.raises(Unavailable, match="audit_trail_broken"), grown.write(operator) as tx:
        prune(tx, 1)


def test_a_mark_that_was_taken_away_is_missed(grown: Database, operator: Actor) -> None:
    let_go(grown, operator)
    with grown.engine.begin() as connection:
        unlock(connection, "audit_prune")
        connection.execute(text("DELETE FROM audit_prune"))
    found = verify(grown)
    assert (found.problem, found.first_bad) == ("missing", 1)


def test_entries_put_back_before_the_beginning_are_found(grown: Database, operator: Actor) -> None:
    with grown.engine.connect() as connection:
        first = dict(connection.execute(select(AuditEntry.__table__).where(AuditEntry.seq == 2)).one()._mapping)
    let_go(grown, operator)
    with grown.engine.begin() as connection:
        connection.execute(insert(AuditEntry.__table__).values(first))  # type: ignore[arg-type]
    found = verify(grown)
    assert (found.problem, found.first_bad) == ("pruned", 2)


def test_what_was_tampered_with_does_not_go(grown: Database, operator: Actor) -> None:
    with grown.engine.begin() as connection:
        unlock(connection, "audit_entry")
        connection.execute(text("UPDATE audit_entry SET actor_name = 'nobody' WHERE seq = 2"))
    with pytest.raises(Unavailable, match="audit_trail_broken"), grown.write(operator) as tx:
        prune(tx, YEARS)
    assert verify(grown).first_bad == 2


def mark(db: Database, seq: int, until: datetime) -> None:
    """Try to put a mark, sealed with our own key."""
    with db.engine.begin() as connection:
        root = connection.scalar(select(AuditEntry.hash).where(AuditEntry.seq == seq)) or bytes(32)
        micros = int(until.timestamp() * 1_000_000)
        values = {
            "seq": seq,
            "hash": root,
            "until_micros": micros,
            "mac": trail.seal_prune(db.audit_key, seq, root, micros),
        }
        connection.execute(insert(AuditPrune).values(id=1, **values))


def test_the_database_takes_no_mark_that_is_not_proven(grown: Database, clock: Hands) -> None:
    with grown.engine.connect() as connection:
        last = connection.scalar(select(AuditHead.seq)) or 0
    for seq, until, why in (
        (2, datetime.now(UTC) - timedelta(days=300), "too young"),
        (last + 1, datetime(2020, 8, 1, tzinfo=UTC), "not of this chain"),
        (last, datetime(2020, 12, 1, tzinfo=UTC), "younger inside"),
    ):
        with pytest.raises(IntegrityError, match=why):
            mark(grown, seq, until)


def test_nothing_is_deleted_without_a_mark_and_nothing_younger_with_one(grown: Database, operator: Actor) -> None:
    def refused(statement: str) -> None:
        with pytest.raises(IntegrityError, match="append-only"), grown.engine.begin() as connection:
            connection.execute(text(statement))

    refused("DELETE FROM audit_entry WHERE seq = 1")
    let_go(grown, operator)
    refused("DELETE FROM audit_entry")
    refused("DELETE FROM audit_entry WHERE seq = (SELECT min(seq) FROM audit_entry)")
    refused("DELETE FROM audit_prune")


def test_months_are_parts_on_a_server_which_refuse_by_their_own_names(grown: Database) -> None:
    if grown.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no parts")
    with grown.engine.connect() as connection:
        parts = connection.scalars(
            text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_entry'::regclass")
        ).all()
    assert sorted(parts) == [
        *(
            f"audit_entry_{month}"
            for month in ("open", "y2020m07", "y2020m08", "y2020m09", "y2020m10", "y2020m12", "y2021m01")
        )
    ]
    for part in parts:
        for statement in ("DELETE FROM {}", "UPDATE {} SET verb = 'x'", "TRUNCATE {}"):
            with pytest.raises(IntegrityError, match="append-only"), grown.engine.begin() as connection:
                connection.execute(text(statement.format(part)))


def test_a_number_is_unique_over_all_months(grown: Database) -> None:
    with grown.engine.connect() as connection:
        first = dict(connection.execute(select(AuditEntry.__table__).where(AuditEntry.seq == 1)).one()._mapping)
    first["at_micros"] = int(NOW.timestamp() * 1_000_000)
    with pytest.raises(IntegrityError), grown.engine.begin() as connection:
        connection.execute(insert(AuditEntry.__table__).values(first))  # type: ignore[arg-type]


def test_entries_are_taken_when_no_month_was_closed_for_years(db: Database, clock: Hands, operator: Actor) -> None:
    for year in (2019, 2022, 2024):
        clock.now = datetime(year, 1, 1, tzinfo=UTC)
        with db.write(operator) as tx:
            upkeep.check(tx)
    clock.now = NOW
    with db.write(operator) as tx:
        close_months(tx)
    with db.write(operator) as tx:
        upkeep.check(tx)
    assert verify(db).ok
    let_go(db, operator)
    assert verify(db).ok
    assert oldest(db).year <= 2022, "nothing goes before all of its part is old enough"


def test_an_entry_of_somebody_else_behind_the_seal_lets_nothing_more_in(grown: Database, operator: Actor) -> None:
    with grown.engine.begin() as connection:
        last = dict(
            connection.execute(select(AuditEntry.__table__).order_by(AuditEntry.seq.desc()).limit(1)).one()._mapping
        )
        connection.execute(insert(AuditEntry.__table__).values({**last, "seq": last["seq"] + 1}))  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match="audit_trail_broken"), grown.write(operator) as tx:
        upkeep.check(tx)
