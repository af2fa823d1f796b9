"""Sync through HTTP: enrolment, proof of a desk's key, sending and fetching, and what a desk is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from fastapi.testclient import TestClient
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from starlette.testclient import WebSocketDenialResponse

from clinicdesk.core import epoch
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import BookAppointment
from clinicdesk.features.sync import service as sync
from clinicdesk.features.users.schemas import UserRow
from tests.conftest import Hands
from tests.server.conftest import Book, Knock, SignedIn
from tests.server.test_schema import ask, ask_by_chance

SYNC = "/api/v1/sync"


class Device:
    """A desk that has a key."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.key = Ed25519PrivateKey.generate()
        self.id = ""
        self.stream = str(new_id())
        self.n = 0

    def enrol(self, code: str) -> Any:
        key = self.key.public_key().public_bytes_raw().hex()
        answer = self.client.post(f"{SYNC}/devices/enroll", json={"code": code, "public_key": key})
        if answer.status_code == 201:
            self.id = answer.json()["id"]
        return answer

    def challenge(self) -> str:
        answer = self.client.post(f"{SYNC}/devices/challenge", json={"device_id": self.id})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["challenge"])

    def prove(self, challenge: str) -> Any:
        signature = self.key.sign(sync.to_sign(challenge)).hex()
        body = {"device_id": self.id, "challenge": challenge, "signature": signature}
        return self.client.post(f"{SYNC}/devices/token", json=body)

    def sign_in(self) -> None:
        answer = self.prove(self.challenge())
        assert answer.status_code == 200, answer.text
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(f"{SYNC}/{path}", **more)

    def hello(self) -> Any:
        return self.get("hello").json()

    def push(self, *ops: dict[str, Any], **more: Any) -> Any:
        hello = self.hello()
        body = {
            "protocol": 1, "schema": 1, "epoch": hello.get("epoch", str(new_id())), "stream_id": self.stream,
            "ops": list(ops),
        }  # fmt: skip
        return self.client.post(f"{SYNC}/push", json=body | more)

    def pull(self, cursor: int, **more: Any) -> Any:
        hello = self.hello()
        body = {
            "protocol": 1,
            "schema": 1,
            "epoch": hello["epoch"],
            "cursor": cursor,
            "scope_hash": hello["scope_hash"],
        }
        return self.client.post(f"{SYNC}/pull", json=body | more)

    def op(self, user: UUID, entity: str, new: dict[str, Any], **more: Any) -> dict[str, Any]:
        self.n += 1
        return {
            "n": self.n, "op_id": str(new_id()), "user_id": str(user), "entity": entity, "id": str(new_id()), "action": "C",
            "wall_at": "2026-11-23T10:42:00Z", "new": new, **more,
        }  # fmt: skip


@pytest.fixture
def code(administrator_client: TestClient) -> Callable[..., str]:
    def make(*roles: str) -> str:
        answer = administrator_client.post(f"{SYNC}/codes", json={"name": "Desk 1", "roles": roles or ["receptionist"]})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["code"])

    return make


@pytest.fixture
def device(knock: Knock, code: Callable[..., str]) -> Device:
    """A receptionist's desk that has proved who it is."""
    one = Device(knock("198.51.100.4"))
    assert one.enrol(code()).status_code == 201
    one.sign_in()
    return one


def visit(book: Book, start: str = "2026-11-24T09:00:00+00:00", **more: Any) -> dict[str, Any]:
    end = (datetime.fromisoformat(start) + timedelta(minutes=30)).isoformat()
    return {
        "patient_id": str(book.other), "practitioner_id": str(book.lee), "start": start, "end": end, "status": "booked",
        "created_at": "2026-11-23T10:42:00+00:00", **more,
    }  # fmt: skip


@pytest.fixture
def receptionist(people: dict[Role, UserRow]) -> UUID:
    return people[Role.RECEPTIONIST].id


def test_a_desk_enrols_sends_and_fetches(device: Device, book: Book, receptionist: UUID) -> None:
    snapshot = device.get("snapshot").json()
    assert snapshot["next"] is None
    answer = device.push(device.op(receptionist, "appointment", visit(book)))
    assert answer.status_code == 200, answer.text
    [result] = answer.json()["results"]
    assert (result["outcome"], result["row"]["start"]) == ("applied", "2026-11-24T09:00:00+00:00")
    pulled = device.pull(snapshot["cursor"]).json()
    assert [change["row"] for change in pulled["changes"]] == [result["row"]]
    digest = device.get("digest", params={"seq": pulled["upto"]}).json()
    assert digest["entities"]["appointment"]["rows"] == 1
    assert device.get("digest", params={"seq": pulled["upto"] - 1}).json()["code"] == "seq_moved"


def test_a_code_lets_in_once(knock: Knock, code: Callable[..., str]) -> None:
    used = code()
    assert Device(knock()).enrol(used).status_code == 201
    answer = Device(knock()).enrol(used)
    assert (answer.status_code, answer.json()["code"]) == (422, "enrolment_code_not_right")


def test_who_guesses_codes_is_stopped(knock: Knock) -> None:
    one = Device(knock())
    codes = {one.enrol(f"guess {n}").status_code for n in range(11)}
    assert codes == {422, 429}


def test_an_answer_to_a_challenge_is_good_once(device: Device, knock: Knock) -> None:
    challenge = device.challenge()
    assert device.prove(challenge).status_code == 200
    again = device.prove(challenge)
    assert (again.status_code, again.json()["code"]) == (401, "device_not_proved")


def test_a_token_ends(device: Device, clock: Hands) -> None:
    clock.now += timedelta(minutes=15)
    answer = device.get("hello")
    assert (answer.status_code, answer.json()["code"]) == (401, "device_not_proved")


def test_a_person_is_no_desk_and_a_desk_no_person(device: Device, sign_in: SignedIn) -> None:
    answer = sign_in(Role.ADMINISTRATOR).get(f"{SYNC}/hello")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_a_device")
    assert device.client.get("/api/v1/patients").status_code == 401
    assert device.get("conflicts").status_code == 401


def test_a_desk_that_is_cut_off_is_refused_at_its_next_call(
    device: Device, administrator_client: TestClient, book: Book, receptionist: UUID
) -> None:
    [row] = administrator_client.get(f"{SYNC}/devices").json()["items"]
    assert (row["id"], row["roles"]) == (device.id, ["receptionist"])
    answer = administrator_client.delete(f"{SYNC}/devices/{device.id}", headers={"If-Match": f'"{row["version"]}"'})
    assert answer.status_code == 200
    for refused in (
        device.get("hello"), device.get("snapshot"), device.push(device.op(receptionist, "appointment", visit(book))),
        device.prove(device.challenge()),
    ):  # fmt: skip
        assert (refused.status_code, refused.json()["code"]) == (403, "device_revoked")


@pytest.mark.parametrize("settings", [{"CLINICDESK_LIMIT_DEVICE": "5", "CLINICDESK_LIMIT_ANONYMOUS": "50"}])
def test_a_desk_has_a_limit_of_its_own(device: Device, knock: Knock) -> None:
    assert [device.get("hello").status_code for _ in range(6)] == [200] * 5 + [429]
    assert knock("198.51.100.4").get("/api/v1/auth/me").status_code == 401


def test_what_is_out_of_step_says_how(db: Database, device: Device, book: Book, receptionist: UUID) -> None:
    device.push(device.op(receptionist, "appointment", visit(book)))
    device.n = 4
    gap = device.push(device.op(receptionist, "appointment", visit(book)))
    assert (gap.status_code, gap.json()["code"], gap.json()["last_n"]) == (409, "seq_gap", 1)
    device.n = 0
    fork = device.push(device.op(receptionist, "appointment", visit(book)))
    assert (fork.status_code, fork.json()["code"]) == (409, "stream_forked")
    before = device.hello()["epoch"]
    with db.engine.begin() as connection:
        now = epoch.begin(connection)
    changed = device.push(epoch=before)
    assert (changed.status_code, changed.json()["code"], changed.json()["epoch"]) == (409, "epoch_changed", str(now))
    scope = device.pull(0, scope_hash="0" * 64)
    assert (scope.json()["code"], scope.json()["scope_hash"]) == ("scope_changed", device.hello()["scope_hash"])


def test_who_is_too_old_is_told_to_be_upgraded(device: Device) -> None:
    for answer in (device.push(protocol=0), device.pull(0, protocol=0), device.push(schema=0)):
        assert (answer.status_code, answer.json()["code"]) == (426, "desk_too_old")
        assert answer.headers["upgrade"] == "clinicdesk-sync/1"


def test_a_cursor_of_long_ago_is_gone(
    db: Database, device: Device, operator: Actor, clock: Hands, book: Book, receptionist: UUID
) -> None:
    clock.now += timedelta(days=500)
    device.sign_in()
    with db.write(operator) as tx:
        sync.move_horizon(tx)
    answer = device.pull(0)
    assert (answer.status_code, answer.json()["code"]) == (410, "cursor_expired")


def test_an_op_id_of_another_op_is_unprocessable(device: Device, book: Book, receptionist: UUID) -> None:
    op = device.op(receptionist, "appointment", visit(book))
    device.push(op)
    answer = device.push(op | {"wall_at": "2026-11-23T10:43:00Z"})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "op_id_reused", "ops")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"n": 0}, "ops[0].n"), ({"n": 2**63}, "ops[0].n"), ({"op_id": "x"}, "ops[0].op_id"),
        ({"entity": "x" * 41}, "ops[0].entity"), ({"action": "X"}, "ops[0].action"),
        ({"wall_at": "2026-11-23T10:42:00"}, "ops[0].wall_at"), ({"wall_at": "0001-01-01T00:00:00Z"}, "ops[0].wall_at"),
        ({"new": {"reason": "a\x00b"}}, "ops[0].new.reason"),
    ],
)  # fmt: skip
def test_what_is_no_op_is_refused_by_name(
    device: Device, book: Book, receptionist: UUID, wrong: dict[str, Any], field: str
) -> None:
    answer = device.push(device.op(receptionist, "appointment", visit(book)) | wrong)
    assert answer.status_code == 422
    assert answer.json()["field"].startswith(field)


@pytest.mark.parametrize(
    "value", [10**30, 1e308, [1], {"a": 1}, "x" * 20_001], ids=["huge", "float", "list", "dict", "long"]
)
def test_absurd_values_are_refused_or_rejected(device: Device, book: Book, receptionist: UUID, value: Any) -> None:
    answer = device.push(device.op(receptionist, "appointment", visit(book, reason=value)))
    assert answer.status_code == 422 or answer.json()["results"][0]["outcome"] == "rejected"


def test_script_and_sql_are_text(device: Device, book: Book, receptionist: UUID) -> None:
    text = "<script>alert(1)</script>'; DROP TABLE patient; --"
    answer = device.push(device.op(receptionist, "appointment", visit(book, reason=text)))
    assert answer.json()["results"][0]["row"]["reason"] == text


def test_people_decide_what_clashed(device: Device, desk: TestClient, book: Book, receptionist: UUID) -> None:
    device.push(device.op(receptionist, "appointment", visit(book)))
    late = device.op(receptionist, "appointment", visit(book, patient_id=str(book.mine)))
    [result] = device.push(late).json()["results"]
    assert result["outcome"] == "conflict"
    [listed] = desk.get(f"{SYNC}/conflicts").json()["items"]
    assert listed["id"] == result["conflict_id"]
    opened = desk.get(f"{SYNC}/conflicts/{listed['id']}")
    found = opened.json()
    assert len(found["openings"]) == 3
    to = {"start": found["openings"][0]["start"]}
    path = f"{SYNC}/conflicts/{listed['id']}/rebook"
    assert desk.post(path, json=to).status_code == 428
    answer = desk.post(path, json=to, headers={"If-Match": opened.headers["etag"]})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["row"]["status"], answer.json()["conflict"]["resolution"]) == ("booked", "rebooked")
    assert desk.get(f"{SYNC}/conflicts").json()["items"] == []
    again = desk.post(path, json=to, headers={"If-Match": opened.headers["etag"]})
    assert again.status_code == 412


LETTER = b"Dear colleague, thank you for sending us your patient."


def bring(device: Device, content: bytes, sha256: str = "") -> Any:
    name = sha256 or hashlib.sha256(content).hexdigest()
    return device.client.put(f"{SYNC}/blobs/{name}", content=content, headers={"Content-Type": "text/plain"})


def document(book: Book, sha256: str) -> dict[str, Any]:
    return {
        "patient_id": str(book.other), "type": "consent", "title": "Consent", "dated_on": "2026-11-20", "status": "current",
        "status_at": "2026-11-23T10:42:00+00:00", "media_type": "text/plain", "size": 1, "sha256": sha256,
        "filed_at": "2026-11-23T10:42:00+00:00",
    }  # fmt: skip


def test_a_document_comes_behind_its_content(device: Device, desk: TestClient, book: Book, receptionist: UUID) -> None:
    answer = bring(device, LETTER)
    assert answer.status_code == 200, answer.text
    assert bring(device, LETTER).json() == answer.json()
    sha256 = answer.json()["sha256"]
    op = device.op(receptionist, "document", document(book, sha256))
    [result] = device.push(op).json()["results"]
    assert (result["outcome"], result["row"]["size"], result["row"]["author"]) == (
        "merged",
        len(LETTER),
        "Some receptionist",
    )
    assert "content_key" not in result["row"]
    assert desk.get(f"/api/v1/documents/{op['id']}/content").content == LETTER
    again = device.push(device.op(receptionist, "document", document(book, sha256))).json()["results"]
    assert (again[0]["outcome"], again[0]["code"]) == ("rejected", "content_not_brought")


def test_a_content_waits_for_half_a_day(device: Device, book: Book, receptionist: UUID, clock: Hands) -> None:
    sha256 = bring(device, LETTER).json()["sha256"]
    clock.now += timedelta(hours=12)
    device.sign_in()
    [result] = device.push(device.op(receptionist, "document", document(book, sha256))).json()["results"]
    assert result["code"] == "content_not_brought"
    assert bring(device, LETTER).json()["until"] > sha256[:0]
    [result] = device.push(device.op(receptionist, "document", document(book, sha256))).json()["results"]
    assert result["outcome"] == "merged"


def test_what_is_no_document_is_not_kept(device: Device) -> None:
    other = bring(device, LETTER, "0" * 64)
    assert (other.status_code, other.json()["code"]) == (422, "content_differs")
    program = bring(device, b"MZ\x90\x00" + bytes(100))
    assert program.status_code == 422
    assert bring(device, LETTER, "x").status_code == 422
    large = bring(device, b"a" * (25 * 1024 * 1024 + 1))
    assert large.status_code == 413


@pytest.mark.embedded
def test_a_desk_is_told_that_something_changed_and_no_more(
    server: FastAPI, db: Database, device: Device, book: Book, people: dict[Role, UserRow]
) -> None:
    bearer = {"Authorization": device.client.headers["Authorization"]}
    receptionist = Actor(people[Role.RECEPTIONIST].id, Role.RECEPTIONIST, "Some receptionist", "Desk 2")
    administrator = Actor(people[Role.ADMINISTRATOR].id, Role.ADMINISTRATOR, "Some administrator", "Desk 3")
    address = f"wss://desk.example{SYNC}/events"
    with (
        TestClient(server, "https://desk.example") as client,
        client.websocket_connect(address, headers=bearer) as socket,
    ):
        assert socket.receive_json()["type"] == "hello"
        with db.write(receptionist) as tx:
            appointments.book(
                tx,
                BookAppointment(
                    book.other, book.lee, datetime.fromisoformat("2026-11-24T09:00:00+00:00"), timedelta(minutes=20)
                ),
            )
        assert socket.receive_json() == {"type": "advanced"}
        with db.write(administrator) as tx:
            sync.revoke_device(tx, UUID(device.id), 1)
        assert socket.receive()["code"] == 4401
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(address, headers=bearer):
            pass
        assert (refused.value.status_code, refused.value.json()["code"]) == (403, "device_revoked")


def test_the_front_desk_enrols_no_desks(desk: TestClient) -> None:
    answer = desk.post(f"{SYNC}/codes", json={"name": "Desk 9", "roles": ["receptionist"]})
    assert answer.status_code == 403
    assert desk.get(f"{SYNC}/devices").status_code == 403


@pytest.mark.parametrize("settings", [{f"CLINICDESK_LIMIT_{what}": "1000000" for what in ("ANONYMOUS", "DEVICE")}])
def test_whatever_a_desk_says_is_answered_as_documented(server: FastAPI, device: Device, book: Book) -> None:
    schema = schemathesis.openapi.from_dict(server.openapi())
    schema.config.generation.with_security_parameters = False
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if operation.path.startswith(SYNC):
            ask_by_chance(operation, cycle([device.client]))
            how = schema.config.generation_for(operation=operation)
            modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
            for case in schema.iter_coverage_cases(operation, generation_modes=modes, generation_config=how):
                ask(device.client, case)
