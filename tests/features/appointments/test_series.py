"""Recurring visits: booked whole or told what does not fit, at the same time of the local day, changed and undone together."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, select
from sqlalchemy.exc import IntegrityError

from clinicdesk.core.clinic import Clinic
from clinicdesk.core.errors import Conflict, InvalidInput, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.models import Appointment, AppointmentSeries
from clinicdesk.features.appointments.recurrence import Frequency, Recurrence
from clinicdesk.features.appointments.schemas import BookAppointment, CancelAppointment, Reschedule, SlotTaken, Status
from clinicdesk.features.appointments.series_schemas import (
    BookSeries,
    CancelSeries,
    ChangeSeries,
    OnClash,
    Scope,
    SeriesClash,
    SeriesDetail,
)
from clinicdesk.features.practitioners.rules import instant
from tests.conftest import Hands
from tests.features.appointments.conftest import TODAY, Desk, at

WEEKLY = Recurrence(Frequency.WEEKLY, count=4)
ELEVEN = at(11)
HALF_HOUR = timedelta(minutes=30)


def book(desk: Desk, rule: Recurrence = WEEKLY, start: datetime = ELEVEN, **more: Any) -> SeriesDetail:
    request = BookSeries(desk.place.smith, desk.place.lee, start, HALF_HOUR, rule)
    detail: SeriesDetail = desk.do(appointments.book_series, replace(request, **more))
    return detail


def starts(detail: SeriesDetail) -> list[datetime]:
    return [visit.start for visit in detail.visits]


def stored(desk: Desk) -> list[tuple[datetime, str]]:
    """The visits that hold a time, with their status."""
    with desk.db.engine.connect() as connection:
        return [
            (row.start, row.status)
            for row in connection.execute(select(Appointment.start, Appointment.status).order_by(Appointment.start))
        ]


# ---- booking -------------------------------------------------------------------------------------------------------


def test_a_series_is_visits_like_any_other(desk: Desk) -> None:
    detail = book(desk, reason="Physiotherapy", type_id=desk.place.follow_up)
    assert starts(detail) == [at(11, day=7 * week) for week in range(4)]
    assert {(v.status, v.reason, v.type_name, v.series_id) for v in detail.visits} == {
        (Status.BOOKED, "Physiotherapy", "Follow-up", detail.series.id)
    }
    assert (detail.series.rrule, detail.series.start_minute) == ("FREQ=WEEKLY;BYDAY=MO;COUNT=4", 11 * 60)
    with pytest.raises(SlotTaken):
        desk.book(at(11, 15, day=14), patient_id=desk.place.jones)


def test_where_one_visit_does_not_fit_nothing_is_booked_and_every_clash_is_told(desk: Desk) -> None:
    desk.book(at(11, day=7), patient_id=desk.place.jones)
    desk.book(at(11, 15, day=21), practitioner_id=desk.place.okafor)
    before = stored(desk)
    with pytest.raises(SeriesClash) as refused:
        book(desk)
    assert [(one.day, one.code, one.cause) for one in refused.value.clashes] == [
        (TODAY + timedelta(7), "slot_taken", "practitioner"),
        (TODAY + timedelta(21), "slot_taken", "patient"),
    ]
    assert stored(desk) == before


def test_what_does_not_fit_is_left_out_and_told_where_that_is_asked_for(desk: Desk) -> None:
    desk.book(at(11, day=7), patient_id=desk.place.jones)
    detail = book(desk, on_clash=OnClash.SKIP)
    assert starts(detail) == [at(11), at(11, day=14), at(11, day=21)]
    assert [clash.day for clash in detail.skipped] == [TODAY + timedelta(7)]
    assert detail.series.exceptions == (TODAY + timedelta(7),)
    with pytest.raises(SeriesClash):
        book(desk, patient_id=desk.place.jones, on_clash=OnClash.SKIP)


def test_hours_are_kept_unless_overridden(desk: Desk) -> None:
    with pytest.raises(SeriesClash) as refused:
        book(desk, start=at(20))
    assert {(one.code, one.cause) for one in refused.value.clashes} == {("outside_hours", "hours")}
    assert len(book(desk, start=at(20), outside_hours=True).visits) == 4


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"start": at(9)}, "in_the_past"),
        ({"start": at(11) + timedelta(seconds=1)}, "whole_minutes"),
        ({"length": timedelta(seconds=90)}, "whole_minutes"),
        ({"length": timedelta(hours=25)}, "visit_too_long"),
        ({"rule": replace(WEEKLY, count=None)}, "recurrence_without_end"),
        ({"rule": replace(WEEKLY, count=1, exceptions=(TODAY,))}, "no_occurrence"),
    ],
)
def test_what_cannot_be_right_is_refused(desk: Desk, wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput, match=code):
        book(desk, **wrong)
    assert stored(desk) == []


ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC")


@pytest.mark.embedded
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(date(2027, 1, 1), date(2030, 12, 31)),
    minute=st.integers(0, 24 * 60 - 31),
    frequency=st.sampled_from([Frequency.DAILY, Frequency.WEEKLY]),
)
def test_nine_o_clock_stays_nine_o_clock(
    desk: Desk, db: Database, zone: str, day: date, minute: int, frequency: Frequency
) -> None:
    tz = ZoneInfo(zone)
    with db.engine.begin() as connection:
        connection.execute(Clinic.__table__.update().values(zone=zone))  # type: ignore[attr-defined]
        connection.execute(Appointment.__table__.delete())  # type: ignore[attr-defined]
    first = instant(day, minute, tz)
    local = first.astimezone(tz)
    detail = book(desk, Recurrence(frequency, 5, count=40), first, outside_hours=True)
    for visit in detail.visits:
        there = visit.start.astimezone(tz)
        wall = there.hour * 60 + there.minute
        if wall != local.hour * 60 + local.minute:  # the clocks skip that time on that day: the instant of the change
            before = (visit.start - timedelta(seconds=1)).astimezone(tz)
            assert before.utcoffset() != there.utcoffset()
    step = 5 if frequency is Frequency.DAILY else 35
    assert [v.start.astimezone(tz).date() for v in detail.visits] == [
        local.date() + timedelta(step * n) for n in range(40)
    ]


def test_the_clock_change_of_autumn_moves_the_instant_and_not_the_time(desk: Desk, db: Database, clock: Hands) -> None:
    clock.now = datetime(2026, 10, 12, 6, tzinfo=UTC)
    with db.engine.begin() as connection:
        connection.execute(Clinic.__table__.update().values(zone="Europe/Berlin"))  # type: ignore[attr-defined]
    detail = book(desk, start=datetime(2026, 10, 12, 7, tzinfo=UTC))
    assert [start.hour for start in starts(detail)] == [7, 7, 8, 8]


def test_of_desks_that_want_the_same_series_one_gets_it_whole(desk: Desk) -> None:
    together = Barrier(4)

    def want(nth: int) -> str:
        together.wait(timeout=60)
        try:
            book(desk, start=at(11, 10 * nth), patient_id=desk.place.others[nth])
        except SeriesClash:
            return "refused"
        return "booked"

    with ThreadPoolExecutor(4) as desks:
        answers = Counter(desks.map(want, range(3, -1, -1)))
    # Half an hour each, ten minutes apart: the first and the fourth do not meet.
    assert answers["booked"] + answers["refused"] == 4
    assert 1 <= answers["booked"] <= 2
    assert len(stored(desk)) == 4 * answers["booked"]


@pytest.mark.parametrize("seed", range(4))
def test_a_series_fits_where_its_visits_would_one_by_one(desk: Desk, db: Database, seed: int) -> None:
    chance, place = Random(seed), desk.place
    days = [day for day in range(40) for _ in range(2)]
    people = (place.lee, place.okafor, place.herrera)
    visits = [
        {
            "id": new_id(), "version": 1, "patient_id": chance.choice((place.smith, place.jones)),
            "practitioner_id": chance.choice(people), "room_id": chance.choice((None, place.lee_room, place.okafor_room)),
            "start": (start := at(chance.choice((10, 11)), chance.choice((0, 15, 30, 45)), day)),
            "end": start + timedelta(minutes=chance.choice((10, 30, 60, 1440))),
            "status": chance.choice(("pending", "booked", "cancelled", "fulfilled")), "overbooked": True,
            "overbook_reason": "Full", "patient_overlap": True, "created_at": start,
        }
        for day in days
    ]  # fmt: skip
    with db.engine.begin() as connection:
        for visit in visits:  # each with as few exceptions from the rules as there is room for
            for kept in ({"overbooked": False, "patient_overlap": False}, {"patient_overlap": False}, {}):
                with suppress(IntegrityError), connection.begin_nested():
                    connection.execute(insert(Appointment), [visit | kept])
                    break
    one_by_one = {}
    for day in range(40):
        with suppress(Undo), db.write(desk.actor) as tx:
            try:
                appointments.book(tx, BookAppointment(place.smith, place.lee, at(11, day=day), HALF_HOUR))
            except SlotTaken as taken:
                one_by_one[TODAY + timedelta(day)] = taken.params["what"]
            raise Undo
    assert set(one_by_one.values()) == {"practitioner", "room", "patient"}
    assert len(one_by_one) < 40
    detail = book(desk, Recurrence(Frequency.DAILY, count=40), on_clash=OnClash.SKIP)
    assert {clash.day: clash.cause for clash in detail.skipped} == one_by_one
    assert {clash.code for clash in detail.skipped} == {"slot_taken"}


class Undo(Exception):
    """Leaves a unit of work without a trace."""


def test_a_long_series_takes_few_statements(desk: Desk, db: Database) -> None:
    """While it is booked, changed or cancelled nobody else writes."""
    seen: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
    detail = book(desk, Recurrence(Frequency.DAILY, count=300))
    assert len(detail.visits) == 300
    detail = change(desk, detail, 1, Scope.ALL, start_minute=12 * 60)
    detail = change(desk, detail, 100, Scope.FOLLOWING, reason="Later")
    assert len(detail.visits) == 200
    first = detail.visits[0]
    desk.do(appointments.cancel_series, CancelSeries(first.id, first.version, Scope.ALL, "pat"))
    assert Counter(status for _, status in stored(desk)) == {"booked": 100, "cancelled": 200}
    assert len(seen) < 100


# ---- changing ------------------------------------------------------------------------------------------------------


def change(desk: Desk, detail: SeriesDetail, nth: int, scope: Scope, **what: Any) -> SeriesDetail:
    visit = detail.visits[nth]
    changed: SeriesDetail = desk.do(appointments.change_series, ChangeSeries(visit.id, visit.version, scope, **what))
    return changed


def test_one_visit_is_changed_alone(desk: Desk) -> None:
    detail = book(desk)
    changed = change(desk, detail, 1, Scope.ONE, start_minute=15 * 60, reason="Longer")
    assert [(v.start, v.reason) for v in changed.visits] == [(at(15, day=7), "Longer")]
    assert [start for start, _ in stored(desk)] == [at(11), at(15, day=7), at(11, day=14), at(11, day=21)]
    assert changed.series == detail.series


def test_this_and_what_follows_becomes_a_series_of_its_own(desk: Desk) -> None:
    detail = book(desk)
    changed = change(
        desk, detail, 2, Scope.FOLLOWING, start_minute=9 * 60, length=timedelta(minutes=45),
        practitioner_id=desk.place.okafor, type_id=desk.place.follow_up,
    )  # fmt: skip
    assert [(v.start, v.practitioner_id, v.end - v.start, v.type_name) for v in changed.visits] == [
        (at(9, day=day), desk.place.okafor, timedelta(minutes=45), "Follow-up") for day in (14, 21)
    ]
    assert {v.series_id for v in changed.visits} == {changed.series.id} != {detail.series.id}
    assert (changed.series.rrule, changed.series.start_minute) == ("FREQ=WEEKLY;BYDAY=MO;COUNT=2", 9 * 60)
    left = desk.do(appointments.open_series, detail.series.id)
    assert (left.series.rrule, len(left.visits)) == ("FREQ=WEEKLY;BYDAY=MO;UNTIL=20261206", 2)


def test_all_that_is_to_come_is_changed_and_what_was_moved_by_itself_keeps_its_time(desk: Desk, clock: Hands) -> None:
    detail = book(desk)
    moved = detail.visits[2]
    desk.do(appointments.reschedule, Reschedule(moved.id, moved.version, at(16, day=15)))
    clock.now = at(12)
    changed = change(desk, detail, 1, Scope.ALL, start_minute=12 * 60, reason="Later")
    assert [(v.start, v.reason) for v in changed.visits] == [
        (at(12, day=7), "Later"), (at(16, day=15), "Later"), (at(12, day=21), "Later"),
    ]  # fmt: skip
    assert stored(desk)[0] == (at(11), "booked")


def test_a_visit_that_went_elsewhere_is_judged_by_where_it_is(desk: Desk) -> None:
    detail = book(desk)
    gone = detail.visits[1]
    gone = desk.do(appointments.reschedule, Reschedule(gone.id, 1, at(16, day=90), practitioner_id=desk.place.okafor))
    addressed = replace(detail, visits=(gone,))
    changed = change(desk, addressed, 0, Scope.ALL, length=timedelta(minutes=45))
    assert [(v.start, v.practitioner_id) for v in changed.visits] == [
        (at(11), desk.place.lee), (at(11, day=14), desk.place.lee), (at(11, day=21), desk.place.lee),
        (at(16, day=90), desk.place.okafor),
    ]  # fmt: skip


def test_a_daily_series_makes_way_for_itself(desk: Desk) -> None:
    detail = book(
        desk, Recurrence(Frequency.DAILY, count=3), at(0, day=1), length=timedelta(hours=20), outside_hours=True
    )
    later = change(desk, detail, 0, Scope.ALL, start_minute=10 * 60, outside_hours=True)
    assert starts(later) == [at(10, day=day) for day in (1, 2, 3)]
    earlier = change(desk, later, 1, Scope.ALL, start_minute=60, outside_hours=True)
    assert starts(earlier) == [at(1, day=day) for day in (1, 2, 3)]


def test_a_change_that_does_not_fit_everywhere_is_refused_or_made_where_it_fits(desk: Desk) -> None:
    detail = book(desk)
    desk.book(at(14, day=14), patient_id=desk.place.jones)
    before = stored(desk)
    with pytest.raises(SeriesClash) as refused:
        change(desk, detail, 0, Scope.ALL, start_minute=14 * 60)
    assert [one.day for one in refused.value.clashes] == [TODAY + timedelta(14)]
    assert stored(desk) == before
    changed = change(desk, detail, 0, Scope.ALL, start_minute=14 * 60, on_clash=OnClash.SKIP)
    assert starts(changed) == [at(14), at(14, day=7), at(14, day=21)]
    assert [one.day for one in changed.skipped] == [TODAY + timedelta(14)]


def test_a_series_is_cancelled_from_a_visit_on(desk: Desk) -> None:
    detail = book(desk)
    visit = detail.visits[2]
    done = desk.do(appointments.cancel_series, CancelSeries(visit.id, 1, Scope.FOLLOWING, "pat"))
    assert [v.cancel_reason for v in done.visits] == ["pat", "pat"]
    assert [status for _, status in stored(desk)] == ["booked", "booked", "cancelled", "cancelled"]
    assert done.series.rrule == "FREQ=WEEKLY;BYDAY=MO;UNTIL=20261206"
    rest = desk.do(appointments.cancel_series, CancelSeries(detail.visits[0].id, 1, Scope.ALL, "prov"))
    assert len(rest.visits) == 2
    with pytest.raises(Conflict, match="not_movable"):
        desk.do(appointments.cancel_series, CancelSeries(detail.visits[0].id, 2, Scope.ALL, "prov"))


def test_a_visit_of_no_series_has_none_to_change(desk: Desk) -> None:
    visit = desk.book(at(11))
    with pytest.raises(Conflict, match="not_in_series"):
        desk.do(appointments.change_series, ChangeSeries(visit.id, 1, Scope.ALL, start_minute=60))
    with pytest.raises(InvalidInput, match="out_of_range"):
        desk.do(appointments.change_series, ChangeSeries(visit.id, 1, Scope.ALL, start_minute=1440))


# ---- undo, and who may ---------------------------------------------------------------------------------------------


def test_a_series_is_undone_and_redone_as_one(desk: Desk) -> None:
    request = BookSeries(desk.place.smith, desk.place.lee, at(11), HALF_HOUR, WEEKLY)
    unit, detail = desk.unit(appointments.book_series, request)
    undo, undone = desk.unit(appointments.revert, unit)
    assert {v.status for v in undone.visits} == {Status.ENTERED_IN_ERROR}
    with desk.db.engine.connect() as connection:
        assert connection.scalar(select(AppointmentSeries.removed)) is True
    again = desk.do(appointments.revert, undo)
    assert sorted((v.start, v.status) for v in again.visits) == [(start, Status.BOOKED) for start in starts(detail)]
    with desk.db.engine.connect() as connection:
        assert connection.scalar(select(AppointmentSeries.removed)) is False


def test_a_change_of_what_follows_is_undone_as_one(desk: Desk) -> None:
    detail = book(desk)
    visit = detail.visits[1]
    what = ChangeSeries(visit.id, 1, Scope.FOLLOWING, start_minute=15 * 60, reason="Later")
    unit, _ = desk.unit(appointments.change_series, what)
    desk.do(appointments.revert, unit)
    back = desk.do(appointments.open_series, detail.series.id)
    assert (starts(back), {v.reason for v in back.visits}) == (starts(detail), {""})
    assert back.series.rrule == detail.series.rrule


def test_an_undo_finds_a_visit_that_was_changed_since(desk: Desk) -> None:
    request = BookSeries(desk.place.smith, desk.place.lee, at(11), HALF_HOUR, WEEKLY)
    unit, detail = desk.unit(appointments.book_series, request)
    desk.do(appointments.cancel, CancelAppointment(detail.visits[3].id, 1, "pat"))
    with pytest.raises(Conflict, match="changed_since"):
        desk.do(appointments.revert, unit)
    assert [status for _, status in stored(desk)] == ["booked"] * 3 + ["cancelled"]


def test_opening_a_series_is_audited_and_a_patients_own(desk: Desk) -> None:
    detail = book(desk)
    patient = Actor(None, Role.PATIENT, "Jordan", patient_id=desk.place.smith)
    assert len(desk.as_(patient).do(appointments.open_series, detail.series.id).visits) == 4
    other = Actor(None, Role.PATIENT, "Ada", patient_id=desk.place.jones)
    with pytest.raises(NotPermitted, match="not_own_record"):
        desk.as_(other).do(appointments.open_series, detail.series.id)
    with desk.db.engine.connect() as connection:
        seen = connection.execute(select(AuditEntry.verb, AuditEntry.patient_id).where(AuditEntry.action == "R")).all()
    assert [tuple(row) for row in seen] == [("appointments.open_series", desk.place.smith.hex)]
