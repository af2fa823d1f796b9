"""A client can be generated from the OpenAPI document, and whoever reads it sees what comes back."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI

Json = dict[str, Any]


@pytest.fixture
def document(server: FastAPI) -> Json:
    return server.openapi()


def test_each_schema_has_a_name_of_its_own_that_is_a_class(document: Json) -> None:
    schemas = document["components"]["schemas"]
    titles = Counter(schema["title"] for schema in schemas.values())
    assert [title for title, times in titles.items() if times > 1] == []
    assert [name for name in schemas if not re.fullmatch("([A-Z][a-z]*[0-9]*)+", name)] == []
    assert [name for name, schema in schemas.items() if schema["title"] != name] == []
    assert {"PageOfPatientRow", "MedicationsStatus", "AppointmentsStatus"} <= schemas.keys()


def test_nothing_is_referred_to_that_is_not_there(document: Json) -> None:
    told = set(re.findall(r"'\$ref': '#/components/schemas/(\w+)'", repr(document)))
    assert told <= document["components"]["schemas"].keys()


def test_each_body_and_answer_in_json_has_examples_that_fit(document: Json) -> None:
    asked = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
            for place in (operation.get("requestBody", {}), *answers):
                if content := place.get("content", {}).get("application/json"):
                    asked += 1
                    whole = {**content["schema"], "components": document["components"]}
                    told = [one["value"] for one in content.get("examples", {}).values()] or [content["example"]]
                    fits = jsonschema_rs.validator_for(whole)
                    assert not [(e.message, one) for one in told for e in fits.iter_errors(one)], (method, path)
    assert asked > 250


def test_the_headers_that_a_program_goes_by_are_told(document: Json) -> None:
    booking = document["paths"]["/api/v1/appointments"]["post"]["responses"]
    assert booking["201"]["headers"].keys() == {"ETag", "Clinicdesk-Unit"}
    assert booking["429"]["headers"].keys() == {"Retry-After"}
    assert document["paths"]["/api/v1/appointments/{appointment_id}"]["get"]["responses"]["200"]["headers"].keys() == {
        "ETag"
    }


def test_bodies_say_that_they_have_no_other_fields_and_answers_that_they_may(document: Json) -> None:
    bodies = held_by(document, [one.get("requestBody", {}) for one in operations(document)])
    answers = held_by(document, [one["responses"] for one in operations(document)])
    schemas = document["components"]["schemas"]
    closed = {name for name, schema in schemas.items() if schema.get("additionalProperties") is False}
    assert [name for name in bodies if "properties" in schemas[name] and name not in closed] == []
    assert sorted(closed & answers) == []


def operations(document: Json) -> list[Json]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]


def held_by(document: Json, part: Any) -> set[str]:
    """The names of the schemas that a part of the document refers to, and of those that they do."""
    found: set[str] = set()
    waiting = [part]
    while waiting:
        names = set(re.findall(r"'\$ref': '#/components/schemas/(\w+)'", repr(waiting.pop()))) - found
        found |= names
        waiting += [document["components"]["schemas"][name] for name in names]
    return found
