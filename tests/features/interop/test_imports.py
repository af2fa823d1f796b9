"""Importing FHIR: whole files or nothing, twice with no change, in any order, and every record that was not taken is told."""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from clinicdesk.core import trail
from clinicdesk.core.errors import NotPermitted
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import AppointmentRow, Status
from clinicdesk.features.interop.imports import import_files
from clinicdesk.features.interop.schemas import ImportReport
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, EditPatient, PatientDetail, RegisterPatient
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.schemas import SetUpClinic

Json = dict[str, Any]
Import = Callable[..., ImportReport]

ANA: Json = {
    "resourceType": "Patient",
    "id": "ana",
    "name": [{"use": "official", "family": "Mejía", "given": ["Ana"]}, {"use": "maiden", "family": "Wólff"}],
    "birthDate": "1980-05-01",
    "telecom": [{"system": "phone", "value": "555 1234"}],
    "identifier": [{"system": "urn:ssn", "value": "999-12"}],
}
LEE: Json = {
    "resourceType": "Practitioner",
    "id": "lee",
    "name": [{"family": "Lee", "given": ["Grace"], "prefix": ["Dr"]}],
    "identifier": [{"system": "urn:npi", "value": "320"}],
}
VISIT: Json = {
    "resourceType": "Encounter",
    "id": "v1",
    "status": "finished",
    "type": [{"text": "Check-up"}],
    "subject": {"reference": "Patient/ana"},
    "participant": [{"individual": {"reference": "Practitioner/lee"}}],
    "period": {"start": "2020-06-01T09:00:00Z", "end": "2020-06-01T09:20:00Z"},
}
ALLERGY: Json = {
    "resourceType": "AllergyIntolerance",
    "id": "a1",
    "patient": {"reference": "Patient/ana"},
    "code": {"text": "Latex"},
    "criticality": "low",
}


def bundle(*resources: Json) -> Json:
    return {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": r} for r in resources]}


@pytest.fixture
def clinic(db: Database, operator: Actor) -> Database:
    with db.write(operator) as tx:
        practitioners.set_up_clinic(tx, SetUpClinic("Harbour Street", "Europe/London"))
    return db


@pytest.fixture
def take(clinic: Database, operator: Actor, tmp_path: Path) -> Import:
    """Imports documents, each as a file of its own: take({...}, {...}), or named take(**{"b": {...}})."""

    def run(*documents: Json, **settings: Any) -> ImportReport:
        folder = tmp_path / "files"
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for number, document in enumerate(documents):
            (folder / f"{number}.json").write_text(json.dumps(document), encoding="utf-8")
        return import_files(clinic, operator, [folder], **settings)

    return run


def counts(report: ImportReport) -> tuple[Json, Json, Json]:
    return dict(report.created), dict(report.updated), dict(report.unchanged)


def record(db: Database, actor: Actor, search: str) -> PatientDetail:
    with db.write(actor) as tx:
        return patients.open_record(tx, patients.search(tx, search)[0].id)


def visits(db: Database, actor: Actor) -> list[AppointmentRow]:
    with db.read(actor) as tx:
        return appointments.visits_of_patient(tx, patients.search(tx, "mejia")[0].id)


def test_a_bundle_is_taken_and_taken_again_with_no_change(take: Import, clinic: Database, operator: Actor) -> None:
    everything = {"patient": 1, "practitioner": 1, "appointment": 1, "allergy": 1}
    report = take(bundle(VISIT, ALLERGY, ANA, LEE, {"resourceType": "Observation", "id": "o"}))
    assert counts(report) == (everything, {}, {})
    assert (dict(report.left_out), report.problems, report.ok) == ({"Observation": 1}, [], True)
    with clinic.engine.connect() as connection:
        before = connection.execute(text("SELECT count(*) FROM history_entry")).scalar()
    assert counts(take(bundle(VISIT, ALLERGY, ANA, LEE))) == ({}, {}, everything)
    with clinic.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM history_entry")).scalar() == before
        assert trail.verify(connection, clinic.audit_key).problem is None
    (visit,) = visits(clinic, operator)
    assert (visit.status, visit.practitioner_name, visit.reason) == (Status.FULFILLED, "Dr Grace Lee", "Check-up")
    with clinic.read(operator) as tx:
        for words in ("Mejía", "mejia", "Wólff", "wolff"):
            assert [row.given for row in patients.search(tx, words)] == ["Ana"]


def test_files_may_refer_to_each_other_in_any_order(take: Import, clinic: Database, operator: Actor) -> None:
    conditional = VISIT | {
        "id": "v2",
        "participant": [{"individual": {"reference": "Practitioner?identifier=urn:npi|320"}}],
        "period": {"start": "2020-06-01T09:05:00Z", "end": "2020-06-01T09:30:00Z"},  # overlaps, which the past may
    }
    report = take(bundle(VISIT, conditional, ANA), bundle(LEE))
    assert counts(report)[0] == {"patient": 1, "practitioner": 1, "appointment": 2}
    assert report.problems == []
    again = VISIT | {"id": "v3"}
    assert counts(take(again))[0] == {"appointment": 1}  # from what an earlier import has brought


def test_a_changed_record_changes_what_differs_and_leaves_what_the_desk_typed(
    take: Import, clinic: Database, operator: Actor
) -> None:
    take(bundle(ANA, LEE, VISIT, ALLERGY))
    before = record(clinic, operator, "mejia")
    with clinic.write(operator) as tx:
        edited = Demographics(
            **{name: getattr(before.demographics, name) for name in Demographics.__slots__}
            | {"desk_notes": "Prefers mornings", "email": "ana@example.org"}
        )
        patients.edit(tx, EditPatient(before.id, before.version, edited))
    moved = ANA | {"telecom": [{"system": "phone", "value": "555 9999"}], "deceasedDateTime": "2024-01-02"}
    missed = VISIT | {"status": "cancelled"}
    report = take(bundle(moved, LEE, missed, ALLERGY | {"verificationStatus": {"coding": [{"code": "refuted"}]}}))
    assert counts(report) == ({}, {"patient": 1, "appointment": 1, "allergy": 1}, {"practitioner": 1})
    after = record(clinic, operator, "mejia")
    assert (after.demographics.phone, after.demographics.email) == ("555 9999", "ana@example.org")
    assert after.demographics.desk_notes == "Prefers mornings"
    assert (after.deceased, after.allergies) == (True, ())
    assert [visit.status for visit in visits(clinic, operator)] == [Status.CANCELLED]


def test_who_was_entered_by_hand_is_known_by_number_and_keeps_what_was_typed(
    take: Import, clinic: Database, operator: Actor
) -> None:
    with clinic.write(operator) as tx:
        patients.register(
            tx, RegisterPatient(Demographics("Mejia", "Anita", phone="020 1", identifiers=("urn:ssn|999-12",)))
        )
    assert counts(take(ANA)) == ({}, {"patient": 1}, {})
    said = record(clinic, operator, "mejia").demographics
    assert (said.given, said.phone, said.birth_family) == ("Anita", "020 1", "Wólff")


def test_an_id_that_is_somebody_elses_here_overwrites_nobody(take: Import, clinic: Database, operator: Actor) -> None:
    take(ANA)
    stranger = {
        "resourceType": "Patient",
        "id": "ana",
        "name": [{"family": "Kim", "given": ["Bo"]}],
        "birthDate": "1931-01-01",
    }
    report = take(stranger)
    assert [problem.error.reason for problem in report.problems] == ["other_patient"]
    assert record(clinic, operator, "mejia").demographics.given == "Ana"


def test_a_bad_record_is_told_by_its_place_and_the_rest_of_its_file_is_taken(take: Import) -> None:
    future = ANA | {"id": "future", "birthDate": "2199-01-01", "identifier": []}
    lonely = VISIT | {"id": "v9", "participant": [{"individual": {"reference": "Practitioner/nobody"}}]}
    orphan = VISIT | {"id": "v8", "subject": {"reference": "Patient/future"}}
    report = take(bundle(future, ANA, LEE, lonely, VISIT, orphan))
    told = {(problem.position, problem.error.reason) for problem in report.problems}
    assert told == {
        ("entry[0]", "birth_date_in_future"),
        ("entry[3]", "practitioner_not_imported"),
        ("entry[5]", "birth_date_in_future"),
    }
    assert dict(report.created) == {"patient": 1, "practitioner": 1, "appointment": 1}
    assert report.ok


def test_a_practitioner_who_is_only_named_is_taken_by_name(take: Import, clinic: Database, operator: Actor) -> None:
    named = VISIT | {"participant": [{"individual": {"reference": "Practitioner/x", "display": "Dr Adam Careful"}}]}
    assert counts(take(bundle(ANA, named)))[0] == {"patient": 1, "practitioner": 1, "appointment": 1}
    described = LEE | {"id": "x"}
    assert counts(take(described)) == ({}, {"practitioner": 1}, {})
    assert visits(clinic, operator)[0].practitioner_name == "Dr Grace Lee"


def test_whom_a_failed_record_brought_along_is_taken_back_with_it(take: Import) -> None:
    named = VISIT | {"participant": [{"individual": {"reference": "Practitioner/x", "display": "Dr Adam Careful"}}]}
    early = named | {"id": "v2", "period": {"start": "2199-01-01", "end": "2199-01-01"}}
    report = take(bundle(ANA, early, named))
    assert [problem.error.reason for problem in report.problems] == ["visit_not_begun"]
    assert dict(report.created) == {"patient": 1, "practitioner": 1, "appointment": 1}


def test_an_encounter_is_not_taken_for_the_appointment_of_somebody_else(
    take: Import, clinic: Database, operator: Actor
) -> None:
    bo = ANA | {"id": "bo", "name": [{"family": "Kim"}], "identifier": []}
    booked = {
        "resourceType": "Appointment",
        "id": "p1",
        "status": "noshow",
        "start": "2020-06-01T09:00:00Z",
        "end": "2020-06-01T09:20:00Z",
        "participant": [{"actor": {"reference": name}} for name in ("Patient/bo", "Practitioner/lee")],
    }
    report = take(bundle(ANA, bo, LEE, booked, VISIT | {"appointment": [{"reference": "Appointment/p1"}]}))
    assert (report.created["appointment"], report.problems) == (2, [])
    assert [visit.status for visit in visits(clinic, operator)] == [Status.FULFILLED]


def test_files_that_are_no_fhir_are_refused_one_by_one(
    clinic: Database, operator: Actor, tmp_path: Path, take: Import
) -> None:
    (tmp_path / "a.json").write_bytes(b"\xff\xfe\x00rubbish")
    (tmp_path / "b.json").write_text('{"hello": "world"}')
    (tmp_path / "c.json").write_text(json.dumps(bundle(ANA) | {"entry": [{"resource": ANA}, {"resource": 7}]}))
    (tmp_path / "d.json").write_text(json.dumps(LEE))
    (tmp_path / "e.tar.xz").write_bytes(b"no archive")
    paths = [tmp_path / name for name in ("a.json", "b.json", "c.json", "d.json", "e.tar.xz", "missing.json")]
    report = import_files(clinic, operator, paths)
    assert [(problem.file, problem.error.reason) for problem in report.problems] == [
        ("a.json", "not_json"),
        ("b.json", "not_fhir"),
        ("c.json", "not_fhir"),
        ("e.tar.xz", "archive_damaged"),
        ("missing.json", "file_not_found"),
    ]
    assert counts(report)[0] == {"practitioner": 1}
    assert not report.ok


def test_archives_are_read_where_they_lie_and_ndjson_line_by_line(
    clinic: Database, operator: Actor, tmp_path: Path
) -> None:
    archive = tmp_path / "all.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in {
            "../../escape.json": json.dumps(bundle(VISIT, ANA)),
            "people.ndjson": "\n".join(map(json.dumps, (LEE, LEE | {"id": "two", "name": []}))),
            "notes.txt": "x",
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(content.encode())
            tar.addfile(member, io.BytesIO(content.encode()))
    report = import_files(clinic, operator, [archive])
    assert counts(report)[0] == {"patient": 1, "practitioner": 1, "appointment": 1}
    assert [(p.position, p.error.reason) for p in report.problems] == [("line 2", "no_name")]
    assert not (tmp_path.parent.parent / "escape.json").exists()


def test_a_line_that_is_no_fhir_is_told_by_its_number(clinic: Database, operator: Actor, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text(json.dumps(ANA) + '\n{"hello": "world"}\n')
    (tmp_path / "b.ndjson").write_text(json.dumps(ANA) + "\n\n{oh\n")
    (tmp_path / "c.ndjson").write_text(json.dumps(bundle(ANA) | {"entry": [{"resource": ANA}, {"resource": 7}]}))
    report = import_files(clinic, operator, [tmp_path])
    assert [(problem.position, problem.error.reason) for problem in report.problems] == [
        ("line 2", "not_fhir"),
        ("line 3", "not_json"),
        ("line 1, entry[1]", "not_fhir"),
    ]
    assert counts(report)[0] == {}


def test_an_archive_with_nothing_to_import_in_it_is_said_so(clinic: Database, operator: Actor, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "none.tar.xz", "w:xz") as tar:
        tar.addfile(tarfile.TarInfo("notes.txt"))
    report = import_files(clinic, operator, [tmp_path / "none.tar.xz"])
    assert [problem.error.reason for problem in report.problems] == ["nothing_to_import"]
    assert not report.ok


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_what_is_no_file_is_not_waited_for(clinic: Database, operator: Actor, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    report = import_files(clinic, operator, [tmp_path / "pipe.json"])
    assert [problem.error.reason for problem in report.problems] == ["file_unreadable"]


def test_a_cancelled_import_takes_the_file_under_way_back(take: Import, clinic: Database, operator: Actor) -> None:
    asked = iter([False] * 4)
    report = take(bundle(LEE), bundle(ANA, VISIT), cancelled=lambda: next(asked, True))
    assert not report.finished
    assert counts(report)[0] == {"practitioner": 1}
    with clinic.read(operator) as tx:
        assert patients.search(tx, "mejia") == []
    assert counts(take(bundle(LEE), bundle(ANA, VISIT))) == ({"patient": 1, "appointment": 1}, {}, {"practitioner": 1})


def test_ctrl_c_takes_the_file_under_way_back(take: Import, clinic: Database, operator: Actor) -> None:
    calls = iter(range(100))

    def interrupt() -> bool:
        if next(calls) == 4:
            raise KeyboardInterrupt
        return False

    report = take(bundle(LEE), bundle(ANA, VISIT), cancelled=interrupt)
    assert not report.finished
    with clinic.read(operator) as tx:
        assert patients.search(tx, "mejia") == []


def test_two_tellings_of_one_record_in_one_import_do_not_take_turns(take: Import) -> None:
    other = LEE | {"name": [{"family": "Li"}]}
    first = take(LEE, other)
    assert [problem.error.reason for problem in first.problems] == ["told_differently"]
    assert counts(take(LEE, other)) == ({}, {}, {"practitioner": 1})


def test_open_appointments_are_booked_by_the_rules_and_go_on(take: Import, clinic: Database, operator: Actor) -> None:
    def appointment(id_: str, status: str, start: str = "2026-12-01T09:00:00Z", patient: str = "ana") -> Json:
        return {
            "resourceType": "Appointment",
            "id": id_,
            "status": status,
            "start": start,
            "minutesDuration": 20,
            "participant": [
                {"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"},
                {"actor": {"reference": "Practitioner/lee"}, "status": "accepted"},
            ],
        }

    bo = ANA | {"id": "bo", "name": [{"family": "Kim"}], "identifier": []}
    report = take(bundle(ANA, bo, LEE, appointment("p1", "booked"), appointment("p2", "booked", patient="bo")))
    assert [problem.error.reason for problem in report.problems] == ["slot_taken"]
    (visit,) = visits(clinic, operator)
    assert (visit.status, visit.confirmed) == (Status.BOOKED, True)
    take(appointment("p1", "booked", "2026-12-02T10:00:00Z"))
    (visit,) = visits(clinic, operator)
    assert visit.start.day == 2
    encounter = VISIT | {
        "appointment": [{"reference": "Appointment/p1"}],
        "period": {"start": "2026-11-20", "end": "2026-11-20"},
    }
    assert counts(take(encounter)) == ({}, {"appointment": 1}, {})
    assert [visit.status for visit in visits(clinic, operator)] == [Status.FULFILLED]


def test_only_who_may_import_does(clinic: Database, receptionist: Actor, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(ANA))
    with pytest.raises(NotPermitted):
        import_files(clinic, receptionist, [tmp_path / "a.json"])


@pytest.mark.shared_data
def test_the_examples_of_hl7_are_taken_without_a_crash(clinic: Database, operator: Actor, shared_data: Path) -> None:
    report = import_files(clinic, operator, [shared_data / "fhir_r4_examples"])
    assert dict(report.created) == {"allergy": 2, "appointment": 1, "patient": 10, "practitioner": 71, "site": 11}
    assert {problem.error.reason for problem in report.problems} == {
        "no_practitioner", "no_time", "patient_not_imported", "no_name"
    }  # fmt: skip


@pytest.mark.shared_data
def test_a_few_of_synthea_s_people_come_with_their_visits(clinic: Database, operator: Actor, shared_data: Path) -> None:
    sample = shared_data / "synthea_r4" / "sample"
    first = import_files(clinic, operator, [sample])
    assert first.created["patient"] == 5
    assert first.created["appointment"] > 20
    assert first.problems == []
    second = import_files(clinic, operator, [sample])
    assert (dict(second.created), dict(second.updated)) == ({}, {})
    assert second.unchanged == first.created
