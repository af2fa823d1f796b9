"""The catalogue of what can be measured: codes, units and their conversion, plausible limits, reference ranges. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.observations.schemas import Component, Interpretation, Measure, Reference

SYSTOLIC, DIASTOLIC = "8480-6", "8462-4"


@dataclass(frozen=True, slots=True)
class Unit:
    """A UCUM unit of which `times` (after `minus` is taken off) makes the measure's own."""

    times: float = 1.0
    minus: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a living person can have, both ends included, in the measure's own unit."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Described:
    """What is known of a measure. `decimals` are those that a value keeps in the measure's own unit."""

    code: str
    unit: str
    decimals: int
    limits: Limits
    others: Mapping[str, Unit] = field(default_factory=dict)
    """Other units in which it can be told."""


MEASURES: Mapping[Measure, Described] = {
    Measure.HEART_RATE: Described("8867-4", "/min", 0, Limits(10, 350)),
    Measure.BLOOD_PRESSURE: Described("85354-9", "mm[Hg]", 0, Limits(20, 350)),
    Measure.TEMPERATURE: Described("8310-5", "Cel", 2, Limits(20, 46), {"[degF]": Unit(5 / 9, 32)}),
    Measure.OXYGEN_SATURATION: Described("2708-6", "%", 1, Limits(20, 100)),
    Measure.RESPIRATORY_RATE: Described("9279-1", "/min", 0, Limits(1, 150)),
    Measure.WEIGHT: Described("29463-7", "kg", 3, Limits(0.2, 650), {"[lb_av]": Unit(0.45359237), "g": Unit(0.001)}),
    Measure.HEIGHT: Described("8302-2", "cm", 2, Limits(15, 280), {"[in_i]": Unit(2.54), "m": Unit(100)}),
    Measure.BMI: Described("39156-5", "kg/m2", 1, Limits(3, 250)),
    # Blood; the molar mass of glucose is 180.156 g/mol.
    Measure.GLUCOSE: Described("15074-8", "mmol/L", 2, Limits(0.2, 110), {"mg/dL": Unit(10 / 180.156)}),
}
BY_CODE: Mapping[str, Measure] = {described.code: measure for measure, described in MEASURES.items()}

_SPELLINGS = {
    "°c": "Cel", "c": "Cel", "celsius": "Cel", "°f": "[degF]", "f": "[degF]", "fahrenheit": "[degF]", "degf": "[degF]",
    "lb": "[lb_av]", "lbs": "[lb_av]", "in": "[in_i]", "inch": "[in_i]", "inches": "[in_i]", '"': "[in_i]",
    "mmhg": "mm[Hg]", "bpm": "/min", "{beats}/min": "/min", "{breaths}/min": "/min", "mg/dl": "mg/dL", "mmol/l": "mmol/L",
}  # fmt: skip


def unit_of(measure: Measure, named: str) -> str:
    """The UCUM unit that is meant; the measure's own where nothing is named. Raises InvalidInput(unknown_unit)."""
    described, text = MEASURES[measure], named.strip()
    unit = text if text in (described.unit, *described.others) else _SPELLINGS.get(text.casefold(), text)
    unit = unit or described.unit
    if unit != described.unit and unit not in described.others:
        raise InvalidInput("unknown_unit", field="unit")
    return unit


def convert(measure: Measure, value: float, unit: str) -> float:
    """The value in the measure's own unit, rounded to what it keeps; `unit` is one of the measure's in UCUM."""
    return round(_exactly(measure, value, unit), MEASURES[measure].decimals)


def in_unit(measure: Measure, value: float, unit: str) -> float:
    """A value of the measure's own unit in another of its units, exactly."""
    other = MEASURES[measure].others.get(unit, Unit())
    return value / other.times + other.minus


def _exactly(measure: Measure, value: float, unit: str) -> float:
    other = MEASURES[measure].others.get(unit, Unit())
    return (value - other.minus) * other.times


def plausible(measure: Measure, value: float, unit: str, name: str = "value") -> float:
    """The value in the measure's own unit.

    Raises InvalidInput with `field`: implausible (with `least`, `most` and `unit`, as it was told), or implausible_unit where it
    would be right in another unit, `instead`.
    """
    limits = MEASURES[measure].limits
    if math.isfinite(value):
        told = convert(measure, value, unit)
        if limits.least <= told <= limits.most:
            return told
        for instead in (MEASURES[measure].unit, *MEASURES[measure].others):
            if instead != unit and limits.least <= _exactly(measure, value, instead) <= limits.most:
                raise InvalidInput("implausible_unit", field=name, unit=unit, instead=instead)
    raise InvalidInput(
        "implausible", field=name, unit=unit,
        least=round(in_unit(measure, limits.least, unit), 1), most=round(in_unit(measure, limits.most, unit), 1),
    )  # fmt: skip


# (from this age in years on, up to but not including, low, high). Without an entry for an age, no range is given.
_Bands = tuple[tuple[float, float, float, float], ...]
_EVER = 200.0
_CHILDREN = "American Academy of Pediatrics, Pediatric Education for Prehospital Professionals"
_REFERENCES: Mapping[str, tuple[_Bands, str, str]] = {
    # code: bands, source for adults, source for children
    "8867-4": (
        ((0, 1, 100, 160), (1, 3, 90, 150), (3, 6, 80, 140), (6, 12, 70, 120), (12, 18, 60, 100), (18, _EVER, 60, 100)),
        "American Heart Association", _CHILDREN,
    ),
    "9279-1": (
        ((0, 1, 30, 60), (1, 3, 24, 40), (3, 6, 22, 34), (6, 12, 18, 30), (12, 18, 12, 16), (18, _EVER, 12, 20)),
        "Royal College of Physicians, NEWS2", _CHILDREN,
    ),
    SYSTOLIC: (((18, _EVER, 90, 139),), "World Health Organization: hypertension from 140/90", ""),
    DIASTOLIC: (((18, _EVER, 60, 89),), "World Health Organization: hypertension from 140/90", ""),
    "8310-5": (((0, _EVER, 36.1, 37.9),), "NICE: fever from 38.0", "NICE: fever from 38.0"),
    "2708-6": (
        ((0, _EVER, 95, 100),), "World Health Organization, pulse oximetry", "World Health Organization, pulse oximetry",
    ),
    "39156-5": (((18, _EVER, 18.5, 24.9),), "World Health Organization", ""),
    "15074-8": (((1, _EVER, 3.9, 7.7),), "WHO 2006 and ADA, not fasting", "WHO 2006 and ADA, not fasting"),
}  # fmt: skip


def reference(code: str, years: float | None) -> Reference | None:
    """The usual range at an age in years; None where there is none, or the age is not known."""
    if years is None or code not in _REFERENCES:
        return None
    bands, adults, children = _REFERENCES[code]
    for since, until, low, high in bands:
        if since <= years < until:
            return Reference(low, high, adults if years >= 18 else children)
    return None


def component(code: str, value: float, unit: str, years: float | None) -> Component:
    """A number with its range and how it stands to it."""
    usual = reference(code, years)
    if usual is None:
        interpretation = Interpretation.UNKNOWN
    elif value < usual.low:
        interpretation = Interpretation.LOW
    else:
        interpretation = Interpretation.HIGH if value > usual.high else Interpretation.NORMAL
    return Component(code, value, unit, usual, interpretation)
