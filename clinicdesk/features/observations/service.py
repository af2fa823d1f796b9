"""The verbs of observations: what was measured is recorded, corrected, and read back as lists, latest values and trends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, func, literal, select, tuple_

from clinicdesk.core.clock import in_utc, to_micros
from clinicdesk.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import Page, check_limit, decode_cursor, encode_cursor, id_of, instant_of
from clinicdesk.core.permissions import Permission
from clinicdesk.core.text import one_line
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.observations import rules
from clinicdesk.features.observations.measures import BY_CODE, MEASURES
from clinicdesk.features.observations.models import Observation
from clinicdesk.features.observations.schemas import (
    CorrectObservation,
    Latest,
    Measure,
    ObservationQuery,
    ObservationRow,
    Point,
    RecordObservation,
    Status,
    Trend,
)
from clinicdesk.features.patients.record import load as load_patient

__all__ = ["correct", "latest", "list_observations", "mark_wrong", "record", "trend"]

MOST_POINTS = 10_000
"""Of one trend; the latest are kept."""


@verb(Permission.RECORD_OBSERVATION, concurrent=True, of_patient=True)
def record(tx: Tx, request: RecordObservation) -> ObservationRow:
    """Record what was measured; what patients record of themselves is marked as theirs.

    Raises NotFound, and InvalidInput as `rules.measured` and `rules.check_taken_at` do.
    """
    tx.reach(request.patient_id)
    born = load_patient(tx, request.patient_id).birth_date
    stored = _new(
        tx, request.patient_id, request.measure,
        rules.measured(request.measure, request.value, request.diastolic, request.unit),
        in_utc(request.taken_at) if request.taken_at else tx.now, born, request.note,
    )  # fmt: skip
    _add(tx, stored)
    return _row(stored, born)


@verb(Permission.RECORD_OBSERVATION, concurrent=True, of_patient=True)
def correct(tx: Tx, request: CorrectObservation) -> ObservationRow:
    """Put right what was recorded: the old value is marked as entered in error, a new one takes its place and is given back.

    Patients put right what they have recorded themselves. Raises NotFound, InvalidInput, NotPermitted(not_own_value),
    Conflict(observation_wrong, changed_meanwhile).
    """
    old = _load(tx, request.id, request.version)
    born = load_patient(tx, old.patient_id).birth_date
    measure = BY_CODE[old.code]
    new = _new(
        tx, old.patient_id, measure, rules.measured(measure, request.value, request.diastolic, request.unit),
        in_utc(request.taken_at) if request.taken_at else old.taken_at, born, request.note or old.note,
    )  # fmt: skip
    new.status, new.replaces_id = Status.CORRECTED.value, old.id
    _mark_wrong(tx, old, request.reason)
    _add(tx, new)
    return _row(new, born)


@verb(Permission.RECORD_OBSERVATION, concurrent=True, of_patient=True)
def mark_wrong(tx: Tx, id: UUID, version: int, reason: str) -> ObservationRow:  # noqa: A002
    """Say that a value should not stand on this record; it is kept, and shown only where it is asked for.

    Raises NotFound, InvalidInput, NotPermitted(not_own_value), Conflict(observation_wrong, changed_meanwhile).
    """
    stored = _load(tx, id, version)
    _mark_wrong(tx, stored, reason)
    return _row(stored, load_patient(tx, stored.patient_id).birth_date)


@verb(Permission.READ_OBSERVATIONS, concurrent=True, of_patient=True)
def list_observations(tx: Tx, query: ObservationQuery) -> Page[ObservationRow]:
    """A page of the values that the query asks for, latest first. Audited.

    Raises NotFound, InvalidInput("cursor_not_right", "out_of_range"), and InvalidInput("computed") for BMI (see `trend`).
    """
    page = query.page
    check_limit(page)
    born = _reading(tx, query.patient_id)
    if query.measure is Measure.BMI:
        raise InvalidInput("computed", field="measure")
    found = _between(query.patient_id, query.since, query.until)
    if query.measure is not None:
        found = found.where(Observation.code == MEASURES[query.measure].code)
    if not query.entered_in_error:
        found = found.where(Observation.status != Status.ENTERED_IN_ERROR.value)
    wanted = found.order_by(Observation.taken_at.desc(), Observation.id.desc())
    if page.cursor:
        taken_at, last = decode_cursor(page.cursor, int, str)
        behind = tuple_(literal(instant_of(taken_at), Observation.taken_at.type), literal(id_of(last)))
        wanted = wanted.where(tuple_(Observation.taken_at, Observation.id) < behind)
    stored = tx.session.scalars(wanted.limit(page.limit + 1)).all()
    shown = stored[: page.limit]
    following = encode_cursor([to_micros(shown[-1].taken_at), shown[-1].id.hex]) if len(stored) > page.limit else None
    total = tx.session.scalar(found.with_only_columns(func.count())) if page.total else None
    return Page([_row(one, born) for one in shown], following, total)


@verb(Permission.READ_OBSERVATIONS, concurrent=True, of_patient=True)
def latest(tx: Tx, patient_id: UUID) -> Latest:
    """The latest value of each measure, and the body mass index at the latest weight. Audited. Raises NotFound."""
    born = _reading(tx, patient_id)
    nth = func.row_number().over(
        partition_by=Observation.code, order_by=(Observation.taken_at.desc(), Observation.id.desc())
    )
    ranked = (
        select(Observation.id, nth.label("nth"))
        .where(Observation.patient_id == patient_id, Observation.status != Status.ENTERED_IN_ERROR.value)
        .subquery()
    )
    found = select(Observation).join(ranked, ranked.c.id == Observation.id).where(ranked.c.nth == 1)
    rows = {row.measure: row for row in (_row(stored, born) for stored in tx.session.scalars(found))}
    weight, body_masses = rows.get(Measure.WEIGHT), []
    if weight is not None:
        heights = _rows(tx, patient_id, Measure.HEIGHT, None, None, born)
        body_masses = rules.body_masses([weight], heights, born)
    return Latest(
        tuple(rows[measure] for measure in Measure if measure in rows), body_masses[0] if body_masses else None
    )


@verb(Permission.READ_OBSERVATIONS, concurrent=True, of_patient=True)
def trend(
    tx: Tx, patient_id: UUID, measure: Measure, since: datetime | None = None, until: datetime | None = None
) -> Trend:
    """A measure over [since, until), oldest first, with its figures; BMI is computed from weights and heights.

    Of more than 10,000 values the latest are given. Audited. Raises NotFound.
    """
    born = _reading(tx, patient_id)
    described = MEASURES[measure]
    if measure is Measure.BMI:
        weights = _rows(tx, patient_id, Measure.WEIGHT, since, until, born)
        heights = _rows(tx, patient_id, Measure.HEIGHT, None, None, born)
        points = [
            Point(mass.taken_at, mass.component.value, mass.component.interpretation)
            for mass in rules.body_masses(weights, heights, born)
        ]
        return Trend(measure, (rules.series(described.code, described.unit, points),))
    rows = _rows(tx, patient_id, measure, since, until, born)
    codes = [part.code for part in rules.components(measure, 0, 0 if measure is Measure.BLOOD_PRESSURE else None, None)]
    return Trend(
        measure,
        tuple(
            rules.series(
                code,
                described.unit,
                [Point(row.taken_at, row.components[nth].value, row.components[nth].interpretation) for row in rows],
            )
            for nth, code in enumerate(codes)
        ),
    )


def _reading(tx: Tx, patient_id: UUID) -> date | None:
    """Note that the patient's values are read; gives back the birth date."""
    tx.reach(patient_id)
    patient = load_patient(tx, patient_id)
    tx.record(Change("observation", None, Action.READ, patient_id=patient_id))
    return patient.birth_date


def _between(patient_id: UUID, since: datetime | None, until: datetime | None) -> Select[Observation]:
    found = select(Observation).where(Observation.patient_id == patient_id)
    if since is not None:
        found = found.where(Observation.taken_at >= in_utc(since))
    if until is not None:
        found = found.where(Observation.taken_at < in_utc(until))
    return found


def _rows(
    tx: Tx, patient_id: UUID, measure: Measure, since: datetime | None, until: datetime | None, born: date | None
) -> Sequence[ObservationRow]:
    """The right values of one measure, oldest first."""
    found = (
        _between(patient_id, since, until)
        .where(Observation.code == MEASURES[measure].code, Observation.status != Status.ENTERED_IN_ERROR.value)
        .order_by(Observation.taken_at.desc(), Observation.id.desc())
        .limit(MOST_POINTS)
    )
    return [_row(stored, born) for stored in tx.session.scalars(found)][::-1]


def _new(
    tx: Tx,
    patient_id: UUID,
    measure: Measure,
    measured: rules.Measured,
    taken_at: datetime,
    born: date | None,
    note: str,
) -> Observation:
    rules.check_taken_at(taken_at, tx.now, born)
    return Observation(
        id=new_id(), version=1, patient_id=patient_id, code=MEASURES[measure].code, value=measured.value,
        diastolic=measured.diastolic, given_value=measured.given_value, given_unit=measured.given_unit,
        status=Status.FINAL.value, wrong_reason="", taken_at=taken_at, recorded_at=tx.now,
        recorder_id=tx.actor.user_id, recorder=tx.actor.name, note=one_line(note, "note", rules.NOTE_MOST), replaces_id=None,
        by_patient=tx.own_patient is not None,
    )  # fmt: skip


def _add(tx: Tx, stored: Observation) -> None:
    tx.session.add(stored)
    tx.record(Change.created(stored, patient_id=stored.patient_id))
    tx.session.flush()


def _mark_wrong(tx: Tx, stored: Observation, reason: str) -> None:
    stored.wrong_reason = one_line(reason, "reason", rules.NOTE_MOST, required=True)
    stored.status = Status.ENTERED_IN_ERROR.value
    tx.record(Change.updated(stored, patient_id=stored.patient_id))
    tx.session.flush()


def _load(tx: Tx, id_: UUID, version: int) -> Observation:
    stored = tx.session.get(Observation, id_)
    if stored is None:
        raise NotFound("observation_not_found")
    tx.reach(stored.patient_id)
    if tx.own_patient is not None and stored.recorder_id != tx.actor.user_id:
        raise NotPermitted("not_own_value", verb=tx.verb, patient_id=stored.patient_id)
    if stored.version != version:
        raise Conflict("changed_meanwhile")
    if stored.status == Status.ENTERED_IN_ERROR.value:
        raise Conflict("observation_wrong")
    return stored


def _row(stored: Observation, born: date | None) -> ObservationRow:
    measure = BY_CODE[stored.code]
    years = rules.years_old(born, stored.taken_at)
    return ObservationRow(
        stored.id, stored.patient_id, measure, stored.code,
        rules.components(measure, stored.value, stored.diastolic, years), stored.given_value, stored.given_unit,
        Status(stored.status), stored.taken_at, stored.recorded_at, stored.recorder_id, stored.recorder, stored.note,
        stored.replaces_id, stored.wrong_reason, stored.version, stored.by_patient,
    )  # fmt: skip
