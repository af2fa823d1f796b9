"""Reads a PDF through: anybody can open it, it has pages, and nothing in it runs, starts, calls or carries something."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import BytesIO

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, PdfObject

from clinicdesk.core.errors import InvalidInput

MOST_PAGES = 2_000
MOST_OBJECTS = 30_000
"""Each takes a tenth of a millisecond to read, and whoever sends them decides how many there are."""
_DEEPEST = 100

_ACTIVE_KEYS = frozenset(
    {"/JS", "/JavaScript", "/AA", "/EmbeddedFile", "/EmbeddedFiles", "/EF", "/AF", "/XFA", "/RichMediaContent"}
)
_ACTIVE_ACTIONS = frozenset(
    {
        "/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToE", "/GoToR", "/Rendition", "/Movie", "/Sound",
        "/RichMediaExecute",
    }
)  # fmt: skip
_ACTIVE_KINDS = frozenset({"/FileAttachment", "/RichMedia", "/Movie", "/Sound", "/Screen", "/3D"})
_ACTIVE_WORDS = (b"/JavaScript", b"/Launch", b"/EmbeddedFile", b"/RichMedia")
"""Looked for in the raw bytes too: another reader may find objects that ours does not."""

# It complains of oddities of a file in the log, with parts of what is in it.
logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)


def check(content: bytes) -> int:
    """How many pages the PDF has, where it may be kept.

    Raises InvalidInput: document_damaged, document_encrypted, document_active, document_complex.
    """
    if any(word in content for word in _ACTIVE_WORDS):
        raise InvalidInput("document_active", field="content")
    if content.rfind(b"%%EOF") < 0 or content[content.rfind(b"%%EOF") + 5 :].strip(b"\x00\t\n\x0c\r "):
        raise InvalidInput("document_damaged", field="content")  # cut off, or with something hung on
    try:
        return _read_through(content)
    except InvalidInput:
        raise
    except Exception as error:  # whatever a parser makes of what somebody has put together
        raise InvalidInput("document_damaged", field="content") from error


def _read_through(content: bytes) -> int:
    reader = PdfReader(BytesIO(content))
    if reader.is_encrypted:
        raise InvalidInput("document_encrypted", field="content")
    numbers = {number for generation in reader.xref.values() for number in generation} | set(reader.xref_objStm)
    if len(numbers) > MOST_OBJECTS:
        raise InvalidInput("document_complex", field="content")
    seen = 0
    for held in (reader.trailer, *_objects(reader, numbers)):
        for part in _parts(held):
            seen += 1
            if seen > 20 * MOST_OBJECTS:
                raise InvalidInput("document_complex", field="content")
            if _is_active(part):
                raise InvalidInput("document_active", field="content")
    pages = len(reader.pages)
    if pages > MOST_PAGES:
        raise InvalidInput("document_complex", field="content")
    if not pages:
        raise InvalidInput("document_damaged", field="content")
    return pages


def _objects(reader: PdfReader, numbers: set[int]) -> Iterator[PdfObject]:
    for number in sorted(numbers):
        found = reader.get_object(number)
        if found is not None:
            yield found


def _parts(held: PdfObject, depth: int = 0) -> Iterator[DictionaryObject]:
    """The dictionaries that an object consists of. References are not followed: what they point to is an object as well."""
    if depth > _DEEPEST:
        raise InvalidInput("document_complex", field="content")
    if isinstance(held, DictionaryObject):
        yield held
        for key in held:
            yield from _parts(held.raw_get(key), depth + 1)
    elif isinstance(held, ArrayObject):
        for nth in range(len(held)):
            yield from _parts(list.__getitem__(held, nth), depth + 1)


def _is_active(part: DictionaryObject) -> bool:
    if _ACTIVE_KEYS & part.keys():
        return True
    action, kind = part.get("/S"), part.get("/Subtype")  # references are followed here
    return (isinstance(action, str) and action in _ACTIVE_ACTIONS) or (isinstance(kind, str) and kind in _ACTIVE_KINDS)
