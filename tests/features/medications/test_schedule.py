"""Reminders come by the clinic's clocks: once for every time of every day, in order, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinicdesk.features.medications.schedule import due_within, next_due
from clinicdesk.features.medications.schemas import ReminderRule

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)


def local(zone: ZoneInfo, *told: int) -> datetime:
    return datetime(*told, tzinfo=zone)  # type: ignore[arg-type,misc]


def clocks(rule: ReminderRule, first: datetime, last: datetime, zone: ZoneInfo = BERLIN) -> list[str]:
    return [due.astimezone(zone).strftime("%d %H:%M %z") for due in due_within(rule, first, last, zone)]


def test_eight_stays_eight_when_the_clocks_change() -> None:
    rule = ReminderRule((time(8),), date(2026, 10, 1))
    span = local(BERLIN, 2026, 10, 24), local(BERLIN, 2026, 10, 27)
    assert clocks(rule, *span) == ["24 08:00 +0200", "25 08:00 +0100", "26 08:00 +0100"]


def test_a_time_that_the_clocks_leave_out_comes_an_hour_later() -> None:
    rule = ReminderRule((time(2, 30),), date(2027, 3, 1))
    span = local(BERLIN, 2027, 3, 27), local(BERLIN, 2027, 3, 30)
    assert clocks(rule, *span) == ["27 02:30 +0100", "28 03:30 +0200", "29 02:30 +0200"]


def test_two_times_that_the_clocks_push_together_are_one_reminder() -> None:
    rule = ReminderRule((time(2, 30), time(3, 30)), date(2027, 3, 28), date(2027, 3, 28))
    assert clocks(rule, local(BERLIN, 2027, 3, 27), local(BERLIN, 2027, 3, 30)) == ["28 03:30 +0200"]


def test_a_time_that_comes_twice_reminds_the_first_time() -> None:
    rule = ReminderRule((time(2, 30),), date(2026, 10, 25), date(2026, 10, 25))
    assert clocks(rule, local(BERLIN, 2026, 10, 24), local(BERLIN, 2026, 10, 27)) == ["25 02:30 +0200"]


def test_a_day_that_a_country_skipped() -> None:
    apia = ZoneInfo("Pacific/Apia")  # there was no 30 December 2011
    rule = ReminderRule((time(8),), date(2011, 12, 29), date(2011, 12, 31))
    span = local(apia, 2011, 12, 29), local(apia, 2012, 1, 2)
    assert clocks(rule, *span, apia) == ["29 08:00 -1000", "31 08:00 +1400"]


def test_a_time_of_a_skipped_day_is_made_up_for_on_the_next() -> None:
    apia = ZoneInfo("Pacific/Apia")
    rule = ReminderRule((time(8),), date(2011, 12, 30), date(2011, 12, 30))
    span = local(apia, 2011, 12, 29), local(apia, 2012, 1, 2)
    assert clocks(rule, *span, apia) == ["31 08:00 +1400"]


def test_weekdays_and_both_ends_count() -> None:
    rule = ReminderRule((time(20), time(8)), date(2026, 11, 24), date(2026, 11, 30), frozenset({0, 1}))
    span = local(BERLIN, 2026, 11, 1), local(BERLIN, 2026, 12, 31)
    assert clocks(rule, *span) == ["24 08:00 +0100", "24 20:00 +0100", "30 08:00 +0100", "30 20:00 +0100"]


def test_after_the_last_there_is_none() -> None:
    rule = ReminderRule((time(8),), date(2026, 11, 1), date(2026, 11, 23))
    last = local(BERLIN, 2026, 11, 23, 8)
    assert next_due(rule, last - timedelta(seconds=1), BERLIN) == last
    assert next_due(rule, last, BERLIN) is None


zones = st.sampled_from(
    [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Santiago",
        "America/Havana",
        "Asia/Kathmandu",
        "UTC",
    ]
).map(ZoneInfo)
times = st.lists(st.times().map(lambda at: at.replace(second=0, microsecond=0)), min_size=1, max_size=6, unique=True)
days = st.dates(date(2024, 1, 1), date(2028, 1, 1))
rules = st.builds(ReminderRule, times.map(tuple), days, st.none(), st.frozensets(st.integers(0, 6), min_size=1))


instants = st.integers(0, 4 * 365 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(rules, zones, days, st.integers(1, 20))
def test_every_time_of_every_day_is_due_exactly_once(rule: ReminderRule, zone: ZoneInfo, day: date, span: int) -> None:
    first = datetime.combine(day, time(), zone).astimezone(UTC)
    last = datetime.combine(day + span * DAY, time(), zone).astimezone(UTC)
    named = {
        datetime.combine(day + nth * DAY, at, zone).astimezone(UTC)
        for nth in range(-1, span + 1)
        for at in rule.times
        if (day + nth * DAY).weekday() in rule.weekdays and day + nth * DAY >= rule.starts_on
    }
    assert due_within(rule, first, last, zone) == sorted(due for due in named if first <= due < last)


@given(rules, zones, instants, st.integers(1, 3000))
def test_asking_in_parts_finds_the_same_as_asking_at_once(
    rule: ReminderRule, zone: ZoneInfo, start: datetime, minutes: int
) -> None:
    middle, end = start + timedelta(minutes=minutes), start + timedelta(minutes=3001)
    whole = due_within(rule, start, end, zone)
    assert due_within(rule, start, middle, zone) + due_within(rule, middle, end, zone) == whole
    following = next_due(rule, start, zone)
    assert following is not None
    assert [due for due in whole if due > start][:1] in ([], [following])


@pytest.mark.parametrize("weekday", range(7))
def test_once_a_week_is_a_week_apart(weekday: int) -> None:
    rule = ReminderRule((time(12),), date(2026, 1, 1), weekdays=frozenset({weekday}))
    due = due_within(rule, local(BERLIN, 2026, 3, 1), local(BERLIN, 2026, 5, 1), BERLIN)
    days_apart = {later.astimezone(BERLIN).date() - sooner.astimezone(BERLIN).date() for sooner, later in pairwise(due)}
    assert days_apart == {timedelta(weeks=1)}
