"""Long lists in pages: where a page ends is told by an opaque cursor, so that what is added meanwhile shifts nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Select, func, literal, select, text

from clinicdesk.core.clock import from_micros
from clinicdesk.core.errors import InvalidInput

MOST_PER_PAGE = 200
MOST_COUNTED = 10_000
"""Where the counting of a list ends: a total above this stands for "more", so that it costs no walk through everything."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: at most `limit` items behind `cursor` (empty: from the start), counted as a whole if `total`."""

    limit: int = 50
    cursor: str = ""
    total: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items in order; `next` is the cursor of the page behind them, None at the end; `total` where it was asked for, and
    MOST_COUNTED and one where there are more than that."""

    items: list[T]
    next: str | None = None
    total: int | None = None


def total_of(wanted: Select[Any]) -> Select[int]:
    """SQL: how many rows are wanted, counted no further than to MOST_COUNTED and one."""
    counted = wanted.with_only_columns(literal(1).label("one"), maintain_column_froms=True).order_by(None)
    return select(func.count()).select_from(counted.limit(MOST_COUNTED + 1).subquery())


def plan_for_values(connection: Connection) -> None:
    """Have PostgreSQL plan what follows in this unit of work for the values that it is asked with: how many fit differs by far.

    It keeps a plan for any values otherwise, once it was asked often; that walks past everything where there are few.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_FOR_VALUES)


_FOR_VALUES = text("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")


def encode_cursor(place: Sequence[str | int]) -> str:
    """The cursor that stands behind the item with these sort values."""
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *kinds: type[str] | type[int]) -> list[str | int]:
    """The sort values that a cursor stands for, of these kinds. Raises InvalidInput("cursor_not_right")."""
    try:
        place = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        "".join(map(str, place)).encode() if isinstance(place, list) else b""  # half a surrogate pair cannot be stored
    except (ValueError, binascii.Error, RecursionError) as error:
        raise InvalidInput("cursor_not_right", field="cursor") from error
    fits = isinstance(place, list) and len(place) == len(kinds)
    if not fits or any(type(value) is not kind for value, kind in zip(place, kinds, strict=True)):
        raise InvalidInput("cursor_not_right", field="cursor")
    if any(abs(v) >= 1 << 63 if isinstance(v, int) else not _storable(v) for v in place):
        raise InvalidInput("cursor_not_right", field="cursor")
    return list(place)


def _storable(text: str) -> bool:
    """Whether a database takes the text: it has neither NUL nor half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def check_limit(page: PageRequest) -> None:
    """Raises InvalidInput("out_of_range") for a page that is empty or too long."""
    if not 1 <= page.limit <= MOST_PER_PAGE:
        raise InvalidInput("out_of_range", field="limit", least=1, most=MOST_PER_PAGE)


def instant_of(micros: str | int) -> datetime:
    """The instant that a cursor holds in microseconds since 1970. Raises InvalidInput("cursor_not_right") beyond it all."""
    try:
        return from_micros(int(micros))
    except (ValueError, OverflowError) as error:
        raise InvalidInput("cursor_not_right", field="cursor") from error


def id_of(digits: str | int) -> UUID:
    """The id that a cursor holds in hexadecimal digits. Raises InvalidInput("cursor_not_right")."""
    try:
        return UUID(hex=str(digits))
    except ValueError as error:
        raise InvalidInput("cursor_not_right", field="cursor") from error


def decode_id_cursor(cursor: str) -> UUID:
    """The id of the item that a cursor stands behind, where a list goes by ids. Raises InvalidInput("cursor_not_right")."""
    return id_of(*decode_cursor(cursor, str))
