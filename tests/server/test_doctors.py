"""Practitioners over HTTP: listed, changed, when they work and are free, and whom they see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import BookAppointment
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from tests.conftest import Hands
from tests.server.conftest import SignedIn

DOCTORS = "/api/v1/doctors"
WEEK = {
    "shifts": [{"weekday": weekday, "start": "08:00", "end": "12:00"} for weekday in range(5)],
    "valid_from": "2026-01-01",
}


def add(client: TestClient, family: str, **more: Any) -> dict[str, Any]:
    answer = client.post(DOCTORS, json={"family": family, "given": "Grace", "prefix": "Dr", **more})
    assert answer.status_code == 201, answer.text
    doctor: dict[str, Any] = answer.json()
    return doctor


@pytest.fixture
def lee(administrator_client: TestClient) -> str:
    """The path of a doctor who works in the mornings of weekdays, in Berlin."""
    path = f"{DOCTORS}/{add(administrator_client, 'Lee', specialty='Cardiology')['id']}"
    answer = administrator_client.put(f"{path}/hours", json=WEEK)
    assert answer.status_code == 200, answer.text
    return path


def test_a_list_is_narrowed_paged_and_counted(administrator_client: TestClient) -> None:
    for family, more in (
        ("Lee", {"specialty": "Cardiology"}),
        ("Okafor", {"position": 1}),
        ("Gone", {"active": False}),
    ):
        add(administrator_client, family, **more)

    def listed(**query: Any) -> dict[str, Any]:
        answer = administrator_client.get(DOCTORS, params=query)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    first = listed(limit=2, total=True)
    assert ([row["name"] for row in first["items"]], first["total"]) == (["Dr Grace Gone", "Dr Grace Lee"], 3)
    assert [row["family"] for row in listed(limit=2, cursor=first["next"])["items"]] == ["Okafor"]
    assert [row["family"] for row in listed(sort="name", descending=True)["items"]] == ["Okafor", "Lee", "Gone"]
    assert [row["family"] for row in listed(text="lee cardio")["items"]] == ["Lee"]
    assert [row["family"] for row in listed(specialty="cardiology", active=True)["items"]] == ["Lee"]
    assert listed(cursor=first["next"], sort="position", text="<script>'; DROP TABLE--")["items"] == []


def test_a_patient_sees_who_is_active_and_nothing_of_their_leave(
    administrator_client: TestClient, sign_in: SignedIn, lee: str
) -> None:
    gone = add(administrator_client, "Gone", active=False)
    patient = sign_in(Role.PATIENT)
    assert [row["family"] for row in patient.get(DOCTORS).json()["items"]] == ["Lee"]
    assert patient.get(f"{DOCTORS}/{gone['id']}").json()["code"] == "practitioner_not_found"
    day = {"from": "2026-11-24", "to": "2026-11-24"}
    assert patient.get(f"{lee}/free-times", params=day).status_code == 200
    assert patient.get(f"{lee}/schedule", params=day).status_code == 403
    assert patient.get(f"{lee}/patients").status_code == 403


def test_a_doctor_is_changed_by_the_version_that_was_read(administrator_client: TestClient, lee: str) -> None:
    read = administrator_client.get(lee)
    assert (read.json()["name"], read.headers["ETag"]) == ("Dr Grace Lee", '"1"')
    values = {"family": "Lee-Okafor", "given": "<b>Grace</b>"}
    assert administrator_client.put(lee, json=values).status_code == 428
    changed = administrator_client.put(lee, json=values, headers={"If-Match": '"1"'})
    assert (changed.json()["given"], changed.headers["ETag"]) == ("<b>Grace</b>", '"2"')
    assert administrator_client.put(lee, json=values, headers={"If-Match": '"1"'}).status_code == 412
    refused = administrator_client.put(lee, json={"family": "Lee", "position": 10**30}, headers={"If-Match": '"2"'})
    assert (refused.status_code, refused.json()["field"]) == (422, "position")


def test_openings_and_free_times_are_those_of_the_local_morning(administrator_client: TestClient, lee: str) -> None:
    tomorrow: dict[str, Any] = {"from": "2026-11-24T00:00:00+01:00", "to": "2026-11-25T00:00:00+01:00", "minutes": 60}
    openings = administrator_client.get(f"{lee}/availability", params=tomorrow).json()
    assert [one["start"] for one in openings] == [f"2026-11-24T{hour:02}:00:00Z" for hour in (7, 8, 9, 10)]
    free = administrator_client.get(f"{lee}/free-times", params={"from": "2026-11-24", "to": "2026-11-24"}).json()
    assert free == [{"day": "2026-11-24", "free": [{"start": "2026-11-24T07:00:00Z", "end": "2026-11-24T11:00:00Z"}]}]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-11-24T00:00:00", "to": "2026-11-25T00:00:00Z"}, "from"),
        ({"from": "0001-01-01T00:00:00Z", "to": "2026-11-25T00:00:00Z"}, "from"),
        ({"from": "2026-11-24T00:00:00Z", "to": "9999-12-31T23:59:59-23:59"}, "to"),
        ({"from": "2026-11-24T00:00:00Z", "to": "2026-11-25T00:00:00Z", "minutes": 10**20}, "minutes"),
        ({"from": "2026-11-24T00:00:00Z", "to": "2026-11-23T00:00:00Z"}, "to"),
    ],
)
def test_an_absurd_time_is_a_problem_that_names_it(
    administrator_client: TestClient, lee: str, query: dict[str, Any], field: str
) -> None:
    refused = administrator_client.get(f"{lee}/availability", params=query)
    assert (refused.status_code, refused.json()["field"]) == (422, field)


def test_a_week_is_set_and_read(administrator_client: TestClient, lee: str) -> None:
    [week] = administrator_client.get(f"{lee}/hours").json()
    assert (week["valid_from"], week["shifts"][0]) == (
        "2026-01-01", {"weekday": 0, "start": "08:00:00", "end": "12:00:00"},
    )  # fmt: skip
    for wrong, field in (
        ({"shifts": [{"weekday": 0, "start": "12:00", "end": "08:00"}], "valid_from": "2026-01-01"}, "shifts"),
        ({"shifts": [], "valid_from": "2026-02-01", "valid_to": "2026-01-01"}, "valid_to"),
        ({"shifts": [], "valid_from": "0001-01-01"}, "valid_from"),
        ({"shifts": [], "valid_from": "2026-01-01", "valid_to": "9999-12-31"}, "valid_to"),
    ):
        refused = administrator_client.put(f"{lee}/hours", json=wrong)
        assert (refused.status_code, refused.json()["field"]) == (422, field), refused.text


def test_leave_is_added_taken_back_and_restored(administrator_client: TestClient, lee: str) -> None:
    new = {"kind": "leave", "start": "2026-11-24T00:00:00+01:00", "end": "2026-11-25T00:00:00+01:00", "note": "Course"}
    added = administrator_client.post(f"{lee}/leave", json=new)
    assert added.status_code == 201, added.text
    about = {"from": "2026-11-24T00:00:00Z", "to": "2026-11-25T00:00:00Z"}
    assert administrator_client.get(f"{lee}/leave", params=about).json() == [added.json()]
    one_day = {"from": "2026-11-24", "to": "2026-11-24"}
    [day] = administrator_client.get(f"{lee}/schedule", params=one_day).json()
    assert (len(day["shifts"]), day["open"], day["absences"][0]["note"]) == (1, [], "Course")
    path = f"{lee}/leave/{added.json()['id']}"
    other = add(administrator_client, "Okafor")["id"]
    assert administrator_client.delete(f"{DOCTORS}/{other}/leave/{added.json()['id']}").status_code == 404
    assert administrator_client.delete(path).status_code == 204
    assert administrator_client.get(f"{lee}/leave", params=about).json() == []
    assert administrator_client.delete(path).json()["code"] == "absence_not_found"
    assert administrator_client.post(f"{path}/restore").status_code == 204
    assert administrator_client.get(f"{lee}/leave", params=about).json() == [added.json()]


def test_their_patients_are_listed_for_the_desk(
    administrator_client: TestClient, sign_in: SignedIn, lee: str, db: Database, operator: Actor, clock: Hands
) -> None:
    doctor_id = UUID(administrator_client.get(lee).json()["id"])
    with db.write(operator) as tx:
        for nth, family in enumerate(("Smith", "Jones", "Brown")):
            patient = patients.register(tx, RegisterPatient(Demographics(family=family)))
            start = clock.now.replace(hour=8, minute=0) + timedelta(days=1, minutes=20 * nth)
            appointments.book(tx, BookAppointment(patient.id, doctor_id, start, timedelta(minutes=5)))
    doctor = sign_in(Role.DOCTOR)
    first = doctor.get(f"{lee}/patients", params={"limit": 2, "total": True}).json()
    second = doctor.get(f"{lee}/patients", params={"limit": 2, "cursor": first["next"]}).json()
    assert first["total"] == 3
    assert {row["family"] for row in (*first["items"], *second["items"])} == {"Smith", "Jones", "Brown"}
    assert second["next"] is None
    [smith] = doctor.get(f"{lee}/patients", params={"text": "smi"}).json()["items"]
    assert (smith["visits"], smith["last_visit"], smith["next_visit"]) == (1,) + (smith["first_visit"],) * 2
