"""Conversations over HTTP: who talks to whom, in pages and by version, and that a stranger finds nothing at all."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.features.users.schemas import UserRow
from tests.server.conftest import SignedIn
from tests.server.test_requests import problem

CHAT = "/api/v1/chat"
SCRIPT = "<script>alert('x')</script>\n'; DROP TABLE chat_message; --"


@pytest.fixture
def ann(sign_in: SignedIn) -> TestClient:
    return sign_in(Role.RECEPTIONIST)


@pytest.fixture
def ben(sign_in: SignedIn) -> TestClient:
    return sign_in(Role.DOCTOR)


@pytest.fixture
def eve(sign_in: SignedIn) -> TestClient:
    return sign_in(Role.NURSE)


@pytest.fixture
def talk(ann: TestClient, people: dict[Role, UserRow]) -> dict[str, Any]:
    """A conversation of Ann's and Ben's."""
    answer = ann.post(f"{CHAT}/direct", json={"user_id": str(people[Role.DOCTOR].id)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def say(who: TestClient, talk: dict[str, Any], text: str = "Room 2 is free", **more: Any) -> dict[str, Any]:
    answer = who.post(f"{CHAT}/conversations/{talk['id']}/messages", json={"text": text, **more})
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    assert answer.headers["ETag"] == f'"{said["version"]}"'
    return said


def test_two_people_talk_and_know_what_is_unread(
    ann: TestClient, ben: TestClient, talk: dict[str, Any], people: dict[Role, UserRow]
) -> None:
    again = ben.post(f"{CHAT}/direct", json={"user_id": str(people[Role.RECEPTIONIST].id)})
    assert again.json()["id"] == talk["id"]
    assert say(ann, talk, SCRIPT)["text"] == SCRIPT
    say(ann, talk)
    assert ben.get(f"{CHAT}/unread").json() == {"unread": 2}
    assert ben.post(f"{CHAT}/conversations/{talk['id']}/read", json={"seq": 1}).status_code == 204
    assert ben.get(f"{CHAT}/conversations/{talk['id']}").json()["unread"] == 1
    (row,) = ben.get(f"{CHAT}/conversations").json()["items"]
    assert (row["id"], row["unread"], row["last_seq"]) == (talk["id"], 1, 2)
    assert [one["read_seq"] for one in row["members"] if one["user_id"] == str(people[Role.DOCTOR].id)] == [1]


def test_what_is_known_is_not_taken_for_what_is_new(ann: TestClient, ben: TestClient, talk: dict[str, Any]) -> None:
    path = f"{CHAT}/conversations/{talk['id']}"
    known = {"If-None-Match": ben.get(path).headers["ETag"]}
    assert ben.get(path, headers=known).status_code == 304
    say(ann, talk)
    assert ben.get(path, headers=known).json()["unread"] == 1


def test_messages_come_in_pages_the_latest_first(ann: TestClient, ben: TestClient, talk: dict[str, Any]) -> None:
    for nth in range(5):
        say(ann, talk, f"message {nth}")
    path = f"{CHAT}/conversations/{talk['id']}/messages"
    cursor: str | None = ""
    seen: list[list[int]] = []
    while cursor is not None:
        page = ben.get(path, params={"limit": 2, "cursor": cursor, "total": True}).json()
        assert page["total"] == 5
        seen.append([one["seq"] for one in page["items"]])
        cursor = page["next"]
    assert seen == [[5, 4], [3, 2], [1]]


def test_conversations_come_in_pages(ann: TestClient, people: dict[Role, UserRow]) -> None:
    for nth in range(3):
        group = {"title": f"Group {nth}", "member_ids": [str(people[Role.NURSE].id)]}
        assert ann.post(f"{CHAT}/groups", json=group).status_code == 201
    first = ann.get(f"{CHAT}/conversations", params={"limit": 2, "total": True}).json()
    second = ann.get(f"{CHAT}/conversations", params={"limit": 2, "cursor": first["next"]}).json()
    titles = [one["title"] for one in (*first["items"], *second["items"])]
    assert (sorted(titles), first["total"], second["next"]) == (["Group 0", "Group 1", "Group 2"], 3, None)


def test_a_stranger_is_told_that_there_is_nothing(ann: TestClient, eve: TestClient, talk: dict[str, Any]) -> None:
    said = say(ann, talk, "about somebody")
    version = {"If-Match": '"1"'}
    for there, message in ((talk["id"], said["id"]), (str(new_id()), str(new_id()))):
        one = f"{CHAT}/conversations/{there}"
        asked = [
            eve.get(one),
            eve.get(f"{one}/messages"),
            eve.post(f"{one}/messages", json={"text": "hello"}),
            eve.post(f"{one}/read", json={"seq": 1}),
            eve.post(f"{one}/members", json={"user_ids": []}),
            eve.post(f"{one}/leave"),
            eve.post(f"{CHAT}/rooms/{there}/enter"),
        ]
        for answer in asked:
            problem(answer, 404, "conversation_not_found")
        problem(eve.put(f"{CHAT}/messages/{message}", json={"text": "x"}, headers=version), 404, "message_not_found")
        problem(eve.delete(f"{CHAT}/messages/{message}", headers=version), 404, "message_not_found")
    assert eve.get(f"{CHAT}/conversations").json()["items"] == []
    assert eve.get(f"{CHAT}/unread").json() == {"unread": 0}


def test_an_author_changes_and_takes_back_by_version(ann: TestClient, ben: TestClient, talk: dict[str, Any]) -> None:
    said = say(ann, talk)
    path = f"{CHAT}/messages/{said['id']}"
    problem(ann.put(path, json={"text": "x"}), 428, "if_match_required")
    problem(ben.put(path, json={"text": "x"}, headers={"If-Match": '"1"'}), 403, "not_your_message")
    changed = ann.put(path, json={"text": "Room 3 is free"}, headers={"If-Match": '"1"'})
    assert (changed.json()["text"], changed.headers["ETag"]) == ("Room 3 is free", '"2"')
    problem(ann.delete(path, headers={"If-Match": '"1"'}), 412, "changed_meanwhile")
    gone = ann.delete(path, headers={"If-Match": '"2"'}).json()
    assert (gone["text"], gone["deleted_at"] is None) == ("", False)
    problem(ann.put(path, json={"text": "x"}, headers={"If-Match": '"3"'}), 409, "message_deleted")


def test_groups_grow_and_shrink_and_two_stay_two(
    ann: TestClient, eve: TestClient, talk: dict[str, Any], people: dict[Role, UserRow]
) -> None:
    nurse = [str(people[Role.NURSE].id)]
    group = ann.post(f"{CHAT}/groups", json={"title": " Vaccines ", "member_ids": []}).json()
    assert (group["title"], group["kind"]) == ("Vaccines", "group")
    say(ann, group, "before you came")
    grown = ann.post(f"{CHAT}/conversations/{group['id']}/members", json={"user_ids": nurse})
    assert {one["user_id"] for one in grown.json()["members"]} >= set(nurse)
    assert len(eve.get(f"{CHAT}/conversations/{group['id']}/messages").json()["items"]) == 1
    assert eve.post(f"{CHAT}/conversations/{group['id']}/leave").status_code == 204
    assert eve.get(f"{CHAT}/conversations/{group['id']}").status_code == 404
    one = f"{CHAT}/conversations/{talk['id']}"
    problem(ann.post(f"{one}/members", json={"user_ids": nurse}), 409, "conversation_of_two")
    problem(ann.post(f"{one}/leave"), 409, "conversation_of_two")


def test_an_administrator_makes_rooms_and_colleagues_enter(
    ann: TestClient, eve: TestClient, administrator_client: TestClient
) -> None:
    problem(ann.post(f"{CHAT}/rooms", json={"title": "Front desk"}), 403, "not_permitted")
    room = administrator_client.post(f"{CHAT}/rooms", json={"title": "Front desk"}).json()
    problem(administrator_client.post(f"{CHAT}/rooms", json={"title": "Front desk"}), 409, "name_taken")
    assert [one["title"] for one in eve.get(f"{CHAT}/rooms").json()["items"]] == ["Front desk"]
    problem(eve.get(f"{CHAT}/conversations/{room['id']}"), 403, "not_a_member")  # of a room everybody knows
    assert eve.post(f"{CHAT}/rooms/{room['id']}/enter").status_code == 200
    assert say(eve, room)["seq"] == 1


def test_nobody_talks_to_a_patient_and_no_patient_talks(
    ann: TestClient, sign_in: SignedIn, people: dict[Role, UserRow]
) -> None:
    patient = str(people[Role.PATIENT].id)
    problem(ann.post(f"{CHAT}/direct", json={"user_id": patient}), 422, "not_a_colleague", "user_id")
    assert sign_in(Role.PATIENT).get(f"{CHAT}/conversations").status_code == 403


def test_a_repeat_says_nothing_twice(ann: TestClient, talk: dict[str, Any]) -> None:
    path, key = f"{CHAT}/conversations/{talk['id']}/messages", {"Idempotency-Key": "say-0001"}
    ids = {ann.post(path, json={"text": "once"}, headers=key).json()["id"] for _ in range(3)}
    assert len(ids) == 1
    assert ann.get(path, params={"total": True}).json()["total"] == 1


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"text": ""}, "empty", "text"),
        ({"text": "x" * 4001}, "too_long", "text"),
        ({"text": "a\x1bb"}, "control_characters", "text"),
        ({"text": "hello", "patient_id": "7"}, "invalid_input", "patient_id"),
        ({}, "missing", "text"),
    ],
)
def test_what_cannot_be_said_is_refused_by_its_field(
    ann: TestClient, talk: dict[str, Any], body: dict[str, Any], code: str, field: str
) -> None:
    problem(ann.post(f"{CHAT}/conversations/{talk['id']}/messages", json=body), 422, code, field)
