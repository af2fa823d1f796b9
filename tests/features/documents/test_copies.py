"""Documents go along with a backup: each content once, found whole, and back where it was; what is lost is said."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import boto3
import pytest
from sqlalchemy import insert

from clinicdesk.core.errors import Unavailable
from clinicdesk.core.ids import new_id
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.documents import intake
from clinicdesk.features.documents.archive import Archive
from clinicdesk.features.documents.copies import (
    FOLDER_NAME,
    Brought,
    Looked,
    Taken,
    back_up_contents,
    known,
    look,
    read_through,
)
from clinicdesk.features.documents.models import Document
from clinicdesk.features.documents.s3 import Bucket, ObjectStore
from clinicdesk.features.documents.schemas import Sealed
from clinicdesk.features.documents.store import Folder
from clinicdesk.features.patients.models import Patient
from clinicdesk.opening import open_clinic, restore_clinic
from tests.features.documents import files
from tests.features.documents.conftest import FileFor


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    place = tmp_path / "backups"
    place.mkdir()
    return place


@pytest.fixture
def filed(file_for: FileFor) -> None:
    """Two documents; one is an image, which has a second content: three in all."""
    file_for()
    file_for(content=files.image())


def back_up(db: Database, archive: Archive, backups: Path) -> tuple[int, int, int]:
    with db.engine.connect() as connection:
        taken = back_up_contents(connection, archive, backups)
    return taken.contents, taken.added, taken.lost


def wanted(db: Database) -> list[Sealed]:
    with db.engine.connect() as connection:
        return list(known(connection))


def bring(
    wanted: list[Sealed], archive: Archive, place: Path, backups: Path, aside: Path, db: Database
) -> tuple[int, int, int]:
    """How many were put back, kept aside and are lost."""
    brought = Brought(archive, Folder(place), backups)
    brought.bring(wanted, aside)
    with db.engine.connect() as connection:
        taken = brought.taken(connection)
    return taken.added, taken.held, taken.lost


def seen(db: Database, place: Path) -> Looked:
    with db.engine.connect() as connection:
        return look(connection, Folder(place))


def contents(place: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in place.glob("*/*")}


@pytest.mark.usefixtures("filed")
def test_each_content_is_copied_once_as_it_lies_there_sealed(
    db: Database, archive: Archive, place: Path, backups: Path, file_for: FileFor
) -> None:
    assert back_up(db, archive, backups) == (3, 3, 0)
    assert contents(backups / FOLDER_NAME) == contents(place)
    assert back_up(db, archive, backups) == (3, 0, 0)
    file_for()
    assert back_up(db, archive, backups) == (4, 1, 0)


@pytest.mark.usefixtures("filed")
def test_a_backup_that_was_broken_off_goes_on_where_it_was(
    db: Database, archive: Archive, place: Path, backups: Path
) -> None:
    copies = backups / FOLDER_NAME
    with db.engine.connect() as connection:
        back_up_contents(connection, archive, backups)
    for file in list(copies.glob("*/*"))[:2]:
        file.unlink()
    assert back_up(db, archive, backups) == (3, 2, 0)
    assert contents(copies) == contents(place)


@pytest.mark.usefixtures("filed")
def test_what_is_lost_is_counted_and_hinders_nothing_else(
    db: Database, archive: Archive, place: Path, backups: Path
) -> None:
    first, second, _ = sorted(place.glob("*/*"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1] + b"x")
    assert back_up(db, archive, backups) == (3, 1, 2)
    assert seen(db, place) == Looked(3, missing=1)
    with db.engine.connect() as connection:
        assert read_through(connection, archive) == Looked(3, missing=1, damaged=1)


@pytest.mark.usefixtures("filed")
def test_contents_come_back_and_twice_is_once(
    db: Database, archive: Archive, place: Path, backups: Path, tmp_path: Path
) -> None:
    back_up(db, archive, backups)
    before = contents(place)
    for file in place.glob("*/*"):
        file.unlink()
    for added in (3, 0):
        assert bring(wanted(db), archive, place, backups, tmp_path / "aside", db) == (added, 0, 0)
        assert contents(place) == before
    with db.engine.connect() as connection:
        assert read_through(connection, archive) == Looked(3)


@pytest.mark.usefixtures("filed")
def test_a_copy_that_is_not_what_it_was_is_not_put_back(
    db: Database, archive: Archive, place: Path, backups: Path, tmp_path: Path
) -> None:
    back_up(db, archive, backups)
    one, *_ = place.glob("*/*")
    one.unlink()
    copy = backups / FOLDER_NAME / one.parent.name / one.name
    copy.write_bytes(copy.read_bytes()[:-1] + b"x")
    assert bring(wanted(db), archive, place, backups, tmp_path / "aside", db) == (0, 0, 1)
    assert seen(db, place) == Looked(3, missing=1)


@pytest.mark.usefixtures("filed")
def test_what_is_damaged_is_replaced_by_its_copy(
    db: Database, archive: Archive, place: Path, backups: Path, tmp_path: Path
) -> None:
    back_up(db, archive, backups)
    before = contents(place)
    one, *_ = place.glob("*/*")
    one.write_bytes(one.read_bytes()[:-1] + b"x")
    assert bring(wanted(db), archive, place, backups, tmp_path / "aside", db) == (1, 0, 0)
    assert contents(place) == before


@pytest.mark.usefixtures("filed")
def test_what_the_restored_database_does_not_know_of_is_held_aside_for_the_way_back(
    db: Database, archive: Archive, place: Path, backups: Path, tmp_path: Path, file_for: FileFor
) -> None:
    earlier = wanted(db)
    file_for()
    everything = contents(place)
    aside = tmp_path / "aside"
    for _ in range(2):
        assert bring(earlier, archive, place, backups, aside, db) == (0, 1, 0)
    [key] = everything.keys() - {sealed.key for sealed in earlier}
    assert contents(aside / "documents") == {key: everything[key]}
    assert contents(place) == everything


@pytest.mark.usefixtures("filed")
def test_a_disk_that_takes_nothing_is_said_and_leaves_what_was_there(
    db: Database, archive: Archive, place: Path, backups: Path, tmp_path: Path
) -> None:
    before = contents(place)
    (backups / FOLDER_NAME).write_text("in the way")
    with pytest.raises(Unavailable, match=r"disk_error|path_missing"):
        back_up(db, archive, backups)
    assert contents(place) == before


@pytest.fixture
def bucket(s3_url: str) -> ObjectStore:
    where = Bucket(s3_url, f"documents-{new_id().hex}", "key", "secret")
    boto3.client(
        "s3", endpoint_url=s3_url, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret"
    ).create_bucket(Bucket=where.name)
    return ObjectStore(where)


@pytest.mark.usefixtures("filed")
def test_what_lies_in_an_object_store_is_looked_for_there(db: Database, place: Path, bucket: ObjectStore) -> None:
    for key, sealed in contents(place).items():
        bucket.put(key, sealed)
    with db.engine.connect() as connection:
        assert look(connection, bucket) == Looked(3)
    bucket.delete(next(iter(contents(place))))
    with db.engine.connect() as connection:
        assert look(connection, bucket) == Looked(3, missing=1)


@pytest.mark.embedded
def test_a_desk_takes_its_documents_along_and_brings_them_back_on_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operator: Actor
) -> None:
    monkeypatch.setenv("CLINICDESK_KEYRING", "off")
    stick = tmp_path / "stick"
    stick.mkdir()
    with open_clinic(tmp_path / "here") as clinic:
        patient_id = new_id()
        held = {"media_type": "application/pdf", "filename": "", "from_patient": False, "status": "current"}
        checked = intake.check_document(files.pdf(), "letter.pdf")
        with clinic.archive.holding(checked) as kept, clinic.database.engine.begin() as connection:
            connection.execute(
                insert(Patient).values(id=patient_id, number="1", family="Smith", created_at=clinic.database.clock())
            )
            connection.execute(
                insert(Document).values(
                    **held, id=new_id(), patient_id=patient_id, type="letter", title="", dated_on=date(2026, 11, 23),
                    status_at=clinic.database.clock(), filed_at=clinic.database.clock(), size=kept.size, author="",
                    sha256=kept.sha256, pages=1, content_key=kept.content_key, version=1,
                )
            )  # fmt: skip
        made = clinic.back_up(operator, stick / "monday.db")
        key = clinic.recovery_key(operator)
    assert made.documents == Taken("folder", 1, 1)
    for _ in range(2):
        done = restore_clinic(tmp_path / "there", made.file, operator, recovery_key=key)
        assert (done.documents.contents, done.documents.lost) == (1, 0)
    assert contents(tmp_path / "there" / "documents") == contents(tmp_path / "here" / "documents")
