"""Looks a clinic on PostgreSQL over: settings, database, schema, triggers, audit trail, room, and what else a server needs."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from clinicdesk.core import backup, guards, migrate, upkeep
from clinicdesk.core.check import Facts, Finding, guards_finding, is_behind
from clinicdesk.core.checkpoints import Checkpoints
from clinicdesk.core.database import derive_key
from clinicdesk.core.errors import ClinicError, Unavailable
from clinicdesk.core.ids import new_id
from clinicdesk.core.paths import data_dir
from clinicdesk.core.postgres import open_postgres
from clinicdesk.core.tx import Actor, Database, raise_unavailable
from clinicdesk.features import tables
from clinicdesk.features.documents import copies
from clinicdesk.server.clinic import open_server_clinic
from clinicdesk.server.serving import on_server, store_of
from clinicdesk.server.settings import Settings, with_data_dir

_FEW_CONNECTIONS = 10
_SECONDS = 5


@dataclass(frozen=True, slots=True)
class _Place:
    """What is looked at."""

    settings: Settings
    database: Database
    folder: Path


def check_server_clinic(folder: Path | None, actor: Actor) -> list[Finding]:
    """Look everything over and change nothing, but for an entry in the trail where all is sound."""
    findings = list(_examine(folder))
    if all(found.problem is None for found in findings) and not any(is_behind(found) for found in findings):
        with open_server_clinic(folder) as clinic, clinic.database.write(actor) as tx:
            upkeep.check(tx)
    return findings


def _examine(folder: Path | None) -> Iterator[Finding]:
    try:
        settings = with_data_dir(folder)
        place = data_dir(settings.data_dir)
    except ClinicError as problem:
        yield Finding("configuration", problem=problem)
        return
    yield Finding("configuration", {"folder": str(place), "workers": settings.workers})
    url, secret = on_server(settings)
    database = open_postgres(url, derive_key(secret, "audit"), pool_size=1, pool_overflow=0)
    try:
        looked = _Place(settings, database, place)
        for subject, look in _IN_ORDER:
            finding = _looked(subject, look, looked)
            yield finding
            if finding.problem:
                break
        for subject, peer in _BESIDE:
            yield _looked(subject, peer, looked)
    finally:
        database.close()


def _looked(subject: str, look: Callable[[_Place], Finding], place: _Place) -> Finding:
    try:
        try:
            return look(place)
        except DBAPIError as failure:
            raise_unavailable(failure)
    except ClinicError as problem:
        return Finding(subject, problem=problem)


def _database(place: _Place) -> Finding:
    with place.database.engine.connect() as connection:
        version, size, most, used = connection.execute(
            text(
                "SELECT current_setting('server_version'), pg_database_size(current_database()), "
                "CAST(current_setting('max_connections') AS int), (SELECT count(*) FROM pg_stat_activity)"
            )
        ).one()
    facts: Facts = {"version": version.split()[0], "bytes": size, "connections": used, "most_connections": most}
    return Finding("database", facts, ("few_connections_left",) if most - used < _FEW_CONNECTIONS else ())


def _migrations(place: _Place) -> Finding:
    with place.database.engine.connect() as connection:
        revision = migrate.current_revision(connection)
    facts: Facts = {"revision": revision, "newest": migrate.head_revision()}
    known = revision is None or revision in migrate.revisions()
    return Finding("migrations", facts, problem=None if known else Unavailable("database_newer"))


def _guards(place: _Place) -> Finding:
    """What the database itself refuses, whoever asks it."""
    with place.database.engine.connect() as connection:
        if migrate.current_revision(connection) != migrate.head_revision():
            return Finding("guards", {"missing": "not of this schema"})
        return guards_finding(guards.missing_on_server(connection, tables.metadata))


def _audit(place: _Place) -> Finding:
    try:
        with place.database.engine.connect() as connection:
            entries = connection.scalar(text("SELECT seq FROM audit_head")) or 0
    except ProgrammingError:  # no table: a database that nobody has used yet
        return Finding("audit", {"entries": 0})
    checkpoints = Checkpoints(place.folder, place.database)
    known = checkpoints.known()
    facts: Facts = {"entries": entries, "checkpoints": len(known.roots), "damaged_checkpoints": len(known.damaged)}
    differs = checkpoints.contradicted()
    return Finding("audit", facts, problem=Unavailable("audit_trail_differs") if differs else None)


def _backups(place: _Place) -> Finding:
    made = backup.kept(place.folder)
    free = shutil.disk_usage(place.folder).free
    with place.database.engine.connect() as connection:
        needed = connection.scalar(text("SELECT pg_database_size(current_database())")) or 0
    facts: Facts = {"kept": len(made), "newest": made[0].name if made else None, "free_bytes": free}
    return Finding("backups", facts, ("disk_nearly_full",) if free < needed else ())


def _redis(place: _Place) -> Finding:
    if place.settings.redis_url is None:
        return Finding("redis", {"set": False})
    try:
        with Redis.from_url(place.settings.redis_url.get_secret_value(), socket_timeout=_SECONDS) as client:
            version = client.info("server")["redis_version"]
    except (RedisError, OSError) as error:
        raise Unavailable("redis_unreachable") from error
    return Finding("redis", {"set": True, "version": version})


def _mail(place: _Place) -> Finding:
    settings = place.settings
    if not settings.smtp_host:
        return Finding("mail", {"set": False}, ("no_mail_server",))
    try:
        with socket.create_connection((settings.smtp_host, settings.smtp_port), _SECONDS):
            pass
    except OSError as error:
        raise Unavailable("mail_server_unreachable") from error
    return Finding("mail", {"set": True, "host": settings.smtp_host})


def _documents(place: _Place) -> Finding:
    """Keeps a few bytes where documents lie, reads them back, and takes them away; and looks whether all that rows know of is
    there."""
    store = store_of(place.settings, place.folder)
    with place.database.engine.connect() as connection:
        looked = copies.look(connection, store)
    key, content = new_id().hex, b"clinicdesk check"
    store.put(key, content)
    same = store.get(key) == content
    store.delete(key)
    kind = "object store" if place.settings.documents_s3_url else "folder"
    facts: Facts = {"place": kind, "contents": looked.contents, "missing": looked.missing}
    lost = Unavailable("documents_lost", count=looked.missing) if looked.missing else None
    return Finding("documents", facts, problem=lost if same else Unavailable("content_missing"))


_IN_ORDER: tuple[tuple[str, Callable[[_Place], Finding]], ...] = (
    ("database", _database),
    ("migrations", _migrations),
    ("guards", _guards),
    ("audit", _audit),
    ("backups", _backups),
)
_BESIDE: tuple[tuple[str, Callable[[_Place], Finding]], ...] = (
    ("redis", _redis),
    ("mail", _mail),
    ("documents", _documents),
)
