"""The calendar's vertical axis: nine o'clock stays nine o'clock, and a day of 23 or 25 hours is as long as it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinicdesk.desktop.appointments.day_axis import DayAxis, days_of_week
from clinicdesk.features.practitioners.rules import whole_day

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN, PLAIN = date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 23)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago", "UTC")


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (PLAIN, 24)])
def test_a_single_day_is_as_long_as_it_is(day: date, hours: int) -> None:
    assert DayAxis([day], BERLIN).length == hours * 60


def test_the_repeated_hour_is_marked_twice_and_the_skipped_one_not_at_all() -> None:
    autumn = [mark.at for mark in DayAxis([AUTUMN], BERLIN).marks if mark.is_hour]
    spring = [mark.at for mark in DayAxis([SPRING], BERLIN).marks if mark.is_hour]
    assert autumn.count(time(2)) == 2
    assert time(2) not in spring
    assert spring.count(time(3)) == 1


def test_nine_stands_at_one_height_all_through_a_week_with_a_clock_change() -> None:
    for change in (SPRING, AUTUMN):
        axis = DayAxis(days_of_week(change, 0), BERLIN)
        nines = {axis.minute(datetime.combine(day, time(9), BERLIN)) for day in axis.days}
        assert len(nines) == 1


def test_a_week_leaves_empty_what_a_day_does_not_have() -> None:
    spring = DayAxis(days_of_week(SPRING, 0), BERLIN)
    assert spring.missing(SPRING) == [(120, 180)]
    assert spring.missing(SPRING - timedelta(days=1)) == []
    autumn = DayAxis(days_of_week(AUTUMN, 0), BERLIN)
    assert autumn.missing(AUTUMN) == []
    assert autumn.missing(AUTUMN - timedelta(days=1)) == [(180, 240)]
    assert DayAxis([SPRING], BERLIN).missing(SPRING) == []


@given(
    st.sampled_from(ZONES),
    st.dates(date(2019, 1, 1), date(2027, 12, 31)),
    st.integers(0, 25 * 60),
)
def test_every_minute_of_a_day_goes_down_the_axis_and_back(name: str, day: date, minute: int) -> None:
    zone = ZoneInfo(name)
    whole = whole_day(day, zone)
    instant = whole.start + timedelta(minutes=minute)
    if instant >= whole.end:
        return
    axis = DayAxis([day], zone)
    assert axis.instant(day, axis.minute(instant)) == instant
    assert axis.minute(instant) == minute


def test_a_visit_is_cut_at_the_edges_of_the_day() -> None:
    axis = DayAxis([PLAIN], UTC_ZONE)
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert axis.span(PLAIN, midnight - hour, midnight + hour) == (0, 60)
    assert axis.span(PLAIN, midnight + 23 * hour, midnight + 25 * hour) == (23 * 60, 24 * 60)
    assert axis.span(PLAIN, midnight - hour, midnight) is None


UTC_ZONE = ZoneInfo("UTC")
