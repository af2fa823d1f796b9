"""What the OpenAPI document says in words: of an endpoint what its verb says of itself, of a field what stands under it.

Nothing is written twice for it. A verb's docstring is bytecode and goes wherever the program goes; the words under a field are
in its source alone, so where the source is left at home (a frozen program) the document has to do without them.
"""

from __future__ import annotations

import ast
import dis
import functools
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from enum import Enum
from types import ModuleType
from typing import Any

from clinicdesk.core.errors import ClinicError, Conflict, InvalidInput, NotFound, NotPermitted, RateLimited, Unavailable
from clinicdesk.core.permissions import GRANTS, OWN, Role
from clinicdesk.core.sentences import SENTENCES
from clinicdesk.core.tx import VERBS, VerbInfo

Words = dict[str, str]

_RAISES = re.compile(r"\s*\bRaises\b.*", re.DOTALL)
_FAMILIES = (NotFound, NotPermitted, Conflict, InvalidInput, RateLimited, Unavailable)
"""Kinds of errors that say nothing closer by themselves."""
_OF_A_VERSION = "; `version` is the one that the editor saw"
_PEOPLE = (Role.ADMINISTRATOR, Role.DOCTOR, Role.NURSE, Role.RECEPTIONIST)


def of_endpoint(endpoint: Callable[..., Any]) -> str:
    """What an endpoint does, for whom, and which codes it may refuse with: in its own words, else in those of its only verb."""
    verbs = dict(_verbs_of(inspect.unwrap(endpoint)))
    own = inspect.getdoc(endpoint) or ""
    if len(verbs) != 1:
        return own
    [(name, verb)] = verbs.items()
    said = inspect.getdoc(verb) or ""
    codes = dict.fromkeys(_codes_of(verb))
    refusals = f"May be refused with {', '.join(f'`{code}`' for code in codes)}." if codes else ""
    return "\n\n".join(filter(None, (own or _for_clients(said), _whose(VERBS[name]), refusals)))


def _codes_of(verb: Callable[..., Any], seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The codes that a verb's docstring says it raises, those of kinds of errors, and those of functions that it refers to."""
    raises = "".join(_RAISES.findall(inspect.getdoc(verb) or ""))
    known = vars(sys.modules[verb.__module__])
    yield from (word for word in re.findall(r"\b[a-z_]+\b", raises) if word in SENTENCES)
    yield from (kind.code for kind in _below(*_FAMILIES) if re.search(rf"\b{kind.__name__}\b", raises))
    for name in re.findall(r"`(\w+)`", raises):
        if callable(other := known.get(name)) and name not in seen:
            yield from _codes_of(other, seen | {name})


def _below(*kinds: type[ClinicError]) -> Iterator[type[ClinicError]]:
    for kind in kinds:
        yield from kind.__subclasses__()
        yield from _below(*kind.__subclasses__())


def _for_clients(said: str) -> str:
    """The words of a verb, for those who see JSON and name versions in a header."""
    words = " ".join(_RAISES.sub("", said).split())
    return re.sub(r"(?<=[a-z;:,(\]`] )None\b|(?<=\()None\b", "null", words).replace(_OF_A_VERSION, "")


def _whose(verb: VerbInfo) -> str:
    """Who may, as far as a role decides it."""
    if verb.permission in GRANTS[Role.NOBODY]:
        return ""
    roles = [role.value for role in _PEOPLE if verb.permission in GRANTS[role]]
    if verb.permission in GRANTS[Role.PATIENT]:
        roles.append("patient")
    elif verb.of_patient and verb.permission in OWN[Role.PATIENT]:
        roles.append("patient (of themselves)")
    return f"For: {', '.join(roles)}." if roles else ""


def _verbs_of(endpoint: Callable[..., Any]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The verbs that an endpoint calls, by name: as `service.book`, by themselves, or given to whoever made the endpoint."""
    seen = inspect.getclosurevars(endpoint)
    found = [*seen.globals.values(), *seen.nonlocals.values()]
    before: Any = None
    for step in dis.get_instructions(endpoint):
        if isinstance(before, ModuleType) and step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            found.append(getattr(before, step.argval, None))
        before = seen.globals.get(step.argval) if step.opname == "LOAD_GLOBAL" else None
    for one in found:
        parts = str(getattr(one, "__module__", "")).split(".")
        name = f"{parts[2]}.{getattr(one, '__name__', '')}" if parts[:2] == ["clinicdesk", "features"] else ""
        if name in VERBS:
            yield name, one


def words_of(kind: type) -> Words:
    """What stands under each field of a dataclass, by its name, or each member of an enumeration, by its value."""
    found: Words = {}
    for one in reversed(kind.__mro__):
        if is_dataclass(one) or issubclass(one, Enum):
            found |= _words_in(one.__module__).get(one.__qualname__, {})
    return {kind[name].value: words for name, words in found.items()} if issubclass(kind, Enum) else found


@functools.cache
def _words_in(module: str) -> dict[str, Words]:
    """The words under the fields of a module's classes, by class; none where its source is not here."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, KeyError, TypeError):
        return {}
    return {one.name: dict(_words_under(one)) for one in tree.body if isinstance(one, ast.ClassDef)}


def _words_under(found: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, words in zip(found.body, found.body[1:], strict=False):
        match field, words:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, inspect.cleandoc(text)
