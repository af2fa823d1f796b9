"""The controls do by keyboard what they do by mouse, say who they are, and follow the theme."""

from collections.abc import Iterator
from typing import TypeVar

import pytest
from PySide6.QtCore import QEvent, QModelIndex, QPoint, QPointF, Qt
from PySide6.QtGui import QEnterEvent, QPalette, QStandardItem, QStandardItemModel
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFocusFrame, QLineEdit, QToolButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from clinicdesk.desktop.look.theme import Mode, theme
from clinicdesk.desktop.widgets import (
    ActionButton,
    ButtonKind,
    Chip,
    Field,
    InitialsTile,
    KeyHint,
    RailButton,
    Scrim,
    SearchField,
    Segmented,
    Sheet,
    StatePane,
    Suggestion,
    TableView,
    TextLabel,
    Toast,
    ToastAction,
)
from clinicdesk.desktop.widgets.keys import key_names

Kind = TypeVar("Kind", bound=QWidget)


def the(kind: type[Kind], inside: QWidget) -> Kind:
    """The first widget of a kind inside another."""
    found = inside.findChild(kind)
    assert found is not None
    return found


def focused() -> QWidget:
    """What has the keyboard."""
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


@pytest.fixture(autouse=True)
def light(qapp: QApplication) -> Iterator[None]:
    theme().set_mode(Mode.LIGHT)
    theme().set_reduced_motion(True)
    yield
    theme().set_reduced_motion(False)
    theme().set_mode(Mode.SYSTEM)


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    made.resize(900, 600)
    qtbot.addWidget(made)
    column = QVBoxLayout(made)
    column.addWidget(QLineEdit("below", made))
    with qtbot.waitExposed(made):
        made.show()
    made.activateWindow()
    below = the(QLineEdit, made)
    below.setFocus()
    qtbot.waitUntil(below.hasFocus)
    return made


@pytest.mark.parametrize(
    ("keys", "caps"),
    [("Ctrl+K", ("Ctrl", "K")), ("Space", ("Space",)), ("Alt+1–5", ("Alt", "1–5")), ("+", ("+",)), ("", ())],
)
def test_a_chord_is_one_cap_a_key(keys: str, caps: tuple[str, ...]) -> None:
    assert key_names(keys) == caps


def test_a_button_grows_for_its_caps_and_says_its_key(qtbot: QtBot) -> None:
    plain, keyed = ActionButton("Check in"), ActionButton("Check in", "Ctrl+C", kind=ButtonKind.PRIMARY)
    qtbot.addWidget(plain)
    qtbot.addWidget(keyed)
    assert keyed.sizeHint().width() > plain.sizeHint().width() + 40
    assert keyed.sizeHint().height() == 28
    assert "Ctrl C" in keyed.accessibleDescription()


def test_a_disabled_primary_button_is_not_solid(qtbot: QtBot) -> None:
    button = ActionButton("Book", kind=ButtonKind.PRIMARY)
    qtbot.addWidget(button)
    assert button.grab().toImage().pixelColor(5, 14) == theme().tokens.solid
    button.setEnabled(False)
    assert button.grab().toImage().pixelColor(5, 14) == theme().tokens.alt


def test_arrows_choose_a_segment(qtbot: QtBot) -> None:
    views = Segmented([("day", "Day"), ("week", "Week"), ("list", "List")], "View")
    qtbot.addWidget(views)
    with qtbot.waitExposed(views):
        views.show()
    views.activateWindow()
    assert views.current() == "day"
    the(QToolButton, views).setFocus()
    with qtbot.waitSignal(views.chosen) as chosen:
        QTest.keyClick(focused(), Qt.Key.Key_Right)
    assert chosen.args == ["week"]
    views.choose("list")
    assert views.current() == "list"


def test_the_rail_says_how_much_waits_on_a_screen(qtbot: QtBot) -> None:
    button = RailButton("Conflicts", "ph.git-merge")
    qtbot.addWidget(button)
    button.set_count(2)
    assert "2" in button.accessibleName()
    button.set_count(0)
    assert button.accessibleName() == "Conflicts"


def test_chips_and_tiles_are_named_and_grow_with_their_text(qtbot: QtBot) -> None:
    chip = Chip.for_status("booked", confirmed=True)
    tile = InitialsTile("Amara Okafor")
    for widget in (chip, tile):
        qtbot.addWidget(widget)
    assert (chip.text(), chip.accessibleName(), tile.accessibleName()) == ("Confirmed", "Confirmed", "AO")
    before = chip.sizeHint().width()
    chip.set_chip("Chain verified to 10:42", "ok", "ph.link")
    assert chip.sizeHint().width() > before


def test_a_label_changes_colour_with_the_theme(qtbot: QtBot) -> None:
    label = TextLabel("Late", colour="amber_ink")
    qtbot.addWidget(label)
    theme().set_mode(Mode.DARK)
    assert label.palette().color(label.foregroundRole()) == theme().tokens.amber_ink


def test_a_label_on_a_page_keeps_its_colour(qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    page.setBackgroundRole(QPalette.ColorRole.Base)
    label = TextLabel("Late", colour="amber_ink", parent=page)
    assert label.palette().color(label.foregroundRole()) == theme().tokens.amber_ink


def test_a_field_says_what_it_needs_and_offers_a_way_out(qtbot: QtBot, window: QWidget) -> None:
    taken: list[str] = []
    field = Field("Start", QLineEdit("12:45"), window)
    field.show()
    field.show_error(
        "Dr Okafor is at lunch until 13:15.", [Suggestion("Use 13:15", "Alt+2", lambda: taken.append("13:15"))]
    )
    assert field.error() == "Dr Okafor is at lunch until 13:15."
    assert field.editor.accessibleDescription() == field.error()
    assert isinstance(field.editor, QLineEdit)
    assert field.editor.text() == "12:45"
    QTest.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: taken == ["13:15"])
    field.clear_error()
    assert field.error() == ""
    assert field.editor.accessibleDescription() == ""


def test_a_search_line_that_is_turned_round_keeps_its_words_off_the_caps(qtbot: QtBot) -> None:
    search = SearchField("Find, book or go to…", "Ctrl+K")
    qtbot.addWidget(search)
    before = search.textMargins()
    search.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    after = search.textMargins()
    assert before.right() > before.left()
    assert (after.left(), after.right()) == (before.right(), before.left())


def test_the_search_field_gives_its_caps_room_to_what_is_typed(qtbot: QtBot) -> None:
    search = SearchField("Find, book or go to…", "Ctrl+K")
    qtbot.addWidget(search)
    room = search.textMargins().right()
    assert room > 40
    search.setText("smith")
    assert search.textMargins().right() == 0


def test_a_state_pane_replaces_its_buttons_and_refuses_a_third(qtbot: QtBot) -> None:
    pane = StatePane()
    qtbot.addWidget(pane)
    pane.show()
    pane.set_state(
        "ph.calendar-blank", "No visits on Saturday", "Dr Okafor works from 9:00.", ActionButton("Book", "N")
    )
    assert pane.accessibleName() == "No visits on Saturday"
    pane.set_state("ph.cloud-slash", "Documents are on the server", "", ActionButton("Try now", "F5"))
    assert [button.text() for button in pane.findChildren(ActionButton) if button.isVisible()] == ["Try now"]
    with pytest.raises(ValueError, match="two"):
        pane.set_state("ph.x", "", "", ActionButton("1"), ActionButton("2"), ActionButton("3"))


def sheet_on(window: QWidget) -> tuple[Sheet, QLineEdit, QLineEdit]:
    sheet = Sheet(window, "Book a visit")
    column = QVBoxLayout(sheet)
    filled, empty = QLineEdit("10:00"), QLineEdit()
    for editor in (filled, empty):
        column.addWidget(editor)
    return sheet, filled, empty


def test_a_state_pane_shows_all_of_a_long_sentence(qtbot: QtBot) -> None:
    pane = StatePane()
    qtbot.addWidget(pane)
    words = "Type part of a name, a phone number, a birth date or a record number. Accents do not matter here."
    pane.set_state("ph.users", "Find a patient", words)
    pane.resize(1200, 150)
    pane.show()
    (sentence,) = (label for label in pane.findChildren(TextLabel) if label.text() == words)
    assert sentence.height() >= sentence.heightForWidth(sentence.width()) > sentence.fontMetrics().height()


def test_a_sheet_takes_focus_to_its_first_empty_field_keeps_it_and_gives_it_back(qtbot: QtBot, window: QWidget) -> None:
    below = QLineEdit("further below", window)
    below.show()
    below.setFocus()
    sheet, filled, empty = sheet_on(window)
    sheet.open_sheet()
    assert empty.hasFocus()
    visited = []
    for _ in range(3):
        QTest.keyClick(focused(), Qt.Key.Key_Tab)
        visited.append(focused())
    assert visited == [filled, empty, filled]
    QTest.keyClick(focused(), Qt.Key.Key_Backtab)
    assert empty.hasFocus()
    with qtbot.waitSignal(sheet.closed):
        QTest.keyClick(empty, Qt.Key.Key_Escape)
    assert not sheet.is_open()
    assert QApplication.focusWidget() is below


def test_a_sheet_stays_inside_its_host_and_follows_its_size(window: QWidget) -> None:
    sheet, _, _ = sheet_on(window)
    sheet.open_sheet()
    window.resize(300, 200)
    assert window.rect().contains(sheet.geometry())


def test_a_press_outside_closes_only_a_light_sheet(qtbot: QtBot, window: QWidget) -> None:
    for light in (False, True):
        host = QWidget(window)
        host.setGeometry(window.rect())
        host.show()
        sheet = Sheet(host, "Keys", width=200, light=light)
        QVBoxLayout(sheet).addWidget(QLineEdit())
        sheet.open_sheet()
        QTest.mouseClick(the(Scrim, host), Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
        assert sheet.is_open() is not light


def test_a_sheet_outlives_what_it_came_from_and_goes_when_it_was_made_for_once(qtbot: QtBot, window: QWidget) -> None:
    sheet, _, _ = sheet_on(window)
    sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    below = the(QLineEdit, window)
    sheet.open_sheet()
    below.deleteLater()
    qtbot.waitUntil(lambda: not isValid(below))
    with qtbot.waitSignal(sheet.destroyed):
        sheet.close_sheet()


def test_a_sheet_that_is_gone_leaves_the_rest_of_the_window_in_our_hands(qtbot: QtBot, window: QWidget) -> None:
    below = QLineEdit(window)
    eye = below.addAction("show")
    sheet, _, _ = sheet_on(window)
    sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    sheet.open_sheet()
    with qtbot.waitSignal(sheet.destroyed):
        sheet.close_sheet()

    assert isValid(below)
    assert isValid(eye)


def test_a_button_on_a_sheet_wears_the_focus_ring(window: QWidget) -> None:
    sheet, _, _ = sheet_on(window)
    button = ActionButton("Book", parent=sheet)
    sheet.open_sheet()
    button.setFocus(Qt.FocusReason.TabFocusReason)

    assert the(QFocusFrame, window).widget() is button


def test_keys_typed_in_a_sheet_never_reach_the_screen_below(qtbot: QtBot, window: QWidget) -> None:
    pressed: list[int] = []
    window.keyPressEvent = lambda event: pressed.append(event.key())  # type: ignore[method-assign]
    sheet, filled, _ = sheet_on(window)
    sheet.open_sheet()
    QTest.keyClick(filled, Qt.Key.Key_F9)
    assert pressed == []


def test_a_toast_undoes_and_goes(qtbot: QtBot, window: QWidget) -> None:
    undone: list[bool] = []
    toast = Toast(window)
    toast.show_message(
        "Cancelled 12:00 with Dr Lee", actions=[ToastAction("Undo", "Ctrl+Z", lambda: undone.append(True))]
    )
    assert toast.isVisible()
    assert toast.accessibleName() == "Cancelled 12:00 with Dr Lee"
    assert window.rect().contains(toast.geometry())
    with qtbot.waitSignal(toast.dismissed):
        the(ActionButton, toast).click()
    assert undone == [True]
    assert not toast.isVisible()


def test_one_toast_at_a_time(window: QWidget) -> None:
    toast = Toast(window)
    toast.show_message("Moved to 11:40", actions=[ToastAction("Undo", "Ctrl+Z", lambda: None)])
    toast.show_message("Checked in")
    assert toast.text() == "Checked in"
    assert not [button for button in toast.findChildren(ActionButton) if button.isVisible()]


def test_a_toast_stays_while_it_has_focus_or_the_mouse(qtbot: QtBot, window: QWidget) -> None:
    toast = Toast(window)
    toast.show_message("Moved to 11:40", actions=[ToastAction("Undo", "Ctrl+Z", lambda: None)])
    timer = toast._timer
    assert timer.isActive()
    assert timer.interval() == 8_000
    the(ActionButton, toast).setFocus()
    assert not timer.isActive()
    the(QLineEdit, window).setFocus()
    assert timer.isActive()
    QApplication.sendEvent(toast, QEnterEvent(QPointF(), QPointF(), QPointF()))
    assert not timer.isActive()
    QApplication.sendEvent(toast, QEvent(QEvent.Type.Leave))
    assert timer.isActive()


def test_enter_opens_the_row_of_a_table_and_home_and_end_move(qtbot: QtBot) -> None:
    table = TableView("Users")
    qtbot.addWidget(table)
    model = QStandardItemModel(0, 2, table)
    for name in ("Lena", "Maya", "Ana"):
        model.appendRow([QStandardItem(name), QStandardItem("Desk")])
    table.setModel(model)
    table.set_sortable(0)
    table.show()
    opened: list[QModelIndex] = []
    table.opened.connect(opened.append)
    assert model.index(0, 0).data() == "Ana"
    table.selectRow(0)
    QTest.keyClick(table, Qt.Key.Key_Down)
    QTest.keyClick(table, Qt.Key.Key_Return)
    assert [index.row() for index in opened] == [1]
    assert table.rowHeight(0) == 32


def test_a_table_follows_the_text_size(qtbot: QtBot) -> None:
    table = TableView("Users")
    qtbot.addWidget(table)
    table.setModel(QStandardItemModel(3, 1, table))
    theme().set_text_size(1.5)
    try:
        assert table.rowHeight(0) == 48
        assert table.horizontalHeader().height() == 42
    finally:
        theme().set_text_size(1.0)


def test_everything_paints_from_right_to_left_and_in_the_dark(qtbot: QtBot) -> None:
    theme().set_mode(Mode.DARK)
    for widget in (
        ActionButton("Book", "N", glyph="ph.plus"), KeyHint("Ctrl+X", "cut"), Chip.for_status("fulfilled"),
        SearchField("Find", "Ctrl+K"), RailButton("Today", "ph.calendar-blank"), InitialsTile("Maya Cole", 48),
        Segmented([("day", "Day"), ("week", "Week")], "View"),
    ):  # fmt: skip
        qtbot.addWidget(widget)
        leftwards = widget.grab().toImage()
        widget.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        rightwards = widget.grab().toImage()
        assert leftwards.size() == rightwards.size()
