"""Where sealed contents lie: a folder here, or an object store elsewhere (see `s3`). Whole or not at all, under names of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from clinicdesk.core.errors import Unavailable
from clinicdesk.core.files import disk_errors, write_private

_KEY = re.compile(r"[0-9a-f]{32}")


class Store(Protocol):
    """Keeps bytes under keys of 32 hex digits. Every method raises Unavailable where the store is away or full."""

    def put(self, key: str, sealed: bytes | bytearray) -> None:
        """Keep all of it, or nothing."""

    def get(self, key: str) -> bytes:
        """What was kept. Raises Unavailable("content_missing")."""

    def delete(self, key: str) -> None:
        """Keep it no longer; nothing happens where it is not there."""

    def contents(self) -> Iterator[tuple[str, datetime]]:
        """Everything that is kept, and since when."""


class Folder:
    """A store in a folder of this machine, or one that several machines share. It is made when it is first needed."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def put(self, key: str, sealed: bytes | bytearray) -> None:
        file = self.file(key)
        with disk_errors():
            self._place.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.parent.mkdir(mode=0o700, exist_ok=True)
            write_private(file, sealed)

    def get(self, key: str) -> bytes:
        with disk_errors():
            try:
                return self.file(key).read_bytes()
            except FileNotFoundError as error:
                raise Unavailable("content_missing") from error

    def delete(self, key: str) -> None:
        with disk_errors():
            self.file(key).unlink(missing_ok=True)

    def contents(self) -> Iterator[tuple[str, datetime]]:
        with disk_errors():
            for file in sorted(self._place.glob("[0-9a-f][0-9a-f]/*")):
                if _KEY.fullmatch(file.name):
                    yield file.name, datetime.fromtimestamp(file.stat().st_mtime, UTC)

    def file(self, key: str) -> Path:
        """Where something is kept, or would be."""
        checked = check_key(key)
        return self._place / checked[:2] / checked


class Nowhere:
    """The store of a server that was given none: empty, and whatever is asked of it is Unavailable("documents_nowhere")."""

    def put(self, key: str, sealed: bytes | bytearray) -> None:
        raise Unavailable("documents_nowhere")

    def get(self, key: str) -> bytes:
        raise Unavailable("documents_nowhere")

    def delete(self, key: str) -> None:
        raise Unavailable("documents_nowhere")

    def contents(self) -> Iterator[tuple[str, datetime]]:
        return iter(())


def check_key(key: str) -> str:
    """The key, which is one of ours and so can lead nowhere else."""
    if not _KEY.fullmatch(key):
        raise AssertionError("not a key of the archive")
    return key
