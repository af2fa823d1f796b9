"""The clinic on PostgreSQL as the command line has it: opened by the server's settings, backed up, restored."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

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
from clinicdesk.core.pg_backup import Dump, DumpKeys
from clinicdesk.core.tx import Actor, Database
from clinicdesk.opening import Restored
from clinicdesk.server.serving import on_server, open_on_server
from clinicdesk.server.settings import Settings, with_data_dir

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ServerClinic:
    """An open clinic on PostgreSQL; what an open data folder can do, as far as it has a meaning there. Close it when done."""

    database: Database
    folder: Path
    checkpoints: Checkpoints = field(repr=False)
    _settings: Settings = field(repr=False)

    def back_up(self, actor: Actor, target: Path | None = None) -> Dump:
        """Copy the database to `target`, or to a dated file of the data folder, while everyone works on; try the copy out.

        Raises NotPermitted, Conflict("backup_exists"), Unavailable.
        """
        url, _ = on_server(self._settings)
        with disk_errors():
            with self.database.write(actor) as tx:
                upkeep.back_up(tx)
            copy = pg_backup.make(
                url, _keys(self._settings), target or backup.next_name(self.folder, self.database.clock())
            )
            if target is None:
                backup.prune(self.folder)
        return copy

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
    with disk_errors():
        copy, schema = pg_backup.restore(url, _keys(settings), file, at, set_aside=set_aside)
        backup.set_aside(place, at, [checkpoints.FILE_NAME])
    with open_server_clinic(folder) as clinic, clinic.database.write(actor) as tx:
        upkeep.restore(tx, copy.entries)
    return Restored(place, copy.entries, None, schema)


def _keys(settings: Settings) -> DumpKeys:
    _, secret = on_server(settings)
    return DumpKeys(derive_key(secret, "backup"), derive_key(secret, "audit"))
