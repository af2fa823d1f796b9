"""Stores passwords as bcrypt hashes and checks them, for passwords of any length and script."""

from __future__ import annotations

import base64
import hmac
import unicodedata
from dataclasses import dataclass, field

import bcrypt

from clinicdesk.core.errors import InvalidInput

ROUNDS = 12
"""bcrypt's cost: 2 to the power of this. A quarter of a second; tests lower it."""

MOST_CHARACTERS = 1_000
"""What is longer is refused unread."""

_PURPOSE = b"clinicdesk password"
_SALT_AND_HASH = "abcdefghijklmnopqrstuu" + "abcdefghijklmnopqrstuvwxyz01234"


@dataclass(frozen=True, slots=True)
class Prepared:
    """The slow work on passwords, done before the unit of work that needs it, so that nobody waits for its write lock.

    `fits` says whether what was typed fits the hash `stored` (None: there is no such account); it holds only as long as
    that hash does. `new_hash` is that of a new password, where there is one.
    """

    stored: str | None = field(repr=False)
    fits: bool
    new_hash: str = field(default="", repr=False)


def prepare(stored: str | None, typed: str, new: str = "") -> Prepared:
    """Check `typed` against the stored hash, and hash `new` if it fits. Takes as long where there is nothing to check.

    Raises InvalidInput("password_too_long") above 1,000 characters.
    """
    fits = verify_password(typed, stored or _nobodys_hash()) and stored is not None
    return Prepared(stored, fits, hash_password(new) if new and fits else "")


def hash_password(password: str) -> str:
    """The bcrypt hash of a password. Raises InvalidInput("password_too_long") above 1,000 characters."""
    return bcrypt.hashpw(_digest(password), bcrypt.gensalt(ROUNDS)).decode("ascii")


def verify_password(password: str, stored: str) -> bool:
    """Whether the password fits the stored hash. Raises InvalidInput("password_too_long") above 1,000 characters."""
    return bcrypt.checkpw(_digest(password), stored.encode("ascii"))


def _digest(password: str) -> bytes:
    """44 bytes without a NUL in place of the password: bcrypt takes no more than 72.

    In NFKC, so that the same passphrase typed on another keyboard or system is the same.
    """
    if len(password) > MOST_CHARACTERS:
        raise InvalidInput("password_too_long", field="password", most=MOST_CHARACTERS)
    normal = unicodedata.normalize("NFKC", password).encode()
    return base64.b64encode(hmac.digest(_PURPOSE, normal, "sha256"))


def _nobodys_hash() -> str:
    """A well-formed hash that no password fits, as slow to check as any other."""
    return f"$2b${ROUNDS:02}${_SALT_AND_HASH}"
