"""The log: lines that a program can read, where errors came from but never their words, and no say in whether work goes on."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinicdesk.core import logs
from clinicdesk.core.crash import log_crash
from clinicdesk.core.errors import Conflict

log = logging.getLogger("clinicdesk.test")


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    logs.stop_logging()


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "logs" / "clinicdesk.log").read_text("utf-8").splitlines()]


def test_a_line_is_one_object(tmp_path: Path) -> None:
    logs.start_logging(tmp_path)
    log.warning("two\nlines of %s", "text")
    [line] = lines(tmp_path)
    assert (line["level"], line["logger"], line["message"]) == ("warning", "clinicdesk.test", "two\nlines of text")


def test_an_error_is_told_by_types_and_places_and_not_by_its_words(tmp_path: Path) -> None:
    logs.start_logging(tmp_path)
    try:
        try:
            raise ValueError("Zwanzigmeerschweinchen")
        except ValueError as error:
            raise Conflict("slot_taken", patient="Zwanzigmeerschweinchen") from error
    except Conflict as error:
        log.exception("a booking failed")
        reference = log_crash(error)
    text = (tmp_path / "logs" / "clinicdesk.log").read_text()
    assert "Zwanzigmeerschweinchen" not in text
    assert reference in text
    chain = lines(tmp_path)[0]["error"]
    assert isinstance(chain, list)
    assert [link["type"] for link in chain] == ["Conflict", "ValueError"]
    assert "test_logs.py" in chain[1]["at"][0]


def test_messages_of_others_are_not_kept(tmp_path: Path) -> None:
    logs.start_logging(tmp_path)
    logging.getLogger("some.library").error("Zwanzigmeerschweinchen")
    log.info("ours")
    assert [line["message"] for line in lines(tmp_path)] == ["ours"]


def test_a_log_is_rotated_and_only_so_much_of_it_kept(tmp_path: Path) -> None:
    logs.start_logging(tmp_path, most_bytes=500)
    for number in range(100):
        log.info("line %d", number)
    kept = sorted(file.name for file in (tmp_path / "logs").iterdir())
    assert kept == ["clinicdesk.log", *(f"clinicdesk.log.{number}" for number in range(1, 6))]
    assert all(file.stat().st_mode & 0o077 == 0 for file in (tmp_path / "logs").iterdir())


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.start_logging(tmp_path)
    shutil.rmtree(tmp_path / "logs")
    log.error("nobody reads this")
    assert capsys.readouterr().err == ""
