"""Tables of appointments, their types and series, and of those who wait for one.

That no two holding appointments overlap is said in the migration: by triggers on SQLite, by constraints on PostgreSQL.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.model import Base, Identified

HOLDS = "status IN ('pending', 'booked', 'arrived', 'checked-in') AND NOT overbooked"
"""SQL: the appointment keeps its practitioner and room for itself. What is fulfilled, cancelled, missed or wrong does not."""


ASIDE = ("proposed", "pending", "cancelled", "noshow", "waitlist", "entered-in-error")
"""States that few visits are in: whoever looks for these alone has an index of their own."""
OPEN = ("booked", "arrived", "checked-in")
"""States that a visit leaves on its day, so that few of the past are in them: these have another."""
_ASIDE = "status IN ({})".format(", ".join(f"'{status}'" for status in ASIDE))
_OPEN = "status IN ({})".format(", ".join(f"'{status}'" for status in OPEN))

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


class AppointmentSeries(Identified, Base):
    """Visits of one patient that recur, as they were agreed: the rule, and the local time of day. The visits are rows as any."""

    __tablename__ = "appointment_series"
    __table_args__ = (
        CheckConstraint("start_minute BETWEEN 0 AND 1439", name="start_minute"),
        CheckConstraint("minutes BETWEEN 1 AND 1440", name="minutes"),
        Index("ix_appointment_series_patient_id", "patient_id"),
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"))
    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"))
    rule: Mapped[str] = mapped_column(String(120))
    """iCalendar's RRULE."""
    exceptions: Mapped[str] = mapped_column(Text, default="")
    """Days that the rule names and the series leaves out, in ISO 8601 with commas between."""
    first_day: Mapped[date]
    start_minute: Mapped[int]
    """Of the clinic's local day, so that nine o'clock stays nine o'clock when the clocks change."""
    minutes: Mapped[int]
    removed: Mapped[bool] = mapped_column(default=False)
    """It was made by mistake, and taken back."""
    created_at: Mapped[datetime]
    created_by: Mapped[UUID | None]


class WaitlistEntry(Identified, Base):
    """What a patient who waits for a visit, or for an earlier one, wishes for."""

    __tablename__ = "waitlist_entry"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'fulfilled', 'removed')", name="state"),
        CheckConstraint("minutes BETWEEN 1 AND 1440", name="minutes"),
        CheckConstraint("weekdays BETWEEN 1 AND 127", name="weekdays"),
        CheckConstraint("0 <= from_minute AND from_minute < to_minute AND to_minute <= 1440", name="time_of_day"),
        CheckConstraint("earliest IS NULL OR latest IS NULL OR earliest <= latest", name="days"),
        CheckConstraint("priority BETWEEN 0 AND 3", name="priority"),
        Index("ix_waitlist_entry_state", "state", "id"),
        Index("ix_waitlist_entry_patient_id", "patient_id"),
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"))
    practitioner_ids: Mapped[str] = mapped_column(Text, default="")
    """In hex with commas between; empty: anybody."""
    type_id: Mapped[UUID | None] = mapped_column(ForeignKey("appointment_type.id"))
    minutes: Mapped[int]
    weekdays: Mapped[int]
    """A bit for each day that would do, Monday the lowest."""
    from_minute: Mapped[int]
    to_minute: Mapped[int]
    """Between these minutes of the clinic's local day the visit would lie."""
    earliest: Mapped[date | None]
    latest: Mapped[date | None]
    priority: Mapped[int]
    """0 routine, 1 urgent, 2 as soon as possible, 3 at once."""
    note: Mapped[str] = mapped_column(String(REASON_MOST), default="")
    visit_id: Mapped[UUID | None] = mapped_column(ForeignKey("appointment.id"))
    """The visit that the patient has, and would have earlier."""
    state: Mapped[str] = mapped_column(String(10))
    filled_by: Mapped[UUID | None] = mapped_column(ForeignKey("appointment.id"))
    """The visit that came of it."""
    created_at: Mapped[datetime]
    created_by: Mapped[UUID | None]


class Appointment(Identified, Base):
    """A visit of one patient to one practitioner, [start, end)."""

    __tablename__ = "appointment"
    __table_args__ = (
        CheckConstraint('start < "end"', name="interval"),
        CheckConstraint("NOT overbooked OR overbook_reason <> ''", name="overbook_reason"),
        Index("ix_appointment_start", "start"),
        Index("ix_appointment_practitioner_id", "practitioner_id", "start"),
        Index("ix_appointment_patient_id", "patient_id", "start"),
        Index("ix_appointment_aside", "start", "status", sqlite_where=text(_ASIDE), postgresql_where=text(_ASIDE)),
        Index("ix_appointment_open", "start", "status", sqlite_where=text(_OPEN), postgresql_where=text(_OPEN)),
        Index(
            "ix_appointment_series_id",
            "series_id",
            "start",
            sqlite_where=text("series_id IS NOT NULL"),
            postgresql_where=text("series_id IS NOT NULL"),
        ),
        # The end stands in these two so that the search for an overlap passes over a day's visits within the index.
        # PostgreSQL's constraints bring indexes of their own.
        Index("ix_appointment_holds_practitioner", "practitioner_id", "start", "end", sqlite_where=text(HOLDS)).ddl_if(
            dialect="sqlite"
        ),
        Index(
            "ix_appointment_holds_room",
            "room_id",
            "start",
            "end",
            sqlite_where=text(f"room_id IS NOT NULL AND {HOLDS}"),
        ).ddl_if(dialect="sqlite"),
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
    series_id: Mapped[UUID | None] = mapped_column(ForeignKey("appointment_series.id"))
    series_day: Mapped[date | None]
    """The day of the series that the visit stands for, wherever it was moved to (iCalendar's RECURRENCE-ID)."""
