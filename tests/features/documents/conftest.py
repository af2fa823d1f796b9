"""A clinic with a patient whose documents are kept in a folder, and short ways to file one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert

from clinicdesk.core.clinic import Clinic
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.documents import intake
from clinicdesk.features.documents import service as documents
from clinicdesk.features.documents.archive import Archive, archive_of
from clinicdesk.features.documents.schemas import DocumentRow, DocumentType, FileDocument
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from tests.features.documents import files

FileFor = Callable[..., DocumentRow]


@pytest.fixture
def smith(db: Database, receptionist: Actor) -> UUID:
    """A patient of a clinic in Berlin."""
    with db.engine.begin() as connection:
        connection.execute(
            insert(Clinic).values(id=1, name="Harbour", zone="Europe/Berlin", country="", record_prefix="HS", version=1)
        )
    with db.write(receptionist) as tx:
        return patients.register(tx, RegisterPatient(Demographics("Smith", "Joan"))).id


@pytest.fixture
def jones(db: Database, receptionist: Actor, smith: UUID) -> UUID:
    """Another one."""
    with db.write(receptionist) as tx:
        return patients.register(tx, RegisterPatient(Demographics("Jones", "Ben"))).id


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the archive is; there is no folder yet."""
    return tmp_path / "clinic" / "documents"


@pytest.fixture
def archive(db: Database, place: Path) -> Archive:
    return archive_of(db, place)


@pytest.fixture
def file_for(db: Database, archive: Archive, smith: UUID, doctor: Actor) -> FileFor:
    """Files a document with the patient, as the doctor and as a laboratory report where nothing else is said."""

    def file(
        type_: DocumentType = DocumentType.LABORATORY,
        title: str = "",
        *,
        content: bytes | None = None,
        filename: str = "",
        actor: Actor = doctor,
        patient_id: UUID = smith,
        **told: Any,
    ) -> DocumentRow:
        checked = intake.check_document(files.pdf() if content is None else content, filename)
        with archive.holding(checked) as held, db.write(actor) as tx:
            return documents.file_document(tx, FileDocument(patient_id, type_, title, **told), held)

    return file
