"""Units of work for endpoints: opened as the caller, and committed before the answer goes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from starlette.concurrency import run_in_threadpool

from clinicdesk.core.errors import Unavailable
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Tx
from clinicdesk.features.users.sessions import ensure_open
from clinicdesk.server import idempotency
from clinicdesk.server.identity import SignedInCaller, address_of, ensure_own_page, serving_of
from clinicdesk.server.serving import Serving
from clinicdesk.server.tokens import Caller

_WAIT_SECONDS = 10


@asynccontextmanager
async def _unit(serving: Serving, tx: Tx, *first: Callable[[Tx], None]) -> AsyncIterator[Tx]:
    """Open the unit of work, do what comes first in it, and close it with whatever leaves it.

    Waiting for room holds no thread: were all threads to wait for the write lock, none would be left for whoever has it.
    """
    try:
        async with asyncio.timeout(_WAIT_SECONDS):
            await serving.room.acquire()
    except TimeoutError as error:
        raise Unavailable("database_busy") from error
    try:
        await run_in_threadpool(tx.__enter__)
        try:
            for check in first:
                await run_in_threadpool(check, tx)
            yield tx
        except BaseException as error:
            await run_in_threadpool(tx.__exit__, type(error), error, error.__traceback__)
            raise
        await run_in_threadpool(tx.__exit__, None, None, None)
    finally:
        serving.room.release()


async def _read_tx(request: Request, caller: SignedInCaller) -> AsyncIterator[Tx]:
    serving = serving_of(request)
    tx = serving.database.read(caller.actor)
    async with _unit(serving, tx, lambda tx: ensure_open(tx, caller.session_id)):
        yield tx


async def _write_tx(
    request: Request, caller: SignedInCaller, key: idempotency.IdempotencyKey = None
) -> AsyncIterator[Tx]:
    serving = serving_of(request)

    def begin(tx: Tx) -> None:
        ensure_open(tx, caller.session_id)
        if key is not None:
            idempotency.recall(tx, request, key)

    async with _unit(serving, serving.database.write(caller.actor), begin) as tx:
        request.state.tx = tx
        yield tx


async def _audited_tx(request: Request, caller: SignedInCaller) -> AsyncIterator[Tx]:
    serving = serving_of(request)
    async with _unit(
        serving, serving.database.write(caller.actor), lambda tx: ensure_open(tx, caller.session_id)
    ) as tx:
        yield tx


async def _list_tx(
    request: Request,
    caller: SignedInCaller,
    patient_id: Annotated[UUID | None, Query(description="Those of one patient; audited.")] = None,
) -> AsyncIterator[Tx]:
    serving = serving_of(request)
    of_one = patient_id is not None or caller.actor.role is Role.PATIENT
    opened = (serving.database.write if of_one else serving.database.read)(caller.actor)
    async with _unit(serving, opened, lambda tx: ensure_open(tx, caller.session_id)) as tx:
        yield tx


async def acting(serving: Serving, caller: Caller) -> Actor:
    """Who a caller is as of now, with which patient or practitioner that is. Raises NotSignedIn, NotPermitted("account_off")."""
    tx = serving.database.read(caller.actor)
    async with _unit(serving, tx, lambda tx: ensure_open(tx, caller.session_id)):
        return tx.actor


def anonymous_actor(request: Request) -> Actor:
    """Whoever is not signed in, known by where they are."""
    return Actor(None, Role.NOBODY, desk=address_of(request))


async def _open_write_tx(request: Request) -> AsyncIterator[Tx]:
    ensure_own_page(request)
    serving = serving_of(request)
    async with _unit(serving, serving.database.write(anonymous_actor(request))) as tx:
        yield tx


ReadTx = Annotated[Tx, Depends(_read_tx, scope="function")]
"""A unit of work of the signed-in caller that changes nothing."""

ListTx = Annotated[Tx, Depends(_list_tx, scope="function")]
"""A unit of work for a list that the parameter `patient_id`, or who asks, may narrow to one patient: then it is audited."""

AuditedTx = Annotated[Tx, Depends(_audited_tx, scope="function")]
"""A unit of work of the signed-in caller for a read that is an entry in the audit trail itself."""

WriteTx = Annotated[Tx, Depends(_write_tx, scope="function")]
"""A unit of work of the signed-in caller; takes Idempotency-Key."""

AnonymousTx = Annotated[Tx, Depends(_open_write_tx, scope="function")]
"""A unit of work of whoever is not signed in (yet)."""
