"""Days and times as they are typed at the desk."""

from __future__ import annotations

from datetime import date, time

import pytest

from clinicdesk.features.appointments.when import parse_day, parse_time

MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("today", MONDAY), ("tom", date(2026, 11, 24)), ("tue", date(2026, 11, 24)), ("mon", date(2026, 11, 30)),
        ("6w", date(2027, 1, 4)), ("10d", date(2026, 12, 3)), ("3m", date(2027, 2, 23)), ("1y", date(2027, 11, 23)),
        ("+3", date(2026, 11, 26)), ("12 dec", date(2026, 12, 12)), ("12.12.", date(2026, 12, 12)),
        ("3 jan", date(2027, 1, 3)), ("3 jan 2025", date(2025, 1, 3)), ("5", date(2026, 12, 5)),
        ("2026-12-24", date(2026, 12, 24)), (" TUESDAY ", date(2026, 11, 24)),
        ("dec 12", date(2026, 12, 12)), ("12 dec 2027", date(2027, 12, 12)), ("12dec", date(2026, 12, 12)),
        ("12.12", date(2026, 12, 12)), ("12/12/2027", date(2027, 12, 12)), ("2 weeks", date(2026, 12, 7)),
        ("next tue", date(2026, 11, 24)), ("tu", date(2026, 11, 24)), ("23", MONDAY), ("31", date(2026, 12, 31)),
    ],
)  # fmt: skip
def test_a_day_is_read(typed: str, meant: date) -> None:
    assert parse_day(typed, MONDAY) == meant


@pytest.mark.parametrize("typed", ["", "soon", "31 feb", "99", "12 foo", "2026-13-01", "w6"])
def test_what_is_no_day_is_none(typed: str) -> None:
    assert parse_day(typed, MONDAY) is None


def test_three_months_from_the_last_of_a_month_stay_in_the_month() -> None:
    assert parse_day("3m", date(2026, 11, 30)) == date(2027, 2, 28)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("9", time(9)), ("930", time(9, 30)), ("1130", time(11, 30)), ("11:30", time(11, 30)), ("11.30", time(11, 30)),
     ("2pm", time(14)), ("12am", time(0)), ("12:15 pm", time(12, 15)), ("3", time(3)), ("6:00", time(6))],
)  # fmt: skip
def test_a_time_is_read(typed: str, meant: time) -> None:
    assert parse_time(typed) == meant


@pytest.mark.parametrize("typed", ["", "25", "12:60", "13pm", "noon"])
def test_what_is_no_time_is_none(typed: str) -> None:
    assert parse_time(typed) is None
