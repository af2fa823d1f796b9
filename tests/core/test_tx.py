"""The unit of work: all or nothing, and what it records reaches audit, history and listeners together."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from clinicdesk.core.errors import Conflict, NotPermitted
from clinicdesk.core.history import HistoryEntry, entries_of_unit
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Action, Actor, Change, Committed, Database, Tx, verb
from clinicdesk.features.practitioners.models import Site


@verb(Permission.MANAGE_PRACTITIONERS)
def add_site(tx: Tx, name: str) -> Site:
    site = Site(id=new_id(), name=name)
    tx.session.add(site)
    tx.record(Change.created(site))
    return site


@verb(Permission.MANAGE_PRACTITIONERS, concurrent=True)
def greet(tx: Tx) -> None:
    """Runs beside others of its kind."""


@verb(Permission.MANAGE_PRACTITIONERS)
def rename_site(tx: Tx, site: Site, name: str) -> None:
    row = tx.session.get_one(Site, site.id)
    row.name = name
    tx.record(Change.updated(row))


class Refused(Conflict):
    code = "test_refused"


class Counted(Conflict):
    code = "test_counted"
    keeps = True


def add_site_then(tx: Tx, error: Exception) -> None:
    add_site(tx, "Harbour")
    tx.session.flush()
    raise error


def count(db: Database, model: type[AuditEntry] | type[HistoryEntry] | type[Site]) -> int:
    with db.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(model)) or 0


def test_a_change_reaches_audit_history_and_listeners(db: Database, administrator: Actor) -> None:
    told: list[Committed] = []
    db.listeners.append(told.append)
    with db.write(administrator) as tx:
        site = add_site(tx, "Harbour")
    with db.write(administrator) as tx:
        rename_site(tx, site, "Hill")
        unit = tx.unit_id
    assert [t.entities for t in told] == [{"site"}, {"site"}]
    with db.read(administrator) as tx:
        [entry] = entries_of_unit(tx.session, unit)
        audit = tx.session.get_one(AuditEntry, entry.audit_seq)
        tx.session.expunge_all()
    assert (entry.old, entry.new) == ('{"name":"Harbour","version":1}', '{"name":"Hill","version":2}')
    assert audit.verb == "test_tx.rename_site"
    assert json.loads(audit.detail)["fields"] == ["name", "version"]
    assert "Hill" not in audit.detail


def test_an_error_leaves_nothing_behind(db: Database, administrator: Actor) -> None:
    with pytest.raises(Refused), db.write(administrator) as tx:
        add_site_then(tx, Refused())
    assert (count(db, Site), count(db, AuditEntry), count(db, HistoryEntry)) == (0, 0, 0)


def test_a_refusal_that_is_a_fact_is_kept(db: Database, administrator: Actor) -> None:
    with pytest.raises(Counted), db.write(administrator) as tx:
        add_site_then(tx, Counted())
    assert (count(db, Site), count(db, AuditEntry)) == (1, 1)


def test_what_a_role_may_not_do_is_refused_and_audited(db: Database, receptionist: Actor) -> None:
    with pytest.raises(NotPermitted), db.write(receptionist) as tx:
        add_site(tx, "Harbour")
    with db.read(receptionist) as tx:
        [entry] = tx.session.scalars(select(AuditEntry))
        tx.session.expunge_all()
    assert (entry.outcome, entry.actor_id, entry.action) == ("refused", receptionist.user_id.hex, Action.EXECUTE)  # type: ignore[union-attr]
    assert count(db, Site) == 0


@pytest.mark.parametrize("table", ["audit_entry", "history_entry"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET verb = 'x'", "DELETE FROM {}"])
def test_the_records_accept_no_update_and_no_delete(
    db: Database, administrator: Actor, table: str, statement: str
) -> None:
    refuses(db, administrator, statement.format(table))


@pytest.mark.embedded
@pytest.mark.parametrize("table", ["audit_entry", "history_entry"])
def test_the_records_cannot_be_replaced(db: Database, administrator: Actor, table: str) -> None:
    refuses(db, administrator, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")


def refuses(db: Database, administrator: Actor, statement: str) -> None:
    with db.write(administrator) as tx:
        add_site(tx, "Harbour")
    with pytest.raises(IntegrityError, match="append-only"), db.engine.begin() as connection:
        connection.execute(text(statement))


def test_a_reading_unit_of_work_records_nothing(db: Database, administrator: Actor) -> None:
    with pytest.raises(AssertionError), db.read(administrator) as tx:
        add_site(tx, "Harbour")
    with pytest.raises(AssertionError), db.read(administrator) as tx:
        tx.record(Change("site", None, Action.READ))


def test_what_wants_the_clinic_alone_does_not_come_after_what_ran_beside_others(
    db: Database, administrator: Actor
) -> None:
    with db.write(administrator) as tx:
        add_site(tx, "Harbour")
        greet(tx)  # the other way round there is nothing to wait for
    with db.write(administrator) as tx:
        greet(tx)
        with pytest.raises(AssertionError, match="alone"):
            add_site(tx, "Hill")
    with db.read(administrator) as tx:
        assert list(tx.session.scalars(select(Site.name))) == ["Harbour"]
