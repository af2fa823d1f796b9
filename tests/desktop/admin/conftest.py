"""Administration on a small clinic: two accounts, two practitioners, a site with a room, two kinds of visit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, time
from typing import TypeVar

import pytest
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database, Tx
from clinicdesk.desktop.admin.hours_section import HoursSection
from clinicdesk.desktop.admin.places_section import PlacesSection
from clinicdesk.desktop.admin.screen import AdminScreen
from clinicdesk.desktop.admin.types_section import TypesSection
from clinicdesk.desktop.admin.users_section import UsersSection
from clinicdesk.desktop.desk import Desk
from clinicdesk.features.appointments.schemas import SaveType
from clinicdesk.features.appointments.types import save_type
from clinicdesk.features.practitioners.schemas import (
    PractitionerRow,
    SavePractitioner,
    SaveRoom,
    SaveSite,
    SetWeeklyHours,
    Shift,
)
from clinicdesk.features.practitioners.service import save_practitioner, save_room, save_site, set_weekly_hours
from clinicdesk.features.users.schemas import AddUser
from clinicdesk.features.users.service import add_user
from tests.desktop.conftest import MakeDesk

PASSWORD = "four quiet brown owls"
T = TypeVar("T")


@dataclass
class Admin:
    """The screen, what its toasts said, and the way past it to the database."""

    qtbot: QtBot
    db: Database
    operator: Actor
    desk: Desk
    screen: AdminScreen
    lee: PractitionerRow
    said: list[str] = field(default_factory=list)

    def read(self, work: Callable[[Tx], T]) -> T:
        with self.db.read(self.operator) as tx:
            return work(tx)

    def write(self, work: Callable[[Tx], T]) -> T:
        with self.db.write(self.operator) as tx:
            return work(tx)

    def until(self, holds: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(holds)

    def undo(self) -> None:
        with self.qtbot.waitSignal(self.desk.undo.told):
            self.desk.undo.undo()

    def wait_for(self, words: str) -> None:
        """Wait until a toast has said it."""
        self.until(lambda: any(words in said for said in self.said))

    @property
    def users(self) -> UsersSection:
        return self._go("admin.users", UsersSection)

    @property
    def hours(self) -> HoursSection:
        return self._go("admin.hours", HoursSection)

    @property
    def types(self) -> TypesSection:
        return self._go("admin.types", TypesSection)

    @property
    def places(self) -> PlacesSection:
        return self._go("admin.places", PlacesSection)

    def _go(self, name: str, kind: type[T]) -> T:
        self.screen.choose(name)
        section = self.screen.section
        assert isinstance(section, kind)
        first = self.screen.section.lists[0]
        self.until(lambda: bool(first.model.rows()))
        return section


@pytest.fixture
def admin(qtbot: QtBot, make_desk: MakeDesk, db: Database, operator: Actor) -> Iterator[Admin]:
    desk = make_desk(Role.ADMINISTRATOR)
    with db.write(operator) as tx:
        site = save_site(tx, SaveSite("Harbour Street", "12 Harbour Street"))
        room = save_room(tx, SaveRoom(site.id, "Room 1"))
        lee = save_practitioner(tx, SavePractitioner("Lee", "Grace", "Dr", specialty="GP", room_id=room.id, position=0))
        save_practitioner(tx, SavePractitioner("Okafor", "Amara", "Dr", specialty="GP", position=1))
        week = tuple(Shift(weekday, time(9), time(17)) for weekday in range(5))
        set_weekly_hours(tx, SetWeeklyHours(lee.id, week, date(2026, 1, 1)))
        for position, name in enumerate(("Follow-up", "Check-up", "Blood test")):
            save_type(tx, SaveType(name, 20, position=position))
        add_user(tx, AddUser("ines@clinic.example", "Ines Moreau", Role.ADMINISTRATOR, PASSWORD))
        add_user(tx, AddUser("maya@clinic.example", "Maya Cole", Role.RECEPTIONIST, PASSWORD))
    window = QWidget()
    window.resize(1280, 800)
    column = QVBoxLayout(window)
    column.setContentsMargins(0, 0, 0, 0)
    desk.host = window
    screen = AdminScreen(desk)
    column.addWidget(screen)
    made = Admin(qtbot, db, operator, desk, screen, lee)
    desk.toasted.connect(lambda text, _undo: made.said.append(text))
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    screen.activate()
    qtbot.waitUntil(lambda: bool(screen.section.lists[0].model.rows()))
    yield made
    window.close()
    window.deleteLater()
