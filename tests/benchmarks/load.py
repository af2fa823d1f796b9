"""Clients that ask a server as fast as it answers, each a process of its own; light, so that the server has the machine."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any

_WAIT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: a GET, or a POST where there is a body."""

    path: str
    body: dict[str, Any] | None = None
    key: str = ""
    """Its Idempotency-Key."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a client saw: when it began and ended, in seconds of one clock, and of each request the status and the seconds."""

    began: float
    ended: float
    answers: list[tuple[int, float]]


class Asking:
    """A connection that is kept."""

    def __init__(self, port: int, token: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_WAIT_SECONDS)
        self._headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}

    def send(self, ask: Ask) -> tuple[int, bytes]:
        """The status and the body of the answer."""
        headers = dict(self._headers)
        body = None
        if ask.body is not None:
            body = json.dumps(ask.body).encode()
            headers["Content-Type"] = "application/json"
        if ask.key:
            headers["Idempotency-Key"] = ask.key
        self._connection.request("GET" if body is None else "POST", ask.path, body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def timed(self, ask: Ask) -> tuple[int, float]:
        """The status and the seconds until the answer was there."""
        began = time.perf_counter()
        status, _ = self.send(ask)
        return status, time.perf_counter() - began

    def close(self) -> None:
        self._connection.close()


def at_once(port: int, token: str, works: Sequence[Sequence[Ask]], seconds: float) -> list[Told]:
    """What as many clients as there are `works` saw, who began together and asked theirs until the time was up."""
    return _together(_until, [(port, token, list(asks), seconds) for asks in works])


def in_step(port: int, token: str, works: Sequence[Sequence[Ask]]) -> list[Told]:
    """What clients saw who all waited for each other before each of their requests."""
    return _together(_each, [(port, token, list(asks)) for asks in works])


def bare(url: str, rows: Sequence[Sequence[Sequence[tuple[str, dict[str, Any]]]]], seconds: float) -> list[Told]:
    """The same for clients who write rows into the database at `url` themselves: of each unit the statements and their values."""
    return _together(_write, [(url, list(mine), seconds) for mine in rows])


def _together(run: Callable[..., None], works: Sequence[tuple[Any, ...]]) -> list[Told]:
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(len(works))
    ours, theirs = zip(*(spawn.Pipe(duplex=False) for _ in works), strict=True)
    clients = [
        spawn.Process(target=run, args=(barrier, end, *work), daemon=True)
        for end, work in zip(theirs, works, strict=True)
    ]
    for client in clients:
        client.start()
    for end in theirs:
        end.close()  # so that a client that fails is noticed
    told = [end.recv() for end in ours]
    for client in clients:
        client.join()
    return told


def _until(barrier: Barrier, end: Connection, port: int, token: str, asks: list[Ask], seconds: float) -> None:
    asking = Asking(port, token)
    asking.send(Ask("/healthz"))
    barrier.wait(_WAIT_SECONDS)
    began = time.monotonic()
    answers = [asking.timed(ask) for ask in _while(asks, began + seconds)]
    end.send(Told(began, time.monotonic(), answers))
    asking.close()


def _write(
    barrier: Barrier, end: Connection, url: str, units: list[Sequence[tuple[str, dict[str, Any]]]], seconds: float
) -> None:
    import psycopg  # only those load it who need it

    with psycopg.connect(url) as connection:
        barrier.wait(_WAIT_SECONDS)
        began = time.monotonic()
        answers = []
        for statements in units:
            if time.monotonic() >= began + seconds:
                break
            at = time.perf_counter()
            for statement, values in statements:
                connection.execute(statement, values)
            connection.commit()
            answers.append((201, time.perf_counter() - at))
        end.send(Told(began, time.monotonic(), answers))


def _while(asks: list[Ask], until: float) -> Iterator[Ask]:
    """Each of them once; those without a body, which change nothing, again and again."""
    while True:
        for ask in asks:
            if time.monotonic() >= until:
                return
            yield ask
        if any(ask.body is not None for ask in asks):
            return


def _each(barrier: Barrier, end: Connection, port: int, token: str, asks: list[Ask]) -> None:
    asking = Asking(port, token)
    asking.send(Ask("/healthz"))
    began = time.monotonic()
    answers = []
    for ask in asks:
        barrier.wait(_WAIT_SECONDS)
        answers.append(asking.timed(ask))
    end.send(Told(began, time.monotonic(), answers))
    asking.close()
