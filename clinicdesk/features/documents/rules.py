"""What documents there are and whom each type is for, and how their names are tidied. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.text import one_line
from clinicdesk.features.documents.schemas import Category, DocumentType, DocumentTypeRow, MediaType

TITLE_MOST = 200
FILENAME_MOST = 200

_C = Category


@dataclass(frozen=True, slots=True)
class Described:
    """What is known of a type: its LOINC code and name, and whom it is for."""

    code: str
    display: str
    category: Category


# The one table of who sees what. A referral says what the patient comes for, so it is clinical like what answers it.
TYPES: Mapping[DocumentType, Described] = {
    DocumentType.LABORATORY: Described("11502-2", "Laboratory report", _C.CLINICAL),
    DocumentType.IMAGING: Described("18748-4", "Diagnostic imaging study", _C.CLINICAL),
    DocumentType.DISCHARGE: Described("18842-5", "Discharge summary", _C.CLINICAL),
    DocumentType.CONSULTATION: Described("11488-4", "Consult note", _C.CLINICAL),
    DocumentType.PROCEDURE: Described("28570-0", "Procedure note", _C.CLINICAL),
    DocumentType.REFERRAL: Described("57133-1", "Referral note", _C.CLINICAL),
    DocumentType.IMMUNISATION: Described("11369-6", "History of Immunization", _C.CLINICAL),
    DocumentType.PHOTOGRAPH: Described("72170-4", "Photographic image", _C.CLINICAL),
    DocumentType.DIRECTIVE: Described("42348-3", "Advance directives", _C.CLINICAL),
    DocumentType.LETTER: Described("51852-2", "Letter", _C.CLINICAL),
    DocumentType.RECORD: Described("11503-0", "Medical records", _C.CLINICAL),
    DocumentType.PRESCRIPTION: Described("57833-6", "Prescription for medication", _C.PRESCRIPTION),
    DocumentType.INSURANCE_CARD: Described("64290-0", "Health insurance card", _C.ADMINISTRATIVE),
    DocumentType.INSURANCE_FORM: Described("64291-8", "Health insurance-related form", _C.ADMINISTRATIVE),
    DocumentType.IDENTITY: Described("", "Identity document", _C.ADMINISTRATIVE),
    DocumentType.CONSENT: Described("59284-0", "Consent Document", _C.ADMINISTRATIVE),
    DocumentType.FORM: Described("", "Form", _C.ADMINISTRATIVE),
}

EXTENSIONS: Mapping[MediaType, frozenset[str]] = {
    MediaType.PDF: frozenset({"pdf"}),
    MediaType.JPEG: frozenset({"jpg", "jpeg", "jpe", "jfif"}),
    MediaType.PNG: frozenset({"png"}),
    MediaType.WEBP: frozenset({"webp"}),
    MediaType.TEXT: frozenset({"txt", "text"}),
}
OWN_EXTENSION: Mapping[MediaType, str] = {
    MediaType.PDF: "pdf", MediaType.JPEG: "jpg", MediaType.PNG: "png", MediaType.WEBP: "webp", MediaType.TEXT: "txt",
}  # fmt: skip

_UNFIT = re.compile(r'[<>:"|?*\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]')
"""What no file system likes in a name, and what makes a name look like another one."""


def is_administrative(type_: DocumentType) -> bool:
    """Whether the desk sees documents of this type."""
    return TYPES[type_].category is Category.ADMINISTRATIVE


def document_types() -> list[DocumentTypeRow]:
    """The types of documents there are, with what is known of each."""
    return [DocumentTypeRow(type_, known.code, known.display, known.category) for type_, known in TYPES.items()]


def clean_filename(given: str) -> str:
    """The last part of what a client calls its file, as text that can be shown; empty where nothing is left."""
    last = PurePosixPath(PureWindowsPath(given.replace("\x00", "")).name).name
    tidy = " ".join(_UNFIT.sub("", last).split()).strip(". ")
    stem, dot, extension = tidy.rpartition(".")
    if len(tidy) > FILENAME_MOST:
        tidy = (
            stem[: FILENAME_MOST - len(extension) - 1] + dot + extension
            if len(extension) < 10
            else tidy[:FILENAME_MOST]
        )
    return one_line(tidy, "filename", FILENAME_MOST)


def check_extension(filename: str, media_type: MediaType) -> None:
    """Refuse a file that is called what it is not. Raises InvalidInput("document_extension")."""
    _, dot, extension = filename.rpartition(".")
    if filename and (not dot or extension.lower() not in EXTENSIONS[media_type]):
        raise InvalidInput("document_extension", field="filename")


def title_of(given: str, filename: str, type_: DocumentType) -> str:
    """The title of a document: the given one, or its file's name without the extension, or its type.

    Raises InvalidInput("too_long", "control_characters") with the field "title".
    """
    title = one_line(given, "title", TITLE_MOST)
    return title or filename.rpartition(".")[0] or TYPES[type_].display
