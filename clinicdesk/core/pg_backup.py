"""Copies a clinic's database on PostgreSQL into one encrypted file while everyone works, and puts such a copy back.

The file is an SQLCipher database, as a backup of the embedded database is, that holds what pg_dump wrote. A copy gets its
name only after it was restored into a scratch database and its audit trail was walked there from end to end.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import URL, Connection, Engine, make_url, text
from sqlalchemy.exc import DBAPIError

from clinicdesk.core import migrate, trail
from clinicdesk.core.database import bare_connection
from clinicdesk.core.errors import Conflict, NotFound, Unavailable
from clinicdesk.core.files import create_private, move_into_place, partial_name
from clinicdesk.core.ids import new_id
from clinicdesk.core.postgres import postgres_engine
from clinicdesk.core.tx import raise_unavailable

_FORMAT = "clinicdesk pg_dump 1"
_PIECE_BYTES = 1024 * 1024
_ASIDE = "set_aside_"
_NOT_OURS = "--exclude-schema=" + _ASIDE + "*"
_RESTORING = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", "--no-comments")
_RESTORE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class DumpKeys:
    """The key that encrypts copies, and the one that seals the audit trail in them; both come from the server's secret."""

    backup: bytes
    audit: bytes


@dataclass(frozen=True, slots=True)
class Dump:
    """A copy that was found whole: where it is, its schema, and the length of its audit trail."""

    file: Path
    revision: str
    entries: int


Along = Callable[[Connection], Iterable[tuple[str, str | None]]]
"""Is given the copy as it was tried out, copies what the database knows of and does not hold, and says the names (and digests)
of that, one by one."""


def make(url: str, keys: DumpKeys, target: Path, along: Along | None = None) -> Dump:
    """Copy the database at `url` to `target`, one consistent state of it, and verify the copy by restoring it.

    What lies outside of the database goes `along`; the copy keeps its names. Raises what that raises, too.
    Raises Conflict("backup_exists"), Unavailable: pg_tools_missing, pg_tools_too_old, scratch_not_permitted (the account may
    make no database to try the copy in), backup_failed, backup_damaged, disk_full.
    """
    if target.exists():
        raise Conflict("backup_exists", file=str(target))
    source = make_url(url)
    program = _program("pg_dump", source)
    with _connected(source) as connection:
        _ensure_scratch(connection)
        revision = migrate.current_revision(connection) or ""
    partial = partial_name(target)
    create_private(partial)
    try:
        with _container(partial, keys.backup) as copy:
            copy.execute("PRAGMA journal_mode = OFF")
            copy.execute("CREATE TABLE about (format TEXT NOT NULL, revision TEXT NOT NULL)")
            copy.execute("CREATE TABLE piece (number INTEGER PRIMARY KEY, content BLOB NOT NULL)")
            copy.execute("INSERT INTO about VALUES (?, ?)", (_FORMAT, revision))
            words = ["--format=custom", "--compress=6", "--no-owner", "--no-privileges", "--no-comments", _NOT_OURS]
            with _running(program, words, source, stdout=subprocess.PIPE) as dump:
                assert dump.stdout is not None  # noqa: S101  (a pipe)
                for number, piece in enumerate(iter(lambda: dump.stdout.read(_PIECE_BYTES), b"")):  # type: ignore[union-attr]
                    copy.execute("INSERT INTO piece VALUES (?, ?)", (number, piece))
        entries = try_out(url, keys, partial, along)
        move_into_place(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return Dump(target, revision, entries)


def try_out(url: str, keys: DumpKeys, file: Path, along: Along | None = None) -> int:
    """Restore a copy into a scratch database beside the one at `url`, and walk its audit trail; returns its length.

    Raises Unavailable: backup_other_key, backup_damaged, scratch_not_permitted, and as `make` does.
    """
    revision_of(file, keys)
    with _scratch(make_url(url)) as place:
        _pour(file, keys, place)
        entries = _walk(place, keys)
        if along is not None:
            with _connected(place) as connection, _container(file, keys.backup) as copy:
                copy.execute("CREATE TABLE along (name TEXT PRIMARY KEY, digest TEXT)")
                copy.execute("BEGIN")
                copy.executemany("INSERT INTO along VALUES (?, ?)", iter(along(connection)))
                copy.execute("COMMIT")
        return entries


def along_with(file: Path, keys: DumpKeys) -> list[tuple[str, str | None]]:
    """The names (and digests) of what went along with a copy. Raises as `revision_of` does."""
    revision_of(file, keys)
    with _container(file, keys.backup) as copy:
        if not copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'along'").fetchall():
            return []  # a copy from before anything went along
        return copy.execute("SELECT name, digest FROM along ORDER BY name").fetchall()  # type: ignore[no-any-return]


def revision_of(file: Path, keys: DumpKeys) -> str:
    """The schema of a copy. Raises NotFound("backup_missing"), Unavailable("backup_other_key", "backup_damaged")."""
    if not file.is_file():
        raise NotFound("backup_missing", file=str(file))
    with _container(file, keys.backup) as copy:
        found = copy.execute("SELECT format, revision FROM about").fetchall()
    if len(found) != 1 or found[0][0] != _FORMAT:
        raise Unavailable("backup_damaged")
    return str(found[0][1])


def restore(
    url: str, keys: DumpKeys, file: Path, at: datetime, *, set_aside: bool, before: Callable[[], None] = lambda: None
) -> tuple[Dump, str | None]:
    """Put a copy into the database at `url`; returns it, and the schema to which what was there was moved (if it was).

    `before` is done once it is clear that the database can take it, and before it is touched.
    Nobody may use the database. What fails leaves it as it was. Raises Conflict("database_not_empty") where something is there
    and is not to be set aside, NotFound("backup_missing"), Unavailable: database_in_use, database_newer, backup_other_key,
    backup_damaged, and as `make` does.
    """
    revision = revision_of(file, keys)
    if revision not in migrate.revisions():
        raise Unavailable("database_newer")
    place = make_url(url)
    _program("pg_restore", place)
    aside = f"{_ASIDE}{at:%Y%m%dt%H%M%Sz}"
    with _connected(place) as connection:
        _ensure_unused(connection)
        full = _is_full(connection)
        if full and not set_aside:
            raise Conflict("database_not_empty")
    before()
    with _connected(place) as connection:
        _ensure_unused(connection)
        if full:
            _move_aside(connection, aside)
    try:
        _pour(file, keys, place)
        entries = _walk(place, keys)
    except BaseException:
        if full:
            with _connected(place) as connection:
                _move_back(connection, aside)
        raise
    return Dump(file, revision, entries), aside if full else None


# ---- the database ----------------------------------------------------------------------------------------------------


@contextmanager
def _connected(url: URL) -> Iterator[Connection]:
    """A transaction on the database that is committed when it is left without error."""
    engine = postgres_engine(url, pool_size=1, pool_overflow=0, statement_timeout=_RESTORE_SECONDS)
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as failure:
        raise_unavailable(failure)
    finally:
        engine.dispose()


def _ensure_scratch(connection: Connection) -> None:
    may = connection.scalar(text("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"))
    if not may:
        raise Unavailable("scratch_not_permitted")


def _ensure_unused(connection: Connection) -> None:
    others = connection.scalar(
        text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )
    )
    if others:
        raise Unavailable("database_in_use")


def _is_full(connection: Connection) -> bool:
    wanted = (
        "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p'))"
    )
    return bool(connection.scalar(text(wanted)))


def _things(connection: Connection, schema: str) -> list[tuple[str, str]]:
    """Statements that move (its end is missing) and drop each table and function of ours in a schema.

    What belongs to extensions is left out: it stays where the next tables look for it, and is not ours to move.
    """
    found = connection.execute(
        text(
            """
            SELECT 'TABLE', quote_ident(relname) FROM pg_class c
            WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind IN ('r', 'p')
            AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
            UNION ALL
            SELECT 'ROUTINE', quote_ident(proname) || '(' || pg_get_function_identity_arguments(oid) || ')' FROM pg_proc p
            WHERE pronamespace = CAST(:schema AS regnamespace)
            AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
            """
        ),
        {"schema": schema},
    )
    return [
        (f"ALTER {kind} {schema}.{name} SET SCHEMA ", f"DROP {kind} IF EXISTS {schema}.{name} CASCADE")
        for kind, name in found
    ]


def _move_aside(connection: Connection, aside: str) -> None:
    things = _things(connection, "public")
    connection.execute(text(f"CREATE SCHEMA {aside}"))
    for move, _ in things:
        connection.exec_driver_sql(move + aside)


def _move_back(connection: Connection, aside: str) -> None:
    """Undo `_move_aside`, in place of whatever a restore has left."""
    for _, drop in _things(connection, "public"):
        connection.exec_driver_sql(drop)
    for move, _ in _things(connection, aside):
        connection.exec_driver_sql(f"{move}public")
    connection.execute(text(f"DROP SCHEMA {aside}"))


@contextmanager
def _scratch(beside: URL) -> Iterator[URL]:
    """A database of no content on the same server, gone afterwards."""
    name = f"clinicdesk_trial_{new_id().hex}"
    engine = postgres_engine(beside, pool_size=1, pool_overflow=0)
    alone = engine.execution_options(isolation_level="AUTOCOMMIT")
    try:
        _command(alone, f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield beside.set(database=name)
        finally:
            _command(alone, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        engine.dispose()


def _command(engine: Engine, statement: str) -> None:
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    except DBAPIError as failure:
        if getattr(failure.orig, "sqlstate", None) == "42501":
            raise Unavailable("scratch_not_permitted") from failure
        raise_unavailable(failure)


def _pour(file: Path, keys: DumpKeys, place: URL) -> None:
    program = _program("pg_restore", place)
    with (
        _container(file, keys.backup) as copy,
        _running(program, _RESTORING, place, stdin=subprocess.PIPE, target=True) as process,
    ):
        assert process.stdin is not None  # noqa: S101  (a pipe)
        with suppress(BrokenPipeError):  # pg_restore has ended, and says why by its exit code
            for (piece,) in copy.execute("SELECT content FROM piece ORDER BY number"):
                process.stdin.write(piece)
            process.stdin.close()


def _walk(place: URL, keys: DumpKeys) -> int:
    with _connected(place) as connection:
        found = trail.verify(connection, keys.audit)
    if not found.ok:
        raise Unavailable("backup_damaged")
    return found.entries


# ---- the file --------------------------------------------------------------------------------------------------------


@contextmanager
def _container(file: Path, key: bytes) -> Iterator[Any]:
    connection = bare_connection(file, key)
    try:
        yield connection
    except connection.DatabaseError as error:
        kind = getattr(error, "sqlite_errorname", "")
        if kind == "SQLITE_NOTADB":
            raise Unavailable("backup_other_key") from error
        raise Unavailable("disk_full" if kind == "SQLITE_FULL" else "backup_damaged") from error
    finally:
        connection.close()


# ---- PostgreSQL's programs -------------------------------------------------------------------------------------------


def _program(name: str, url: URL) -> str:
    """The newest such program here, which must not be older than the server. Raises Unavailable: pg_tools_…"""
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda file: int(re.sub(r"\D", "", file.parts[-3]) or 0)
    )
    program = str(found[-1]) if found else shutil.which(name)
    if program is None:
        raise Unavailable("pg_tools_missing", program=name)
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    version = re.search(r"(\d+)", said)
    with _connected(url) as connection:
        needed = int(connection.scalar(text("SHOW server_version_num")) or 0) // 10_000
    if version is None or int(version[1]) < needed:
        raise Unavailable("pg_tools_too_old", program=name, needed=needed)
    return program


@contextmanager
def _running(
    program: str, words: Any, url: URL, *, stdin: int | None = None, stdout: int | None = None, target: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """The program at work on the database. Raises Unavailable("backup_failed") where it does not end well.

    The password goes by the environment, which other people of the machine do not see, and its words, which quote rows, nowhere.
    """
    plain = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = {**os.environ, "PGOPTIONS": "-c statement_timeout=0 -c lock_timeout=0"}
    if url.password:
        environment["PGPASSWORD"] = str(url.password)
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603
            [program, *words, f"--dbname={plain}"], env=environment, stdin=stdin or subprocess.DEVNULL,
            stdout=stdout or subprocess.DEVNULL, stderr=said,
        )  # fmt: skip
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            for pipe in (process.stdin, process.stdout):
                _close(pipe)
            code = process.wait()
        if code:
            raise Unavailable("restore_failed" if target else "backup_failed")


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with suppress(BrokenPipeError):
            pipe.close()
