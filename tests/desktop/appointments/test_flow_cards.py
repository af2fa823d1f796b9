"""What the flow board decides without a window: columns, order, waits, and who is in sight."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from clinicdesk.desktop.appointments.flow_cards import (
    LATEST,
    Card,
    Moment,
    Stage,
    card_of,
    in_sight,
    next_to_go_in,
    order_of,
    stage_of,
    summary,
)
from clinicdesk.desktop.appointments.flow_rooms import rooms_now
from clinicdesk.features.appointments.schemas import AppointmentRow, Status
from tests.desktop.appointments.samples import LEE, NOW, OKAFOR, ZONE, at, visit, working

pytestmark = pytest.mark.usefixtures("qapp")

AT = Moment(NOW, ZONE, 15)
EXPECTED = visit(at(11), name="Aroha Ngata")
OSEI = visit(at(10, 20), name="Daniel Osei", status=Status.ARRIVED, arrived_at=at(10, 20))
BRANDT = visit(at(11), name="Samuel Brandt", status=Status.ARRIVED, arrived_at=at(10, 28), who=OKAFOR)
VOLKOV = visit(at(10, 50), name="Dmitri Volkov", status=Status.CHECKED_IN, arrived_at=at(10, 39))
COSTA = visit(
    at(10, 15), name="Beatriz Costa", status=Status.CHECKED_IN, arrived_at=at(10, 10), started_at=at(10, 18), who=OKAFOR
)
IYER = visit(
    at(9, 30),
    name="Rajesh Iyer",
    status=Status.FULFILLED,
    arrived_at=at(9, 20),
    started_at=at(9, 30),
    ended_at=at(10, 4),
)
REID = visit(at(9, 40), name="Callum Reid", status=Status.NOSHOW)
ALL = [EXPECTED, OSEI, BRANDT, VOLKOV, COSTA, IYER, REID]
PEOPLE = {LEE.id: LEE, OKAFOR.id: OKAFOR}


def card(row: AppointmentRow, moment: Moment = AT) -> Card:
    stage = stage_of(row)
    assert stage is not None
    return card_of(row, stage, moment, PEOPLE)


def test_each_state_has_its_column_and_what_nobody_comes_for_has_none() -> None:
    assert [stage_of(row) for row in ALL] == [
        Stage.EXPECTED, Stage.ARRIVED, Stage.ARRIVED, Stage.CHECKED_IN, Stage.IN_ROOM, Stage.DONE, Stage.DONE,
    ]  # fmt: skip
    away = (Status.PROPOSED, Status.PENDING, Status.WAITLIST, Status.CANCELLED, Status.ENTERED_IN_ERROR)
    assert {stage_of(visit(at(11), status=status)) for status in away} == {None}


def test_the_nearest_to_the_doctor_comes_first_and_the_missed_last() -> None:
    assert sorted(ALL, key=order_of) == [COSTA, VOLKOV, OSEI, BRANDT, EXPECTED, IYER, REID]


def test_a_card_says_when_with_whom_and_what_for() -> None:
    assert card(OSEI).line == "10:20 Lee · Follow-up"
    assert (card(OSEI).minutes, card(OSEI).over) == (22, True)
    assert (card(BRANDT).minutes, card(BRANDT).over) == (14, False)
    assert (card(COSTA).minutes, card(COSTA).over) == (24, False)
    assert card(EXPECTED).aside == "in 18 min"
    assert card(IYER).aside == "10:04"


@pytest.mark.parametrize(
    ("row", "spoken"),
    [
        (OSEI, "Daniel Osei, arrived, waiting 22 minutes, over 15, 10:20 with Dr Lee"),
        (COSTA, "Beatriz Costa, in room, for 24 minutes, 10:15 with Dr Okafor"),
        (EXPECTED, "Aroha Ngata, booked, in 18 min, 11:00 with Dr Lee"),
        (REID, "Callum Reid, no-show, 9:40 with Dr Lee"),
    ],
)
def test_a_card_is_read_out_whole(row: AppointmentRow, spoken: str) -> None:
    assert card(row).spoken.replace("09:40", "9:40") == spoken


def test_initials_only_says_neither_name_nor_reason() -> None:
    hidden = card(OSEI, Moment(NOW, ZONE, 15, initials_only=True))
    assert (hidden.name, hidden.line) == ("DO", "10:20 Lee")
    assert hidden.spoken.startswith("DO, arrived")


def test_who_does_not_come_is_late_after_a_minute() -> None:
    assert not card(visit(NOW - timedelta(seconds=50))).late
    late = card(visit(NOW - timedelta(minutes=7)))
    assert (late.late, late.aside) == (True, "7 min late")
    assert card(visit(NOW + timedelta(seconds=20))).aside == "now"


def test_in_sight_are_the_next_hour_whoever_is_here_and_the_latest_done() -> None:
    later = visit(NOW + timedelta(minutes=61))
    soon = visit(NOW + timedelta(minutes=60))
    overdue = visit(at(8))
    done = [visit(at(8), status=Status.FULFILLED, ended_at=at(9, minute)) for minute in range(LATEST + 3)]
    seen = in_sight([later, soon, overdue, OSEI, *done], NOW)
    assert seen == {soon.id, overdue.id, OSEI.id, *(row.id for row in done[3:])}
    assert in_sight([OSEI, *done], NOW, done=False) == {OSEI.id}


def test_the_summary_counts_who_waits_and_takes_the_median_of_the_day() -> None:
    assert summary(ALL, NOW) == "3 waiting, longest 22 min, typical 10 min"
    assert summary([EXPECTED, IYER], NOW) == "Nobody is waiting"


def test_who_is_checked_in_goes_in_before_who_waits_longer() -> None:
    assert next_to_go_in(ALL, LEE.id) == VOLKOV
    assert next_to_go_in([OSEI], OKAFOR.id) is None


def test_a_room_knows_who_is_inside_since_when_it_is_free_and_how_late_it_runs() -> None:
    days = {who.id: working(who, (at(9), at(17))) for who in (LEE, OKAFOR)}
    lee, okafor = rooms_now([LEE, OKAFOR], days, ALL, NOW)
    assert (lee.inside, lee.free_since, lee.next_in, lee.late) == (None, at(10, 4), VOLKOV, 22)
    assert (okafor.inside, okafor.next_in, okafor.late) == (COSTA, BRANDT, 0)


def test_a_room_whose_practitioner_is_not_in_has_no_tile() -> None:
    def shown(now: datetime, visits: list[AppointmentRow]) -> int:
        return len(rooms_now([LEE], {LEE.id: working(LEE, (at(9), at(12)))}, visits, now))

    assert shown(NOW, []) == 1
    assert shown(at(13), []) == 0
    assert shown(at(13), [OSEI]) == 1
