"""What is typed is read as it is meant, and what is private is masked."""

from __future__ import annotations

import calendar
from datetime import date

import pytest
from pytestqt.qtbot import QtBot

from clinicdesk.desktop.patients import words
from clinicdesk.desktop.patients.birth_dates import parse_birth_date
from clinicdesk.desktop.patients.typed_person import TypedPerson, typed_person

TODAY = date(2026, 11, 23)
MONTHS = [list(calendar.month_name)[1:], ["Januar", "Februar", "März"] + ["?"] * 9]
BORN = date(1984, 3, 12)


@pytest.mark.parametrize(
    "text",
    [
        "12.3.1984", "12/03/1984", "12-3-84", "12 3 1984", "12031984", "120384", "19840312", "1984-03-12", "1984/3/12",
        "12 mar 1984", "12. März 1984", "12th March 84", "Mar 12, 1984", "march 12 84", "  12   mar   1984 ",
    ],
)  # fmt: skip
def test_a_birth_date_is_read_in_the_usual_forms(text: str) -> None:
    assert parse_birth_date(text, TODAY, MONTHS) == BORN


@pytest.mark.parametrize("text", ["", "1984", "32.1.1984", "12 foo 1984", "12.3", "31.2.2000", "soon", "²/3/1984"])
def test_what_is_no_date_is_not_guessed(text: str) -> None:
    assert parse_birth_date(text, TODAY, MONTHS) is None


def test_the_country_says_which_number_is_the_month() -> None:
    assert parse_birth_date("3/12/1984", TODAY, MONTHS, day_first=False) == BORN
    assert parse_birth_date("13/3/1984", TODAY, MONTHS, day_first=False) == date(1984, 3, 13)


def test_a_short_year_is_the_latest_that_has_been() -> None:
    assert parse_birth_date("1.1.26", TODAY, MONTHS) == date(2026, 1, 1)
    assert parse_birth_date("1.12.26", TODAY, MONTHS) == date(1926, 12, 1)
    assert parse_birth_date("29.2.00", TODAY, MONTHS) == date(2000, 2, 29)


def test_a_year_that_is_written_out_is_taken_at_its_word() -> None:
    assert parse_birth_date("1.1.2031", TODAY, MONTHS) == date(2031, 1, 1)


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("okonkwo 1990", TypedPerson("Okonkwo")),
        ("jordan smith", TypedPerson("Smith", "Jordan")),
        ("van der Berg, Anna", TypedPerson("van der Berg", "Anna")),
        ("osei 2.3.1971", TypedPerson("Osei", birth_date="2.3.1971")),
        ("osei 07700 900418", TypedPerson("Osei", phone="07700 900418")),
        ("", TypedPerson()),
    ],
)
def test_what_was_searched_for_begins_the_registration(qtbot: QtBot, text: str, person: TypedPerson) -> None:
    assert typed_person(text, TODAY) == person


def test_masks_show_the_year_and_three_figures_and_no_more(qtbot: QtBot) -> None:
    assert words.masked_birth_date(BORN).strip("\u2066\u2069") == "•• ••• 1984"
    assert words.masked_phone("07700 900072").strip("\u2066\u2069") == "•••• ••• 072"
    assert (words.masked_birth_date(None), words.masked_phone("")) == ("", "")


@pytest.mark.parametrize(
    ("born", "age"),
    [
        (date(1984, 11, 23), "42 years"), (date(1984, 11, 24), "41 years"), (date(2025, 11, 24), "11 months"),
        (date(2026, 11, 1), "22 days"), (date(2026, 11, 23), "0 days"),
    ],
)  # fmt: skip
def test_ages_are_told_as_people_tell_them(qtbot: QtBot, born: date, age: str) -> None:
    assert words.age_text(born, TODAY) == age
