"""Visits over HTTP: booked, moved, stepped through their day, put back; in pages; and nobody's but one's own for a patient."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Database
from tests.conftest import Hands
from tests.server.conftest import VISITS, Book, SignedIn, booked, change


def pages(client: TestClient, **query: Any) -> Iterator[list[dict[str, Any]]]:
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get(VISITS, params={**query, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        yield answer.json()["items"]
        cursor = answer.json()["next"]


# ---- booking -------------------------------------------------------------------------------------------------------


def test_a_visit_is_booked_once(desk: TestClient, book: Book) -> None:
    answer = desk.post(VISITS, json=book.visit(reason="Sore throat"))
    visit = answer.json()
    assert (answer.status_code, visit["status"], visit["start"]) == (201, "booked", "2026-11-24T08:00:00Z")
    assert answer.headers["ETag"] == '"1"'
    assert desk.get(f"{VISITS}/{visit['id']}").json() == visit
    clash = desk.post(VISITS, json=book.visit("2026-11-24T09:15:00+01:00", patient_id=str(book.mine)))
    assert (clash.status_code, clash.json()["code"]) == (409, "slot_taken")


def test_a_repeat_with_its_key_gets_the_first_answer(desk: TestClient, book: Book) -> None:
    key = {"Idempotency-Key": "booking-0001"}
    first, again = (desk.post(VISITS, json=book.visit(), headers=key) for _ in range(2))
    assert (again.status_code, again.json()) == (201, first.json())
    for header in ("ETag", "Clinicdesk-Unit"):
        assert again.headers[header] == first.headers[header]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"start": "2026-11-24T09:00:00"}, "start"),
        ({"start": "0001-01-01T00:00:00Z"}, "start"),
        ({"start": "9999-12-31T23:59:59Z"}, "start"),
        ({"start": 1_790_000_000}, "start"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 10**30}, "minutes"),
        ({"minutes": "30"}, "minutes"),
        ({"minutes": True}, "minutes"),
        ({"patient_id": "' OR 1=1 --"}, "patient_id"),
        ({"reason": "x" * 251}, "reason"),
        ({"status": "fulfilled"}, "status"),
        ({"start": "2026-11-20T09:00:00+01:00"}, "start"),
    ],
)
def test_what_cannot_be_right_is_refused_by_name(
    desk: TestClient, book: Book, wrong: dict[str, Any], field: str
) -> None:
    answer = desk.post(VISITS, json=book.visit(**wrong))
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_text_is_stored_as_text(desk: TestClient, book: Book) -> None:
    reason = "<script>alert(1)</script>'); DROP TABLE appointment; --"
    visit = booked(desk, book.visit(reason=reason))
    assert desk.get(f"{VISITS}/{visit['id']}").json()["reason"] == reason


def test_overrides_are_said_and_permitted(desk: TestClient, sign_in: SignedIn, book: Book) -> None:
    night = book.visit("2026-11-24T22:00:00+01:00")
    refused = desk.post(VISITS, json=night)
    assert (refused.status_code, refused.json()["code"]) == (409, "outside_hours")
    assert sign_in(Role.NURSE).post(VISITS, json={**night, "outside_hours": True}).status_code == 403
    booked(desk, {**night, "outside_hours": True})
    over = book.visit(
        "2026-11-24T22:00:00+01:00", patient_id=str(book.mine), outside_hours=True, overbook_reason="urgent"
    )
    assert booked(desk, over)["overbooked"] is True


def test_unknown_people_and_things_are_named(desk: TestClient, book: Book) -> None:
    for field, code in (
        ("patient_id", "patient_not_found"), ("practitioner_id", "practitioner_not_found"),
        ("room_id", "room_not_found"), ("type_id", "type_not_found"),
    ):  # fmt: skip
        answer = desk.post(VISITS, json={**book.visit(), field: str(uuid4())})
        assert (answer.status_code, answer.json()["code"]) == (404, code)


# ---- changing ------------------------------------------------------------------------------------------------------


def test_what_a_visit_is_for_is_changed_by_its_version(desk: TestClient, book: Book) -> None:
    visit = booked(desk, book.visit())
    path, tag = f"{VISITS}/{visit['id']}", {"If-Match": '"1"'}
    assert desk.patch(path, json={"confirmed": True}).status_code == 428
    changed = desk.patch(path, json={"confirmed": True, "type_id": str(book.follow_up)}, headers=tag)
    assert (changed.json()["confirmed"], changed.json()["type_name"]) == (True, "Follow-up")
    assert changed.headers["ETag"] == '"2"'
    late = desk.patch(path, json={"reason": "Cough"}, headers=tag)
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")


def test_a_visit_moves_to_a_free_time_only(desk: TestClient, book: Book) -> None:
    first = booked(desk, book.visit())
    booked(desk, book.visit("2026-11-24T10:00:00+01:00", patient_id=str(book.mine)))
    taken = change(desk, first, "reschedule", {"start": "2026-11-24T10:15:00+01:00"})
    assert (taken.status_code, taken.json()["code"]) == (409, "slot_taken")
    moved = change(desk, first, "reschedule", {"start": "2026-11-24T11:00:00+01:00", "minutes": 45}).json()
    assert (moved["start"], moved["end"]) == ("2026-11-24T10:00:00Z", "2026-11-24T10:45:00Z")
    away = change(desk, moved, "reschedule", {"practitioner_id": str(book.okafor)}).json()
    assert away["practitioner_id"] == str(book.okafor)


def test_a_visit_goes_through_its_day(desk: TestClient, sign_in: SignedIn, book: Book) -> None:
    visit = booked(desk, book.visit("2026-11-23T11:45:00+01:00"))
    for path, status in (
        ("arrive", "arrived"), ("step-back", "booked"), ("check-in", "checked-in"), ("start", "checked-in"),
        ("fulfil", "fulfilled"), ("step-back", "checked-in"), ("advance", "fulfilled"),
    ):  # fmt: skip
        answer = change(desk, visit, path)
        assert answer.status_code == 200, answer.text
        visit = answer.json()
        assert visit["status"] == status
    assert change(desk, visit, "arrive").json()["code"] == "illegal_transition"
    assert change(sign_in(Role.ADMINISTRATOR), visit, "entered-in-error").json()["status"] == "entered-in-error"


def test_a_visit_is_planned_cancelled_and_taken_back(desk: TestClient, book: Book) -> None:
    visit = booked(desk, book.visit())
    for path, status in (
        ("pend", "pending"), ("propose", "proposed"), ("waitlist", "waitlist"), ("reinstate", "booked"),
    ):  # fmt: skip
        visit = change(desk, visit, path).json()
        assert visit["status"] == status
    assert change(desk, visit, "no-show").json()["code"] == "visit_not_begun"
    assert change(desk, visit, "cancel", {"reason": "bored"}).json()["field"] == "reason"
    visit = change(desk, visit, "cancel", {"reason": "pat-fb"}).json()
    assert (visit["status"], visit["cancel_reason"]) == ("cancelled", "pat-fb")


def test_a_write_can_be_put_back_and_so_can_that(desk: TestClient, book: Book) -> None:
    visit = booked(desk, book.visit())
    cancelled = change(desk, visit, "cancel", {"reason": "pat"})
    undone = desk.post(f"{VISITS}/undo", json={"unit_id": cancelled.headers["Clinicdesk-Unit"]})
    assert (undone.status_code, undone.json()["visits"][0]["status"]) == (200, "booked")
    redone = desk.post(f"{VISITS}/undo", json={"unit_id": undone.headers["Clinicdesk-Unit"]})
    assert redone.json()["visits"][0]["status"] == "cancelled"
    nothing = desk.post(f"{VISITS}/undo", json={"unit_id": str(uuid4())})
    assert (nothing.status_code, nothing.json()["code"]) == (404, "nothing_to_undo")


def test_a_walk_in_gets_the_first_free_time_of_today(desk: TestClient, book: Book) -> None:
    who = {"patient_id": str(book.other), "practitioner_id": str(book.lee), "minutes": 20}
    visit = desk.post(f"{VISITS}/walk-ins", json=who)
    assert (visit.status_code, visit.json()["status"], visit.json()["start"]) == (
        201,
        "arrived",
        "2026-11-23T10:40:00Z",
    )


# ---- looking -------------------------------------------------------------------------------------------------------


def test_pages_hold_every_visit_once_and_in_order(desk: TestClient, book: Book) -> None:
    for hour in (9, 10, 11, 12):
        booked(desk, book.visit(f"2026-11-24T{hour:02}:00:00+01:00"))
        other = book.visit(
            f"2026-11-24T{hour:02}:00:00+01:00", practitioner_id=str(book.okafor), patient_id=str(book.mine)
        )
        booked(desk, other)
    for descending in (False, True):
        found = list(pages(desk, day="2026-11-24", limit=3, descending=descending))
        assert [len(page) for page in found] == [3, 3, 2]
        rows = [row for page in found for row in page]
        assert len({row["id"] for row in rows}) == 8
        assert [row["start"] for row in rows] == sorted((row["start"] for row in rows), reverse=descending)
        assert "reason" not in rows[0]


def test_a_list_is_narrowed_and_counted_on_request(desk: TestClient, book: Book) -> None:
    visit = booked(desk, book.visit(type_id=str(book.follow_up)))
    booked(desk, book.visit("2026-11-25T09:00:00+01:00", practitioner_id=str(book.okafor)))
    booked(desk, book.visit("2027-11-25T09:00:00+01:00", patient_id=str(book.mine)))
    change(desk, visit, "cancel", {"reason": "pat"})

    def count(**query: Any) -> int:
        answer = desk.get(VISITS, params={**query, "total": True, "limit": 1})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["total"])

    assert count() == 2  # a year from today on
    assert count(day="2026-11-24") == 1
    assert count(**{"from": "2026-11-24T00:00:00Z", "to": "2026-11-26T00:00:00Z"}) == 2
    assert count(to="2026-11-25T00:00:00Z") == 1
    assert count(status="cancelled") == 1
    assert count(status=["cancelled", "booked"]) == 2
    assert count(practitioner_id=str(book.okafor)) == 1
    assert count(type_id=str(book.follow_up)) == 1
    assert count(room_id=str(uuid4())) == 0
    assert count(patient_id=str(book.mine)) == 1
    assert desk.get(VISITS).json()["total"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "WzkwMDAwMDAwMDAwMDAwMDAwMDAsIngiXQ"}, "cursor"),
        ({"from": "2026-11-24"}, "from"),
        ({"from": "2020-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "to"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "to"),
        ({"day": "2026-02-30"}, "day"),
        ({"day": "9999-12-31"}, "day"),
        ({"limit": 0}, "limit"),
        ({"status": "sometimes"}, "status[0]"),
    ],
)
def test_a_query_that_cannot_be_right_is_refused_by_name(desk: TestClient, query: dict[str, Any], field: str) -> None:
    answer = desk.get(VISITS, params=query)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_looking_at_one_patients_visits_is_audited(desk: TestClient, db: Database, book: Book) -> None:
    visit = booked(desk, book.visit())
    desk.get(VISITS, params={"patient_id": str(book.other)})
    desk.get(f"{VISITS}/{visit['id']}")
    with db.engine.connect() as connection:
        seen = connection.execute(select(AuditEntry.verb, AuditEntry.patient_id).where(AuditEntry.action == "R")).all()
    assert [tuple(row) for row in seen] == [
        ("appointments.find_visits", book.other.hex), ("appointments.open_visit", book.other.hex),
    ]  # fmt: skip


def test_openings_are_ranked_and_leave_out_what_is_taken(desk: TestClient, book: Book) -> None:
    booked(desk, book.visit("2026-11-24T08:00:00+01:00", 60))
    query: dict[str, Any] = {
        "minutes": 30,
        "from": "2026-11-24T00:00:00+01:00",
        "practitioner_id": str(book.lee),
        "limit": 3,
    }
    found = desk.get(f"{VISITS}/openings", params=query).json()
    assert found[0]["start"] == "2026-11-24T08:00:00Z"
    assert {one["practitioner_id"] for one in found} == {str(book.lee)}
    for wrong in ({"minutes": 0}, {"weekday": 7}, {"from": "2026-11-24"}):
        assert desk.get(f"{VISITS}/openings", params=query | wrong).status_code == 422


def test_visits_are_counted(desk: TestClient, administrator_client: TestClient, book: Book) -> None:
    booked(desk, book.visit())
    refused = desk.get(f"{VISITS}/statistics", params={"from": "2026-11-24", "to": "2026-11-24"})
    assert (refused.status_code, refused.json()["code"]) == (403, "figures_of_today")
    figures = administrator_client.get(f"{VISITS}/statistics", params={"from": "2026-11-24", "to": "2026-11-24"}).json()
    assert (figures["by_status"], figures["booked"], figures["open"]) == ({"booked": 1}, "PT30M", "PT20H")
    too_much = desk.get(f"{VISITS}/statistics", params={"from": "2026-01-01", "to": "2027-12-31"})
    assert (too_much.status_code, too_much.json()["code"]) == (422, "span")


def test_kinds_of_visit_are_listed_and_kept_by_the_administrator(
    desk: TestClient, administrator_client: TestClient, book: Book
) -> None:
    new = {"name": "Checkup", "minutes": 40, "code": "CHECKUP"}
    assert desk.post(f"{VISITS}/types", json=new).status_code == 403
    made = administrator_client.post(f"{VISITS}/types", json=new)
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    path = f"{VISITS}/types/{made.json()['id']}"
    off = administrator_client.put(path, json={**new, "active": False}, headers={"If-Match": '"1"'})
    assert off.json()["active"] is False
    assert [one["name"] for one in desk.get(f"{VISITS}/types").json()] == ["Follow-up"]
    assert len(desk.get(f"{VISITS}/types", params={"inactive": True}).json()) == 2


# ---- patients ------------------------------------------------------------------------------------------------------


def test_a_patient_books_moves_confirms_and_cancels_their_own(patient: TestClient, book: Book) -> None:
    visit = booked(patient, book.visit(patient_id=str(book.mine)))
    assert patient.get(f"{VISITS}/{visit['id']}").json()["id"] == visit["id"]
    path, tag = f"{VISITS}/{visit['id']}", {"If-Match": '"1"'}
    visit = patient.patch(path, json={"confirmed": True, "reason": "Cough"}, headers=tag).json()
    visit = change(patient, visit, "reschedule", {"start": "2026-11-24T11:00:00+01:00"}).json()
    visit = change(patient, visit, "cancel", {"reason": "pat"}).json()
    assert visit["status"] == "cancelled"
    assert [row["id"] for page in pages(patient) for row in page] == [visit["id"]]


def test_a_patient_reaches_nobody_elses_visits(patient: TestClient, desk: TestClient, book: Book) -> None:
    theirs = booked(desk, book.visit(reason="Secret"))
    own = booked(desk, book.visit("2026-11-24T10:00:00+01:00", patient_id=str(book.mine)))
    assert patient.post(VISITS, json=book.visit("2026-11-24T11:00:00+01:00")).json()["code"] == "not_own_record"
    assert patient.get(f"{VISITS}/{theirs['id']}").status_code == 403
    assert patient.patch(f"{VISITS}/{theirs['id']}", json={}, headers={"If-Match": '"1"'}).status_code == 403
    for path, body in (("reschedule", {"minutes": 5}), ("cancel", {"reason": "pat"})):
        for version in (1, 7):
            answer = change(patient, {**theirs, "version": version}, path, body)
            assert (answer.status_code, answer.json()["code"]) == (403, "not_own_record")
    assert patient.get(VISITS, params={"patient_id": str(book.other)}).status_code == 403
    query: dict[str, Any] = {"minutes": 20, "patient_id": str(book.other)}
    assert patient.get(f"{VISITS}/openings", params=query).status_code == 403
    cursor = desk.get(VISITS, params={"limit": 1, "day": "2026-11-24"}).json()["next"]
    rows = patient.get(VISITS, params={"cursor": cursor}).json()["items"]
    assert [row["id"] for row in rows] == [own["id"]]
    for path in ("arrive", "reinstate", "pend", "waitlist", "no-show"):
        assert change(patient, own, path).status_code == 403


@pytest.mark.parametrize(
    ("bent", "code"),
    [
        ({"overbook_reason": "please"}, "not_permitted"),
        ({"outside_hours": True}, "not_permitted"),
        ({"patient_overlap": True}, "not_permitted"),
        ({"status": "pending"}, "not_permitted"),
        ({"minutes": 61}, "own_visit_too_long"),
    ],
)
def test_a_patient_bends_no_rule(patient: TestClient, book: Book, bent: dict[str, Any], code: str) -> None:
    answer = patient.post(VISITS, json=book.visit(patient_id=str(book.mine), **bent))
    assert answer.json()["code"] == code


def test_a_patient_does_not_see_what_the_desk_notes(patient: TestClient, desk: TestClient, book: Book) -> None:
    booked(desk, book.visit())
    over = booked(desk, book.visit(patient_id=str(book.mine), overbook_reason="Pays cash"))
    assert over["overbooked"] is True
    seen = patient.get(f"{VISITS}/{over['id']}").json()
    assert (seen["overbooked"], seen["overbook_reason"]) == (False, "")
    assert [row["overbooked"] for page in pages(patient) for row in page] == [False]


def test_a_patient_cannot_change_what_is_past_or_why_the_clinic_cancelled(
    patient: TestClient, sign_in: SignedIn, desk: TestClient, book: Book, clock: Hands
) -> None:
    visit = booked(desk, book.visit("2026-11-23T11:45:00+01:00", patient_id=str(book.mine)))
    assert change(patient, visit, "cancel", {"reason": "prov"}).json()["code"] == "unknown_cancel_reason"
    clock.now = clock.now.replace(hour=11, minute=5)
    patient = sign_in(Role.PATIENT)
    for path, body in (("cancel", {"reason": "pat"}), ("reschedule", {"start": "2026-11-25T09:00:00+01:00"})):
        assert change(patient, visit, path, body).json()["code"] == "in_the_past"


# ---- who has looked at what ----------------------------------------------------------------------------------------


def looks(db: Database) -> list[str]:
    """What of the calendar was looked at, as the audit trail has it."""
    noted = select(AuditEntry.detail).where(AuditEntry.verb == "appointments.find_visits").order_by(AuditEntry.seq)
    with db.engine.connect() as connection:
        return [json.loads(detail)["note"] for detail in connection.scalars(noted)]


def test_a_look_at_a_day_is_noted_and_not_again_while_the_screen_shows_it(
    db: Database, sign_in: SignedIn, desk: TestClient, book: Book, clock: Hands
) -> None:
    for _ in range(3):
        assert desk.get(VISITS, params={"day": "2026-11-24"}).status_code == 200
    assert looks(db) == ["2026-11-24"]
    desk.get(VISITS, params={"day": "2026-11-25"})
    sign_in(Role.NURSE).get(VISITS, params={"day": "2026-11-24"})
    assert looks(db) == ["2026-11-24", "2026-11-25", "2026-11-24"]
    clock.now += timedelta(minutes=14)
    desk.get(VISITS, params={"day": "2026-11-24"})
    assert len(looks(db)) == 3
    clock.now += timedelta(seconds=60)
    desk = sign_in(Role.RECEPTIONIST)
    desk.get(VISITS, params={"day": "2026-11-24"})
    assert len(looks(db)) == 4


def test_a_look_that_was_refused_is_no_look(db: Database, desk: TestClient) -> None:
    wrong = {"day": "2026-11-24", "cursor": "nonsense"}
    assert [desk.get(VISITS, params=wrong).status_code for _ in range(2)] == [422, 422]
    assert looks(db) == []
