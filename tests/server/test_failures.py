"""The server goes on: workers that are killed, a database and a Redis that go away and come back, with people at work.

What was acknowledged is stored, once; whoever is turned away is told to try again; and nobody has to lend a hand.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text

from clinicdesk.core import trail
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from tests.server.fleet import API, ROLES, WITHIN, Client, Fleet, StartFleet, await_, pause

AT_WORK = 4
"""Clients that book and cancel at the same time."""


class Rush:
    """People who book and cancel as fast as they are answered, each with a key for each request, and ask for every other
    booking again as if they had had no answer; what they were told."""

    def __init__(self, server: Fleet) -> None:
        self._server = server
        self._clients = [server.client() for _ in range(AT_WORK)]
        self._slots = count()
        self._over = threading.Event()
        self.booked: dict[str, str] = {}
        """Ids of visits and their starts, of all that were acknowledged."""
        self.cancelled: set[str] = set()
        self.surprises: list[str] = []

    def work(self, client: Client) -> None:
        """Book one slot after the other, each a different one, and cancel every third visit."""
        doctors = len(self._server.clinic.practitioners)
        while not self._over.is_set():
            number = next(self._slots)
            body = self._server.clinic.booking(number // doctors, number, number)
            key = {"Idempotency-Key": new_id().hex}
            answer = client.post("/appointments", body, headers=key)
            if answer.status_code != 201:
                self.surprises.append(f"booking {number}: {answer.status_code} {answer.text}")
                return
            visit = answer.json()
            if visit["id"] in self.booked:
                self.surprises.append(f"booking {number}: the answer to another")
            self.booked[visit["id"]] = visit["start"]
            if number % 2 == 0:  # as if the answer had been lost on its way
                again = client.post("/appointments", body, headers=key)
                if (again.status_code, again.text) != (201, answer.text):
                    self.surprises.append(f"booking {number} again: {again.status_code} {again.text}")
            if number % 3 == 0:
                tag = {"If-Match": answer.headers["ETag"]}
                done = client.post(f"/appointments/{visit['id']}/cancel", {"reason": "pat"}, headers=tag)
                if done.status_code != 200:
                    self.surprises.append(f"cancelling {number}: {done.status_code} {done.text}")
                    return
                self.cancelled.add(visit["id"])

    def await_more(self, more: int = 3 * AT_WORK) -> None:
        """Wait until so many more bookings have been acknowledged: the server serves."""
        before = len(self.booked)
        await_(
            lambda: len(self.booked) >= before + more or bool(self.surprises),
            "bookings that are acknowledged",
            2 * WITHIN,
        )

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """People work while the block is run, and finish what they have begun after it."""
        with ThreadPoolExecutor(AT_WORK) as pool:
            people = [pool.submit(self.work, client) for client in self._clients]
            try:
                self.await_more()
                yield
                self.await_more()
            finally:
                self._over.set()
            for one in people:
                one.result(timeout=2 * WITHIN)

    def tries(self) -> list[tuple[int, str, str]]:
        """What was answered that was neither done nor an invitation to try again."""
        return [
            (one.status, one.code, one.retry_after)
            for client in self._clients
            for one in client.tries
            if one.status not in {200, 201} and not one.says_again
        ]

    def cut_or_turned_away(self) -> int:
        """How many requests had to be tried again."""
        return sum(one.says_again for client in self._clients for one in client.tries)


def check_what_is_stored(server: Fleet, rush: Rush) -> None:
    """Every acknowledged write is stored once and as it was acknowledged, nothing overlaps, and the trail holds."""
    assert rush.surprises == []
    assert rush.tries() == []
    with server.database.engine.connect() as connection:
        stored = {
            str(row.id): row for row in connection.execute(text("SELECT id, status, start FROM appointment"))
        }  # fmt: skip
        assert stored.keys() == rush.booked.keys()
        assert {id_ for id_, row in stored.items() if row.status == "cancelled"} == rush.cancelled
        overlaps = connection.execute(
            text(
                "SELECT count(*) FROM appointment a JOIN appointment b ON a.id < b.id AND a.practitioner_id = b.practitioner_id "
                "AND a.start < b.\"end\" AND b.start < a.\"end\" WHERE a.status = 'booked' AND b.status = 'booked'"
            )
        ).scalar_one()
        assert overlaps == 0
        assert trail.verify(connection, server.database.audit_key).problem is None
        entries = connection.execute(
            text(
                "SELECT count(*) FROM audit_entry WHERE verb = 'appointments.book' AND entity = 'appointment' AND action = 'C'"
            )
        ).scalar_one()
        assert entries == len(rush.booked)


# ---- what goes wrong -----------------------------------------------------------------------------------------------


def _kill_workers(server: Fleet) -> None:
    for _ in range(2):
        server.kill_worker()
        server.await_ready()


def _stop_postgres(server: Fleet) -> None:
    assert server.postgres is not None
    server.postgres.stop(signal.SIGINT)
    _let_some_knock(server)
    server.postgres.start()


def _crash_postgres(server: Fleet) -> None:
    assert server.postgres is not None
    server.postgres.stop(signal.SIGKILL)
    _let_some_knock(server)
    await_(lambda: _started(server), "PostgreSQL after its crash")


def _started(server: Fleet) -> bool:
    assert server.postgres is not None
    try:
        server.postgres.start()
    except RuntimeError:  # what the crash has left behind is not gone yet
        return False
    return True


def _restart_redis(server: Fleet) -> None:
    assert server.redis is not None
    for how in (signal.SIGTERM, signal.SIGKILL):
        server.redis.stop(how)
        _let_some_knock(server)
        server.redis.start()


def _freeze_redis(server: Fleet) -> None:
    """Redis takes connections and answers nothing, as behind a network that has failed."""
    assert server.redis is not None
    with server.redis.frozen(), server.client() as desk:
        for _ in range(3):
            assert desk.get("/auth/me").status_code == 200


def _everything_at_once(server: Fleet) -> None:
    assert server.postgres is not None
    assert server.redis is not None
    server.postgres.stop(signal.SIGQUIT)
    server.redis.stop(signal.SIGKILL)
    server.kill_worker()  # the next one finds no database as it starts
    _let_some_knock(server)
    server.redis.start()
    server.postgres.start()


def _let_some_knock(server: Fleet) -> None:
    """Leave things as they are until somebody has come to a closed door."""
    with server.stranger() as somebody:
        for _ in range(20):
            somebody.send("GET", "/readyz")
            pause()


Trouble = Callable[[Fleet], None]


@pytest.mark.parametrize(
    "troubles",
    [
        pytest.param([_kill_workers], id="workers"),
        pytest.param([_stop_postgres, _crash_postgres], id="postgresql"),
        pytest.param([_restart_redis, _freeze_redis], id="redis"),
        pytest.param([_everything_at_once], id="everything"),
    ],
)
def test_no_acknowledged_write_is_lost_and_nobody_lends_a_hand(
    frail_fleet: StartFleet, troubles: list[Trouble]
) -> None:
    server = frail_fleet(workers=2)
    rush = Rush(server)
    with rush.under_way():
        for trouble in troubles:
            trouble(server)
            server.await_ready()
            rush.await_more()
    check_what_is_stored(server, rush)
    if _restart_redis not in troubles:  # without Redis the work goes on
        assert rush.cut_or_turned_away()
    assert "Traceback" not in server.said() + "".join(rush.surprises)


# ---- workers -------------------------------------------------------------------------------------------------------


def test_people_of_each_role_sign_in_at_any_worker_and_all_end_when_told_to(fleet: StartFleet) -> None:
    server = fleet(workers=2)
    assert len(server.workers()) == 2
    for role in ROLES:
        with server.client(role) as somebody:
            assert {somebody.get("/auth/me").json()["role"] for _ in range(4)} == {role.value}
    with server.stranger(Role.NURSE) as nobody:
        assert nobody.get("/auth/me").status_code == 401
    assert server.stop() == 0


def test_those_who_write_at_once_with_keys_do_not_stand_in_each_others_way(fleet: StartFleet) -> None:
    server = fleet(workers=2)
    clients = [server.client(role) for role in (Role.NURSE, Role.DOCTOR, Role.RECEPTIONIST, Role.ADMINISTRATOR)]

    def work(client: Client) -> list[int]:
        return [client.post("/chat/groups", {"title": f"Group {n}", "member_ids": []}).status_code for n in range(15)]

    with ThreadPoolExecutor(len(clients)) as pool:
        assert [code for codes in pool.map(work, clients) for code in codes] == [201] * 60
    assert [one for client in clients for one in client.tries if one.status not in {200, 201}] == []


# ---- who is let in, at several workers -----------------------------------------------------------------------------


def test_a_refresh_token_that_is_used_again_ends_the_session_at_every_worker(fleet: StartFleet) -> None:
    server = fleet(workers=2)
    with server.client() as desk, server.stranger() as thief:
        stolen = desk.session["refresh_token"]
        renewed = desk.post("/auth/refresh", {"refresh_token": stolen})
        assert renewed.status_code == 200
        refused = thief.post("/auth/refresh", {"refresh_token": stolen})
        assert (refused.status_code, refused.json()["code"]) == (401, "session_ended")
        again = desk.post("/auth/refresh", {"refresh_token": renewed.json()["refresh_token"]})
        assert (again.status_code, again.json()["code"]) == (401, "session_ended")
        bearer = {"Authorization": f"Bearer {renewed.json()['access_token']}"}
        asked = [desk.insist("GET", f"{API}/auth/me", headers=bearer) for _ in range(6)]
        assert {(answer.status_code, answer.json()["code"]) for answer in asked} == {(401, "session_ended")}


def test_whoever_is_turned_off_is_out_at_once_at_every_worker(fleet: StartFleet) -> None:
    server = fleet(workers=2)
    nurse_id = server.clinic.user_ids[Role.NURSE]
    with server.client(Role.NURSE) as nurse, server.client(Role.ADMINISTRATOR) as office:
        for _ in range(6):
            assert nurse.get("/auth/me").status_code == 200  # kept, wherever something is kept
        tag = {"If-Match": office.get(f"/users/{nurse_id}").headers["ETag"]}
        off = office.insist("PUT", f"{API}/users/{nurse_id}/active", json={"active": False}, headers=tag)
        assert off.status_code == 200
        asked = [nurse.get("/auth/me") for _ in range(8)]
        assert {(answer.status_code, answer.json()["code"]) for answer in asked} == {(401, "account_off")}
        renewed = nurse.post("/auth/refresh", {"refresh_token": nurse.session["refresh_token"]})
        assert renewed.status_code == 401


@pytest.mark.parametrize("redis", ["there", "away"])
def test_a_thousand_failures_of_a_stranger_do_not_lock_a_desk_that_is_known(
    frail_fleet: StartFleet, redis: str
) -> None:
    server = frail_fleet(workers=2, CLINICDESK_LIMIT_SIGN_INS="10", CLINICDESK_LIMIT_ANONYMOUS="600")
    with server.client() as desk:
        known = {"Clinicdesk-Device": desk.session["device_token"]}
        if redis == "away":
            assert server.redis is not None
            server.redis.stop(signal.SIGKILL)
        guesses = _guess(server, 1000)
        assert set(guesses) <= {401, 429}
        # Counted by each worker alone without Redis, but never not at all.
        assert guesses.count(401) <= 10 * (2 if redis == "away" else 1)
        credentials = {"email": desk.email, "password": desk.password}
        with server.stranger() as same_desk:
            back = same_desk.insist("POST", f"{API}/auth/login", json=credentials, headers=known)
        assert back.status_code == 200
        assert desk.get("/auth/me").status_code == 200


def _guess(server: Fleet, times: int) -> list[int]:
    """Guess a password of somebody at the desk from elsewhere, from no device that is known."""

    def guess(numbers: range) -> list[int]:
        with server.stranger() as stranger:
            for number in numbers:
                wrong: Any = {"email": stranger.email, "password": f"guess {number}"}
                stranger.send("POST", f"{API}/auth/login", json=wrong)
            return [one.status for one in stranger.tries]

    with ThreadPoolExecutor(4) as pool:
        return [code for codes in pool.map(guess, [range(n, times, 4) for n in range(4)]) for code in codes]
