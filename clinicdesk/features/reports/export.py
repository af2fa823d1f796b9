"""Reports as CSV (RFC 4180): for a spreadsheet, which must take no name for a formula."""

from __future__ import annotations

import csv
from dataclasses import astuple, fields
from io import StringIO

from clinicdesk.core.text import guarded
from clinicdesk.features.reports.schemas import Report, Row


def to_csv(report: Report[Row], kind: type[Row]) -> str:
    """The lines of a report under the names of their fields; `kind` is what its rows are, which it may have none of."""
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([column.name for column in fields(kind)])  # type: ignore[arg-type]
    for row in report.rows:
        writer.writerow(map(_cell, astuple(row)))  # type: ignore[call-overload]
    return text.getvalue()


def _cell(value: object) -> str:
    return "" if value is None else guarded(str(value))
