"""Reads what was typed into the search as the beginning of a registration: the words as names, figures as birth date or phone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from clinicdesk.desktop.patients import words

_SHORTEST_PHONE = 7


@dataclass(frozen=True, slots=True)
class TypedPerson:
    """What is known of somebody who was searched for and not found."""

    family: str = ""
    given: str = ""
    birth_date: str = ""
    phone: str = ""


def typed_person(text: str, today: date) -> TypedPerson:
    """The last word is the family name, unless a comma says otherwise; small letters become capitals at the beginnings."""
    names: list[str] = []
    figures: list[str] = []
    for word in text.split():
        (figures if any(character.isdigit() for character in word) else names).append(word)
    number = " ".join(figures)
    is_date = words.read_birth_date(number, today) is not None
    is_phone = not is_date and sum(character.isdigit() for character in number) >= _SHORTEST_PHONE
    if any("," in name for name in names):
        family, _, given = " ".join(names).partition(",")
    else:
        family, given = (names or [""])[-1], " ".join(names[:-1])
    return TypedPerson(
        _capital(family.strip()),
        _capital(given.strip()),
        number if is_date else "",
        number if is_phone else "",
    )


def _capital(name: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in name.split()) if name == name.lower() else name
