"""Opening a data folder: made, found, upgraded or refused, and never half of any of these."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from clinicdesk.core import migrate, paths
from clinicdesk.core.crash import log_crash
from clinicdesk.core.database import bare_connection
from clinicdesk.core.errors import ClinicError, NotFound, Unavailable
from clinicdesk.core.keys import load
from clinicdesk.core.tx import Actor
from clinicdesk.features.practitioners.schemas import SaveSite
from clinicdesk.features.practitioners.service import save_site
from clinicdesk.opening import OpenClinic, open_clinic
from tests.core.conftest import add_entries

OPEN = "import sys; from pathlib import Path; from clinicdesk.opening import open_clinic; clinic = open_clinic(Path(sys.argv[1]))"


def refused(folder: Path, passphrase: str | None = None) -> str:
    with pytest.raises(ClinicError) as error:
        open_clinic(folder, passphrase=passphrase)
    return error.value.reason


def tables(folder: Path) -> set[str]:
    connection = bare_connection(folder / "clinic.db", load(folder).secret)
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return names


def contents(folder: Path) -> dict[str, bytes]:
    """What matters of a data folder, to compare it with itself later."""
    return {name: (folder / name).read_bytes() for name in ("clinic.db", "key.json")}


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chain of migrations with one more, whose body a test appends; returns the file."""
    chain = Path(shutil.copytree(paths.migrations_dir(), tmp_path / "migrations"))
    file = chain / "versions" / "9001_next.py"
    file.write_text(
        f"from alembic import op\nrevision = '9001'\ndown_revision = '{migrate.head_revision()}'\n\n\ndef upgrade():\n"
        "    op.execute('CREATE TABLE of_the_next_version (id INTEGER PRIMARY KEY)')\n"
    )
    monkeypatch.setattr(migrate, "migrations_dir", lambda: chain)
    return file


def test_a_new_folder_gets_a_key_and_an_encrypted_database(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "clinic"
    with open_clinic(folder) as clinic:
        assert (clinic.folder, clinic.warnings) == (folder, ("key_in_file",))
        with clinic.database.engine.connect() as connection:
            assert migrate.current_revision(connection) == migrate.head_revision()
    assert not (folder / "clinic.db").read_bytes().startswith(b"SQLite format 3")
    assert not (folder / "clinic.db-wal").exists(), "a clinic that was closed is one file"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_only_its_owner_can_read_a_data_folder(tmp_path: Path, operator: Actor) -> None:
    folder = tmp_path / "clinic"
    with open_clinic(folder) as clinic:
        add_entries(clinic, operator, 1)
        clinic.back_up(operator)
        shown = [p for p in [folder, *folder.rglob("*")] if stat.S_IMODE(p.stat().st_mode) & 0o077]
    assert shown == []


def test_what_was_stored_is_there_at_the_next_opening(folder: Path, administrator: Actor, operator: Actor) -> None:
    with open_clinic(folder) as clinic, clinic.database.write(operator) as tx:
        site = save_site(tx, SaveSite("Harbour"))
    with open_clinic(folder) as clinic, clinic.database.read(operator) as tx:
        assert tx.session.scalar(text("SELECT name FROM site")) == site.name


def test_somebody_without_an_account_that_is_on_gets_nowhere(folder: Path, administrator: Actor) -> None:
    with open_clinic(folder) as clinic, pytest.raises(ClinicError), clinic.database.write(administrator):
        pass


def test_a_folder_without_a_clinic_is_not_turned_into_one_by_asking(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no_clinic_here"):
        open_clinic(tmp_path / "nowhere", create=False)
    assert not (tmp_path / "nowhere").exists()


def test_no_new_key_is_made_over_a_database_that_has_lost_its_own(folder: Path) -> None:
    (folder / "key.json").unlink()
    before = (folder / "clinic.db").read_bytes()
    assert refused(folder) == "key_missing"
    assert not (folder / "key.json").exists()
    assert (folder / "clinic.db").read_bytes() == before


def test_a_key_that_does_not_fit_is_said_to_be_so(folder: Path, tmp_path: Path) -> None:
    open_clinic(tmp_path / "other").close()
    shutil.copy(tmp_path / "other" / "key.json", folder)
    assert refused(folder) == "wrong_key"


def test_no_empty_clinic_takes_the_place_of_a_database_that_is_gone(folder: Path, operator: Actor) -> None:
    with open_clinic(folder) as clinic:
        add_entries(clinic, operator, 1)
    (folder / "clinic.db").unlink()
    assert refused(folder) == "database_missing"
    assert not (folder / "clinic.db").exists()


def test_a_passphrase_is_asked_for_and_tried(tmp_path: Path) -> None:
    open_clinic(tmp_path, passphrase="the harbour at noon").close()
    assert refused(tmp_path) == "passphrase_needed"
    assert refused(tmp_path, "the harbour at night") == "wrong_passphrase"
    with open_clinic(tmp_path, passphrase="the harbour at noon") as clinic:
        assert clinic.warnings == ()


def test_a_plain_database_only_by_an_explicit_setting_and_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLINICDESK_ENCRYPTION", "off")
    with open_clinic(tmp_path) as clinic:
        assert clinic.warnings == ("not_encrypted",)
    assert (tmp_path / "clinic.db").read_bytes().startswith(b"SQLite format 3")


def test_a_database_of_a_newer_program_is_left_alone(folder: Path) -> None:
    connection = bare_connection(folder / "clinic.db", load(folder).secret)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = contents(folder)
    assert refused(folder) == "database_newer"
    assert contents(folder) == before


def test_an_older_database_is_backed_up_and_upgraded(folder: Path, next_version: Path) -> None:
    before = migrate.revisions() - {"9001"}
    open_clinic(folder).close()
    assert "of_the_next_version" in tables(folder)
    [copy] = (folder / "backups").iterdir()
    assert copy.name.startswith("before-9001-")
    connection = bare_connection(copy, load(folder).secret)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (max(before),)
    connection.close()
    with open_clinic(folder) as clinic, clinic.database.engine.connect() as audited:
        assert audited.scalar(text("SELECT verb FROM audit_entry ORDER BY seq DESC")) == "upkeep.upgrade"


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(folder: Path, next_version: Path) -> None:
    before = tables(folder)
    next_version.write_text(next_version.read_text() + "    op.execute('this is no SQL')\n")
    assert refused(folder) == "upgrade_failed"
    assert tables(folder) == before


def test_an_upgrade_that_would_leave_a_row_pointing_nowhere_fails(folder: Path, next_version: Path) -> None:
    orphan = "INSERT INTO room (id, site_id, name, active, version) VALUES ('a', 'nowhere', 'Room 1', 1, 1)"
    next_version.write_text(next_version.read_text() + f'    op.execute("{orphan}")\n')
    assert refused(folder) == "upgrade_failed"
    assert "of_the_next_version" not in tables(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_in_the_middle_of_an_upgrade_it_is_as_it_was_and_upgrades_next_time(
    folder: Path, next_version: Path
) -> None:
    before, whole = tables(folder), next_version.read_text()
    next_version.write_text(whole + "    import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)\n")
    chain = "from clinicdesk.core import migrate; migrate.migrations_dir = lambda: Path(sys.argv[2]); "
    words = OPEN.replace("clinic = ", chain + "clinic = ")
    killed = subprocess.run([sys.executable, "-c", words, folder, next_version.parents[1]])
    assert killed.returncode == -signal.SIGKILL
    assert tables(folder) == before
    next_version.write_text(whole)
    open_clinic(folder).close()
    assert "of_the_next_version" in tables(folder)


def test_an_upgrade_waits_until_nobody_else_works_on_the_data(folder: Path, request: pytest.FixtureRequest) -> None:
    with open_clinic(folder):
        request.getfixturevalue("next_version")
        assert refused(folder) == "database_in_use"
    assert "of_the_next_version" not in tables(folder)


def test_two_may_work_on_the_same_data(folder: Path, operator: Actor) -> None:
    with open_clinic(folder) as one, open_clinic(folder) as other:
        add_entries(one, operator, 1)
        add_entries(other, operator, 1)
        with one.database.engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM audit_entry")) == 2


def test_processes_that_open_a_new_folder_at_once_agree_on_one_clinic(tmp_path: Path) -> None:
    folder = tmp_path / "clinic"
    racers = [subprocess.Popen([sys.executable, "-c", OPEN + "; clinic.close()", folder]) for _ in range(4)]
    assert [racer.wait() for racer in racers] == [0, 0, 0, 0]
    with open_clinic(folder) as clinic, clinic.database.engine.connect() as connection:
        assert connection.scalar(text("PRAGMA integrity_check")) == "ok"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_damage_is_found_at_the_start_after_a_session_that_did_not_end_properly(folder: Path) -> None:
    file = folder / "clinic.db"
    left = subprocess.run(
        [sys.executable, "-c", OPEN + "; import os, signal; os.kill(os.getpid(), signal.SIGKILL)", folder]
    )
    assert left.returncode == -signal.SIGKILL
    open_clinic(folder).close()
    with file.open("rb+") as stream:
        stream.seek(-4096, os.SEEK_END)
        stream.write(os.urandom(4096))
    (folder / "clinic.db-wal").touch()  # what a session leaves that did not end properly
    assert refused(folder) == "database_damaged"


@contextlib.contextmanager
def ordinary_person(folder: Path) -> Iterator[None]:
    """Go on as somebody who owns `folder` and may not write everywhere, as the administrator of a machine may."""
    if os.geteuid() != 0:
        yield
        return
    nobody = 65534
    for owned in (folder, *folder.rglob("*")):
        os.chown(owned, nobody, nobody)
    os.seteuid(nobody)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_a_folder_that_may_not_be_written_to_is_told_in_a_sentence() -> None:
    with tempfile.TemporaryDirectory() as place:  # not under tmp_path, whose parents are closed to others
        folder = Path(place) / "clinic"
        open_clinic(folder).close()
        Path(place).chmod(0o755)
        folder.chmod(0o500)
        try:
            with ordinary_person(folder):
                assert refused(folder) == "database_read_only"
        finally:
            folder.chmod(0o700)


def fill(clinic: OpenClinic, operator: Actor, pages: int) -> None:
    """Store more than fits on a disk that has no room for another page."""
    with clinic.database.write(operator) as tx:
        tx.session.execute(text(f"PRAGMA max_page_count = {pages}"))
        for number in range(200):
            save_site(tx, SaveSite("Harbour " * 10 + str(number)))
            tx.session.flush()


def test_a_full_disk_is_told_in_a_sentence(folder: Path, operator: Actor) -> None:
    with open_clinic(folder) as clinic:
        with clinic.database.engine.connect() as connection:
            pages = connection.scalar(text("PRAGMA page_count"))
        with pytest.raises(Unavailable, match="disk_full"):
            fill(clinic, operator, pages)
        with clinic.database.read(operator) as tx:
            assert tx.session.scalar(text("SELECT count(*) FROM site")) == 0


def test_a_start_loads_no_more_than_it_needs(folder: Path) -> None:
    loaded = OPEN + "; assert not {'alembic', 'keyring', 'PySide6'} & set(sys.modules), sorted(sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded, folder]).returncode == 0


def test_nothing_that_is_stored_can_be_read_beside_the_program(folder: Path, operator: Actor) -> None:
    name = "Zwanzigmeerschweinchen"
    with open_clinic(folder) as clinic:
        with clinic.database.write(operator) as tx:
            save_site(tx, SaveSite(name))
        log_crash(ValueError(name))
        logging.getLogger("clinicdesk.test").error("a bug", exc_info=ValueError(name))
        with pytest.raises(IntegrityError) as error, clinic.database.engine.begin() as connection:
            connection.execute(text("INSERT INTO room (id, site_id, name) VALUES (1, :name, :name)"), {"name": name})
        assert name not in str(error.value), "what was to be stored is in no message of the database"
        clinic.back_up(operator)
        files = [file for file in folder.rglob("*") if file.is_file()]
        assert {"clinic.db", "clinic.db-wal", "clinicdesk.log"} <= {file.name for file in files}
        readable = [f.name for f in files for form in ("utf-8", "utf-16-le") if name.encode(form) in f.read_bytes()]
    assert readable == []
