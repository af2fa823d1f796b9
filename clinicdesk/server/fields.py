"""The fields of a request: an endpoint takes those that it knows and no others, and what is told of one is told by its name.

A slip of the pen is so told, not lost; and whoever is refused finds the value in what they sent, whether the framework has
refused it or a rule of the clinic, which knows nothing of bodies and queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from fastapi import params
from fastapi.dependencies.models import Dependant
from pydantic import ConfigDict

BODY, QUERY, PATH, HEADER, COOKIE = "body", "query", "path", "header", "cookie"

_VERBS_SAY = {
    "length": ("minutes", "to"), "start_minute": ("at",), "rule": ("repeat",), "earliest": ("from",), "latest": ("to",),
    "grace": ("grace_seconds",), "deceased_on": ("on",), "member_ids": ("user_ids", "user_id"), "password": ("new",),
    "cursor": ("result",),
}  # fmt: skip
"""What verbs have another word for than endpoints, which have the first of these that they take."""

_CONFIG = "__pydantic_config__"
"""Where pydantic looks for what is particular to a dataclass; the features that have them know nothing of it."""


def take_no_others(endpoint: Callable[..., Any]) -> None:
    """Have the bodies of an endpoint, and all that lies in them, refused where they have a field that their dataclass has not."""
    for name, hint in get_type_hints(endpoint, include_extras=True).items():
        if name != "return" and not any(isinstance(extra, params.Depends) for extra in get_args(hint)[1:]):
            for body in filter(is_dataclass, kinds_in(hint)):
                setattr(body, _CONFIG, ConfigDict(extra="forbid"))


def kinds_in(hint: Any) -> Iterator[type]:
    """The dataclasses and enumerations that a value of this type is made of."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if isinstance(hint, type) and issubclass(hint, Enum):
        yield hint
    elif isinstance(hint, type) and is_dataclass(hint):
        yield hint
        hints = get_type_hints(hint, include_extras=True)
        for field in fields(hint):
            yield from kinds_in(hints[field.name])
    else:
        for inner in get_args(hint):
            yield from kinds_in(inner)


def names_in_query(dependant: Dependant) -> frozenset[str]:
    """The parameters of the query that an endpoint takes, or anything that it depends on."""
    return frozenset(field.alias for within, field in _parameters(dependant) if within == QUERY)


@dataclass(frozen=True, slots=True)
class Place:
    """A field of a request: what it is called, such as `email` or `shifts[2].start`, and in what it is. The whole has no name."""

    within: str
    field: str


Places = dict[str, Place]


def spelt(steps: Iterable[str | int]) -> str:
    """A field by the way to it: `shifts[2].start`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def places_of(dependant: Dependant, body: Any) -> Places:
    """Where each field of an endpoint is, by its own name and by the one that its function has for it."""
    found = {"content": Place(BODY, "")}  # what verbs call a file, which is the whole of a body
    found |= {name: Place(BODY, path) for name, path in _in_body(body).items()}
    for within, field in _parameters(dependant):
        for name in (field.alias, field.name):
            found.setdefault(name, Place(within, field.alias))
    for said, sent in _VERBS_SAY.items():
        if said not in found and (place := next((found[one] for one in sent if one in found), None)):
            found[said] = place
    return found


def _in_body(hint: Any) -> dict[str, str]:
    """The fields in a body by name, and the way to each. Of two with one name it is the outer one; in a list, the list."""
    found: dict[str, str] = {}
    waiting: list[tuple[Any, str, bool]] = [(hint, "", False)]
    for inner, path, of_many in waiting:
        kind = get_args(inner)[0] if get_origin(inner) is Annotated else inner
        if isinstance(kind, type) and is_dataclass(kind):
            hints = get_type_hints(kind, include_extras=True)
            for field in fields(kind):
                way = path if of_many else f"{path}.{field.name}".removeprefix(".")
                found.setdefault(field.name, way)
                waiting.append((hints[field.name], way, of_many))
        else:
            many = of_many or get_origin(kind) in (list, tuple, dict)
            waiting += ((part, path, many) for part in get_args(kind))
    return found


def _parameters(dependant: Dependant) -> Iterator[tuple[str, Any]]:
    yield from ((PATH, field) for field in dependant.path_params)
    yield from ((QUERY, field) for field in dependant.query_params)
    yield from ((HEADER, field) for field in dependant.header_params)
    yield from ((COOKIE, field) for field in dependant.cookie_params)
    for inner in dependant.dependencies:
        yield from _parameters(inner)
