"""Across a clock change 09:00 stays 09:00, and days of 23 and 25 hours book, move and count right."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import FindOpenings, OutsideHours, Reschedule, SlotTaken
from tests.conftest import Hands
from tests.features.appointments.conftest import Desk, Place, furnish

HALF = timedelta(minutes=30)
# The clinic's zone, the day of the change, and its length in hours.
CHANGES = [
    ("Europe/Berlin", date(2026, 10, 25), 25),
    ("Europe/Berlin", date(2027, 3, 28), 23),
    ("America/New_York", date(2026, 11, 1), 25),
    ("America/New_York", date(2027, 3, 14), 23),
    ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
    ("America/Santiago", date(2026, 9, 6), 23),  # at midnight: the day begins at 01:00
]


@pytest.fixture(params=CHANGES, ids=lambda change: f"{change[0]} {change[2]} h")
def change(request: pytest.FixtureRequest) -> tuple[str, date, float]:
    found: tuple[str, date, float] = request.param
    return found


@pytest.fixture
def zone(change: tuple[str, date, float]) -> ZoneInfo:
    return ZoneInfo(change[0])


@pytest.fixture
def desk(db: Database, clock: Hands, receptionist: Actor, change: tuple[str, date, float]) -> Desk:
    clock.now = datetime(2026, 8, 1, tzinfo=UTC)
    return Desk(db, receptionist, furnish(db, change[0]))


@pytest.fixture
def place(desk: Desk) -> Place:
    return desk.place


def local(day: date, hour: int, zone: ZoneInfo, minute: int = 0, fold: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute, fold=fold), zone)


def test_nine_stays_nine(desk: Desk, place: Place, change: tuple[str, date, float], zone: ZoneInfo) -> None:
    for days in range(-1, 2):
        day = change[1] + timedelta(days=days)
        row = desk.book(local(day, 8, zone), patient_id=place.others[days])
        assert row.start.astimezone(zone).time() == time(8)
        with pytest.raises(OutsideHours):
            desk.book(local(day, 7, zone, 30))
        with pytest.raises(OutsideHours):
            desk.book(local(day, 18, zone))
        found = desk.ask(appointments.day_schedule, day)
        assert [v.id for v in found.visits] == [row.id]
        assert {s.start.astimezone(zone).time() for w in found.working for s in w.open} == {time(8)}


def test_a_move_to_the_next_day_keeps_the_time_on_the_clock(
    desk: Desk, change: tuple[str, date, float], zone: ZoneInfo
) -> None:
    row = desk.book(local(change[1] - timedelta(days=1), 9, zone))
    row = desk.do(appointments.reschedule, Reschedule(row.id, row.version, local(change[1], 9, zone)))
    assert row.start.astimezone(zone).time() == time(9)
    assert row.end - row.start == HALF
    assert [v.id for v in desk.ask(appointments.day_schedule, change[1]).visits] == [row.id]
    assert desk.ask(appointments.day_schedule, change[1] - timedelta(days=1)).visits == ()


def test_the_whole_day_can_be_filled_and_no_more(
    desk: Desk, place: Place, change: tuple[str, date, float], zone: ZoneInfo
) -> None:
    _, day, hours = change
    midnight = local(day, 0, zone).astimezone(UTC)
    if midnight.astimezone(zone).time() != time(0):  # midnight itself was skipped
        midnight = local(day, 1, zone).astimezone(UTC)
    halves = int(hours * 2)
    for nth in range(halves):
        desk.book(midnight + nth * HALF, outside_hours=True, patient_id=place.smith)
    found = desk.ask(appointments.day_schedule, day)
    assert len(found.visits) == halves
    [load] = desk.ask(appointments.day_loads, day, day)
    assert (load.visits, load.booked) == (halves, timedelta(hours=hours))
    with pytest.raises(SlotTaken):
        desk.book(midnight + (halves - 1) * HALF, outside_hours=True, patient_id=place.jones)
    desk.book(midnight + halves * HALF, outside_hours=True, patient_id=place.jones)
    assert len(desk.ask(appointments.day_schedule, day).visits) == halves


def test_an_opening_lies_in_the_hours_of_the_clock(
    desk: Desk, place: Place, change: tuple[str, date, float], zone: ZoneInfo
) -> None:
    day = change[1]
    asked = FindOpenings(HALF, local(day, 0, zone), local(day, 23, zone), (place.lee,), from_minute=540, limit=1)
    [best] = desk.ask(appointments.find_openings, asked)
    assert best.start.astimezone(zone).time() == time(9)


def test_the_hour_that_comes_twice_is_two_hours(db: Database, clock: Hands, receptionist: Actor) -> None:
    clock.now = datetime(2026, 8, 1, tzinfo=UTC)
    berlin, day = ZoneInfo("Europe/Berlin"), date(2026, 10, 25)
    desk = Desk(db, receptionist, furnish(db, "Europe/Berlin"))
    first = desk.book(local(day, 2, berlin, 30), outside_hours=True)
    second = desk.book(local(day, 2, berlin, 30, fold=1), outside_hours=True)
    assert second.start - first.start == timedelta(hours=1)
