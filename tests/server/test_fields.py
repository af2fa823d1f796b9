"""Whoever is refused for a value finds it in what they sent, whether the framework refused it or a rule of the clinic."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import clinicdesk.features
from clinicdesk.core.permissions import Role
from clinicdesk.server.app import ROUTERS
from clinicdesk.server.routing import Route
from tests.server.conftest import PASSWORD, VISITS, Book, SignedIn, booked

OF_FILES = frozenset(
    {"encoding", "map", "date_order", "entry", "field", "id", "patient", "code", "period", "participant", "subject"}
)
"""What imports speak of, which no endpoint takes."""


def test_a_field_of_which_a_rule_speaks_is_one_that_somebody_sends() -> None:
    features = Path(clinicdesk.features.__file__).parent if clinicdesk.features.__file__ else Path()
    said = {
        name
        for module in features.rglob("*.py")
        if module.parent.name != "sync"  # whose ops name the fields of rows
        for name in re.findall(r'InvalidInput\([^)]*field="(\w+)"', module.read_text(encoding="utf-8"))
    }
    sent = {name for router in ROUTERS for route in router.routes if isinstance(route, Route) for name in route.places}
    assert len(said) > 60
    assert sorted(said - sent - OF_FILES) == []


REFUSED: list[tuple[Role, str, str, Any, tuple[str, str | None, str]]] = [
    (Role.PATIENT, "POST", "/appointments", {"minutes": 120}, ("body", "minutes", "own_visit_too_long")),
    (Role.RECEPTIONIST, "POST", "/appointments", {"start": "now"}, ("body", "start", "instant_not_right")),
    (Role.RECEPTIONIST, "POST", "/appointments", {"reasn": "Cough"}, ("body", "reasn", "no_such_field")),
    (Role.RECEPTIONIST, "GET", "/appointments?practitoner_id=1", None, ("query", "practitoner_id", "no_such_parameter")),
    (Role.RECEPTIONIST, "GET", "/appointments?status=booked&status=x", None, ("query", "status[1]", "invalid_input")),
    (
        Role.RECEPTIONIST, "GET", "/doctors/{lee}/availability?minutes=20&from=2026-11-24T10:00:00Z&to=2026-11-24T09:00:00Z",
        None, ("query", "to", "ends_before_start"),
    ),
    (
        Role.RECEPTIONIST, "GET", "/appointments/openings?minutes=20&from=2026-11-24T10:00:00Z&to=2026-11-24T09:00:00Z",
        None, ("query", "to", "ends_before_start"),
    ),
    (Role.RECEPTIONIST, "GET", "/appointments/7", None, ("path", "appointment_id", "invalid_input")),
    (
        Role.RECEPTIONIST, "POST", "/patients", {"demographics": {"family": "Lee", "email": "at home"}},
        ("body", "demographics.email", "email_not_right"),
    ),
    (
        Role.RECEPTIONIST, "POST", "/patients", {"demographics": {"family": "Lee", "emial": "a@home.example"}},
        ("body", "demographics.emial", "no_such_field"),
    ),
    (
        Role.ADMINISTRATOR, "PUT", "/doctors/{lee}/hours",
        {"shifts": [{"weekday": 0, "start": "08:00", "end": "12:00"}, {"weekday": 9, "start": "08:00", "end": "12:00"}]},
        ("body", "shifts[1].weekday", "invalid_input"),
    ),
    (
        Role.ADMINISTRATOR, "PUT", "/doctors/{lee}/hours",
        {"shifts": [{"weekday": 0, "start": "12:00", "end": "08:00"}], "valid_from": "2026-12-01"},
        ("body", "shifts", "ends_before_start"),
    ),
    (Role.ADMINISTRATOR, "POST", "/audit/verification", {"result": "made up"}, ("body", "result", "cursor_not_right")),
    (
        Role.RECEPTIONIST, "POST", "/auth/password/change", {"current": PASSWORD, "new": "short"},
        ("body", "new", "password_too_short"),
    ),
    (Role.RECEPTIONIST, "PUT", "/documents/avatars/me", b"", ("body", None, "document_empty")),
    (Role.RECEPTIONIST, "POST", "/appointments", [], ("body", None, "invalid_input")),
]  # fmt: skip


@pytest.mark.parametrize(("role", "method", "path", "body", "named"), REFUSED, ids=lambda one: str(one)[:60])
def test_a_value_is_named_as_it_was_sent(
    sign_in: SignedIn, book: Book, role: Role, method: str, path: str, body: Any, named: tuple[str, str | None, str]
) -> None:
    if path == "/appointments" and isinstance(body, dict):
        body = {**book.visit(patient_id=str(book.mine)), **body}
    sent = {"content": body} if isinstance(body, bytes) else {"json": body}
    headers = {"If-Match": '"1"'}
    answer = sign_in(role).request(method, f"/api/v1{path.format(lee=book.lee)}", headers=headers, **sent)
    told = answer.json()
    assert answer.status_code == 422, answer.text
    assert (told["in"], told.get("field"), told["code"]) == named
    if "errors" in told:
        assert {key: told.get(key) for key in ("in", "field", "code")} == {"field": None, **told["errors"][0]}


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("If-Match", '"x"', "etag_not_right"),
        ("Idempotency-Key", "short", "too_short"),
        ("Idempotency-Key", "a used one", ""),
    ],
)
def test_a_header_is_named_as_it_was_sent(desk: TestClient, book: Book, header: str, value: str, code: str) -> None:
    visit = booked(desk, book.visit())
    if not code:
        value, code = "the-key-of-another", "idempotency_key_reused"
        assert (
            desk.post(VISITS, json=book.visit("2026-11-24T12:00:00+01:00"), headers={header: value}).status_code == 201
        )
    answer = desk.patch(f"{VISITS}/{visit['id']}", json={"reason": "Cough"}, headers={"If-Match": '"1"', header: value})
    told = answer.json()
    assert (answer.status_code, told["in"], told["field"], told["code"]) == (422, "header", header, code)
