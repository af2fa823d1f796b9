"""A clinic with accounts of every role and a desk or two that send and fetch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.care import service as care
from clinicdesk.features.care.schemas import CareRow, CareScope
from clinicdesk.features.sync import rules
from clinicdesk.features.sync import service as sync
from clinicdesk.features.sync.schemas import (
    Enrol,
    Hello,
    MakeCode,
    Op,
    OpAction,
    OpResult,
    Pull,
    Pulled,
    Push,
    Pushed,
    Snapshot,
)
from clinicdesk.features.users import service as users
from clinicdesk.features.users.schemas import AddUser
from clinicdesk.opening import put_rules
from tests.features.appointments.conftest import Place, at, furnish

PASSWORD = "seven quiet boats at noon"
STAFF = (Role.ADMINISTRATOR, Role.DOCTOR, Role.NURSE, Role.RECEPTIONIST, Role.PATIENT)
NOBODY = Actor(None, Role.NOBODY)


@pytest.fixture
def place(db: Database) -> Place:
    return furnish(db)


@pytest.fixture
def people(db: Database, operator: Actor, place: Place) -> dict[Role, Actor]:
    """Somebody of each role, with an account; clinicians reach every patient."""
    put_rules(db)
    db.serves = True
    with db.write(operator) as tx:
        rows = {
            role: users.add_user(tx, AddUser(f"{role}@harbour.example", f"Some {role}", role, PASSWORD))
            for role in STAFF
        }
        care.edit_care_settings(tx, CareRow(CareScope.EVERYBODY))
    return {role: Actor(row.id, role, row.name, "Desk 1") for role, row in rows.items()}


def enrolled(db: Database, administrator: Actor, name: str, *roles: Role) -> tuple[Actor, Ed25519PrivateKey]:
    """A desk that was let in, and its key."""
    key = Ed25519PrivateKey.generate()
    with db.write(administrator) as tx:
        code = sync.make_code(tx, MakeCode(name, roles))
    with db.write(NOBODY) as tx:
        row = sync.enrol(tx, Enrol(code.code, key.public_key().public_bytes_raw()))
    return sync.actor_of(row.id, row.name), key


@dataclass
class Sender:
    """A desk, as far as the server knows of one: it numbers what it sends."""

    db: Database
    actor: Actor
    people: dict[Role, Actor]
    stream: UUID = field(default_factory=new_id)
    n: int = 0

    def hello(self) -> Hello:
        with self.db.read(self.actor) as tx:
            return sync.hello(tx)

    def op(
        self, entity: str, id_: UUID | str, new: Any, old: Any = None, *, role: Role = Role.RECEPTIONIST, **more: Any
    ) -> Op:
        """The next op of the stream: a new row, or a change where `old` is given."""
        self.n += 1
        action = OpAction.CREATE if old is None else OpAction.UPDATE
        id_ = UUID(str(id_))
        one = Op(
            self.n, new_id(), self.people[role].user_id or new_id(), entity, id_, action, self.db.clock(), old, new
        )
        return replace(one, **more)

    def push(self, *ops: Op, **more: Any) -> Pushed:
        request = Push(rules.PROTOCOL, rules.SCHEMA, self.hello().epoch, self.stream, ops)
        return sync.push(self.db, self.actor, replace(request, **more))

    def send(self, *ops: Op) -> OpResult:
        """Push, and what became of the last op."""
        return self.push(*ops).results[-1]

    def pull(self, cursor: int, **more: Any) -> Pulled:
        hello = self.hello()
        request = Pull(rules.PROTOCOL, rules.SCHEMA, hello.epoch, cursor, hello.scope_hash)
        with self.db.write(self.actor) as tx:
            return sync.pull(tx, replace(request, **more))

    def snapshot(self, limit: int = 500) -> tuple[dict[tuple[str, UUID], Any], int]:
        """All rows that the desk may hold, and the cursor to pull on from."""
        rows: dict[tuple[str, UUID], Any] = {}
        cursor, last = "", None
        while last is None or last.next:
            with self.db.write(self.actor) as tx:
                last = self._page(tx, cursor, limit)
            rows |= {(one.entity, one.id): one.row for one in last.rows}
            cursor = last.next or ""
        return rows, last.cursor

    @staticmethod
    def _page(tx: Any, cursor: str, limit: int) -> Snapshot:
        return sync.snapshot(tx, cursor, limit)

    def visit(self, place: Place, begins: datetime, minutes: int = 30, **more: Any) -> dict[str, Any]:
        """A new visit as a desk would say it."""
        values = {
            "patient_id": str(place.smith), "practitioner_id": str(place.lee), "room_id": str(place.lee_room),
            "start": begins.isoformat(), "end": (begins + timedelta(minutes=minutes)).isoformat(), "status": "booked",
            "reason": "Cough", "created_at": self.db.clock().isoformat(),
        }  # fmt: skip
        return values | more


@pytest.fixture
def make_desk(db: Database, people: dict[Role, Actor]) -> Callable[..., Sender]:
    """Enrolled desks, by name and the roles whose data they may hold."""

    def make(name: str = "Desk 1", *roles: Role) -> Sender:
        actor, _ = enrolled(db, people[Role.ADMINISTRATOR], name, *(roles or (Role.RECEPTIONIST,)))
        return Sender(db, actor, people)

    return make


@pytest.fixture
def desk(make_desk: Callable[..., Sender]) -> Sender:
    """A receptionist's desk."""
    return make_desk()


SLOT = ("start", "end", "practitioner_id", "room_id", "overbooked", "overbook_reason", "patient_overlap")
COURSE = ("status", "cancel_reason", "arrived_at", "checked_in_at", "started_at", "ended_at")


def seen(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """What somebody saw of a row that the server has sent."""
    return {name: row[name] for name in (*names, "version")}


__all__ = ["COURSE", "SLOT", "STAFF", "Place", "Sender", "at", "enrolled", "seen"]
