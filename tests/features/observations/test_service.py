"""What was measured is kept as it was told, corrected without being overwritten, and read back under audit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from clinicdesk.core.errors import ClinicError, InvalidInput, NotFound
from clinicdesk.core.history import HistoryEntry
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import PageRequest
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.observations import service as observations
from clinicdesk.features.observations.schemas import (
    CorrectObservation,
    Interpretation,
    Measure,
    ObservationQuery,
    ObservationRow,
    RecordObservation,
    Status,
)
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from tests.conftest import Hands

M = Measure
DAY = timedelta(days=1)
Record = Callable[..., ObservationRow]


def born(db: Database, receptionist: Actor, on: date | None) -> UUID:
    with db.write(receptionist) as tx:
        return patients.register(tx, RegisterPatient(Demographics("Smith", "Joan", birth_date=on))).id


@pytest.fixture
def smith(db: Database, receptionist: Actor) -> UUID:
    return born(db, receptionist, date(1984, 3, 12))


@pytest.fixture
def record(db: Database, nurse: Actor, smith: UUID) -> Record:
    def measure(measure: Measure, value: float, diastolic: float | None = None, **told: Any) -> ObservationRow:
        with db.write(nurse) as tx:
            return observations.record(tx, RecordObservation(told.pop("of", smith), measure, value, diastolic, **told))

    return measure


def read(db: Database, actor: Actor, verb: Callable[..., Any], *told: Any, **named: Any) -> Any:
    with db.write(actor) as tx:
        return verb(tx, *told, **named)


def test_a_value_is_kept_as_told_and_in_its_own_unit(
    db: Database, nurse: Actor, smith: UUID, clock: Hands, record: Record
) -> None:
    taken = clock.now - timedelta(hours=2)
    row = record(M.TEMPERATURE, 101.3, unit="°F", taken_at=taken, note="ear")
    assert (row.code, row.value, row.components[0].unit, row.given_value, row.given_unit) == (
        "8310-5", 38.5, "Cel", 101.3, "[degF]",
    )  # fmt: skip
    assert (row.taken_at, row.recorded_at, row.recorder, row.note) == (taken, clock.now, nurse.name, "ear")
    assert (row.status, row.out_of_range) == (Status.FINAL, True)
    assert read(db, nurse, observations.list_observations, ObservationQuery(smith)).items == [row]


def test_a_blood_pressure_has_two_parts(record: Record) -> None:
    row = record(M.BLOOD_PRESSURE, 150, 85)
    assert [(part.code, part.value, part.unit, part.interpretation) for part in row.components] == [
        ("8480-6", 150, "mm[Hg]", Interpretation.HIGH), ("8462-4", 85, "mm[Hg]", Interpretation.NORMAL),
    ]  # fmt: skip
    assert row.out_of_range


def test_a_time_to_come_or_before_birth_is_refused(record: Record, clock: Hands) -> None:
    record(M.WEIGHT, 70, taken_at=clock.now + timedelta(minutes=4))
    for taken_at, code in (
        (clock.now + timedelta(minutes=6), "in_the_future"),
        (clock.now - 20_000 * DAY, "before_birth"),
    ):
        with pytest.raises(InvalidInput) as refused:
            record(M.WEIGHT, 70, taken_at=taken_at)
        assert (refused.value.reason, refused.value.params["field"]) == (code, "taken_at")


def test_a_correction_takes_the_place_of_what_was_wrong_and_keeps_it(
    db: Database, nurse: Actor, smith: UUID, record: Record
) -> None:
    wrong = record(M.WEIGHT, 178, note="shoes")
    right = read(db, nurse, observations.correct, CorrectObservation(wrong.id, 1, 78, "digit too many"))
    assert (right.value, right.status, right.replaces_id) == (78, Status.CORRECTED, wrong.id)
    assert (right.taken_at, right.note) == (wrong.taken_at, "shoes")
    assert read(db, nurse, observations.list_observations, ObservationQuery(smith)).items == [right]
    both = read(db, nurse, observations.list_observations, ObservationQuery(smith, entered_in_error=True)).items
    assert [(row.value, row.status, row.wrong_reason) for row in both] == [
        (78, Status.CORRECTED, ""), (178, Status.ENTERED_IN_ERROR, "digit too many"),
    ]  # fmt: skip
    assert read(db, nurse, observations.latest, smith).rows == (right,)


@pytest.mark.parametrize(
    ("version", "reason", "code"), [(2, "x", "changed_meanwhile"), (1, " ", "empty"), (1, "x" * 251, "too_long")]
)
def test_a_correction_needs_a_reason_and_the_version_that_was_seen(
    db: Database, nurse: Actor, smith: UUID, record: Record, version: int, reason: str, code: str
) -> None:
    row = record(M.WEIGHT, 178)
    for verb, told in (
        (observations.correct, (CorrectObservation(row.id, version, 78, reason),)),
        (observations.mark_wrong, (row.id, version, reason)),
    ):
        with pytest.raises(ClinicError) as refused:
            read(db, nurse, verb, *told)
        assert refused.value.reason == code
    assert read(db, nurse, observations.list_observations, ObservationQuery(smith)).items == [row]


def test_what_is_wrong_already_is_left_alone(db: Database, nurse: Actor, smith: UUID, record: Record) -> None:
    row = record(M.WEIGHT, 178)
    gone = read(db, nurse, observations.mark_wrong, row.id, 1, "other patient")
    assert (gone.status, gone.version) == (Status.ENTERED_IN_ERROR, 2)
    with pytest.raises(ClinicError) as refused:
        read(db, nurse, observations.correct, CorrectObservation(row.id, 2, 78, "x"))
    assert refused.value.reason == "observation_wrong"
    assert read(db, nurse, observations.latest, smith).rows == ()


def test_lists_are_by_measure_and_time_latest_first(
    db: Database, nurse: Actor, smith: UUID, clock: Hands, record: Record
) -> None:
    now = clock.now
    weights = [record(M.WEIGHT, 70 + nth, taken_at=now - nth * DAY) for nth in range(5)]
    pulse = record(M.HEART_RATE, 70)

    def ask(**told: Any) -> list[ObservationRow]:
        query = ObservationQuery(smith, **told)
        found: list[ObservationRow] = read(db, nurse, observations.list_observations, query).items
        return found

    assert ask(measure=M.WEIGHT) == weights
    assert ask(measure=M.WEIGHT, since=now - 3 * DAY, until=now - DAY) == weights[2:4]
    first = read(db, nurse, observations.list_observations, ObservationQuery(smith, M.WEIGHT, page=PageRequest(3)))
    rest = read(
        db,
        nurse,
        observations.list_observations,
        ObservationQuery(smith, M.WEIGHT, page=PageRequest(3, first.next, True)),
    )
    assert (first.items, rest.items, rest.next, rest.total) == (weights[:3], weights[3:], None, 5)
    assert set(ask()) == {*weights, pulse}
    with pytest.raises(InvalidInput):
        ask(measure=M.BMI)


def test_the_latest_of_each_comes_with_the_body_mass(
    db: Database, nurse: Actor, smith: UUID, clock: Hands, record: Record
) -> None:
    now = clock.now
    record(M.WEIGHT, 90, taken_at=now - 2 * DAY)
    weight = record(M.WEIGHT, 78, taken_at=now - DAY)
    height = record(M.HEIGHT, 178, taken_at=now - 400 * DAY)
    pressure = record(M.BLOOD_PRESSURE, 120, 80)
    found = read(db, nurse, observations.latest, smith)
    assert found.rows == (pressure, weight, height)
    assert (found.body_mass.component.value, found.body_mass.component.interpretation) == (24.6, Interpretation.NORMAL)
    assert (found.body_mass.weight_id, found.body_mass.height_id, found.body_mass.taken_at) == (
        weight.id, height.id, weight.taken_at,
    )  # fmt: skip


@pytest.mark.parametrize(("apart", "computed"), [(30, True), (40, False)])
def test_a_childs_height_does_not_hold_for_long(
    db: Database, nurse: Actor, receptionist: Actor, clock: Hands, record: Record, apart: int, computed: bool
) -> None:
    child = born(db, receptionist, date(2018, 1, 1))
    record(M.HEIGHT, 128, of=child, taken_at=clock.now - apart * DAY)
    record(M.WEIGHT, 26, of=child)
    mass = read(db, nurse, observations.latest, child).body_mass
    assert (mass is not None) == computed
    if computed:
        assert (mass.component.value, mass.component.interpretation) == (15.9, Interpretation.UNKNOWN)


def test_a_trend_is_a_series_for_each_number(
    db: Database, nurse: Actor, smith: UUID, clock: Hands, record: Record
) -> None:
    now = clock.now
    for nth, (upper, lower) in enumerate([(130, 80), (140, 85), (150, 90)]):
        record(M.BLOOD_PRESSURE, upper, lower, taken_at=now - (2 - nth) * DAY)
    systolic, diastolic = read(db, nurse, observations.trend, smith, M.BLOOD_PRESSURE).series
    assert [point.value for point in systolic.points] == [130, 140, 150]
    assert (systolic.code, systolic.summary.per_day, systolic.summary.out_of_range) == ("8480-6", pytest.approx(10), 2)
    assert (diastolic.code, diastolic.summary.mean, diastolic.summary.out_of_range) == ("8462-4", 85, 1)
    later = read(db, nurse, observations.trend, smith, M.BLOOD_PRESSURE, now - DAY, now)
    assert [point.value for point in later.series[0].points] == [140]
    nothing = read(db, nurse, observations.trend, smith, M.GLUCOSE).series
    assert [(one.code, one.points, one.summary) for one in nothing] == [("15074-8", (), None)]


def test_body_mass_over_time_goes_by_the_height_of_its_time(
    db: Database, nurse: Actor, smith: UUID, clock: Hands, record: Record
) -> None:
    now = clock.now
    record(M.WEIGHT, 80, taken_at=now - 3 * DAY)
    record(M.HEIGHT, 180, taken_at=now - 2 * DAY)
    record(M.WEIGHT, 81, taken_at=now - DAY)
    record(M.HEIGHT, 170, taken_at=now)
    record(M.WEIGHT, 81, taken_at=now)
    (series,) = read(db, nurse, observations.trend, smith, M.BMI).series
    assert [point.value for point in series.points] == [24.7, 25.0, 28.0]
    assert series.summary.out_of_range == 2


def test_every_touch_is_audited_and_every_value_in_the_history(
    db: Database, nurse: Actor, smith: UUID, record: Record
) -> None:
    row = record(M.WEIGHT, 178)
    read(db, nurse, observations.correct, CorrectObservation(row.id, 1, 78, "digit too many"))
    read(db, nurse, observations.list_observations, ObservationQuery(smith))
    read(db, nurse, observations.latest, smith)
    read(db, nurse, observations.trend, smith, M.WEIGHT)
    with db.engine.connect() as connection:
        entries = connection.execute(
            select(AuditEntry.verb, AuditEntry.action, AuditEntry.patient_id)
            .where(AuditEntry.verb.like("observations.%")).order_by(AuditEntry.seq)
        ).all()  # fmt: skip
        kept = connection.scalars(
            select(HistoryEntry.action).where(HistoryEntry.entity == "observation").order_by(HistoryEntry.seq)
        ).all()
    assert [(verb, action) for verb, action, _ in entries] == [
        ("observations.record", "C"), ("observations.correct", "U"), ("observations.correct", "C"),
        ("observations.list_observations", "R"), ("observations.latest", "R"), ("observations.trend", "R"),
    ]  # fmt: skip
    assert {patient for _, _, patient in entries} == {smith.hex}
    assert kept == ["C", "U", "C"]


def test_what_is_not_there_is_said(db: Database, nurse: Actor) -> None:
    nobody = new_id()
    for verb, told in (
        (observations.record, (RecordObservation(nobody, M.WEIGHT, 70),)),
        (observations.correct, (CorrectObservation(nobody, 1, 70, "x"),)),
        (observations.mark_wrong, (nobody, 1, "x")), (observations.latest, (nobody,)),
        (observations.trend, (nobody, M.WEIGHT)), (observations.list_observations, (ObservationQuery(nobody),)),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            read(db, nurse, verb, *told)


def test_an_instant_of_any_zone_is_the_same_instant(record: Record) -> None:
    taken = datetime.fromisoformat("2026-11-23T04:42:00-05:00")
    assert record(M.WEIGHT, 70, taken_at=taken).taken_at == taken
