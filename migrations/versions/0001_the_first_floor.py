"""The first floor: the clinic, its people, patients, visits, the audit trail and the history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from clinicdesk.core.model import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = {
    "sqlite": [
        f"""
        CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table}
        BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
        """
        for table in ("audit_entry", "history_entry")
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        """
        CREATE FUNCTION refuse_because_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """,
        *(
            f"""
            CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_because_append_only()
            """
            for table in ("audit_entry", "history_entry")
            for verb in ("UPDATE", "DELETE", "TRUNCATE")
        ),
    ],
}

HOLDS = "status IN ('pending', 'booked', 'arrived', 'checked-in') AND NOT overbooked"
DAY = 24 * 60 * 60 * 1_000_000  # no holding appointment is longer, so a search for overlaps starts a day before

NO_OVERLAP_BY_TRIGGER = [
    f"""
    CREATE TRIGGER appointment_no_overlap_{verb.split()[0].lower()} BEFORE {verb} ON appointment
    WHEN NEW.status IN ('pending', 'booked', 'arrived', 'checked-in')
    BEGIN
        SELECT RAISE(ABORT, 'slot_too_long') WHERE NEW."end" - NEW.start > {DAY};
        SELECT RAISE(ABORT, 'slot_taken_practitioner') WHERE NOT NEW.overbooked AND EXISTS (
            SELECT 1 FROM appointment INDEXED BY ix_appointment_holds_practitioner
            WHERE practitioner_id = NEW.practitioner_id AND start > NEW.start - {DAY} AND start < NEW."end"
            AND "end" > NEW.start AND {HOLDS} AND id <> NEW.id);
        SELECT RAISE(ABORT, 'slot_taken_room') WHERE NEW.room_id IS NOT NULL AND NOT NEW.overbooked AND EXISTS (
            SELECT 1 FROM appointment INDEXED BY ix_appointment_holds_room
            WHERE room_id = NEW.room_id AND start > NEW.start - {DAY} AND start < NEW."end"
            AND "end" > NEW.start AND room_id IS NOT NULL AND {HOLDS} AND id <> NEW.id);
        SELECT RAISE(ABORT, 'slot_taken_patient') WHERE NOT NEW.patient_overlap AND EXISTS (
            SELECT 1 FROM appointment INDEXED BY ix_appointment_patient_id
            WHERE patient_id = NEW.patient_id AND start > NEW.start - {DAY} AND start < NEW."end"
            AND "end" > NEW.start AND status IN ('pending', 'booked', 'arrived', 'checked-in')
            AND NOT patient_overlap AND id <> NEW.id);
    END
    """
    for verb in (
        "INSERT",
        'UPDATE OF start, "end", status, practitioner_id, room_id, patient_id, overbooked, patient_overlap',
    )
]

# The same four rules. The constraints are checked in the order in which they are made, as the triggers check.
HOLDING = "status IN ('pending', 'booked', 'arrived', 'checked-in')"
NO_OVERLAP_BY_CONSTRAINT = [
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    f"""
    ALTER TABLE appointment
    ADD CONSTRAINT slot_too_long CHECK (NOT {HOLDING} OR "end" - start <= interval '24 hours')
    """,
    *(
        f"""
        ALTER TABLE appointment ADD CONSTRAINT slot_taken_{what}
        EXCLUDE USING gist ({what}_id WITH =, tstzrange(start, "end") WITH &&) WHERE ({HOLDING} AND {unless})
        DEFERRABLE INITIALLY IMMEDIATE
        """
        for what, unless in (
            ("practitioner", "NOT overbooked"),
            ("room", "room_id IS NOT NULL AND NOT overbooked"),
            ("patient", "NOT patient_overlap"),
        )
    ),
]
NO_OVERLAP = {"sqlite": NO_OVERLAP_BY_TRIGGER, "postgresql": NO_OVERLAP_BY_CONSTRAINT}


def upgrade() -> None:
    op.create_table(
        "appointment_type",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("short", sa.String(length=12), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("colour", sa.String(length=7), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("minutes BETWEEN 1 AND 1440", name=op.f("ck_appointment_type_minutes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment_type")),
        sa.UniqueConstraint("name", name=op.f("uq_appointment_type_name")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at_micros", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.String(length=32), nullable=False),
        sa.Column("actor_id", sa.String(length=32), nullable=False),
        sa.Column("actor_name", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("desk", sa.String(length=60), nullable=False),
        sa.Column("action", sa.String(length=1), nullable=False),
        sa.Column("verb", sa.String(length=60), nullable=False),
        sa.Column("entity", sa.String(length=40), nullable=False),
        sa.Column("entity_id", sa.String(length=32), nullable=False),
        sa.Column("patient_id", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_actor_id", "audit_entry", ["actor_id", "seq"])
    op.create_index("ix_audit_entry_at_micros", "audit_entry", ["at_micros"])
    op.create_index("ix_audit_entry_patient_id", "audit_entry", ["patient_id", "seq"])

    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("mac", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "clinic",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("record_prefix", sa.String(length=8), nullable=False),
        sa.Column("auto_lock_minutes", sa.Integer(), nullable=False),
        sa.Column("lockout_failures", sa.Integer(), nullable=False),
        sa.Column("lockout_minutes", sa.Integer(), nullable=False),
        sa.Column("wait_target_minutes", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_clinic_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinic")),
    )
    op.create_table(
        "history_entry",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("unit_id", sa.String(length=32), nullable=False),
        sa.Column("audit_seq", sa.BigInteger(), nullable=False),
        sa.Column("at_micros", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.String(length=32), nullable=False),
        sa.Column("verb", sa.String(length=60), nullable=False),
        sa.Column("entity", sa.String(length=40), nullable=False),
        sa.Column("entity_id", sa.String(length=32), nullable=False),
        sa.Column("action", sa.String(length=1), nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("new", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_history_entry")),
    )
    op.create_index("ix_history_entry_entity", "history_entry", ["entity", "entity_id", "seq"])
    op.create_index("ix_history_entry_unit_id", "history_entry", ["unit_id"])

    op.create_table(
        "holiday",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holiday")),
        sa.UniqueConstraint("day", name=op.f("uq_holiday_day")),
    )
    op.create_table(
        "imported_record",
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("entity", sa.String(length=40), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("kind", "source_id", name=op.f("pk_imported_record")),
    )
    op.create_index("ix_imported_record_entity_id", "imported_record", ["entity", "entity_id"])

    op.create_table(
        "patient",
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("family", sa.String(length=120), nullable=False),
        sa.Column("given", sa.String(length=120), nullable=False),
        sa.Column("prefix", sa.String(length=20), nullable=False),
        sa.Column("suffix", sa.String(length=20), nullable=False),
        sa.Column("birth_family", sa.String(length=120), nullable=False),
        sa.Column("other_names", sa.String(length=250), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("gender", sa.String(length=10), nullable=False),
        sa.Column("pronouns", sa.String(length=20), nullable=False),
        sa.Column("deceased", sa.Boolean(), nullable=False),
        sa.Column("deceased_on", sa.Date(), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("mobile", sa.String(length=40), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("address", sa.String(length=250), nullable=False),
        sa.Column("city", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=80), nullable=False),
        sa.Column("postal_code", sa.String(length=20), nullable=False),
        sa.Column("country", sa.String(length=60), nullable=False),
        sa.Column("language", sa.String(length=40), nullable=False),
        sa.Column("desk_notes", sa.Text(), nullable=False),
        sa.Column("allergies_checked_on", sa.Date(), nullable=True),
        sa.Column("identifiers", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
        sa.UniqueConstraint("number", name=op.f("uq_patient_number")),
    )
    op.create_index("ix_patient_birth_date", "patient", ["birth_date"])

    op.create_table(
        "sign_in_failure",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("desk", sa.String(length=60), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locks", sa.Integer(), nullable=False),
        sa.Column("locked_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("account", "desk", name=op.f("pk_sign_in_failure")),
    )
    op.create_table(
        "site",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("address", sa.String(length=250), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
    )
    op.create_table(
        "user",
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("password_hash", sa.String(length=80), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
    )
    op.create_table(
        "allergy",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("substance", sa.String(length=200), nullable=False),
        sa.Column("reaction", sa.String(length=200), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_allergy_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allergy")),
    )
    op.create_index("ix_allergy_patient_id", "allergy", ["patient_id"])

    op.create_table(
        "patient_contact",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("relationship", sa.String(length=60), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_contact_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_contact")),
    )
    op.create_index("ix_patient_contact_patient_id", "patient_contact", ["patient_id"])

    op.create_table(
        "room",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_room_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room")),
    )
    op.create_table(
        "practitioner",
        sa.Column("family", sa.String(length=120), nullable=False),
        sa.Column("given", sa.String(length=120), nullable=False),
        sa.Column("prefix", sa.String(length=20), nullable=False),
        sa.Column("suffix", sa.String(length=20), nullable=False),
        sa.Column("specialty", sa.String(length=80), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["room.id"], name=op.f("fk_practitioner_room_id_room")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practitioner")),
    )
    op.create_table(
        "absence",
        sa.Column("practitioner_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("start", UtcDateTime(), nullable=False),
        sa.Column("end", UtcDateTime(), nullable=False),
        sa.Column("note", sa.String(length=120), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint('start < "end"', name=op.f("ck_absence_interval")),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name=op.f("fk_absence_practitioner_id_practitioner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
    )
    op.create_index("ix_absence_end", "absence", ["end"])
    op.create_index("ix_absence_practitioner_id", "absence", ["practitioner_id", "start"])

    op.create_table(
        "appointment",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        sa.Column("type_id", sa.Uuid(), nullable=True),
        sa.Column("start", UtcDateTime(), nullable=False),
        sa.Column("end", UtcDateTime(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("cancel_reason", sa.String(length=12), nullable=False),
        sa.Column("overbooked", sa.Boolean(), nullable=False),
        sa.Column("overbook_reason", sa.String(length=250), nullable=False),
        sa.Column("patient_overlap", sa.Boolean(), nullable=False),
        sa.Column("arrived_at", UtcDateTime(), nullable=True),
        sa.Column("checked_in_at", UtcDateTime(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("NOT overbooked OR overbook_reason <> ''", name=op.f("ck_appointment_overbook_reason")),
        sa.CheckConstraint('start < "end"', name=op.f("ck_appointment_interval")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_appointment_patient_id_patient")),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name=op.f("fk_appointment_practitioner_id_practitioner")
        ),
        sa.ForeignKeyConstraint(["room_id"], ["room.id"], name=op.f("fk_appointment_room_id_room")),
        sa.ForeignKeyConstraint(
            ["type_id"], ["appointment_type.id"], name=op.f("fk_appointment_type_id_appointment_type")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
    )
    if op.get_bind().dialect.name == "sqlite":  # the triggers search by these; a constraint brings an index of its own
        op.create_index(
            "ix_appointment_holds_practitioner",
            "appointment",
            ["practitioner_id", "start", "end"],
            sqlite_where=sa.text("status IN ('pending', 'booked', 'arrived', 'checked-in') AND NOT overbooked"),
        )
        op.create_index(
            "ix_appointment_holds_room",
            "appointment",
            ["room_id", "start", "end"],
            sqlite_where=sa.text(
                "room_id IS NOT NULL AND status IN ('pending', 'booked', 'arrived', 'checked-in') AND NOT overbooked"
            ),
        )
    op.create_index("ix_appointment_patient_id", "appointment", ["patient_id", "start"])
    op.create_index("ix_appointment_practitioner_id", "appointment", ["practitioner_id", "start"])
    op.create_index("ix_appointment_start", "appointment", ["start"])

    op.create_table(
        "weekly_hours",
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("end_minute", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440",
            name=op.f("ck_weekly_hours_minutes"),
        ),
        sa.CheckConstraint("valid_to IS NULL OR valid_from <= valid_to", name=op.f("ck_weekly_hours_validity")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_weekly_hours_weekday")),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name=op.f("fk_weekly_hours_practitioner_id_practitioner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weekly_hours")),
    )
    op.create_index("ix_weekly_hours_practitioner_id", "weekly_hours", ["practitioner_id", "weekday"])

    dialect = op.get_bind().dialect.name
    for statement in (*APPEND_ONLY[dialect], *NO_OVERLAP[dialect]):
        op.execute(statement)
