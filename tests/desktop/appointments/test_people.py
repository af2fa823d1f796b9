"""Whose columns the calendar shows: who is in, who was chosen, and one practitioner's week."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, time, timedelta
from uuid import UUID

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from clinicdesk.desktop.appointments.people_sheet import PeopleSheet
from clinicdesk.desktop.appointments.today import TodayScreen
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.preferences import Preferences
from clinicdesk.desktop.widgets import ActionButton
from clinicdesk.features.appointments.service import mark_entered_in_error
from clinicdesk.features.practitioners.schemas import PractitionerRow, SavePractitioner, SetWeeklyHours, Shift
from clinicdesk.features.practitioners.service import save_practitioner, set_weekly_hours
from tests.desktop.appointments.conftest import Clinic, Hands
from tests.desktop.appointments.samples import DAY, at

Key = Qt.Key


@pytest.fixture
def visitor(clinic: Clinic) -> PractitionerRow:
    """Somebody without hours, as an import brings many in."""
    with clinic.db.write(clinic.operator) as tx:
        return save_practitioner(tx, SavePractitioner("Zimmer", "Ada", "Dr", specialty="Cardiology", position=9))


def names(screen: TodayScreen) -> list[str]:
    return [column.practitioner.family for column in screen.day_view.columns() if column.practitioner]


def said(screen: TodayScreen) -> str:
    return " | ".join(label.text() for label in screen.findChildren(QLabel) if label.isVisible())


def test_only_who_works_or_has_visits_has_a_column(
    qtbot: QtBot, visitor: PractitionerRow, today: TodayScreen, clinic: Clinic
) -> None:
    assert names(today) == ["Lee", "Okafor"]
    clinic.book(at(11), who=visitor, outside_hours=True)
    today.refresh()
    qtbot.waitUntil(lambda: names(today) == ["Lee", "Okafor", "Zimmer"])


def test_a_choice_is_made_by_keys_and_kept_for_this_person(
    qtbot: QtBot, visitor: PractitionerRow, today: TodayScreen, desk: Desk, hands: Hands, preferences: Preferences
) -> None:
    hands.press(Key.Key_W, modifier=Qt.KeyboardModifier.AltModifier)
    hands.type("zimmer")
    hands.press(Key.Key_Return, Key.Key_Return)
    qtbot.waitUntil(lambda: names(today) == ["Lee", "Okafor", "Zimmer"])
    kept: Collection[UUID | None] = preferences.practitioners(desk.user.id) or ()
    assert set(kept) == {column.practitioner_id for column in today.day_view.columns()}


def test_nobody_is_no_choice_and_whoever_is_in_takes_the_choice_back(
    qtbot: QtBot, visitor: PractitionerRow, today: TodayScreen, desk: Desk, preferences: Preferences
) -> None:
    preferences.set_practitioners(desk.user.id, frozenset({visitor.id}))
    screen = TodayScreen(desk, today.window())
    screen.refresh()
    qtbot.waitUntil(lambda: names(screen) == ["Zimmer"])
    screen.ask_people()
    (sheet,) = today.window().findChildren(PeopleSheet)
    shown: list[object] = []
    show = next(button for button in sheet.findChildren(ActionButton) if button.text() == "Show")
    sheet.chosen.connect(shown.append)
    for button in sheet.findChildren(ActionButton):
        if button.text() == "Nobody":
            button.click()
    assert not show.isEnabled()
    QTest.keyClick(sheet, Key.Key_Return)
    assert not shown
    for button in sheet.findChildren(ActionButton):
        if button.text() == "Who is in":
            button.click()
    qtbot.waitUntil(lambda: names(screen) == ["Lee", "Okafor"])
    assert preferences.practitioners(desk.user.id) is None


def test_a_spoilt_choice_is_no_choice(desk: Desk, preferences: Preferences) -> None:
    preferences.set_practitioners(desk.user.id, frozenset({desk.user.id}))
    assert preferences.practitioners(desk.user.id) == frozenset({desk.user.id})
    preferences._settings.setValue(f"calendar/{desk.user.id.hex}", "neither one nor other")
    assert preferences.practitioners(desk.user.id) is None


def test_the_week_is_of_the_practitioner_under_the_cursor_and_turns_to_the_next(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic, hands: Hands
) -> None:
    today.day_view.choose_time(clinic.okafor.id, at(14))
    hands.press(Key.Key_2, modifier=Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: bool(today.week_view.columns()))
    assert {column.practitioner_id for column in today.week_view.columns()} == {clinic.okafor.id}
    assert "Amara Okafor" in said(today)
    slot = today.current_slot()
    assert slot is not None
    assert slot.start == at(14)
    hands.press(Key.Key_Right, modifier=Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: {column.practitioner_id for column in today.week_view.columns()} == {clinic.lee.id})
    assert "Grace Lee" in said(today)


def test_a_day_without_anybody_says_when_the_next_visits_are(qtbot: QtBot, today: TodayScreen, clinic: Clinic) -> None:
    with clinic.db.write(clinic.operator) as tx:
        for who in (clinic.lee, clinic.okafor):
            set_weekly_hours(tx, SetWeeklyHours(who.id, (Shift(2, time(9), time(17)),), date(2026, 1, 1)))
    clinic.book(at(9, day=DAY + timedelta(days=2)))
    today.refresh()
    qtbot.waitUntil(lambda: "Nobody works on that day. The next visits are on Wednesday 25 November." in said(today))


def test_what_was_entered_in_error_is_seen_only_when_asked_for(
    qtbot: QtBot, today: TodayScreen, clinic: Clinic
) -> None:
    visit = clinic.book(at(11))
    with clinic.db.write(clinic.operator) as tx:
        mark_entered_in_error(tx, visit.id, visit.version)
    today.refresh()
    (action,) = (action for action in today.key_actions() if action.objectName() == "calendar.entered_in_error")
    qtbot.waitUntil(lambda: bool(today.day_view.columns()))
    assert not any(column.shown for column in today.day_view.columns())
    action.trigger()
    qtbot.waitUntil(lambda: any(column.find(visit.id) for column in today.day_view.columns()))
    assert action.isChecked()
