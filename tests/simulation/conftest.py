"""Worlds by their seed, on the embedded database and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import make_url

from clinicdesk.core.database import bare_connection, open_database
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.postgres import open_postgres
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.care import service as care
from clinicdesk.features.care.schemas import CareRow, CareScope
from clinicdesk.features.observations import service as observations
from clinicdesk.features.observations.schemas import Measure, RecordObservation
from clinicdesk.features.users import service as users
from clinicdesk.features.users.schemas import AddUser
from clinicdesk.opening import put_rules
from tests.conftest import KEY, Hands
from tests.features.appointments.conftest import furnish
from tests.features.sync.conftest import PASSWORD, enrolled
from tests.postgres import OWNER, Cluster
from tests.simulation.world import OPERATOR, Store, World

ROLES = (Role.RECEPTIONIST, Role.DOCTOR, Role.RECEPTIONIST)
MakeWorld = Callable[[int], World]


def furnished(db: Database, clock: Hands, store: Store, seed: int) -> World:
    """A clinic with accounts and three desks."""
    put_rules(db)
    db.serves = True
    place = furnish(db, others=5)
    with db.write(OPERATOR) as tx:
        rows = {
            role: users.add_user(tx, AddUser(f"{role}@harbour.example", f"Some {role}", role, PASSWORD))
            for role in (Role.ADMINISTRATOR, Role.DOCTOR, Role.RECEPTIONIST)
        }
        care.edit_care_settings(tx, CareRow(CareScope.EVERYBODY))
    people = {role: Actor(row.id, role, row.name, "Server") for role, row in rows.items()}
    with db.write(people[Role.DOCTOR]) as tx:
        observations.record(tx, RecordObservation(place.smith, Measure.WEIGHT, 70))
    devices = [enrolled(db, people[Role.ADMINISTRATOR], f"Desk {nth}", role)[0] for nth, role in enumerate(ROLES)]
    return World(db, clock, place, people, devices, list(ROLES), store, seed)


@pytest.fixture
def on_sqlite(template: Path, tmp_path: Path) -> Iterator[MakeWorld]:
    with ExitStack() as undo:

        def make(seed: int) -> World:
            file = Path(shutil.copy(template, tmp_path / f"{new_id().hex}.db"))
            kept = file.with_suffix(".kept")
            clock = Hands()
            db = open_database(file, KEY, clock)
            undo.callback(db.close)

            def copy(one: Path, other: Path) -> None:
                db.engine.dispose()
                source, target = bare_connection(one, KEY), bare_connection(other, KEY)
                source.backup(target)
                source.close()
                target.close()

            return furnished(db, clock, Store(lambda: copy(file, kept), lambda: copy(kept, file)), seed)

        yield make


@pytest.fixture
def on_postgres(postgres: Cluster, postgres_template: str) -> Iterator[MakeWorld]:
    with ExitStack() as undo:

        def make(seed: int) -> World:
            url = undo.enter_context(postgres.database(postgres_template))
            name = str(make_url(url).database)
            kept = f"{name}_kept"
            undo.callback(postgres.command, f"DROP DATABASE IF EXISTS {kept} WITH (FORCE)")
            clock = Hands()
            db = open_postgres(url, KEY, clock)
            undo.callback(db.close)

            def copy(one: str, other: str) -> None:
                db.engine.dispose()
                postgres.command(f"DROP DATABASE IF EXISTS {other} WITH (FORCE)")
                postgres.command(f"CREATE DATABASE {other} TEMPLATE {one} OWNER {OWNER} STRATEGY file_copy")

            return furnished(db, clock, Store(lambda: copy(name, kept), lambda: copy(kept, name)), seed)

        yield make
