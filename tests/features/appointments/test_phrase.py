"""The command bar understands a phrase in any order, and never chokes on one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinicdesk.core.ids import new_id
from clinicdesk.features.appointments.phrase import Part, Phrase, Span, openings_asked, parse
from clinicdesk.features.appointments.schemas import FindOpenings, TypeRow
from clinicdesk.features.practitioners.schemas import PractitionerRow

TODAY = date(2026, 11, 23)  # a Monday


def practitioner(family: str, given: str) -> PractitionerRow:
    return PractitionerRow(new_id(), family, given, "Dr", "", "", None, "", 0, True, 1)


def kind(name: str, short: str) -> TypeRow:
    return TypeRow(new_id(), name, short, 20, "#41679F", "ROUTINE", 0, True, 1)


LEE, OKAFOR, HERRERA = practitioner("Lee", "Grace"), practitioner("Okafor", "Amara"), practitioner("Herrera", "Tomás")
LINDQVIST, LINDEN = practitioner("Lindqvist", "Henrik"), practitioner("Linden", "Ida")
FOLLOW_UP, NEW, BLOOD = kind("Follow-up", "fu"), kind("New patient", "np"), kind("Blood pressure", "")
PEOPLE = [LEE, OKAFOR, HERRERA, LINDQVIST, LINDEN]
TYPES = [FOLLOW_UP, NEW, BLOOD]


def read(text: str) -> Phrase:
    return parse(text, PEOPLE, TYPES, TODAY)


def test_the_phrase_of_the_desk() -> None:
    phrase = read("smith lee fu 30 tue am")
    assert phrase == Phrase(
        "smith", (LEE.id,), FOLLOW_UP.id, timedelta(minutes=30), weekdays=frozenset({1}), from_minute=0, to_minute=720
    )
    parts = (Part.PATIENT, Part.PRACTITIONER, Part.TYPE, Part.LENGTH, Part.WHEN, Part.WHEN)
    at = ((0, 5), (6, 9), (10, 12), (13, 15), (16, 19), (20, 22))
    assert phrase.spans == tuple(Span(start, end, part) for (start, end), part in zip(at, parts, strict=True))
    assert phrase.says_when


def test_any_order_means_the_same() -> None:
    words = ["smith", "lee", "fu", "45m", "12 dec", "after 3pm"]
    meant = read(" ".join(words))
    assert (meant.patient, meant.first, meant.from_minute) == ("smith", date(2026, 12, 12), 900)
    assert {read(" ".join(order)) for order in permutations(words)} == {meant}


UNITS = [
    "lee",
    "okaf",
    "fu",
    "smith",
    "30",
    "1h",
    "tue",
    "12.12.",
    "next week",
    "morning",
    "9:30",
    "after 3pm",
    "14-16",
    "6w",
]


@given(
    st.lists(st.sampled_from(UNITS), unique=True).flatmap(
        lambda words: st.tuples(st.just(words), st.permutations(words))
    )
)
def test_words_that_mean_one_thing_mean_it_anywhere(orders: tuple[list[str], list[str]]) -> None:
    dates, lengths = {"12.12.", "next week", "6w"}, {"30", "1h"}
    if any(len(said & set(orders[0])) > 1 for said in (dates, lengths)):
        return  # of two dates, or two lengths, the first counts
    one, other = (read(" ".join(order)) for order in orders)
    assert one == other


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    phrase = read(text)
    said = "".join(text[span.start : span.end] for span in phrase.spans)
    assert "".join(said.split()) == "".join(text.split())


@given(st.lists(st.from_regex(r"\A[0-9]{0,5}[:.-]?[0-9]{0,4}(am|pm|m|w|d|h|dec|th|\.)?\Z"), max_size=5))
def test_no_number_is_too_strange(words: list[str]) -> None:
    read(" ".join(["after", *words, "next"]))


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("today", TODAY, TODAY),
        ("tomorrow", date(2026, 11, 24), date(2026, 11, 24)),
        ("12 dec", date(2026, 12, 12), date(2026, 12, 12)),
        ("dec 12", date(2026, 12, 12), date(2026, 12, 12)),
        ("12dec", date(2026, 12, 12), date(2026, 12, 12)),
        ("12th december", date(2026, 12, 12), date(2026, 12, 12)),
        ("12.12.", date(2026, 12, 12), date(2026, 12, 12)),
        ("12.12.2027", date(2027, 12, 12), date(2027, 12, 12)),
        ("2026-12-12", date(2026, 12, 12), date(2026, 12, 12)),
        ("3 feb", date(2027, 2, 3), date(2027, 2, 3)),
        ("6w", date(2027, 1, 4), None),
        ("in 6 weeks", date(2027, 1, 4), None),
        ("10d", date(2026, 12, 3), None),
        ("3m", date(2027, 2, 23), None),
        ("12 months", date(2027, 11, 23), None),
        ("next week", date(2026, 11, 30), date(2026, 12, 6)),
        ("this week", TODAY, date(2026, 11, 29)),
        ("next tue", date(2026, 12, 1), date(2026, 12, 1)),
    ],
)
def test_days(text: str, first: date, last: date | None) -> None:
    phrase = read(f"smith {text}")
    assert (phrase.patient, phrase.first, phrase.last) == ("smith", first, last)


def test_a_month_on_from_its_last_day_is_a_last_day() -> None:
    assert parse("3m", [], [], date(2026, 11, 30)).first == date(2027, 2, 28)


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("am", (0, 720)),
        ("morning", (0, 720)),
        ("pm", (720, 1440)),
        ("afternoon", (720, 1080)),
        ("9:30", (570, 1440)),
        ("930", (570, 1440)),
        ("1530", (930, 1440)),
        ("3:30", (930, 1440)),
        ("3pm", (900, 1440)),
        ("3 pm", (900, 1440)),
        ("12am", (0, 1440)),
        ("12pm", (720, 1440)),
        ("after 3pm", (900, 1440)),
        ("after 3", (900, 1440)),
        ("at 9", (540, 1440)),
        ("before 11", (0, 660)),
        ("14-16", (840, 960)),
        ("9-1", (540, 780)),
        ("2:30-4pm", (870, 960)),
        ("after 9 before 11", (540, 660)),
    ],
)
def test_times_of_day(text: str, window: tuple[int, int]) -> None:
    phrase = read(f"{text} smith")
    assert (phrase.patient, phrase.from_minute, phrase.to_minute) == ("smith", *window)


@pytest.mark.parametrize(
    ("text", "minutes"), [("30", 30), ("30m", 30), ("5m", 5), ("1h", 60), ("20 min", 20), ("2 hours", 120), ("90", 90)]
)
def test_lengths(text: str, minutes: int) -> None:
    phrase = read(f"smith {text}")
    assert (phrase.patient, phrase.length) == ("smith", timedelta(minutes=minutes))


@pytest.mark.parametrize("text", ["30 feb", "2026-13-01", "99999w", "after", "25:00", "0m", "12h", "4", "next"])
def test_what_cannot_be_is_left_to_the_patient(text: str) -> None:
    phrase = read(text)
    assert phrase.first is None
    assert (phrase.from_minute, phrase.to_minute) == (0, 1440)
    assert phrase.patient


def test_names_by_their_beginning_without_accents() -> None:
    assert read("tomas").practitioner_ids == (HERRERA.id,)
    assert read("OKA").practitioner_ids == (OKAFOR.id,)
    assert read("lindq").practitioner_ids == (LINDQVIST.id,)
    assert set(read("lee okafor").practitioner_ids) == {LEE.id, OKAFOR.id}
    assert read("foll").type_id == FOLLOW_UP.id
    assert read("new patient smith") == Phrase("smith", type_id=NEW.id)


def test_a_word_that_could_be_two_things_is_the_patients() -> None:
    assert read("lind tue").patient == "lind"
    assert read("le").patient == "le"  # too short to stand for a name
    assert read("lee lee") == Phrase("lee", (LEE.id,))
    assert parse("ada", [practitioner("Ada", "")], [kind("Ada", "")], TODAY).patient == "ada"


def test_without_a_patient_it_asks_for_an_opening() -> None:
    phrase = read("lee tue")
    assert (phrase.patient, phrase.practitioner_ids, phrase.weekdays) == ("", (LEE.id,), frozenset({1}))


def test_the_search_is_of_the_clinics_days() -> None:
    zone, now = ZoneInfo("Europe/Berlin"), datetime(2026, 11, 23, 10, tzinfo=UTC)
    length = timedelta(minutes=20)
    asked = openings_asked(read("lee tomorrow pm"), zone, now, length)
    start = datetime(2026, 11, 23, 23, tzinfo=UTC)
    expected = FindOpenings(length, start, start + timedelta(days=1), (LEE.id,), from_minute=720, to_minute=1440)
    assert asked == expected
    assert openings_asked(read("today"), zone, now, length).earliest == now
    assert openings_asked(read(""), zone, now, length) == FindOpenings(length, now)
