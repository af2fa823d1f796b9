"""Values are converted as they should be, refused where nobody can have them, and held against the right range."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.observations import rules
from clinicdesk.features.observations.measures import MEASURES, component, convert, in_unit, plausible, unit_of
from clinicdesk.features.observations.schemas import Interpretation, Measure, Point

M = Measure
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("measure", "value", "unit", "own"),
    [
        (M.TEMPERATURE, 98.6, "°F", 37.0),
        (M.TEMPERATURE, 104, "[degF]", 40.0),
        (M.WEIGHT, 154.3, "lb", 69.989),
        (M.WEIGHT, 3450, "g", 3.45),
        (M.HEIGHT, 70, "in", 177.8),
        (M.HEIGHT, 1.78, "m", 178.0),
        (M.GLUCOSE, 100, "mg/dL", 5.55),
        (M.GLUCOSE, 5.5, "mmol/l", 5.5),
        (M.HEART_RATE, 72, "bpm", 72),
        (M.OXYGEN_SATURATION, 97, "", 97),
    ],
)
def test_units_in_common_use_are_converted(measure: Measure, value: float, unit: str, own: float) -> None:
    measured = rules.measured(measure, value, None, unit)
    assert (measured.value, measured.given_value) == (own, value)


CONVERTIBLE = [(measure, unit) for measure, told in MEASURES.items() for unit in told.others]


@given(st.sampled_from(CONVERTIBLE), st.floats(0, 1))
def test_there_and_back_is_the_same(which: tuple[Measure, str], share: float) -> None:
    measure, unit = which
    limits, decimals = MEASURES[measure].limits, MEASURES[measure].decimals
    own = limits.least + share * (limits.most - limits.least)
    assert convert(measure, in_unit(measure, own, unit), unit) == pytest.approx(own, abs=10**-decimals)


@pytest.mark.parametrize(
    ("measure", "value", "unit", "code", "params"),
    [
        (M.HEART_RATE, 700, "", "implausible", {"least": 10, "most": 350, "unit": "/min"}),
        (M.TEMPERATURE, 98.6, "", "implausible_unit", {"unit": "Cel", "instead": "[degF]"}),
        (M.TEMPERATURE, 37, "°F", "implausible_unit", {"unit": "[degF]", "instead": "Cel"}),
        (M.TEMPERATURE, 12, "°F", "implausible", {"least": 68.0, "most": 114.8, "unit": "[degF]"}),
        (M.HEIGHT, 1.78, "", "implausible_unit", {"instead": "m"}),
        (M.GLUCOSE, 180, "", "implausible_unit", {"instead": "mg/dL"}),
        (M.OXYGEN_SATURATION, 101, "", "implausible", {}),
        (M.WEIGHT, float("nan"), "", "implausible", {}),
        (M.WEIGHT, float("inf"), "", "implausible", {}),
        (M.WEIGHT, 70, "stone", "unknown_unit", {"field": "unit"}),
        (M.BMI, 22, "", "computed", {"field": "measure"}),
    ],
)
def test_what_nobody_can_have_is_refused_with_what_would_be_right(
    measure: Measure, value: float, unit: str, code: str, params: dict[str, object]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        rules.measured(measure, value, None, unit)
    assert refused.value.reason == code
    assert refused.value.params.items() >= params.items()


@pytest.mark.parametrize(
    ("measure", "upper", "lower", "code"),
    [
        (M.BLOOD_PRESSURE, 120, None, "diastolic_missing"),
        (M.BLOOD_PRESSURE, 80, 120, "diastolic_above_systolic"),
        (M.BLOOD_PRESSURE, 120, 120, "diastolic_above_systolic"),
        (M.BLOOD_PRESSURE, 120, 5, "implausible"),
        (M.HEART_RATE, 72, 60, "one_value_only"),
    ],
)
def test_a_blood_pressure_is_a_pair_and_nothing_else_is(
    measure: Measure, upper: float, lower: float | None, code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        rules.measured(measure, upper, lower, "")
    assert (refused.value.reason, refused.value.params["field"] in ("value", "diastolic")) == (code, True)


@given(st.sampled_from([m for m in Measure if m is not M.BMI]), st.floats(allow_nan=True), st.text(max_size=8))
def test_any_number_is_taken_or_refused(measure: Measure, value: float, unit: str) -> None:
    try:
        own = plausible(measure, value, unit_of(measure, unit))
    except InvalidInput:
        return
    assert MEASURES[measure].limits.least <= own <= MEASURES[measure].limits.most


@pytest.mark.parametrize(
    ("measure", "value", "years", "interpretation"),
    [
        (M.HEART_RATE, 130, 0.5, "N"),
        (M.HEART_RATE, 130, 2, "N"),
        (M.HEART_RATE, 130, 8, "H"),
        (M.HEART_RATE, 100, 40, "N"),
        (M.HEART_RATE, 59, 40, "L"),
        (M.RESPIRATORY_RATE, 30, 0.1, "N"),
        (M.RESPIRATORY_RATE, 30, 30, "H"),
        (M.TEMPERATURE, 38.0, 5, "H"),
        (M.OXYGEN_SATURATION, 94, 70, "L"),
        (M.GLUCOSE, 3.8, 50, "L"),
        (M.GLUCOSE, 3.8, 0.01, ""),
        (M.WEIGHT, 80, 50, ""),
        (M.HEART_RATE, 130, None, ""),
        (M.BMI, 17, 12, ""),
        (M.BMI, 18.4, 18, "L"),
    ],
)
def test_the_range_is_that_of_the_age(measure: Measure, value: float, years: float | None, interpretation: str) -> None:
    described = MEASURES[measure]
    assert component(described.code, value, described.unit, years).interpretation == Interpretation(interpretation)


@pytest.mark.parametrize(
    ("born", "years"),
    [
        (date(2008, 11, 23), 18),
        (date(2008, 11, 24), 17),
        (date(2026, 11, 23), 0),
        (date(2026, 11, 24), 0),
        (None, None),
    ],
)
def test_years_are_counted_by_birthdays(born: date | None, years: float | None) -> None:
    assert rules.years_old(born, NOON) == years


def test_the_first_year_has_parts() -> None:
    assert 0.45 < (rules.years_old(date(2026, 5, 23), NOON) or 0) < 0.55
    assert (rules.years_old(date(2025, 11, 24), NOON) or 0) < 1
    assert rules.years_old(date(2025, 11, 23), NOON) == 1


def points(*values: float, hours: int = 24) -> list[Point]:
    return [
        Point(NOON + timedelta(hours=nth * hours), value, Interpretation.UNKNOWN) for nth, value in enumerate(values)
    ]


def test_the_figures_of_a_series() -> None:
    found = rules.summary(points(80, 79, 77, 76, 78, hours=12))
    assert (found.count, found.mean, found.median, found.least, found.most) == (5, 78, 78, 76, 80)
    assert (found.first, found.last, found.change) == (80, 78, -2)
    assert found.per_day == pytest.approx(-1.4)
    assert rules.series("1", "kg", []).summary is None


def test_values_of_one_instant_have_no_slope() -> None:
    assert rules.summary(points(80)).per_day is None
    assert rules.summary(points(80, 90, hours=0)).per_day is None


@given(st.floats(-5, 5), st.floats(10, 100), st.integers(2, 30))
def test_a_straight_line_has_its_own_slope(slope: float, begin: float, count: int) -> None:
    found = rules.summary(points(*(begin + slope * day for day in range(count))))
    assert found.per_day == pytest.approx(slope, abs=1e-6)
