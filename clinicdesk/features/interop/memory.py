"""Remembers which record of which source became which row, for as long as one file is being taken in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinicdesk.features.interop.models import ImportedRecord

Key = tuple[str, str]
"""Kind and id at the source."""
_BATCH = 500


def digest_of(record: object) -> bytes:
    """What a record says, in 32 bytes: equal for equal records."""
    return hashlib.sha256(repr(record).encode()).digest()


class Memory:
    """The imported records that a file is concerned with; asks the database once for each."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[Key, ImportedRecord | None] = {}
        self.kept: list[Key] = []

    def load(self, keys: Iterable[Key]) -> None:
        """Ask for many at once."""
        wanted: dict[str, list[str]] = {}
        for kind, source_id in dict.fromkeys(keys):
            wanted.setdefault(kind, []).append(source_id)
            self._known[kind, source_id] = None
        for kind, ids in wanted.items():
            for at in range(0, len(ids), _BATCH):
                rows = self._session.scalars(
                    select(ImportedRecord).where(
                        ImportedRecord.kind == kind, ImportedRecord.source_id.in_(ids[at : at + _BATCH])
                    )
                )
                self._known |= {(row.kind, row.source_id): row for row in rows}

    def find(self, kind: str, source_id: str) -> ImportedRecord | None:
        """What became of the record; None where it has not been taken."""
        if (kind, source_id) not in self._known:
            self._known[kind, source_id] = self._session.get(ImportedRecord, (kind, source_id))
        return self._known[kind, source_id]

    def keep(self, kind: str, source_id: str, entity: str, entity_id: UUID, digest: bytes) -> None:
        """Remember what a record said, and what became of it."""
        self.kept.append((kind, source_id))
        row = self.find(kind, source_id)
        if row is None:
            row = ImportedRecord(kind=kind, source_id=source_id, entity=entity, entity_id=entity_id, digest=digest)
            self._session.add(row)
            self._known[kind, source_id] = row
        else:
            row.entity_id, row.digest = entity_id, digest

    def forget_since(self, mark: int) -> None:
        """Unlearn what was kept after `mark` (a length of `kept`): the database has taken it back."""
        for key in self.kept[mark:]:
            self._known.pop(key, None)
        del self.kept[mark:]
