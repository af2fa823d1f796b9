"""What the history keeps of entries of the audit trail that were let go is sealed with the mark that says so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit_prune", sa.Column("history_seq", sa.BigInteger(), nullable=True))
    op.add_column("audit_prune", sa.Column("history_rows", sa.BigInteger(), nullable=True))
    op.add_column("audit_prune", sa.Column("history_hash", sa.LargeBinary(length=32), nullable=True))
