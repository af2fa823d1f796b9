"""Backups: whole, encrypted, made while the desk is open; and put back without losing what was there."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from clinicdesk.core import backup, keys
from clinicdesk.core.errors import ClinicError
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor
from clinicdesk.features.practitioners.schemas import SaveSite
from clinicdesk.features.practitioners.service import save_site
from clinicdesk.opening import OpenClinic, open_clinic, restore_clinic
from tests.core.conftest import add_entries


def add_site(clinic: OpenClinic, operator: Actor, name: str) -> None:
    with clinic.database.write(operator) as tx:
        save_site(tx, SaveSite(name))


def sites(clinic: OpenClinic) -> list[str]:
    with clinic.database.engine.connect() as connection:
        return list(connection.scalars(text("SELECT name FROM site ORDER BY name")))


def verbs(clinic: OpenClinic) -> list[str]:
    with clinic.database.engine.connect() as connection:
        return list(connection.scalars(text("SELECT verb FROM audit_entry ORDER BY seq")))


def refused(folder: Path, source: Path, operator: Actor, recovery_key: str | None = None) -> str:
    with pytest.raises(ClinicError) as error:
        restore_clinic(folder, source, operator, recovery_key=recovery_key)
    return error.value.reason


@pytest.fixture
def copy(folder: Path, operator: Actor) -> Path:
    """A backup of a clinic with one site, which has another one since."""
    with open_clinic(folder) as clinic:
        add_site(clinic, operator, "Harbour")
        made = clinic.back_up(operator)
        add_site(clinic, operator, "Hill")
    return made.file


def test_a_backup_is_put_back_and_what_was_there_is_kept(folder: Path, copy: Path, operator: Actor) -> None:
    done = restore_clinic(folder, copy, operator)
    with open_clinic(folder) as clinic:
        assert sites(clinic) == ["Harbour"]
        assert verbs(clinic)[-2:] == ["upkeep.back_up", "upkeep.restore"], "the copy has the entry of its own making"
        assert clinic.warnings == ("key_in_file",), "the checkpoints of the trail begin anew"
    assert done.aside
    shutil.copy(folder / "key.json", done.aside)
    with open_clinic(done.aside) as clinic:
        assert sites(clinic) == ["Harbour", "Hill"]


def test_a_backup_is_one_encrypted_file_and_carries_no_plain_text(copy: Path) -> None:
    content = copy.read_bytes()
    assert b"Harbour" not in content
    assert not content.startswith(b"SQLite")
    assert [file.name for file in copy.parent.iterdir()] == [copy.name]


def test_a_backup_made_while_others_write_is_one_state_of_the_clinic(folder: Path, operator: Actor) -> None:
    with open_clinic(folder) as clinic:
        stop = threading.Event()

        def write() -> None:
            while not stop.is_set():
                add_entries(clinic, operator, 1)

        writer = threading.Thread(target=write)
        writer.start()
        copies = [clinic.back_up(operator) for _ in range(5)]
        stop.set()
        writer.join()
        lengths = [backup.inspect(made.file, keys.load(folder)).entries for made in copies]
    assert lengths == sorted(lengths)
    assert [made.entries for made in copies] == lengths


def test_a_named_file_is_never_written_over(folder: Path, tmp_path: Path, operator: Actor) -> None:
    mine = tmp_path / "mine.db"
    mine.write_bytes(b"mine")
    with open_clinic(folder) as clinic, pytest.raises(ClinicError) as error:
        clinic.back_up(operator, mine)
    assert (error.value.reason, mine.read_bytes()) == ("backup_exists", b"mine")
    with open_clinic(folder) as clinic:
        assert clinic.back_up(operator, tmp_path / "other.db").file.exists()


def test_a_place_that_does_not_exist_is_told_in_a_sentence(folder: Path, tmp_path: Path, operator: Actor) -> None:
    with open_clinic(folder) as clinic, pytest.raises(ClinicError) as error:
        clinic.back_up(operator, tmp_path / "no" / "such" / "folder.db")
    assert error.value.reason == "path_missing"


def test_the_newest_thirty_are_kept_and_those_of_upgrades(folder: Path, operator: Actor) -> None:
    place = folder / "backups"
    place.mkdir()
    for number in range(35):
        (place / f"clinic-20200101T0000{number:02}000000Z.db").touch()
    (place / "before-0002-20200101T000000000000Z.db").touch()
    with open_clinic(folder) as clinic:
        newest = clinic.back_up(operator).file
    assert backup.kept(folder)[0] == newest
    assert len(backup.kept(folder)) == 30
    assert (place / "before-0002-20200101T000000000000Z.db").exists()


def test_only_who_may_keep_the_data_may_copy_it_or_put_it_back(folder: Path, copy: Path) -> None:
    nobody = Actor(None, Role.NOBODY)
    with open_clinic(folder) as clinic, pytest.raises(ClinicError) as error:
        clinic.back_up(nobody)
    assert error.value.reason == "not_permitted"
    with open_clinic(folder) as clinic, pytest.raises(ClinicError) as error:
        clinic.recovery_key(nobody)
    assert error.value.reason == "not_permitted"
    assert refused(folder, copy, nobody) == "not_permitted"
    assert len(backup.kept(folder)) == 1


def test_nothing_is_put_in_the_place_of_a_database_that_is_in_use(folder: Path, copy: Path, operator: Actor) -> None:
    with open_clinic(folder) as clinic:
        assert refused(folder, copy, operator) == "database_in_use"
        assert sites(clinic) == ["Harbour", "Hill"]


@pytest.mark.parametrize("damage", ["middle", "short", "empty", "text"])
def test_a_damaged_backup_changes_nothing(folder: Path, copy: Path, operator: Actor, damage: str) -> None:
    whole, intact = bytearray(copy.read_bytes()), copy.read_bytes()
    if damage == "middle":
        whole[len(whole) // 2 : len(whole) // 2 + 64] = os.urandom(64)
    damaged: dict[str, bytes] = {
        "middle": bytes(whole),
        "short": intact[:-8192],
        "empty": b"",
        "text": b"hello " * 2000,
    }
    copy.write_bytes(damaged[damage])
    before = (folder / "clinic.db").read_bytes()
    assert refused(folder, copy, operator) in {"backup_damaged", "backup_other_key"}
    assert (folder / "clinic.db").read_bytes() == before
    assert [file.name for file in folder.iterdir() if "partial" in file.name] == []
    assert not (folder / "set-aside").exists()


def test_a_file_that_is_not_there_is_said_so(folder: Path, tmp_path: Path, operator: Actor) -> None:
    assert refused(folder, tmp_path / "nothing.db", operator) == "backup_missing"


def test_a_damaged_database_is_replaced_by_its_backup(folder: Path, copy: Path, operator: Actor) -> None:
    (folder / "clinic.db").write_bytes(os.urandom(20_000))
    (folder / "clinic.db-wal").write_bytes(os.urandom(5_000))
    restore_clinic(folder, copy, operator)
    with open_clinic(folder) as clinic:
        assert sites(clinic) == ["Harbour"]


def test_a_backup_of_another_machine_needs_its_recovery_key(
    folder: Path, copy: Path, tmp_path: Path, operator: Actor
) -> None:
    with open_clinic(folder) as clinic:
        recovery_key = clinic.recovery_key(operator)
        assert verbs(clinic)[-1] == "upkeep.show_recovery_key"
    new = tmp_path / "new machine"
    assert refused(new, copy, operator) == "key_missing"
    assert refused(new, copy, operator, "00" * 32) == "backup_other_key"
    assert refused(new, copy, operator, "my key") == "recovery_key_malformed"
    assert not keys.is_kept(new)
    restore_clinic(new, copy, operator, recovery_key=recovery_key)
    with open_clinic(new) as clinic:
        assert sites(clinic) == ["Harbour"]


def test_a_backup_under_another_key_takes_the_place_of_a_clinic_only_with_its_recovery_key(
    folder: Path, copy: Path, tmp_path: Path, operator: Actor
) -> None:
    recovery_key = keys.to_recovery_key(keys.load(folder).secret)
    other = tmp_path / "other"
    with open_clinic(other) as clinic:
        add_entries(clinic, operator, 1)
    assert refused(other, copy, operator) == "backup_other_key"
    done = restore_clinic(other, copy, operator, recovery_key=recovery_key)
    with open_clinic(other) as clinic:
        assert sites(clinic) == ["Harbour"]
    assert done.aside
    with open_clinic(done.aside) as clinic:
        assert verbs(clinic) == ["upkeep.check"], "the old clinic lies aside with its own key"
