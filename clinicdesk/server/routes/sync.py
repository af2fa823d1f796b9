"""/sync: desks that work by themselves enrol, send what was done and fetch what changed; people decide what clashed."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from fastapi import Body, Depends, Path, Query, Request, Response, WebSocket
from fastapi.concurrency import contextmanager_in_threadpool
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from clinicdesk.core.errors import ClinicError, InvalidInput
from clinicdesk.core.paging import Page
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor
from clinicdesk.features.documents import intake
from clinicdesk.features.documents.schemas import Held, MediaType
from clinicdesk.features.sync import service
from clinicdesk.features.sync.schemas import (
    ConflictDetail,
    ConflictKind,
    ConflictQuery,
    ConflictRow,
    DeviceQuery,
    DeviceRow,
    Digest,
    Enrol,
    HeldRow,
    Hello,
    MadeCode,
    MakeCode,
    Op,
    OpAction,
    Pull,
    Pulled,
    Push,
    Pushed,
    Snapshot,
)
from clinicdesk.features.users.schemas import NotSignedIn
from clinicdesk.server import problems
from clinicdesk.server.etags import IfMatch, tagged
from clinicdesk.server.identity import ProvedDevice, address_of, device_caller_of, serving_of
from clinicdesk.server.paging import Paging
from clinicdesk.server.problems import UnsupportedMedia, answers
from clinicdesk.server.routes.events import follow
from clinicdesk.server.routing import router as group
from clinicdesk.server.serving import Serving
from clinicdesk.server.times import Instant
from clinicdesk.server.tokens import SYNC_LASTS, Caller
from clinicdesk.server.units import AnonymousTx, AuditedTx, DeviceReadTx, DeviceTx, ListTx, ReadTx, WriteTx, turn

router = group("/sync", "sync", signed_in=False)

_ID = "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6071"
_KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
_CODE = {"desk": {"value": {"name": "Front desk 2", "roles": ["receptionist"], "hours": 24}}}
_ENROL = {"desk": {"value": {"code": "q1mF0m2b5Jx3vYtZb2n8kq0c1QhEo7lW", "public_key": _KEY}}}
_CHALLENGE = {"desk": {"value": {"device_id": _ID}}}
_TOKEN = {"desk": {"value": {"device_id": _ID, "challenge": "01932f0c.0193.1.ab", "signature": "0a" * 64}}}
_EDIT = {"desk": {"value": {"name": "Front desk 2", "roles": ["receptionist"]}}}
_PUSH = {
    "booking": {
        "value": {
            "protocol": 1, "schema": 1, "epoch": _ID, "stream_id": _ID,
            "ops": [
                {
                    "n": 1, "op_id": _ID, "user_id": _ID, "entity": "appointment", "id": _ID, "action": "C",
                    "wall_at": "2026-11-23T10:42:00Z",
                    "new": {
                        "patient_id": _ID, "practitioner_id": _ID, "start": "2026-11-23T14:00:00+00:00",
                        "end": "2026-11-23T14:20:00+00:00", "status": "booked", "created_at": "2026-11-23T10:42:00+00:00",
                    },
                }
            ],
        }
    }
}  # fmt: skip
_PULL = {
    "since": {
        "value": {"protocol": 1, "schema": 1, "epoch": _ID, "cursor": 4711, "scope_hash": "ab" * 32, "limit": 500}
    }
}  # fmt: skip
_REBOOK = {"later": {"value": {"start": "2026-11-24T09:00:00Z"}}}
_CANCEL = {"patient": {"value": {"reason": "pat"}}}
_TAKE = {"over": {"value": {"row_version": 3}}}

MOST_DEVICE_STREAMS = 2

Number = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Place = Annotated[int, Field(strict=True, ge=0, le=2**62)]
Hex64 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", examples=[_KEY])]
Name = Annotated[str, Field(max_length=60)]
Value = (
    Annotated[str, Field(max_length=20_000)]
    | bool
    | Annotated[int, Field(ge=-(2**53), le=2**53)]
    | Annotated[float, Field(allow_inf_nan=False)]
    | None
)
Values = Annotated[dict[Annotated[str, Field(max_length=60)], Value], Field(max_length=80)]


@dataclass(frozen=True, slots=True)
class NewCode:
    """A desk that is to be enrolled, whose data it may hold, and for how many hours the code is good."""

    name: Name
    roles: Annotated[list[Role], Field(max_length=8)]
    hours: Annotated[int, Field(strict=True, ge=1, le=168)] = 24


@dataclass(frozen=True, slots=True)
class NewDevice:
    """The code, and the public half of the desk's key (Ed25519) in hexadecimal digits."""

    code: Annotated[str, Field(max_length=100)] = field(repr=False)
    public_key: Hex64


@dataclass(frozen=True, slots=True)
class WhichDevice:
    """The desk that wants to prove who it is."""

    device_id: UUID


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the desk signs: the bytes of `clinicdesk sync 1 `, and behind them this text. Good for a minute, once."""

    challenge: str
    expires_in: int = 60


@dataclass(frozen=True, slots=True)
class AnsweredChallenge:
    """The challenge, and the desk's signature in hexadecimal digits."""

    device_id: UUID
    challenge: Annotated[str, Field(max_length=300)]
    signature: Annotated[str, Field(pattern="^[0-9a-f]{128}$", examples=["0a" * 64])]


@dataclass(frozen=True, slots=True)
class DeviceToken:
    """What the desk bears from now on, for so many seconds."""

    access_token: str = field(repr=False)
    expires_in: int = int(SYNC_LASTS.total_seconds())
    token_type: str = "bearer"  # noqa: S105


@dataclass(frozen=True, slots=True)
class DeviceChanges:
    """What a desk is called, and whose data it may hold."""

    name: Name
    roles: Annotated[list[Role], Field(max_length=8)]


@dataclass(frozen=True, slots=True)
class SentOp:
    """What somebody did to one row: `old` is what they saw, `new` what they wanted, `n` its number in the stream."""

    n: Annotated[int, Field(strict=True, ge=1, le=2**62)]
    op_id: UUID
    user_id: UUID
    entity: Annotated[str, Field(max_length=40)]
    id: UUID
    action: OpAction
    wall_at: Instant
    old: Values | None = None
    new: Values | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """Ops of one stream in the order of their numbers, as a desk of this protocol and schema says them."""

    protocol: Number
    schema: Number
    epoch: UUID
    stream_id: UUID
    ops: Annotated[list[SentOp], Field(max_length=200)]


@dataclass(frozen=True, slots=True)
class Asked:
    """How far the desk has come."""

    protocol: Number
    schema: Number
    epoch: UUID
    cursor: Place
    scope_hash: Hex64
    limit: Annotated[int, Field(strict=True, ge=1, le=1000)] = 500


@dataclass(frozen=True, slots=True)
class OtherTime:
    """Another time: with the same practitioner, unless another is named."""

    start: Instant
    practitioner_id: UUID | None = None
    room_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SwappedTime:
    """Where the visit goes that has the time now."""

    start: Instant
    practitioner_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class CancelledBecause:
    """A code of FHIR's appointment-cancellation-reason."""

    reason: Annotated[str, Field(max_length=12)]


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The version of the row that was shown, null where there is none yet; a prescription that serious warnings speak
    against needs a reason."""

    row_version: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)] | None
    reason: Annotated[str, Field(max_length=250)] = ""


# ---- devices -------------------------------------------------------------------------------------------------------


async def _few(request: Request) -> None:
    """Who knocks without being known is let try as often as somebody who signs in."""
    serving = serving_of(request)
    await serving.limits.count(f"enrol:{address_of(request)}", serving.settings.limit_sign_ins)


@router.post(
    "/codes", operation_id="make_enrolment_code", summary="Make a code that lets one desk in, once", status_code=201,
    responses=answers(401),
)  # fmt: skip
def make_code(tx: WriteTx, new: Annotated[NewCode, Body(openapi_examples=_CODE)]) -> MadeCode:
    return service.make_code(tx, MakeCode(new.name, tuple(new.roles), new.hours))


@router.get("/devices", operation_id="list_devices", summary="Enrolled desks", responses=answers(401))
def list_devices(tx: ReadTx, page: Paging, revoked: bool | None = None) -> Page[DeviceRow]:
    return service.find_devices(tx, DeviceQuery(revoked, page))


@router.post(
    "/devices/enroll", operation_id="enroll_device", summary="A desk brings its code and its key", status_code=201,
    responses=answers(409), dependencies=[Depends(_few)],
)  # fmt: skip
def enroll(tx: AnonymousTx, new: Annotated[NewDevice, Body(openapi_examples=_ENROL)]) -> DeviceRow:
    return service.enrol(tx, Enrol(new.code, bytes.fromhex(new.public_key)))


@router.post(
    "/devices/challenge", operation_id="challenge_device", summary="A desk asks for what it is to sign",
)  # fmt: skip
def challenge_device(request: Request, who: Annotated[WhichDevice, Body(openapi_examples=_CHALLENGE)]) -> Challenge:
    """What an enrolled desk has to sign to prove who it is. Whoever asks gets one; it is told by the signature alone."""
    database = serving_of(request).database
    return Challenge(service.challenge(database.audit_key, who.device_id, database.clock()))


@router.post(
    "/devices/token", operation_id="device_token", summary="A desk has signed, and gets its token",
    responses=answers(401),
)  # fmt: skip
def device_token(
    request: Request, tx: AnonymousTx, answer: Annotated[AnsweredChallenge, Body(openapi_examples=_TOKEN)]
) -> DeviceToken:
    device = service.prove(tx, answer.device_id, answer.challenge, bytes.fromhex(answer.signature))
    return DeviceToken(serving_of(request).tokens.sync(device.id, device.name))


@router.get(
    "/devices/{device_id}", operation_id="get_device", summary="One enrolled desk", responses=answers(401, 404)
)  # fmt: skip
def get_device(tx: ReadTx, device_id: UUID, response: Response) -> DeviceRow:
    return tagged(service.get_device(tx, device_id), response)


@router.put(
    "/devices/{device_id}", operation_id="edit_device", summary="Call a desk otherwise, or let it hold other data",
    responses=answers(401, 404, 409, 412, 428),
)  # fmt: skip
def edit_device(
    tx: WriteTx,
    device_id: UUID,
    version: IfMatch,
    changes: Annotated[DeviceChanges, Body(openapi_examples=_EDIT)],
    response: Response,
) -> DeviceRow:
    return tagged(service.edit_device(tx, device_id, version, changes.name, tuple(changes.roles)), response)


@router.delete(
    "/devices/{device_id}", operation_id="revoke_device", summary="Cut a desk off, from its next call on",
    responses=answers(401, 404, 409, 412, 428),
)  # fmt: skip
def revoke_device(tx: WriteTx, device_id: UUID, version: IfMatch, response: Response) -> DeviceRow:
    return tagged(service.revoke_device(tx, device_id, version), response)


# ---- for desks -----------------------------------------------------------------------------------------------------


@router.get(
    "/hello", operation_id="sync_hello", summary="What a desk has to know of itself and of the server",
    responses=answers(401),
)  # fmt: skip
def hello(tx: DeviceReadTx) -> Hello:
    return service.hello(tx)


@router.post(
    "/push", operation_id="sync_push", summary="A desk sends what was done there", responses=answers(401, 409, 426)
)  # fmt: skip
async def push(request: Request, device: ProvedDevice, sent: Annotated[Sent, Body(openapi_examples=_PUSH)]) -> Pushed:
    """Take what was done at a desk, in the order in which it was done. Each op is done once, however often it is sent; what
    clashes with what others have done meanwhile is kept for a person to decide, and nothing is lost."""
    ops = tuple(
        Op(one.n, one.op_id, one.user_id, one.entity, one.id, one.action, one.wall_at, one.old, one.new)
        for one in sent.ops
    )
    actor = service.actor_of(device.device_id, device.name)
    asked = Push(sent.protocol, sent.schema, sent.epoch, sent.stream_id, ops)
    serving = serving_of(request)
    async with turn(serving.room):
        return await run_in_threadpool(service.push, serving.database, actor, asked)


@router.post(
    "/pull", operation_id="sync_pull", summary="A desk fetches what has changed", responses=answers(401, 409, 410, 426)
)  # fmt: skip
def pull(tx: DeviceTx, asked: Annotated[Asked, Body(openapi_examples=_PULL)]) -> Pulled:
    return service.pull(
        tx, Pull(asked.protocol, asked.schema, asked.epoch, asked.cursor, asked.scope_hash, asked.limit)
    )


@router.get(
    "/snapshot", operation_id="sync_snapshot", summary="All that a desk may hold, a part at a time",
    responses=answers(401, 409),
)  # fmt: skip
def snapshot(
    tx: DeviceTx,
    cursor: Annotated[str, Query(max_length=1000, description="`next` of the part before.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> Snapshot:
    return service.snapshot(tx, cursor, limit)


@router.get(
    "/digest", operation_id="sync_digest", summary="What a desk that has come so far has to hold, in figures",
    responses=answers(401, 409),
)  # fmt: skip
def digest(
    tx: DeviceReadTx,
    seq: Annotated[int, Query(ge=0, le=2**62, description="The desk's cursor.")],
    entity: Annotated[list[str] | None, Query(max_length=40, description="These tables alone.")] = None,
) -> Digest:
    return service.digest(tx, seq, tuple(entity or ()))


@router.websocket("/events")
async def sync_events(websocket: WebSocket) -> None:
    """Tell a desk that there is something to fetch, and nothing else. It ends as soon as the desk is cut off."""
    serving = serving_of(websocket)
    try:
        device = device_caller_of(websocket)
        if device is None:
            raise NotSignedIn("device_not_proved")
        actor = service.actor_of(device.device_id, device.name)
        async with turn(serving.room):
            await run_in_threadpool(_ensure_enrolled, serving, actor)
        caller = Caller(actor, device.device_id, device.until)
        subscriber = await serving.live.subscribe(caller, actor, None, MOST_DEVICE_STREAMS)
    except ClinicError as error:
        await websocket.send_denial_response(problems.of_error(error))
        return
    await follow(websocket, serving, caller, subscriber)


def _ensure_enrolled(serving: Serving, actor: Actor) -> None:
    with serving.database.read(actor) as tx:
        service.hello(tx)


async def _content(
    request: Request,
    device: ProvedDevice,
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="Of the body.", examples=[_KEY])],
) -> AsyncIterator[HeldRow | Held]:
    """What the desk has brought before, or the file that is sent, looked through and kept until its row is written."""
    serving = serving_of(request)
    actor = service.actor_of(device.device_id, device.name)

    def known() -> HeldRow | None:
        with serving.database.read(actor) as tx:
            return service.held_content(tx, sha256)

    async with turn(serving.room):
        before = await run_in_threadpool(known)
    if before is not None:
        yield before
        return
    told = request.headers.get("content-type", "")
    if told.partition(";")[0].strip().lower() not in ("", "application/octet-stream", *MediaType):
        raise UnsupportedMedia()
    body = await request.body()
    if hashlib.sha256(body).hexdigest() != sha256:
        raise InvalidInput("content_differs", field="sha256")
    async with serving.looking:
        checked = await run_in_threadpool(intake.check_document, body, "", told)
    async with contextmanager_in_threadpool(serving.archive.holding(checked)) as held:
        yield held


@router.put(
    "/blobs/{sha256}", operation_id="sync_bring_content", summary="A desk brings the content of a document",
    responses=answers(401, 409),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind.value: {"schema": {"type": "string", "format": "binary"}} for kind in MediaType},
        }
    },
)  # fmt: skip
def bring_content(
    content: Annotated[HeldRow | Held, Depends(_content, scope="function")],
    tx: DeviceTx,
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$", examples=[_KEY])],
) -> HeldRow:
    return content if isinstance(content, HeldRow) else service.hold_content(tx, sha256, content)


# ---- for people ----------------------------------------------------------------------------------------------------


@router.get(
    "/conflicts", operation_id="list_conflicts", summary="What clashed and has to be decided", responses=answers(401)
)  # fmt: skip
def list_conflicts(
    tx: ListTx,
    page: Paging,
    patient_id: UUID | None = None,
    kind: ConflictKind | None = None,
    resolved: Annotated[bool | None, Query(description="Those that are decided; without a value all.")] = False,
) -> Page[ConflictRow]:
    return service.find_conflicts(tx, ConflictQuery(resolved, kind, patient_id, page))


@router.get(
    "/conflicts/{conflict_id}", operation_id="open_conflict", summary="Both claims, and the next free times",
    responses=answers(401, 404),
)  # fmt: skip
def open_conflict(tx: AuditedTx, conflict_id: UUID, response: Response) -> ConflictDetail:
    return _tagged(service.open_conflict(tx, conflict_id), response)


@router.post(
    "/conflicts/{conflict_id}/rebook", operation_id="rebook_conflict", summary="Give the visit another time",
    responses=answers(401, 404, 409, 412, 428),
)  # fmt: skip
def rebook(
    tx: WriteTx,
    conflict_id: UUID,
    version: IfMatch,
    to: Annotated[OtherTime, Body(openapi_examples=_REBOOK)],
    response: Response,
) -> ConflictDetail:
    done = service.rebook(tx, conflict_id, version, to.start, practitioner_id=to.practitioner_id, room_id=to.room_id)
    return _tagged(done, response)


@router.post(
    "/conflicts/{conflict_id}/swap", operation_id="swap_conflict",
    summary="Let the visit have its time, and give the other one another", responses=answers(401, 404, 409, 412, 428),
)  # fmt: skip
def swap(
    tx: WriteTx,
    conflict_id: UUID,
    version: IfMatch,
    to: Annotated[SwappedTime, Body(openapi_examples=_REBOOK)],
    response: Response,
) -> ConflictDetail:
    return _tagged(service.swap(tx, conflict_id, version, to.start, practitioner_id=to.practitioner_id), response)


@router.post(
    "/conflicts/{conflict_id}/cancel", operation_id="cancel_conflict", summary="Cancel the visit, with a reason",
    responses=answers(401, 404, 409, 412, 428),
)  # fmt: skip
def cancel(
    tx: WriteTx,
    conflict_id: UUID,
    version: IfMatch,
    because: Annotated[CancelledBecause, Body(openapi_examples=_CANCEL)],
    response: Response,
) -> ConflictDetail:
    return _tagged(service.cancel(tx, conflict_id, version, because.reason), response)


@router.post(
    "/conflicts/{conflict_id}/keep", operation_id="keep_conflict", summary="Leave the values as the server has them",
    responses=answers(401, 404, 409, 412, 428),
)  # fmt: skip
def keep(tx: WriteTx, conflict_id: UUID, version: IfMatch, response: Response) -> ConflictDetail:
    return _tagged(service.keep_values(tx, conflict_id, version), response)


@router.post(
    "/conflicts/{conflict_id}/take", operation_id="take_conflict", summary="Store the other values",
    responses=answers(401, 404, 409, 412, 428),
)  # fmt: skip
def take(
    tx: WriteTx,
    conflict_id: UUID,
    version: IfMatch,
    over: Annotated[TakenOver, Body(openapi_examples=_TAKE)],
    response: Response,
) -> ConflictDetail:
    return _tagged(service.take_values(tx, conflict_id, version, over.row_version, over.reason), response)


def _tagged(detail: ConflictDetail, response: Response) -> ConflictDetail:
    tagged(detail.conflict, response)
    return detail
