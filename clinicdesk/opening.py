"""Opens a clinic's data folder: its key, its database in the present schema, its guards; and restores one from a backup."""

from __future__ import annotations

import getpass
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlalchemy.exc import DBAPIError

from clinicdesk.core import backup, check, keys, letting_go, migrate, upkeep
from clinicdesk.core.checkpoints import FILE_NAME as CHECKPOINTS_NAME
from clinicdesk.core.checkpoints import Checkpoints
from clinicdesk.core.clock import Clock, utc_now
from clinicdesk.core.database import DATABASE_NAME, derive_key, open_database
from clinicdesk.core.errors import ClinicError, InvalidInput, NotFound, NotPermitted, Unavailable
from clinicdesk.core.files import create_private, disk_errors
from clinicdesk.core.locks import IN_USE_NAME, FileLock
from clinicdesk.core.logs import start_logging
from clinicdesk.core.paths import data_dir
from clinicdesk.core.permissions import Permission, Role
from clinicdesk.core.tx import Actor, Database, raise_unavailable
from clinicdesk.features.care.service import CareAccess
from clinicdesk.features.notifications.service import follow
from clinicdesk.features.sync import following
from clinicdesk.features.users.rules import check_password
from clinicdesk.features.users.service import ensure_active

if TYPE_CHECKING:
    from clinicdesk.features.documents.archive import Archive
    from clinicdesk.features.documents.copies import Brought, Taken

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A copy of the database that was found whole, its schema and the length of its trail; and the documents beside it."""

    file: Path
    revision: str
    entries: int
    documents: Taken


@dataclass(slots=True)
class OpenClinic:
    """An open data folder. `warnings` are codes of what a clinic should be told at each start. Close it when done."""

    database: Database
    folder: Path
    warnings: tuple[str, ...]
    checkpoints: Checkpoints = field(repr=False)
    _key: keys.Key = field(repr=False)
    _presence: FileLock = field(repr=False)

    @property
    def archive(self) -> Archive:
        """The archive of documents that belongs to this data."""
        from clinicdesk.features.documents.archive import FOLDER_NAME, archive_of  # decoders, which no start waits for

        return archive_of(self.database, self.folder / FOLDER_NAME)

    def back_up(self, actor: Actor, target: Path | None = None) -> BackedUp:
        """Copy the database to `target`, or to a dated file of `backups/`, while everyone works on, and documents beside it.

        Raises NotPermitted, Conflict("backup_exists"), Unavailable.
        """
        from clinicdesk.features.documents.copies import back_up_contents  # decoders, which no start waits for

        with disk_errors():
            with self.database.write(actor) as tx:
                upkeep.back_up(tx)
            copy = backup.make(
                self.database.engine, self._key, target or backup.next_name(self.folder, self.database.clock())
            )
            if target is None:
                backup.prune(self.folder)
            with self.database.engine.connect() as connection:
                documents = back_up_contents(connection, self.archive, copy.file.parent)
        return BackedUp(copy.file, copy.revision, copy.entries, documents)

    def keep_up(self, going_on: Callable[[], bool] = lambda: True) -> int:
        """Let go of entries of the audit trail that are kept long enough, after a backup; says how many went. See `let_go`.

        Raises InvalidInput("retention_invalid"), Unavailable.
        """
        years = letting_go.kept_years()
        if not years:
            return 0
        keeper = operator("upkeep")
        with disk_errors():
            return letting_go.let_go(self.database, keeper, years, lambda: self._before_letting_go(keeper), going_on)

    def _before_letting_go(self, keeper: Actor) -> None:
        self.checkpoints.note()  # so that the newest one stands behind what goes
        self.back_up(keeper)

    def recovery_key(self, actor: Actor) -> str:
        """The key of the data in its written form, to be kept on paper. Raises NotPermitted."""
        with self.database.write(actor) as tx:
            upkeep.show_recovery_key(tx)
        return keys.to_recovery_key(self._key.secret)

    def set_passphrase(self, actor: Actor, passphrase: str) -> None:
        """Have the data ask for a passphrase from its next opening on; the warning of a key in a file goes.

        Raises InvalidInput (as `check_passphrase`), NotPermitted, Unavailable.
        """
        check_passphrase(passphrase)
        with disk_errors():
            with self.database.write(actor) as tx:
                upkeep.set_passphrase(tx)
            before = self._key.warnings
            self._key = keys.protect(self.folder, self._key, passphrase)
        self.warnings = self._key.warnings + tuple(code for code in self.warnings if code not in before)

    def close(self) -> None:
        """Leave a last checkpoint, fold the write-ahead log into the database, and let others restore it."""
        try:
            self.checkpoints.note()
        except (OSError, DBAPIError) as error:
            log.warning("no last checkpoint of the audit trail: %s", type(error).__name__)
        self.database.close()
        self._presence.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def check_passphrase(passphrase: str) -> None:
    """Refuse a passphrase for the data that a password could not be either. Raises InvalidInput, field "passphrase"."""
    try:
        check_password(passphrase, ())
    except InvalidInput as error:
        raise InvalidInput(error.reason, **{**error.params, "field": "passphrase"}) from error


def has_clinic(folder: Path) -> bool:
    """Whether there is a database in the folder, whole or not."""
    file = folder / DATABASE_NAME
    return file.exists() and file.stat().st_size > 0


def open_clinic(
    folder: Path | None, *, passphrase: str | None = None, clock: Clock = utc_now, create: bool = True
) -> OpenClinic:
    """Open the clinic in `folder` (None: this person's place for application data), ready for units of work.

    A folder without a clinic gets a key and an empty database, unless `create` is False. An older database is backed up
    and upgraded; after a session that did not end properly every page is read through first.

    Raises Unavailable (no_access, disk_full, key_missing, keyring_unavailable, passphrase_needed, wrong_passphrase, wrong_key,
    database_missing, database_damaged, database_newer, database_in_use, upgrade_failed …), NotFound("no_clinic_here").
    """
    with _held(folder, create=create) as (place, presence, alone):
        database, key = _open(place, passphrase, clock, alone=alone)
        try:
            warnings = key.warnings
            checkpoints = Checkpoints(place, database)
            if checkpoints.contradicted():
                warnings += ("audit_trail_differs",)
            checkpoints.note()
        except BaseException:
            database.close()
            raise
        presence.take(shared=True)
    database.known_roots = lambda: checkpoints.known().roots
    database.listeners.append(checkpoints.note_hourly)
    put_rules(database)
    return OpenClinic(database, place, warnings, checkpoints, key, presence)


def put_rules(database: Database) -> None:
    """Give a database what every clinic's has: the guard of the accounts, the reach of care, and what follows from changes."""
    database.guards += [ensure_active, following.ensure_enrolled]
    database.access = CareAccess()
    database.followers += [follow, following.follow]


@contextmanager
def _held(folder: Path | None, *, create: bool) -> Iterator[tuple[Path, FileLock, bool]]:
    """One process at a time opens, checks or restores. Gives the folder, its presence lock, and whether nobody else has it.

    Everyone who has the clinic open shares the presence lock, so whoever gets it alone knows that nobody has.
    """
    with disk_errors():
        place = data_dir(folder) if create else _existing(folder)
        start_logging(place)
        presence = FileLock(place / IN_USE_NAME)
        with FileLock(place / "opening.lock").alone():
            try:
                yield place, presence, presence.take(wait=False)
            except DBAPIError as failure:
                presence.release()
                raise_unavailable(failure)
            except BaseException:
                presence.release()
                raise


def _existing(folder: Path | None) -> Path:
    place = data_dir(folder) if folder is None else folder.absolute()
    if not (has_clinic(place) or keys.is_kept(place)):
        raise NotFound("no_clinic_here", folder=str(place))
    return place


def _open(folder: Path, passphrase: str | None, clock: Clock, *, alone: bool) -> tuple[Database, keys.Key]:
    file = folder / DATABASE_NAME
    present = has_clinic(folder)
    if not present and (folder / CHECKPOINTS_NAME).exists():
        raise Unavailable("database_missing")  # there was a clinic; an empty one in its place would hide that
    key = keys.load(folder, passphrase) if present or keys.is_kept(folder) else keys.create(folder, passphrase)
    left_open = alone and (folder / f"{DATABASE_NAME}-wal").exists()  # whoever closes last folds it in
    if not file.exists():
        create_private(file)
    database = open_database(file, key.secret, clock, encrypted=key.encrypted)
    try:
        _bring_up(database, key, folder, alone=alone, left_open=left_open)
    except BaseException:
        database.close()
        raise
    return database, key


def _bring_up(database: Database, key: keys.Key, folder: Path, *, alone: bool, left_open: bool) -> None:
    with database.engine.connect() as connection:
        current = migrate.current_revision(connection)
        if left_open and connection.exec_driver_sql("PRAGMA quick_check").scalar() != "ok":
            raise Unavailable("database_damaged")
    head = migrate.head_revision()
    if current == head:
        return
    if current is not None and current not in migrate.revisions():
        raise Unavailable("database_newer")
    if not alone:
        raise Unavailable("database_in_use")
    try:
        if current is not None:  # a copy is read through when it is made, so this is the check before the upgrade too
            backup.make(database.engine, key, backup.next_name(folder, database.clock(), f"before-{head}-"))
        migrate.upgrade(database.engine)
    except (ClinicError, OSError):
        raise
    except Exception as error:
        log.exception("the upgrade from %s to %s failed", current, head)
        raise Unavailable("upgrade_failed") from error
    if current is not None:
        with database.write(operator("start")) as tx:
            upkeep.upgrade(tx, current, head)


def operator(desk: str) -> Actor:
    """The operator of the machine, who holds the key: the person whom the operating system knows."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        name = "operator"
    return Actor(None, Role.OPERATOR, name, desk)


# ---- restoring -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore brought back, and where that lies which it replaced."""

    folder: Path
    entries: int
    aside: Path | None
    documents: Taken
    schema: str | None = None
    """The schema that what was there has become, on PostgreSQL."""


def restore_clinic(
    folder: Path | None,
    source: Path,
    actor: Actor,
    *,
    passphrase: str | None = None,
    recovery_key: str | None = None,
    clock: Clock = utc_now,
) -> Restored:
    """Put a backup in the place of the database, once it has been verified; what was there is set aside.

    The key of the folder is used, or the recovery key, which is then kept as the key of a new folder would be (under the
    passphrase, if one is given).

    Raises NotPermitted, NotFound("backup_missing"), InvalidInput("recovery_key_malformed"), Unavailable (database_in_use,
    key_missing, backup_other_key, backup_damaged, database_newer …).
    """
    if not actor.may(Permission.MAINTAIN):
        raise NotPermitted(permission=Permission.MAINTAIN.value)
    given = keys.from_recovery_key(recovery_key) if recovery_key else None
    with _held(folder, create=True) as (place, presence, alone):
        if not alone:
            raise Unavailable("database_in_use")
        key = keys.Key(given, keys.Keeper.FILE) if given else keys.load(place, passphrase)
        copy = backup.fetch(place, source, key)
        try:
            if copy.revision not in migrate.revisions():
                raise Unavailable("database_newer")
            at = clock()
            brought = _bring_documents(place, source, copy, key, at)
            descriptor = keys.entrust(given, passphrase) if given else None
            aside = backup.put_in_place(place, copy, at, descriptor)
        finally:
            copy.file.unlink(missing_ok=True)
        presence.release()
    with open_clinic(place, passphrase=passphrase, clock=clock) as clinic:
        with clinic.database.write(actor) as tx:
            upkeep.restore(tx, copy.entries)
        with clinic.database.engine.connect() as connection:
            documents = brought.taken(connection)
    return Restored(place, copy.entries, aside, documents)


def _bring_documents(folder: Path, source: Path, copy: backup.Copy, key: keys.Key, at: datetime) -> Brought:
    """Put back what documents hold that are in the copy, from beside the backup that it is of."""
    from clinicdesk.features.documents.archive import FOLDER_NAME, archive_in
    from clinicdesk.features.documents.copies import Brought, known_in_file
    from clinicdesk.features.documents.store import Folder

    store = Folder(folder / FOLDER_NAME)
    brought = Brought(archive_in(store, derive_key(key.secret, "audit")), store, source.absolute().parent)
    brought.bring(known_in_file(copy.file, key.secret, encrypted=key.encrypted), backup.aside_of(folder, at))
    return brought


def check_clinic(folder: Path | None, actor: Actor, *, passphrase: str | None = None) -> list[check.Finding]:
    """Look the data folder over and change nothing, but for an entry in the trail of a sound one. Raises NotFound."""
    with disk_errors():
        place = _existing(folder)
        findings = list(check.examine(place, passphrase, _look_at_documents))
    if all(found.problem is None for found in findings) and not any(check.is_behind(found) for found in findings):
        with open_clinic(place, passphrase=passphrase) as clinic, clinic.database.write(actor) as tx:
            upkeep.check(tx)
    return findings


def _look_at_documents(database: Database, folder: Path) -> check.Finding:
    """Whether all that rows of documents and pictures know of is there."""
    from clinicdesk.features.documents.archive import FOLDER_NAME
    from clinicdesk.features.documents.copies import look
    from clinicdesk.features.documents.store import Folder

    with database.engine.connect() as connection:
        looked = look(connection, Folder(folder / FOLDER_NAME))
    lost = Unavailable("documents_lost", count=looked.missing) if looked.missing else None
    return check.Finding("documents", {"contents": looked.contents, "missing": looked.missing}, problem=lost)
