"""Each user's inbox: what lands in it, who may read it, and how its owner wants to be told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from clinicdesk.core.errors import ClinicError, InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import PageRequest
from clinicdesk.core.tx import Committed
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import CancelAppointment, Reschedule
from clinicdesk.features.notifications import rules
from clinicdesk.features.notifications import service as notifications
from clinicdesk.features.notifications.inbox import notify
from clinicdesk.features.notifications.schemas import Delivery, EditPreferences, Kind, NotificationRow, QuietTime
from clinicdesk.features.users.models import User
from tests.features.appointments.conftest import Desk, at
from tests.features.notifications.conftest import HOUR, Outbox


@pytest.fixture
def doctor_desk(outbox: Outbox) -> Desk:
    return outbox.desk.as_(outbox.doctor)


def tell(outbox: Outbox, times: int = 1, **other: Any) -> None:
    """Have something said to the doctor."""

    def work(tx: Any) -> None:
        for _ in range(times):
            notify(
                tx,
                [outbox.doctor.user_id or new_id()],
                Kind.VISIT_BOOKED,
                {"start": "2026-11-23T10:00:00+00:00"},
                **other,
            )

    outbox.desk.do(work)


def kinds(desk: Desk) -> list[str]:
    return [row.kind.value for row in desk.ask(notifications.inbox).items]


def test_a_page_is_newest_first_and_ends_where_the_next_begins(outbox: Outbox, doctor_desk: Desk) -> None:
    for _ in range(5):
        tell(outbox)
    first = doctor_desk.ask(notifications.inbox, PageRequest(limit=3, total=True))
    tell(outbox)
    second = doctor_desk.ask(notifications.inbox, PageRequest(limit=3, cursor=first.next))
    ids = [row.id for row in (*first.items, *second.items)]
    assert ids == sorted(ids, reverse=True)
    assert (len(set(ids)), first.total, second.next) == (5, 5, None)


@pytest.mark.parametrize("page", [PageRequest(limit=0), PageRequest(limit=201), PageRequest(cursor="nonsense")])
def test_a_page_that_there_cannot_be(doctor_desk: Desk, page: PageRequest) -> None:
    with pytest.raises(InvalidInput):
        doctor_desk.ask(notifications.inbox, page)


def test_reading_counts_down_and_deleting_takes_away(outbox: Outbox, doctor_desk: Desk) -> None:
    tell(outbox, 3)
    one = doctor_desk.ask(notifications.inbox).items[0]
    assert doctor_desk.ask(notifications.unread_count) == 3
    read: NotificationRow = doctor_desk.do(notifications.mark_read, one.id)
    assert read.read_at == outbox.clock.now
    assert doctor_desk.ask(notifications.unread_count) == 2
    assert len(doctor_desk.ask(notifications.inbox, unread_only=True).items) == 2
    assert doctor_desk.do(notifications.mark_all_read) == 2
    assert doctor_desk.do(notifications.mark_all_read) == 0
    doctor_desk.do(notifications.remove, one.id)
    assert len(doctor_desk.ask(notifications.inbox).items) == 2


def test_nobody_touches_the_inbox_of_another(outbox: Outbox, doctor_desk: Desk) -> None:
    tell(outbox)
    (one,) = doctor_desk.ask(notifications.inbox).items
    assert outbox.desk.ask(notifications.inbox).items == []
    for verb in (notifications.mark_read, notifications.remove):
        with pytest.raises(NotFound):
            outbox.desk.do(verb, one.id)
    outbox.desk.do(notifications.mark_all_read)
    assert doctor_desk.ask(notifications.unread_count) == 1


def test_what_is_unread_about_something_is_not_told_again(outbox: Outbox, doctor_desk: Desk) -> None:
    subject = new_id()
    tell(outbox, 2, subject_id=subject)
    assert doctor_desk.ask(notifications.unread_count) == 1
    doctor_desk.do(notifications.mark_all_read)
    tell(outbox, subject_id=subject)
    assert doctor_desk.ask(notifications.unread_count) == 1


def test_an_account_that_is_off_is_told_nothing(outbox: Outbox, doctor_desk: Desk) -> None:
    with outbox.db.engine.begin() as connection:
        connection.execute(update(User).where(User.id == outbox.doctor.user_id).values(active=False))
    tell(outbox)
    assert kinds(doctor_desk) == []


def test_listeners_hear_whose_inbox_has_changed(outbox: Outbox) -> None:
    heard: list[Committed] = []
    outbox.db.listeners.append(heard.append)
    outbox.desk.book(at(15))
    (told,) = heard
    assert {"appointment", "notification", "outbound_message"} <= told.entities
    assert [c.new["user_id"] for c in told.changes if c.entity == "notification" and c.new] == [outbox.doctor.user_id]


def test_a_practitioner_hears_of_what_others_do_with_near_visits(outbox: Outbox, doctor_desk: Desk) -> None:
    visit = outbox.desk.book(at(15))
    assert kinds(doctor_desk) == ["visit_booked"]
    doctor_desk.do(notifications.mark_all_read)
    visit = outbox.desk.do(appointments.reschedule, Reschedule(visit.id, visit.version, at(16)))
    assert kinds(doctor_desk) == ["visit_moved", "visit_booked"]
    visit = outbox.desk.do(appointments.cancel, CancelAppointment(visit.id, visit.version, "pat"))
    assert kinds(doctor_desk) == ["visit_cancelled", "visit_booked"]  # what was unread is overtaken
    assert doctor_desk.ask(notifications.inbox).items[0].subject_id == visit.id
    assert "Smith" not in str(doctor_desk.ask(notifications.inbox))


def test_a_practitioner_hears_of_arrivals(outbox: Outbox, doctor_desk: Desk) -> None:
    visit = outbox.desk.book(at(11))
    outbox.desk.do(appointments.arrive, visit.id, visit.version)
    assert kinds(doctor_desk) == ["patient_arrived"]


def test_a_practitioner_does_not_hear_of_far_visits_nor_of_their_own_doing(outbox: Outbox, doctor_desk: Desk) -> None:
    outbox.desk.book(at(15, day=3))
    doctor_desk.book(at(15))
    assert kinds(doctor_desk) == []


def test_what_was_undone_leaves_the_inbox(outbox: Outbox, doctor_desk: Desk) -> None:
    visit = outbox.desk.book(at(15))
    outbox.administrator.do(appointments.mark_entered_in_error, visit.id, visit.version)
    assert kinds(doctor_desk) == []


# ---- preferences -----------------------------------------------------------------------------------------------------


def prefer(desk: Desk, delivery: Delivery, quiet: QuietTime | None = None) -> None:
    desk.do(notifications.edit_preferences, EditPreferences({Kind.VISIT_BOOKED: delivery}, quiet))


def test_preferences_are_of_their_owner_and_change_one_by_one(outbox: Outbox, doctor_desk: Desk) -> None:
    prefer(doctor_desk, Delivery.EMAIL, QuietTime(1320, 420))
    doctor_desk.do(notifications.edit_preferences, EditPreferences({Kind.VISIT_MOVED: Delivery.NONE}))
    mine = doctor_desk.ask(notifications.preferences)
    assert (mine.delivery[Kind.VISIT_BOOKED], mine.delivery[Kind.VISIT_MOVED]) == (Delivery.EMAIL, Delivery.NONE)
    assert (mine.delivery[Kind.CHAT_MESSAGE], mine.quiet) == (Delivery.IN_APP, None)
    assert set(outbox.desk.ask(notifications.preferences).delivery.values()) == {Delivery.IN_APP}


def test_who_wants_to_hear_nothing_hears_nothing(outbox: Outbox, doctor_desk: Desk) -> None:
    prefer(doctor_desk, Delivery.NONE)
    tell(outbox)
    assert kinds(doctor_desk) == []


def test_an_e_mail_of_a_notification_names_nobody(outbox: Outbox, doctor_desk: Desk) -> None:
    prefer(doctor_desk, Delivery.EMAIL)
    tell(outbox)
    assert kinds(doctor_desk) == ["visit_booked"]
    (claimed,) = outbox.claim()
    assert claimed.letter.subject == "ClinicDesk: something new"
    assert claimed.letter.body.startswith("A visit was booked with you.\n")


def test_quiet_hours_hold_the_e_mail_and_ask_for_no_attention(outbox: Outbox, doctor_desk: Desk) -> None:
    prefer(doctor_desk, Delivery.EMAIL, QuietTime(10 * 60, 12 * 60))  # the clock stands at 10:42
    tell(outbox)
    assert [row.quiet for row in doctor_desk.ask(notifications.inbox).items] == [True]
    assert outbox.claim() == []
    outbox.later(HOUR + timedelta(minutes=18))
    assert len(outbox.claim()) == 1


@pytest.mark.parametrize("quiet", [QuietTime(-1, 60), QuietTime(0, 1440)])
def test_a_day_has_no_such_minute(doctor_desk: Desk, quiet: QuietTime) -> None:
    with pytest.raises(ClinicError) as refused:
        prefer(doctor_desk, Delivery.IN_APP, quiet)
    assert refused.value.reason == "out_of_range"


@given(
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001  (made aware below)
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_quiet_hours_end_after_they_began_and_are_quiet_by_the_wall_clock(
    first: int, last: int, naive: datetime, name: str
) -> None:
    now, zone = naive.replace(tzinfo=UTC), ZoneInfo(name)
    until = rules.quiet_until(QuietTime(first, last), now, zone)
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    if until is not None:
        assert now < until <= now + timedelta(hours=25)
        assert rules.quiet_until(QuietTime(first, last), until, zone) is None
    changes_today = len({(local + timedelta(hours=h)).utcoffset() for h in (-26, 0, 26)}) > 1
    if not changes_today:
        inside = first <= minute < last if first < last else (minute >= first or minute < last) and first != last
        assert (until is not None) == inside


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True))
def test_a_retry_waits_an_hour_at_most_and_longer_each_time_on_average(attempts: int, draw: float) -> None:
    wait = rules.retry_delay(attempts, draw)
    assert timedelta() <= wait <= HOUR
    assert rules.retry_delay(attempts + 1, draw) >= wait
