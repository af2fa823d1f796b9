"""What a report may be about: whose visits and which days, by the role of whoever asks; and the clinic's clock in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, FromClause, case, literal

from clinicdesk.core.clinic import load_clinic
from clinicdesk.core.errors import InvalidInput
from clinicdesk.core.model import Duration, HoursPast, UtcDateTime, WholeDays
from clinicdesk.core.tx import Tx
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.practitioners.figures import whose_figures
from clinicdesk.features.practitioners.rules import check_days, days_between, whole_day
from clinicdesk.features.practitioners.schemas import Interval
from clinicdesk.features.reports.schemas import ReportQuery

VISIT: FromClause = Appointment.__table__

MOST_DAYS = 366
_ORIGIN = date(1900, 1, 1)
"""A Monday; local time is reckoned from it in SQL, so that no day is before the first."""
_LAST_DAY = date(2199, 12, 31)
_MIDNIGHT = literal(datetime(_ORIGIN.year, _ORIGIN.month, _ORIGIN.day, tzinfo=UTC), UtcDateTime())


@dataclass(frozen=True, slots=True)
class Span:
    """The days that a report is about, and whose: `practitioner_ids` None stands for everybody."""

    first: date
    last: date
    zone: ZoneInfo
    bounds: Interval
    practitioner_ids: tuple[UUID, ...] | None

    @property
    def days(self) -> list[date]:
        return days_between(self.first, self.last)

    def visits(self, *conditions: ColumnElement[bool]) -> list[ColumnElement[bool]]:
        """SQL: a visit is among those that the report is about."""
        inside = [VISIT.c.start >= self.bounds.start, VISIT.c.start < self.bounds.end, *conditions]
        if self.practitioner_ids is not None:
            inside.append(VISIT.c.practitioner_id.in_(self.practitioner_ids))
        return inside

    def local_day(self) -> ColumnElement[int]:
        """SQL: the number of the local day that a visit starts on; `day_of` says which that is."""
        return WholeDays(_MIDNIGHT, self._local())

    def local_hour(self) -> ColumnElement[int]:
        """SQL: the hour, 0 to 23, that the clinic's clock shows as a visit starts."""
        return HoursPast(_MIDNIGHT, self._local())

    def _local(self) -> ColumnElement[datetime]:
        """SQL: what the clinic's clock shows, as if it were UTC; a zone's time changes twice in most years, at known instants."""
        *changes, last = ((until, literal(ahead, Duration())) for until, ahead in _offsets(self.zone, self.bounds))
        ahead: Any = last[1]
        if changes:
            ahead = case(*((VISIT.c.start < until, offset) for until, offset in changes), else_=last[1])
        return VISIT.c.start.op("+", return_type=UtcDateTime())(ahead)


def day_of(number: int) -> date:
    """The day with this number."""
    return _ORIGIN + timedelta(days=number)


def span_of(tx: Tx, query: ReportQuery) -> Span:
    """The span of a query, as far as the caller may see it: all; their own; or what is today's.

    Raises NotPermitted("figures_of_today", "own_figures", "practitioner_not_linked"), InvalidInput("ends_before_start", "span",
    "out_of_range"), NotFound("clinic_not_set_up").
    """
    zone = load_clinic(tx.connection).tz
    today = tx.now.astimezone(zone).date()
    first = query.first or (min(today, query.last) if query.last else today)
    last = query.last or max(today, first)
    for field, day in (("from", first), ("to", last)):
        if not _ORIGIN <= day <= _LAST_DAY:
            raise InvalidInput("out_of_range", field=field, least=_ORIGIN, most=_LAST_DAY)
    check_days(first, last, MOST_DAYS)
    bounds = Interval(whole_day(first, zone).start, whole_day(last, zone).end)
    return Span(
        first, last, zone, bounds, whose_figures(tx, query.practitioner_ids or None, only_today=first == last == today)
    )


def _offsets(zone: ZoneInfo, bounds: Interval) -> list[tuple[datetime, timedelta]]:
    """How far the zone is ahead of UTC within the bounds: until when, and by how much."""
    steps: list[tuple[datetime, timedelta]] = []
    before, ahead = bounds.start, _ahead(zone, bounds.start)
    while before < bounds.end:
        after = min(before + timedelta(hours=6), bounds.end)
        if _ahead(zone, after) != ahead:
            low, high = before, after
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // timedelta(seconds=1) // 2 * timedelta(seconds=1)
                low, high = (middle, high) if _ahead(zone, middle) == ahead else (low, middle)
            steps.append((high, ahead))
            ahead = _ahead(zone, after)
        before = after
    return [*steps, (bounds.end, ahead)]


def _ahead(zone: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta(0)
