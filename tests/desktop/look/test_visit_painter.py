"""A visit box says who, why and how far, in whatever room it has, and hides what it must."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from clinicdesk.desktop.look.status import STATUS_LOOKS
from clinicdesk.desktop.look.theme import Mode, theme
from clinicdesk.desktop.look.visit_painter import VisitLook, VisitPainter, initials, shortened

DANIEL = VisitLook("Daniel Osei", "Chest pain follow-up", status="arrived", waited_minutes=22)


@pytest.fixture(autouse=True)
def light(qapp: QApplication) -> Iterator[None]:
    theme().set_mode(Mode.LIGHT)
    yield
    theme().set_mode(Mode.SYSTEM)


def painted(
    look: VisitLook, width: int = 252, height: int = 35, right_to_left: bool = False, by: VisitPainter | None = None
) -> QImage:
    """The box with 6 px of base around it."""
    image = QImage(width + 12, height + 12, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(theme().tokens.base)
    painter = QPainter(image)
    (by or VisitPainter()).paint(painter, QRectF(6, 6, width, height), look, right_to_left)
    painter.end()
    return image


def test_an_arrived_visit_has_a_four_px_amber_bar_and_a_strong_tint() -> None:
    image, tokens = painted(DANIEL), theme().tokens
    assert image.pixelColor(8, 24) == tokens.amber
    assert image.pixelColor(9, 24) == tokens.amber
    assert image.pixelColor(10, 24) == tokens.amber_tint


def test_the_bar_moves_to_the_right_edge_when_reading_goes_leftwards() -> None:
    image, tokens = painted(DANIEL, right_to_left=True), theme().tokens
    assert image.pixelColor(6 + 252 - 3, 24) == tokens.amber
    assert image.pixelColor(8, 38) == tokens.amber_tint


def test_focus_draws_a_ring_outside_the_box_after_a_gap() -> None:
    tokens = theme().tokens
    plain, focused = painted(DANIEL), painted(replace(DANIEL, focused=True))
    assert plain.pixelColor(130, 4) == tokens.base
    assert focused.pixelColor(130, 5) == tokens.base
    assert focused.pixelColor(130, 4) == tokens.focus
    assert focused.pixelColor(130, 3) == tokens.focus


@pytest.mark.parametrize("status", STATUS_LOOKS)
@pytest.mark.parametrize("size", [(252, 17), (252, 34), (60, 17), (20, 60), (3, 3), (0, 0)])
def test_every_state_paints_in_any_room(status: str, size: tuple[int, int]) -> None:
    look = VisitLook("Daniel Osei", "Chest pain", confirmed=status == "confirmed", in_progress=status == "in-room")
    fhir = {"confirmed": "booked", "in-room": "checked-in"}.get(status, status)
    image = painted(replace(look, status=fhir), *size)
    blank = QImage(image)
    blank.fill(theme().tokens.base)
    assert (image != blank) == (size != (0, 0))


def test_masked_visits_look_alike_whoever_they_are() -> None:
    one = VisitLook("Daniel Osei", "Chest pain", masked=True)
    assert painted(one) == painted(replace(one, name="Rosa Delgado", reason="Knee pain"))


def test_initials_only_hides_the_rest_of_the_name_and_the_reason() -> None:
    one = replace(DANIEL, initials_only=True)
    assert painted(one) == painted(replace(one, name="Dora Oke", reason="Knee pain"))
    assert painted(one) != painted(replace(one, name="Rosa Delgado"))


def test_the_reason_drops_before_the_name_shortens() -> None:
    narrow = 124
    with_reason = painted(replace(DANIEL, name="Samuel Brandt"), narrow, 22)
    assert with_reason == painted(replace(DANIEL, name="Samuel Brandt", reason=""), narrow, 22)
    assert with_reason == painted(replace(DANIEL, name="Sergio Brandt", reason=""), narrow, 22)


def test_a_shortened_name_stands_without_its_reason() -> None:
    look = VisitLook("Bartholomewina-Konstantina Li", "Rash")
    assert painted(look, 150, 22) == painted(replace(look, reason=""), 150, 22)


def test_the_second_line_appears_at_thirty_four_px() -> None:
    tall, low = painted(DANIEL, height=34), painted(DANIEL, height=33)
    assert painted(replace(DANIEL, reason=""), height=34) != tall
    assert low.copy(0, 0, 264, 39) != tall.copy(0, 0, 264, 39)


def test_a_cancelled_name_is_struck_out() -> None:
    image = painted(VisitLook("Nadia Petrova", status="cancelled"), height=22)
    ink = theme().tokens.ink2
    rows = [[image.pixelColor(x, y) == ink for x in range(34, 100)] for y in range(8, 28)]
    assert any(all(row) for row in rows)


def test_colours_follow_the_theme_without_a_new_painter() -> None:
    painter_of_visits = VisitPainter()
    pictures = []
    for mode in (Mode.LIGHT, Mode.DARK):
        theme().set_mode(mode)
        image = QImage(264, 47, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(theme().tokens.base)
        painter = QPainter(image)
        painter_of_visits.paint(painter, QRectF(6, 6, 252, 35), DANIEL)
        painter.end()
        pictures.append(image.pixelColor(100, 38))
        assert pictures[-1] == theme().tokens.amber_tint
    assert pictures[0] != pictures[1]


def test_texts_follow_the_text_size_without_a_new_painter() -> None:
    used = VisitPainter()
    painted(DANIEL, by=used)
    theme().set_text_size(1.5)
    same = painted(DANIEL, height=60, by=used) == painted(DANIEL, height=60)
    theme().set_text_size(1.0)
    assert same


@pytest.mark.parametrize(
    ("name", "short"),
    [("Aroha Ngata", "A. Ngata"), ("Ada Bello, 8 wk", "A. Bello, 8 wk"), ("Sukarno", "Sukarno"), ("", "")],
)
def test_names_shorten_to_the_initial_of_the_first_word(name: str, short: str) -> None:
    assert shortened(name) == short


@pytest.mark.parametrize(
    ("name", "letters"), [("Daniel Osei", "DO"), ("María del Carmen Ruiz", "MR"), ("Sukarno", "S"), ("", "")]
)
def test_initials_are_of_the_first_and_last_word(name: str, letters: str) -> None:
    assert initials(name) == letters


@pytest.mark.parametrize("height", [9, 11, 13, 17, 24])
@pytest.mark.parametrize("status", ["booked", "cancelled", "noshow"])
def test_no_letter_is_cut_in_a_low_box(height: int, status: str) -> None:
    """Capitals begin inside the box, and the foot of a g ends in the soft row that every round ends in."""
    image, blank = (painted(VisitLook(name, status=status, note=" "), height=height) for name in ("Hg Hg", ""))

    def ink(y: int) -> int:
        return max(abs(image.pixelColor(x, y).lightness() - blank.pixelColor(x, y).lightness()) for x in range(34, 80))

    inked = [strength for y in range(image.height()) if (strength := ink(y)) > 0]
    strong = [y for y in range(image.height()) if ink(y) > 100]
    assert strong[0] >= 6
    assert strong[-1] < 6 + height
    assert inked[-1] < 100
