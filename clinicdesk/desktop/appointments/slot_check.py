"""Whether a visit would fit, asked while it is typed, and what stands in its way; the booking itself asks the service again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from clinicdesk.core.errors import ClinicError, InvalidInput
from clinicdesk.core.tx import Tx
from clinicdesk.desktop.appointments.columns import is_lunch
from clinicdesk.features.appointments import rules
from clinicdesk.features.appointments.openings import openings_around
from clinicdesk.features.appointments.schemas import OutsideHours, SlotTaken
from clinicdesk.features.appointments.service import day_schedule, visits_between
from clinicdesk.features.practitioners.schemas import AbsenceKind, Interval, WorkingDay


class Cause(Enum):
    """What keeps a practitioner from a visit."""

    LUNCH = auto()
    BREAK = auto()
    NOT_YET = auto()
    NO_MORE = auto()
    NOT_IN = auto()
    LEAVE = auto()
    BLOCK = auto()
    HOLIDAY = auto()
    VISIT = auto()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands in the way until `until` (NO_MORE: since then); `name` is the holiday's or the block's."""

    cause: Cause
    until: datetime | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class SlotCheck:
    """The answer for one time: free (`error` None), or what the booking would be refused with, nearest openings included."""

    start: datetime
    error: ClinicError | None
    obstacle: Obstacle | None = None


def check_slot(
    tx: Tx,
    practitioner_id: UUID,
    start: datetime,
    length: timedelta,
    zone: ZoneInfo,
    patient_id: UUID | None = None,
    ignoring: UUID | None = None,
) -> SlotCheck:
    """Look at the practitioner's day and the patient's other visits; `ignoring` is the visit that is being moved."""
    when = Interval(start, start + length)
    try:
        rules.check_length(when)
        rules.check_not_past(start, tx.now)
    except InvalidInput as error:
        return SlotCheck(start, error)
    schedule = day_schedule(tx, start.astimezone(zone).date(), (practitioner_id,))
    cause = rules.why_closed(when, list(schedule.working))
    if cause is not None:
        closed = OutsideHours(cause=cause, nearest=openings_around(tx, practitioner_id, when))
        return SlotCheck(start, closed, what_closes(when, schedule.working, zone))
    held = [
        visit
        for visit in visits_between(tx, when.start, when.end)
        if visit.status in rules.HOLDING and visit.id != ignoring and visit.interval.overlaps(when)
    ]
    mine = [visit for visit in held if visit.practitioner_id == practitioner_id and not visit.overbooked]
    if mine:
        nearest = openings_around(tx, practitioner_id, when)
        taken = SlotTaken(what="practitioner", practitioner=mine[0].practitioner_name, nearest=nearest)
        return SlotCheck(start, taken, Obstacle(Cause.VISIT, max(visit.end for visit in mine)))
    if patient_id is not None and any(visit.patient_id == patient_id for visit in held):
        return SlotCheck(start, SlotTaken(what="patient", practitioner=""))
    return SlotCheck(start, None)


def what_closes(when: Interval, days: Sequence[WorkingDay], zone: ZoneInfo) -> Obstacle:
    """What keeps one practitioner, whose days these are, from a time that is not open to its end."""
    for day in days:
        if day.holiday:
            return Obstacle(Cause.HOLIDAY, name=day.holiday)
        for absence in day.absences:
            if Interval(absence.start, absence.end).overlaps(when):
                cause = Cause.LEAVE if absence.kind is AbsenceKind.LEAVE else Cause.BLOCK
                return Obstacle(cause, absence.end, absence.note)
    shifts = sorted(shift for day in days for shift in day.shifts)
    if not shifts:
        return Obstacle(Cause.NOT_IN)
    if when.start < shifts[0].start:
        return Obstacle(Cause.NOT_YET, shifts[0].start)
    for before, after in pairwise(shifts):
        if when.start < after.start and when.end > before.end:
            first, last = (at.astimezone(zone) for at in (before.end, after.start))
            lunch = is_lunch(first.hour * 60 + first.minute, last.hour * 60 + last.minute)
            return Obstacle(Cause.LUNCH if lunch else Cause.BREAK, after.start)
    return Obstacle(Cause.NO_MORE, shifts[-1].end)
