"""One line of text as people type it: tidied, and refused where it cannot be stored."""

from __future__ import annotations

import unicodedata

from clinicdesk.core.errors import InvalidInput


def one_line(text: str, field: str, most: int, *, required: bool = False) -> str:
    """The text in NFC with every run of white space as one space.

    Raises InvalidInput with `field`: "empty" where it is required, "too_long" (with `most`, in characters),
    "control_characters" (they would also break the audit trail's columns apart).
    """
    tidy = " ".join(unicodedata.normalize("NFC", text).split())
    if required and not tidy:
        raise InvalidInput("empty", field=field)
    if len(tidy) > most:
        raise InvalidInput("too_long", field=field, most=most)
    if any(unicodedata.category(character) == "Cc" for character in tidy):
        raise InvalidInput("control_characters", field=field)
    return tidy
