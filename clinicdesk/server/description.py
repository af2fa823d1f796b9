"""The OpenAPI document: one name for each schema, however many features use the same word, and an example of all that is JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, get_type_hints

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from clinicdesk.server import problems
from clinicdesk.server.described import Words, words_of
from clinicdesk.server.fields import kinds_in
from clinicdesk.server.glossary import GLOSSARY
from clinicdesk.server.idempotency import HEADER as IDEMPOTENCY_HEADER
from clinicdesk.server.idempotency import UNIT_HEADER
from clinicdesk.server.times import describe_clocks

Json = dict[str, Any]

REFERENCE = "#/components/schemas/"
_OF_FORMAT = {
    "uuid": "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6071", "date-time": "2026-11-24T08:00:00Z", "date": "2026-11-24",
}  # fmt: skip
_OF_TYPE = {"string": "…", "integer": 1, "number": 1.0, "boolean": False}
ETAG = {"description": "The version, for If-Match and If-None-Match.", "schema": {"type": "string"}}
UNIT = {"description": "Names what this request changed, for an undo.", "schema": {"type": "string", "format": "uuid"}}
RETRY_AFTER = {"description": "How many seconds to wait.", "schema": {"type": "integer", "minimum": 1}}

_DEEPEST = 12
"""A schema may hold itself; an example stops somewhere."""


def document_of(app: FastAPI, kinds: Iterable[type]) -> Json:
    """The OpenAPI document, with the problem document in the place of the framework's own error.

    `kinds` are the dataclasses and enumerations that bodies and answers are made of: what stands in their source is told.
    """
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes,
        separate_input_output_schemas=False,
    )  # fmt: skip
    schemas: Json = document.setdefault("components", {}).setdefault("schemas", {})
    problem = problems.Problem.model_json_schema(ref_template=REFERENCE + "{model}")
    schemas |= {**problem.pop("$defs", {}), "Problem": problem}
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    told = (kind for hint in get_type_hints(problems.Problem).values() for kind in kinds_in(hint))
    names = _name(document, schemas)
    describe_clocks(schemas)
    _describe(document, schemas, {_named(kind, names): words_of(kind) for kind in (*kinds, *told)})
    _exemplify(document, schemas)
    _tell_headers(document)
    return document


def _name(document: Json, schemas: Json) -> Words:
    """Give schemas the names that a generated client has for its classes, as titles too: some generators go by those.

    Returns the new names by the old ones.
    """
    names = {old: _short(old) for old in schemas}
    for old, new in names.items():  # what only a problem document tells has no module in front of its name
        twin = next((long for long in names if long.endswith(f"__{old}") and schemas[long] == schemas[old]), None)
        names[old] = names[twin] if twin else new
    for old, new in list(names.items()):  # a page of what two features have is numbered; it is named by what it holds
        if numbered := re.search(r"__(Page)_\w+?_+\d$", old):
            held = schemas[old]["properties"]["items"]["items"]["$ref"].removeprefix(REFERENCE)
            names[old] = new = f"{numbered[1]}Of{names[held]}"
    _refer(document, names)
    renamed = {names[old]: {**schema, "title": names[old]} for old, schema in schemas.items()}
    schemas.clear()
    schemas.update(sorted(renamed.items()))
    return names


def _named(kind: type, names: Words) -> str:
    """What the schema of a dataclass or enumeration is called: it was called by its module too, where others have its name."""
    return names.get(f"{kind.__module__}.{kind.__qualname__}".replace(".", "__"), kind.__name__)


def _describe(document: Json, schemas: Json, words: dict[str, Words]) -> None:
    """Say of fields and parameters what they are, where nothing is said yet, and of the values of an enumeration."""
    for name, schema in schemas.items():
        known = words.get(name, {})
        for field, property_ in schema.get("properties", {}).items():
            told = "" if f"`{field}`" in schema.get("description", "") else GLOSSARY.get(field, "")
            if said := known.get(field, told):
                property_.setdefault("description", said)
        if "enum" in schema and known:
            values = [f"- `{value}`: {known[value]}" for value in schema["enum"] if value in known]
            schema["description"] = "\n\n".join(filter(None, (schema.get("description"), "\n".join(values))))
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                if (name := parameter["name"]) in GLOSSARY:
                    parameter.setdefault("description", GLOSSARY[name])


def _short(name: str) -> str:
    """`MedicationsStatus` for `clinicdesk__features__medications__schemas__Status`, `PageOfUserRow` for `Page_UserRow_`."""
    if several := re.fullmatch(r"([A-Z][A-Za-z]*)_(\w+)_", name):
        return f"{several[1]}Of{several[2]}"
    module, _, last = name.rpartition("__")
    parts = [
        part for part in module.split("__") if part not in ("clinicdesk", "features", "server", "routes", "schemas")
    ]
    return "".join(word.capitalize() for part in parts for word in part.split("_")) + last


def _refer(part: Any, names: dict[str, str]) -> None:
    if isinstance(part, list):
        for inner in part:
            _refer(inner, names)
    elif isinstance(part, dict):
        reference = part.get("$ref")
        if isinstance(reference, str) and reference.startswith(REFERENCE):
            part["$ref"] = REFERENCE + names[reference.removeprefix(REFERENCE)]
        for inner in part.values():
            _refer(inner, names)


def _exemplify(document: Json, schemas: Json) -> None:
    """Put an example at each body and answer that has none, with values that the examples of requests have by that name."""
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    known: Json = {}
    for operation in operations:
        for content in operation.get("requestBody", {}).get("content", {}).values():
            _learn([example.get("value") for example in content.get("examples", {}).values()], known)
    for operation in operations:
        answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        for place in (operation.get("requestBody", {}), *answers):
            content = place.get("content", {}).get("application/json")
            if content is not None and not {"example", "examples"} & content.keys():
                content["example"] = _example(content.get("schema", {}), schemas, known, "", _DEEPEST)


def _learn(value: Any, known: Json) -> None:
    if isinstance(value, list):
        for inner in value:
            _learn(inner, known)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str | int | float):
                known.setdefault(name, inner)
            _learn(inner, known)


def _tell_headers(document: Json) -> None:
    """Say with which headers an operation answers, which its function in a generated client does not tell otherwise."""
    for methods in document["paths"].values():
        for method, operation in methods.items():
            takes = {parameter["name"] for parameter in operation.get("parameters", [])}
            for status, answer in operation["responses"].items():
                told = {"Retry-After": RETRY_AFTER} if status in ("429", "503") else {}
                if status in ("200", "201"):
                    told |= {"ETag": ETAG} if method == "get" or status == "201" or "If-Match" in takes else {}
                if status.startswith("2"):
                    told |= {UNIT_HEADER: UNIT} if IDEMPOTENCY_HEADER in takes else {}
                if told:
                    answer.setdefault("headers", {}).update(told)


def _example(schema: Json, schemas: Json, known: Json, name: str, depth: int) -> Any:
    """A value that fits the schema; None where it may be None and goes too deep."""
    if "$ref" in schema:
        return _example(schemas[schema["$ref"].removeprefix(REFERENCE)], schemas, known, name, depth - 1)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        absent = {"type": "null"} in choices and depth <= 0
        return None if absent else _example(choices[0], schemas, known, name, depth)
    for settled in ("examples", "enum"):
        if schema.get(settled):
            return schema[settled][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type", "object")
    if kind == "object":
        properties = schema.get("properties", {})
        return {inner: _example(one, schemas, known, inner, depth) for inner, one in properties.items()}
    if kind == "array":
        first = schema.get("prefixItems") or ([schema["items"]] if schema.get("items") and depth > 0 else [])
        return [_example(one, schemas, known, name, depth) for one in first]
    return _plain(schema, known, name)


def _plain(schema: Json, known: Json, name: str) -> Any:
    kind, value = schema["type"], known.get(name)
    if kind == "string":
        if of_format := _OF_FORMAT.get(schema.get("format", "")):
            return of_format
        fits = isinstance(value, str) and re.search(schema.get("pattern", ""), value)
        if fits or "pattern" not in schema:
            return value if fits else schema.get("default") or _OF_TYPE[kind]
        return "09:00"  # what a clock shows is the one form of text that is none of the formats
    if kind == "integer":
        return value if isinstance(value, int) and not isinstance(value, bool) else max(1, schema.get("minimum", 1))
    if kind == "number":
        return value if isinstance(value, int | float) and not isinstance(value, bool) else 1.0
    return None if kind == "null" else value if isinstance(value, bool) else False
