"""Figures for Prometheus: what this server does, how its database, outbox and jobs stand; for the operator's eyes alone."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from sqlalchemy import Engine, event
from starlette.responses import Response

from clinicdesk.core.errors import ClinicError, NotFound
from clinicdesk.core.jobs import list_jobs
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor
from clinicdesk.features.notifications.service import outbox_depths
from clinicdesk.server.identity import serving_of
from clinicdesk.server.serving import Serving

log = logging.getLogger(__name__)

router = APIRouter()

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder in which the processes of one server share their figures; set before they start."""
_ASKER = Actor(None, Role.OPERATOR, "metrics", "metrics")

_requests = Counter("clinicdesk_requests_total", "Requests answered", ["method", "route", "status"])
_seconds = Histogram(
    "clinicdesk_request_seconds", "Time from a request to its answer", ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)  # fmt: skip
_pool_used = Gauge("clinicdesk_pool_used", "Connections to the database in use", multiprocess_mode="livesum")
_pool_most = Gauge("clinicdesk_pool_most", "Connections to the database at most", multiprocess_mode="livesum")
_pool_opened = Counter("clinicdesk_pool_opened_total", "Connections to the database that were opened")
_METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}


def note_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request under its route (never its path, which names people's records)."""
    counter, histogram = _figures(method if method in _METHODS else "other", route, status)
    counter.inc()
    histogram.observe(seconds)


@lru_cache(2_000)
def _figures(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return _requests.labels(method, route, str(status)), _seconds.labels(method, route)


def watch_pool(engine: Engine, most: int) -> None:
    """Count the connections of an engine from now on; `most` is how many it may have."""
    _pool_most.set(most)

    @event.listens_for(engine, "connect")
    def opened(*_: Any) -> None:
        _pool_opened.inc()

    @event.listens_for(engine, "checkout")
    def taken(*_: Any) -> None:
        _pool_used.inc()

    @event.listens_for(engine, "checkin")
    def given_back(*_: Any) -> None:
        _pool_used.dec()


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    """The figures: with the token where one is set, else from this machine alone. Raises NotFound for everybody else."""
    serving = serving_of(request)
    if not _may_ask(serving, request):
        raise NotFound("no_such_path")
    return Response(generate_latest(_registry()) + generate_latest(_of_clinic(serving)), media_type=CONTENT_TYPE_LATEST)


def _may_ask(serving: Serving, request: Request) -> bool:
    token = serving.settings.metrics_token
    if token is not None:
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token.get_secret_value()}".encode())
    try:
        return ipaddress.ip_address(request.client.host if request.client else "").is_loopback
    except ValueError:
        return False


def _registry() -> CollectorRegistry:
    """The figures of this process, or of all processes of this server."""
    folder = os.environ.get(SHARED)
    if not folder:
        return REGISTRY
    for file in Path(folder).glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not _lives(pid):
            mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return registry


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _of_clinic(serving: Serving) -> CollectorRegistry:
    """What is read from the database as it is asked for: the same on every server of the clinic."""
    registry = CollectorRegistry()
    up = Gauge("clinicdesk_database_up", "Whether the database answers", registry=registry)
    depth = Gauge("clinicdesk_outbox_messages", "Messages that are not settled", ["state"], registry=registry)
    late = Gauge("clinicdesk_outbox_late_seconds", "How long the message that is due longest waits", registry=registry)
    succeeded = Gauge(
        "clinicdesk_job_last_success_timestamp_seconds", "When a job went well", ["job"], registry=registry
    )
    failures = Gauge("clinicdesk_job_failures", "How often a job has failed in a row", ["job"], registry=registry)
    try:
        with serving.database.read(_ASKER) as tx:
            depths, jobs = outbox_depths(tx), list_jobs(tx)
    except ClinicError as error:
        log.warning("no figures of the clinic: %s", error)
        up.set(0)
        return registry
    up.set(1)
    for state, count in depths.messages.items():
        depth.labels(state.value).set(count)
    late.set(depths.late.total_seconds())
    for job in jobs:
        succeeded.labels(job.name).set(job.succeeded_at.timestamp() if job.succeeded_at else 0)
        failures.labels(job.name).set(job.failures)
    return registry
