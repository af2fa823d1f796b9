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
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks, not_a_server_error
from schemathesis.core.result import Ok

from clinicdesk.core.permissions import Role
from tests.server.conftest import ROLES, Knock, SignedIn

EXAMPLES = 6
"""Requests for each endpoint that are drawn by chance, on each database; each role, and somebody without one, has a turn."""

load_all_checks()
WHAT_HOLDS: list[Any] = [
    not_a_server_error,
    *CHECKS.get_by_names(
        [
            "status_code_conformance", "content_type_conformance", "response_headers_conformance",
            "response_schema_conformance", "negative_data_rejection", "unsupported_method", "missing_required_header",
            "allow_header_conformance",
        ]
    ),
]  # fmt: skip
"""All of its checks but two kinds: those that are about requests which its own runner makes besides (use_after_free,
ensure_resource_availability, ignored_auth, object_level_authorization: test_matrix and test_reach ask every role, and test_matrix
whoever is not signed in); and positive_data_acceptance, which takes every refusal of valid data for an error."""

GIVEN_AS_IT_IS = ("application/pdf", "image/jpeg", "image/png", "image/webp", "application/octet-stream")


@schemathesis.serializer(*GIVEN_AS_IT_IS)
def give(_context: Any, value: Any) -> bytes:
    """A body that is no JSON, as it was made up."""
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture
def settings() -> dict[str, str]:
    """Nobody is stopped for asking a lot."""
    most = "1000000"
    return {f"CLINICDESK_LIMIT_{what}": most for what in ("ANONYMOUS", "SIGN_INS", "DEVICE")}


@pytest.fixture
def schema(server: FastAPI) -> Any:
    """The document as schemathesis reads it; who asks is said by the client, not made up."""
    read = schemathesis.openapi.from_dict(server.openapi())
    read.config.generation.with_security_parameters = False
    return read


class Callers:
    """Somebody who is not signed in, and somebody of each role, who sign in again where what was asked has ended that."""

    def __init__(self, knock: Knock, sign_in: SignedIn) -> None:
        self._sign_in = sign_in
        self._clients: dict[Role | None, TestClient] = {None: knock()}
        self._clients.update((role, sign_in(role)) for role in ROLES)

    def all(self) -> list[TestClient]:
        for role, client in self._clients.items():
            if role is not None and client.get("/api/v1/auth/me").status_code == 401:
                self._clients[role] = self._sign_in(role)
        return list(self._clients.values())


@pytest.fixture
def callers(knock: Knock, sign_in: SignedIn) -> Callers:
    return Callers(knock, sign_in)


def test_every_answer_is_documented(schema: Any, callers: Callers) -> None:
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        ask_by_chance(found.ok(), cycle(callers.all()))


@pytest.mark.embedded
def test_each_border_of_each_value_is_kept_as_it_is_documented(schema: Any, callers: Callers) -> None:
    for found in schema.get_all_operations():
        operation = found.ok()
        everybody = callers.all()
        fitting, wrong = cycle(everybody), cycle(everybody)  # each of them has both kinds
        how = schema.config.generation_for(operation=operation)
        modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
        first = True
        for case in schema.iter_coverage_cases(operation, generation_modes=modes, generation_config=how):
            fits = case.meta.generation.mode is GenerationMode.POSITIVE
            for client in everybody if fits and first else [next(fitting if fits else wrong)]:
                ask(client, case)
            first = first and not fits


def ask_by_chance(operation: schemathesis.APIOperation[Any, Any, Any, Any], clients: Iterator[TestClient]) -> None:
    """Send requests that fit the operation, and some that do not."""

    @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE) | operation.as_strategy())
    @hypothesis_settings(
        max_examples=EXAMPLES, database=None, deadline=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def ask_one(case: schemathesis.Case[Any]) -> None:
        ask(next(clients), case)

    ask_one()


def ask(client: TestClient, case: schemathesis.Case[Any]) -> None:
    """Send one request, and look at the answer."""
    made = case.as_transport_kwargs(base_url="https://desk.example")
    body = {"content": made["data"]} if "data" in made else {"json": made["json"]} if "json" in made else {}
    headers = {name: str(value).encode("latin-1", "replace") for name, value in (made["headers"] or {}).items()}
    answer = client.request(made["method"], made["url"], params=made["params"], headers=headers, **body)
    case.validate_response(answer, checks=WHAT_HOLDS)
