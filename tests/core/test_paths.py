"""ClinicDesk finds its own files, and makes a place for the clinic's data that nobody else can read."""

import os
import stat
import sys
from pathlib import Path

import pytest

from clinicdesk.core.errors import Unavailable
from clinicdesk.core.paths import data_dir, migrations_dir, resource_dir


def test_the_migrations_and_resources_are_found() -> None:
    assert (migrations_dir() / "env.py").is_file()
    assert resource_dir().is_dir()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps permissions another way")
def test_a_new_data_folder_is_open_to_its_owner_alone(tmp_path: Path) -> None:
    folder = data_dir(tmp_path / "practice" / "clinic")

    assert folder == tmp_path / "practice" / "clinic"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps permissions another way")
def test_a_folder_that_exists_keeps_its_permissions(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)

    assert data_dir(tmp_path) == tmp_path
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


@pytest.mark.skipif(sys.platform != "linux", reason="the place is the platform's")
def test_without_a_wish_the_data_goes_where_the_platform_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", os.fspath(tmp_path))

    assert data_dir() == tmp_path / "clinicdesk"


def test_a_place_that_cannot_hold_a_folder_is_refused_with_a_code(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unavailable) as refusal:
        data_dir(tmp_path / "file" / "clinic")

    assert refusal.value.reason == "data_dir_unusable"
