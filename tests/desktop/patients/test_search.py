"""Finding a patient by keyboard: few keys, the right person, never an older answer, and each search audited once."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from clinicdesk.core.permissions import Role
from clinicdesk.desktop.patients.patient_model import Column
from tests.desktop.keyboard import CTRL, press, type_text
from tests.desktop.patients.conftest import ENTER, Clinic, Front, Open, shows

Key = Qt.Key


def names(front: Front) -> list[str]:
    return [patient.name for patient in front.screen.search.shown_patients()]


def find(qtbot: QtBot, front: Front, text: str, *expected: str) -> None:
    """Type into the search, and wait for the answer."""
    type_text(text)
    qtbot.waitUntil(lambda: names(front) == list(expected))


def test_a_patient_is_found_in_five_keys_from_anywhere(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    press(Key.Key_1, CTRL)
    qtbot.waitUntil(lambda: not front.screen.isVisible())
    keys = 0
    for key in ("/", "s", "m", "i"):
        type_text(key)
        keys += 1
    press(ENTER)
    keys += 1
    qtbot.waitUntil(lambda: shows(front, clinic.jordan))
    assert keys <= 6
    assert clinic.audited("patients.open_record") == 1


def test_enter_before_the_answer_opens_what_was_typed(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    type_text("okafor")
    press(ENTER)
    for _ in range(6):
        press(Key.Key_Backspace)
    type_text("lindh")
    press(ENTER)
    qtbot.waitUntil(lambda: shows(front, clinic.freya))


def test_arrows_move_while_one_goes_on_typing(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    find(qtbot, front, "okafo", "Chidi Okafor", "Ben Okafor", "Ada Okafor")
    press(Key.Key_Down)
    press(Key.Key_Down)
    press(Key.Key_Up)
    assert front.screen.search.field.hasFocus()
    press(ENTER)
    qtbot.waitUntil(lambda: shows(front, clinic.others[1]))
    press(Key.Key_Escape)
    search = front.screen.search
    assert search.field.hasFocus()
    chosen = search.list.current_patient()
    assert chosen is not None
    assert chosen.id == clinic.others[1].id
    type_text("smith")
    qtbot.waitUntil(lambda: names(front) == ["Jordan Smith"])


def test_the_birth_name_and_a_name_without_accents_find_too(qtbot: QtBot, front: Front) -> None:
    find(qtbot, front, "angstrom", "Freya Lindholm")


def test_slashes_within_a_birth_date_are_typed(qtbot: QtBot, front: Front) -> None:
    find(qtbot, front, "/12/03/1984", "Jordan Smith")
    assert front.screen.search.field.text() == "12/03/1984"


def test_who_was_opened_is_listed_while_nothing_is_typed(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    assert names(front) == []
    for patient in (clinic.freya, clinic.jordan):
        front.desk.open_patient(patient.id)
        qtbot.waitUntil(partial(shows, front, patient))
    press(Key.Key_Escape)
    qtbot.waitUntil(lambda: names(front) == ["Jordan Smith", "Freya Lindholm"])
    find(qtbot, front, "okafor ada", "Ada Okafor")
    press(Key.Key_Escape)
    qtbot.waitUntil(lambda: names(front) == ["Jordan Smith", "Freya Lindholm"])


def test_one_search_is_audited_once_after_the_typing(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    find(qtbot, front, "okafo", "Chidi Okafor", "Ben Okafor", "Ada Okafor")
    type_text("r")
    qtbot.waitUntil(lambda: clinic.audited("patients.note_search") == 1)
    search = front.screen.search
    search.refresh()  # a record has changed: what is shown is read again, but nobody has searched
    qtbot.waitUntil(lambda: not search._asking)
    assert search._unnoted is None
    assert not search._quiet.isActive()
    press(ENTER)
    qtbot.waitUntil(lambda: shows(front, clinic.others[2]))
    assert clinic.audited("patients.note_search") == 1


def test_v_shows_one_birth_date_in_the_list(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    find(qtbot, front, "okafo", "Chidi Okafor", "Ben Okafor", "Ada Okafor")
    model = front.screen.search.list.patients
    born = [model.index(row, Column.BORN) for row in range(2)]
    assert born[0].data().strip("\u2066\u2069") == "•• ••• 1970"
    press(Key.Key_F6)
    type_text("v")
    qtbot.waitUntil(lambda: born[0].data() == "3 Jan 1970")
    assert "•" in born[1].data()
    assert clinic.audited("patients.reveal") == 1
    front.screen.search._mask.timeout.emit()
    assert "•" in born[0].data()


def test_nobody_found_offers_to_register_what_was_typed(qtbot: QtBot, front: Front) -> None:
    type_text("okonkwo 1990")
    pane = front.screen.search._pane
    qtbot.waitUntil(lambda: pane.accessibleName() == "No patient matches “okonkwo 1990”")
    assert pane.isVisible()
    press(Key.Key_N, CTRL)
    form = front.screen._form
    assert form is not None
    assert form.typed()["family"] == "Okonkwo"


def test_initials_take_the_place_of_names(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    find(qtbot, front, "lindh", "Freya Lindholm")
    press(Key.Key_I, CTRL)
    shown = front.screen.search.list.patients
    assert shown.index(0, Column.PATIENT).data() == "FL"
    press(ENTER)
    qtbot.waitUntil(lambda: shows(front, clinic.freya))
    assert front.screen.record.header.name() == "FL"
    press(Key.Key_I, CTRL)
    assert front.screen.record.header.name() == "Freya Lindholm"


def test_an_administrator_finds_and_registers_as_well(qtbot: QtBot, open_patients: Open) -> None:
    front = open_patients(Role.ADMINISTRATOR)
    find(qtbot, front, "lindh", "Freya Lindholm")
    press(Key.Key_N, CTRL)
    assert front.screen._form is not None
