"""What the flow board says of a visit, and in which order: pure, given the visits, the clinic's people and the time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from statistics import median
from uuid import UUID
from zoneinfo import ZoneInfo

from PySide6.QtCore import QCoreApplication

from clinicdesk.desktop.appointments import words
from clinicdesk.features.appointments.rules import State, state_of
from clinicdesk.features.appointments.schemas import AppointmentRow
from clinicdesk.features.practitioners.schemas import PractitionerRow

SOON = timedelta(hours=1)
"""How far ahead the board looks before it is asked for more."""
LATEST = 8
"""How many of those who are done stay in sight."""
SCALE = 30
"""Minutes that a full wait bar stands for."""

_translate = QCoreApplication.translate


class Stage(IntEnum):
    """Where a patient is today, in the order of the columns."""

    EXPECTED = 0
    ARRIVED = 1
    CHECKED_IN = 2
    IN_ROOM = 3
    DONE = 4


WAITING = (Stage.ARRIVED, Stage.CHECKED_IN)
HERE = (Stage.ARRIVED, Stage.CHECKED_IN, Stage.IN_ROOM)
"""In the building: the cards that carry a running time, and a digit to choose them by."""

_STAGES: Mapping[State, Stage] = {
    State.BOOKED: Stage.EXPECTED,
    State.ARRIVED: Stage.ARRIVED,
    State.CHECKED_IN: Stage.CHECKED_IN,
    State.IN_ROOM: Stage.IN_ROOM,
    State.FULFILLED: Stage.DONE,
    State.NOSHOW: Stage.DONE,
}
_NEAREST_FIRST = (Stage.IN_ROOM, Stage.CHECKED_IN, Stage.ARRIVED, Stage.EXPECTED, Stage.DONE)


@dataclass(frozen=True, slots=True)
class Moment:
    """What a card depends on besides its visit. `target` is the clinic's longest good wait, in minutes."""

    now: datetime
    zone: ZoneInfo
    target: int
    initials_only: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """A visit as the board shows it."""

    visit: AppointmentRow
    stage: Stage
    name: str
    line: str
    """When, with whom and what for."""
    minutes: int | None
    """How long the patient has waited, or been in the room."""
    over: bool
    """Whether the wait is over the target."""
    target: int
    aside: str
    """What stands at the end of the first line where no time runs."""
    late: bool
    """Expected before now."""
    spoken: str
    number: int = 0
    """The digit that chooses it; 0 where none does."""


def stage_of(visit: AppointmentRow) -> Stage | None:
    """The column of a visit; None for one that nobody comes for (proposed, cancelled and the like)."""
    return _STAGES.get(state_of(visit))


def order_of(visit: AppointmentRow) -> tuple[int, bool, float]:
    """Sorts the cards of a column: nearest to the doctor first, who waits longest before others, the latest done first."""
    stage = stage_of(visit)
    if stage is None:
        return (len(_NEAREST_FIRST), False, visit.start.timestamp())
    missed = state_of(visit) is State.NOSHOW
    rank = _NEAREST_FIRST.index(stage)
    if stage is Stage.DONE:
        return (rank, missed, -(visit.ended_at or visit.end).timestamp())
    since = visit.start if stage is Stage.EXPECTED else visit.started_at if stage is Stage.IN_ROOM else visit.arrived_at
    return (rank, missed, (since or visit.start).timestamp())


def in_sight(visits: Iterable[AppointmentRow], now: datetime, *, done: bool = True) -> frozenset[UUID]:
    """Which of a column's visits it shows unasked: whoever is here, is due soon, or was done last (if `done`)."""
    found: set[UUID] = set()
    over: list[AppointmentRow] = []
    for visit in visits:
        stage = stage_of(visit)
        if stage in HERE or (stage is Stage.EXPECTED and visit.start <= now + SOON):
            found.add(visit.id)
        elif stage is Stage.DONE and done:
            over.append(visit)
    over.sort(key=lambda visit: visit.ended_at or visit.end, reverse=True)
    return frozenset(found | {visit.id for visit in over[:LATEST]})


def card_of(
    visit: AppointmentRow,
    stage: Stage,
    at: Moment,
    people: Mapping[UUID, PractitionerRow],
    number: int = 0,
    *,
    named: bool = True,
) -> Card:
    """The card of a visit; the practitioner is left out unless `named`."""
    clock = words.clock(visit.start, at.zone)
    person = people.get(visit.practitioner_id)
    who = (person.family if person else visit.practitioner_name) if named else ""
    # A board that the public can see says no more than when and with whom.
    what = "" if at.initials_only else visit.type_name
    line = " · ".join(part for part in (f"{clock} {who}".strip(), what) if part)
    minutes, aside, late, over = None, "", False, False
    if stage in WAITING:
        minutes = words.minutes_waited(visit, at.now) or 0
        over = minutes > at.target
    elif stage is Stage.IN_ROOM:
        minutes = _minutes(visit.started_at, at.now)
    elif stage is Stage.EXPECTED:
        late = visit.start < at.now - timedelta(minutes=1)
        aside = _due(visit.start, at.now)
    elif state_of(visit) is State.FULFILLED and visit.ended_at is not None:
        aside = words.clock(visit.ended_at, at.zone)
    name = words.person(visit, at.initials_only)
    spoken = _spoken(visit, at, name, clock, person, aside, minutes, over)
    return Card(visit, stage, name, line, minutes, over, at.target, aside, late, spoken, number)


def summary(visits: Iterable[AppointmentRow], now: datetime) -> str:
    """ "4 waiting, longest 22 min, typical 12 min": who waits now, and the median of all waits of the day so far."""
    running: list[int] = []
    all_waits: list[int] = []
    for visit in visits:
        if (waited := words.minutes_waited(visit, now)) is not None:
            running.append(waited)
            all_waits.append(waited)
        elif visit.arrived_at is not None and visit.started_at is not None:
            all_waits.append(_minutes(visit.arrived_at, visit.started_at))
    if not running:
        return _translate("Flow", "Nobody is waiting")
    text = _translate("Flow", "%n waiting, longest %1 min, typical %2 min", "", len(running))
    return text.replace("%1", str(max(running))).replace("%2", str(round(median(all_waits))))


def next_to_go_in(visits: Sequence[AppointmentRow], practitioner_id: UUID) -> AppointmentRow | None:
    """Whom a practitioner sees next of those who are here: checked in before arrived, then who has waited longest."""
    waiting = [v for v in visits if v.practitioner_id == practitioner_id and stage_of(v) in WAITING]
    return min(waiting, key=order_of, default=None)


def _minutes(since: datetime | None, now: datetime) -> int:
    return 0 if since is None else max(int((now - since).total_seconds() // 60), 0)


def _due(start: datetime, now: datetime) -> str:
    minutes = round((start - now).total_seconds() / 60)
    if minutes < 0:
        return _translate("Flow", "%1 late").replace("%1", words.hours_and_minutes(timedelta(minutes=-minutes)))
    if minutes == 0:
        return _translate("Flow", "now")
    return _translate("Flow", "in %1").replace("%1", words.hours_and_minutes(timedelta(minutes=minutes)))


def _spoken(
    visit: AppointmentRow,
    at: Moment,
    name: str,
    clock: str,
    person: PractitionerRow | None,
    aside: str,
    minutes: int | None,
    over: bool,
) -> str:
    parts = [name, words.status_word(visit).lower()]
    if minutes is not None and stage_of(visit) is Stage.IN_ROOM:
        parts.append(_translate("Flow", "for %n minutes", "", minutes))
    elif minutes is not None:
        parts.append(_translate("Flow", "waiting %n minutes", "", minutes))
        if over:
            parts.append(_translate("Flow", "over %1").replace("%1", str(at.target)))
    elif aside:
        parts.append(aside)
    who = person.short if person else visit.practitioner_name
    parts.append(_translate("Flow", "%1 with %2").replace("%1", clock).replace("%2", who))
    return ", ".join(parts)
