"""Which answers are kept for the next who asks, what each depends on, and for whom it is the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_ID = r"[0-9a-fA-F-]{32,36}"
_PEOPLE = ("clinic", "practitioner", "room")
_HOURS = ("absence", "clinic", "holiday", "practitioner", "weekly_hours")
_VISITS = ("appointment", "appointment_type", "patient", "practitioner", "room", "clinic")
_OPENINGS = (*_HOURS, "appointment", "appointment_type", "room")


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of answer: the tables that it is made of, or that it is of one account: the caller's, or the one in the path.

    It is kept for each role, and for a patient's account for that patient, which is all that the verbs behind it look at;
    where it depends on the time of day (`timed`), for five minutes of the clock at most. Never kept is what was read in a
    unit of work that writes: such a read is audited.
    """

    name: str
    path: re.Pattern[str]
    tables: tuple[str, ...] = ()
    account: str = ""
    timed: bool = False
    names_patients: bool = False
    """Given only to a session whose look at it stands in the audit trail."""


def _kept(path: str, tables: Iterable[str] = (), **how: object) -> Kept:
    pattern = re.compile(re.escape(path).replace(r"\{id\}", f"(?P<id>{_ID})"))
    return Kept(path, pattern, tuple(sorted(set(tables))), **how)  # type: ignore[arg-type]


KEPT = (
    _kept("/auth/me", account="own"),
    _kept("/users/{id}", account="path"),
    _kept("/appointments", _VISITS, timed=True, names_patients=True),
    _kept("/appointments/openings", _OPENINGS, timed=True),
    _kept("/appointments/types", ("appointment_type",)),
    _kept("/clinic", ("clinic",)),
    _kept("/clinic/rooms", ("room", "site")),
    _kept("/clinic/sites", ("site",)),
    _kept("/clinic/holidays", ("holiday",)),
    _kept("/doctors", _PEOPLE),
    _kept("/doctors/{id}", _PEOPLE),
    _kept("/doctors/{id}/availability", _OPENINGS, timed=True),
    _kept("/doctors/{id}/free-times", _OPENINGS, timed=True),
    _kept("/doctors/{id}/schedule", _HOURS),
    _kept("/doctors/{id}/hours", _HOURS),
    _kept("/doctors/{id}/leave", _HOURS),
)
"""A line for each. What is not here is read from the database each time."""

_BY_PATH: dict[str, tuple[Kept, str] | None] = {}
_MOST_PATHS, _LONGEST_PATH = 4_096, 120


def kept_for(path: str) -> tuple[Kept, str] | None:
    """The kind of answer that a path below the API has, with the id in it; None where it is not kept."""
    try:
        return _BY_PATH[path]
    except KeyError:
        pass
    found = None
    for kind in KEPT:
        if (match := kind.path.fullmatch(path)) is not None:
            found = (kind, match.groupdict().get("id", ""))
            break
    if len(path) <= _LONGEST_PATH:
        if len(_BY_PATH) >= _MOST_PATHS:
            _BY_PATH.clear()
        _BY_PATH[path] = found
    return found
