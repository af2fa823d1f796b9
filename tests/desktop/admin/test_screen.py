"""Who sees the administration, and which keys act where in it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from clinicdesk.core.errors import NotPermitted
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Database
from clinicdesk.desktop.admin.users_pane import UserModel
from clinicdesk.desktop.screens import SCREENS
from clinicdesk.desktop.workplace import Workplace
from clinicdesk.features.appointments.schemas import SaveType
from clinicdesk.features.appointments.types import save_type
from clinicdesk.features.users.service import list_users
from tests.desktop.admin.conftest import Admin
from tests.desktop.conftest import MakeDesk
from tests.desktop.keyboard import ALT, press


@pytest.mark.parametrize("role", [Role.RECEPTIONIST, Role.NURSE, Role.DOCTOR])
def test_who_does_not_administer_has_no_way_in(make_desk: MakeDesk, db: Database, role: Role) -> None:
    desk = make_desk(role)
    workplace = Workplace(desk, [entry for entry in SCREENS if entry.name == "admin"])
    assert workplace.entries == []
    with pytest.raises(NotPermitted), db.read(desk.actor) as tx:
        list_users(tx)
    with pytest.raises(NotPermitted), db.write(desk.actor) as tx:
        save_type(tx, SaveType("Mine", 20))


def test_an_administrator_has_all_sections(admin: Admin) -> None:
    assert list(admin.screen.sections) == ["admin.users", "admin.hours", "admin.types", "admin.places"]


def test_alt_and_a_digit_open_a_section_with_its_list_in_focus(admin: Admin) -> None:
    press(Qt.Key.Key_3, ALT)
    assert admin.screen.segments.current() == "admin.types"
    assert admin.screen.section.lists[0].table.hasFocus()
    assert admin.screen.add_button.text() == "Add visit type"


def test_the_hints_are_those_of_the_list_in_focus(admin: Admin) -> None:
    section = admin.hours
    section.practitioners.table.setFocus()
    assert admin.screen.hints() == ("admin.add", "admin.edit", "admin.turn_off")
    section.holidays.table.setFocus()
    assert admin.screen.hints() == ("admin.add", "admin.edit", "admin.remove", "admin.toggle")
    section.holidays.year.setFocus()
    assert admin.screen.hints() == ()


def test_letters_typed_in_a_field_are_no_commands(admin: Admin) -> None:
    form = admin.places.clinic
    form.name.setFocus()
    form.name.clear()
    press(Qt.Key.Key_N)
    press(Qt.Key.Key_P)
    assert form.name.text().lower() == "np"
    assert admin.screen.section.lists[0].open_sheet is None


def test_what_another_verb_changes_comes_in(admin: Admin) -> None:
    section = admin.types
    admin.desk.runner.write(lambda tx: save_type(tx, SaveType("Scan", 20, position=9)), owner=section)
    admin.until(lambda: [row.name for row in section.types.model.rows()][-1] == "Scan")


def test_the_name_of_a_user_can_be_read_however_narrow_the_list_is(admin: Admin) -> None:
    table = admin.users.users.table
    table.resize(240, 200)
    assert table.columnWidth(UserModel.Column.NAME) >= 140
    table.resize(1400, 200)
    widths = [table.columnWidth(column) for column in range(table.model().columnCount())]
    assert sum(widths) == table.viewport().width()
