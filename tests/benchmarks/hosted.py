"""Clinics on PostgreSQL for benchmarks, which the database grows by itself, and real servers on them."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa

from clinicdesk.core import migrate
from clinicdesk.core.database import derive_key
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.postgres import open_postgres
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.users import passwords
from clinicdesk.features.users.models import User
from tests.benchmarks.beside import fill_beside
from tests.benchmarks.clinic import A_DAY, LENGTH, PRACTITIONERS, VISITS_OF_A_PATIENT, set_up
from tests.benchmarks.load import Ask, Asking
from tests.benchmarks.people import fill
from tests.postgres import Cluster, free_port

SECRET = "a secret of more than thirty-two characters"
EMAIL, PASSWORD = "desk@harbour.example", "seven quiet boats at noon"
ADMINISTRATOR = "office@harbour.example"
API = "/api/v1"
DURABLE = ("max_connections=200", "shared_buffers=512MB", "max_wal_size=4GB", "autovacuum=on")
"""Settings of a database that keeps what it has said yes to."""
_LEAST_PATIENTS = 400
_START_SECONDS = 120
_GROW = """
    INSERT INTO appointment (
        id, version, patient_id, practitioner_id, room_id, start, "end", status, confirmed, reason, cancel_reason,
        overbooked, overbook_reason, patient_overlap, created_at
    )
    SELECT
        lpad(to_hex(visit), 32, '0')::uuid, 1, patient.id, (%(practitioners)s::uuid[])[1 + place.nth %% %(people)s],
        (%(rooms)s::uuid[])[1 + place.nth %% %(people)s], begins, begins + %(length)s,
        CASE WHEN place.day = 0 THEN 'booked' ELSE 'fulfilled' END, false, '', '', false, '', false, begins
    FROM generate_series(0, %(visits)s - 1) AS visit
    CROSS JOIN LATERAL (SELECT visit / %(a_day)s AS day, visit %% %(a_day)s AS nth) AS place
    CROSS JOIN LATERAL (
        SELECT %(first)s - place.day * interval '1 day' + (place.nth / %(people)s) * %(length)s AS begins
    ) AS time
    JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS nth FROM patient) AS patient
        ON patient.nth = visit %% %(patients)s
    ORDER BY visit DESC
"""
"""From today back, ten practitioners with thirty visits a day each; they lie in the table in the order of time."""


@dataclass
class Hosted:
    """A clinic in a database: whoever is in it, and the times that are free, counted from tomorrow on."""

    url: str
    visits: int
    practitioners: list[UUID]
    patients: list[UUID]
    tomorrow: datetime
    _next: Iterator[int] = field(default_factory=itertools.count)

    def bookings(self, count: int) -> list[Ask]:
        """Requests to book so many times that nobody has asked for before."""
        return [self._booking(number, number) for number in itertools.islice(self._next, count)]

    def contested(self, count: int, clients: int) -> list[list[Ask]]:
        """For each client requests for the same times, in the same order."""
        numbers = list(itertools.islice(self._next, count))
        return [[self._booking(number, number + client) for number in numbers] for client in range(clients)]

    def _booking(self, number: int, patient: int) -> Ask:
        start = self.tomorrow + (number // PRACTITIONERS) * LENGTH
        body: dict[str, Any] = {
            "patient_id": str(self.patients[patient % len(self.patients)]),
            "practitioner_id": str(self.practitioners[number % PRACTITIONERS]),
            "start": start.isoformat(), "minutes": LENGTH // timedelta(minutes=1),
        }  # fmt: skip
        return Ask(f"{API}/appointments", body, new_id().hex)

    def day(self, back: int) -> str:
        """A date so many days before today."""
        return (self.tomorrow - timedelta(days=1 + back)).date().isoformat()

    @property
    def days(self) -> int:
        """How many days back there are visits."""
        return self.visits // (PRACTITIONERS * A_DAY)


def grow(cluster: Cluster, name: str, visits: int) -> Hosted:
    """A clinic in a new database of the server, with so many visits until today's end and what stands beside them, and with
    two accounts: at the desk, and in the office."""
    cluster.command(f"CREATE DATABASE {name} OWNER clinicdesk")
    url = cluster.tcp_url(name)
    key = derive_key(SECRET.encode(), "audit")
    database = open_postgres(url, key, statement_timeout=0)
    migrate.upgrade(database.engine)
    fill(database, max(visits // VISITS_OF_A_PATIENT, _LEAST_PATIENTS))
    rounds, passwords.ROUNDS = passwords.ROUNDS, 4
    try:
        users = [new_id(), new_id()]
        accounts = [
            {
                "id": id_, "version": 1, "email": email, "name": f"Some {role}", "role": role.value,
                "password_hash": passwords.hash_password(PASSWORD), "must_change_password": False, "active": True,
                "created_at": datetime.now(UTC),
            }
            for id_, email, role in zip(
                users, (EMAIL, ADMINISTRATOR), (Role.RECEPTIONIST, Role.ADMINISTRATOR), strict=True
            )
        ]  # fmt: skip
    finally:
        passwords.ROUNDS = rounds
    with database.engine.begin() as connection:
        practitioners, rooms = set_up(connection)
        connection.execute(sa.insert(User), accounts)
        patients = list(connection.scalars(sa.select(Patient.id).order_by(Patient.id)))
    database.close()
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with psycopg.connect(cluster.url(name, "postgres"), autocommit=True) as connection_:
        connection_.execute("SET session_replication_role = replica")  # no look at what every row refers to
        connection_.execute(
            _GROW,
            {
                "practitioners": practitioners, "rooms": rooms, "people": PRACTITIONERS, "length": LENGTH,
                "visits": visits, "a_day": PRACTITIONERS * A_DAY, "first": today + timedelta(hours=7),
                "patients": len(patients),
            },
        )  # fmt: skip
        fill_beside(connection_, visits, len(patients), users, key)
        connection_.execute("VACUUM ANALYZE")
        connection_.execute("CHECKPOINT")
    return Hosted(url, visits, practitioners, patients, today + timedelta(days=1))


@contextmanager
def served(clinic: Hosted, redis_url: str, folder: Path, workers: int) -> Iterator[tuple[int, str]]:
    """`clinicdesk serve` with so many workers; its port, and the token of somebody who has signed in."""
    most = "1000000000"
    environment = {
        **os.environ, "CLINICDESK_KEYRING": "off", "CLINICDESK_DATABASE_URL": clinic.url, "CLINICDESK_REDIS_URL": redis_url,
        "CLINICDESK_SECRET_KEY": SECRET, "CLINICDESK_WORKERS": str(workers), "CLINICDESK_LIMIT_ANONYMOUS": most,
        "CLINICDESK_LIMIT_SIGN_INS": most, "CLINICDESK_LIMIT_DEVICE": most,
    }  # fmt: skip
    port = free_port()
    command = ["-m", "clinicdesk.cli", "serve", "--port", str(port), "--data-dir", str(folder / f"data-{port}")]
    with _running(command, environment, folder, port, workers):
        yield port, sign_in(port)


@contextmanager
def empty(folder: Path, workers: int) -> Iterator[int]:
    """The empty endpoint with so many workers; its port."""
    port = free_port()
    command = [
        "-m", "uvicorn", "tests.benchmarks.empty:app", "--port", str(port), "--workers", str(workers), "--no-access-log",
        "--log-level", "warning",
    ]  # fmt: skip
    with _running(command, dict(os.environ), folder, port, workers):
        yield port


def sign_in(port: int, email: str = EMAIL) -> str:
    """The token of one of the accounts."""
    asking = Asking(port)
    status, body = asking.send(Ask(f"{API}/auth/login", {"email": email, "password": PASSWORD}))
    asking.close()
    if status != 200:
        raise RuntimeError(f"nobody could sign in: {body!r}")
    token: str = json.loads(body)["access_token"]
    return token


@contextmanager
def _running(
    command: Sequence[str], environment: dict[str, str], folder: Path, port: int, workers: int
) -> Iterator[None]:
    log = folder / f"log-{port}"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *command], env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
    try:
        _await(process, log, port, workers)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=_START_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await(process: subprocess.Popen[bytes], log: Path, port: int, workers: int) -> None:
    """Wait until the server answers, and then until each of its workers must have begun to."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        asking = Asking(port)
        try:
            if asking.send(Ask("/healthz"))[0] == 200 and _workers(process.pid) >= workers:
                return
        except OSError:
            pass
        finally:
            asking.close()
        signal.sigtimedwait([], 0.1)
    raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")


def _workers(parent: int) -> int:
    """How many processes a server consists of that have come as far as to listen."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return max(1, len(children) - 1)  # one is multiprocessing's tracker of resources
