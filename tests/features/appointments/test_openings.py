"""Free times are found where they are, best first, and never where something is already."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from clinicdesk.core.errors import InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.tx import Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import (
    BookAppointment,
    FindOpenings,
    FreeDay,
    Opening,
    OpeningsOf,
    SlotTaken,
)
from clinicdesk.features.practitioners.models import Absence, Practitioner
from clinicdesk.features.practitioners.schemas import Interval
from tests.conftest import Hands
from tests.features.appointments.conftest import TODAY, Desk, Place, at

HALF = timedelta(minutes=30)


@pytest.fixture
def only_lee(desk: Desk, place: Place) -> Desk:
    """The others do not take visits."""
    with desk.db.engine.begin() as connection:
        connection.execute(update(Practitioner).where(Practitioner.id != place.lee).values(active=False))
    return desk


def find(desk: Desk, **asked: Any) -> list[Opening]:
    found: list[Opening] = desk.ask(appointments.find_openings, replace(FindOpenings(HALF, at(8)), **asked))
    return found


def test_an_exact_gap_comes_first(only_lee: Desk, place: Place) -> None:
    only_lee.book(at(13), 60)
    only_lee.book(at(14, 30), 60, patient_id=place.jones)
    best = find(only_lee, limit=3)
    assert (best[0].start, best[0].reasons) == (at(14), ("exact_fit", "between_visits"))
    assert best[1].start == at(10, 40)
    assert len(best) == 3


def test_what_leaves_a_useless_rest_says_so_and_comes_later(only_lee: Desk, place: Place) -> None:
    only_lee.book(at(10, 40), 110)
    only_lee.book(at(13, 10), 230, patient_id=place.jones)  # 12:30 to 13:10 is free, and from 17:00
    best = find(only_lee, latest=at(18), limit=4)
    assert [o.start for o in best] == [at(17), at(17, 30), at(12, 30)]
    assert best[2].reasons == ("between_visits", "leaves_gap")
    assert best[2].gap == timedelta(minutes=10)
    assert "last_of_day" in best[1].reasons


def test_who_was_asked_for_comes_before_the_others(desk: Desk, place: Place) -> None:
    best = find(desk, practitioner_ids=(place.lee,), latest=at(18), limit=100)
    names = [o.practitioner_name for o in best]
    assert names[0] == "Dr Grace Lee"
    first_other = next(n for n, name in enumerate(names) if name != "Dr Grace Lee")
    assert "Dr Grace Lee" not in names[first_other:]
    assert all(("other_practitioner" in o.reasons) == (o.practitioner_id != place.lee) for o in best)


def test_without_a_wish_anybody_will_do(desk: Desk, place: Place) -> None:
    assert {o.practitioner_id for o in find(desk, limit=3)} == {place.lee, place.okafor, place.herrera}


def test_weekdays_and_times_of_day_narrow_it(only_lee: Desk) -> None:
    best = find(only_lee, weekdays=frozenset({1}), from_minute=13 * 60, to_minute=14 * 60, limit=4)
    assert [o.start for o in best] == [at(13, day=1), at(13, 30, day=1), at(13, day=8), at(13, 30, day=8)]
    assert [("later_day" in o.reasons) for o in best] == [False, False, True, True]


def test_the_patients_own_visits_are_avoided(desk: Desk, place: Place) -> None:
    desk.book(at(11), 420, practitioner_id=place.okafor)
    best = find(desk, patient_id=place.smith, practitioner_ids=(place.lee,), earliest=at(11), latest=at(18), limit=50)
    assert [o.start for o in best] == []
    assert find(desk, practitioner_ids=(place.lee,), earliest=at(11), latest=at(18))


def test_a_shared_room_is_avoided(desk: Desk, place: Place) -> None:
    with desk.db.engine.begin() as connection:
        values = {"room_id": place.lee_room}
        connection.execute(update(Practitioner).where(Practitioner.id == place.herrera).values(values))
    desk.book(at(11), 420)
    best = find(desk, practitioner_ids=(place.herrera,), earliest=at(11), latest=at(18))
    assert {o.practitioner_id for o in best} == {place.okafor}


def test_a_room_that_is_asked_for_must_be_free(only_lee: Desk, place: Place) -> None:
    only_lee.book(at(11, 30), 390, room_id=place.okafor_room)
    with only_lee.db.engine.begin() as connection:
        connection.execute(update(Practitioner).values(active=Practitioner.id == place.herrera))
    assert find(only_lee, latest=at(18))[0].practitioner_id == place.herrera
    times = [o.start for o in find(only_lee, room_id=place.okafor_room, latest=at(18))]
    assert times == [at(10, 40), at(11)]


def test_leave_is_avoided_and_a_full_clinic_has_no_opening(only_lee: Desk, place: Place) -> None:
    with only_lee.db.write(only_lee.actor) as tx:
        tx.session.add(
            Absence(id=new_id(), practitioner_id=place.lee, kind="leave", start=at(0), end=at(0, day=20), note="")
        )
    assert find(only_lee)[0].start == at(8, day=20)
    with only_lee.db.write(only_lee.actor) as tx:
        tx.session.add(
            Absence(id=new_id(), practitioner_id=None, kind="leave", start=at(0), end=at(0, day=400), note="")
        )
    assert find(only_lee) == []


def test_nothing_is_offered_that_has_passed(only_lee: Desk, clock: Hands) -> None:
    clock.now = at(17, 12)
    assert find(only_lee)[0].start == at(17, 10)
    assert find(only_lee, latest=at(12)) == []


def test_the_keys_step_from_opening_to_opening_and_back(desk: Desk, place: Place) -> None:
    desk.book(at(11), 60)
    seen: list[datetime] = []
    cursor = at(10)
    for _ in range(3):
        opening = desk.ask(appointments.next_opening, place.lee, cursor, HALF)
        cursor = opening.start
        seen.append(cursor)
    assert seen == [at(12), at(12, 30), at(13)]
    assert desk.ask(appointments.previous_opening, place.lee, cursor, HALF).start == at(12, 30)
    assert desk.ask(appointments.previous_opening, place.lee, at(12), HALF) is None
    assert desk.ask(appointments.next_opening, place.lee, at(17, 30), HALF).start == at(8, day=1)
    assert desk.ask(appointments.previous_opening, place.lee, at(8, day=1), HALF).start == at(17, 30)


def test_the_search_ends(desk: Desk, place: Place) -> None:
    assert desk.ask(appointments.next_opening, place.lee, at(10), timedelta(hours=11)) is None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    visits=st.lists(st.tuples(st.integers(0, 100), st.sampled_from([10, 15, 20, 45, 60])), max_size=8),
    minutes=st.sampled_from([10, 20, 30, 50]),
)
def test_every_opening_can_be_booked(desk: Desk, place: Place, visits: list[tuple[int, int]], minutes: int) -> None:
    length = timedelta(minutes=minutes)
    with suppress(_Enough), desk.db.write(desk.actor) as tx:
        for start, lasts in visits:
            when = at(10, 45) + timedelta(minutes=5 * start)
            with suppress(SlotTaken), tx.attempt():
                appointments.book(
                    tx,
                    BookAppointment(
                        place.jones, place.lee, when, timedelta(minutes=lasts), outside_hours=True, patient_overlap=True
                    ),
                )
        request = FindOpenings(length, at(8), practitioner_ids=(place.lee,), patient_id=place.smith)
        found = appointments.find_openings(tx, request)
        assert found
        for opening in found:
            with suppress(SlotTaken), tx.attempt():
                appointments.book(tx, BookAppointment(place.smith, opening.practitioner_id, opening.start, length))
                continue
            assert any(o.start < opening.end and opening.start < o.end for o in found if o is not opening)
        raise _Enough


class _Enough(Exception):
    """Leave the unit of work as it was."""


def test_a_clinic_without_anybody_has_no_opening(desk: Desk, db: Database) -> None:
    with db.engine.begin() as connection:
        connection.execute(update(Practitioner).values(active=False))
    assert find(desk) == []


def test_the_openings_of_one_practitioner_are_theirs_alone_in_order_of_time_and_end_to_end(
    desk: Desk, place: Place
) -> None:
    desk.book(at(12), 60)
    found = desk.ask(appointments.openings_of, OpeningsOf(place.lee, at(8), at(14), HALF))
    assert {opening.practitioner_id for opening in found} == {place.lee}
    starts = [opening.start for opening in found]
    assert starts == [at(10, 40), at(11), at(11, 30), at(13), at(13, 30)]
    assert desk.ask(appointments.openings_of, OpeningsOf(place.lee, at(8), at(14), HALF, 2)) == found[:2]
    assert desk.ask(appointments.openings_of, OpeningsOf(place.lee, at(8, day=-9), at(9), HALF)) == []
    far = OpeningsOf(place.lee, at(8, day=400), at(9, day=900), HALF)
    assert desk.ask(appointments.openings_of, far) == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"end": at(8)}, "to"), ({"length": timedelta(0)}, "length"), ({"length": timedelta(days=900_000_000)}, "length"),
        ({"limit": 0}, "limit"), ({"limit": 201}, "limit"),
    ],
)  # fmt: skip
def test_openings_of_one_practitioner_are_not_asked_for_without_end(
    desk: Desk, place: Place, wrong: dict[str, Any], field: str
) -> None:
    right = OpeningsOf(place.lee, at(8), at(14), HALF)
    with pytest.raises(InvalidInput) as refused:
        desk.ask(appointments.openings_of, replace(right, **wrong))
    assert refused.value.params["field"] == field


def test_a_practitioner_is_free_where_nothing_stands_from_now_on(desk: Desk, place: Place) -> None:
    desk.book(at(12), 60)
    today, tomorrow = TODAY, TODAY + timedelta(days=1)
    assert desk.ask(appointments.free_times, place.lee, TODAY - timedelta(days=1), tomorrow) == [
        FreeDay(TODAY - timedelta(days=1), ()),
        FreeDay(today, (Interval(at(10, 40), at(12)), Interval(at(13), at(18)))),
        FreeDay(tomorrow, (Interval(at(8, day=1), at(18, day=1)),)),
    ]
    with pytest.raises(InvalidInput, match="span"):
        desk.ask(appointments.free_times, place.lee, TODAY, TODAY + timedelta(days=31))
    with pytest.raises(NotFound, match="practitioner_not_found"):
        desk.ask(appointments.free_times, new_id(), TODAY, TODAY)
