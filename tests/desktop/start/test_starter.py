"""From an empty folder to an open desk, through the real data folder: first start, passphrase, what is the matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTime
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from clinicdesk.core.database import DATABASE_NAME
from clinicdesk.core.permissions import Permission, Role
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.preferences import Preferences
from clinicdesk.desktop.runner import Runner
from clinicdesk.desktop.screen import Screen
from clinicdesk.desktop.screens import Entry
from clinicdesk.desktop.sentences import warning
from clinicdesk.desktop.start.first_start import FirstStartPage
from clinicdesk.desktop.start.passphrase_sheet import PassphraseSheet
from clinicdesk.desktop.start.starter import Starter
from clinicdesk.desktop.start.troubles import PassphrasePage, TroublePage
from clinicdesk.desktop.users.sign_in import SignInPage
from clinicdesk.desktop.widgets import ActionButton
from clinicdesk.desktop.window import Window
from clinicdesk.desktop.workplace import Warned, WarningStrip, Workplace
from clinicdesk.features.practitioners.service import list_practitioners, weekly_hours
from clinicdesk.opening import open_clinic, operator
from tests.desktop.keyboard import CTRL, press, type_in, type_text

PASSWORD = "four quiet brown owls"
PASSPHRASE = "a river of small stones"


class Plain(Screen):
    """A screen with nothing on it."""


class PlainEntry(Entry):
    def load(self) -> type[Screen]:
        return Plain


ENTRIES = (PlainEntry("today", "ph.calendar-blank", Permission.SEE_CALENDAR, "", ""),)
Start = Callable[..., tuple[Window, Starter]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of this test's own, whose key no keyring is asked to keep."""
    monkeypatch.setenv("CLINICDESK_KEYRING", "off")
    return tmp_path / "clinic"


@pytest.fixture
def start(qtbot: QtBot, folder: Path, tmp_path: Path) -> Iterator[Start]:
    made: list[Starter] = []

    def begin(demo: bool = False) -> tuple[Window, Starter]:
        window = Window(Runner(), Preferences(tmp_path), "Desk 1", ENTRIES)
        qtbot.addWidget(window)
        with qtbot.waitActive(window):
            window.show()
            window.activateWindow()
        starter = Starter(window, folder, demo=demo)
        made.append(starter)
        starter.open()
        return window, starter

    yield begin
    for starter in made:
        starter.close()


def shows(window: Window, kind: type[QWidget]) -> bool:
    return isinstance(window.page(), kind)


def first_page(qtbot: QtBot, window: Window) -> FirstStartPage:
    qtbot.waitUntil(lambda: shows(window, FirstStartPage), timeout=20_000)
    page = window.page()
    assert isinstance(page, FirstStartPage)
    return page


def test_the_first_start_is_answered_by_keyboard_and_ends_at_the_desk(qtbot: QtBot, start: Start, folder: Path) -> None:
    window, starter = start()
    page = first_page(qtbot, window)
    type_in("Harbour Street Clinic", "", "Dr", "Amara", "Okafor")
    assert page.zone.currentText()
    page.name.setFocus()
    type_in("Ines Moreau", "ines@clinic.example")
    with qtbot.waitSignal(window.opened, timeout=20_000):
        type_in(PASSWORD)

    assert window.windowTitle() == "ClinicDesk - Today"
    assert window.desk is not None
    assert (window.desk.clinic.name, window.desk.user.role) == ("Harbour Street Clinic", Role.ADMINISTRATOR)
    window.close()
    starter.close()
    with open_clinic(folder) as clinic, clinic.database.read(operator("test")) as tx:
        (doctor,) = list_practitioners(tx)
        (hours,) = weekly_hours(tx, doctor.id)
    assert doctor.name == "Dr Amara Okafor"
    assert [(shift.weekday, shift.start.hour, shift.end.hour) for shift in hours.shifts] == [
        (day, 9, 17) for day in range(5)
    ]


def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_stored_or_lost(qtbot: QtBot, start: Start) -> None:
    window, _ = start()
    page = first_page(qtbot, window)
    press(Qt.Key.Key_Return, CTRL)
    assert page.error("clinic") == "Give the clinic a name."
    page.clinic.setText("Harbour Street Clinic")
    page.zone.setCurrentText("Atlantis/Capital")
    press(Qt.Key.Key_Return, CTRL)
    assert page.error("zone")
    page.zone.setCurrentText("Europe/Madrid")
    page.family.setText("Okafor")
    page.name.setText("Ines Moreau")
    page.email.setText("not an address")
    page.password.edit.setText(PASSWORD)
    page.start.setTime(QTime(17, 0))
    page.end.setTime(QTime(9, 0))
    press(Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: bool(page.error("hours")))
    page.end.setTime(QTime(18, 0))
    press(Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: bool(page.error("email")))
    page.email.setText("ines@clinic.example")
    page.password.edit.setText("short")
    press(Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: bool(page.error("password")))
    assert page.clinic.text() == "Harbour Street Clinic"
    page.password.edit.setText(PASSWORD)
    with qtbot.waitSignal(window.opened, timeout=20_000):
        press(Qt.Key.Key_Return, CTRL)


def answer(page: FirstStartPage) -> None:
    for edit, words in (
        (page.clinic, "Hill"),
        (page.family, "Lee"),
        (page.name, "Ines"),
        (page.email, "ines@hill.example"),
    ):
        edit.setText(words)
    page.password.edit.setText(PASSWORD)


def strips(window: Window) -> list[WarningStrip]:
    return [strip for strip in window.findChildren(WarningStrip) if strip.isVisible()]


def test_the_key_beside_the_data_is_warned_of_until_an_administrator_protects_it(
    qtbot: QtBot, start: Start, folder: Path
) -> None:
    window, starter = start()
    answer(first_page(qtbot, window))
    with qtbot.waitSignal(window.opened, timeout=20_000):
        press(Qt.Key.Key_Return, CTRL)

    (strip,) = strips(window)
    assert strip.text() == warning("key_in_file")
    (button,) = strip.findChildren(ActionButton)
    button.click()
    sheet = window.findChild(PassphraseSheet)
    assert sheet is not None
    type_text("too short")
    press(Qt.Key.Key_Tab)
    type_in("too long")
    assert sheet.again.field.error() == "The two differ. Type it again."
    sheet.again.edit.setText("too short")
    press(Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(sheet.passphrase.field.error()), timeout=20_000)
    for field in (sheet.passphrase, sheet.again):
        field.edit.setText(PASSPHRASE)
    press(Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not strips(window), timeout=20_000)
    window.close()
    starter.close()
    assert PASSPHRASE not in (folder / "key.json").read_text()
    open_clinic(folder, passphrase=PASSPHRASE).close()


@pytest.mark.parametrize(("role", "buttons"), [(Role.RECEPTIONIST, 0), (Role.DOCTOR, 0), (Role.ADMINISTRATOR, 1)])
def test_who_may_not_mend_a_warning_sees_it_without_a_button(
    qtbot: QtBot, make_desk: Callable[[Role], Desk], role: Role, buttons: int
) -> None:
    workplace = Workplace(make_desk(role), ENTRIES, [Warned("Look.", "Mend", Permission.MANAGE_CLINIC)])
    qtbot.addWidget(workplace)
    (strip,) = workplace.findChildren(WarningStrip)
    assert (strip.text(), len(strip.findChildren(ActionButton))) == ("Look.", buttons)


def test_the_first_start_takes_a_passphrase_where_no_keyring_keeps_the_key(
    qtbot: QtBot, start: Start, folder: Path
) -> None:
    window, starter = start()
    page = first_page(qtbot, window)
    answer(page)
    page.passphrase.setText(PASSPHRASE)
    press(Qt.Key.Key_Return, CTRL)
    assert page.error("passphrase") == "The two differ. Type it again."
    page.passphrase.setText("short")
    page.again.setText("short")
    press(Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: page.error("passphrase").startswith("A password has"), timeout=20_000)
    page.passphrase.setText(PASSPHRASE)
    page.again.setText(PASSPHRASE)
    with qtbot.waitSignal(window.opened, timeout=20_000):
        press(Qt.Key.Key_Return, CTRL)
    assert strips(window) == []
    window.close()
    starter.close()
    with open_clinic(folder, passphrase=PASSPHRASE) as clinic:
        assert clinic.warnings == ()


def test_a_passphrase_is_asked_for_until_it_fits(qtbot: QtBot, start: Start, folder: Path) -> None:
    open_clinic(folder, passphrase=PASSPHRASE).close()
    window, _ = start()
    qtbot.waitUntil(lambda: shows(window, PassphrasePage), timeout=20_000)
    page = window.page()
    assert isinstance(page, PassphrasePage)
    type_in("not this one")
    qtbot.waitUntil(lambda: bool(page.passphrase.field.error()), timeout=20_000)
    assert page.passphrase.field.error() == "This is not the passphrase of this clinic's data."
    type_in(PASSPHRASE)
    first_page(qtbot, window)


def test_data_that_does_not_open_says_why_and_can_be_tried_again(qtbot: QtBot, start: Start, folder: Path) -> None:
    open_clinic(folder).close()
    key = folder / "key.json"
    kept = key.read_bytes()
    key.unlink()
    window, _ = start()
    qtbot.waitUntil(lambda: shows(window, TroublePage), timeout=20_000)
    page = window.page()
    assert isinstance(page, TroublePage)
    assert page.words == "The key of this clinic's data is not here. Restore a backup with the recovery key."
    key.write_bytes(kept)
    press(Qt.Key.Key_Return)
    first_page(qtbot, window)


def test_a_damaged_database_is_said_to_be_one(qtbot: QtBot, start: Start, folder: Path) -> None:
    open_clinic(folder).close()
    (folder / DATABASE_NAME).write_bytes(b"not a database at all" * 1000)
    window, _ = start()
    qtbot.waitUntil(lambda: shows(window, TroublePage), timeout=20_000)


def test_the_demo_clinic_opens_from_the_first_start_with_one_of_its_accounts(qtbot: QtBot, start: Start) -> None:
    window, starter = start()
    page = first_page(qtbot, window)
    with qtbot.waitSignal(starter.accounts_known, timeout=60_000) as known:
        page.demo.click()
    assert known.args is not None
    (account, *_) = known.args[0]
    assert shows(window, SignInPage)
    with qtbot.waitSignal(window.opened):
        type_in(account.email, account.passphrase)
    strip = window.findChild(WarningStrip)
    assert strip is not None
    assert "demo" in strip.text()


def test_closing_while_the_data_opens_leaves_it_closed(qtbot: QtBot, start: Start, folder: Path) -> None:
    window, starter = start()
    window.close()
    starter.close()
    assert (folder / DATABASE_NAME).exists()
    assert not list(folder.glob("*-wal"))
