"""Visit types in their order, rooms and sites, and the clinic's settings with what is wrong said beside them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from clinicdesk.desktop.admin.place_sheets import RoomSheet
from clinicdesk.desktop.admin.type_sheet import TypeSheet
from clinicdesk.features.appointments.types import list_types
from clinicdesk.features.practitioners.schemas import EditClinic
from clinicdesk.features.practitioners.service import clinic, edit_clinic, list_rooms, list_sites
from tests.desktop.admin.conftest import Admin
from tests.desktop.keyboard import ALT, press, type_text


def names(admin: Admin) -> list[str]:
    return [row.name for row in admin.read(list_types)]


def test_a_visit_type_is_added_with_its_colour(admin: Admin) -> None:
    pane = admin.types.types
    press(Qt.Key.Key_N)
    sheet = pane.open_sheet
    assert isinstance(sheet, TypeSheet)
    type_text("Vaccination")
    sheet.colour.setCurrentText("green")
    press(Qt.Key.Key_Return)
    admin.until(lambda: sheet.fields.fields["colour"].error().startswith("A colour is #"))
    sheet.colour.setCurrentText("#2b6e49")
    sheet.save()
    admin.wait_for("Saved: Vaccination")
    assert names(admin)[-1] == "Vaccination"
    assert admin.read(list_types)[-1].colour == "#2B6E49"


def test_alt_and_the_arrows_change_the_order(admin: Admin) -> None:
    pane = admin.types.types
    pane.table.setFocus()
    press(Qt.Key.Key_Down, ALT)
    admin.until(lambda: names(admin) == ["Check-up", "Follow-up", "Blood test"])
    admin.until(lambda: [row.name for row in pane.model.rows()] == names(admin))
    assert pane.current() is not None
    assert pane.current().name == "Follow-up"
    press(Qt.Key.Key_Down, ALT)
    admin.until(lambda: names(admin) == ["Check-up", "Blood test", "Follow-up"])
    admin.until(lambda: [row.name for row in pane.model.rows()] == names(admin))
    press(Qt.Key.Key_Up, ALT)
    admin.until(lambda: names(admin) == ["Check-up", "Follow-up", "Blood test"])


def test_a_type_is_turned_off_and_on(admin: Admin) -> None:
    admin.types.types.table.setFocus()
    press(Qt.Key.Key_Delete)
    admin.wait_for("Follow-up turned off")
    assert "Follow-up" not in names(admin)
    admin.undo()
    assert names(admin)[0] == "Follow-up"


def test_a_room_needs_a_name_of_its_own(admin: Admin) -> None:
    pane = admin.places.rooms
    press(Qt.Key.Key_N)
    sheet = pane.open_sheet
    assert isinstance(sheet, RoomSheet)
    type_text("room 1")
    press(Qt.Key.Key_Return)
    admin.until(lambda: sheet.fields.fields["name"].error() == "This name is taken.")
    sheet.name.setText("Room 2")
    press(Qt.Key.Key_Return)
    admin.wait_for("Saved: Room 2")
    assert [room.name for room in admin.read(list_rooms)] == ["Room 1", "Room 2"]


def test_a_site_is_turned_off_with_undo(admin: Admin) -> None:
    sites = admin.places.sites
    admin.until(lambda: bool(sites.model.rows()))
    sites.table.setFocus()
    press(Qt.Key.Key_Delete)
    admin.wait_for("Harbour Street turned off")
    assert admin.read(list_sites) == []
    admin.undo()
    assert len(admin.read(list_sites)) == 1


def test_the_clinic_is_changed_and_wrong_values_are_said_beside_them(admin: Admin) -> None:
    form = admin.places.clinic
    assert not form.save_button.isEnabled()
    form.name.setFocus()
    form.auto_lock.setValue(16)
    form.prefix.setText("CL")
    press(Qt.Key.Key_Return)
    admin.until(lambda: form.fields.fields["auto_lock_minutes"].error() == "This has to be between 1 and 15.")
    assert QApplication.focusWidget() is form.auto_lock
    assert form.prefix.text() == "CL"
    form.auto_lock.setValue(3)
    press(Qt.Key.Key_Return)
    admin.wait_for("settings are saved")
    stored = admin.read(clinic)
    assert (stored.auto_lock_minutes, stored.record_prefix) == (3, "CL")
    admin.until(lambda: admin.desk.clinic.auto_lock_minutes == 3)
    assert not form.save_button.isEnabled()


def test_settings_that_another_desk_changed_are_taken_and_what_is_typed_is_kept(admin: Admin) -> None:
    form = admin.places.clinic
    theirs = EditClinic(
        version=admin.desk.clinic.version, name="Hill Clinic", zone="UTC", country="", record_prefix="HC",
        auto_lock_minutes=4, lockout_failures=5, lockout_minutes=15, wait_target_minutes=15,
    )  # fmt: skip
    with admin.db.write(admin.desk.actor) as tx:  # not through this desk, which would hear of it
        edit_clinic(tx, theirs)
    form.name.setText("Dale Clinic")
    form.wait.setValue(20)
    form.save()
    admin.until(lambda: form.fields.fields["name"].error() == "Somebody has changed this to “Hill Clinic”.")
    assert (form.name.text(), form.wait.value()) == ("Dale Clinic", 20)
    assert (form.prefix.text(), form.auto_lock.value()) == ("HC", 4)
    form.save()
    admin.wait_for("settings are saved")
    stored = admin.read(clinic)
    assert (stored.name, stored.record_prefix, stored.wait_target_minutes) == ("Dale Clinic", "HC", 20)


def test_an_unknown_zone_is_refused_and_what_is_typed_is_a_draft(admin: Admin) -> None:
    form = admin.places.clinic
    form.zone.setCurrentText("Europe/Atlantis")
    form.save()
    admin.until(lambda: "not a time zone" in form.fields.fields["zone"].error())
    draft = admin.screen.draft()
    form.reset()
    assert (form.zone.currentText(), admin.screen.draft()) == ("UTC", None)
    admin.screen.restore(draft)
    assert form.zone.currentText() == "Europe/Atlantis"
