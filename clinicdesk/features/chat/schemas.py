"""What the verbs of chat take and give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ConversationKind(StrEnum):
    """Who takes part in a conversation."""

    DIRECT = "direct"
    """Two people."""
    GROUP = "group"
    """Whom its members ask in."""
    ROOM = "room"
    """Any colleague may enter."""


@dataclass(frozen=True, slots=True)
class MemberRow:
    """Somebody who takes part, and the number of the last message that they have read."""

    user_id: UUID
    name: str
    active: bool
    read_seq: int


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation as its list shows it. `title` is empty for a direct one, whose name is the other person's."""

    id: UUID
    kind: ConversationKind
    title: str
    members: tuple[MemberRow, ...]
    last_seq: int
    last_at: datetime
    unread: int
    version: int


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message; `seq` counts from 1 within its conversation. Of a deleted one `text` is empty and `patient_id` None."""

    id: UUID
    conversation_id: UUID
    seq: int
    author_id: UUID
    author_name: str
    text: str = field(repr=False)
    patient_id: UUID | None
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Say:
    """Something to say, and the patient whom it is about, if any."""

    conversation_id: UUID
    text: str = field(repr=False)
    patient_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class EditMessage:
    """Other words for one's own message."""

    id: UUID
    version: int
    text: str = field(repr=False)
