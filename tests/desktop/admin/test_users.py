"""Accounts by keyboard: added, changed, turned off and on, given a password; an error stands by its field and loses nothing."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from clinicdesk.core.permissions import Role
from clinicdesk.desktop.admin.user_sheets import PasswordSheet, UserSheet
from clinicdesk.features.users.schemas import EditUser, UserRow
from clinicdesk.features.users.service import edit_user, list_users
from tests.desktop.admin.conftest import PASSWORD, Admin
from tests.desktop.keyboard import press, type_text


def account(admin: Admin, email: str) -> UserRow:
    return next(user for user in admin.read(list_users) if user.email == email)


def mark(admin: Admin, email: str) -> UserRow:
    row = account(admin, email)
    pane = admin.users.users
    pane.choose(row.id)
    pane.table.setFocus()
    return row


def open_sheet(admin: Admin) -> UserSheet:
    sheet = admin.users.users.open_sheet
    assert isinstance(sheet, UserSheet)
    return sheet


def test_a_user_is_added_by_keyboard(admin: Admin) -> None:
    mark(admin, "maya@clinic.example")
    press(Qt.Key.Key_N)
    for text in ("Tom Herrera", "tomas@clinic.example"):
        type_text(text)
        press(Qt.Key.Key_Tab)
    press(Qt.Key.Key_Down)  # front desk, nurse
    press(Qt.Key.Key_Tab)
    press(Qt.Key.Key_Tab)
    type_text("seven slow green snails")
    press(Qt.Key.Key_Return)
    admin.wait_for("Added a user")
    added = account(admin, "tomas@clinic.example")
    assert (added.name, added.role, added.must_change_password) == ("Tom Herrera", Role.NURSE, True)
    admin.until(lambda: admin.screen.section.lists[0].current() == added)
    assert QApplication.focusWidget() is admin.users.users.table


def test_a_taken_e_mail_is_said_beside_it_and_nothing_is_lost(admin: Admin) -> None:
    mark(admin, "maya@clinic.example")
    press(Qt.Key.Key_N)
    sheet = open_sheet(admin)
    sheet.fields.fill({"name": "Maya Two", "email": "maya@clinic.example"})
    assert sheet.password is not None
    sheet.password.edit.setText(PASSWORD)
    sheet.save()
    admin.until(lambda: bool(sheet.fields.fields["email"].error()))
    assert sheet.is_open()
    assert (sheet.name.text(), sheet.password.edit.text()) == ("Maya Two", PASSWORD)
    assert QApplication.focusWidget() is sheet.email
    sheet.email.setText("maya.two@clinic.example")
    press(Qt.Key.Key_Return)
    admin.wait_for("Added a user")


def test_a_short_password_is_said_beside_it(admin: Admin) -> None:
    mark(admin, "maya@clinic.example")
    press(Qt.Key.Key_P)
    sheet = admin.screen.window().findChildren(PasswordSheet)[0]
    type_text("short")
    press(Qt.Key.Key_Return)
    admin.until(lambda: "15 characters" in sheet.fields.fields["password"].error())
    type_text(" but now a good deal longer")
    press(Qt.Key.Key_Return)
    admin.wait_for("new password is set")
    assert account(admin, "maya@clinic.example").must_change_password


def test_enter_changes_a_user(admin: Admin) -> None:
    mark(admin, "maya@clinic.example")
    press(Qt.Key.Key_Return)
    sheet = open_sheet(admin)
    assert QApplication.focusWidget() is sheet.name
    sheet.name.setText("Maya Coleman")
    press(Qt.Key.Key_Return)
    admin.wait_for("Saved")
    assert account(admin, "maya@clinic.example").name == "Maya Coleman"


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(admin: Admin) -> None:
    row = mark(admin, "maya@clinic.example")
    press(Qt.Key.Key_Return)
    sheet = open_sheet(admin)
    admin.write(lambda tx: edit_user(tx, EditUser(row.id, row.version, row.email, "Maya Other", row.role)))
    sheet.name.setText("Maya Mine")
    press(Qt.Key.Key_Return)
    admin.until(lambda: "Somebody else" in sheet.trouble())
    assert (sheet.is_open(), sheet.name.text()) == (True, "Maya Mine")
    assert account(admin, row.email).name == "Maya Other"
    assert sheet.fields.fields["name"].error() == "Somebody has changed this to “Maya Other”."
    press(Qt.Key.Key_Return)
    admin.wait_for("Saved")
    assert account(admin, row.email).name == "Maya Mine", "to save again is to choose"


def test_what_somebody_else_changed_is_taken_where_nothing_was_typed(admin: Admin) -> None:
    row = mark(admin, "maya@clinic.example")
    press(Qt.Key.Key_Return)
    sheet = open_sheet(admin)
    admin.write(lambda tx: edit_user(tx, EditUser(row.id, row.version, row.email, row.name, Role.NURSE)))
    sheet.name.setText("Maya Mine")
    press(Qt.Key.Key_Return)
    admin.until(lambda: "Somebody else" in sheet.trouble())
    assert (sheet.name.text(), sheet.role.currentData()) == ("Maya Mine", Role.NURSE)
    assert [field.error() for field in sheet.fields.fields.values()] == ["", "", "", ""]
    press(Qt.Key.Key_Return)
    admin.wait_for("Saved")
    saved = account(admin, row.email)
    assert (saved.name, saved.role) == ("Maya Mine", Role.NURSE)


def test_del_turns_off_and_undo_turns_on_again(admin: Admin) -> None:
    mark(admin, "maya@clinic.example")
    press(Qt.Key.Key_Delete)
    admin.wait_for("Account turned off")
    assert not account(admin, "maya@clinic.example").active
    admin.undo()
    assert account(admin, "maya@clinic.example").active
    with admin.qtbot.waitSignal(admin.desk.undo.told):
        admin.desk.undo.redo()
    assert not account(admin, "maya@clinic.example").active


def test_a_second_press_waits_for_what_the_first_has_done(admin: Admin) -> None:
    mark(admin, "maya@clinic.example")
    press(Qt.Key.Key_Delete)
    press(Qt.Key.Key_Delete)
    admin.wait_for("Account turned off")
    admin.until(lambda: not admin.users.users.current().active)
    press(Qt.Key.Key_Delete)
    admin.wait_for("Account turned on")
    assert admin.said == ["Account turned off", "Account turned on"]


def test_the_last_administrator_stays(admin: Admin) -> None:
    mark(admin, "ines@clinic.example")
    press(Qt.Key.Key_Delete)
    admin.wait_for("this is the last one")
    assert account(admin, "ines@clinic.example").active


def test_a_form_that_is_open_is_kept_without_its_password(admin: Admin) -> None:
    mark(admin, "maya@clinic.example")
    press(Qt.Key.Key_N)
    assert admin.screen.draft() is None
    type_text("Tom")
    sheet = open_sheet(admin)
    assert sheet.password is not None
    sheet.password.edit.setText(PASSWORD)
    draft = admin.screen.draft()
    assert PASSWORD not in repr(draft)
    sheet.close_sheet()
    admin.screen.restore(draft)
    assert open_sheet(admin).name.text() == "Tom"
