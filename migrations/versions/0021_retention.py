"""The audit trail by month on a server, how long it is kept, and the work that keeps it so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from clinicdesk.core.model import UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


YEAR = 365 * 24 * 60 * 60

# The mark is proven before it is taken: everything up to it is more than a year old (for the program it is six), and it goes
# on from the hash that stands there. Only what stands before it can be deleted.
PROVEN = {
    "too young": "NEW.until_micros > {year_ago}",
    "not of this chain": "NOT EXISTS (SELECT 1 FROM audit_entry WHERE seq = NEW.seq AND hash = NEW.hash)",
    "younger inside": "EXISTS (SELECT 1 FROM audit_entry WHERE seq <= NEW.seq AND at_micros >= NEW.until_micros)",
}
YEAR_AGO = {
    "sqlite": f"(CAST(strftime('%s', 'now') AS INTEGER) - {YEAR}) * 1000000",
    "postgresql": f"(CAST(extract(epoch FROM clock_timestamp()) AS bigint) - {YEAR}) * 1000000",
}

ON_SQLITE = [
    "DROP TRIGGER audit_entry_refuses_delete",
    """
    CREATE TRIGGER audit_entry_refuses_delete BEFORE DELETE ON audit_entry
    WHEN NOT EXISTS (SELECT 1 FROM audit_prune WHERE OLD.seq <= seq AND OLD.at_micros < until_micros)
    BEGIN SELECT RAISE(ABORT, 'audit_entry is append-only'); END
    """,
    *(
        f"""
        CREATE TRIGGER audit_prune_is_proven_{verb.lower()} BEFORE {verb} ON audit_prune
        BEGIN
            {
            " ".join(
                f"SELECT RAISE(ABORT, 'audit_prune: {why}') WHERE {wrong.format(year_ago=YEAR_AGO['sqlite'])};"
                for why, wrong in PROVEN.items()
            )
        }
        END
        """
        for verb in ("INSERT", "UPDATE")
    ),
    """
    CREATE TRIGGER audit_prune_goes_on BEFORE UPDATE ON audit_prune WHEN NEW.seq <= OLD.seq
    BEGIN SELECT RAISE(ABORT, 'audit_prune is append-only'); END
    """,
    """
    CREATE TRIGGER audit_prune_refuses_delete BEFORE DELETE ON audit_prune
    BEGIN SELECT RAISE(ABORT, 'audit_prune is append-only'); END
    """,
]

# The table that is there becomes the part that takes new entries; at the end of a month the program closes it. Parts are of
# numbers and not of times, so that a number stays unique over all of them.
ON_POSTGRESQL = [
    "ALTER TABLE audit_entry RENAME TO audit_entry_open",
    "ALTER TABLE audit_entry_open RENAME CONSTRAINT pk_audit_entry TO audit_entry_open_pkey",
    *(
        f"ALTER INDEX ix_audit_entry_{name} RENAME TO audit_entry_open_{name}_idx"
        for name in ("actor_id", "at_micros", "patient_id")
    ),
    "CREATE TABLE audit_entry (LIKE audit_entry_open INCLUDING DEFAULTS) PARTITION BY RANGE (seq)",
    "ALTER TABLE audit_entry ADD CONSTRAINT pk_audit_entry PRIMARY KEY (seq)",
    "CREATE INDEX ix_audit_entry_actor_id ON audit_entry (actor_id, seq)",
    "CREATE INDEX ix_audit_entry_at_micros ON audit_entry (at_micros)",
    "CREATE INDEX ix_audit_entry_patient_id ON audit_entry (patient_id, seq)",
    "ALTER TABLE audit_entry ATTACH PARTITION audit_entry_open DEFAULT",
    *(
        f"""
        CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_because_append_only()
        """
        for table, verbs in (("audit_entry", ("UPDATE", "DELETE", "TRUNCATE")), ("audit_prune", ("DELETE", "TRUNCATE")))
        for verb in verbs
    ),
    f"""
    CREATE FUNCTION prove_audit_prune() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        {
        " ".join(
            f"IF {wrong.format(year_ago=YEAR_AGO['postgresql'])} THEN RAISE EXCEPTION 'audit_prune: {why}' "
            "USING ERRCODE = 'integrity_constraint_violation'; END IF;"
            for why, wrong in PROVEN.items()
        )
    }
        IF TG_OP = 'UPDATE' AND NEW.seq <= OLD.seq THEN
            RAISE EXCEPTION 'audit_prune is append-only' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER audit_prune_is_proven BEFORE INSERT OR UPDATE ON audit_prune
    FOR EACH ROW EXECUTE FUNCTION prove_audit_prune()
    """,
]


def upgrade() -> None:
    op.create_table(
        "audit_prune",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("until_micros", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_prune")),
    )
    for statement in ON_SQLITE if op.get_bind().dialect.name == "sqlite" else ON_POSTGRESQL:
        op.execute(statement)
    op.create_table(
        "job_run",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=True),
        sa.Column("held_until", UtcDateTime(), nullable=True),
        sa.Column("succeeded_at", UtcDateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_run")),
    )
    op.create_table(
        "medicine_reminder_told",
        sa.Column("reminder_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("reminder_id", "due_at", name=op.f("pk_medicine_reminder_told")),
    )
    unsettled = sa.text("state IN ('failed', 'unknown')")
    op.create_index(
        "ix_outbound_message_unsettled",
        "outbound_message",
        ["state"],
        sqlite_where=unsettled,
        postgresql_where=unsettled,
    )
    op.create_index("ix_medicine_reminder_told_due_at", "medicine_reminder_told", ["due_at"])
