"""What a worker holds while it serves: the database, the keys of its tokens, the limits, the way out for mail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from sqlalchemy.exc import DBAPIError

from clinicdesk.core import migrate
from clinicdesk.core.checkpoints import Checkpoints
from clinicdesk.core.clock import Clock, utc_now
from clinicdesk.core.database import derive_key
from clinicdesk.core.errors import Unavailable
from clinicdesk.core.paths import data_dir
from clinicdesk.core.slow import log_slow_statements
from clinicdesk.core.smtp import Smtp
from clinicdesk.core.tx import Database, raise_unavailable
from clinicdesk.features.documents.archive import FOLDER_NAME, Archive, archive_of
from clinicdesk.features.documents.store import Folder, Nowhere, Store
from clinicdesk.opening import open_clinic, put_rules
from clinicdesk.server import logs, sentry
from clinicdesk.server.cache import Cache
from clinicdesk.server.limits import Limits
from clinicdesk.server.link import Link
from clinicdesk.server.live import Live
from clinicdesk.server.marks import Marks
from clinicdesk.server.settings import Settings
from clinicdesk.server.tokens import Tokens
from clinicdesk.server.uploads import Uploads
from clinicdesk.server.views import Views

log = logging.getLogger(__name__)

MOST_UNITS = 12
"""Units of work that are open at once in a worker: fewer than threads and connections, so that whoever holds one goes on."""
MOST_COUNTED = 2
"""Of these, that count a year's visits: each takes a tenth of a second or several, which whoever books does not wait for."""
MOST_LOOKED_AT = 4
"""Files of uploads that are looked through at once in a worker: it takes time, and the threads are there for others too."""


@dataclass(frozen=True)
class Serving:
    """One worker's share of the server. Close it when done."""

    settings: Settings
    database: Database
    tokens: Tokens
    limits: Limits
    smtp: Smtp | None
    redis: Redis | None
    link: Link | None
    marks: Marks | None
    cache: Cache
    live: Live
    close_database: Callable[[], None]
    archive: Archive
    views: Views
    checkpoints: Checkpoints | None = None
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_UNITS))
    counting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_COUNTED))
    looking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_LOOKED_AT))
    uploads: Uploads = field(default_factory=Uploads)
    readiness: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    async def start(self) -> None:
        """Begin what goes on beside the requests, in the loop that serves them."""
        if self.link is not None:
            await self.link.start()
        await self.cache.start()
        await self.live.start()

    async def close(self) -> None:
        """Give back every connection."""
        await self.live.stop()
        await self.cache.stop()
        if self.link is not None:
            await self.link.stop()
        if self.marks is not None:
            self.marks.close()
        if self.redis is not None:
            await self.redis.aclose()
        self.close_database()


def open_serving(settings: Settings, clock: Clock = utc_now) -> Serving:
    """Open the clinic that the settings name, in the present schema. Raises Unavailable as `open_clinic` does."""
    logs.start(settings)
    sentry.start(settings)
    if settings.database_url is None:
        clinic = open_clinic(settings.data_dir, clock=clock)
        logs.start(settings)  # opening it began a log of its own
        return serve_from(settings, clinic.database, clinic.close, clinic.checkpoints, clinic.folder)
    database, checkpoints = open_on_server(settings, clock)
    return serve_from(settings, database, database.close, checkpoints, settings.data_dir)


def open_on_server(settings: Settings, clock: Clock = utc_now) -> tuple[Database, Checkpoints]:
    """Open the clinic on PostgreSQL that the settings name, in the present schema, and the checkpoints that are kept here.

    Raises Unavailable: database_unreachable, database_newer, data_dir_unusable, and what else a database may say.
    """
    from clinicdesk.core.postgres import open_postgres  # psycopg comes with the server alone

    url, secret = on_server(settings)
    database = open_postgres(
        url, derive_key(secret, "audit"), clock, pool_size=settings.pool_size, pool_overflow=settings.pool_overflow,
        pool_wait=settings.pool_wait, statement_timeout=settings.statement_timeout, lock_timeout=settings.lock_timeout,
    )  # fmt: skip
    try:
        with database.engine.connect() as connection:
            current = migrate.current_revision(connection)
        if current is not None and current not in migrate.revisions():
            raise Unavailable("database_newer")
        migrate.upgrade(database.engine)
        checkpoints = Checkpoints(data_dir(settings.data_dir), database)
    except BaseException as error:
        database.close()
        if isinstance(error, DBAPIError):
            raise_unavailable(error)
        raise
    database.known_roots = lambda: checkpoints.known().roots
    put_rules(database)
    return database, checkpoints


def on_server(settings: Settings) -> tuple[str, bytes]:
    """The address of the database on PostgreSQL and the secret beside it, which the settings have together or not at all."""
    assert settings.database_url is not None  # noqa: S101
    assert settings.secret_key is not None  # noqa: S101
    return settings.database_url.get_secret_value(), settings.secret_key.get_secret_value().encode()


def serve_from(
    settings: Settings,
    database: Database,
    close_database: Callable[[], None],
    checkpoints: Checkpoints | None = None,
    folder: Path | None = None,
) -> Serving:
    """Serve from an open, migrated and guarded database; `folder` is where the rest of the clinic's data lies, if anywhere."""
    database.serves = True
    log_slow_statements(database.engine, settings.slow_statement_ms)
    redis = None
    redis_url = None if settings.redis_url is None else settings.redis_url.get_secret_value()
    if redis_url is not None:
        redis = Redis.from_url(
            redis_url, socket_timeout=1, socket_connect_timeout=1, decode_responses=True,
            retry=Retry(NoBackoff(), 1),  # a connection that a restart has cut is replaced at once; nobody waits for more
        )  # fmt: skip
    smtp = None
    if settings.smtp_host:
        smtp = Smtp(
            settings.smtp_host, settings.smtp_port, settings.mail_from, settings.smtp_user,
            settings.smtp_password.get_secret_value(), settings.smtp_tls,
        )  # fmt: skip
    else:
        log.warning("no mail server is set; no mail will go out")
    tokens = Tokens(derive_key(database.audit_key, "access tokens"), database.clock)
    link = None if redis_url is None else Link(redis_url)
    marks = None
    if redis_url is not None and database.engine.dialect.name != "sqlite":
        marks = Marks(database, redis_url)
        database.listeners.insert(0, marks.committed)  # before anybody is told of the change
    return Serving(
        settings, database, tokens, Limits(link, database.clock), smtp, redis, link, marks,
        Cache(database, link, marks), Live(database, redis_url, marks), close_database,
        archive_of(database, store_of(settings, folder)), Views(database.clock), checkpoints,
        asyncio.Semaphore(_units(settings)),
    )  # fmt: skip


def _units(settings: Settings) -> int:
    """How many units of work may be open at once: always fewer than there are connections, where there are some to spare."""
    return max(1, min(MOST_UNITS, settings.pool_size + settings.pool_overflow - 2))


def store_of(settings: Settings, folder: Path | None) -> Store:
    """Where documents lie by the settings. Nothing is asked of an object store yet: it may be away as we start."""
    if settings.documents_s3_url:
        from clinicdesk.features.documents.s3 import Bucket, ObjectStore  # it takes half a second and some memory

        return ObjectStore(
            Bucket(
                settings.documents_s3_url, settings.documents_s3_bucket, settings.documents_s3_access_key,
                settings.documents_s3_secret_key.get_secret_value(), settings.documents_s3_region,
            )
        )  # fmt: skip
    if settings.documents_dir is not None:
        return Folder(settings.documents_dir.absolute())
    if folder is not None:
        return Folder(folder.absolute() / FOLDER_NAME)
    log.warning("no place for documents is set; none can be kept")
    return Nowhere()
