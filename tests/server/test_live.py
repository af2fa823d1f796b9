"""Events over real WebSockets: who is told what, across workers, after a break, and while Redis is away."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse, WebSocketTestSession
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import BookAppointment
from clinicdesk.features.chat import service as chat
from clinicdesk.features.chat.schemas import Say
from clinicdesk.features.notifications.schemas import Kind
from clinicdesk.features.notifications.service import notify
from clinicdesk.features.observations import service as observations
from clinicdesk.features.observations.schemas import Measure, RecordObservation
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.schemas import SaveSite
from clinicdesk.features.users import service as users
from clinicdesk.server.tokens import ACCESS_LASTS, Tokens
from tests.server.conftest import SignedIn
from tests.server.fleet import API, Client, Fleet, StartFleet, await_

OPERATOR = Actor(None, Role.OPERATOR, "operator", "command line")
SOON = 20.0


class Stream:
    """A stream of events that somebody has open; what it has told so far."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []
        self.hello = self.read(lambda message: message["type"] == "hello")

    def read(self, until: Callable[[dict[str, Any]], bool], seconds: float = SOON) -> dict[str, Any]:
        """Read on until a message is like that; it is returned."""
        end = time.monotonic() + seconds
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv(timeout=max(0.0, end - time.monotonic())))
            self.messages.append(message)
            if until(message):
                return message

    def read_to(self, seq: int) -> list[dict[str, Any]]:
        """Read on until this unit of work is told or passed; the changes that were told in all."""
        if self.position < seq:
            self.read(lambda message: message.get("seq", 0) >= seq)
        return [message for message in self.messages if message["type"] == "changes"]

    @property
    def position(self) -> int:
        return max(int(message.get("seq", 0)) for message in self.messages)

    def entities(self) -> set[str]:
        told = [message for message in self.messages if message["type"] == "changes"]
        return {change["entity"] for message in told for change in message["changes"]}

    def say(self, **frame: Any) -> None:
        self.socket.send(json.dumps(frame))

    def code(self, seconds: float = SOON) -> int:
        """Read on until the server closes; the code that it gives."""
        with pytest.raises(ConnectionClosed) as closed:
            self.read(lambda _message: False, seconds)
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code


@contextmanager
def stream(server: Fleet, who: Client, since: int | None = None) -> Iterator[Stream]:
    address = f"{server.address.replace('http', 'ws')}{API}/events"
    if since is not None:
        address += f"?since={since}"
    bearer = {"Authorization": f"Bearer {who.session['access_token']}"}
    with connect(address, additional_headers=bearer) as socket:
        yield Stream(socket)


def book(server: Fleet, number: int, practitioner: int = 0, patient: int = 0) -> UUID:
    """A booking that somebody makes elsewhere."""
    asked = BookAppointment(
        server.clinic.patients[patient], server.clinic.practitioners[practitioner], server.clinic.slot(number),
        timedelta(minutes=20),
    )  # fmt: skip
    with server.database.write(OPERATOR) as tx:
        return appointments.book(tx, asked).id


def rename(who: Client, name: str) -> None:
    """A change that is made at the server that this client knows."""
    tag = who.get("/auth/me").headers["ETag"]
    answer = who.insist("PUT", f"{API}/auth/me", json={"name": name}, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text


def actor_of(server: Fleet, role: Role) -> Actor:
    return Actor(server.clinic.user_ids[role], role, f"Some {role}", "Desk 1")


def test_an_event_reaches_a_subscriber_at_another_worker(fleet: StartFleet) -> None:
    one = fleet(workers=1)
    other = fleet(workers=1, beside=one)
    with (
        one.client(Role.ADMINISTRATOR) as administrator,
        other.client(Role.NURSE) as nurse,
        stream(one, administrator) as events,
    ):
        rename(nurse, "Another Name")
        told = events.read(lambda message: message["type"] == "changes" and message["changes"][0]["entity"] == "user")
        assert told["changes"] == [{"entity": "user", "id": str(one.clinic.user_ids[Role.NURSE]), "action": "updated"}]
        assert "Another" not in json.dumps(events.messages)


def test_whoever_was_away_misses_nothing_and_gets_nothing_twice(fleet: StartFleet) -> None:
    server = fleet(workers=2)
    with server.client() as desk:
        with stream(server, desk) as events:
            first = book(server, 0)
            came = events.read_to(events.hello["seq"] + 1)
            assert [message["changes"][0]["id"] for message in came][-1] == str(first)
            left_at = events.position
        with ThreadPoolExecutor(4) as pool:  # while they are away, and while they come back

            def write(writer: int) -> list[str]:
                return [
                    str(book(server, nth, writer % 3, 1 + writer))
                    for nth in range(writer // 3 * 40 + 1, writer // 3 * 40 + 31)
                ]

            writers = [pool.submit(write, number) for number in range(4)]
            got: list[dict[str, Any]] = []
            for _ in range(6):
                with stream(server, desk, left_at) as events:
                    events.read(lambda message: message["type"] == "changes")
                    got += [message for message in events.messages if message["type"] == "changes"]
                    left_at = events.position
            booked = sorted(id_ for writer in writers for id_ in writer.result())
        with stream(server, desk, left_at) as events:
            last = book(server, 200)
            events.read(lambda message: str(last) in json.dumps(message))
            got += [message for message in events.messages if message["type"] == "changes"]
    seqs = [message["seq"] for message in got]
    assert seqs == sorted(set(seqs)), "each once, in order"
    ids = [change["id"] for message in got for change in message["changes"] if change["entity"] == "appointment"]
    assert sorted(ids) == sorted([*booked, str(last)])


def test_whoever_was_away_too_long_is_told_to_read_anew(fleet: StartFleet) -> None:
    server = fleet(workers=1)
    with server.client() as desk, stream(server, desk, 10**12) as events:
        reset = events.read(lambda message: message["type"] == "reset")
        book(server, 0)
        assert events.read(lambda message: message["type"] == "changes")["seq"] > reset["seq"]


def test_everybody_is_told_what_they_may_see_and_nothing_else(fleet: StartFleet) -> None:
    server = fleet(workers=2)
    clinic = server.clinic
    doctor, nurse = actor_of(server, Role.DOCTOR), actor_of(server, Role.NURSE)
    with (
        server.client(Role.PATIENT) as patient,
        server.client(Role.RECEPTIONIST) as desk,
        server.client(Role.NURSE) as colleague,
        server.client(Role.DOCTOR) as treating,
        stream(server, patient) as to_patient,
        stream(server, desk) as to_desk,
        stream(server, colleague) as to_nurse,
        stream(server, treating) as to_doctor,
    ):
        strange = book(server, 0, patient=1)
        own = book(server, 1, patient=0)
        with server.database.write(doctor) as tx:
            talk = chat.open_direct(tx, clinic.user_ids[Role.NURSE])
            chat.say(tx, Say(talk.id, "Is room two free?"))
        with server.database.write(OPERATOR) as tx:
            notify(tx, [clinic.user_ids[Role.RECEPTIONIST]], Kind.CHAT_MESSAGE, {}, new_id())
        with server.database.write(nurse) as tx:
            users.edit_own_name(tx, users.own_account(tx).version, "Nora")
        end = book(server, 2, patient=0)
        for events in (to_patient, to_desk, to_nurse, to_doctor):
            events.read(lambda message: str(end) in json.dumps(message))
        assert str(strange) not in json.dumps(to_patient.messages)
        assert str(own) in json.dumps(to_patient.messages)
        assert to_patient.entities() == {"appointment"}
        assert to_desk.entities() == {"appointment", "notification"}
        assert to_doctor.entities() == {"appointment", "conversation", "conversation_member", "chat_message"}
        chatted = {"conversation", "conversation_member", "chat_message"}
        assert to_nurse.entities() == {"appointment", "notification", "user", *chatted}


def test_a_clinician_is_not_told_of_whom_they_do_not_care_for(fleet: StartFleet) -> None:
    server = fleet(workers=1)
    measured = []
    with server.client(Role.DOCTOR) as doctor, stream(server, doctor) as events:
        book(server, 0, patient=0)
        for patient in server.clinic.patients[:2]:
            with server.database.write(OPERATOR) as tx:
                measured.append(observations.record(tx, RecordObservation(patient, Measure.WEIGHT, 80.0)).id)
        end = book(server, 1, patient=0)
        events.read(lambda message: str(end) in json.dumps(message))
        assert [str(id_) in json.dumps(events.messages) for id_ in measured] == [True, False]


def test_the_end_of_a_session_or_an_account_ends_its_streams_within_a_second(fleet: StartFleet) -> None:
    server = fleet(workers=2)
    with server.client(Role.NURSE) as nurse, server.client(Role.DOCTOR) as doctor, server.client() as elsewhere:
        with stream(server, nurse) as events:
            assert nurse.post("/auth/logout").status_code == 204
            began = time.monotonic()
            assert events.code() == 4401
            assert time.monotonic() - began < 5, "within a second, on a machine that has nothing else to do"
        with stream(server, doctor) as events, stream(server, elsewhere) as others:
            with server.database.write(OPERATOR) as tx:
                off = users.get_user(tx, server.clinic.user_ids[Role.DOCTOR])
                users.set_active(tx, off.id, off.version, False)
            assert events.code() == 4401
            book(server, 0)
            others.read(lambda message: message["type"] == "changes")
        with pytest.raises(InvalidStatus) as refused, stream(server, doctor):
            pass
        assert refused.value.response.status_code == 401


def test_nobody_comes_in_without_the_right_token_and_no_other_site_by_a_cookie(fleet: StartFleet) -> None:
    server = fleet(workers=1)
    address = f"{server.address.replace('http', 'ws')}{API}/events"

    def refusal(path: str = "", **headers: str) -> tuple[int, str]:
        with pytest.raises(InvalidStatus) as refused, connect(address + path, additional_headers=headers):
            pass
        answer = refused.value.response
        return answer.status_code, json.loads(answer.body or b"{}")["code"]

    assert refusal() == (401, "not_signed_in")
    assert refusal(Authorization="Bearer x") == (401, "not_signed_in")
    assert refusal("?ticket=x") == (401, "not_signed_in")
    with server.client() as desk:
        token = desk.session["access_token"]
        assert refusal("?since=-1", Authorization=f"Bearer {token}") == (422, "invalid_input")
        cookie = {"Cookie": f"clinicdesk_access={token}"}
        assert refusal(**cookie) == (403, "cross_site")
        assert refusal(**cookie, Origin="https://evil.example") == (403, "cross_site")
        assert refusal(**cookie, Authorization="Basic c29tZTpib2R5") == (403, "cross_site")
        with connect(address, additional_headers=cookie | {"Origin": server.address}) as socket:
            assert Stream(socket).hello["type"] == "hello"
        ticket = desk.post("/events/ticket").json()["ticket"]
        assert refusal(Authorization=f"Bearer {ticket}") == (401, "not_signed_in")
        with connect(f"{address}?ticket={ticket}") as socket:
            assert Stream(socket).hello["type"] == "hello"
        assert refusal(f"?ticket={ticket}") == (401, "not_signed_in")


def test_frames_are_bounded_and_validated(fleet: StartFleet) -> None:
    server = fleet(workers=1)
    with server.client() as desk, server.client(Role.PATIENT) as patient:
        with stream(server, desk) as events:
            for frame, field in (
                ({"type": "presence", "day": "0001-01-01"}, "day"),
                ({"type": "presence", "start": "2026-11-23T09:00:00"}, "start"),
                ({"type": "presence", "practitioner_id": "1 OR 1=1"}, "practitioner_id"),
                ({"type": "drop"}, "type"),
            ):
                events.say(**frame)
                error = events.read(lambda message: message["type"] == "error")
                assert (error["code"], error["field"]) == ("invalid_input", field)
            events.socket.send("{")
            assert events.read(lambda message: message["type"] == "error")["code"] == "invalid_input"
            events.socket.send(b"\0")
            assert events.code() == 1003
        with stream(server, desk) as events:
            events.socket.send("x" * 5_000)
            assert events.code() == 1009
        with stream(server, desk) as events:
            for _ in range(130):
                events.say(type="presence")
            assert events.code() == 4429
        with stream(server, patient) as events:
            events.say(type="presence")
            assert events.read(lambda message: message["type"] == "error")["code"] == "not_permitted"


def test_nobody_opens_streams_without_end(fleet: StartFleet) -> None:
    server = fleet(workers=1)
    with server.client() as desk:
        opened = [stream(server, desk) for _ in range(10)]
        for one in opened:
            one.__enter__()
        with pytest.raises(InvalidStatus) as refused, stream(server, desk):
            pass
        assert refused.value.response.status_code == 429
        opened[0].__exit__(None, None, None)

        def comes_in() -> bool:
            try:
                with stream(server, desk):
                    return True
            except InvalidStatus:
                return False

        await_(comes_in, "room for another stream")
        for one in opened[1:]:
            one.__exit__(None, None, None)


def test_nor_all_at_once(fleet: StartFleet) -> None:
    server, together = fleet(workers=1), Barrier(30)
    with server.client() as desk, ExitStack() as opened, ThreadPoolExecutor(30) as pool:

        def come_in(_nth: int) -> bool:
            together.wait()
            try:
                opened.enter_context(stream(server, desk))
            except InvalidStatus:
                return False
            return True

        assert sum(pool.map(come_in, range(30))) == 10


def test_staff_see_who_stands_where_until_they_are_gone(fleet: StartFleet) -> None:
    one = fleet(workers=1)
    other = fleet(workers=1, beside=one)
    column = str(one.clinic.practitioners[0])
    with (
        one.client() as desk,
        other.client(Role.NURSE) as nurse,
        other.client(Role.PATIENT) as patient,
        other.client(Role.DOCTOR) as doctor,
        stream(other, nurse) as to_nurse,
        stream(other, patient) as to_patient,
    ):
        with stream(one, desk) as events:
            events.say(
                type="presence",
                day="2026-11-23",
                practitioner_id=column,
                start="2026-11-23T09:00:00+01:00",
                holding=True,
            )
            seen = to_nurse.read(lambda message: message["type"] == "presence")
            assert (seen["user_id"], seen["day"], seen["practitioner_id"], seen["holding"]) == (
                str(one.clinic.user_ids[Role.RECEPTIONIST]), "2026-11-23", column, True,
            )  # fmt: skip
            with stream(other, doctor) as late:
                assert late.read(lambda message: message["type"] == "presence")["id"] == seen["id"]
        gone = to_nurse.read(lambda message: message["type"] == "presence")
        assert (gone["id"], gone["gone"]) == (seen["id"], True)
        end = book(one, 0)
        to_patient.read(lambda message: str(end) in json.dumps(message))
        assert {message["type"] for message in to_patient.messages} == {"hello", "changes"}


def test_a_restart_of_redis_loses_nothing(frail_fleet: StartFleet) -> None:
    server = frail_fleet(workers=2)
    assert server.redis is not None
    with server.client() as desk, stream(server, desk) as events:
        wanted = [str(book(server, 0))]
        server.redis.stop()
        wanted += [str(book(server, nth)) for nth in range(1, 6)]
        events.read(lambda message: wanted[-1] in json.dumps(message))
        server.redis.start()
        wanted += [str(book(server, nth)) for nth in range(6, 12)]
        events.read(lambda message: wanted[-1] in json.dumps(message))
        told = [change["id"] for message in events.read_to(0) for change in message["changes"]]
        assert [id_ for id_ in told if id_ in wanted] == wanted


def test_a_server_that_ends_says_so_to_its_streams(fleet: StartFleet) -> None:
    server = fleet(workers=2)
    with server.client() as desk, stream(server, desk) as events:
        assert server.stop() == 0
        assert events.code() == 1012


# ---- one process on an embedded database -----------------------------------------------------------------------------


def test_one_process_tells_without_redis(server: FastAPI, sign_in: SignedIn, db: Database, operator: Actor) -> None:
    bearer = {"Authorization": sign_in(Role.NURSE).headers["Authorization"]}
    with TestClient(server, "https://desk.example") as client, follow(client, bearer) as socket:
        assert socket.receive_json()["type"] == "hello"
        with db.write(operator) as tx:
            site = practitioners.save_site(tx, SaveSite("Harbour"))
        told = socket.receive_json()
        assert told["changes"] == [{"entity": "site", "id": str(site.id), "action": "created"}]


def test_a_stream_ends_with_its_token(server: FastAPI, sign_in: SignedIn) -> None:
    tokens: Tokens = server.state.serving.tokens
    caller = tokens.read_access(sign_in(Role.NURSE).headers["Authorization"].removeprefix("Bearer "))
    assert caller is not None
    early = Tokens(tokens._key, lambda: tokens._clock() - ACCESS_LASTS + timedelta(seconds=1))
    bearer = {"Authorization": f"Bearer {early.access(caller.actor, caller.session_id)}"}
    with TestClient(server, "https://desk.example") as client, follow(client, bearer) as socket:
        assert socket.receive_json()["type"] == "hello"
        assert socket.receive()["code"] == 4401


def test_events_come_sealed_or_not_at_all(server: FastAPI, sign_in: SignedIn) -> None:
    bearer = {"Authorization": sign_in(Role.NURSE).headers["Authorization"]}
    far = TestClient(server, "http://desk.example", client=("203.0.113.7", 1))
    with pytest.raises(WebSocketDenialResponse) as refused, follow(far, bearer, "ws"):
        pass
    assert (refused.value.status_code, refused.value.json()["code"]) == (403, "https_required")


def follow(client: TestClient, bearer: dict[str, str], scheme: str = "wss") -> WebSocketTestSession:
    return client.websocket_connect(f"{scheme}://desk.example{API}/events", headers=bearer)
