"""Hands on the keyboard: what is pressed goes to whatever has the focus, as it would for a person."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier
NONE = Qt.KeyboardModifier.NoModifier


def focused() -> QWidget:
    """What has the focus; the window itself where nothing in it has."""
    widget = QApplication.focusWidget() or QApplication.activeWindow()
    assert widget is not None, "no window of this program is active"
    return widget


def press(key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Press one key."""
    QTest.keyClick(focused(), key, modifiers)


def type_text(text: str) -> None:
    """Type the letters."""
    QTest.keyClicks(focused(), text)


def type_in(*words: str) -> None:
    """Type each of the words where the cursor is then, and Enter after it."""
    for word in words:
        type_text(word)
        press(Qt.Key.Key_Return)
