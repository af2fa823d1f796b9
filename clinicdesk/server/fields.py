"""The fields of a request: an endpoint takes those that it knows and no others, so that a slip of the pen is told, not lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from fastapi import params
from fastapi.dependencies.models import Dependant
from pydantic import ConfigDict

_CONFIG = "__pydantic_config__"
"""Where pydantic looks for what is particular to a dataclass; the features that have them know nothing of it."""


def take_no_others(endpoint: Callable[..., Any]) -> None:
    """Have the bodies of an endpoint, and all that lies in them, refused where they have a field that their dataclass has not."""
    for name, hint in get_type_hints(endpoint, include_extras=True).items():
        if name != "return" and not any(isinstance(extra, params.Depends) for extra in get_args(hint)[1:]):
            for body in dataclasses_in(hint):
                setattr(body, _CONFIG, ConfigDict(extra="forbid"))


def dataclasses_in(hint: Any) -> Iterator[type]:
    """The dataclasses that a value of this type is made of."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
        hints = get_type_hints(hint, include_extras=True)
        for field in fields(hint):
            yield from dataclasses_in(hints[field.name])
    else:
        for inner in get_args(hint):
            yield from dataclasses_in(inner)


def parameters_of(dependant: Dependant) -> frozenset[str]:
    """The names of the parameters of the query that an endpoint, or anything that it depends on, takes."""
    own = {field.alias for field in dependant.query_params}
    return frozenset(own.union(*(parameters_of(inner) for inner in dependant.dependencies)))
