"""Prescriptions, what was handed out on them, and reminders to take a medicine."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from clinicdesk.core.model import UtcDateTime

revision = "0010"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "medication_request",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("medicine", sa.String(length=200), nullable=False),
        sa.Column("strength", sa.String(length=60), nullable=False),
        sa.Column("form", sa.String(length=60), nullable=False),
        sa.Column("amount", sa.Double(), nullable=True),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("times", sa.Integer(), nullable=True),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("period_unit", sa.String(length=2), nullable=False),
        sa.Column("moment", sa.String(length=5), nullable=False),
        sa.Column("as_needed", sa.Boolean(), nullable=False),
        sa.Column("most_a_day", sa.Integer(), nullable=True),
        sa.Column("route", sa.String(length=20), nullable=False),
        sa.Column("instructions", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("status_reason", sa.String(length=250), nullable=False),
        sa.Column("status_at", UtcDateTime(), nullable=False),
        sa.Column("indication", sa.String(length=250), nullable=False),
        sa.Column("refills", sa.Integer(), nullable=False),
        sa.Column("supply_days", sa.Integer(), nullable=True),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column("prescriber_id", sa.Uuid(), nullable=True),
        sa.Column("prescriber", sa.String(length=120), nullable=False),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("overridden", sa.Text(), nullable=False),
        sa.Column("override_reason", sa.String(length=250), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name=op.f("ck_medication_request_interval")),
        sa.CheckConstraint(
            "overridden = '' OR override_reason <> ''", name=op.f("ck_medication_request_override_reason")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_medication_request_patient_id_patient")),
        sa.ForeignKeyConstraint(
            ["replaces_id"],
            ["medication_request.id"],
            name=op.f("fk_medication_request_replaces_id_medication_request"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_medication_request")),
    )
    op.create_index("ix_medication_request_patient_id", "medication_request", ["patient_id", "status"])

    op.create_table(
        "medication_dispense",
        sa.Column("medication_id", sa.Uuid(), nullable=False),
        sa.Column("dispensed_on", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("quantity", sa.Double(), nullable=True),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("dispensed_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["medication_id"],
            ["medication_request.id"],
            name=op.f("fk_medication_dispense_medication_id_medication_request"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_medication_dispense")),
    )
    op.create_index("ix_medication_dispense_medication_id", "medication_dispense", ["medication_id"])

    op.create_table(
        "medication_reminder",
        sa.Column("medication_id", sa.Uuid(), nullable=False),
        sa.Column("times", sa.String(length=200), nullable=False),
        sa.Column("weekdays", sa.String(length=7), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("until IS NULL OR until >= starts_on", name=op.f("ck_medication_reminder_interval")),
        sa.ForeignKeyConstraint(
            ["medication_id"],
            ["medication_request.id"],
            name=op.f("fk_medication_reminder_medication_id_medication_request"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_medication_reminder")),
    )
    op.create_index("ix_medication_reminder_medication_id", "medication_reminder", ["medication_id"])
    op.create_index("ix_medication_reminder_enabled", "medication_reminder", ["enabled", "starts_on"])
