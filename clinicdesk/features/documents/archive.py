"""The archive of contents: sealed before they leave this process, checked when they come back, and never without a row for long.

Contents are moved outside of units of work, so that no lock is held meanwhile. Something new is put away first; then the row
that knows of it is written, and if that fails it is taken away again:

    checked = intake.check_document(content, filename, told)
    with archive.holding(checked) as held, database.write(actor) as tx:
        row = documents.file_document(tx, request, held)

What a crash leaves behind has no row, and `sweep_orphans` removes it. To read, a verb says where the content lies:

    with database.write(actor) as tx:
        content = documents.open_content(tx, document_id)
    data = archive.read(content)
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clinicdesk.core.database import derive_key
from clinicdesk.core.errors import ClinicError, Unavailable
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.documents.contents import expire, note_sweep, unknown_keys
from clinicdesk.features.documents.intake import Checked
from clinicdesk.features.documents.schemas import Content, Displaced, Held, Sealed
from clinicdesk.features.documents.store import Folder, Store

log = logging.getLogger(__name__)

FOLDER_NAME = "documents"
GRACE = timedelta(days=1)
"""How long something may lie in the archive before a row has to know of it; no upload takes that long."""
_MARK = b"CDA1"
_NONCE, _TAG = 12, 16
_BATCH = 500


class Archive:
    """A store, and the key under which everything in it is sealed (AES-256-GCM; a content's own key is sealed in with it)."""

    def __init__(self, store: Store, *, cipher: AESGCM) -> None:
        self._store = store
        self._cipher = cipher

    @contextmanager
    def holding(self, checked: Checked) -> Iterator[Held]:
        """Put the content away for the length of the block, in which a row has to be written that knows of it.

        It is taken away again where the block fails, unless whether it did cannot be told: then it is left to the sweep.
        Raises Unavailable.
        """
        held = Held(
            checked.media_type, len(checked.content), hashlib.sha256(checked.content).hexdigest(), checked.pages,
            checked.filename, secrets.token_hex(16), None if checked.thumbnail is None else secrets.token_hex(16),
        )  # fmt: skip
        try:
            self._put(held.content_key, checked.content)
            if held.thumbnail_key is not None and checked.thumbnail is not None:
                self._put(held.thumbnail_key, checked.thumbnail)
            yield held
        except Unavailable:  # perhaps of the database, as it committed
            raise
        except Exception:
            self._discard(held)
            raise

    def over(self, store: Store) -> Archive:
        """The same archive as it lies in another store."""
        return Archive(store, cipher=self._cipher)

    def read(self, content: Content) -> bytes:
        """The bytes of something. Raises Unavailable: content_missing, content_damaged, and as the store does."""
        return self._open(content, self._store.get(content.key))

    def take_out(self, content: Sealed) -> bytes:
        """Something as it lies here, sealed, once it was read and found to be what it was. Raises as `read` does."""
        sealed = self._store.get(content.key)
        self._open(content, sealed)
        return sealed

    def _open(self, content: Content | Sealed, sealed: bytes) -> bytes:
        try:
            if sealed[: len(_MARK)] != _MARK:
                raise InvalidTag
            start = len(_MARK) + _NONCE
            data = self._cipher.decrypt(sealed[len(_MARK) : start], memoryview(sealed)[start:], content.key.encode())
        except (InvalidTag, ValueError) as error:
            raise Unavailable("content_damaged") from error
        if content.sha256 is not None and not hmac.compare_digest(hashlib.sha256(data).hexdigest(), content.sha256):
            raise Unavailable("content_damaged")
        return data

    def orphans(self, database: Database, actor: Actor) -> Iterator[list[str]]:
        """What lies here longer than the grace and no row knows of, in batches. Raises Unavailable, NotPermitted."""
        batch: list[str] = []
        before = database.clock() - GRACE
        for key, since in self._store.contents():
            if since < before:
                batch.append(key)
            if len(batch) == _BATCH:
                yield _unknown(database, actor, batch)
                batch = []
        if batch:
            yield _unknown(database, actor, batch)

    def remove(self, key: str) -> None:
        """Remove what no row knows of. Raises Unavailable."""
        self._store.delete(key)

    def _put(self, key: str, data: bytes) -> None:
        nonce = secrets.token_bytes(_NONCE)
        head = _MARK + nonce
        sealed = bytearray(len(head) + len(data) + _TAG)  # the one copy of a content that may be large
        sealed[: len(head)] = head
        self._cipher.encrypt_into(nonce, data, key.encode(), memoryview(sealed)[len(head) :])
        self._store.put(key, sealed)

    def let_go(self, displaced: Displaced) -> None:
        """Remove what has been replaced, once that is committed; what cannot be removed now is left to the sweep."""
        for key in displaced.keys:
            try:
                self._store.delete(key)
            except (ClinicError, OSError) as error:
                log.warning("what no row knows of is left to the sweep: %s", error)

    def _discard(self, held: Held) -> None:
        self.let_go(Displaced(tuple(key for key in (held.content_key, held.thumbnail_key) if key is not None)))


def archive_of(database: Database, store: Store | Path) -> Archive:
    """The archive that belongs to a database, in a store or in a folder."""
    place = Folder(store) if isinstance(store, Path) else store
    return archive_in(place, database.audit_key)


def archive_in(store: Store, audit_key: bytes) -> Archive:
    """The archive that belongs to whatever has this key of the audit trail."""
    return Archive(store, cipher=AESGCM(derive_key(audit_key, "documents")))


def sweep_orphans(database: Database, archive: Archive, actor: Actor) -> int:
    """Remove what lies in the archive for more than a day without a row that knows of it; says how many there were.

    For a job: what an upload left behind that was broken off, and pictures that were replaced. Raises Unavailable.
    """
    removed = 0
    for keys in archive.orphans(database, actor):
        for key in keys:
            archive.remove(key)
            removed += 1
    if removed:
        with database.write(actor) as tx:
            note_sweep(tx, removed)
    return removed


def expire_removed(database: Database, archive: Archive, actor: Actor, after: timedelta) -> int:
    """Remove the contents of documents that were removed so long ago; says how many contents there were.

    First it is written that they are gone, so that what a crash leaves behind is swept like anything that no row knows of.
    """
    removed = 0
    while True:
        with database.write(actor) as tx:
            displaced = expire(tx, after)
        if displaced is None:
            return removed
        archive.let_go(displaced)
        removed += len(displaced.keys)


def _unknown(database: Database, actor: Actor, keys: list[str]) -> list[str]:
    with database.read(actor) as tx:
        return unknown_keys(tx, keys)
