"""Units of work for endpoints: opened as the caller, and committed before the answer goes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from starlette.concurrency import run_in_threadpool

from clinicdesk.core.errors import Unavailable
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Tx
from clinicdesk.features.users import service as users
from clinicdesk.server import idempotency
from clinicdesk.server.identity import SignedInCaller, address_of, ensure_own_page, serving_of
from clinicdesk.server.serving import Serving
from clinicdesk.server.tokens import Caller

_WAIT_SECONDS = 10


Step = Callable[[Tx], None]


def _nothing(_tx: Tx) -> None:
    pass


@asynccontextmanager
async def _unit(serving: Serving, tx: Tx, first: Step = _nothing, last: Step = _nothing) -> AsyncIterator[Tx]:
    """Open the unit of work, do what comes first in it, and close it with whatever leaves it; if nothing does, after the last.

    Waiting for room holds no thread: were all threads to wait for the write lock, none would be left for whoever has it.
    """
    async with _turn(serving.room):
        await run_in_threadpool(_open, tx, first)
        try:
            yield tx
        except BaseException as error:
            await run_in_threadpool(tx.__exit__, type(error), error, error.__traceback__)
            raise
        await run_in_threadpool(_close, tx, last)


@asynccontextmanager
async def _turn(of: asyncio.Semaphore) -> AsyncIterator[None]:
    """One of a limited number at once. Raises Unavailable("database_busy") where that takes too long."""
    try:
        async with asyncio.timeout(_WAIT_SECONDS):
            await of.acquire()
    except TimeoutError as error:
        raise Unavailable("database_busy") from error
    try:
        yield
    finally:
        of.release()


# Going to a thread and back costs about as much as a statement: each way to a thread does all that there is to do.


def _open(tx: Tx, first: Step) -> None:
    with ExitStack() as stack:
        first(stack.enter_context(tx))
        stack.pop_all()


def _close(tx: Tx, last: Step) -> None:
    with ExitStack() as stack:
        stack.push(tx)
        last(tx)


async def _read_tx(request: Request, caller: SignedInCaller) -> AsyncIterator[Tx]:
    serving = serving_of(request)
    async with _unit(serving, serving.database.read(caller.actor)) as tx:
        request.state.read = caller, tx
        yield tx


async def _report_tx(request: Request, caller: SignedInCaller) -> AsyncIterator[Tx]:
    serving = serving_of(request)
    async with _turn(serving.counting), _unit(serving, serving.database.read(caller.actor)) as tx:
        yield tx


async def _write_tx(
    request: Request, caller: SignedInCaller, key: idempotency.IdempotencyKey = None
) -> AsyncIterator[Tx]:
    serving = serving_of(request)
    repeats = () if key is None else (
        lambda tx: idempotency.recall(tx, request, key), lambda tx: idempotency.keep(tx, request, key),
    )  # fmt: skip
    async with _unit(serving, serving.database.write(caller.actor), *repeats) as tx:
        request.state.tx = tx
        yield tx


async def _audited_tx(request: Request, caller: SignedInCaller) -> AsyncIterator[Tx]:
    serving = serving_of(request)
    async with _unit(serving, serving.database.write(caller.actor)) as tx:
        yield tx


async def _list_tx(
    request: Request,
    caller: SignedInCaller,
    patient_id: Annotated[UUID | None, Query(description="Those of one patient; audited.")] = None,
) -> AsyncIterator[Tx]:
    serving = serving_of(request)
    of_one = patient_id is not None or caller.actor.role is Role.PATIENT
    look = caller.session_id, request.scope["path"], request.scope["query_string"]
    audited = of_one or not serving.views.lately(*look)
    opened = (serving.database.write if audited else serving.database.read)(caller.actor)
    async with _unit(serving, opened) as tx:
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
    async with _unit(serving, serving.database.write(anonymous_actor(request))) as tx:
        yield tx


reading = asynccontextmanager(_read_tx)
"""The unit of work of ReadTx, for what has to be over before an endpoint begins: `async with reading(request, caller)`."""

auditing = asynccontextmanager(_audited_tx)
"""The unit of work of AuditedTx, in the same way."""

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

AnonymousTx = Annotated[Tx, Depends(_open_write_tx, scope="function")]
"""A unit of work of whoever is not signed in (yet)."""
