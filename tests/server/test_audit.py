"""The audit trail over HTTP: read in pages, one's own part by anybody, taken out as FHIR or a table, and verified in parts."""

from __future__ import annotations

import csv
import json
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from clinicdesk.features.users.schemas import UserRow
from tests.server.conftest import SignedIn

AUDIT = "/api/v1/audit"


@pytest.fixture
def smith(db: Database, operator: Actor, people: dict[Role, UserRow]) -> UUID:
    with db.write(operator) as tx:
        return patients.register(tx, RegisterPatient(Demographics(family="=Smith"))).id


def listed(client: TestClient, path: str = AUDIT, **query: Any) -> dict[str, Any]:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def test_the_log_is_read_in_pages_narrowed_and_counted(
    administrator_client: TestClient, smith: UUID, people: dict[Role, UserRow]
) -> None:
    [registered] = listed(administrator_client, patient_id=str(smith), action="C")["items"]
    assert (registered["verb"], registered["role"], registered["emergency"]) == ("patients.register", "operator", False)
    first = listed(administrator_client, limit=2, total=True)
    second = listed(administrator_client, limit=2, cursor=first["next"])
    seqs = [row["seq"] for row in (*first["items"], *second["items"])]
    assert seqs == sorted(seqs, reverse=True)
    assert first["total"] > 4
    me = str(people[Role.ADMINISTRATOR].id)
    assert {row["verb"] for row in listed(administrator_client, actor_id=me)["items"]} >= {"audit.find_entries"}
    assert listed(administrator_client, to="2026-01-01T00:00:00Z")["items"] == []
    assert listed(administrator_client, outcome="refused", text="' OR 1=1 --<script>")["items"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-11-24T00:00:00"}, "from"), ({"to": "9999-12-31T00:00:00Z"}, "to"),
        ({"action": "X"}, "action"), ({"outcome": "fine"}, "outcome"), ({"actor_id": "me"}, "actor_id"),
        ({"cursor": "made up"}, "cursor"), ({"limit": 1000}, "limit"), ({"verb": "v" * 61}, "verb"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_said_by_its_field(
    administrator_client: TestClient, query: dict[str, Any], field: str
) -> None:
    refused = administrator_client.get(AUDIT, params=query)
    assert (refused.status_code, refused.json()["field"]) == (422, field)


def test_everybody_sees_their_own_part(sign_in: SignedIn, smith: UUID, people: dict[Role, UserRow]) -> None:
    doctor, patient = sign_in(Role.DOCTOR), sign_in(Role.PATIENT)
    assert doctor.get(AUDIT).status_code == 403
    mine = listed(doctor, f"{AUDIT}/mine", total=True)
    assert {row["actor_id"] for row in mine["items"]} == {str(people[Role.DOCTOR].id)}
    assert [row["outcome"] for row in mine["items"]].count("refused") == 1
    assert listed(doctor, f"{AUDIT}/mine", outcome="refused", action="E")["items"][0]["verb"] == "audit.find_entries"
    assert {row["actor_id"] for row in listed(patient, f"{AUDIT}/mine")["items"]} <= {str(people[Role.PATIENT].id)}
    refused = patient.get(f"{AUDIT}/mine", params={"actor_id": str(people[Role.DOCTOR].id)})
    assert (refused.status_code, refused.json()["field"]) == (422, "actor_id")


def test_entries_are_taken_out_as_fhir_and_as_a_table(
    administrator_client: TestClient, smith: UUID, people: dict[Role, UserRow]
) -> None:
    about = {"patient_id": str(smith), "action": "C"}
    fhir = administrator_client.get(f"{AUDIT}/export", params=about)
    assert fhir.headers["content-type"] == "application/fhir+ndjson"
    assert 'filename="audit 2026-11-23.ndjson"' in fhir.headers["content-disposition"]
    [event] = map(json.loads, fhir.text.splitlines())
    assert (event["resourceType"], event["action"], event["outcome"]) == ("AuditEvent", "C", "0")
    assert event["entity"][0]["what"]["reference"] == f"Patient/{smith}"
    table = administrator_client.get(f"{AUDIT}/export", params={**about, "format": "csv"})
    [row] = csv.DictReader(table.text.splitlines())
    assert (row["verb"], row["patient_id"]) == ("patients.register", str(smith))
    [told, *_] = listed(administrator_client, verb="audit.export_entries")["items"]
    assert (told["action"], told["note"], told["patient_id"]) == ("E", "1 entries", str(smith))


def test_a_long_export_leads_on(administrator_client: TestClient, smith: UUID) -> None:
    until: dict[str, Any] = {"to": "2026-11-23T10:42:00.000001Z", "limit": 3}
    seen: list[str] = []
    answer = administrator_client.get(f"{AUDIT}/export", params=until)
    while True:
        seen += [json.loads(line)["id"] for line in answer.text.splitlines()]
        if "next" not in answer.links:
            break
        answer = administrator_client.get(answer.links["next"]["url"])
    assert seen == sorted(seen, key=int, reverse=True)
    assert len(seen) == len(set(seen)) > 5


def test_the_trail_is_verified_in_parts_and_what_was_found_is_entered(
    administrator_client: TestClient, smith: UUID, db: Database
) -> None:
    path = f"{AUDIT}/verification"
    part = listed(administrator_client, path, limit=2)
    assert (part["entries"], part["problem"], part["result"]) == (2, None, None)
    while part["next"]:
        part = listed(administrator_client, path, limit=2, cursor=part["next"])
    assert (part["problem"], part["entries"]) == (None, part["total"])
    assert administrator_client.post(path, json={"result": part["result"]}).status_code == 204
    [noted, *_] = listed(administrator_client, verb="audit.note_verification")["items"]
    assert noted["note"] == f"{part['total']} entries"
    for made_up in ("", "x", part["result"] + "x"):
        refused = administrator_client.post(path, json={"result": made_up})
        assert (refused.status_code, refused.json()["code"]) == (422, "cursor_not_right")
    with db.engine.begin() as connection:
        on = " ON audit_entry" if connection.dialect.name == "postgresql" else ""
        connection.execute(text(f"DROP TRIGGER audit_entry_refuses_update{on}"))
        connection.execute(text("UPDATE audit_entry SET desk = 'elsewhere' WHERE seq = 2"))
    found = listed(administrator_client, path)
    assert (found["problem"], found["first_bad"], found["next"]) == ("edited", 2, None)
