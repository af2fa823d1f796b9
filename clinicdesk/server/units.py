"""Units of work for endpoints: opened as the caller, and committed before the answer goes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from starlette.concurrency import run_in_threadpool

from clinicdesk.core.errors import Unavailable
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Tx
from clinicdesk.features.sync.service import actor_of
from clinicdesk.features.users import service as users
from clinicdesk.server import idempotency
from clinicdesk.server.identity import ProvedDevice, SignedInCaller, address_of, ensure_own_page, serving_of
from clinicdesk.server.serving import Serving
from clinicdesk.server.tokens import Caller

_WAIT_SECONDS = 10


@asynccontextmanager
async def turn(of: asyncio.Semaphore) -> AsyncIterator[None]:
    """One of a limited number at once. Raises Unavailable("database_busy") where that takes too long.

    Waiting holds no thread: were all threads to wait for the write lock, none would be left for whoever has it.
    """
    try:
        async with asyncio.timeout(_WAIT_SECONDS):
            await of.acquire()
    except TimeoutError as error:
        raise Unavailable("database_busy") from error
    try:
        yield
    finally:
        of.release()


@asynccontextmanager
async def _unit(serving: Serving, tx: Tx) -> AsyncIterator[Tx]:
    """An open unit of work for what goes on in the loop; it is closed with whatever leaves it."""
    async with turn(serving.room):
        await run_in_threadpool(tx.__enter__)
        try:
            yield tx
        except BaseException as error:
            await run_in_threadpool(tx.__exit__, type(error), error, error.__traceback__)
            raise
        await run_in_threadpool(tx.__exit__, None, None, None)


# What follows is for endpoints that run in a thread. There is room for their unit of work for as long as the endpoint goes
# on; its route opens and closes it, in that thread.


async def _read_tx(request: Request, caller: SignedInCaller) -> AsyncIterator[Tx]:
    serving = serving_of(request)
    async with turn(serving.room):
        tx = serving.database.read(caller.actor)
        request.state.read = caller, tx
        yield tx


async def _report_tx(request: Request, caller: SignedInCaller) -> AsyncIterator[Tx]:
    serving = serving_of(request)
    async with turn(serving.counting), turn(serving.room):
        yield serving.database.read(caller.actor)


async def _write_tx(
    request: Request, caller: SignedInCaller, key: idempotency.IdempotencyKey = None
) -> AsyncIterator[Tx]:
    serving = serving_of(request)
    async with turn(serving.room):
        request.state.key = key
        request.state.tx = tx = serving.database.write(caller.actor)
        yield tx


async def _audited_tx(request: Request, caller: SignedInCaller) -> AsyncIterator[Tx]:
    serving = serving_of(request)
    async with turn(serving.room):
        yield serving.database.write(caller.actor)


async def _list_tx(
    request: Request,
    caller: SignedInCaller,
    patient_id: Annotated[UUID | None, Query(description="Those of one patient; audited.")] = None,
) -> AsyncIterator[Tx]:
    serving = serving_of(request)
    of_one = patient_id is not None or caller.actor.role is Role.PATIENT
    look = caller.session_id, request.scope["path"], request.scope["query_string"]
    audited = of_one or not serving.views.lately(*look)
    async with turn(serving.room):
        tx = (serving.database.write if audited else serving.database.read)(caller.actor)
        request.state.read = caller, tx
        yield tx
    if audited:
        serving.views.note(*look)


async def acting(serving: Serving, caller: Caller) -> Actor:
    """Who a caller is as of now, with which patient or practitioner that is.

    Raises NotSignedIn, NotPermitted("account_off", "password_change_required").
    """
    tx = serving.database.read(caller.actor)
    async with _unit(serving, tx):
        return users.acting(tx)


def anonymous_actor(request: Request) -> Actor:
    """Whoever is not signed in, known by where they are."""
    return Actor(None, Role.NOBODY, desk=address_of(request))


@asynccontextmanager
async def unasked(serving: Serving, actor: Actor) -> AsyncIterator[Tx]:
    """A unit of work that may write, behind an answer that does not wait for it."""
    async with _unit(serving, serving.database.write(actor)) as tx:
        yield tx


async def _open_write_tx(request: Request) -> AsyncIterator[Tx]:
    ensure_own_page(request)
    serving = serving_of(request)
    async with turn(serving.room):
        yield serving.database.write(anonymous_actor(request))


async def _device_tx(request: Request, device: ProvedDevice) -> AsyncIterator[Tx]:
    serving = serving_of(request)
    async with turn(serving.room):
        yield serving.database.write(actor_of(device.device_id, device.name))


async def _device_read_tx(request: Request, device: ProvedDevice) -> AsyncIterator[Tx]:
    serving = serving_of(request)
    async with turn(serving.room):
        yield serving.database.read(actor_of(device.device_id, device.name))


@asynccontextmanager
async def reading(request: Request, caller: Caller) -> AsyncIterator[Tx]:
    """A unit of work like ReadTx's, for what has to be over before an endpoint begins; it is open."""
    serving = serving_of(request)
    async with _unit(serving, serving.database.read(caller.actor)) as tx:
        yield tx


@asynccontextmanager
async def auditing(request: Request, caller: Caller) -> AsyncIterator[Tx]:
    """A unit of work like AuditedTx's, in the same way."""
    serving = serving_of(request)
    async with _unit(serving, serving.database.write(caller.actor)) as tx:
        yield tx


ReadTx = Annotated[Tx, Depends(_read_tx, scope="function")]
"""A unit of work of the signed-in caller that changes nothing."""

ReportTx = Annotated[Tx, Depends(_report_tx, scope="function")]
"""The same for what counts many rows: of these a worker has few at once, so that they take nobody's place."""

ListTx = Annotated[Tx, Depends(_list_tx, scope="function")]
"""A unit of work for a list that names patients: each look at one patient's is audited, of others the first in a while."""

AuditedTx = Annotated[Tx, Depends(_audited_tx, scope="function")]
"""A unit of work of the signed-in caller for a read that is an entry in the audit trail itself."""

WriteTx = Annotated[Tx, Depends(_write_tx, scope="function")]
"""A unit of work of the signed-in caller; takes Idempotency-Key."""

DeviceTx = Annotated[Tx, Depends(_device_tx, scope="function")]
"""A unit of work of an enrolled desk by itself, which may be audited."""

DeviceReadTx = Annotated[Tx, Depends(_device_read_tx, scope="function")]
"""A unit of work of an enrolled desk by itself that changes nothing."""

AnonymousTx = Annotated[Tx, Depends(_open_write_tx, scope="function")]
"""A unit of work of whoever is not signed in (yet)."""
