"""Decides what a day in the demo clinic is like: pure, and by chance that is the same whenever it is asked again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from random import Random

from clinicdesk.features.appointments.rules import State
from clinicdesk.features.practitioners.schemas import Interval

_PAUSES = (timedelta(minutes=10), timedelta(minutes=15), timedelta(minutes=15), timedelta(minutes=30))


class Fate(StrEnum):
    """What becomes of a visit."""

    COMES = "comes"
    CANCELS = "cancels"
    MISSES = "misses"


@dataclass(frozen=True, slots=True)
class Slot:
    """A visit to be: when, of which type (its short code), and what becomes of it."""

    start: datetime
    length: timedelta
    type: str
    fate: Fate
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Course:
    """How a visit goes: when each state of its chain is reached. `check_in` is skipped where the doctor fetches the patient."""

    arrive: datetime
    check_in: datetime | None
    begin: datetime
    end: datetime

    def steps(self) -> Iterator[tuple[datetime, State]]:
        yield self.arrive, State.ARRIVED
        if self.check_in is not None:
            yield self.check_in, State.CHECKED_IN
        yield self.begin, State.IN_ROOM
        yield self.end, State.FULFILLED


def chance(*of: object) -> Random:
    """Chance that belongs to these facts: asked again, it says the same."""
    return Random("/".join(map(str, of)))  # noqa: S311  (not a secret)


def fate_of(practitioner: str, start: datetime) -> Fate:
    """What becomes of the visit that begins then."""
    roll = chance("fate", practitioner, start.isoformat()).random()
    return Fate.CANCELS if roll < 0.05 else Fate.MISSES if roll < 0.11 else Fate.COMES


def fill(
    practitioner: str,
    day: date,
    stretches: Sequence[Interval],
    types: Sequence[str],
    minutes: Mapping[str, int],
    density: float,
) -> list[Slot]:
    """Visits, one after the other with pauses between, in the practitioner's open hours of a day."""
    slots: list[Slot] = []
    for stretch in stretches:
        dice = chance("fill", practitioner, day, stretch.start.isoformat())
        at = stretch.start
        while at < stretch.end:
            if dice.random() >= density:
                at += dice.choice(_PAUSES)
                continue
            fitting = [short for short in types if at + timedelta(minutes=minutes[short]) <= stretch.end]
            if not fitting:
                break
            short = dice.choice(fitting)
            length = timedelta(minutes=minutes[short])
            slots.append(Slot(at, length, short, fate_of(practitioner, at), dice.random() < 0.6))
            at += length
    return slots


def courses(practitioner: str, visits: Sequence[Interval]) -> list[Course]:
    """How the visits of one practitioner's day go, given in order: one at a time is in the room, and lateness adds up."""
    found: list[Course] = []
    free = datetime.min.replace(tzinfo=visits[0].start.tzinfo) if visits else None
    for visit in visits:
        dice = chance("course", practitioner, visit.start.isoformat())
        arrive = visit.start - timedelta(minutes=dice.randrange(0, 18))
        check_in = arrive + timedelta(minutes=dice.randrange(3, 12)) if dice.random() < 0.6 else None
        begin = max(arrive, check_in or arrive, visit.start) + timedelta(minutes=dice.randrange(0, 9))
        if free is not None:
            begin = max(begin, free + timedelta(minutes=1))
        end = begin + visit.length * dice.uniform(0.7, 1.1)
        free = end
        found.append(Course(arrive, check_in, begin, end))
    return found


def shifts_around(minute: int, shifts: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The shifts, with one more around a minute of the day (0 to 1439) that none of them covers; no two overlap or touch."""
    if any(start <= minute < end for start, end in shifts):
        return tuple(shifts)
    early = max(0, (minute - 90) // 30 * 30)
    late = min(24 * 60, -(-(minute + 240) // 30) * 30)
    merged: list[tuple[int, int]] = []
    for start, end in sorted([*shifts, (early, late)]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
