"""Documents are filed, found, said differently, removed and put back, by those who may, and each of it leaves its trace."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from clinicdesk.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from clinicdesk.core.history import HistoryEntry
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import PageRequest
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.documents import service as documents
from clinicdesk.features.documents.archive import Archive
from clinicdesk.features.documents.schemas import (
    Category,
    DocumentQuery,
    DocumentRow,
    DocumentSort,
    DocumentStatus,
    DocumentType,
    EditDocument,
    FileDocument,
)
from clinicdesk.features.medications import service as medications
from clinicdesk.features.medications.schemas import Dosage, Prescribe
from tests.conftest import Hands
from tests.features.documents import files
from tests.features.documents.conftest import FileFor

T = DocumentType
TODAY = date(2026, 11, 23)


def trail(db: Database) -> list[tuple[str, ...]]:
    """Verb, action, patient and outcome of what was done with documents."""
    entries = select(AuditEntry.verb, AuditEntry.action, AuditEntry.patient_id, AuditEntry.outcome)
    with db.engine.connect() as connection:
        found = connection.execute(entries.where(AuditEntry.verb.like("documents.%")).order_by(AuditEntry.seq))
        return [tuple(row) for row in found]


def titles(db: Database, actor: Actor, query: DocumentQuery) -> list[str]:
    with db.write(actor) as tx:
        return [row.title for row in documents.list_documents(tx, query).items]


def patient_actor(patient_id: UUID) -> Actor:
    return Actor(new_id(), Role.PATIENT, "Joan", patient_id=patient_id)


def test_what_is_filed_is_found_and_read_back(
    db: Database, archive: Archive, file_for: FileFor, smith: UUID, doctor: Actor, clock: Hands
) -> None:
    content = files.pdf(3)
    row = file_for(content=content, filename="Blutbild März.pdf")
    assert (row.title, row.code, row.category, row.pages) == ("Blutbild März", "11502-2", Category.CLINICAL, 3)
    assert (row.dated_on, row.filed_at, row.author_id, row.from_patient) == (TODAY, clock.now, doctor.user_id, False)
    with db.write(doctor) as tx:
        assert documents.get_document(tx, row.id) == row
        assert documents.list_documents(tx, DocumentQuery(smith)).items == [row]
        where = documents.open_content(tx, row.id)
    assert (archive.read(where), where.filename) == (content, "Blutbild März.pdf")
    assert trail(db) == [
        ("documents.file_document", "C", smith.hex, "ok"),
        ("documents.get_document", "R", smith.hex, "ok"),
        ("documents.list_documents", "R", smith.hex, "ok"),
        ("documents.open_content", "R", smith.hex, "ok"),
    ]


def test_a_picture_of_it_is_there_for_an_image_alone(
    db: Database, archive: Archive, file_for: FileFor, doctor: Actor
) -> None:
    image, paper = file_for(T.PHOTOGRAPH, content=files.image()), file_for()
    assert (image.has_thumbnail, paper.has_thumbnail) == (True, False)
    assert image.title == "Photographic image"
    with db.write(doctor) as tx:
        small = archive.read(documents.open_thumbnail(tx, image.id))
        assert documents.open_content(tx, image.id).filename == "photograph-2026-11-23.jpg"
        with pytest.raises(NotFound, match="no_thumbnail"):
            documents.open_thumbnail(tx, paper.id)
    assert small.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize("sort", DocumentSort)
@pytest.mark.parametrize("descending", [False, True])
def test_pages_hold_everything_once_and_in_order(
    db: Database, file_for: FileFor, smith: UUID, doctor: Actor, clock: Hands, sort: DocumentSort, descending: bool
) -> None:
    for number, title in enumerate(("b", "A", "c", "B", "a")):
        clock.now += timedelta(seconds=number % 3)
        file_for(title=title, dated_on=TODAY - timedelta(days=number % 2))
    rows: list[DocumentRow] = []
    cursor: str | None = ""
    with db.write(doctor) as tx:
        while cursor is not None:
            query = DocumentQuery(smith, sort=sort, descending=descending, page=PageRequest(2, cursor, total=True))
            page = documents.list_documents(tx, query)
            assert page.total == 5
            rows += page.items
            cursor = page.next
    keys = {
        DocumentSort.FILED: [row.filed_at.isoformat() for row in rows],
        DocumentSort.DATED: [row.dated_on.isoformat() for row in rows],
        DocumentSort.TITLE: [row.title.lower() for row in rows],
    }[sort]
    assert len({row.id for row in rows}) == 5
    assert keys == sorted(keys, reverse=descending)


@pytest.mark.parametrize("cursor", ["x", "WzEsMl0", "WyIyMDI2LTEzLTEzIiwieCJd", "Wzk5OTk5OTk5OTk5OTk5OTksIjAwIl0"])
@pytest.mark.parametrize("sort", DocumentSort)
def test_a_made_up_cursor_is_refused(db: Database, smith: UUID, doctor: Actor, sort: DocumentSort, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="cursor_not_right"), db.write(doctor) as tx:
        documents.list_documents(tx, DocumentQuery(smith, sort=sort, page=PageRequest(cursor=cursor)))
    with pytest.raises(InvalidInput, match="out_of_range"), db.write(doctor) as tx:
        documents.list_documents(tx, DocumentQuery(smith, page=PageRequest(0)))


def test_a_list_is_narrowed(db: Database, file_for: FileFor, smith: UUID, jones: UUID, doctor: Actor) -> None:
    file_for(T.LABORATORY, "blood")
    file_for(T.CONSENT, "consent")
    file_for(T.PRESCRIPTION, "pills")
    file_for(T.LABORATORY, "of another", patient_id=jones)
    assert sorted(titles(db, doctor, DocumentQuery(smith))) == ["blood", "consent", "pills"]
    assert titles(db, doctor, DocumentQuery(smith, type=T.CONSENT)) == ["consent"]
    assert titles(db, doctor, DocumentQuery(smith, category=Category.CLINICAL)) == ["blood"]
    assert titles(db, doctor, DocumentQuery(smith, category=Category.CLINICAL, type=T.CONSENT)) == []
    with pytest.raises(NotFound, match="patient_not_found"):
        titles(db, doctor, DocumentQuery(new_id()))


@pytest.mark.parametrize("role", [Role.RECEPTIONIST, Role.ADMINISTRATOR])
def test_the_desk_files_everything_and_sees_what_is_administrative(
    db: Database, file_for: FileFor, smith: UUID, role: Role
) -> None:
    desk = Actor(new_id(), role, "Sam")
    lab = file_for(T.LABORATORY, "blood", actor=desk)
    card = file_for(T.INSURANCE_CARD, "card", actor=desk)
    assert titles(db, desk, DocumentQuery(smith)) == ["card"]
    assert titles(db, desk, DocumentQuery(smith, category=Category.ADMINISTRATIVE)) == ["card"]
    for asked in (
        DocumentQuery(smith, type=T.LABORATORY),
        DocumentQuery(smith, category=Category.CLINICAL),
        DocumentQuery(smith, category=Category.PRESCRIPTION),
    ):
        with pytest.raises(NotPermitted):
            titles(db, desk, asked)
    for forbidden in (documents.get_document, documents.open_content, documents.open_thumbnail):
        with pytest.raises(NotPermitted), db.write(desk) as tx:
            forbidden(tx, lab.id)
    with pytest.raises(NotPermitted), db.write(desk) as tx:
        documents.remove_document(tx, lab.id, 1)
    with pytest.raises(NotPermitted), db.write(desk) as tx:  # not by saying that it is something else either
        documents.edit_document(tx, EditDocument(lab.id, 1, T.FORM, "form", TODAY))
    with pytest.raises(NotPermitted), db.write(desk) as tx:
        documents.edit_document(tx, EditDocument(card.id, 1, T.LABORATORY, "card", TODAY))
    with db.write(desk) as tx:
        assert documents.edit_document(tx, EditDocument(card.id, 1, T.INSURANCE_FORM, "form", TODAY)).title == "form"
        assert documents.get_document(tx, card.id).type is T.INSURANCE_FORM
    assert ("documents.reach_clinical", "E", "", "refused") in trail(db)


def test_patients_see_their_own_and_send_more_and_change_nothing(
    db: Database, archive: Archive, file_for: FileFor, smith: UUID, jones: UUID, doctor: Actor
) -> None:
    joan = patient_actor(smith)
    lab, other = file_for(title="blood"), file_for(title="of another", patient_id=jones)
    sent = file_for(T.PHOTOGRAPH, "rash", content=files.image(), actor=joan)
    assert sent.from_patient
    assert sorted(titles(db, joan, DocumentQuery(smith))) == ["blood", "rash"]
    with db.write(joan) as tx:
        assert documents.get_document(tx, lab.id) == lab
        assert archive.read(documents.open_content(tx, lab.id))
    for forbidden in (documents.get_document, documents.open_content, documents.open_thumbnail):
        with pytest.raises(NotPermitted), db.write(joan) as tx:
            forbidden(tx, other.id)
    with pytest.raises(NotPermitted):
        titles(db, joan, DocumentQuery(jones))
    with pytest.raises(NotPermitted):
        file_for(actor=joan, patient_id=jones)
    for change in (documents.remove_document, documents.restore_document):
        with pytest.raises(NotPermitted), db.write(joan) as tx:
            change(tx, sent.id, 1)
    with db.write(doctor) as tx:
        documents.remove_document(tx, lab.id, 1)
    assert titles(db, joan, DocumentQuery(smith)) == ["rash"]
    assert titles(db, joan, DocumentQuery(smith, status=DocumentStatus.ENTERED_IN_ERROR)) == []
    with pytest.raises(NotFound, match="document_not_found"), db.write(joan) as tx:
        documents.open_content(tx, lab.id)


def test_what_is_removed_is_kept_and_comes_back(
    db: Database, archive: Archive, file_for: FileFor, smith: UUID, doctor: Actor, clock: Hands
) -> None:
    row = file_for(title="blood")
    clock.now += timedelta(minutes=1)
    with db.write(doctor) as tx:
        removed = documents.remove_document(tx, row.id, row.version)
    assert (removed.status, removed.status_at, removed.version) == (DocumentStatus.ENTERED_IN_ERROR, clock.now, 2)
    assert titles(db, doctor, DocumentQuery(smith)) == []
    assert titles(db, doctor, DocumentQuery(smith, status=DocumentStatus.ENTERED_IN_ERROR)) == ["blood"]
    with db.write(doctor) as tx:
        assert archive.read(documents.open_content(tx, row.id))
        with pytest.raises(Conflict, match="document_removed"):
            documents.remove_document(tx, row.id, 2)
        with pytest.raises(Conflict, match="document_removed"):
            documents.edit_document(tx, EditDocument(row.id, 2, T.LETTER, "x", TODAY))
        with pytest.raises(Conflict, match="changed_meanwhile"):
            documents.restore_document(tx, row.id, 1)
        back = documents.restore_document(tx, row.id, 2)
        with pytest.raises(Conflict, match="document_not_removed"):
            documents.restore_document(tx, row.id, 3)
    assert (back.status, back.sha256) == (DocumentStatus.CURRENT, row.sha256)
    assert titles(db, doctor, DocumentQuery(smith)) == ["blood"]


def test_what_is_said_of_it_changes_by_version_and_the_history_knows(
    db: Database, file_for: FileFor, doctor: Actor
) -> None:
    row = file_for(title="blood")
    change = EditDocument(row.id, 1, T.LETTER, "  A   letter ", TODAY - timedelta(days=9))
    with db.write(doctor) as tx:
        edited = documents.edit_document(tx, change)
    assert (edited.type, edited.title, edited.version) == (T.LETTER, "A letter", 2)
    with pytest.raises(Conflict, match="changed_meanwhile"), db.write(doctor) as tx:
        documents.edit_document(tx, change)
    with db.engine.connect() as connection:
        changed = select(HistoryEntry.old, HistoryEntry.new).where(HistoryEntry.action == "U")
        old, new = connection.execute(changed).one()
    assert '"title":"blood"' in str(old)
    assert '"title":"A letter"' in str(new)
    with pytest.raises(NotFound, match="document_not_found"), db.write(doctor) as tx:
        documents.edit_document(tx, EditDocument(new_id(), 1, T.LETTER, "x", TODAY))


@pytest.mark.parametrize(
    ("told", "code", "field"),
    [
        ({"title": ""}, "empty", "title"),
        ({"title": "x" * 201}, "too_long", "title"),
        ({"title": "a\x07b"}, "control_characters", "title"),
        ({"dated_on": TODAY + timedelta(days=1)}, "in_the_future", "dated_on"),
        ({"medication_id": new_id()}, "not_a_prescription", "medication_id"),
    ],
)
def test_what_cannot_be_said_is_refused(
    db: Database, file_for: FileFor, smith: UUID, doctor: Actor, told: dict[str, object], code: str, field: str
) -> None:
    row = file_for(title="blood")
    values = {"type": T.LABORATORY, "title": "blood", "dated_on": TODAY, **told}
    with pytest.raises(InvalidInput, match=code) as refused, db.write(doctor) as tx:
        documents.edit_document(tx, EditDocument(row.id, 1, **values))  # type: ignore[arg-type]
    assert refused.value.params["field"] == field
    if code != "empty":  # without a title it gets one
        with pytest.raises(InvalidInput, match=code), db.read(doctor) as tx:
            documents.ensure_can_file(tx, FileDocument(smith, **values))  # type: ignore[arg-type]


def test_the_clinics_day_is_what_counts(file_for: FileFor, clock: Hands) -> None:
    clock.now = clock.now.replace(hour=23, minute=30)  # in Berlin it is the day after
    assert file_for(dated_on=TODAY + timedelta(days=1)).dated_on == TODAY + timedelta(days=1)


def test_the_image_of_a_prescription_belongs_to_one_of_the_same_patient(
    db: Database, file_for: FileFor, smith: UUID, jones: UUID, doctor: Actor
) -> None:
    with db.write(doctor) as tx:
        mine, other = (
            medications.prescribe(tx, Prescribe(who, "Amoxicillin", dosage=Dosage(1, "tablet", 2))).id
            for who in (smith, jones)
        )
    row = file_for(T.PRESCRIPTION, "pills", content=files.image(), medication_id=mine)
    file_for(T.PRESCRIPTION, "more pills")
    assert titles(db, doctor, DocumentQuery(smith, medication_id=mine)) == ["pills"]
    for wrong in (other, new_id()):
        with pytest.raises(NotFound, match="medication_not_found"):
            file_for(T.PRESCRIPTION, medication_id=wrong)
    with pytest.raises(IntegrityError), db.engine.begin() as connection:  # the database knows it too
        connection.execute(text("UPDATE document SET type = 'letter' WHERE title = 'pills'"))
    with db.write(doctor) as tx:
        unlinked = documents.edit_document(tx, EditDocument(row.id, 1, T.LETTER, "pills", TODAY))
    assert unlinked.medication_id is None
