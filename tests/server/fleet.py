"""Real servers with several workers, on a clinic in which people of each role can sign in and patients be booked.

`fleet` starts one on the PostgreSQL and the Redis of the test run, `frail_fleet` one on a PostgreSQL and a Redis of its own,
which a test may stop, kill and start again. Nothing here sleeps for a time that somebody has guessed: what has to come is
looked for again and again, up to a deadline. What the servers have said is printed where a test fails.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import update

from clinicdesk.core import migrate
from clinicdesk.core.database import derive_key
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.postgres import open_postgres
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.schemas import SavePractitioner, SetUpClinic, SetWeeklyHours, Shift
from clinicdesk.features.users import service as users
from clinicdesk.features.users.models import User
from clinicdesk.features.users.schemas import AddUser
from tests.postgres import OWNER, Cluster, free_port
from tests.redis import RedisServer

API = "/api/v1"
PASSWORD = "seven quiet boats at noon"
SECRET = "a secret of more than thirty-two characters"
ROLES = (Role.ADMINISTRATOR, Role.DOCTOR, Role.NURSE, Role.RECEPTIONIST, Role.PATIENT)
WITHIN = 60.0
"""Seconds in which what is bound to come has come, also on a machine that is busy with other things."""
SLOT = timedelta(minutes=20)
_SLOTS_A_DAY = 30

T = TypeVar("T")


def await_(look: Callable[[], T | None], what: str, seconds: float = WITHIN) -> T:
    """The first that `look` finds; None and False are nothing. Fails, naming what was awaited, once the time is up."""
    until = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        if time.monotonic() >= until:
            raise AssertionError(f"{what}: not within {seconds:.0f} s")
        pause()


def pause() -> None:
    """Let others work before looking again."""
    signal.sigtimedwait([], 0.05)


# ---- the clinic ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FleetClinic:
    """A clinic that takes bookings: everybody works from eight to six on every day, in UTC."""

    user_ids: Mapping[Role, UUID]
    practitioners: tuple[UUID, ...]
    """The first is the doctor who can sign in."""
    patients: tuple[UUID, ...]
    """The first is the patient who can sign in."""
    first_day: datetime

    def slot(self, number: int) -> datetime:
        """The start of the n-th stretch of 20 minutes within hours, from tomorrow on."""
        day, place = divmod(number, _SLOTS_A_DAY)
        return self.first_day + timedelta(days=day, hours=8) + place * SLOT

    def booking(self, number: int, practitioner: int = 0, patient: int = 0) -> dict[str, Any]:
        """What is sent to book the n-th slot of a practitioner for a patient; both are counted."""
        return {
            "patient_id": str(self.patients[patient % len(self.patients)]),
            "practitioner_id": str(self.practitioners[practitioner % len(self.practitioners)]),
            "start": self.slot(number).isoformat(),
            "minutes": SLOT // timedelta(minutes=1),
        }


def email_of(role: Role) -> str:
    """What the person of this role signs in with, beside PASSWORD."""
    return f"{role}@harbour.example"


def furnish(database: Database, doctors: int = 3, sick: int = 20) -> FleetClinic:
    """Set a clinic up in an empty database, by the verbs that an administrator would use."""
    operator = Actor(None, Role.OPERATOR, "operator", "command line")
    with database.write(operator) as tx:
        practitioners.set_up_clinic(tx, SetUpClinic("Harbour Street Clinic", "UTC"))
        staff = [practitioners.save_practitioner(tx, SavePractitioner(f"Lee{n}", "Grace")).id for n in range(doctors)]
        hours = tuple(Shift(weekday, time_of_day(8), time_of_day(18)) for weekday in range(7))
        for id_ in staff:
            practitioners.set_weekly_hours(tx, SetWeeklyHours(id_, hours, tx.now.date() - timedelta(days=1)))
        known = [
            patients.register(tx, RegisterPatient(Demographics(family=f"Smith{n}", given="Jordan"))).id
            for n in range(sick)
        ]
        ids = {
            role: users.add_user(
                tx,
                AddUser(
                    email_of(role), f"Some {role}", role, PASSWORD, practitioner_id=staff[0] if role is Role.DOCTOR else None
                ),
            ).id
            for role in ROLES
        }  # fmt: skip
        proved = {"patient_id": known[0], "email_verified_at": tx.now}
        tx.session.execute(update(User).where(User.id == ids[Role.PATIENT]).values(**proved))
        today = tx.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return FleetClinic(ids, tuple(staff), tuple(known), today + timedelta(days=1))


# ---- the server ----------------------------------------------------------------------------------------------------


class Fleet:
    """`clinicdesk serve` with several workers on a furnished clinic. `postgres` and `redis` are its own, or None."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        redis_url: str,
        environment: Mapping[str, str],
        postgres: Cluster | None = None,
        redis: RedisServer | None = None,
        clinic: FleetClinic | None = None,
    ) -> None:
        self.postgres, self.redis = postgres, redis
        self.database = open_postgres(database_url, derive_key(SECRET.encode(), "audit"))
        """The clinic's database beside the servers, for looking at what is stored."""
        self.clinic = clinic or furnish(self.database)
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[Client] = []
        most = "1000000"
        self._environment = {
            **os.environ, "CLINICDESK_KEYRING": "off", "CLINICDESK_DATABASE_URL": database_url,
            "CLINICDESK_REDIS_URL": redis_url, "CLINICDESK_SECRET_KEY": SECRET, "CLINICDESK_WORKERS": "2",
            "CLINICDESK_LIMIT_ANONYMOUS": most, "CLINICDESK_LIMIT_SIGN_INS": most, "CLINICDESK_LIMIT_DEVICE": most,
            **environment,
        }  # fmt: skip

    def start(self) -> None:
        """Start the server and wait until it can work."""
        with (self._folder / "fleet.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable, "-m", "clinicdesk.cli", "serve", "--port", str(self.port),
                    "--data-dir", str(self._folder / "data"),
                ],
                env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,  # a group of its own, which `end` ends as a whole
            )  # fmt: skip
        self.await_ready()

    def await_ready(self, seconds: float = WITHIN) -> None:
        """Wait until every worker that there should be is there, and one of them can work."""
        wanted = int(self._environment["CLINICDESK_WORKERS"])

        def ready() -> bool:
            assert self._process is not None
            if self._process.poll() is not None:
                raise AssertionError(f"the server has ended with {self._process.returncode}:\n{self.said()}")
            try:
                answer = httpx2.get(f"{self.address}/readyz", timeout=5)
            except httpx2.TransportError:
                return False
            return answer.status_code == 200 and (wanted == 1 or len(self.workers()) == wanted)

        await_(ready, "a server that is ready", seconds)

    def workers(self) -> list[int]:
        """The ids of the worker processes that there are at this moment."""
        assert self._process is not None
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, parent = stat.read_text(errors="replace").rpartition(")")[2].split()[:2]
                command = (stat.parent / "cmdline").read_text(errors="replace")
            except OSError:  # it has ended meanwhile
                continue
            if int(parent) == self._process.pid and state != "Z" and "spawn_main" in command:
                found.append(int(stat.parent.name))
        return sorted(found)

    def kill_worker(self) -> int:
        """Kill one worker as the system would for want of memory; its id, which no worker has any more."""
        victim = self.workers()[0]
        os.kill(victim, signal.SIGKILL)
        await_(lambda: victim not in self.workers(), "the end of a worker that was killed")
        return victim

    def stop(self) -> int:
        """End the server as an operator would; what it ends with."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=WITHIN)

    def end(self) -> None:
        """End whatever is left of the server."""
        if self._process is not None:
            with suppress(ProcessLookupError):  # nothing is left
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=WITHIN)
        for client in self._clients:
            client.close()
        self.database.close()

    def said(self, last: int = 20_000) -> str:
        """The end of what the server and its workers have logged."""
        log = self._folder / "fleet.log"
        return log.read_text(errors="replace")[-last:] if log.exists() else ""

    def client(self, who: Role | str = Role.RECEPTIONIST) -> Client:
        """Somebody at this server, signed in: of a role, or by an e-mail."""
        return self.stranger(who).sign_in()

    def stranger(self, who: Role | str = Role.RECEPTIONIST) -> Client:
        """Somebody at this server who has not signed in yet; gone at the latest when the server is ended."""
        client = Client(self.address, email_of(who) if isinstance(who, Role) else who)
        self._clients.append(client)
        return client


# ---- whoever asks it -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Try:
    """One request that was sent: what it was answered with; status 0 where the connection was cut."""

    status: int
    code: str = ""
    retry_after: str = ""

    @property
    def says_again(self) -> bool:
        """Whether a program that is told this knows that it should try again."""
        return self.status == 0 or (self.status in {429, 503} and self.retry_after != "")


class Client:
    """A careful program: it signs in, and repeats with the same key what was not answered, or answered by "try again"."""

    def __init__(self, address: str, email: str, password: str = PASSWORD) -> None:
        self.email, self.password = email, password
        self.session: dict[str, Any] = {}
        self.tries: list[Try] = []
        self._http = httpx2.Client(base_url=address, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back every connection."""
        self._http.close()

    def sign_in(self) -> Self:
        """Sign in, and bear the token from now on."""
        credentials = {"email": self.email, "password": self.password}
        answer = self.insist("POST", f"{API}/auth/login", json=credentials)
        assert answer.status_code == 200, answer.text
        self.session = answer.json()
        self._http.headers["Authorization"] = f"Bearer {self.session['access_token']}"
        self._http.headers["Clinicdesk-Device"] = self.session["device_token"]
        return self

    def send(self, method: str, path: str, **how: Any) -> httpx2.Response | None:
        """Send a request once, and note what came of it; None where the connection was cut."""
        try:
            answer = self._http.request(method, path, **how)
        except httpx2.TransportError:
            self.tries.append(Try(0))
            return None
        code = answer.json().get("code", "") if "problem+json" in answer.headers.get("content-type", "") else ""
        self.tries.append(Try(answer.status_code, code, answer.headers.get("Retry-After", "")))
        return answer

    def insist(self, method: str, path: str, *, within: float = WITHIN, **how: Any) -> httpx2.Response:
        """The first answer that does not ask to try again, to a request that is the same each time."""
        headers = {"Idempotency-Key": new_id().hex, **how.pop("headers", {})}

        def answered() -> httpx2.Response | None:
            answer = self.send(method, path, headers=headers, **how)
            return None if self.tries[-1].says_again else answer

        return await_(answered, f"an answer to {method} {path}", within)

    def get(self, path: str, **query: Any) -> httpx2.Response:
        return self.insist("GET", f"{API}{path}", params=query)

    def post(self, path: str, body: Any = None, **how: Any) -> httpx2.Response:
        return self.insist("POST", f"{API}{path}", json=body, **how)


# ---- fixtures ------------------------------------------------------------------------------------------------------

StartFleet = Callable[..., Fleet]


@dataclass
class _Started:
    """What a test has started, in the order in which it has to be ended."""

    stack: ExitStack = field(default_factory=ExitStack)
    fleets: list[Fleet] = field(default_factory=list)

    def add(self, fleet: Fleet) -> Fleet:
        self.fleets.append(fleet)
        self.stack.callback(fleet.end)
        fleet.start()
        return fleet

    def end(self) -> None:
        """Say what the servers said, which pytest shows where the test has failed; then end everything."""
        for fleet in self.fleets:
            print(fleet.said())
        self.stack.close()


def _environment(workers: int, settings: Mapping[str, str]) -> dict[str, str]:
    return {"CLINICDESK_WORKERS": str(workers), **settings}


@pytest.fixture
def fleet(tmp_path: Path, postgres_url: str, redis_url: str) -> Iterator[StartFleet]:
    """`fleet(workers=2, CLINICDESK_X=…)` starts a server with as many workers on a furnished clinic; one for each test, and
    another that serves the same clinic by `fleet(beside=first)`."""
    started = _Started()

    def start(workers: int = 2, beside: Fleet | None = None, **settings: str) -> Fleet:
        clinic = None if beside is None else beside.clinic
        environment = _environment(workers, settings)
        return started.add(Fleet(tmp_path, postgres_url, redis_url, environment, clinic=clinic))

    yield start
    started.end()


@pytest.fixture
def frail_fleet(tmp_path: Path) -> Iterator[StartFleet]:
    """The same, on a PostgreSQL and a Redis of its own, which a test may do to as it likes."""
    started = _Started()

    def start(workers: int = 2, **settings: str) -> Fleet:
        postgres, redis = Cluster(), RedisServer()
        started.stack.callback(postgres.remove)
        started.stack.callback(redis.remove)
        postgres.start()
        redis.start()
        postgres.command(f"CREATE ROLE {OWNER} LOGIN CREATEDB")
        postgres.command(f"CREATE DATABASE clinic OWNER {OWNER}")
        url = postgres.tcp_url("clinic")
        database = open_postgres(url, b"\0" * 32)
        migrate.upgrade(database.engine)
        database.close()
        return started.add(Fleet(tmp_path, url, redis.url, _environment(workers, settings), postgres, redis))

    yield start
    started.end()
