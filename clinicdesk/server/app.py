"""Puts the server together: its endpoints, its answers to errors, and what stands around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from clinicdesk import __version__
from clinicdesk.server import docs, figures, health, links, problems, sentry
from clinicdesk.server.description import document_of
from clinicdesk.server.idempotency import HEADER as IDEMPOTENCY_HEADER
from clinicdesk.server.idempotency import REPLAYED_HEADER, UNIT_HEADER, Repeated
from clinicdesk.server.identity import API, DEVICE_HEADER
from clinicdesk.server.jobs import Work
from clinicdesk.server.requests import Requests
from clinicdesk.server.routes import (
    appointments,
    audit,
    auth,
    care,
    chat,
    clinic,
    doctors,
    documents,
    events,
    medications,
    notifications,
    observations,
    patients,
    reports,
    series,
    sync,
    users,
    waitlist,
)
from clinicdesk.server.routing import kinds_below
from clinicdesk.server.serving import Serving, open_serving
from clinicdesk.server.settings import load_settings
from clinicdesk.server.supervised import end_with_parent

ROUTERS = (
    auth.router,
    chat.router,
    notifications.router,
    events.router,
    users.router,
    care.router,
    doctors.router,
    clinic.router,
    patients.router,
    medications.router,
    observations.router,
    series.router,  # before the visits, whose ids stand where their names do
    waitlist.router,
    appointments.router,
    reports.router,
    documents.router,
    audit.router,
    sync.router,
)
"""The groups of endpoints below /api/v1: a line for each."""


def create_app(serving: Serving) -> FastAPI:
    """The server's app; it closes `serving` as it ends."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        work = Work(app.state.serving) if app.state.serving.settings.works else None
        try:
            if work is not None:
                work.start()
            await app.state.serving.start()
            yield
        finally:
            if work is not None:
                await run_in_threadpool(work.stop)
            await app.state.serving.close()
            await run_in_threadpool(sentry.stop)

    app = FastAPI(
        title="ClinicDesk", version=__version__, lifespan=lifespan, redoc_url=None, docs_url=None,
        description="A clinic's desk for other programs: the same verbs as on the screen.",
        separate_input_output_schemas=False,
    )  # fmt: skip
    app.state.serving = serving
    figures.watch_pool(serving.database.engine, serving.settings.pool_size + serving.settings.pool_overflow)
    problems.install(app)
    app.add_exception_handler(Repeated, _repeat)
    for router in ROUTERS:
        app.include_router(router, prefix=API)
    for router in (health.router, figures.router, docs.router, links.router):
        app.include_router(router)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    if serving.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=serving.settings.cors_origins, allow_credentials=True,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "Authorization", "Content-Type", "If-Match", "If-None-Match", IDEMPOTENCY_HEADER, DEVICE_HEADER,
                *documents.HEADERS,
            ],
            expose_headers=[
                "Content-Disposition", "ETag", "Link", "X-Request-ID", "Retry-After", UNIT_HEADER, REPLAYED_HEADER,
            ],
        )  # fmt: skip
    app.add_middleware(Requests)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


def _repeat(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Repeated)  # noqa: S101  (registered for it alone)
    return error.response


def _document(app: FastAPI) -> dict[str, object]:
    if app.openapi_schema is None:
        app.openapi_schema = document_of(app, {kind for router in ROUTERS for kind in kinds_below(router)})
    return app.openapi_schema


def from_environment() -> FastAPI:
    """The app for one worker, with the settings of the environment; the worker ends with whoever started it."""
    end_with_parent()
    settings = load_settings()
    return create_app(open_serving(settings))
