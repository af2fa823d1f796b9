"""Accounts over HTTP: pages, filters, order, figures, and changes by version."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from fastapi.testclient import TestClient

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from clinicdesk.features.users.schemas import UserRow
from tests.server.conftest import PASSWORD, SignedIn

USERS = "/api/v1/users"


def everything(client: TestClient, **query: Any) -> list[list[dict[str, Any]]]:
    """Every page of a list."""
    pages = []
    cursor = ""
    while True:
        answer = client.get(USERS, params={**query, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["items"])
        cursor = answer.json()["next"]
        if cursor is None:
            return pages


@pytest.mark.parametrize("sort", ["name", "email", "created"])
@pytest.mark.parametrize("descending", [False, True])
def test_pages_hold_everybody_once_and_in_order(administrator_client: TestClient, sort: str, descending: bool) -> None:
    for name in ("Émile Å", "emile b", "Zed", "zed"):
        added = {"email": f"{len(name)}{ord(name[0])}@x.example", "name": name, "role": "nurse", "password": PASSWORD}
        assert administrator_client.post(USERS, json=added).status_code == 201
    pages = everything(administrator_client, sort=sort, descending=descending, limit=2)
    assert [len(page) for page in pages] == [2, 2, 2, 2, 1]
    rows = [row for page in pages for row in page]
    assert len({row["id"] for row in rows}) == 9
    if sort == "email":
        assert all((a["email"] > b["email"]) is descending for a, b in pairwise(rows))
    together = everything(administrator_client, sort=sort, descending=descending)
    assert [row["id"] for row in together[0]] == [row["id"] for row in rows]


def test_a_list_is_narrowed_and_counted_on_request(
    administrator_client: TestClient, people: dict[Role, UserRow]
) -> None:
    answer = administrator_client.get(USERS, params={"text": "SOME d", "total": True}).json()
    assert ([row["role"] for row in answer["items"]], answer["total"]) == (["doctor"], 1)
    assert administrator_client.get(USERS, params={"role": "nurse"}).json()["total"] is None
    nurse = people[Role.NURSE]
    off = administrator_client.delete(f"{USERS}/{nurse.id}", headers={"If-Match": '"1"'})
    assert (off.status_code, off.json()["active"]) == (200, False)
    assert [row["role"] for row in administrator_client.get(USERS, params={"active": False}).json()["items"]] == [
        "nurse"
    ]
    assert administrator_client.get(USERS, params={"text": "%"}).json()["items"] == []


def test_an_account_is_changed_by_the_version_that_was_read(
    administrator_client: TestClient, people: dict[Role, UserRow]
) -> None:
    path = f"{USERS}/{people[Role.NURSE].id}"
    tag = administrator_client.get(path).headers["ETag"]
    changes = {"email": "anna@harbour.example", "name": "Anna", "role": "doctor"}
    assert administrator_client.put(path, json=changes).status_code == 428
    assert administrator_client.put(path, json=changes, headers={"If-Match": "7"}).json()["code"] == "etag_not_right"
    changed = administrator_client.put(path, json=changes, headers={"If-Match": tag})
    assert (changed.json()["role"], changed.headers["ETag"]) == ("doctor", '"2"')
    assert administrator_client.put(path, json=changes, headers={"If-Match": tag}).status_code == 412


def test_the_last_administrator_stays(administrator_client: TestClient, people: dict[Role, UserRow]) -> None:
    path = f"{USERS}/{people[Role.ADMINISTRATOR].id}"
    refused = administrator_client.put(f"{path}/active", json={"active": False}, headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["code"]) == (409, "last_administrator")


def test_a_new_password_ends_what_was_signed_in_with_the_old(
    administrator_client: TestClient, sign_in: SignedIn, people: dict[Role, UserRow]
) -> None:
    nurse = sign_in(Role.NURSE)
    path = f"{USERS}/{people[Role.NURSE].id}/password"
    answer = administrator_client.post(path, json={"password": "nine green kites over Ulm"})
    assert answer.json()["must_change_password"] is True
    assert nurse.get("/api/v1/auth/me").status_code == 401


def test_an_account_is_linked_to_a_patient_once_its_e_mail_is_proved(
    administrator_client: TestClient, people: dict[Role, UserRow]
) -> None:
    link = {"patient_id": "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6071"}
    for role, code in ((Role.NURSE, "not_a_patients_account"), (Role.PATIENT, "email_not_verified")):
        refused = administrator_client.put(f"{USERS}/{people[role].id}/patient", json=link, headers={"If-Match": '"1"'})
        assert (refused.status_code, refused.json()["code"]) == (409, code)


def test_accounts_and_roles_are_counted_and_listed(administrator_client: TestClient) -> None:
    figures = administrator_client.get(f"{USERS}/statistics").json()
    assert (figures["total"], figures["active"], figures["open_sessions"]) == (5, 5, 1)
    assert figures["by_role"]["doctor"] == 1
    grants = {one["role"]: one["permissions"] for one in administrator_client.get(f"{USERS}/roles").json()}
    assert "manage_users" in grants["administrator"]
    assert "manage_users" not in grants["receptionist"]


def test_somebody_who_was_here_needs_no_mail_to_be_linked(
    administrator_client: TestClient, people: dict[Role, UserRow], db: Database, operator: Actor
) -> None:
    with db.write(operator) as tx:
        ana = patients.register(tx, RegisterPatient(Demographics(family="Ana"))).id
    path = f"{USERS}/{people[Role.PATIENT].id}/patient"
    linked = {"patient_id": str(ana), "in_person": True}
    answer = administrator_client.put(path, json=linked, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["patient_id"], answer.json()["email_verified"]) == (200, str(ana), False)


def test_nobody_gives_themselves_a_password_or_takes_their_own_second_factor_away(
    administrator_client: TestClient, people: dict[Role, UserRow]
) -> None:
    own, other = (f"{USERS}/{people[role].id}" for role in (Role.ADMINISTRATOR, Role.NURSE))
    given = {"password": "eleven given words to say"}
    for refused in (
        administrator_client.post(f"{own}/password", json=given), administrator_client.delete(f"{own}/second-factor"),
    ):  # fmt: skip
        assert (refused.status_code, refused.json()["code"]) == (409, "own_account")
    assert administrator_client.post(f"{other}/password", json=given).status_code == 200
    assert administrator_client.delete(f"{other}/second-factor").status_code == 204
