"""A client can be generated from the OpenAPI document, and whoever reads it sees what comes back."""

from __future__ import annotations

import re
import sys
from collections import Counter
from types import ModuleType
from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI

from clinicdesk.features.observations.schemas import Series
from clinicdesk.server.described import words_of
from clinicdesk.server.glossary import GLOSSARY

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


# ---- in words ----------------------------------------------------------------------------------------------------------

OBVIOUS = frozenset(
    {
        "id", "name", "email", "password", "phone", "mobile", "address", "city", "postal_code", "title", "text", "note", "type",
        "code", "in", "year", "added",
    }
)  # fmt: skip
"""Fields of which nothing need be said."""
FHIR = {
    "AppointmentsStatus", "MedicationsStatus", "ObservationsStatus", "DocumentStatus", "Action", "Interpretation", "Moment",
    "PeriodUnit", "Priority",
}  # fmt: skip


def test_each_endpoint_says_what_it_does_and_for_whom(document: Json) -> None:
    said = {one["operationId"]: one.get("description", "") for one in operations(document)}
    assert [name for name, words in said.items() if not words] == []
    assert [name for name, words in said.items() if re.search(r"\bRaises\b|\bNone\b|unit of work", words)] == []
    assert said["book_visit"].startswith("Book a visit.")
    assert "For: administrator, doctor, nurse, receptionist, patient (of themselves)." in said["book_visit"]
    assert all(f"`{code}`" in said["reschedule_visit"] for code in ("slot_taken", "outside_hours", "visit_too_long"))
    assert "`slot_taken`" in said["reinstate_visit"]
    assert "`illegal_transition`" in said["fulfil_visit"]  # as `arrive` does
    assert "For: administrator." in said["add_user"]
    assert "For:" not in said["login"]


def test_each_field_says_what_it_means_unless_that_is_obvious(document: Json) -> None:
    untold = {
        (name, field)
        for name, schema in document["components"]["schemas"].items()
        for field, about in schema.get("properties", {}).items()
        if "description" not in about and f"`{field}`" not in schema["description"] and field not in OBVIOUS
    }
    assert sorted(untold) == []
    assert [name for name, schema in document["components"]["schemas"].items() if not schema.get("description")] == []


def test_each_parameter_says_what_it_means(document: Json) -> None:
    untold = {
        (one["operationId"], parameter["name"])
        for one in operations(document)
        for parameter in one.get("parameters", ())
        if "description" not in parameter and parameter["in"] != "path" and parameter["name"] not in OBVIOUS
    }
    assert sorted(untold) == []


def test_the_values_of_fhir_are_explained(document: Json) -> None:
    for name in FHIR:
        schema = document["components"]["schemas"][name]
        assert [value for value in schema["enum"] if f"- `{value}`: " not in schema["description"]] == [], name


def test_the_glossary_explains_nothing_that_is_not_there(document: Json) -> None:
    fields = {field for schema in document["components"]["schemas"].values() for field in schema.get("properties", ())}
    names = {parameter["name"] for one in operations(document) for parameter in one.get("parameters", ())}
    assert sorted(GLOSSARY.keys() - fields - names) == []


def test_a_program_that_has_left_its_source_at_home_does_without_the_words_under_fields() -> None:
    module = ModuleType("clinicdesk.packed")
    source = 'from dataclasses import dataclass\n@dataclass\nclass Thing:\n    """A thing."""\n    size: int\n    """In bytes."""'
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, "<packed>", "exec"), module.__dict__)
        assert words_of(module.Thing) == {}
    finally:
        del sys.modules[module.__name__]
    assert words_of(Series)["code"] == "LOINC."


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
