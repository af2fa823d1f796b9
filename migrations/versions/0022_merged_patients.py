"""Two records of one person become one, and patients are listed by name."""

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


def upgrade() -> None:
    op.create_index("ix_patient_name", "patient", BY_NAME[op.get_bind().dialect.name])
