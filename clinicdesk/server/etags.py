"""Versions as ETags: a read tells one, an update names it in If-Match, and whoever comes too late is told."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Protocol, TypeVar

from fastapi import Depends, Header, Request, Response

from clinicdesk.core.errors import Conflict, InvalidInput
from clinicdesk.server.problems import PreconditionRequired

_ETAG = re.compile(r'(?:W/)?"(\d{1,9})(?:-[0-9a-f]{16})?"')


def etag(version: int, parts: object = None) -> str:
    """The ETag of a row at this version; of one that is shown with `parts` that change by themselves, with their digest."""
    digest = "" if parts is None else "-" + hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    return f'"{version}{digest}"'


class Versioned(Protocol):
    """A row that says at which version it is."""

    @property
    def version(self) -> int: ...


Row = TypeVar("Row", bound=Versioned)


def tagged(row: Row, response: Response, parts: object = None) -> Row:
    """The row, with its ETag in the answer that it goes out in."""
    response.headers["ETag"] = etag(row.version, parts)
    return row


async def _if_match(
    if_match: Annotated[
        str | None, Header(alias="If-Match", description='The ETag that was read, such as `"3"`.', examples=['"3"'])
    ] = None,
) -> int:
    """The version that an update is meant for. Raises PreconditionRequired, InvalidInput("etag_not_right")."""
    if if_match is None:
        raise PreconditionRequired()
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise InvalidInput("etag_not_right", field="If-Match")
    return int(found[1])


IfMatch = Annotated[int, Depends(_if_match)]


async def _if_there(
    if_match: Annotated[
        str | None,
        Header(alias="If-Match", description='The ETag of what is replaced; `"0"` or none: there is nothing yet.'),
    ] = None,
) -> int | None:
    return None if if_match is None else await _if_match(if_match)


IfThere = Annotated[int | None, Depends(_if_there)]
"""The version of what is put in the place of something, if anything is there; None where it was not said."""


@contextmanager
def putting(version: int | None) -> Iterator[int]:
    """What is put without a word of what is there replaces nothing. Raises PreconditionRequired where something is."""
    try:
        yield version or 0
    except Conflict as error:
        if version is None and error.reason == "changed_meanwhile":
            raise PreconditionRequired() from error
        raise


def unless_known(request: Request, response: Response) -> Response:
    """The answer to a read with its ETag, or 304 where the caller has it already."""
    if request.method != "GET" or response.status_code != 200:
        return response
    if "etag" not in response.headers:
        response.headers["etag"] = f'W/"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    tag = response.headers["etag"].removeprefix("W/")
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if tag in known:
        return Response(status_code=304, headers={"etag": response.headers["etag"]})
    return response
