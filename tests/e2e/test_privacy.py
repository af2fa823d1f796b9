"""After a session in which names were typed and booked, none of them stands on the disk or in a window's title."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinicdesk.core.crash import log_crash
from clinicdesk.core.logs import start_logging, stop_logging
from tests.e2e.conftest import Front, Watch

REASON = "Chest pain since Tuesday"


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the database and preferences, which has the logs and all temporary and configuration files as well."""
    for variable, name in (("TMPDIR", "tmp"), ("XDG_CONFIG_HOME", "config"), ("XDG_CACHE_HOME", "cache")):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.setenv(variable, str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    start_logging(tmp_path)
    yield tmp_path
    stop_logging()


def found_in(folder: Path, words: list[str]) -> list[tuple[str, str]]:
    """Which words stand in which files, however they are written: UTF-8 or UTF-16, in capitals or not."""
    return [
        (file.name, word)
        for file in sorted(path for path in folder.rglob("*") if path.is_file())
        for word in words
        if word.lower() in file.name.lower() or is_in(file.read_bytes().lower(), word.lower())
    ]


def is_in(content: bytes, word: str) -> bool:
    return any(word.encode(code) in content for code in ("utf-8", "utf-16-le", "utf-16-be"))


def test_no_name_is_left_in_files_or_titles(private: Path, front: Front, watch: Watch) -> None:
    hands, words = front.hands, ["Jordan", "Smith", "Osei", "07700900418", REASON]
    hands.press("/")
    hands.type("jordan smith")
    hands.press("Return", "Ctrl+1", "T", "N")
    hands.type("smith")
    hands.press("Return", "Shift+Tab", "Shift+Tab")
    hands.type(REASON)
    hands.press("Return")
    assert [visit.reason for visit in front.visits(front.smith)] == [REASON]
    hands.press("C", "Ctrl+Z", "Ctrl+K")
    hands.type("osei lee tue")
    hands.press("Return")
    assert front.visits(front.osei)
    log_crash(ValueError("Jordan Smith cannot be booked"))
    hands.press("Ctrl+2", "Ctrl+3", "Ctrl+L")

    assert {file.name for file in private.rglob("*") if file.stat().st_size} >= {"clinic.db", "clinic.db-wal"}
    assert found_in(private, words) == []
    front.window.close()
    front.db.engine.dispose()
    assert (private / "preferences.ini").exists()
    assert found_in(private, words) == []
    assert watch.titles
    assert [title for title in watch.titles if any(word in title for word in words)] == []


def test_the_search_would_find_a_name(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("SMITH", encoding="utf-16-le")
    (tmp_path / "jordan.txt").touch()

    assert found_in(tmp_path, ["Smith", "Jordan"]) == [("jordan.txt", "Jordan"), ("plain.txt", "Smith")]
