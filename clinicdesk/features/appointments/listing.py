"""Visits in pages, narrowed. A page costs what it holds: it is read from an index, within a bounded range of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, literal, select, tuple_

from clinicdesk.core.clinic import load_clinic
from clinicdesk.core.clock import from_micros, in_utc, to_micros
from clinicdesk.core.errors import InvalidInput, NotPermitted
from clinicdesk.core.paging import MOST_PER_PAGE, Page, decode_cursor, encode_cursor, total_of
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.appointments.models import ASIDE, OPEN
from clinicdesk.features.appointments.rows import IS_ASIDE, IS_OPEN, LISTED, VISIT, to_listed
from clinicdesk.features.appointments.schemas import ListedVisit, VisitQuery
from clinicdesk.features.practitioners.rules import whole_day

LONGEST_RANGE = timedelta(days=366)
_ORDER = (VISIT.c.start, VISIT.c.id)


@verb(Permission.SEE_OPENINGS, writes=False)
def find_visits(tx: Tx, query: VisitQuery) -> Page[ListedVisit]:
    """A page of the visits that fit, by their start. A patient finds their own alone.

    To list what one patient has is to look into a record, and is audited: it needs a unit of work that writes. Raises
    InvalidInput (cursor_not_right, ends_before_it_begins, out_of_range, span), NotPermitted,
    NotFound("clinic_not_set_up").
    """
    page = query.page
    if not 1 <= page.limit <= MOST_PER_PAGE:
        raise InvalidInput("out_of_range", field="limit", least=1, most=MOST_PER_PAGE)
    patient_id = _whose(tx, query.patient_id)
    fitting = [*_within(tx, query, of_one=patient_id is not None), *_narrowed(query, patient_id)]
    wanted = LISTED.where(*fitting)
    if page.cursor:
        here, behind = tuple_(*_ORDER), _behind(page.cursor)
        wanted = wanted.where(here < behind if query.descending else here > behind)
    order = [column.desc() for column in _ORDER] if query.descending else list(_ORDER)
    found = tx.connection.execute(wanted.order_by(*order).limit(page.limit + 1)).all()
    visits = [to_listed(row) for row in found[: page.limit]]
    if tx.own_patient is not None:
        visits = [replace(visit, overbooked=False) for visit in visits]
    following = encode_cursor([to_micros(visits[-1].start), visits[-1].id.hex]) if len(found) > page.limit else None
    total = tx.connection.scalar(total_of(select(VISIT.c.id).where(*fitting))) if page.total else None
    if patient_id is not None:
        tx.record(Change("appointment", None, Action.READ, patient_id=patient_id))
    else:
        tx.note_look("appointment", _asked_for(query))
    return Page(visits, following, total)


def _whose(tx: Tx, asked: UUID | None) -> UUID | None:
    """The one patient whose visits are asked for; None for everybody's, which the desk alone sees."""
    own = tx.own_patient
    if own is None and not tx.actor.may(Permission.SEE_CALENDAR):
        raise NotPermitted(verb=tx.verb, permission=Permission.SEE_CALENDAR.value)
    patient_id = own if asked is None else asked
    if patient_id is not None:
        tx.reach(patient_id)
        if not tx.writes:
            raise AssertionError("what one patient has is looked at in a unit of work that writes: it is audited")
    return patient_id


def _asked_for(query: VisitQuery) -> str:
    """The time that was looked at, for the audit trail."""
    if query.day is not None:
        return query.day.isoformat()
    return "/".join("" if edge is None else in_utc(edge).isoformat() for edge in (query.start, query.end))


def _within(tx: Tx, query: VisitQuery, *, of_one: bool) -> Sequence[ColumnElement[bool]]:
    start, end = _range(tx, query)
    if not of_one:
        if start is None:
            start = (end - LONGEST_RANGE) if end is not None else _today(tx)
        end = end or start + LONGEST_RANGE
    if start is not None and end is not None:
        if end < start:
            raise InvalidInput("ends_before_it_begins", field="to")
        if not of_one and end - start > LONGEST_RANGE:
            raise InvalidInput("span", field="to", most=LONGEST_RANGE.days)
    return [
        *([] if start is None else [VISIT.c.start >= start]),
        *([] if end is None else [VISIT.c.start < end]),
    ]


def _range(tx: Tx, query: VisitQuery) -> tuple[datetime | None, datetime | None]:
    if query.day is not None:
        bounds = whole_day(query.day, load_clinic(tx.connection).tz)
        return bounds.start, bounds.end
    return (
        None if query.start is None else in_utc(query.start),
        None if query.end is None else in_utc(query.end),
    )


def _today(tx: Tx) -> datetime:
    zone = load_clinic(tx.connection).tz
    return whole_day(tx.now.astimezone(zone).date(), zone).start


def _narrowed(query: VisitQuery, patient_id: UUID | None) -> Sequence[ColumnElement[bool]]:
    wanted: dict[str, Any] = {
        "practitioner_id": query.practitioner_id, "patient_id": patient_id, "room_id": query.room_id,
        "type_id": query.type_id,
    }  # fmt: skip
    narrowed = [VISIT.c[name] == value for name, value in wanted.items() if value is not None]
    if query.statuses:
        narrowed.append(VISIT.c.status.in_(sorted(query.statuses)))
        narrowed += [said for few, said in ((ASIDE, IS_ASIDE), (OPEN, IS_OPEN)) if set(few).issuperset(query.statuses)]
    return narrowed


def _behind(cursor: str) -> ColumnElement[Any]:
    micros, last = decode_cursor(cursor, int, str)
    try:
        place = from_micros(int(micros))
        behind = UUID(str(last))
    except (OverflowError, ValueError) as error:
        raise InvalidInput("cursor_not_right", field="cursor") from error
    return tuple_(literal(place, VISIT.c.start.type), literal(behind, VISIT.c.id.type))
