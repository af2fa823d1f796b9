"""Registering and editing by keyboard: five fields, duplicates as one types, and nothing typed is ever lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from clinicdesk.desktop.desk import BookVisit, Prefill
from clinicdesk.desktop.patients.patient_form import PatientForm
from clinicdesk.features.patients.schemas import Demographics, EditPatient, Gender
from clinicdesk.features.patients.service import edit
from tests.desktop.keyboard import ALT, CTRL, press, type_text
from tests.desktop.patients.conftest import ENTER, Clinic, Front, open_record_of, shows

Key = Qt.Key


def form_of(front: Front) -> PatientForm:
    form = front.screen._form
    assert form is not None
    return form


def begin(front: Front) -> PatientForm:
    press(Key.Key_N, CTRL)
    return form_of(front)


def type_fields(*texts: str) -> None:
    for text in texts[:-1]:
        type_text(text)
        press(Key.Key_Tab)
    type_text(texts[-1])


def edit_elsewhere(clinic: Clinic, patient_id: UUID, demographics: Demographics) -> None:
    version = clinic.record(patient_id).version
    with clinic.db.write(clinic.operator) as tx:
        edit(tx, EditPatient(patient_id, version, demographics))


def open_edit(qtbot: QtBot, front: Front, clinic: Clinic) -> PatientForm:
    open_record_of(qtbot, front, clinic.jordan)
    type_text("e")
    qtbot.waitUntil(lambda: front.screen._form is not None)
    return form_of(front)


def test_five_fields_and_enter_register_somebody(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    form = begin(front)
    type_fields("Osei", "Daniel", "2.3.71", "07700 900418", "m")
    assert form.born.text() == "2 Mar 1971, 55 years"
    press(ENTER)
    qtbot.waitUntil(lambda: [p.name for p in clinic.found("osei")] == ["Daniel Osei"])
    (osei,) = clinic.found("osei")
    qtbot.waitUntil(lambda: shows(front, osei))
    assert (osei.birth_date, osei.gender, osei.phone) == (date(1971, 3, 2), Gender.MALE, "07700 900418")


def test_who_may_be_the_same_person_is_shown_while_one_types(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    form = begin(front)
    type_fields("Smyth", "Jordan", "12 mar 1984")
    qtbot.waitUntil(lambda: [d.patient.id for d in form.duplicates.found()] == [clinic.jordan.id])
    first = "Alt+1"
    qtbot.waitUntil(
        lambda: any(
            card.isVisible()
            for card in form.duplicates.findChildren(QAbstractButton)
            if card.shortcut().toString() == first
        )
    )
    press(Key.Key_1, ALT)
    qtbot.waitUntil(lambda: shows(front, clinic.jordan))
    assert len(clinic.found("smyth jordan")) <= 1
    assert begin(front).typed()["family"] == "Smyth"


def test_a_birth_date_in_the_future_is_refused_beside_its_field(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    form = begin(front)
    type_fields("Osei", "Daniel", "1.1.2031")
    press(ENTER)
    field = form.fields["birth_date"]
    qtbot.waitUntil(lambda: field.error() == "The birth date lies in the future.")
    assert field.editor.hasFocus()
    assert form.typed()["family"] == "Osei"
    assert form.typed()["birth_date"] == "1.1.2031"
    assert clinic.found("osei") == []
    field.editor.clear()  # type: ignore[attr-defined]
    type_text("soon")
    press(ENTER)
    assert "no date" in field.error()


def test_a_refusal_in_a_folded_field_unfolds_it(qtbot: QtBot, front: Front) -> None:
    form = begin(front)
    type_text("Osei")
    press(Key.Key_M, ALT)
    qtbot.waitUntil(form._folded.isVisible)
    form.fields["email"].setFocus()
    type_text("nowhere")
    form._unfold(False)
    form.save()
    qtbot.waitUntil(lambda: form.fields["email"].error() != "")
    assert form.fields["email"].isVisible()


def test_a_patient_without_any_name_is_refused(qtbot: QtBot, front: Front) -> None:
    form = begin(front)
    press(ENTER)
    qtbot.waitUntil(lambda: form.fields["family"].error() == "A patient needs a name.")


def test_esc_puts_what_was_typed_aside(qtbot: QtBot, front: Front) -> None:
    begin(front)
    type_fields("Osei", "Daniel")
    press(Key.Key_Escape)
    assert front.screen._form is None
    assert front.screen.search.field.hasFocus()
    form = begin(front)
    assert (form.typed()["family"], form.typed()["given"]) == ("Osei", "Daniel")


def test_a_draft_waits_while_another_person_uses_the_desk(qtbot: QtBot, front: Front) -> None:
    begin(front)
    type_fields("Osei", "Daniel")
    draft = front.screen.draft()
    assert draft is not None
    form_of(front).close_sheet()
    front.screen._put_aside = None
    front.screen.restore(draft)
    assert form_of(front).typed()["given"] == "Daniel"


def test_an_untouched_form_leaves_no_draft(qtbot: QtBot, front: Front) -> None:
    begin(front)
    assert front.screen.draft() is None


def test_whoever_was_to_be_booked_is_booked_once_registered(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    front.desk.new_patient("osei", Prefill(practitioner_id=clinic.lee.id, reason="cough"))
    qtbot.waitUntil(lambda: front.screen._form is not None)
    requests: list[object] = []
    front.desk.requested.connect(requests.append)
    press(ENTER)
    qtbot.waitUntil(lambda: bool(requests))
    (request,) = requests
    assert isinstance(request, BookVisit)
    assert request.prefill.patient is not None
    assert (request.prefill.patient.family, request.prefill.reason) == ("Osei", "cough")
    assert request.prefill.practitioner_id == clinic.lee.id


def test_editing_is_audited_and_can_be_undone(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    form = open_edit(qtbot, front, clinic)
    assert clinic.audited("patients.reveal") == 1
    assert form.typed()["address"] == "14 Harbour Street"
    form.fields["city"].setFocus()
    form.fields["city"].editor.selectAll()  # type: ignore[attr-defined]
    type_text("Leeds")
    press(ENTER)
    qtbot.waitUntil(lambda: clinic.record(clinic.jordan.id).demographics.city == "Leeds")
    qtbot.waitUntil(lambda: front.screen.record.header.address.text() == "Leeds")
    press(Key.Key_Z, CTRL)
    qtbot.waitUntil(lambda: clinic.record(clinic.jordan.id).demographics.city == "Hull")
    qtbot.waitUntil(lambda: front.desk.undo.redo_text == "Record changed")
    press(Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: clinic.record(clinic.jordan.id).demographics.city == "Leeds")


def test_a_change_by_somebody_else_keeps_both(qtbot: QtBot, front: Front, clinic: Clinic) -> None:
    form = open_edit(qtbot, front, clinic)
    stored = clinic.record(clinic.jordan.id).demographics
    form.fields["city"].editor.setText("Leeds")  # type: ignore[attr-defined]
    form.fields["given"].editor.setText("Jordan Lee")  # type: ignore[attr-defined]
    edit_elsewhere(clinic, clinic.jordan.id, replace(stored, city="York", pronouns="they/them"))
    form.save()
    qtbot.waitUntil(lambda: "York" in form.fields["city"].error())
    typed = form.typed()
    assert (typed["city"], typed["given"], typed["pronouns"]) == ("Leeds", "Jordan Lee", "they/them")
    assert form._refusal.isVisible()
    form.save()
    qtbot.waitUntil(lambda: front.screen._form is None)
    now = clinic.record(clinic.jordan.id).demographics
    assert (now.city, now.given, now.pronouns) == ("Leeds", "Jordan Lee", "they/them")
