"""Tables of access beyond one's care or role, and of how far care reaches in this clinic."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.model import Base, Identified

REASON_MOST = 250
"""Characters that a reason, or a reviewer's note, may have."""

UNREVIEWED = "reviewed_at IS NULL"
"""SQL: nobody has looked at the access yet."""


class EmergencyAccess(Identified, Base):
    """Somebody broke the glass of one patient's record: until `expires_at`, and then somebody else judges it."""

    __tablename__ = "emergency_access"
    __table_args__ = (
        CheckConstraint("reason <> ''", name="reason"),
        CheckConstraint("started_at <= expires_at", name="interval"),
        CheckConstraint("(reviewed_at IS NULL) = (reviewed_by IS NULL)", name="reviewed"),
        CheckConstraint("reviewed_by IS NULL OR reviewed_by <> user_id", name="reviewed_by_another"),
        Index("ix_emergency_access_user_id", "user_id", "expires_at"),
        Index("ix_emergency_access_patient_id", "patient_id"),
        Index(
            "ix_emergency_access_unreviewed",
            "id",
            sqlite_where=text(UNREVIEWED),
            postgresql_where=text(UNREVIEWED),
        ),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"))
    reason: Mapped[str] = mapped_column(String(REASON_MOST))
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    """When it ends by itself, or was ended."""
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    justified: Mapped[bool | None]
    review_note: Mapped[str] = mapped_column(String(REASON_MOST), default="")


class CareSettings(Base):
    """How far care reaches. One row at most; without it, as `CareRow` says."""

    __tablename__ = "care_settings"
    __table_args__ = (
        CheckConstraint("id = 1", name="only_one"),
        CheckConstraint("scope IN ('own', 'clinic', 'everybody')", name="scope"),
        CheckConstraint("months_back BETWEEN 1 AND 120", name="months_back"),
        CheckConstraint("emergency_minutes BETWEEN 5 AND 240", name="emergency_minutes"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    scope: Mapped[str] = mapped_column(String(10))
    months_back: Mapped[int]
    emergency_minutes: Mapped[int]
    version: Mapped[int]
