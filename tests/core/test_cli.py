"""The command line, as a process: what it prints, its exit codes, and one JSON object whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from clinicdesk.cli import main
from clinicdesk.cli.commands import COMMANDS
from clinicdesk.core import keys, paths
from clinicdesk.core.database import bare_connection
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor
from clinicdesk.features.users.schemas import SignIn
from clinicdesk.features.users.service import sign_in
from clinicdesk.opening import open_clinic
from tests.core.conftest import Run

PASSWORD = "seven quiet boats at dawn"


def verbs(folder: Path) -> list[tuple[str, str, str]]:
    with open_clinic(folder) as clinic, clinic.database.engine.connect() as connection:
        rows = connection.execute(text("SELECT verb, role, desk FROM audit_entry ORDER BY seq"))
        return [(row.verb, row.role, row.desk) for row in rows]


def test_the_first_administrator_is_made_without_a_window(tmp_path: Path, clinicdesk: Run) -> None:
    words = (
        "users",
        "add",
        "--role",
        "administrator",
        "--email",
        "Ada@Example.org",
        "--name",
        "Ada",
        "--password-stdin",
    )
    said = clinicdesk(*words, "--json", "--data-dir", tmp_path, stdin=PASSWORD + "\n")
    assert (said.code, said.err) == (0, "")
    assert (said.json["ok"], said.json["email"], said.json["role"]) == (True, "ada@example.org", "administrator")
    assert PASSWORD not in said.out
    with open_clinic(tmp_path) as clinic, clinic.database.write(Actor(None, Role.NOBODY, "", "Desk 1")) as tx:
        assert sign_in(tx, SignIn("ada@example.org", PASSWORD, "Desk 1")).user.role is Role.ADMINISTRATOR
    again = clinicdesk(*words, "--json", "--data-dir", tmp_path, stdin=PASSWORD)
    assert (again.code, again.json["code"]) == (1, "email_taken")
    entry = next(entry for entry in verbs(tmp_path) if entry[0] == "users.add_user")
    assert entry == ("users.add_user", "operator", "command line")


def test_backup_restore_and_check_are_done_and_audited(folder: Path, tmp_path: Path, clinicdesk: Run) -> None:
    file = tmp_path / "copy.db"
    made = clinicdesk("backup", file, "--json", "--data-dir", folder)
    none = {"place": "folder", "contents": 0, "added": 0, "held": 0, "lost": 0}
    assert (made.code, made.json) == (0, {"ok": True, "file": str(file), "entries": 1, "documents": none})
    back = clinicdesk("--data-dir", folder, "restore", file, "--json")
    assert (back.code, back.json["ok"], back.json["entries"]) == (0, True, 1)
    assert Path(back.json["set_aside"]).is_dir()
    seen = clinicdesk("check", "--data-dir", folder, "--json")
    assert (seen.code, seen.json["ok"], seen.json["warnings"]) == (0, True, ["key_in_file"])
    subjects = ("configuration", "key", "database", "migrations", "guards", "audit", "documents", "backups")
    assert all(seen.json[subject]["ok"] for subject in subjects)
    operator = ("operator", "command line")
    assert verbs(folder) == [(f"upkeep.{verb}", *operator) for verb in ("back_up", "restore", "check")]


def test_check_misses_a_guard_that_was_taken_away(folder: Path, clinicdesk: Run) -> None:
    connection = bare_connection(folder / "clinic.db", keys.load(folder).secret)
    connection.execute("DROP TRIGGER appointment_no_overlap_insert")
    connection.close()
    seen = clinicdesk("check", "--data-dir", folder, "--json")
    assert (seen.code, seen.json["code"]) == (1, "guards_missing")
    assert seen.json["guards"]["missing"] == "appointment_no_overlap_insert"


def test_a_backup_travels_to_another_machine_with_its_recovery_key(
    folder: Path, tmp_path: Path, clinicdesk: Run
) -> None:
    key = clinicdesk("recovery-key", "--data-dir", folder)
    clinicdesk("backup", tmp_path / "copy.db", "--data-dir", folder)
    new = tmp_path / "new"
    lost = clinicdesk("restore", tmp_path / "copy.db", "--data-dir", new)
    assert (lost.code, lost.out) == (1, "")
    assert "recovery key" in lost.err
    found = clinicdesk("restore", tmp_path / "copy.db", "--recovery-key-stdin", "--data-dir", new, stdin=key.out)
    assert (found.code, found.err) == (0, "")


def test_a_passphrase_is_set_audited_and_asked_for(
    folder: Path, clinicdesk: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("passphrase", "set", "--passphrase-stdin", "--json", "--data-dir", folder)
    short = clinicdesk(*words, stdin="too short\n")
    assert (short.code, short.json["code"]) == (1, "password_too_short")
    done = clinicdesk(*words, stdin=PASSWORD + "\n")
    assert (done.code, done.json) == (0, {"ok": True})
    refused = clinicdesk("check", "--json", "--data-dir", folder)
    assert (refused.code, refused.json["code"]) == (1, "passphrase_needed")
    monkeypatch.setenv("CLINICDESK_PASSPHRASE", PASSWORD)
    checked = clinicdesk("check", "--json", "--data-dir", folder)
    assert (checked.code, checked.json["warnings"]) == (0, [])
    assert verbs(folder) == [(f"upkeep.{verb}", "operator", "command line") for verb in ("set_passphrase", "check")]


def test_check_finds_what_is_wrong_and_changes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(code: int) -> str:
        assert main(["check", "--json", "--data-dir", str(folder)]) == code
        return str(json.loads(capsys.readouterr().out).get("code", ""))

    assert check(0) == ""
    monkeypatch.setenv("CLINICDESK_KEYRING", "perhaps")
    assert check(1) == "setting_invalid"
    monkeypatch.setenv("CLINICDESK_KEYRING", "off")
    (folder / "clinic.db").rename(folder / "away.db")
    assert check(1) == "database_missing"
    assert not (folder / "clinic.db").exists()
    (folder / "clinic.db").write_bytes(os.urandom(8192))
    assert check(1) == "wrong_key"
    (folder / "away.db").replace(folder / "clinic.db")
    (folder / "key.json").rename(folder / "key.away")
    assert check(1) == "key_missing"
    (folder / "key.away").rename(folder / "key.json")
    assert check(0) == ""


@pytest.mark.parametrize(
    "words",
    [["fly"], ["backup", "one", "two"], ["restore"], ["audit"], ["users", "add", "--role", "king"], ["--what"], [],
     ["--js", "check"], ["users", "add", "--role", "nurse", "--email", "n@example.org"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_use_is_exit_code_two_and_one_object(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--json"]) == 2
    said = capsys.readouterr()
    facts = json.loads(said.out)
    assert (facts["ok"], facts["code"], said.err) == (False, "wrong_use", "")
    assert facts["message"]


@pytest.mark.parametrize("command", [["audit", "verify"], ["backup"], ["check"], ["recovery-key"]])
def test_a_folder_without_a_clinic_is_said_so_and_not_made(
    tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "nowhere"
    assert main([*command, "--data-dir", str(nowhere), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["code"] == "no_clinic_here"
    assert not nowhere.exists()


def test_without_json_errors_go_to_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", "--data-dir", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"There is no clinic in the folder {tmp_path}.\n")


def test_a_bug_is_a_reference_and_not_a_trace(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "migrations_dir", lambda: 1 / 0)
    monkeypatch.setattr("clinicdesk.core.migrate.migrations_dir", lambda: 1 / 0)
    assert main(["audit", "verify", "--json", "--data-dir", str(folder)]) == 1
    said = capsys.readouterr()
    facts = json.loads(said.out)
    assert (facts["code"], said.err) == ("crashed", "")
    reference = facts["message"].rsplit(" ", 1)[1]
    assert reference in (folder / "logs" / "clinicdesk.log").read_text()
    assert "ZeroDivisionError" in (folder / "logs" / "clinicdesk.log").read_text()


def test_ctrl_c_stops_with_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hesitant:
        """Somebody who presses Ctrl+C instead of typing the password."""

        def readline(self) -> str:
            signal.raise_signal(signal.SIGINT)
            return ""

    monkeypatch.setattr(sys, "stdin", Hesitant())
    words = ["users", "add", "--role", "nurse", "--email", "n@example.org", "--password-stdin"]
    assert main([*words, "--json", "--data-dir", str(folder)]) == 130
    assert json.loads(capsys.readouterr().out)["code"] == "interrupted"
    assert verbs(folder) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_reader_that_stopped_reading_gets_no_trace(folder: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "clinicdesk.cli", "check", "--data-dir", folder],
        stdout=write, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8:surrogateescape"])
def test_a_password_that_is_no_text_gets_a_sentence(folder: Path, encoding: str) -> None:
    words = ["users", "add", "--role", "nurse", "--email", "n@example.org", "--password-stdin", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "clinicdesk.cli", *words, "--data-dir", folder],
        input=b"seven quiet b\xf6ats at dawn\n", capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding},
    )  # fmt: skip
    assert (done.returncode, json.loads(done.stdout)["code"], done.stderr) == (1, "stdin_not_utf8", b"")


@pytest.mark.skipif(sys.platform != "linux", reason="only there may a file's name be no text")
def test_a_name_that_the_terminal_cannot_show_is_shown_as_well_as_can_be(folder: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "clinicdesk.cli", "backup", os.fsencode(tmp_path) + b"/b\xf6x.db", "--data-dir", folder],
        capture_output=True, text=True, env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "b\\udcf6x.db" in done.stdout


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        with pytest.raises(SystemExit) as done:
            main([*command.name.split(), "--help"])
        assert done.value.code == 0
        assert f"usage: clinicdesk {command.name}" in capsys.readouterr().out


def test_only_the_desk_loads_qt(folder: Path) -> None:
    code = f"import sys; from clinicdesk.cli import main; main(['check', '--data-dir', {str(folder)!r}]); "
    asked = subprocess.run([sys.executable, "-c", code + "assert 'PySide6' not in sys.modules"], capture_output=True)
    assert asked.returncode == 0
