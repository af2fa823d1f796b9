"""Calendars and lists show what is in the book, all of it, on the clinic's own days."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from clinicdesk.core.errors import NotPermitted
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import CancelAppointment, DayLoad, FindOpenings, Status
from tests.conftest import Hands
from tests.features.appointments.conftest import TODAY, Desk, Place, at


def test_a_day_shows_hours_and_visits_of_those_asked_for(desk: Desk, place: Place) -> None:
    late, early = desk.book(at(14)), desk.book(at(11))
    other = desk.book(at(12), practitioner_id=place.okafor)
    desk.book(at(11, day=1))
    day = desk.ask(appointments.day_schedule, TODAY)
    assert day.visits == (early, other, late)
    assert [w.practitioner_id for w in day.working] == [place.okafor, place.lee, place.herrera]
    day = desk.ask(appointments.day_schedule, TODAY, (place.lee,))
    assert day.visits == (early, late)
    assert [(s.start, s.end) for s in day.working[0].open] == [(at(8), at(18))]


def test_a_day_shows_cancelled_visits_too(desk: Desk) -> None:
    row = desk.book(at(11))
    row = desk.do(appointments.cancel, CancelAppointment(row.id, row.version, "pat-fb"))
    assert desk.ask(appointments.day_schedule, TODAY).visits == (row,)


def test_a_visit_over_midnight_shows_on_both_days(desk: Desk) -> None:
    row = desk.book(at(23, 30), 60, outside_hours=True)
    for day in (TODAY, TODAY + timedelta(days=1)):
        assert desk.ask(appointments.day_schedule, day).visits == (row,)
    assert desk.ask(appointments.day_schedule, TODAY + timedelta(days=2)).visits == ()


def test_visits_of_a_patient_come_latest_first(desk: Desk, place: Place) -> None:
    first, second = desk.book(at(11)), desk.book(at(11, day=3))
    desk.book(at(12), patient_id=place.jones)
    assert desk.ask(appointments.visits_of_patient, place.smith) == [second, first]


def test_day_loads_count_visits_and_the_time_that_was_given_to_patients(desk: Desk, place: Place) -> None:
    desk.book(at(11))
    row = desk.book(at(12))
    desk.do(appointments.cancel, CancelAppointment(row.id, row.version, "pat"))
    desk.book(at(12), 45, practitioner_id=place.okafor)
    desk.book(at(15), status=Status.PROPOSED)
    desk.book(at(11, day=2))
    loads = desk.ask(appointments.day_loads, TODAY, TODAY + timedelta(days=2))
    hours = timedelta(hours=30)
    assert loads == [
        DayLoad(TODAY, 3, timedelta(minutes=75), hours),
        DayLoad(TODAY + timedelta(days=1), 0, timedelta(0), hours),
        DayLoad(TODAY + timedelta(days=2), 1, timedelta(minutes=30), hours),
    ]
    [mine] = desk.ask(appointments.day_loads, TODAY, TODAY, (place.okafor,))
    assert (mine.visits, mine.booked, mine.open) == (1, timedelta(minutes=45), timedelta(hours=10))


def test_waiting_times(desk: Desk, place: Place, clock: Hands) -> None:
    waiting = desk.ask(appointments.waiting_times, TODAY)
    assert (waiting.waiting, waiting.seen, waiting.longest, waiting.mean) == (0, 0, timedelta(0), timedelta(0))
    one, two, three = (desk.book(at(11 + n), patient_id=place.others[n]) for n in range(3))
    for minute, row in enumerate((one, two, three)):
        clock.now = at(11, minute)
        desk.do(appointments.arrive, row.id, row.version)
    clock.now = at(11, 10)
    desk.do(appointments.start_visit, one.id, 2)
    clock.now = at(11, 20)
    waiting = desk.ask(appointments.waiting_times, TODAY)
    assert (waiting.waiting, waiting.longest) == (2, timedelta(minutes=19))
    assert (waiting.seen, waiting.mean, waiting.over_target) == (1, timedelta(minutes=10), 2)
    assert desk.ask(appointments.waiting_times, TODAY, (place.okafor,)).waiting == 0


def test_who_may_not_see_the_calendar_does_not(desk: Desk) -> None:
    with pytest.raises(NotPermitted):
        desk.as_(Actor(None, Role.PATIENT)).ask(appointments.day_schedule, date(2026, 11, 23))


def test_no_read_of_the_calendar_walks_through_all_visits_or_patients(desk: Desk, place: Place) -> None:
    """What keeps a day as quick among a million visits as among ten: each statement goes by an index."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        asked.append((statement, parameters))

    event.listen(desk.db.engine, "before_cursor_execute", note)
    desk.book(at(11))
    for verb, *args in (
        (appointments.day_schedule, TODAY),
        (appointments.day_schedule, TODAY, (place.lee, place.okafor)),
        (appointments.visits_of_patient, place.smith),
        (appointments.day_loads, TODAY, TODAY + timedelta(days=40)),
        (appointments.day_loads, TODAY, TODAY + timedelta(days=40), (place.lee,)),
        (appointments.waiting_times, TODAY),
        (appointments.find_openings, FindOpenings(timedelta(minutes=20), at(8), patient_id=place.smith)),
        (appointments.next_opening, place.lee, at(11), timedelta(minutes=20)),
    ):
        desk.ask(verb, *args)
    event.remove(desk.db.engine, "before_cursor_execute", note)
    assert len(asked) > 30
    explain, walk = "EXPLAIN QUERY PLAN", re.compile(r"SCAN (appointment|patient|audit)\w*")
    with desk.db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            explain, walk = "EXPLAIN", re.compile(r"Seq Scan on (appointment|patient|audit)\w*")
            connection.exec_driver_sql(
                "SET enable_seqscan = off"
            )  # among a handful of visits it would be the quickest way
        for statement, parameters in asked:
            if statement.startswith(("SELECT", "WITH")):
                plan = "\n".join(row[-1] for row in connection.exec_driver_sql(f"{explain} {statement}", parameters))
                walked = {match[0] for match in walk.finditer(plan) if "appointment_type" not in match[0]}
                assert not walked, statement


@pytest.mark.embedded  # a constraint of PostgreSQL's is an index
def test_the_search_for_an_overlap_goes_by_the_indexes_made_for_it(desk: Desk) -> None:
    with desk.db.engine.connect() as connection:
        for name in ("practitioner", "room"):
            triggers = connection.exec_driver_sql(
                "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND sql LIKE ?",
                (f"%INDEXED BY ix_appointment_holds_{name}%",),
            )
            assert triggers.scalar() == 2
