"""What a patient is told of a visit follows the visit: held for the grace, taken back by an undo, and never said twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from clinicdesk.core.history import HistoryEntry
from clinicdesk.core.ids import new_id
from clinicdesk.core.trail import AuditEntry
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import BookAppointment, CancelAppointment, Reschedule, Status
from clinicdesk.features.notifications import rules
from clinicdesk.features.notifications import service as notifications
from clinicdesk.features.notifications.schemas import (
    Channel,
    ContactPreferenceRow,
    MessageFilter,
    MessageState,
    MessagingRow,
    Reach,
    SaveReminderRule,
    Template,
)
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import EditPatient
from tests.features.appointments.conftest import at
from tests.features.notifications.conftest import DAY, GRACE, HOUR, Outbox

IN_A_WEEK = at(10, day=7)


def test_a_booking_is_told_after_the_grace_and_reminded_at_the_set_times(outbox: Outbox) -> None:
    outbox.desk.book(IN_A_WEEK)
    until = IN_A_WEEK - outbox.clock.now
    assert outbox.waiting() == [
        ("visit_booked", GRACE),
        ("visit_reminder", until - 48 * HOUR),
        ("visit_reminder", until - 2 * HOUR),
    ]
    assert outbox.claim() == []
    outbox.later(GRACE)
    assert outbox.send_all() == ["Your visit at Harbour Street"]
    outbox.later(7 * DAY)
    assert outbox.send_all() == []  # it is too late for reminders


def test_an_undone_booking_is_never_heard_of(outbox: Outbox) -> None:
    unit, _ = outbox.desk.unit(appointments.book, _request(outbox))
    outbox.later(GRACE - timedelta(seconds=1))
    outbox.desk.do(appointments.revert, unit)
    assert outbox.waiting() == []
    outbox.later(8 * DAY)
    assert outbox.send_all() == []


@pytest.mark.parametrize("what", ["move", "cancel"])
def test_an_undone_change_is_never_heard_of_and_the_reminders_stay(outbox: Outbox, what: str) -> None:
    visit = outbox.desk.book(IN_A_WEEK)
    outbox.later(GRACE)
    outbox.send_all()
    before = outbox.found("held")
    outbox.later(DAY)
    if what == "move":
        unit, _ = outbox.desk.unit(appointments.reschedule, Reschedule(visit.id, visit.version, IN_A_WEEK + HOUR))
    else:
        unit, _ = outbox.desk.unit(appointments.cancel, CancelAppointment(visit.id, visit.version, "pat"))
    assert outbox.waiting()[0] == ("visit_moved" if what == "move" else "visit_cancelled", GRACE)
    outbox.later(GRACE / 2)
    outbox.desk.do(appointments.revert, unit)
    assert [(m.id, m.next_try_at) for m in outbox.found("held")] == [(m.id, m.next_try_at) for m in before]
    outbox.later(GRACE)
    assert outbox.send_all() == []


def test_a_booking_that_is_undone_too_late_is_told_as_cancelled(outbox: Outbox) -> None:
    unit, _ = outbox.desk.unit(appointments.book, _request(outbox))
    outbox.later(GRACE)
    outbox.send_all()
    outbox.desk.do(appointments.revert, unit)
    assert outbox.waiting() == [("visit_cancelled", GRACE)]
    outbox.later(GRACE)
    assert outbox.send_all() == ["Your visit at Harbour Street is cancelled"]


def test_a_move_beyond_the_grace_is_told_and_so_is_the_way_back(outbox: Outbox) -> None:
    visit = outbox.desk.book(IN_A_WEEK)
    outbox.later(GRACE)
    outbox.send_all()
    for start in (IN_A_WEEK + HOUR, IN_A_WEEK, IN_A_WEEK + HOUR):
        visit = outbox.desk.do(appointments.reschedule, Reschedule(visit.id, visit.version, start))
        outbox.later(GRACE)
        assert outbox.send_all() == ["Your visit at Harbour Street has a new time"]
    assert [m.visit_start for m in outbox.found("held")] == [IN_A_WEEK + HOUR] * 2


def test_two_moves_within_the_grace_are_told_as_one(outbox: Outbox) -> None:
    visit = outbox.desk.book(IN_A_WEEK)
    outbox.later(GRACE)
    outbox.send_all()
    for start in (IN_A_WEEK + HOUR, IN_A_WEEK + 2 * HOUR):
        visit = outbox.desk.do(appointments.reschedule, Reschedule(visit.id, visit.version, start))
        outbox.later(GRACE / 2)
    outbox.later(GRACE)
    assert len(outbox.send_all()) == 1


def test_a_cancelled_visit_is_told_and_not_reminded_of(outbox: Outbox) -> None:
    visit = outbox.desk.book(IN_A_WEEK)
    outbox.later(GRACE)
    outbox.send_all()
    outbox.desk.do(appointments.cancel, CancelAppointment(visit.id, visit.version, "pat"))
    assert outbox.waiting() == [("visit_cancelled", GRACE)]


def test_a_visit_that_is_near_is_reminded_of_only_by_what_is_still_to_come(outbox: Outbox) -> None:
    outbox.desk.book(at(15))  # in 4 hours and 18 minutes
    assert outbox.waiting() == [("visit_booked", GRACE), ("visit_reminder", timedelta(hours=2, minutes=18))]


def test_a_type_with_rules_of_its_own_follows_those(outbox: Outbox) -> None:
    kind = outbox.desk.place.follow_up
    outbox.administrator.do(notifications.save_reminder_rule, SaveReminderRule(60, type_id=kind, channel=Channel.SMS))
    outbox.desk.book(IN_A_WEEK, type_id=kind)
    reminder = outbox.found("held")[-1]
    assert (reminder.channel, reminder.address) == ("sms", "+15550100")
    assert [wait for name, wait in outbox.waiting() if name == "visit_reminder"] == [
        IN_A_WEEK - outbox.clock.now - HOUR
    ]


@pytest.mark.parametrize(
    ("reach", "channels"),
    [(Reach.ANY, {"email"}), (Reach.EMAIL, {"email"}), (Reach.SMS, {"sms"}), (Reach.NOBODY, set())],
)
def test_a_patient_is_reached_as_they_wish(outbox: Outbox, reach: Reach, channels: set[str]) -> None:
    wish = ContactPreferenceRow(outbox.desk.place.smith, reach, 0)
    outbox.desk.do(notifications.set_contact_preference, wish)
    outbox.desk.book(IN_A_WEEK)
    assert {m.channel for m in outbox.found("held")} == channels


def test_a_wish_not_to_be_contacted_stops_what_waits(outbox: Outbox) -> None:
    outbox.desk.book(IN_A_WEEK)
    wish = ContactPreferenceRow(outbox.desk.place.smith, Reach.NOBODY, 0)
    outbox.desk.do(notifications.set_contact_preference, wish)
    assert outbox.waiting() == []


def test_nobody_writes_to_the_dead_nor_to_an_old_address(outbox: Outbox) -> None:
    outbox.desk.book(IN_A_WEEK)
    record = outbox.desk.do(patients.open_record, outbox.desk.place.smith)
    changed = replace(record.demographics, email="new@home.example")
    record = outbox.desk.do(patients.edit, EditPatient(record.id, record.version, changed))
    assert {m.address for m in outbox.found("held") if m.template == "visit_reminder"} == {"new@home.example"}
    outbox.desk.do(patients.mark_deceased, record.id, record.version, None)
    assert outbox.waiting() == []


def test_a_patient_without_an_address_has_no_messages(outbox: Outbox) -> None:
    outbox.desk.book(IN_A_WEEK, patient_id=outbox.desk.place.others[0])
    assert outbox.found() == []


def test_what_is_held_back_by_hand_stays_back(outbox: Outbox) -> None:
    visit = outbox.desk.book(IN_A_WEEK)
    wanted = MessageFilter(frozenset({MessageState.HELD}), appointment_id=visit.id)
    for message in outbox.desk.ask(notifications.messages, wanted).items:
        outbox.desk.do(notifications.hold_back, message.id, message.version)
    outbox.desk.do(appointments.confirm, visit.id, visit.version)
    assert outbox.waiting() == []


def test_a_new_rule_reaches_the_visits_that_are_booked_and_a_removed_one_leaves_them(outbox: Outbox) -> None:
    outbox.desk.book(IN_A_WEEK)
    rule = outbox.administrator.do(notifications.save_reminder_rule, SaveReminderRule(24 * 60))
    assert len(outbox.waiting()) == 4
    outbox.administrator.do(notifications.remove_reminder_rule, rule.id, rule.version)
    assert len(outbox.waiting()) == 3
    off = outbox.administrator.ask(notifications.messaging)
    outbox.administrator.do(notifications.edit_messaging, replace(off, email=False, sms=False))
    assert outbox.waiting() == []


def test_a_clinic_that_has_set_nothing_sends_nothing(outbox: Outbox) -> None:
    assert MessagingRow().version == 0
    assert not MessagingRow().email
    assert not MessagingRow().sms


def test_what_follows_from_a_booking_is_not_recorded_so_undo_finds_the_visit_alone(outbox: Outbox) -> None:
    unit, _ = outbox.desk.unit(appointments.book, _request(outbox))
    with outbox.db.engine.connect() as connection:
        of_unit = select(HistoryEntry.entity).where(HistoryEntry.unit_id == unit.hex)
        assert connection.scalars(of_unit).all() == ["appointment"]
        details = " ".join(connection.scalars(select(AuditEntry.detail)))
    assert "jordan" not in details


def test_a_failed_booking_leaves_no_message(outbox: Outbox) -> None:
    def fail(tx: Any) -> None:
        appointments.book(tx, _request(outbox))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        outbox.desk.do(fail)
    assert outbox.found() == []


def _request(outbox: Outbox) -> Any:
    return BookAppointment(outbox.desk.place.smith, outbox.desk.place.lee, IN_A_WEEK, timedelta(minutes=30))


# ---- the plan itself, over any story of a visit ------------------------------------------------------------------------

_NOW = at(0)
_STARTS = [at(10, day=2), at(11, day=2), at(12, day=2)]
_ANYWHERE = rules.Addresses(email="a@b.example")
_STEPS = st.lists(
    st.one_of(
        st.sampled_from([("to", start) for start in _STARTS]),
        st.sampled_from([("status", status) for status in (Status.BOOKED, Status.CANCELLED, Status.ENTERED_IN_ERROR)]),
        st.sampled_from([("wait", timedelta(minutes=m)) for m in (1, 2, 5)]),
    ),
    max_size=14,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_STEPS)
def test_in_the_end_the_patient_knows_what_is_true_and_heard_nothing_twice(steps: list[tuple[str, Any]]) -> None:
    now, visit = _NOW, rules.Visit(new_id(), None, _STARTS[0], Status.BOOKED, _ANYWHERE)
    stored: dict[str, rules.Stored] = {}
    told: list[tuple[Template, Any]] = []

    def work() -> None:
        for key, message in list(stored.items()):
            if message.waits and message.release_at <= now:
                stored[key] = replace(message, state=MessageState.SENT)
                told.append((message.template, visit.start))

    def plan(known: Any) -> None:
        made = rules.plan(visit, [], stored.values(), now, GRACE, notices=True, known=known)
        for key in made.take_back:
            stored[key] = replace(stored[key], state=MessageState.CANCELLED)
        for m in made.put:
            stored[m.dedup_key] = rules.Stored(
                m.dedup_key, m.template, m.channel, m.address, MessageState.HELD, "", m.release_at, m.known_start
            )

    plan(None)
    for what, value in [*steps, ("wait", timedelta(hours=1))]:
        if what == "wait":
            now += value
            work()
            continue
        known = rules.known_start(visit.status, visit.start)
        visit = replace(visit, start=value) if what == "to" else replace(visit, status=value)
        plan(known)
    assert all(one != other for one, other in pairwise(told))
    if visit.status is Status.BOOKED:
        assert told
        assert told[-1][0] is not Template.VISIT_CANCELLED
        assert told[-1][1] == visit.start
    if visit.status in rules.GONE and told:
        assert told[-1][0] is Template.VISIT_CANCELLED
