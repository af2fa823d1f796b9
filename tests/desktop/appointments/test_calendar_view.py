"""The calendar's grid by itself: cursor, crowded hours, closed days, days of 23 and 25 hours, mirrored, and read aloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QAccessible, QPaintEvent, QRegion
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from clinicdesk.desktop.appointments.day_view import DayView
from clinicdesk.desktop.appointments.week_view import WeekView
from clinicdesk.desktop.desk import Desk
from clinicdesk.features.appointments.schemas import AppointmentRow, DaySchedule, Status
from tests.conftest import Hands
from tests.desktop.appointments.samples import DAY, LEE, NOW, OKAFOR, ZONE, at, visit, working

Key = Qt.Key
BERLIN = ZoneInfo("Europe/Berlin")


def schedule(visits: Sequence[AppointmentRow] = (), day: date = DAY, zone: ZoneInfo = ZONE) -> DaySchedule:
    hours = (at(9, 0, day, zone), at(17, 0, day, zone))
    return DaySchedule(day, tuple(working(who, hours, day=day) for who in (LEE, OKAFOR)), tuple(visits))


@pytest.fixture
def view(qtbot: QtBot, desk: Desk) -> DayView:
    made = DayView(desk)
    qtbot.addWidget(made)
    made.resize(900, 700)
    made.show()
    return made


def minutes(view: DayView) -> float:
    slot = view.current_slot()
    assert slot is not None
    return view.axis().minute(slot.start)


def test_arrows_go_through_visits_and_free_time(qtbot: QtBot, view: DayView) -> None:
    first, second = visit(at(10), 20), visit(at(10, 30), 30)
    view.show_day(schedule([first, second]), [LEE, OKAFOR])
    view.choose_visit(first.id)
    QTest.keyClick(view, Key.Key_Down)
    assert view.current_visit() is None
    assert minutes(view) == 10 * 60 + 20
    QTest.keyClick(view, Key.Key_Down)
    assert view.current_visit() == second
    QTest.keyClick(view, Key.Key_Right)
    slot = view.current_slot()
    assert slot is not None
    assert (slot.practitioner_id, slot.start) == (OKAFOR.id, at(10, 30))


def test_arrows_follow_the_eye_when_mirrored(qtbot: QtBot, view: DayView) -> None:
    view.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    view.show_day(schedule(), [LEE, OKAFOR])
    view.choose_time(LEE.id, at(10))
    assert view.column_area(0).left() > view.column_area(1).left()
    QTest.keyClick(view, Key.Key_Left)
    slot = view.current_slot()
    assert slot is not None
    assert slot.practitioner_id == OKAFOR.id


def test_the_cursor_stays_on_its_visit_when_rows_arrive(view: DayView) -> None:
    mine, other = visit(at(10)), visit(at(12))
    view.show_day(schedule([mine, other]), [LEE, OKAFOR])
    view.choose_visit(mine.id)
    moved = replace(mine, start=at(15), end=at(15, 30), practitioner_id=OKAFOR.id, version=2)
    view.show_day(schedule([other, moved]), [LEE, OKAFOR])
    assert view.current_visit() == moved


def test_a_crowd_is_counted_and_reached_by_keys(qtbot: QtBot, view: DayView) -> None:
    crowd = [visit(at(10, n), 30, f"Person {n}") for n in range(5)]
    view.show_day(schedule(crowd), [LEE])
    (column,) = view.columns()
    ((_, hidden),) = column.more
    assert len(hidden) == 3
    view.choose_visit(hidden[-1].id)
    assert view.current_visit() == hidden[-1]
    assert not view.cursor_rect().isEmpty()


@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
def test_a_cancelled_visit_stands_aside_for_the_one_in_its_place(view: DayView, direction: Qt.LayoutDirection) -> None:
    view.setLayoutDirection(direction)
    gone, here = visit(at(10), status=Status.CANCELLED), visit(at(10), name="Jordan Smith")
    view.show_day(schedule([gone, here]), [LEE])
    aside, wide = view.visit_rect(gone.id), view.visit_rect(here.id)
    assert wide.width() > 2 * aside.width()
    assert not wide.intersects(aside)
    assert (aside.left() > wide.left()) == (direction is Qt.LayoutDirection.LeftToRight)
    for row, rect in ((gone, aside), (here, wide)):
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
        assert view.current_visit() == row
    names = [view.accessible_interface().child(i) for i in range(2)]
    assert [name.rect().size() for name in names if name] == [aside.size(), wide.size()]
    view.choose_visit(gone.id)
    QTest.keyClick(view, Key.Key_Down)
    assert view.current_visit() == here


def test_the_last_minutes_of_the_day_can_be_seen_whole(view: DayView) -> None:
    last = visit(at(23, 58), 2)
    view.show_day(schedule([last]), [LEE])
    bar = view.verticalScrollBar()
    bar.setValue(bar.maximum())
    ring = view.visit_rect(last.id).adjusted(-4, -4, 4, 4)
    assert view.viewport().rect().bottom() > ring.bottom()


def test_what_was_entered_in_error_is_not_shown(view: DayView) -> None:
    view.show_day(schedule([visit(at(10), status=Status.ENTERED_IN_ERROR)]), [LEE])
    assert view.columns()[0].shown == ()


def test_a_visit_where_its_practitioner_is_on_leave_by_now_is_stranded(view: DayView) -> None:
    booked = visit(at(10))
    closed = DaySchedule(DAY, (working(LEE, (at(9), at(17)), holiday="Founders' Day"),), (booked,))
    view.show_day(closed, [LEE])
    assert view.columns()[0].is_stranded(booked)
    assert view.heading(view.columns()[0]).subtitle.endswith("Founders' Day")


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_day_with_a_clock_change_is_drawn_at_its_length(view: DayView, desk: Desk, day: date, hours: int) -> None:
    desk.clinic = replace(desk.clinic, zone="Europe/Berlin")
    nine = visit(at(9, 0, day, BERLIN))
    view.show_day(schedule([nine], day, BERLIN), [LEE])
    scale = view.scale()
    assert view.column_area(0).height() == pytest.approx(hours * 60 * scale)
    view.choose_visit(nine.id)
    expected = (hours - 24 + 9) * 60 * scale
    assert view.visit_rect(nine.id).top() + view.verticalScrollBar().value() == pytest.approx(expected, abs=2)
    assert minutes(view) == (hours - 24 + 9) * 60


def test_time_drawn_in_the_repeated_hour_is_the_second_one(view: DayView, desk: Desk) -> None:
    desk.clinic = replace(desk.clinic, zone="Europe/Berlin")
    day = date(2026, 10, 25)
    view.show_day(schedule([], day, BERLIN), [LEE])
    first, second = (view.axis().instant(day, minute) for minute in (150, 210))
    assert second - first == timedelta(hours=1)
    assert first.astimezone(BERLIN).time() == second.astimezone(BERLIN).time()


def test_a_week_shows_one_practitioner(qtbot: QtBot, desk: Desk) -> None:
    week = WeekView(desk)
    qtbot.addWidget(week)
    schedules = [
        schedule(
            [visit(at(10, day=DAY + timedelta(days=n)), who=who) for who in (LEE, OKAFOR)], DAY + timedelta(days=n)
        )
        for n in range(7)
    ]
    week.show_week(schedules, LEE)
    assert [len(column.shown) for column in week.columns()] == [1] * 7


def test_a_screen_reader_finds_each_visit_by_name_and_place(view: DayView) -> None:
    osei = visit(at(10, 20), 30, "Daniel Osei", Status.ARRIVED)
    view.show_day(schedule([osei, visit(at(12))]), [LEE])
    view.choose_visit(osei.id)
    calendar = QAccessible.queryAccessibleInterface(view)
    assert calendar is not None
    assert calendar.childCount() == 2
    child = calendar.child(0)
    assert child.text(QAccessible.Text.Name) == "10:20 to 10:50, Daniel Osei, arrived, waiting 22 minutes, Dr Lee"
    assert child.rect().size() == view.visit_rect(osei.id).size()
    assert child.state().selected
    assert calendar.indexOfChild(child) == 0


def test_zoom_keeps_the_middle_and_stops_at_its_ends(view: DayView) -> None:
    view.show_day(schedule(), [LEE])
    for _ in range(9):
        view.zoom(1)
    assert view.scale() == 2.4
    for _ in range(9):
        view.zoom(-1)
    assert view.scale() == 0.9


def test_a_new_day_is_painted_to_the_end(qtbot: QtBot, view: DayView) -> None:
    people = [replace(LEE, id=visit(at(9)).id, family=f"Lee {n}") for n in range(10)]
    visits = [visit(at(9) + timedelta(minutes=20 * n), 20, f"Person {n}", who=who) for who in people for n in range(24)]
    view.resize(1700, 900)
    view.show_day(DaySchedule(DAY, tuple(working(who, (at(9), at(17))) for who in people), tuple(visits)), people)
    view.viewport().repaint()
    last = view.visit_rect(visits[-24].id).center()
    qtbot.waitUntil(lambda: view.viewport().grab().toImage().pixelColor(last) != desk_base(view))


def desk_base(view: DayView) -> object:
    return view.palette().base().color()


def test_the_card_comes_after_a_rest_and_never_covers_its_visit(qtbot: QtBot, view: DayView) -> None:
    osei = visit(at(10, 20), 30)
    view.show_day(schedule([osei]), [LEE, OKAFOR])
    view.choose_visit(osei.id)
    rect = view.visit_rect(osei.id)
    QTest.mouseMove(view.viewport(), rect.center())
    qtbot.waitUntil(view.card().isVisible)
    assert view.card().visit() == osei
    assert not view.card().geometry().intersects(rect.translated(view.viewport().mapToGlobal(QPoint(0, 0))))
    QTest.keyClick(view, Key.Key_Escape)
    assert not view.card().isVisible()


class Painted(QObject):
    """What was painted of a widget since it was last asked."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.region = QRegion()
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.region = self.region.united(event.region())
        return False


def test_a_passing_minute_repaints_the_line_and_not_the_day(qtbot: QtBot, view: DayView, clock: Hands) -> None:
    view.show_day(schedule([visit(at(14))]), [LEE, OKAFOR])
    view.viewport().repaint()
    qtbot.waitUntil(lambda: not view._painter._unpainted)  # a new day may take several frames
    painted = Painted(view.viewport())
    clock.now += timedelta(minutes=1)
    view.tick()
    qtbot.waitUntil(lambda: not painted.region.isEmpty())
    assert painted.region.boundingRect().height() < 20


def test_now_is_the_running_slot_of_the_first_who_works_now(view: DayView) -> None:
    """At 10:42 Lee is not in any more, and Okafor is; who has an own column stands in that."""
    early = working(LEE, (at(8), at(10)))
    late = working(OKAFOR, (at(9), at(17)))
    view.show_day(DaySchedule(DAY, (early, late), ()), [LEE, OKAFOR])
    view.go_now()
    slot = view.current_slot()
    assert slot is not None
    assert (slot.practitioner_id, slot.start, slot.is_past(NOW)) == (OKAFOR.id, at(10, 30), False)
    view.go_now(LEE.id)
    assert view.current_column() is view.columns()[0]


def test_now_is_the_visit_that_runs_but_no_cancelled_one(view: DayView) -> None:
    running = visit(at(10, 40), 20)
    cancelled = visit(at(10, 35), 20, status=Status.CANCELLED, who=OKAFOR)
    view.show_day(schedule([running, cancelled]), [LEE, OKAFOR])
    view.go_now()
    assert view.current_visit() == running
    view.go_now(OKAFOR.id)
    slot = view.current_slot()
    assert view.current_visit() is None
    assert slot is not None
    assert slot.start == at(10, 30)


def test_time_that_is_past_does_not_call_itself_free(view: DayView) -> None:
    view.show_day(schedule(), [LEE, OKAFOR])
    view.choose_time(LEE.id, at(9))
    assert "past" in view.cursor_words()
    view.choose_time(LEE.id, at(11))
    assert "6 h free" in view.cursor_words()
