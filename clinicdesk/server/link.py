"""One connection to Redis on which many ask at once, as cheaply as Python can: what is asked together is sent together.

It never waits for Redis to come back: whoever asks while it is away is told so at once, and does without.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections import deque
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

import hiredis

log = logging.getLogger(__name__)

ANSWER_SECONDS = 0.25
"""How long an answer may take before Redis counts as away."""
_RETRY_SECONDS = 0.1
_CONNECT_SECONDS = 1.0

Word = str | bytes | int


class Away(Exception):
    """Redis does not answer."""


class _Talk(asyncio.Protocol):
    """The wire: commands out, answers in, in the same order."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            _, asked = self._waiting.popleft()
            if asked.done():
                continue
            if isinstance(answer, hiredis.HiredisError):
                asked.set_exception(Away(str(answer)))
            else:
                asked.set_result(answer)

    def connection_lost(self, _error: Exception | None) -> None:
        for _, asked in self._waiting:
            if not asked.done():
                asked.set_exception(Away())
        self._waiting.clear()
        if not self.lost.done():
            self.lost.set_result(None)

    def ask(self, words: tuple[Word, ...]) -> asyncio.Future[Any]:
        asked: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append((time.monotonic(), asked))
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(hiredis.pack_command(words))  # type: ignore[arg-type]
        return asked

    def _flush(self) -> None:
        out, self._out = self._out, []
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(out))

    def waits_since(self) -> float | None:
        return self._waiting[0][0] if self._waiting else None

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        self.connection_lost(None)


class Link:
    """Asks Redis. `run_id` names the process that answers: what an earlier one knew is not to be believed."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 6379
        self._tls = ssl.create_default_context() if parts.scheme == "rediss" else None
        self._auth = tuple(unquote(word) for word in (parts.username, parts.password) if word)
        self._number = parts.path.strip("/") or "0"
        self._talk: _Talk | None = None
        self._task: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self.run_id = ""

    async def start(self) -> None:
        """Connect, and do so again whenever the connection is lost. Returns after the first try, well or not."""
        self._task = asyncio.create_task(self._keep())
        await self._tried.wait()

    async def stop(self) -> None:
        """Let go of the connection."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    @property
    def up(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._talk is not None

    def ask(self, *words: Word) -> asyncio.Future[Any]:
        """Send a command; its answer is awaited, now or later. Raises Away, at once or from the answer."""
        if self._talk is None:
            raise Away
        return self._talk.ask(words)

    def tell(self, *words: Word) -> None:
        """Send a command whose answer nobody waits for. Raises Away where there is no connection."""
        self.ask(*words).add_done_callback(_retrieved)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            talk: _Talk | None = None
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    _, talk = await loop.create_connection(_Talk, self._host, self._port, ssl=self._tls)
                    if self._auth:
                        await talk.ask(("AUTH", *self._auth))
                    await talk.ask(("SELECT", self._number))
                    about: bytes = await talk.ask(("INFO", "server"))
                self.run_id = about.partition(b"run_id:")[2].split(b"\r\n")[0].decode()
                self._talk = talk
                self._tried.set()
                await self._watch(talk)
            except (OSError, TimeoutError, Away) as error:
                log.debug("Redis is away: %s", type(error).__name__)
            finally:
                self._talk = None
                if talk is not None:
                    talk.abort()
            self._tried.set()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _watch(self, talk: _Talk) -> None:
        """Return once the connection is lost, or an answer takes too long."""
        while True:
            done, _ = await asyncio.wait({talk.lost}, timeout=ANSWER_SECONDS / 2)
            if done:
                log.warning("the connection to Redis is lost")
                return
            await asyncio.sleep(0)  # an answer that waits behind a busy loop is taken in first
            since = talk.waits_since()
            if since is not None and time.monotonic() - since > ANSWER_SECONDS:
                log.warning("Redis does not answer")
                return


def _retrieved(asked: asyncio.Future[Any]) -> None:
    if not asked.cancelled():
        asked.exception()
