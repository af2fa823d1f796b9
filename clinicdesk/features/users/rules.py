"""What an e-mail and a password must be like, and how long a lock lasts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256

from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.paths import resource_dir
from clinicdesk.core.permissions import Role

VERIFY, RESET = "verify", "reset"
"""What links are mailed for: to prove an address, to replace a password."""

LEAST_CHARACTERS = 15
MOST_CHARACTERS = 256
_LEAST_UNGUESSED = 8
_LONGEST_LOCK = timedelta(days=1)

ACCOUNT_ROLES = frozenset({Role.ADMINISTRATOR, Role.DOCTOR, Role.NURSE, Role.RECEPTIONIST, Role.PATIENT})

_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f.]+(\.[^\s@\x00-\x1f\x7f.]+)*")
_ROWS = ("01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm",
         "abcdefghijklmnopqrstuvwxyz")  # fmt: skip
_YEAR = re.compile(r"(?:19|20)\d\d")
_RUN = 4
_RUNS = frozenset(
    way[i : i + _RUN] for row in _ROWS for way in (row, row[::-1]) for i in range(len(row) - _RUN + 1)
)  # fmt: skip


def fold_email(email: str) -> str:
    """The e-mail as it is stored and compared: NFKC, lower case, no white space around it."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def check_email(email: str) -> str:
    """The folded e-mail. Raises InvalidInput("email_not_right") for what cannot be one."""
    folded = fold_email(email)
    if len(folded) > 254 or not _EMAIL.fullmatch(folded):
        raise InvalidInput("email_not_right", field="email")
    return folded


def account_key(email: str) -> str:
    """What failed sign-ins are counted under: SHA-256 in hex, because people type passwords into the e-mail's field."""
    return sha256(fold_email(email).encode()).hexdigest()


def check_role(role: Role) -> Role:
    """The role. Raises InvalidInput("role_not_for_accounts") for those that no account has."""
    if role not in ACCOUNT_ROLES:
        raise InvalidInput("role_not_for_accounts", field="role")
    return role


def lock_length(minutes: int, locks_before: int) -> timedelta:
    """How long the next lock lasts: `minutes`, twice that, four times that, up to a day."""
    return min(timedelta(minutes=minutes) * (1 << min(locks_before, 12)), _LONGEST_LOCK)


def check_password(password: str, context: Iterable[str]) -> None:
    """Refuse a password that is short, endless or easy to guess; any characters will do.

    `context` are phrases that an attacker knows: the clinic's name, the person's, the e-mail. Each word of them, each common
    word, year, and run on the keyboard (1234, qwer) or of one character counts as one character, and what is repeated counts
    once; at least 8 characters have to remain.

    Raises InvalidInput, field "password": "password_too_short" or "password_too_long" (with `least`, `most`),
    "password_guessable".
    """
    normal = unicodedata.normalize("NFKC", password)
    if len(normal) < LEAST_CHARACTERS:
        raise InvalidInput("password_too_short", field="password", least=LEAST_CHARACTERS)
    if len(normal) > MOST_CHARACTERS:
        raise InvalidInput("password_too_long", field="password", most=MOST_CHARACTERS)
    if _unguessed(normal.casefold(), words_of(context)) < _LEAST_UNGUESSED:
        raise InvalidInput("password_guessable", field="password")


def words_of(phrases: Iterable[str]) -> set[str]:
    """The words of at least three characters in the phrases, folded, and the phrases themselves closed up."""
    words: set[str] = set()
    for phrase in phrases:
        parts = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", phrase).casefold())
        words.update((*parts, "".join(parts)))
    return {word for word in words if len(word) >= 3}


@lru_cache(maxsize=1)
def _common_words() -> frozenset[str]:
    lines = (resource_dir() / "common_passwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def _unguessed(password: str, context: set[str]) -> int:
    """How many characters of the folded password an attacker would not guess together with their neighbours."""
    password = _period(password)
    known = _common_words() | context
    longest = max(map(len, known))
    count = position = 0
    while position < len(password):
        position += max(
            _known_word(password, position, known, longest), _run(password, position), _same(password, position), 1
        )
        count += 1
    return count


def _period(text: str) -> str:
    """The shortest text that, repeated, gives this one (cut off anywhere)."""
    for length in range(1, len(text) // 2 + 1):
        if all(text[i] == text[i - length] for i in range(length, len(text))):
            return text[:length]
    return text


def _known_word(text: str, start: int, known: frozenset[str], longest: int) -> int:
    """The length of the longest known word at this place, or 0."""
    return next((n for n in range(min(longest, len(text) - start), 2, -1) if text[start : start + n] in known), 0)


def _run(text: str, start: int) -> int:
    """The length of the year or keyboard run at this place, or 0."""
    if _YEAR.match(text, start):
        return 4
    end = start
    while text[end : end + _RUN] in _RUNS:
        end += 1
    return end - start + _RUN - 1 if end > start else 0


def _same(text: str, start: int) -> int:
    """How often the character at this place stands there in a row."""
    return len(text) - start - len(text[start:].lstrip(text[start]))
