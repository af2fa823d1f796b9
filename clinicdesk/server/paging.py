"""The query parameters that every list has."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from clinicdesk.core.paging import MOST_PER_PAGE, PageRequest


async def _page(
    limit: Annotated[int, Query(ge=1, le=MOST_PER_PAGE, description="How many at most.")] = 50,
    cursor: Annotated[str, Query(max_length=1000, description="`next` of the page before; empty for the first.")] = "",
    total: Annotated[bool, Query(description="Whether to count them as well; 10001 is more than 10,000.")] = False,
) -> PageRequest:
    return PageRequest(limit, cursor, total)


Paging = Annotated[PageRequest, Depends(_page)]
