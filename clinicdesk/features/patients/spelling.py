"""Finds the stored words that a mistyped word may have meant, also while it is still being typed."""

from __future__ import annotations

from functools import cache
from itertools import combinations

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from clinicdesk.features.patients.index import SPELLED

ONE_ERROR_FROM = 4
TWO_ERRORS_FROM = 8
MOST_CORRECTIONS = 16
_MOST_ROWS = 120
"""Stored spellings read for one shortened form of the typed word; the shortest, which are whole words, come first."""


@cache
def _look(count: int) -> TextClause:
    """One statement that reads the words of `count` ranges of shortened spellings."""
    ranges = (
        "SELECT word FROM (SELECT word FROM patient_spelling"  # noqa: S608
        f" WHERE deletion >= :from{n} AND deletion < :to{n} ORDER BY deletion, word LIMIT :most) AS range{n}"
        for n in range(count)
    )
    return text(" UNION ".join(ranges))


def errors_allowed(word: str) -> int:
    """How many letters may be wrong, missing, too many or swapped in a typed word."""
    return 2 if len(word) >= TWO_ERRORS_FROM else 1 if len(word) >= ONE_ERROR_FROM else 0


def distance(word: str, stored: str) -> int:
    """The fewest edits that make the typed word the stored one, or its beginning (more than allowed: any larger number)."""
    from rapidfuzz.distance import OSA  # takes a fiftieth of a second to load, which no start needs

    allowed = errors_allowed(word)
    lengths = range(max(1, len(word) - allowed), min(len(stored), len(word) + allowed) + 1)
    return min((OSA.distance(word, stored[:length]) for length in lengths), default=len(word))


def corrections(session: Session, word: str) -> list[str]:
    """Beginnings of stored words within the allowed edits of the typed one, nearest first; not the word itself."""
    from rapidfuzz.distance import OSA

    allowed = errors_allowed(word)
    if not allowed:
        return []
    start = word[: SPELLED - allowed]  # that much of it is found within the letters that are spelled out
    shortened = {start}
    for count in range(1, allowed + 1):
        shortened.update("".join(letters) for letters in combinations(start, len(start) - count))
    ranges: dict[str, object] = {"most": _MOST_ROWS}
    for n, low in enumerate(shortened):
        ranges |= {f"from{n}": low, f"to{n}": low + "~"}
    stored = session.scalars(_look(len(shortened)), ranges).all()
    nearest: dict[str, int] = {}
    for candidate in stored:
        for length in range(len(word) - allowed, min(len(candidate), len(word) + allowed) + 1):
            beginning = candidate[:length]
            if beginning not in nearest:
                nearest[beginning] = OSA.distance(word, beginning, score_cutoff=allowed)
    found = [
        (edits, beginning[0] != word[0], beginning) for beginning, edits in nearest.items() if 0 < edits <= allowed
    ]
    return [beginning for _, _, beginning in sorted(found)][:MOST_CORRECTIONS]
