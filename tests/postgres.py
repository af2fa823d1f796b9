"""A PostgreSQL server that the test run starts by itself, and an empty, migrated clinic on it for each test that asks."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest

from clinicdesk.core import migrate
from clinicdesk.core.ids import new_id
from clinicdesk.core.postgres import postgres_engine

_SUPERUSER, OWNER = "postgres", "clinicdesk"
_START_SECONDS = 30
_TEMPLATE = "clinic_template"
# Nothing has to outlive this machine, so nothing needs to reach the disk; a crash of the server alone loses nothing.
_SETTINGS = (
    "fsync=off",
    "full_page_writes=off",
    "max_connections=200",
    "shared_buffers=64MB",
)


def missing(what: str) -> NoReturn:
    """There is no such server on this machine: on CI a failure, elsewhere a visible skip."""
    words = f"{what} is not installed; packaging/linux/system_packages.sh test brings it"
    if os.environ.get("CI"):
        pytest.fail(words)
    pytest.skip(words)


def free_port() -> int:
    """A port of the loopback that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def as_nobody_in_particular(folder: Path) -> list[str]:
    """How a command line begins that runs a server in `folder`: without root's rights, and not longer than this process."""
    begins = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    if sys.platform != "win32" and os.geteuid() == 0:
        names = {entry.pw_name for entry in pwd.getpwall()}
        account = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
        os.chown(folder, account.pw_uid, account.pw_gid)
        begins += [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    return begins


def _binaries() -> Path:
    """The folder with initdb and postgres, of the newest version that there is."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda f: int(re.sub(r"\D", "", f.parts[-3])))
    found = str(debian[-1]) if debian else shutil.which("initdb")
    if found is None:
        missing("PostgreSQL")
    return Path(found).parent


class Cluster:
    """One PostgreSQL server with its data in a folder of its own; ended, and left without a trace, by `remove`."""

    def __init__(self, settings: Sequence[str] = _SETTINGS) -> None:
        self._settings = settings
        self._binaries = _binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="clinicdesk-postgres-"))  # short: it holds the socket
        self.port = free_port()
        self._begins = as_nobody_in_particular(self.folder)
        self._process: subprocess.Popen[bytes] | None = None
        # A collation of people's, not of bytes: what sorts or compares text by the wrong one shows here.
        self._run(
            "initdb", "--auth=trust", f"--username={_SUPERUSER}", "--encoding=UTF8", "--locale=C.UTF-8",
            "--locale-provider=icu", "--icu-locale=en-US", "--no-sync", "--pgdata=data",
        )  # fmt: skip

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [*self._begins, self._binaries / program, *words], cwd=self.folder, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        settings = [word for setting in self._settings for word in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *self._begins, self._binaries / "postgres", "-D", "data", "-k", str(self.folder),
                    "-h", "127.0.0.1", "-p", str(self.port), *settings,
                ],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self._await()

    def _await(self) -> None:
        ask = [str(self._binaries / "pg_isready"), "--quiet", "-h", str(self.folder), "-p", str(self.port)]
        for _ in range(_START_SECONDS * 20):
            if subprocess.run(ask, check=False).returncode == 0:
                return
            if self._process is None or self._process.poll() is not None:
                break
            signal.sigtimedwait([], 0.05)
        raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server: SIGINT as an operator would (sessions are cut off), SIGQUIT as a crash would."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=_START_SECONDS)
            self._process = None

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        self.stop(how)
        self.start()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def url(self, database: str, user: str = OWNER) -> str:
        """The address of a database on this server, by its socket."""
        return f"postgresql://{user}@/{database}?host={self.folder}&port={self.port}"

    def tcp_url(self, database: str, user: str = OWNER) -> str:
        """The same by the loopback, as a server of a clinic would have it."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def command(self, statement: str) -> None:
        """Run one statement as the superuser, outside any transaction."""
        with psycopg.connect(self.url("postgres", _SUPERUSER), autocommit=True) as connection:
            connection.execute(statement)

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """The address of a new database, a copy of `template`; gone afterwards, whoever still uses it."""
        name = f"test_{new_id().hex}"
        # As files: through the log, which is what a busy server would rather have, it takes seven times as long.
        self.command(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER} STRATEGY file_copy")
        try:
            yield self.url(name)
        finally:
            if self._process is not None:
                self.command(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """The server of this test run."""
    cluster = Cluster()
    try:
        cluster.start()
        cluster.command(f"CREATE ROLE {OWNER} LOGIN CREATEDB")
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture(scope="session")
def postgres_template(postgres: Cluster) -> str:
    """The name of an empty clinic's database, migrated once a session; tests get copies."""
    postgres.command(f"CREATE DATABASE {_TEMPLATE} OWNER {OWNER}")
    engine = postgres_engine(postgres.url(_TEMPLATE))
    migrate.upgrade(engine)
    engine.dispose()
    return _TEMPLATE


@pytest.fixture
def postgres_url(postgres: Cluster, postgres_template: str) -> Iterator[str]:
    """The address of an empty clinic's database of one's own, migrated."""
    with postgres.database(postgres_template) as url:
        yield url


@pytest.fixture
def blank_postgres_url(postgres: Cluster) -> Iterator[str]:
    """The address of a database of one's own without a single table."""
    with postgres.database() as url:
        yield url
