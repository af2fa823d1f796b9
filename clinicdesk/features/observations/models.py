"""The table of observations. A value is never overwritten: a correction is a row of its own."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.model import Base, Identified


class Observation(Identified, Base):
    """One measurement of a patient, in the measure's own unit."""

    __tablename__ = "observation"
    __table_args__ = (
        CheckConstraint("(code = '85354-9') = (diastolic IS NOT NULL)", name="diastolic"),
        CheckConstraint("status <> 'entered-in-error' OR wrong_reason <> ''", name="wrong_reason"),
        Index("ix_observation_patient_id", "patient_id", "code", "taken_at"),
        Index("ix_observation_patient_taken_at", "patient_id", "taken_at"),
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"))
    code: Mapped[str] = mapped_column(String(10))
    """LOINC."""
    value: Mapped[float] = mapped_column(Double)
    """The systolic one of a blood pressure."""
    diastolic: Mapped[float | None] = mapped_column(Double)
    given_value: Mapped[float] = mapped_column(Double)
    given_unit: Mapped[str] = mapped_column(String(12))
    """UCUM; what was typed, before it was converted."""
    status: Mapped[str] = mapped_column(String(20))
    """FHIR R4 Observation status."""
    wrong_reason: Mapped[str] = mapped_column(String(250), default="")
    taken_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    recorder_id: Mapped[UUID | None]
    recorder: Mapped[str] = mapped_column(String(120), default="")
    note: Mapped[str] = mapped_column(String(250), default="")
    replaces_id: Mapped[UUID | None] = mapped_column(ForeignKey("observation.id"))
    by_patient: Mapped[bool] = mapped_column(default=False)
    """The patient has measured and told it."""
