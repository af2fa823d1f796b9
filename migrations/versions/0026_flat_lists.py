"""Lists of few among many cost what they show: indexes of visits by state, of patients and accounts told apart, of refusals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

STATES = {
    "aside": "status IN ('proposed', 'pending', 'cancelled', 'noshow', 'waitlist', 'entered-in-error')",
    "open": "status IN ('booked', 'arrived', 'checked-in')",
}
BY_NAME = {
    "sqlite": [sa.text("family COLLATE NOCASE"), sa.text("given COLLATE NOCASE"), "id"],
    "postgresql": ["family", "given", "id"],
}
TOLD_APART = {
    "sqlite": {"inactive": "active = 0", "deceased": "deceased = 1"},
    "postgresql": {"inactive": "NOT active", "deceased": "deceased"},
}


def create(name: str, table: str, columns: list[str | sa.TextClause], where: str | None = None) -> None:
    few = None if where is None else sa.text(where)
    op.create_index(name, table, columns, sqlite_where=few, postgresql_where=few)


def upgrade() -> None:
    told_apart = TOLD_APART[dialect := op.get_bind().dialect.name]
    op.drop_index("ix_appointment_aside", "appointment")
    for name, states in STATES.items():
        create(f"ix_appointment_{name}", "appointment", ["start", "status"], states)
    for name, few in told_apart.items():
        create(f"ix_patient_{name}", "patient", BY_NAME[dialect], few)
    name = sa.text("lower(name)")
    create("ix_user_name", "user", [name, "id"])
    create("ix_user_role", "user", ["role", name, "id"])
    create("ix_user_created_at", "user", ["created_at", "id"])
    create("ix_user_off", "user", [name, "id"], told_apart["inactive"])
    create("ix_user_session_open", "user_session", ["expires_at"], "ended_at IS NULL")
    create("ix_audit_entry_outcome", "audit_entry", ["outcome", "seq"], "outcome <> 'ok'")
