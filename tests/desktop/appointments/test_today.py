"""The receptionist's day on the Today screen: real keys and mouse, real services, a real database."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu
from pytestqt.qtbot import QtBot

from clinicdesk.desktop.appointments.booking_dialog import BookingDialog
from clinicdesk.desktop.appointments.cancel_sheet import CancelSheet
from clinicdesk.desktop.appointments.hover_card import HoverCard
from clinicdesk.desktop.appointments.today import TodayScreen
from clinicdesk.desktop.desk import Desk
from clinicdesk.features.appointments.schemas import (
    AppointmentRow,
    CancelAppointment,
    Reschedule,
    Status,
)
from clinicdesk.features.appointments.service import cancel, reschedule
from tests.desktop.appointments.conftest import Clinic, Hands, Opened
from tests.desktop.appointments.samples import DAY, at

Key = Qt.Key


def shown(screen: TodayScreen, visit: AppointmentRow) -> AppointmentRow | None:
    """The visit as the day view shows it."""
    return next((found for column in screen.day_view.columns() if (found := column.find(visit.id))), None)


def with_visit(qtbot: QtBot, screen: TodayScreen, visit: AppointmentRow) -> None:
    """Wait until the screen has the visit, and put the cursor on it."""
    screen.refresh()
    qtbot.waitUntil(lambda: shown(screen, visit) is not None)
    assert screen.day_view.choose_visit(visit.id)


def words_on(card: HoverCard) -> list[str]:
    """What the card says, each of its lines by itself."""
    return [label.text() for label in card.findChildren(QLabel)]


def status(qtbot: QtBot, screen: TodayScreen, visit: AppointmentRow, wanted: Status) -> None:
    qtbot.waitUntil(lambda: (row := shown(screen, visit)) is not None and row.status is wanted)


def is_confirmed(clinic: Clinic, visit: AppointmentRow) -> bool:
    return clinic.visit(visit, visit.start.date()).confirmed


def is_current(screen: TodayScreen, visit: AppointmentRow) -> bool:
    current = screen.current_visit()
    return current is not None and current.id == visit.id


def test_book_a_known_slot_in_seven_keys(qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands) -> None:
    today.day_view.choose_time(clinic.lee.id, at(11, 30))
    hands.press("n")
    hands.type("smit")
    hands.press(Key.Key_Return)
    qtbot.waitUntil(lambda: bool(today.window().findChildren(BookingDialog)))
    dialog = today.window().findChildren(BookingDialog)[0]
    qtbot.waitUntil(lambda: dialog.draft().patient is not None)
    hands.press(Key.Key_Return)
    qtbot.waitUntil(lambda: bool(clinic.visits()))
    (visit,) = clinic.visits()
    assert (visit.patient_name, visit.practitioner_id, visit.start) == ("Jordan Smith", clinic.lee.id, at(11, 30))
    assert hands.count == 7
    qtbot.waitUntil(lambda: (now := today.current_visit()) is not None and now.id == visit.id)


def test_check_in_and_advance_are_one_key_each(qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands) -> None:
    visit = clinic.book(at(11))
    with_visit(qtbot, today, visit)
    hands.press("c")
    status(qtbot, today, visit, Status.CHECKED_IN)
    hands.press(Key.Key_Space)
    qtbot.waitUntil(lambda: clinic.visit(visit).in_progress)
    hands.press(Key.Key_Backspace)
    qtbot.waitUntil(lambda: not clinic.visit(visit).in_progress)
    assert hands.count == 3
    now = today.current_visit()
    assert now is not None
    assert now.id == visit.id


def test_two_quick_keys_are_two_steps(qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands) -> None:
    visit = clinic.book(at(11))
    with_visit(qtbot, today, visit)
    hands.press(Key.Key_Space, Key.Key_Space)
    qtbot.waitUntil(lambda: clinic.visit(visit).status is Status.CHECKED_IN)


def test_reschedule_by_cut_and_paste_in_four_keys(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands
) -> None:
    visit = clinic.book(at(11))
    clinic.book(at(11, 20), patient=1)
    with_visit(qtbot, today, visit)
    hands.ctrl(Key.Key_X)
    assert today.pinboard.next() == visit
    for _ in range(2):
        with qtbot.waitSignal(today.day_view.cursor_moved):
            hands.press(".")
    slot = today.current_slot()
    assert slot is not None
    hands.ctrl(Key.Key_V)
    qtbot.waitUntil(lambda: clinic.visit(visit).start == slot.start != visit.start)
    assert hands.count == 4
    qtbot.waitUntil(lambda: (now := today.current_visit()) is not None and now.start == slot.start)
    assert today.pinboard.next() is None


def test_cancel_asks_for_a_digit_and_leaves_the_cursor_on_the_freed_time(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands
) -> None:
    visit = clinic.book(at(11))
    with_visit(qtbot, today, visit)
    hands.press("x")
    assert today.window().findChildren(CancelSheet)
    hands.press("2", Key.Key_Return)
    status(qtbot, today, visit, Status.CANCELLED)
    assert clinic.visit(visit).cancel_reason == "pat-fb"
    qtbot.waitUntil(lambda: today.current_visit() is None)
    slot = today.current_slot()
    assert slot is not None
    assert (slot.practitioner_id, slot.start) == (clinic.lee.id, at(11))


def test_undo_and_redo_of_a_move(qtbot: QtBot, today: TodayScreen, clinic: Clinic, desk: Desk) -> None:
    visit = clinic.book(at(11))
    with_visit(qtbot, today, visit)
    today.actions_of_visits.move(visit, at(14), clinic.okafor.id)
    qtbot.waitUntil(lambda: clinic.visit(visit).start == at(14))
    qtbot.waitUntil(lambda: bool(desk.undo.undo_text))
    desk.undo.undo()
    qtbot.waitUntil(lambda: clinic.visit(visit).start == at(11))
    qtbot.waitUntil(lambda: bool(desk.undo.redo_text))
    desk.undo.redo()
    qtbot.waitUntil(lambda: clinic.visit(visit).start == at(14))
    assert clinic.visit(visit).practitioner_id == clinic.okafor.id


def drag(qtbot: QtBot, screen: TodayScreen, start: QPoint, end: QPoint) -> None:
    port = screen.day_view.viewport()
    QTest.mousePress(port, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(port, start + QPoint(0, 10))
    QTest.mouseMove(port, end)


def test_dragging_a_visit_moves_it_to_another_time_and_column(qtbot: QtBot, today: TodayScreen, clinic: Clinic) -> None:
    visit = clinic.book(at(11))
    with_visit(qtbot, today, visit)
    rect = today.day_view.visit_rect(visit.id)
    start = QPoint(rect.center().x(), rect.top() + 4)
    end = start + QPoint(today.day_view.column_width(), round(60 * today.day_view.scale()))
    drag(qtbot, today, start, end)
    QTest.mouseRelease(today.day_view.viewport(), Qt.MouseButton.LeftButton, pos=end)
    qtbot.waitUntil(lambda: clinic.visit(visit).start == at(12))
    assert clinic.visit(visit).practitioner_id == clinic.okafor.id


def test_pulling_the_lower_edge_makes_a_visit_longer(qtbot: QtBot, today: TodayScreen, clinic: Clinic) -> None:
    visit = clinic.book(at(11))
    with_visit(qtbot, today, visit)
    rect = today.day_view.visit_rect(visit.id)
    start = QPoint(rect.center().x(), rect.bottom() - 1)
    end = start + QPoint(0, round(20 * today.day_view.scale()))
    drag(qtbot, today, start, end)
    QTest.mouseRelease(today.day_view.viewport(), Qt.MouseButton.LeftButton, pos=end)
    qtbot.waitUntil(lambda: clinic.visit(visit).end == at(11, 40))


def test_escape_lets_go_of_a_drag(qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands) -> None:
    visit = clinic.book(at(11))
    with_visit(qtbot, today, visit)
    start = today.day_view.visit_rect(visit.id).center()
    drag(qtbot, today, start, start + QPoint(0, 90))
    assert today.day_view.is_dragging()
    hands.press(Key.Key_Escape)
    with qtbot.assertNotEmitted(today.day_view.dropped):
        QTest.mouseRelease(today.day_view.viewport(), Qt.MouseButton.LeftButton, pos=start + QPoint(0, 90))
    assert clinic.visit(visit).start == at(11)


def test_a_refused_drop_says_why_and_changes_nothing(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, desk: Desk
) -> None:
    visit, other = clinic.book(at(11)), clinic.book(at(13), patient=1)
    with_visit(qtbot, today, visit)
    with qtbot.waitSignal(desk.toasted) as told:
        today.actions_of_visits.move(visit, other.start)
    assert told.args is not None
    assert "taken" in told.args[0]
    assert told.args[1] is False
    assert clinic.visit(visit).start == at(11)


def test_dragging_over_free_time_opens_the_dialog_for_it(qtbot: QtBot, today: TodayScreen, clinic: Clinic) -> None:
    view = today.day_view
    view.choose_time(clinic.lee.id, at(11, 30))
    area = view.column_area(0)
    top = QPoint(round(area.center().x()), round(area.top() + view.axis().minute(at(12)) * view.scale()) + 1)
    end = top + QPoint(0, round(40 * view.scale()))
    drag(qtbot, today, top, end)
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=end)
    (dialog,) = today.window().findChildren(BookingDialog)
    draft = dialog.draft()
    assert (draft.start, draft.length, draft.practitioner_id) == (at(12), timedelta(minutes=40), clinic.lee.id)


def test_confirming_a_list_is_one_key_a_patient(qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands) -> None:
    visits = [clinic.book(at(9 + n, day=DAY + timedelta(days=1)), patient=n) for n in range(3)]
    hands.press(Key.Key_PageDown)
    hands.press(Key.Key_4, modifier=Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: today.visit_list.current_visit() is not None)
    for n, visit in enumerate(visits):
        current = today.current_visit()
        assert current is not None
        assert current.id == visit.id
        hands.press("y")
        qtbot.waitUntil(partial(is_confirmed, clinic, visit))
        if n < 2:
            qtbot.waitUntil(partial(is_current, today, visits[n + 1]))
    assert hands.count == 2 + 3


def test_going_to_a_typed_date_and_to_the_next_day_with_visits(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands
) -> None:
    clinic.book(at(9, day=DAY + timedelta(days=4)))
    hands.press("g")
    hands.type("6w")
    hands.press(Key.Key_Return)
    assert today.day() == DAY + timedelta(weeks=6)
    hands.press("t")
    assert today.day() == DAY
    hands.press(Key.Key_End)
    qtbot.waitUntil(lambda: today.day() == DAY + timedelta(days=4))


def test_follow_up_in_four_keys(qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands) -> None:
    visit = clinic.book(at(11))
    with_visit(qtbot, today, visit)
    hands.press("f")
    hands.type("6w")
    hands.press(Key.Key_Return)
    assert hands.count == 4
    later = DAY + timedelta(weeks=6)
    qtbot.waitUntil(lambda: bool(clinic.visits(later)))
    assert clinic.visits(later)[0].patient_id == visit.patient_id


def test_what_the_role_may_not_do_has_no_action(doctor_today: TodayScreen, open_today: Opened) -> None:
    names = {action.objectName() for action in doctor_today.key_actions()}
    assert "visit.advance" in names
    assert "visit.entered_in_error" not in names


def test_initials_hide_names_on_the_screen_and_from_readers(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, desk: Desk
) -> None:
    visit = clinic.book(at(11))
    with_visit(qtbot, today, visit)
    assert "Osei" in today.day_view.cursor_words()
    desk.privacy.set_initials_only(True)
    assert "Osei" not in today.day_view.cursor_words()
    assert "Osei" not in today.visit_list.model().index(0, 2).data() if today.visit_list.model().rowCount() else True


def test_the_menu_of_a_visit_opens_by_key_and_greys_what_makes_no_sense(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands
) -> None:
    with_visit(qtbot, today, clinic.book(at(11)))
    hands.press(Key.Key_F10, modifier=Qt.KeyboardModifier.ShiftModifier)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    entries = {action.text(): action.isEnabled() for action in menu.actions() if action.text()}
    menu.close()
    assert entries["Check in"]
    assert not entries["One step back"]
    assert "Entered in error" not in entries


def test_hidden_fields_are_shown_by_one_key_on_the_card(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands
) -> None:
    with_visit(qtbot, today, clinic.book(at(11)))
    card = today.day_view.card()
    qtbot.waitUntil(today.day_view.hasFocus)
    hands.ctrl(Key.Key_Space)
    qtbot.waitUntil(card.isVisible)
    qtbot.waitUntil(lambda: any(label.text().endswith("418\u2069") for label in card.findChildren(QLabel)))
    assert not any(label.text() == "07700900418" for label in card.findChildren(QLabel))
    hands.press("v")
    qtbot.waitUntil(lambda: any(label.text() == "07700900418" for label in card.findChildren(QLabel)))


def test_the_card_stays_with_its_visit_when_the_day_is_read_again(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands
) -> None:
    visit = clinic.book(at(11))
    with_visit(qtbot, today, visit)
    card = today.day_view.card()
    hands.press("v")
    qtbot.waitUntil(lambda: "07700900418" in words_on(card))
    other = clinic.book(at(13), patient=1)
    qtbot.waitUntil(lambda: shown(today, other) is not None)
    assert card.isVisible()
    assert "07700900418" in words_on(card)

    with clinic.db.write(clinic.operator) as tx:
        moved = reschedule(tx, Reschedule(visit.id, visit.version, at(12)))
    qtbot.waitUntil(lambda: (row := shown(today, visit)) is not None and row.start == moved.start)
    assert any(words.startswith("12:00") for words in words_on(card))
    assert not card.geometry().intersects(
        today.day_view.visit_rect(visit.id).translated(today.day_view.viewport().mapToGlobal(QPoint(0, 0)))
    )

    hands.press(Key.Key_PageDown)
    qtbot.waitUntil(lambda: shown(today, visit) is None)
    assert not card.isVisible()
    assert "07700900418" not in words_on(card)


def test_what_is_revealed_of_one_patient_never_stands_on_the_card_of_another(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands, desk: Desk
) -> None:
    visit, other = clinic.book(at(11)), clinic.book(at(13), patient=1)
    with_visit(qtbot, today, other)
    with_visit(qtbot, today, visit)
    hands.press("v")
    assert today.day_view.choose_visit(other.id)  # before the answer is there
    answered: list[object] = []
    desk.runner.read(lambda _tx: None, answered.append, owner=today)
    qtbot.waitUntil(lambda: bool(answered))
    card = today.day_view.card()
    assert not (card.isVisible() and "07700900418" in words_on(card))


def test_the_desk_opens_on_the_present_slot_and_t_comes_back_to_it(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands
) -> None:
    def stands_now() -> bool:
        slot = today.current_slot()
        return slot is not None and (slot.practitioner_id, slot.start) == (clinic.lee.id, at(10, 30))

    qtbot.waitUntil(stands_now)
    today.day_view.choose_time(clinic.okafor.id, at(15))
    hands.press("t")
    qtbot.waitUntil(stands_now)


def test_nothing_is_booked_in_the_past(qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands) -> None:
    today.day_view.choose_time(clinic.lee.id, at(9))
    with qtbot.waitSignal(today.day_view.cursor_moved):
        hands.press(".")
    slot = today.current_slot()
    assert slot is not None
    assert slot.start == at(10, 40)

    today.day_view.choose_time(clinic.lee.id, at(9))
    hands.press("n")
    (dialog,) = today.window().findChildren(BookingDialog)
    assert dialog.draft().start == at(10, 45)


def test_a_view_back_of_now_does_not_lead_into_the_past(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands, desk: Desk
) -> None:
    today.day_view.choose_time(clinic.lee.id, at(9))
    with qtbot.waitSignal(desk.toasted) as told:
        hands.press(",")
    assert told.args is not None
    assert told.args[0] == "No free time found."


def test_the_month_and_its_days_count_the_same_visits(qtbot: QtBot, today: TodayScreen, clinic: Clinic) -> None:
    for hour, status in ((11, Status.BOOKED), (12, Status.PROPOSED)):
        clinic.book(at(hour), status=status)
    gone = clinic.book(at(13))
    with clinic.db.write(clinic.operator) as tx:
        cancel(tx, CancelAppointment(gone.id, gone.version, "pat"))
    clinic.book(at(11, day=date(2026, 12, 3)), patient=1)  # in December
    today.refresh()
    qtbot.waitUntil(lambda: [words for _, words in today.counts()] == ["2 visits"])
    today.choose_view("month")
    qtbot.waitUntil(lambda: [words for _, words in today.counts()] == ["2 visits"])
    with qtbot.waitSignal(today.counts_changed):
        today.month.turn(1)
    qtbot.waitUntil(lambda: today.month.visits() == 1)
    assert [words for _, words in today.counts()] == ["1 visit"]
