"""Practitioners in pages: everybody once, in order, narrowed; and the active ones alone for who does not work here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from clinicdesk.core.clinic import ClinicRow
from clinicdesk.core.errors import InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import PageRequest, encode_cursor
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.practitioners import service
from clinicdesk.features.practitioners.schemas import (
    PractitionerQuery,
    PractitionerRow,
    PractitionerSort,
    SavePractitioner,
)
from tests.conftest import person

PEOPLE = (
    SavePractitioner("Okafor", "Amara", "Dr", specialty="Cardiology", position=1),
    SavePractitioner("Lee", "Grace", "Dr", specialty="General medicine", position=1),
    SavePractitioner("Lee", "Grace", "Dr", specialty="Cardiology", position=1),
    SavePractitioner("Herrera", "Tomás", "", "RN", position=0),
    SavePractitioner("Gone", "Long", "Dr", position=5, active=False),
)


@pytest.fixture
def staff(db: Database, clinic: ClinicRow, administrator: Actor) -> list[PractitionerRow]:
    with db.write(administrator) as tx:
        return [service.save_practitioner(tx, one) for one in PEOPLE]


def pages(db: Database, actor: Actor, limit: int, **query: Any) -> list[list[PractitionerRow]]:
    found = []
    cursor: str | None = ""
    while cursor is not None:
        with db.read(actor) as tx:
            page = service.find_practitioners(tx, PractitionerQuery(page=PageRequest(limit, cursor), **query))
        found.append(page.items)
        cursor = page.next
    return found


@pytest.mark.parametrize("sort", PractitionerSort)
@pytest.mark.parametrize("descending", [False, True])
def test_pages_hold_everybody_once_and_in_order(
    db: Database, staff: list[PractitionerRow], receptionist: Actor, sort: PractitionerSort, descending: bool
) -> None:
    def place(row: PractitionerRow) -> tuple[Any, ...]:
        name = (row.family.lower(), row.given.lower(), row.id)
        return (row.position, *name) if sort is PractitionerSort.POSITION else name

    found = pages(db, receptionist, 2, sort=sort, descending=descending)
    assert [len(page) for page in found] == [2, 2, 1]
    assert [row for page in found for row in page] == sorted(staff, key=place, reverse=descending)


def test_a_list_is_narrowed_and_counted_on_request(
    db: Database, staff: list[PractitionerRow], receptionist: Actor
) -> None:
    def names(**query: Any) -> list[str]:
        with db.read(receptionist) as tx:
            page = service.find_practitioners(tx, PractitionerQuery(page=PageRequest(total=True), **query))
        assert page.total == len(page.items)
        return [row.family for row in page.items]

    assert names(text="DR lee cardio") == ["Lee"]
    assert names(text="%") == []
    assert names(specialty="cardiology") == ["Lee", "Okafor"]
    assert names(active=False) == ["Gone"]
    assert len(names(active=True)) == 4
    with pytest.raises(InvalidInput), db.read(receptionist) as tx:
        service.find_practitioners(tx, PractitionerQuery(text="x" * 121))


def test_a_patient_sees_the_active_ones_alone(db: Database, staff: list[PractitionerRow]) -> None:
    patient, gone = person(Role.PATIENT), staff[-1]
    [everybody] = pages(db, patient, 50)
    assert len(everybody) == 4
    assert pages(db, patient, 50, active=False) == [[]]
    with db.read(patient) as tx:
        assert service.get_practitioner(tx, staff[0].id) == staff[0]
        assert gone not in service.list_practitioners(tx, include_inactive=True)
    for unknown in (gone.id, new_id()):
        with pytest.raises(NotFound, match="practitioner_not_found"), db.read(patient) as tx:
            service.get_practitioner(tx, unknown)


def test_who_works_here_sees_who_has_left(db: Database, staff: list[PractitionerRow], receptionist: Actor) -> None:
    with db.read(receptionist) as tx:
        assert service.get_practitioner(tx, staff[-1].id) == staff[-1]


@pytest.mark.parametrize(
    "cursor",
    ["x", encode_cursor([1, "a", "b"]), encode_cursor([1, "a", "b", "c"]), encode_cursor(["1", "a", "b", "c"])],
)
def test_a_made_up_cursor_is_refused(
    db: Database, staff: list[PractitionerRow], receptionist: Actor, cursor: str
) -> None:
    with pytest.raises(InvalidInput, match="cursor_not_right"), db.read(receptionist) as tx:
        service.find_practitioners(tx, PractitionerQuery(page=PageRequest(50, cursor)))


def test_a_far_place_in_a_cursor_is_behind_everybody(
    db: Database, staff: list[PractitionerRow], receptionist: Actor
) -> None:
    far = encode_cursor([(1 << 63) - 1, "", "", UUID(int=0).hex])
    with db.read(receptionist) as tx:
        assert service.find_practitioners(tx, PractitionerQuery(page=PageRequest(50, far))).items == []
