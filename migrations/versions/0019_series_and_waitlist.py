"""Series of visits, and wishes for earlier ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from clinicdesk.core.model import UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ASIDE = sa.text("status IN ('proposed', 'pending', 'cancelled', 'noshow', 'waitlist', 'entered-in-error')")
IN_SERIES = sa.text("series_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "appointment_series",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=120), nullable=False),
        sa.Column("exceptions", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("start_minute BETWEEN 0 AND 1439", name=op.f("ck_appointment_series_start_minute")),
        sa.CheckConstraint("minutes BETWEEN 1 AND 1440", name=op.f("ck_appointment_series_minutes")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_appointment_series_patient_id_patient")),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name=op.f("fk_appointment_series_practitioner_id_practitioner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment_series")),
    )
    op.create_index("ix_appointment_series_patient_id", "appointment_series", ["patient_id"])
    _add_series_to_visits()
    op.create_index("ix_appointment_aside", "appointment", ["start"], sqlite_where=ASIDE, postgresql_where=ASIDE)
    op.create_table(
        "waitlist_entry",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("practitioner_ids", sa.Text(), nullable=False),
        sa.Column("type_id", sa.Uuid(), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("weekdays", sa.Integer(), nullable=False),
        sa.Column("from_minute", sa.Integer(), nullable=False),
        sa.Column("to_minute", sa.Integer(), nullable=False),
        sa.Column("earliest", sa.Date(), nullable=True),
        sa.Column("latest", sa.Date(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=250), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("filled_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'fulfilled', 'removed')", name=op.f("ck_waitlist_entry_state")),
        sa.CheckConstraint("minutes BETWEEN 1 AND 1440", name=op.f("ck_waitlist_entry_minutes")),
        sa.CheckConstraint("weekdays BETWEEN 1 AND 127", name=op.f("ck_waitlist_entry_weekdays")),
        sa.CheckConstraint(
            "0 <= from_minute AND from_minute < to_minute AND to_minute <= 1440",
            name=op.f("ck_waitlist_entry_time_of_day"),
        ),
        sa.CheckConstraint(
            "earliest IS NULL OR latest IS NULL OR earliest <= latest", name=op.f("ck_waitlist_entry_days")
        ),
        sa.CheckConstraint("priority BETWEEN 0 AND 3", name=op.f("ck_waitlist_entry_priority")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_waitlist_entry_patient_id_patient")),
        sa.ForeignKeyConstraint(
            ["type_id"], ["appointment_type.id"], name=op.f("fk_waitlist_entry_type_id_appointment_type")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["appointment.id"], name=op.f("fk_waitlist_entry_visit_id_appointment")),
        sa.ForeignKeyConstraint(
            ["filled_by"], ["appointment.id"], name=op.f("fk_waitlist_entry_filled_by_appointment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waitlist_entry")),
    )
    op.create_index("ix_waitlist_entry_state", "waitlist_entry", ["state", "id"])
    op.create_index("ix_waitlist_entry_patient_id", "waitlist_entry", ["patient_id"])


def _add_series_to_visits() -> None:
    name, target = "fk_appointment_series_id_appointment_series", "appointment_series"
    if op.get_bind().dialect.name == "sqlite":  # it adds a constraint with its column alone
        op.execute(f"ALTER TABLE appointment ADD COLUMN series_id CHAR(32) CONSTRAINT {name} REFERENCES {target} (id)")
    else:
        op.add_column("appointment", sa.Column("series_id", sa.Uuid(), nullable=True))
        op.create_foreign_key(name, "appointment", target, ["series_id"], ["id"])
    op.add_column("appointment", sa.Column("series_day", sa.Date(), nullable=True))
    op.create_index(
        "ix_appointment_series_id", "appointment", ["series_id", "start"],
        sqlite_where=IN_SERIES, postgresql_where=IN_SERIES,
    )  # fmt: skip
