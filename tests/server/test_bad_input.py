"""Whatever is wrong with a request, the answer says what: no endpoint fails at it, and what is text stays text.

The OpenAPI document is walked, so an endpoint is covered from the moment that it is in it: each of its fields is given each
kind of value that it cannot take, and each text that somebody might hope to see executed.
"""

from __future__ import annotations

import copy
import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments.schemas import BookAppointment
from clinicdesk.features.appointments.service import book
from clinicdesk.features.chat import service as chat
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.schemas import SavePractitioner, SaveRoom, SaveSite, SetWeeklyHours, Shift
from clinicdesk.features.users.models import User
from clinicdesk.features.users.schemas import UserRow
from tests.conftest import Where
from tests.server.conftest import Knock, SignedIn
from tests.server.test_sync import SYNC, Device

Json = dict[str, Any]
Path = tuple[str | int, ...]

CALLERS = (Role.ADMINISTRATOR, Role.DOCTOR, Role.RECEPTIONIST, Role.PATIENT)
LEFT_OUT = {"logout"}
"""It would end the session that everything else is asked with."""
LAST = ("leave", "merge", "deceased", "deactivate", "active", "review")
"""Words of endpoints after which others would find less; they and whatever deletes come last."""

HUGE = b'{"x": "' + b"x" * (1024 * 1024) + b'"}'
LONG = "x" * 1_000_000

TEXTS = (
    "'; DROP TABLE patient; --",
    '<script>alert("x")</script>',
    "{{7*7}}${x}%s%n\\u0000",
    "漢字\N{RIGHT-TO-LEFT OVERRIDE}👩‍⚕️",
)  # fmt: skip
"""Where a text may be anything, it may be this, and comes back as it was sent."""
KEPT_WHERE_NEEDED = {"override_reason"}
"""Where there is no warning there is nothing to override, and no reason for it."""
UNSTORABLE = ("a\0b", "a\ud800b", LONG)
"""No text of ours is like this."""

NOT_REACHED = (422, 401, 404, 409, 412, 429)
"""A refusal of the value, or of the whole before anybody came to look at it."""

WHAT_ELSE_IS_THERE = {"not_a_colleague", "name_taken", "cursor_not_right", "link_not_right", "enrolment_code_not_right"}
"""What an example may be refused for: ids, names and seals that are those of the clinic."""

NUMBERS = (-1, 10**9, 1 << 31, 1 << 63, -(1 << 63) - 1, 10**400, 0.5, 1e300)
DATES = (
    "2026-02-30", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "2026-13-01", "", "today", "2026-11-23T25:00:00Z",
)  # fmt: skip
INSTANTS = (
    *DATES, "2026-11-23T10:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59+14:00", "9999-12-31T23:59:59-14:00",
    "2026-11-23T10:00:00+99:99", "1764000000",
)  # fmt: skip
NO_JSON = {
    "broken": b'{"a": ',
    "nothing but a word": b"hello",
    "latin-1": '{"a": "é"}'.encode("latin-1"),
    "utf-16 with its mark": '{"a": "é"}'.encode("utf-16"),
    "utf-16 without": '{"a": 1}'.encode("utf-16-le"),
    "utf-32": '{"a": 1}'.encode("utf-32-be"),
    "half a surrogate pair": b'{"a": "\xed\xa0\x80"}',
    "two values": b"{} {}",
    "a number of five thousand figures": b'{"a": ' + b"9" * 5000 + b"}",
    "nested without end": b"[" * 200_000,
}  # fmt: skip
NOT_TAKEN = (
    {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": ""},
    {"Content-Type": "multipart/form-data; boundary=x"}, {"Content-Type": "application/jsonp"},
    {"Content-Type": "application/json; charset=utf-16"}, {"Content-Type": 'application/json;Charset="iso-8859-1"'},
    {"Content-Encoding": "gzip"}, {"Content-Encoding": "br, identity"},
)  # fmt: skip
"""What a body of JSON does not say of itself."""

_SAMPLES = {"country": "DE", "zone": "Europe/Berlin", "colour": "#41679F", "password": "seven quiet boats at noon"}
_UNLIKE = {"email": "{}@home.example", "name": "Name {}", "title": "Title {}"}
"""What has to be another each time."""


@dataclass(frozen=True)
class Operation:
    """An endpoint as the document describes it."""

    id: str
    method: str
    path: str
    parameters: Sequence[Json]
    body: Json | None
    """The schema of its JSON body, with references resolved; None where it takes none."""
    examples: Sequence[Json]
    may_be_empty: bool = False
    takes_files: bool = False
    """Its body is something else than JSON, which is told from before the headers are."""

    def named(self, where: str) -> list[Json]:
        return [one for one in self.parameters if one["in"] == where]


class Document:
    """The OpenAPI document, read as a careful client would."""

    def __init__(self, document: Json) -> None:
        self._document = document

    def operations(self) -> list[Operation]:
        found = []
        for path, methods in self._document["paths"].items():
            for method, one in methods.items():
                content = one.get("requestBody", {}).get("content", {})
                kind = content.get("application/json", {})
                examples = [example["value"] for example in kind.get("examples", {}).values()]
                body = self.resolve(kind["schema"]) if "schema" in kind else None
                optional = not one.get("requestBody", {}).get("required", False)
                parameters = one.get("parameters", ())
                found.append(
                    Operation(
                        one["operationId"],
                        method.upper(),
                        path,
                        parameters,
                        body,
                        examples,
                        optional,
                        bool(content) and not kind,
                    )
                )
        found = [one for one in found if one.id not in LEFT_OUT]
        return sorted(found, key=lambda one: (any(word in one.id for word in LAST), one.method == "DELETE"))

    def reads_of(self, operation: Operation) -> list[str]:
        """Addresses at which what the operation writes may be read: its own, and below it by the id of what it made."""
        at = operation.path
        return [
            path
            for path, methods in self._document["paths"].items()
            if "get" in methods and (path == at or re.fullmatch(re.escape(at) + r"/{\w+}", path))
        ]

    def resolve(self, schema: Json) -> Json:
        """The schema itself: what a reference stands for, and of one that may be null what it may be besides."""
        while "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        for way in ("anyOf", "oneOf", "allOf"):
            others = [one for one in schema.get(way, ()) if one.get("type") != "null"]
            if len(others) == 1:
                return {**self.resolve(others[0]), "nullable": len(others) < len(schema[way])}
        return schema

    def leaves(self, schema: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
        """Every field below a schema that holds a value, with the way to it."""
        schema = self.resolve(schema)
        if path and "properties" not in schema and "items" not in schema:
            yield path, schema
        for name, field in schema.get("properties", {}).items():
            yield from self.leaves(field, (*path, name))
        if isinstance(schema.get("items"), dict):
            yield from self.leaves(schema["items"], (*path, 0))

    def objects(self, schema: Json, path: Path = ()) -> Iterator[Path]:
        """The way to every object below a schema that has fields of its own."""
        schema = self.resolve(schema)
        if path and "properties" in schema:
            yield path
        for name, field in schema.get("properties", {}).items():
            yield from self.objects(field, (*path, name))
        if isinstance(schema.get("items"), dict):
            yield from self.objects(schema["items"], (*path, 0))

    def has_field(self, schema: Json, field: str) -> bool:
        """Whether there can be such a field, given as `shifts[2].start`."""
        for name, number in re.findall(r"([^.\[\]]+)|\[(\d+)\]", field):
            schema = self.resolve(schema)
            inner = schema.get("items") if number else schema.get("properties", {}).get(name)
            if not number and inner is None:
                inner = schema.get("additionalProperties") or None
            if inner is None:
                return False
            schema = {} if inner is True else inner
        return True

    def fitting(self, schema: Json, ids: dict[str, UUID], name: str = "") -> Any:
        """Some value that fits."""
        schema = self.resolve(schema)
        if "enum" in schema:
            return schema["enum"][0]
        if "properties" in schema:
            wanted = schema.get("required", ())
            return {key: self.fitting(schema["properties"][key], ids, key) for key in wanted}
        if schema.get("format") == "uuid":
            return str(ids.get(name, new_id()))
        if name in _SAMPLES:
            return _SAMPLES[name]
        if name in _UNLIKE:
            return _UNLIKE[name].format(new_id().hex)
        if schema.get("examples"):
            return schema["examples"][0]
        kinds = {"date": "2026-11-30", "date-time": "2026-11-30T10:00:00+00:00", "time": "08:30", "duration": "PT20M"}
        if schema.get("format") in kinds:
            return kinds[schema["format"]]
        simple: dict[str, Any] = {
            "string": "Some text", "boolean": True, "object": {}, "number": schema.get("minimum", 1),
            "integer": schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1),
            "array": [self.fitting(schema.get("items", {}), ids, name.removesuffix("s"))] if schema.get("minItems") else [],
        }  # fmt: skip
        return simple.get(str(schema.get("type")))

    def body_of(self, operation: Operation, ids: dict[str, UUID]) -> Json:
        """A body that fits the operation: an example of its own, about what there is in the clinic."""
        assert operation.body is not None
        body: Json = copy.deepcopy(operation.examples[0]) if operation.examples else {}
        for name, value in (self.fitting(operation.body, ids) or {}).items():
            body.setdefault(name, value)
        for name in body:
            if name in ids and body[name] is not None:
                body[name] = str(ids[name])
            elif name.endswith("_ids") and name.removesuffix("s") in ids:
                body[name] = [str(ids[name.removesuffix("s")])]
            elif name in _UNLIKE:
                body[name] = _UNLIKE[name].format(new_id().hex)
        return body

    def with_value(self, operation: Operation, body: Json, path: Path, value: Any, ids: dict[str, UUID]) -> Json:
        """The body with another value in one place."""
        changed: Any = copy.deepcopy(body)
        here, schema = changed, operation.body or {}
        for step, following in zip(path, (*path[1:], None), strict=True):
            schema = self.resolve(schema["items"] if isinstance(step, int) else schema["properties"].get(step, {}))
            if following is None:
                made = value
            else:
                there = step in here if isinstance(step, str) else len(here) > step
                present = here[step] if there and here[step] else None
                made = present if present is not None else self.fitting(schema, ids)
            if isinstance(step, int):
                here[:] = [made]
            else:
                here[step] = made
            here = made
        whole: Json = changed
        return whole


@pytest.fixture
def settings() -> dict[str, str]:
    """Nobody is stopped for asking a lot."""
    most = "1000000"
    return {f"CLINICDESK_LIMIT_{what}": most for what in ("ANONYMOUS", "SIGN_INS", "DEVICE")}


@pytest.fixture
def ids(db: Database, operator: Actor, people: dict[Role, UserRow]) -> dict[str, UUID]:
    """What there is in the clinic, by the names that fields have for it."""
    with db.write(operator) as tx:
        site = practitioners.save_site(tx, SaveSite("Harbour Street")).id
        room = practitioners.save_room(tx, SaveRoom(site, "Room 1")).id
        doctor = practitioners.save_practitioner(tx, SavePractitioner("Lee", "Grace")).id
        shifts = tuple(Shift(day, time(8), time(18)) for day in range(7))
        practitioners.set_weekly_hours(tx, SetWeeklyHours(doctor, shifts, tx.now.date() - timedelta(days=30)))
        patient = patients.register(tx, RegisterPatient(Demographics(family="Smith", given="Jordan"))).id
        own = update(User).where(User.id == people[Role.PATIENT].id)
        tx.session.execute(own.values(patient_id=patient, email_verified_at=tx.now))
        tx.session.execute(
            update(User).where(User.id == people[Role.DOCTOR].id).values(practitioner_id=doctor, version=2)
        )
        tomorrow = tx.now.replace(hour=10, minute=0) + timedelta(days=1)
        visit = book(tx, BookAppointment(patient, doctor, tomorrow, timedelta(minutes=20))).id  # so they are in care
    somebody = people[Role.ADMINISTRATOR]
    with db.write(Actor(somebody.id, Role.ADMINISTRATOR, somebody.name)) as tx:
        group = chat.create_group(tx, "Group", [people[Role.DOCTOR].id]).id
    return {
        "site_id": site, "room_id": room, "practitioner_id": doctor, "doctor_id": doctor, "patient_id": patient,
        "appointment_id": visit, "user_id": people[Role.NURSE].id, "member_id": people[Role.DOCTOR].id, "conversation_id": group,
    }  # fmt: skip


def _desk(knock: Knock, sign_in: SignedIn) -> TestClient:
    """A desk that works by itself, and has proved who it is."""
    desk = Device(knock())
    code = sign_in(Role.ADMINISTRATOR).post(f"{SYNC}/codes", json={"name": "Desk 1", "roles": ["receptionist"]})
    assert desk.enrol(code.json()["code"]).status_code == 201
    desk.sign_in()
    return desk.client


class Asking:
    """Sends requests about an operation as somebody who may ask it, and looks at what every answer has to be like."""

    def __init__(self, server: FastAPI, knock: Knock, sign_in: SignedIn, ids: dict[str, UUID]) -> None:
        self.document = Document(server.openapi())
        self.ids = ids
        self.wrong: list[str] = []
        self.read = 0
        """How often something was read again that had been written."""
        self._anybody = knock()
        self._clients = [*map(sign_in, CALLERS), _desk(knock, sign_in)]

    def caller(self, operation: Operation) -> TestClient:
        """Whoever the operation is open to."""
        for client in self._clients:
            answer = self.send(client, operation)
            if answer.status_code not in {401, 403} or answer.json()["code"] == "own_password_wrong":
                return client
        return self._anybody

    def send(self, client: TestClient, operation: Operation, body: Any = None, **how: Any) -> Any:
        """A request that fits the operation, but for what is given; the answer, which is none of a bug."""
        path = operation.path
        for one in operation.named("path"):
            value = how.get("in_path", {}).get(one["name"], self.document.fitting(one["schema"], self.ids, one["name"]))
            path = path.replace("{" + one["name"] + "}", str(value))
        query: list[tuple[str, Any]] = how.get("query", [])
        given = {name for name, _ in query}
        query = query + [
            (one["name"], str(self.document.fitting(one["schema"], self.ids, one["name"])))
            for one in operation.named("query")
            if one.get("required") and one["name"] not in given
        ]
        headers = {"If-Match": '"1"', **how.get("headers", {})}
        content = how.get("content")
        if content is None and operation.body is not None:
            body = self.document.body_of(operation, self.ids) if body is None else body
            content = json.dumps(body).encode()
        if content is not None:
            headers.setdefault("Content-Type", "application/json")
        answer = client.request(operation.method, path, params=query, headers=headers, content=content)
        if answer.status_code == 412 and "If-Match" not in how.get("headers", {}):
            headers["If-Match"] = client.get(path).headers.get("ETag", '"1"')
            answer = client.request(operation.method, path, params=query, headers=headers, content=content)
        if answer.status_code >= 500:
            self.wrong.append(f"{operation.id}: {answer.status_code} to {_short(query, headers, content)}")
        elif answer.status_code >= 400 and answer.headers["content-type"] != "application/problem+json":
            self.wrong.append(f"{operation.id}: no problem document to {_short(query, headers, content)}")
        elif answer.status_code == 422:
            self._names_what_was_sent(answer.json(), operation)
        return answer

    def _names_what_was_sent(self, told: Json, operation: Operation) -> None:
        """The refusal of a value says where in the request it is, by the name that the document has for it."""
        for one in (told, *told.get("errors", ())):
            code, within, field = one["code"], one.get("in"), one.get("field")
            if (within == "body" and field is None) or code.startswith("no_such_"):
                continue
            if within == "body" and operation.body is not None:
                known = self.document.has_field(operation.body, field)
            else:
                known = re.sub(r"\[\d+\]$", "", field or "") in {
                    given["name"] for given in operation.named(str(within))
                }
            if not known:
                self.wrong.append(f"{operation.id}: {code} is said of {field!r} in {within!r}, which nobody sends")

    def found_nothing(self) -> None:
        """Fails with all that was found wrong, once each."""
        assert not self.wrong, "\n".join(["", *dict.fromkeys(self.wrong)])

    def refused(self, answer: Any, operation: Operation, name: str | int, value: Any, *statuses: int) -> None:
        """The answer has to be a refusal that names the field."""
        if answer.status_code not in (statuses or (422,)):
            self.wrong.append(f"{operation.id}: {answer.status_code} to {name}={value!r:.60}: {answer.text[:200]}")
        if answer.status_code == 422 and str(name) not in _named(answer):
            self.wrong.append(
                f"{operation.id}: {name}={value!r:.60} is refused for {_named(answer)}: {answer.text[:200]}"
            )

    def read_again(self, client: TestClient, operation: Operation, written: Json, name: str, text: str) -> None:
        """Where what was written can be read at an address of its own, the text is there as it was sent."""
        for read in self.document.reads_of(operation):
            names = re.findall(r"{(\w+)}", read)
            last = names[-1] if names else ""
            ids = {**{key: str(value) for key, value in self.ids.items()}, **written, last: written.get("id")}
            if any(ids.get(one) is None for one in names):
                continue
            answer = client.get(re.sub(r"{(\w+)}", lambda part: str(ids[part[1]]), read))  # noqa: B023
            if answer.status_code == 200 and answer.headers["content-type"] == "application/json":
                made = _of_id(answer.json(), written.get("id")) if operation.method == "POST" else answer.json()
                stored = _found(made, name)
                if made is None or (stored is None and _found(written, name) is None):
                    continue  # it stands on another page, or is told nowhere
                self.read += 1
                if stored != text and name not in KEPT_WHERE_NEEDED:
                    self.wrong.append(f"{operation.id}: {name}={text!r} is read as {stored!r} at {read}")

    def fits_or_is_named(self, answer: Any, client: TestClient, operation: Operation, name: str, value: Any) -> None:
        """If the value is refused at all, then by its name; unless the request would have been refused without it as well."""
        if answer.status_code == 422 and name not in _named(answer):
            without = self.send(client, operation)
            if without.status_code != 422 or _named(without) != _named(answer):
                self.refused(answer, operation, name, value)


def _named(answer: Any) -> set[str]:
    """The parts of the names of the fields that a refusal is about; `body` for the whole of it."""
    told = answer.json()
    places = [(one.get("in"), one.get("field")) for one in (told, *told.get("errors", ()))]
    names = {part for _, field in places for part in (field, *re.split(r"[.\[\]]", field or "")) if part}
    return names | ({"body"} if ("body", None) in places else set())


def _short(query: Any, headers: Any, content: bytes | None) -> str:
    return f"{query!r:.120} {headers!r:.120} {content!r:.300}"


@pytest.fixture
def asking(server: FastAPI, knock: Knock, sign_in: SignedIn, ids: dict[str, UUID]) -> Asking:
    return Asking(server, knock, sign_in, ids)


@pytest.mark.embedded
def test_a_body_that_is_no_json_is_told_so(asking: Asking) -> None:
    for operation in asking.document.operations():
        if operation.body is None:
            continue
        client = asking.caller(operation)
        for what, content in NO_JSON.items():
            asking.refused(asking.send(client, operation, content=content), operation, "body", what, 400)
        nothing = [] if operation.may_be_empty else [b"null"]
        for value in (b"[]", b"7", b'"x"', b"NaN", *nothing):
            asking.refused(asking.send(client, operation, content=value), operation, "body", value, 400, 422)
        asking.refused(asking.send(client, operation, content=HUGE), operation, "body", "huge", 413)
        for other in NOT_TAKEN:
            asking.refused(asking.send(client, operation, headers=other), operation, "body", other, 415)
        packed = gzip.compress(json.dumps(asking.document.body_of(operation, asking.ids)).encode())
        answer = asking.send(client, operation, content=packed, headers={"Content-Encoding": "gzip"})
        asking.refused(answer, operation, "body", "packed", 415)
        asking.refused(asking.send(client, operation, content=packed), operation, "body", "packed", 400)
    asking.found_nothing()


@pytest.mark.embedded
def test_a_file_that_is_packed_on_its_way_is_not_taken(asking: Asking) -> None:
    takers = [operation for operation in asking.document.operations() if operation.takes_files]
    assert len(takers) >= 3
    for operation in takers:
        content = gzip.compress(b"%PDF-1.7")
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/pdf"}
        answer = asking.send(asking.caller(operation), operation, content=content, headers=headers)
        asking.refused(answer, operation, "body", "packed", 415)
    asking.found_nothing()


@pytest.mark.embedded
def test_what_is_said_twice_is_refused_by_its_name(asking: Asking) -> None:
    for operation in asking.document.operations():
        if operation.body is None:
            continue
        client = asking.caller(operation)
        body = asking.document.body_of(operation, asking.ids)
        for path, _ in asking.document.leaves(operation.body):
            name = path[-1]
            if isinstance(name, int):
                continue
            whole = asking.document.with_value(operation, body, path, _TWICE, asking.ids)
            one, other = f'"{name}": "{_TWICE}"', json.dumps("x")
            content = json.dumps(whole).replace(one, f'"{name}": {other}, "{name}": {other}')
            answer = asking.send(client, operation, content=content.encode())
            said = answer.json() if answer.status_code == 422 else {}
            if (said.get("code"), said.get("field")) != ("said_twice", _spelt(path)):
                asking.wrong.append(f"{operation.id}: {_spelt(path)} twice: {answer.status_code} {answer.text[:200]}")
    asking.found_nothing()


_TWICE = "stands twice"


def _spelt(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


@pytest.mark.embedded
def test_a_value_of_another_type_is_refused_by_its_field(asking: Asking) -> None:
    for operation in asking.document.operations():
        if operation.body is None:
            continue
        client = asking.caller(operation)
        body = asking.document.body_of(operation, asking.ids)
        for name in asking.document.resolve(operation.body).get("required", ()):
            without = {key: value for key, value in body.items() if key != name}
            asking.refused(asking.send(client, operation, without), operation, name, "missing")
        for path in ((), *asking.document.objects(operation.body)):
            changed = asking.document.with_value(
                operation, body, (*path, "nobody_asked"), {"for": ["this"]}, asking.ids
            )
            asking.refused(asking.send(client, operation, changed), operation, "nobody_asked", path)
        for path, schema in asking.document.leaves(operation.body):
            name = next(step for step in reversed(path) if isinstance(step, str))
            for value in _of_other_types(schema):
                changed = asking.document.with_value(operation, body, path, value, asking.ids)
                asking.refused(asking.send(client, operation, changed), operation, name, value)
    asking.found_nothing()


def _of_other_types(schema: Json) -> list[Any]:
    nested: Any = "x"
    for _ in range(50):
        nested = {"x": [nested]}
    wrong: list[Any] = [nested]
    if not schema.get("nullable"):
        wrong.append(None)
    kind = schema.get("type")
    if kind == "string":
        wrong += [7, True, ["x"]]
    if "enum" in schema or schema.get("format") in {"uuid", "date", "date-time"}:
        wrong += ["nothing of the kind", "' OR 1=1", 1e300]
    if kind in {"integer", "number"}:
        wrong += ["x", [1], float("nan"), float("inf")]
    if kind == "integer":
        wrong.append(1.5)
    if kind == "boolean":
        wrong += ["x", 7, [True]]
    return wrong if kind or "enum" in schema else []


@pytest.mark.embedded
def test_days_and_instants_that_cannot_be_are_refused(asking: Asking) -> None:
    for operation in asking.document.operations():
        client = asking.caller(operation)
        for one in operation.named("query"):
            kind = asking.document.resolve(one["schema"]).get("format")
            for value in {"date": DATES, "date-time": INSTANTS}.get(str(kind), ()):
                answer = asking.send(client, operation, query=[(one["name"], value)])
                asking.refused(answer, operation, one["name"], value)
        if operation.body is None:
            continue
        body = asking.document.body_of(operation, asking.ids)
        for path, schema in asking.document.leaves(operation.body):
            name = next(step for step in reversed(path) if isinstance(step, str))
            for value in {"date": DATES, "date-time": INSTANTS}.get(str(schema.get("format")), ()):
                changed = asking.document.with_value(operation, body, path, value, asking.ids)
                asking.refused(asking.send(client, operation, changed), operation, name, value)
    asking.found_nothing()


def test_numbers_beyond_measure_are_refused(asking: Asking) -> None:
    for operation in asking.document.operations():
        if operation.body is None:
            continue
        client = asking.caller(operation)
        body = asking.document.body_of(operation, asking.ids)
        for path, schema in asking.document.leaves(operation.body):
            name = next(step for step in reversed(path) if isinstance(step, str))
            if schema.get("type") in {"integer", "number"}:
                for value in NUMBERS:
                    changed = asking.document.with_value(operation, body, path, value, asking.ids)
                    answer = asking.send(client, operation, changed)
                    asking.fits_or_is_named(answer, client, operation, name, value)
                    if abs(value) >= 1 << 63:
                        asking.refused(answer, operation, name, value, *NOT_REACHED)
    asking.found_nothing()


def test_text_stays_text_or_is_refused_by_its_field(asking: Asking, where: Where) -> None:
    texts, unstorable = (
        (TEXTS, UNSTORABLE) if where.file else (TEXTS[:1], ())
    )  # what is refused before meets no database
    for operation in asking.document.operations():
        if operation.body is None:
            continue
        client = asking.caller(operation)
        for path, schema in asking.document.leaves(operation.body):
            name = next(step for step in reversed(path) if isinstance(step, str))
            if schema.get("type") != "string":
                continue
            of_a_kind = "format" in schema or "enum" in schema
            for text in () if of_a_kind else texts:
                body = asking.document.body_of(operation, asking.ids)
                changed = asking.document.with_value(operation, body, path, text, asking.ids)
                answer = asking.send(client, operation, changed)
                asking.fits_or_is_named(answer, client, operation, name, text)
                if answer.status_code in {200, 201} and isinstance(answer.json(), dict):
                    stored = _found(answer.json(), name)
                    if stored is not None and stored != text and name not in KEPT_WHERE_NEEDED:
                        asking.wrong.append(f"{operation.id}: {name}={text!r} came back as {stored!r}")
                    asking.read_again(client, operation, answer.json(), name, text)
            for text in unstorable:
                body = asking.document.body_of(operation, asking.ids)
                changed = asking.document.with_value(operation, body, path, text, asking.ids)
                answer = asking.send(client, operation, changed)
                asking.refused(answer, operation, name, text, *(NOT_REACHED if text is LONG else ()))
    asking.found_nothing()
    assert asking.read > 20 * len(texts), "much is read again"


def _found(value: Any, name: str) -> Any:
    """The first text of this name in an answer."""
    if isinstance(value, dict):
        if isinstance(value.get(name), str):
            return value[name]
        value = list(value.values())
    if isinstance(value, list):
        return next((text for one in value if (text := _found(one, name)) is not None), None)
    return None


def _of_id(value: Any, id_: Any) -> Any:
    """The first thing in an answer that has this id."""
    if isinstance(value, dict):
        if id_ is not None and value.get("id") == id_:
            return value
        value = list(value.values())
    if isinstance(value, list):
        return next((one for inner in value if (one := _of_id(inner, id_)) is not None), None)
    return None


def test_parameters_that_cannot_be_are_refused_by_their_name(asking: Asking) -> None:
    for operation in asking.document.operations():
        client = asking.caller(operation)
        for one in operation.named("path"):
            for value in ("7", "%00", "a" * 5000, "%ff", "'%20OR%201=1", "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f607g"):
                answer = asking.send(client, operation, in_path={one["name"]: value})
                asking.refused(answer, operation, one["name"], value, 422, 404, 405)
        for one in operation.named("query"):
            _ask_about(asking, client, operation, one)
        if any(one["name"] == "If-Match" for one in operation.parameters):
            for value in ("7", '"x"', "*", '"99999999999999999999"', '"1", "2"', '"-1"'):
                answer = asking.send(client, operation, headers={"If-Match": value})
                asking.refused(answer, operation, "If-Match", value)
        if any(one["name"] == "Idempotency-Key" for one in operation.parameters) and not operation.takes_files:
            for value in ("short", "k" * 101, "with a space", "\xe9" * 10):
                answer = asking.send(client, operation, headers={"Idempotency-Key": value.encode("latin-1")})
                asking.refused(answer, operation, "Idempotency-Key", value)
    asking.found_nothing()


def _ask_about(asking: Asking, client: TestClient, operation: Operation, one: Json) -> None:
    """Give one parameter of the query every value that it cannot have, and some that it can."""
    name, schema = one["name"], asking.document.resolve(one["schema"])
    items = asking.document.resolve(schema["items"]) if "items" in schema else schema
    wrong: list[str] = []
    if "enum" in items or items.get("format") in {"uuid", "date", "date-time"}:
        wrong += ["x", "", "' OR 1=1", "\0"]
    if items.get("type") == "integer":
        wrong += ["x", "1.5", "NaN", str(10**400)]
    if items.get("type") == "boolean":
        wrong += ["x", "7"]
    if name == "limit":
        wrong += ["0", "-1", str(schema["maximum"] + 1), str(1 << 63)]
    if name == "cursor":
        wrong += ["x", "W10", "e30", "WzFd" * 300, "W251bGxd", "WzkyMjMzNzIwMzY4NTQ3NzU4MDcsIjAwIl0", "WyJcdWQ4MDAiXQ"]
    for value in wrong:
        asking.refused(asking.send(client, operation, query=[(name, value)]), operation, name, value)
    if items.get("type") == "string" and not wrong:
        for text in ("a\0b", LONG[:5000]):
            asking.refused(asking.send(client, operation, query=[(name, text)]), operation, name, text)
        for text in TEXTS:
            asking.fits_or_is_named(asking.send(client, operation, query=[(name, text)]), client, operation, name, text)
    value = str(asking.document.fitting(one["schema"], asking.ids, name))
    asking.send(client, operation, query=[(name, value), (name, value)])
    asking.send(client, operation, query=[(name, "\ufffd")])
    for other in (f"{name}[]", f"{name} ", name.upper(), "nobody_asked"):
        answer = asking.send(client, operation, query=[(name, value), (other, value)])
        asking.refused(answer, operation, other, value)


@pytest.mark.embedded
def test_an_example_is_nothing_that_would_be_refused(asking: Asking) -> None:
    for operation in asking.document.operations():
        client = asking.caller(operation)
        for example in operation.examples:
            body = {name: str(asking.ids[name]) if name in asking.ids else value for name, value in example.items()}
            answer = asking.send(client, operation, body)
            if answer.status_code in {400, 422} and answer.json()["code"] not in WHAT_ELSE_IS_THERE:
                asking.wrong.append(
                    f"{operation.id}: {answer.status_code} to its example {example}: {answer.text[:200]}"
                )
    asking.found_nothing()
