"""A receptionist's day in keys: each task through the whole desk, counted, and the row in the database afterwards."""

from __future__ import annotations

from datetime import UTC, datetime

from PySide6.QtWidgets import QLabel

from clinicdesk.features.appointments.schemas import Status
from clinicdesk.features.audit.service import access_log
from tests.e2e.conftest import Front


def at(hour: int, minute: int = 0, day: int = 23) -> datetime:
    """A time in that week of November."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_find_a_patient(front: Front) -> None:
    def find() -> None:
        front.hands.press("/")
        front.hands.type("smi")
        front.hands.press("Return")

    assert front.counted(find) <= 6
    log = front.ask(lambda tx: access_log(tx, front.smith.id))
    assert ("patients.open_record", "Maya Cole") in {(entry.verb, entry.who) for entry in log}


def test_check_in(front: Front) -> None:
    front.book(front.smith, at(11))

    assert front.counted(lambda: front.hands.press("C")) == 1
    assert front.only_visit(front.smith).status is Status.CHECKED_IN


def test_book_a_known_slot(front: Front) -> None:
    front.today.day_view.choose_time(front.lee.id, at(14, 30))

    def book() -> None:
        front.hands.press("N")
        front.hands.type("smit")
        front.hands.press("Return", "Return")

    assert front.counted(book) <= 12
    visit = front.only_visit(front.smith)
    assert (visit.practitioner_id, visit.start, visit.status) == (front.lee.id, at(14, 30), Status.BOOKED)


def test_find_the_next_opening_and_book_it_for_the_patient_in_hand(front: Front) -> None:
    front.book(front.smith, at(11))

    def book() -> None:
        front.hands.press("Ctrl+K")
        front.hands.type("lee tue")
        front.hands.press("Return")

    assert front.counted(book) <= 10
    (visit,) = (visit for visit in front.visits(front.smith) if visit.start != at(11))
    assert visit.practitioner_id == front.lee.id
    assert visit.start.date() == at(9, day=24).date()


def test_book_by_a_phrase_that_says_it_all(front: Front) -> None:
    def book() -> None:
        front.hands.press("Ctrl+K")
        front.hands.type("smith okafor fu 40 tue am")
        front.hands.press("Return")

    assert front.counted(book) == len("smith okafor fu 40 tue am") + 2
    visit = front.only_visit(front.smith)
    assert visit.practitioner_id == front.okafor.id
    assert (visit.end - visit.start).total_seconds() == 40 * 60
    assert visit.start.date() == at(9, day=24).date()
    assert visit.start.hour < 12


def test_reschedule(front: Front) -> None:
    front.book(front.smith, at(11))

    assert front.counted(lambda: front.hands.press("Ctrl+X", ".", ".", "Ctrl+V")) <= 6
    visit = front.only_visit(front.smith)
    assert visit.start > at(11)
    assert visit.status is Status.BOOKED


def test_cancel(front: Front) -> None:
    front.book(front.smith, at(11))

    assert front.counted(lambda: front.hands.press("X", "1", "Return")) == 3
    visit = front.only_visit(front.smith)
    assert (visit.status, visit.cancel_reason) == (Status.CANCELLED, "pat")


def test_advance_and_step_back(front: Front) -> None:
    front.book(front.smith, at(11))

    assert front.counted(lambda: front.hands.press("Space")) == 1
    assert front.only_visit(front.smith).status is Status.ARRIVED
    assert front.counted(lambda: front.hands.press("Backspace")) == 1
    assert front.only_visit(front.smith).status is Status.BOOKED


def test_advance_on_the_flow_board(front: Front) -> None:
    front.book(front.smith, at(11))
    front.hands.press("Ctrl+2")
    assert front.window.windowTitle() == "ClinicDesk - Flow"

    assert front.counted(lambda: front.hands.press("Space")) == 1
    assert front.only_visit(front.smith).status is Status.ARRIVED


def test_take_in_a_walk_in(front: Front) -> None:
    def take_in() -> None:
        front.hands.press("W")
        front.hands.type("smit")
        front.hands.press("Return", "Return")

    assert front.counted(take_in) <= 10
    visit = front.only_visit(front.smith)
    assert visit.status is Status.ARRIVED
    assert visit.start.date() == at(10).date()


def test_confirm(front: Front) -> None:
    front.book(front.smith, at(11))

    assert front.counted(lambda: front.hands.press("Y")) == 1
    assert front.only_visit(front.smith).confirmed


def test_undo_and_redo(front: Front) -> None:
    front.book(front.smith, at(11))
    front.hands.press("C")

    assert front.counted(lambda: front.hands.press("Ctrl+Z")) == 1
    assert front.only_visit(front.smith).status is Status.BOOKED
    assert front.counted(lambda: front.hands.press("Ctrl+Shift+Z")) == 1
    assert front.only_visit(front.smith).status is Status.CHECKED_IN


def test_when_is_the_patient_booked_takes_no_key_more_than_finding_them(front: Front) -> None:
    front.book(front.smith, at(14, 30))
    front.hands.press("/")
    front.hands.type("smi")
    front.hands.press("Return")

    assert front.window.windowTitle() == "ClinicDesk - Patients"
    shown = " ".join(
        text for child in front.window.findChildren(QLabel) if child.isVisible() and (text := child.text())
    )
    assert "14:30" in shown
