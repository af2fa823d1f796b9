"""What the record that stays says of the person once another was merged into it; pure, without a session."""

from __future__ import annotations

from dataclasses import fields, replace

from clinicdesk.features.patients.rules import LONGEST, MOST_IDENTIFIERS
from clinicdesk.features.patients.schemas import Demographics, Gender

_ADDRESS = ("address", "city", "state", "postal_code", "country")
_JOINED = ("other_names", "desk_notes", "identifiers")
FORMER_NUMBER = "merged"
"""The system under which the number of a record that was merged is kept, so that it is still found by it."""


def combined(kept: Demographics, taken: Demographics, number: str) -> Demographics:
    """The demographics of the one record: what stands on it stays, and what it does not say is taken from the other.

    An address is taken whole or not at all. Other names, notes and identifiers are those of both, as far as there is room.
    """
    whole = replace(kept, identifiers=_identifiers(kept, taken, number))
    told = (
        {name: getattr(taken, name) for name in _ADDRESS} if not any(getattr(kept, name) for name in _ADDRESS) else {}
    )
    for field in fields(Demographics):
        name = field.name
        if name not in (*_ADDRESS, *_JOINED, "family", "given") and _unsaid(getattr(kept, name)):
            told[name] = getattr(taken, name)
    name = f"{taken.given} {taken.family}".strip()
    if name != f"{kept.given} {kept.family}".strip():
        told["other_names"] = _joined(", ", "other_names", kept.other_names, name)
    told["other_names"] = _joined(", ", "other_names", told.get("other_names", kept.other_names), taken.other_names)
    told["desk_notes"] = _joined("\n", "desk_notes", kept.desk_notes, taken.desk_notes)
    return replace(whole, **told)


def _unsaid(value: object) -> bool:
    return not value or value is Gender.UNKNOWN


def _joined(between: str, field: str, first: str, second: str) -> str:
    """Both texts; the first alone where the second is in it already, or where there is no room for both."""
    if not second or second in first:
        return first
    both = f"{first}{between}{second}" if first else second
    return both if len(both) <= LONGEST[field] else first


def _identifiers(kept: Demographics, taken: Demographics, number: str) -> tuple[str, ...]:
    former = f"{FORMER_NUMBER}|{number}"
    return tuple(dict.fromkeys([*kept.identifiers, former, *taken.identifiers]))[:MOST_IDENTIFIERS]
