"""What every benchmark gives back: our figure beside the limit of the same work done bare, in one run, and a table of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything a run measures with."""

    patients: tuple[int, ...]
    small: int
    """Visits of the young clinic, and of the old one."""
    large: int
    entries: int
    rounds: int
    starts: int


FULL = Scale((100_000, 1_000_000), small=10_000, large=1_000_000, entries=2_000_000, rounds=200, starts=7)
QUICK = Scale((10_000,), small=1_000, large=20_000, entries=50_000, rounds=20, starts=2)


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should be: at most or at least so much, and its ratio to the limit likewise. All that is given must hold."""

    most: float | None = None
    least: float | None = None
    most_ratio: float | None = None
    least_ratio: float | None = None

    def is_met(self, figure: float, ratio: float | None) -> bool:
        """Whether a figure, and its ratio where there is a limit, keep the aim."""
        return (
            (self.most is None or figure <= self.most)
            and (self.least is None or figure >= self.least)
            and (self.most_ratio is None or (ratio is not None and ratio <= self.most_ratio))
            and (self.least_ratio is None or (ratio is not None and ratio >= self.least_ratio))
        )

    def words(self, unit: str) -> str:
        """The aim as the table says it."""
        parts = [
            (self.most, "≤", f" {unit}"),
            (self.least, "≥", f" {unit}"),
            (self.most_ratio, "≤", " ×"),
            (self.least_ratio, "≥", " ×"),
        ]
        return ", ".join(f"{sign} {value:,.10g}{what}" for value, sign, what in parts if value is not None)


@dataclass(frozen=True, slots=True)
class Measure:
    """One row: what was measured, ours and the limit (None where there is no bare equal) in `unit`, and the aim (if any)."""

    what: str
    ours: float
    limit: float | None
    unit: str
    aim: Aim | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over the limit."""
        return self.ours / self.limit if self.limit else None

    @property
    def verdict(self) -> str:
        """Whether the aim is met; empty where there is none."""
        if self.aim is None:
            return ""
        return "met" if self.aim.is_met(self.ours, self.ratio) else "**missed**"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))]


HEAD = ("what", "ours", "limit", "ratio", "aim", "")


def cells(measure: Measure) -> tuple[str, ...]:
    """One row of the table, under HEAD."""
    return (
        measure.what,
        f"{_figure(measure.ours)} {measure.unit}".strip(),
        f"{_figure(measure.limit)} {measure.unit}".strip() if measure.limit is not None else "",
        f"{measure.ratio:.2f}" if measure.ratio is not None else "",
        measure.aim.words(measure.unit) if measure.aim is not None else "",
        measure.verdict,
    )


def table(measures: Iterable[Measure]) -> str:
    """The rows as a Markdown table."""
    rows = [HEAD, *map(cells, measures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEAD))]
    lines = [
        "| " + " | ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "| " + " | ".join("-" * width for width in widths) + " |", *lines[1:]])


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
