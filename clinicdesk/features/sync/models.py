"""Tables of sync: desks that are enrolled, what each has sent, what became of it, and what a person has to decide."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.model import Base, Identified

OPEN = "resolved_at IS NULL"
"""SQL: nobody has decided yet."""


class EnrolmentCode(Identified, Base):
    """A code that lets one desk in, once, until it expires. The SHA-256 of it is kept, never the code."""

    __tablename__ = "enrolment_code"
    __table_args__ = (CheckConstraint("created_at < expires_at", name="interval"),)

    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    roles: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    created_by: Mapped[UUID | None]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Device(Identified, Base):
    """A desk that was enrolled. It is known by its key, and never deleted: what it did names it."""

    __tablename__ = "device"
    __table_args__ = (CheckConstraint("(revoked_at IS NULL) OR revoked_at >= enrolled_at", name="revoked"),)

    name: Mapped[str] = mapped_column(String(60))
    public_key: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    """Ed25519."""
    roles: Mapped[str] = mapped_column(String(80))
    """Whose data it may hold: roles in order, with commas between."""
    enrolled_at: Mapped[datetime]
    enrolled_by: Mapped[UUID | None]
    """Who made the code."""
    seen_at: Mapped[datetime | None]
    """When it last showed its key."""
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[UUID | None]


class SpentChallenge(Base):
    """A challenge that a device has answered; it is not answered twice."""

    __tablename__ = "spent_challenge"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SyncStream(Base):
    """What one desk sends, numbered without a gap; a desk that was restored begins another."""

    __tablename__ = "sync_stream"
    __table_args__ = (CheckConstraint("last_n >= 0", name="last_n"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), index=True)
    last_n: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class OpLedger(Base):
    """What became of one op. It takes effect once, however often and by whichever stream it comes."""

    __tablename__ = "op_ledger"
    __table_args__ = (
        CheckConstraint("outcome IN ('applied', 'merged', 'conflict', 'rejected')", name="outcome"),
        Index("ix_op_ledger_taken_at", "taken_at"),
    )

    op_id: Mapped[UUID] = mapped_column(primary_key=True)
    payload_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"))
    user_id: Mapped[UUID]
    entity: Mapped[str] = mapped_column(String(40))
    entity_id: Mapped[UUID]
    outcome: Mapped[str] = mapped_column(String(10))
    code: Mapped[str] = mapped_column(String(60), default="")
    """Of an op that was rejected: why."""
    wall_at: Mapped[datetime]
    """What the desk's clock showed: evidence, by which nothing is decided."""
    taken_at: Mapped[datetime]


class SyncConflict(Identified, Base):
    """Two claims of which one could not be stored as it was: both are kept here until a person has decided."""

    __tablename__ = "sync_conflict"
    __table_args__ = (
        CheckConstraint("kind IN ('booking', 'fields')", name="kind"),
        CheckConstraint("(resolved_at IS NULL) = (resolution = '')", name="resolved"),
        Index("ix_sync_conflict_open", "id", sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
        Index("ix_sync_conflict_entity_id", "entity_id"),
        Index("ix_sync_conflict_patient_id", "patient_id"),
    )

    kind: Mapped[str] = mapped_column(String(10))
    op_id: Mapped[UUID] = mapped_column(unique=True)
    """The op that lost."""
    entity: Mapped[str] = mapped_column(String(40))
    entity_id: Mapped[UUID]
    """The row that it is about; of a booking that clashed, the visit that has to be booked anew."""
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.id"))
    other_id: Mapped[UUID | None]
    """Of a booking: the visit that has the time."""
    stands: Mapped[str] = mapped_column(Text)
    """JSON: the fields in question as the server has them."""
    claimed: Mapped[str] = mapped_column(Text)
    """JSON: the same as the desk would have them."""
    user_id: Mapped[UUID]
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"))
    wall_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[UUID | None]
    resolution: Mapped[str] = mapped_column(String(12), default="")


class SyncHorizon(Base):
    """How far back changes can be fetched. One row at most; without it, from the first."""

    __tablename__ = "sync_horizon"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    min_retained: Mapped[int] = mapped_column(BigInteger)
    """Whoever has not come as far as this number takes a snapshot."""


class HeldContent(Base):
    """The content of a document that a desk has brought before the document itself; it lies sealed in the archive."""

    __tablename__ = "held_content"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Of what the desk has."""
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(30))
    size: Mapped[int]
    kept_sha256: Mapped[str] = mapped_column(String(64))
    """Of what is kept: images are encoded anew."""
    pages: Mapped[int | None]
    content_key: Mapped[str] = mapped_column(String(32), unique=True)
    thumbnail_key: Mapped[str | None] = mapped_column(String(32), unique=True)
    held_at: Mapped[datetime] = mapped_column(index=True)
