"""Runs the server on this machine alone, with a PostgreSQL and a Redis of its own, until Ctrl+C; what is stored stays.

usage: serve.py [FOLDER]    (build/serve)    CLINICDESK_… settings of the environment are used, and PORT
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import zlib
from contextlib import ExitStack
from pathlib import Path

from clinicdesk.core.locks import FileLock

CLUSTER_NAME, ACCOUNT, SECONDS = "postgres", "clinicdesk", 60


class CannotServe(Exception):
    """Something that the server needs is not to be had; its words say what."""


def free_port(wanted: int = 0) -> int:
    """The wanted port of the loopback if nobody has it, else one that nobody has at this moment."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", wanted))
        except OSError:
            return free_port()
        port: int = listener.getsockname()[1]
        return port


def binaries() -> Path:
    """The folder with initdb and postgres, of the newest version that there is."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda f: int(re.sub(r"\D", "", f.parts[-3])))
    found = str(debian[-1]) if debian else shutil.which("initdb")
    if found is None:
        raise CannotServe("PostgreSQL is not installed: apt-get install postgresql")
    return Path(found).parent


def secret_in(file: Path) -> str:
    """The secret that is kept in a file, made when it is first asked for."""
    if not file.exists():
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(handle, secrets.token_urlsafe(36).encode())
        os.close(handle)
    return file.read_text()


class Account:
    """Whom PostgreSQL runs as: it refuses to be root, so where we are, another."""

    def __init__(self) -> None:
        self.ids: tuple[int, int] | None = None
        if os.geteuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
            self.ids = entry.pw_uid, entry.pw_gid

    def own(self, folder: Path) -> Path:
        """A folder of its own below `folder`, or below one that it can reach."""
        if self.ids and any(not parent.stat().st_mode & 0o001 for parent in folder.absolute().parents):
            folder = Path("/var/tmp") / f"clinicdesk-serve-{zlib.crc32(str(folder.absolute()).encode()):08x}"  # noqa: S108
            folder.mkdir(mode=0o711, exist_ok=True)
        place = folder / CLUSTER_NAME
        place.mkdir(mode=0o700, exist_ok=True)
        if self.ids:
            os.chown(place, *self.ids)
        return place

    def start(self, *words: str | Path, log: Path, folder: Path) -> subprocess.Popen[bytes]:
        """A process of this account, which Ctrl+C does not reach: it has to outlive the server."""
        who = {"user": self.ids[0], "group": self.ids[1], "extra_groups": []} if self.ids else {}
        with log.open("ab") as stream:
            return subprocess.Popen(  # noqa: S603
                words, cwd=folder, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True, **who
            )  # type: ignore[call-overload,no-any-return]


def end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """Tell a process to end, and wait for it."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def start_postgres(folder: Path, ending: ExitStack) -> str:
    """A cluster of our own with the clinic's database in it; its address."""
    programs, account = binaries(), Account()
    place, log = account.own(folder), folder / "postgres.log"
    password = secret_in(folder / "database-password")
    if not (place / "PG_VERSION").exists():
        handed = place.parent / "initdb-password"
        handed.write_text(password)
        handed.chmod(0o600)
        if account.ids:
            os.chown(handed, *account.ids)
        try:
            made = account.start(
                programs / "initdb", "--auth=scram-sha-256", f"--username={ACCOUNT}", f"--pwfile={handed}",
                "--encoding=UTF8", "--locale=C.UTF-8", f"--pgdata={place}", log=log, folder=place,
            ).wait()  # fmt: skip
        finally:
            handed.unlink()
        if made:
            raise CannotServe(f"PostgreSQL could not make its files; see {log}")
    (place / "postmaster.pid").unlink(missing_ok=True)  # of a machine that went off; the lock says that nobody is there
    port = free_port()
    process = account.start(
        programs / "postgres", "-D", place, "-h", "127.0.0.1", "-p", str(port), "-k", "", log=log, folder=place
    )
    ending.callback(end, process, signal.SIGINT)
    environment = {**os.environ, "PGPASSWORD": password}
    ask = ["psql", "-qAt", "-h", "127.0.0.1", "-p", str(port), "-U", ACCOUNT, "-d", "postgres", "-c"]
    ask[0] = str(programs / "psql") if (programs / "psql").exists() else "psql"

    def query(statement: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*ask, statement], env=environment, capture_output=True, text=True, check=False)  # noqa: S603

    for _ in range(SECONDS * 10):
        there = query("SELECT 1 FROM pg_database WHERE datname = 'clinic'")
        if there.returncode == 0:
            if not there.stdout.strip():
                query("CREATE DATABASE clinic")
            return f"postgresql://{ACCOUNT}:{password}@127.0.0.1:{port}/clinic"
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise CannotServe(f"PostgreSQL did not start; see {log}")


def start_redis(folder: Path, ending: ExitStack) -> str:
    """A Redis that keeps nothing, as nothing in it has to be kept; its address."""
    program = shutil.which("redis-server")
    if program is None:
        raise CannotServe("Redis is not installed: apt-get install redis-server")
    port, log = free_port(), folder / "redis.log"
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with log.open("ab") as stream:
        process = subprocess.Popen(  # noqa: S603
            [program, *words], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
        )
    ending.callback(end, process, signal.SIGTERM)
    for _ in range(SECONDS * 10):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
        else:
            return f"redis://127.0.0.1:{port}/0"
    raise CannotServe(f"Redis did not start; see {log}")


def stopping(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main(folder: Path) -> int:
    """Serve from `folder` until told to end; the exit code of the server."""
    signal.signal(signal.SIGTERM, stopping)
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    lock = FileLock(folder / "serve.lock")
    if not lock.take(wait=False):
        raise CannotServe(f"The server runs already, with its data in {folder}")
    with ExitStack() as ending:
        environment = {
            "CLINICDESK_DATABASE_URL": start_postgres(folder, ending),
            "CLINICDESK_REDIS_URL": start_redis(folder, ending),
            "CLINICDESK_SECRET_KEY": secret_in(folder / "secret-key"),
            "CLINICDESK_DATA_DIR": str(folder / "data"),
        }
        settings = folder / "environment"
        settings.touch(mode=0o600)
        settings.write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
        port = free_port(int(os.environ.get("PORT", "8000")))
        address = f"http://127.0.0.1:{port}"
        defaults = {"CLINICDESK_WORKERS": "2", "CLINICDESK_PUBLIC_URL": address}
        given = {**defaults, **os.environ, **environment}
        command = [sys.executable, "-m", "clinicdesk.cli"]
        print(
            f"Serving on {address} (documentation: {address}/docs). Data: {folder}. Ctrl+C ends it.\n"
            "A new clinic needs its name and its first administrator, told from another terminal:\n"
            f"  env $(cat {settings}) {sys.executable} -m clinicdesk.cli clinic set-up --name 'Harbour Street' "
            "--zone Europe/Berlin\n"
            f"  env $(cat {settings}) {sys.executable} -m clinicdesk.cli users add --role administrator "
            "--email ada@example.org --password-stdin",
            flush=True,
        )
        worker = None
        server = subprocess.Popen([*command, "serve", "--port", str(port)], env=given, start_new_session=True)  # noqa: S603
        try:
            ending.callback(end, server, signal.SIGTERM)
            if given.get("CLINICDESK_WORKERS") != "1":
                worker = subprocess.Popen([*command, "worker"], env=given, start_new_session=True)  # noqa: S603
                ending.callback(end, worker, signal.SIGTERM)
            return server.wait()
        except KeyboardInterrupt:
            print("Ending: what was begun is finished first.", flush=True)
            return 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/serve")))
    except CannotServe as error:
        sys.exit(str(error))
