"""Practitioners and their time by keyboard: hours as they are typed, leave with its undo, the days that are off."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from PySide6.QtCore import Qt

from clinicdesk.desktop.admin.absence_sheet import AbsenceSheet
from clinicdesk.desktop.admin.holiday_sheets import LoadHolidaysSheet
from clinicdesk.desktop.admin.hours_sheet import HoursSheet
from clinicdesk.desktop.admin.practitioner_sheet import PractitionerSheet
from clinicdesk.features.practitioners.schemas import AbsenceRow, HolidayRow, Shift
from clinicdesk.features.practitioners.service import absences, holidays, list_practitioners, weekly_hours
from tests.desktop.admin.conftest import Admin
from tests.desktop.keyboard import press, type_text

FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)


def away(admin: Admin) -> list[AbsenceRow]:
    return admin.read(lambda tx: absences(tx, FIRST, LAST))


def days_off(admin: Admin) -> list[HolidayRow]:
    return admin.read(lambda tx: holidays(tx, date(2026, 1, 1), date(2026, 12, 31)))


def test_a_practitioner_is_added(admin: Admin) -> None:
    pane = admin.hours.practitioners
    press(Qt.Key.Key_N)
    sheet = pane.open_sheet
    assert isinstance(sheet, PractitionerSheet)
    for text in ("", "Joanna", ""):
        type_text(text)
        press(Qt.Key.Key_Tab)
    press(Qt.Key.Key_Return)
    admin.until(lambda: sheet.fields.fields["family"].error() == "This cannot be empty.")
    type_text("Wilk")
    press(Qt.Key.Key_Return)
    admin.wait_for("Added Joanna Wilk")
    assert [row.name for row in admin.read(list_practitioners)] == ["Dr Grace Lee", "Dr Amara Okafor", "Joanna Wilk"]


def test_turned_off_a_practitioner_stays_in_the_list(admin: Admin) -> None:
    admin.hours.practitioners.table.setFocus()
    press(Qt.Key.Key_Delete)
    admin.wait_for("Dr Grace Lee turned off")
    assert [row.name for row in admin.read(list_practitioners)] == ["Dr Amara Okafor"]
    admin.undo()
    assert len(admin.read(list_practitioners)) == 2


def test_hours_are_set_as_they_are_typed(admin: Admin) -> None:
    pane = admin.hours.hours
    admin.until(lambda: len(pane.model.rows()) == 1)
    pane.table.setFocus()
    press(Qt.Key.Key_N)
    sheet = pane.open_sheet
    assert isinstance(sheet, HoursSheet)
    assert [edit.text() for edit in sheet.days] == ["9:00–17:00"] * 5 + [""] * 2
    sheet.days[0].setText("8:30-12:30, 1315-17")
    sheet.days[1].setText("9-12, 11-14")
    sheet.first.setText("1 dec 2026")
    press(Qt.Key.Key_Return)
    admin.until(lambda: "overlap" in sheet.fields.fields["weekday_1"].error())
    sheet.days[1].setText("")
    press(Qt.Key.Key_Return)
    admin.wait_for("Hours set: Dr Grace Lee")
    before, after = admin.read(lambda tx: weekly_hours(tx, admin.lee.id))
    assert (before.valid_to, after.valid_from, after.valid_to) == (date(2026, 11, 30), date(2026, 12, 1), None)
    assert after.shifts[:3] == (
        Shift(0, time(8, 30), time(12, 30)), Shift(0, time(13, 15), time(17)), Shift(2, time(9), time(17)),
    )  # fmt: skip
    admin.until(lambda: len(pane.model.rows()) == 2)
    assert pane.model.cell(after, 2).text == "Mon 8:30–12:30, 13:15–17:00; Wed–Fri 9:00–17:00"


def test_leave_of_whole_days_is_added_removed_and_put_back(admin: Admin) -> None:
    pane = admin.hours.absences
    pane.table.setFocus()
    press(Qt.Key.Key_N)
    sheet = pane.open_sheet
    assert isinstance(sheet, AbsenceSheet)
    sheet.first.setText("30 nov 2026")
    sheet.last.setText("2 dec 2026")
    press(Qt.Key.Key_Return)
    admin.wait_for("Leave added")
    (row,) = away(admin)
    assert (row.start, row.end) == (datetime(2026, 11, 30, tzinfo=UTC), datetime(2026, 12, 3, tzinfo=UTC))
    assert row.practitioner_id == admin.lee.id
    admin.until(lambda: pane.current() == row)
    press(Qt.Key.Key_Delete)
    admin.wait_for("Leave removed")
    assert away(admin) == []
    admin.undo()
    assert away(admin) == [row]


def test_a_block_has_times_that_must_make_sense(admin: Admin) -> None:
    pane = admin.hours.absences
    pane.table.setFocus()
    press(Qt.Key.Key_N)
    sheet = pane.open_sheet
    assert isinstance(sheet, AbsenceSheet)
    sheet.whole.setChecked(False)
    sheet.start.setText("14")
    sheet.end.setText("13:30")
    press(Qt.Key.Key_Return)
    assert sheet.fields.fields["end_time"].error() == "The end lies before the beginning."
    sheet.end.setText("half past")
    sheet.save()
    assert sheet.fields.fields["end_time"].error().startswith("That is no time.")
    sheet.end.setText("14:45")
    sheet.save()
    admin.wait_for("added")
    (row,) = away(admin)
    assert (row.start.hour, row.end.hour, row.end.minute) == (14, 14, 45)


def test_public_holidays_are_loaded_opened_and_removed(admin: Admin) -> None:
    pane = admin.hours.holidays
    pane.load()
    sheet = admin.screen.window().findChildren(LoadHolidaysSheet)[0]
    sheet.country.setCurrentIndex(sheet.country.findData("GB"))
    sheet.save()
    admin.wait_for("holidays loaded")
    admin.until(lambda: bool(pane.model.rows()))
    first = days_off(admin)[0]
    assert (first.day, first.closed) == (date(2026, 1, 1), True)
    pane.table.setFocus()
    press(Qt.Key.Key_Space)
    admin.wait_for("Open on Thu 1 Jan 2026")
    assert not days_off(admin)[0].closed
    admin.until(lambda: not pane.model.rows()[0].closed)
    press(Qt.Key.Key_Delete)
    admin.wait_for("Removed: New Year's Day")
    assert days_off(admin)[0].day != first.day
    admin.undo()
    assert (days_off(admin)[0].day, days_off(admin)[0].closed) == (first.day, False)


def test_a_country_without_known_holidays_is_said_beside_it(admin: Admin) -> None:
    admin.hours.holidays.load()
    sheet = admin.screen.window().findChildren(LoadHolidaysSheet)[0]
    sheet.country.setCurrentIndex(sheet.country.findData("AC"))
    sheet.save()
    admin.until(lambda: bool(sheet.fields.fields["country"].error()))
    assert sheet.is_open()


def test_hours_that_were_typed_come_back_for_the_same_practitioner(admin: Admin) -> None:
    section = admin.hours
    section.practitioners.table.setFocus()
    press(Qt.Key.Key_Down)
    admin.until(lambda: "Okafor" in section.hours.table.accessibleName())
    section.hours.add()
    sheet = section.hours.open_sheet
    assert isinstance(sheet, HoursSheet)
    sheet.days[2].setText("10-12")
    draft = admin.screen.draft()
    sheet.close_sheet()
    press(Qt.Key.Key_Up)
    admin.until(lambda: "Lee" in section.hours.table.accessibleName())
    admin.screen.restore(draft)
    admin.until(lambda: section.hours.open_sheet is not None)
    again = section.hours.open_sheet
    assert isinstance(again, HoursSheet)
    assert again.accessibleName() == "Hours of Dr Amara Okafor"
    assert again.days[2].text() == "10-12"
