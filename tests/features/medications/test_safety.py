"""What speaks against a medicine is found by ingredient, family and other names; what the tables do not know is said."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinicdesk.features.medications.knowledge import knowledge
from clinicdesk.features.medications.safety import check
from clinicdesk.features.medications.schemas import Checked, Match, Severity, WarningKind
from clinicdesk.features.patients.schemas import AllergyRow
from clinicdesk.features.patients.schemas import Severity as Felt

INGREDIENTS = sorted({name for named in knowledge().names.values() for name in named.ingredients})


def allergies(*substances: str, severity: Felt = Felt.UNKNOWN) -> list[AllergyRow]:
    return [AllergyRow(UUID(int=nth), substance, "rash", severity) for nth, substance in enumerate(substances)]


def against(medicine: str, substance: str, severity: Felt = Felt.UNKNOWN) -> tuple[Match | None, Severity] | None:
    found = check(medicine, (), allergies(substance, severity=severity), None).warnings
    return (found[0].match, found[0].severity) if found else None


def together(medicine: str, *current: str) -> list[tuple[Severity, tuple[str, ...]]]:
    found = check(medicine, current, (), None).warnings
    return [(warning.severity, warning.medicines) for warning in found if warning.kind is WarningKind.INTERACTION]


@pytest.mark.parametrize(
    ("medicine", "substance", "match", "severity"),
    [
        ("Amoxicillin 500 mg capsule", "amoxicillin", Match.INGREDIENT, Severity.SERIOUS),
        ("Panadol", "Acetaminophen", Match.INGREDIENT, Severity.SERIOUS),
        ("Bactrim", "Trimethoprim", Match.INGREDIENT, Severity.SERIOUS),
        ("Amoxicillin", "Penicillin", Match.FAMILY, Severity.SERIOUS),
        ("Flucloxacillin", "Penicillin V (phenoxymethylpenicillin)", Match.FAMILY, Severity.SERIOUS),
        ("Co-amoxiclav", "PENICILLINS", Match.FAMILY, Severity.SERIOUS),
        ("Cefalexin", "Penicillin", Match.RELATED_FAMILY, Severity.MODERATE),
        ("Naproxen", "Aspirin", Match.FAMILY, Severity.SERIOUS),
        ("Amoxicillin", "Amoxicilin", Match.SPELLING, Severity.MODERATE),
        ("Amoxicillin", "Penicilin", Match.SPELLING, Severity.MODERATE),
        ("Amoxicilin", "amoxicillin", Match.SPELLING, Severity.MODERATE),
        ("Obscuromab 5 mg", "obscuromab", Match.INGREDIENT, Severity.SERIOUS),
    ],
)
def test_an_allergy_is_found(medicine: str, substance: str, match: Match, severity: Severity) -> None:
    assert against(medicine, substance) == (match, severity)


@pytest.mark.parametrize(
    ("medicine", "substance"),
    [
        ("Paracetamol", "Penicillin"),
        ("Digoxin", "Latex"),
        ("Itraconazole", "Clarithromycin"),  # one family of interactions, none of allergies
        ("Obscuromab", "Pollen"),
        ("Paracetamol", ""),
    ],
)
def test_what_has_nothing_to_do_with_an_allergy_is_not_warned_of(medicine: str, substance: str) -> None:
    assert against(medicine, substance) is None


def test_how_bad_the_reaction_was_weighs() -> None:
    assert against("Cefalexin", "Penicillin", Felt.SEVERE) == (Match.RELATED_FAMILY, Severity.SERIOUS)
    assert against("Morphine", "Codeine", Felt.MILD) == (Match.FAMILY, Severity.MODERATE)
    assert against("Codeine", "Codeine", Felt.MILD) == (Match.INGREDIENT, Severity.SERIOUS)


def test_pairs_are_found_both_ways_and_by_product() -> None:
    assert together("Ibuprofen 400", "Warfarin 3 mg") == [(Severity.SERIOUS, ("ibuprofen", "warfarin"))]
    assert together("Coumadin", "Advil") == [(Severity.SERIOUS, ("warfarin", "ibuprofen"))]
    assert together("Viagra", "GTN spray") == [(Severity.CONTRAINDICATED, ("sildenafil", "glyceryl trinitrate"))]
    assert together("Paracetamol", "Warfarin") == []


def test_three_together_weigh_more_than_two_of_them() -> None:
    assert together("Ibuprofen", "Lisinopril", "Indapamide") == [
        (Severity.SERIOUS, ("ibuprofen", "lisinopril", "indapamide")),
        (Severity.MODERATE, ("ibuprofen", "lisinopril")),
    ]


def test_one_pair_is_told_once_by_the_worst_that_is_known() -> None:
    assert together("Aspirin", "Warfarin") == [(Severity.SERIOUS, ("aspirin", "warfarin"))]


def test_the_same_ingredient_twice_is_a_duplicate() -> None:
    (warning,) = check("Nurofen", ["Ibuprofen 400 mg"], (), None).warnings
    assert (warning.kind, warning.serious) == (WarningKind.DUPLICATE, False)


def test_how_far_it_could_see_is_said() -> None:
    found = check("Obscuromab", ["Warfarin", "Herbal tea"], allergies("Latex", "Penicillin"), date(2026, 10, 26))
    assert found == Checked((), ("Obscuromab", "Herbal tea"), ("Latex",), date(2026, 10, 26), knowledge().reviewed_on)


def test_the_tables_hold_together() -> None:
    known = knowledge()
    parties = {party for interaction in known.interactions for party in interaction.parties}
    families = set(known.may_react_with)
    assert parties - families - set(INGREDIENTS) == set()
    assert families & set(INGREDIENTS) == set(), "a party could be either"
    assert {other for others in known.may_react_with.values() for other in others} <= families
    assert all(i.effect and i.source and 2 <= len(i.parties) <= 3 for i in known.interactions)
    assert len({frozenset(i.parties) for i in known.interactions}) == len(known.interactions)
    for ingredient in INGREDIENTS:
        assert ingredient in known.named_in(ingredient).ingredients


@given(st.sampled_from(INGREDIENTS), st.sampled_from(INGREDIENTS))
def test_who_comes_first_makes_no_difference(one: str, other: str) -> None:
    def found(new: str, current: str) -> set[tuple[Severity, frozenset[str]]]:
        return {(severity, frozenset(medicines)) for severity, medicines in together(new, current)}

    assert found(one, other) == found(other, one)


@given(st.text(), st.text(), st.text())
def test_no_text_is_an_error(medicine: str, current: str, substance: str) -> None:
    check(medicine, [current], allergies(substance), None)


@pytest.mark.shared_data
def test_the_pairs_of_the_public_examples_are_known(shared_data: Path) -> None:
    """Those that the examples of HL7's guide are about: warfarin with NSAIDs, and digoxin with ciclosporin."""
    told = " ".join(file.read_text().casefold() for file in (shared_data / "ddi_hl7_pddi_cds" / "examples").iterdir())
    assert "warfarin" in told
    assert "digoxin" in told
    named = [
        name for name in ("naproxen", "ketorolac", "diclofenac", "ibuprofen", "celecoxib", "meloxicam") if name in told
    ]
    assert named
    assert all(together(name, "warfarin") for name in named)
    assert together("cyclosporine", "digoxin")
