"""The list of screens: one line each, in the order of the rail."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from clinicdesk.core.permissions import Permission
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.keys import KEYS, Key
from clinicdesk.desktop.screen import Screen


@dataclass(frozen=True, slots=True)
class Entry:
    """A screen's place in the rail, who may open it, and where its class is. Its words and key stand in keys.KEYS."""

    name: str
    icon: str
    permission: Permission
    module: str
    screen: str

    @property
    def key_id(self) -> str:
        return f"go.{self.name}"

    @property
    def key(self) -> Key:
        return KEYS[self.key_id]

    @property
    def title(self) -> str:
        """The screen's name on the rail and in the window's title."""
        return self.key.word

    def load(self) -> type[Screen]:
        """The screen's class; its module is loaded when it is first wanted."""
        found: type[Screen] = getattr(import_module(self.module), self.screen)
        return found

    def make(self, desk: Desk) -> Screen:
        """A new screen for whoever is signed in."""
        return self.load()(desk)


SCREENS: tuple[Entry, ...] = (
    Entry(
        "today", "ph.calendar-blank", Permission.SEE_CALENDAR, "clinicdesk.desktop.appointments.today", "TodayScreen"
    ),
    Entry("flow", "ph.users-three", Permission.SEE_CALENDAR, "clinicdesk.desktop.appointments.flow", "FlowScreen"),
    Entry(
        "patients",
        "ph.identification-card",
        Permission.FIND_PATIENT,
        "clinicdesk.desktop.patients.screen",
        "PatientsScreen",
    ),
    Entry("admin", "ph.shield-check", Permission.MANAGE_USERS, "clinicdesk.desktop.admin.screen", "AdminScreen"),
)
