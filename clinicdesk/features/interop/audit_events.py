"""Entries of the audit trail as FHIR R4 AuditEvents, with the fields that IHE BALP asks for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from clinicdesk.features.audit.schemas import AuditRow

_HL7 = "http://terminology.hl7.org/CodeSystem"
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_INTERACTIONS = {"C": "create", "R": "read", "U": "update", "D": "delete", "E": "operation"}
_DONE, _NOT_DONE = "0", "4"
"""AuditEvent.outcome: success; a minor failure, which a refusal is."""


def to_ndjson(rows: Iterable[AuditRow]) -> str:
    """The entries as AuditEvents, one in each line."""
    return "".join(json.dumps(audit_event(row), ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)


def audit_event(row: AuditRow) -> dict[str, Any]:
    """One entry as an AuditEvent: who, at which desk, what, to whom, when, and how it ended."""
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(row.seq),
        "type": {"system": f"{_HL7}/audit-event-type", "code": "rest", "display": "Restful Operation"},
        "subtype": [
            {"system": "http://hl7.org/fhir/restful-interaction", "code": _INTERACTIONS.get(row.action, "operation")},
            {"system": "urn:clinicdesk:verb", "code": row.verb},
        ],
        "action": row.action,
        "recorded": row.at.isoformat(timespec="milliseconds"),
        "outcome": _DONE if row.outcome == "ok" else _NOT_DONE,
        "agent": [_user(row), _machine(row)],
        "source": {
            "observer": {"display": "ClinicDesk"},
            "type": [{"system": f"{_HL7}/security-source-type", "code": "4", "display": "Application Server"}],
        },
    }
    if row.outcome != "ok":
        event["outcomeDesc"] = row.outcome
    if row.emergency:
        urgent = {"system": f"{_HL7}/v3-ActReason", "code": "BTG", "display": "break the glass"}
        event["purposeOfEvent"] = [{"coding": [urgent]}]
    if entities := [*_patient(row), *_object(row)]:
        event["entity"] = entities
    return event


def _user(row: AuditRow) -> dict[str, Any]:
    participation = {"system": f"{_HL7}/v3-ParticipationType", "code": "IRCP", "display": "information recipient"}
    user: dict[str, Any] = {
        "type": {"coding": [participation]},
        "role": [{"coding": [{"system": "urn:clinicdesk:role", "code": row.role}]}],
        "requestor": True,
    }
    if row.actor_id is not None:
        user["who"] = {"identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{row.actor_id}"}}
    if row.who:
        user["name"] = row.who
    return user


def _machine(row: AuditRow) -> dict[str, Any]:
    source = {"system": _DICOM, "code": "110153", "display": "Source Role ID"}
    return {"type": {"coding": [source]}, "who": {"display": row.desk or "unknown"}, "requestor": False}


def _patient(row: AuditRow) -> list[dict[str, Any]]:
    if row.patient_id is None:
        return []
    what: dict[str, Any] = {"reference": f"Patient/{row.patient_id}"}
    if row.patient_number:
        what["identifier"] = {"value": row.patient_number}
    return [
        {
            "what": what,
            "type": {"system": f"{_HL7}/audit-entity-type", "code": "1", "display": "Person"},
            "role": {"system": f"{_HL7}/object-role", "code": "1", "display": "Patient"},
        }
    ]


def _object(row: AuditRow) -> list[dict[str, Any]]:
    if not row.entity and not row.note:
        return []
    thing: dict[str, Any] = {
        "type": {"system": f"{_HL7}/audit-entity-type", "code": "2", "display": "System Object"},
        "role": {"system": f"{_HL7}/object-role", "code": "4", "display": "Domain Resource"},
        "name": row.entity or row.verb,
    }
    if row.entity_id is not None:
        thing["what"] = {"identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{row.entity_id}"}}
    details = [("field", name) for name in row.fields] + ([("note", row.note)] if row.note else [])
    if details := [*details, ("hash", row.hash)]:
        thing["detail"] = [{"type": kind, "valueString": value} for kind, value in details]
    return [thing]
