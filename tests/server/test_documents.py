"""Documents over HTTP: sent as they are, listed in pages, sent back as they were, to those who may have them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from uuid import UUID

import boto3
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import func, select, text

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.care import service as care
from clinicdesk.features.care.schemas import CareRow, CareScope
from clinicdesk.features.documents.models import Document
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from clinicdesk.features.users.schemas import UserRow
from clinicdesk.server.jobs import JOBS, run_due
from clinicdesk.server.requests import MOST_BYTES, MOST_UPLOAD_BYTES
from tests.conftest import Hands
from tests.features.documents import files
from tests.server.conftest import PASSWORD, SignedIn

DOCUMENTS = "/api/v1/documents"
Send = Callable[..., Any]


@pytest.fixture
def other_record(db: Database, operator: Actor, people: dict[Role, UserRow]) -> UUID:
    """The record of somebody else."""
    with db.write(operator) as tx:
        return patients.register(tx, RegisterPatient(Demographics(family="Jones", given="Ben"))).id


def set_care(db: Database, operator: Actor, scope: CareScope) -> None:
    with db.write(operator) as tx:
        care.edit_care_settings(tx, CareRow(scope, version=care.care_settings(tx).version))


@pytest.fixture
def send(db: Database, operator: Actor, own_record: UUID) -> Send:
    """Sends a file, by default a laboratory report of the patient among the people."""

    set_care(db, operator, CareScope.EVERYBODY)

    def file(client: TestClient, content: bytes | None = None, **told: Any) -> Any:
        headers = {
            name: quote(told.pop(key)) for name, key in (("Document-Title", "title"), ("Document-Filename", "filename"))
            if key in told
        }  # fmt: skip
        headers |= told.pop("headers", {})
        query = {"patient_id": str(own_record), "type": "laboratory", **told}
        body = files.pdf() if content is None else content
        return client.post(DOCUMENTS, params=query, content=body, headers=headers)

    return file


def lying(place: Path) -> int:
    """How many contents lie in the archive."""
    return sum(1 for file in (place / "documents").rglob("*") if file.is_file())


def test_what_is_sent_is_sent_back(sign_in: SignedIn, send: Send, own_record: UUID) -> None:
    doctor = sign_in(Role.DOCTOR)
    content = files.pdf(2)
    filed = send(
        doctor, content, title="Blutbild März <script>", filename="Blut bild.pdf", dated_on="2026-11-20",
        headers={"Content-Type": "application/pdf"},
    )  # fmt: skip
    assert (filed.status_code, filed.headers["ETag"]) == (201, '"1"')
    row = filed.json()
    assert (row["title"], row["filename"], row["pages"]) == ("Blutbild März <script>", "Blut bild.pdf", 2)
    assert (row["dated_on"], row["code"], row["category"]) == ("2026-11-20", "11502-2", "clinical")
    assert "key" not in str(row)  # where it lies is nobody's business
    path = f"{DOCUMENTS}/{row['id']}"
    assert doctor.get(path).json() == row
    assert doctor.get(DOCUMENTS, params={"patient_id": str(own_record)}).json()["items"] == [row]
    sent = doctor.get(f"{path}/content")
    assert (sent.status_code, sent.content) == (200, content)
    assert sent.headers["Content-Type"] == "application/pdf"
    assert sent.headers["X-Content-Type-Options"] == "nosniff"
    assert sent.headers["Cache-Control"] == "no-store"
    disposition = sent.headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="Blut bild.pdf"; ')
    assert unquote(disposition.partition("filename*=UTF-8''")[2]) == "Blut bild.pdf"
    known = doctor.get(f"{path}/content", headers={"If-None-Match": sent.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert doctor.get(f"{path}/thumbnail").json()["code"] == "no_thumbnail"


def test_a_name_with_anything_in_it_is_sent_back_safely(sign_in: SignedIn, send: Send) -> None:
    doctor = sign_in(Role.DOCTOR)
    id_ = send(doctor, filename="../Ж\r\nX: y;'a\"%41.pdf").json()["id"]
    disposition = doctor.get(f"{DOCUMENTS}/{id_}/content").headers["Content-Disposition"]
    assert disposition == "attachment; filename=\"_X y;'a_41.pdf\"; filename*=UTF-8''%D0%96X%20y%3B%27a%2541.pdf"


def test_an_image_is_sent_back_bare_and_in_small(sign_in: SignedIn, send: Send) -> None:
    nurse = sign_in(Role.NURSE)
    row = send(nurse, files.photo(), type="photograph", filename="IMG_1.JPG").json()
    path = f"{DOCUMENTS}/{row['id']}"
    for part in ("content", "thumbnail"):
        sent = nurse.get(f"{path}/{part}")
        assert (sent.status_code, sent.headers["Content-Type"]) == (200, "image/jpeg")
        assert sent.headers["Content-Disposition"].startswith("attachment; ")
        assert b"SECRET" not in sent.content
        with Image.open(BytesIO(sent.content)) as image:
            assert image.size == (40, 60)


def test_text_is_sent_back_as_text_whatever_it_says(sign_in: SignedIn, send: Send) -> None:
    doctor = sign_in(Role.DOCTOR)
    text = "x'; DROP TABLE document; -- <script>alert(1)</script> äöü".encode()
    id_ = send(doctor, text, type="letter", headers={"Content-Type": "text/plain"}).json()["id"]
    sent = doctor.get(f"{DOCUMENTS}/{id_}/content", headers={"Accept-Encoding": "gzip"})
    assert (sent.content, sent.headers["Content-Type"]) == (text, "text/plain; charset=utf-8")


def test_a_stranger_sends_no_more_here_than_elsewhere(client: TestClient) -> None:
    refused = client.put(
        f"{DOCUMENTS}/avatars/me", content=bytes(MOST_BYTES + 1), headers={"Content-Type": "image/png"}
    )
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("content", "told", "status", "code", "field"),
    [
        (b"", {}, 422, "document_empty", None),
        (b"<html></html>", {"filename": "a.png"}, 422, "document_kind", None),
        (files.image("PNG"), {"filename": "a.jpg"}, 422, "document_extension", "Document-Filename"),
        (files.pdf(OpenAction={"S": "/JavaScript", "JS": "x"}), {}, 422, "document_active", None),
        (files.bomb_png(), {}, 422, "image_too_large", None),
        (None, {"headers": {"Content-Type": "image/png"}}, 422, "document_told", None),
        (None, {"headers": {"Content-Type": "text/html"}}, 415, "unsupported_media_type", None),
        (None, {"headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 415, "unsupported_media_type", None),
        (bytes(MOST_UPLOAD_BYTES + 1), {}, 413, "body_too_large", None),
        (None, {"type": "love-letter"}, 422, "invalid_input", "type"),
        (None, {"dated_on": "9999-12-31"}, 422, "invalid_input", "dated_on"),
        (None, {"dated_on": "2026-11-25"}, 422, "in_the_future", "dated_on"),
        (None, {"patient_id": "1"}, 422, "invalid_input", "patient_id"),
        (None, {"medication_id": str(new_id())}, 422, "not_a_prescription", "medication_id"),
        (None, {"type": "prescription", "medication_id": str(new_id())}, 404, "medication_not_found", None),
        (None, {"patient_id": str(new_id())}, 404, "patient_not_found", None),
        (None, {"title": "x" * 201}, 422, "too_long", "Document-Title"),
        (None, {"title": "x" * 10_000}, 422, "too_long", "Document-Title"),
        (None, {"title": "a\x00b"}, 422, "control_characters", "Document-Title"),
        (None, {"headers": {"Document-Title": "%ED%A0%80"}}, 422, "header_not_right", "Document-Title"),
        (None, {"headers": {"Document-Title": "%FF"}}, 422, "header_not_right", "Document-Title"),
        (None, {"headers": {"Document-Filename": "%4"}}, 422, "invalid_input", "Document-Filename"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_leaves_nothing(
    sign_in: SignedIn, send: Send, db: Database, tmp_path: Path, content: bytes | None, told: dict[str, Any],
    status: int, code: str, field: str | None,
) -> None:  # fmt: skip
    refused = send(sign_in(Role.DOCTOR), content, **told)
    assert (refused.status_code, refused.json()["code"], refused.json().get("field")) == (status, code, field)
    assert lying(tmp_path) == 0
    with db.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Document)) == 0


def test_a_repeat_with_its_key_gets_the_first_answer_and_keeps_nothing_twice(
    sign_in: SignedIn, send: Send, tmp_path: Path
) -> None:
    doctor = sign_in(Role.DOCTOR)
    first = send(doctor, headers={"Idempotency-Key": "once-and-for-all"})
    again = send(doctor, headers={"Idempotency-Key": "once-and-for-all"})
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    other = send(doctor, files.pdf(2), headers={"Idempotency-Key": "once-and-for-all"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert lying(tmp_path) == 1


def test_it_is_said_differently_removed_and_put_back_by_version(
    sign_in: SignedIn, send: Send, own_record: UUID
) -> None:
    doctor = sign_in(Role.DOCTOR)
    path = f"{DOCUMENTS}/{send(doctor).json()['id']}"
    changes = {"type": "letter", "title": "A letter", "dated_on": "2026-11-01"}
    assert doctor.put(path, json=changes).status_code == 428
    edited = doctor.put(path, json=changes, headers={"If-Match": '"1"'})
    assert (edited.json()["type"], edited.headers["ETag"]) == ("letter", '"2"')
    assert doctor.put(path, json=changes, headers={"If-Match": '"1"'}).status_code == 412
    removed = doctor.delete(path, headers={"If-Match": '"2"'})
    assert (removed.status_code, removed.json()["status"]) == (200, "entered-in-error")
    who = {"patient_id": str(own_record)}
    assert doctor.get(DOCUMENTS, params=who).json()["items"] == []
    gone = doctor.get(DOCUMENTS, params={**who, "status": "entered-in-error"}).json()["items"]
    assert [row["title"] for row in gone] == ["A letter"]
    assert doctor.put(path, json=changes, headers={"If-Match": '"3"'}).json()["code"] == "document_removed"
    back = doctor.post(f"{path}/restore", headers={"If-Match": '"3"'})
    assert (back.json()["status"], back.headers["ETag"]) == ("current", '"4"')
    for field, value in (("title", "x" * 201), ("dated_on", "0001-01-01"), ("type", 1), ("medication_id", "x")):
        wrong = doctor.put(path, json={**changes, field: value}, headers={"If-Match": '"4"'})
        assert (wrong.status_code, wrong.json()["field"]) == (422, field)


def test_pages_hold_everything_once(sign_in: SignedIn, send: Send, own_record: UUID) -> None:
    doctor = sign_in(Role.DOCTOR)
    for number in range(5):
        assert send(doctor, title=f"Report {number}").status_code == 201
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query: dict[str, Any] = {"patient_id": str(own_record), "sort": "title", "descending": False, "total": True}
        page = doctor.get(DOCUMENTS, params={**query, "limit": 2, "cursor": cursor}).json()
        assert page["total"] == 5
        seen += [row["title"] for row in page["items"]]
        cursor = page["next"]
    assert seen == [f"Report {number}" for number in range(5)]
    made_up = doctor.get(DOCUMENTS, params={"patient_id": str(own_record), "cursor": "made up"})
    assert (made_up.status_code, made_up.json()["code"]) == (422, "cursor_not_right")


def test_patients_have_their_own_and_nobody_elses(
    sign_in: SignedIn, send: Send, own_record: UUID, other_record: UUID
) -> None:
    doctor, patient = sign_in(Role.DOCTOR), sign_in(Role.PATIENT)
    mine = send(doctor).json()["id"]
    others = send(doctor, patient_id=str(other_record)).json()["id"]
    sent = send(patient, files.image(), type="photograph")
    assert (sent.status_code, sent.json()["from_patient"]) == (201, True)
    assert patient.get(f"{DOCUMENTS}/{mine}/content").status_code == 200
    listed = patient.get(DOCUMENTS, params={"patient_id": str(own_record)}).json()["items"]
    assert {row["id"] for row in listed} == {mine, sent.json()["id"]}
    for path in ("", "/content", "/thumbnail"):
        assert patient.get(f"{DOCUMENTS}/{others}{path}").status_code == 403
    assert patient.get(DOCUMENTS, params={"patient_id": str(other_record)}).status_code == 403
    assert send(patient, patient_id=str(other_record)).status_code == 403
    assert patient.delete(f"{DOCUMENTS}/{sent.json()['id']}", headers={"If-Match": '"1"'}).status_code == 403


@pytest.mark.parametrize("role", [Role.RECEPTIONIST, Role.ADMINISTRATOR])
def test_the_desk_sees_what_is_administrative(sign_in: SignedIn, send: Send, own_record: UUID, role: Role) -> None:
    desk = sign_in(role)
    lab, card = send(desk).json()["id"], send(desk, type="insurance-card").json()["id"]
    who = {"patient_id": str(own_record)}
    assert [row["id"] for row in desk.get(DOCUMENTS, params=who).json()["items"]] == [card]
    assert desk.get(DOCUMENTS, params={**who, "type": "laboratory"}).status_code == 403
    assert desk.get(f"{DOCUMENTS}/{card}/content").status_code == 200
    assert desk.get(f"{DOCUMENTS}/{lab}/content").status_code == 403


def test_who_is_not_in_care_says_that_it_is_an_emergency(
    sign_in: SignedIn, send: Send, db: Database, operator: Actor, own_record: UUID
) -> None:
    doctor, desk = sign_in(Role.DOCTOR), sign_in(Role.RECEPTIONIST)
    lab, card = send(desk).json()["id"], send(desk, type="insurance-card").json()["id"]
    set_care(db, operator, CareScope.CLINIC)
    who = {"patient_id": str(own_record)}
    for path, query in ((DOCUMENTS, who), (f"{DOCUMENTS}/{lab}/content", {})):
        refused = doctor.get(path, params=query)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_in_care")
    assert doctor.get(f"{DOCUMENTS}/{card}/content").status_code == 200
    assert doctor.get(DOCUMENTS, params={**who, "category": "administrative"}).status_code == 200
    for visitor in (doctor, desk):
        broken = visitor.post("/api/v1/break-glass", json={**who, "reason": "Fainted", "password": PASSWORD})
        assert broken.status_code == 201, broken.text
        assert visitor.get(f"{DOCUMENTS}/{lab}/content").status_code == 200
        assert len(visitor.get(DOCUMENTS, params=who).json()["items"]) == 2
        assert visitor.get(DOCUMENTS, params={**who, "type": "laboratory"}).status_code == 200
    refused = desk.delete(f"{DOCUMENTS}/{lab}", headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")  # to look is not to change


def test_every_upload_and_download_is_in_the_trail(
    sign_in: SignedIn, send: Send, db: Database, own_record: UUID
) -> None:
    doctor, desk = sign_in(Role.DOCTOR), sign_in(Role.RECEPTIONIST)
    id_ = send(doctor).json()["id"]
    doctor.get(f"{DOCUMENTS}/{id_}/content")
    desk.get(f"{DOCUMENTS}/{id_}/content")
    entries = select(AuditEntry.verb, AuditEntry.action, AuditEntry.role, AuditEntry.outcome, AuditEntry.patient_id)
    with db.engine.connect() as connection:
        found = connection.execute(entries.where(AuditEntry.verb.like("documents.%")).order_by(AuditEntry.seq)).all()
    assert [tuple(row) for row in found][:2] == [
        ("documents.file_document", "C", "doctor", "ok", own_record.hex),
        ("documents.open_content", "R", "doctor", "ok", own_record.hex),
    ]
    assert [(row.verb, row.outcome) for row in found][2:] == [("documents.reach_clinical", "refused")]


def test_types_say_what_they_are(sign_in: SignedIn) -> None:
    types = {row["type"]: row for row in sign_in(Role.PATIENT).get(f"{DOCUMENTS}/types").json()}
    assert types["laboratory"]["code"] == "11502-2"
    assert types["identity"]["category"] == "administrative"


def test_people_have_pictures(
    sign_in: SignedIn, people: dict[Role, UserRow], own_record: UUID, other_record: UUID
) -> None:
    doctor, patient, desk = sign_in(Role.DOCTOR), sign_in(Role.PATIENT), sign_in(Role.RECEPTIONIST)
    own = f"{DOCUMENTS}/avatars/me"
    assert doctor.put(own, content=files.image(size=(900, 600))).json()["user_id"] == str(people[Role.DOCTOR].id)
    for visitor in (doctor, patient, desk):
        sent = visitor.get(f"{DOCUMENTS}/avatars/{people[Role.DOCTOR].id}")
        assert (sent.status_code, sent.headers["Content-Type"]) == (200, "image/jpeg")
        with Image.open(BytesIO(sent.content)) as image:
            assert image.size == (512, 512)
    small = desk.get(f"{DOCUMENTS}/avatars/{people[Role.DOCTOR].id}", params={"small": True})
    with Image.open(BytesIO(small.content)) as image:
        assert image.size == (256, 256)
    assert doctor.put(own, content=files.pdf()).json()["code"] == "picture_kind"
    assert doctor.put(own, content=b"x", headers={"Content-Type": "image/gif"}).status_code == 415
    first = {"If-Match": '"1"'}
    assert doctor.delete(own, headers=first).status_code == 204
    assert doctor.delete(own, headers=first).status_code == 404
    for record in (own_record, other_record):
        assert desk.put(f"{DOCUMENTS}/photos/{record}", content=files.image()).status_code == 200
    assert patient.get(f"{DOCUMENTS}/photos/{own_record}").status_code == 200
    assert patient.get(f"{DOCUMENTS}/photos/{other_record}").status_code == 403
    assert patient.put(f"{DOCUMENTS}/photos/{own_record}", content=files.image()).status_code == 403
    assert desk.delete(f"{DOCUMENTS}/photos/{own_record}", headers=first).status_code == 204
    assert desk.get(f"{DOCUMENTS}/photos/{own_record}").json()["code"] == "picture_not_found"


def test_a_picture_is_replaced_by_who_has_seen_it(
    sign_in: SignedIn, people: dict[Role, UserRow], own_record: UUID
) -> None:
    doctor, desk = sign_in(Role.DOCTOR), sign_in(Role.RECEPTIONIST)
    avatar = f"{DOCUMENTS}/avatars/{people[Role.DOCTOR].id}"
    photo = f"{DOCUMENTS}/photos/{own_record}"
    for who, put, get in ((doctor, f"{DOCUMENTS}/avatars/me", avatar), (desk, photo, photo)):
        nothing_yet = who.put(put, content=files.image(), headers={"If-Match": '"1"'})
        assert (nothing_yet.status_code, nothing_yet.json()["code"]) == (412, "changed_meanwhile")
        first = who.put(put, content=files.image())
        assert (first.status_code, first.headers["ETag"]) == (200, '"1"')
        unsaid = who.put(put, content=files.image())
        assert (unsaid.status_code, unsaid.json()["code"]) == (428, "if_match_required")
        shown = who.get(get)
        small = who.get(get, params={"small": True})
        assert shown.headers["ETag"] != small.headers["ETag"]
        assert who.get(get, headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304
        second = who.put(put, content=files.image(), headers={"If-Match": shown.headers["ETag"]})
        assert (second.status_code, second.headers["ETag"]) == (200, '"2"')
        late = who.put(put, content=files.image(), headers={"If-Match": small.headers["ETag"]})
        assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
        assert who.get(get).headers["ETag"] != shown.headers["ETag"]
        assert who.delete(put).status_code == 428
        assert who.delete(put, headers={"If-Match": '"1"'}).status_code == 412
        assert who.delete(put, headers={"If-Match": '"2"'}).status_code == 204


def test_what_lies_there_and_is_damaged_or_gone_is_told(sign_in: SignedIn, send: Send, tmp_path: Path) -> None:
    doctor = sign_in(Role.DOCTOR)
    path = f"{DOCUMENTS}/{send(doctor).json()['id']}/content"
    (file,) = (one for one in (tmp_path / "documents").rglob("*") if one.is_file())
    file.write_bytes(file.read_bytes()[:-1])
    damaged = doctor.get(path)
    assert (damaged.status_code, damaged.json()["code"]) == (503, "content_damaged")
    file.unlink()
    assert (doctor.get(path).status_code, doctor.get(path).json()["code"]) == (503, "content_missing")


def test_what_nobody_knows_of_is_swept_up_by_a_job(
    sign_in: SignedIn, send: Send, server: FastAPI, tmp_path: Path, clock: Hands
) -> None:
    doctor = sign_in(Role.DOCTOR)
    id_ = send(doctor).json()["id"]
    (kept,) = (one for one in (tmp_path / "documents").rglob("*") if one.is_file())
    (kept.parent / (kept.name[:2] + "0" * 30)).write_bytes(b"left behind")
    clock.now += timedelta(days=3650)
    assert run_due(server.state.serving, [job for job in JOBS if job.name == "documents"]) == 1
    assert lying(tmp_path) == 1
    clock.now -= timedelta(days=3650)
    assert doctor.get(f"{DOCUMENTS}/{id_}/content").status_code == 200


# ---- how much is kept, and how long ----------------------------------------------------------------------------------


def text_of(kilobytes: int) -> bytes:
    return b"words and more words..." * 45 * kilobytes


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


@pytest.mark.parametrize("settings", [{"CLINICDESK_DOCUMENTS_PATIENT_COUNT": "3"}])
def test_a_patient_sends_in_so_many_documents(sign_in: SignedIn, send: Send, tmp_path: Path) -> None:
    patient, doctor = sign_in(Role.PATIENT), sign_in(Role.DOCTOR)
    assert [send(doctor).status_code for _ in range(4)] == [201] * 4
    first = [send(patient) for _ in range(3)]
    assert [answer.status_code for answer in first] == [201] * 3
    refused = send(patient)
    assert told(refused) == (409, "upload_quota_reached")
    assert refused.json()["detail"].startswith("Of what you send in, 3 documents are kept, or 250 MiB.")
    assert send(doctor).status_code == 201
    assert lying(tmp_path) == 8
    gone = doctor.delete(f"{DOCUMENTS}/{first[0].json()['id']}", headers={"If-Match": '"1"'})
    assert gone.status_code == 200
    assert told(send(patient)) == (409, "upload_quota_reached"), "what is removed is kept"


@pytest.mark.parametrize("settings", [{"CLINICDESK_DOCUMENTS_PATIENT_MIB": "1"}])
def test_a_patient_sends_in_so_many_bytes(sign_in: SignedIn, send: Send, tmp_path: Path) -> None:
    patient = sign_in(Role.PATIENT)
    assert send(patient, text_of(600)).status_code == 201
    assert told(send(patient, text_of(600))) == (409, "upload_quota_reached")
    assert send(patient, text_of(300)).status_code == 201
    assert lying(tmp_path) == 2


@pytest.mark.parametrize("settings", [{"CLINICDESK_DOCUMENTS_PATIENT_COUNT": "2"}])
def test_many_at_once_are_no_more_than_one_after_the_other(sign_in: SignedIn, send: Send) -> None:
    patients = [sign_in(Role.PATIENT) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        answers = [answer.status_code for answer in pool.map(send, patients)]
    assert sorted(answers) == [201, 201, 409]


@pytest.mark.parametrize("settings", [{"CLINICDESK_DOCUMENTS_CLINIC_MIB": "1"}])
def test_the_clinic_keeps_so_many_bytes(sign_in: SignedIn, send: Send, other_record: UUID, tmp_path: Path) -> None:
    doctor = sign_in(Role.DOCTOR)
    assert send(doctor, text_of(600)).status_code == 201
    assert told(send(doctor, text_of(600), patient_id=str(other_record))) == (409, "archive_quota_reached")
    assert send(sign_in(Role.PATIENT), text_of(300)).status_code == 201
    assert lying(tmp_path) == 2


def expire(server: FastAPI, clock: Hands, **later: int) -> None:
    clock.now += timedelta(**later)
    with server.state.serving.database.engine.begin() as connection:
        connection.execute(text("DELETE FROM job_run"))
    assert run_due(server.state.serving, [job for job in JOBS if job.name == "removed_documents"]) == 1


def test_the_content_of_what_was_removed_long_ago_goes_and_what_was_said_of_it_stays(
    server: FastAPI, sign_in: SignedIn, send: Send, db: Database, tmp_path: Path, clock: Hands
) -> None:
    doctor = sign_in(Role.DOCTOR)
    stays, gone = (send(doctor, files.image(), type="photograph").json() for _ in range(2))
    path = f"{DOCUMENTS}/{gone['id']}"
    assert doctor.delete(path, headers={"If-Match": '"1"'}).json()["expired_at"] is None
    expire(server, clock, days=3652)
    assert lying(tmp_path) == 4
    doctor = sign_in(Role.DOCTOR)
    assert doctor.get(f"{path}/content").status_code == 200
    expire(server, clock, days=1)
    assert lying(tmp_path) == 2
    doctor = sign_in(Role.DOCTOR)
    row = doctor.get(path).json()
    assert (row["title"], row["status"], row["version"]) == (gone["title"], "entered-in-error", 3)
    assert row["expired_at"] is not None
    for part in ("content", "thumbnail"):
        assert told(doctor.get(f"{path}/{part}")) == (404, "document_expired")
    assert told(doctor.post(f"{path}/restore", headers={"If-Match": '"3"'})) == (409, "document_expired")
    assert doctor.get(f"{DOCUMENTS}/{stays['id']}/content").status_code == 200
    with db.engine.connect() as connection:
        audited = select(AuditEntry.entity_id, AuditEntry.detail).where(AuditEntry.verb == "documents.expire")
        [(entity_id, detail)] = connection.execute(audited).all()
    assert UUID(entity_id) == UUID(gone["id"])
    assert '"note":"expired"' in detail


@pytest.mark.parametrize("settings", [{"CLINICDESK_DOCUMENTS_REMOVED_DAYS": "0"}])
def test_a_clinic_may_keep_what_was_removed_for_ever(
    server: FastAPI, sign_in: SignedIn, send: Send, tmp_path: Path, clock: Hands
) -> None:
    doctor = sign_in(Role.DOCTOR)
    assert doctor.delete(f"{DOCUMENTS}/{send(doctor).json()['id']}", headers={"If-Match": '"1"'}).status_code == 200
    expire(server, clock, days=36_000)
    assert lying(tmp_path) == 1


def test_a_picture_that_was_replaced_or_removed_lies_nowhere(sign_in: SignedIn, tmp_path: Path) -> None:
    patient, own = sign_in(Role.PATIENT), f"{DOCUMENTS}/avatars/me"
    for version in range(3):
        answer = patient.put(own, content=files.image(), headers={"If-Match": f'"{version}"'})
        assert answer.status_code == 200, answer.text
        assert lying(tmp_path) == 2
    assert patient.delete(own, headers={"If-Match": '"3"'}).status_code == 204
    assert lying(tmp_path) == 0


class TestInAnObjectStore:
    """The same, where documents lie in a bucket."""

    @pytest.fixture
    def settings(self, s3_url: str) -> dict[str, str]:
        return {
            "CLINICDESK_DOCUMENTS_DIR": "", "CLINICDESK_DOCUMENTS_S3_URL": s3_url,
            "CLINICDESK_DOCUMENTS_S3_BUCKET": f"clinic-{new_id().hex}", "CLINICDESK_DOCUMENTS_S3_ACCESS_KEY": "test",
            "CLINICDESK_DOCUMENTS_S3_SECRET_KEY": "test",
        }  # fmt: skip

    def test_documents_lie_in_its_bucket(self, sign_in: SignedIn, send: Send, settings: dict[str, str]) -> None:
        doctor = sign_in(Role.DOCTOR)
        missing = send(doctor)
        assert (missing.status_code, missing.json()["code"]) == (503, "store_bucket_missing")
        bucket = settings["CLINICDESK_DOCUMENTS_S3_BUCKET"]
        client = boto3.client(
            "s3", endpoint_url=settings["CLINICDESK_DOCUMENTS_S3_URL"], region_name="us-east-1",
            aws_access_key_id="test", aws_secret_access_key="test",
        )  # fmt: skip
        client.create_bucket(Bucket=bucket)
        content = files.pdf(4)
        filed = send(doctor, content)
        assert filed.status_code == 201
        (lying_there,) = client.list_objects_v2(Bucket=bucket)["Contents"]
        assert content not in client.get_object(Bucket=bucket, Key=lying_there["Key"])["Body"].read()
        assert doctor.get(f"{DOCUMENTS}/{filed.json()['id']}/content").content == content
        client.close()
