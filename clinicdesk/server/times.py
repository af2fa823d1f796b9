"""Days, instants and times of day in requests: as RFC 3339 writes them, and near enough that sums with them hold."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from clinicdesk.core.clock import in_utc

EARLIEST = date(1900, 1, 1)
LATEST = date(2199, 12, 31)

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d(:\d\d)?", re.ASCII)


def _written(as_: re.Pattern[str], code: str) -> BeforeValidator:
    """Takes nothing but text of this form: not seconds since 1970, which would be taken for it otherwise."""

    def check(value: object) -> object:
        if not isinstance(value, str) or not as_.fullmatch(value):
            raise PydanticCustomError(code, "not written as it should be")
        return value

    return BeforeValidator(check)


Day = Annotated[date, Field(ge=EARLIEST, le=LATEST, examples=["2026-11-23"]), _written(_DAY, "day_not_right")]
"""A day of the clinic's calendar."""

BirthDay = Annotated[
    date, Field(ge=date(1850, 1, 1), le=LATEST, examples=["1984-03-12"]), _written(_DAY, "day_not_right")
]
"""A day on which somebody in the clinic's care can have been born."""

Instant = Annotated[
    AwareDatetime,
    Field(
        ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC), examples=["2026-11-23T09:30:00+01:00"]
    ),
    AfterValidator(in_utc),
    _written(_INSTANT, "instant_not_right"),
]
"""An instant with its offset; handed on in UTC."""

From = Annotated[Instant | None, Query(alias="from", description="None before this instant.")]
To = Annotated[Instant | None, Query(alias="to", description="None at this instant or after it.")]
"""What a list of things that happened is narrowed by."""

TimeOfDay = Annotated[time, Field(examples=["08:30"]), _written(_TIME, "clock_not_right")]
"""What a clock of the clinic shows."""


def describe_clocks(schema: Any) -> None:
    """Say of every time of day in a JSON schema what a clock shows: the format `time` means one with an offset (RFC 3339)."""
    if isinstance(schema, list):
        for part in schema:
            describe_clocks(part)
    elif isinstance(schema, dict):
        if schema.get("format") == "time":
            del schema["format"]
            schema["pattern"] = "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
        for part in schema.values():
            describe_clocks(part)
