"""Tables of prescriptions, of what was handed out on them, and of reminders to take a medicine."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.model import Base, Identified


class MedicationRequest(Identified, Base):
    """A prescription of one medicine for one patient."""

    __tablename__ = "medication_request"
    __table_args__ = (
        CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="interval"),
        CheckConstraint("overridden = '' OR override_reason <> ''", name="override_reason"),
        Index("ix_medication_request_patient_id", "patient_id", "status"),
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"))
    medicine: Mapped[str] = mapped_column(String(200))
    strength: Mapped[str] = mapped_column(String(60), default="")
    form: Mapped[str] = mapped_column(String(60), default="")
    amount: Mapped[float | None] = mapped_column(Double)
    unit: Mapped[str] = mapped_column(String(20), default="")
    times: Mapped[int | None]
    period: Mapped[int] = mapped_column(default=1)
    period_unit: Mapped[str] = mapped_column(String(2), default="d")
    """FHIR Timing.repeat: `times` doses in each `period` units."""
    moment: Mapped[str] = mapped_column(String(5), default="")
    """FHIR event-timing."""
    as_needed: Mapped[bool] = mapped_column(default=False)
    most_a_day: Mapped[int | None]
    route: Mapped[str] = mapped_column(String(20), default="")
    instructions: Mapped[str] = mapped_column(Text, default="")
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    """The last day of taking it."""
    status: Mapped[str] = mapped_column(String(20))
    """FHIR R4 MedicationRequest status."""
    status_reason: Mapped[str] = mapped_column(String(250), default="")
    status_at: Mapped[datetime]
    indication: Mapped[str] = mapped_column(String(250), default="")
    refills: Mapped[int] = mapped_column(default=0)
    supply_days: Mapped[int | None]
    review_on: Mapped[date | None]
    prescriber_id: Mapped[UUID | None]
    prescriber: Mapped[str] = mapped_column(String(120), default="")
    """The name of who signed it, as it was then."""
    replaces_id: Mapped[UUID | None] = mapped_column(ForeignKey("medication_request.id"))
    """The prescription that this one renews (FHIR priorPrescription)."""
    overridden: Mapped[str] = mapped_column(Text, default="")
    """The serious warnings that were overridden when it was signed, one a line."""
    override_reason: Mapped[str] = mapped_column(String(250), default="")
    created_at: Mapped[datetime]


class MedicationDispense(Identified, Base):
    """A supply that was handed out."""

    __tablename__ = "medication_dispense"

    medication_id: Mapped[UUID] = mapped_column(ForeignKey("medication_request.id"), index=True)
    dispensed_on: Mapped[date]
    days: Mapped[int | None]
    """How many days it lasts."""
    quantity: Mapped[float | None] = mapped_column(Double)
    unit: Mapped[str] = mapped_column(String(20), default="")
    dispensed_by: Mapped[str] = mapped_column(String(120), default="")
    created_at: Mapped[datetime]


class MedicationReminder(Identified, Base):
    """A rule by which a patient is reminded to take a medicine; times are those of the clinic's clocks."""

    __tablename__ = "medication_reminder"
    __table_args__ = (
        CheckConstraint("until IS NULL OR until >= starts_on", name="interval"),
        Index("ix_medication_reminder_medication_id", "medication_id"),
        Index("ix_medication_reminder_enabled", "enabled", "starts_on"),
    )

    medication_id: Mapped[UUID] = mapped_column(ForeignKey("medication_request.id"))
    times: Mapped[str] = mapped_column(String(200))
    """Times of the day in order, such as 08:00,20:00."""
    weekdays: Mapped[str] = mapped_column(String(7))
    """The digits of the weekdays in order; Monday is 0."""
    starts_on: Mapped[date]
    until: Mapped[date | None]
    """The last day."""
    enabled: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
