"""The arithmetic of intervals, and local times across clock changes."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.practitioners import service
from clinicdesk.features.practitioners.rules import days_between, instant, subtract, whole_day
from clinicdesk.features.practitioners.schemas import Interval, PractitionerRow, SetWeeklyHours, Shift

NEW_YORK = ZoneInfo("America/New_York")
SPRING, AUTUMN = date(2026, 3, 8), date(2026, 11, 1)
HOUR = timedelta(hours=1)
START = datetime(2026, 11, 23, tzinfo=UTC)


def stretch(start: int, end: int) -> Interval:
    return Interval(START + timedelta(minutes=start), START + timedelta(minutes=end))


def minutes(stretches: tuple[Interval, ...] | list[Interval]) -> set[int]:
    """The stretches as the set of their minutes: the plainest model of them."""
    return {
        minute
        for one in stretches
        for minute in range((one.start - START) // timedelta(minutes=1), (one.end - START) // timedelta(minutes=1))
    }


minute = st.integers(0, 200)
any_stretches = st.lists(
    st.tuples(minute, minute).filter(lambda pair: pair[0] <= pair[1]).map(lambda p: stretch(*p)), max_size=8
)


@st.composite
def planned_stretches(draw: st.DrawFn) -> list[Interval]:
    """Stretches in order that do not overlap (but may meet), as the shifts of a day are."""
    marks = sorted(draw(st.lists(minute, max_size=10)))
    return [stretch(start, end) for start, end in zip(marks[::2], marks[1::2], strict=False)]


@given(planned_stretches(), any_stretches)
def test_what_is_left_is_every_minute_outside_the_holes_and_no_other(
    planned: list[Interval], holes: list[Interval]
) -> None:
    left = subtract(planned, holes)
    assert minutes(left) == minutes(planned) - minutes(holes)
    assert all(one.start < one.end for one in left)
    assert all(one.end <= after.start for one, after in pairwise(left))


@given(planned_stretches(), any_stretches)
def test_the_order_of_the_holes_does_not_matter(planned: list[Interval], holes: list[Interval]) -> None:
    assert minutes(subtract(planned, holes)) == minutes(subtract(planned, reversed(holes)))


def test_an_empty_hole_takes_nothing_and_cuts_nothing() -> None:
    assert subtract([stretch(0, 60)], [stretch(60, 90), stretch(90, 90)]) == (stretch(0, 60),)


@given(
    st.sampled_from(
        ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana", "Asia/Kolkata",
         "Pacific/Apia", "America/Nuuk", "Antarctica/Troll"]
    ).map(ZoneInfo),
    st.dates(date(2011, 1, 1), date(2027, 12, 31)),
    st.integers(0, 1440),
    st.integers(0, 1440),
)  # fmt: skip
def test_later_on_the_clock_is_never_earlier_in_time(zone: ZoneInfo, day: date, one: int, other: int) -> None:
    first, second = sorted((one, other))
    bounds = whole_day(day, zone)
    assert bounds.start <= instant(day, first, zone) <= instant(day, second, zone) <= bounds.end
    assert bounds.end == whole_day(day + timedelta(days=1), zone).start


@pytest.mark.parametrize(
    ("zone", "day", "clock", "expected"),
    [
        ("America/New_York", SPRING, time(1, 59), "2026-03-08T06:59Z"),
        ("America/New_York", SPRING, time(2, 0), "2026-03-08T07:00Z"),  # skipped: 02:00 to 03:00
        ("America/New_York", SPRING, time(2, 30), "2026-03-08T07:00Z"),
        ("America/New_York", SPRING, time(3, 0), "2026-03-08T07:00Z"),
        ("America/New_York", AUTUMN, time(1, 30), "2026-11-01T05:30Z"),  # twice: the first
        ("America/New_York", AUTUMN, time(2, 0), "2026-11-01T07:00Z"),
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 15), "2026-10-03T15:30Z"),  # half an hour
        ("Pacific/Apia", date(2011, 12, 30), time(12, 0), "2011-12-30T10:00Z"),  # a day that never was
    ],
)
def test_a_time_that_is_skipped_is_the_change_and_one_that_comes_twice_the_first(
    zone: str, day: date, clock: time, expected: str
) -> None:
    assert instant(day, clock.hour * 60 + clock.minute, ZoneInfo(zone)) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", date(2026, 11, 23), 24),
        ("America/New_York", SPRING, 23),
        ("America/New_York", AUTUMN, 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Africa/Cairo", date(2026, 4, 24), 23),  # its midnight is skipped
        ("Africa/Cairo", date(2026, 10, 29), 25),  # its last hour comes twice
        ("America/Havana", date(2026, 11, 1), 25),  # its first hour comes twice
        ("Antarctica/Troll", date(2026, 3, 29), 22),
        ("Pacific/Apia", date(2011, 12, 30), 0),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(zone: str, day: date, hours: float) -> None:
    assert whole_day(day, ZoneInfo(zone)).length == hours * HOUR


def test_work_keeps_to_the_clock_through_the_night_of_a_change(
    db: Database, lee: PractitionerRow, administrator: Actor
) -> None:
    week = tuple(Shift(weekday, time(9), time(17)) for weekday in range(6))
    with db.write(administrator) as tx:
        service.set_weekly_hours(tx, SetWeeklyHours(lee.id, (*week, Shift(6, time(0), time(0))), date(2026, 1, 1)))
        worked = {
            day: {
                working.day: working.open[0]
                for working in service.working_days(tx, [lee.id], day - timedelta(days=1), day + timedelta(days=1))
            }
            for day in (SPRING, AUTUMN)
        }
    for change, length in ((SPRING, 23), (AUTUMN, 25)):
        assert worked[change][change].length == length * HOUR
        for day in (change - timedelta(days=1), change + timedelta(days=1)):
            assert worked[change][day].start.astimezone(NEW_YORK).time() == time(9)
            assert worked[change][day].length == 8 * HOUR
        saturday, monday = worked[change][change - timedelta(days=1)], worked[change][change + timedelta(days=1)]
        assert monday.start - saturday.start == 24 * HOUR + length * HOUR


@pytest.mark.shared_data
def test_every_clock_change_of_the_world_leaves_nine_at_nine(shared_data: Path) -> None:
    with (shared_data / "tz_dst" / "transitions_open.csv").open(newline="") as file:
        changes = [row for row in csv.DictReader(file) if knows(row)]
    assert len(changes) > 1_300  # the zones of this machine may be a little older or younger than the list
    wrong = [(row["zone"], row["utc_instant"], fault) for row in changes for fault in faults(row)]
    assert wrong == []


def knows(row: dict[str, str]) -> bool:
    """Whether this machine's zones have the change as well."""
    zone, change = ZoneInfo(row["zone"]), datetime.fromisoformat(row["utc_instant"])
    offsets = [at.astimezone(zone).utcoffset() for at in (change - timedelta(seconds=1), change)]
    return offsets == [timedelta(minutes=int(row[f"offset_{side}_min"])) for side in ("before", "after")]


def faults(row: dict[str, str]) -> list[str]:
    """What comes out wrong around this change."""
    zone = ZoneInfo(row["zone"])
    skipped = timedelta(minutes=int(row["offset_after_min"]) - int(row["offset_before_min"]))
    before, after = (datetime.fromisoformat(row[f"local_{side}"]) for side in ("before", "after"))
    changed = min(before, after).date()
    found: list[str] = []
    for day in days_between(changed - timedelta(days=1), changed + timedelta(days=1)):
        length = timedelta(days=1) - (skipped if day == changed else timedelta())
        if whole_day(day, zone).length != length:
            found.append(f"{day} is {whole_day(day, zone).length} long, not {length}")
        nine, five = (instant(day, hour * 60, zone) for hour in (9, 17))
        if nine.astimezone(zone).replace(tzinfo=None) != datetime.combine(day, time(9)) or five - nine != 8 * HOUR:
            found.append(f"work on {day} begins at {nine.astimezone(zone)}")
    marks = [instant(changed, minute, zone) for minute in range(0, 1441, 15)]
    if marks != sorted(marks):
        found.append(f"the clock of {changed} runs backwards")
    return found
