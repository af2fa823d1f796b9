"""Tables of patients, their contacts and allergies, and of the search over them."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from clinicdesk.core.model import Base, Identified

_BY_NAME = (text("family COLLATE NOCASE"), text("given COLLATE NOCASE"), "id")


class Patient(Identified, Base):
    """A person in the clinic's care. Names are kept as given, in any script; only `family` or `given` must be there."""

    __tablename__ = "patient"
    __table_args__ = (
        CheckConstraint("merged_into_id IS NULL OR NOT active", name="merged"),
        Index("ix_patient_birth_date", "birth_date"),
        Index(
            "ix_patient_merged_into_id",
            "merged_into_id",
            sqlite_where=text("merged_into_id IS NOT NULL"),
            postgresql_where=text("merged_into_id IS NOT NULL"),
        ),
        # Lists by name: as people order names, which PostgreSQL does by itself.
        Index("ix_patient_name", *_BY_NAME).ddl_if(dialect="sqlite"),
        Index("ix_patient_name", "family", "given", "id").ddl_if(dialect="postgresql"),
        # The few who are told apart so stand far from each other among all.
        Index("ix_patient_inactive", *_BY_NAME, sqlite_where=text("active = 0")).ddl_if(dialect="sqlite"),
        Index("ix_patient_inactive", "family", "given", "id", postgresql_where=text("NOT active")).ddl_if(
            dialect="postgresql"
        ),
        Index("ix_patient_deceased", *_BY_NAME, sqlite_where=text("deceased = 1")).ddl_if(dialect="sqlite"),
        Index("ix_patient_deceased", "family", "given", "id", postgresql_where=text("deceased")).ddl_if(
            dialect="postgresql"
        ),
    )

    number: Mapped[str] = mapped_column(String(20), unique=True)
    """The record number that the clinic gives, such as HS-00042."""
    family: Mapped[str] = mapped_column(String(120), default="")
    given: Mapped[str] = mapped_column(String(120), default="")
    prefix: Mapped[str] = mapped_column(String(20), default="")
    suffix: Mapped[str] = mapped_column(String(20), default="")
    birth_family: Mapped[str] = mapped_column(String(120), default="")
    """The family name at birth (maiden name)."""
    other_names: Mapped[str] = mapped_column(String(250), default="")
    birth_date: Mapped[date | None]
    gender: Mapped[str] = mapped_column(String(10), default="unknown")
    """FHIR administrative-gender."""
    pronouns: Mapped[str] = mapped_column(String(20), default="")
    deceased: Mapped[bool] = mapped_column(default=False)
    deceased_on: Mapped[date | None]
    phone: Mapped[str] = mapped_column(String(40), default="")
    mobile: Mapped[str] = mapped_column(String(40), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    address: Mapped[str] = mapped_column(String(250), default="")
    city: Mapped[str] = mapped_column(String(120), default="")
    state: Mapped[str] = mapped_column(String(80), default="")
    postal_code: Mapped[str] = mapped_column(String(20), default="")
    country: Mapped[str] = mapped_column(String(60), default="")
    language: Mapped[str] = mapped_column(String(40), default="")
    desk_notes: Mapped[str] = mapped_column(Text, default="")
    allergies_checked_on: Mapped[date | None]
    """When the patient was last asked about allergies; None: not asked yet."""
    identifiers: Mapped[str] = mapped_column(Text, default="")
    """Numbers that others know the patient by, one a line, `system|value`; searched, shown on the record."""
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.id"))
    """The record that has taken this one over."""


class PatientContact(Identified, Base):
    """Whom to call about a patient: next of kin, parent, carer."""

    __tablename__ = "patient_contact"

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    relationship: Mapped[str] = mapped_column(String(60), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    removed: Mapped[bool] = mapped_column(default=False)


class Allergy(Identified, Base):
    """Something that a patient must not be given, in words."""

    __tablename__ = "allergy"

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    substance: Mapped[str] = mapped_column(String(200))
    reaction: Mapped[str] = mapped_column(String(200), default="")
    severity: Mapped[str] = mapped_column(String(10), default="")
    """mild, moderate, severe, or empty where it is not known."""
    removed: Mapped[bool] = mapped_column(default=False)


class PatientSearch(Base):
    """What search knows of one patient: derived from the patient's row, kept by `patients.index`, never recorded.

    The full-text index over `terms` and `phones` is made in the migration, and keeps itself (see `patients.fulltext`).
    """

    __tablename__ = "patient_search"

    docid: Mapped[int] = mapped_column(Integer, primary_key=True)
    """Rises with each registration, so that descending order is latest first."""
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"), unique=True)
    terms: Mapped[str] = mapped_column(Text)
    phones: Mapped[str] = mapped_column(Text)
    gone: Mapped[bool]
    """Deceased or no longer active: shown after the others."""


def _in_bytes_order(length: int) -> String:
    """Text of which ranges are read, in the order that SQLite has anyway."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class PatientSpelling(Base):
    """A word of somebody's name under each shorter spelling that leaves letters out: how typing errors are forgiven."""

    __tablename__ = "patient_spelling"
    __table_args__ = ({"sqlite_with_rowid": False},)

    deletion: Mapped[str] = mapped_column(_in_bytes_order(10), primary_key=True)
    word: Mapped[str] = mapped_column(_in_bytes_order(250), primary_key=True)


class RecordCounter(Base):
    """The last record number that the clinic gave under each prefix."""

    __tablename__ = "record_counter"

    prefix: Mapped[str] = mapped_column(String(8), primary_key=True)
    last: Mapped[int]
