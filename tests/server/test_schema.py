"""What schemathesis makes up from the OpenAPI document is answered as the document says, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import CHECKS, load_all_checks, not_a_server_error
from schemathesis.core.result import Ok

from tests.server.conftest import ROLES, Knock, SignedIn

EXAMPLES = 6
"""Requests for each endpoint, on each database; each role, and somebody without one, has a turn."""

load_all_checks()
WHAT_HOLDS: list[Any] = [
    not_a_server_error,
    *CHECKS.get_by_names(
        [
            "status_code_conformance", "content_type_conformance", "response_headers_conformance",
            "response_schema_conformance", "negative_data_rejection", "unsupported_method",
        ]
    ),
]  # fmt: skip
"""All of its checks but three kinds: those that are about requests which its own runner makes besides (use_after_free,
ensure_resource_availability, ignored_auth, object_level_authorization: test_matrix and test_reach ask every role, and test_matrix
whoever is not signed in); those that only its coverage phase sets off (missing_required_header, allow_header_conformance: see
test_bad_input); and positive_data_acceptance, which takes every refusal of valid data for an error."""


@pytest.fixture
def settings() -> dict[str, str]:
    """Nobody is stopped for asking a lot."""
    most = "1000000"
    return {f"CLINICDESK_LIMIT_{what}": most for what in ("ANONYMOUS", "SIGN_INS", "DEVICE")}


def test_every_answer_is_documented(server: FastAPI, knock: Knock, sign_in: SignedIn) -> None:
    schema = schemathesis.openapi.from_dict(server.openapi())
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        ask_about(found.ok(), cycle([knock(), *(sign_in(role) for role in ROLES)]))


def ask_about(operation: schemathesis.APIOperation[Any, Any, Any, Any], clients: Iterator[TestClient]) -> None:
    """Send requests that fit the operation, and some that do not."""

    @given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE) | operation.as_strategy())
    @hypothesis_settings(
        max_examples=EXAMPLES, database=None, deadline=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def ask(case: schemathesis.Case[Any]) -> None:
        made = case.as_transport_kwargs(base_url="https://desk.example")
        body = {"content": made["data"]} if "data" in made else {"json": made["json"]} if "json" in made else {}
        headers = {name: str(value).encode("latin-1", "replace") for name, value in (made["headers"] or {}).items()}
        answer = next(clients).request(made["method"], made["url"], params=made["params"], headers=headers, **body)
        case.validate_response(answer, checks=WHAT_HOLDS)

    ask()
