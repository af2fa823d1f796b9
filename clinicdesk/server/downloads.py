"""Answers that are files: what a browser may call them, and who wants a table instead of a document."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Header, Query
from starlette.responses import Response

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .-_()")


def attachment(name: str) -> str:
    """Content-Disposition for a file of this name, whatever its script (RFC 6266)."""
    plain = "".join(character if character in _PLAIN else "_" for character in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


class Format(StrEnum):
    """How a report is answered."""

    JSON = "json"
    CSV = "csv"


def _format(
    format_: Annotated[
        Format | None, Query(alias="format", description="Instead of what the header Accept asks for.")
    ] = None,
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Format:
    if format_ is not None:
        return format_
    wishes = dict(map(_wish, (accept or "").split(",")))
    return Format.CSV if wishes.get("text/csv", 0) > wishes.get("application/json", 0) else Format.JSON


def _wish(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    try:
        return kind, next((float(one[2:]) for one in parameters if one.startswith("q=")), 1.0)
    except ValueError:
        return kind, 0.0


WantedFormat = Annotated[Format, Depends(_format)]

CSV_TOO: dict[int | str, dict[str, object]] = {
    200: {"description": "The report.", "content": {"text/csv": {"schema": {"type": "string"}}}}
}
"""What an endpoint that answers with a table as well says of it in the OpenAPI document."""


def csv_file(text: str, name: str) -> Response:
    """A table as a file."""
    return Response(
        text, media_type="text/csv; charset=utf-8; header=present",
        headers={"Content-Disposition": attachment(f"{name}.csv"), "Vary": "Accept"},
    )  # fmt: skip
