"""Reads FHIR R4 resources: pure, from parsed JSON to frozen records, and what cannot be read is named, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.interop.fhir_people import (
    allergy_record,
    organization_record,
    patient_record,
    practitioner_record,
)
from clinicdesk.features.interop.fhir_records import Record
from clinicdesk.features.interop.fhir_visits import appointment_record, encounter_record
from clinicdesk.features.interop.shapes import Json, identifiers, objects, one, text

_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource of a document: where it stands there, the address it goes by in its bundle, and itself."""

    position: str
    full_url: str
    resource: Json


@dataclass(frozen=True, slots=True)
class Parsed:
    """A record, the kind and id that it has at its source, and every reference by which others may mean it."""

    kind: str
    source_id: str
    names: tuple[str, ...]
    record: Record


def entries(document: object) -> Iterator[Entry]:
    """Every resource of a document: a single one, or those of a bundle and of the bundles in it.

    Raises InvalidInput("not_fhir") where the document is no resource, "malformed" where a bundle is not built like one.
    """
    if not isinstance(document, dict) or not isinstance(document.get("resourceType"), str):
        raise InvalidInput("not_fhir")
    yield from _walk(document, "", "", 0)


def _walk(resource: Json, full_url: str, position: str, depth: int) -> Iterator[Entry]:
    if resource["resourceType"] != "Bundle":
        yield Entry(position, full_url, resource)
        return
    if depth > _DEEPEST:
        raise InvalidInput("malformed", field="entry")
    for number, entry in enumerate(objects(resource, "entry")):
        here = f"{position}.entry[{number}]".lstrip(".")
        inner = entry.get("resource")
        if inner is None or text(one(entry, "request"), "method") == "DELETE":
            continue
        if not isinstance(inner, dict) or not isinstance(inner.get("resourceType"), str):
            raise InvalidInput("not_fhir", position=here)
        yield from _walk(inner, text(entry, "fullUrl"), here, depth + 1)


_READERS: dict[str, Callable[[Json, ZoneInfo], Record | None]] = {
    "Organization": organization_record,
    "Practitioner": practitioner_record,
    "Patient": patient_record,
    "AllergyIntolerance": allergy_record,
    "Appointment": appointment_record,
    "Encounter": encounter_record,
}
KINDS = tuple(_READERS)
"""The kinds of resource that are taken, in an order in which each can refer to those before it."""


def parse(entry: Entry, zone: ZoneInfo) -> Parsed | None:
    """The record in a resource; None for a resource of a kind, or in a state, that the clinic does not take.

    `zone` is where days without a time begin. Raises InvalidInput for a resource that should be taken and cannot be.
    """
    read = _READERS.get(entry.resource["resourceType"])
    if read is None:
        return None
    record = read(entry.resource, zone)
    return None if record is None else named(entry, record)


def named(entry: Entry, record: Record) -> Parsed:
    """The record with its source id (its own id, else its address or first identifier) and the references to it."""
    resource = entry.resource
    kind, own_id = resource["resourceType"], text(resource, "id")
    numbers = identifiers(resource)
    source_id = own_id or entry.full_url or next(iter(numbers), "")
    if not source_id:
        raise InvalidInput("no_id", field="id")
    names = [f"{kind}?identifier={number}" for number in numbers]
    if entry.full_url:
        names.append(entry.full_url)
    if own_id:
        names.append(f"{kind}/{own_id}")
    return Parsed(kind, source_id, tuple(names), record)
