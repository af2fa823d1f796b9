"""Tables of appointments and their types. That no two holding appointments overlap is a trigger (SQLite) in the migration."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.model import Base, Identified

HOLDS = "status IN ('pending', 'booked', 'arrived', 'checked-in') AND NOT overbooked"
"""SQL: the appointment keeps its practitioner and room for itself. What is fulfilled, cancelled, missed or wrong does not."""


REASON_MOST = 250
"""Characters that a reason in free text may have."""


class AppointmentType(Identified, Base):
    """A kind of visit, with its usual length and colour."""

    __tablename__ = "appointment_type"
    __table_args__ = (CheckConstraint("minutes BETWEEN 1 AND 1440", name="minutes"),)

    name: Mapped[str] = mapped_column(String(80), unique=True)
    short: Mapped[str] = mapped_column(String(12), default="")
    """What one types for it in the command bar: fu."""
    minutes: Mapped[int]
    colour: Mapped[str] = mapped_column(String(7))
    """#RRGGBB, for the swatch beside the name; colour on the calendar belongs to the status."""
    code: Mapped[str] = mapped_column(String(12), default="ROUTINE")
    """HL7 v2-0276 appointment reason."""
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)


class Appointment(Identified, Base):
    """A visit of one patient to one practitioner, [start, end)."""

    __tablename__ = "appointment"
    __table_args__ = (
        CheckConstraint('start < "end"', name="interval"),
        CheckConstraint("NOT overbooked OR overbook_reason <> ''", name="overbook_reason"),
        Index("ix_appointment_start", "start"),
        Index("ix_appointment_practitioner_id", "practitioner_id", "start"),
        Index("ix_appointment_patient_id", "patient_id", "start"),
        # The end stands in these two so that the search for an overlap passes over a day's visits within the index.
        Index("ix_appointment_holds_practitioner", "practitioner_id", "start", "end", sqlite_where=text(HOLDS)),
        Index(
            "ix_appointment_holds_room",
            "room_id",
            "start",
            "end",
            sqlite_where=text(f"room_id IS NOT NULL AND {HOLDS}"),
        ),
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"))
    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"))
    room_id: Mapped[UUID | None] = mapped_column(ForeignKey("room.id"))
    type_id: Mapped[UUID | None] = mapped_column(ForeignKey("appointment_type.id"))
    start: Mapped[datetime]
    end: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(20))
    """FHIR R4 appointment status."""
    confirmed: Mapped[bool] = mapped_column(default=False)
    """The patient has accepted (FHIR participation status accepted)."""
    reason: Mapped[str] = mapped_column(String(REASON_MOST), default="")
    """Free text; shown in the card and record only, the calendar shows the type."""
    cancel_reason: Mapped[str] = mapped_column(String(12), default="")
    """FHIR appointment-cancellation-reason."""
    overbooked: Mapped[bool] = mapped_column(default=False)
    overbook_reason: Mapped[str] = mapped_column(String(REASON_MOST), default="")
    patient_overlap: Mapped[bool] = mapped_column(default=False)
    """Booked although the patient has another visit at that time, after a warning."""
    arrived_at: Mapped[datetime | None]
    checked_in_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    """When the encounter began: checked-in with it set is "in room"."""
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[UUID | None]
