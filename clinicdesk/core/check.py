"""Looks a data folder over: its settings, key, database, schema, audit trail and room on the disk. Changes nothing."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from clinicdesk.core import backup, guards, keys, letting_go, migrate
from clinicdesk.core.checkpoints import Checkpoints
from clinicdesk.core.database import DATABASE_NAME, open_database
from clinicdesk.core.errors import ClinicError, Unavailable
from clinicdesk.core.files import disk_errors
from clinicdesk.core.locks import IN_USE_NAME, FileLock
from clinicdesk.core.tx import Database, raise_unavailable

Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one subject. `problem` is what stands in the way of work; warnings are codes of what does not."""

    subject: str
    facts: Facts = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    problem: ClinicError | None = None


def is_behind(finding: Finding) -> bool:
    """Whether this says that the database is to be upgraded when it is opened next."""
    return finding.subject == "migrations" and finding.facts["revision"] != finding.facts["newest"]


Look = Callable[[Database, Path], Finding]


def examine(folder: Path, passphrase: str | None, documents: Look) -> Iterator[Finding]:
    """Look at one subject after the other; what builds on a broken one is not looked at. `documents` looks at those for us."""
    try:
        keys.check_settings()
        letting_go.kept_years()
        yield Finding("configuration", {"folder": str(folder)}, _folder_warnings(folder))
    except ClinicError as problem:
        yield Finding("configuration", {"folder": str(folder)}, problem=problem)
        return
    try:
        with disk_errors():
            key = keys.load(folder, passphrase)
    except ClinicError as problem:
        yield Finding("key", problem=problem)
        return
    yield Finding("key", {"keeper": key.keeper.value, "encrypted": key.encrypted}, key.warnings)
    with _opened(folder, key) as database:
        for subject, look in (
            ("database", _database),
            ("migrations", _migrations),
            ("guards", _guards),
            ("audit", _audit),
            ("documents", documents),
        ):
            finding = _looked(subject, look, database, folder)
            yield finding
            if finding.problem:
                return
    yield _backups(folder)


def _folder_warnings(folder: Path) -> tuple[str, ...]:
    open_to_others = sys.platform != "win32" and folder.stat().st_mode & 0o077
    return ("folder_open_to_others",) if open_to_others else ()


@contextmanager
def _opened(folder: Path, key: keys.Key) -> Iterator[Database]:
    presence = FileLock(folder / IN_USE_NAME)
    presence.take(shared=True)  # nobody restores another database meanwhile
    database = open_database(folder / DATABASE_NAME, key.secret, encrypted=key.encrypted)
    try:
        yield database
    finally:
        database.close()
        presence.release()


def _looked(subject: str, look: Look, database: Database, folder: Path) -> Finding:
    try:
        try:
            return look(database, folder)
        except DBAPIError as failure:
            raise_unavailable(failure)
    except ClinicError as problem:
        return Finding(subject, problem=problem)


def _database(database: Database, folder: Path) -> Finding:
    file = folder / DATABASE_NAME
    if not file.exists():
        raise Unavailable("database_missing")
    with database.engine.connect() as connection:
        if connection.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok":
            raise Unavailable("database_damaged")
    return Finding("database", {"bytes": file.stat().st_size})


def _migrations(database: Database, _folder: Path) -> Finding:
    with database.engine.connect() as connection:
        revision = migrate.current_revision(connection)
    facts: Facts = {"revision": revision, "newest": migrate.head_revision()}
    known = revision is None or revision in migrate.revisions()
    return Finding("migrations", facts, problem=None if known else Unavailable("database_newer"))


def _guards(database: Database, _folder: Path) -> Finding:
    with database.engine.connect() as connection:
        if migrate.current_revision(connection) != migrate.head_revision():
            return Finding("guards", {"missing": "not of this schema"})
        return guards_finding(guards.missing_in_file(connection))


def guards_finding(missing: list[str]) -> Finding:
    """What is said of what the database no longer refuses by itself."""
    names = ", ".join(missing)
    problem = Unavailable("guards_missing", names=names) if missing else None
    return Finding("guards", {"missing": names or "nothing"}, problem=problem)


def _audit(database: Database, folder: Path) -> Finding:
    with database.engine.connect() as connection:
        if migrate.current_revision(connection) is None:
            return Finding("audit", {"entries": 0})
        entries = connection.scalar(text("SELECT seq FROM audit_head")) or 0
    checkpoints = Checkpoints(folder, database)
    known = checkpoints.known()
    facts: Facts = {"entries": entries, "checkpoints": len(known.roots), "damaged_checkpoints": len(known.damaged)}
    differs = checkpoints.contradicted()
    return Finding("audit", facts, problem=Unavailable("audit_trail_differs") if differs else None)


def _backups(folder: Path) -> Finding:
    made = backup.kept(folder)
    free = shutil.disk_usage(folder).free
    needed = 2 * (folder / DATABASE_NAME).stat().st_size
    facts: Facts = {"kept": len(made), "newest": made[0].name if made else None, "free_bytes": free}
    return Finding("backups", facts, ("disk_nearly_full",) if free < needed else ())
