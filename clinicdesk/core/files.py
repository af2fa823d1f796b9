"""Writes a file whole or not at all, open to its owner alone, and tells in our words what the disk refuses."""

from __future__ import annotations

import errno
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clinicdesk.core.errors import Unavailable

_REFUSALS = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EACCES: "no_access",
    errno.EPERM: "no_access",
    errno.EROFS: "no_access",
    errno.ENOENT: "path_missing",
    errno.ENOTDIR: "path_missing",
}


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn what the operating system refuses inside the block into Unavailable.

    Its codes are disk_full, no_access, path_missing and disk_error.
    """
    try:
        yield
    except OSError as error:
        raise Unavailable(_REFUSALS.get(error.errno or 0, "disk_error")) from error


def create_private(file: Path) -> None:
    """Make an empty file that only its owner can read. Raises FileExistsError where there is one."""
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def partial_name(file: Path) -> Path:
    """A name beside `file`, not used yet, under which it is written before it is moved into its place."""
    return file.with_name(f".{file.name}.{secrets.token_hex(4)}.partial")


def write_private(file: Path, content: bytes | bytearray) -> None:
    """Put `content` in `file`, open to its owner alone. A crash leaves the old file or the new one, never a part."""
    partial = partial_name(file)
    try:
        create_private(partial)
        partial.write_bytes(content)
        move_into_place(partial, file)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def move_into_place(partial: Path, file: Path) -> None:
    """Give a finished file its name, in place of what had it, when all of it is on the disk."""
    with partial.open("rb+") as written:
        os.fsync(written.fileno())
    partial.replace(file)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Windows does this by itself."""
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
