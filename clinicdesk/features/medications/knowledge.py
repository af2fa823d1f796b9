"""What the safety checks know of medicines and of those that are dangerous together, from the tables in resources/medicines.

The tables are short: they know the well-known. Whoever asks is told what they do not know.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from clinicdesk.core.paths import resource_dir
from clinicdesk.features.medications.schemas import Severity
from clinicdesk.features.patients.folding import parts

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Interaction:
    """Medicines that are dangerous together. A party is an ingredient or a family."""

    parties: tuple[str, ...]
    severity: Severity
    effect: str
    source: str


@dataclass(frozen=True, slots=True)
class Named:
    """What a text names, of what the tables know."""

    ingredients: frozenset[str] = frozenset()
    families: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.ingredients or self.families)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The tables, ready to be asked."""

    names: Mapping[Words, Named]
    """Folded words of a name, and what it stands for."""
    families: Mapping[str, frozenset[str]]
    """Each ingredient's families."""
    allergy_families: frozenset[str]
    """Families within which an allergy to one is held against all: those that have a name on allergy lists."""
    may_react_with: Mapping[str, frozenset[str]]
    interactions: tuple[Interaction, ...]
    reviewed_on: date | None

    def named_in(self, text: str) -> Named:
        """Every ingredient and family that the text names, longer names first ("penicillin v" is no bare "penicillin")."""
        words, at = parts(text), 0
        ingredients: set[str] = set()
        families: set[str] = set()
        longest = max(map(len, self.names))
        while at < len(words):
            for length in range(min(longest, len(words) - at), 0, -1):
                if found := self.names.get(tuple(words[at : at + length])):
                    ingredients |= found.ingredients
                    families |= found.families
                    at += length
                    break
            else:
                at += 1
        return Named(frozenset(ingredients), frozenset(families))

    def families_of(self, ingredients: frozenset[str]) -> frozenset[str]:
        """The families that any of the ingredients belongs to."""
        return frozenset().union(*(self.families.get(ingredient, frozenset()) for ingredient in ingredients))


@cache
def knowledge() -> Knowledge:
    """The tables that ClinicDesk is shipped with."""
    medicines, interactions = _read("medicines.toml"), _read("interactions.toml")
    ingredients: dict[Words, set[str]] = defaultdict(set)
    named_families: dict[Words, set[str]] = defaultdict(set)
    families: dict[str, set[str]] = defaultdict(set)
    for ingredient in medicines["others"]["members"]:
        ingredients[_words(ingredient)].add(ingredient)
    for family, told in medicines["families"].items():
        for name in told["names"]:
            named_families[_words(name)].add(family)
        for ingredient in told["members"]:
            ingredients[_words(ingredient)].add(ingredient)
            families[ingredient].add(family)
    for name, stands_for in medicines["names"].items():
        ingredients[_words(name)].update(stands_for)
    return Knowledge(
        names={
            words: Named(frozenset(ingredients.get(words, ())), frozenset(named_families.get(words, ())))
            for words in {*ingredients, *named_families}
        },
        families={ingredient: frozenset(of) for ingredient, of in families.items()},
        allergy_families=frozenset(family for family, told in medicines["families"].items() if told["names"]),
        may_react_with={
            family: frozenset(told.get("may_react_with", ())) for family, told in medicines["families"].items()
        },
        interactions=tuple(
            Interaction(tuple(told["parties"]), Severity(told["severity"]), told["effect"], told["source"])
            for told in interactions["interaction"]
        ),
        reviewed_on=interactions.get("reviewed"),
    )


def _words(name: str) -> Words:
    return tuple(parts(name))


def _read(file: str) -> dict[str, Any]:
    return tomllib.loads((resource_dir() / "medicines" / file).read_text(encoding="utf-8"))
