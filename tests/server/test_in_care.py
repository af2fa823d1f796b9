"""Clinical records over HTTP are those of patients in care; beyond, the glass has to be broken, and then one only looks."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.medications import service as medications
from clinicdesk.features.medications.schemas import Prescribe
from tests.server.conftest import PASSWORD, Book, SignedIn, booked

HEALTH = "/api/v1/health"
LOOKED_AT = ("medications", "medications/past", "reminders", "metrics", "metrics/latest", "metrics/trend")


def looks(client: TestClient, book: Book) -> set[int]:
    return {client.get(f"{HEALTH}/patients/{book.other}/{what}").status_code for what in LOOKED_AT}


def test_who_has_no_visit_is_in_nobodys_care(
    db: Database, operator: Actor, sign_in: SignedIn, desk: TestClient, book: Book
) -> None:
    with db.write(operator) as tx:
        one = medications.prescribe(tx, Prescribe(book.other, "Warfarin"))
    nurse = sign_in(Role.NURSE)
    assert looks(nurse, book) == {403}
    refused = nurse.get(f"{HEALTH}/medications/{one.id}")
    assert (refused.json()["code"], "Warfarin" in refused.text) == ("not_in_care", False)
    assert (
        nurse.get(f"/api/v1/patients/{book.other}").status_code == 200
    )  # whoever stands at the desk, and their allergies
    told = nurse.get(f"/api/v1/patients/{book.other}/timeline").json()
    assert (told["items"], "medication" in told["left_out"]) == ([], True)
    booked(desk, book.visit())
    assert looks(nurse, book) == {200}
    assert nurse.get(f"{HEALTH}/medications/{one.id}").json()["row"]["medicine"] == "Warfarin"


def test_in_an_emergency_one_looks_and_it_is_marked(
    sign_in: SignedIn, administrator_client: TestClient, book: Book
) -> None:
    for role in (Role.NURSE, Role.RECEPTIONIST):
        somebody = sign_in(role)
        assert looks(somebody, book) == {403}
        opened: dict[str, Any] = {"patient_id": str(book.other), "reason": "Unconscious", "password": PASSWORD}
        assert somebody.post("/api/v1/break-glass", json=opened).status_code == 201
        assert looks(somebody, book) == {200}
        assert somebody.get(f"{HEALTH}/patients/{book.mine}/medications").status_code == 403
    desk = sign_in(Role.RECEPTIONIST)
    value = {"measure": "weight", "value": 70}
    assert desk.post(f"{HEALTH}/patients/{book.other}/metrics", json=value).status_code == 403
    log = administrator_client.get(f"/api/v1/patients/{book.other}/access-log").json()["items"]
    assert {row["verb"] for row in log} >= {"care.open_emergency", "medications.current_medications"}
