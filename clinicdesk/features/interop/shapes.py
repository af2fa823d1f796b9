"""Reads the shapes that FHIR builds its JSON of: what is there must be as FHIR has it, what is not there is empty."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from clinicdesk.core.errors import InvalidInput

Json = Mapping[str, Any]


def objects(parent: Json, field: str) -> list[Json]:
    """The objects of a list. Raises InvalidInput("malformed"), as all below do."""
    value = parent.get(field)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InvalidInput("malformed", field=field)
    return value


def one(parent: Json, field: str) -> Json:
    """One object."""
    value = parent.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput("malformed", field=field)
    return value


def text(parent: Json, field: str) -> str:
    """A string, tidied of white space."""
    value = parent.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput("malformed", field=field)
    return _tidy(value, field)


def texts(parent: Json, field: str) -> list[str]:
    """A list of strings, tidied; gaps (FHIR keeps null beside an extension) are left out."""
    value = parent.get(field)
    if value is None:
        return []
    if not isinstance(value, list) or not all(item is None or isinstance(item, str) for item in value):
        raise InvalidInput("malformed", field=field)
    return [_tidy(item, field) for item in value if item]


def _tidy(said: str, field: str) -> str:
    """The string with single spaces. JSON can hold halves of a character, which nothing can store."""
    if any("\ud800" <= character <= "\udfff" for character in said):
        raise InvalidInput("malformed", field=field)
    return " ".join(said.split())


def flag(parent: Json, field: str) -> bool | None:
    """True, False, or None where nothing is said."""
    value = parent.get(field)
    if value is not None and not isinstance(value, bool):
        raise InvalidInput("malformed", field=field)
    return value


def words(concept: Json) -> str:
    """A CodeableConcept in words; its code where there are none."""
    coding = objects(concept, "coding")
    said = [
        text(concept, "text"),
        *(text(code, "display") for code in coding),
        *(text(code, "code") for code in coding),
    ]
    return next(filter(None, said), "")


def codes(concept: Json) -> set[str]:
    """The codes of a CodeableConcept, of whatever system."""
    return {text(code, "code") for code in objects(concept, "coding")}


def first_words(resource: Json, *fields: str) -> str:
    """The first CodeableConcept with words among the lists of these fields."""
    return next(filter(None, (words(c) for field in fields for c in objects(resource, field))), "")


def identifiers(resource: Json) -> tuple[str, ...]:
    """`system|value` of each identifier that has both parts, without repeats."""
    if isinstance(resource.get("identifier"), dict):
        return ()  # a few kinds of resource have one only; we take none of those
    pairs = ((text(item, "system"), text(item, "value")) for item in objects(resource, "identifier"))
    return tuple(dict.fromkeys(f"{system}|{value}" for system, value in pairs if value))


def day(said: str, field: str) -> date:
    """A whole date. Raises InvalidInput("bad_date")."""
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise InvalidInput("bad_date", field=field) from None


def instant(said: str, field: str, zone: ZoneInfo, *, end: bool = False) -> datetime:
    """An instant; of a mere day its beginning, or (FHIR's periods include their last day) its end.

    Raises InvalidInput("bad_date", "no_time_zone").
    """
    try:
        if "T" not in said:
            first = day(said, field) + timedelta(days=1 if end else 0)
            return datetime.combine(first, time(0), zone).astimezone(UTC)
        stated = datetime.fromisoformat(said)
        if stated.tzinfo is None:
            raise InvalidInput("no_time_zone", field=field)
        return stated.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput("bad_date", field=field) from None


def tail(reference: str) -> str:
    """What a reference comes down to without server and version: Kind/id, Kind?identifier=…, or the id of a urn:uuid."""
    bare = reference.partition("/_history/")[0]
    if "?" in bare:
        path, _, query = bare.partition("?")
        return f"{path.rpartition('/')[2]}?{query}"
    if bare.startswith("urn:"):
        return bare.rpartition(":")[2]
    return "/".join(bare.split("/")[-2:])


def cut(said: str, length: int) -> str:
    """The words, and where they are longer than that, how they begin."""
    return said if len(said) <= length else said[: length - 1] + "…"
