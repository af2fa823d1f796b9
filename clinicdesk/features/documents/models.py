"""Tables of patients' documents and of people's pictures; what is in them lies sealed in the archive, by its key."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.model import Base, Identified

_REMOVED = text("status = 'entered-in-error' AND expired_at IS NULL")


class Document(Identified, Base):
    """A document about one patient. Its content never changes, and is kept for long when the document is removed."""

    __tablename__ = "document"
    __table_args__ = (
        CheckConstraint("size > 0", name="size"),
        CheckConstraint("status IN ('current', 'entered-in-error')", name="status"),
        CheckConstraint("medication_id IS NULL OR type = 'prescription'", name="medication"),
        CheckConstraint("expired_at IS NULL OR status = 'entered-in-error'", name="expired"),
        Index("ix_document_patient_id", "patient_id", "status", "id"),
        Index("ix_document_medication_id", "medication_id"),
        Index("ix_document_removed", "status_at", sqlite_where=_REMOVED, postgresql_where=_REMOVED),
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"))
    type: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(200))
    dated_on: Mapped[date]
    """The day that the document bears; where nobody said it, the clinic's day at which it was filed."""
    medication_id: Mapped[UUID | None] = mapped_column(ForeignKey("medication_request.id"))
    """The prescription that it shows."""
    status: Mapped[str] = mapped_column(String(20), default="current")
    """FHIR R4 DocumentReference status; a removed document is entered-in-error."""
    status_at: Mapped[datetime]
    filename: Mapped[str] = mapped_column(String(200), default="")
    """What it was called where it came from: text to show, never a path."""
    media_type: Mapped[str] = mapped_column(String(30))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    pages: Mapped[int | None]
    """Of a PDF."""
    content_key: Mapped[str] = mapped_column(String(32), unique=True)
    thumbnail_key: Mapped[str | None] = mapped_column(String(32), unique=True)
    """Of an image."""
    author_id: Mapped[UUID | None]
    author: Mapped[str] = mapped_column(String(120), default="")
    from_patient: Mapped[bool] = mapped_column(default=False)
    """Whether the patient sent it, and not the clinic."""
    filed_at: Mapped[datetime]
    expired_at: Mapped[datetime | None]
    """From when on the content of a removed document is kept no longer; what is said of it stays."""


class Picture(Identified, Base):
    """What one person looks like: somebody with an account, or a patient."""

    __tablename__ = "picture"
    __table_args__ = (CheckConstraint("(user_id IS NULL) <> (patient_id IS NULL)", name="one_person"),)

    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"), unique=True)
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.id"), unique=True)
    media_type: Mapped[str] = mapped_column(String(30))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    content_key: Mapped[str] = mapped_column(String(32), unique=True)
    thumbnail_key: Mapped[str] = mapped_column(String(32), unique=True)
    taken_at: Mapped[datetime]
    """When it was put here."""
