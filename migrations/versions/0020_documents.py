"""Documents of patients and pictures of people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from clinicdesk.core.model import UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "document",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=False),
        sa.Column("medication_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("status_at", UtcDateTime(), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=30), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("content_key", sa.String(length=32), nullable=False),
        sa.Column("thumbnail_key", sa.String(length=32), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("author", sa.String(length=120), nullable=False),
        sa.Column("from_patient", sa.Boolean(), nullable=False),
        sa.Column("filed_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("size > 0", name=op.f("ck_document_size")),
        sa.CheckConstraint("status IN ('current', 'entered-in-error')", name=op.f("ck_document_status")),
        sa.CheckConstraint("medication_id IS NULL OR type = 'prescription'", name=op.f("ck_document_medication")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_document_patient_id_patient")),
        sa.ForeignKeyConstraint(
            ["medication_id"], ["medication_request.id"], name=op.f("fk_document_medication_id_medication_request")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("content_key", name=op.f("uq_document_content_key")),
        sa.UniqueConstraint("thumbnail_key", name=op.f("uq_document_thumbnail_key")),
    )
    op.create_index("ix_document_patient_id", "document", ["patient_id", "status", "id"])
    op.create_index("ix_document_medication_id", "document", ["medication_id"])
    op.create_table(
        "picture",
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("media_type", sa.String(length=30), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content_key", sa.String(length=32), nullable=False),
        sa.Column("thumbnail_key", sa.String(length=32), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(user_id IS NULL) <> (patient_id IS NULL)", name=op.f("ck_picture_one_person")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_picture_user_id_user")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_picture_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_picture")),
        sa.UniqueConstraint("user_id", name=op.f("uq_picture_user_id")),
        sa.UniqueConstraint("patient_id", name=op.f("uq_picture_patient_id")),
        sa.UniqueConstraint("content_key", name=op.f("uq_picture_content_key")),
        sa.UniqueConstraint("thumbnail_key", name=op.f("uq_picture_thumbnail_key")),
    )
