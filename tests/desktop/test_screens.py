"""Every screen, as each role opens it: made without a window flashing up beside the desk."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from clinicdesk.core.permissions import Role, may
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.screens import SCREENS, Entry


class Windows(QObject):
    """Notes every window that is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.shown.append(f"{type(watched).__name__} {watched.accessibleName()}".strip())
        return False


@pytest.fixture
def windows(qapp: QApplication) -> Iterator[Windows]:
    watch = Windows()
    qapp.installEventFilter(watch)
    yield watch
    qapp.removeEventFilter(watch)


OPENED = [
    (entry, role)
    for entry in SCREENS
    for role in (Role.RECEPTIONIST, Role.DOCTOR, Role.ADMINISTRATOR)
    if may(role, entry.permission)
]


@pytest.mark.parametrize(("entry", "role"), OPENED, ids=[f"{entry.name}-{role}" for entry, role in OPENED])
def test_a_screen_opens_within_its_window(
    qtbot: QtBot, make_desk: Callable[[Role], Desk], windows: Windows, entry: Entry, role: Role
) -> None:
    screen = entry.make(make_desk(role))
    qtbot.addWidget(screen)
    assert windows.shown == [], "shown before it had a parent: it flashes up as a window and takes the focus"
