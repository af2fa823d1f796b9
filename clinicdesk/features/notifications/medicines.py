"""Turns reminders to take a medicine that have come due into messages and notifications: each time of each, at most once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from clinicdesk.core.clinic import find_clinic
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx, verb
from clinicdesk.features.medications.schemas import DueReminder
from clinicdesk.features.medications.service import due_between
from clinicdesk.features.notifications import rules
from clinicdesk.features.notifications.inbox import notify, withdraw
from clinicdesk.features.notifications.models import ContactPreference, MedicineReminderTold, NotificationPreference
from clinicdesk.features.notifications.outbox import queue
from clinicdesk.features.notifications.schemas import Delivery, Kind, Reach, Template
from clinicdesk.features.notifications.settings import load_messaging
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.users.models import User

LATEST = timedelta(minutes=30)
"""What could not be told for so long, because no worker ran, is not told any more: a dose that is late is nobody's to urge."""
USEFUL = timedelta(hours=1)
"""A message that has not gone out by then says nothing of use."""
_KEPT = timedelta(days=31)


@verb(Permission.MAINTAIN)
def remind_of_medicines(tx: Tx) -> int:
    """Tell patients of the medicines whose time has come, in their inbox and by message; returns how many were new.

    What leaves the house names no medicine. However often and by however many workers this is called, a time is told once.
    """
    if find_clinic(tx.session) is None:  # it is not set up yet
        return 0
    due = due_between(tx, tx.now - LATEST, tx.now + timedelta(microseconds=1))
    new = [one for one in due if _is_first(tx, one)]
    if new:
        _tell(tx, new)
    return len(new)


@verb(Permission.MAINTAIN, concurrent=True)
def forget_told_reminders(tx: Tx) -> int:
    """Forget which reminders were told a month ago: nothing asks for them any more. Returns how many."""
    done = tx.session.execute(delete(MedicineReminderTold).where(MedicineReminderTold.due_at < tx.now - _KEPT))
    return int(done.rowcount)  # type: ignore[attr-defined]


def _is_first(tx: Tx, due: DueReminder) -> bool:
    insert = sqlite.insert if tx.connection.dialect.name == "sqlite" else postgresql.insert
    told = insert(MedicineReminderTold).values(reminder_id=due.reminder_id, due_at=due.due_at).on_conflict_do_nothing()
    return tx.session.execute(told.returning(MedicineReminderTold.reminder_id)).first() is not None


def _tell(tx: Tx, due: Sequence[DueReminder]) -> None:
    settings = load_messaging(tx.session)
    patients = {one.patient_id for one in due}
    reached = {
        row.id: row
        for row in tx.session.execute(
            select(Patient.id, Patient.email, Patient.mobile, Patient.phone, ContactPreference.reach)
            .outerjoin(ContactPreference, ContactPreference.id == Patient.id)
            .where(Patient.id.in_(patients))
        )
    }
    accounts = _accounts(tx, patients)
    for one in due:
        mailed = False
        for user_id, delivery in accounts.get(one.patient_id, ()):
            withdraw(tx, [Kind.MEDICINE_DUE], one.reminder_id)  # an older time that nobody has read yet
            facts = {"medication_id": str(one.medication_id), "due_at": one.due_at.isoformat()}
            notify(tx, [user_id], Kind.MEDICINE_DUE, facts, one.reminder_id)
            mailed = mailed or delivery == Delivery.EMAIL
        row = reached[one.patient_id]
        where_to = rules.addresses(
            settings, Reach(row.reach or Reach.ANY.value), row.email, row.mobile or row.phone, reachable=True
        )
        found = rules.channel_for(where_to, None)
        if found is not None and not mailed:
            channel, address = found
            key = f"medicine:{one.reminder_id.hex}:{one.due_at:%Y%m%dT%H%M%S}"
            queue(
                tx, key, channel, address, Template.MEDICINE_REMINDER, {"reminder_id": one.reminder_id.hex},
                patient_id=one.patient_id, expires_at=one.due_at + USEFUL,
            )  # fmt: skip


def _accounts(tx: Tx, patients: set[UUID]) -> dict[UUID, list[tuple[UUID, str | None]]]:
    """The accounts of patients, each with how it wants to be told."""
    found = tx.session.execute(
        select(User.patient_id, User.id, NotificationPreference.delivery)
        .outerjoin(
            NotificationPreference,
            (NotificationPreference.user_id == User.id) & (NotificationPreference.kind == Kind.MEDICINE_DUE.value),
        )
        .where(User.patient_id.in_(patients), User.active)
        .order_by(User.id)
    )
    accounts: dict[UUID, list[tuple[UUID, str | None]]] = {}
    for patient_id, user_id, delivery in found:
        assert patient_id is not None  # noqa: S101  (asked for above)
        accounts.setdefault(patient_id, []).append((user_id, delivery))
    return accounts
