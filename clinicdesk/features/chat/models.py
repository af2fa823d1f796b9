"""Tables of conversations, who takes part in them, and what was said."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.model import Base, Identified


class Conversation(Identified, Base):
    """A place to talk: between two people, in a group that somebody has made, or in a room that colleagues may enter."""

    __tablename__ = "conversation"
    __table_args__ = (CheckConstraint("kind IN ('direct', 'group', 'room')", name="kind"),)

    kind: Mapped[str] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(String(80), default="")
    direct_key: Mapped[str | None] = mapped_column(String(65), unique=True)
    """The ids of the two people of a direct conversation, in order, so that there is one."""
    last_seq: Mapped[int] = mapped_column(default=0)
    """The number of the last message. Whoever raises it holds the row, so numbers rise in the order of commits."""
    last_at: Mapped[datetime]
    created_at: Mapped[datetime]
    created_by: Mapped[UUID | None]


class ConversationMember(Base):
    """Somebody who takes part in a conversation, and how far they have read."""

    __tablename__ = "conversation_member"
    __table_args__ = (Index("ix_conversation_member_user_id", "user_id"),)

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversation.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), primary_key=True)
    read_seq: Mapped[int] = mapped_column(default=0)
    joined_at: Mapped[datetime]


class ChatMessage(Identified, Base):
    """One thing that was said. Of a deleted one the row remains, without its text."""

    __tablename__ = "chat_message"
    __table_args__ = (Index("uq_chat_message_conversation_id_seq", "conversation_id", "seq", unique=True),)

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversation.id"))
    seq: Mapped[int]
    author_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    text: Mapped[str] = mapped_column(Text)
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.id"))
    """A patient whom the message is about; the record is opened, and that audited, elsewhere."""
    created_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
