"""How many requests may come in a quarter of an hour: counted in Redis where workers share one, in the process without it."""

from __future__ import annotations

import logging
from datetime import timedelta

from redis.asyncio import Redis
from redis.exceptions import RedisError

from clinicdesk.core.clock import Clock, from_micros, to_micros
from clinicdesk.core.errors import RateLimited

log = logging.getLogger(__name__)

WINDOW = timedelta(minutes=15)
_WINDOW_MICROS = WINDOW // timedelta(microseconds=1)
_MOST_NAMES = 100_000


class Limits:
    """Counts what comes under a name. With Redis away, the process counts by itself: the door is never open."""

    def __init__(self, redis: Redis | None, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._window = 0
        self._counts: dict[str, int] = {}

    async def count(self, name: str, most: int) -> None:
        """Count one more under this name. Raises RateLimited("too_many_requests") with `until` above `most` a window."""
        window = to_micros(self._clock()) // _WINDOW_MICROS
        if await self._add(window, name, 1) > most:
            raise RateLimited("too_many_requests", until=from_micros((window + 1) * _WINDOW_MICROS))

    async def give_back(self, name: str) -> None:
        """Take one off again, for what turned out well."""
        await self._add(to_micros(self._clock()) // _WINDOW_MICROS, name, -1)

    async def _add(self, window: int, name: str, by: int) -> int:
        if self._redis is not None:
            key = f"clinicdesk:limit:{window}:{name}"
            try:
                async with self._redis.pipeline(transaction=False) as pipe:
                    pipe.incrby(key, by)
                    pipe.expire(key, 2 * int(WINDOW.total_seconds()))
                    return int((await pipe.execute())[0])
            except (RedisError, OSError) as error:
                log.warning("Redis does not answer, limits are counted here: %s", type(error).__name__)
        if window != self._window or len(self._counts) >= _MOST_NAMES:
            self._window, self._counts = window, {}
        self._counts[name] = count = self._counts.get(name, 0) + by
        return count
