"""What `make serve` runs: the server with a PostgreSQL and a Redis of its own, ended together, with the data kept."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.postgres import Cluster, free_port

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 90


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the account of the database reaches too."""
    place = Path(tempfile.mkdtemp(prefix="clinicdesk-serve-"))
    place.chmod(0o711)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def start(folder: Path, postgres: Cluster, redis_url: str) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts it; `postgres` and `redis_url` say whether the programs are here at all."""
    started: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, ROOT / "packaging" / "server" / "serve.py", folder], cwd=ROOT, stdout=subprocess.PIPE,
            text=True, env={**os.environ, "PORT": str(free_port()), "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        process.terminate()
        process.communicate(timeout=SECONDS)


def told(process: subprocess.Popen[str]) -> tuple[str, list[str]]:
    """The address, and the commands that are named for a new clinic."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(4)]
    found = re.search(r"http://127\.0\.0\.1:\d+", lines[0])
    assert found is not None, lines
    for _ in range(SECONDS * 10):
        try:
            if httpx2.get(f"{found[0]}/readyz").status_code == 200:
                return found[0], [line.strip() for line in lines[2:]]
        except httpx2.TransportError:
            pass
        assert process.poll() is None
        signal.sigtimedwait([], 0.1)
    raise AssertionError("it does not answer")


def test_it_serves_with_servers_of_its_own_and_ends_all_of_them(
    folder: Path, start: Callable[[], subprocess.Popen[str]]
) -> None:
    process = start()
    address, commands = told(process)
    assert httpx2.get(f"{address}/readyz").json()["redis"] == "ok"
    again = subprocess.run(
        [sys.executable, ROOT / "packaging" / "server" / "serve.py", folder], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert again.returncode == 1
    assert "runs already" in again.stderr
    for command in commands:
        done = subprocess.run(
            ["sh", "-c", command], cwd=ROOT, input="seven quiet boats at noon\n", capture_output=True, text=True
        )
        assert done.returncode == 0, done
    settings = dict(line.split("=", 1) for line in shlex.split((folder / "environment").read_text().replace("\n", " ")))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    for name in ("CLINICDESK_DATABASE_URL", "CLINICDESK_REDIS_URL"):
        port = urlsplit(settings[name]).port
        assert port is not None
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), 1)
    address, _ = told(start())
    credentials = {"email": "ada@example.org", "password": "seven quiet boats at noon"}
    assert httpx2.post(f"{address}/api/v1/auth/login", json=credentials, timeout=60).status_code == 200, "it was kept"
