"""Whether the server lives, and whether it can work."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from clinicdesk.core import migrate
from clinicdesk.core.tx import Database
from clinicdesk.server.identity import serving_of

log = logging.getLogger(__name__)

router = APIRouter(tags=["operation"])


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


class Ready(BaseModel):
    """What the server needs: `database`, `migrations` and `redis`, each `ok` or what is the matter, or `off`."""

    status: str
    database: str
    migrations: str
    redis: str


@router.get("/healthz", operation_id="healthz", summary="Is the process alive")
async def healthz() -> Alive:
    """Whether the process answers at all. It asks nothing of the database."""
    return Alive()


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="Can it work: database, migrations, Redis",
    responses={503: {"model": Ready, "description": "Not ready"}},
    response_model=Ready,
)
async def readyz(request: Request) -> Response:
    """Whether requests can be answered: the database is there and is of this version. Without Redis they can."""
    serving = serving_of(request)
    async with serving.readiness:  # strangers may ask as often as they like, and hold one thread and one connection
        database, migrations = await run_in_threadpool(_look_at, serving.database)
    redis: Any = "off"
    if serving.redis is not None:
        try:
            await serving.redis.get("clinicdesk:ready")
            redis = "ok"
        except (RedisError, OSError):
            redis = "unreachable"  # limits and cache do without it, so this alone does not stop the work
    works = (database, migrations) == ("ok", "ok")
    found = Ready(status="ok" if works else "unavailable", database=database, migrations=migrations, redis=redis)
    return JSONResponse(found.model_dump(), 200 if works else 503)


def _look_at(database: Database) -> tuple[str, str]:
    try:
        with database.engine.connect() as connection:
            current = migrate.current_revision(connection)
    except SQLAlchemyError as error:
        log.warning("the database does not answer: %s", type(error).__name__)
        return "unreachable", "unknown"
    return "ok", "ok" if current == migrate.head_revision() else "behind"
