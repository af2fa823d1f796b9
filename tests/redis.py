"""A Redis server that the test run starts by itself; each test that asks finds it empty."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.postgres import as_nobody_in_particular, free_port, missing

_START_SECONDS = 30


class RedisServer:
    """One Redis server on the loopback that keeps nothing on disk; ended by `remove`."""

    def __init__(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            missing("Redis")
        self.folder = Path(tempfile.mkdtemp(prefix="clinicdesk-redis-"))
        self.port = free_port()
        self._command = [
            *as_nobody_in_particular(self.folder), program, "--port", str(self.port), "--bind", "127.0.0.1",
            "--dir", str(self.folder), "--save", "", "--appendonly", "no", "--databases", "1",
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + _START_SECONDS
        with Redis.from_url(self.url) as client:
            while self._process.poll() is None and time.monotonic() < until:
                try:
                    client.ping()
                except RedisError:
                    signal.sigtimedwait([], 0.02)
                else:
                    return
        raise RuntimeError(f"Redis did not start: {(self.folder / 'log').read_text()}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the server, as an operator would (SIGTERM) or as a crash would (SIGKILL)."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=_START_SECONDS)
            self._process = None

    def restart(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.stop(how)
        self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Connections are taken and nothing is answered while the block is run."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The Redis server of this test run."""
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The address of the server, which is empty now."""
    with Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url
