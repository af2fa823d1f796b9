"""Rows as CSV (RFC 4180), for a spreadsheet, which must take no name in it for a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import fields
from datetime import date
from io import StringIO
from typing import Any

from clinicdesk.core.text import guarded


def to_csv(rows: Iterable[object], kind: type[Any]) -> str:
    """The rows under the names of their fields; `kind` is the dataclass that they are of, for there may be none of them."""
    names = [column.name for column in fields(kind)]
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(getattr(row, name)) for name in names])
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    return guarded(" ".join(map(str, value)) if isinstance(value, tuple) else str(value))
