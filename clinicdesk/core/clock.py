"""The only place that reads the clock; everything else is given the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def utc_now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970 of an aware instant, exactly. Raises ValueError for a naive one."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return (instant - EPOCH) // _MICROSECOND


def in_utc(instant: datetime) -> datetime:
    """The same instant in UTC, where sums and comparisons are of time; within another zone Python takes those of the clock.

    Raises ValueError for a naive one.
    """
    return from_micros(to_micros(instant))


def from_micros(micros: int) -> datetime:
    """The aware UTC instant that lies `micros` microseconds after 1970."""
    return EPOCH + timedelta(microseconds=micros)
