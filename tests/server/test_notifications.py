"""Inboxes over HTTP, what the clinic sends to patients, and how each patient wants to be reached."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.notifications import service as notifications
from clinicdesk.features.notifications.schemas import Channel, Kind, Template
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from clinicdesk.features.users.models import User
from clinicdesk.features.users.schemas import UserRow
from tests.server.conftest import SignedIn
from tests.server.test_requests import problem

INBOX = "/api/v1/notifications"
SETTINGS = {"email": True, "sms": False, "notices": True, "grace_seconds": 120}


def tell(db: Database, operator: Actor, user_id: UUID, times: int = 1) -> None:
    """Put so many things into somebody's inbox."""
    with db.write(operator) as tx:
        for _ in range(times):
            notifications.notify(tx, [user_id], Kind.CHAT_MESSAGE, {}, new_id())


@pytest.fixture
def nurse(sign_in: SignedIn) -> TestClient:
    return sign_in(Role.NURSE)


@pytest.fixture
def desk(sign_in: SignedIn) -> TestClient:
    return sign_in(Role.RECEPTIONIST)


@pytest.fixture
def sick(db: Database, operator: Actor, people: dict[Role, UserRow]) -> tuple[UUID, UUID]:
    """Two patients; the first is the one who can sign in."""
    with db.write(operator) as tx:
        first, second = (
            patients.register(
                tx, RegisterPatient(Demographics(family=name, given="Ada", email=f"{name}@home.example"))
            ).id
            for name in ("Smith", "Jones")
        )
        own = update(User).where(User.id == people[Role.PATIENT].id)
        tx.session.execute(own.values(patient_id=first, email_verified_at=tx.now))
    return first, second


def test_an_inbox_is_read_in_pages_narrowed_and_counted(
    db: Database, operator: Actor, nurse: TestClient, people: dict[Role, UserRow]
) -> None:
    tell(db, operator, people[Role.NURSE].id, 5)
    tell(db, operator, people[Role.DOCTOR].id)
    cursor: str | None = ""
    seen: list[str] = []
    while cursor is not None:
        page = nurse.get(INBOX, params={"limit": 2, "cursor": cursor, "total": True}).json()
        assert page["total"] == 5
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 5
    read = nurse.post(f"{INBOX}/{seen[0]}/read").json()
    assert (read["id"], read["kind"], read["read_at"] is None) == (seen[0], "chat_message", False)
    assert [one["id"] for one in nurse.get(INBOX, params={"unread": True}).json()["items"]] == seen[1:]
    assert nurse.get(f"{INBOX}/unread").json() == {"unread": 4}
    assert nurse.delete(f"{INBOX}/{seen[1]}").status_code == 204
    assert nurse.post(f"{INBOX}/read").json() == {"read": 3}
    assert nurse.get(f"{INBOX}/unread").json() == {"unread": 0}
    assert len(nurse.get(INBOX).json()["items"]) == 4


def test_nobody_finds_what_lies_in_the_inbox_of_another(
    db: Database, operator: Actor, nurse: TestClient, sign_in: SignedIn, people: dict[Role, UserRow]
) -> None:
    tell(db, operator, people[Role.NURSE].id)
    (one,) = nurse.get(INBOX).json()["items"]
    for role in (Role.DOCTOR, Role.ADMINISTRATOR, Role.PATIENT):
        other = sign_in(role)
        assert other.get(INBOX).json()["items"] == []
        problem(other.post(f"{INBOX}/{one['id']}/read"), 404, "notification_not_found")
        problem(other.delete(f"{INBOX}/{one['id']}"), 404, "notification_not_found")
        assert other.post(f"{INBOX}/read").json() == {"read": 0}
    assert nurse.get(f"{INBOX}/unread").json() == {"unread": 1}


def test_one_says_how_one_wants_to_be_told(
    db: Database, operator: Actor, nurse: TestClient, people: dict[Role, UserRow]
) -> None:
    assert set(nurse.get(f"{INBOX}/preferences").json()["delivery"].values()) == {"in_app"}
    wanted = {"delivery": {"chat_message": "none"}, "quiet": {"from_minute": 1200, "to_minute": 420}}
    chosen = nurse.put(f"{INBOX}/preferences", json=wanted).json()
    assert (chosen["delivery"]["chat_message"], chosen["quiet"]) == ("none", wanted["quiet"])
    tell(db, operator, people[Role.NURSE].id)
    assert nurse.get(INBOX).json()["items"] == []
    kept = nurse.put(f"{INBOX}/preferences", json={"delivery": {}}).json()
    assert (kept["delivery"]["chat_message"], kept["quiet"]) == ("none", None)
    for wrong, field in (
        ({"quiet": {"from_minute": 1440, "to_minute": 0}}, "quiet.from_minute"),
        ({"quiet": {"from_minute": 10**400, "to_minute": 0}}, "quiet.from_minute"),
        ({"delivery": {"chat_message": "pigeon"}}, "delivery.chat_message"),
        ({"delivery": {"gossip": "email"}}, "delivery.gossip"),
    ):
        problem(nurse.put(f"{INBOX}/preferences", json=wrong), 422, "invalid_input", field)


def test_the_administrator_says_what_is_sent_by_version(administrator_client: TestClient, desk: TestClient) -> None:
    before = desk.get(f"{INBOX}/settings")
    assert (before.headers["ETag"], before.json()["email"]) == ('"0"', False)
    problem(desk.put(f"{INBOX}/settings", json=SETTINGS, headers={"If-Match": '"0"'}), 403, "not_permitted")
    problem(administrator_client.put(f"{INBOX}/settings", json=SETTINGS), 428, "if_match_required")
    changed = administrator_client.put(f"{INBOX}/settings", json=SETTINGS, headers={"If-Match": '"0"'})
    assert (changed.json(), changed.headers["ETag"]) == (SETTINGS, '"1"')
    late = administrator_client.put(f"{INBOX}/settings", json=SETTINGS, headers={"If-Match": '"0"'})
    problem(late, 412, "changed_meanwhile")
    assert desk.get(f"{INBOX}/settings").json() == SETTINGS


def test_reminder_rules_are_made_changed_and_removed(administrator_client: TestClient, desk: TestClient) -> None:
    made = administrator_client.post(f"{INBOX}/rules", json={"minutes_before": 2880, "channel": "email"})
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    one = f"{INBOX}/rules/{made.json()['id']}"
    problem(administrator_client.post(f"{INBOX}/rules", json={"minutes_before": 2880}), 409, "rule_exists")
    for minutes in (14, 43_201, -1, 10**30):
        answer = administrator_client.post(f"{INBOX}/rules", json={"minutes_before": minutes})
        problem(answer, 422, "invalid_input", "minutes_before")
    unknown = {"minutes_before": 60, "type_id": str(new_id())}
    problem(administrator_client.post(f"{INBOX}/rules", json=unknown), 404, "type_not_found")
    changed = administrator_client.put(one, json={"minutes_before": 120}, headers={"If-Match": '"1"'})
    assert (changed.json()["minutes_before"], changed.json()["channel"], changed.headers["ETag"]) == (120, None, '"2"')
    assert [rule["minutes_before"] for rule in desk.get(f"{INBOX}/rules").json()] == [120]
    problem(administrator_client.delete(one, headers={"If-Match": '"1"'}), 412, "changed_meanwhile")
    assert administrator_client.delete(one, headers={"If-Match": '"2"'}).status_code == 204
    problem(administrator_client.delete(one, headers={"If-Match": '"2"'}), 404, "rule_not_found")


def test_the_desk_settles_messages(
    db: Database, operator: Actor, desk: TestClient, sick: tuple[UUID, UUID], sign_in: SignedIn
) -> None:
    with db.write(operator) as tx:
        for nth, patient_id in enumerate((*sick, sick[0])):
            notifications.queue(
                tx, f"test:{nth}", Channel.EMAIL, "ada@home.example", Template.VISIT_BOOKED, {}, patient_id=patient_id
            )
    everything = desk.get(f"{INBOX}/messages", params={"total": True}).json()
    assert (len(everything["items"]), everything["total"]) == (3, 3)
    of_one: dict[str, Any] = {"patient_id": str(sick[0]), "limit": 1}
    first = desk.get(f"{INBOX}/messages", params=of_one).json()
    second = desk.get(f"{INBOX}/messages", params={**of_one, "cursor": first["next"]}).json()
    assert second["next"] is None
    assert {one["patient_id"] for one in (*first["items"], *second["items"])} == {str(sick[0])}
    one = f"{INBOX}/messages/{first['items'][0]['id']}"
    tag = desk.get(one).headers["ETag"]
    problem(desk.post(f"{one}/send-again", headers={"If-Match": tag}), 409, "message_not_settled")
    held = desk.post(f"{one}/hold-back", headers={"If-Match": tag})
    assert (held.json()["state"], held.json()["error"]) == ("cancelled", "held_back")
    problem(desk.post(f"{one}/hold-back", headers={"If-Match": tag}), 412, "changed_meanwhile")
    states = {"state": ["cancelled", "failed"]}
    assert [row["id"] for row in desk.get(f"{INBOX}/messages", params=states).json()["items"]] == [held.json()["id"]]
    problem(desk.get(f"{INBOX}/messages/{new_id()}"), 404, "message_not_found")
    assert sign_in(Role.PATIENT).get(f"{INBOX}/messages").status_code == 403


def test_a_patient_says_how_to_be_reached_and_nothing_of_others(
    desk: TestClient, sign_in: SignedIn, sick: tuple[UUID, UUID]
) -> None:
    own, other = (f"{INBOX}/contacts/{patient_id}" for patient_id in sick)
    ada = sign_in(Role.PATIENT)
    assert (ada.get(own).json()["reach"], ada.get(own).headers["ETag"]) == ("any", '"0"')
    assert ada.put(own, json={"reach": "nobody"}, headers={"If-Match": '"0"'}).headers["ETag"] == '"1"'
    problem(ada.put(own, json={"reach": "any"}, headers={"If-Match": '"0"'}), 412, "changed_meanwhile")
    assert desk.get(own).json()["reach"] == "nobody"
    assert desk.put(own, json={"reach": "sms"}, headers={"If-Match": '"1"'}).json()["reach"] == "sms"
    for path in (other, f"{INBOX}/contacts/{new_id()}"):
        problem(ada.get(path), 403, "not_own_record")
        problem(ada.put(path, json={"reach": "any"}, headers={"If-Match": '"0"'}), 403, "not_own_record")
    problem(desk.get(f"{INBOX}/contacts/{new_id()}"), 404, "patient_not_found")
    problem(desk.put(own, json={"reach": "pigeon"}, headers={"If-Match": '"2"'}), 422, "invalid_input", "reach")


def test_whoever_looks_at_what_is_sent_to_a_patient_and_how_is_noted_with_the_patient(
    db: Database, operator: Actor, desk: TestClient, sick: tuple[UUID, UUID]
) -> None:
    with db.write(operator) as tx:
        notifications.queue(
            tx, "test:0", Channel.EMAIL, "ada@home.example", Template.VISIT_BOOKED, {}, patient_id=sick[1]
        )
    [message] = desk.get(f"{INBOX}/messages", params={"patient_id": str(sick[1])}).json()["items"]
    assert desk.get(f"{INBOX}/messages/{message['id']}").status_code == 200
    assert desk.get(f"{INBOX}/contacts/{sick[1]}").status_code == 200
    seen = select(AuditEntry.verb).where(AuditEntry.patient_id == sick[1].hex, AuditEntry.action == "R")
    with db.engine.connect() as connection:
        noted = connection.execute(seen.order_by(AuditEntry.seq)).scalars().all()
    assert noted == ["notifications.messages", "notifications.message", "notifications.contact_preference"]
