"""Whoever comes at the same moment, at whichever worker: one gets the time, and a repeat gets what the first try got."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased

from clinicdesk.core import trail
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.appointments.rules import HOLDING
from tests.postgres import Cluster
from tests.redis import RedisServer
from tests.server.fleet import API, WITHIN, Client, Fleet, await_

CLIENTS, SLOTS = 8, 200
T = TypeVar("T")


FIRST_OF_EACH = {"race": 0, "muddle": 300, "lost": 400, "noticed": 450, "twice": 500}
"""Where the slots begin that each test has for itself, on the one clinic."""


@pytest.fixture(scope="module")
def server(
    postgres: Cluster, postgres_template: str, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """Four workers on a clinic of their own, for all of these tests: they take a while to start."""
    with postgres.database(postgres_template) as url:
        fleet = Fleet(tmp_path_factory.mktemp("race"), url, redis_server.url, {"CLINICDESK_WORKERS": "4"})
        try:
            fleet.start()
            yield fleet
        finally:
            print(fleet.said())  # which pytest shows where a test has failed
            fleet.end()


def at_once(server: Fleet, work: Callable[[Client, int], T], clients: int = CLIENTS) -> list[T]:
    """What `work(client, n)` gives for so many clients, each signed in, who all begin at the same moment.

    Nobody may have met an error of the server.
    """
    together = threading.Barrier(clients)

    def run(nth: int) -> T:
        with server.client(Role.RECEPTIONIST) as client:
            together.wait(WITHIN)
            found = work(client, nth)
            assert [one for one in client.tries if one.status >= 500 or one.status == 0] == []
            return found

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(run, range(clients)))


def overlaps(server: Fleet) -> int:
    """Pairs of visits in the database that hold the same time of the same practitioner or patient."""
    one, other = aliased(Appointment), aliased(Appointment)
    holding = [status.value for status in HOLDING]
    same = or_(one.practitioner_id == other.practitioner_id, one.patient_id == other.patient_id)
    both = and_(one.id < other.id, one.start < other.end, other.start < one.end)
    with server.database.engine.connect() as connection:
        return connection.scalar(
            select(func.count()).select_from(one).join(other, and_(same, both))
            .where(one.status.in_(holding), other.status.in_(holding))
        ) or 0  # fmt: skip


def visits_at(server: Fleet, number: int) -> list[str]:
    """The ids of the visits that begin with the n-th slot."""
    with server.database.engine.connect() as connection:
        start = server.clinic.slot(number)
        return [str(id_) for id_ in connection.scalars(select(Appointment.id).where(Appointment.start == start))]


def trail_is_whole(server: Fleet) -> bool:
    with server.database.engine.connect() as connection:
        return trail.verify(connection, server.database.audit_key).ok


def test_of_eight_who_want_the_same_time_one_gets_it_two_hundred_times(server: Fleet) -> None:
    def book_all(client: Client, nth: int) -> list[httpx2.Response]:
        wanted = (server.clinic.booking(slot, practitioner=slot, patient=nth) for slot in range(SLOTS))
        return [client.post("/appointments", body) for body in wanted]

    answers = at_once(server, book_all)
    for slot in range(SLOTS):
        of_slot = [mine[slot] for mine in answers]
        assert sorted(answer.status_code for answer in of_slot) == [201] + [409] * (CLIENTS - 1)
        assert {answer.json()["code"] for answer in of_slot if answer.status_code == 409} == {"slot_taken"}
        won = [answer.json()["id"] for answer in of_slot if answer.status_code == 201]
        assert visits_at(server, slot) == won
    assert overlaps(server) == 0
    assert trail_is_whole(server)


def test_who_books_moves_and_cancels_among_others_leaves_no_overlap_and_loses_nothing(server: Fleet) -> None:
    """Ten times of each practitioner, which all want; each remembers what it was told of its own visits."""
    first = FIRST_OF_EACH["muddle"]

    def muddle(client: Client, nth: int) -> dict[str, tuple[str, str]]:
        chance = random.Random(nth)
        mine: dict[str, tuple[str, str]] = {}  # by id: the ETag, and when it begins
        for _ in range(40):
            body = server.clinic.booking(first + chance.randrange(10), chance.randrange(3), nth)
            if not mine or chance.random() < 0.5:
                answer = client.post("/appointments", body)
            else:
                id_ = chance.choice(sorted(mine))
                at = {"headers": {"If-Match": mine[id_][0]}}
                if chance.random() < 0.5:
                    answer = client.post(f"/appointments/{id_}/cancel", {"reason": "pat"}, **at)
                else:
                    to = {"start": body["start"], "practitioner_id": body["practitioner_id"]}
                    answer = client.post(f"/appointments/{id_}/reschedule", to, **at)
            told = answer.json()
            if answer.status_code == 409:
                assert told["code"] == "slot_taken"
            else:
                assert answer.status_code in (200, 201), answer.text
                mine[told["id"]] = (answer.headers["ETag"], told["start"])
                if told["status"] == "cancelled":
                    del mine[told["id"]]
        return mine

    left = at_once(server, muddle)
    assert overlaps(server) == 0
    assert trail_is_whole(server)
    with server.database.engine.connect() as connection:
        held = connection.execute(
            select(Appointment.id, Appointment.version).where(
                Appointment.status == "booked",
                Appointment.start >= server.clinic.slot(first),
                Appointment.start < server.clinic.slot(first + 10),
            )
        )
        stored = {str(id_): f'"{version}"' for id_, version in held}
    assert stored == {id_: etag for mine in left for id_, (etag, _) in mine.items()}


@pytest.mark.parametrize("noticed", [True, False])
def test_a_repeat_after_a_lost_answer_gets_the_first_result(server: Fleet, *, noticed: bool) -> None:
    """The connection is cut once the visit is stored, or at once: then the server may have noticed, and done nothing yet."""
    first = FIRST_OF_EACH["noticed" if noticed else "lost"]
    with server.client(Role.RECEPTIONIST) as client:
        for slot in range(first, first + 5):
            key, body = new_id().hex, server.clinic.booking(slot)
            with sent(server, client, key, body):
                if not noticed:
                    await_(lambda slot=slot: visits_at(server, slot) or None, "the visit that was booked")  # type: ignore[misc]
            again = client.post("/appointments", body, headers={"Idempotency-Key": key})
            assert again.status_code == 201
            assert [again.json()["id"]] == visits_at(server, slot)
            assert again.headers["ETag"] == '"1"'
            assert noticed or again.headers["Idempotency-Replayed"] == "true"
    assert "crash" not in server.said()


def sent(server: Fleet, client: Client, key: str, body: dict[str, Any]) -> socket.socket:
    """A connection by which a booking has been sent, and nothing of the answer read."""
    at = urlsplit(server.address)
    content = json.dumps(body, separators=(",", ":")).encode()  # as the client will say it again
    head = (
        f"POST {API}/appointments HTTP/1.1\r\nHost: {at.netloc}\r\nIdempotency-Key: {key}\r\n"
        f"Authorization: Bearer {client.session['access_token']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    connection = socket.create_connection((at.hostname or "", at.port or 0), WITHIN)
    connection.sendall(head.encode() + content)
    return connection


def test_two_requests_with_one_key_at_the_same_moment_are_one(server: Fleet) -> None:
    keys = [new_id().hex for _ in range(40)]

    def book_all(client: Client, _nth: int) -> list[httpx2.Response]:
        return [
            client.post("/appointments", server.clinic.booking(slot, patient=slot), headers={"Idempotency-Key": key})
            for slot, key in enumerate(keys, FIRST_OF_EACH["twice"])
        ]

    for slot, (one, other) in enumerate(
        zip(*at_once(server, book_all, clients=2), strict=True), FIRST_OF_EACH["twice"]
    ):
        assert (one.status_code, other.status_code) == (201, 201)
        assert one.json() == other.json()
        assert [one.json()["id"]] == visits_at(server, slot)
        assert ("Idempotency-Replayed" in one.headers) != ("Idempotency-Replayed" in other.headers)
