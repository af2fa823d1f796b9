"""Which contents of the archive rows know of, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select, union_all

from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.documents.models import Document, Picture
from clinicdesk.features.documents.schemas import Displaced, DocumentStatus

_KEPT = Document.expired_at.is_(None)
_KEYS = (
    select(Document.content_key).where(_KEPT), select(Document.thumbnail_key).where(_KEPT),
    select(Picture.content_key), select(Picture.thumbnail_key),
)  # fmt: skip
_AT_ONCE = 100


@verb(Permission.MAINTAIN, writes=False)
def unknown_keys(tx: Tx, keys: Sequence[str]) -> list[str]:
    """Those of the keys that no document, and no picture, has (any more)."""
    known = union_all(*(having.where(having.selected_columns[0].in_(keys)) for having in _KEYS))
    found = set(tx.session.scalars(known))
    return [key for key in keys if key not in found]


@verb(Permission.MAINTAIN)
def expire(tx: Tx, after: timedelta) -> Displaced | None:
    """Let go of the contents of some documents that were removed so long ago; what is said of them stays, and each is audited.

    None where there are no more. It does not wait for who reads one at this moment.
    """
    long_ago = (
        Document.status == DocumentStatus.ENTERED_IN_ERROR.value, _KEPT, Document.status_at <= tx.now - after,
    )  # fmt: skip
    found = tx.session.scalars(select(Document).where(*long_ago).order_by(Document.status_at).limit(_AT_ONCE)).all()
    for document in found:
        document.expired_at = tx.now
        tx.record(Change.updated(document, patient_id=document.patient_id, note="expired"))
    tx.session.flush()
    keys = (key for document in found for key in (document.content_key, document.thumbnail_key))
    return Displaced(tuple(key for key in keys if key is not None)) if found else None


@verb(Permission.MAINTAIN)
def note_sweep(tx: Tx, removed: int) -> None:
    """So many contents were removed that no row knew of."""
    tx.record(Change("document", None, Action.EXECUTE, note=f"{removed} orphans"))
