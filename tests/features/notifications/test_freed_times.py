"""The desk hears of a cancelled visit whose time would suit somebody who waits, and of no other."""

from __future__ import annotations

from datetime import timedelta

from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import AppointmentRow, CancelAppointment
from clinicdesk.features.appointments.waitlist_schemas import Wish
from clinicdesk.features.notifications import service as notifications
from clinicdesk.features.notifications.schemas import NotificationRow
from tests.features.appointments.conftest import at
from tests.features.notifications.conftest import Outbox


def told(outbox: Outbox) -> list[NotificationRow]:
    return list(outbox.desk.ask(notifications.inbox).items)


def cancel(outbox: Outbox, visit: AppointmentRow) -> AppointmentRow:
    row: AppointmentRow = outbox.desk.do(appointments.cancel, CancelAppointment(visit.id, visit.version, "pat"))
    return row


def test_a_cancelled_visit_is_told_where_somebody_waits_for_such_a_time(outbox: Outbox) -> None:
    place = outbox.desk.place
    outbox.desk.do(appointments.add_wish, place.jones, Wish(timedelta(minutes=30), to_minute=12 * 60))
    cancel(outbox, outbox.desk.book(at(15, day=1)))
    assert told(outbox) == []
    visit = cancel(outbox, outbox.desk.book(at(9, day=1)))
    (one,) = told(outbox)
    assert (one.kind.value, one.subject_id) == ("time_freed", visit.id)
    assert one.params == {"start": "2026-11-24T09:00:00+00:00", "practitioner_id": place.lee.hex}


def test_what_is_taken_back_or_far_away_is_not(outbox: Outbox) -> None:
    outbox.desk.do(appointments.add_wish, outbox.desk.place.jones, Wish(timedelta(minutes=30)))
    cancel(outbox, outbox.desk.book(at(9, day=40)))
    assert told(outbox) == []
    visit = outbox.desk.book(at(9, day=1))
    unit, _ = outbox.desk.unit(appointments.cancel, CancelAppointment(visit.id, visit.version, "pat"))
    assert len(told(outbox)) == 1
    outbox.desk.do(appointments.revert, unit)
    assert told(outbox) == []
