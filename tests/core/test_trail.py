"""Whatever is done to the audit trail behind the program's back, `clinicdesk audit verify` finds it and names it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clinicdesk.core import keys, trail
from clinicdesk.core.database import bare_connection, derive_key
from clinicdesk.core.errors import Unavailable
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor
from clinicdesk.features.practitioners.schemas import SaveSite
from clinicdesk.features.practitioners.service import save_site
from clinicdesk.opening import open_clinic
from tests.core.conftest import Run, add_entries

ENTRIES = 12
COLUMNS = ", ".join(trail.CHAINED)
Hack = Callable[[Any, bytes], None]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clinic whose trail has twelve entries; closed, so its last checkpoint knows all of them."""
    place = tmp_path_factory.mktemp("grown") / "clinic"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLINICDESK_KEYRING", "off")
        with open_clinic(place) as clinic:
            add_entries(clinic, Actor(None, Role.OPERATOR, "operator", "command line"), ENTRIES)
    return place


@pytest.fixture
def folder(grown: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(grown, tmp_path / "clinic"))


def tamper(folder: Path, hack: Hack) -> None:
    """Do something to the trail as one who has the key, knows the format, and takes the triggers away first."""
    key = keys.load(folder).secret
    connection = bare_connection(folder / "clinic.db", key)
    triggers = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    for name in triggers:
        if name.startswith("audit_entry"):
            connection.execute(f"DROP TRIGGER {name}")
    hack(connection, derive_key(key, "audit"))
    connection.close()


def rewrite(connection: Any, audit_key: bytes, seal: bool = True) -> None:
    """Give every entry the hash that fits it, in order, and seal the end."""
    root = trail.GENESIS
    seq = 0
    for entry in connection.execute(f"SELECT {COLUMNS} FROM audit_entry ORDER BY seq").fetchall():
        seq, root = entry[0], trail.link(root, trail.body(entry))
        connection.execute("UPDATE audit_entry SET hash = ? WHERE seq = ?", (root, seq))
    if seal:
        set_seal(connection, seq, root, trail.seal(audit_key, seq, root))


def set_seal(connection: Any, seq: int, root: bytes, mac: bytes) -> None:
    connection.execute("UPDATE audit_head SET seq = ?, hash = ?, mac = ?", (seq, root, mac))


def root_at(connection: Any, seq: int) -> bytes:
    [root] = connection.execute("SELECT hash FROM audit_entry WHERE seq = ?", (seq,)).fetchone()
    return bytes(root)


def edit(c: Any, _key: bytes) -> None:
    c.execute("UPDATE audit_entry SET actor_name = 'somebody else' WHERE seq = 5")


def edit_hash(c: Any, _key: bytes) -> None:
    c.execute("UPDATE audit_entry SET hash = zeroblob(32) WHERE seq = 5")


def delete(c: Any, _key: bytes) -> None:
    c.execute("DELETE FROM audit_entry WHERE seq = 5")


def delete_the_first(c: Any, _key: bytes) -> None:
    c.execute("DELETE FROM audit_entry WHERE seq = 1")


def reorder(c: Any, _key: bytes) -> None:
    for before, after in ((5, 99), (8, 5), (99, 8)):
        c.execute("UPDATE audit_entry SET seq = ? WHERE seq = ?", (after, before))


def insert_between(c: Any, _key: bytes) -> None:
    c.execute("UPDATE audit_entry SET seq = seq + 1000 WHERE seq >= 5")
    c.execute("UPDATE audit_entry SET seq = seq - 999 WHERE seq >= 1000")
    c.execute(
        f"INSERT INTO audit_entry ({COLUMNS}, hash) SELECT 5, {COLUMNS.partition(', ')[2]}, hash FROM audit_entry WHERE seq = 4"
    )


def insert_at_the_end(c: Any, _key: bytes) -> None:
    entry = (ENTRIES + 1, *c.execute(f"SELECT {COLUMNS} FROM audit_entry WHERE seq = 4").fetchone()[1:])
    marks = ", ".join("?" * (len(entry) + 1))
    root = trail.link(root_at(c, ENTRIES), trail.body(entry))
    c.execute(f"INSERT INTO audit_entry ({COLUMNS}, hash) VALUES ({marks})", (*entry, root))


def cut(c: Any, _key: bytes) -> None:
    c.execute("DELETE FROM audit_entry WHERE seq > 9")


def empty(c: Any, _key: bytes) -> None:
    c.execute("DELETE FROM audit_entry")
    c.execute("DELETE FROM audit_head")


def cut_and_bring_back_an_older_seal(c: Any, key: bytes) -> None:
    root = root_at(c, 9)
    cut(c, key)
    set_seal(c, 9, root, trail.seal(key, 9, root))  # as it was when the trail ended there


def bring_back_an_older_seal(c: Any, key: bytes) -> None:
    root = root_at(c, 9)
    set_seal(c, 9, root, trail.seal(key, 9, root))


def forge_the_seal(c: Any, _key: bytes) -> None:
    root = root_at(c, 9)
    c.execute("DELETE FROM audit_entry WHERE seq > 9")
    set_seal(c, 9, root, bytes(32))


def write_the_whole_chain_anew(c: Any, key: bytes) -> None:
    edit(c, key)
    rewrite(c, key)


@pytest.mark.parametrize(
    ("hack", "problem", "first_bad"),
    [
        (edit, "edited", 5),
        (edit_hash, "edited", 5),
        (delete, "missing", 5),
        (delete_the_first, "missing", 1),
        (reorder, "edited", 5),
        (insert_between, "edited", 5),
        (insert_at_the_end, "added", ENTRIES + 1),
        (cut, "cut", 10),
        (empty, "cut", 1),
        (cut_and_bring_back_an_older_seal, "cut", 10),
        (bring_back_an_older_seal, "added", 10),
        (forge_the_seal, "head", 9),
        (write_the_whole_chain_anew, "checkpoint", ENTRIES),
    ],
)
def test_tampering_is_found_and_named(folder: Path, clinicdesk: Run, hack: Hack, problem: str, first_bad: int) -> None:
    tamper(folder, hack)
    said = clinicdesk("audit", "verify", "--json", "--data-dir", folder)
    assert said.code == 1
    facts = said.json
    assert (facts["ok"], facts["problem"], facts["first_bad"]) == (False, problem, first_bad)
    assert facts["message"]
    assert facts["since"] is None if first_bad == 1 else facts["since"]


def test_a_trail_that_was_wiped_out_with_all_its_seals_is_missed_by_the_history(
    folder: Path, operator: Actor, clinicdesk: Run
) -> None:
    with open_clinic(folder) as clinic, clinic.database.write(operator) as tx:
        save_site(tx, SaveSite("Harbour Street"))
    tamper(folder, empty)
    (folder / "audit-checkpoints.jsonl").unlink()
    facts = clinicdesk("audit", "verify", "--json", "--data-dir", folder).json
    assert (facts["ok"], facts["problem"], facts["first_bad"]) == (False, "cut", 1)


def test_a_whole_trail_is_said_to_be_whole(folder: Path, clinicdesk: Run) -> None:
    said = clinicdesk("audit", "verify", "--json", "--data-dir", folder)
    assert (said.code, said.json["ok"], said.json["entries"]) == (0, True, ENTRIES)
    assert clinicdesk("audit", "verify", "--json", "--data-dir", folder).json["entries"] == ENTRIES + 1, "it is audited"


def test_what_was_done_to_the_history_is_said_and_since_when(folder: Path, clinicdesk: Run, operator: Actor) -> None:
    with open_clinic(folder) as clinic:
        for name in ("Harbour", "Hill"):
            with clinic.database.write(operator) as tx:
                save_site(tx, SaveSite(name))
    facts = clinicdesk("audit", "verify", "--json", "--data-dir", folder).json
    assert (facts["ok"], facts["history"]["rows"], facts["history"]["not_bound"]) == (True, 2, 0)

    def edit_a_value(c: Any, _key: bytes) -> None:
        c.execute("DROP TRIGGER history_entry_refuses_update")
        c.execute("UPDATE history_entry SET new = replace(new, 'Hill', 'Hall')")

    tamper(folder, edit_a_value)
    said = clinicdesk("audit", "verify", "--json", "--data-dir", folder)
    facts = said.json
    assert (said.code, facts["code"], facts["problem"]) == (1, "history_differs", "history")
    assert (facts["history"]["edited"], facts["first_bad"], bool(facts["since"])) == (1, ENTRIES + 2, True)
    assert "Rows: 1 edited. The first of them belongs to entry 14, made at" in facts["message"]


@pytest.mark.parametrize("hack", [cut, forge_the_seal])
def test_a_broken_end_is_left_as_it_was_found(folder: Path, clinicdesk: Run, hack: Hack) -> None:
    tamper(folder, hack)
    first, second = (clinicdesk("audit", "verify", "--json", "--data-dir", folder).json for _ in range(2))
    assert first == second


def test_a_trail_that_was_cut_and_went_on_still_contradicts_its_checkpoint(
    folder: Path, clinicdesk: Run, operator: Actor
) -> None:
    tamper(folder, cut_and_bring_back_an_older_seal)
    with open_clinic(folder) as clinic:
        assert "audit_trail_differs" in clinic.warnings, "told at the next start, without a walk over the whole trail"
        add_entries(clinic, operator, 10)
    facts = clinicdesk("audit", "verify", "--json", "--data-dir", folder).json
    assert (facts["problem"], facts["first_bad"]) == ("checkpoint", ENTRIES)


@pytest.mark.parametrize("hack", [insert_at_the_end, forge_the_seal])
def test_an_end_that_is_not_ours_takes_no_entry_that_would_hide_it(folder: Path, operator: Actor, hack: Hack) -> None:
    tamper(folder, hack)
    with open_clinic(folder) as clinic, pytest.raises(Unavailable) as error:
        add_entries(clinic, operator, 1)
    assert error.value.reason == "audit_trail_broken"


def test_a_damaged_checkpoint_is_counted_and_the_others_still_hold(folder: Path, clinicdesk: Run) -> None:
    file = folder / "audit-checkpoints.jsonl"
    whole = file.read_bytes()
    forged = whole.replace(b'"entries": 12', b'"entries": 11')
    file.write_bytes(b"\x00\xff not a line\n" + forged + whole + whole[:40])
    facts = clinicdesk("audit", "verify", "--json", "--data-dir", folder).json
    assert (facts["ok"], facts["checkpoints"], facts["damaged_checkpoints"]) == (True, 1, 3)
    facts = clinicdesk("audit", "verify", "--json", "--data-dir", folder).json
    assert (facts["checkpoints"], facts["damaged_checkpoints"]) == (2, 3), "a torn line takes no later one with it"
    tamper(folder, write_the_whole_chain_anew)
    assert clinicdesk("audit", "verify", "--json", "--data-dir", folder).json["problem"] == "checkpoint"


def test_a_checkpoint_is_left_at_most_every_hour(tmp_path: Path, operator: Actor) -> None:
    now = [datetime(2026, 11, 23, 9, tzinfo=UTC)]
    with open_clinic(tmp_path, clock=lambda: now[0]) as clinic:

        def checkpoints() -> int:
            return len(clinic.checkpoints.known().roots)

        assert checkpoints() == 0
        now[0] += timedelta(minutes=59)
        add_entries(clinic, operator, 1)
        assert checkpoints() == 0
        now[0] += timedelta(minutes=2)
        with clinic.database.write(operator) as tx:
            save_site(tx, SaveSite("Harbour"))
        assert checkpoints() == 1
        with clinic.database.write(operator) as tx:
            save_site(tx, SaveSite("Hill"))
        assert checkpoints() == 1
    assert len((tmp_path / "audit-checkpoints.jsonl").read_bytes().splitlines()) == 2
