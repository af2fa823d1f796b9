"""The commands for import and export: one object as JSON, exit codes, words for people, and files for one's own eyes."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clinicdesk.cli import main

FEBRL = """\
rec_id, given_name, surname, street_number, address_1, address_2, suburb, postcode, state, date_of_birth, soc_sec_id
rec-1, lachlan, berry, 69, giblin street, killarney, bittern, 4814, qld, 19990219, 7364009
rec-2, , waller, 6, tullaroop street, , st james, 4011, wa, , 6988048
"""


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.out)
        return facts


Run = Callable[..., Said]


@pytest.fixture
def clinicdesk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("CLINICDESK_KEYRING", "off")

    def run(*words: str | Path) -> Said:
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


def test_the_commands_print_one_object_and_keep_the_export_private(tmp_path: Path, clinicdesk: Run) -> None:
    place, file, out = tmp_path / "clinic", tmp_path / "people.csv", tmp_path / "out.csv"
    file.write_text(FEBRL)
    words = ("--data-dir", place, "--json")
    tried = clinicdesk("import", "patients", file, "--dry-run", *words)
    assert (tried.code, tried.json["created"], tried.json["dry_run"], tried.err) == (0, {"patient": 2}, True, "")
    done = clinicdesk("import", "patients", file, "--map", "suburb=ignore", *words)
    assert (done.json["created"], done.json["mapping"]["suburb"]) == ({"patient": 2}, "ignore")
    written = clinicdesk("export", "patients", out, *words)
    assert (written.code, written.json["patients"]) == (0, 2)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert clinicdesk("export", "patients", out, *words).json["code"] == "file_exists"
    fhir = tmp_path / "one.json"
    fhir.write_text('{"resourceType": "Patient", "id": "1", "name": [{"family": "Kim"}]}')
    taken = clinicdesk("import", "fhir", fhir, *words)
    assert set(taken.json) >= {"files", "created", "updated", "unchanged", "left_out", "errors"}
    assert (taken.code, taken.json["created"], taken.json["errors"]) == (0, {"patient": 1}, [])
    fhir.write_text("{}")
    refused = clinicdesk("import", "fhir", fhir, *words)
    assert (refused.code, refused.json["errors"]) == (
        1, [{"file": "one.json", "position": "", "reason": "This is not a FHIR resource."}]
    )  # fmt: skip


def test_in_words_every_record_that_was_not_taken_is_told(tmp_path: Path, clinicdesk: Run) -> None:
    bundle = tmp_path / "b.json"
    patients: list[dict[str, Any]] = [{"id": "1", "name": [{"family": "Kim"}]}, {"id": "2"}]
    entries = [{"resource": {"resourceType": "Patient", **patient}} for patient in patients]
    bundle.write_text(json.dumps({"resourceType": "Bundle", "entry": entries}))
    said = clinicdesk("import", "fhir", bundle, "--data-dir", tmp_path / "clinic")
    assert (said.code, said.out.splitlines()) == (
        0, ["1 files.", "New: patient 1.", "Not taken: 1.", "  b.json entry[1]: It has no name."]
    )  # fmt: skip


def test_a_mapping_without_a_field_is_wrong_use(tmp_path: Path, clinicdesk: Run) -> None:
    said = clinicdesk("import", "patients", tmp_path / "x.csv", "--map", "suburb", "--json")
    assert (said.code, said.json["code"]) == (2, "wrong_use")
