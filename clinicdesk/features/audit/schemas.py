"""What the verbs of audit take and give."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from clinicdesk.core.trail import Kept


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries to list; what is left empty does not narrow. Times are [since, until).

    `text` is looked for in the person's name and the verb, and at the start of the patient's number; entries of `verbs` count
    as found too (what the screen calls them may be what was typed). `outcome` is ok, refused or failed. `before_seq` continues
    a listing: the `next_before` of the page before.
    """

    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    verbs: tuple[str, ...] = ()
    actor_id: UUID | None = None
    patient_id: UUID | None = None
    outcome: str = ""
    before_seq: int | None = None
    limit: int = 200
    verb: str = ""
    action: str = ""
    """C, R, U, D or E."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry. `action` is C, R, U, D or E; `fields` are the names of what changed, `note` a word that is nobody's data."""

    seq: int
    at: datetime
    actor_id: UUID | None
    who: str
    role: str
    desk: str
    action: str
    verb: str
    entity: str
    entity_id: UUID | None
    patient_id: UUID | None
    patient_number: str
    outcome: str
    """`ok`, `refused` or `failed`."""
    fields: tuple[str, ...]
    note: str
    hash: str
    """In hex."""
    emergency: bool = False
    """Done by breaking the glass."""


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries, newest first; `next_before` asks for the next page and is None where there is none."""

    rows: tuple[AuditRow, ...]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class VerificationPage:
    """How far a verification is: `entries` of `total` were walked so far and hold, and behind them the `history`.

    While `problem` is empty and there is a `next`, it goes on from there. `result` proves at the end what was found, and is
    what the trail takes an entry of. `problem` and `first_bad` are those of `Verification`.
    """

    entries: int
    total: int
    """The number of the last entry."""
    next: str | None
    """What the next page is asked for with; null at the end, and where something is wrong."""
    problem: str | None
    first_bad: int | None
    last_good_at: datetime | None
    """When the last entry that holds was made."""
    result: str | None
    history: Kept | None = None
    """What was found of the history so far; None before the end of the chain."""
