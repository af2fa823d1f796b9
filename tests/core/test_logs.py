"""The log: lines that a program can read, where errors came from but never their words, and no say in whether work goes on."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
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


WRITES = """
import logging, sys
from pathlib import Path
from clinicdesk.core import logs
logs.start_logging(Path(sys.argv[1]), most_bytes=20_000, kept=1000)
log = logging.getLogger("clinicdesk.test")
for number in range(int(sys.argv[2])):
    log.info("line %d %s", number, "x" * (number % 700))
print("done", flush=True)
"""


def written(folder: Path) -> list[dict[str, object]]:
    """Every line of every file, the oldest file first."""
    files = sorted((folder / "logs").iterdir(), key=lambda file: -int(file.suffix[1:]) if file.suffix != ".log" else 1)
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def test_processes_write_one_log_whole_lines_at_a_time_and_none_is_lost_when_it_is_rotated(tmp_path: Path) -> None:
    count = 400
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITES, tmp_path, str(count)], stdout=subprocess.PIPE) for _ in range(4)
    ]
    killed = subprocess.Popen([sys.executable, "-c", WRITES, tmp_path, "1000000"], stdout=subprocess.PIPE)
    while not (tmp_path / "logs" / "clinicdesk.log.2").exists():
        assert killed.poll() is None
    killed.kill()
    killed.communicate()
    assert [writer.communicate()[0] for writer in writers] == [b"done\n"] * 4
    lines = written(tmp_path)
    assert len(list((tmp_path / "logs").iterdir())) > 10
    for writer in writers:
        numbers = [str(line["message"]).split()[1] for line in lines if line["process"] == writer.pid]
        assert numbers == [str(number) for number in range(count)], "all of them, and in order"
