"""The list of visits: what it shows, sorts by and says to a screen reader."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QModelIndex, QSortFilterProxyModel, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from clinicdesk.desktop.appointments.visit_model import Column, RowRole, SortRole, VisitModel
from clinicdesk.features.appointments.schemas import Status
from tests.desktop.appointments.samples import NOW, ZONE, at, visit

OSEI = visit(at(10, 20), 30, "Daniel Osei", Status.ARRIVED, arrived_at=at(10, 20))
NOVAK = visit(at(9), 15, "Ábel Novák", Status.FULFILLED)


@pytest.fixture
def model(qapp: object) -> VisitModel:
    model = VisitModel(ZONE, lambda: NOW)
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
    model.set_rows([OSEI, NOVAK])
    return model


def text(model: VisitModel, row: int, column: Column) -> str:
    return str(model.index(row, column).data())


def test_it_shows_a_visit_in_named_columns(model: VisitModel) -> None:
    shown = [text(model, 0, column) for column in Column]
    assert shown == ["10:20", "30 min", "Daniel Osei", "Follow-up", "Dr Lee", "Room 2", "Arrived", "22 min"]
    assert model.index(0, 0).data(RowRole) is OSEI


def test_it_tells_a_screen_reader_the_whole_visit(model: VisitModel) -> None:
    spoken = model.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "10:20 to 10:50, Daniel Osei, arrived, waiting 22 minutes, Dr Lee"


def test_initials_hide_names_from_screen_readers_too(model: VisitModel) -> None:
    model.set_initials_only(True)
    assert text(model, 0, Column.PATIENT) == "DO"
    assert "Osei" not in model.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)


def test_columns_sort_by_what_they_mean(model: VisitModel) -> None:
    proxy = QSortFilterProxyModel()
    proxy.setSortRole(SortRole)
    proxy.setSourceModel(model)
    proxy.sort(Column.TIME)
    assert proxy.index(0, Column.PATIENT).data() == "Ábel Novák"
    proxy.sort(Column.WAITING, Qt.SortOrder.DescendingOrder)
    assert proxy.index(0, Column.PATIENT).data() == "Daniel Osei"


def test_the_same_visits_changed_keep_selections(model: VisitModel, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(model.modelReset), qtbot.waitSignal(model.dataChanged):
        model.set_rows([replace(OSEI, status=Status.CHECKED_IN), NOVAK])
    with qtbot.waitSignal(model.modelReset):
        model.set_rows([NOVAK])
    assert model.rowCount(QModelIndex()) == 1
    assert model.row_of(OSEI.id) == -1
