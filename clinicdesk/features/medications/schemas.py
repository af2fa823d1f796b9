"""What the verbs of medications take and give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID

from clinicdesk.core.errors import Conflict


class Status(StrEnum):
    """FHIR R4 MedicationRequest status."""

    ACTIVE = "active"
    """It is to be taken."""
    ON_HOLD = "on-hold"
    """Paused, to go on later."""
    CANCELLED = "cancelled"
    """Withdrawn before anything was handed out."""
    COMPLETED = "completed"
    """Taken to its end, or renewed by another."""
    ENTERED_IN_ERROR = "entered-in-error"
    """It should never have stood on this record."""
    STOPPED = "stopped"
    """Ended before its time."""
    DRAFT = "draft"
    """It waits to be signed."""
    UNKNOWN = "unknown"
    """What became of it is not known."""


class Route(StrEnum):
    """How a medicine gets into the body."""

    ORAL = "oral"
    SUBLINGUAL = "sublingual"
    BUCCAL = "buccal"
    INHALED = "inhaled"
    NASAL = "nasal"
    TOPICAL = "topical"
    TRANSDERMAL = "transdermal"
    EYE = "eye"
    EAR = "ear"
    RECTAL = "rectal"
    VAGINAL = "vaginal"
    SUBCUTANEOUS = "subcutaneous"
    INTRAMUSCULAR = "intramuscular"
    INTRAVENOUS = "intravenous"
    UNSAID = ""
    """Nobody has said."""


class PeriodUnit(StrEnum):
    """FHIR Timing.repeat.periodUnit, as far as prescriptions use it."""

    HOUR = "h"
    """Hours."""
    DAY = "d"
    """Days."""
    WEEK = "wk"
    """Weeks."""
    MONTH = "mo"
    """Months."""


class Moment(StrEnum):
    """FHIR event-timing: at which point of the day, or beside which meal."""

    MORNING = "MORN"
    """In the morning."""
    NOON = "NOON"
    """At noon."""
    EVENING = "EVE"
    """In the evening."""
    BEDTIME = "HS"
    """Before sleep."""
    BEFORE_MEALS = "AC"
    """Before meals."""
    WITH_MEALS = "C"
    """With meals."""
    AFTER_MEALS = "PC"
    """After meals."""
    ANY = ""
    """Whenever."""


class Severity(StrEnum):
    """How much a warning weighs."""

    CONTRAINDICATED = "contraindicated"
    """It must not be; a reason is needed to override it."""
    SERIOUS = "serious"
    """It can do harm; a reason is needed to override it."""
    MODERATE = "moderate"
    """To be minded."""


class WarningKind(StrEnum):
    """What a warning is about: an allergy, another medicine, or the same medicine twice."""

    ALLERGY = "allergy"
    INTERACTION = "interaction"
    DUPLICATE = "duplicate"


class Match(StrEnum):
    """How an allergy was found to concern a medicine, surest first."""

    INGREDIENT = "ingredient"
    """The same name, or another name of the same ingredient."""
    FAMILY = "family"
    """A member of the family that the allergy names, or of the same family as its substance."""
    RELATED_FAMILY = "related-family"
    """A member of a family that may react with the allergy's."""
    SPELLING = "spelling"
    """A name that is one letter away: perhaps a typing error."""


class SeriousWarning(Conflict):
    """A prescription with a serious warning needs a reason; `warnings` (of `SafetyWarning`) says which they are."""

    code = "serious_warning"


@dataclass(frozen=True, slots=True)
class Dosage:
    """How much, how often, how. `times` doses in each `period` units of time: three a day is 3 in 1 d, every 6 h is 1 in 6 h.

    `times` None: no rhythm was said (a dose when needed, or as told in `instructions`).
    """

    amount: float | None = None
    unit: str = ""
    """Of the amount: mg, mL, tablet, puff."""
    times: int | None = None
    period: int = 1
    period_unit: PeriodUnit = PeriodUnit.DAY
    """Hours, days, weeks or months."""
    moment: Moment = Moment.ANY
    as_needed: bool = False
    most_a_day: int | None = None
    """Doses that must not be exceeded in a day, for what is taken when needed."""
    route: Route = Route.UNSAID
    instructions: str = ""

    @property
    def doses_a_day(self) -> float | None:
        """Doses in a day of 24 hours, a month taken as 30 days; None where no rhythm was said."""
        if self.times is None:
            return None
        hours = {PeriodUnit.HOUR: 1, PeriodUnit.DAY: 24, PeriodUnit.WEEK: 7 * 24, PeriodUnit.MONTH: 30 * 24}
        return self.times * 24 / (self.period * hours[self.period_unit])


@dataclass(frozen=True, slots=True)
class Prescribe:
    """A new prescription. `ends_on` is the last day of taking it (None: until it is stopped); `refills` follow the first supply.

    `supply_days` is how long one supply lasts (None: not said). With `draft` it waits to be signed. `override_reason` says why
    it is prescribed in spite of serious warnings.
    """

    patient_id: UUID
    medicine: str
    dosage: Dosage = field(default_factory=Dosage)
    strength: str = ""
    """Of one piece, such as 10 mg."""
    form: str = ""
    """tablet, capsule, inhaler, cream."""
    starts_on: date | None = None
    """None: today."""
    ends_on: date | None = None
    refills: int = 0
    supply_days: int | None = None
    review_on: date | None = None
    indication: str = ""
    draft: bool = False
    override_reason: str = ""


@dataclass(frozen=True, slots=True)
class EditDraft:
    """New values for a draft; `version` is the one that the editor saw."""

    id: UUID
    version: int
    prescription: Prescribe


@dataclass(frozen=True, slots=True)
class Renew:
    """A prescription goes on as a new one from `starts_on` (None: today) to `ends_on`, otherwise as it was."""

    id: UUID
    version: int
    starts_on: date | None = None
    ends_on: date | None = None
    refills: int = 0
    override_reason: str = ""


@dataclass(frozen=True, slots=True)
class Dispense:
    """A supply was handed out: the first one, or a refill. `days` says how long it lasts (None: as prescribed)."""

    id: UUID
    version: int
    on: date | None = None
    """None: today."""
    days: int | None = None
    quantity: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class MedicationRow:
    """A prescription as a list shows it."""

    id: UUID
    patient_id: UUID
    medicine: str
    strength: str
    form: str
    dosage: Dosage
    starts_on: date
    ends_on: date | None
    status: Status
    status_reason: str
    changed_on: date
    """The clinic's day on which it got its status."""
    indication: str
    refills: int
    refills_left: int
    supply_days: int | None
    supplied_until: date | None
    """The last day that the supplies handed out last for; None where none was, or it was not said how long one lasts."""
    lasts_until: date | None
    """The last day with all refills; None where it was not said how long a supply lasts."""
    refill_due: bool
    """The supply that was handed out ends within a week, and a refill is left."""
    renew_due: bool
    """All that was prescribed ends within a week, before the time of taking it is over."""
    review_on: date | None
    prescriber_id: UUID | None
    """The account of whoever has prescribed it."""
    prescriber: str
    replaces_id: UUID | None
    overridden: tuple[str, ...]
    """The serious warnings that were seen and overridden, such as "interaction serious: ibuprofen, warfarin"."""
    override_reason: str
    version: int


@dataclass(frozen=True, slots=True)
class DispenseRow:
    """A supply that was handed out."""

    id: UUID
    on: date
    """The day on which it was handed out."""
    days: int | None
    quantity: float | None
    unit: str
    by: str
    """Who has handed it out."""


@dataclass(frozen=True, slots=True)
class MedicationDetail:
    """A whole prescription with what was handed out on it, oldest first."""

    row: MedicationRow
    """The prescription."""
    dispensed: tuple[DispenseRow, ...]
    """What was handed out, the oldest first."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SafetyWarning:
    """One thing that speaks against a prescription."""

    kind: WarningKind
    severity: Severity
    medicines: tuple[str, ...]
    """What it is about: an ingredient or the name of the new medicine, then those already taken or the allergy's substance."""
    effect: str = ""
    """What can happen, in English, from the table of interactions; the reaction on record, of an allergy."""
    source: str = ""
    """Where the table has it from; empty where it is on the record."""
    match: Match | None = None
    """Of an allergy: how sure it is that it concerns the medicine."""

    @property
    def serious(self) -> bool:
        return self.severity in (Severity.CONTRAINDICATED, Severity.SERIOUS)

    @property
    def summary(self) -> str:
        """One line for the record, such as "interaction serious: ibuprofen, warfarin"."""
        return f"{self.kind.value} {self.severity.value}: {', '.join(self.medicines)}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, worst first, and how far the check could see."""

    warnings: tuple[SafetyWarning, ...]
    unknown_medicines: tuple[str, ...]
    """Medicines (the new one or current ones) that the tables do not know: no interaction of theirs could be found."""
    unknown_allergies: tuple[str, ...]
    """Substances that the tables do not know: they were compared by name alone."""
    allergies_checked_on: date | None
    """When the patient was last asked about allergies; None: not asked yet, so that none is known means nothing."""
    reviewed_on: date | None
    """When a pharmacist last went through the table of interactions; None: nobody has yet."""

    @property
    def serious(self) -> tuple[SafetyWarning, ...]:
        return tuple(warning for warning in self.warnings if warning.serious)


@dataclass(frozen=True, slots=True)
class ReminderRule:
    """When somebody is reminded, by the clinic's clocks: at `times` on `weekdays`, from `starts_on` to `until`, both included."""

    times: tuple[time, ...]
    starts_on: date
    until: date | None = None
    weekdays: frozenset[int] = frozenset(range(7))
    """Monday is 0."""


@dataclass(frozen=True, slots=True)
class SaveReminder:
    """A new reminder to take a medicine (`id` None), or new values for one."""

    medication_id: UUID
    rule: ReminderRule
    id: UUID | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class ReminderRow:
    """A reminder to take a medicine; `next_due` is None where none is to come (or it is off)."""

    id: UUID
    medication_id: UUID
    patient_id: UUID
    medicine: str
    rule: ReminderRule
    enabled: bool
    next_due: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class DueReminder:
    """One reminder at one instant. (`reminder_id`, `due_at`) names it for ever, so that it is sent at most once."""

    reminder_id: UUID
    medication_id: UUID
    patient_id: UUID
    due_at: datetime
