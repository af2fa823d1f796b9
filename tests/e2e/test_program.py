"""The program as people start it: a process of its own on a real display, that is called again, killed, and comes back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinicdesk.desktop.tour import STEPS

PATIENCE = 300
"""Seconds after which a process counts as stuck; none takes a tenth of it on a machine that is not busy."""


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A display of our own, of the size of a usual screen."""
    if shutil.which("Xvfb") is None:
        if os.environ.get("CI"):
            pytest.fail("Xvfb is not here")
        pytest.skip("Xvfb is not here")
    ours, theirs = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(theirs), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
        pass_fds=[theirs],
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    try:
        with os.fdopen(ours) as pipe:
            number = pipe.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(PATIENCE)


class Program:
    """Starts clinicdesk on the display, with all its files in one folder."""

    def __init__(self, display: str, folder: Path, temporary: str) -> None:
        self.folder = folder
        self.pictures = folder / "pictures"
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LD_LIBRARY_PATH")}
        places = {name: str(folder / name.lower()) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
        for place in places.values():
            Path(place).mkdir()
        self._environment = {
            **kept,
            **places,
            "TMPDIR": temporary,
            "DISPLAY": display,
            "QT_QPA_PLATFORM": "xcb",
            "LANG": "C.UTF-8",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "clinicdesk.cli", *arguments],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        process = self.start(*arguments)
        said, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, said

    def tour(self) -> tuple[str, ...]:
        """The arguments of a tour of the demo clinic."""
        return ("--demo", "--data-dir", str(self.folder / "clinic"), "--tour", str(self.pictures))

    def verify(self) -> tuple[int, str]:
        """Walk the audit trail of the demo clinic."""
        return self.run("audit", "verify", "--data-dir", str(self.folder / "clinic" / "demo"))


@pytest.fixture
def program(display: str, tmp_path: Path) -> Iterator[Program]:
    with tempfile.TemporaryDirectory(prefix="cd") as short:  # the name of a socket within it has to fit into 108 bytes
        yield Program(display, tmp_path, short)


def wait_for_line(process: subprocess.Popen[str], start: str) -> None:
    """Read what the process says until a line that begins so."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(start):
            return
    pytest.fail(f"the program ended before it said {start!r}")


def test_the_tour_does_the_main_job_and_leaves_a_picture_of_each_step(program: Program) -> None:
    code, said = program.run(*program.tour())

    assert code == 0, said
    wanted = [f"{number:02}-{name}.png" for number, (name, _) in enumerate(STEPS, start=1)]
    assert sorted(picture.name for picture in program.pictures.iterdir()) == wanted
    assert program.verify()[0] == 0


def test_a_second_start_hands_over_to_the_first_and_ends(program: Program) -> None:
    first = program.start(*program.tour())
    try:
        wait_for_line(first, " 2 ")
        assert program.run("--demo", "--data-dir", str(program.folder / "clinic")) == (0, "")
        wait_for_line(first, " 3 ")
    finally:
        first.kill()
        first.communicate()


def test_after_a_kill_in_the_middle_of_work_it_opens_again_and_the_trail_is_whole(program: Program) -> None:
    first = program.start(*program.tour())
    wait_for_line(first, " 8 ")
    first.send_signal(signal.SIGKILL)
    first.communicate()

    code, said = program.run(*program.tour())
    assert code == 0, said
    assert program.verify()[0] == 0
