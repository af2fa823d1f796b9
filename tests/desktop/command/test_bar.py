"""The command bar worked by counted keys, through the real window and the real database."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from clinicdesk.core.permissions import Role
from clinicdesk.desktop.appointments.booking_dialog import BookingDialog
from clinicdesk.desktop.command.bar import CommandBar
from clinicdesk.desktop.command.rows import Kind
from clinicdesk.desktop.desk import NewPatient, OpenPatient
from clinicdesk.features.appointments.phrase import Part
from clinicdesk.features.appointments.schemas import Status
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from clinicdesk.features.patients.service import mark_deceased, register
from tests.desktop.appointments.samples import DAY, at
from tests.desktop.command.conftest import Front, Seat

Key = Qt.Key
TUESDAY = DAY + timedelta(days=1)
PHRASE = "smith lee fu 30 tue am"
ALT = Qt.KeyboardModifier.AltModifier


def texts(bar: CommandBar, kind: Kind) -> list[str]:
    return [row.text for row in bar.results.rows.rows if row.kind is kind]


def another_smith(front: Front) -> None:
    with front.clinic.db.write(front.clinic.operator) as tx:
        register(tx, RegisterPatient(Demographics(family="Smith", given="Rhys")))


def test_a_phrase_and_two_keys_book_the_first_opening(front: Front) -> None:
    front.open()
    front.hands.type(PHRASE)
    front.hands.press(Key.Key_Return)  # before the answer is there
    front.qtbot.waitUntil(lambda: bool(front.clinic.visits(TUESDAY)))
    (visit,) = front.clinic.visits(TUESDAY)
    assert (visit.patient_name, visit.practitioner_id, visit.type_name) == (
        "Jordan Smith",
        front.clinic.lee.id,
        "Follow-up",
    )
    assert (visit.start, visit.end - visit.start) == (at(9, day=TUESDAY), timedelta(minutes=30))
    assert front.hands.count == len(PHRASE) + 2
    front.qtbot.waitUntil(lambda: not front.bars())


def test_next_opening_for_the_patient_in_view_in_nine_keys(front: Front) -> None:
    visit = front.clinic.book(at(11), patient=2)
    front.today.refresh()
    front.qtbot.waitUntil(lambda: front.today.day_view.choose_visit(visit.id))
    front.open()
    front.hands.type("lee tue")
    front.hands.press(Key.Key_Return)
    front.qtbot.waitUntil(lambda: bool(front.clinic.visits(TUESDAY)))
    (booked,) = front.clinic.visits(TUESDAY)
    assert (booked.patient_id, booked.practitioner_id) == (visit.patient_id, front.clinic.lee.id)
    assert front.hands.count == 9


def test_an_open_record_is_the_patient_in_view(front: Front) -> None:
    front.go("patients").shown = front.clinic.patients[0].id
    bar = front.type("lee tue")
    assert bar.parts[Part.PATIENT].text().startswith("Daniel Osei")
    front.hands.press(Key.Key_Return)
    front.qtbot.waitUntil(lambda: bool(front.clinic.visits(TUESDAY)))
    assert front.clinic.visits(TUESDAY)[0].patient_name == "Daniel Osei"


def test_without_a_patient_the_dialog_asks_for_one_with_all_else_filled_in(front: Front) -> None:
    bar = front.type("lee 30 tue")
    opening = bar.results.current()
    assert opening is not None
    front.hands.press(Key.Key_Return)
    front.qtbot.waitUntil(lambda: bool(front.window.findChildren(BookingDialog)))
    (dialog,) = front.window.findChildren(BookingDialog)
    draft = dialog.draft()
    assert (draft.patient, draft.practitioner_id, draft.start) == (None, front.clinic.lee.id, at(9, day=TUESDAY))
    assert draft.length == timedelta(minutes=30)
    assert not front.bars()


@pytest.mark.parametrize("words", list(permutations(("smith", "lee", "tue", "30")))[::5])
def test_words_may_come_in_any_order(front: Front, words: tuple[str, ...]) -> None:
    bar = front.type(" ".join(words))
    assert bar.parts[Part.PATIENT].text().startswith("Jordan Smith")
    assert bar.parts[Part.PRACTITIONER].text() == "Dr Grace Lee"
    assert bar.parts[Part.LENGTH].text() == "30 min"
    assert bar.parts[Part.WHEN].text() == "Tue"
    assert texts(bar, Kind.OPENING)[0] == "09:00–09:30"


def test_a_number_books_that_one_and_undo_takes_it_back(front: Front) -> None:
    bar = front.type(PHRASE)
    wanted = texts(bar, Kind.OPENING)[2]
    front.hands.press(Key.Key_3, modifier=ALT)
    front.qtbot.waitUntil(lambda: bool(front.clinic.visits(TUESDAY)))
    assert f"{front.clinic.visits(TUESDAY)[0].start:%H:%M}" == wanted[:5]
    front.qtbot.waitUntil(lambda: bool(front.desk.undo.undo_text))
    assert "Smith" not in front.desk.undo.undo_text
    front.hands.ctrl(Key.Key_Z)
    front.qtbot.waitUntil(
        lambda: all(
            visit.status in (Status.CANCELLED, Status.ENTERED_IN_ERROR) for visit in front.clinic.visits(TUESDAY)
        )
    )


def test_arrows_choose_among_the_openings_and_the_strip_keeps_up(front: Front) -> None:
    bar = front.type(PHRASE)
    front.hands.press(Key.Key_Down, Key.Key_Down, Key.Key_Up)
    row = bar.results.current()
    assert row is not None
    assert row.number == 2
    front.hands.press(Key.Key_Return)
    front.qtbot.waitUntil(lambda: bool(front.clinic.visits(TUESDAY)))
    assert f"{front.clinic.visits(TUESDAY)[0].start:%H:%M}" == row.text[:5]


def test_of_two_people_the_other_is_one_key_away(front: Front) -> None:
    another_smith(front)
    bar = front.type(PHRASE)
    first = bar.parts[Part.PATIENT].text()
    assert len(texts(bar, Kind.CANDIDATE)) == 2
    front.hands.press(Key.Key_Down, modifier=ALT)
    front.qtbot.waitUntil(lambda: bar.parts[Part.PATIENT].text() != first)
    chosen = bar.parts[Part.PATIENT].text()
    front.hands.press(Key.Key_Return)
    front.qtbot.waitUntil(lambda: bool(front.clinic.visits(TUESDAY)))
    assert chosen.startswith(front.clinic.visits(TUESDAY)[0].patient_name)


def test_enter_before_the_answer_does_not_pick_one_of_two_people(front: Front) -> None:
    another_smith(front)
    bar = front.open()
    front.hands.type(PHRASE)
    front.hands.press(Key.Key_Return)
    front.qtbot.waitUntil(lambda: "More than one" in bar.foot.state.text())
    assert front.clinic.visits(TUESDAY) == []
    front.hands.press(Key.Key_Return)
    front.qtbot.waitUntil(lambda: bool(front.clinic.visits(TUESDAY)))


def test_a_quicker_desk_is_told_and_nothing_typed_is_lost(front: Front) -> None:
    bar = front.type(PHRASE)
    front.clinic.book(at(9, day=TUESDAY), patient=2, minutes=30)
    front.hands.press(Key.Key_Return)
    front.qtbot.waitUntil(lambda: "taken" in bar.foot.state.text())
    front.qtbot.waitUntil(lambda: texts(bar, Kind.OPENING)[0] != "09:00–09:30")
    assert bar.is_open()
    assert bar.line.text() == PHRASE
    front.hands.press(Key.Key_Return)
    front.qtbot.waitUntil(lambda: len(front.clinic.visits(TUESDAY)) == 2)


def test_an_answer_to_an_older_text_is_not_shown(front: Front) -> None:
    bar = front.open()
    shown: list[str] = []
    bar.results.rows.modelReset.connect(lambda: shown.append(bar.shows()))
    front.hands.type("smi")
    front.qtbot.wait(0)  # the question goes out, and the text goes on
    front.hands.type("th lee tue")
    front.answered(bar)
    assert texts(bar, Kind.OPENING)
    assert set(shown) <= {"", "smith lee tue"}


def test_a_name_alone_opens_the_record(front: Front) -> None:
    bar = front.type("smith")
    assert texts(bar, Kind.PERSON) == ["Jordan Smith"]
    assert texts(bar, Kind.OPENING) == []
    front.hands.press(Key.Key_Return)
    assert front.window.workplace is not None
    assert front.go("patients").asked == OpenPatient(front.clinic.patients[1].id)


@pytest.mark.parametrize(("word", "first"), [("patients", "Patients"), ("lock", "Lock now"), ("today", "Today")])
def test_a_bare_word_goes_to_its_screen_or_does_its_action(front: Front, word: str, first: str) -> None:
    bar = front.type(word)
    row = bar.results.current()
    assert row is not None
    assert (row.kind, row.text) == (Kind.PLACE, first)
    assert row.keys


def test_a_screen_is_gone_to_and_an_action_done(front: Front) -> None:
    front.type("patients")
    front.hands.press(Key.Key_Return)
    assert front.window.workplace is not None
    assert front.window.workplace.name == "patients"
    front.type("lock")
    front.hands.press(Key.Key_Return)
    assert front.window.page() is not front.window.workplace


def test_a_role_finds_only_what_it_may(seat: Seat) -> None:
    front = seat(Role.RECEPTIONIST)
    bar = front.type("administration")
    assert not any("Administration" in text for text in texts(bar, Kind.PLACE))
    assert "Nothing here" in texts(bar, Kind.NOTE)[0]


def test_an_administrator_finds_administration(seat: Seat) -> None:
    assert texts(seat(Role.ADMINISTRATOR).type("admin"), Kind.PLACE) == ["Administration"]


def test_a_name_that_nobody_has_books_nothing_and_says_so(front: Front) -> None:
    bar = front.type("qqqq lee tue")
    assert "qqqq" in texts(bar, Kind.NOTE)[0]
    front.hands.press(Key.Key_Return)
    assert "qqqq" in bar.foot.state.text()
    assert bar.is_open()
    assert front.clinic.visits(TUESDAY) == []


def test_who_is_not_known_can_be_registered_from_here(front: Front) -> None:
    front.type("brannigan")
    front.hands.press(Key.Key_Return)
    assert front.go("patients").asked == NewPatient("brannigan")


def test_who_is_registered_on_the_way_to_a_visit_is_booked_on(front: Front) -> None:
    front.type("brannigan lee 30 tue")
    front.hands.press(*[Key.Key_Down] * 5, Key.Key_Return)
    asked = front.go("patients").asked
    assert isinstance(asked, NewPatient)
    assert asked.booking is not None
    assert (asked.booking.start, asked.booking.length) == (at(9, day=TUESDAY), timedelta(minutes=30))


def test_a_change_by_another_desk_keeps_the_chosen_opening(front: Front) -> None:
    bar = front.type(PHRASE)
    front.hands.press(Key.Key_Down, Key.Key_Down)
    before = bar.results.current()
    front.clinic.book(at(9, day=TUESDAY), patient=2, minutes=30)
    front.qtbot.waitUntil(lambda: "09:00–09:30" not in texts(bar, Kind.OPENING))
    after = bar.results.current()
    assert before is not None
    assert after is not None
    assert after.text == before.text


def test_nothing_free_says_so(front: Front) -> None:
    bar = front.type("smith lee today before 8")
    assert texts(bar, Kind.OPENING) == []
    assert "Nothing is free" in texts(bar, Kind.NOTE)[0]


def test_visits_of_that_day_stand_before_the_booking(front: Front) -> None:
    front.clinic.book(at(14, day=TUESDAY), patient=1)
    bar = front.type(PHRASE)
    assert any("14:00" in text and "Jordan Smith" in text for text in texts(bar, Kind.NOTE))
    assert "another visit that day" in bar.foot.state.text()


def test_nobody_books_for_someone_who_has_died(front: Front) -> None:
    with front.clinic.db.write(front.clinic.operator) as tx:
        mark_deceased(tx, front.clinic.patients[1].id, 1, None)
    bar = front.type(PHRASE)
    assert texts(bar, Kind.OPENING) == []
    assert "died" in texts(bar, Kind.NOTE)[0]


def test_names_are_hidden_while_the_public_may_look_on(front: Front) -> None:
    front.desk.privacy.set_initials_only(True)
    bar = front.type(PHRASE)
    assert bar.parts[Part.PATIENT].text().startswith("JS")


def test_tab_goes_to_a_part_that_arrows_change_and_letters_say_anew(front: Front) -> None:
    bar = front.type("smith lee tue")
    front.hands.press(Key.Key_Tab, Key.Key_Tab)
    assert bar.parts[Part.PRACTITIONER].hasFocus()
    front.hands.press(Key.Key_Down)
    front.answered(bar)
    assert bar.parts[Part.PRACTITIONER].text() == "Dr Amara Okafor"
    assert bar.line.text() == "smith okafor tue"
    front.hands.type("le")
    assert bar.line.hasFocus()
    assert bar.line.text() == "smith le tue"


def test_escape_gives_the_focus_back(front: Front) -> None:
    records = front.go("patients")
    assert records.list.hasFocus()
    bar = front.type("smith")
    assert bar.line.hasFocus()
    front.hands.press(Key.Key_Escape)
    assert not front.bars()
    assert QApplication.focusWidget() is records.list
