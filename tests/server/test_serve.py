"""`clinicdesk serve` as an operator runs it: what it needs, what it refuses, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clinicdesk.core.permissions import Role
from clinicdesk.features.demo.cast import ACCOUNTS
from tests.postgres import free_port

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
        process.communicate()


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
