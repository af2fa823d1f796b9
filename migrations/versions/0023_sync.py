"""Desks that work by themselves: which are enrolled, what each has sent, and what a person has to decide."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from clinicdesk.core.ids import new_id
from clinicdesk.core.model import UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

OPEN = sa.text("resolved_at IS NULL")


def upgrade() -> None:
    epoch = op.create_table(
        "database_epoch",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_database_epoch_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_database_epoch")),
    )
    op.bulk_insert(epoch, [{"id": 1, "epoch": new_id()}])
    op.create_table(
        "enrolment_code",
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("roles", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("created_at < expires_at", name=op.f("ck_enrolment_code_interval")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_enrolment_code_code_hash")),
    )
    op.create_table(
        "device",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("roles", sa.String(length=80), nullable=False),
        sa.Column("enrolled_at", UtcDateTime(), nullable=False),
        sa.Column("enrolled_by", sa.Uuid(), nullable=True),
        sa.Column("seen_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(revoked_at IS NULL) OR revoked_at >= enrolled_at", name=op.f("ck_device_revoked")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("public_key", name=op.f("uq_device_public_key")),
    )
    op.create_table(
        "spent_challenge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spent_challenge")),
    )
    op.create_index("ix_spent_challenge_expires_at", "spent_challenge", ["expires_at"])
    op.create_table(
        "sync_stream",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("last_n", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("last_n >= 0", name=op.f("ck_sync_stream_last_n")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_sync_stream_device_id_device")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_stream")),
    )
    op.create_index("ix_sync_stream_device_id", "sync_stream", ["device_id"])
    op.create_table(
        "op_ledger",
        sa.Column("op_id", sa.Uuid(), nullable=False),
        sa.Column("payload_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("entity", sa.String(length=40), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("wall_at", UtcDateTime(), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('applied', 'merged', 'conflict', 'rejected')", name=op.f("ck_op_ledger_outcome")
        ),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_op_ledger_device_id_device")),
        sa.PrimaryKeyConstraint("op_id", name=op.f("pk_op_ledger")),
    )
    op.create_index("ix_op_ledger_taken_at", "op_ledger", ["taken_at"])
    op.create_table(
        "sync_conflict",
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("op_id", sa.Uuid(), nullable=False),
        sa.Column("entity", sa.String(length=40), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("other_id", sa.Uuid(), nullable=True),
        sa.Column("stands", sa.Text(), nullable=False),
        sa.Column("claimed", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("wall_at", UtcDateTime(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.Column("resolution", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('booking', 'fields')", name=op.f("ck_sync_conflict_kind")),
        sa.CheckConstraint("(resolved_at IS NULL) = (resolution = '')", name=op.f("ck_sync_conflict_resolved")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_sync_conflict_device_id_device")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_sync_conflict_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_conflict")),
        sa.UniqueConstraint("op_id", name=op.f("uq_sync_conflict_op_id")),
    )
    op.create_index("ix_sync_conflict_open", "sync_conflict", ["id"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("ix_sync_conflict_entity_id", "sync_conflict", ["entity_id"])
    op.create_index("ix_sync_conflict_patient_id", "sync_conflict", ["patient_id"])
    op.create_table(
        "sync_horizon",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("min_retained", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_sync_horizon_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_horizon")),
    )
    op.create_table(
        "held_content",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("media_type", sa.String(length=30), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("kept_sha256", sa.String(length=64), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("content_key", sa.String(length=32), nullable=False),
        sa.Column("thumbnail_key", sa.String(length=32), nullable=True),
        sa.Column("held_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_held_content_device_id_device")),
        sa.PrimaryKeyConstraint("sha256", "device_id", name=op.f("pk_held_content")),
        sa.UniqueConstraint("content_key", name=op.f("uq_held_content_content_key")),
        sa.UniqueConstraint("thumbnail_key", name=op.f("uq_held_content_thumbnail_key")),
    )
    op.create_index("ix_held_content_held_at", "held_content", ["held_at"])
