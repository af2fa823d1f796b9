"""Decides what may stand on a patient's record; pure, without a session."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import date
from typing import Any, get_type_hints

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.patients.schemas import Demographics

EARLIEST_BIRTH = date(1850, 1, 1)
LONGEST = {
    "family": 120,
    "given": 120,
    "prefix": 20,
    "suffix": 20,
    "birth_family": 120,
    "other_names": 250,
    "pronouns": 20,
    "phone": 40,
    "mobile": 40,
    "email": 254,
    "address": 250,
    "city": 120,
    "state": 80,
    "postal_code": 20,
    "country": 60,
    "language": 40,
    "desk_notes": 4000,
}
"""Characters that each text of `Demographics` may have."""
LONGEST_NUMBER = 20
LONGEST_IDENTIFIER = 200
MOST_IDENTIFIERS = 50

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_TEXTS = tuple(name for name, kind in get_type_hints(Demographics).items() if kind is str)


def checked(demographics: Demographics, today: date) -> Demographics:
    """The demographics as they will be stored: surrounding space and control characters gone, all else as given.

    Raises InvalidInput with `field` for what cannot be right.
    """
    texts: dict[str, Any] = {name: checked_text(getattr(demographics, name), name, LONGEST[name]) for name in _TEXTS}
    if not texts["family"] and not texts["given"]:
        raise InvalidInput("name_missing", field="family")
    check_birth_date(demographics.birth_date, today)
    for name in ("phone", "mobile"):
        if texts[name] and not any(character.isdigit() for character in texts[name]):
            raise InvalidInput("phone_without_digits", field=name)
    if texts["email"] and not _EMAIL.fullmatch(texts["email"]):
        raise InvalidInput("email_not_right", field="email")
    return replace(demographics, **texts, identifiers=_checked_identifiers(demographics.identifiers))


def checked_text(text: str, field: str, longest: int, *, needed: bool = False) -> str:
    """The text without control characters and surrounding space. Raises InvalidInput too_long, or missing where `needed`."""
    kept = "".join(
        character
        for character in text.replace("\r\n", "\n")
        if character in ("\n", "\t") or unicodedata.category(character) not in ("Cc", "Cs")
    )
    kept = kept.strip() if field == "desk_notes" else " ".join(kept.split())
    if len(kept) > longest:
        raise InvalidInput("too_long", field=field, longest=longest)
    if needed and not kept:
        raise InvalidInput("missing", field=field)
    return kept


def check_birth_date(birth_date: date | None, today: date) -> None:
    """Raises InvalidInput where nobody in the clinic's care can have been born on the day."""
    if birth_date is None:
        return
    if birth_date > today:
        raise InvalidInput("birth_date_in_future", field="birth_date")
    if birth_date < EARLIEST_BIRTH:
        raise InvalidInput("birth_date_too_early", field="birth_date", earliest=EARLIEST_BIRTH)


def check_deceased_on(deceased_on: date | None, birth_date: date | None, today: date) -> None:
    """Raises InvalidInput for a death before the birth or after today."""
    if deceased_on is None:
        return
    if deceased_on > today:
        raise InvalidInput("deceased_in_future", field="deceased_on")
    if deceased_on < (birth_date or EARLIEST_BIRTH):
        raise InvalidInput("deceased_before_birth", field="deceased_on")


def _checked_identifiers(identifiers: tuple[str, ...]) -> tuple[str, ...]:
    if len(identifiers) > MOST_IDENTIFIERS:
        raise InvalidInput("too_many", field="identifiers", most=MOST_IDENTIFIERS)
    kept = (checked_text(line, "identifiers", LONGEST_IDENTIFIER) for line in identifiers)
    return tuple(dict.fromkeys(line for line in kept if line.rpartition("|")[2]))
