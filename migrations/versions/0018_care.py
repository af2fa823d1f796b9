"""Access beyond the role and its review, and how far care reaches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from clinicdesk.core.model import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "emergency_access",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("reviewed_at", UtcDateTime(), nullable=True),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.Column("justified", sa.Boolean(), nullable=True),
        sa.Column("review_note", sa.String(length=250), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_emergency_access_reason")),
        sa.CheckConstraint("started_at <= expires_at", name=op.f("ck_emergency_access_interval")),
        sa.CheckConstraint("(reviewed_at IS NULL) = (reviewed_by IS NULL)", name=op.f("ck_emergency_access_reviewed")),
        sa.CheckConstraint(
            "reviewed_by IS NULL OR reviewed_by <> user_id", name=op.f("ck_emergency_access_reviewed_by_another")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_emergency_access_user_id_user")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_emergency_access_patient_id_patient")),
        sa.ForeignKeyConstraint(["reviewed_by"], ["user.id"], name=op.f("fk_emergency_access_reviewed_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_access")),
    )
    op.create_index("ix_emergency_access_user_id", "emergency_access", ["user_id", "expires_at"])
    op.create_index("ix_emergency_access_patient_id", "emergency_access", ["patient_id"])
    unreviewed = sa.text("reviewed_at IS NULL")
    op.create_index(
        "ix_emergency_access_unreviewed",
        "emergency_access",
        ["id"],
        sqlite_where=unreviewed,
        postgresql_where=unreviewed,
    )
    op.create_table(
        "care_settings",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.Column("months_back", sa.Integer(), nullable=False),
        sa.Column("emergency_minutes", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_care_settings_only_one")),
        sa.CheckConstraint("scope IN ('own', 'clinic', 'everybody')", name=op.f("ck_care_settings_scope")),
        sa.CheckConstraint("months_back BETWEEN 1 AND 120", name=op.f("ck_care_settings_months_back")),
        sa.CheckConstraint("emergency_minutes BETWEEN 5 AND 240", name=op.f("ck_care_settings_emergency_minutes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_settings")),
    )
