"""The models of the Patients screen hold to Qt's contract, and show no more than they are asked to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtTest import QAbstractItemModelTester

from clinicdesk.core.ids import new_id
from clinicdesk.desktop.desk import Desk
from clinicdesk.desktop.patients import patient_model, visit_history
from clinicdesk.desktop.patients.access_log import AccessLogModel
from clinicdesk.desktop.patients.patient_model import PatientModel
from clinicdesk.desktop.patients.visit_history import VisitHistoryModel
from clinicdesk.features.appointments.schemas import AppointmentRow, Status
from clinicdesk.features.audit.schemas import AuditRow
from clinicdesk.features.patients.schemas import Gender, PatientRow

NOW = datetime(2026, 11, 23, 10, 42, tzinfo=UTC)
FAIL = QAbstractItemModelTester.FailureReportingMode.Fatal


def patient(name: str = "Jordan Smith", **more: Any) -> PatientRow:
    given, _, family = name.partition(" ")
    fields: dict[str, Any] = {
        "id": new_id(), "number": "HS-00001", "family": family, "given": given,
        "birth_family": "", "birth_date": date(1984, 3, 12),
        "gender": Gender.FEMALE, "pronouns": "", "phone": "07700900072", "city": "Hull", "deceased": False, "active": True,
    }  # fmt: skip
    return PatientRow(**{**fields, **more})


def visit(start: datetime, status: Status = Status.BOOKED) -> AppointmentRow:
    none: UUID | None = None
    return AppointmentRow(
        new_id(), new_id(), "HS-00001", "Jordan", "Smith", new_id(), "Dr Lee", none, "", none, "Follow-up", "", start,
        start + timedelta(minutes=20), status, False, "", "", False, "", False, None, None, None, None, 1,
    )  # fmt: skip


def texts(model: QAbstractItemModel, row: int, role: Qt.ItemDataRole = Qt.ItemDataRole.DisplayRole) -> list[Any]:
    return [model.data(model.index(row, column), role) for column in range(model.columnCount())]


def test_patients_keep_to_qts_contract(qtmodeltester: Any) -> None:
    model = PatientModel(lambda: NOW.date())
    QAbstractItemModelTester(model, FAIL)
    rows = [patient(), patient("Freya Lindholm")]
    model.set_rows(rows)
    qtmodeltester.check(model)
    model.set_rows(rows)
    model.set_rows(rows[:1])
    model.set_rows([])


def test_one_patient_is_shown_in_clear_and_nobody_else(qtbot: Any) -> None:
    model = PatientModel(lambda: NOW.date())
    rows = [patient(), patient()]
    model.set_rows(rows)
    model.reveal(rows[1].id)
    column = patient_model.Column.BORN
    assert "12" not in texts(model, 0)[column]
    assert texts(model, 1)[column] == "12 Mar 1984"
    model.reveal(None)
    assert texts(model, 0) == texts(model, 1)


def test_a_list_tells_two_of_one_name_apart(qtbot: Any) -> None:
    model = PatientModel(lambda: NOW.date())
    model.set_rows([patient(birth_family="Ångström"), patient(pronouns="they/them", deceased=True)])
    spoken = [texts(model, row, Qt.ItemDataRole.AccessibleTextRole)[0] for row in range(2)]
    assert spoken[0] == "Jordan Smith, born Ångström, 42 years, female · HS-00001, Hull"
    assert spoken[1] == "Jordan Smith, 42 years, they/them · HS-00001 · deceased, Hull"
    model.set_initials_only(True)
    assert "Smith" not in str([texts(model, row) for row in range(2)])
    assert "Ångström" not in str(model.data(model.index(0, 0), patient_model.BirthNameRole))


def test_visits_ahead_come_before_the_past(desk: Desk, qtmodeltester: Any) -> None:
    model = VisitHistoryModel(desk)
    QAbstractItemModelTester(model, FAIL)
    later, sooner = visit(NOW + timedelta(days=3)), visit(NOW + timedelta(minutes=18))
    before, long_ago = visit(NOW - timedelta(days=1), Status.FULFILLED), visit(NOW - timedelta(days=30), Status.NOSHOW)
    model.set_visits([later, before, sooner, long_ago, visit(NOW, Status.ENTERED_IN_ERROR)])
    qtmodeltester.check(model)
    rows = [model.data(model.index(row, 0), visit_history.RowRole) for row in range(model.rowCount())]
    assert rows == [sooner, later, None, before, long_ago]
    assert model.flags(model.index(2, 0)) == Qt.ItemFlag.NoItemFlags
    model.set_visits([later, before, long_ago], most_past=1)
    assert model.rowCount() == 3


def test_the_log_says_who_did_what(desk: Desk, qtmodeltester: Any) -> None:
    model = AccessLogModel(desk)
    QAbstractItemModelTester(model, FAIL)
    me, other = desk.actor.user_id, new_id()
    entries = [
        AuditRow(
            seq, NOW, who, "Dr Lee", "doctor", "Room 2", "R", verb, "patient", None, None, "", "ok", fields, "", ""
        )
        for seq, (who, verb, fields) in enumerate(
            [(me, "patients.open_record", ()), (other, "patients.edit", ("city", "version"))]
        )
    ]
    model.set_entries(entries)
    qtmodeltester.check(model)
    assert texts(model, 0)[1:] == ["You", "Doctor", "Room 2", "Opened record"]
    assert texts(model, 1)[1:] == ["Dr Lee", "Doctor", "Room 2", "Changed patient: city"]
