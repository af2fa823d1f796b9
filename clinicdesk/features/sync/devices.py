"""Desks: let in by a code that works once, known by their key from then on, and cut off at their next call.

A desk proves that it has its key by signing a challenge, and gets a token for a while. A challenge lasts a minute and is
answered once, so that what somebody has overheard is of no use to them; no clock but ours is asked.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import delete, func, select

from clinicdesk.core import epoch
from clinicdesk.core.clock import from_micros, to_micros
from clinicdesk.core.database import derive_key
from clinicdesk.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import Page, check_limit, decode_id_cursor, encode_cursor
from clinicdesk.core.permissions import Permission, Role
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Action, Actor, Change, Tx, verb
from clinicdesk.features.sync import rules
from clinicdesk.features.sync.entities import DESK_ROLES, Scope
from clinicdesk.features.sync.models import Device, EnrolmentCode, SpentChallenge
from clinicdesk.features.sync.schemas import DeviceQuery, DeviceRow, Enrol, Hello, MadeCode, MakeCode
from clinicdesk.features.users.schemas import NotSignedIn

CHALLENGE_LASTS = timedelta(minutes=1)
MOST_HOURS = 7 * 24
NAME_MOST = 60
KEY_BYTES, SIGNATURE_BYTES = 32, 64
_SAYS = b"clinicdesk sync 1 "
"""What a desk signs is this and the challenge, so that no signature of its key made for another purpose is one for this."""


def actor_of(device_id: UUID, name: str) -> Actor:
    """A desk, as it acts by itself."""
    return Actor(None, Role.DEVICE, name, name, device_id=device_id)


# ---- for those who manage them -------------------------------------------------------------------------------------


@verb(Permission.MANAGE_DEVICES)
def make_code(tx: Tx, request: MakeCode) -> MadeCode:
    """A code by which one desk may enrol itself, once, within so many hours. It is shown now and never again.

    Raises InvalidInput: empty, too_long and control_characters for the name, role_not_right, out_of_range for the hours.
    """
    name = one_line(request.name, "name", NAME_MOST, required=True)
    roles = _ordered(request.roles)
    if not 1 <= request.hours <= MOST_HOURS:
        raise InvalidInput("out_of_range", field="hours", least=1, most=MOST_HOURS)
    code = secrets.token_urlsafe(24)
    row = EnrolmentCode(
        id=new_id(), version=1, code_hash=_hash(code), name=name, roles=",".join(roles), created_at=tx.now,
        created_by=tx.actor.user_id, expires_at=tx.now + timedelta(hours=request.hours), used_at=None,
    )  # fmt: skip
    tx.session.add(row)
    tx.record(Change("enrolment_code", row.id, Action.CREATE, None, {"name": name, "roles": row.roles}))
    tx.session.flush()
    return MadeCode(row.id, code, name, roles, row.expires_at)


@verb(Permission.MANAGE_DEVICES, writes=False)
def find_devices(tx: Tx, query: DeviceQuery = DeviceQuery()) -> Page[DeviceRow]:  # noqa: B008
    """Desks in the order in which they were enrolled. Raises InvalidInput("cursor_not_right", "out_of_range")."""
    check_limit(query.page)
    wanted = []
    if query.revoked is not None:
        wanted.append(Device.revoked_at.is_not(None) if query.revoked else Device.revoked_at.is_(None))
    found = select(Device).where(*wanted).order_by(Device.id).limit(query.page.limit + 1)
    if query.page.cursor:
        found = found.where(Device.id > decode_id_cursor(query.page.cursor))
    rows = tx.session.scalars(found).all()
    shown = rows[: query.page.limit]
    total = tx.session.scalar(select(func.count()).select_from(Device).where(*wanted)) if query.page.total else None
    following = encode_cursor([shown[-1].id.hex]) if len(rows) > query.page.limit else None
    return Page([row_of(row) for row in shown], following, total)


@verb(Permission.MANAGE_DEVICES, writes=False)
def get_device(tx: Tx, id: UUID) -> DeviceRow:  # noqa: A002
    """One desk. Raises NotFound("device_not_found")."""
    return row_of(_load(tx, id))


@verb(Permission.MANAGE_DEVICES)
def edit_device(tx: Tx, id: UUID, version: int, name: str, roles: tuple[Role, ...]) -> DeviceRow:  # noqa: A002
    """Call a desk otherwise, or let it hold the data of other roles: then it starts over.

    Raises NotFound, Conflict("changed_meanwhile", "device_revoked_already"), InvalidInput as `make_code` does.
    """
    row = _load(tx, id, version)
    row.name = one_line(name, "name", NAME_MOST, required=True)
    row.roles = ",".join(_ordered(roles))
    tx.record(Change.updated(row))
    tx.session.flush()
    return row_of(row)


@verb(Permission.MANAGE_DEVICES)
def revoke_device(tx: Tx, id: UUID, version: int) -> DeviceRow:  # noqa: A002
    """Cut a desk off: from now on each call of it is refused, at every worker. There is no way back but to enrol it anew.

    Raises NotFound("device_not_found"), Conflict("changed_meanwhile", "device_revoked_already").
    """
    row = _load(tx, id, version)
    row.revoked_at, row.revoked_by = tx.now, tx.actor.user_id
    tx.record(Change.updated(row))
    tx.session.flush()
    return row_of(row)


# ---- for the desks themselves ----------------------------------------------------------------------------------------


@verb(Permission.SIGN_IN)
def enrol(tx: Tx, request: Enrol) -> DeviceRow:
    """A desk that has a code brings its key, and is known by it from now on.

    Raises InvalidInput("enrolment_code_not_right") for a code that is none, was used or has expired, ("key_not_right") for
    what is no key; Conflict("device_known") for a key that is known already.
    """
    code = tx.session.scalar(select(EnrolmentCode).where(EnrolmentCode.code_hash == _hash(request.code)))
    if code is None or code.used_at is not None or code.expires_at <= tx.now:
        raise InvalidInput("enrolment_code_not_right", field="code")
    try:
        Ed25519PublicKey.from_public_bytes(request.public_key)
    except ValueError as error:
        raise InvalidInput("key_not_right", field="public_key") from error
    if tx.session.scalar(select(Device.id).where(Device.public_key == request.public_key)) is not None:
        raise Conflict("device_known")
    code.used_at = tx.now
    tx.record(Change("enrolment_code", code.id, Action.UPDATE, {"used_at": None}, {"used_at": tx.now}))
    row = Device(
        id=new_id(), version=1, name=code.name, public_key=request.public_key, roles=code.roles, enrolled_at=tx.now,
        enrolled_by=code.created_by, seen_at=None, revoked_at=None, revoked_by=None,
    )  # fmt: skip
    tx.session.add(row)
    tx.record(Change("device", row.id, Action.CREATE, None, {"name": row.name, "roles": row.roles}))
    tx.session.flush()
    return row_of(row)


def challenge(audit_key: bytes, device_id: UUID, now: datetime) -> str:
    """What a desk is to sign within a minute. Nothing is stored for it, so that asking costs nobody anything."""
    said = f"{new_id().hex}.{device_id.hex}.{to_micros(now + CHALLENGE_LASTS)}"
    return f"{said}.{_seal(audit_key, said)}"


@verb(Permission.SIGN_IN, concurrent=True)
def prove(tx: Tx, device_id: UUID, answered: str, signature: bytes) -> DeviceRow:
    """A desk has signed its challenge: it is who it says. A challenge is answered once.

    Raises NotSignedIn for everything that does not fit, NotPermitted("device_revoked") for a desk that was cut off.
    """
    once, expires_at = _open_challenge(tx, device_id, answered)
    row = tx.session.get(Device, device_id)
    if row is None:
        raise NotSignedIn("device_not_proved")
    try:
        Ed25519PublicKey.from_public_bytes(row.public_key).verify(signature, to_sign(answered))
    except InvalidSignature as error:
        raise NotSignedIn("device_not_proved") from error
    tx.claim(f"challenge/{once}")
    if tx.session.get(SpentChallenge, once) is not None:
        raise NotSignedIn("device_not_proved")
    if row.revoked_at is not None:
        raise NotPermitted("device_revoked", verb=tx.verb)
    tx.session.add(SpentChallenge(id=once, expires_at=expires_at))
    tx.session.flush()
    tx.connection.execute(Device.__table__.update().where(Device.__table__.c.id == row.id).values(seen_at=tx.now))  # type: ignore[attr-defined]
    tx.record(Change("device", row.id, Action.EXECUTE, note=row.name))
    return row_of(row)


@verb(Permission.SYNC, writes=False)
def hello(tx: Tx) -> Hello:
    """What a desk has to know before it sends or fetches."""
    row = own_device(tx)
    roles = roles_of(row)
    scope = Scope.of(roles)
    return Hello(
        row.id, row.name, roles, rules.PROTOCOL, rules.SCHEMA, epoch.current(tx.connection), scope.hash,
        scope.fields, tx.now,
    )  # fmt: skip


@verb(Permission.MAINTAIN, writes=False)
def open_devices(tx: Tx, device_ids: Collection[UUID]) -> dict[UUID, Actor]:
    """Which of these desks are not cut off, and who each is."""
    found = tx.session.execute(
        select(Device.id, Device.name).where(Device.id.in_(device_ids), Device.revoked_at.is_(None))
    )
    return {row.id: actor_of(row.id, row.name) for row in found}


@verb(Permission.MAINTAIN)
def forget_challenges(tx: Tx) -> int:
    """Forget challenges that are over, and codes that expired a month ago; says how many went."""
    gone = tx.session.execute(delete(SpentChallenge).where(SpentChallenge.expires_at < tx.now - CHALLENGE_LASTS))
    codes = tx.session.execute(delete(EnrolmentCode).where(EnrolmentCode.expires_at < tx.now - timedelta(days=30)))
    return int(gone.rowcount) + int(codes.rowcount)  # type: ignore[attr-defined]


# ---- parts ---------------------------------------------------------------------------------------------------------


def own_device(tx: Tx) -> Device:
    """The desk that brings this unit of work. Raises NotPermitted("device_revoked") where there is none."""
    row = None if tx.actor.device_id is None else tx.session.get(Device, tx.actor.device_id)
    if row is None:
        raise NotPermitted("device_revoked", verb=tx.verb)
    return row


def roles_of(row: Device) -> tuple[Role, ...]:
    """Whose data the desk may hold."""
    return tuple(Role(role) for role in row.roles.split(","))


def row_of(row: Device) -> DeviceRow:
    """The desk as it is shown."""
    roles = roles_of(row)
    return DeviceRow(
        row.id, row.name, roles, Scope.of(roles).hash, hashlib.sha256(row.public_key).hexdigest()[:16], row.enrolled_at,
        row.enrolled_by, row.seen_at, row.revoked_at, row.revoked_by, row.version,
    )  # fmt: skip


def to_sign(answered: str) -> bytes:
    """The bytes that a desk signs with its key to answer a challenge."""
    return _SAYS + answered.encode()


def _ordered(roles: tuple[Role, ...]) -> tuple[Role, ...]:
    if not roles or not set(roles) <= set(DESK_ROLES):
        raise InvalidInput("role_not_right", field="roles")
    return tuple(sorted(set(roles)))


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


def _seal(audit_key: bytes, said: str) -> str:
    return hmac.digest(derive_key(audit_key, "device challenges"), said.encode(), "sha256").hex()


def _open_challenge(tx: Tx, device_id: UUID, answered: str) -> tuple[UUID, datetime]:
    """The challenge's id and when it ends, where it is ours, for this desk, and not over. Raises NotSignedIn."""
    said, _, seal = answered.rpartition(".")
    if not answered.isascii() or not hmac.compare_digest(seal, _seal(tx.database.audit_key, said)):
        raise NotSignedIn("device_not_proved")
    once, device, until = said.split(".")
    expires_at = from_micros(int(until))
    if UUID(hex=device) != device_id or expires_at <= tx.now:
        raise NotSignedIn("device_not_proved")
    return UUID(hex=once), expires_at


def _load(tx: Tx, id_: UUID, version: int | None = None) -> Device:
    row = tx.session.get(Device, id_)
    if row is None:
        raise NotFound("device_not_found")
    if version is not None and row.version != version:
        raise Conflict("changed_meanwhile")
    if version is not None and row.revoked_at is not None:
        raise Conflict("device_revoked_already")
    return row
