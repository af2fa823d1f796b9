"""The content of a document that was removed long ago is kept no longer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from clinicdesk.core.model import UtcDateTime

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

REMOVED = sa.text("status = 'entered-in-error' AND expired_at IS NULL")


def upgrade() -> None:
    # Said in words: SQLite takes a column together with its rules, but no rule afterwards.
    kind = UtcDateTime().compile(op.get_bind().dialect)
    op.execute(
        f"ALTER TABLE document ADD COLUMN expired_at {kind}"
        " CONSTRAINT ck_document_expired CHECK (expired_at IS NULL OR status = 'entered-in-error')"
    )
    op.create_index(
        "ix_document_removed", "document", ["status_at"], sqlite_where=REMOVED, postgresql_where=REMOVED
    )  # fmt: skip
