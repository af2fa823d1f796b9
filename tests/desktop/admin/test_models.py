"""Every list of the administration is a proper Qt model with named columns and something to say to a screen reader."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QCheckBox

from clinicdesk.desktop.admin.rows import RowRole
from tests.desktop.admin.conftest import Admin


def test_every_model_keeps_to_the_rules_of_qt(admin: Admin) -> None:
    testers = [
        QAbstractItemModelTester(pane.model, QAbstractItemModelTester.FailureReportingMode.Fatal)
        for section in admin.screen.sections.values()
        for pane in section.lists
    ]
    for section in (admin.users, admin.hours, admin.types, admin.places):
        section.activate()
    admin.until(lambda: all(pane.model.rows() for pane in admin.screen.section.lists))
    assert len(testers) == 10


def test_columns_are_named_and_a_row_is_spoken_whole(admin: Admin) -> None:
    model = admin.users.users.model
    headers = [model.headerData(column, Qt.Orientation.Horizontal) for column in range(model.columnCount())]
    assert headers == ["", "Name", "Role", "E-mail", "Last seen", "Sign-in"]
    first = model.index(0, 0)
    assert first.data(Qt.ItemDataRole.AccessibleTextRole) == (
        "Ines Moreau, Administrator, ines@clinic.example, Never, On"
    )
    assert first.data(RowRole).email == "ines@clinic.example"


def test_every_list_and_field_has_an_accessible_name(admin: Admin) -> None:
    for section in (admin.users, admin.hours, admin.types, admin.places):
        assert [pane for pane in section.panes() if not pane.accessibleName()] == []
        sheet = section.lists[0].add()
        assert sheet is not None
        unnamed = [editor for editor in sheet.fields.editors() if not editor.accessibleName()]
        assert [editor for editor in unnamed if not isinstance(editor, QCheckBox)] == []  # these say it themselves
        sheet.close_sheet()
