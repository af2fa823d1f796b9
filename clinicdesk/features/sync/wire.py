"""Rows as JSON carries them, and back: strictly by the kinds of their columns. Pure."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Date, Double, Integer, String, Text, Uuid, inspect

from clinicdesk.core.clock import in_utc
from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.model import Base, UtcDateTime

MOST_TEXT = 20_000
"""Characters of a text that its column sets no limit to."""
_LEAST_INT, _MOST_INT = -(2**31), 2**31 - 1
_FIRST, _LAST = datetime(1850, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def encode(value: object) -> Any:
    """A value of a column as JSON has it."""
    if isinstance(value, datetime):
        return in_utc(value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return value.value if isinstance(value, Enum) else value


def encode_row(values: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """Some fields of a row as JSON has them."""
    return {name: encode(values[name]) for name in fields if name in values}


def decode_row(model: type[Base], values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as the model's own values.

    Raises InvalidInput with `field`: unknown_field, missing (null where something has to be), too_long, control_characters,
    out_of_range, and invalid_input for another kind of value.
    """
    columns = inspect(model).columns
    decoded: dict[str, Any] = {}
    for name, value in values.items():
        if name not in columns:
            raise InvalidInput("unknown_field", field=name)
        column = columns[name]
        if value is None:
            if not column.nullable:
                raise InvalidInput("missing", field=name)
            decoded[name] = None
        else:
            decoded[name] = _decoded(column.type, value, name)
    return decoded


def _decoded(kind: Any, value: Any, field: str) -> Any:
    if isinstance(kind, UtcDateTime):
        return _instant(value, field)
    if isinstance(kind, Date):
        return _day(value, field)
    if isinstance(kind, Uuid):
        try:
            return UUID(value) if isinstance(value, str) and len(value) == 36 else _wrong(field)
        except ValueError:
            return _wrong(field)
    if isinstance(kind, Boolean):
        return value if isinstance(value, bool) else _wrong(field)
    if isinstance(kind, String | Text):
        return _text(kind, value, field)
    if isinstance(kind, Double):
        return _number(value, field)
    if isinstance(kind, Integer):
        if not isinstance(value, int) or isinstance(value, bool):
            return _wrong(field)
        if not _LEAST_INT <= value <= _MOST_INT:
            raise InvalidInput("out_of_range", field=field, least=_LEAST_INT, most=_MOST_INT)
        return value
    raise AssertionError(f"no wire form for {kind!r}")


def _wrong(field: str) -> Any:
    raise InvalidInput("invalid_input", field=field)


def _instant(value: Any, field: str) -> datetime:
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else _wrong(field)
        at = in_utc(read)
    except (ValueError, OverflowError):
        return _wrong(field)  # type: ignore[no-any-return]
    if not _FIRST <= at < _LAST:
        raise InvalidInput("out_of_range", field=field, least=_FIRST.date(), most=_LAST.date())
    return at


def _day(value: Any, field: str) -> date:
    try:
        read: date = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else _wrong(field)
    except ValueError:
        return _wrong(field)  # type: ignore[no-any-return]
    if not _FIRST.date() <= read < _LAST.date():
        raise InvalidInput("out_of_range", field=field, least=_FIRST.date(), most=_LAST.date())
    return read


def _text(kind: String, value: Any, field: str) -> str:
    text: str = value if isinstance(value, str) else _wrong(field)
    most = kind.length or MOST_TEXT
    if len(text) > most:
        raise InvalidInput("too_long", field=field, most=most, longest=most)
    if any(character == "\x00" or "\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInput("control_characters", field=field)
    return text


def _number(value: Any, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        _wrong(field)
    if not math.isfinite(value) or abs(value) > 1e15:
        raise InvalidInput("out_of_range", field=field, least=-1e15, most=1e15)
    return float(value)


def digest(value: object) -> bytes:
    """SHA-256 of something as canonical JSON: keys in order, no space, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()
