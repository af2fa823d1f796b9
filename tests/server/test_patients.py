"""Patients over HTTP: found, listed, registered, kept, told of twice; and how little of it a patient's own account reaches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.audit import service as audit
from clinicdesk.features.audit.schemas import AuditQuery
from clinicdesk.features.users.models import User
from clinicdesk.features.users.schemas import UserRow
from tests.conftest import Hands
from tests.server.conftest import Book, SignedIn, booked

PATIENTS = "/api/v1/patients"
JOAN = {"family": "Smith", "given": "Joan", "birth_date": "1984-03-12", "mobile": "0170 5550101"}

Take = Callable[..., dict[str, Any]]


@pytest.fixture
def desk(sign_in: SignedIn) -> TestClient:
    return sign_in(Role.RECEPTIONIST)


@pytest.fixture
def take(desk: TestClient) -> Take:
    """Registers somebody told by demographic fields, and gives the answer."""

    def register(**told: Any) -> dict[str, Any]:
        answer = desk.post(PATIENTS, json={"demographics": JOAN | told, "duplicates_seen": True})
        assert answer.status_code == 201, answer.text
        row: dict[str, Any] = answer.json()
        return row

    return register


@pytest.fixture
def as_patient(db: Database, people: dict[Role, UserRow], sign_in: SignedIn) -> Callable[[str], TestClient]:
    """`as_patient(id)` is somebody whose account belongs to that record."""

    def linked(patient_id: str) -> TestClient:
        with db.write(Actor(None, Role.OPERATOR)) as tx:
            tx.session.get_one(User, people[Role.PATIENT].id).patient_id = UUID(patient_id)
        return sign_in(Role.PATIENT)

    return linked


def match(row: Any) -> dict[str, str]:
    return {"If-Match": row.headers["ETag"]}


def everybody(client: TestClient, **query: Any) -> list[dict[str, Any]]:
    """Every page of a list, one after the other."""
    rows, cursor = [], ""
    while True:
        answer = client.get(PATIENTS, params={**query, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        rows += answer.json()["items"]
        cursor = answer.json()["next"]
        if cursor is None:
            return rows


def test_somebody_is_registered_opened_and_changed_by_the_version_that_was_read(desk: TestClient) -> None:
    made = desk.post(PATIENTS, json={"demographics": JOAN})
    assert (made.status_code, made.json()["number"], made.headers["ETag"]) == (201, "HS-00001", '"1"')
    path = f"{PATIENTS}/{made.json()['id']}"
    opened = desk.get(path)
    assert opened.json()["demographics"]["birth_date"] == "1984-03-12"
    assert desk.put(path, json=JOAN).status_code == 428
    married = JOAN | {"family": "Okafor", "birth_family": "Smith"}
    changed = desk.put(path, json=married, headers=match(made))
    assert (changed.status_code, changed.json()["demographics"]["family"]) == (200, "Okafor")
    assert desk.put(path, json=JOAN, headers=match(opened)).status_code == 412
    assert desk.put(path, json=JOAN, headers=match(changed)).status_code == 200


def test_who_is_very_likely_known_is_told_before_a_second_record_is_made(desk: TestClient, take: Take) -> None:
    first = take()
    again = {"demographics": JOAN | {"given": "Joanne"}}
    refused = desk.post(PATIENTS, json=again)
    assert (refused.status_code, refused.json()["code"]) == (409, "possible_duplicates")
    assert [found["patient"]["id"] for found in refused.json()["duplicates"]] == [first["id"]]
    assert desk.post(PATIENTS, json=again | {"duplicates_seen": True}).status_code == 201
    found = desk.post(f"{PATIENTS}/duplicates", json=JOAN).json()
    assert {one["patient"]["given"] for one in found} == {"Joan", "Joanne"}
    of_one = desk.get(f"{PATIENTS}/{first['id']}/duplicates").json()
    assert [one["patient"]["given"] for one in of_one] == ["Joanne"]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", ["name", "number", "registered"])
def test_pages_hold_everybody_once_and_in_order(desk: TestClient, take: Take, sort: str, descending: bool) -> None:
    names = ["zoe", "Abe", "Zed", "abe", "Éva"]
    for name in names:
        take(family=name, given="A")
    rows = everybody(desk, sort=sort, descending=descending, limit=2)
    assert len({row["id"] for row in rows}) == len(rows) == 5
    assert rows == everybody(desk, sort=sort, descending=descending)
    ordered = rows[::-1] if descending else rows
    if sort == "name":
        folded = [row["family"].casefold().replace("é", "e") for row in ordered]
        assert folded[:2] == ["abe", "abe"]
        assert folded.index("zed") < folded.index("zoe")
    else:
        assert [row["family"] for row in ordered] == names


def test_a_list_is_narrowed_by_what_is_known(desk: TestClient, take: Take) -> None:
    joan = take()
    take(family="Jones", given="Ann", birth_date="1990-01-02", mobile="0431 12345")
    gone = take(family="Smithers", given="Will", birth_date=None, mobile="")
    off = desk.put(f"{PATIENTS}/{gone['id']}/deceased", json={"on": None}, headers={"If-Match": '"1"'})
    assert off.json()["deceased"] is True

    def families(**query: Any) -> list[str]:
        return [row["family"] for row in everybody(desk, **query)]

    assert families(text="smi") == ["Smith", "Smithers"]
    assert families(text="smi jo") == ["Smith"]
    assert families(text="smi", deceased=False) == ["Smith"]
    assert families(number=joan["number"]) == ["Smith"]
    assert families(birth_date="1990-01-02") == ["Jones"]
    assert families(phone_tail="0101") == ["Smith"]
    assert families(active=False) == []
    answer = desk.get(PATIENTS, params={"total": True, "limit": 1}).json()
    assert (len(answer["items"]), answer["total"]) == (1, 3)


def test_a_search_ranks_and_forgives(desk: TestClient, take: Take, db: Database, operator: Actor) -> None:
    take(family="Smithson")
    take()
    found = desk.get(f"{PATIENTS}/search", params={"text": "smith"}).json()
    assert [row["family"] for row in found] == ["Smith", "Smithson"]
    assert [row["family"] for row in desk.get(f"{PATIENTS}/search", params={"text": "smiht"}).json()][:1] == ["Smith"]
    with db.write(operator) as tx:
        newest = audit.list_entries(tx, AuditQuery(text="patients.look_up")).rows[0]
    assert (newest.note, newest.who) == ("hits=2", "Some receptionist")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("birth_date", "0001-01-01"), ("birth_date", "9999-12-31"), ("birth_date", "2026-11-24"), ("birth_date", 12),
        ("family", "x" * 121), ("email", "nobody"), ("phone", "none"), ("gender", "?"), ("identifiers", ["a"] * 51),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused_and_named(desk: TestClient, field: str, value: Any) -> None:
    refused = desk.post(PATIENTS, json={"demographics": JOAN | {field: value}})
    assert refused.status_code == 422
    assert refused.json()["field"].endswith(field)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "Robert'); DROP TABLE patient;--", "𝕊mith 👩‍⚕️", "%_\\"])
def test_text_is_stored_as_text(desk: TestClient, take: Take, text: str) -> None:
    made = take(family=text, given=text, desk_notes=text)
    kept = desk.get(f"{PATIENTS}/{made['id']}").json()["demographics"]
    assert (kept["family"], kept["given"], kept["desk_notes"]) == (text, text, text)
    assert desk.get(PATIENTS, params={"text": text}).status_code in (200, 422)
    assert desk.get(f"{PATIENTS}/search", params={"text": text}).status_code == 200


@pytest.mark.parametrize(
    "query", [{"phone_tail": "1"}, {"text": "\x00"}, {"number": "\x00"}, {"text": "?"}, {"cursor": "x"}]
)
def test_a_list_names_what_it_cannot_look_for(desk: TestClient, query: dict[str, str]) -> None:
    refused = desk.get(PATIENTS, params=query)
    assert (refused.status_code, refused.json()["field"]) == (422, next(iter(query)))


def test_masked_fields_are_shown_on_request_and_the_access_log_says_so(
    desk: TestClient, take: Take, clock: Hands
) -> None:
    path = f"{PATIENTS}/{take()['id']}"
    shown = desk.post(f"{path}/reveal", json={"fields": ["mobile", "birth_date"]})
    assert shown.json() == {"fields": {"mobile": "0170 5550101", "birth_date": "1984-03-12"}}
    assert desk.post(f"{path}/reveal", json={"fields": ["password"]}).json()["code"] == "unknown_field"
    desk.get(path)
    first = desk.get(f"{path}/access-log", params={"limit": 2, "total": True}).json()
    assert [row["verb"] for row in first["items"]] == ["patients.open_record", "patients.reveal"]
    assert (first["items"][1]["note"], first["total"]) == ("revealed birth_date,mobile", 3)
    rest = desk.get(f"{path}/access-log", params={"cursor": first["next"]}).json()
    assert [row["verb"] for row in rest["items"]] == ["patients.register"]
    assert date.fromisoformat(rest["items"][0]["at"][:10]) == clock.now.date()


def test_allergies_are_the_nurses_and_come_and_go(sign_in: SignedIn, desk: TestClient, take: Take) -> None:
    path = f"{PATIENTS}/{take()['id']}"
    nurse = sign_in(Role.NURSE)
    told = {"substance": "Penicillin", "reaction": "hives", "severity": "severe"}
    assert desk.post(f"{path}/allergies", json=told).status_code == 403
    made = nurse.post(f"{path}/allergies", json=told)
    assert made.status_code == 201
    one = f"{path}/allergies/{made.json()['id']}"
    whole = desk.get(path)
    changed = nurse.put(one, json=told | {"reaction": "swelling"}, headers=match(made))
    assert (changed.json()["reaction"], changed.headers["ETag"]) == ("swelling", '"2"')
    assert nurse.put(one, json=told, headers=match(made)).status_code == 412
    fresh = desk.get(path, headers={"If-None-Match": whole.headers["ETag"]})
    assert (fresh.status_code, fresh.json()["allergies"][0]["reaction"]) == (200, "swelling")
    elsewhere = f"{PATIENTS}/{take()['id']}/allergies/{made.json()['id']}"
    assert nurse.delete(elsewhere, headers=match(changed)).json()["code"] == "allergy_not_found"
    assert nurse.delete(one, headers=match(changed)).status_code == 204
    assert desk.get(f"{path}/allergies").json() == []
    [removed] = desk.get(f"{path}/allergies", params={"removed": True}).json()
    back = nurse.post(f"{one}/restore", headers={"If-Match": f'"{removed["version"]}"'})
    assert (back.status_code, len(desk.get(f"{path}/allergies").json())) == (200, 1)
    assert nurse.post(f"{path}/allergies/checked").json() == {"on": "2026-11-23"}


def test_contacts_come_and_go(desk: TestClient, take: Take) -> None:
    path = f"{PATIENTS}/{take()['id']}/contacts"
    made = desk.post(path, json={"name": "Ada", "phone": "0431 1"})
    one = f"{path}/{made.json()['id']}"
    assert desk.post(path, json={"name": " "}).json()["field"] == "name"
    changed = desk.put(one, json={"name": "Ada Smith"}, headers=match(made))
    assert [row["name"] for row in desk.get(path).json()] == ["Ada Smith"]
    assert desk.delete(one, headers=match(made)).status_code == 412
    assert desk.delete(one, headers=match(changed)).status_code == 204
    assert desk.get(path).json() == []
    assert desk.post(f"{one}/restore", headers={"If-Match": '"3"'}).status_code == 200


def test_patients_see_their_own_record_without_the_desks_notes(
    take: Take, as_patient: Callable[[str], TestClient]
) -> None:
    own, other = take(desk_notes="late as ever"), take(family="Jones")
    patient = as_patient(own["id"])
    path = f"{PATIENTS}/{own['id']}"
    mine = patient.get(path)
    assert (mine.status_code, mine.json()["demographics"]["desk_notes"]) == (200, "")
    assert patient.post(f"{path}/reveal", json={"fields": ["desk_notes"]}).status_code == 422
    assert [patient.get(f"{path}/{part}").status_code for part in ("allergies", "contacts")] == [200, 200]
    for part in ("", "/allergies", "/contacts", "/access-log", "/duplicates"):
        refused = patient.get(f"{PATIENTS}/{other['id']}{part}")
        assert (refused.status_code, "Jones" in refused.text) == (403, False)
    for part in ("", "/search?text=smith"):
        assert patient.get(f"{PATIENTS}{part}").status_code == 403


def test_patients_change_how_they_are_reached_and_nothing_else(
    desk: TestClient, take: Take, as_patient: Callable[[str], TestClient]
) -> None:
    own, other = take(desk_notes="late as ever"), take(family="Jones")
    patient = as_patient(own["id"])
    path = f"{PATIENTS}/{own['id']}"
    details = {"mobile": "0170 9", "email": "joan@new.example", "city": "Kiel", "language": "de"}
    changed = patient.put(f"{path}/contact-details", json=details, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["demographics"]["desk_notes"]) == (200, "")
    kept = desk.get(path).json()["demographics"]
    assert (kept["mobile"], kept["city"], kept["family"], kept["desk_notes"]) == (
        "0170 9",
        "Kiel",
        "Smith",
        "late as ever",
    )
    assert patient.put(path, json=JOAN, headers={"If-Match": '"2"'}).status_code == 403
    theirs = f"{PATIENTS}/{other['id']}/contact-details"
    assert patient.put(theirs, json=details, headers={"If-Match": '"1"'}).json()["code"] == "not_own_record"


def test_an_account_that_no_record_belongs_to_opens_none(take: Take, sign_in: SignedIn) -> None:
    refused = sign_in(Role.PATIENT).get(f"{PATIENTS}/{take()['id']}")
    assert (refused.status_code, refused.json()["code"]) == (403, "record_not_linked")


def test_two_records_of_one_person_become_one_and_two_again(
    administrator_client: TestClient, desk: TestClient, take: Take
) -> None:
    kept, taken = take(), take(family="Smyth", desk_notes="late as ever")
    path, other = f"{PATIENTS}/{kept['id']}", f"{PATIENTS}/{taken['id']}"
    same = {"duplicate_id": taken["id"], "duplicate_version": 1}
    assert desk.post(f"{path}/merge", json=same, headers={"If-Match": '"1"'}).status_code == 403
    assert administrator_client.post(f"{path}/merge", json=same, headers={"If-Match": '"2"'}).status_code == 412
    merged = administrator_client.post(f"{path}/merge", json=same, headers={"If-Match": '"1"'})
    assert (merged.status_code, merged.json()["patient"]["demographics"]["desk_notes"]) == (200, "late as ever")
    assert desk.get(other).json()["merged_into"] == kept["id"]
    refused = desk.get(f"{other}/allergies")
    assert (refused.status_code, refused.json()["code"], refused.json()["merged_into"]) == (
        409, "patient_merged", kept["id"],
    )  # fmt: skip
    apart = administrator_client.post(f"{other}/unmerge")
    assert (apart.status_code, apart.json()["patient"]["active"]) == (200, True)
    assert administrator_client.post(f"{other}/unmerge").json()["code"] == "not_merged"


def test_visits_of_both_at_the_same_time_are_named(
    desk: TestClient, administrator_client: TestClient, book: Book
) -> None:
    first = booked(desk, book.visit())
    second = booked(desk, book.visit(patient_id=str(book.mine), practitioner_id=str(book.okafor)))
    path, same = f"{PATIENTS}/{book.other}/merge", {"duplicate_id": str(book.mine), "duplicate_version": 1}
    refused = administrator_client.post(path, json=same, headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["code"]) == (409, "visits_overlap")
    assert refused.json()["overlaps"] == [
        {
            "visit_id": first["id"], "duplicate_visit_id": second["id"],
            "start": "2026-11-24T08:00:00Z", "end": "2026-11-24T08:30:00Z",
        }
    ]  # fmt: skip
    seen = same | {"patient_overlap": True}
    merged = administrator_client.post(path, json=seen, headers={"If-Match": '"1"'})
    assert (merged.status_code, merged.json()["moved"]["appointment"]) == (200, 1)


def test_what_happened_is_told_to_each_as_far_as_they_may_see_it(
    desk: TestClient, take: Take, as_patient: Callable[[str], TestClient]
) -> None:
    own, other = take(), take(family="Jones")
    patient = as_patient(own["id"])
    path = f"{PATIENTS}/{own['id']}/timeline"
    value = {"measure": "weight", "value": 70}
    assert patient.post(f"/api/v1/health/patients/{own['id']}/metrics", json=value).status_code == 201
    mine = patient.get(path, params={"total": True}).json()
    assert ([entry["title"] for entry in mine["items"]], mine["total"], mine["left_out"]) == (
        ["weight"],
        1,
        ["message"],
    )
    theirs = desk.get(path).json()
    assert (theirs["items"], "measurement" in theirs["left_out"]) == ([], True)
    assert patient.get(f"{PATIENTS}/{other['id']}/timeline").json()["code"] == "not_own_record"
    for wrong in ({"from": "0001-01-01T00:00:00"}, {"kinds": "soul"}, {"cursor": "x"}, {"limit": 0}):
        assert patient.get(path, params=wrong).status_code == 422
