"""What the verbs of observations take and give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from clinicdesk.core.paging import PageRequest


class Measure(StrEnum):
    """What can be measured. BMI is computed from weight and height, never entered."""

    HEART_RATE = "heart-rate"
    BLOOD_PRESSURE = "blood-pressure"
    TEMPERATURE = "temperature"
    OXYGEN_SATURATION = "oxygen-saturation"
    RESPIRATORY_RATE = "respiratory-rate"
    WEIGHT = "weight"
    HEIGHT = "height"
    BMI = "bmi"
    GLUCOSE = "glucose"


class Status(StrEnum):
    """FHIR R4 Observation status, as far as it is used here."""

    FINAL = "final"
    """As it was measured."""
    CORRECTED = "corrected"
    """It took the place of one that was wrong."""
    ENTERED_IN_ERROR = "entered-in-error"
    """It should not stand on this record, or another took its place."""


class Interpretation(StrEnum):
    """FHIR observation interpretation: how a value stands to the usual range."""

    LOW = "L"
    """Below it."""
    NORMAL = "N"
    """In it."""
    HIGH = "H"
    """Above it."""
    UNKNOWN = ""
    """No range is known for this patient."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The usual range, both ends included, and where it is from."""

    low: float
    """The least usual value."""
    high: float
    """The greatest usual value."""
    source: str
    """Where the range is from."""


@dataclass(frozen=True, slots=True)
class RecordObservation:
    """A measured value. `value` of a blood pressure is the systolic one, and `diastolic` comes with it.

    `unit` is UCUM or a common spelling (°F, lb, in, mg/dL); empty: the measure's own. `taken_at` None: now.
    """

    patient_id: UUID
    measure: Measure
    value: float
    diastolic: float | None = None
    unit: str = ""
    taken_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class CorrectObservation:
    """What should have been recorded, and why it was not. `taken_at` None: the time was right."""

    id: UUID
    version: int
    value: float
    reason: str
    diastolic: float | None = None
    unit: str = ""
    taken_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ObservationQuery:
    """Values of a patient taken in [since, until), latest first: of one measure or of all."""

    patient_id: UUID
    measure: Measure | None = None
    since: datetime | None = None
    until: datetime | None = None
    entered_in_error: bool = False
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True)
class Component:
    """One number with its meaning: a LOINC code, a UCUM unit, and how it stands to the usual range."""

    code: str
    """LOINC."""
    value: float
    unit: str
    reference: Reference | None
    interpretation: Interpretation


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """A recorded value: one component, or two of a blood pressure (systolic, diastolic)."""

    id: UUID
    patient_id: UUID
    measure: Measure
    code: str
    """LOINC."""
    components: tuple[Component, ...]
    given_value: float
    """The number as it was entered; of a blood pressure the systolic one."""
    given_unit: str
    """As it was entered, before it was converted to the measure's own unit (UCUM)."""
    status: Status
    taken_at: datetime
    recorded_at: datetime
    recorder_id: UUID | None
    """The account of whoever has noted it."""
    recorder: str
    note: str
    replaces_id: UUID | None
    wrong_reason: str
    version: int
    by_patient: bool = False
    """The patient has measured and told it."""

    @property
    def value(self) -> float:
        return self.components[0].value

    @property
    def out_of_range(self) -> bool:
        return any(part.interpretation in (Interpretation.LOW, Interpretation.HIGH) for part in self.components)


@dataclass(frozen=True, slots=True)
class BodyMass:
    """The body mass index at the time of a weight, and the two values that it was computed from."""

    component: Component
    taken_at: datetime
    weight_id: UUID
    """The measurement of the weight."""
    height_id: UUID
    """The measurement of the height."""


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest value of each measure that there is one of, in the order of `Measure`, and the body mass index."""

    rows: tuple[ObservationRow, ...]
    body_mass: BodyMass | None
    """Null where weight or height is missing."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a series."""

    taken_at: datetime
    value: float
    interpretation: Interpretation


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of a series that is not empty."""

    count: int
    """How many values."""
    mean: float
    """Their average."""
    median: float
    """The one in their middle."""
    least: float
    """The least."""
    most: float
    """The greatest."""
    first: float
    """The oldest."""
    last: float
    """The latest."""
    per_day: float | None
    """By how much the straight line through the values (least squares) rises in 24 hours; None for values of one instant."""
    out_of_range: int
    """How many lie outside of the usual range."""

    @property
    def change(self) -> float:
        return self.last - self.first


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one LOINC code over time, oldest first; `summary` is None where there are none."""

    code: str
    """LOINC."""
    unit: str
    points: tuple[Point, ...]
    """The values, the oldest first."""
    summary: Summary | None


@dataclass(frozen=True, slots=True)
class Trend:
    """One series, or two of a blood pressure."""

    measure: Measure
    series: tuple[Series, ...]
    """One, or two of a blood pressure (systolic, diastolic)."""
