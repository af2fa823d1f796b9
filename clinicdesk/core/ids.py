"""Identifiers that sort by the moment they were made and can be made while offline."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7

__all__ = ["new_id"]


def new_id() -> UUID:
    """A new UUIDv7 (RFC 9562), ascending within a process."""
    return uuid7()
