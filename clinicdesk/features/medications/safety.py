"""What speaks against a medicine for one patient: their allergies, what they take already, and how far we could see. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from rapidfuzz.distance import OSA

from clinicdesk.features.medications.knowledge import Interaction, Knowledge, Named, knowledge
from clinicdesk.features.medications.schemas import Checked, Match, SafetyWarning, Severity, WarningKind
from clinicdesk.features.patients.folding import parts
from clinicdesk.features.patients.schemas import AllergyRow
from clinicdesk.features.patients.schemas import Severity as AllergySeverity

_ORDER = (Severity.CONTRAINDICATED, Severity.SERIOUS, Severity.MODERATE)
_SHORTEST_MISSPELT = 6
"""Letters; shorter words are too often one letter away from another word."""


@dataclass(frozen=True, slots=True)
class _Medicine:
    """A medicine with what the tables say of it."""

    name: str
    words: tuple[str, ...]
    ingredients: frozenset[str]
    families: frozenset[str]

    @property
    def known(self) -> bool:
        return bool(self.ingredients)

    def plays(self, party: str) -> list[str]:
        """The ingredients by which it is a party to an interaction."""
        known = knowledge()
        return sorted(i for i in self.ingredients if i == party or party in known.families_of(frozenset({i})))


def check(
    medicine: str, current: Sequence[str], allergies: Sequence[AllergyRow], allergies_checked_on: date | None
) -> Checked:
    """What speaks against the medicine for a patient who takes the `current` ones and has these allergies, worst first.

    Names alone are compared: ingredients, their families, other names that the tables have, and spellings one letter away. Form,
    dose, route and the patient's illnesses are not looked at, and what the tables do not know is named in the result.
    """
    known = knowledge()
    new = _look_up(medicine, known)
    taken = [_look_up(name, known) for name in current]
    found = [
        *(warning for allergy in allergies if (warning := _against(new, allergy, known))),
        *_interactions(new, taken, known),
        *(warning for other in taken if (warning := _duplicate(new, other))),
    ]
    return Checked(
        warnings=tuple(sorted(found, key=lambda warning: _ORDER.index(warning.severity))),
        unknown_medicines=tuple(dict.fromkeys(m.name for m in (new, *taken) if not m.known)),
        unknown_allergies=tuple(a.substance for a in allergies if not known.named_in(a.substance)),
        allergies_checked_on=allergies_checked_on,
        reviewed_on=known.reviewed_on,
    )


def _look_up(name: str, known: Knowledge) -> _Medicine:
    ingredients = known.named_in(name).ingredients
    return _Medicine(name, tuple(parts(name)), ingredients, known.families_of(ingredients))


def _against(new: _Medicine, allergy: AllergyRow, known: Knowledge) -> SafetyWarning | None:
    """The warning that an allergy is, if it concerns the medicine."""
    named = known.named_in(allergy.substance)
    words = tuple(parts(allergy.substance))
    match = _match(new, named, known)
    if match is None and not (named and new.known):
        if words and _contains(new.words, words):
            match = Match.INGREDIENT
        elif _misspelt(new, words, named, known):
            match = Match.SPELLING
    if match is None:
        return None
    severe, mild = allergy.severity is AllergySeverity.SEVERE, allergy.severity is AllergySeverity.MILD
    serious = {
        Match.INGREDIENT: True,
        Match.FAMILY: not mild,
        Match.RELATED_FAMILY: severe,
        Match.SPELLING: False,
    }[match]
    return SafetyWarning(
        WarningKind.ALLERGY,
        Severity.SERIOUS if serious else Severity.MODERATE,
        (new.name, allergy.substance),
        allergy.reaction,
        "",
        match,
    )


def _match(new: _Medicine, named: Named, known: Knowledge) -> Match | None:
    if new.ingredients & named.ingredients:
        return Match.INGREDIENT
    held_against = (named.families | known.families_of(named.ingredients)) & known.allergy_families
    if new.families & held_against:
        return Match.FAMILY
    if any(new.families & known.may_react_with[family] for family in held_against):
        return Match.RELATED_FAMILY
    return None


def _misspelt(new: _Medicine, words: tuple[str, ...], named: Named, known: Knowledge) -> bool:
    """Whether the allergy's substance, or the medicine, may be a misspelt name by which the two belong together."""
    if any(_one_letter_apart(word, other) for word in words for other in new.words):
        return True
    if named:
        return False
    likely = [known.names[name] for name in known.names for word in words if _one_letter_apart(word, " ".join(name))]
    return any(_match(new, candidate, known) for candidate in likely)


def _one_letter_apart(one: str, other: str) -> bool:
    return min(len(one), len(other)) >= _SHORTEST_MISSPELT and OSA.distance(one, other, score_cutoff=1) == 1


def _contains(words: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether the wanted words stand in the others, one after the other."""
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1))


def _duplicate(new: _Medicine, other: _Medicine) -> SafetyWarning | None:
    shared = sorted(new.ingredients & other.ingredients)
    if not shared and not (new.words and not new.known and new.words == other.words):
        return None
    return SafetyWarning(WarningKind.DUPLICATE, Severity.MODERATE, (new.name, other.name), ", ".join(shared))


def _interactions(new: _Medicine, taken: Sequence[_Medicine], known: Knowledge) -> list[SafetyWarning]:
    """One warning for each set of medicines that is dangerous together: the worst that is known of it."""
    worst: dict[frozenset[str], SafetyWarning] = {}
    for interaction in sorted(known.interactions, key=lambda entry: _ORDER.index(entry.severity)):
        for medicines in _casts(interaction, new, taken):
            warning = SafetyWarning(
                WarningKind.INTERACTION, interaction.severity, medicines, interaction.effect, interaction.source
            )
            worst.setdefault(frozenset(medicines), warning)
    return list(worst.values())


def _casts(interaction: Interaction, new: _Medicine, taken: Sequence[_Medicine]) -> Iterator[tuple[str, ...]]:
    """The ways in which the new medicine and others that are taken are the parties, the new one first."""
    for at, party in enumerate(interaction.parties):
        others = interaction.parties[:at] + interaction.parties[at + 1 :]
        for ingredient in new.plays(party):
            for rest in _fill(others, taken):
                yield (ingredient, *rest)


def _fill(parties: tuple[str, ...], taken: Sequence[_Medicine]) -> Iterator[tuple[str, ...]]:
    if not parties:
        yield ()
        return
    for at, medicine in enumerate(taken):
        for ingredient in medicine.plays(parties[0]):
            for rest in _fill(parties[1:], [*taken[:at], *taken[at + 1 :]]):
                yield (ingredient, *rest)
