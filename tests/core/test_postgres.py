"""On PostgreSQL: the way back when the server is away, one order of records, turns of writers, and what stays out of logs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from clinicdesk.core import migrate, trail
from clinicdesk.core.errors import Conflict, Unavailable
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import plan_for_values
from clinicdesk.core.permissions import Permission
from clinicdesk.core.postgres import open_postgres, postgres_engine
from clinicdesk.core.trail import AuditEntry, AuditHead
from clinicdesk.core.tx import Actor, Change, Database, Tx, verb
from clinicdesk.features.practitioners.models import Site
from tests.conftest import KEY, Hands
from tests.postgres import Cluster

WAIT = 30


@verb(Permission.MANAGE_PRACTITIONERS)
def add_site(tx: Tx, name: str) -> Site:
    site = Site(id=new_id(), name=name, address="", active=True)
    tx.session.add(site)
    tx.record(Change.created(site))
    return site


@verb(Permission.MANAGE_PRACTITIONERS, concurrent=True)
def add_site_beside_others(tx: Tx, name: str) -> Site:
    site = Site(id=new_id(), name=name, address="", active=True)
    tx.session.add(site)
    tx.record(Change.created(site))
    return site


@verb(Permission.MANAGE_PRACTITIONERS, concurrent=True)
def rename_site(tx: Tx, site: Site, name: str) -> None:
    row = tx.session.get_one(Site, site.id)
    row.name = name
    tx.record(Change.updated(row))


def add_site_and(tx: Tx, then: Callable[[], None]) -> None:
    add_site(tx, "Never")
    tx.session.flush()
    then()


@pytest.fixture
def db(postgres_url: str, clock: Hands) -> Iterator[Database]:
    database = open_postgres(postgres_url, KEY, clock, pool_size=4, lock_timeout=WAIT)
    yield database
    database.close()


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def names(db: Database) -> list[str]:
    with db.engine.connect() as connection:
        return list(connection.scalars(select(Site.name).order_by(Site.id)))


def verified(db: Database) -> trail.Verification:
    with db.engine.connect() as connection:
        return trail.verify(connection, db.audit_key)


# ---- the server goes and comes back --------------------------------------------------------------------------------


def test_without_a_server_the_work_is_refused_and_goes_on_when_it_is_back(
    db: Database, postgres: Cluster, administrator: Actor
) -> None:
    with db.write(administrator) as tx:
        add_site(tx, "Before")
    postgres.stop()
    try:
        with pytest.raises(Unavailable, match="database_unreachable"), db.write(administrator) as tx:
            add_site(tx, "Never")
        with pytest.raises(Unavailable, match="database_unreachable"), db.read(administrator):
            pass
    finally:
        postgres.start()
    with db.write(administrator) as tx:
        add_site(tx, "After")
    assert names(db) == ["Before", "After"]


def test_a_server_that_goes_in_the_middle_takes_the_unit_of_work_with_it_and_nothing_else(
    db: Database, postgres: Cluster, administrator: Actor
) -> None:
    with pytest.raises(Unavailable, match="database_unreachable"), db.write(administrator) as tx:
        add_site_and(tx, postgres.restart)
    with db.write(administrator) as tx:
        add_site(tx, "After")
    assert names(db) == ["After"]
    assert verified(db) == trail.Verification(1, None, None, db.clock())


def test_a_server_that_went_while_a_verb_refused_is_no_trouble_afterwards(
    db: Database, postgres: Cluster, administrator: Actor
) -> None:
    def restart_and_refuse() -> None:
        postgres.restart()
        raise Conflict("test_refused")

    with pytest.raises((Unavailable, Conflict)), db.write(administrator) as tx:
        add_site_and(tx, restart_and_refuse)
    with db.write(administrator) as tx:
        add_site(tx, "After")
    assert names(db) == ["After"]


def test_all_that_was_committed_is_there_after_a_crash_of_the_server(
    db: Database, postgres: Cluster, administrator: Actor
) -> None:
    for nth in range(5):
        with db.write(administrator) as tx:
            add_site(tx, f"Site {nth}")
    postgres.restart(signal.SIGQUIT)
    assert names(db) == [f"Site {nth}" for nth in range(5)]
    assert verified(db).ok


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("57P01", "database_unreachable"),
        ("53100", "disk_full"),
        ("53300", "database_busy"),
        ("40P01", "database_busy"),
        ("40001", "database_busy"),
        ("55P03", "database_busy"),
        ("57014", "database_busy"),
        ("25006", "database_read_only"),
    ],
)
def test_what_the_server_cannot_do_is_said_in_our_words(
    db: Database, administrator: Actor, state: str, code: str
) -> None:
    raise_it = text(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$")
    with pytest.raises(Unavailable, match=code), db.write(administrator) as tx:
        tx.session.execute(raise_it)


def test_a_bug_stays_a_bug(db: Database, administrator: Actor) -> None:
    with pytest.raises(DBAPIError), db.write(administrator) as tx:
        tx.session.execute(text("SELECT 1 / 0"))


def test_a_pool_without_a_free_connection_is_busy(postgres_url: str, administrator: Actor) -> None:
    small = open_postgres(postgres_url, KEY, pool_size=1, pool_overflow=0, pool_wait=0.01)
    with small.read(administrator), pytest.raises(Unavailable, match="database_busy"), small.read(administrator):
        pass
    small.close()


def test_no_value_of_a_row_stands_in_the_text_of_an_error(db: Database, administrator: Actor) -> None:
    site = new_id()
    insert = text("INSERT INTO site (id, name, address, active, version) VALUES (:id, 'Okonkwo', '', true, 1)")
    with pytest.raises(IntegrityError) as raised, db.write(administrator) as tx:
        tx.session.execute(insert, [{"id": site}, {"id": site}])
    told = str(raised.value) + str(raised.value.orig) + repr(raised.value.orig)
    assert "pk_site" in told
    assert str(site) not in told


# ---- turns ---------------------------------------------------------------------------------------------------------


def test_a_unit_that_reads_sees_one_state_and_cannot_write(db: Database, administrator: Actor) -> None:
    with db.read(administrator) as tx:
        before = tx.session.scalar(select(func.count()).select_from(Site))
        with db.write(administrator) as other:
            add_site(other, "Harbour")
        assert tx.session.scalar(select(func.count()).select_from(Site)) == before == 0
    with pytest.raises(Unavailable, match="database_read_only"), db.read(administrator) as tx:
        tx.session.execute(text("DELETE FROM site"))


Add = Callable[[Tx, str], Site]


@pytest.mark.parametrize(
    ("first", "second", "beside"),
    [
        (add_site, add_site, False),
        (add_site, add_site_beside_others, False),
        (add_site_beside_others, add_site, False),
        (add_site_beside_others, add_site_beside_others, True),
    ],
)
def test_a_verb_has_the_clinic_alone_unless_both_are_declared_concurrent(
    db: Database, administrator: Actor, aside: ThreadPoolExecutor, first: Add, second: Add, beside: bool
) -> None:
    begun = threading.Event()

    def work() -> None:
        with db.write(administrator) as tx:
            begun.set()
            second(tx, "Second")

    with db.write(administrator) as tx:
        first(tx, "First")
        other = aside.submit(work)
        assert begun.wait(WAIT)
        if beside:
            other.result(WAIT)
        else:
            somebody_waits(db)
            assert not other.done()
    other.result(WAIT)
    assert sorted(names(db)) == ["First", "Second"]
    assert verified(db).ok


def somebody_waits(db: Database) -> None:
    """Returns as soon as somebody waits for a turn."""
    ask = text("""
        SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted
    """)
    with db.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        for _ in range(10_000):
            if connection.scalar(ask):
                return
    raise AssertionError("nobody waits")


def test_who_was_slower_with_the_same_row_is_told(
    db: Database, administrator: Actor, aside: ThreadPoolExecutor
) -> None:
    with db.write(administrator) as tx:
        site = add_site(tx, "Harbour")

    def rename(name: str) -> None:
        with db.write(administrator) as tx:
            rename_site(tx, site, name)

    def rename_after_another(tx: Tx) -> None:
        seen = tx.session.get_one(Site, site.id)
        aside.submit(rename, "Hill").result(WAIT)
        rename_site(tx, seen, "Dale")

    with pytest.raises(Conflict, match="changed_meanwhile"), db.write(administrator) as tx:
        rename_after_another(tx)
    assert names(db) == ["Hill"]


def test_what_is_claimed_is_had_by_one_after_the_other(
    db: Database, administrator: Actor, aside: ThreadPoolExecutor
) -> None:
    held: list[str] = []

    def claim(*things: str) -> None:
        with db.write(administrator) as tx:
            tx.claim(*things)
            held.append("second")

    with db.write(administrator) as tx:
        tx.claim("a", "b")
        other = aside.submit(claim, "c", "b")
        somebody_waits(db)
        aside.submit(claim, "d").result(WAIT)
        held.append("first")
    other.result(WAIT)
    assert held == ["second", "first", "second"]


def test_records_stand_in_the_order_of_the_commits_whoever_began_first(
    db: Database, administrator: Actor, aside: ThreadPoolExecutor
) -> None:
    def work(name: str) -> None:
        for _ in range(20):
            with db.write(administrator) as tx:
                add_site_beside_others(tx, name)

    for done in [aside.submit(work, f"Desk {nth}") for nth in range(4)]:
        done.result(WAIT)
    assert verified(db).entries == 80
    with db.engine.connect() as connection:
        order = connection.execute(text("SELECT audit_seq FROM history_entry ORDER BY seq")).scalars().all()
    assert order == list(range(1, 81))


# ---- the audit trail -----------------------------------------------------------------------------------------------


def set_seal(connection: Connection, key: bytes, seq: int) -> None:
    root = connection.scalar(select(AuditEntry.hash).where(AuditEntry.seq == seq)) or trail.GENESIS
    seal = {"seq": seq, "hash": root, "mac": trail.seal(key, seq, root)}
    connection.execute(text("UPDATE audit_head SET seq = :seq, hash = :hash, mac = :mac"), seal)


SWAPPED = """
    UPDATE audit_entry SET seq = CASE seq WHEN 3 THEN -4 ELSE -3 END WHERE seq IN (3, 4);
    UPDATE audit_entry SET seq = -seq WHERE seq < 0
"""
ADDED = """
    INSERT INTO audit_entry
    SELECT seq + 1, at_micros, unit_id, actor_id, actor_name, role, desk, action, verb, entity, entity_id, patient_id,
        outcome, detail, hash
    FROM audit_entry WHERE seq = 8
"""
TAMPERING = [
    ("edited", "UPDATE audit_entry SET actor_name = 'somebody' WHERE seq = 4", 4),
    ("edited", "UPDATE audit_entry SET detail = detail || ' ' WHERE seq = 4", 4),
    ("missing", "DELETE FROM audit_entry WHERE seq = 5", 5),
    ("edited", SWAPPED, 3),
    ("added", ADDED, 9),
    ("cut", "DELETE FROM audit_entry WHERE seq > 6", 7),
    ("head", "UPDATE audit_head SET seq = 6, hash = (SELECT hash FROM audit_entry WHERE seq = 6)", 6),
    ("head", "DELETE FROM audit_head", 8),
]


@pytest.mark.parametrize(("problem", "statements", "first_bad"), TAMPERING)
def test_what_was_tampered_with_is_found(
    db: Database, administrator: Actor, problem: str, statements: str, first_bad: int
) -> None:
    for nth in range(8):
        with db.write(administrator) as tx:
            add_site(tx, f"Straße \\{nth} 王")
    with db.engine.begin() as connection:
        assert trail.verify(connection, db.audit_key).ok
        connection.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))
        for statement in statements.split(";"):
            connection.execute(text(statement))
    found = verified(db)
    assert (found.problem, found.first_bad) == (problem, first_bad)


def test_the_end_cut_off_under_a_seal_that_fits_contradicts_the_history_and_a_checkpoint(
    db: Database, administrator: Actor
) -> None:
    for _ in range(4):
        with db.write(administrator) as tx:
            add_site(tx, "Harbour")
    with db.engine.begin() as connection:
        root = connection.scalar(select(AuditHead.hash)) or b""
        connection.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))
        connection.execute(text("DELETE FROM audit_entry WHERE seq > 2"))
        set_seal(connection, db.audit_key, 2)
        assert trail.verify(connection, db.audit_key).problem == "cut"
        connection.execute(text("ALTER TABLE history_entry DISABLE TRIGGER USER"))
        connection.execute(text("DELETE FROM history_entry WHERE audit_seq > 2"))
        assert trail.verify(connection, db.audit_key).ok
        assert trail.verify(connection, db.audit_key, {4: root}).problem == "cut"


def test_the_records_cannot_be_emptied(db: Database, administrator: Actor) -> None:
    with db.write(administrator) as tx:
        add_site(tx, "Harbour")
    for table in ("audit_entry", "history_entry"):
        with pytest.raises(IntegrityError, match="append-only"), db.engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {table}"))


# ---- the schema ----------------------------------------------------------------------------------------------------


def test_several_that_start_at_once_upgrade_once(blank_postgres_url: str, aside: ThreadPoolExecutor) -> None:
    together = threading.Barrier(3)

    def start() -> str | None:
        engine = postgres_engine(blank_postgres_url)
        together.wait(WAIT)
        migrate.upgrade(engine)
        with engine.connect() as connection:
            revision = migrate.current_revision(connection)
        engine.dispose()
        return revision

    assert {done.result(WAIT) for done in [aside.submit(start) for _ in range(3)]} == {migrate.head_revision()}


def test_what_is_planned_for_its_values_is_so_in_that_unit_of_work_alone(db: Database, administrator: Actor) -> None:
    def mode(tx: Tx) -> str:
        return str(tx.connection.scalar(text("SHOW plan_cache_mode")))

    with db.read(administrator) as tx:
        plan_for_values(tx.connection)
        assert mode(tx) == "force_custom_plan"
    with db.read(administrator) as tx:
        assert mode(tx) == "auto"
