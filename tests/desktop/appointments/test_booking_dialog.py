"""Booking by dialog: what stands in the way is said beside the field, with a way out, and nothing typed is lost."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLineEdit, QSpinBox
from pytestqt.qtbot import QtBot

from clinicdesk.desktop.appointments.booking_dialog import BookingDialog, Purpose
from clinicdesk.desktop.appointments.today import TodayScreen
from clinicdesk.desktop.desk import Desk, NewPatient, Prefill
from clinicdesk.desktop.widgets import ActionButton, Field
from clinicdesk.features.appointments.schemas import BookAppointment, SaveType, Status
from clinicdesk.features.appointments.service import book, save_type
from clinicdesk.features.practitioners.schemas import SetWeeklyHours, Shift
from clinicdesk.features.practitioners.service import set_weekly_hours
from tests.desktop.appointments.conftest import Clinic, Hands
from tests.desktop.appointments.samples import DAY, at

Key = Qt.Key


def opened(today: TodayScreen, prefill: Prefill, purpose: Purpose = Purpose.BOOK) -> BookingDialog:
    today.book(prefill, purpose)
    dialog = today.window().findChildren(BookingDialog)[-1]
    assert dialog.is_open()
    return dialog


def button(qtbot: QtBot, dialog: BookingDialog, text: str) -> ActionButton:
    def found() -> list[ActionButton]:
        return [b for b in dialog.findChildren(ActionButton) if b.text().startswith(text) and b.isVisible()]

    qtbot.waitUntil(lambda: bool(found()))
    return found()[0]


def line(dialog: BookingDialog, name: str) -> QLineEdit:
    return next(line for line in dialog.findChildren(QLineEdit) if line.accessibleName() == name)


def test_a_taken_time_offers_the_nearest_two_and_takes_one(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands
) -> None:
    clinic.book(at(11, 30), patient=1)
    dialog = opened(today, Prefill(clinic.patients[0], clinic.lee.id, at(11, 30)))
    button(qtbot, dialog, "Use 11:10")
    later = button(qtbot, dialog, "Use 11:50")
    later.click()
    assert dialog.draft().start == at(11, 50)
    qtbot.waitUntil(lambda: not later.isVisible())
    hands.press(Key.Key_Return)
    qtbot.waitUntil(lambda: [v.start for v in clinic.visits() if v.patient_id == clinic.patients[0].id] == [at(11, 50)])


def test_outside_hours_is_said_and_can_be_overridden(qtbot: QtBot, today: TodayScreen, clinic: Clinic) -> None:
    dialog = opened(today, Prefill(clinic.patients[0], clinic.lee.id, at(18)))
    button(qtbot, dialog, "Book anyway").click()
    qtbot.waitUntil(lambda: [visit.start for visit in clinic.visits()] == [at(18)])


def test_the_patients_own_overlap_is_a_warning(qtbot: QtBot, today: TodayScreen, clinic: Clinic) -> None:
    clinic.book(at(11, 30), who=clinic.okafor)
    dialog = opened(today, Prefill(clinic.patients[0], clinic.lee.id, at(11, 30)))
    button(qtbot, dialog, "Book anyway").click()
    qtbot.waitUntil(lambda: len(clinic.visits()) == 2)
    assert any(visit.patient_overlap for visit in clinic.visits())


def test_overbooking_asks_for_a_reason(qtbot: QtBot, today: TodayScreen, clinic: Clinic) -> None:
    clinic.book(at(11, 30), patient=1)
    dialog = opened(today, Prefill(clinic.patients[0], clinic.lee.id, at(11, 30)))
    why = line(dialog, "Why overbook")
    qtbot.waitUntil(why.isVisible)
    QTest.keyClicks(why, "urgent")
    dialog.save()
    qtbot.waitUntil(lambda: any(visit.overbooked for visit in clinic.visits()))


def test_nothing_typed_is_lost_where_something_is_missing(qtbot: QtBot, today: TodayScreen, clinic: Clinic) -> None:
    dialog = opened(today, Prefill(practitioner_id=clinic.lee.id, start=at(12)))
    reason = line(dialog, "Reason")
    QTest.keyClicks(reason, "cough")
    dialog.save()
    assert reason.text() == "cough"
    assert dialog.is_open()
    assert line(dialog, "Patient").accessibleDescription() == "Choose a patient first."
    assert today.draft() == dialog.draft()


@pytest.mark.parametrize("typed", ["25:99", "noon-ish", ""])
def test_what_is_no_time_is_said_so(qtbot: QtBot, today: TodayScreen, clinic: Clinic, typed: str) -> None:
    dialog = opened(today, Prefill(clinic.patients[0], clinic.lee.id, at(12)))
    start = line(dialog, "Start")
    start.clear()
    QTest.keyClicks(start, typed)
    dialog.save()
    answered: list[object] = []
    today.desk.runner.read(lambda _tx: None, answered.append, owner=today)
    qtbot.waitUntil(lambda: bool(answered))  # what was asked for before it, if anything, is done
    assert dialog.is_open()
    assert not clinic.visits()


def test_a_date_is_read_as_it_is_said(qtbot: QtBot, today: TodayScreen, clinic: Clinic) -> None:
    dialog = opened(today, Prefill(clinic.patients[0], clinic.lee.id, at(12)))
    day = line(dialog, "Date")
    day.clear()
    QTest.keyClicks(day, "fri")
    assert dialog.draft().start == at(12, day=DAY + timedelta(days=4))


def test_the_length_is_the_types_until_it_is_chosen(today: TodayScreen, clinic: Clinic) -> None:
    dialog = opened(today, Prefill(clinic.patients[0], clinic.lee.id, at(12)))
    assert dialog.findChildren(QSpinBox)[0].value() == 20


def test_someone_unknown_can_be_registered(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, desk: Desk, hands: Hands
) -> None:
    dialog = opened(today, Prefill(practitioner_id=clinic.lee.id, start=at(12)))
    hands.type("Quetzal")
    register = button(qtbot, dialog, "Register")
    with qtbot.waitSignal(desk.requested) as asked:
        register.click()
    assert asked.args is not None
    (request,) = asked.args
    assert isinstance(request, NewPatient)
    assert request.text == "Quetzal"
    assert request.booking is not None
    assert request.booking.start == at(12)


def test_a_walk_in_is_seven_keys(qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands) -> None:
    hands.press("w")
    hands.type("angs")
    hands.press(Key.Key_Return)
    dialog = today.window().findChildren(BookingDialog)[0]
    qtbot.waitUntil(lambda: dialog.draft().patient is not None)
    hands.press(Key.Key_Return)
    qtbot.waitUntil(lambda: [visit.status for visit in clinic.visits()] == [Status.ARRIVED])
    assert hands.count == 7


def test_a_visit_is_changed_in_one_unit_that_undo_puts_back(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, desk: Desk
) -> None:
    visit = clinic.book(at(11))
    today.book(Prefill(), Purpose.EDIT, visit)
    dialog = today.window().findChildren(BookingDialog)[-1]
    QTest.keyClicks(line(dialog, "Reason"), "knee")
    start = line(dialog, "Start")
    start.clear()
    QTest.keyClicks(start, "14:00")
    dialog.save()
    qtbot.waitUntil(lambda: bool(desk.undo.undo_text))
    changed = clinic.visit(visit)
    assert (changed.start, changed.reason) == (at(14), "knee")
    desk.undo.undo()
    qtbot.waitUntil(lambda: (clinic.visit(visit).start, clinic.visit(visit).reason) == (at(11), ""))


def with_lunch(clinic: Clinic) -> None:
    shifts = tuple(
        Shift(day, *span) for day in range(7) for span in ((time(9), time(12, 30)), (time(13, 15), time(17)))
    )
    with clinic.db.write(clinic.operator) as tx:
        set_weekly_hours(tx, SetWeeklyHours(clinic.lee.id, shifts, date(2026, 1, 1)))


@pytest.mark.parametrize(
    ("hour", "minute", "said"),
    [
        (12, 45, "Dr Grace Lee is at lunch until 13:15. Nearest free: 12:10 or 13:15."),
        (12, 20, "Dr Grace Lee is at lunch until 13:15. Nearest free: 12:10 or 13:15."),
        (11, 25, "Dr Grace Lee has another visit until 11:50. Nearest free: 11:10 or 11:50."),
        (17, 30, "Dr Grace Lee works until 17:00. Nearest free: 16:40 or Tue 24 Nov, 09:00."),
    ],
)
def test_what_stands_in_the_way_is_said_with_the_nearest_times(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, hour: int, minute: int, said: str
) -> None:
    with_lunch(clinic)
    clinic.book(at(11, 30), patient=1)
    dialog = opened(today, Prefill(clinic.patients[0], clinic.lee.id, at(hour, minute)))
    (field,) = (field for field in dialog.findChildren(Field) if line(dialog, "Start") in field.findChildren(QLineEdit))
    qtbot.waitUntil(lambda: field.error() == said)


def test_a_taken_time_is_booked_only_with_a_reason(qtbot: QtBot, today: TodayScreen, clinic: Clinic) -> None:
    clinic.book(at(11, 30), patient=1)
    dialog = opened(today, Prefill(clinic.patients[0], clinic.lee.id, at(11, 30)))
    book = button(qtbot, dialog, "Book")
    qtbot.waitUntil(lambda: not book.isEnabled())
    QTest.keyClicks(line(dialog, "Why overbook"), "urgent")
    qtbot.waitUntil(lambda: book.isEnabled() and book.text() == "Book anyway")


def test_each_kind_of_visit_shows_its_colour(today: TodayScreen, clinic: Clinic) -> None:
    dialog = opened(today, Prefill(clinic.patients[0], clinic.lee.id, at(12)))
    kinds = next(box for box in dialog.findChildren(QComboBox) if box.accessibleName() == "For")
    swatch = kinds.itemIcon(0).pixmap(12).toImage()
    assert swatch.pixelColor(swatch.rect().center()).name() == clinic.kind.colour.lower()


def test_a_visit_that_is_opened_and_saved_stays_what_it_was(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands
) -> None:
    with clinic.db.write(clinic.operator) as tx:
        other = save_type(tx, SaveType("Minor surgery", 45, short="ms", position=2))
        visit = book(
            tx, BookAppointment(clinic.patients[0].id, clinic.okafor.id, at(14), timedelta(minutes=45), other.id)
        )
    today.refresh()
    qtbot.waitUntil(lambda: today.day_view.choose_visit(visit.id))
    hands.press(Key.Key_Return)
    (dialog,) = today.window().findChildren(BookingDialog)
    draft = dialog.draft()
    assert (draft.type_id, draft.practitioner_id, draft.start) == (other.id, clinic.okafor.id, at(14))
    dialog.save()
    qtbot.waitUntil(lambda: not dialog.is_open())
    now = clinic.visit(visit)
    assert (now.type_id, now.practitioner_id, now.room_id) == (other.id, clinic.okafor.id, visit.room_id)


def test_what_is_not_offered_any_more_stays_in_a_visit_that_has_it(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic
) -> None:
    visit = clinic.book(at(14))
    with clinic.db.write(clinic.operator) as tx:
        save_type(tx, SaveType("Review", 10, short="re"))
        kind = clinic.kind
        save_type(
            tx, SaveType(kind.name, kind.minutes, short=kind.short, active=False, id=kind.id, version=kind.version)
        )
    with qtbot.waitSignal(today.counts_changed):
        today.refresh()
    today.book(Prefill(), Purpose.EDIT, visit)
    (dialog,) = today.window().findChildren(BookingDialog)
    assert dialog.draft().type_id == clinic.kind.id
