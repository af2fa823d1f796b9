"""What an operator relies on: figures for nobody else, a page that loads nothing, logs and reports without a patient in them."""

from __future__ import annotations

import gzip
import json
import logging
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from sqlalchemy import text

from clinicdesk.core import crash
from clinicdesk.core.permissions import Role
from clinicdesk.core.slow import log_slow_statements, shape_of
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.notifications import service as notifications
from clinicdesk.features.notifications.schemas import Channel, Template
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from clinicdesk.server import sentry
from clinicdesk.server.jobs import run_due
from clinicdesk.server.settings import load_settings
from tests.server.conftest import Knock, SignedIn

TOKEN = "a token of sixteen or more"


# ---- figures ---------------------------------------------------------------------------------------------------------


def test_figures_are_for_this_machine_alone(knock: Knock) -> None:
    assert knock("127.0.0.1").get("/metrics").status_code == 200
    assert knock("203.0.113.7").get("/metrics").status_code == 404


class TestWithToken:
    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"CLINICDESK_METRICS_TOKEN": TOKEN}

    def test_a_token_lets_in_from_anywhere_and_nothing_else_does(self, knock: Knock) -> None:
        client = knock("203.0.113.7")
        assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert client.get("/metrics", headers={"Authorization": "Bearer another"}).status_code == 404
        assert knock("127.0.0.1").get("/metrics").status_code == 404


def figures(knock: Knock) -> dict[str, float]:
    lines = knock("127.0.0.1").get("/metrics").text.splitlines()
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] not in ("#", ""))
    }


def test_figures_tell_of_database_outbox_and_jobs(knock: Knock, server: FastAPI, db: Database, operator: Actor) -> None:
    with db.write(operator) as tx:
        for nth in range(3):
            notifications.queue(
                tx, f"test:{nth}", Channel.EMAIL, "ada@home.example", Template.NOTIFICATION, {"kind": "chat_message"}
            )
    run_due(server.state.serving)
    found = figures(knock)
    assert found["clinicdesk_database_up"] == 1
    assert found['clinicdesk_outbox_messages{state="held"}'] == 3
    assert found['clinicdesk_outbox_messages{state="unknown"}'] == 0
    assert found['clinicdesk_job_last_success_timestamp_seconds{job="retention"}'] == db.clock().timestamp()
    assert found['clinicdesk_job_failures{job="retention"}'] == 0
    assert found["clinicdesk_pool_most"] >= 15
    with db.engine.connect():
        assert figures(knock)["clinicdesk_pool_used"] == found["clinicdesk_pool_used"] + 1


# ---- the page of endpoints -------------------------------------------------------------------------------------------


def test_the_page_of_endpoints_loads_nothing_and_runs_nothing(client: TestClient) -> None:
    answer = client.get("/docs")
    assert answer.status_code == 200
    assert re.findall(r"https?://|<script|<link|<img|src=|@import", answer.text) == []
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    described = client.get("/openapi.json").json()["paths"]
    for methods in described.values():
        for one in methods.values():
            assert f"id='{one['operationId']}'" in answer.text or f'id="{one["operationId"]}"' in answer.text


# ---- logs ------------------------------------------------------------------------------------------------------------


def test_a_slow_statement_is_logged_by_its_shape(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    log_slow_statements(db.engine, 1)
    slow = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
        "SELECT count(*), 'Lindt' FROM n WHERE 'Osterhagen' <> :name"
    )
    with caplog.at_level(logging.WARNING, "clinicdesk"), db.engine.connect() as connection:
        connection.execute(text(slow), {"name": "Mara"})
    (line,) = [record for record in caplog.records if record.message == "slow statement"]
    facts: dict[str, Any] = line.facts  # type: ignore[attr-defined]
    assert facts["ms"] >= 1
    assert facts["statement"].startswith("WITH RECURSIVE n(i) AS")
    assert not re.search("Lindt|Osterhagen|Mara", facts["statement"])


def test_a_shape_has_no_value_and_no_list() -> None:
    asked = "SELECT * FROM patient\n WHERE family = 'O''Hara' AND id IN (%(a_1)s, %(a_2)s) AND n = 42"
    assert shape_of(asked) == "SELECT * FROM patient WHERE family = ? AND id IN (…) AND n = ?"


# ---- reports of bugs -------------------------------------------------------------------------------------------------


class Sink(ThreadingHTTPServer):
    """Takes reports as Sentry does, and keeps them as they came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.taken: list[str] = []
        self.paths: list[str] = []


class _Take(BaseHTTPRequestHandler):
    server: Sink

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.taken.append(body.decode())
        self.server.paths.append(f"{self.path} {self.headers}")
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""


@pytest.fixture
def sink() -> Iterator[Sink]:
    server = Sink()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_report_says_where_a_bug_is_and_nothing_that_anybody_typed(
    server: FastAPI, sign_in: SignedIn, sink: Sink, db: Database, operator: Actor
) -> None:
    with db.write(operator) as tx:
        patient = patients.register(tx, RegisterPatient(Demographics("Osterhagen", "Mara")))

    def fail(request: Request) -> None:
        family, _ = patient.family, request.headers
        try:
            int(family)
        except ValueError as error:
            raise RuntimeError(f"nothing to be done for {family}") from error

    server.add_api_route("/api/v1/bug", fail, methods=["POST"])
    sentry.start(load_settings({"CLINICDESK_SENTRY_DSN": f"http://key@127.0.0.1:{sink.server_port}/1"}))
    try:
        client = sign_in(Role.RECEPTIONIST)
        answer = client.post(
            "/api/v1/bug?name=Querystringer",
            json={"name": "Bodyman"},
            headers={"X-Name": "Headerson", "X-Request-ID": "r" * 12},
        )
        assert answer.status_code == 500
        logging.getLogger("clinicdesk").error("a line of the log about %s", "Logfield")
    finally:
        sentry.stop()
        server.router.routes.pop()
    told = "\n".join(sink.taken)
    reference = re.search(r"[A-Z2-9]{6}", answer.json()["detail"].rpartition(" ")[2])
    assert reference is not None
    assert reference[0] in told, "the report can be found by what the person reads out"
    assert "RuntimeError" in told
    assert "ValueError" in told
    assert "test_operation.py" in told
    everything = told + "".join(sink.paths)
    for word in (
        "Osterhagen",
        "Mara",
        "Querystringer",
        "Bodyman",
        "Headerson",
        "Logfield",
        "harbour",
        "Bearer",
        "nothing to be",
    ):
        assert word not in everything, word
    event = next(json.loads(line) for line in told.splitlines() if '"exception"' in line)
    for exception in event["exception"]["values"]:
        for frame in exception["stacktrace"]["frames"]:
            assert frame.keys() <= {"filename", "function", "module", "lineno", "in_app"}
    assert event["tags"]["request_id"] == "r" * 12


def test_nothing_is_reported_unless_it_is_asked_for(sink: Sink) -> None:
    sentry.start(load_settings({}))
    crash.log_crash(ValueError("x"))
    assert crash.reporters == []
    assert sink.taken == []
