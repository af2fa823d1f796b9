"""Finds what is to be imported: files, folders and archives, one document at a time, nothing unpacked to the disk."""

from __future__ import annotations

import json
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path
from stat import S_ISREG
from typing import Any

from clinicdesk.core.errors import ClinicError, InvalidInput, NotFound, Unavailable

LARGEST = 256 * 1024 * 1024
"""Bytes of one document; more is not read (an archive can hold far more than it weighs)."""

_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2")
_DOCUMENTS = (".json", ".ndjson")


@dataclass(frozen=True, slots=True)
class Document:
    """A file to import by the name that a person knows it by, or why it cannot be read."""

    name: str
    content: bytes = b""
    error: ClinicError | None = None


def documents(paths: Sequence[Path]) -> Iterator[Document]:
    """Every document that the paths hold: files as they are, folders through all levels, archives member by member."""
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in _DOCUMENTS and p.is_file())
            if not inside:
                yield Document(str(path), error=NotFound("nothing_to_import"))
            for file in inside:
                yield _file(file, str(file.relative_to(path.parent)))
        elif path.name.lower().endswith(_ARCHIVES):
            yield from _archive(path)
        else:
            yield _file(path, path.name)


def _file(path: Path, name: str) -> Document:
    try:
        facts = path.stat()
        if not S_ISREG(facts.st_mode):  # a pipe has no end, and each file is read twice
            return Document(name, error=Unavailable("file_unreadable"))
        if facts.st_size > LARGEST:
            return Document(name, error=InvalidInput("file_too_large"))
        return Document(name, path.read_bytes())
    except FileNotFoundError:
        return Document(name, error=NotFound("file_not_found"))
    except OSError:
        return Document(name, error=Unavailable("file_unreadable"))


def _archive(path: Path) -> Iterator[Document]:
    """The members in the order in which they lie: an archive is read once, as a stream."""
    found = False
    try:
        with tarfile.open(path, mode="r|*") as archive:
            for member in archive:
                if not member.isfile() or not member.name.lower().endswith(_DOCUMENTS):
                    continue
                found = True
                name = f"{path.name}/{member.name}"
                if member.size > LARGEST:
                    yield Document(name, error=InvalidInput("file_too_large"))
                    continue
                stream = archive.extractfile(member)
                yield Document(name, stream.read() if stream else b"")
    except FileNotFoundError:
        yield Document(path.name, error=NotFound("file_not_found"))
    except (tarfile.TarError, LZMAError, zlib.error, EOFError, OSError):
        yield Document(path.name, error=InvalidInput("archive_damaged"))
    else:
        if not found:
            yield Document(path.name, error=NotFound("nothing_to_import"))


def parsed(document: Document) -> list[tuple[str, Any]]:
    """The JSON values in a document, each with its position: one, or one a line of NDJSON.

    Raises what the document could not be read for, and InvalidInput("not_json") with the position.
    """
    if document.error is not None:
        raise document.error
    if not document.name.lower().endswith(".ndjson"):
        return [("", _json(document.content, ""))]
    try:
        lines = document.content.decode("utf-8-sig").splitlines()
    except ValueError:
        raise InvalidInput("not_json") from None
    numbered = ((f"line {number}", line) for number, line in enumerate(lines, start=1) if line.strip())
    return [(position, _json(line, position)) for position, line in numbered]


def _json(content: str | bytes, position: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise InvalidInput("not_json", position=position) from None
