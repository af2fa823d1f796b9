"""What the verbs of documents take and give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from clinicdesk.core.paging import PageRequest


class DocumentType(StrEnum):
    """What kind of document it is; GET /documents/types has their LOINC codes."""

    LABORATORY = "laboratory"
    IMAGING = "imaging"
    DISCHARGE = "discharge"
    CONSULTATION = "consultation"
    PROCEDURE = "procedure"
    REFERRAL = "referral"
    IMMUNISATION = "immunisation"
    PHOTOGRAPH = "photograph"
    DIRECTIVE = "directive"
    LETTER = "letter"
    RECORD = "record"
    PRESCRIPTION = "prescription"
    INSURANCE_CARD = "insurance-card"
    INSURANCE_FORM = "insurance-form"
    IDENTITY = "identity"
    CONSENT = "consent"
    FORM = "form"


class Category(StrEnum):
    """Who documents of a type are for."""

    CLINICAL = "clinical"
    """For clinicians."""
    PRESCRIPTION = "prescription"
    """For clinicians: a picture of a prescription."""
    ADMINISTRATIVE = "administrative"
    """For the desk as well."""


class DocumentStatus(StrEnum):
    """FHIR R4 DocumentReference status, those that are used here."""

    CURRENT = "current"
    """It holds."""
    ENTERED_IN_ERROR = "entered-in-error"
    """It was removed, and is kept."""


class DocumentSort(StrEnum):
    """By what a list of documents is ordered."""

    FILED = "filed"
    DATED = "dated"
    TITLE = "title"


class MediaType(StrEnum):
    """The kinds of files that are taken."""

    PDF = "application/pdf"
    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    TEXT = "text/plain"


@dataclass(frozen=True, slots=True)
class DocumentTypeRow:
    """A type of document: its LOINC code and name ("" where LOINC has none), and who it is for."""

    type: DocumentType
    code: str
    """LOINC; empty where it has none."""
    display: str
    """LOINC's name for it."""
    category: Category


@dataclass(frozen=True, slots=True)
class Held:
    """What lies in the archive and no row knows of yet: made by `Archive.holding`."""

    media_type: MediaType
    size: int
    sha256: str
    pages: int | None
    filename: str
    content_key: str
    thumbnail_key: str | None


@dataclass(frozen=True, slots=True)
class FileDocument:
    """A document that is to be kept with a patient. Without a title it gets its file's name, or its type's."""

    patient_id: UUID
    type: DocumentType
    title: str = ""
    dated_on: date | None = None
    medication_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class EditDocument:
    """New values for what is said of a document."""

    id: UUID
    version: int
    type: DocumentType
    title: str
    dated_on: date
    medication_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class DocumentQuery:
    """Which documents of one patient. Removed ones are those of status entered-in-error."""

    patient_id: UUID
    type: DocumentType | None = None
    category: Category | None = None
    medication_id: UUID | None = None
    status: DocumentStatus = DocumentStatus.CURRENT
    sort: DocumentSort = DocumentSort.FILED
    descending: bool = True
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """What is said of a document. `code` is LOINC's for its type, or empty."""

    id: UUID
    patient_id: UUID
    type: DocumentType
    code: str
    category: Category
    title: str
    dated_on: date
    medication_id: UUID | None
    status: DocumentStatus
    status_at: datetime
    filename: str
    media_type: MediaType
    size: int
    """In bytes."""
    sha256: str
    pages: int | None
    has_thumbnail: bool
    author_id: UUID | None
    author: str
    from_patient: bool
    filed_at: datetime
    version: int
    expired_at: datetime | None = None
    """Since when the content of a removed document is not kept any more."""


@dataclass(frozen=True, slots=True)
class PictureRow:
    """Somebody's picture: of an account or of a patient."""

    id: UUID
    user_id: UUID | None
    patient_id: UUID | None
    media_type: MediaType
    size: int
    taken_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Quota:
    """How much is kept: of what one patient has sent in, documents and bytes; and of the clinic in all (0: no bound)."""

    patient_count: int = 200
    patient_bytes: int = 250 * 1024 * 1024
    clinic_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Displaced:
    """Where contents lie that no row knows of any more once the unit of work is committed."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A content as the archive knows it: its key, and what its bytes have to be (None for a thumbnail)."""

    key: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """Where the bytes of something lie, for `Archive.read`, and how they are handed out."""

    key: str
    media_type: MediaType
    filename: str
    """A name to save it under, with the extension of its kind."""
    sha256: str | None = None
    """What the bytes have to be; None for a thumbnail, which its seal alone vouches for."""
    version: int | None = None
    """Of what may be replaced: which it is."""
