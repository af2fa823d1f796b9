"""Breaking the glass over HTTP: a reason and the password again, a review by somebody else, and the clinic's rule."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from tests.server.conftest import PASSWORD, SignedIn

GLASS = "/api/v1/break-glass"


@pytest.fixture
def ana(db: Database, operator: Actor) -> str:
    with db.write(operator) as tx:
        return str(patients.register(tx, RegisterPatient(Demographics(family="Ana"))).id)


def broken(client: TestClient, ana: str, **other: str) -> TestClient:
    answer = client.post(GLASS, json={"patient_id": ana, "reason": "Fainted", "password": PASSWORD, **other})
    assert answer.status_code == 201, answer.text
    return client


def test_an_emergency_is_opened_seen_by_its_owner_and_given_back(sign_in: SignedIn, ana: str) -> None:
    doctor = broken(sign_in(Role.DOCTOR), ana)
    (mine,) = doctor.get(f"{GLASS}/mine").json()
    assert (mine["patient_id"], mine["reason"], mine["justified"]) == (ana, "Fainted", None)
    assert sign_in(Role.NURSE).post(f"{GLASS}/{mine['id']}/end").json()["code"] == "emergency_not_found"
    assert doctor.post(f"{GLASS}/{mine['id']}/end").status_code == 200
    assert doctor.get(f"{GLASS}/mine").json() == []


def test_a_wrong_password_and_a_missing_reason_are_refused(sign_in: SignedIn, ana: str) -> None:
    doctor = sign_in(Role.DOCTOR)
    wrong = doctor.post(GLASS, json={"patient_id": ana, "reason": "Fainted", "password": "not this one at all"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "own_password_wrong")
    empty = doctor.post(GLASS, json={"patient_id": ana, "reason": " ", "password": PASSWORD})
    assert (empty.status_code, empty.json()["code"], empty.json()["field"]) == (422, "empty", "reason")
    assert doctor.get(f"{GLASS}/mine").json() == []


def test_an_administrator_finds_it_waiting_and_judges_it_at_the_version_that_was_seen(
    sign_in: SignedIn, ana: str
) -> None:
    broken(sign_in(Role.RECEPTIONIST), ana)
    administrator = sign_in(Role.ADMINISTRATOR)
    (waiting,) = administrator.get(GLASS, params={"reviewed": False, "total": True}).json()["items"]
    review = f"{GLASS}/{waiting['id']}/review"
    judgement = {"justified": True}
    assert administrator.put(review, json=judgement).json()["code"] == "if_match_required"
    assert administrator.put(review, json=judgement, headers={"If-Match": '"7"'}).status_code == 412
    judged = administrator.put(review, json=judgement, headers={"If-Match": '"1"'})
    assert (judged.status_code, judged.json()["justified"], judged.headers["ETag"]) == (200, True, '"2"')
    assert administrator.get(GLASS, params={"reviewed": False}).json()["items"] == []


def test_how_far_care_reaches_is_set_by_the_administrator(sign_in: SignedIn) -> None:
    administrator = sign_in(Role.ADMINISTRATOR)
    before = administrator.get(f"{GLASS}/settings")
    assert (before.json()["scope"], before.headers["ETag"]) == ("own", '"0"')
    wanted = {"scope": "clinic", "months_back": 12, "emergency_minutes": 30}
    after = administrator.put(f"{GLASS}/settings", json=wanted, headers={"If-Match": '"0"'})
    assert after.json() == {**wanted, "version": 1}
    assert sign_in(Role.NURSE).get(f"{GLASS}/settings").json() == after.json()
