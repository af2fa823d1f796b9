"""`clinicdesk serve` as an operator runs it: what it needs, what it refuses, how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from clinicdesk.core.permissions import Role
from clinicdesk.features.demo.cast import ACCOUNTS
from tests.postgres import free_port
from tests.server.conftest import Postbox

SECRET = "a secret of more than thirty-two characters"
Serve = Callable[..., tuple["subprocess.Popen[bytes]", str]]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts servers: `serve("--word", CLINICDESK_X=…)` gives the process, once it answers, and its address."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str, **environment: str) -> tuple[subprocess.Popen[bytes], str]:
        port = free_port()
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    sys.executable, "-m", "clinicdesk.cli", "serve", "--json", "--port", str(port),
                    "--data-dir", str(tmp_path / "data"), *words,
                ],
                env={**os.environ, "CLINICDESK_KEYRING": "off", **environment}, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        started.append(process)
        address = f"http://127.0.0.1:{port}"
        for _ in range(600):
            if process.poll() is not None:
                return process, address
            try:
                if httpx2.get(f"{address}/readyz", timeout=5).status_code == 200:
                    return process, address
            except httpx2.TransportError:
                signal.sigtimedwait([], 0.05)
        raise AssertionError((tmp_path / "log").read_text())

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=60)


def outcome(process: subprocess.Popen[bytes]) -> tuple[int, dict[str, Any]]:
    out, _ = process.communicate(timeout=30)
    return process.returncode, json.loads(out)


def register(address: str) -> httpx2.Response:
    asked = {"email": "m@x.example", "password": "seven quiet boats", "given_name": "Mara", "family_name": "Lindt"}
    return httpx2.post(f"{address}/api/v1/auth/register", json=asked, timeout=30)


def test_a_trial_needs_nothing_and_ends_when_it_is_told_to(serve: Serve) -> None:
    process, address = serve()
    assert register(address).status_code == 201
    process.send_signal(signal.SIGTERM)
    assert outcome(process) == (0, {"ok": True})


def test_a_trials_mails_lead_to_it_whatever_its_port(serve: Serve, postbox: Postbox) -> None:
    mails = {
        "CLINICDESK_SMTP_HOST": "127.0.0.1",
        "CLINICDESK_SMTP_PORT": str(postbox.port),
        "CLINICDESK_SMTP_TLS": "off",
    }
    _, address = serve(**mails)
    assert register(address).status_code == 201
    for _ in range(200):
        if postbox.mails:
            break
        signal.sigtimedwait([], 0.05)
    link = re.search(r"http\S+", str(postbox.mails[-1].get_payload()))
    assert link is not None
    assert link[0].startswith(f"{address}/verify?token=")
    assert httpx2.get(link[0], timeout=5).status_code == 200


def test_workers_end_with_the_process_that_started_them(serve: Serve, blank_postgres_url: str, redis_url: str) -> None:
    process, address = serve(
        CLINICDESK_DATABASE_URL=blank_postgres_url, CLINICDESK_SECRET_KEY=SECRET, CLINICDESK_REDIS_URL=redis_url,
        CLINICDESK_WORKERS="2",
    )  # fmt: skip
    process.kill()
    process.communicate(timeout=60)  # the workers have its output as well, so this waits for them
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{address}/healthz", timeout=5)


def test_a_trial_with_the_demo_clinic_has_its_people_and_its_day(serve: Serve) -> None:
    _, address = serve("--demo")
    who = next(account for account in ACCOUNTS if account.role is Role.RECEPTIONIST)
    credentials = {"email": who.email, "password": who.passphrase}
    session = httpx2.post(f"{address}/api/v1/auth/login", json=credentials, timeout=30)
    assert (session.status_code, session.json()["user"]["name"]) == (200, who.name)


def test_the_demo_clinic_is_not_put_into_a_database_of_a_server(serve: Serve) -> None:
    process, _ = serve("--demo", CLINICDESK_DATABASE_URL="postgresql://nowhere")
    code, told = outcome(process)
    assert (code, told["code"]) == (1, "demo_is_embedded")


def test_settings_that_cannot_be_are_refused_with_their_names(serve: Serve) -> None:
    process, _ = serve(CLINICDESK_WORKERS="3")
    code, told = outcome(process)
    assert (code, told["code"]) == (1, "settings_wrong")
    assert "CLINICDESK_REDIS_URL" in told["message"]


def test_workers_on_postgresql_serve_one_clinic(serve: Serve, blank_postgres_url: str, redis_url: str) -> None:
    process, address = serve(
        CLINICDESK_DATABASE_URL=blank_postgres_url, CLINICDESK_SECRET_KEY=SECRET, CLINICDESK_REDIS_URL=redis_url,
        CLINICDESK_WORKERS="2",
    )  # fmt: skip
    assert register(address).status_code == 201
    credentials = {"email": "m@x.example", "password": "seven quiet boats"}
    session = httpx2.post(f"{address}/api/v1/auth/login", json=credentials, timeout=30).json()
    bearer = {"Authorization": f"Bearer {session['access_token']}"}
    asked = [httpx2.get(f"{address}/api/v1/auth/me", headers=bearer, timeout=30) for _ in range(8)]
    assert {answer.status_code for answer in asked} == {200}
    process.send_signal(signal.SIGTERM)
    assert outcome(process) == (0, {"ok": True})


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_begun_is_finished_before_the_server_ends(
    serve: Serve, blank_postgres_url: str, redis_url: str, workers: int
) -> None:
    process, address = serve(
        CLINICDESK_DATABASE_URL=blank_postgres_url, CLINICDESK_SECRET_KEY=SECRET, CLINICDESK_REDIS_URL=redis_url,
        CLINICDESK_WORKERS=str(workers),
    )  # fmt: skip
    port = int(address.rpartition(":")[2])
    asked = {"email": "m@x.example", "password": "seven quiet boats", "given_name": "Mara", "family_name": "Lindt"}
    body = json.dumps(asked).encode()
    head = (
        "POST /api/v1/auth/register HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), 30) as slow:
        slow.sendall(head.encode())
        assert b"100" in slow.recv(1000), "its endpoint waits for the body"
        slow.sendall(body[:20])
        process.send_signal(signal.SIGTERM)
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
            except ConnectionRefusedError:
                break
            signal.sigtimedwait([], 0.05)
        else:
            raise AssertionError("it still takes connections")
        slow.sendall(body[20:])
        assert slow.recv(1000).startswith(b"HTTP/1.1 201")
    assert outcome(process) == (0, {"ok": True})
    with psycopg.connect(blank_postgres_url) as connection:
        assert connection.execute('SELECT email FROM "user"').fetchall() == [("m@x.example",)]


def test_the_figures_of_all_processes_are_told_by_any(serve: Serve, blank_postgres_url: str, redis_url: str) -> None:
    _, address = serve(
        CLINICDESK_DATABASE_URL=blank_postgres_url, CLINICDESK_SECRET_KEY=SECRET, CLINICDESK_REDIS_URL=redis_url,
        CLINICDESK_WORKERS="2", CLINICDESK_POOL_SIZE="4", CLINICDESK_POOL_OVERFLOW="3",
    )  # fmt: skip
    for _ in range(20):
        httpx2.get(f"{address}/healthz", timeout=30)
    told = httpx2.get(f"{address}/metrics", timeout=30).text
    counted = re.search(r'^clinicdesk_requests_total\{.*route="/healthz".*\} (\S+)$', told, re.M)
    assert counted is not None
    assert float(counted[1]) == 20
    assert "clinicdesk_pool_most 14.0" in told
