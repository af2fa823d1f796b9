"""What is kept for the next who asks: never older than an acknowledged write, and never for anybody who may not see it."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from redis import Redis
from sqlalchemy import func, select

from clinicdesk.core import pauses
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Action, Actor, Change, Committed, Database
from clinicdesk.features.users import service as users
from clinicdesk.features.users.schemas import UserRow
from clinicdesk.server.marks import EVERYTHING, PREFIX, Marks, scopes_of
from tests.conftest import Where
from tests.redis import RedisServer
from tests.server.conftest import Knock, SignedIn
from tests.server.fleet import API, Client, Fleet, StartFleet, await_

OPERATOR = Actor(None, Role.OPERATOR, "operator", "command line")


def hits(address: str, answer: str) -> float:
    """How often the one worker at this address has given this answer from its cache."""
    wanted = f'clinicdesk_cache_total{{answer="{answer}",found="yes"}} '
    figures = httpx2.get(f"{address}/metrics", timeout=30).text.splitlines()
    return sum(float(line.removeprefix(wanted)) for line in figures if line.startswith(wanted))


def until_kept(server: Fleet, answer: str, read: Callable[[], object]) -> None:
    """Ask until this worker answers from its cache."""

    def kept() -> bool:
        before = hits(server.address, answer)
        read()
        return hits(server.address, answer) > before

    await_(kept, f"{answer} from the cache")


def rename(who: Client, name: str) -> None:
    tag = who.get("/auth/me").headers["ETag"]
    answer = who.insist("PUT", f"{API}/auth/me", json={"name": name}, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text


def beside(server: Fleet, who: Client) -> Client:
    """The same person, signed in by the same session, at another server of the clinic."""
    other = server.stranger(who.email)
    other.session = who.session
    other._http.headers["Authorization"] = f"Bearer {who.session['access_token']}"
    return other


class Day:
    """A day of one practitioner, as a client sees it: what is booked, and what is free."""

    def __init__(self, server: Fleet, desk: Client, practitioner: int = 0) -> None:
        self.desk = desk
        first = server.clinic.first_day
        self.practitioner = str(server.clinic.practitioners[practitioner])
        self.list = {"day": first.date().isoformat(), "limit": 200}
        self.range = {
            "from": first.isoformat(), "to": (first + timedelta(days=1)).isoformat(), "minutes": 20, "limit": 200,
        }  # fmt: skip

    def booked(self) -> set[str]:
        answer = self.desk.get("/appointments", **self.list)
        assert answer.status_code == 200, answer.text
        return {visit["id"] for visit in answer.json()["items"]}

    def free(self) -> int:
        answer = self.desk.get(f"/doctors/{self.practitioner}/availability", **self.range)
        assert answer.status_code == 200, answer.text
        return len(answer.json())


def test_a_write_at_one_worker_is_seen_at_the_other_at_once(fleet: StartFleet) -> None:
    one = fleet(workers=1)
    other = fleet(workers=1, beside=one)
    clients = ExitStack()
    desk = clients.enter_context(one.client())
    there = Day(other, clients.enter_context(beside(other, desk)))
    days = [Day(server, clients.enter_context(beside(server, desk))) for server in (one, other)]
    until_kept(other, "/appointments", there.booked)
    over = threading.Event()

    def read(day: Day) -> None:
        while not over.is_set():
            day.booked()
            day.free()
            assert day.desk.get("/auth/me").status_code == 200

    with clients, ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read, day) for day in days]
        try:
            for number in range(30):
                free = there.free()
                visit = desk.post("/appointments", one.clinic.booking(number)).json()
                assert visit["id"] in there.booked()
                assert there.free() < free
            for number in range(120):
                rename(desk, f"Name {number}")
                assert there.desk.get("/auth/me").json()["name"] == f"Name {number}"
        finally:
            over.set()
        for reader in readers:
            reader.result()
    assert hits(other.address, "/appointments") > 5
    assert hits(other.address, "/auth/me") > 0


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis that a test may do to as it likes."""
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        if server._process is not None:
            server._process.send_signal(signal.SIGCONT)
        server.remove()


def test_redis_stops_goes_on_and_begins_anew_without_an_error_or_a_stale_answer(
    fleet: StartFleet, own_redis: RedisServer
) -> None:
    one = fleet(workers=1, CLINICDESK_REDIS_URL=own_redis.url)
    other = fleet(workers=1, beside=one, CLINICDESK_REDIS_URL=own_redis.url)
    count = 0

    def write_and_read(times: int) -> None:
        nonlocal count
        for _ in range(times):
            count += 1
            rename(desk, f"Name {count}")
            assert there.get("/auth/me").json()["name"] == f"Name {count}"

    with one.client() as desk, beside(other, desk) as there:
        until_kept(other, "/auth/me", lambda: there.get("/auth/me"))
        write_and_read(5)
        assert own_redis._process is not None
        own_redis._process.send_signal(signal.SIGSTOP)
        write_and_read(5)
        own_redis._process.send_signal(signal.SIGCONT)
        write_and_read(5)
        until_kept(other, "/auth/me", lambda: there.get("/auth/me"))
        write_and_read(5)
        own_redis.stop(signal.SIGKILL)
        write_and_read(5)
        own_redis.start()
        write_and_read(5)
        until_kept(other, "/auth/me", lambda: there.get("/auth/me"))
        write_and_read(5)
        assert {answer.status for answer in [*desk.tries, *there.tries]} == {200}


class Wire:
    """Passes on what is said to a port, until it is cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self._open += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """From now on Redis cannot be reached by this way."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def test_a_worker_that_cannot_reach_redis_does_not_leave_the_others_with_what_was(
    fleet: StartFleet, own_redis: RedisServer
) -> None:
    wire = Wire(own_redis.port)
    one = fleet(workers=1, CLINICDESK_REDIS_URL=own_redis.url)
    cut_off = fleet(workers=1, beside=one, CLINICDESK_REDIS_URL=f"redis://127.0.0.1:{wire.port}/0")
    with one.client() as here, beside(cut_off, here) as there:
        until_kept(one, "/auth/me", lambda: here.get("/auth/me"))
        rename(there, "Before")
        assert here.get("/auth/me").json()["name"] == "Before"
        until_kept(one, "/auth/me", lambda: here.get("/auth/me"))
        wire.cut()
        for number in range(10):
            rename(there, f"Name {number}")
            assert here.get("/auth/me").json()["name"] == f"Name {number}"
        assert {answer.status for answer in [*here.tries, *there.tries]} == {200}


def test_whoever_is_turned_off_is_out_although_their_answers_are_kept(fleet: StartFleet) -> None:
    one = fleet(workers=1)
    other = fleet(workers=1, beside=one)
    with one.client(Role.NURSE) as nurse, one.client(Role.DOCTOR) as doctor, other.client(Role.ADMINISTRATOR) as admin:
        for somebody, role in ((nurse, Role.NURSE), (doctor, Role.DOCTOR)):
            until_kept(one, "/auth/me", lambda somebody=somebody: somebody.get("/auth/me"))  # type: ignore[misc]
            until_kept(one, "/appointments/types", lambda somebody=somebody: somebody.get("/appointments/types"))  # type: ignore[misc]
            path = f"/users/{one.clinic.user_ids[role]}"
            tag = admin.get(path).headers["ETag"]
            off = admin.insist("DELETE", f"{API}{path}", headers={"If-Match": tag})
            assert off.status_code == 200, off.text
            began = time.monotonic()
            assert somebody.get("/auth/me").json()["code"] == "account_off"
            assert somebody.get("/appointments/types").status_code == 401
            assert time.monotonic() - began < 20
    with one.client() as desk, beside(other, desk) as elsewhere:
        until_kept(other, "/auth/me", lambda: elsewhere.get("/auth/me"))
        assert desk.post("/auth/logout").status_code == 204
        assert elsewhere.get("/auth/me").json()["code"] == "session_ended"


def test_nobody_gets_what_was_kept_for_another_role_or_person(fleet: StartFleet) -> None:
    server = fleet(workers=1)
    clinic = server.clinic
    with (
        server.client(Role.ADMINISTRATOR) as admin,
        server.client(Role.NURSE) as nurse,
        server.client() as desk,
        server.client(Role.PATIENT) as patient,
    ):
        account = f"/users/{clinic.user_ids[Role.DOCTOR]}"
        until_kept(server, "/users/{id}", lambda: admin.get(account))
        for who in (nurse, desk, patient):
            until_kept(server, "/auth/me", lambda who=who: who.get("/auth/me"))  # type: ignore[misc]
            assert who.get(account).status_code == 403
        for number in range(2):
            assert desk.post("/appointments", clinic.booking(number, patient=number)).status_code == 201
        day = Day(server, desk)
        until_kept(server, "/appointments", day.booked)
        assert len(day.booked()) == 2
        looks = audited_looks(server)
        for _ in range(3):
            own = patient.get("/appointments", **day.list).json()["items"]
            assert [visit["patient_id"] for visit in own] == [str(clinic.patients[0])]
        for _ in range(3):
            of_one = desk.get("/appointments", **day.list, patient_id=str(clinic.patients[1]))
            assert len(of_one.json()["items"]) == 1
        assert audited_looks(server) == looks + 6, "each look into a record is audited"
        names = {who.get("/auth/me").json()["email"] for who in (admin, nurse, desk, patient) for _ in range(3)}
        assert len(names) == 4


def audited_looks(server: Fleet) -> int:
    with server.database.engine.connect() as connection:
        looks = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "R")
        return connection.scalar(looks) or 0


def test_what_is_kept_is_answered_like_anything_else(fleet: StartFleet) -> None:
    server = fleet(workers=1)
    with server.client() as desk:
        made = desk.insist("GET", f"{API}/auth/me", headers={"Origin": "https://elsewhere.example"})  # is never kept
        until_kept(server, "/auth/me", lambda: desk.get("/auth/me"))
        kept = desk.get("/auth/me")
        of_each = {"x-request-id", "date", "vary"}
        assert {k: v for k, v in kept.headers.items() if k not in of_each} == {
            k: v for k, v in made.headers.items() if k not in of_each
        }
        assert (kept.json(), kept.headers["ETag"]) == (made.json(), made.headers["ETag"])
        known = desk.insist("GET", f"{API}/auth/me", headers={"If-None-Match": kept.headers["ETag"]})
        assert (known.status_code, known.content) == (304, b"")
        named = desk.insist("GET", f"{API}/auth/me", headers={"X-Request-ID": "abcdef-12345"})
        assert named.headers["X-Request-ID"] == "abcdef-12345"
        stranger = httpx2.get(f"{server.address}{API}/auth/me", headers={"Authorization": "Bearer x"})
        assert stranger.status_code == 401


@pytest.mark.parametrize("settings", [{"CLINICDESK_LIMIT_DEVICE": "30", "CLINICDESK_JOBS": "off"}])
def test_the_embedded_database_is_followed_whoever_writes_to_it(
    server: FastAPI, knock: Knock, sign_in: SignedIn, where: Where, people: dict[Role, UserRow]
) -> None:
    nurse = sign_in(Role.NURSE)
    with TestClient(server, "https://desk.example", client=("203.0.113.7", 1)) as client:
        client.headers["Authorization"] = nurse.headers["Authorization"]
        here = knock("127.0.0.1")
        before = kept_by(here)
        names = [client.get(f"{API}/auth/me").json()["name"] for _ in range(5)]
        assert kept_by(here) >= before + 3
        elsewhere = where.open(server.state.serving.database.clock)
        with elsewhere.write(OPERATOR) as tx:
            known = users.get_user(tx, people[Role.NURSE].id)
            users.set_active(tx, known.id, known.version, False)
        elsewhere.close()
        assert client.get(f"{API}/auth/me").status_code == 401
        assert set(names) == {"Some nurse"}
        codes = [client.get(f"{API}/auth/me").status_code for _ in range(30)]
        assert codes[-1] == 429, "what is kept is counted too"


def kept_by(client: TestClient) -> float:
    wanted = 'clinicdesk_cache_total{answer="/auth/me",found="yes"} '
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))


# ---- marks and pauses ------------------------------------------------------------------------------------------------


@pytest.fixture
def marks(postgres_url: str, redis_url: str, clock: Any) -> Iterator[tuple[Marks, Redis, Database]]:
    with ExitStack() as stack:
        database = Where(url=postgres_url).open(clock)
        stack.callback(database.close)
        said = Marks(database, redis_url)
        stack.callback(said.close)
        yield said, stack.enter_context(Redis.from_url(redis_url, decode_responses=True)), database


def committed(seq: int, entity: str = "room") -> Committed:
    change = Change(entity, new_id(), Action.UPDATE)
    return Committed(new_id(), "x", frozenset({entity}), (change,), seq)


def test_a_mark_rises_with_each_unit_of_work_and_never_stands_again_as_it_stood(
    marks: tuple[Marks, Redis, Database],
) -> None:
    said, redis, _ = marks
    stood = []
    for seq in (1, 2, 2, 1):
        said.committed(committed(seq))
        stood.append(redis.get(f"{PREFIX}room"))
    assert (stood[1], stood[2]) == (stood[3], stood[3]), "what was said twice is said once"
    assert stood[0] != stood[1]
    redis.delete(f"{PREFIX}room")
    said.committed(committed(2))
    assert redis.get(f"{PREFIX}room") not in stood, "lost, it begins another life"
    before = redis.get(f"{PREFIX}{EVERYTHING}")
    said.everything()
    assert redis.get(f"{PREFIX}{EVERYTHING}") != before


def test_without_redis_the_cache_is_paused_until_it_is_back(
    marks: tuple[Marks, Redis, Database], own_redis: RedisServer
) -> None:
    _, _, database = marks
    said = Marks(database, own_redis.url)

    def look() -> pauses.Pauses:
        with database.engine.connect() as connection:
            return pauses.look(connection)

    assert look() == pauses.Pauses(False, "")
    own_redis.stop()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda seq: said.committed(committed(seq)), range(1, 9)))
    during = look()
    assert during.paused
    own_redis.start()
    await_(lambda: not look().paused, "the end of the pause")
    assert look().era == during.era != ""
    said.committed(committed(9))
    assert not look().paused
    said.close()


def test_what_a_change_touches_names_tables_and_accounts() -> None:
    user, session = new_id(), new_id()
    assert scopes_of([Change("user", user, Action.UPDATE)]) == {"user", f"user:{user}"}
    ended = Change("user_session", session, Action.DELETE, {"user_id": user}, None)
    assert scopes_of([ended]) == {"user_session", f"user:{user}"}
    assert scopes_of([Change("patient", new_id(), Action.READ)]) == set()
