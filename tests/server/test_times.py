"""Days and instants in requests: written as RFC 3339 has them, and near enough to be reckoned with."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time

import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter, ValidationError

from clinicdesk.core.permissions import Role
from clinicdesk.server.times import Day, Instant, TimeOfDay, describe_clocks
from tests.server.conftest import SignedIn

_ID = "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6071"
DAY = TypeAdapter[date](Day)
INSTANT = TypeAdapter[datetime](Instant)
TIME = TypeAdapter[time](TimeOfDay)


def test_what_is_written_as_it_should_be_is_taken() -> None:
    assert DAY.validate_python("2026-11-23") == date(2026, 11, 23)
    assert INSTANT.validate_python("2026-11-23T09:30:00+01:00") == datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
    assert INSTANT.validate_python("2026-11-23t08:30:00.5z") == datetime(2026, 11, 23, 8, 30, 0, 500_000, tzinfo=UTC)
    assert TIME.validate_python("08:30") == time(8, 30)


@pytest.mark.parametrize(
    "wrong", [0, "0", 1.5, None, "", "2026-02-30", "0001-01-01", "9999-12-31", "2026-11-23T00:00:00Z", "٢٠٢٦-11-23"]
)
def test_no_other_day_is(wrong: object) -> None:
    with pytest.raises(ValidationError):
        DAY.validate_python(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        1_790_000_000, "1790000000", "2026-11-23", "2026-11-23T09:30:00", "2026-11-23T25:00:00Z", "2026-11-23T09:30:00+25:00",
        "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    ],
)  # fmt: skip
def test_no_other_instant_is(wrong: object) -> None:
    with pytest.raises(ValidationError):
        INSTANT.validate_python(wrong)


@pytest.mark.parametrize("wrong", [5, "5", "24:00", "08:30Z", "8:30"])
def test_no_other_time_of_day_is(wrong: object) -> None:
    with pytest.raises(ValidationError):
        TIME.validate_python(wrong)


@pytest.mark.parametrize(
    ("field", "wrong", "code", "shown"),
    [("start", "2026-11-23T09:30:00", "instant_not_right", "+01:00"), ("reason", "x" * 10_000, "too_long", "too long")],
)
def test_who_writes_one_wrongly_is_told_how(sign_in: SignedIn, field: str, wrong: str, code: str, shown: str) -> None:
    visit = {"patient_id": _ID, "practitioner_id": _ID, "start": "2026-11-23T09:30:00Z", "minutes": 20}
    answer = sign_in(Role.RECEPTIONIST).post("/api/v1/appointments", json={**visit, field: wrong})
    assert (answer.status_code, answer.json()["field"], answer.json()["code"]) == (422, field, code)
    assert shown in answer.json()["detail"]


def test_times_of_day_are_documented_as_they_are_written() -> None:
    """The format `time` of JSON schema asks for an offset, which a clock on the wall has not."""
    schema = TIME.json_schema()
    describe_clocks(schema)
    assert "format" not in schema
    for written, fits in (("08:30", True), ("23:59:59", True), ("24:00", False), ("08:30Z", False)):
        assert bool(re.fullmatch(schema["pattern"], written)) is fits


def test_no_time_in_the_document_asks_for_an_offset(server: FastAPI) -> None:
    assert '"format": "time"' not in json.dumps(server.openapi())
