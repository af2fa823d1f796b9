"""Editing a part of a phrase: every choice is written in words that are read back as that choice."""

from __future__ import annotations

import pytest

from clinicdesk.desktop.command.edits import Choices, rewritten
from clinicdesk.features.appointments.phrase import Part
from tests.desktop.appointments.samples import DAY, LEE, OKAFOR, practitioner

CHOICES = Choices((LEE, OKAFOR), (), DAY)


@pytest.mark.parametrize(
    ("text", "part", "words", "result"),
    [
        ("smith lee tue", Part.PRACTITIONER, "okafor", "smith okafor tue"),
        ("smith tue", Part.PRACTITIONER, "okafor", "smith tue okafor"),
        ("tue smith am", Part.WHEN, "tomorrow", "tomorrow smith"),
        ("smith lee tue", Part.WHEN, "", "smith lee"),
        ("", Part.LENGTH, "30", "30"),
    ],
)
def test_the_words_of_a_part_are_replaced_where_they_stand(text: str, part: Part, words: str, result: str) -> None:
    assert rewritten(text, CHOICES.read(text).spans, part, words)[0] == result


def test_stepping_goes_through_the_choices_and_stops_at_the_ends() -> None:
    assert CHOICES.stepped("smith", Part.PRACTITIONER, 1) == "smith lee"
    assert CHOICES.stepped("smith lee", Part.PRACTITIONER, 1) == "smith okafor"
    assert CHOICES.stepped("smith okafor", Part.PRACTITIONER, 1) == "smith okafor"
    assert CHOICES.stepped("smith lee", Part.PRACTITIONER, -1) == "smith"


def test_of_two_with_one_family_name_the_given_name_is_written() -> None:
    other = practitioner("Bruce", "Lee")
    text = Choices((LEE, other), (), DAY).stepped("smith", Part.PRACTITIONER, 1)
    assert text == "smith grace"
