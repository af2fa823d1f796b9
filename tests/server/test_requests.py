"""What holds for every request: problem documents, ids, limits, headers, sizes, repeats."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import event
from starlette.types import Message, Receive

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.users import directory
from clinicdesk.features.users import service as users
from clinicdesk.features.users.schemas import UserRow
from clinicdesk.server import requests
from clinicdesk.server.views import Views
from tests.conftest import Hands
from tests.features.documents import files
from tests.server.conftest import PASSWORD, VISITS, Book, Knock, SignedIn

AUTH, USERS = "/api/v1/auth", "/api/v1/users"
LOGIN = f"{AUTH}/login"
NEW = {"email": "new@harbour.example", "name": "New Person", "role": "nurse", "password": PASSWORD}


def problem(answer: Any, status: int, code: str, field: str | None = None) -> None:
    """The answer is a problem document that says this."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    told = answer.json()
    assert (told["status"], told["code"], told.get("field")) == (status, code, field)
    assert told["request_id"] == answer.headers["X-Request-ID"]
    assert told["detail"]


def test_what_is_not_right_is_answered_by_a_problem_document(
    client: TestClient, administrator_client: TestClient
) -> None:
    json_type = {"Content-Type": "application/json"}
    problem(client.get("/nothing"), 404, "no_such_path")
    problem(client.put(LOGIN), 405, "method_not_allowed")
    problem(client.post(LOGIN, content="{", headers=json_type), 400, "not_json")
    problem(client.post(LOGIN, content=b'"\xff"', headers=json_type), 400, "not_json")
    problem(client.post(LOGIN, content="a=b", headers={"Content-Type": "text/plain"}), 415, "unsupported_media_type")
    problem(client.post(LOGIN, json={"email": "a@b"}), 422, "missing", "password")
    problem(client.post(LOGIN, json={"email": 7, "password": "x"}), 422, "invalid_input", "email")
    problem(client.post(LOGIN, json={"email": "a\0b", "password": "x"}), 422, "control_characters", "email")
    problem(
        client.post(LOGIN, content=b'{"email": "\\ud800", "password": "x"}', headers=json_type),
        422,
        "control_characters",
        "email",
    )
    problem(client.post(LOGIN, json={"email": "a@b", "password": "x" * 2000}), 422, "password_too_long", "password")
    problem(administrator_client.get(f"{USERS}/7"), 422, "invalid_input", "user_id")
    problem(administrator_client.get(f"{USERS}?limit=0"), 422, "invalid_input", "limit")
    problem(administrator_client.get(f"{USERS}?cursor=x"), 422, "cursor_not_right", "cursor")
    problem(administrator_client.get(f"{USERS}?text=a%00b"), 422, "control_characters", "text")


def test_a_body_is_a_megabyte_at_most_announced_or_not(client: TestClient) -> None:
    large = b" " * (1024 * 1024 + 1)
    problem(client.post(LOGIN, content=large, headers={"Content-Type": "application/json"}), 413, "body_too_large")
    pieces = client.post(
        LOGIN, content=(large[:60_000] for _ in range(20)), headers={"Content-Type": "application/json"}
    )
    problem(pieces, 413, "body_too_large")


def test_a_bug_is_answered_with_a_reference_and_without_a_word_of_what_happened(
    administrator_client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_user: object) -> None:
        raise RuntimeError("Mara Lindt has measles")

    monkeypatch.setattr(directory, "row_of", fail)
    answer = administrator_client.get(f"{AUTH}/me")
    problem(answer, 500, "crashed")
    assert "Mara" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text


def test_every_answer_carries_the_headers_of_a_careful_server(client: TestClient) -> None:
    for path in ("/healthz", f"{AUTH}/me", "/nothing"):
        headers = client.get(path).headers
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "max-age=31536000" in headers["Strict-Transport-Security"]
        assert "Access-Control-Allow-Origin" not in headers


def test_an_id_given_with_a_request_names_it_in_its_answer_and_its_log(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = client.get(f"{USERS}?text=secret", headers={"X-Request-ID": "abcdef-12345"})
        assert answer.headers["X-Request-ID"] == "abcdef-12345"
        assert client.get(f"{AUTH}/me", headers={"X-Request-ID": "a b\x7f"}).headers["X-Request-ID"] != "a b\x7f"
    facts = [record.__dict__["facts"] for record in caplog.records if record.message == "request"]
    assert facts[0] | {"ms": 0} == {"method": "GET", "route": "/api/v1/users", "status": 401, "ms": 0}
    assert "secret" not in "".join(str(record.__dict__) for record in caplog.records if record.message == "request")


def test_what_comes_unsealed_is_refused_except_from_the_machine_itself(server: Any) -> None:
    far = TestClient(server, "http://desk.example", client=("203.0.113.7", 1))
    problem(far.post(LOGIN, json={}), 403, "https_required")
    assert TestClient(server, "http://127.0.0.1", client=("127.0.0.1", 1)).get(f"{AUTH}/me").status_code == 401
    assert far.get("/healthz").status_code == 200


@pytest.mark.parametrize("settings", [{"CLINICDESK_CORS_ORIGINS": "https://portal.example"}])
def test_other_origins_are_let_in_by_name_alone(client: TestClient) -> None:
    asked = {"Access-Control-Request-Method": "GET"}
    named = client.options(f"{AUTH}/me", headers={"Origin": "https://portal.example", **asked})
    assert named.headers["Access-Control-Allow-Origin"] == "https://portal.example"
    told = client.get(f"{AUTH}/me", headers={"Origin": "https://portal.example"}).headers[
        "Access-Control-Expose-Headers"
    ]
    assert {"ETag", "Clinicdesk-Unit", "Idempotency-Replayed", "Link"} <= set(told.split(", "))
    other = client.options(f"{AUTH}/me", headers={"Origin": "https://evil.example", **asked})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_requests_are_limited_by_address_and_by_device(knock: Knock, clock: Hands) -> None:
    here, there = knock("203.0.113.7"), knock("203.0.113.8")
    assert {here.get(f"{AUTH}/me").status_code for _ in range(100)} == {401}
    problem_answer = here.get(f"{AUTH}/me")
    assert (problem_answer.status_code, problem_answer.json()["code"]) == (429, "too_many_requests")
    assert there.get(f"{AUTH}/me").status_code == 401
    clock.now += timedelta(minutes=15)
    assert here.get(f"{AUTH}/me").status_code == 401


@pytest.mark.parametrize("settings", [{"CLINICDESK_LIMIT_DEVICE": "20"}])
def test_a_device_that_is_signed_in_has_a_limit_of_its_own(sign_in: SignedIn, client: TestClient) -> None:
    desk = sign_in(Role.NURSE)
    assert [desk.get(f"{AUTH}/me").status_code for _ in range(21)] == [200] * 20 + [429]
    assert client.get(f"{AUTH}/me").status_code == 401


def test_limits_hold_while_redis_is_away(settings: dict[str, str], request: pytest.FixtureRequest) -> None:
    settings |= {"CLINICDESK_REDIS_URL": "redis://127.0.0.1:1/0", "CLINICDESK_LIMIT_ANONYMOUS": "3"}
    client: TestClient = request.getfixturevalue("client")
    with client:
        assert [client.get(f"{AUTH}/me").status_code for _ in range(4)] == [401, 401, 401, 429]
        assert client.get("/readyz").json()["redis"] == "unreachable"


def test_workers_share_their_limits_in_redis(
    settings: dict[str, str], redis_url: str, request: pytest.FixtureRequest
) -> None:
    settings |= {"CLINICDESK_REDIS_URL": redis_url, "CLINICDESK_LIMIT_ANONYMOUS": "3"}
    client: TestClient = request.getfixturevalue("client")
    with client:
        assert [client.get(f"{AUTH}/me").status_code for _ in range(4)] == [401, 401, 401, 429]
        assert client.get("/readyz").json() == {"status": "ok", "database": "ok", "migrations": "ok", "redis": "ok"}


def test_a_repeat_with_the_same_key_gets_the_first_answer(administrator_client: TestClient) -> None:
    key = {"Idempotency-Key": "key-00000001"}
    first = administrator_client.post(USERS, json=NEW, headers=key)
    again = administrator_client.post(USERS, json=NEW, headers=key)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert (again.headers["ETag"], again.headers["Idempotency-Replayed"]) == (first.headers["ETag"], "true")
    other = administrator_client.post(USERS, json=NEW | {"name": "Else"}, headers=key)
    problem(other, 422, "idempotency_key_reused", "Idempotency-Key")
    problem(administrator_client.post(USERS, json=NEW), 409, "email_taken")


def test_what_failed_is_tried_again(administrator_client: TestClient) -> None:
    key = {"Idempotency-Key": "key-00000002"}
    problem(
        administrator_client.post(USERS, json=NEW | {"password": "short"}, headers=key),
        422,
        "password_too_short",
        "password",
    )
    assert administrator_client.post(USERS, json=NEW, headers=key).status_code == 201


def test_the_key_of_one_person_is_nothing_to_another(sign_in: SignedIn) -> None:
    key = {"Idempotency-Key": "key-00000003"}
    assert sign_in(Role.ADMINISTRATOR).post(USERS, json=NEW, headers=key).status_code == 201
    problem(sign_in(Role.NURSE).post(USERS, json=NEW, headers=key), 403, "not_permitted")


def test_whoever_has_another_record_since_then_is_not_told_again_what_the_first_answer_was(
    sign_in: SignedIn, book: Book, people: dict[Role, UserRow], db: Database, operator: Actor
) -> None:
    key = {"Idempotency-Key": "key-00000006"}
    visit = book.visit() | {"patient_id": str(book.mine)}
    account = sign_in(Role.PATIENT)
    assert account.post(VISITS, json=visit, headers=key).status_code == 201
    assert account.post(VISITS, json=visit, headers=key).headers["Idempotency-Replayed"] == "true"
    with db.write(operator) as tx:
        version = users.get_user(tx, people[Role.PATIENT].id).version
        users.link_patient(tx, people[Role.PATIENT].id, version, book.other)
    problem(account.post(VISITS, json=visit, headers=key), 422, "idempotency_key_reused", "Idempotency-Key")


def test_a_key_is_good_for_a_day(administrator_client: TestClient, sign_in: SignedIn, clock: Hands) -> None:
    key = {"Idempotency-Key": "key-00000004"}
    assert administrator_client.post(USERS, json=NEW, headers=key).status_code == 201
    clock.now += timedelta(days=1, minutes=1)
    problem(sign_in(Role.ADMINISTRATOR).post(USERS, json=NEW, headers=key), 409, "email_taken")


def test_the_same_request_at_once_has_one_effect(administrator_client: TestClient) -> None:
    key = {"Idempotency-Key": "key-00000005"}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: administrator_client.post(USERS, json=NEW, headers=key), range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_a_read_that_is_known_is_not_sent_again(administrator_client: TestClient) -> None:
    for path in (f"{AUTH}/me", USERS, f"{USERS}/roles"):
        tag = administrator_client.get(path).headers["ETag"]
        known = administrator_client.get(path, headers={"If-None-Match": f'"other", {tag}'})
        assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", tag)


def test_long_answers_are_packed(administrator_client: TestClient) -> None:
    assert administrator_client.get("/openapi.json").headers["Content-Encoding"] == "gzip"


def test_the_server_says_whether_it_lives_can_work_and_what_it_does(knock: Knock, db: Database) -> None:
    client = knock("127.0.0.1")
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok", "database": "ok", "migrations": "ok", "redis": "off"}
    client.get(f"{AUTH}/me")
    assert 'clinicdesk_requests_total{method="GET",route="/api/v1/auth/me",status="401"}' in client.get("/metrics").text


def test_whoever_asks_whether_it_can_work_holds_one_connection_however_many_ask(server: FastAPI, db: Database) -> None:
    held, most = 0, 0

    def taken(*_: Any) -> None:
        nonlocal held, most
        held += 1
        most = max(most, held)

    def given_back(*_: Any) -> None:
        nonlocal held
        held -= 1

    async def nothing(_message: Any = None) -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def ask() -> None:
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "path": "/readyz", "raw_path": b"/readyz", "headers": [],
            "query_string": b"", "root_path": "", "scheme": "https", "client": ("203.0.113.7", 1),
            "server": ("desk.example", 443),
        }  # fmt: skip
        await server(scope, nothing, nothing)

    async def ask_often() -> None:
        await asyncio.gather(*(ask() for _ in range(12)))

    event.listen(db.engine, "checkout", taken)
    event.listen(db.engine, "checkin", given_back)
    try:
        asyncio.run(ask_often())
    finally:
        event.remove(db.engine, "checkout", taken)
        event.remove(db.engine, "checkin", given_back)
    assert most == 1


def test_the_document_names_every_endpoint_once_with_a_summary(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    endpoints = [one for path in document["paths"].values() for one in path.values()]
    ids = [one["operationId"] for one in endpoints]
    assert len(ids) == len(set(ids))
    assert [one["operationId"] for one in endpoints if not one.get("summary")] == []
    assert "HTTPValidationError" not in json.dumps(document)


def test_what_is_remembered_of_looks_does_not_grow_with_what_was_asked_for(clock: Hands) -> None:
    views, session = Views(clock), new_id()
    tracemalloc.start()
    try:
        for number in range(100):
            views.note(session, "/api/v1/appointments", b"text=%d" % number + b"x" * 60_000)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 200_000
    assert views.lately(session, "/api/v1/appointments", b"text=7" + b"x" * 60_000)
    assert not views.lately(new_id(), "/api/v1/appointments", b"text=7" + b"x" * 60_000)


class TestMethods:
    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"CLINICDESK_LIMIT_ANONYMOUS": "100000"}

    def test_a_method_that_a_path_does_not_have_is_told_with_those_that_it_has(
        self, server: FastAPI, client: TestClient
    ) -> None:
        for path, operations in server.openapi()["paths"].items():
            there = {method.upper() for method in operations}
            address = re.sub(r"\{\w+\}", lambda _: str(new_id()), path)
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - there:
                answer = client.request(method, address)
                problem(answer, 405, "method_not_allowed")
                assert set(answer.headers["Allow"].split(", ")) == there, (method, path)

    def test_a_word_of_a_path_is_not_taken_for_an_id(self, desk: TestClient) -> None:
        for method, path, there in (
            ("DELETE", "/appointments/series", {"POST"}),
            ("PATCH", "/appointments/types", {"GET", "POST"}),
            ("POST", "/documents/avatars/restore", set()),
            ("PUT", "/patients/search", {"GET"}),
        ):
            answer = desk.request(method, f"/api/v1{path}", json={}, headers={"If-Match": '"1"'})
            assert answer.status_code == (405 if there else 404), (method, path, answer.text)
            assert set(filter(None, answer.headers.get("Allow", "").split(", "))) == there


async def put_picture(server: FastAPI, bearer: str, receive: Receive) -> tuple[int, bytes]:
    """Send a picture as it is received; the status and the body of the answer."""
    told: list[Message] = []
    path = "/api/v1/documents/avatars/me"

    async def send(message: Message) -> None:
        told.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "scheme": "https", "query_string": b"", "root_path": "",
        "method": "PUT", "path": path, "raw_path": path.encode(), "client": ("203.0.113.7", 40_000),
        "headers": [(b"host", b"desk.example"), (b"authorization", bearer.encode())],
        "server": ("desk.example", 443), "app": server,
    }  # fmt: skip
    await server(scope, receive, send)
    return told[0]["status"], told[1]["body"]


def test_what_does_not_arrive_is_not_waited_for(
    server: FastAPI, sign_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "SECONDS", 0.05)
    bearer = sign_in(Role.PATIENT).headers["Authorization"]

    async def begun() -> tuple[int, bytes]:
        pieces = iter([b"\x89PNG"])

        async def receive() -> Message:
            piece = next(pieces, None)
            if piece is None:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": piece, "more_body": True}

        return await asyncio.wait_for(put_picture(server, bearer, receive), 30)

    status, body = asyncio.run(begun())
    assert (status, json.loads(body)["code"]) == (503, "body_too_slow")


def test_nobody_fills_the_memory_with_files_that_are_on_their_way(server: FastAPI, sign_in: SignedIn) -> None:
    bearer = sign_in(Role.PATIENT).headers["Authorization"]

    async def upload(arrives: asyncio.Event) -> int:
        async def receive() -> Message:
            await arrives.wait()
            return {"type": "http.request", "body": files.image(), "more_body": False}

        return (await put_picture(server, bearer, receive))[0]

    async def several() -> list[int]:
        arrives = asyncio.Event()
        under_way = [asyncio.create_task(upload(arrives)) for _ in range(5)]
        done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED, timeout=30)
        refused = [task.result() for task in done]
        arrives.set()
        statuses = await asyncio.gather(*under_way)
        assert set(refused) == {429}
        return sorted(statuses)

    assert asyncio.run(several()) == [200, 428, 428, 429, 429]
