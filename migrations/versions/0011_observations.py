"""What was measured of patients."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from clinicdesk.core.model import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "observation",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("diastolic", sa.Double(), nullable=True),
        sa.Column("given_value", sa.Double(), nullable=False),
        sa.Column("given_unit", sa.String(length=12), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("wrong_reason", sa.String(length=250), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("recorder_id", sa.Uuid(), nullable=True),
        sa.Column("recorder", sa.String(length=120), nullable=False),
        sa.Column("note", sa.String(length=250), nullable=False),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(code = '85354-9') = (diastolic IS NOT NULL)", name=op.f("ck_observation_diastolic")),
        sa.CheckConstraint(
            "status <> 'entered-in-error' OR wrong_reason <> ''", name=op.f("ck_observation_wrong_reason")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_observation_patient_id_patient")),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["observation.id"], name=op.f("fk_observation_replaces_id_observation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observation")),
    )
    op.create_index("ix_observation_patient_id", "observation", ["patient_id", "code", "taken_at"])
    op.create_index("ix_observation_patient_taken_at", "observation", ["patient_id", "taken_at"])
