"""Visits known from elsewhere are taken as they were: they may overlap, they are audited, and a second time changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from clinicdesk.core.errors import ClinicError, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.tx import Actor
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import RecordPast, Status
from tests.features.appointments.conftest import Desk, Place, at


@pytest.fixture
def importer(desk: Desk, operator: Actor) -> Desk:
    return desk.as_(operator)


@pytest.fixture
def visit(place: Place) -> RecordPast:
    return RecordPast(place.smith, place.lee, at(3, day=-9), at(5, day=-1), reason="Admission")


def test_past_visits_may_overlap_and_be_longer_than_a_day(importer: Desk, visit: RecordPast, place: Place) -> None:
    first, second = importer.do(appointments.record_past, visit), importer.do(appointments.record_past, visit)
    rows = importer.ask(appointments.visits_of_patient, place.smith)
    assert {row.id for row in rows} == {first, second}
    assert rows[0].status is Status.FULFILLED
    assert (rows[0].started_at, rows[0].ended_at) == (visit.start, visit.end)
    assert importer.book(at(11))


def test_recording_the_same_again_changes_nothing(importer: Desk, visit: RecordPast, place: Place) -> None:
    id_ = importer.do(appointments.record_past, visit)
    assert importer.do(appointments.correct_past, id_, visit) is False
    assert importer.do(appointments.correct_past, id_, replace(visit, status=Status.CANCELLED, cancel_reason="pat"))
    [row] = importer.ask(appointments.visits_of_patient, place.smith)
    assert (row.status, row.cancel_reason, row.started_at, row.version) == (Status.CANCELLED, "pat", None, 2)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"status": Status.BOOKED}, "status_not_final"),
        ({"end": at(3, day=-9)}, "ends_before_it_begins"),
        ({"cancel_reason": "bored"}, "unknown_cancel_reason"),
        ({"start": at(11), "end": at(12)}, "visit_not_begun"),
    ],
)
def test_what_cannot_have_been_is_refused(
    importer: Desk, visit: RecordPast, wrong: dict[str, object], code: str
) -> None:
    with pytest.raises(ClinicError, match=code):
        importer.do(appointments.record_past, replace(visit, **wrong))  # type: ignore[arg-type]


def test_a_cancelled_visit_may_lie_ahead(importer: Desk, visit: RecordPast) -> None:
    ahead = replace(visit, status=Status.CANCELLED, start=at(11), end=at(12))
    assert importer.do(appointments.record_past, ahead)


def test_a_visit_that_is_not_over_is_left_alone(importer: Desk, visit: RecordPast) -> None:
    row = importer.book(at(11))
    with pytest.raises(ClinicError, match="visit_still_open"):
        importer.do(appointments.correct_past, row.id, visit)
    with pytest.raises(NotFound):
        importer.do(appointments.correct_past, new_id(), visit)


def test_only_an_import_records_the_past(desk: Desk, visit: RecordPast) -> None:
    with pytest.raises(NotPermitted):
        desk.do(appointments.record_past, visit)


def test_undoing_an_import_says_that_it_was_an_error(importer: Desk, visit: RecordPast) -> None:
    unit, _ = importer.unit(appointments.record_past, visit)
    assert importer.do(appointments.revert, unit).visits[0].status is Status.ENTERED_IN_ERROR


def test_a_past_visit_is_found_by_its_first_day(importer: Desk, visit: RecordPast) -> None:
    importer.do(appointments.record_past, visit)
    found = importer.ask(appointments.visits_between, visit.start, visit.start + timedelta(hours=1))
    assert len(found) == 1
