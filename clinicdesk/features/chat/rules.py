"""Decides what may be said, and until when it may be said differently; pure."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from uuid import UUID

from clinicdesk.core.errors import Conflict, InvalidInput, NotPermitted

MOST_CHARACTERS = 4000
MOST_MEMBERS = 200
EDITABLE_FOR = timedelta(minutes=15)


def check_text(text: str) -> str:
    """The text in NFC, with its line breaks, as it will be stored and shown: as text.

    Raises InvalidInput, field "text": "empty", "too_long" (with `most`), "control_characters".
    """
    tidy = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not tidy:
        raise InvalidInput("empty", field="text")
    if len(tidy) > MOST_CHARACTERS:
        raise InvalidInput("too_long", field="text", most=MOST_CHARACTERS)
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in tidy):
        raise InvalidInput("control_characters", field="text")
    return tidy


def check_own_and_fresh(
    author_id: UUID, user_id: UUID | None, created_at: datetime, deleted_at: datetime | None, now: datetime, verb: str
) -> None:
    """Raises NotPermitted("not_your_message"), Conflict("message_deleted", "message_too_old")."""
    if author_id != user_id:
        raise NotPermitted("not_your_message", verb=verb)
    if deleted_at is not None:
        raise Conflict("message_deleted")
    if now - created_at > EDITABLE_FOR:
        raise Conflict("message_too_old")


def direct_key(one: UUID, other: UUID) -> str:
    """What there is one direct conversation for."""
    return ":".join(sorted((one.hex, other.hex)))
