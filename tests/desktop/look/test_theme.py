"""One switch changes every colour and size, and icons follow without being asked."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QPalette
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from clinicdesk.desktop.look.icons import icon
from clinicdesk.desktop.look.style import INVALID
from clinicdesk.desktop.look.theme import Mode, theme
from clinicdesk.desktop.look.tokens import Role, Tokens


@pytest.fixture(autouse=True)
def light(qapp: QApplication) -> Iterator[None]:
    theme().set_mode(Mode.LIGHT)
    yield
    theme().set_text_size(1.0)
    theme().set_mode(Mode.SYSTEM)


def test_dark_changes_tokens_and_palette_and_says_so(qtbot: QtBot) -> None:
    with qtbot.waitSignal(theme().changed):
        theme().set_mode(Mode.DARK)
    assert theme().tokens.base == Tokens.dark().base
    assert QApplication.palette().color(QPalette.ColorRole.Base) == Tokens.dark().base


def test_the_same_choice_twice_says_nothing(qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(theme().changed):
        theme().set_mode(Mode.LIGHT)


def test_text_size_scales_fonts_and_rows(qtbot: QtBot) -> None:
    before = theme().font(Role.BODY).pointSizeF()
    theme().set_text_size(2.0)
    assert theme().font(Role.BODY).pointSizeF() == pytest.approx(2 * before)
    assert QApplication.font().pointSizeF() == pytest.approx(2 * before)
    assert theme().tokens.metrics.row == 64


def test_a_text_size_outside_the_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="text size"):
        theme().set_text_size(2.5)


def test_an_icon_takes_the_new_colour_by_itself() -> None:
    sign = icon("ph.square-fill", "ink")
    assert sign is icon("ph.square-fill", "ink")
    colours = []
    for mode in (Mode.LIGHT, Mode.DARK):
        theme().set_mode(mode)
        colours.append(sign.pixmap(QSize(32, 32)).toImage().pixelColor(16, 16))
    assert colours == [Tokens.light().ink, Tokens.dark().ink]


def test_an_icon_has_a_glyph_and_a_colour_of_its_own_when_checked() -> None:
    sign = icon("ph.circle", "ink", on="ph.square-fill", on_colour="rust")
    on = sign.pixmap(QSize(32, 32), QIcon.Mode.Normal, QIcon.State.On).toImage()
    assert on.pixelColor(16, 16) == Tokens.light().rust


def test_a_disabled_icon_is_quiet() -> None:
    image = icon("ph.square-fill", "rust").pixmap(QSize(32, 32), QIcon.Mode.Disabled, QIcon.State.Off).toImage()
    assert image.pixelColor(16, 16) == Tokens.light().ink3


def test_a_field_has_a_ctl_edge_a_focus_edge_and_a_rust_edge_while_it_is_invalid(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    first, second = QLineEdit(), QLineEdit()
    column.addWidget(first)
    column.addWidget(second)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    first.setFocus()
    qtbot.waitUntil(first.hasFocus)
    tokens = theme().tokens

    def edge(field: QLineEdit) -> object:
        return field.grab().toImage().pixelColor(field.width() // 2, 0)

    assert (edge(first), edge(second)) == (tokens.focus, tokens.ctl)
    second.setProperty(INVALID, True)
    assert edge(second) == tokens.rust


def test_a_focused_button_wears_the_ring_outside_its_edge(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    button = QPushButton("Move", window)
    button.setGeometry(20, 20, 80, 28)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    image = window.grab().toImage()
    assert image.pixelColor(60, 17) == theme().tokens.focus
    assert image.pixelColor(60, 19) == theme().tokens.chrome
