"""Puts overlapping visits side by side: the same visits always land in the same lanes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_LANES = 3
"""From four lanes on, the third one stands for all that do not fit."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands: `lane` of `lanes` equal parts of the column's width."""

    lane: int
    lanes: int


@dataclass(frozen=True, slots=True)
class More:
    """What one crowded cluster could not show: the hidden items by index, and the span that they cover."""

    start: float
    end: float
    hidden: tuple[int, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Lanes:
    """The place of each item, in the order given (None where it is hidden), and what stands for the hidden ones."""

    places: tuple[Place | None, ...]
    more: tuple[More, ...]


def in_lanes(spans: Sequence[tuple[float, float]]) -> Lanes:
    """Place half-open spans: each takes the first free lane, earlier and longer ones first. Clusters that touch no other keep
    the whole width."""
    places: list[Place | None] = [None] * len(spans)
    more: list[More] = []
    order = sorted(range(len(spans)), key=lambda i: (spans[i][0], -spans[i][1], i))
    cluster: list[tuple[int, int]] = []
    ends: list[float] = []

    def close() -> None:
        shown = len(ends) if len(ends) <= MOST_LANES else MOST_LANES - 1
        parts = min(len(ends), MOST_LANES)
        for index, lane in cluster:
            if lane < shown:
                places[index] = Place(lane, parts)
        hidden = tuple(index for index, lane in cluster if lane >= shown)
        if hidden:
            start, end = min(spans[i][0] for i in hidden), max(spans[i][1] for i in hidden)
            more.append(More(start, end, hidden, Place(shown, parts)))

    for index in order:
        start, end = spans[index]
        if ends and start >= max(ends):
            close()
            cluster.clear()
            ends.clear()
        lane = next((i for i, busy_until in enumerate(ends) if busy_until <= start), len(ends))
        if lane == len(ends):
            ends.append(end)
        else:
            ends[lane] = end
        cluster.append((index, lane))
    if cluster:
        close()
    return Lanes(tuple(places), tuple(more))
