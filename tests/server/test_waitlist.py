"""The waitlist over HTTP: wishes, whom a cancelled visit's time would suit, and the giving of it."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.server.conftest import VISITS, Book, booked, change

WAITLIST = f"{VISITS}/waitlist"


def wait(desk: TestClient, book: Book, **wish: Any) -> dict[str, Any]:
    made = desk.post(WAITLIST, json={"patient_id": str(book.mine), "minutes": 30, **wish})
    assert made.status_code == 201, made.text
    entry: dict[str, Any] = made.json()
    return entry


def test_a_cancelled_visits_time_is_given_to_who_waits(desk: TestClient, book: Book) -> None:
    entry = wait(desk, book, weekdays=[1], from_minute=480, to_minute=720, priority="urgent")
    change(desk, booked(desk, book.visit()), "cancel", {"reason": "pat"})
    (freed,) = desk.get(f"{WAITLIST}/freed").json()
    assert freed["start"] == "2026-11-24T08:00:00Z"
    (best,) = freed["candidates"]
    assert (best["entry"]["id"], best["reasons"]) == (entry["id"], ["urgent", "exact_fit", "longest_waiting"])
    query = {"practitioner_id": str(book.lee), "from": freed["start"], "to": freed["end"]}
    assert desk.get(f"{WAITLIST}/candidates", params=query).json() == [best]
    time = {"practitioner_id": str(book.lee), "start": best["start"]}
    filled = desk.post(f"{WAITLIST}/{entry['id']}/fill", json=time, headers={"If-Match": '"1"'})
    assert (filled.status_code, filled.headers["ETag"]) == (201, '"2"')
    assert filled.json()["visit"]["patient_id"] == str(book.mine)
    assert (filled.json()["entry"]["state"], desk.get(f"{WAITLIST}/freed").json()) == ("fulfilled", [])
    desk.post(f"{VISITS}/undo", json={"unit_id": filled.headers["Clinicdesk-Unit"]})
    assert desk.get(f"{WAITLIST}/{entry['id']}").json()["state"] == "waiting"


def test_a_wish_is_changed_by_its_version_taken_off_and_put_back(desk: TestClient, book: Book) -> None:
    entry = wait(desk, book)
    path = f"{WAITLIST}/{entry['id']}"
    changed = desk.put(path, json={"minutes": 20, "note": "<b>"}, headers={"If-Match": '"1"'}).json()
    assert (changed["minutes"], changed["note"], changed["version"]) == (20, "<b>", 2)
    assert desk.delete(path, headers={"If-Match": '"1"'}).status_code == 412
    assert desk.delete(path, headers={"If-Match": '"2"'}).json()["state"] == "removed"
    assert desk.get(WAITLIST).json()["items"] == []
    assert desk.post(f"{path}/restore", headers={"If-Match": '"3"'}).json()["state"] == "waiting"
    listed = desk.get(WAITLIST, params={"total": True, "patient_id": str(book.mine)}).json()
    assert ([row["id"] for row in listed["items"]], listed["total"]) == ([entry["id"]], 1)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"minutes": 10**9}, "minutes"),
        ({"weekdays": [7]}, "weekdays[0]"),
        ({"from_minute": 1439}, "to_minute"),
        ({"earliest": "0001-01-01"}, "earliest"),
        ({"earliest": "2026-12-02", "latest": "2026-12-01"}, "latest"),
        ({"priority": "now"}, "priority"),
        ({"note": "x" * 10**6}, "note"),
        ({"practitioner_ids": ["me"]}, "practitioner_ids[0]"),
    ],
)
def test_a_wish_that_cannot_be_right_is_refused_by_name(
    desk: TestClient, book: Book, wrong: dict[str, Any], field: str
) -> None:
    answer = desk.post(WAITLIST, json={"patient_id": str(book.mine), "minutes": 30, **wrong})
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_patient_sees_their_own_wish_and_not_the_list(patient: TestClient, desk: TestClient, book: Book) -> None:
    mine = wait(desk, book)
    theirs = wait(desk, book, patient_id=str(book.other))
    assert patient.get(f"{WAITLIST}/{mine['id']}").json()["id"] == mine["id"]
    assert patient.get(f"{WAITLIST}/{theirs['id']}").status_code == 403
    assert patient.get(WAITLIST).status_code == 403
    assert patient.get(WAITLIST, params={"patient_id": str(book.mine)}).status_code == 403
