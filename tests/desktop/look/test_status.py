"""Every status is told by a shape, a glyph and a word, never by colour alone."""

import itertools

import pytest
from PySide6.QtWidgets import QApplication

from clinicdesk.desktop.look import glyphs
from clinicdesk.desktop.look.status import STATUS_LOOKS, status_look, visual_state

FHIR = ["proposed", "pending", "booked", "arrived", "checked-in", "fulfilled", "cancelled", "noshow", "waitlist",
        "entered-in-error"]  # fmt: skip


@pytest.mark.parametrize("status", FHIR)
def test_every_fhir_status_has_a_word_and_a_glyph_of_the_font(qapp: QApplication, status: str) -> None:
    look = status_look(status)
    assert look.label
    assert glyphs.character(look.glyph)


def test_no_two_states_share_their_glyph_or_their_word() -> None:
    for one, other in itertools.combinations(STATUS_LOOKS.values(), 2):
        assert one.glyph != other.glyph
        assert one.label != other.label


def test_an_accepted_booking_shows_as_confirmed() -> None:
    assert visual_state("booked", confirmed=True) == "confirmed"
    assert visual_state("booked", in_progress=True) == "booked"


def test_an_encounter_in_progress_shows_as_in_room() -> None:
    assert visual_state("checked-in", in_progress=True) == "in-room"
    assert visual_state("arrived", confirmed=True, in_progress=True) == "arrived"


def test_a_status_outside_the_vocabulary_is_refused() -> None:
    with pytest.raises(KeyError):
        status_look("sleeping")


def test_a_glyph_that_the_font_has_not_is_refused(qapp: QApplication) -> None:
    with pytest.raises(KeyError):
        glyphs.character("ph.no-such-glyph")
