"""Reads a prescription as one types it, such as `ibuprofen 400 tds 7d`, into its parts: pure, in English and Latin shorthand."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

from clinicdesk.features.medications.rules import doses
from clinicdesk.features.medications.schemas import Dosage, Moment, PeriodUnit, Prescribe, Route

_UNITS = {
    "mg": "mg", "milligram": "mg", "milligrams": "mg", "g": "g", "gram": "g", "grams": "g",
    "mcg": "mcg", "ug": "mcg", "µg": "mcg", "μg": "mcg", "microgram": "mcg", "micrograms": "mcg", "ng": "ng",
    "ml": "mL", "iu": "IU", "u": "units", "unit": "units", "units": "units", "%": "%", "mmol": "mmol",
}  # fmt: skip
_FORMS = {
    "tab": "tablet", "tabs": "tablet", "tablet": "tablet", "tablets": "tablet",
    "cap": "capsule", "caps": "capsule", "capsule": "capsule", "capsules": "capsule",
    "puff": "puff", "puffs": "puff", "drop": "drop", "drops": "drop", "gtt": "drop",
    "patch": "patch", "patches": "patch", "sachet": "sachet", "sachets": "sachet", "spray": "spray", "sprays": "spray",
    "supp": "suppository", "suppository": "suppository", "suppositories": "suppository",
    "inhaler": "inhaler", "cream": "cream", "ointment": "ointment", "gel": "gel", "syrup": "syrup", "suspension": "suspension",
}  # fmt: skip
_COUNTED = frozenset({"tablet", "capsule", "puff", "drop", "patch", "sachet", "spray", "suppository"})
"""Forms of which one takes so many; of the others one takes an amount."""
_DAY, _HOUR, _WEEK, _MONTH = PeriodUnit.DAY, PeriodUnit.HOUR, PeriodUnit.WEEK, PeriodUnit.MONTH
_RHYTHMS: dict[str, tuple[int, int, PeriodUnit]] = {
    "od": (1, 1, _DAY), "qd": (1, 1, _DAY), "daily": (1, 1, _DAY), "once daily": (1, 1, _DAY), "once a day": (1, 1, _DAY),
    "every day": (1, 1, _DAY),
    "bd": (2, 1, _DAY), "bid": (2, 1, _DAY), "twice daily": (2, 1, _DAY), "twice a day": (2, 1, _DAY),
    "tds": (3, 1, _DAY), "tid": (3, 1, _DAY), "three times daily": (3, 1, _DAY), "three times a day": (3, 1, _DAY),
    "qds": (4, 1, _DAY), "qid": (4, 1, _DAY), "four times daily": (4, 1, _DAY), "four times a day": (4, 1, _DAY),
    "qod": (1, 2, _DAY), "eod": (1, 2, _DAY), "alternate days": (1, 2, _DAY), "every other day": (1, 2, _DAY),
    "weekly": (1, 1, _WEEK), "once weekly": (1, 1, _WEEK), "once a week": (1, 1, _WEEK), "every week": (1, 1, _WEEK),
    "monthly": (1, 1, _MONTH), "once a month": (1, 1, _MONTH),
}  # fmt: skip
_MOMENTS = {
    "mane": Moment.MORNING, "om": Moment.MORNING, "in the morning": Moment.MORNING, "each morning": Moment.MORNING,
    "every morning": Moment.MORNING, "nocte": Moment.BEDTIME, "hs": Moment.BEDTIME, "at night": Moment.BEDTIME,
    "at bedtime": Moment.BEDTIME, "every night": Moment.BEDTIME, "in the evening": Moment.EVENING,
    "every evening": Moment.EVENING, "noon": Moment.NOON, "at noon": Moment.NOON,
    "ac": Moment.BEFORE_MEALS, "before meals": Moment.BEFORE_MEALS, "before food": Moment.BEFORE_MEALS,
    "cc": Moment.WITH_MEALS, "with meals": Moment.WITH_MEALS, "with food": Moment.WITH_MEALS,
    "pc": Moment.AFTER_MEALS, "after meals": Moment.AFTER_MEALS, "after food": Moment.AFTER_MEALS,
}  # fmt: skip
_SCHEME = {
    Moment.MORNING: "in the morning", Moment.NOON: "at noon", Moment.EVENING: "in the evening", Moment.BEDTIME: "at bedtime",
}  # fmt: skip
"""What `1-0-1-0` counts, one after the other."""
_ONCE_A_DAY = frozenset({Moment.MORNING, Moment.NOON, Moment.EVENING, Moment.BEDTIME})
_ROUTES = {
    "po": Route.ORAL, "oral": Route.ORAL, "orally": Route.ORAL, "by mouth": Route.ORAL, "sl": Route.SUBLINGUAL,
    "sublingual": Route.SUBLINGUAL, "buccal": Route.BUCCAL, "inh": Route.INHALED, "inhaled": Route.INHALED,
    "nasal": Route.NASAL, "top": Route.TOPICAL, "topical": Route.TOPICAL, "transdermal": Route.TRANSDERMAL, "pr": Route.RECTAL,
    "rectal": Route.RECTAL, "pv": Route.VAGINAL, "vaginal": Route.VAGINAL, "sc": Route.SUBCUTANEOUS,
    "subcut": Route.SUBCUTANEOUS, "im": Route.INTRAMUSCULAR, "iv": Route.INTRAVENOUS,
}  # fmt: skip
_AS_NEEDED = frozenset({"prn", "sos", "as needed", "when needed", "when required", "as required", "if needed"})
_DAYS_IN = {"d": 1, "day": 1, "days": 1, "w": 7, "wk": 7, "wks": 7, "week": 7, "weeks": 7}
_MONTHS = frozenset({"mo", "mth", "mths", "month", "months"})
_OF = {"7": 1, "52": 7}
"""British shorthand: 5/7 is five days, 2/52 two weeks, 3/12 three months."""

# 1,5 is one and a half; 1,000 could be one or a thousand, so it is left to a person.
_NUMBER = r"(\d{1,7}(?:\.\d{1,4}|,\d{1,2})?)"
_AMOUNT = re.compile(rf"{_NUMBER}([a-zµμ%]*)")
_EVERY = re.compile(r"q(\d{1,2})(h|hrs?|d)|(\d{1,2})(?:-?hourly|hrly)")
_TIMES = re.compile(r"(\d)(?:x|×)(?:/?(?:d|day|daily))?|x(\d)(?:/d|/day)")
_FOR = re.compile(r"x?(\d{1,3})(d|days?|w|wks?|weeks?|mo|mths?|months?)")
_SHORTHAND = re.compile(r"(\d{1,3})/(7|52|12)")
_REFILLS = re.compile(r"(?:r|\+)(\d{1,2})")
_COMPOUND = re.compile(r"\d[\d.]*(?:mg|mcg|g)?/\d[\d.]*(?:mg|mcg|g|ml)?")
"""The strength of a product of two ingredients, or of a liquid: 8/500, 100mg/5ml."""
_INTERVAL = re.compile(r"(\d{1,2})(h|hrs?|hours?|d|days?|w|weeks?|months?)")
_INTERVAL_UNITS = {"h": _HOUR, "d": _DAY, "w": _WEEK, "m": _MONTH}
_PIECES = re.compile(r"(\d{0,3})(?:([½¼¾])|[.,](\d{1,2}))?|([13])/([24])")
_WORD = re.compile(r"\S+")
_WRITTEN = {"½": 0.5, "half": 0.5, "one": 1.0, "two": 2.0, "three": 3.0, "¼": 0.25}
_FRACTIONS = {"": 0.0, "½": 0.5, "¼": 0.25, "¾": 0.75}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was understood, to be looked at and changed before it is prescribed."""

    medicine: str = ""
    strength: str = ""
    form: str = ""
    dosage: Dosage = field(default_factory=Dosage)
    starts_on: date = date.min
    ends_on: date | None = None
    refills: int = 0
    unit_assumed: bool = False
    """The amount came without a unit and milligrams were taken: to be confirmed by eye."""

    @property
    def doses(self) -> int | None:
        """How many doses the time takes; None where it has no end or no rhythm was said."""
        return None if self.ends_on is None else doses(self.dosage, (self.ends_on - self.starts_on).days + 1)

    def request(self, patient_id: UUID) -> Prescribe:
        """The prescription that this proposes for the patient."""
        days = None if self.ends_on is None else (self.ends_on - self.starts_on).days + 1
        return Prescribe(
            patient_id, self.medicine, self.dosage, self.strength, self.form, self.starts_on, self.ends_on,
            self.refills, days if days is None or days <= 366 else None,
        )  # fmt: skip


@dataclass(slots=True)
class _Reading:
    """What has been read so far; each reader looks at the words from `at` on and says how many it took."""

    words: list[str]
    today: date
    amounts: list[tuple[float, str]] = field(default_factory=list)
    strength: str = ""
    form: str = ""
    dosage: Dosage = field(default_factory=Dosage)
    ends_on: date | None = None
    refills: int | None = None
    by_scheme: bool = False
    """How much and how often was told as `1-0-1`, which counts pieces."""
    scheme: str = ""
    """At which times of the day, where the dosage has no place for them; and how much each time, where that `varies`."""
    varies: bool = False
    assumed: bool = False
    """The strength of a piece came without a unit, and milligrams were taken."""

    def word(self, at: int) -> str:
        return self.words[at] if at < len(self.words) else ""

    def phrase(self, at: int, table: Collection[str]) -> tuple[int, str]:
        """The longest phrase of the table that begins here, and how many words it takes; (0, "") for none."""
        for length in range(min(4, len(self.words) - at), 0, -1):
            if (words := " ".join(self.words[at : at + length])) in table:
                return length, words
        return 0, ""


def parse(text: str, today: date) -> Proposal:
    """What the text prescribes, beginning `today`; never raises.

    The medicine comes first, then in any order: an amount (`400`, `400mg`, `2 tabs`, `5 ml`; an amount before a form or a count
    is the strength of one piece: `10mg tab 2`), how often (`tds`, `bd`, `q6h`, `every 6 hours`, `3x`, `weekly`, `nocte`) or how
    much in the morning, at noon, in the evening and at bedtime (`1-0-1`, `½-0-½-0`, `10-8-10 units`), when needed (`prn`,
    `max 4`), a route (`po`, `im`), meals (`ac`, `with food`), a length (`7d`, `2w`, `5/7`, `3/12`, `for 10 days`) and refills
    (`r2`). What is not understood after the medicine stays in the instructions.
    """
    matches = list(_WORD.finditer(text))
    reading = _Reading([match.group().casefold().strip(",;") for match in matches], today)
    medicine: list[str] = []
    rest: list[str] = []
    at = 0
    while at < len(matches):
        # Of a name such as "co-codamol 8/500" or "insulin 30", the first word is never anything else.
        taken = next((taken for reader in _READERS if (taken := reader(reading, at))), 0) if medicine else 0
        if not taken:
            understood = reading.amounts or reading.form or reading.dosage != Dosage() or reading.ends_on
            (rest if understood else medicine).append(matches[at].group())
        at += taken or 1
    return _proposal(reading, medicine, rest)


def _proposal(reading: _Reading, medicine: list[str], rest: list[str]) -> Proposal:
    name = " ".join(medicine)
    amount, unit, strength = _dose(reading)
    bare = amount is not None and not unit and not strength and not reading.by_scheme
    return Proposal(
        medicine=name[:1].upper() + name[1:],
        strength=strength,
        form=reading.form,
        dosage=replace(
            reading.dosage,
            amount=amount,
            unit="mg" if bare else unit,
            instructions=", ".join(filter(None, (reading.scheme, " ".join(rest)))),
        ),
        starts_on=reading.today,
        ends_on=reading.ends_on,
        refills=reading.refills or 0,
        unit_assumed=bare or reading.assumed,
    )


def _dose(reading: _Reading) -> tuple[float | None, str, str]:
    """The amount and unit of one dose, and the strength of one piece.

    `400mg`: a dose of 400 mg. `10mg tab`: one tablet of 10 mg. `10mg 2 tabs`, `10mg 2`: two pieces of 10 mg.
    """
    masses = [entry for entry in reading.amounts if entry[1] and entry[1] not in _COUNTED]
    counts = [entry for entry in reading.amounts if not entry[1] or entry[1] in _COUNTED]
    strength = reading.strength or (f"{masses[0][0]:g} {masses[0][1]}" if masses else "")
    if reading.varies:
        return None, "", strength
    piece = reading.form if reading.form in _COUNTED else ""
    if counts and (strength or piece):
        return counts[0][0], counts[0][1] or piece, strength
    if strength and piece:
        return 1.0, piece, strength
    if len(masses) > 1:  # 100mg/5ml is written apart: strength first, then how much of it
        return *masses[1], strength
    if masses:
        return *masses[0], reading.strength
    return (counts[0][0], counts[0][1], "") if counts else (None, "", reading.strength)


def _number(digits: str) -> float:
    return float(digits.replace(",", "."))


def _read_length(reading: _Reading, at: int) -> int:
    """`7d`, `2 weeks`, `for 10 days`, `5/7`, `3/12`: how long, which makes the last day."""
    begin = at + 1 if reading.word(at) in ("for", "x") else at
    word = reading.word(begin)
    taken = begin - at + 1
    match = _FOR.fullmatch(word)
    if match is None and word.isdecimal():
        match = _FOR.fullmatch(word + reading.word(begin + 1))
        taken += 1
    if match:
        count, months = int(match[1]), match[2] in _MONTHS
        days = count * _DAYS_IN.get(match[2], 0)
    elif match := _SHORTHAND.fullmatch(word):
        taken = begin - at + 1
        count, months = int(match[1]), match[2] == "12"
        days = count * _OF.get(match[2], 0)
    else:
        return 0
    if reading.ends_on is not None or count == 0:
        return 0
    after = _months_on(reading.today, count) if months else reading.today + timedelta(days=days)
    reading.ends_on = after - timedelta(days=1)
    return taken


def _months_on(day: date, months: int) -> date:
    """The same day so many months on, or the last one of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _read_rhythm(reading: _Reading, at: int) -> int:
    """`tds`, `twice daily`, `q6h`, `8 hourly`, `every 6 hours`, `3x`: how often."""
    if reading.dosage.times is not None:
        return 0
    taken, words = reading.phrase(at, _RHYTHMS)
    if taken:
        times, period, unit = _RHYTHMS[words]
    elif match := _EVERY.fullmatch(reading.word(at)) or _EVERY.fullmatch(reading.word(at) + reading.word(at + 1)):
        taken = 1 if _EVERY.fullmatch(reading.word(at)) else 2
        times, period, unit = 1, int(match[1] or match[3]), _DAY if match[2] == "d" else _HOUR
    elif reading.word(at) == "every" and (match := _INTERVAL.fullmatch(reading.word(at + 1) + reading.word(at + 2))):
        taken = 2 if _INTERVAL.fullmatch(reading.word(at + 1)) else 3
        times, period, unit = 1, int(match[1]), _INTERVAL_UNITS[match[2][0]]
    elif match := _TIMES.fullmatch(reading.word(at)):
        taken = 1 + (reading.word(at + 1) in ("daily", "day"))
        times, period, unit = int(match[1] or match[2]), 1, _DAY
    else:
        return 0
    if times == 0 or period == 0:
        return 0
    reading.dosage = replace(reading.dosage, times=times, period=period, period_unit=unit)
    return taken


def _read_scheme(reading: _Reading, at: int) -> int:
    """`1-0-1`, `½-0-½-0`, `10-8-10 units`: how much in the morning, at noon, in the evening and at bedtime."""
    parts = re.split("[-–]", reading.word(at))
    found = [_pieces(part) for part in parts]
    if len(parts) not in (3, 4) or None in found or not any(found) or reading.dosage.times is not None:
        return 0
    given = [(moment, number) for moment, number in zip(_SCHEME, found, strict=False) if number]
    behind = reading.word(at + 1)
    unit = _UNITS.get(behind) or _FORMS.get(behind, "")
    if not unit and max(number for _, number in given) >= 10:
        return 0  # a date, more likely
    if reading.amounts and not reading.amounts[-1][1]:  # `400 1-0-1`: pieces of 400
        reading.strength, reading.assumed = f"{reading.amounts.pop()[0]:g} mg", True
    reading.by_scheme = True
    reading.varies = len({number for _, number in given}) > 1
    reading.dosage = replace(reading.dosage, times=len(given))
    if not reading.varies:
        reading.amounts.append((given[0][1], unit))
    if len(given) == 1 and reading.dosage.moment is Moment.ANY:
        reading.dosage = replace(reading.dosage, moment=given[0][0])
    else:
        much = (f"{number:g} {unit}".strip() + " " if reading.varies else "" for _, number in given)
        reading.scheme = ", ".join(f"{how}{_SCHEME[when]}" for how, (when, _) in zip(much, given, strict=True))
    if behind in _FORMS:
        reading.form = reading.form or unit
    return 2 if unit else 1


def _pieces(written: str) -> float | None:
    """How much `1`, `½`, `1½`, `0,5` or `1/2` is; None for what is no such number."""
    match = _PIECES.fullmatch(written) if written else None
    if match is None:
        return None
    if match[4]:
        return int(match[4]) / int(match[5])
    return int(match[1] or 0) + _FRACTIONS[match[2] or ""] + float(f"0.{match[3] or 0}")


def _read_moment(reading: _Reading, at: int) -> int:
    taken, words = reading.phrase(at, _MOMENTS)
    if not taken or reading.dosage.moment is not Moment.ANY:
        return 0
    reading.dosage = replace(reading.dosage, moment=_MOMENTS[words])
    if reading.dosage.times is None and _MOMENTS[words] in _ONCE_A_DAY:
        reading.dosage = replace(reading.dosage, times=1)
    return taken


def _read_route(reading: _Reading, at: int) -> int:
    taken, words = reading.phrase(at, _ROUTES)
    if not taken or reading.dosage.route is not Route.UNSAID:
        return 0
    reading.dosage = replace(reading.dosage, route=_ROUTES[words])
    return taken


def _read_as_needed(reading: _Reading, at: int) -> int:
    taken, _words = reading.phrase(at, _AS_NEEDED)
    if taken:
        reading.dosage = replace(reading.dosage, as_needed=True)
    return taken


def _read_most(reading: _Reading, at: int) -> int:
    """`max 4`: doses a day."""
    figures = reading.word(at + 1).removesuffix("/d").removesuffix("/day")
    if reading.word(at) != "max" or not (figures.isascii() and figures.isdecimal() and 0 < int(figures) <= 48):
        return 0
    reading.dosage = replace(reading.dosage, most_a_day=int(figures))
    after, _words = reading.phrase(at + 2, ("a day", "daily", "per day"))
    return 2 + after


def _read_refills(reading: _Reading, at: int) -> int:
    """`r2`, `+2`, `2 refills`."""
    if reading.refills is not None:
        return 0
    if match := _REFILLS.fullmatch(reading.word(at)):
        reading.refills = int(match[1])
        return 1
    word = reading.word(at)
    if word.isascii() and word.isdecimal() and len(word) < 3 and reading.word(at + 1) in ("refill", "refills"):
        reading.refills = int(word)
        return 2
    return 0


def _read_amount(reading: _Reading, at: int) -> int:
    """`400`, `400mg`, `5 ml`, `2 tabs`, `half a tab` without the article, `8/500`, `100mg/5ml`."""
    word = reading.word(at)
    if _COMPOUND.fullmatch(word) and not reading.strength:
        reading.strength = word
        return 1
    if word in _WRITTEN:
        number, joined = _WRITTEN[word], ""
        if reading.word(at + 1) not in _FORMS:
            return 0
    elif match := _AMOUNT.fullmatch(word):
        number, joined = _number(match[1]), match[2]
    else:
        return 0
    taken = 1
    if not joined and (reading.word(at + 1) in _UNITS or reading.word(at + 1) in _FORMS):
        joined, taken = reading.word(at + 1), 2
    if joined and joined not in _UNITS and joined not in _FORMS:
        return 0
    unit = _UNITS.get(joined) or _FORMS.get(joined, "")
    if number <= 0 or len(reading.amounts) == 2:
        return 0
    if not unit and reading.amounts and reading.dosage.times is not None:
        return 0  # a bare number behind the rhythm is not how much one takes
    if unit in _FORMS.values():
        reading.form = reading.form or unit
    reading.amounts.append((number, unit))
    return taken


def _read_form(reading: _Reading, at: int) -> int:
    if reading.form or reading.word(at) not in _FORMS:
        return 0
    reading.form = _FORMS[reading.word(at)]
    return 1


_Reader = Callable[[_Reading, int], int]
_READERS: tuple[_Reader, ...] = (
    _read_length, _read_rhythm, _read_scheme, _read_moment, _read_route, _read_as_needed, _read_most, _read_refills, _read_amount,
    _read_form,
)  # fmt: skip
"""In this order: `5 days` is a length before it is an amount, `8 hourly` a rhythm."""
