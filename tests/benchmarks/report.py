"""What every benchmark gives back: our figure beside the limit of the same work done bare, in one run, and a table of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """One row: what was measured, ours and the limit (None where there is no bare equal) in `unit`, and the aim in words."""

    what: str
    ours: float
    limit: float | None
    unit: str
    aim: str

    @property
    def ratio(self) -> float | None:
        """Ours over the limit."""
        return self.ours / self.limit if self.limit else None


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))]


def table(measures: Iterable[Measure]) -> str:
    """The rows as a Markdown table."""
    head = ("what", "ours", "limit", "ratio", "aim")
    rows = [
        (
            m.what,
            f"{_figure(m.ours)} {m.unit}".strip(),
            f"{_figure(m.limit)} {m.unit}".strip() if m.limit is not None else "",
            f"{m.ratio:.2f}" if m.ratio is not None else "",
            m.aim,
        )
        for m in measures
    ]
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in (head, *rows)
    ]
    return "\n".join([lines[0], "| " + " | ".join("-" * width for width in widths) + " |", *lines[1:]])


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
