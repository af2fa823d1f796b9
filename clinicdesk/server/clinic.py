"""The clinic on PostgreSQL as the command line has it: opened by the server's settings, backed up, restored."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from clinicdesk.core import backup, checkpoints, pg_backup, upkeep
from clinicdesk.core.checkpoints import Checkpoints
from clinicdesk.core.clock import utc_now
from clinicdesk.core.database import derive_key
from clinicdesk.core.errors import NotPermitted, Unavailable
from clinicdesk.core.files import disk_errors
from clinicdesk.core.logs import start_logging
from clinicdesk.core.paths import data_dir
from clinicdesk.core.permissions import Permission
from clinicdesk.core.pg_backup import DumpKeys
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.documents.archive import Archive, archive_in, archive_of
from clinicdesk.features.documents.copies import Brought, Copies, Taken, known, look, place_of, still_known
from clinicdesk.features.documents.schemas import Sealed
from clinicdesk.features.documents.store import Folder, Store
from clinicdesk.opening import BackedUp, Restored
from clinicdesk.server.serving import on_server, open_on_server, store_of
from clinicdesk.server.settings import Settings, with_data_dir

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ServerClinic:
    """An open clinic on PostgreSQL; what an open data folder can do, as far as it has a meaning there. Close it when done."""

    database: Database
    folder: Path
    checkpoints: Checkpoints = field(repr=False)
    _settings: Settings = field(repr=False)

    def back_up(self, actor: Actor, target: Path | None = None) -> BackedUp:
        """Copy the database to `target`, or to a dated file of the data folder, while everyone works on; try the copy out.

        Documents that lie in a folder are copied beside it; of those in an object store it is seen that they are there.
        Raises NotPermitted, Conflict("backup_exists"), Unavailable.
        """
        url, _ = on_server(self._settings)
        file = target or backup.next_name(self.folder, self.database.clock())
        store = store_of(self._settings, self.folder)
        documents = _Copied(store, archive_of(self.database, store), file.parent)
        with disk_errors():
            with self.database.write(actor) as tx:
                upkeep.back_up(tx)
            copy = pg_backup.make(url, _keys(self._settings), file, documents.along)
            if target is None:
                backup.prune(self.folder)
            return BackedUp(copy.file, copy.revision, copy.entries, documents.taken(self.database))

    def recovery_key(self, _actor: Actor) -> str:
        """There is none. Raises Unavailable("not_on_postgresql")."""
        raise Unavailable("not_on_postgresql")

    def set_passphrase(self, _actor: Actor, _passphrase: str) -> None:
        """There is nothing to put under one. Raises Unavailable("not_on_postgresql")."""
        raise Unavailable("not_on_postgresql")

    def close(self) -> None:
        """Leave a last checkpoint, and give back every connection."""
        try:
            self.checkpoints.note()
        except (OSError, DBAPIError) as error:
            log.warning("no last checkpoint of the audit trail: %s", type(error).__name__)
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_server_clinic(folder: Path | None) -> ServerClinic:
    """Open the clinic of the server's settings, in the present schema. Raises SettingsWrong, Unavailable."""
    settings = with_data_dir(folder)
    place = data_dir(settings.data_dir)
    start_logging(place)
    database, checkpoints = open_on_server(settings)
    return ServerClinic(database, place, checkpoints, settings)


def restore_server_clinic(folder: Path | None, file: Path, actor: Actor, *, set_aside: bool) -> Restored:
    """Put a backup into the database of the settings, which nobody may have open; see `pg_backup.restore`.

    The checkpoints of the trail that was here until now go to `set-aside/`, since the restored one is another.
    """
    if not actor.may(Permission.MAINTAIN):
        raise NotPermitted(permission=Permission.MAINTAIN.value)
    settings = with_data_dir(folder)
    place = data_dir(settings.data_dir)
    start_logging(place)
    url, _ = on_server(settings)
    at = utc_now()
    store = store_of(settings, place)
    documents = Brought(archive_in(store, _keys(settings).audit), store, file.parent)

    def bring_documents() -> None:
        along = pg_backup.along_with(file, _keys(settings))
        documents.bring([Sealed(key, digest) for key, digest in along], backup.aside_of(place, at))

    with disk_errors():
        copy, schema = pg_backup.restore(url, _keys(settings), file, at, set_aside=set_aside, before=bring_documents)
        backup.set_aside(place, at, [checkpoints.FILE_NAME])
    with open_server_clinic(folder) as clinic:
        with clinic.database.write(actor) as tx:
            upkeep.restore(tx, copy.entries)
        with clinic.database.engine.connect() as connection:
            return Restored(place, copy.entries, None, documents.taken(connection), schema)


class _Copied:
    """What a backup does about the documents of a server: those in a folder are copied beside it.

    An object store keeps versions of its own; of what lies there nothing is copied, but it is looked whether it is there.
    """

    def __init__(self, store: Store, archive: Archive, backups: Path) -> None:
        self._store = store
        self._copies = Copies(backups, archive)
        self._contents = 0

    def along(self, connection: Connection) -> Iterator[tuple[str, str | None]]:
        """Copy what the database knows of, and say what that is."""
        wanted = known(connection)
        for sealed in self._copies.keep(wanted) if isinstance(self._store, Folder) else wanted:
            self._contents += 1
            yield sealed.key, sealed.sha256

    def taken(self, database: Database) -> Taken:
        """What was done. What has been replaced since the copy of the database was made is not lost."""
        with database.engine.connect() as connection:
            if isinstance(self._store, Folder):
                lost = still_known(connection, self._copies.lost)
            else:
                lost = look(connection, self._store).missing
        return Taken(place_of(self._store), self._contents, self._copies.added, lost=lost)


def _keys(settings: Settings) -> DumpKeys:
    _, secret = on_server(settings)
    return DumpKeys(derive_key(secret, "backup"), derive_key(secret, "audit"))
