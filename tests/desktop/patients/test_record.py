"""The record by keyboard: what is masked, what a role may do, visits, allergies, contacts, and the way back from mistakes."""

from __future__ import annotations

from datetime import date, timedelta

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from clinicdesk.core.permissions import Role
from clinicdesk.desktop.desk import BookVisit, ShowVisit
from clinicdesk.desktop.patients.record_sheets import AllergySheet, ContactSheet, DeceasedSheet
from clinicdesk.features.appointments.schemas import Status
from clinicdesk.features.patients.schemas import SaveAllergy, SaveContact, Severity
from clinicdesk.features.patients.service import save_allergy, save_contact
from tests.desktop.keyboard import ALT, CTRL, press, type_text
from tests.desktop.patients.conftest import DAY, ENTER, Clinic, Front, Open, open_record_of, shows

Key = Qt.Key


def test_what_is_private_is_masked_until_v_and_v_is_audited(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    open_record_of(qtbot, front, clinic.jordan)
    header = front.screen.record.header
    masked = [fact.text() for fact in (header.born, header.phone, header.address)]
    assert [text.strip("\u2066\u2069") for text in masked] == ["•• ••• 1984", "•••• ••• 072", "Hull"]
    type_text("v")
    qtbot.waitUntil(lambda: header.born.text() == "12 Mar 1984")
    assert header.phone.text().strip("\u2066\u2069") == "07700900072"
    assert header.address.text() == "14 Harbour Street, Hull"
    assert clinic.audited("patients.reveal") == 1
    front.screen.record._mask.timeout.emit()
    assert [fact.text() for fact in (header.born, header.phone, header.address)] == masked


def test_the_next_visit_is_there_at_once_and_c_checks_it_in(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    clinic.book(clinic.jordan, 12, day=DAY + timedelta(days=3))
    clinic.book(clinic.jordan, 12, 20)
    open_record_of(qtbot, front, clinic.jordan)
    record = front.screen.record
    qtbot.waitUntil(lambda: "1 h 38 min" in record.next_card.title())
    type_text("c")
    qtbot.waitUntil(lambda: [v.status for v in clinic.visits(clinic.jordan)] == [Status.BOOKED, Status.CHECKED_IN])
    qtbot.waitUntil(lambda: record.next_card.title().startswith("Here now"))
    press(Key.Key_Z, CTRL)
    qtbot.waitUntil(lambda: {v.status for v in clinic.visits(clinic.jordan)} == {Status.BOOKED})


def test_enter_on_a_visit_shows_it_in_the_calendar(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    clinic.book(clinic.jordan, 12)
    clinic.book(clinic.jordan, 14)
    open_record_of(qtbot, front, clinic.jordan)
    record = front.screen.record
    qtbot.waitUntil(lambda: record.recent.current_visit() is not None)
    press(Key.Key_Down)
    with qtbot.waitSignal(front.desk.requested) as asked:
        press(ENTER)
    assert asked.args is not None
    (request,) = asked.args
    assert isinstance(request, ShowVisit)
    assert request.visit.start.hour == 14


def test_alt_and_a_number_turn_the_tabs_and_esc_leaves(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    open_record_of(qtbot, front, clinic.jordan)
    record = front.screen.record
    press(Key.Key_2, ALT)
    assert record.all_visits.hasFocus()
    press(Key.Key_3, ALT)
    assert record.log.hasFocus()
    qtbot.waitUntil(lambda: record.log.entries.rowCount() > 1)
    press(Key.Key_1, ALT)
    assert record.recent.hasFocus()
    press(Key.Key_Escape)
    assert front.screen.search.field.hasFocus()


def test_book_asks_for_a_visit_of_this_patient(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    open_record_of(qtbot, front, clinic.jordan)
    with qtbot.waitSignal(front.desk.requested) as asked:
        type_text("n")
    assert asked.args is not None
    (request,) = asked.args
    assert isinstance(request, BookVisit)
    assert request.prefill.patient is not None
    assert request.prefill.patient.id == clinic.jordan.id


def test_a_doctor_edits_allergies_and_undo_brings_one_back(qtbot: QtBot, open_patients: Open, clinic: Clinic) -> None:
    front = open_patients(Role.DOCTOR)
    open_record_of(qtbot, front, clinic.jordan)
    strip = front.screen.record.allergies
    assert "not asked yet" in strip.words.text()
    type_text("a")
    sheet = front.window.findChildren(AllergySheet)[0]
    type_text("Latex")
    press(ENTER)
    qtbot.waitUntil(lambda: "Latex" in strip.words.text())
    qtbot.waitUntil(lambda: sheet.list.count() == 1)
    press(ENTER)
    qtbot.waitUntil(lambda: sheet._fields["substance"].error() != "")
    sheet.list.setFocus()
    sheet.list.setCurrentRow(0)
    press(Key.Key_R, ALT)
    qtbot.waitUntil(lambda: front.desk.undo.undo_text == "Allergy removed")
    assert clinic.record(clinic.jordan.id).allergies == ()
    press(Key.Key_C, ALT)
    qtbot.waitUntil(lambda: clinic.record(clinic.jordan.id).allergies_checked_on == DAY)
    qtbot.waitUntil(lambda: strip.words.text() == "No known allergies, checked 23 Nov 2026")
    press(Key.Key_Z, CTRL)
    qtbot.waitUntil(lambda: "Latex" in strip.words.text())


def test_the_front_desk_sees_allergies_and_has_no_way_to_change_them(
    qtbot: QtBot, front: Front, clinic: Clinic
) -> None:
    with clinic.db.write(clinic.operator) as tx:
        save_allergy(tx, SaveAllergy(clinic.jordan.id, "Latex <b>", "rash", Severity.SEVERE))
    open_record_of(qtbot, front, clinic.jordan)
    strip = front.screen.record.allergies
    assert strip.isVisible()
    assert "Latex &lt;b&gt;" in strip.words.text()
    assert not strip._edit.isVisible()
    type_text("a")
    assert not front.window.findChildren(AllergySheet)
    assert "record.allergies" not in front.screen.keys_here()


def test_a_contact_is_added_changed_and_removed_by_keyboard(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    open_record_of(qtbot, front, clinic.jordan)
    type_text("k")
    type_text("Robin Smith")
    press(Key.Key_Tab)
    type_text("sister")
    press(Key.Key_Tab)
    type_text("none")
    press(ENTER)
    sheet = front.window.findChildren(ContactSheet)[0]
    qtbot.waitUntil(lambda: sheet._fields["phone"].error() != "")
    assert sheet.phone.text() == "none"
    sheet.phone.setText("07700 900111")
    press(ENTER)
    side = front.screen.record.side
    qtbot.waitUntil(lambda: any(line.isVisible() for line in side.contact_lines().values()))
    assert front.screen.record.recent.hasFocus()
    side.contact_lines()["Robin Smith"].setFocus()
    assert side.contact_lines()["Robin Smith"].hasFocus()
    press(Key.Key_Space)
    qtbot.waitUntil(lambda: any(s.is_open() for s in front.window.findChildren(ContactSheet)))
    press(Key.Key_R, ALT)
    qtbot.waitUntil(lambda: front.desk.undo.undo_text == "Contact removed")
    assert clinic.record(clinic.jordan.id).contacts == ()
    press(Key.Key_Z, CTRL)
    qtbot.waitUntil(lambda: [c.name for c in clinic.record(clinic.jordan.id).contacts] == ["Robin Smith"])
    qtbot.waitUntil(lambda: "Robin Smith" in side.contact_lines())


def test_phones_of_contacts_are_masked_like_the_patients(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    with clinic.db.write(clinic.operator) as tx:
        save_contact(tx, SaveContact(clinic.jordan.id, "Robin", "sister", "07700 900111"))
    open_record_of(qtbot, front, clinic.jordan)
    side = front.screen.record.side
    assert "07700" not in side.contact_lines()["Robin"].accessibleName()
    type_text("v")
    qtbot.waitUntil(lambda: "07700 900111" in side.contact_lines()["Robin"].accessibleName())


def test_the_deceased_are_marked_cannot_be_booked_and_can_be_unmarked(
    qtbot: QtBot, front: Front, clinic: Clinic
) -> None:
    open_record_of(qtbot, front, clinic.jordan)
    record = front.screen.record
    assert not record.deceased.isVisible()
    record._actions["record.deceased"].trigger()
    sheet = front.window.findChildren(DeceasedSheet)[0]
    type_text("1.1.2031")
    press(ENTER)
    qtbot.waitUntil(lambda: "future" in sheet._fields["deceased_on"].error())
    sheet.day.setText("3.8.2026")
    press(ENTER)
    qtbot.waitUntil(record.deceased.isVisible)
    assert clinic.record(clinic.jordan.id).deceased_on == date(2026, 8, 3)
    assert "No visits can be booked" in record.deceased.accessibleName()
    assert not record.book_button.isEnabled()
    with qtbot.assertNotEmitted(front.desk.requested):
        type_text("n")
    press(Key.Key_Z, CTRL)
    qtbot.waitUntil(lambda: not record.deceased.isVisible())
    assert record.book_button.isEnabled()


def test_a_record_is_never_shown_under_the_name_of_another(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    clinic.book(clinic.freya, 12)
    open_record_of(qtbot, front, clinic.freya)
    front.desk.open_patient(clinic.jordan.id)
    record = front.screen.record
    assert record.patient is None
    assert not record._body.isVisible()
    qtbot.waitUntil(lambda: shows(front, clinic.jordan))
    qtbot.waitUntil(lambda: record.recent.visits.rowCount() == 0)
    assert front.screen.patient_in_view() == clinic.jordan.id


def test_a_record_out_of_sight_is_read_anew_only_when_it_is_seen_again(
    qtbot: QtBot, front: Front, clinic: Clinic
) -> None:
    open_record_of(qtbot, front, clinic.jordan)
    press(Key.Key_1, CTRL)
    qtbot.waitUntil(lambda: not front.screen.isVisible())
    with clinic.db.write(front.desk.actor) as tx:
        save_contact(tx, SaveContact(clinic.jordan.id, "Robin"))
    looks = clinic.audited("patients.open_record")
    qtbot.waitUntil(lambda: front.screen.record._is_stale)
    assert clinic.audited("patients.open_record") == looks
    press(Key.Key_3, CTRL)
    qtbot.waitUntil(lambda: "Robin" in front.screen.record.side.contact_lines())
    assert clinic.audited("patients.open_record") == looks + 1


def test_f6_goes_round_the_panes(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    open_record_of(qtbot, front, clinic.jordan)
    seen = []
    for _ in range(3):
        press(Key.Key_F6)
        seen.append(QApplication.focusWidget())
    record = front.screen.record
    assert seen == [record.tabs, record.side.add_contact, record.recent]
