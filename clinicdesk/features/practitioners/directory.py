"""Practitioners as others find them: in the order of the calendar, in pages, one by one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, func, literal, or_, select, tuple_

from clinicdesk.core.errors import InvalidInput, NotFound
from clinicdesk.core.paging import MOST_PER_PAGE, Page, decode_cursor, encode_cursor
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Tx, verb
from clinicdesk.features.practitioners.models import Practitioner, Room
from clinicdesk.features.practitioners.rules import check_range
from clinicdesk.features.practitioners.schemas import PractitionerQuery, PractitionerRow, PractitionerSort

PRACTITIONERS = select(
    Practitioner.id, Practitioner.family, Practitioner.given, Practitioner.prefix, Practitioner.suffix,
    Practitioner.specialty, Practitioner.room_id, func.coalesce(Room.name, ""), Practitioner.position,
    Practitioner.active, Practitioner.version,
).outerjoin(Room, Room.id == Practitioner.room_id)  # fmt: skip


"""Every practitioner as a row, to be narrowed by `where`."""
_IN_ORDER = PRACTITIONERS.order_by(
    Practitioner.position, func.lower(Practitioner.family), func.lower(Practitioner.given)
)


@verb(Permission.SEE_OPENINGS, writes=False)
def list_practitioners(tx: Tx, include_inactive: bool = False) -> list[PractitionerRow]:
    """The practitioners in the order of the calendar's columns; the inactive are shown to whoever sees the calendar."""
    everybody = include_inactive and tx.actor.may(Permission.SEE_CALENDAR)
    rows = _IN_ORDER if everybody else _IN_ORDER.where(Practitioner.active)
    return [PractitionerRow(*row) for row in tx.session.execute(rows)]


_FAMILY, _GIVEN = func.lower(Practitioner.family), func.lower(Practitioner.given)
_SORTS: dict[PractitionerSort, tuple[ColumnElement[Any], ...]] = {
    PractitionerSort.POSITION: (Practitioner.position.expression, _FAMILY, _GIVEN),
    PractitionerSort.NAME: (_FAMILY, _GIVEN),
}
_PLACES: dict[PractitionerSort, tuple[type[int] | type[str], ...]] = {
    PractitionerSort.POSITION: (int, str, str, str),
    PractitionerSort.NAME: (str, str, str),
}
"""What a cursor holds for each order; the id last."""


@verb(Permission.SEE_OPENINGS, writes=False)
def find_practitioners(tx: Tx, query: PractitionerQuery) -> Page[PractitionerRow]:
    """A page of the practitioners that fit; those who are not active only for whoever sees the calendar.

    Raises InvalidInput("cursor_not_right", "out_of_range", "too_long").
    """
    page = query.page
    check_range(page.limit, "limit", 1, MOST_PER_PAGE)
    fitting = PRACTITIONERS.where(*_conditions(tx, query))
    columns = _SORTS[query.sort]
    rows = fitting
    if page.cursor:
        *place, last = decode_cursor(page.cursor, *_PLACES[query.sort])
        # A place in the order that no column can hold is one to compare with all the same.
        values = (literal(value, BigInteger() if isinstance(value, int) else None) for value in place)
        behind = tuple_(*values, _uuid(last))
        here = tuple_(*columns, Practitioner.id)
        rows = rows.where(here < behind if query.descending else here > behind)
    order = [column.desc() if query.descending else column.asc() for column in (*columns, Practitioner.id)]
    found = tx.session.execute(rows.add_columns(*columns).order_by(*order).limit(page.limit + 1)).all()
    people = [PractitionerRow(*row[: -len(columns)]) for row in found[: page.limit]]
    following = None
    if len(found) > page.limit:
        following = encode_cursor([*found[page.limit - 1][-len(columns) :], people[-1].id.hex])
    total = tx.session.scalar(select(func.count()).select_from(fitting.subquery())) if page.total else None
    return Page(people, following, total)


@verb(Permission.SEE_OPENINGS, writes=False)
def get_practitioner(tx: Tx, practitioner_id: UUID) -> PractitionerRow:
    """One practitioner; one who is not active only for whoever sees the calendar. Raises NotFound("practitioner_not_found")."""
    row = tx.session.execute(PRACTITIONERS.where(Practitioner.id == practitioner_id)).one_or_none()
    person = None if row is None else PractitionerRow(*row)
    if person is None or not (person.active or tx.actor.may(Permission.SEE_CALENDAR)):
        raise NotFound("practitioner_not_found")
    return person


def _conditions(tx: Tx, query: PractitionerQuery) -> list[ColumnElement[bool]]:
    p = Practitioner
    conditions: list[ColumnElement[bool]] = []
    for word in one_line(query.text, "text", 120).split():
        named = (p.family, p.given, p.prefix, p.suffix, p.specialty)
        conditions.append(or_(*(column.icontains(word, autoescape=True) for column in named)))
    if specialty := one_line(query.specialty, "specialty", 80):
        conditions.append(func.lower(p.specialty) == func.lower(specialty))
    if query.active is not None:
        conditions.append(p.active.is_(query.active))
    if not tx.actor.may(Permission.SEE_CALENDAR):
        conditions.append(p.active.is_(True))
    return conditions


def _uuid(text: str | int) -> ColumnElement[UUID]:
    try:
        return literal(UUID(hex=str(text)))
    except ValueError as error:
        raise InvalidInput("cursor_not_right", field="cursor") from error
