"""Kinds of visit are kept by whoever runs the clinic."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clinicdesk.core.errors import ClinicError, Conflict, InvalidInput, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.tx import Actor
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import SaveType
from tests.features.appointments.conftest import Desk

CHECK_UP = SaveType("  Check   up ", 30, "#a1b2c3", short="Ch U", code="CHECKUP", position=5)


@pytest.fixture
def admin(desk: Desk, administrator: Actor) -> Desk:
    return desk.as_(administrator)


def test_a_type_is_added_changed_and_taken_out_of_use(admin: Desk) -> None:
    row = admin.do(appointments.save_type, CHECK_UP)
    assert (row.name, row.minutes, row.colour, row.short, row.version) == ("Check up", 30, "#A1B2C3", "chu", 1)
    assert [t.name for t in admin.ask(appointments.list_types)] == ["Follow-up", "Check up"]
    changed = replace(CHECK_UP, id=row.id, version=1, minutes=45, active=False)
    assert admin.do(appointments.save_type, changed).version == 2
    assert [t.name for t in admin.ask(appointments.list_types)] == ["Follow-up"]
    assert len(admin.ask(appointments.list_types, include_inactive=True)) == 2
    with pytest.raises(Conflict, match="changed_meanwhile"):
        admin.do(appointments.save_type, changed)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"name": " "}, "empty"),
        ({"name": "x" * 81}, "too_long"),
        ({"name": "FOLLOW-UP"}, "name_taken"),
        ({"minutes": 0}, "out_of_range"),
        ({"minutes": 1441}, "out_of_range"),
        ({"colour": "red"}, "not_a_colour"),
        ({"code": "OTHER"}, "unknown_code"),
    ],
)
def test_a_value_that_cannot_be_is_refused(admin: Desk, wrong: dict[str, object], code: str) -> None:
    with pytest.raises(InvalidInput, match=code):
        admin.do(appointments.save_type, replace(CHECK_UP, **wrong))  # type: ignore[arg-type]


def test_a_type_that_is_not_there(admin: Desk) -> None:
    with pytest.raises(NotFound, match="type_not_found"):
        admin.do(appointments.save_type, replace(CHECK_UP, id=new_id(), version=1))


def test_the_desk_may_not(desk: Desk) -> None:
    with pytest.raises(NotPermitted):
        desk.do(appointments.save_type, CHECK_UP)
    with pytest.raises(ClinicError):
        desk.do(appointments.save_type, replace(CHECK_UP, name=""))
