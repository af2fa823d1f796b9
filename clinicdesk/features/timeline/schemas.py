"""What the verbs of the timeline take and give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from clinicdesk.core.paging import PageRequest


class EntryKind(StrEnum):
    """What an entry is about; its `id` is that of a visit, a prescription, a measurement, a document or a message."""

    VISIT = "visit"
    MEDICATION = "medication"
    MEASUREMENT = "measurement"
    DOCUMENT = "document"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class TimelineQuery:
    """What happened with a patient in [since, until): of these kinds, or of all that the caller may see."""

    patient_id: UUID
    kinds: frozenset[EntryKind] = frozenset(EntryKind)
    since: datetime | None = None
    until: datetime | None = None
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened. `title` is the type of a visit, a medicine, a measure, a document's title, a message's template;
    `status` the state it is in by now."""

    at: datetime
    kind: EntryKind
    id: UUID
    title: str
    status: str
    detail: str
    """What else there is to say of it in short, as text."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Some entries, the latest first; `next` is the cursor behind them. `left_out` are kinds that the caller may not see."""

    items: list[TimelineEntry]
    left_out: list[EntryKind]
    next: str | None = None
    total: int | None = None
