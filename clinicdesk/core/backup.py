"""Copies the database while it is in use, under the same key, and puts such a copy back in its place.

A copy gets its name only after it was read through and found whole. What a restored copy replaces is set aside, not lost.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from clinicdesk.core import checkpoints, keys, trail
from clinicdesk.core.database import DATABASE_NAME, bare_connection, derive_key
from clinicdesk.core.errors import Conflict, NotFound, Unavailable
from clinicdesk.core.files import create_private, move_into_place, partial_name

FOLDER_NAME = "backups"
ASIDE_NAME = "set-aside"
KEPT = 30
_PREFIX = "clinic-"


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the database that was found whole: where it is, its schema, and the length of its audit trail."""

    file: Path
    revision: str
    entries: int


def make(engine: Engine, key: keys.Key, target: Path) -> Copy:
    """Copy the open database to `target`, one consistent state of it, encrypted under the same key, and verify the copy.

    Raises Conflict("backup_exists") where there is a file already.
    """
    if target.exists():
        raise Conflict("backup_exists", file=str(target))
    partial = partial_name(target)
    create_private(partial)
    try:
        with _opened(partial, key) as copy, engine.connect() as source:
            # In one step, and page by page: row numbers stay what the search index knows them as.
            source.connection.driver_connection.backup(copy)  # type: ignore[union-attr]
            copy.execute("PRAGMA journal_mode = DELETE")  # a copy is one file
        found = inspect(partial, key)
        move_into_place(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return Copy(target, found.revision, found.entries)


def next_name(folder: Path, at: datetime, why: str = "") -> Path:
    """Where a backup of this moment goes when nobody names a file; `why` keeps it from ever being pruned."""
    place = folder / FOLDER_NAME
    place.mkdir(mode=0o700, exist_ok=True)
    return place / f"{why or _PREFIX}{at:%Y%m%dT%H%M%S%f}Z.db"


def kept(folder: Path) -> list[Path]:
    """The backups that were made without a name of their own, newest first."""
    return sorted((folder / FOLDER_NAME).glob(f"{_PREFIX}*.db"), reverse=True)


def prune(folder: Path) -> None:
    """Remove all but the newest 30 of the backups that nobody gave a name."""
    for file in kept(folder)[KEPT:]:
        file.unlink()


def inspect(file: Path, key: keys.Key) -> Copy:
    """Read a copy through and check the seal of its audit trail.

    Raises Unavailable: backup_other_key (no backup, or not under this key), backup_damaged.
    """
    with _opened(file, key) as copy:
        # Every page is read, and SQLCipher authenticates each. That indexes agree with their tables is `check`'s question:
        # a copy of pages cannot change the answer, and asking takes eight times as long.
        if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise Unavailable("backup_damaged")
        [revision] = copy.execute("SELECT version_num FROM alembic_version").fetchone() or [""]
        head = copy.execute("SELECT seq, hash, mac FROM audit_head").fetchone()
        last = copy.execute("SELECT seq, hash FROM audit_entry ORDER BY seq DESC LIMIT 1").fetchone()
    if head is None and last is None:
        return Copy(file, revision, 0)
    if head is None or head[:2] != last or head[2] != trail.seal(derive_key(key.secret, "audit"), *head[:2]):
        raise Unavailable("backup_damaged")
    return Copy(file, revision, head[0])


@contextmanager
def _opened(file: Path, key: keys.Key) -> Iterator[Any]:
    connection = bare_connection(file, key.secret if key.encrypted else None)
    try:
        yield connection
    except connection.DatabaseError as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_NOTADB":
            raise Unavailable("backup_other_key") from error
        if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
            raise Unavailable("disk_full") from error
        raise Unavailable("backup_damaged") from error
    finally:
        connection.close()


# ---- putting one back ----------------------------------------------------------------------------------------------


def fetch(folder: Path, source: Path, key: keys.Key) -> Copy:
    """Bring a backup into the data folder, not yet in its place, and verify what has arrived."""
    if not source.is_file():
        raise NotFound("backup_missing", file=str(source))
    arrived = partial_name(folder / DATABASE_NAME)
    create_private(arrived)
    try:
        shutil.copyfile(source, arrived)
        return inspect(arrived, key)
    except BaseException:
        arrived.unlink(missing_ok=True)
        raise


def put_in_place(folder: Path, copy: Copy, at: datetime, descriptor: keys.Descriptor | None = None) -> Path | None:
    """Make a fetched copy the database, under a new key's descriptor if one is given. Nobody may have the database open.

    What was there goes to `set-aside/` and is returned as a folder; None where nothing was there. The checkpoints of the
    audit trail go with it, last: as long as they are here and the database is not, the program makes no new clinic.
    """
    aside = aside_of(folder, at)
    if descriptor is not None:
        _set_aside(folder, aside, [keys.DESCRIPTOR_NAME])
        keys.store(folder, descriptor)
    _set_aside(folder, aside, [DATABASE_NAME, f"{DATABASE_NAME}-wal", f"{DATABASE_NAME}-shm"])
    move_into_place(copy.file, folder / DATABASE_NAME)
    _set_aside(folder, aside, [checkpoints.FILE_NAME])
    return aside if aside.is_dir() else None


def set_aside(folder: Path, at: datetime, names: list[str]) -> None:
    """Move files of the data folder to `set-aside/`, those that are there."""
    _set_aside(folder, aside_of(folder, at), names)


def aside_of(folder: Path, at: datetime) -> Path:
    """Where things go that are set aside at this moment."""
    return folder / ASIDE_NAME / f"{at:%Y%m%dT%H%M%S%f}Z"


def _set_aside(folder: Path, aside: Path, names: list[str]) -> None:
    for name in names:
        if (folder / name).exists():
            aside.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / name).replace(aside / name)
