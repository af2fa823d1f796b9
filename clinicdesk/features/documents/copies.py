"""Copies of what lies in the archive, beside the backups of one folder: each content once, however many of them know of it.

Contents never change and are kept sealed, as they lie in the archive, so a backup adds what came since the one before. Nothing is
ever removed here, and nothing that the archive holds is written over.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Select, inspect, literal_column, select, true, union_all

from clinicdesk.core.database import open_database
from clinicdesk.core.errors import Unavailable
from clinicdesk.core.files import disk_errors
from clinicdesk.features.documents.archive import FOLDER_NAME as ARCHIVE_NAME
from clinicdesk.features.documents.archive import Archive
from clinicdesk.features.documents.models import Document, Picture
from clinicdesk.features.documents.schemas import Sealed
from clinicdesk.features.documents.store import Folder, Store

FOLDER_NAME = "clinicdesk-documents"
"""The folder beside backups."""
_BATCH = 1_000
_LOST = frozenset({"content_missing", "content_damaged"})


def _all(*, expiring: bool = True) -> Select[tuple[str, str | None]]:
    """Every content that rows know of; `expiring` where the schema knows of documents whose content is kept no longer."""
    kept = Document.expired_at.is_(None) if expiring else true()
    found = union_all(
        select(Document.content_key.label("key"), Document.sha256.label("sha256")).where(kept),
        select(Document.thumbnail_key, literal_column("NULL")).where(kept, Document.thumbnail_key.is_not(None)),
        select(Picture.content_key, Picture.sha256),
        select(Picture.thumbnail_key, literal_column("NULL")),
    ).subquery()
    return select(found.c.key, found.c.sha256).order_by(found.c.key)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a backup or a restore did about contents: how many there are, how many were new, and where they lie.

    `held` lay here and are of no row of what was restored; they are kept aside. `lost` are not there, or not what they were.
    """

    place: str
    contents: int
    added: int = 0
    held: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Looked:
    """How many contents rows know of, and how many of them are missing, or not what they were."""

    contents: int
    missing: int = 0
    damaged: int = 0

    @property
    def ok(self) -> bool:
        return not (self.missing or self.damaged)


def known(connection: Connection) -> Iterator[Sealed]:
    """Every content that a row knows of, by key, whichever schema the database is of."""
    there = inspect(connection)
    if not there.has_table(Document.__tablename__):
        return
    expiring = any(column["name"] == "expired_at" for column in there.get_columns(Document.__tablename__))
    with connection.execute(_all(expiring=expiring).execution_options(yield_per=_BATCH)) as found:
        for row in found:
            yield Sealed(row.key, row.sha256)


def still_known(connection: Connection, keys: Collection[str]) -> int:
    """How many of the keys a row knows of."""
    return sum(sealed.key in keys for sealed in known(connection)) if keys else 0


def look(connection: Connection, store: Store) -> Looked:
    """Whether everything that rows know of is there. It is not read. Raises Unavailable where the store is away."""
    there = {key for key, _ in store.contents()}
    contents = missing = 0
    for sealed in known(connection):
        contents += 1
        missing += sealed.key not in there
    return Looked(contents, missing)


def read_through(
    connection: Connection, archive: Archive, copies: Copies | None = None, store: Store | None = None
) -> Looked:
    """Read everything that rows know of, and see that it is what they say; what is not comes from the copies, if it can.

    Raises Unavailable where the store is away or full.
    """
    contents = 0
    lost = dict.fromkeys(_LOST, 0)
    for sealed in known(connection):
        contents += 1
        try:
            archive.take_out(sealed)
        except Unavailable as error:
            if error.reason not in _LOST:
                raise
            if copies is None or store is None or not copies.replace(sealed, store):
                lost[error.reason] += 1
    return Looked(contents, lost["content_missing"], lost["content_damaged"])


class Copies:
    """The copies beside the backups of one folder, of contents of this archive.

    What is lost, which is missing or damaged where it should be taken from, is counted and hinders nothing else. Raises
    Unavailable where a disk or a store refuses.
    """

    def __init__(self, backups: Path, archive: Archive) -> None:
        self._store = Folder(backups / FOLDER_NAME)
        self._archive = archive
        self.added = 0
        self.lost: set[str] = set()

    def keep(self, wanted: Iterable[Sealed]) -> Iterator[Sealed]:
        """Copy what is not here yet; gives back, one by one, all that is wanted."""
        there = {key for key, _ in self._store.contents()}
        for sealed in wanted:
            if sealed.key not in there:
                self._bring(sealed, self._archive, self._store)
            yield sealed

    def put_back(self, wanted: Iterable[Sealed], store: Store) -> None:
        """Put into the store of the archive what it does not hold yet."""
        there = {key for key, _ in store.contents()}
        for sealed in wanted:
            if sealed.key not in there:
                self.replace(sealed, store)

    def replace(self, sealed: Sealed, store: Store) -> bool:
        """Put one into the store of the archive, whatever is there; says whether there was a copy to take."""
        self._bring(sealed, self._archive.over(self._store), store)
        return sealed.key not in self.lost

    def _bring(self, sealed: Sealed, source: Archive, target: Store) -> None:
        try:
            target.put(sealed.key, source.take_out(sealed))
            self.added += 1
        except Unavailable as error:
            if error.reason not in _LOST:
                raise
            self.lost.add(sealed.key)


def back_up_contents(connection: Connection, archive: Archive, backups: Path) -> Taken:
    """Copy what rows of an open database know of, and is not there yet, to the folder of its backups. Raises Unavailable."""
    copies = Copies(backups, archive)
    contents = sum(1 for _ in copies.keep(known(connection)))
    return Taken("folder", contents, copies.added, lost=len(copies.lost))


class Brought:
    """What a restore does about contents, in two steps: what its copy knows of is put back before it takes the place of another
    database, and read through afterwards."""

    def __init__(self, archive: Archive, store: Store, backups: Path) -> None:
        self._archive = archive
        self._store = store
        self._copies = Copies(backups, archive)
        self.held = 0

    def bring(self, wanted: Sequence[Sealed], aside: Path) -> None:
        """Put back what is not here, and keep aside what is here and the copy does not know of.

        Raises Unavailable where a disk is full: then nothing has changed that anybody could see.
        """
        if isinstance(self._store, Folder):
            self.held = hold_aside(self._store, wanted, aside / ARCHIVE_NAME)
        self._copies.put_back(wanted, self._store)

    def taken(self, connection: Connection) -> Taken:
        """Read everything through that the restored database knows of, and say what was done. Raises Unavailable."""
        found = read_through(connection, self._archive, self._copies, self._store)
        lost = found.missing + found.damaged
        return Taken(place_of(self._store), found.contents, self._copies.added, self.held, lost)


def place_of(store: Store) -> str:
    """What a store is called where it is told of."""
    return "folder" if isinstance(store, Folder) else "object store"


def known_in_file(file: Path, key: bytes, *, encrypted: bool) -> list[Sealed]:
    """What a copy of an embedded database knows of."""
    database = open_database(file, key, encrypted=encrypted)
    try:
        with database.engine.connect() as connection:
            return list(known(connection))
    finally:
        database.close()


def hold_aside(folder: Folder, wanted: Iterable[Sealed], aside: Path) -> int:
    """Keep what lies in a folder and is not wanted under another one as well, whatever becomes of it here; says how many.

    What a restored database does not know of is removed by the sweep, and a way back needs it.
    """
    keys = {sealed.key for sealed in wanted}
    held = 0
    with disk_errors():
        for key, _ in folder.contents():
            if key in keys:
                continue
            file, second = folder.file(key), aside / key[:2] / key
            second.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                os.link(file, second)
            except FileExistsError:
                pass
            except OSError:  # another disk, or one that knows no links
                shutil.copy2(file, second)
            held += 1
    return held
