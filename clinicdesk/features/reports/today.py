"""The clinic's day as it stands now, and one practitioner's figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx, verb
from clinicdesk.features.appointments.rules import COUNTED
from clinicdesk.features.appointments.schemas import Status
from clinicdesk.features.appointments.service import waiting_times
from clinicdesk.features.practitioners.service import get_practitioner
from clinicdesk.features.reports.people import count_patients
from clinicdesk.features.reports.schemas import PractitionerStatistics, ReportQuery, Today
from clinicdesk.features.reports.span import VISIT, span_of
from clinicdesk.features.reports.times import Use, uses, waits_of

_MINUTE = timedelta(minutes=1)


@verb(Permission.SEE_REPORTS, writes=False)
def today(tx: Tx, practitioner_ids: tuple[UUID, ...] = ()) -> Today:
    """The day as it stands now, of these practitioners, if any are named. Raises what `span_of` raises."""
    span = span_of(tx, ReportQuery(practitioner_ids=practitioner_ids))
    s = VISIT.c.status
    coming = s.in_([Status.BOOKED.value, Status.PENDING.value])
    here = s.in_([Status.ARRIVED.value, Status.CHECKED_IN.value])
    in_room = VISIT.c.started_at.is_not(None)
    counts: Sequence[int] = tx.connection.execute(
        select(
            func.count().filter(coming), func.count().filter(coming, ~VISIT.c.confirmed),
            func.count().filter(here, ~in_room), func.count().filter(here, in_room),
            *(func.count().filter(s == one.value) for one in (Status.FULFILLED, Status.NOSHOW, Status.CANCELLED)),
        ).where(*span.visits())
    ).one()  # fmt: skip
    waits = waiting_times(tx, span.first, span.practitioner_ids or ())
    used = _all(uses(tx, span))
    expected, unconfirmed, waiting, inside, fulfilled, missed, cancelled = counts
    return Today(
        span.first, expected, unconfirmed, waiting, inside, fulfilled, missed, cancelled,
        round(waits.longest / _MINUTE, 1), round(waits.mean / _MINUTE, 1), waits.over_target,
        used.open_minutes, used.given_minutes, used.share,
    )  # fmt: skip


@verb(Permission.SEE_REPORTS, writes=False)
def practitioner_statistics(tx: Tx, query: ReportQuery, practitioner_id: UUID) -> PractitionerStatistics:
    """One practitioner's figures on the days of the query.

    Raises what `span_of` raises, NotFound("practitioner_not_found").
    """
    get_practitioner(tx, practitioner_id)
    span = span_of(tx, ReportQuery(query.first, query.last, (practitioner_id,)))
    counted = tx.connection.execute(
        select(VISIT.c.status, func.count()).where(*span.visits()).group_by(VISIT.c.status).order_by(VISIT.c.status)
    )
    by_status: dict[str, int] = {row[0]: row[1] for row in counted}
    visits = sum(count for status, count in by_status.items() if status in COUNTED)
    missed, cancelled = by_status.get(Status.NOSHOW, 0), by_status.get(Status.CANCELLED, 0)
    ended = missed + by_status.get(Status.FULFILLED, 0)
    used, waits = uses(tx, span)[practitioner_id], waits_of(tx, span)
    patients, new = count_patients(tx, span)[None]
    return PractitionerStatistics(
        practitioner_id, span.first, span.last, by_status, visits, round(missed / ended, 4) if ended else None,
        round(cancelled / (visits + cancelled), 4) if visits + cancelled else None, used.open_minutes, used.given_minutes,
        used.share, patients, new, waits.seen, waits.mean_minutes, waits.longest_minutes, waits.over_target,
    )  # fmt: skip


def _all(used: dict[UUID, Use]) -> Use:
    every = used.values()
    return Use(
        sum(one.open_minutes for one in every),
        sum(one.given_minutes for one in every),
        sum(one.visits for one in every),
    )
