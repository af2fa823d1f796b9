"""Tables of practitioners, sites, rooms and working times."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.model import Base, Identified


class Site(Identified, Base):
    """A place where the clinic works."""

    __tablename__ = "site"

    name: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(250), default="")
    active: Mapped[bool] = mapped_column(default=True)


class Room(Identified, Base):
    """A room that visits are held in."""

    __tablename__ = "room"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    name: Mapped[str] = mapped_column(String(60))
    active: Mapped[bool] = mapped_column(default=True)


class Practitioner(Identified, Base):
    """A person who sees patients."""

    __tablename__ = "practitioner"

    family: Mapped[str] = mapped_column(String(120))
    given: Mapped[str] = mapped_column(String(120), default="")
    prefix: Mapped[str] = mapped_column(String(20), default="")
    suffix: Mapped[str] = mapped_column(String(20), default="")
    specialty: Mapped[str] = mapped_column(String(80), default="")
    room_id: Mapped[UUID | None] = mapped_column(ForeignKey("room.id"))
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)


class WeeklyHours(Identified, Base):
    """One stretch of a practitioner's working week, in minutes of the clinic's local day, valid from a date to a date."""

    __tablename__ = "weekly_hours"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440", name="minutes"),
        CheckConstraint("valid_to IS NULL OR valid_from <= valid_to", name="validity"),
        Index("ix_weekly_hours_practitioner_id", "practitioner_id", "weekday"),
    )

    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"))
    weekday: Mapped[int]
    """Monday is 0."""
    start_minute: Mapped[int]
    end_minute: Mapped[int]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    """The last day, included; None: until further notice."""


class Absence(Identified, Base):
    """A time without visits, for one practitioner or (where none is named) the whole clinic: leave, or a block of phone calls."""

    __tablename__ = "absence"
    __table_args__ = (
        CheckConstraint('start < "end"', name="interval"),
        Index("ix_absence_practitioner_id", "practitioner_id", "start"),
        Index("ix_absence_end", "end"),
    )

    practitioner_id: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    kind: Mapped[str] = mapped_column(String(10))
    start: Mapped[datetime]
    end: Mapped[datetime]
    note: Mapped[str] = mapped_column(String(120), default="")
    removed: Mapped[bool] = mapped_column(default=False)


class Holiday(Identified, Base):
    """A public holiday on which the clinic is closed (or works all the same)."""

    __tablename__ = "holiday"

    day: Mapped[date] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(120))
    closed: Mapped[bool] = mapped_column(default=True)
