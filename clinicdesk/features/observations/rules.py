"""Which values may be recorded, and what follows from them: body mass, series and their figures. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import fmean, linear_regression, median

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.observations.measures import DIASTOLIC, MEASURES, SYSTOLIC, component, plausible, unit_of
from clinicdesk.features.observations.schemas import (
    BodyMass,
    Component,
    Interpretation,
    Measure,
    ObservationRow,
    Point,
    Series,
    Summary,
)

NOTE_MOST = 250
ADULT = 18
CLOCKS_DIFFER = timedelta(minutes=5)
"""How far ahead of ours the clock of a device or of another desk may be."""
HEIGHT_HOLDS = timedelta(days=31)
"""How long a child's height is used for the body mass index."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A checked measurement: in the measure's own unit, and as it was told."""

    value: float
    diastolic: float | None
    given_value: float
    given_unit: str


def measured(measure: Measure, value: float, diastolic: float | None, unit: str) -> Measured:
    """The measurement as it will be stored. Raises InvalidInput with `field`: unknown_unit, implausible, implausible_unit,
    computed (BMI), diastolic_missing, diastolic_above_systolic, one_value_only."""
    if measure is Measure.BMI:
        raise InvalidInput("computed", field="measure")
    unit = unit_of(measure, unit)
    if measure is not Measure.BLOOD_PRESSURE:
        if diastolic is not None:
            raise InvalidInput("one_value_only", field="diastolic")
        return Measured(plausible(measure, value, unit), None, value, unit)
    if diastolic is None:
        raise InvalidInput("diastolic_missing", field="diastolic")
    upper, lower = plausible(measure, value, unit), plausible(measure, diastolic, unit, "diastolic")
    if lower >= upper:
        raise InvalidInput("diastolic_above_systolic", field="diastolic")
    return Measured(upper, lower, value, unit)


def check_taken_at(taken_at: datetime, now: datetime, born: date | None) -> None:
    """Raises InvalidInput(in_the_future, before_birth); a day is allowed for the zones of birth and clinic."""
    if taken_at > now + CLOCKS_DIFFER:
        raise InvalidInput("in_the_future", field="taken_at")
    if born is not None and taken_at.astimezone(UTC).date() < born - timedelta(days=1):
        raise InvalidInput("before_birth", field="taken_at")


def years_old(born: date | None, at: datetime) -> float | None:
    """Age at an instant, in whole years, or as a part of the first one; None where the birth date is not known."""
    if born is None:
        return None
    day = at.astimezone(UTC).date()
    whole = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return float(whole) if whole > 0 else max(0, (day - born).days) / 366


def components(measure: Measure, value: float, diastolic: float | None, years: float | None) -> tuple[Component, ...]:
    """The numbers of a stored measurement with their ranges: one, or two of a blood pressure."""
    described = MEASURES[measure]
    if diastolic is None:
        return (component(described.code, value, described.unit, years),)
    return (
        component(SYSTOLIC, value, described.unit, years),
        component(DIASTOLIC, diastolic, described.unit, years),
    )


def body_masses(
    weights: Sequence[ObservationRow], heights: Sequence[ObservationRow], born: date | None
) -> list[BodyMass]:
    """The body mass index at each weight (both given oldest first), by the last height before it or, for want of one, the first.

    A child grows: under 18, or where the age is not known, only a height within a month of the weight counts.
    """
    taken = [height.taken_at for height in heights]
    found = []
    for weight in weights:
        if not heights:
            break
        height = heights[max(0, bisect_right(taken, weight.taken_at) - 1)]
        years = years_old(born, weight.taken_at)
        grown = years is not None and years >= ADULT and (years_old(born, height.taken_at) or 0) >= ADULT
        if grown or abs(weight.taken_at - height.taken_at) <= HEIGHT_HOLDS:
            described = MEASURES[Measure.BMI]
            value = round(weight.value / (height.value / 100) ** 2, described.decimals)
            part = component(described.code, value, described.unit, years)
            found.append(BodyMass(part, weight.taken_at, weight.id, height.id))
    return found


def series(code: str, unit: str, points: Sequence[Point]) -> Series:
    """The points, oldest first, with their figures."""
    return Series(code, unit, tuple(points), summary(points) if points else None)


def summary(points: Sequence[Point]) -> Summary:
    """The figures of one or more points, oldest first."""
    values = [point.value for point in points]
    days = [(point.taken_at - points[0].taken_at) / timedelta(days=1) for point in points]
    strange = (Interpretation.LOW, Interpretation.HIGH)
    return Summary(
        len(values), fmean(values), median(values), min(values), max(values), values[0], values[-1],
        linear_regression(days, values).slope if days[-1] > 0 else None,
        sum(point.interpretation in strange for point in points),
    )  # fmt: skip
