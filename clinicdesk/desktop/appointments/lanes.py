"""Puts overlapping visits side by side, those that hold no time beside those that do: the same ones always land alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

MOST_LANES = 3
"""From four lanes on, the third one stands for all that do not fit."""
MOST_LANES_ASIDE = 2
"""The same in the strip at the end, which is too narrow for three."""


_ASIDE = 0.28
"""The share of a column's width that is left at its end for what holds no time."""


class Part(Enum):
    """What share of a column's width lanes divide, from and to, in the direction of reading."""

    WHOLE = (0.0, 1.0)
    FRONT = (0.0, 1 - _ASIDE)
    ASIDE = (1 - _ASIDE, 1.0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands: `lane` of `lanes` equal shares of a part of the column's width."""

    lane: int
    lanes: int
    part: Part = Part.WHOLE

    @property
    def across(self) -> tuple[float, float]:
        """From where to where, as fractions of the column's width in the direction of reading."""
        start, end = self.part.value
        share = (end - start) / self.lanes
        return start + self.lane * share, start + (self.lane + 1) * share


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


def in_lanes(spans: Sequence[tuple[float, float]], idle: Iterable[int] = ()) -> Lanes:
    """Place half-open spans: each takes the first free lane, earlier and longer ones first. Clusters that touch no other keep
    the whole width.

    `idle` are the indices of those that hold no time. In a cluster with others they share a strip at the end among
    themselves, so that however many they are, the others keep the rest of the width.
    """
    places: list[Place | None] = [None] * len(spans)
    more: list[More] = []
    idle = frozenset(idle)
    for cluster in _clusters(spans, range(len(spans))):
        holding = [index for index in cluster if index not in idle]
        aside = [index for index in cluster if index in idle]
        parts = ((holding, Part.FRONT), (aside, Part.ASIDE)) if holding and aside else ((cluster, Part.WHOLE),)
        for members, part in parts:
            for group in _clusters(spans, members):
                _divide(spans, group, part, places, more)
    return Lanes(tuple(places), tuple(more))


def _clusters(spans: Sequence[tuple[float, float]], members: Iterable[int]) -> list[list[int]]:
    """The members that overlap one another, directly or through others: earlier and longer ones first."""
    clusters: list[list[int]] = []
    busy_until = float("-inf")
    for index in sorted(members, key=lambda i: (spans[i][0], -spans[i][1], i)):
        start, end = spans[index]
        if start >= busy_until:
            clusters.append([])
        clusters[-1].append(index)
        busy_until = max(busy_until, end)
    return clusters


def _divide(
    spans: Sequence[tuple[float, float]],
    cluster: Sequence[int],
    part: Part,
    places: list[Place | None],
    more: list[More],
) -> None:
    """Divide a part of the column among one cluster; what does not fit stands behind a `More`."""
    ends: list[float] = []
    lane_of: dict[int, int] = {}
    for index in cluster:
        start, end = spans[index]
        lane = next((i for i, busy_until in enumerate(ends) if busy_until <= start), len(ends))
        if lane == len(ends):
            ends.append(end)
        else:
            ends[lane] = end
        lane_of[index] = lane
    most = MOST_LANES_ASIDE if part is Part.ASIDE else MOST_LANES
    shown = len(ends) if len(ends) <= most else most - 1
    lanes = min(len(ends), most)
    for index, lane in lane_of.items():
        if lane < shown:
            places[index] = Place(lane, lanes, part)
    hidden = tuple(index for index, lane in lane_of.items() if lane >= shown)
    if hidden:
        start, end = min(spans[i][0] for i in hidden), max(spans[i][1] for i in hidden)
        more.append(More(start, end, hidden, Place(shown, lanes, part)))
