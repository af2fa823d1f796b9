"""Reports over HTTP: as documents and as tables, and to each role what it may see."""

from __future__ import annotations

import asyncio
import csv
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import insert, update

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.schemas import SavePractitioner
from clinicdesk.features.users.models import User
from clinicdesk.features.users.schemas import UserRow
from clinicdesk.server import units
from clinicdesk.server.downloads import attachment
from clinicdesk.server.serving import MOST_COUNTED
from tests.conftest import Hands
from tests.server.conftest import SignedIn

REPORTS = "/api/v1/reports"
NAMES = ("use-of-hours", "attendance", "cancellations", "waiting", "lead-times", "demand", "busiest-days", "patients")
NOVEMBER = {"from": "2026-11-01", "to": "2026-11-30"}


@pytest.fixture
def lee(db: Database, operator: Actor, people: dict[Role, UserRow], clock: Hands) -> UUID:
    """A doctor with a name that a spreadsheet would run, one visit of yesterday, and the account of the doctor among people."""
    with db.write(operator) as tx:
        lee = practitioners.save_practitioner(tx, SavePractitioner("Lee", prefix="=cmd()")).id
        patient = patients.register(tx, RegisterPatient(Demographics(family="Smith"))).id
        start = clock.now - timedelta(days=1)
        visit = {
            "id": new_id(), "version": 1, "patient_id": patient, "practitioner_id": lee, "start": start,
            "end": start + timedelta(minutes=30), "status": "fulfilled", "created_at": start - timedelta(days=2),
        }  # fmt: skip
        tx.session.execute(insert(Appointment), [visit])
        tx.session.execute(update(User).where(User.id == people[Role.DOCTOR].id).values(practitioner_id=lee))
    return lee


@pytest.mark.parametrize("name", NAMES)
def test_every_report_is_a_document_and_a_table(administrator_client: TestClient, lee: UUID, name: str) -> None:
    document = administrator_client.get(f"{REPORTS}/{name}", params=NOVEMBER)
    assert document.status_code == 200, document.text
    report = document.json()
    assert (report["first"], report["last"]) == ("2026-11-01", "2026-11-30")
    for asked in ({"params": {**NOVEMBER, "format": "csv"}}, {"params": NOVEMBER, "headers": {"Accept": "text/csv"}}):
        table = administrator_client.get(f"{REPORTS}/{name}", **asked)  # type: ignore[arg-type]
        assert table.headers["content-type"] == "text/csv; charset=utf-8; header=present"
        assert "2026-11-01 2026-11-30.csv" in table.headers["content-disposition"]
        header, *lines = list(csv.reader(table.text.splitlines()))
        assert len(lines) == len(report["rows"])
        assert all(list(row) == header for row in report["rows"])
    if report["rows"] and "practitioner_name" in report["rows"][-1]:
        assert "'=cmd() Lee" in table.text


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv, application/json", "application/json"), ("text/csv;q=0.9, application/json;q=0.1", "text/csv"),
        ("*/*", "application/json"), ("text/csv;q=x", "application/json"), (",;,", "application/json"),
    ],
)  # fmt: skip
def test_a_table_is_for_who_wants_it_more(administrator_client: TestClient, accept: str, kind: str) -> None:
    answer = administrator_client.get(f"{REPORTS}/demand", headers={"Accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == kind


def test_each_role_sees_its_own_part(sign_in: SignedIn, lee: UUID) -> None:
    doctor, receptionist, administrator = (
        sign_in(role) for role in (Role.DOCTOR, Role.RECEPTIONIST, Role.ADMINISTRATOR)
    )
    own = {**NOVEMBER, "practitioner_id": str(lee)}
    for name in NAMES:
        path = f"{REPORTS}/{name}"
        mine = doctor.get(path, params=NOVEMBER)
        assert (mine.status_code, mine.json()) == (200, administrator.get(path, params=own).json())
        other = doctor.get(path, params={**NOVEMBER, "practitioner_id": str(new_id())})
        assert (other.status_code, other.json()["code"]) == (403, "own_figures")
        assert receptionist.get(path).status_code == 200
        assert receptionist.get(path, params=NOVEMBER).json()["code"] == "figures_of_today"
    for role, code in ((Role.NURSE, "practitioner_not_linked"), (Role.PATIENT, "not_permitted")):
        refused = sign_in(role).get(f"{REPORTS}/today")
        assert (refused.status_code, refused.json()["code"]) == (403, code)
    assert receptionist.get(f"{REPORTS}/today").json()["day"] == "2026-11-23"


def test_one_doctor_in_figures(sign_in: SignedIn, lee: UUID) -> None:
    path = f"/api/v1/doctors/{lee}/statistics"
    figures = sign_in(Role.DOCTOR).get(path, params=NOVEMBER).json()
    assert (figures["by_status"], figures["visits"], figures["no_show_rate"]) == ({"fulfilled": 1}, 1, 0.0)
    assert (figures["patients"], figures["new_patients"], figures["given_minutes"]) == (1, 1, 30)
    assert sign_in(Role.RECEPTIONIST).get(path, params=NOVEMBER).json()["code"] == "figures_of_today"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2025-01-01", "to": "2026-11-30"}, "to"),
        ({"from": "0001-01-01"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"from": "2026-11-30", "to": "2026-11-01"}, "to"),
        ({"by": "phase of the moon"}, "by"),
        ({"format": "xlsx"}, "format"),
        ({"practitioner_id": "' OR 1=1 --"}, "practitioner_id[0]"),
    ],
)
def test_what_cannot_be_reported_is_said_by_its_field(
    administrator_client: TestClient, query: dict[str, Any], field: str
) -> None:
    refused = administrator_client.get(f"{REPORTS}/attendance", params=query)
    assert (refused.status_code, refused.json()["field"]) == (422, field)


def test_a_file_has_its_name_in_any_script() -> None:
    assert attachment('Prüfung "α"\r\n.csv') == (
        "attachment; filename=\"Pr_fung _____.csv\"; filename*=UTF-8''Pr%C3%BCfung%20%22%CE%B1%22%0D%0A.csv"
    )


def test_reports_take_nobodys_place(
    server: FastAPI, administrator_client: TestClient, lee: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "_WAIT_SECONDS", 0.1)
    counting: asyncio.Semaphore = server.state.serving.counting
    for _ in range(MOST_COUNTED):
        asyncio.run(counting.acquire())
    refused = administrator_client.get(f"{REPORTS}/demand", params=NOVEMBER)
    assert (refused.status_code, refused.json()["code"]) == (503, "database_busy")
    assert administrator_client.get(f"/api/v1/doctors/{lee}").status_code == 200
    for _ in range(MOST_COUNTED):
        counting.release()
    assert administrator_client.get(f"{REPORTS}/demand", params=NOVEMBER).status_code == 200
