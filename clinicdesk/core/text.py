"""Text as people type it and as it goes out: tidied, refused where it cannot be stored, and harmless in a spreadsheet."""

from __future__ import annotations

import unicodedata

from clinicdesk.core.errors import InvalidInput

_FORMULA = "=+-@\t\r"
"""What a spreadsheet takes for the beginning of a formula."""


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


def guarded(cell: str) -> str:
    """The cell as a spreadsheet shows it and never runs it: an apostrophe before what would be a formula."""
    return f"'{cell}" if cell.startswith(tuple(_FORMULA)) or unguarded(cell) != cell else cell


def unguarded(cell: str) -> str:
    """The cell without the apostrophe that `guarded` gave it."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(tuple(_FORMULA)) else cell
