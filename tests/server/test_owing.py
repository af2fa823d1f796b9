"""Whoever was given their password chooses one of their own, and does nothing else before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.audit import service as audit
from clinicdesk.features.audit.schemas import AuditQuery
from clinicdesk.features.users import service as users
from clinicdesk.features.users.schemas import UserRow
from tests.conftest import Hands
from tests.server.conftest import Knock, SignedIn
from tests.server.fleet import API, StartFleet
from tests.server.test_cache import until_kept
from tests.server.test_live import follow

GIVEN, OWN = "eleven given words to say", "nine green kites over Ulm"
CHANGE = {"current": GIVEN, "new": OWN}


@pytest.fixture
def given(db: Database, operator: Actor, people: dict[Role, UserRow], knock: Knock) -> TestClient:
    """A nurse who was given a password, and has signed in with it."""
    with db.write(operator) as tx:
        users.reset_password(tx, people[Role.NURSE].id, GIVEN)
    client = knock()
    answer = client.post(f"{API}/auth/login", json={"email": "nurse@harbour.example", "password": GIVEN})
    assert (answer.status_code, answer.json()["user"]["must_change_password"]) == (200, True)
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    client.headers["Clinicdesk-Device"] = answer.json()["device_token"]
    client.cookies.set("refresh", answer.json()["refresh_token"])
    return client


def refused(client: TestClient, method: str, path: str) -> bool:
    answer = client.request(method, f"{API}{path}", json={} if method != "GET" else None, headers={"If-Match": '"1"'})
    return answer.status_code == 403 and answer.json()["code"] == "password_change_required"


def test_a_given_password_is_changed_before_anything_else(given: TestClient, clock: Hands) -> None:
    shown = given.get(f"{API}/doctors").json()
    assert (shown["status"], shown["code"]) == (403, "password_change_required")
    assert shown["detail"] == "This password was given to you. Choose one of your own first."
    assert all(
        refused(given, *one)
        for one in (
            ("GET", "/users/roles"), ("GET", "/documents/types"), ("GET", "/auth/sessions"), ("GET", "/appointments"),
            ("GET", "/notifications"), ("POST", "/notifications/read"), ("POST", "/events/ticket"),
            ("DELETE", "/documents/avatars/me"), ("GET", "/chat/conversations"),
            ("DELETE", f"/auth/sessions/{new_id()}"),
        )
    )  # fmt: skip
    visit = {
        "patient_id": str(new_id()),
        "practitioner_id": str(new_id()),
        "start": "2026-12-01T09:00:00Z",
        "minutes": 9,
    }
    assert given.post(f"{API}/appointments", json=visit).json()["code"] == "password_change_required"
    assert given.get(f"{API}/auth/me").json()["must_change_password"] is True
    assert given.get(f"{API}/doctors").status_code == 403, "that they were known once lets them in nowhere"
    new = given.post(f"{API}/auth/refresh", json={"refresh_token": given.cookies["refresh"]})
    assert new.status_code == 200
    given.headers["Authorization"] = f"Bearer {new.json()['access_token']}"
    assert refused(given, "GET", "/doctors")
    clock.now += timedelta(seconds=1)
    assert given.post(f"{API}/auth/password/change", json=CHANGE).json()["must_change_password"] is False
    assert given.get(f"{API}/doctors").status_code == 200


def test_whoever_owes_a_password_may_leave(given: TestClient) -> None:
    assert given.post(f"{API}/auth/logout", headers={"Idempotency-Key": "leaving-0001"}).status_code == 204
    assert given.get(f"{API}/auth/me").status_code == 401


def test_what_was_answered_before_is_not_answered_again(
    db: Database, operator: Actor, people: dict[Role, UserRow], sign_in: SignedIn, knock: Knock
) -> None:
    key = {"Idempotency-Key": "reading-0001"}
    assert sign_in(Role.NURSE).post(f"{API}/notifications/read", headers=key).status_code < 300
    with db.write(operator) as tx:
        users.reset_password(tx, people[Role.NURSE].id, GIVEN)
    client = knock()
    answer = client.post(f"{API}/auth/login", json={"email": "nurse@harbour.example", "password": GIVEN})
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    again = client.post(f"{API}/notifications/read", headers=key)
    assert (again.status_code, again.json()["code"]) == (403, "password_change_required")


def test_a_refusal_is_in_the_audit_trail(given: TestClient, db: Database, operator: Actor) -> None:
    given.get(f"{API}/doctors")
    with db.write(operator) as tx:
        [last, *_] = audit.list_entries(tx, AuditQuery(outcome="refused")).rows
    assert (last.verb, last.outcome) == ("practitioners.find_practitioners", "refused")


def test_no_stream_is_opened_by_whoever_owes_a_password(server: FastAPI, given: TestClient) -> None:
    bearer = {"Authorization": given.headers["Authorization"]}
    with TestClient(server, "https://desk.example") as client:
        with pytest.raises(WebSocketDenialResponse) as denied, follow(client, bearer):
            pass
        assert (denied.value.status_code, denied.value.json()["code"]) == (403, "password_change_required")
        assert given.post(f"{API}/auth/password/change", json=CHANGE).status_code == 200
        with follow(client, bearer) as socket:
            assert socket.receive_json()["type"] == "hello"


def test_what_is_kept_is_not_for_whoever_owes_a_password_at_any_worker(fleet: StartFleet) -> None:
    one = fleet(workers=1)
    other = fleet(workers=1, beside=one)
    nurse = {"email": "given@harbour.example", "name": "Nia New", "role": "nurse", "password": GIVEN}
    with one.client(Role.ADMINISTRATOR) as admin, one.client(Role.NURSE) as colleague:
        until_kept(one, "/doctors", lambda: colleague.get("/doctors"))
        added = admin.post("/users", nurse | {"must_change_password": True})
        assert added.status_code == 201, added.text
        with one.stranger(nurse["email"]) as new:
            new.password = GIVEN
            new.sign_in()
            assert [new.get("/auth/me").status_code for _ in range(3)] == [200] * 3
            assert new.get("/doctors").json()["code"] == "password_change_required"
            with other.stranger(nurse["email"]) as elsewhere:
                elsewhere.session = new.session
                elsewhere._http.headers["Authorization"] = f"Bearer {new.session['access_token']}"
                assert elsewhere.post("/auth/password/change", CHANGE).status_code == 200
            assert new.get("/doctors").status_code == 200
