"""Two records of one person become one, patients are listed by name, and tell what they have measured themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# As people order names: SQLite would put every small letter behind Z.
BY_NAME = {
    "sqlite": [sa.text("family COLLATE NOCASE"), sa.text("given COLLATE NOCASE"), "id"],
    "postgresql": ["family", "given", "id"],
}


MERGED = sa.text("merged_into_id IS NOT NULL")


def upgrade() -> None:
    # Said in words: SQLite takes a column together with its rules, but no rule afterwards.
    kind = {"sqlite": "CHAR(32)", "postgresql": "UUID"}[op.get_bind().dialect.name]
    op.execute(
        f"ALTER TABLE patient ADD COLUMN merged_into_id {kind}"
        " CONSTRAINT fk_patient_merged_into_id_patient REFERENCES patient (id)"
        " CONSTRAINT ck_patient_merged CHECK (merged_into_id IS NULL OR NOT active)"
    )
    op.create_index(
        "ix_patient_merged_into_id", "patient", ["merged_into_id"], sqlite_where=MERGED, postgresql_where=MERGED
    )
    op.create_index("ix_patient_name", "patient", BY_NAME[op.get_bind().dialect.name])
    op.add_column("observation", sa.Column("by_patient", sa.Boolean(), nullable=False, server_default=sa.false()))
