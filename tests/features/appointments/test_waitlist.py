"""The waitlist: who waits for what, whom a free time would suit and why, and that giving it away is one thing."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from clinicdesk.core.errors import ClinicError, Conflict, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import PageRequest
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor
from clinicdesk.features.appointments import rules
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import CancelAppointment, SlotTaken, Status
from clinicdesk.features.appointments.waitlist_schemas import FillTime, Priority, Wish, WishQuery, WishRow, WishState
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.practitioners.schemas import Interval
from tests.conftest import Hands
from tests.features.appointments.conftest import TODAY, Desk, at

HALF_HOUR = timedelta(minutes=30)


def wait(desk: Desk, patient_id: UUID | None = None, **wish: Any) -> WishRow:
    request = Wish(**({"length": HALF_HOUR} | wish))
    row: WishRow = desk.do(appointments.add_wish, patient_id or desk.place.jones, request)
    return row


def suited(desk: Desk, start: int = 14, end: int = 15, day: int = 0, who: UUID | None = None) -> list[WishRow]:
    found = desk.ask(appointments.candidates_for, who or desk.place.lee, at(start, day=day), at(end, day=day))
    return [one.entry for one in found]


# ---- the list ------------------------------------------------------------------------------------------------------


def test_a_wish_is_kept_changed_taken_off_and_put_back(desk: Desk) -> None:
    wish = Wish(
        HALF_HOUR, (desk.place.lee,), desk.place.follow_up, frozenset({0, 2}), 8 * 60, 12 * 60, TODAY,
        TODAY + timedelta(30), Priority.URGENT, "Calls back after noon",
    )  # fmt: skip
    row = desk.do(appointments.add_wish, desk.place.jones, wish)
    assert (row.wish, row.patient_family, row.state) == (wish, "Jones", WishState.WAITING)
    row = desk.do(appointments.edit_wish, row.id, 1, replace(wish, weekdays=frozenset(), note=""))
    assert (row.wish.weekdays, row.wish.note, row.version) == (frozenset(), "", 2)
    with pytest.raises(Conflict, match="changed_meanwhile"):
        desk.do(appointments.remove_wish, row.id, 1)
    off = desk.do(appointments.remove_wish, row.id, 2)
    with pytest.raises(Conflict, match="wish_not_waiting"):
        desk.do(appointments.edit_wish, off.id, 3, wish)
    assert desk.do(appointments.restore_wish, off.id, 3).state is WishState.WAITING
    with pytest.raises(Conflict, match="wish_waits"):
        desk.do(appointments.restore_wish, off.id, 4)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"length": timedelta(0)}, "ends_before_it_begins"),
        ({"length": timedelta(days=10**6)}, "visit_too_long"),
        ({"length": timedelta(seconds=90)}, "whole_minutes"),
        ({"from_minute": 600, "to_minute": 620}, "ends_before_start"),
        ({"from_minute": -1}, "out_of_range"),
        ({"to_minute": 1441}, "out_of_range"),
        ({"weekdays": frozenset({7})}, "out_of_range"),
        ({"earliest": date(2026, 12, 2), "latest": date(2026, 12, 1)}, "ends_before_start"),
        ({"practitioner_ids": tuple(new_id() for _ in range(21))}, "too_many"),
        ({"practitioner_ids": (new_id(),)}, "practitioner_not_found"),
        ({"type_id": new_id()}, "type_not_found"),
        ({"visit_id": new_id()}, "visit_not_found"),
        ({"note": "x" * 251}, "too_long"),
    ],
)
def test_what_cannot_be_right_is_refused(desk: Desk, wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(ClinicError, match=code):
        wait(desk, **wrong)
    with pytest.raises(NotFound, match="patient_not_found"):
        wait(desk, new_id())


def test_somebody_elses_visit_is_no_ones_wish(desk: Desk) -> None:
    theirs = desk.book(at(16))
    with pytest.raises(NotFound, match="visit_not_found"):
        wait(desk, visit_id=theirs.id)


def test_the_list_is_paged_and_narrowed(desk: Desk) -> None:
    rows = [wait(desk, other) for other in desk.place.others[:5]]
    urgent = wait(desk, practitioner_ids=(desk.place.okafor,), priority=Priority.ASAP, type_id=desk.place.follow_up)
    desk.do(appointments.remove_wish, rows[0].id, 1)

    def ids(**query: Any) -> list[UUID]:
        return [row.id for row in desk.ask(appointments.find_wishes, WishQuery(**query)).items]

    assert ids() == [*(row.id for row in rows[1:]), urgent.id]
    assert ids(state=WishState.REMOVED) == [rows[0].id]
    assert len(ids(state=None)) == 6
    assert ids(priority=Priority.URGENT) == ids(type_id=desk.place.follow_up) == [urgent.id]
    assert len(ids(practitioner_id=desk.place.lee)) == 4
    assert len(ids(practitioner_id=desk.place.okafor)) == 5
    first = desk.ask(appointments.find_wishes, WishQuery(page=PageRequest(3, total=True)))
    second = desk.ask(appointments.find_wishes, WishQuery(page=PageRequest(3, first.next or "")))
    assert ([row.id for row in first.items + second.items], first.total, second.next) == (ids(), 5, None)


def test_looking_at_what_one_patient_waits_for_is_audited(desk: Desk) -> None:
    mine = wait(desk)
    assert len(desk.do(appointments.find_wishes, WishQuery(patient_id=desk.place.jones)).items) == 1
    with pytest.raises(AssertionError):
        desk.ask(appointments.find_wishes, WishQuery(patient_id=desk.place.jones))
    own = Actor(None, Role.PATIENT, "Ada", patient_id=desk.place.jones)
    assert desk.as_(own).do(appointments.open_wish, mine.id) == mine
    with pytest.raises(NotPermitted, match="not_own_record"):
        desk.as_(replace(own, patient_id=desk.place.smith)).do(appointments.open_wish, mine.id)
    with desk.db.engine.connect() as connection:
        seen = connection.execute(select(AuditEntry.verb, AuditEntry.patient_id).where(AuditEntry.action == "R")).all()
    assert [tuple(row) for row in seen] == [
        ("appointments.find_wishes", desk.place.jones.hex), ("appointments.open_wish", desk.place.jones.hex),
    ]  # fmt: skip


# ---- whom a time would suit ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "fits"),
    [
        ({}, True),
        ({"length": timedelta(minutes=60)}, True),
        ({"length": timedelta(minutes=61)}, False),
        ({"weekdays": frozenset({0})}, True),
        ({"weekdays": frozenset({1, 2, 3, 4, 5, 6})}, False),
        ({"from_minute": 14 * 60 + 30}, True),
        ({"from_minute": 14 * 60 + 31}, False),
        ({"to_minute": 14 * 60 + 30}, True),
        ({"to_minute": 14 * 60 + 29}, False),
        ({"earliest": TODAY, "latest": TODAY}, True),
        ({"earliest": TODAY + timedelta(1)}, False),
        ({"latest": TODAY - timedelta(1)}, False),
    ],
)
def test_a_time_suits_whom_it_lies_within_the_wishes_of(desk: Desk, wish: dict[str, Any], fits: bool) -> None:
    wait(desk, **wish)
    assert bool(suited(desk)) is fits


def test_whoever_wants_somebody_else_is_busy_then_or_is_gone_is_no_candidate(desk: Desk, db: Any) -> None:
    wait(desk, practitioner_ids=(desk.place.okafor,))
    assert (suited(desk), len(suited(desk, who=desk.place.okafor))) == ([], 1)
    busy, gone = desk.place.others[:2]
    wait(desk, busy)
    wait(desk, gone)
    desk.book(at(14, 15), patient_id=busy, practitioner_id=desk.place.herrera)
    with db.engine.begin() as connection:
        connection.execute(Patient.__table__.update().where(Patient.id == gone).values(active=False))  # type: ignore[attr-defined]
    assert suited(desk) == []
    assert suited(desk, 8, 9) == []  # it has passed


def test_the_most_urgent_come_first_and_the_reasons_are_told(desk: Desk) -> None:
    a, b, c, d = desk.place.others[:4]
    wait(desk, a)
    wait(desk, b, length=timedelta(minutes=60))
    wait(desk, c, practitioner_ids=(desk.place.lee, desk.place.okafor))
    wait(desk, d, priority=Priority.STAT)
    found = desk.ask(appointments.candidates_for, desk.place.lee, at(14), at(15))
    assert [(one.entry.patient_id, one.reasons) for one in found] == [
        (d, ("urgent",)), (c, ("asked_for_practitioner",)), (b, ("exact_fit",)), (a, ("longest_waiting",)),
    ]  # fmt: skip
    assert [(one.start, one.end) for one in found][:2] == [(at(14), at(14, 30))] * 2
    assert len(desk.ask(appointments.candidates_for, desk.place.lee, at(14), at(15), 2)) == 2


def test_whoever_would_have_their_visit_earlier_is_no_candidate_for_a_later_time(desk: Desk) -> None:
    visit = desk.book(at(14), patient_id=desk.place.jones)
    wait(desk, visit_id=visit.id)
    assert (len(suited(desk, 12, 13)), suited(desk, 15, 16)) == (1, [])
    assert len(suited(desk, 13, 15)) == 1  # its own time is not in its way


@given(
    start=st.integers(0, 2000), length=st.integers(1, 600), wished=st.integers(1, 240), low=st.integers(0, 1200),
    wide=st.integers(1, 1440), weekdays=st.frozensets(st.integers(0, 6)),
)  # fmt: skip
def test_a_visit_lies_within_the_time_and_the_wish(
    start: int, length: int, wished: int, low: int, wide: int, weekdays: frozenset[int]
) -> None:
    zone = ZoneInfo("Europe/Berlin")
    began = at(0, day=120) + timedelta(minutes=start)  # around the night in which the clocks go on
    free = Interval(began, began + timedelta(minutes=length))
    wish = Wish(timedelta(minutes=wished), weekdays=weekdays, from_minute=low, to_minute=min(1440, low + wide))
    days = {edge.astimezone(zone).date() for edge in (free.start, free.end)}
    place = rules.place_in(free, wish, days, zone)
    if place is not None:
        assert free.covers(place)
        assert place.length == wish.length
        local = place.start.astimezone(zone)
        assert not weekdays or local.weekday() in weekdays
        assert local.hour * 60 + local.minute >= low or place.start == free.start


# ---- filling the book ----------------------------------------------------------------------------------------------


def test_a_cancelled_visit_is_offered_until_its_time_is_taken(desk: Desk, clock: Hands) -> None:
    gone = desk.book(at(14))
    wait(desk)
    assert desk.ask(appointments.freed_times) == ()
    unit, _ = desk.unit(appointments.cancel, CancelAppointment(gone.id, 1, "pat"))
    (freed,) = desk.ask(appointments.freed_times)
    assert (freed.visit_id, freed.start, freed.practitioner_name) == (gone.id, at(14), "Dr Grace Lee")
    assert [one.entry.patient_id for one in freed.candidates] == [desk.place.jones]
    assert desk.ask(appointments.freed_times, desk.place.okafor) == ()
    undo, _ = desk.unit(appointments.revert, unit)
    assert desk.ask(appointments.freed_times) == ()
    desk.do(appointments.revert, undo)
    assert len(desk.ask(appointments.freed_times)) == 1
    clock.now = at(14)
    assert desk.ask(appointments.freed_times) == ()


def test_a_time_is_given_to_somebody_who_waits_and_taken_back_as_one(desk: Desk) -> None:
    entry = wait(desk, type_id=desk.place.follow_up)
    unit, filled = desk.unit(appointments.fill, FillTime(entry.id, 1, desk.place.lee, at(14)))
    assert (filled.visit.patient_id, filled.visit.end, filled.visit.type_name) == (
        desk.place.jones, at(14, 30), "Follow-up",
    )  # fmt: skip
    assert (filled.entry.state, filled.entry.filled_by) == (WishState.FULFILLED, filled.visit.id)
    with pytest.raises(Conflict, match="wish_not_waiting"):
        desk.do(appointments.fill, FillTime(entry.id, 2, desk.place.lee, at(16)))
    undone = desk.do(appointments.revert, unit)
    assert [visit.status for visit in undone.visits] == [Status.ENTERED_IN_ERROR]
    (back,) = suited(desk)
    assert (back.state, back.filled_by) == (WishState.WAITING, None)


def test_whoever_would_have_a_visit_earlier_gets_it_moved(desk: Desk) -> None:
    visit = desk.book(at(14, day=3), 45, patient_id=desk.place.jones)
    entry = wait(desk, visit_id=visit.id)
    filled = desk.do(appointments.fill, FillTime(entry.id, 1, desk.place.okafor, at(14)))
    assert (filled.visit.id, filled.visit.start, filled.visit.practitioner_id) == (visit.id, at(14), desk.place.okafor)
    assert filled.entry.filled_by == visit.id


def test_a_time_that_is_taken_leaves_the_wish_waiting(desk: Desk) -> None:
    entry = wait(desk)
    desk.book(at(14))
    with pytest.raises(SlotTaken):
        desk.do(appointments.fill, FillTime(entry.id, 1, desk.place.lee, at(14)))
    assert [row.id for row in suited(desk)] == [entry.id]


def test_of_many_desks_one_gives_a_wish_its_time(desk: Desk) -> None:
    entry = wait(desk)
    together = Barrier(4)

    def give(hour: int) -> str:
        together.wait(timeout=60)
        try:
            desk.do(appointments.fill, FillTime(entry.id, 1, desk.place.lee, at(hour)))
        except Conflict as refused:
            return refused.reason
        return "filled"

    with ThreadPoolExecutor(4) as desks:
        answers = Counter(desks.map(give, range(12, 16)))
    assert answers == {"filled": 1, "changed_meanwhile": 3}
    booked = desk.ask(appointments.visits_between, at(0), at(23))
    assert len(booked) == 1
