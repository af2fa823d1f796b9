"""Weekly hours, absences and holidays, and the working days that follow from them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from clinicdesk.core.errors import InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.tx import Actor, Committed, Database
from clinicdesk.features.practitioners import service
from clinicdesk.features.practitioners.schemas import (
    AbsenceKind,
    AddAbsence,
    Interval,
    PractitionerRow,
    SavePractitioner,
    SetWeeklyHours,
    Shift,
    WeeklyHoursRow,
    WorkingDay,
)

NEW_YORK = ZoneInfo("America/New_York")
MONDAY = date(2026, 11, 23)
NINE_TO_FIVE = tuple(Shift(weekday, time(9), time(17)) for weekday in range(5))
MORNINGS = tuple(Shift(weekday, time(8), time(12)) for weekday in range(5))


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), NEW_YORK).astimezone(UTC)


def local(day: WorkingDay) -> list[tuple[str, str]]:
    """The open stretches of a day on the clinic's clock."""
    return [(f"{i.start.astimezone(NEW_YORK):%H:%M}", f"{i.end.astimezone(NEW_YORK):%H:%M}") for i in day.open]


@pytest.fixture
def set_hours(db: Database, lee: PractitionerRow, administrator: Actor) -> Callable[..., list[WeeklyHoursRow]]:
    def set_hours(shifts: tuple[Shift, ...], valid_from: date, valid_to: date | None = None) -> list[WeeklyHoursRow]:
        with db.write(administrator) as tx:
            return service.set_weekly_hours(tx, SetWeeklyHours(lee.id, shifts, valid_from, valid_to))

    return set_hours


SetHours = Callable[..., list[WeeklyHoursRow]]


@pytest.fixture
def day_of(db: Database, lee: PractitionerRow, receptionist: Actor) -> Callable[[date], WorkingDay]:
    def day_of(day: date) -> WorkingDay:
        with db.read(receptionist) as tx:
            [working] = service.working_days(tx, [lee.id], day, day)
            return working

    return day_of


DayOf = Callable[[date], WorkingDay]


def test_the_hours_of_a_day_are_those_of_its_weekday(set_hours: SetHours, day_of: DayOf) -> None:
    set_hours((Shift(0, time(13), time(17)), Shift(0, time(9), time(12))), MONDAY)
    assert local(day_of(MONDAY)) == [("09:00", "12:00"), ("13:00", "17:00")]
    assert local(day_of(MONDAY + timedelta(days=1))) == []
    assert local(day_of(MONDAY + timedelta(days=7))) == [("09:00", "12:00"), ("13:00", "17:00")]
    assert local(day_of(MONDAY - timedelta(days=7))) == []


def test_a_shift_until_midnight_and_the_night_after_it_meet(set_hours: SetHours, day_of: DayOf) -> None:
    set_hours((Shift(0, time(22), time(0)), Shift(1, time(0), time(6))), MONDAY)
    evening, night = day_of(MONDAY), day_of(MONDAY + timedelta(days=1))
    assert evening.open[0].end == night.open[0].start == at(MONDAY + timedelta(days=1), 0)
    [row] = set_hours((Shift(0, time(22), time(0)), Shift(1, time(0), time(6))), MONDAY)
    assert row.shifts == (Shift(0, time(22), time(0)), Shift(1, time(0), time(6)))


def test_new_hours_end_the_old_ones_the_day_before(set_hours: SetHours, day_of: DayOf) -> None:
    set_hours(NINE_TO_FIVE, date(2026, 1, 5))
    rows = set_hours(MORNINGS, MONDAY)
    assert [(r.valid_from, r.valid_to, r.shifts) for r in rows] == [
        (date(2026, 1, 5), date(2026, 11, 22), NINE_TO_FIVE),
        (MONDAY, None, MORNINGS),
    ]
    assert local(day_of(date(2026, 11, 20))) == [("09:00", "17:00")]
    assert local(day_of(MONDAY)) == [("08:00", "12:00")]


def test_each_day_of_a_range_has_the_hours_that_are_valid_then(
    set_hours: SetHours, db: Database, lee: PractitionerRow, receptionist: Actor
) -> None:
    set_hours(NINE_TO_FIVE, MONDAY)
    set_hours(MORNINGS, MONDAY + timedelta(days=2), MONDAY + timedelta(days=2))
    with db.read(receptionist) as tx:
        days = service.working_days(tx, [lee.id], MONDAY - timedelta(days=3), MONDAY + timedelta(days=3))
    assert [local(day) for day in days] == [
        [], [], [], [("09:00", "17:00")], [("09:00", "17:00")], [("08:00", "12:00")], [("09:00", "17:00")],
    ]  # fmt: skip


def test_after_hours_for_a_while_the_old_ones_go_on(set_hours: SetHours, day_of: DayOf) -> None:
    set_hours(NINE_TO_FIVE, date(2026, 1, 5))
    rows = set_hours(MORNINGS, MONDAY, MONDAY + timedelta(days=4))
    assert [(r.valid_from, r.valid_to) for r in rows] == [
        (date(2026, 1, 5), date(2026, 11, 22)),
        (MONDAY, date(2026, 11, 27)),
        (date(2026, 11, 28), None),
    ]
    assert local(day_of(date(2026, 11, 27))) == [("08:00", "12:00")]
    assert local(day_of(date(2026, 11, 30))) == [("09:00", "17:00")]


def test_hours_that_cover_others_replace_them(set_hours: SetHours) -> None:
    set_hours(NINE_TO_FIVE, MONDAY, MONDAY + timedelta(days=4))
    rows = set_hours(MORNINGS, date(2026, 11, 1))
    assert [(r.valid_from, r.valid_to, r.shifts) for r in rows] == [(date(2026, 11, 1), None, MORNINGS)]


def test_an_empty_week_means_not_at_work(set_hours: SetHours, day_of: DayOf) -> None:
    set_hours(NINE_TO_FIVE, date(2026, 1, 5))
    set_hours((), MONDAY, MONDAY)
    assert local(day_of(MONDAY)) == []
    assert local(day_of(MONDAY + timedelta(days=1))) == [("09:00", "17:00")]


def test_setting_the_same_hours_again_changes_nothing(set_hours: SetHours, db: Database) -> None:
    first = set_hours(NINE_TO_FIVE, MONDAY)
    told: list[Committed] = []
    db.listeners.append(told.append)
    assert set_hours(tuple(reversed(NINE_TO_FIVE)), MONDAY) == first
    assert told == []


@pytest.mark.parametrize(
    ("shifts", "code"),
    [
        ((Shift(0, time(9), time(13)), Shift(0, time(12, 59), time(17))), "shifts_overlap"),
        ((Shift(0, time(0), time(0)), Shift(0, time(23), time(0))), "shifts_overlap"),
        ((Shift(0, time(9), time(9)),), "ends_before_start"),
        ((Shift(0, time(17), time(9)),), "ends_before_start"),
        ((Shift(7, time(9), time(17)),), "weekday"),
        ((Shift(-1, time(9), time(17)),), "weekday"),
        ((Shift(0, time(9, 0, 30), time(17)),), "whole_minutes"),
        ((Shift(0, time(9), time(17, tzinfo=UTC)),), "whole_minutes"),
    ],
)
def test_a_week_that_cannot_be_is_refused(set_hours: SetHours, shifts: tuple[Shift, ...], code: str) -> None:
    with pytest.raises(InvalidInput, match=code):
        set_hours(shifts, MONDAY)


def test_hours_need_a_practitioner_and_a_range_that_does_not_end_before_it_starts(
    set_hours: SetHours, db: Database, administrator: Actor
) -> None:
    with pytest.raises(InvalidInput, match="ends_before_start"):
        set_hours(NINE_TO_FIVE, MONDAY, MONDAY - timedelta(days=1))
    with pytest.raises(NotFound, match="practitioner_not_found"), db.write(administrator) as tx:
        service.set_weekly_hours(tx, SetWeeklyHours(new_id(), NINE_TO_FIVE, MONDAY))


def test_leave_and_blocks_are_taken_out_of_the_hours(
    set_hours: SetHours, day_of: DayOf, db: Database, lee: PractitionerRow, administrator: Actor
) -> None:
    set_hours(NINE_TO_FIVE, MONDAY)
    with db.write(administrator) as tx:
        calls = service.add_absence(
            tx, AddAbsence(lee.id, AbsenceKind.BLOCK, at(MONDAY, 12), at(MONDAY, 12, 30), " Phone  calls ")
        )
        leave = service.add_absence(
            tx, AddAbsence(lee.id, AbsenceKind.LEAVE, at(MONDAY, 16), at(MONDAY + timedelta(2), 10))
        )
    monday = day_of(MONDAY)
    assert local(monday) == [("09:00", "12:00"), ("12:30", "16:00")]
    assert monday.absences == (calls, leave)
    assert monday.shifts == (Interval(at(MONDAY, 9), at(MONDAY, 17)),)
    assert calls.note == "Phone calls"
    assert local(day_of(MONDAY + timedelta(days=1))) == []
    assert local(day_of(MONDAY + timedelta(days=2))) == [("10:00", "17:00")]
    with db.write(administrator) as tx:
        service.remove_absence(tx, calls.id)
        assert service.absences(tx, at(MONDAY, 0), at(MONDAY + timedelta(days=7), 0)) == [leave]
    assert local(day_of(MONDAY)) == [("09:00", "16:00")]
    with pytest.raises(NotFound, match="absence_not_found"), db.write(administrator) as tx:
        service.remove_absence(tx, calls.id)


def test_an_absence_of_the_whole_clinic_holds_for_everybody(
    set_hours: SetHours, day_of: DayOf, db: Database, administrator: Actor
) -> None:
    set_hours(NINE_TO_FIVE, MONDAY)
    with db.write(administrator) as tx:
        other = service.save_practitioner(tx, SavePractitioner("Herrera"))
        service.add_absence(tx, AddAbsence(other.id, AbsenceKind.LEAVE, at(MONDAY, 0), at(MONDAY, 12)))
        service.add_absence(tx, AddAbsence(None, AbsenceKind.BLOCK, at(MONDAY, 15), at(MONDAY, 16), "Fire drill"))
    assert local(day_of(MONDAY)) == [("09:00", "15:00"), ("16:00", "17:00")]


def test_an_absence_needs_a_practitioner_and_a_length(db: Database, lee: PractitionerRow, administrator: Actor) -> None:
    with pytest.raises(InvalidInput, match="ends_before_start"), db.write(administrator) as tx:
        service.add_absence(tx, AddAbsence(lee.id, AbsenceKind.LEAVE, at(MONDAY, 9), at(MONDAY, 9)))
    with pytest.raises(NotFound, match="practitioner_not_found"), db.write(administrator) as tx:
        service.add_absence(tx, AddAbsence(new_id(), AbsenceKind.LEAVE, at(MONDAY, 9), at(MONDAY, 10)))


def test_public_holidays_close_the_clinic_unless_it_works_on_them(
    set_hours: SetHours, day_of: DayOf, db: Database, administrator: Actor
) -> None:
    thanksgiving = date(2026, 11, 26)
    set_hours(NINE_TO_FIVE, MONDAY)
    with db.write(administrator) as tx:
        assert service.load_public_holidays(tx, "us", 2026) >= 10
    with db.write(administrator) as tx:
        assert service.load_public_holidays(tx, "US", 2026) == 0
        [row] = service.holidays(tx, thanksgiving, thanksgiving)
    closed = day_of(thanksgiving)
    assert (local(closed), closed.holiday, row.closed) == ([], row.name, True)
    assert "Thanksgiving" in closed.holiday
    assert closed.shifts == (Interval(at(thanksgiving, 9), at(thanksgiving, 17)),)
    with db.write(administrator) as tx:
        service.save_holiday(tx, thanksgiving, row.name, closed=False)
    assert (local(day_of(thanksgiving)), day_of(thanksgiving).holiday) == ([("09:00", "17:00")], "")
    with db.write(administrator) as tx:
        assert service.load_public_holidays(tx, "US", 2026) == 0  # what the clinic has decided stays
        assert service.holidays(tx, thanksgiving, thanksgiving)[0].closed is False


def test_a_region_has_holidays_of_its_own(db: Database, administrator: Actor) -> None:
    with db.write(administrator) as tx:
        service.load_public_holidays(tx, "DE", 2026, "BY")
        assert date(2026, 1, 6) in {
            holiday.day for holiday in service.holidays(tx, date(2026, 1, 1), date(2026, 12, 31))
        }


@pytest.mark.parametrize(
    ("country", "subdivision", "unknown"),
    [("XX", None, "country"), ("", None, "country"), ("XX", "BY", "country"), ("DE", "Nowhere", "subdivision")],
)
def test_holidays_of_a_country_that_does_not_exist_are_refused(
    db: Database, administrator: Actor, country: str, subdivision: str | None, unknown: str
) -> None:
    with pytest.raises(InvalidInput, match=f"unknown_{unknown}"), db.write(administrator) as tx:
        service.load_public_holidays(tx, country, 2026, subdivision)


def test_a_holiday_of_the_clinic_can_be_added_and_removed(
    set_hours: SetHours, day_of: DayOf, db: Database, administrator: Actor
) -> None:
    set_hours(NINE_TO_FIVE, MONDAY)
    with db.write(administrator) as tx:
        outing = service.save_holiday(tx, MONDAY, "Outing")
    assert day_of(MONDAY).holiday == "Outing"
    with db.write(administrator) as tx:
        service.remove_holiday(tx, outing.id)
    assert local(day_of(MONDAY)) == [("09:00", "17:00")]
    with pytest.raises(NotFound, match="holiday_not_found"), db.write(administrator) as tx:
        service.remove_holiday(tx, outing.id)


def test_days_come_in_order_and_take_two_queries_however_many(
    set_hours: SetHours, db: Database, lee: PractitionerRow, administrator: Actor, receptionist: Actor
) -> None:
    set_hours(NINE_TO_FIVE, MONDAY)
    with db.write(administrator) as tx:
        others = [service.save_practitioner(tx, SavePractitioner(f"Doe {n}")) for n in range(9)]
    ids = [others[0].id, lee.id, *(other.id for other in others[1:])]
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: asked.append(statement))
    with db.read(receptionist) as tx:
        days = service.working_days(tx, ids, MONDAY, MONDAY + timedelta(days=6))
        assert service.working_days(tx, [], MONDAY, MONDAY) == []
    assert [(d.day, d.practitioner_id) for d in days] == [
        (MONDAY + timedelta(days=n), owner) for n in range(7) for owner in ids
    ]
    assert len([statement for statement in asked if statement.startswith("SELECT")]) == 4
    assert [bool(d.open) for d in days if d.practitioner_id == lee.id] == [True] * 5 + [False] * 2
