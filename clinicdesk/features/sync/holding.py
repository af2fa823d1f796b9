"""Contents of documents that a desk brings before the documents themselves: looked through and sealed like any upload."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func, select

from clinicdesk.core.errors import Conflict
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.documents.schemas import Held, MediaType
from clinicdesk.features.sync.devices import own_device
from clinicdesk.features.sync.models import HeldContent
from clinicdesk.features.sync.schemas import HeldRow

LASTS = timedelta(hours=12)
"""How long a content waits for its document; the sweep of the archive comes after a day."""
MOST_WAITING = 500
"""Contents that one desk may have waiting."""


@verb(Permission.SYNC, writes=False)
def held_content(tx: Tx, sha256: str) -> HeldRow | None:
    """A content that the desk has brought and that still waits; None where it has to bring it (again).

    Raises Conflict("contents_waiting") for a desk that brings contents and never their documents.
    """
    device = own_device(tx)
    row = tx.session.get(HeldContent, (sha256, device.id))
    if row is not None and row.held_at > tx.now - LASTS:
        return _row_of(row)
    waiting = select(func.count()).where(HeldContent.device_id == device.id, HeldContent.held_at > tx.now - LASTS)
    if (tx.session.scalar(waiting) or 0) >= MOST_WAITING:
        raise Conflict("contents_waiting")
    return None


@verb(Permission.SYNC)
def hold_content(tx: Tx, sha256: str, held: Held) -> HeldRow:
    """Keep what was put into the archive until its document comes; `sha256` is that of what the desk has."""
    device = own_device(tx)
    tx.session.execute(delete(HeldContent).where(HeldContent.sha256 == sha256, HeldContent.device_id == device.id))
    row = HeldContent(
        sha256=sha256, device_id=device.id, media_type=held.media_type.value, size=held.size, kept_sha256=held.sha256,
        pages=held.pages, content_key=held.content_key, thumbnail_key=held.thumbnail_key, held_at=tx.now,
    )  # fmt: skip
    tx.session.add(row)
    tx.record(Change("held_content", None, Action.EXECUTE, note=held.media_type.value))
    tx.session.flush()
    return _row_of(row)


@verb(Permission.MAINTAIN)
def forget_contents(tx: Tx) -> int:
    """Forget contents whose document never came; the sweep of the archive removes them. Says how many there were."""
    gone = tx.session.execute(delete(HeldContent).where(HeldContent.held_at <= tx.now - LASTS))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _row_of(row: HeldContent) -> HeldRow:
    return HeldRow(row.sha256, MediaType(row.media_type), row.size, row.kept_sha256, row.pages, row.held_at + LASTS)
