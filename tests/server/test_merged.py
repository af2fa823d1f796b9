"""A record that was merged into another takes nothing more: whoever names it is told where the person is found."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.merging import service as merging
from clinicdesk.features.merging.schemas import MergePatients
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from clinicdesk.features.users.schemas import UserRow
from tests.features.documents import files
from tests.server.conftest import Book, SignedIn
from tests.server.fleet import API
from tests.server.test_matrix import _WHO, BODIES, EXPECTED, QUERIES

VISIT = {**_WHO, "start": "2026-11-24T09:00:00Z", "minutes": 20}
BODIES_TOO: dict[str, Any] = {
    "book_visit": VISIT, "say": {"text": "Fainted", "patient_id": _WHO["patient_id"]},
    "link_user_to_patient": {"patient_id": _WHO["patient_id"], "in_person": True},
    "break_glass": {"patient_id": _WHO["patient_id"], "reason": "Fainted", "password": "not this one"},
}  # fmt: skip
OPEN = {
    "open_patient", "patient_access_log", "unmerge_patients",  # which say what became of it
    "list_visits", "list_messages", "list_waitlist", "list_emergencies", "list_audit_entries", "export_audit_entries",
    "find_openings", "find_candidates",  # which narrow by it, and find what there is of it: nothing
    "merge_patients",  # tested with merging
    "undo_visits",  # which names a unit of work in its example
}  # fmt: skip
OF_ROWS = ("{allergy_id}", "{contact_id}")
"""Rows of a record were turned with it: they are not found there any more."""


@pytest.fixture
def given_up(db: Database, operator: Actor, book: Book) -> UUID:
    """A record that was merged into that of the other patient."""
    with db.write(operator) as tx:
        twin = patients.register(tx, RegisterPatient(Demographics(family="Jonas", given="Ada"))).id
        merging.merge(tx, MergePatients(book.other, 1, twin, 1))
    return twin


@pytest.mark.usefixtures("everybody_in_care")
def test_every_endpoint_that_names_a_patient_says_where_the_person_is_found(
    server: FastAPI, sign_in: SignedIn, book: Book, given_up: UUID, people: dict[Role, UserRow]
) -> None:
    clients = {role: sign_in(role) for role in (Role.ADMINISTRATOR, Role.DOCTOR)}
    said = clients[Role.DOCTOR].post(f"{API}/chat/direct", json={"user_id": str(people[Role.NURSE].id)})
    assert said.status_code == 200, said.text
    ids = {"{patient_id}": given_up, "{user_id}": people[Role.PATIENT].id, "{conversation_id}": said.json()["id"]}
    real = {_WHO["patient_id"]: str(given_up), _WHO["practitioner_id"]: str(book.lee)}
    asked, wrong = 0, {}
    for path, methods in server.openapi()["paths"].items():
        for method, operation in methods.items():
            name = operation["operationId"]
            body, query = BODIES_TOO.get(name, BODIES.get(name)), QUERIES.get(name, {})
            names = "{patient_id}" in path or _WHO["patient_id"] in json.dumps([body, query])
            if not names or name in OPEN or any(row in path for row in OF_ROWS):
                continue
            filled, told = path, json.dumps([body, query])
            for slot, id_ in ids.items():
                filled = filled.replace(slot, str(id_))
            for made_up, id_ in real.items():
                told = told.replace(made_up, id_)
            body, query = json.loads(told)
            who = clients[Role.DOCTOR if Role.DOCTOR in EXPECTED[name] else Role.ADMINISTRATOR]
            answer = ask(who, method, filled, name, body, query)
            asked += 1
            if answer != (409, "patient_merged", str(book.other)) or "409" not in operation["responses"]:
                wrong[name] = answer, sorted(operation["responses"])
    assert wrong == {}, sorted(wrong)
    assert asked > 30


def ask(who: TestClient, method: str, path: str, name: str, body: Any, query: Any) -> tuple[int, str, str]:
    headers = {"If-Match": '"1"'}
    how: dict[str, Any] = {"json": body}
    if name in ("file_document", "set_patient_photo"):
        how, headers = {"content": files.image("PNG")}, {**headers, "Content-Type": "image/png"}
    answer = who.request(method, path, params=query, headers=headers, **how)
    told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    return (
        (answer.status_code, told.get("code", ""), told.get("merged_into", ""))
        if isinstance(told, dict)
        else (0, "", "")
    )


def test_an_account_is_linked_to_no_record_that_there_is_not(sign_in: SignedIn, people: dict[Role, UserRow]) -> None:
    path, link = f"{API}/users/{people[Role.PATIENT].id}/patient", {"patient_id": str(new_id()), "in_person": True}
    answer = sign_in(Role.ADMINISTRATOR).put(path, json=link, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["code"]) == (404, "patient_not_found")
