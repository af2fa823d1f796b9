"""`clinicdesk worker` as an operator runs it, against a real mail server: once at most, whoever is killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from clinicdesk.core.clock import utc_now
from clinicdesk.core.database import derive_key
from clinicdesk.core.postgres import open_postgres
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.notifications import service as notifications
from clinicdesk.features.notifications.models import OutboundMessage
from clinicdesk.features.notifications.schemas import Channel, Template
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.schemas import SetUpClinic

SECRET = "a secret of more than thirty-two characters"
SECONDS = 60


class SlowMail(threading.Thread):
    """A mail server that holds each mail in its hands, read and not acknowledged, until it is let go."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.taken: list[str] = []
        self.arrived = threading.Semaphore(0)
        self.let_go = threading.Event()

    def run(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line, line.makefile("rwb") as stream:

            def say(words: bytes) -> None:
                stream.write(words + b"\r\n")
                stream.flush()

            try:
                say(b"220 here")
                for asked in iter(stream.readline, b""):
                    if not asked.upper().startswith(b"DATA"):
                        say(b"250 ok")
                        continue
                    say(b"354 go on")
                    text = b"".join(iter(stream.readline, b".\r\n")).decode()
                    self.taken.append(next(row[4:] for row in text.splitlines() if row.startswith("To: ")))
                    self.arrived.release()
                    self.let_go.wait(SECONDS)
                    say(b"250 taken")
            except OSError:
                pass  # whoever sent it was killed

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def mail() -> Iterator[SlowMail]:
    server = SlowMail()
    server.start()
    yield server
    server.let_go.set()
    server.close()


@pytest.fixture
def clinic(postgres_url: str, operator: Actor) -> Iterator[Database]:
    database = open_postgres(postgres_url, derive_key(SECRET.encode(), "audit"))
    with database.write(operator) as tx:
        practitioners.set_up_clinic(tx, SetUpClinic("Harbour", "Europe/Berlin"))
    yield database
    database.close()


@pytest.fixture
def post(clinic: Database, operator: Actor) -> Callable[..., None]:
    """Puts messages into the outbox, to the addresses that are given."""

    def put(*names: str, release_at: datetime | None = None) -> None:
        with clinic.write(operator) as tx:
            for name in names:
                notifications.queue(
                    tx, f"test:{name}", Channel.EMAIL, f"{name}@home.example", Template.NOTIFICATION,
                    {"kind": "chat_message"}, release_at=release_at,
                )  # fmt: skip

    return put


Work = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def work(postgres_url: str, clinic: Database, mail: SlowMail, tmp_path: Path) -> Iterator[Work]:
    """Starts workers."""
    started: list[subprocess.Popen[bytes]] = []
    environment = {
        "CLINICDESK_DATABASE_URL": postgres_url, "CLINICDESK_SECRET_KEY": SECRET, "CLINICDESK_SMTP_HOST": "127.0.0.1",
        "CLINICDESK_SMTP_PORT": str(mail.port), "CLINICDESK_SMTP_TLS": "off",
    }  # fmt: skip

    def start() -> subprocess.Popen[bytes]:
        with (tmp_path / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "clinicdesk.cli", "worker", "--json", "--data-dir", str(tmp_path / "data")],
                env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def states(clinic: Database) -> Counter[str]:
    with clinic.engine.connect() as connection:
        return Counter(connection.scalars(select(OutboundMessage.state)))


def arrives(mail: SlowMail) -> None:
    assert mail.arrived.acquire(timeout=SECONDS), "no mail has come"


def wait_until(true: Callable[[], bool]) -> None:
    until = utc_now() + timedelta(seconds=SECONDS)
    while not true():
        assert utc_now() < until
        signal.sigtimedwait([], 0.05)


def test_a_mail_in_the_hands_of_a_worker_that_is_killed_is_not_sent_again(
    clinic: Database, mail: SlowMail, work: Work, post: Callable[..., None]
) -> None:
    post("ada")
    first = work()
    arrives(mail)
    first.kill()
    first.wait()
    mail.let_go.set()
    post("ben")
    work()
    arrives(mail)
    wait_until(lambda: states(clinic)["sent"] == 1)
    assert mail.taken == ["ada@home.example", "ben@home.example"]
    assert states(clinic) == {"sending": 1, "sent": 1}, (
        "nobody knows about the first, and in ten minutes a person is asked"
    )


def test_workers_at_once_send_each_mail_once_and_none_that_is_held(
    clinic: Database, mail: SlowMail, work: Work, post: Callable[..., None]
) -> None:
    names = [f"n{nth}" for nth in range(30)]
    post(*names)
    post("held", release_at=utc_now() + timedelta(minutes=3))
    mail.let_go.set()
    for _ in range(3):
        work()
    for _ in names:
        arrives(mail)
    wait_until(lambda: states(clinic) == {"sent": 30, "held": 1})
    assert Counter(mail.taken) == dict.fromkeys([f"{name}@home.example" for name in names], 1)


def test_a_worker_that_is_told_to_end_finishes_the_mail_that_it_has_begun(
    clinic: Database, mail: SlowMail, work: Work, post: Callable[..., None]
) -> None:
    post("ada", "ben")
    process = work()
    arrives(mail)
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    mail.let_go.set()
    out, _ = process.communicate(timeout=SECONDS)
    assert (process.returncode, json.loads(out)) == (0, {"ok": True})
    assert states(clinic) == {"sent": 1, "held": 1}
