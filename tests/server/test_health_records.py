"""Medicines, reminders and measurements over HTTP: the clinic's work on them, and what patients do with their own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import TestClient as Client

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient, SaveAllergy
from tests.server.conftest import SignedIn

HEALTH = "/api/v1/health"
TWICE = {"amount": 1, "unit": "tablet", "times": 2}

pytestmark = pytest.mark.usefixtures("everybody_in_care")


@pytest.fixture
def other(db: Database, operator: Actor, own_record: UUID) -> UUID:
    """Another patient than the one who has an account."""
    with db.write(operator) as tx:
        return patients.register(tx, RegisterPatient(Demographics("Jones", "Ada"))).id


@pytest.fixture
def doctor_client(sign_in: SignedIn) -> TestClient:
    return sign_in(Role.DOCTOR)


@pytest.fixture
def patient_client(own_record: UUID, sign_in: SignedIn) -> TestClient:
    return sign_in(Role.PATIENT)


def of(patient: UUID, what: str) -> str:
    return f"{HEALTH}/patients/{patient}/{what}"


def match(answer: Any) -> dict[str, str]:
    return {"If-Match": answer.headers["ETag"]}


def prescribed(client: Client, patient: UUID, medicine: str = "Metformin", **told: Any) -> Any:
    answer = client.post(of(patient, "medications"), json={"medicine": medicine, "dosage": TWICE} | told)
    assert answer.status_code == 201, answer.text
    return answer


def measured(client: Client, patient: UUID, value: float, **told: Any) -> Any:
    answer = client.post(of(patient, "metrics"), json={"measure": "weight", "value": value} | told)
    assert answer.status_code == 201, answer.text
    return answer


# ---- medications -----------------------------------------------------------------------------------------------------


def test_a_medicine_goes_through_its_life_by_version(doctor_client: TestClient, own_record: UUID) -> None:
    made = prescribed(doctor_client, own_record, refills=1, supply_days=30)
    path = f"{HEALTH}/medications/{made.json()['id']}"
    assert doctor_client.post(f"{path}/hold", json={"reason": "surgery"}).status_code == 428
    held = doctor_client.post(f"{path}/hold", json={"reason": "surgery"}, headers=match(made))
    assert (held.json()["status"], held.headers["ETag"]) == ("on-hold", '"2"')
    assert doctor_client.post(f"{path}/stop", json={"reason": "x"}, headers=match(made)).status_code == 412
    again = doctor_client.post(f"{path}/resume", json={}, headers=match(held))
    supplied = doctor_client.post(f"{path}/dispense", json={"days": 30}, headers=match(again))
    assert (supplied.status_code, supplied.json()["supplied_until"]) == (200, "2026-12-22")
    whole = doctor_client.get(path)
    assert len(whole.json()["dispensed"]) == 1
    assert doctor_client.post(f"{path}/withdraw", json={}, headers=match(whole)).json()["code"] == "already_dispensed"
    renewed = doctor_client.post(f"{path}/renew", json={"ends_on": "2027-02-28"}, headers=match(whole))
    assert (renewed.status_code, renewed.json()["replaces_id"]) == (201, made.json()["id"])
    assert [row["id"] for row in doctor_client.get(of(own_record, "medications")).json()] == [renewed.json()["id"]]
    past = doctor_client.get(of(own_record, "medications/past"), params={"total": True}).json()
    assert ([row["status"] for row in past["items"]], past["total"]) == (["completed"], 1)
    new = f"{HEALTH}/medications/{renewed.json()['id']}"
    ended = doctor_client.post(f"{new}/complete", headers=match(renewed))
    wrong = doctor_client.post(f"{new}/entered-in-error", json={"reason": "other patient"}, headers=match(ended))
    assert (ended.json()["status"], wrong.json()["status"]) == ("completed", "entered-in-error")


def test_a_serious_warning_is_told_and_a_doctor_overrides_it_with_a_reason(
    db: Database, operator: Actor, sign_in: SignedIn, doctor_client: TestClient, own_record: UUID
) -> None:
    with db.write(operator) as tx:
        patients.save_allergy(tx, SaveAllergy(own_record, "Penicillin", "hives"))
    checked = doctor_client.post(of(own_record, "medications/check"), json={"medicine": "Amoxicillin"}).json()
    assert [(one["kind"], one["match"]) for one in checked["warnings"]] == [("allergy", "family")]
    wanted = {"medicine": "Amoxicillin", "dosage": TWICE}
    refused = doctor_client.post(of(own_record, "medications"), json=wanted)
    assert (refused.status_code, refused.json()["code"]) == (409, "serious_warning")
    assert refused.json()["warnings"][0]["medicines"] == checked["warnings"][0]["medicines"]
    in_spite = wanted | {"override_reason": "Tolerated in 2024"}
    assert sign_in(Role.NURSE).post(of(own_record, "medications"), json=in_spite).status_code == 403
    signed = doctor_client.post(of(own_record, "medications"), json=in_spite)
    assert (signed.status_code, signed.json()["override_reason"]) == (201, "Tolerated in 2024")


def test_a_phrase_becomes_a_draft_that_is_changed_and_signed(
    doctor_client: TestClient, patient_client: TestClient, own_record: UUID
) -> None:
    read = doctor_client.post(f"{HEALTH}/medications/phrase", json={"text": "ibuprofen 400 tds 7d"}).json()
    assert (read["medicine"], read["dosage"]["unit"], read["unit_assumed"]) == ("Ibuprofen", "mg", True)
    unseen = {"text": "ibuprofen 400 tds 7d", "draft": False}
    assert doctor_client.post(of(own_record, "medications/phrase"), json=unseen).json()["code"] == "unit_missing"
    draft = doctor_client.post(of(own_record, "medications/phrase"), json={"text": "ibuprofen 400 tds 7d"})
    assert (draft.status_code, draft.json()["status"]) == (201, "draft")
    path = f"{HEALTH}/medications/{draft.json()['id']}"
    assert patient_client.get(of(own_record, "medications")).json() == []
    assert patient_client.get(path).status_code == 404
    changed = doctor_client.put(path, json={"medicine": "Ibuprofen", "dosage": TWICE}, headers=match(draft))
    signed = doctor_client.post(f"{path}/sign", json={}, headers=match(changed))
    assert (signed.json()["status"], signed.json()["patient_id"]) == ("active", str(own_record))
    assert doctor_client.put(path, json={"medicine": "X"}, headers=match(signed)).json()["code"] == "not_a_draft"
    assert [row["medicine"] for row in patient_client.get(of(own_record, "medications")).json()] == ["Ibuprofen"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("medicine", ""), ("medicine", "x" * 10_000), ("starts_on", "0001-01-01"), ("ends_on", "9999-12-31"),
        ("ends_on", "2026-11-01"), ("refills", 10**30), ("refills", -1), ("supply_days", 0), ("starts_on", 5),
    ],
)  # fmt: skip
def test_a_prescription_that_cannot_be_right_names_the_field(
    doctor_client: TestClient, own_record: UUID, field: str, value: Any
) -> None:
    refused = doctor_client.post(of(own_record, "medications"), json={"medicine": "Metformin", field: value})
    assert refused.status_code == 422
    assert refused.json()["field"].endswith(field)


@pytest.mark.parametrize("amount", [0, -1, 1e300, "NaN", "Infinity", True])
def test_an_amount_is_a_number_that_one_can_take(doctor_client: TestClient, own_record: UUID, amount: Any) -> None:
    wanted = {"medicine": "Metformin", "dosage": {"amount": amount}}
    assert doctor_client.post(of(own_record, "medications"), json=wanted).status_code == 422


# ---- reminders ---------------------------------------------------------------------------------------------------------


def test_patients_keep_reminders_of_their_own_medicines(
    doctor_client: TestClient, patient_client: TestClient, own_record: UUID
) -> None:
    medicine = prescribed(doctor_client, own_record).json()["id"]
    rule = {"times": ["20:00", "08:00"], "starts_on": "2026-11-23"}
    made = patient_client.post(f"{HEALTH}/medications/{medicine}/reminders", json=rule)
    assert (made.status_code, made.json()["next_due"]) == (201, "2026-11-23T19:00:00Z")
    due = patient_client.get(of(own_record, "reminders/due"), params={"hours": 48}).json()
    assert [one["due_at"] for one in due] == [
        "2026-11-23T19:00:00Z", "2026-11-24T07:00:00Z", "2026-11-24T19:00:00Z", "2026-11-25T07:00:00Z",
    ]  # fmt: skip
    path = f"{HEALTH}/medications/{medicine}/reminders/{made.json()['id']}"
    changed = patient_client.put(path, json=rule | {"times": ["09:00"], "weekdays": [0]}, headers=match(made))
    assert changed.json()["next_due"] == "2026-11-30T08:00:00Z"
    switch = f"{HEALTH}/reminders/{made.json()['id']}/enabled"
    assert patient_client.put(switch, json={"enabled": False}, headers=match(made)).status_code == 412
    off = patient_client.put(switch, json={"enabled": False}, headers=match(changed))
    assert (off.json()["enabled"], off.json()["next_due"]) == (False, None)
    assert [row["id"] for row in patient_client.get(of(own_record, "reminders")).json()] == [made.json()["id"]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"times": []}, {"times": ["25:00"]}, {"times": ["08:00:30"]}, {"weekdays": [7]}, {"starts_on": "9999-12-31"},
        {"until": "2026-11-01"}, {"times": ["08:00"] * 25},
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_right_is_refused(doctor_client: TestClient, own_record: UUID, wrong: Any) -> None:
    medicine = prescribed(doctor_client, own_record).json()["id"]
    rule = {"times": ["08:00"], "starts_on": "2026-11-23"} | wrong
    assert doctor_client.post(f"{HEALTH}/medications/{medicine}/reminders", json=rule).status_code == 422


# ---- metrics -----------------------------------------------------------------------------------------------------------


def test_what_was_measured_is_paged_summed_up_and_corrected(doctor_client: TestClient, own_record: UUID) -> None:
    path = of(own_record, "metrics")
    for day in range(1, 6):
        measured(doctor_client, own_record, 70 + day, taken_at=f"2026-11-1{day}T08:00:00+01:00")
    measured(doctor_client, own_record, 120, measure="blood-pressure", diastolic=80)
    first = doctor_client.get(path, params={"measure": "weight", "limit": 3, "total": True}).json()
    rest = doctor_client.get(path, params={"measure": "weight", "limit": 3, "cursor": first["next"]}).json()
    assert [row["components"][0]["value"] for row in first["items"] + rest["items"]] == [75, 74, 73, 72, 71]
    assert (first["total"], rest["next"]) == (5, None)
    some = doctor_client.get(path, params={"from": "2026-11-12T00:00:00Z", "to": "2026-11-14T00:00:00Z"}).json()
    assert len(some["items"]) == 2
    latest = doctor_client.get(f"{path}/latest").json()
    assert [row["measure"] for row in latest["rows"]] == ["blood-pressure", "weight"]
    trend = doctor_client.get(f"{path}/trend", params={"measure": "weight"}).json()
    assert (trend["series"][0]["summary"]["count"], trend["series"][0]["summary"]["per_day"]) == (5, 1.0)
    last = first["items"][0]
    one = f"{HEALTH}/metrics/{last['id']}"
    right = doctor_client.put(one, json={"value": 57, "reason": "turned round"}, headers={"If-Match": '"1"'})
    assert (right.status_code, right.json()["replaces_id"], right.json()["status"]) == (200, last["id"], "corrected")
    gone = doctor_client.post(
        f"{HEALTH}/metrics/{right.json()['id']}/wrong", json={"reason": "x"}, headers=match(right)
    )
    assert gone.json()["status"] == "entered-in-error"
    assert doctor_client.put(one, json={"value": 57, "reason": "x"}, headers={"If-Match": '"2"'}).status_code == 409


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": 1e9}, {"value": -1}, {"value": "70"}, {"measure": "bmi"}, {"measure": "soul"}, {"unit": "stone of old"},
        {"taken_at": "2026-11-23T08:00:00"}, {"taken_at": "9999-12-31T23:59:59-23:59"}, {"taken_at": "2026-11-24T08:00:00Z"},
        {"note": "x" * 501}, {"note": "\x00"}, {"diastolic": 5},
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_right_is_refused(doctor_client: TestClient, own_record: UUID, wrong: Any) -> None:
    refused = doctor_client.post(of(own_record, "metrics"), json={"measure": "weight", "value": 70} | wrong)
    assert (refused.status_code, "field" in refused.json()) == (422, True)


def test_a_patients_own_value_says_so_and_a_clinics_is_not_theirs_to_change(
    doctor_client: TestClient, patient_client: TestClient, own_record: UUID
) -> None:
    own = measured(patient_client, own_record, 71, note="<b>at home</b>")
    clinics = measured(doctor_client, own_record, 72)
    assert [row.json()["by_patient"] for row in (own, clinics)] == [True, False]
    shown = doctor_client.get(of(own_record, "metrics")).json()["items"]
    assert {row["id"]: row["by_patient"] for row in shown}[own.json()["id"]] is True
    assert "<b>at home</b>" in {row["note"] for row in shown}
    correction = {"value": 70.5, "reason": "shoes on"}
    for method, what, body in (("PUT", "", correction), ("POST", "/wrong", {"reason": "shoes on"})):
        path = f"{HEALTH}/metrics/{clinics.json()['id']}{what}"
        refused = patient_client.request(method, path, json=body, headers=match(clinics))
        assert (refused.status_code, refused.json()["code"]) == (403, "not_own_value")
    path = f"{HEALTH}/metrics/{own.json()['id']}"
    assert patient_client.put(path, json=correction, headers=match(own)).json()["by_patient"] is True


# ---- whose -------------------------------------------------------------------------------------------------------------


def test_nothing_of_somebody_else_is_seen_or_touched(
    doctor_client: TestClient, patient_client: TestClient, own_record: UUID, other: UUID
) -> None:
    medicine = prescribed(doctor_client, other, "Warfarin")
    rule = {"times": ["08:00"], "starts_on": "2026-11-23"}
    med = f"{HEALTH}/medications/{medicine.json()['id']}"
    reminder = doctor_client.post(f"{med}/reminders", json=rule).json()["id"]
    value = measured(doctor_client, other, 72).json()["id"]
    asked: list[tuple[str, str, Any]] = [
        ("GET", med, None),
        ("POST", f"{med}/reminders", rule),
        ("PUT", f"{med}/reminders/{reminder}", rule),
        ("PUT", f"{HEALTH}/reminders/{reminder}/enabled", {"enabled": False}),
        ("PUT", f"{HEALTH}/metrics/{value}", {"value": 1, "reason": "x"}),
        ("POST", f"{HEALTH}/metrics/{value}/wrong", {"reason": "x"}),
        ("POST", of(other, "metrics"), {"measure": "weight", "value": 70}),
        ("POST", of(other, "medications/check"), {"medicine": "Ibuprofen"}),
        *(
            ("GET", of(other, what), None)
            for what in (
                "medications", "medications/past", "reminders", "reminders/due", "metrics", "metrics/latest", "metrics/trend",
            )
        ),
    ]  # fmt: skip
    for method, path, body in asked:
        refused = patient_client.request(method, path, json=body, headers={"If-Match": '"1"'})
        assert (refused.status_code, refused.json()["code"]) == (403, "not_own_record"), path
        assert "arfarin" not in refused.text
    theirs = doctor_client.get(of(other, "metrics")).json()["next"]
    assert theirs is None


def test_patients_neither_prescribe_nor_change_what_they_take(
    doctor_client: TestClient, patient_client: TestClient, own_record: UUID
) -> None:
    made = prescribed(doctor_client, own_record)
    path = f"{HEALTH}/medications/{made.json()['id']}"
    assert patient_client.get(path).json()["row"]["medicine"] == "Metformin"
    assert patient_client.post(of(own_record, "medications"), json={"medicine": "X"}).status_code == 403
    why = {what: {"reason": "x"} for what in ("hold", "stop", "withdraw", "entered-in-error")}
    for what in (*why, "resume", "renew", "dispense", "sign", "complete"):
        refused = patient_client.post(f"{path}/{what}", json=why.get(what, {}), headers=match(made))
        assert refused.status_code == 403, what


def test_the_desk_sees_nothing_of_it(sign_in: SignedIn, own_record: UUID) -> None:
    desk = sign_in(Role.RECEPTIONIST)
    for what in ("medications", "medications/past", "reminders", "metrics", "metrics/latest"):
        assert desk.get(of(own_record, what)).status_code == 403
