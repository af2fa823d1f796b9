"""The window, worked by keyboard: who signs in sees their screens and no others, and a locked desk shows no one's data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QListWidget, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from clinicdesk.core.clinic import ClinicRow
from clinicdesk.core.permissions import Permission, Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.desktop.away import AwayWatch
from clinicdesk.desktop.desk import Desk, FindPatient, Request
from clinicdesk.desktop.keys_sheet import KeysSheet
from clinicdesk.desktop.look.theme import Mode, theme
from clinicdesk.desktop.preferences import Preferences
from clinicdesk.desktop.runner import Runner
from clinicdesk.desktop.screen import Screen
from clinicdesk.desktop.screens import Entry
from clinicdesk.desktop.settings_sheet import SettingsSheet
from clinicdesk.desktop.users.shutter import Shutter
from clinicdesk.desktop.users.sign_in import SignInPage
from clinicdesk.desktop.widgets import StatePane
from clinicdesk.desktop.window import Window
from clinicdesk.features.practitioners.schemas import SaveSite, SetUpClinic
from clinicdesk.features.practitioners.service import save_site, set_up_clinic
from clinicdesk.features.users.schemas import AddUser
from clinicdesk.features.users.service import add_user
from tests.conftest import Hands
from tests.desktop.keyboard import ALT, CTRL, SHIFT, press, type_in, type_text

PASSWORD = "four quiet brown owls"
PATIENT = "Ngozi Adeyemi"


class Board(Screen):
    """A screen with a list that takes letters, a field to type in, and a patient's name on it."""

    takes = (FindPatient,)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.done: list[str] = []
        self.list, self.field = QListWidget(), QLineEdit()
        self.list.addItems(["one", "two"])
        column = QVBoxLayout(self)
        for part in (QLabel(PATIENT), self.list, self.field):
            column.addWidget(part)
        desk.keys.bind(self.list, {"visit.check_in": lambda: self.done.append("check in")})

    def activate(self) -> None:
        self.list.setFocus()

    def take(self, request: Request) -> None:
        self.field.setFocus()

    def hints(self) -> tuple[str, ...]:
        return ("visit.check_in",)

    def counts(self) -> tuple[tuple[str, str], ...]:
        return (("ph.armchair", "4 waiting"),)

    def panes(self) -> list[QWidget]:
        return [self.list, self.field]

    def draft(self) -> object | None:
        return self.field.text() or None

    def restore(self, draft: object) -> None:
        self.field.setText(str(draft))


@dataclass(frozen=True, slots=True)
class BoardEntry(Entry):
    def load(self) -> type[Screen]:
        return Board


ENTRIES = (
    BoardEntry("today", "ph.calendar-blank", Permission.SEE_CALENDAR, "", ""),
    BoardEntry("patients", "ph.identification-card", Permission.FIND_PATIENT, "", ""),
    BoardEntry("admin", "ph.gear", Permission.MANAGE_USERS, "", ""),
)


@pytest.fixture
def clinic(db: Database, operator: Actor) -> ClinicRow:
    with db.write(operator) as tx:
        made = set_up_clinic(tx, SetUpClinic("Harbour Street Clinic", "UTC"))
        for name, role in (("maya", Role.RECEPTIONIST), ("ines", Role.ADMINISTRATOR), ("pat", Role.PATIENT)):
            add_user(tx, AddUser(f"{name}@clinic.example", f"{name.title()} Cole", role, PASSWORD))
    return made


@pytest.fixture
def window(qtbot: QtBot, runner: Runner, preferences: Preferences, clinic: ClinicRow) -> Iterator[Window]:
    made = Window(runner, preferences, "Desk 1", ENTRIES)
    qtbot.addWidget(made)
    with qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    made.sign_in(clinic)
    yield made
    theme().set_mode(Mode.SYSTEM)
    theme().set_text_size(1.0)


def sign_in(qtbot: QtBot, window: Window, name: str, password: str = PASSWORD) -> Board:
    with qtbot.waitSignal(window.opened):
        type_in(f"{name}@clinic.example", password)
    return board(window)


def board(window: Window) -> Board:
    assert window.workplace is not None
    screen = window.workplace.screen_in_front
    assert isinstance(screen, Board)
    return screen


def test_signing_in_by_keyboard_opens_the_desk_at_the_first_screen(qtbot: QtBot, window: Window) -> None:
    assert window.windowTitle() == "ClinicDesk - Sign in"
    screen = sign_in(qtbot, window, "maya")

    assert window.windowTitle() == "ClinicDesk - Today"
    assert screen.list.hasFocus()
    assert window.runner.actor.name == "Maya Cole"
    assert window.runner.actor.desk == "Desk 1"


def test_a_wrong_password_is_said_below_the_field_and_only_it_is_forgotten(qtbot: QtBot, window: Window) -> None:
    page = window.page()
    assert isinstance(page, SignInPage)
    type_in("maya@clinic.example", "not this one")
    field = page.who.password.field
    qtbot.waitUntil(lambda: bool(field.error()))

    assert field.error() == "The e-mail or the password is not right."
    assert page.who.email.text() == "maya@clinic.example"
    assert page.who.password.edit.text() == ""
    assert page.who.password.edit.hasFocus()


def test_after_too_many_tries_the_page_says_until_when(qtbot: QtBot, window: Window, clock: Hands) -> None:
    page = window.page()
    assert isinstance(page, SignInPage)
    field = page.who.password.field
    type_in("maya@clinic.example", "wrong")
    for _ in range(4):
        qtbot.waitUntil(lambda: bool(field.error()))
        type_in("wrong")
    qtbot.waitUntil(lambda: "Too many" in field.error())

    assert field.error() == "Too many wrong passwords. Try again at 10:57."


def test_a_password_that_was_given_is_changed_before_the_desk_opens(
    qtbot: QtBot, window: Window, db: Database, operator: Actor
) -> None:
    with db.write(operator) as tx:
        request = AddUser(
            "new@clinic.example", "Nia New", Role.NURSE, "the given first words", must_change_password=True
        )
        add_user(tx, request)
    page = window.page()
    assert isinstance(page, SignInPage)
    type_in("new@clinic.example", "the given first words")
    qtbot.waitUntil(lambda: page.new_password.first.edit.hasFocus())
    type_in("my own eleven herons", "my own eleven heroes")
    assert page.new_password.again.field.error() == "The two are not the same."
    assert window.windowTitle() == "ClinicDesk - Sign in"
    page.new_password.again.edit.clear()
    with qtbot.waitSignal(window.opened):
        type_in("my own eleven herons")

    assert window.desk is not None
    assert not window.desk.user.must_change_password


def test_a_role_sees_its_own_screens_and_no_others(qtbot: QtBot, window: Window) -> None:
    sign_in(qtbot, window, "maya")
    assert window.workplace is not None
    assert [entry.name for entry in window.workplace.entries] == ["today", "patients"]
    press(Qt.Key.Key_4, CTRL)
    assert window.windowTitle() == "ClinicDesk - Today"

    press(Qt.Key.Key_L, CTRL | SHIFT)
    sign_in(qtbot, window, "ines")
    press(Qt.Key.Key_4, CTRL)
    assert window.windowTitle() == "ClinicDesk - Admin"


def test_a_role_without_a_screen_is_told_so(qtbot: QtBot, window: Window) -> None:
    with qtbot.waitSignal(window.opened):
        type_in("pat@clinic.example", PASSWORD)
    assert window.workplace is not None
    assert window.workplace.screen_in_front is None
    (told,) = window.workplace.findChildren(StatePane)
    assert told.accessibleName() == "Nothing to open here"


def test_keys_lead_everywhere_and_letters_act_only_on_the_board(qtbot: QtBot, window: Window) -> None:
    screen = sign_in(qtbot, window, "maya")
    press(Qt.Key.Key_C)
    assert screen.done == ["check in"]
    press(Qt.Key.Key_F6)
    assert screen.field.hasFocus()
    press(Qt.Key.Key_C)
    assert screen.done == ["check in"]
    assert screen.field.text() == "c"
    press(Qt.Key.Key_F6, SHIFT)
    assert screen.list.hasFocus()
    press(Qt.Key.Key_Slash)
    assert screen.field.hasFocus()
    press(Qt.Key.Key_3, CTRL)
    assert window.windowTitle() == "ClinicDesk - Patients"
    press(Qt.Key.Key_1, CTRL)
    assert window.windowTitle() == "ClinicDesk - Today"


def test_single_letters_can_be_turned_off(qtbot: QtBot, window: Window, preferences: Preferences) -> None:
    screen = sign_in(qtbot, window, "maya")
    press(Qt.Key.Key_Comma, CTRL)
    settings = window.findChild(SettingsSheet)
    assert settings is not None
    QTest.keyClick(settings.letters, Qt.Key.Key_Space)
    settings.modes.choose(Mode.DARK)
    settings.text_size.setValue(15)
    press(Qt.Key.Key_Escape)
    assert screen.list.hasFocus()
    press(Qt.Key.Key_C)

    assert screen.done == []
    assert "check in" not in window.strip.words, "a key that does nothing is not offered"
    next(action for action in screen.key_actions() if action.objectName() == "visit.check_in").trigger()
    assert screen.done == ["check in"], "the menus do what the letters did"
    assert (preferences.character_keys, preferences.mode, preferences.text_percent) == (False, Mode.DARK, 150)
    assert theme().tokens.is_dark
    assert theme().tokens.metrics.text_size == 1.5


def test_the_keys_sheet_lists_what_acts_here_and_finds_it_by_a_word(qtbot: QtBot, window: Window) -> None:
    sign_in(qtbot, window, "maya")
    press(Qt.Key.Key_F1)
    sheet = window.findChild(KeysSheet)
    assert sheet is not None
    assert "visit.check_in" in sheet.shown()
    assert "visit.cancel" not in sheet.shown()
    assert "go.admin" not in sheet.shown()
    type_text("check")
    assert sheet.shown() == ["visit.check_in"]


def test_the_lock_hides_every_name_and_unlocking_comes_back_to_the_cursor(qtbot: QtBot, window: Window) -> None:
    screen = sign_in(qtbot, window, "maya")
    screen.field.setFocus()
    QTest.keyClicks(screen.field, "half a word")
    press(Qt.Key.Key_L, CTRL)

    assert window.windowTitle() == "ClinicDesk - Locked"
    shown = [label.text() for label in window.findChildren(QLabel) if label.isVisible()]
    assert PATIENT not in shown
    assert not screen.isVisible()
    assert not window.menuBar().isVisible()
    press(Qt.Key.Key_1, CTRL)
    assert not screen.isVisible()

    page = window.page()
    assert isinstance(page, Shutter)
    type_in("not this one")
    qtbot.waitUntil(lambda: bool(page.error()))
    assert not screen.isVisible()
    type_in(PASSWORD)
    qtbot.waitUntil(screen.isVisible)
    assert screen.field.hasFocus()
    assert screen.field.text() == "half a word"


def test_the_desk_locks_itself_when_nobody_touches_it(qtbot: QtBot, window: Window) -> None:
    screen = sign_in(qtbot, window, "maya")
    window.idle.idle.emit()

    assert window.windowTitle() == "ClinicDesk - Locked"
    assert not screen.isVisible()


def test_the_desk_locks_itself_when_the_computer_locks_its_screen_or_sleeps(qtbot: QtBot, window: Window) -> None:
    (away,) = window.findChildren(AwayWatch)
    away.away.emit()
    assert window.windowTitle() == "ClinicDesk - Sign in"
    screen = sign_in(qtbot, window, "maya")
    away.away.emit()
    assert window.windowTitle() == "ClinicDesk - Locked"
    assert not screen.isVisible()


def test_another_person_takes_over_and_the_first_finds_their_draft_again(qtbot: QtBot, window: Window) -> None:
    first = sign_in(qtbot, window, "maya")
    first.field.setFocus()
    QTest.keyClicks(first.field, "a draft")
    press(Qt.Key.Key_L, CTRL)
    press(Qt.Key.Key_U, ALT)
    assert window.windowTitle() == "ClinicDesk - Sign in"
    second = sign_in(qtbot, window, "ines")
    assert second.field.text() == ""
    assert window.runner.actor.role is Role.ADMINISTRATOR

    press(Qt.Key.Key_U, CTRL)
    third = sign_in(qtbot, window, "maya")
    assert third.field.text() == "a draft"


def test_the_same_person_signing_in_again_finds_the_desk_as_it_was(qtbot: QtBot, window: Window) -> None:
    screen = sign_in(qtbot, window, "maya")
    press(Qt.Key.Key_L, CTRL | SHIFT)
    press(Qt.Key.Key_Escape)
    assert window.windowTitle() == "ClinicDesk - Locked"
    press(Qt.Key.Key_U, ALT)
    type_in("maya@clinic.example", PASSWORD)
    qtbot.waitUntil(screen.isVisible)


def test_no_title_ever_names_a_person(qtbot: QtBot, window: Window) -> None:
    titles: set[str] = set()
    window.windowTitleChanged.connect(titles.add)
    sign_in(qtbot, window, "maya")
    press(Qt.Key.Key_3, CTRL)
    press(Qt.Key.Key_L, CTRL)
    press(Qt.Key.Key_U, ALT)

    assert {"Desk", "Today", "Patients", "Locked", "Sign in"} >= {
        title.removeprefix("ClinicDesk - ") for title in titles
    }


def test_the_status_line_shows_the_keys_of_the_screen_and_its_counts(qtbot: QtBot, window: Window) -> None:
    sign_in(qtbot, window, "maya")
    assert window.strip.words == ("check in", "find patient", "all keys", "4 waiting")


def test_initials_only_is_one_key_away(qtbot: QtBot, window: Window) -> None:
    sign_in(qtbot, window, "maya")
    assert window.desk is not None
    with qtbot.waitSignal(window.desk.privacy.changed):
        press(Qt.Key.Key_I, CTRL)
    assert window.desk.privacy.initials_only


def test_an_error_that_nobody_took_becomes_a_toast_in_words(qtbot: QtBot, window: Window, doctor: Actor) -> None:
    sign_in(qtbot, window, "maya")
    assert window.toast is not None
    window.runner.write(lambda tx: save_site(tx, SaveSite("Hill")), owner=window)
    qtbot.waitUntil(window.toast.isVisible)
    assert window.toast.text() == "Your role does not allow this."


def test_a_bug_becomes_a_toast_with_its_reference(qtbot: QtBot, window: Window) -> None:
    sign_in(qtbot, window, "maya")
    assert window.toast is not None
    window.runner.crashed.emit("K7PQ2M")
    assert window.toast.text() == "Something went wrong. Nothing was lost. Reference: K7PQ2M"


def test_the_last_screen_and_the_size_are_there_at_the_next_start(
    qtbot: QtBot, window: Window, runner: Runner, preferences: Preferences, clinic: ClinicRow
) -> None:
    sign_in(qtbot, window, "maya")
    window.resize(1300, 750)
    press(Qt.Key.Key_3, CTRL)
    window.close()
    again = Window(runner, preferences, "Desk 1", ENTRIES)
    qtbot.addWidget(again)
    with qtbot.waitActive(again):
        again.show()
        again.activateWindow()
    again.sign_in(clinic)
    sign_in(qtbot, again, "maya")

    assert again.windowTitle() == "ClinicDesk - Patients"
    assert again.height() == 750  # Qt cuts the width down to the screen that the test has


def test_who_leaves_is_signed_out_in_the_audit_trail(qtbot: QtBot, window: Window, db: Database) -> None:
    sign_in(qtbot, window, "maya")
    window.close()
    window.runner.close()
    with db.engine.connect() as connection:
        verbs = [row[0] for row in connection.exec_driver_sql("SELECT verb FROM audit_entry ORDER BY seq DESC LIMIT 1")]
    assert verbs == ["users.sign_out"]
