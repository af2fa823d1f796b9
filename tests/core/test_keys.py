"""The key: who keeps it, that it comes back, and that no new one is ever made over data that has one."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend

from clinicdesk.core import keys
from clinicdesk.core.errors import ClinicError, InvalidInput, Unavailable
from clinicdesk.core.keys import Keeper


class Drawer(KeyringBackend):
    """A keyring in memory, which can be out of order."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}
        self.broken = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.broken:
            raise RuntimeError("out of order")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.broken:
            raise RuntimeError("out of order")
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.broken:
            raise RuntimeError("out of order")
        del self.entries[service, username]


@pytest.fixture
def drawer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Drawer]:
    monkeypatch.setenv("CLINICDESK_KEYRING", "on")
    before = keyring.get_keyring()
    drawer = Drawer()
    keyring.set_keyring(drawer)
    yield drawer
    keyring.set_keyring(before)


def reason(error: pytest.ExceptionInfo[ClinicError]) -> str:
    return error.value.reason


def test_the_keyring_keeps_the_key_and_the_folder_does_not(tmp_path: Path, drawer: Drawer) -> None:
    made = keys.create(tmp_path)
    assert made.keeper is Keeper.KEYRING
    assert made.warnings == ()
    assert keys.load(tmp_path).secret == made.secret
    assert [service for service, _ in drawer.entries] == ["clinicdesk"]
    assert made.secret.hex() not in (tmp_path / "key.json").read_text()


def test_two_folders_have_two_entries(tmp_path: Path, drawer: Drawer) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    made = [keys.create(folder).secret for folder in folders]
    assert made[0] != made[1]
    assert [keys.load(folder).secret for folder in folders] == made


def test_a_keyring_that_fails_is_replaced_by_a_private_file_and_a_warning(tmp_path: Path, drawer: Drawer) -> None:
    drawer.broken = True
    made = keys.create(tmp_path)
    assert (made.keeper, made.warnings) == (Keeper.FILE, ("key_in_file",))
    assert keys.load(tmp_path).secret == made.secret


def test_a_keyring_that_keeps_plain_text_is_not_used(tmp_path: Path, drawer: Drawer) -> None:
    drawer.priority = 0.5  # type: ignore[assignment]
    assert keys.create(tmp_path).keeper is Keeper.FILE


def test_a_keyring_that_is_out_of_order_is_told_apart_from_a_lost_key(tmp_path: Path, drawer: Drawer) -> None:
    keys.create(tmp_path)
    drawer.broken = True
    with pytest.raises(Unavailable) as error:
        keys.load(tmp_path)
    assert reason(error) == "keyring_unavailable"
    drawer.broken = False
    drawer.entries.clear()
    with pytest.raises(Unavailable) as error:
        keys.load(tmp_path)
    assert reason(error) == "key_missing"


def test_a_keyring_that_waits_for_ever_does_not_hold_up_the_program(
    tmp_path: Path, drawer: Drawer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    gate = threading.Event()
    monkeypatch.setattr(keys, "_KEYRING_SECONDS", 0.01)
    monkeypatch.setattr(Drawer, "set_password", lambda *_: gate.wait())
    assert keys.create(tmp_path).keeper is Keeper.FILE
    gate.set()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_only_the_owner_can_read_what_leads_to_the_key(tmp_path: Path) -> None:
    keys.create(tmp_path)
    assert stat.S_IMODE((tmp_path / "key.json").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["key.json"]


def test_a_chosen_passphrase_is_used_even_where_there_is_a_keyring(tmp_path: Path, drawer: Drawer) -> None:
    made = keys.create(tmp_path, "the harbour at noon")
    assert (made.keeper, made.warnings, drawer.entries) == (Keeper.PASSPHRASE, (), {})
    assert made.secret.hex() not in (tmp_path / "key.json").read_text()


def test_a_passphrase_opens_and_another_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = keys.create(tmp_path, "Straße am Ufer")
    assert keys.load(tmp_path, "Straße am Ufer").secret == made.secret
    with pytest.raises(Unavailable) as error:
        keys.load(tmp_path)
    assert reason(error) == "passphrase_needed"
    with pytest.raises(Unavailable) as error:
        keys.load(tmp_path, "strasse am ufer")
    assert reason(error) == "wrong_passphrase"
    monkeypatch.setenv("CLINICDESK_PASSPHRASE", "Straße am Ufer")
    assert keys.load(tmp_path).secret == made.secret


def test_a_passphrase_is_the_same_however_a_keyboard_composes_it(tmp_path: Path) -> None:
    made = keys.create(tmp_path, "Zo\u00eb am Ufer")
    assert keys.load(tmp_path, "Zoe\u0308 am Ufer").secret == made.secret


@pytest.mark.parametrize(
    "content",
    [b"", b"not json", b"[]", b"{}", b'{"keeper": "moon", "encrypted": true}', b'{"keeper": "file", "encrypted": true}',
     b'{"keeper": "file", "encrypted": true, "key": "abcd"}', b'{"keeper": "file", "encrypted": true, "key": 7}'],
)  # fmt: skip
def test_a_damaged_descriptor_is_said_to_be_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key.json").write_bytes(content)
    with pytest.raises(Unavailable) as error:
        keys.load(tmp_path)
    assert reason(error) == "key_damaged"


def test_without_a_descriptor_the_key_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as error:
        keys.load(tmp_path)
    assert reason(error) == "key_missing"


def test_encryption_is_off_only_by_an_explicit_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINICDESK_ENCRYPTION", "off")
    assert keys.create(tmp_path).warnings == ("not_encrypted",)
    monkeypatch.delenv("CLINICDESK_ENCRYPTION")
    assert not keys.load(tmp_path).encrypted, "a plain database is not suddenly taken for an encrypted one"


def test_a_setting_that_means_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINICDESK_ENCRYPTION", "maybe")
    with pytest.raises(InvalidInput) as error:
        keys.create(tmp_path)
    assert reason(error) == "setting_invalid"
    assert list(tmp_path.iterdir()) == []


def test_a_key_does_not_show_itself(tmp_path: Path) -> None:
    made = keys.create(tmp_path)
    assert made.secret.hex() not in repr(made)
    assert repr(made.secret) not in repr(made)


def test_a_recovery_key_comes_back_as_it_was_written_down(tmp_path: Path) -> None:
    made = keys.create(tmp_path)
    written = keys.to_recovery_key(made.secret)
    assert keys.from_recovery_key(f"  {written.upper().replace('-', ' ')}\n") == made.secret
    for wrong in (written[:-1], "", "x" * 64, written + "00"):
        with pytest.raises(InvalidInput):
            keys.from_recovery_key(wrong)


def test_an_old_descriptor_or_the_new_one_never_a_part(tmp_path: Path) -> None:
    first = keys.create(tmp_path)
    keys.store(tmp_path, keys.entrust(first.secret, "the harbour at noon"))
    assert json.loads((tmp_path / "key.json").read_text())["keeper"] == "passphrase"
    assert keys.load(tmp_path, "the harbour at noon").secret == first.secret
    assert [file.name for file in tmp_path.iterdir()] == ["key.json"]


def test_a_key_can_be_put_under_a_passphrase_later(tmp_path: Path, drawer: Drawer) -> None:
    made = keys.create(tmp_path)
    kept = keys.protect(tmp_path, made, "the harbour at noon")
    assert (kept.secret, kept.keeper, kept.warnings) == (made.secret, Keeper.PASSPHRASE, ())
    assert keys.load(tmp_path, "the harbour at noon") == kept
    assert drawer.entries == {}, "what is under a passphrase must not lie in the keyring too"
    keys.protect(tmp_path, kept, "the harbour at night")
    assert keys.load(tmp_path, "the harbour at night").secret == made.secret
    with pytest.raises(Unavailable) as error:
        keys.load(tmp_path, "the harbour at noon")
    assert reason(error) == "wrong_passphrase"


def test_a_passphrase_is_taken_though_the_keyring_does_not_give_up_its_key(tmp_path: Path, drawer: Drawer) -> None:
    made = keys.create(tmp_path)
    drawer.broken = True
    assert keys.protect(tmp_path, made, "the harbour at noon").secret == made.secret
    assert keys.load(tmp_path, "the harbour at noon").secret == made.secret


PROTECT = """
import sys
from pathlib import Path
from clinicdesk.core import keys
folder = Path(sys.argv[1])
key = keys.load(folder, "passphrase 0")
for turn in range(1, 1000):
    keys.protect(folder, key, f"passphrase {turn % 2}")
    print(turn, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such end of a process on Windows")
@pytest.mark.parametrize("turns", [1, 2, 5])
def test_a_kill_meanwhile_leaves_one_keeper_or_the_other(tmp_path: Path, turns: int) -> None:
    made = keys.create(tmp_path, "passphrase 0")
    with subprocess.Popen([sys.executable, "-c", PROTECT, tmp_path], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        for _ in range(turns):
            child.stdout.readline()
        child.kill()

    def opened_with(passphrase: str) -> str:
        try:
            return "opened" if keys.load(tmp_path, passphrase).secret == made.secret else "another key"
        except Unavailable as error:
            return error.reason

    assert sorted(map(opened_with, ("passphrase 0", "passphrase 1"))) == ["opened", "wrong_passphrase"]
