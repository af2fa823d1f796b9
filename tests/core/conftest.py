"""What the tests of the core share: no keyring but the one a test brings, and the real command line in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clinicdesk.core import upkeep
from clinicdesk.core.tx import Actor
from clinicdesk.opening import OpenClinic, open_clinic


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINICDESK_KEYRING", "off")
    monkeypatch.delenv("CLINICDESK_PASSPHRASE", raising=False)
    monkeypatch.delenv("CLINICDESK_ENCRYPTION", raising=False)


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
def clinicdesk() -> Run:
    """Runs the command line: `clinicdesk("check", "--json", stdin="")`."""

    def run(*words: str | Path, stdin: str = "") -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "clinicdesk.cli", *map(str, words)], input=stdin, capture_output=True, text=True
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with a clinic in it, closed."""
    place = tmp_path / "clinic"
    open_clinic(place).close()
    return place


def add_entries(clinic: OpenClinic, operator: Actor, count: int) -> None:
    """Let the audit trail grow by so many entries."""
    for _ in range(count):
        with clinic.database.write(operator) as tx:
            upkeep.check(tx)
