"""A patient is told of a medicine when its time has come: once for each time, whoever asks how often, and not too late."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.medications import service as medications
from clinicdesk.features.medications.schemas import Dosage, Prescribe, ReminderRow, ReminderRule, SaveReminder
from clinicdesk.features.notifications import service as notifications
from clinicdesk.features.notifications.medicines import LATEST
from clinicdesk.features.notifications.schemas import (
    ContactPreferenceRow,
    Delivery,
    EditPreferences,
    Kind,
    NotificationRow,
    Reach,
)
from clinicdesk.features.users.models import User
from tests.conftest import person
from tests.features.appointments.conftest import Desk
from tests.features.notifications.conftest import Outbox, add_user

MINUTE = timedelta(minutes=1)


@pytest.fixture
def reminder(db: Database, doctor: Actor, outbox: Outbox) -> ReminderRow:
    """Somebody takes a medicine at eleven, in four hours and a quarter; nobody else is told anything."""
    with db.write(doctor) as tx:
        taken = medications.prescribe(tx, Prescribe(outbox.desk.place.smith, "Digoxin", dosage=Dosage(1, "tablet", 1)))
        rule = ReminderRule((time(11),), date(2026, 11, 23))
        return medications.save_reminder(tx, SaveReminder(taken.id, rule))


@pytest.fixture
def due_at(reminder: ReminderRow) -> datetime:
    assert reminder.next_due is not None
    return reminder.next_due


def remind(outbox: Outbox) -> int:
    told: int = outbox.operator().do(notifications.remind_of_medicines)
    return told


def account_of(db: Database, patient_id: UUID) -> Actor:
    actor = person(Role.PATIENT)
    add_user(db, actor)
    with db.engine.begin() as connection:
        connection.execute(update(User).where(User.id == actor.user_id).values(patient_id=patient_id))
    return actor


def inbox(outbox: Outbox, actor: Actor) -> list[NotificationRow]:
    found: list[NotificationRow] = Desk(outbox.db, actor, outbox.desk.place).ask(notifications.inbox).items
    return found


def test_a_time_is_told_once_when_it_has_come(outbox: Outbox, due_at: datetime) -> None:
    outbox.clock.now = due_at - MINUTE
    assert remind(outbox) == 0
    outbox.clock.now = due_at
    assert [remind(outbox), remind(outbox)] == [1, 0]
    outbox.later(MINUTE)
    assert remind(outbox) == 0
    assert outbox.send_all() == ["A reminder from Harbour Street"]
    assert [m.address for m in outbox.found("sent")] == ["jordan@home.example"]
    outbox.clock.now = due_at + timedelta(days=1)
    assert remind(outbox) == 1


def test_what_leaves_the_house_does_not_name_the_medicine(outbox: Outbox, due_at: datetime) -> None:
    outbox.clock.now = due_at
    remind(outbox)
    (message,) = outbox.claim()
    assert "Digoxin" not in message.letter.subject + message.letter.body
    assert "it is time to take your medicine" in message.letter.body


def test_a_time_that_passed_while_nobody_worked_is_not_urged_any_more(outbox: Outbox, due_at: datetime) -> None:
    outbox.clock.now = due_at + LATEST + MINUTE
    assert remind(outbox) == 0


def test_a_message_that_waited_too_long_is_taken_back(outbox: Outbox, due_at: datetime) -> None:
    outbox.clock.now = due_at
    remind(outbox)
    outbox.later(timedelta(hours=2))
    assert outbox.send_all() == []
    assert [m.error for m in outbox.found("cancelled")] == ["too_late"]


@pytest.mark.parametrize("why", ["off", "nobody"])
def test_whoever_does_not_want_it_by_then_gets_nothing(
    outbox: Outbox, nurse: Actor, reminder: ReminderRow, due_at: datetime, why: str
) -> None:
    outbox.clock.now = due_at
    remind(outbox)
    if why == "off":
        with outbox.db.write(nurse) as tx:
            medications.enable_reminder(tx, reminder.id, reminder.version, False)
    else:
        wish = ContactPreferenceRow(outbox.desk.place.smith, Reach.NOBODY, 0)
        outbox.desk.do(notifications.set_contact_preference, wish)
    assert outbox.send_all() == []


def test_a_patient_with_an_account_finds_it_in_the_inbox(
    outbox: Outbox, reminder: ReminderRow, due_at: datetime
) -> None:
    patient = account_of(outbox.db, outbox.desk.place.smith)
    for day in range(2):
        outbox.clock.now = due_at + timedelta(days=day)
        remind(outbox)
    (row,) = inbox(outbox, patient)
    assert (row.kind, row.subject_id) == (Kind.MEDICINE_DUE, reminder.id), "the unread one of the day before has gone"
    assert row.params["due_at"] == outbox.clock.now.isoformat()
    assert "Digoxin" not in str(row.params)


def test_whoever_is_told_by_e_mail_of_the_account_gets_no_second_one(outbox: Outbox, due_at: datetime) -> None:
    patient = account_of(outbox.db, outbox.desk.place.smith)
    wish = EditPreferences({Kind.MEDICINE_DUE: Delivery.EMAIL})
    Desk(outbox.db, patient, outbox.desk.place).do(notifications.edit_preferences, wish)
    outbox.clock.now = due_at
    remind(outbox)
    assert len(outbox.send_all()) == 1


def test_what_was_told_is_forgotten_after_a_month(outbox: Outbox, due_at: datetime) -> None:
    outbox.clock.now = due_at
    remind(outbox)
    outbox.later(timedelta(days=30))
    assert outbox.operator().do(notifications.forget_told_reminders) == 0
    outbox.later(timedelta(days=2))
    assert outbox.operator().do(notifications.forget_told_reminders) == 1
