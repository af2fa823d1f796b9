"""What the verbs of notifications take and give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class Kind(StrEnum):
    """What a user may be told. Each comes with codes and ids from which a screen makes its words."""

    VISIT_BOOKED = "visit_booked"
    VISIT_MOVED = "visit_moved"
    VISIT_CANCELLED = "visit_cancelled"
    TIME_FREED = "time_freed"
    PATIENT_ARRIVED = "patient_arrived"
    MESSAGE_FAILED = "message_failed"
    CHAT_MESSAGE = "chat_message"
    EMERGENCY_ACCESS = "emergency_access"
    MEDICINE_DUE = "medicine_due"


class Delivery(StrEnum):
    """How a user is told."""

    IN_APP = "in_app"
    """In the program."""
    EMAIL = "email"
    """In the program and by e-mail."""
    NONE = "none"
    """Not at all."""


class Channel(StrEnum):
    """How a message leaves the house."""

    EMAIL = "email"
    SMS = "sms"


class Reach(StrEnum):
    """How a patient wants to be reached."""

    ANY = "any"
    """By any way."""
    EMAIL = "email"
    """By e-mail."""
    SMS = "sms"
    """By SMS."""
    NOBODY = "nobody"
    """Not at all: do not contact."""


class MessageState(StrEnum):
    """Where an outbound message stands."""

    HELD = "held"
    """It waits for its release, and can still be stopped."""
    DUE = "due"
    """It is to go out; again after a try that failed for now."""
    SENDING = "sending"
    """A worker has it."""
    SENT = "sent"
    """It has gone out."""
    FAILED = "failed"
    """It failed for good."""
    UNKNOWN = "unknown"
    """It may or may not have gone out: a person decides."""
    CANCELLED = "cancelled"
    """It was stopped before it was sent."""


class Template(StrEnum):
    """What an outbound message says."""

    VISIT_BOOKED = "visit_booked"
    VISIT_MOVED = "visit_moved"
    VISIT_CANCELLED = "visit_cancelled"
    VISIT_REMINDER = "visit_reminder"
    MEDICINE_REMINDER = "medicine_reminder"
    NOTIFICATION = "notification"


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """One entry of an inbox. `params` are ids, instants (RFC 3339) and codes, `quiet` asks for no attention."""

    id: UUID
    kind: Kind
    subject_id: UUID | None
    params: Mapping[str, str]
    quiet: bool
    created_at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class QuietTime:
    """When a user is left alone, in minutes of the clinic's local day; past midnight where `to_minute` is the lesser."""

    from_minute: int
    to_minute: int


@dataclass(frozen=True, slots=True)
class NotificationPreferences:
    """How a user is told of each kind, and when they are left alone."""

    delivery: Mapping[Kind, Delivery]
    quiet: QuietTime | None


@dataclass(frozen=True, slots=True)
class EditPreferences:
    """New preferences of the caller; kinds that are left out stay as they are."""

    delivery: Mapping[Kind, Delivery] = field(default_factory=dict)
    quiet: QuietTime | None = None


@dataclass(frozen=True, slots=True)
class ContactPreferenceRow:
    """How a patient wants to be reached; version 0 where nobody has said."""

    patient_id: UUID
    reach: Reach
    version: int


@dataclass(frozen=True, slots=True)
class MessagingRow:
    """What the clinic sends to patients; version 0 where nothing was ever set."""

    email: bool = False
    sms: bool = False
    notices: bool = True
    grace: timedelta = timedelta(minutes=3)
    version: int = 0


@dataclass(frozen=True, slots=True)
class ReminderRuleRow:
    """Remind so many minutes before a visit. `type_id` None: every type without rules of its own; `channel` None: any."""

    id: UUID
    type_id: UUID | None
    minutes_before: int
    channel: Channel | None
    version: int


@dataclass(frozen=True, slots=True)
class SaveReminderRule:
    """A new rule (`id` None) or new values for one."""

    minutes_before: int
    type_id: UUID | None = None
    channel: Channel | None = None
    id: UUID | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class MessageRow:
    """An outbound message as the outbox shows it. Whoever may see it may see the patient too."""

    id: UUID
    channel: Channel
    template: Template
    patient_id: UUID | None
    user_id: UUID | None
    appointment_id: UUID | None
    visit_start: datetime | None
    address: str
    """Where it goes: an e-mail address or a phone number."""
    state: MessageState
    """Where it stands."""
    release_at: datetime
    next_try_at: datetime
    attempts: int
    sent_at: datetime | None
    error: str
    created_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class OutboxDepths:
    """How many messages stand in each state that is not the last; `late`: how long the one that is due longest waits."""

    messages: Mapping[MessageState, int]
    late: timedelta


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages of the outbox: in one of these states (empty: all), of one patient, about one visit."""

    states: frozenset[MessageState] = frozenset()
    patient_id: UUID | None = None
    appointment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """What a sender sends. `subject` is empty for an SMS; `reference` stays the same however often it is tried."""

    reference: UUID
    address: str = field(repr=False)
    subject: str = field(repr=False)
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is this worker's to send, once. The outcome is told with its id and claim."""

    id: UUID
    claim_id: UUID
    channel: Channel
    letter: Letter = field(repr=False)
