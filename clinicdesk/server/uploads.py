"""How many large bodies a worker takes in at once: each fills the memory with as much as a document may have."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from clinicdesk.core.errors import RateLimited, Unavailable

MOST, MOST_OF_ONE = 16, 3
"""Together, and of one account."""
SECONDS = 300.0
"""How long a large body may take to arrive."""
_WAIT_SECONDS = 10.0
_AGAIN = timedelta(seconds=5)


class Uploads:
    """One worker's."""

    def __init__(self, most: int = MOST, most_of_one: int = MOST_OF_ONE) -> None:
        self._room = asyncio.Semaphore(most)
        self._most_of_one = most_of_one
        self._under_way: Counter[UUID | None] = Counter()

    @asynccontextmanager
    async def one(self, user_id: UUID | None) -> AsyncIterator[None]:
        """Room for one of this account. Raises RateLimited("too_many_uploads"), Unavailable("uploads_busy")."""
        if self._under_way[user_id] >= self._most_of_one:
            raise RateLimited("too_many_uploads", until=datetime.now(UTC) + _AGAIN)
        self._under_way[user_id] += 1
        try:
            try:
                async with asyncio.timeout(_WAIT_SECONDS):
                    await self._room.acquire()
            except TimeoutError as error:
                raise Unavailable("uploads_busy") from error
            try:
                yield
            finally:
                self._room.release()
        finally:
            self._under_way[user_id] -= 1
            if not self._under_way[user_id]:
                del self._under_way[user_id]
