"""How many requests may come in a quarter of an hour: counted in Redis where workers share one, in the process without it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from clinicdesk.core.clock import Clock, from_micros, to_micros
from clinicdesk.core.errors import RateLimited
from clinicdesk.server.link import Away, Link

log = logging.getLogger(__name__)

WINDOW = timedelta(minutes=15)
_WINDOW_MICROS = WINDOW // timedelta(microseconds=1)
_MOST_NAMES = 100_000


@dataclass(frozen=True, slots=True)
class Counting:
    """A count that is under way, in Redis if it was asked."""

    window: int
    name: str
    by: int
    asked: asyncio.Future[Any] | None


class Limits:
    """Counts what comes under a name. With Redis away, the process counts by itself: the door is never open."""

    def __init__(self, link: Link | None, clock: Clock) -> None:
        self._link = link
        self._clock = clock
        self._window = 0
        self._counts: dict[str, int] = {}

    async def count(self, name: str, most: int) -> None:
        """Count one more under this name. Raises RateLimited("too_many_requests") with `until` above `most` a window."""
        await self.check(self.begin(name), most)

    async def give_back(self, name: str) -> None:
        """Take one off again, for what turned out well."""
        await self._counted(self.begin(name, -1))

    def begin(self, name: str, by: int = 1) -> Counting:
        """Begin to count, and do something else while Redis does."""
        window = to_micros(self._clock()) // _WINDOW_MICROS
        asked = None
        if self._link is not None:
            with suppress(Away):
                asked = self._link.ask("INCRBY", _key(window, name), by)
        return Counting(window, name, by, asked)

    async def check(self, counting: Counting, most: int) -> None:
        """Wait for the count. Raises RateLimited("too_many_requests") with `until` above `most` a window."""
        if await self._counted(counting) > most:
            raise RateLimited("too_many_requests", until=from_micros((counting.window + 1) * _WINDOW_MICROS))

    async def _counted(self, counting: Counting) -> int:
        window, name, by = counting.window, counting.name, counting.by
        if self._link is not None and counting.asked is not None:
            try:
                in_redis: int = await counting.asked
                if in_redis == by:
                    self._link.tell("EXPIRE", _key(window, name), 2 * int(WINDOW.total_seconds()))
                return in_redis
            except Away:
                log.debug("Redis does not answer, limits are counted here")
        if window != self._window or len(self._counts) >= _MOST_NAMES:
            self._window, self._counts = window, {}
        self._counts[name] = count = self._counts.get(name, 0) + by
        return count


def _key(window: int, name: str) -> str:
    return f"clinicdesk:limit:{window}:{name}"
