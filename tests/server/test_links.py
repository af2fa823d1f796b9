"""Whoever follows a mailed link finds a page there, and what it asks for is done when its button is pressed, not before."""

from __future__ import annotations

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient

from tests.server.conftest import PASSWORD, Postbox

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
