"""Search over patients: terms, phone digits and spellings, and the full-text index that follows them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Every term begins with a letter that says what it is, so a prefix index of length 2 answers the first typed letter.
FULL_TEXT_TABLES = [
    """
    CREATE VIRTUAL TABLE patient_fts USING fts5(
        terms, content = 'patient_search', content_rowid = 'docid',
        tokenize = 'ascii', detail = none, columnsize = 0, prefix = '2 3 4 5 6'
    )
    """,
    """
    CREATE VIRTUAL TABLE patient_phone_fts USING fts5(
        phones, content = 'patient_search', content_rowid = 'docid', tokenize = 'trigram', columnsize = 0
    )
    """,
    """
    CREATE TRIGGER patient_search_insert AFTER INSERT ON patient_search
    BEGIN
        INSERT INTO patient_fts (rowid, terms) VALUES (NEW.docid, NEW.terms);
        INSERT INTO patient_phone_fts (rowid, phones) VALUES (NEW.docid, NEW.phones);
    END
    """,
    """
    CREATE TRIGGER patient_search_update AFTER UPDATE OF terms, phones ON patient_search
    BEGIN
        INSERT INTO patient_fts (patient_fts, rowid, terms) VALUES ('delete', OLD.docid, OLD.terms);
        INSERT INTO patient_fts (rowid, terms) VALUES (NEW.docid, NEW.terms);
        INSERT INTO patient_phone_fts (patient_phone_fts, rowid, phones) VALUES ('delete', OLD.docid, OLD.phones);
        INSERT INTO patient_phone_fts (rowid, phones) VALUES (NEW.docid, NEW.phones);
    END
    """,
    """
    CREATE TRIGGER patient_search_delete AFTER DELETE ON patient_search
    BEGIN
        INSERT INTO patient_fts (patient_fts, rowid, terms) VALUES ('delete', OLD.docid, OLD.terms);
        INSERT INTO patient_phone_fts (patient_phone_fts, rowid, phones) VALUES ('delete', OLD.docid, OLD.phones);
    END
    """,
]

FULL_TEXT_INDEXES = [
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    # The terms, and the beginnings of each of up to four letters after the one that says what it is, marked by an
    # underscore: what many patients share is found by one look, and how many share it is known to whoever plans the search.
    """
    CREATE FUNCTION patient_lexemes(terms text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT array_to_tsvector(string_to_array(terms, ' ') || ARRAY(
            SELECT left(term, letters) || '_'
            FROM unnest(string_to_array(terms, ' ')) AS term, generate_series(2, 5) AS letters
            WHERE length(term) >= letters))
    $$
    """,
    """
    ALTER TABLE patient_search
    ADD COLUMN lexemes tsvector NOT NULL GENERATED ALWAYS AS (patient_lexemes(terms)) STORED
    """,
    "ALTER TABLE patient_search ALTER COLUMN lexemes SET STATISTICS 400",
    "CREATE INDEX ix_patient_search_lexemes ON patient_search USING gin (lexemes)",
    "CREATE INDEX ix_patient_search_phones ON patient_search USING gin (phones gin_trgm_ops)",
]
FULL_TEXT = {"sqlite": FULL_TEXT_TABLES, "postgresql": FULL_TEXT_INDEXES}


def in_bytes_order(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "patient_search",
        sa.Column("docid", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("phones", sa.Text(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_search_patient_id_patient")),
        sa.PrimaryKeyConstraint("docid", name=op.f("pk_patient_search")),
        sa.UniqueConstraint("patient_id", name=op.f("uq_patient_search_patient_id")),
    )
    op.create_table(
        "patient_spelling",
        sa.Column("deletion", in_bytes_order(10), nullable=False),
        sa.Column("word", in_bytes_order(250), nullable=False),
        sa.PrimaryKeyConstraint("deletion", "word", name=op.f("pk_patient_spelling")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "record_counter",
        sa.Column("prefix", sa.String(length=8), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_record_counter")),
    )
    for statement in FULL_TEXT[op.get_bind().dialect.name]:
        op.execute(statement)
