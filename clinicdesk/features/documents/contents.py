"""Which contents of the archive rows know of."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, union_all

from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.documents.models import Document, Picture

_COLUMNS = (Document.content_key, Document.thumbnail_key, Picture.content_key, Picture.thumbnail_key)


@verb(Permission.MAINTAIN, writes=False)
def unknown_keys(tx: Tx, keys: Sequence[str]) -> list[str]:
    """Those of the keys that no document and no picture has."""
    known = union_all(*(select(column).where(column.in_(keys)) for column in _COLUMNS))
    found = set(tx.session.scalars(known))
    return [key for key in keys if key not in found]


@verb(Permission.MAINTAIN)
def note_sweep(tx: Tx, removed: int) -> None:
    """So many contents were removed that no row knew of."""
    tx.record(Change("document", None, Action.EXECUTE, note=f"{removed} orphans"))
