"""Tells when the computer locks its screen or goes to sleep, where the system says so: on Linux, over D-Bus."""

from __future__ import annotations

import sys
from typing import Any

from PySide6.QtCore import SLOT, QObject, Signal, Slot

_SCREEN_SAVERS = ("org.freedesktop", "org.gnome", "org.cinnamon", "org.mate", "org.xfce")


class AwayWatch(QObject):
    """Where there is nobody to tell, it stays silent; the idle watch then locks the desk when the computer wakes up."""

    away = Signal()

    def listen(self, session: str = "", system: str = "") -> None:
        """Hear from the person's session bus and the system's, or from the buses at these addresses."""
        if sys.platform != "linux":
            return
        from PySide6.QtDBus import QDBusConnection

        desk = QDBusConnection.connectToBus(session, "desk") if session else QDBusConnection.sessionBus()
        machine = QDBusConnection.connectToBus(system, "machine") if system else QDBusConnection.systemBus()
        slot: Any = SLOT("_told(bool)")  # a str, and that is what it takes; PySide's stub asks for bytes
        for owner in _SCREEN_SAVERS:
            desk.connect("", "", f"{owner}.ScreenSaver", "ActiveChanged", self, slot)
        machine.connect("", "", "org.freedesktop.login1.Manager", "PrepareForSleep", self, slot)

    @Slot(bool)
    def _told(self, begins: bool) -> None:
        if begins:
            self.away.emit()
