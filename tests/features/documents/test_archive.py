"""What is kept is sealed, comes back as it was or not at all, and is never half there: in a folder and in an object store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import boto3
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select

from clinicdesk.core.errors import Conflict, NotFound, Unavailable
from clinicdesk.core.ids import new_id
from clinicdesk.core.sentences import SENTENCES
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.documents import intake, s3
from clinicdesk.features.documents import service as documents
from clinicdesk.features.documents.archive import Archive, archive_of, sweep_orphans
from clinicdesk.features.documents.contents import expire
from clinicdesk.features.documents.models import Document
from clinicdesk.features.documents.s3 import Bucket, ObjectStore
from clinicdesk.features.documents.schemas import Content, DocumentType, FileDocument, MediaType
from clinicdesk.features.documents.store import Folder, Nowhere, Store, check_key
from tests.conftest import Hands
from tests.features.documents import files
from tests.features.documents.conftest import FileFor

KEY = "0123456789abcdef" * 2
SECRET_TEXT = b"The patient Joan Smith has told us something."


@pytest.fixture
def bucket(s3_url: str) -> Bucket:
    """A bucket of the test's own."""
    made = Bucket(s3_url, f"clinic-{new_id().hex}", "test", "test")
    client = boto3.client(
        "s3", endpoint_url=s3_url, region_name=made.region, aws_access_key_id="test", aws_secret_access_key="test"
    )
    client.create_bucket(Bucket=made.name)
    client.close()
    return made


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, place: Path) -> Store:
    return Folder(place) if request.param == "folder" else ObjectStore(request.getfixturevalue("bucket"))


def filed(db: Database, archive: Archive, actor: Actor, patient_id: UUID, content: bytes) -> UUID:
    checked = intake.check_document(content)
    with archive.holding(checked) as held, db.write(actor) as tx:
        return documents.file_document(tx, FileDocument(patient_id, DocumentType.LETTER), held).id


def opened(db: Database, actor: Actor, document_id: UUID) -> Content:
    with db.write(actor) as tx:
        return documents.open_content(tx, document_id)


def kept(store: Store) -> list[str]:
    return [key for key, _ in store.contents()]


@pytest.mark.embedded
def test_a_store_keeps_replaces_and_forgets(store: Store) -> None:
    assert kept(store) == []
    with pytest.raises(Unavailable, match="content_missing"):
        store.get(KEY)
    store.put(KEY, b"one")
    store.put(KEY, bytearray(b"two"))
    assert (store.get(KEY), kept(store)) == (b"two", [KEY])
    store.delete(KEY)
    store.delete(KEY)
    assert kept(store) == []


@pytest.mark.embedded
@pytest.mark.parametrize("key", ["../../etc/passwd", "", "a", KEY + "\n", KEY.upper(), KEY + "/x"])
def test_no_key_leads_anywhere_else(key: str) -> None:
    with pytest.raises(AssertionError):
        check_key(key)


def test_nothing_of_a_document_can_be_read_where_it_lies(
    db: Database, store: Store, smith: UUID, doctor: Actor
) -> None:
    archive = archive_of(db, store)
    first, second = (filed(db, archive, doctor, smith, SECRET_TEXT) for _ in range(2))
    sealed = [store.get(key) for key in kept(store)]
    assert len(set(sealed)) == 2  # the same content twice looks different
    assert all(b"Joan" not in one and b"patient" not in one for one in sealed)
    for id_ in (first, second):
        assert archive.read(opened(db, doctor, id_)) == SECRET_TEXT


def test_what_was_changed_or_exchanged_where_it_lies_is_not_handed_out(
    db: Database, store: Store, smith: UUID, doctor: Actor
) -> None:
    archive = archive_of(db, store)
    mine = opened(db, doctor, filed(db, archive, doctor, smith, SECRET_TEXT))
    other = opened(db, doctor, filed(db, archive, doctor, smith, b"something else"))
    sealed = store.get(mine.key)
    for wrong in (
        sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[:-20], b"", b"XXXX" + sealed[4:], store.get(other.key),
    ):  # fmt: skip
        store.put(mine.key, wrong)
        with pytest.raises(Unavailable, match="content_damaged"):
            archive.read(mine)
    store.put(mine.key, sealed)
    assert archive.read(mine) == SECRET_TEXT
    with pytest.raises(Unavailable, match="content_damaged"):
        archive.read(Content(mine.key, MediaType.TEXT, "a.txt", other.sha256))
    store.delete(mine.key)
    with pytest.raises(Unavailable, match="content_missing"):
        archive.read(mine)


def test_what_a_verb_refuses_leaves_nothing_behind(
    db: Database, store: Store, smith: UUID, doctor: Actor, receptionist: Actor
) -> None:
    archive = archive_of(db, store)
    with pytest.raises(NotFound, match="patient_not_found"):
        filed(db, archive, doctor, new_id(), files.image())
    with pytest.raises(ZeroDivisionError), archive.holding(intake.check_document(files.image())):
        _ = 1 / 0
    assert kept(store) == []
    filed(db, archive, receptionist, smith, files.image())
    assert len(kept(store)) == 2  # with its small picture


def test_where_nobody_can_tell_whether_the_row_is_there_the_content_stays_for_the_sweep(
    db: Database, store: Store, operator: Actor, clock: Hands
) -> None:
    archive = archive_of(db, store)
    with pytest.raises(Unavailable), archive.holding(intake.check_document(SECRET_TEXT)):
        raise Unavailable("database_unreachable")
    assert len(kept(store)) == 1
    clock.now += timedelta(days=3650)
    assert sweep_orphans(db, archive, operator) == 1
    assert kept(store) == []


def test_the_sweep_takes_what_no_row_knows_of_after_a_day_and_nothing_else(
    db: Database, store: Store, smith: UUID, doctor: Actor, operator: Actor, clock: Hands
) -> None:
    archive = archive_of(db, store)
    row = filed(db, archive, doctor, smith, files.image())
    store.put(KEY, b"left behind")
    since = dict(store.contents())[KEY]
    clock.now = since + timedelta(hours=23)
    assert sweep_orphans(db, archive, operator) == 0
    clock.now = since + timedelta(hours=25)
    assert sweep_orphans(db, archive, operator) == 1
    assert len(kept(store)) == 2
    assert archive.read(opened(db, doctor, row))
    assert sweep_orphans(db, archive, operator) == 0
    noted = select(AuditEntry.detail).where(AuditEntry.verb == "documents.note_sweep")
    with db.engine.connect() as connection:
        assert list(connection.scalars(noted)) == ['{"note":"1 orphans"}']


def test_a_removed_document_is_none_that_the_sweep_takes(
    db: Database, archive: Archive, file_for: FileFor, doctor: Actor, operator: Actor, clock: Hands
) -> None:
    row = file_for()
    with db.write(doctor) as tx:
        documents.remove_document(tx, row.id, 1)
    clock.now += timedelta(days=3650)
    assert sweep_orphans(db, archive, operator) == 0
    assert archive.read(opened(db, doctor, row.id))


def test_what_a_crash_leaves_of_expired_documents_is_swept(
    db: Database, archive: Archive, place: Path, file_for: FileFor, doctor: Actor, operator: Actor, clock: Hands
) -> None:
    gone, stays = file_for(content=files.image()), file_for()
    with db.write(doctor) as tx:
        documents.remove_document(tx, gone.id, 1)
    clock.now += timedelta(days=3653)
    with db.write(operator) as tx:
        assert expire(tx, timedelta(days=3653)) is not None
        assert expire(tx, timedelta(days=3653)) is None
    assert len(kept(Folder(place))) == 3
    assert sweep_orphans(db, archive, operator) == 2
    assert archive.read(opened(db, doctor, stays.id))
    with db.write(doctor) as tx:
        for read in (documents.open_content, documents.open_thumbnail):
            with pytest.raises(NotFound, match="document_expired"):
                read(tx, gone.id)


def test_another_clinics_key_opens_nothing(db: Database, place: Path, file_for: FileFor, doctor: Actor) -> None:
    where = opened(db, doctor, file_for().id)
    with pytest.raises(Unavailable, match="content_damaged"):
        Archive(Folder(place), cipher=AESGCM(bytes(32))).read(where)


@pytest.mark.embedded
def test_what_lies_in_the_folder_is_open_to_its_owner_alone(place: Path, file_for: FileFor) -> None:
    file_for()
    (file,) = place.glob("*/*")
    assert [oct(one.stat().st_mode & 0o777) for one in (place, file.parent, file)] == ["0o700", "0o700", "0o600"]
    assert len(file.name) == 32  # and nothing of the document in its name


@pytest.mark.embedded
def test_a_folder_that_cannot_be_written_to_is_told_and_no_row_is_written(
    db: Database, smith: UUID, doctor: Actor, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    archive = archive_of(db, tmp_path / "file" / "documents")
    with pytest.raises(Unavailable, match="path_missing"):
        filed(db, archive, doctor, smith, SECRET_TEXT)
    with db.engine.connect() as connection:
        assert connection.scalar(select(Document.id)) is None


@pytest.mark.embedded
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk here that is always full")
def test_a_full_disk_is_told_and_leaves_no_part(place: Path, db: Database) -> None:
    class Full(type(Path())):  # type: ignore[misc]
        """A path behind which the disk is full."""

        def write_bytes(self, data: bytes) -> int:
            with open("/dev/full", "wb") as full:
                return full.write(data)

    archive = archive_of(db, Full(place))
    with pytest.raises(Unavailable, match="disk_full"), archive.holding(intake.check_document(SECRET_TEXT)):
        raise AssertionError("it was not put away")
    assert [file for file in place.rglob("*") if file.is_file()] == []


@pytest.mark.embedded
def test_a_store_that_is_away_missing_or_closed_is_told(db: Database, bucket: Bucket, s3_url: str) -> None:
    def refused(store: Store) -> set[str]:
        told = set()
        tries: list[Callable[[], object]] = [
            lambda: store.put(KEY, b"x"), lambda: store.get(KEY), lambda: store.delete(KEY), lambda: kept(store),
        ]  # fmt: skip
        for attempt in tries:
            with pytest.raises(Unavailable) as away:
                attempt()
            told.add(away.value.reason)
        return told

    assert refused(ObjectStore(Bucket(s3_url, "not-there", "test", "test"))) == {"store_bucket_missing"}
    assert refused(ObjectStore(Bucket("http://127.0.0.1:9", bucket.name, "test", "test"), seconds=1)) == {"store_away"}
    assert set(s3._CODES.values()) | {"store_away"} <= SENTENCES.keys()


@pytest.mark.embedded
def test_a_server_without_a_place_says_so(db: Database, operator: Actor) -> None:
    archive = archive_of(db, Nowhere())
    with pytest.raises(Unavailable, match="documents_nowhere"), archive.holding(intake.check_document(SECRET_TEXT)):
        raise AssertionError("it was not put away")
    with pytest.raises(Unavailable, match="documents_nowhere"):
        archive.read(Content(KEY, MediaType.TEXT, "a.txt"))
    with pytest.raises(Unavailable, match="documents_nowhere"):
        archive.remove(KEY)
    assert sweep_orphans(db, archive, operator) == 0


@pytest.mark.embedded
def test_what_was_put_away_in_vain_and_cannot_be_taken_back_does_not_hide_why(
    db: Database, place: Path, tmp_path: Path
) -> None:
    def lose_the_folder() -> None:
        place.rename(tmp_path / "elsewhere")
        place.write_bytes(b"")
        raise Conflict("changed_meanwhile")

    archive = archive_of(db, place)
    with pytest.raises(Conflict, match="changed_meanwhile"), archive.holding(intake.check_document(SECRET_TEXT)):
        lose_the_folder()
