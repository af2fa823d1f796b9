"""A desk that nobody sits at is noticed: by the clock on the wall, and by what the system tells of its screen and its sleep."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from clinicdesk.desktop.away import AwayWatch
from clinicdesk.desktop.idle import IdleWatch


class Wall:
    """A clock that goes when it is told to, in minutes."""

    def __init__(self) -> None:
        self.minutes = 1_000.0

    def __call__(self) -> float:
        return self.minutes * 60


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def field(qtbot: QtBot) -> QLineEdit:
    made = QLineEdit()
    qtbot.addWidget(made)
    with qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    return made


@pytest.fixture
def told(field: QLineEdit, wall: Wall) -> Iterator[list[float]]:
    """The minutes at which a watch of five minutes, begun at 1000, has told."""
    watch = IdleWatch(field, wall)
    times: list[float] = []
    watch.idle.connect(lambda: times.append(wall.minutes))
    watch.start(5)
    yield times
    watch.stop()


def touch(field: QLineEdit) -> None:
    window = field.window().windowHandle()
    assert window is not None
    QTest.keyClick(window, Qt.Key.Key_A)


def look(field: QLineEdit) -> None:
    watch = field.findChild(IdleWatch)
    assert watch is not None
    watch.look()


def test_nobody_is_missed_before_the_time_is_over(field: QLineEdit, wall: Wall, told: list[float]) -> None:
    wall.minutes += 4.9
    look(field)
    touch(field)
    wall.minutes += 4.9
    look(field)
    assert told == []
    wall.minutes += 0.1
    look(field)
    look(field)
    assert told == [1009.9]


def test_after_sleep_the_first_touch_finds_the_desk_locked_and_types_nothing(
    field: QLineEdit, wall: Wall, told: list[float]
) -> None:
    touch(field)
    wall.minutes += 60  # asleep: no timer has run meanwhile
    touch(field)
    assert told == [1060]
    assert field.text() == "a"


def test_a_clock_that_is_put_back_begins_the_wait_anew(field: QLineEdit, wall: Wall, told: list[float]) -> None:
    wall.minutes -= 600
    look(field)
    wall.minutes += 4
    look(field)
    assert told == []
    wall.minutes += 1
    look(field)
    assert told == [405]


@pytest.fixture
def bus() -> Iterator[str]:
    """The address of a message bus of this test's own."""
    if sys.platform != "linux" or shutil.which("dbus-daemon") is None:
        pytest.skip("there is no dbus-daemon here")
    command = ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as daemon:
        assert daemon.stdout is not None
        yield daemon.stdout.readline().strip()
        daemon.terminate()


def test_a_locked_screen_and_the_beginning_of_sleep_are_heard_of(qtbot: QtBot, bus: str) -> None:
    from PySide6.QtDBus import QDBusConnection, QDBusMessage

    watch = AwayWatch()
    heard: list[str] = []
    watch.away.connect(lambda: heard.append("away"))
    watch.listen(bus, bus)
    system = QDBusConnection.connectToBus(bus, "system")
    for count, (path, interface, signal) in enumerate(
        (
            ("/org/freedesktop/ScreenSaver", "org.freedesktop.ScreenSaver", "ActiveChanged"),
            ("/org/gnome/ScreenSaver", "org.gnome.ScreenSaver", "ActiveChanged"),
            ("/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForSleep"),
        ),
        start=1,
    ):
        for begins in (False, True):
            message = QDBusMessage.createSignal(path, interface, signal)
            message.setArguments([begins])
            assert system.send(message)
        qtbot.waitUntil(lambda count=count: len(heard) == count)  # type: ignore[misc]


def test_where_there_is_no_bus_there_is_nothing_to_hear(qtbot: QtBot) -> None:
    AwayWatch().listen("unix:path=/nowhere/desk", "unix:path=/nowhere/machine")
