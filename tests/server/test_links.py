"""Whoever follows a mailed link finds a page there, and what it asks for is done when its button is pressed, not before."""

from __future__ import annotations

import re
from html import unescape

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.users import service as users
from clinicdesk.features.users.schemas import UserQuery
from tests.server.conftest import PASSWORD, Knock, Postbox

AUTH = "/api/v1/auth"
EMAIL = "mara@mail.example"
NEW_PASSWORD = "eleven other words to say"


@pytest.fixture
def registered(client: TestClient, postbox: Postbox) -> dict[str, str]:
    """A patient's new account, and what signs in to it."""
    who = {"email": EMAIL, "password": PASSWORD}
    client.post(f"{AUTH}/register", json={**who, "given_name": "Mara", "family_name": "Lindt"})
    return who


def linked(postbox: Postbox) -> str:
    """The path of the link in the last mail."""
    found = re.search(r"https://desk\.example(/\S+)", str(postbox.mails[-1].get_payload()))
    assert found is not None
    return found[1]


def press(client: TestClient, page: str, **filled_in: str) -> tuple[int, str]:
    """Send the form of a page as a browser does that has a session in its cookies and tells no origin."""
    action = re.search(r'action="([^"]+)"', page)
    assert action is not None
    hidden = {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)}
    answer = client.post(action[1], data={**hidden, **filled_in}, headers={"Origin": "null"})
    return answer.status_code, answer.text


def test_an_address_is_confirmed_by_the_button_and_not_by_following_the_link(
    client: TestClient, postbox: Postbox, registered: dict[str, str]
) -> None:
    client.post(f"{AUTH}/login", json={**registered, "cookies": True})
    page = client.get(linked(postbox))
    assert page.status_code == 200
    assert client.get(f"{AUTH}/me").json()["email_verified"] is False
    assert press(client, page.text)[0] == 200
    assert client.get(f"{AUTH}/me").json()["email_verified"] is True
    status, told = press(client, page.text)
    assert status == 422
    assert "has expired" in told


def test_a_lost_password_is_replaced_on_the_page(
    client: TestClient, postbox: Postbox, registered: dict[str, str]
) -> None:
    client.post(f"{AUTH}/password/forgot", json={"email": EMAIL})
    page = client.get(linked(postbox)).text
    status, again = press(client, page, password="short")
    assert (status, "at least 15" in again) == (422, True)
    assert press(client, again, password=NEW_PASSWORD)[0] == 200
    assert client.post(f"{AUTH}/login", json=registered).status_code == 401
    assert client.post(f"{AUTH}/login", json={"email": EMAIL, "password": NEW_PASSWORD}).status_code == 200


@pytest.mark.parametrize("path", ["/verify", "/reset"])
def test_the_pages_run_nothing_and_what_is_in_the_link_stays_text(client: TestClient, path: str) -> None:
    page = client.get(path, params={"token": '"><script>alert(1)</script>'})
    assert (page.status_code, "<script" in page.text) == (200, False)
    policy = page.headers["content-security-policy"]
    assert ("default-src 'none'" in policy, "form-action 'self'" in policy, "unsafe" in policy) == (True, True, False)
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert press(client, page.text, password=NEW_PASSWORD)[0] == 422
    assert client.post(path, content=b"\xff\xfe%00=&&&token").status_code == 422


@pytest.mark.parametrize("settings", [{"CLINICDESK_LIMIT_ANONYMOUS": "4"}])
@pytest.mark.parametrize("path", ["/reset", "/verify"])
def test_the_pages_are_held_to_the_limits_of_strangers(knock: Knock, path: str) -> None:
    guess = {"token": "x" * 43, "password": NEW_PASSWORD}
    answers = [knock().post(path, data=guess) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [422] * 4 + [429]
    assert answers[4].json()["code"] == "too_many_requests"
    assert knock("203.0.113.8").post(path, data=guess).status_code == 422


@pytest.mark.parametrize("path", ["/reset", "/verify"])
def test_no_password_is_sent_unsealed(server: FastAPI, path: str) -> None:
    far = TestClient(server, "http://desk.example", client=("203.0.113.7", 1))
    for answer in (far.get(path), far.post(path, data={"token": "x", "password": NEW_PASSWORD})):
        assert (answer.status_code, answer.json()["code"]) == (403, "https_required")


def test_a_link_to_a_new_password_is_worth_nothing_once_there_is_one(
    client: TestClient, postbox: Postbox, registered: dict[str, str], db: Database, operator: Actor
) -> None:
    tokens = []
    for step in ("changed", "given", "turned off"):
        client.post(f"{AUTH}/password/forgot", json={"email": EMAIL})
        tokens.append(postbox.token())
        with db.write(operator) as tx:
            [account] = users.find_users(tx, UserQuery(text=EMAIL)).items
            if step == "given":
                users.reset_password(tx, account.id, "twelve given words to say")
            elif step == "turned off":
                users.set_active(tx, account.id, account.version, active=False)
        if step == "changed":
            token = client.post(f"{AUTH}/login", json=registered).json()["access_token"]
            change = {"current": PASSWORD, "new": NEW_PASSWORD}
            bearer = {"Authorization": f"Bearer {token}"}
            assert client.post(f"{AUTH}/password/change", json=change, headers=bearer).status_code == 200
        answer = client.post(f"{AUTH}/password/reset", json={"token": tokens[-1], "password": "a password of a thief"})
        assert (step, answer.status_code, answer.json()["code"]) == (step, 422, "link_not_right")
