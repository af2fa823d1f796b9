"""No sequence of verbs makes two visits hold one practitioner, or one room, at the same time."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import make_url

from clinicdesk.core.errors import ClinicError
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import verify
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.rules import HOLDING
from clinicdesk.features.appointments.schemas import (
    AppointmentRow,
    BookAppointment,
    CancelAppointment,
    EditAppointment,
    Reschedule,
    Status,
)
from tests.conftest import Where
from tests.features.appointments.conftest import Place, at
from tests.postgres import Cluster

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
starts = st.integers(0, 8).map(lambda quarters: at(9) + timedelta(minutes=15 * quarters))
lengths = st.sampled_from([5, 15, 30, 60]).map(lambda minutes: timedelta(minutes=minutes))
which = st.randoms(use_true_random=False)
reasons = st.sampled_from(["", "", "urgent"])


class Book(RuleBasedStateMachine):
    """Two doctors, a nurse and three patients in a morning; the nurse is put into the doctors' rooms now and then."""

    again: Callable[[], AbstractContextManager[Database]]
    """Gives the furnished clinic as it was at first, in a database of its own."""
    place: Place
    answers: Counter[str]
    """How often which, over all runs: a machine to which everything is refused would prove nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.borrowed = ExitStack()
        self.db = self.borrowed.enter_context(self.again())
        self.actor = Actor(new_id(), Role.ADMINISTRATOR, "Some administrator", "Desk")
        self.units: list[UUID] = []

    def visits(self) -> tuple[AppointmentRow, ...]:
        with self.db.read(self.actor) as tx:
            return appointments.visits_between(tx, at(0), at(23))

    def one(self, chance: random.Random) -> AppointmentRow:
        return chance.choice(self.visits())

    def attempt(self, verb: Callable[..., Any], *args: Any) -> None:
        """Do it; that it may not be done now is an answer like any other."""
        try:
            with self.db.write(self.actor) as tx:
                unit = tx.unit_id
                verb(tx, *args)
        except ClinicError as refusal:
            self.answers[refusal.reason] += 1
        else:
            self.units.append(unit)
            self.answers["done"] += 1

    @rule(chance=which, start=starts, length=lengths, reason=reasons, overlap=st.booleans(), shared=st.booleans())
    def book(
        self, chance: random.Random, start: datetime, length: timedelta, reason: str, overlap: bool, shared: bool
    ) -> None:
        who = chance.choice([self.place.lee, self.place.okafor, self.place.herrera])
        room = self.place.lee_room if shared else None
        status = chance.choice([Status.BOOKED, Status.BOOKED, Status.PENDING, Status.PROPOSED, Status.WAITLIST])
        patient = chance.choice(self.place.others[:3])
        request = BookAppointment(patient, who, start, length, None, room, "", status, reason, True, overlap)
        self.attempt(appointments.book, request)

    @precondition(lambda self: self.units)
    @rule(chance=which, start=starts, length=lengths, reason=reasons, overlap=st.booleans(), elsewhere=st.booleans())
    def reschedule(
        self, chance: random.Random, start: datetime, length: timedelta, reason: str, overlap: bool, elsewhere: bool
    ) -> None:
        row = self.one(chance)
        who = chance.choice([self.place.lee, self.place.okafor, self.place.herrera]) if elsewhere else None
        request = Reschedule(row.id, row.version, start, length, who, None, reason, True, overlap)
        self.attempt(appointments.reschedule, request)

    @precondition(lambda self: self.units)
    @rule(chance=which)
    def change_state(self, chance: random.Random) -> None:
        row = self.one(chance)
        verbs = (
            appointments.advance, appointments.step_back, appointments.arrive, appointments.check_in,
            appointments.start_visit, appointments.fulfil, appointments.no_show, appointments.reinstate,
            appointments.make_pending, appointments.propose, appointments.put_on_waitlist,
            appointments.mark_entered_in_error,
        )  # fmt: skip
        self.attempt(chance.choice(verbs), row.id, row.version)

    @precondition(lambda self: self.units)
    @rule(chance=which)
    def cancel(self, chance: random.Random) -> None:
        row = self.one(chance)
        self.attempt(appointments.cancel, CancelAppointment(row.id, row.version, "pat"))

    @precondition(lambda self: self.units)
    @rule(chance=which)
    def edit(self, chance: random.Random) -> None:
        row = self.one(chance)
        self.attempt(appointments.edit, EditAppointment(row.id, row.version, reason="x", confirmed=not row.confirmed))

    @precondition(lambda self: self.units)
    @rule(back=st.integers(1, 6))
    def undo_or_redo(self, back: int) -> None:
        """Of any of the last units of work, undos among them."""
        self.attempt(appointments.revert, self.units[-min(back, len(self.units))])

    @invariant()
    def nobody_is_held_twice(self) -> None:
        holding = [row for row in self.visits() if row.status in HOLDING]
        for one, other in combinations(holding, 2):
            if not one.interval.overlaps(other.interval):
                continue
            if not one.overbooked and not other.overbooked:
                assert one.practitioner_id != other.practitioner_id
                assert one.room_id is None or one.room_id != other.room_id
            if not one.patient_overlap and not other.patient_overlap:
                assert one.patient_id != other.patient_id

    def teardown(self) -> None:
        with self.db.engine.connect() as connection:
            assert verify(connection, self.db.audit_key).ok
        self.borrowed.close()


def test_no_sequence_of_verbs_makes_holding_visits_overlap(
    db: Database, where: Where, place: Place, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    db.close()  # folds the write-ahead log into the file that is copied; a database in use is no template either

    @contextmanager
    def copied_file() -> Iterator[Database]:
        with tempfile.TemporaryDirectory() as folder:
            database = Where(Path(shutil.copy(where.file or "", folder))).open(lambda: NOW)
            yield database
            database.close()

    @contextmanager
    def copied_on_server() -> Iterator[Database]:
        cluster: Cluster = request.getfixturevalue("postgres")
        with cluster.database(str(make_url(where.url).database)) as url:
            database = Where(url=url).open(lambda: NOW)
            yield database
            database.close()

    answers: Counter[str] = Counter()
    monkeypatch.setattr(Book, "answers", answers, raising=False)
    monkeypatch.setattr(Book, "again", staticmethod(copied_file if where.file else copied_on_server), raising=False)
    monkeypatch.setattr(Book, "place", place, raising=False)
    run_state_machine_as_test(
        Book,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    met = {"done", "slot_taken", "illegal_transition", "changed_since"}
    assert met <= answers.keys(), "the sequences that were made up do not try everything"
