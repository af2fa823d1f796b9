"""Visits in figures: counted by how they stand, by whose they are, and by day; rates, waits and the use of hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from clinicdesk.core.errors import InvalidInput, NotPermitted
from clinicdesk.core.tx import Actor
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import CancelAppointment, Status, VisitStatistics
from tests.conftest import Hands
from tests.features.appointments.conftest import TODAY, Desk, at

HOUR = timedelta(hours=1)


def ask(desk: Desk, actor: Actor, *what: Any) -> VisitStatistics:
    with desk.db.read(actor) as tx:
        return appointments.statistics(tx, *what)


def test_a_day_in_figures(desk: Desk, administrator: Actor, clock: Hands) -> None:
    place = desk.place
    came = desk.book(at(11), 60, type_id=place.follow_up)
    desk.book(at(13), 30, patient_id=place.jones)
    missed = desk.book(at(14), 30, patient_id=place.jones, practitioner_id=place.okafor)
    gone = desk.book(at(15), 30)
    desk.book(at(9, day=1), 30)
    desk.do(appointments.cancel, CancelAppointment(gone.id, 1, "pat"))
    came = desk.do(appointments.arrive, came.id, came.version)
    clock.now += timedelta(minutes=10)
    came = desk.do(appointments.start_visit, came.id, came.version)
    desk.do(appointments.fulfil, came.id, came.version)
    clock.now = at(18)
    desk.do(appointments.no_show, missed.id, missed.version)

    figures = desk.ask(appointments.statistics, TODAY, TODAY)
    assert figures.by_status == {Status.FULFILLED: 1, Status.BOOKED: 1, Status.NOSHOW: 1, Status.CANCELLED: 1}
    assert [(one.name, sum(one.by_status.values())) for one in figures.by_practitioner] == [
        ("Dr Amara Okafor", 1), ("Dr Grace Lee", 3),
    ]  # fmt: skip
    assert [(one.name, one.by_status.get(Status.FULFILLED, 0)) for one in figures.by_type] == [
        ("Follow-up", 1),
        ("", 0),
    ]
    assert [(day.day, day.visits) for day in figures.by_day] == [(TODAY, 3)]
    assert (figures.missed, figures.cancelled) == (0.5, 0.25)
    assert figures.mean_wait == timedelta(minutes=10)
    starts = (at(11), at(13), at(14), at(15))
    assert figures.mean_lead == sum((start - at(10, 42) for start in starts), timedelta(0)) / 4
    assert (figures.booked, figures.open) == (2 * HOUR, 30 * HOUR)
    assert figures.used == pytest.approx(2 / 30)

    lee = ask(desk, administrator, TODAY, TODAY + timedelta(days=1), [place.lee])
    assert sum(lee.by_status.values()) == 4
    assert lee.open == 20 * HOUR


def test_where_there_is_nothing_there_are_no_rates(desk: Desk, administrator: Actor) -> None:
    empty = ask(desk, administrator, date(2027, 1, 1), date(2027, 1, 2))
    assert (empty.by_status, empty.by_practitioner, empty.by_type) == ({}, (), ())
    assert (empty.missed, empty.cancelled, empty.mean_wait, empty.mean_lead, empty.used) == (None, None, None, None, 0)


@pytest.mark.parametrize(("days", "code"), [(366, "span"), (-1, "ends_before_start")])
def test_a_year_at_most(desk: Desk, administrator: Actor, days: int, code: str) -> None:
    with pytest.raises(InvalidInput, match=code):
        ask(desk, administrator, TODAY, TODAY + timedelta(days=days))


def test_the_desk_sees_todays_figures_and_a_doctor_their_own(desk: Desk, doctor: Actor) -> None:
    place = desk.place
    desk.book(at(11), 60)
    desk.book(at(14), 30, patient_id=place.jones, practitioner_id=place.okafor)
    tomorrow = TODAY + timedelta(days=1)
    with pytest.raises(NotPermitted, match="figures_of_today"):
        desk.ask(appointments.statistics, TODAY, tomorrow)
    lee = replace(doctor, practitioner_id=place.lee)
    assert sum(ask(desk, lee, TODAY, tomorrow).by_status.values()) == 1
    with pytest.raises(NotPermitted, match="own_figures"):
        ask(desk, lee, TODAY, TODAY, [place.okafor])
    with pytest.raises(NotPermitted, match="practitioner_not_linked"):
        ask(desk, doctor, TODAY, TODAY)
