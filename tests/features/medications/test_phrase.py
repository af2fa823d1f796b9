"""A prescription typed in one line is read as a doctor means it; what is not understood is kept, and nothing is invented."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinicdesk.features.medications import rules
from clinicdesk.features.medications.phrase import Proposal, parse
from clinicdesk.features.medications.schemas import Dosage, Moment, PeriodUnit, Route

TODAY = date(2026, 11, 23)


def test_the_phrase_of_the_prescribing_screen() -> None:
    assert parse("ibuprofen 400 tds 7d", TODAY) == Proposal(
        "Ibuprofen", dosage=Dosage(400, "mg", 3), starts_on=TODAY, ends_on=date(2026, 11, 29), unit_assumed=True
    )
    assert parse("ibuprofen 400 tds 7d", TODAY).doses == 21


@pytest.mark.parametrize(
    ("typed", "medicine", "strength", "form", "amount", "unit"),
    [
        ("paracetamol 500mg 2 tabs qds", "Paracetamol", "500 mg", "tablet", 2, "tablet"),
        ("lisinopril 10 mg tab od", "Lisinopril", "10 mg", "tablet", 1, "tablet"),
        ("lisinopril 10mg 1 od", "Lisinopril", "10 mg", "", 1, ""),
        ("co-codamol 8/500 2 tabs qds", "Co-codamol", "8/500", "tablet", 2, "tablet"),
        ("amoxicillin 250mg/5ml 5ml tds", "Amoxicillin", "250mg/5ml", "", 5, "mL"),
        ("vitamin b12 1000mcg im monthly", "Vitamin b12", "", "", 1000, "mcg"),
        ("salbutamol 100 mcg inhaler 2 puffs prn", "Salbutamol", "100 mcg", "inhaler", 2, "puff"),
        ("levothyroxine 12,5 mcg od", "Levothyroxine", "", "", 12.5, "mcg"),
        ("atenolol 50mg half tab od", "Atenolol", "50 mg", "tablet", 0.5, "tablet"),
        ("insulin glargine 20 units nocte", "Insulin glargine", "", "", 20, "units"),
    ],
)
def test_how_much(typed: str, medicine: str, strength: str, form: str, amount: float, unit: str) -> None:
    read = parse(typed, TODAY)
    assert (read.medicine, read.strength, read.form) == (medicine, strength, form)
    assert (read.dosage.amount, read.dosage.unit, read.unit_assumed) == (amount, unit, False)


@pytest.mark.parametrize(
    ("typed", "rhythm"),
    [
        ("od", (1, 1, PeriodUnit.DAY)),
        ("twice daily", (2, 1, PeriodUnit.DAY)),
        ("four times a day", (4, 1, PeriodUnit.DAY)),
        ("5x/day", (5, 1, PeriodUnit.DAY)),
        ("q6h", (1, 6, PeriodUnit.HOUR)),
        ("8 hourly", (1, 8, PeriodUnit.HOUR)),
        ("every 12 hours", (1, 12, PeriodUnit.HOUR)),
        ("every 2 weeks", (1, 2, PeriodUnit.WEEK)),
        ("alternate days", (1, 2, PeriodUnit.DAY)),
        ("weekly", (1, 1, PeriodUnit.WEEK)),
        ("nocte", (1, 1, PeriodUnit.DAY)),
    ],
)
def test_how_often(typed: str, rhythm: tuple[int, int, PeriodUnit]) -> None:
    dosage = parse(f"something 10mg {typed}", TODAY).dosage
    assert (dosage.times, dosage.period, dosage.period_unit) == rhythm
    assert (dosage.amount, dosage.unit, dosage.instructions) == (10, "mg", "")


@pytest.mark.parametrize(
    ("typed", "times", "amount", "unit", "moment", "instructions"),
    [
        ("1-1-1", 3, 1, "", Moment.ANY, "in the morning, at noon, in the evening"),
        ("1-0-1", 2, 1, "", Moment.ANY, "in the morning, in the evening"),
        ("1-0-1-0", 2, 1, "", Moment.ANY, "in the morning, in the evening"),
        ("1–0–0", 1, 1, "", Moment.MORNING, ""),
        ("0-0-0-1", 1, 1, "", Moment.BEDTIME, ""),
        ("½-0-½", 2, 0.5, "", Moment.ANY, "in the morning, in the evening"),
        ("1/2-0-1/2", 2, 0.5, "", Moment.ANY, "in the morning, in the evening"),
        ("0,5-0-0,5", 2, 0.5, "", Moment.ANY, "in the morning, in the evening"),
        ("1½-1½-1½", 3, 1.5, "", Moment.ANY, "in the morning, at noon, in the evening"),
        ("2-0-2 tabs", 2, 2, "tablet", Moment.ANY, "in the morning, in the evening"),
        ("2-0-1", 2, None, "", Moment.ANY, "2 in the morning, 1 in the evening"),
        ("1-0-1 ac", 2, 1, "", Moment.BEFORE_MEALS, "in the morning, in the evening"),
        ("1-0-1 with water", 2, 1, "", Moment.ANY, "in the morning, in the evening, with water"),
    ],
)
def test_how_much_at_which_times_of_the_day(
    typed: str, times: int, amount: float | None, unit: str, moment: Moment, instructions: str
) -> None:
    read = parse(f"metformin 500mg {typed} 10d", TODAY)
    assert (read.medicine, read.strength, read.unit_assumed, read.ends_on) == (
        "Metformin", "500 mg", False, date(2026, 12, 2)
    )  # fmt: skip
    assert read.dosage == Dosage(amount, unit, times, moment=moment, instructions=instructions)


def test_a_scheme_of_a_day_is_of_pieces_and_never_of_milligrams() -> None:
    bare = parse("ibuprofen 400 2-0-2", TODAY)
    assert (bare.strength, bare.dosage.amount, bare.dosage.unit, bare.unit_assumed) == ("400 mg", 2, "", True)
    alone = parse("aspirin 1-0-0", TODAY)
    assert (alone.strength, alone.dosage.amount, alone.dosage.unit, alone.unit_assumed) == ("", 1, "", False)
    insulin = parse("insulin lispro 10-8-10 units", TODAY).dosage
    assert (insulin.amount, insulin.times) == (None, 3)
    assert insulin.instructions == "10 units in the morning, 8 units at noon, 10 units in the evening"


@pytest.mark.parametrize(
    "typed", ["0-0-0", "1-1", "1-1-1-1-1", "1-x-1", "100-0-0", "-1-1", "23-11-26", "1--1", "1/0-0-1"]
)
def test_what_is_no_scheme_of_a_day_stays_in_the_words(typed: str) -> None:
    assert parse(f"metformin 500mg {typed}", TODAY).dosage == Dosage(500, "mg", instructions=typed)


def test_a_scheme_of_a_day_behind_a_rhythm_stays_in_the_words() -> None:
    assert parse("metformin 500mg bd 1-0-1", TODAY).dosage == Dosage(500, "mg", 2, instructions="1-0-1")
    assert parse("metformin 500-0-500 mg", TODAY).dosage == Dosage(
        500, "mg", 2, instructions="in the morning, in the evening"
    )


@pytest.mark.parametrize(
    ("typed", "ends_on"),
    [
        ("1d", date(2026, 11, 23)),
        ("x7d", date(2026, 11, 29)),
        ("for 10 days", date(2026, 12, 2)),
        ("2w", date(2026, 12, 6)),
        ("5/7", date(2026, 11, 27)),
        ("2/52", date(2026, 12, 6)),
        ("3/12", date(2027, 2, 22)),
        ("6 months", date(2027, 5, 22)),
    ],
)
def test_how_long(typed: str, ends_on: date) -> None:
    assert parse(f"something 10mg od {typed}", TODAY).ends_on == ends_on


def test_a_month_from_its_last_day_ends_with_the_next() -> None:
    assert parse("something od 1/12", date(2027, 1, 31)).ends_on == date(2027, 2, 27)


def test_when_needed_by_which_way_and_beside_which_meal() -> None:
    read = parse("paracetamol 1g po prn max 4 with food +3 not with alcohol", TODAY)
    assert read.dosage == Dosage(
        1, "g", None, moment=Moment.WITH_MEALS, as_needed=True, most_a_day=4, route=Route.ORAL,
        instructions="not with alcohol",
    )  # fmt: skip
    assert (read.refills, read.doses) == (3, None)


def test_a_number_that_could_be_a_thousand_times_another_is_left_to_a_person() -> None:
    assert parse("heparin sc 5,000 units", TODAY).dosage.amount is None


def test_the_proposal_becomes_a_request() -> None:
    smith = UUID(int=1)
    request = parse("amoxicillin 500mg cap tds 7d r1", TODAY).request(smith)
    assert rules.checked(request, TODAY) == request
    assert (request.patient_id, request.supply_days, request.refills) == (smith, 7, 1)


WORDS = (
    "ibuprofen 400 400mg 0 00 2 tabs ½ half tab tds q6h q0h every 6 hours 0d 7d 999mo 5/7 0/12 8/500 prn max 4 99 r2 + ac po"
    " 1,000 ٣mg ² x for refills weekly , ;"
)
words = st.lists(st.sampled_from(WORDS.split(" ")))


@given(st.one_of(st.text(), words.map(" ".join)))
def test_nothing_typed_is_an_error_and_every_number_has_its_place(text: str) -> None:
    read = parse(text, TODAY)
    assert read.ends_on is None or read.ends_on >= TODAY
    assert read.dosage.times is None or read.dosage.times > 0
    assert read.dosage.period > 0
    assert read.dosage.amount is None or read.dosage.amount > 0


@given(
    st.sampled_from(["Ibuprofen", "Vitamin d", "Amoxicillin"]),
    st.integers(1, 9999),
    st.sampled_from(["mg", "g", "mcg"]),
    st.sampled_from(["od", "bd", "tds", "qds"]),
    st.integers(1, 365),
    st.permutations([0, 1, 2]),
)
def test_the_order_after_the_medicine_does_not_matter(
    medicine: str, amount: int, unit: str, often: str, days: int, order: list[int]
) -> None:
    parts = [f"{amount}{unit}", often, f"{days}d"]
    read = parse(" ".join([medicine, *(parts[at] for at in order)]), TODAY)
    assert read == parse(" ".join([medicine, *parts]), TODAY)
    assert (read.medicine, read.dosage.amount, read.dosage.unit) == (medicine, amount, unit)
    assert read.doses == days * read.dosage.times if read.dosage.times else False
