"""Tables of what people are told: inboxes, how each wants to be told, and the messages that leave the house."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.model import Base, Identified

WAITING = "state IN ('held', 'due')"
"""SQL: the message has yet to be sent, and may still be taken back."""
SENDING = "state = 'sending'"
UNSETTLED = "state IN ('failed', 'unknown')"
"""SQL: a person has to decide about the message."""


class Notification(Base):
    """One thing that a user was told in the program: a kind and its parameters, never words and never a name."""

    __tablename__ = "notification"
    __table_args__ = (
        Index("ix_notification_user_id", "user_id", "id"),
        Index(
            "ix_notification_unread",
            "user_id",
            "kind",
            "subject_id",
            sqlite_where=text("read_at IS NULL"),
            postgresql_where=text("read_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[str] = mapped_column(String(30))
    subject_id: Mapped[UUID | None]
    """What it is about: a visit, a message, a conversation, as the kind says."""
    params: Mapped[str] = mapped_column(Text, default="{}")
    """JSON: ids, instants and codes alone."""
    quiet: Mapped[bool] = mapped_column(default=False)
    """It came in the user's quiet hours, so no desk should draw attention to it."""
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class NotificationPreference(Base):
    """How a user wants to be told of one kind of thing; without a row, in the program."""

    __tablename__ = "notification_preference"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(30), primary_key=True)
    delivery: Mapped[str] = mapped_column(String(10))


class QuietHours(Base):
    """When a user is left alone each day, in minutes of the clinic's local day; past midnight where the end is less."""

    __tablename__ = "quiet_hours"
    __table_args__ = (
        CheckConstraint("from_minute BETWEEN 0 AND 1439", name="from_minute"),
        CheckConstraint("to_minute BETWEEN 0 AND 1439", name="to_minute"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), primary_key=True)
    from_minute: Mapped[int]
    to_minute: Mapped[int]


class ContactPreference(Identified, Base):
    """How a patient wants to be reached; without a row, by whatever address there is. The id is the patient's."""

    __tablename__ = "contact_preference"

    id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"), primary_key=True)
    reach: Mapped[str] = mapped_column(String(10))


class MessagingSettings(Base):
    """What the clinic sends to patients at all. One row at most; without it nothing is sent."""

    __tablename__ = "messaging_settings"
    __table_args__ = (
        CheckConstraint("id = 1", name="only_one"),
        CheckConstraint("grace_seconds BETWEEN 0 AND 3600", name="grace_seconds"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    email: Mapped[bool]
    sms: Mapped[bool]
    notices: Mapped[bool]
    """Tell patients of visits that are booked, moved and cancelled."""
    grace_seconds: Mapped[int]
    version: Mapped[int]


class ReminderRule(Identified, Base):
    """Remind patients so many minutes before a visit: of one type, or of every type that has no rule of its own."""

    __tablename__ = "reminder_rule"
    __table_args__ = (CheckConstraint("minutes_before BETWEEN 15 AND 43200", name="minutes_before"),)

    type_id: Mapped[UUID | None] = mapped_column(ForeignKey("appointment_type.id"))
    minutes_before: Mapped[int]
    channel: Mapped[str] = mapped_column(String(5), default="")
    """email, sms, or empty: whichever reaches the patient."""


class MedicineReminderTold(Base):
    """A reminder to take a medicine that was told, or put into the outbox, for one time: never again for the same."""

    __tablename__ = "medicine_reminder_told"
    __table_args__ = (Index("ix_medicine_reminder_told_due_at", "due_at"),)

    reminder_id: Mapped[UUID] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)


class OutboundMessage(Identified, Base):
    """One e-mail or SMS on its way out. What it says is made as it is sent; the row keeps no text of it."""

    __tablename__ = "outbound_message"
    __table_args__ = (
        CheckConstraint("state IN ('held', 'due', 'sending', 'sent', 'failed', 'unknown', 'cancelled')", name="state"),
        Index(
            "ix_outbound_message_waiting",
            "next_try_at",
            sqlite_where=text(WAITING),
            postgresql_where=text(WAITING),
        ),
        Index(
            "ix_outbound_message_sending",
            "claimed_at",
            sqlite_where=text(SENDING),
            postgresql_where=text(SENDING),
        ),
        Index(
            "ix_outbound_message_unsettled",
            "state",
            sqlite_where=text(UNSETTLED),
            postgresql_where=text(UNSETTLED),
        ),
        Index("ix_outbound_message_appointment_id", "appointment_id"),
        Index("ix_outbound_message_patient_id", "patient_id", "id"),
    )

    dedup_key: Mapped[str] = mapped_column(String(120), unique=True)
    """There is one message at most for each key, whatever happens."""
    channel: Mapped[str] = mapped_column(String(5))
    template: Mapped[str] = mapped_column(String(40))
    params: Mapped[str] = mapped_column(Text, default="{}")
    """JSON: what the template needs besides what the database knows; emptied once the message is sent."""
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.id"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    appointment_id: Mapped[UUID | None] = mapped_column(ForeignKey("appointment.id"))
    visit_start: Mapped[datetime | None]
    """The time of the visit that the message tells; it is not sent once the visit is at another."""
    known_start: Mapped[datetime | None]
    """Of a notice: the time that the patient knew when it was planned; None where they knew of no visit."""
    address: Mapped[str] = mapped_column(String(254))
    """As it stood when the message was planned."""
    state: Mapped[str] = mapped_column(String(10))
    release_at: Mapped[datetime]
    """Until then the message is held, and an undo takes it back."""
    expires_at: Mapped[datetime | None]
    """From then on it would say nothing of use."""
    next_try_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    claim_id: Mapped[UUID | None]
    """The try that is under way, or was when the message was left as unknown."""
    claimed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(String(40), default="")
    """A code: why the last try failed, or why the message was taken back."""
    created_at: Mapped[datetime]
