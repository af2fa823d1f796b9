"""The flow board, worked by keyboard: real keys and mouse, real services, a real database, and a clock that a test sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QMenu, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.desktop.appointments.booking_dialog import BookingDialog
from clinicdesk.desktop.appointments.flow import FlowScreen
from clinicdesk.desktop.appointments.flow_cards import Card, Stage
from clinicdesk.desktop.appointments.flow_columns import FlowColumn, carried
from clinicdesk.desktop.appointments.flow_model import CardRole
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.widgets import ActionButton, StatePane
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import AppointmentRow, Status
from clinicdesk.features.practitioners.schemas import SavePractitioner
from clinicdesk.features.practitioners.service import save_practitioner
from tests.conftest import Hands as Clock
from tests.desktop.appointments.conftest import Clinic, Hands, set_up
from tests.desktop.appointments.samples import at
from tests.desktop.conftest import MakeDesk

Key = Qt.Key
Opened = Callable[[Desk], FlowScreen]


@pytest.fixture
def open_flow(qtbot: QtBot) -> Iterator[Opened]:
    """Shows the Flow screen of a desk in a window of its own, and waits until the day is there."""
    windows: list[QWidget] = []

    def show(desk: Desk) -> FlowScreen:
        window = QWidget()
        windows.append(window)
        window.resize(1280, 800)
        layout = QVBoxLayout(window)
        layout.setContentsMargins(0, 0, 0, 0)
        desk.host = window
        screen = FlowScreen(desk)
        layout.addWidget(screen)
        window.show()
        with qtbot.waitActive(window):
            window.activateWindow()
        screen.activate()
        qtbot.waitUntil(lambda: bool(screen.toolbar.summary()))
        return screen

    yield show
    for window in windows:
        window.close()
        window.deleteLater()


@pytest.fixture
def flow(desk: Desk, clinic: Clinic, open_flow: Opened) -> FlowScreen:
    """The Flow screen of a receptionist, on a day without visits."""
    return open_flow(desk)


def column(screen: FlowScreen, stage: Stage) -> FlowColumn:
    return next(found for found in screen.board.columns() if found.pile.stage is stage)


def cards(shown: FlowColumn) -> list[Card]:
    return [shown.model.index(row, 2).data(CardRole) for row in range(shown.model.rowCount())]


def card(screen: FlowScreen, visit: AppointmentRow) -> Card | None:
    return next(
        (found for shown in screen.board.columns() for found in cards(shown) if found.visit.id == visit.id), None
    )


def stage(screen: FlowScreen, visit: AppointmentRow) -> Stage | None:
    found = card(screen, visit)
    return found.stage if found else None


def reaches(qtbot: QtBot, screen: FlowScreen, visit: AppointmentRow, wanted: Stage) -> None:
    qtbot.waitUntil(lambda: stage(screen, visit) is wanted)


def names(shown: FlowColumn) -> list[str]:
    return [found.name for found in cards(shown)]


def arrives(clinic: Clinic, visit: AppointmentRow) -> AppointmentRow:
    with clinic.db.write(clinic.operator) as tx:
        return appointments.arrive(tx, visit.id, visit.version)


def waits(clinic: Clinic, clock: Clock, since: datetime, patient: int, start: datetime) -> AppointmentRow:
    """A visit whose patient has arrived at `since`."""
    now = clock.now
    visit = clinic.book(start, patient=patient)
    clock.now = since
    visit = arrives(clinic, visit)
    clock.now = now
    return visit


def in_hand(qtbot: QtBot, screen: FlowScreen, visit: AppointmentRow) -> None:
    """Wait until the board shows the visit, and put the cursor on it."""
    screen.refresh()
    qtbot.waitUntil(lambda: any(row.id == visit.id for row in screen.board.model.rows()))
    assert screen.board.choose(visit.id)
    screen.board.setFocus()


def is_current(screen: FlowScreen, visit: AppointmentRow) -> bool:
    current = screen.board.current_visit()
    return current is not None and current.id == visit.id


def test_one_key_takes_a_visit_from_expected_to_done_and_stamps_each_step(
    qtbot: QtBot, flow: FlowScreen, clinic: Clinic, hands: Hands, clock: Clock
) -> None:
    visit = clinic.book(at(11))
    in_hand(qtbot, flow, visit)
    steps = (
        (Stage.ARRIVED, "arrived_at"), (Stage.CHECKED_IN, "checked_in_at"), (Stage.IN_ROOM, "started_at"),
        (Stage.DONE, "ended_at"),
    )  # fmt: skip
    for wanted, stamp in steps:
        clock.now += timedelta(minutes=5)
        now = clock.now
        hands.press(Key.Key_Space)
        reaches(qtbot, flow, visit, wanted)
        assert getattr(clinic.visit(visit), stamp) == now
        assert is_current(flow, visit)
        assert column(flow, wanted).list.hasFocus()
    assert hands.count == 4
    assert clinic.visit(visit).status is Status.FULFILLED


def test_backspace_takes_one_step_back_and_the_cursor_goes_along(
    qtbot: QtBot, flow: FlowScreen, clinic: Clinic, hands: Hands
) -> None:
    visit = arrives(clinic, clinic.book(at(11)))
    in_hand(qtbot, flow, visit)
    hands.press(Key.Key_Backspace)
    qtbot.waitUntil(lambda: stage(flow, visit) is Stage.EXPECTED)
    assert clinic.visit(visit).arrived_at is None
    assert is_current(flow, visit)
    assert column(flow, Stage.EXPECTED).list.hasFocus()


def test_a_visit_far_ahead_comes_into_sight_when_the_cursor_is_on_it(
    qtbot: QtBot, flow: FlowScreen, clinic: Clinic, hands: Hands
) -> None:
    visit = arrives(clinic, clinic.book(at(15)))
    in_hand(qtbot, flow, visit)
    hands.press(Key.Key_Backspace)
    qtbot.waitUntil(lambda: stage(flow, visit) is Stage.EXPECTED)
    assert is_current(flow, visit)


def test_check_in_is_one_key(qtbot: QtBot, flow: FlowScreen, clinic: Clinic, hands: Hands) -> None:
    visit = clinic.book(at(11))
    in_hand(qtbot, flow, visit)
    hands.press("c")
    qtbot.waitUntil(lambda: stage(flow, visit) is Stage.CHECKED_IN)


def test_a_missed_visit_stands_among_those_done(qtbot: QtBot, flow: FlowScreen, clinic: Clinic, hands: Hands) -> None:
    visit = clinic.book(at(10, 40))
    in_hand(qtbot, flow, visit)
    hands.press(Key.Key_N, modifier=Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: stage(flow, visit) is Stage.DONE)
    assert clinic.visit(visit).status is Status.NOSHOW


def test_a_walk_in_takes_seven_keys_and_waits_at_once(
    qtbot: QtBot, flow: FlowScreen, clinic: Clinic, hands: Hands
) -> None:
    hands.press("w")
    hands.type("smit")
    hands.press(Key.Key_Return)
    qtbot.waitUntil(lambda: bool(flow.window().findChildren(BookingDialog)))
    dialog = flow.window().findChildren(BookingDialog)[0]
    qtbot.waitUntil(lambda: dialog.draft().patient is not None)
    hands.press(Key.Key_Return)
    qtbot.waitUntil(lambda: names(column(flow, Stage.ARRIVED)) == ["Jordan Smith"])
    assert hands.count == 7
    (visit,) = clinic.visits()
    assert visit.status is Status.ARRIVED
    qtbot.waitUntil(lambda: is_current(flow, visit) and column(flow, Stage.ARRIVED).list.hasFocus())


def test_digits_choose_those_who_are_here_by_how_long_they_wait(
    qtbot: QtBot, flow: FlowScreen, clinic: Clinic, hands: Hands, clock: Clock
) -> None:
    short = waits(clinic, clock, at(10, 36), 0, at(10, 50))
    long = waits(clinic, clock, at(10, 20), 1, at(11, 10))
    soon = clinic.book(at(11, 30), patient=2)
    in_hand(qtbot, flow, soon)
    assert names(column(flow, Stage.ARRIVED)) == ["Jordan Smith", "Daniel Osei"]
    hands.press("2")
    assert is_current(flow, short)
    hands.press("1")
    assert is_current(flow, long)
    hands.press("7")
    assert is_current(flow, long)


def test_arrows_walk_the_cards_and_pass_over_empty_columns(
    qtbot: QtBot, flow: FlowScreen, clinic: Clinic, hands: Hands, clock: Clock
) -> None:
    first = waits(clinic, clock, at(10, 20), 0, at(10, 30))
    second = waits(clinic, clock, at(10, 36), 1, at(10, 50))
    soon = clinic.book(at(11, 30), patient=2)
    later = clinic.book(at(15), patient=3)
    in_hand(qtbot, flow, first)
    hands.press(Key.Key_Down)
    assert is_current(flow, second)
    hands.press(Key.Key_Right)
    assert is_current(flow, second)
    hands.press(Key.Key_Left)
    assert is_current(flow, soon)
    assert stage(flow, later) is None
    hands.press(Key.Key_Down)
    assert is_current(flow, later)
    assert column(flow, Stage.EXPECTED).list.hasFocus()
    hands.press(Key.Key_Right)
    assert column(flow, Stage.ARRIVED).list.hasFocus()


def test_the_wait_runs_by_the_clock_and_says_when_it_is_too_long(
    qtbot: QtBot, flow: FlowScreen, clinic: Clinic, clock: Clock
) -> None:
    visit = waits(clinic, clock, at(10, 30), 0, at(10, 50))
    in_hand(qtbot, flow, visit)
    before = card(flow, visit)
    assert before is not None
    assert (before.minutes, before.over) == (12, False)
    height = flow.board.columns()[1].card_area(0).height()
    clock.now += timedelta(minutes=10)
    flow.tick()
    after = card(flow, visit)
    assert after is not None
    assert (after.minutes, after.over) == (22, True)
    assert after.spoken == "Daniel Osei, arrived, waiting 22 minutes, over 15, 10:50 with Dr Lee"
    qtbot.waitUntil(lambda: flow.board.columns()[1].card_area(0).height() > height)
    assert flow.toolbar.summary() == "1 waiting, longest 22 min, typical 22 min"
    assert is_current(flow, visit)


def test_time_brings_a_visit_into_the_next_hour(qtbot: QtBot, flow: FlowScreen, clinic: Clinic, clock: Clock) -> None:
    soon, later = clinic.book(at(11)), clinic.book(at(12), patient=1)
    in_hand(qtbot, flow, soon)
    assert stage(flow, later) is None
    clock.now += timedelta(minutes=30)
    flow.tick()
    assert stage(flow, later) is Stage.EXPECTED
    assert is_current(flow, soon)


def test_a_change_by_another_desk_is_shown_and_the_cursor_stays(
    qtbot: QtBot, flow: FlowScreen, clinic: Clinic, clock: Clock
) -> None:
    mine = waits(clinic, clock, at(10, 30), 0, at(10, 50))
    other = waits(clinic, clock, at(10, 20), 1, at(11, 10))
    in_hand(qtbot, flow, mine)
    with clinic.db.write(clinic.operator) as tx:
        appointments.check_in(tx, other.id, other.version)
    qtbot.waitUntil(lambda: stage(flow, other) is Stage.CHECKED_IN)
    assert is_current(flow, mine)
    with clinic.db.write(clinic.operator) as tx:
        appointments.check_in(tx, mine.id, mine.version)
    qtbot.waitUntil(lambda: stage(flow, mine) is Stage.CHECKED_IN)
    assert is_current(flow, mine)
    assert column(flow, Stage.CHECKED_IN).list.hasFocus()


def test_a_cancelled_visit_leaves_and_the_cursor_stays_at_its_height(
    qtbot: QtBot, flow: FlowScreen, clinic: Clinic, hands: Hands
) -> None:
    gone, next_one = clinic.book(at(11)), clinic.book(at(11, 20), patient=1)
    in_hand(qtbot, flow, gone)
    hands.press("x")
    hands.press("2", Key.Key_Return)
    qtbot.waitUntil(lambda: stage(flow, gone) is None and is_current(flow, next_one))
    qtbot.waitUntil(lambda: column(flow, Stage.EXPECTED).list.hasFocus())


def test_enter_opens_the_visit(qtbot: QtBot, flow: FlowScreen, clinic: Clinic, hands: Hands) -> None:
    in_hand(qtbot, flow, clinic.book(at(11)))
    hands.press(Key.Key_Return)
    assert flow.window().findChildren(BookingDialog)
    hands.press(Key.Key_Escape)
    assert column(flow, Stage.EXPECTED).list.hasFocus()


def drop(screen: FlowScreen, visit: AppointmentRow, to: Stage) -> None:
    data, target = carried(visit), column(screen, to)
    held = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(20, 200), Qt.DropAction.MoveAction, data, *held)
    QApplication.sendEvent(target, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(target, QDropEvent(QPointF(20, 200), Qt.DropAction.MoveAction, data, *held))


def test_a_card_dragged_to_the_next_column_takes_the_same_step(
    qtbot: QtBot, flow: FlowScreen, clinic: Clinic, desk: Desk
) -> None:
    visit = clinic.book(at(11))
    in_hand(qtbot, flow, visit)
    drop(flow, visit, Stage.ARRIVED)
    qtbot.waitUntil(lambda: stage(flow, visit) is Stage.ARRIVED)
    drop(flow, visit, Stage.EXPECTED)
    qtbot.waitUntil(lambda: stage(flow, visit) is Stage.EXPECTED)
    with qtbot.waitSignal(desk.toasted) as told:
        drop(flow, visit, Stage.DONE)
    assert told.args == ["One step at a time: drag the card to the next column, or one back.", False]
    assert clinic.visit(visit).status is Status.BOOKED


def test_what_a_drag_carries_names_nobody(clinic: Clinic) -> None:
    visit = clinic.book(at(11))
    data = carried(visit)
    assert [bytes(data.data(kind).data()) for kind in data.formats()] == [visit.id.bytes]
    assert UUID(bytes=visit.id.bytes) == visit.id


def test_initials_only_hides_names_and_reasons(qtbot: QtBot, flow: FlowScreen, clinic: Clinic, desk: Desk) -> None:
    visit = clinic.book(at(11))
    in_hand(qtbot, flow, visit)
    QTest.mouseClick(flow.toolbar.initials, Qt.MouseButton.LeftButton)
    assert desk.privacy.initials_only
    found = card(flow, visit)
    assert found is not None
    assert (found.name, found.line) == ("DO", "11:00 Lee")
    assert "Osei" not in found.spoken
    desk.privacy.set_initials_only(False)
    assert not flow.toolbar.initials.isChecked()


def test_rooms_say_who_is_inside_and_who_goes_in_next(
    qtbot: QtBot, flow: FlowScreen, clinic: Clinic, hands: Hands, clock: Clock
) -> None:
    inside = waits(clinic, clock, at(10, 20), 0, at(10, 30))
    waiting = waits(clinic, clock, at(10, 30), 1, at(10, 50))
    with clinic.db.write(clinic.operator) as tx:
        inside = appointments.start_visit(tx, inside.id, inside.version)
    clock.now += timedelta(minutes=7)
    in_hand(qtbot, flow, inside)
    lee = flow.rooms.tiles()[0]
    assert lee.words()[1:3] == ("Daniel Osei", "In room 7 min")
    hands.press(Key.Key_Space)
    qtbot.waitUntil(lambda: stage(flow, inside) is Stage.DONE)
    clock.now += timedelta(minutes=4)
    flow.tick()
    lee = flow.rooms.tiles()[0]
    assert lee.words()[1:3] == ("Free for 4 min", "Next: Jordan Smith")
    assert "Jordan Smith" in lee.accessibleName()
    assert column(flow, Stage.CHECKED_IN).note() == ""  # this clinic has given Dr Lee no room
    QTest.mouseClick(lee, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    assert is_current(flow, waiting)
    assert column(flow, Stage.ARRIVED).list.hasFocus()


def test_by_practitioner_each_has_a_column_and_the_nearest_to_them_comes_first(
    qtbot: QtBot, flow: FlowScreen, clinic: Clinic, clock: Clock
) -> None:
    clinic.book(at(11, 10), patient=2)
    waiting = waits(clinic, clock, at(10, 30), 1, at(10, 50))
    clinic.book(at(11), patient=3, who=clinic.okafor)
    in_hand(qtbot, flow, waiting)
    flow.choose_view("practitioner")
    shown = {found.pile.title: names(found) for found in flow.board.columns()}
    assert shown == {"Dr Grace Lee": ["Jordan Smith", "Freya Lindholm"], "Dr Amara Okafor": ["Zoë Ångström"]}
    assert is_current(flow, waiting)
    assert flow.board.columns()[0].list.hasFocus()
    found = card(flow, waiting)
    assert found is not None
    assert found.line == "10:50 · Follow-up"


def test_on_an_empty_day_the_walk_in_is_one_key_or_its_button(flow: FlowScreen, hands: Hands) -> None:
    assert flow.board.current_visit() is None
    hands.press("w")
    assert flow.window().findChildren(BookingDialog)
    hands.press(Key.Key_Escape)
    (pane,) = flow.findChildren(StatePane)
    (button,) = pane.findChildren(ActionButton)
    button.setFocus()
    hands.press(Key.Key_Space)
    assert any(dialog.is_open() for dialog in flow.window().findChildren(BookingDialog))


def test_a_walk_in_is_offered_to_who_is_at_work_not_to_the_first_of_the_clinic(
    qtbot: QtBot, flow: FlowScreen, clinic: Clinic, hands: Hands
) -> None:
    with clinic.db.write(clinic.operator) as tx:
        away = save_practitioner(tx, SavePractitioner("Adams", "Zed", "Dr", position=0))
    flow.refresh()
    qtbot.waitUntil(lambda: away.id in {person.id for person in flow._people()})
    hands.press("w")
    (dialog,) = flow.window().findChildren(BookingDialog)
    assert dialog.draft().practitioner_id == clinic.lee.id


def test_the_menu_of_a_visit_has_its_verbs_and_the_walk_in(
    qtbot: QtBot, flow: FlowScreen, clinic: Clinic, hands: Hands
) -> None:
    in_hand(qtbot, flow, clinic.book(at(11)))
    hands.press(Key.Key_F10, modifier=Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    offered = {action.text() for action in menu.actions() if action.isEnabled()}
    menu.close()
    assert {"Next step", "Check in", "Cancel, then reason 1–9", "Open", "Walk-in, first free"} <= offered
    assert "Show the card" not in offered


def test_a_doctor_sees_their_own_patients_until_they_ask_for_all(
    qtbot: QtBot, make_desk: MakeDesk, db: Database, operator: Actor, open_flow: Opened
) -> None:
    desk = make_desk(Role.DOCTOR)
    clinic = set_up(db, operator)
    mine, other = clinic.book(at(11)), clinic.book(at(11), patient=1, who=clinic.okafor)
    desk.user = replace(desk.user, practitioner_id=clinic.lee.id)
    screen = open_flow(desk)
    qtbot.waitUntil(lambda: stage(screen, mine) is Stage.EXPECTED)
    assert stage(screen, other) is None
    screen.choose_whose("all")
    assert stage(screen, other) is Stage.EXPECTED


def test_the_models_of_the_columns_keep_qts_rules(qtbot: QtBot, flow: FlowScreen, clinic: Clinic, hands: Hands) -> None:
    fatal = QAbstractItemModelTester.FailureReportingMode.Fatal
    for shown in flow.board.columns():
        QAbstractItemModelTester(shown.model, fatal, shown)
    visit = clinic.book(at(11))
    clinic.book(at(15), patient=1)
    in_hand(qtbot, flow, visit)
    hands.press(Key.Key_Space)
    qtbot.waitUntil(lambda: stage(flow, visit) is Stage.ARRIVED)
    column(flow, Stage.EXPECTED).show_all(True)
    column(flow, Stage.EXPECTED).show_all(False)
    spoken = column(flow, Stage.ARRIVED).model.index(0, 2).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "Daniel Osei, arrived, waiting 0 minutes, 11:00 with Dr Lee"
