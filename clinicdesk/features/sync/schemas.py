"""What goes between a desk and the server, and what a person is shown of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from clinicdesk.core.errors import ClinicError, Conflict
from clinicdesk.core.paging import PageRequest
from clinicdesk.core.permissions import Role
from clinicdesk.features.appointments.schemas import Opening
from clinicdesk.features.documents.schemas import MediaType

Fields = Mapping[str, Any]
"""Values by field as JSON has them: instants and days as RFC 3339 writes them, ids with their hyphens."""


class OutOfStep(Conflict):
    """What the desk sends or asks does not go on from where the server is: epoch_changed, scope_changed, seq_gap,
    stream_forked."""

    code = "seq_gap"


class CursorExpired(ClinicError):
    """The changes behind the desk's cursor are not kept any more: send what waits, then take a snapshot. HTTP 410."""

    code = "cursor_expired"


class TooOld(ClinicError):
    """The desk speaks what the server does not speak any more. HTTP 426."""

    code = "desk_too_old"


class Outcome(StrEnum):
    """What became of an op."""

    APPLIED = "applied"
    MERGED = "merged"
    CONFLICT = "conflict"
    REJECTED = "rejected"


class OpAction(StrEnum):
    """What an op does to its row."""

    CREATE = "C"
    UPDATE = "U"
    DELETE = "D"


@dataclass(frozen=True, slots=True)
class Op:
    """What somebody did to one row at a desk; `n` is its number in the stream, `wall_at` what the desk's clock showed.

    `old` is what they saw: the fields that change, and those that are changed with them as one. `new` is what they wanted.
    """

    n: int
    op_id: UUID
    user_id: UUID
    entity: str
    id: UUID
    action: OpAction
    wall_at: datetime
    old: Fields | None = None
    new: Fields | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """Ops in the order in which they were done."""

    protocol: int
    schema: int
    epoch: UUID
    stream_id: UUID
    ops: tuple[Op, ...]


@dataclass(frozen=True, slots=True)
class OpResult:
    """What became of an op, and the row as it stands now, as far as the desk may hold it; None where there is none.

    `conflict_id` names what a person has to decide.
    """

    op_id: UUID
    n: int
    outcome: Outcome
    code: str
    row: Fields | None
    conflict_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of each op; `last_n` is the last of the stream that was taken."""

    results: tuple[OpResult, ...]
    last_n: int
    server_time: datetime


@dataclass(frozen=True, slots=True)
class Pull:
    """A desk asks what has changed behind its cursor."""

    protocol: int
    schema: int
    epoch: UUID
    cursor: int
    scope_hash: str
    limit: int = 500


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row as it stands now, at the place of its last change; None where the desk is to hold it no longer."""

    seq: int
    entity: str
    id: UUID
    row: Fields | None


@dataclass(frozen=True, slots=True)
class Pulled:
    """What changed, in order; `upto` is the cursor to go on from. Cursors below `min_retained` have expired."""

    changes: tuple[RowChange, ...]
    upto: int
    has_more: bool
    min_retained: int
    server_time: datetime


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """A row of a snapshot."""

    entity: str
    id: UUID
    row: Fields


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A part of all that the desk may hold. With the last part (`next` None) it is whole as soon as what changed behind
    `cursor` has been pulled as well."""

    epoch: UUID
    scope_hash: str
    cursor: int
    rows: tuple[SnapshotRow, ...]
    next: str | None
    server_time: datetime


@dataclass(frozen=True, slots=True)
class EntityDigest:
    """How many rows of a table the desk may hold, and the digest of them."""

    rows: int
    """How many."""
    sha256: str
    """Of them all, in hex."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What the desk has to hold once it has come as far as `seq`."""

    epoch: UUID
    scope_hash: str
    seq: int
    entities: Mapping[str, EntityDigest]


@dataclass(frozen=True, slots=True)
class Hello:
    """What a desk has to know of itself and of the server."""

    device_id: UUID
    name: str
    roles: tuple[Role, ...]
    protocol: int
    schema: int
    epoch: UUID
    scope_hash: str
    scope: Mapping[str, tuple[str, ...]]
    server_time: datetime


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A content that waits for its document, `until` then. `sha256` is that of what the desk has, `kept_sha256` that of what is
    kept, which of an image is another: it is encoded anew."""

    sha256: str
    media_type: MediaType
    size: int
    kept_sha256: str
    pages: int | None
    until: datetime


# ---- devices -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MakeCode:
    """A desk is to be enrolled: what it is called, and whose data it may hold."""

    name: str
    roles: tuple[Role, ...]
    hours: int = 24


@dataclass(frozen=True, slots=True)
class MadeCode:
    """A code that lets one desk in. It is shown this once."""

    id: UUID
    code: str = field(repr=False)
    name: str = ""
    roles: tuple[Role, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Enrol:
    """A desk shows the code, and the public half of its key (Ed25519, 32 bytes)."""

    code: str = field(repr=False)
    public_key: bytes


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """An enrolled desk."""

    id: UUID
    name: str
    roles: tuple[Role, ...]
    scope_hash: str
    fingerprint: str
    """The first 16 hex digits of its key's SHA-256, to be compared by eye."""
    enrolled_at: datetime
    enrolled_by: UUID | None
    seen_at: datetime | None
    revoked_at: datetime | None
    revoked_by: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class DeviceQuery:
    """Which desks: those that were revoked too, if asked."""

    revoked: bool | None = None
    page: PageRequest = PageRequest()  # noqa: RUF009  (frozen)


# ---- conflicts -----------------------------------------------------------------------------------------------------


class ConflictKind(StrEnum):
    """BOOKING: a visit whose time was taken. FIELDS: values that somebody else had changed meanwhile."""

    BOOKING = "booking"
    FIELDS = "fields"


class Resolution(StrEnum):
    """How it was decided. AROUND: by whoever changed the visit without looking here."""

    REBOOKED = "rebooked"
    SWAPPED = "swapped"
    CANCELLED = "cancelled"
    KEPT = "kept"
    TAKEN = "taken"
    AROUND = "around"


@dataclass(frozen=True, slots=True)
class Claim:
    """One side: the values, who wrote them, when and at which desk. Of what was there before, who is the last that changed
    the row."""

    values: Fields
    user_id: UUID | None
    user_name: str
    desk: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """What has to be decided, in a list."""

    id: UUID
    kind: ConflictKind
    entity: str
    entity_id: UUID
    patient_id: UUID | None
    patient_name: str
    user_id: UUID
    user_name: str
    desk: str
    wall_at: datetime
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: UUID | None
    resolution: Resolution | None
    version: int


@dataclass(frozen=True, slots=True)
class ConflictDetail:
    """Both claims, and what can be done. `openings` are the next free times for a visit that has to be booked anew."""

    conflict: ConflictRow
    stands: Claim
    claimed: Claim
    other_id: UUID | None
    row: Fields | None
    row_version: int | None
    patient_phone: str
    openings: tuple[Opening, ...]


@dataclass(frozen=True, slots=True)
class ConflictQuery:
    """Which conflicts: open ones, unless others are asked for."""

    resolved: bool | None = False
    kind: ConflictKind | None = None
    patient_id: UUID | None = None
    page: PageRequest = PageRequest()  # noqa: RUF009  (frozen)
