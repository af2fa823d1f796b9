"""The small clinic of the appointments, which sends messages: patients with addresses, a doctor with an account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.notifications import service as notifications
from clinicdesk.features.notifications.models import OutboundMessage
from clinicdesk.features.notifications.schemas import MessagingRow, SaveReminderRule
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.users.models import User
from tests.conftest import Hands
from tests.features.appointments.conftest import Desk, Place, furnish

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
GRACE = timedelta(minutes=3)


@dataclass(frozen=True)
class Outbox:
    """The clinic's desk, and what waits in its outbox."""

    db: Database
    desk: Desk
    administrator: Desk
    doctor: Actor
    clock: Hands

    def found(self, *states: str) -> list[Any]:
        wanted = select(OutboundMessage.__table__).order_by(OutboundMessage.next_try_at, OutboundMessage.id)
        if states:
            wanted = wanted.where(OutboundMessage.state.in_(states))
        with self.db.engine.connect() as connection:
            return list(connection.execute(wanted))

    def waiting(self) -> list[tuple[str, timedelta]]:
        """The templates that wait, and how long from now they are released."""
        return [(m.template, m.next_try_at - self.clock.now) for m in self.found("held", "due")]

    def later(self, by: timedelta) -> None:
        self.clock.now += by

    def claim(self, limit: int = 10) -> list[Any]:
        return list(Desk(self.db, OPERATOR, self.desk.place).do(notifications.claim_due, limit))

    def operator(self) -> Desk:
        return Desk(self.db, OPERATOR, self.desk.place)

    def send_all(self) -> list[str]:
        """Be a worker to whom nothing goes wrong; returns what was sent."""
        sent = []
        while claimed := self.claim():
            for message in claimed:
                self.operator().do(notifications.mark_sent, message.id, message.claim_id)
                sent.append(message.letter.subject or message.letter.body)
        return sent


OPERATOR = Actor(None, Role.OPERATOR, "message worker", "worker")


def add_user(db: Database, actor: Actor, practitioner_id: UUID | None = None) -> None:
    """Give an actor the account that they act with."""
    with db.engine.begin() as connection:
        connection.execute(
            insert(User).values(
                id=actor.user_id, version=1, email=f"{actor.role.value}.{str(actor.user_id)[-6:]}@clinic.example",
                name=actor.name, role=actor.role.value, password_hash="", must_change_password=False,
                practitioner_id=practitioner_id, active=True, created_at=db.clock(), last_seen_at=None,
            )
        )  # fmt: skip


@pytest.fixture
def place(db: Database) -> Place:
    made = furnish(db)
    with db.engine.begin() as connection:
        connection.execute(update(Patient).values(email="", mobile=""))
        connection.execute(
            update(Patient).where(Patient.id == made.smith).values(email="jordan@home.example", mobile="+1 555 0100")
        )
        connection.execute(update(Patient).where(Patient.id == made.jones).values(mobile="0555 0101"))
    return made


@pytest.fixture
def outbox(
    db: Database, place: Place, receptionist: Actor, administrator: Actor, doctor: Actor, clock: Hands
) -> Outbox:
    """A clinic that writes e-mail and SMS, tells of changes, and reminds 48 and 2 hours before."""
    db.followers.append(notifications.follow)
    for actor in (receptionist, administrator):
        add_user(db, actor)
    add_user(db, doctor, place.lee)
    office = Desk(db, administrator, place)
    office.do(notifications.edit_messaging, MessagingRow(email=True, sms=True, notices=True, grace=GRACE))
    for hours in (48, 2):
        office.do(notifications.save_reminder_rule, SaveReminderRule(minutes_before=hours * 60))
    return Outbox(db, Desk(db, receptionist, place), office, doctor, clock)


def somebody(role: Role) -> Actor:
    return Actor(new_id(), role, f"Another {role.value}", "Desk 2")
