"""Whether a visit would fit, asked while it is typed; the booking itself asks the service again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from clinicdesk.core.errors import ClinicError, InvalidInput
from clinicdesk.core.tx import Tx
from clinicdesk.features.appointments import rules
from clinicdesk.features.appointments.openings import openings_around
from clinicdesk.features.appointments.schemas import OutsideHours, SlotTaken
from clinicdesk.features.appointments.service import day_schedule, visits_between
from clinicdesk.features.practitioners.schemas import Interval


@dataclass(frozen=True, slots=True)
class SlotCheck:
    """The answer for one time: free (`error` None), or what the booking would be refused with, nearest openings included."""

    start: datetime
    error: ClinicError | None


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
        return SlotCheck(start, OutsideHours(cause=cause, nearest=openings_around(tx, practitioner_id, when)))
    held = [
        visit
        for visit in visits_between(tx, when.start, when.end)
        if visit.status in rules.HOLDING and visit.id != ignoring and visit.interval.overlaps(when)
    ]
    mine = next((v for v in held if v.practitioner_id == practitioner_id and not v.overbooked), None)
    if mine is not None:
        nearest = openings_around(tx, practitioner_id, when)
        return SlotCheck(start, SlotTaken(what="practitioner", practitioner=mine.practitioner_name, nearest=nearest))
    if patient_id is not None and any(visit.patient_id == patient_id for visit in held):
        return SlotCheck(start, SlotTaken(what="patient", practitioner=""))
    return SlotCheck(start, None)
