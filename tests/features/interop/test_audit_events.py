"""Entries of the audit trail as FHIR R4 AuditEvents."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from clinicdesk.features.audit.schemas import AuditRow
from clinicdesk.features.interop.audit_events import audit_event, to_ndjson

pytestmark = pytest.mark.embedded

ANNA, DOCTOR, VISIT = UUID(int=1), UUID(int=2), UUID(int=3)
ROW = AuditRow(
    7, datetime(2026, 11, 23, 10, 42, 0, 123_456, UTC), DOCTOR, "Dr Lee", "doctor", "Desk 1", "U",
    "appointments.reschedule", "appointment", VISIT, ANNA, "HS-00001", "ok", ("start", "version"), "moved", "ab" * 32,
)  # fmt: skip


def test_it_says_who_did_what_to_whom_when_and_how_it_ended() -> None:
    event = audit_event(ROW)
    assert (event["resourceType"], event["action"], event["outcome"]) == ("AuditEvent", "U", "0")
    assert event["recorded"] == "2026-11-23T10:42:00.123+00:00"
    assert [one["code"] for one in event["subtype"]] == ["update", "appointments.reschedule"]
    user, desk = event["agent"]
    assert (user["name"], user["requestor"], user["who"]["identifier"]["value"]) == (
        "Dr Lee",
        True,
        f"urn:uuid:{DOCTOR}",
    )
    assert (desk["who"]["display"], desk["requestor"]) == ("Desk 1", False)
    patient, visit = event["entity"]
    assert patient["what"] == {"reference": f"Patient/{ANNA}", "identifier": {"value": "HS-00001"}}
    assert (visit["name"], visit["what"]["identifier"]["value"]) == ("appointment", f"urn:uuid:{VISIT}")
    assert [(one["type"], one["valueString"]) for one in visit["detail"]] == [
        ("field", "start"), ("field", "version"), ("note", "moved"), ("hash", "ab" * 32),
    ]  # fmt: skip


@pytest.mark.parametrize("outcome", ["refused", "failed"])
def test_a_refusal_is_no_success(outcome: str) -> None:
    event = audit_event(replace(ROW, outcome=outcome))
    assert (event["outcome"], event["outcomeDesc"]) == ("4", outcome)


def test_an_emergency_is_the_purpose() -> None:
    assert "purposeOfEvent" not in audit_event(ROW)
    [purpose] = audit_event(replace(ROW, emergency=True))["purposeOfEvent"]
    assert purpose["coding"][0]["code"] == "BTG"


def test_what_an_entry_does_not_say_is_left_out_and_nothing_is_empty() -> None:
    bare = replace(
        ROW,
        actor_id=None,
        who="",
        desk="",
        entity="",
        entity_id=None,
        patient_id=None,
        patient_number="",
        fields=(),
        note="",
    )

    def check(value: Any) -> None:
        assert value not in ("", None, [], {})
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(part)

    for row in (ROW, bare):
        check(audit_event(row))
    assert "entity" not in audit_event(bare)


def test_each_line_is_one_event_whatever_a_name_holds() -> None:
    lines = to_ndjson([ROW, replace(ROW, who='A\u2028B\n"C"')]).split("\n")
    assert lines.pop() == ""
    assert [json.loads(line)["agent"][0]["name"] for line in lines] == ["Dr Lee", 'A\u2028B\n"C"']
