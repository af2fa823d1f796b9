"""What may be prescribed, and which status follows which: pure decisions, given all that they judge."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from clinicdesk.core.errors import Conflict, InvalidInput
from clinicdesk.core.text import one_line
from clinicdesk.features.medications.schemas import Dosage, PeriodUnit, Prescribe, ReminderRule, Status

_S = Status
LEGAL: Mapping[Status, frozenset[Status]] = {
    _S.DRAFT: frozenset({_S.ACTIVE, _S.CANCELLED, _S.ENTERED_IN_ERROR}),
    _S.ACTIVE: frozenset({_S.ON_HOLD, _S.STOPPED, _S.COMPLETED, _S.CANCELLED, _S.ENTERED_IN_ERROR}),
    _S.ON_HOLD: frozenset({_S.ACTIVE, _S.STOPPED, _S.COMPLETED, _S.CANCELLED, _S.ENTERED_IN_ERROR}),
    # What was ended by mistake goes on, after the same checks as a new prescription.
    _S.STOPPED: frozenset({_S.ACTIVE, _S.ENTERED_IN_ERROR}),
    _S.COMPLETED: frozenset({_S.ACTIVE, _S.ENTERED_IN_ERROR}),
    _S.CANCELLED: frozenset({_S.ACTIVE, _S.ENTERED_IN_ERROR}),
    _S.UNKNOWN: frozenset({_S.ACTIVE, _S.ON_HOLD, _S.STOPPED, _S.COMPLETED, _S.CANCELLED, _S.ENTERED_IN_ERROR}),
    _S.ENTERED_IN_ERROR: frozenset(),
}
"""Every legal change of status."""

OPEN = frozenset({_S.DRAFT, _S.ACTIVE, _S.ON_HOLD, _S.UNKNOWN})
"""A prescription in one of these, whose time has not run out, is current."""

RENEWABLE = frozenset({_S.ACTIVE, _S.ON_HOLD, _S.COMPLETED, _S.STOPPED})
RENEW_WITHIN = timedelta(days=7)
"""How long before the end of a supply its renewal is due."""

REASON_MOST = 250
AMOUNT_MOST = 1_000_000.0
TIMES_MOST = 48
PERIOD_MOST = 366
REFILLS_MOST = 99
SUPPLY_DAYS_MOST = 366
EARLIEST = date(1900, 1, 1)
AHEAD = timedelta(days=3660)
"""How far ahead a prescription may reach."""
TIMES_A_DAY_MOST = 24


def require_legal(now: Status, to: Status) -> None:
    """Raises Conflict(medication_transition, from_, to) where `to` may not follow `now`."""
    if to not in LEGAL[now]:
        raise Conflict("medication_transition", from_=now.value, to=to.value)


def checked_reason(reason: str, field: str = "reason", *, required: bool = True) -> str:
    """A reason in free text as it will be stored. Raises InvalidInput."""
    return one_line(reason, field, REASON_MOST, required=required)


def checked(request: Prescribe, today: date) -> Prescribe:
    """The prescription as it will be stored, `starts_on` filled in. Raises InvalidInput with `field`."""
    starts_on = request.starts_on or today
    _check_day(starts_on, "starts_on", today)
    if request.ends_on is not None:
        _check_day(request.ends_on, "ends_on", today)
        if request.ends_on < starts_on:
            raise InvalidInput("ends_before_start", field="ends_on")
    if request.review_on is not None:
        _check_day(request.review_on, "review_on", today)
    _check_number(request.refills, "refills", 0, REFILLS_MOST)
    _check_number(request.supply_days, "supply_days", 1, SUPPLY_DAYS_MOST)
    return replace(
        request,
        medicine=one_line(request.medicine, "medicine", 200, required=True),
        strength=one_line(request.strength, "strength", 60),
        form=one_line(request.form, "form", 60),
        indication=one_line(request.indication, "indication", 250),
        override_reason=checked_reason(request.override_reason, "override_reason", required=False),
        starts_on=starts_on,
        dosage=_checked_dosage(request.dosage),
    )


def _checked_dosage(dosage: Dosage) -> Dosage:
    check_amount(dosage.amount, "amount")
    _check_number(dosage.times, "times", 1, TIMES_MOST)
    _check_number(dosage.period, "period", 1, PERIOD_MOST)
    _check_number(dosage.most_a_day, "most_a_day", 1, TIMES_MOST)
    return replace(
        dosage,
        unit=one_line(dosage.unit, "unit", 20),
        instructions=one_line(dosage.instructions, "instructions", 500),
    )


def check_amount(amount: float | None, field: str) -> None:
    """Raises InvalidInput out_of_range unless the amount is a number above zero."""
    if amount is not None and not (math.isfinite(amount) and 0 < amount <= AMOUNT_MOST):
        raise InvalidInput("out_of_range", field=field, least=0, most=int(AMOUNT_MOST))


def _check_number(number: int | None, field: str, least: int, most: int) -> None:
    if number is not None and not least <= number <= most:
        raise InvalidInput("out_of_range", field=field, least=least, most=most)


def _check_day(day: date, field: str, today: date) -> None:
    if not EARLIEST <= day <= today + AHEAD:
        raise InvalidInput("out_of_range", field=field, least=EARLIEST, most=today + AHEAD)


def check_supply(on: date, days: int | None, quantity: float | None, today: date) -> None:
    """Raises InvalidInput for a supply that cannot have been handed out so."""
    if on > today:
        raise InvalidInput("in_the_future", field="on")
    _check_day(on, "on", today)
    _check_number(days, "days", 1, SUPPLY_DAYS_MOST)
    check_amount(quantity, "quantity")


def supplied_until(supplies: list[tuple[date, int | None]], starts_on: date) -> date | None:
    """The last day that the supplies last for, given (day, days) of each; None where one of them does not say how long.

    What is handed out before the one before is used up is used after it.
    """
    reached: date | None = None
    for on, days in sorted(supplies):
        if days is None:
            return None
        begins = max(on, starts_on) if reached is None else max(on, starts_on, reached + timedelta(days=1))
        reached = begins + timedelta(days=days - 1)
    return reached


def lasts_until(
    supplied: date | None, starts_on: date, supply_days: int | None, handed_out: int, refills: int
) -> date | None:
    """The last day that the prescription lasts for with all its refills; None where it is not said how long a supply lasts.

    Where nothing was noted as handed out, the first supply is taken to begin with the prescription.
    """
    if supply_days is None or (handed_out and supplied is None):
        return None
    reached = supplied if supplied is not None else starts_on - timedelta(days=1)
    return reached + timedelta(days=supply_days * (1 + refills - handed_out))


def runs_out(status: Status, lasts: date | None, ends_on: date | None, today: date) -> bool:
    """Whether a medicine that is being taken runs out within a week, and before its time is over."""
    if status is not Status.ACTIVE or lasts is None or (ends_on is not None and lasts >= ends_on):
        return False
    return lasts - today <= RENEW_WITHIN


def doses(dosage: Dosage, days: int) -> int | None:
    """How many doses the days take, rounded up; None where no rhythm was said."""
    if dosage.times is None:
        return None
    hours = {PeriodUnit.HOUR: 1, PeriodUnit.DAY: 24, PeriodUnit.WEEK: 168, PeriodUnit.MONTH: 720}[dosage.period_unit]
    return -(-days * 24 * dosage.times // (dosage.period * hours))


def checked_rule(rule: ReminderRule, today: date) -> ReminderRule:
    """The rule with its times in order, each once. Raises InvalidInput with `field`."""
    if not rule.times:
        raise InvalidInput("missing", field="times")
    if len(rule.times) > TIMES_A_DAY_MOST:
        raise InvalidInput("too_many", field="times", most=TIMES_A_DAY_MOST)
    if any(at.tzinfo or at.second or at.microsecond for at in rule.times):
        raise InvalidInput("whole_minutes", field="times")
    if not rule.weekdays or not rule.weekdays <= frozenset(range(7)):
        raise InvalidInput("weekday", field="weekdays")
    _check_day(rule.starts_on, "starts_on", today)
    if rule.until is not None:
        _check_day(rule.until, "until", today)
        if rule.until < rule.starts_on:
            raise InvalidInput("ends_before_start", field="until")
    return replace(rule, times=tuple(sorted({at.replace(fold=0) for at in rule.times})))
