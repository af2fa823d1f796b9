"""The one table of keys holds together: no key does two things in one place, and every id is there once."""

from __future__ import annotations

from collections import Counter

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QListWidget
from pytestqt.qtbot import QtBot

from clinicdesk.desktop.keys import KEYS, Group, KeyBinder
from clinicdesk.desktop.screens import SCREENS


def test_every_key_is_understood_by_qt() -> None:
    unknown = [
        sequence
        for key in KEYS.values()
        for sequence in key.sequences
        if QKeySequence.fromString(sequence).toString() in ("", "Key_unknown")
    ]
    assert unknown == []


def test_no_key_does_two_things_in_one_place() -> None:
    uses = Counter((key.place, sequence) for key in KEYS.values() for sequence in key.sequences)
    assert [use for use, count in uses.items() if count > 1] == []


def test_a_key_of_one_place_is_none_that_acts_everywhere() -> None:
    everywhere = {sequence for key in KEYS.values() if key.group is Group.EVERYWHERE for sequence in key.sequences}
    placed = {sequence for key in KEYS.values() if key.place for sequence in key.sequences}
    assert everywhere & placed == set()


def test_every_screen_has_its_key_and_its_class() -> None:
    for entry in SCREENS:
        assert entry.key.sequences
        assert entry.load()


def test_turning_letters_off_leaves_the_other_keys(qtbot: QtBot) -> None:
    board = QListWidget()
    qtbot.addWidget(board)
    binder = KeyBinder()
    actions = binder.bind(board, {"visit.no_show": print, "visit.cancel": print, "visit.advance": print})
    binder.set_characters(False)
    kept = {name: [keys.toString() for keys in action.shortcuts()] for name, action in actions.items()}
    assert kept == {"visit.no_show": [], "visit.cancel": ["Del"], "visit.advance": ["Space"]}
    binder.set_characters(True)
    assert [keys.toString() for keys in actions["visit.no_show"].shortcuts()] == ["Shift+N"]
