"""Looks at what somebody wants to have kept: it is what it is called, it is whole, it does nothing, it fits.

Three things have to agree: what the file is called, what its first bytes say, and what a parser of that kind makes of it.
Of an image nothing is kept but the picture: it is decoded and encoded anew, upright, without what a camera wrote into it.
"""

from __future__ import annotations

import re
import threading
import unicodedata
import zipfile
from dataclasses import dataclass, field
from io import BytesIO

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.documents import images, pdfs, rules
from clinicdesk.features.documents.schemas import MediaType

_MIB = 1024 * 1024
MOST_BYTES = 25 * _MIB
MOST_PICTURE_BYTES = 10 * _MIB

_AT_ONCE = threading.BoundedSemaphore(2)
"""How many images are decoded at a time: the largest that is taken needs a few hundred megabytes."""

_MARKUP = re.compile(r"\s*<[!?/a-z]", re.I)
_STARTS = (
    (b"%PDF-", MediaType.PDF),
    (b"\xff\xd8\xff", MediaType.JPEG),
    (b"\x89PNG\r\n\x1a\n", MediaType.PNG),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that may be kept: what of it is kept, and what it is."""

    content: bytes = field(repr=False)
    media_type: MediaType
    filename: str
    pages: int | None
    thumbnail: bytes | None = field(repr=False)


def check_document(content: bytes, filename: str = "", told: str = "") -> Checked:
    """The document, where it may be kept. `told` is the media type that the sender named, empty where none was.

    Raises InvalidInput: document_empty, document_too_large, document_kind (of no kind that is taken), document_extension,
    document_told (it is something else than was told), document_damaged, document_encrypted, document_active (it would do
    something), document_complex, image_too_large; "too_long" and "control_characters" for the filename.
    """
    named = rules.clean_filename(filename)
    kind = _agreed(content, MOST_BYTES, named, told)
    if kind is MediaType.TEXT:
        return Checked(content, kind, named, None, None)
    if kind is MediaType.PDF:
        return Checked(content, kind, named, pdfs.check(content), None)
    with _AT_ONCE:
        image = images.decode(content, kind)
        anew = images.encode(image, kind)
        small = images.thumbnail(image)
    if len(anew) > MOST_BYTES:
        raise InvalidInput("document_too_large", field="content", most=MOST_BYTES // _MIB)
    return Checked(anew, kind, named, None, small)


def check_picture(content: bytes, told: str = "") -> Checked:
    """The picture of a person: the middle of an image, square and small. Raises InvalidInput as `check_document` does."""
    kind = _agreed(content, MOST_PICTURE_BYTES, "", told)
    if kind in (MediaType.TEXT, MediaType.PDF):
        raise InvalidInput("picture_kind", field="content")
    with _AT_ONCE:
        image = images.square(images.decode(content, kind))
        return Checked(images.encode(image, MediaType.JPEG), MediaType.JPEG, "", None, images.thumbnail(image))


def sniff(content: bytes) -> MediaType:
    """What the bytes are, by how they begin; text is what has nothing in it but text. Raises InvalidInput("document_kind")."""
    for start, kind in _STARTS:
        if content.startswith(start):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return MediaType.WEBP
    if _is_text(content):
        return MediaType.TEXT
    raise InvalidInput("document_kind", field="content")


def _agreed(content: bytes, most: int, filename: str, told: str) -> MediaType:
    if not content.strip():
        raise InvalidInput("document_empty", field="content")
    if len(content) > most:
        raise InvalidInput("document_too_large", field="content", most=most // _MIB)
    kind = sniff(content)
    rules.check_extension(filename, kind)
    named = told.partition(";")[0].strip().lower()
    if named not in ("", "application/octet-stream", kind.value):
        raise InvalidInput("document_told", field="content")
    if kind is MediaType.PDF and zipfile.is_zipfile(BytesIO(content)):
        raise InvalidInput("document_kind", field="content")  # two things at once; an image is encoded anew anyhow
    return kind


def _is_text(content: bytes) -> bool:
    """Whether it is text in UTF-8 that no browser would take for a page."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    if _MARKUP.match(text):
        return False
    return not any(unicodedata.category(one) == "Cc" for one in set(text) - set("\t\n\r\f"))
