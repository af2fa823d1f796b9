"""The command line on a clinic in PostgreSQL: accounts, imports, the audit trail, backups that were tried out, and restoring."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import insert, make_url, select

from clinicdesk.core.clock import utc_now
from clinicdesk.core.database import derive_key
from clinicdesk.core.ids import new_id
from clinicdesk.core.postgres import open_postgres
from clinicdesk.features.documents import intake
from clinicdesk.features.documents.archive import archive_of
from clinicdesk.features.documents.models import Document
from clinicdesk.features.patients.models import Patient
from tests.core.conftest import Run, Said
from tests.features.documents import files
from tests.postgres import Cluster

SECRET = "a secret of more than thirty-two characters"
MARA = "family,given,birth\nLindt-Osterhagen,Mara,1980-04-03\n"


def command(folder: Path, url: str, *words: str | Path, stdin: str = "", **environment: str) -> Said:
    """What a command says about the database at an address."""
    done = subprocess.run(
        [sys.executable, "-m", "clinicdesk.cli", *map(str, words), "--data-dir", str(folder), "--json"],
        env={**os.environ, "CLINICDESK_DATABASE_URL": url, "CLINICDESK_SECRET_KEY": SECRET, **environment},
        input=stdin, capture_output=True, text=True,
    )  # fmt: skip
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command: `run(url, "check")`."""
    return partial(command, tmp_path / "data")


@pytest.fixture(scope="module")
def grown(postgres: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a clinic's database with an administrator and a patient, made by commands alone."""
    folder = tmp_path_factory.mktemp("grown")
    with postgres.database() as url:
        made = command(folder, url, "clinic", "set-up", "--name", "Harbour", "--zone", "Europe/Berlin")
        assert made.code == 0, made
        added = command(
            folder, url, "users", "add", "--role", "administrator", "--email", "ada@harbour.example",
            "--password-stdin", stdin="seven quiet boats at noon\n",
        )  # fmt: skip
        assert added.code == 0, added
        people = folder / "people.csv"
        people.write_text(MARA)
        taken = command(folder, url, "import", "patients", people)
        assert (taken.code, taken.json["created"]) == (0, {"patient": 1}), taken
        yield str(make_url(url).database)


@pytest.fixture
def clinic(postgres: Cluster, grown: str) -> Iterator[str]:
    """The address of a copy of that clinic."""
    with postgres.database(grown) as url:
        yield url


@pytest.fixture
def other(postgres: Cluster) -> Iterator[str]:
    """An empty database on the same server."""
    with postgres.database() as url:
        yield url


def families(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT family FROM public.patient")]


def test_accounts_imports_and_the_audit_trail_work_as_on_the_embedded_database(clinic: str, run: Run) -> None:
    verified = run(clinic, "audit", "verify")
    assert (verified.code, verified.json["ok"]) == (0, True)
    assert verified.json["entries"] > 2
    assert families(clinic) == ["Lindt-Osterhagen"]


def test_the_trail_is_held_against_checkpoints_that_lie_outside_the_database(clinic: str, run: Run) -> None:
    assert run(clinic, "audit", "verify").json["ok"]
    with psycopg.connect(clinic) as connection:
        connection.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
        connection.execute("DELETE FROM audit_entry")
        connection.execute("DELETE FROM audit_head")
    said = run(clinic, "audit", "verify")
    assert (said.code, said.json["problem"]) == (1, "cut")


def test_a_backup_is_tried_out_shows_nothing_and_comes_back(
    clinic: str, other: str, run: Run, tmp_path: Path, postgres: Cluster
) -> None:
    file = tmp_path / "monday.db"
    made = run(clinic, "backup", file)
    assert made.code == 0, made
    assert b"Lindt" not in file.read_bytes()
    with psycopg.connect(clinic) as connection:
        left = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'clinicdesk_trial_%'").fetchall()
    assert left == [], "the scratch database has gone"
    restored = run(other, "restore", file)
    assert (restored.code, restored.json["entries"], restored.json["set_aside"]) == (0, made.json["entries"], None)
    assert families(other) == ["Lindt-Osterhagen"]
    assert run(other, "audit", "verify").json["entries"] == made.json["entries"] + 1, "the restore is in the trail"


def test_a_backup_without_a_name_lies_in_the_data_folder(clinic: str, run: Run, tmp_path: Path) -> None:
    made = run(clinic, "backup")
    assert Path(made.json["file"]).parent == tmp_path / "data" / "backups"
    assert Path(made.json["file"]).stat().st_mode & 0o077 == 0


def test_what_is_there_is_kept_aside_or_not_touched(clinic: str, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "monday.db"
    assert run(clinic, "backup", file).code == 0
    with psycopg.connect(clinic) as connection:
        connection.execute("UPDATE patient SET family = 'Later'")
    refused = run(clinic, "restore", file)
    assert (refused.code, refused.json["code"]) == (1, "database_not_empty")
    assert families(clinic) == ["Later"]
    restored = run(clinic, "restore", file, "--set-aside")
    assert restored.code == 0, restored
    assert families(clinic) == ["Lindt-Osterhagen"]
    schema = restored.json["set_aside"]
    with psycopg.connect(clinic) as connection:
        assert connection.execute(f"SELECT family FROM {schema}.patient").fetchall() == [("Later",)]
    assert run(clinic, "audit", "verify").code == 0
    again = tmp_path / "tuesday.db"
    assert run(clinic, "backup", again).code == 0
    assert run(clinic, "restore", again, "--set-aside").code == 0, "what was set aside before is not part of a backup"


def filed(url: str, folder: Path) -> Path:
    """File a document with the patient; where its content lies, sealed."""
    database = open_postgres(url, derive_key(SECRET.encode(), "audit"))
    archive = archive_of(database, folder / "documents")
    with database.engine.connect() as connection:
        patient_id = connection.scalar(select(Patient.id))
    assert patient_id is not None
    checked = intake.check_document(files.pdf(), "letter.pdf")
    with archive.holding(checked) as held, database.engine.begin() as connection:
        connection.execute(
            insert(Document).values(
                id=new_id(), patient_id=patient_id, type="letter", title="A letter", dated_on=date(2026, 11, 23),
                status="current", status_at=utc_now(), media_type=held.media_type, size=held.size, sha256=held.sha256,
                pages=held.pages, content_key=held.content_key, filed_at=utc_now(), from_patient=False, version=1,
                author="", filename="letter.pdf",
            )
        )  # fmt: skip
    database.close()
    return folder / "documents" / held.content_key[:2] / held.content_key


def test_documents_go_with_a_backup_and_come_back(clinic: str, other: str, run: Run, tmp_path: Path) -> None:
    content = filed(clinic, tmp_path / "data")
    sealed = content.read_bytes()
    made = run(clinic, "backup", tmp_path / "stick" / "monday.db")
    assert (made.code, made.json["code"]) == (1, "path_missing"), "there is no such folder"
    file = tmp_path / "monday.db"
    made = run(clinic, "backup", file)
    assert made.json["documents"] == {"place": "folder", "contents": 1, "added": 1, "held": 0, "lost": 0}
    content.unlink()
    checked = run(clinic, "check")
    assert (checked.json["code"], checked.json["documents"]["missing"]) == ("documents_lost", 1)
    restored = run(other, "restore", file)
    assert (restored.code, restored.json["documents"]["added"]) == (0, 1), restored
    assert content.read_bytes() == sealed
    content.write_bytes(sealed[:-1] + b"x")
    (tmp_path / "clinicdesk-documents").rename(tmp_path / "elsewhere")
    restored = run(other, "restore", file, "--set-aside")
    assert (restored.code, restored.json["code"], restored.json["documents"]["lost"]) == (1, "documents_lost", 1)
    assert families(other) == ["Lindt-Osterhagen"], "the database is there all the same"


def test_nothing_is_restored_while_somebody_uses_the_database(clinic: str, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "monday.db"
    assert run(clinic, "backup", file).code == 0
    with psycopg.connect(clinic):
        said = run(clinic, "restore", file, "--set-aside")
    assert (said.code, said.json["code"]) == (1, "database_in_use")


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_what_is_no_whole_backup_of_ours_changes_nothing(clinic: str, other: str, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "monday.db"
    assert run(clinic, "backup", file).code == 0
    assert run(clinic, "backup", file).json["code"] == "backup_exists"
    assert run(other, "restore", tmp_path / "none.db").json["code"] == "backup_missing"
    foreign = run(other, "restore", file, CLINICDESK_SECRET_KEY="another secret of thirty-two characters!")
    assert foreign.json["code"] == "backup_other_key"
    damage(file)
    assert run(other, "restore", file).json["code"] == "backup_damaged"
    with psycopg.connect(other) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchone() == (0,)


def test_a_damaged_backup_leaves_what_it_would_have_replaced(clinic: str, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "monday.db"
    assert run(clinic, "backup", file).code == 0
    damage(file)
    assert run(clinic, "restore", file, "--set-aside").json["code"] == "backup_damaged"
    assert families(clinic) == ["Lindt-Osterhagen"]
    assert run(clinic, "audit", "verify").code == 0


def test_an_account_that_may_make_no_database_is_told_so(clinic: str, run: Run, postgres: Cluster) -> None:
    postgres.command("ALTER ROLE clinicdesk NOCREATEDB")
    try:
        assert run(clinic, "backup").json["code"] == "scratch_not_permitted"
    finally:
        postgres.command("ALTER ROLE clinicdesk CREATEDB")


def test_there_is_no_key_to_show_or_to_wrap(clinic: str, run: Run) -> None:
    assert run(clinic, "recovery-key").json["code"] == "not_on_postgresql"
    assert run(clinic, "passphrase", "set", "--passphrase-stdin", stdin="x\n").json["code"] == "not_on_postgresql"


def test_a_database_that_is_away_and_settings_that_are_wrong_are_sentences(run: Run) -> None:
    away = run("postgresql://x@127.0.0.1:1/x", "audit", "verify")
    assert (away.code, away.json["code"]) == (1, "database_unreachable")
    wrong = run("postgresql://x@127.0.0.1:1/x", "audit", "verify", CLINICDESK_SECRET_KEY="short")
    assert (wrong.code, wrong.json["code"]) == (1, "settings_wrong")
    assert "CLINICDESK_SECRET_KEY" in wrong.json["message"]


def test_check_says_of_each_thing_how_it_stands(clinic: str, run: Run, redis_url: str) -> None:
    said = run(clinic, "check", CLINICDESK_REDIS_URL=redis_url)
    assert said.code == 0, said
    facts = said.json
    assert [name for name in facts if isinstance(facts[name], dict)] == [
        "configuration", "database", "migrations", "guards", "audit", "backups", "redis", "mail", "documents"
    ]  # fmt: skip
    assert facts["migrations"]["revision"] == facts["migrations"]["newest"]
    assert facts["database"]["most_connections"] > facts["database"]["connections"] > 0
    assert facts["redis"]["version"]
    assert facts["warnings"] == ["no_mail_server"]


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE audit_entry DISABLE TRIGGER USER",
        "DROP TRIGGER audit_entry_refuses_delete ON audit_entry_open",
        "ALTER TABLE appointment DROP CONSTRAINT slot_taken_room",
    ],
)
def test_check_misses_a_guard_that_was_taken_away(clinic: str, run: Run, statement: str) -> None:
    with psycopg.connect(clinic) as connection:
        connection.execute(statement)
    said = run(clinic, "check")
    assert (said.code, said.json["code"]) == (1, "guards_missing")


def test_check_names_what_does_not_answer(clinic: str, run: Run) -> None:
    away = {
        "CLINICDESK_REDIS_URL": "redis://127.0.0.1:1/0",
        "CLINICDESK_SMTP_HOST": "127.0.0.1",
        "CLINICDESK_SMTP_PORT": "1",
        "CLINICDESK_DOCUMENTS_S3_URL": "http://127.0.0.1:1",
        "CLINICDESK_DOCUMENTS_S3_BUCKET": "documents",
        "CLINICDESK_DOCUMENTS_S3_ACCESS_KEY": "key",
        "CLINICDESK_DOCUMENTS_S3_SECRET_KEY": "hush",
    }
    facts = run(clinic, "check", **away).json
    assert [facts[name]["ok"] for name in ("database", "redis", "mail", "documents")] == [True] + 3 * [False]
