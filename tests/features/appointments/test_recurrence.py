"""The days of recurring visits: as iCalendar has them, in order, bounded, and told in its words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given
from hypothesis import strategies as st

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.appointments import recurrence
from clinicdesk.features.appointments.recurrence import Frequency, Recurrence

MONDAY = date(2026, 11, 23)

firsts = st.dates(date(2020, 1, 1), date(2040, 12, 31))
ends = st.one_of(
    st.fixed_dictionaries({"count": st.integers(1, 60)}),
    st.fixed_dictionaries({"until": st.dates(date(2020, 1, 1), date(2042, 1, 1))}),
)
weekday_sets = st.sets(st.integers(0, 6), max_size=7).map(tuple)


@st.composite
def rules(draw: st.DrawFn) -> Recurrence:
    frequency = draw(st.sampled_from(Frequency))
    shape: dict[str, object] = {}
    if frequency in (Frequency.DAILY, Frequency.WEEKLY):
        shape["weekdays"] = draw(weekday_sets)
    elif frequency is Frequency.MONTHLY:
        by_weekday = st.fixed_dictionaries(
            {"nth": st.sampled_from([-1, 1, 2, 3, 4, 5]), "weekdays": st.tuples(st.integers(0, 6))}
        )
        by_day = st.fixed_dictionaries({"month_day": st.sampled_from([-1, *range(1, 32)])})
        shape = draw(st.one_of(by_weekday, by_day, st.just({})))
    return Recurrence(frequency, draw(st.integers(1, 12)), **shape, **draw(ends))  # type: ignore[arg-type]


@given(rules(), firsts)
def test_the_days_are_those_of_another_implementation(rule: Recurrence, first: date) -> None:
    assume(rule.until is None or first <= rule.until <= first + timedelta(days=recurrence.MOST_DAYS))
    rule = recurrence.checked(rule, first)
    start = datetime.combine(first, time())
    horizon = start + timedelta(days=recurrence.MOST_DAYS)
    theirs: list[date] = []
    for found in rrulestr(recurrence.to_rrule(rule), dtstart=start):
        if found > horizon or len(theirs) > recurrence.MOST_VISITS:
            break
        theirs.append(found.date())
    if len(theirs) > recurrence.MOST_VISITS or len(theirs) < (rule.count or 0):
        with pytest.raises(InvalidInput, match=r"span|too_many"):
            recurrence.named_days(rule, first)
    else:
        assert recurrence.named_days(rule, first) == theirs


@given(rules(), firsts, st.lists(firsts, max_size=3).map(tuple))
def test_a_rule_is_read_as_it_was_written(rule: Recurrence, first: date, exceptions: tuple[date, ...]) -> None:
    assume(rule.until is None or first <= rule.until <= first + timedelta(days=recurrence.MOST_DAYS))
    rule = recurrence.checked(rule, first)
    assert recurrence.from_rrule(recurrence.to_rrule(rule), exceptions) == replace(rule, exceptions=exceptions)


@given(rules(), firsts, st.integers(0, 400), st.data())
def test_a_rule_that_is_cut_in_two_names_the_same_days(
    rule: Recurrence, first: date, nth: int, data: st.DataObject
) -> None:
    assume(rule.until is None or first <= rule.until <= first + timedelta(days=recurrence.MOST_DAYS))
    rule = recurrence.checked(rule, first)
    try:
        days = recurrence.named_days(rule, first)
    except InvalidInput:
        assume(False)
    assume(days)
    cut = days[nth % len(days)]
    left_out = data.draw(st.sets(st.sampled_from(days), max_size=3).map(lambda found: tuple(sorted(found))))
    rule = replace(rule, exceptions=left_out)
    before = recurrence.days_of(recurrence.up_to(rule, cut), first)
    after = recurrence.days_of(recurrence.from_day(rule, first, cut), cut)
    assert before + after == recurrence.days_of(rule, first)


def test_a_month_without_the_day_is_left_out() -> None:
    rule = recurrence.checked(Recurrence(Frequency.MONTHLY, count=4), date(2026, 1, 31))
    assert recurrence.days_of(rule, date(2026, 1, 31)) == [date(2026, month, 31) for month in (1, 3, 5, 7)]
    last = recurrence.checked(Recurrence(Frequency.MONTHLY, month_day=-1, count=3), date(2026, 1, 31))
    assert [day.day for day in recurrence.days_of(last, date(2026, 1, 31))] == [31, 28, 31]


def test_every_other_week_is_counted_from_the_week_of_the_first() -> None:
    rule = recurrence.checked(Recurrence(Frequency.WEEKLY, 2, (0, 3), count=4), MONDAY + timedelta(days=2))
    assert recurrence.days_of(rule, MONDAY + timedelta(days=2)) == [
        date(2026, 11, 26), date(2026, 12, 7), date(2026, 12, 10), date(2026, 12, 21),
    ]  # fmt: skip


def test_exceptions_count() -> None:
    rule = recurrence.checked(Recurrence(Frequency.DAILY, count=3, exceptions=(date(2026, 11, 24),)), MONDAY)
    assert recurrence.days_of(rule, MONDAY) == [MONDAY, date(2026, 11, 25)]


@pytest.mark.parametrize(
    ("rule", "field", "code"),
    [
        (Recurrence(Frequency.DAILY), "count", "recurrence_without_end"),
        (Recurrence(Frequency.DAILY, count=3, until=MONDAY), "count", "recurrence_without_end"),
        (Recurrence(Frequency.DAILY, count=367), "count", "out_of_range"),
        (Recurrence(Frequency.DAILY, count=0), "count", "out_of_range"),
        (Recurrence(Frequency.DAILY, 0, count=1), "interval", "out_of_range"),
        (Recurrence(Frequency.DAILY, 10**9, count=1), "interval", "out_of_range"),
        (Recurrence(Frequency.WEEKLY, weekdays=(7,), count=1), "weekdays", "out_of_range"),
        (Recurrence(Frequency.MONTHLY, weekdays=(1,), count=1), "weekdays", "recurrence_not_right"),
        (Recurrence(Frequency.MONTHLY, weekdays=(1, 2), nth=1, count=1), "nth", "recurrence_not_right"),
        (Recurrence(Frequency.MONTHLY, weekdays=(1,), nth=6, count=1), "nth", "out_of_range"),
        (Recurrence(Frequency.MONTHLY, month_day=32, count=1), "month_day", "out_of_range"),
        (Recurrence(Frequency.MONTHLY, month_day=0, count=1), "month_day", "out_of_range"),
        (Recurrence(Frequency.WEEKLY, month_day=3, count=1), "month_day", "recurrence_not_right"),
        (Recurrence(Frequency.DAILY, until=date(2026, 11, 22)), "until", "ends_before_start"),
        (Recurrence(Frequency.DAILY, until=date(2099, 1, 1)), "until", "span"),
    ],
)
def test_what_cannot_be_right_is_refused_by_name(rule: Recurrence, field: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        recurrence.checked(rule, MONDAY)
    assert (refused.value.params["field"], refused.value.reason) == (field, code)


def test_a_series_is_bounded() -> None:
    for rule in (
        Recurrence(Frequency.DAILY, until=date(2028, 1, 1)),
        Recurrence(Frequency.MONTHLY, 12, month_day=30, count=1),
    ):
        first = date(2026, 2, 1)
        with pytest.raises(InvalidInput):
            recurrence.days_of(recurrence.checked(rule, first), first)
