"""However patients come and change, the search index says what a new one made from their rows would say."""

from __future__ import annotations

from datetime import date

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.index import rebuild_index
from clinicdesk.features.patients.models import Patient, PatientSearch, PatientSpelling
from clinicdesk.features.patients.schemas import Demographics, EditPatient, RegisterPatient

NAMES = ["Smith", "Smithson", "Smith-Jones", "Jones", "Müller", "O'Brien", "王小明", "Li", "Kowalczykowa", ""]


def contents(session: Session) -> tuple[object, ...]:
    """All that the index holds; raises where the full-text tables do not say the same as the table they follow."""
    for name in ("patient_fts", "patient_phone_fts") if session.get_bind().dialect.name == "sqlite" else ():
        session.execute(text(f"INSERT INTO {name} ({name}, rank) VALUES ('integrity-check', 1)"))
    entries = select(PatientSearch.patient_id, PatientSearch.terms, PatientSearch.phones, PatientSearch.gone)
    spellings = select(PatientSpelling.deletion, PatientSpelling.word)
    return (
        [tuple(row) for row in session.execute(entries.order_by(PatientSearch.docid))],
        [tuple(row) for row in session.execute(spellings.order_by(PatientSpelling.deletion, PatientSpelling.word))],
    )


def check_against_a_new_one(db: Database) -> None:
    with Session(db.engine) as session:
        kept = contents(session)
        rebuild_index(session)
        assert contents(session) == kept
        session.rollback()


def test_the_index_stays_what_a_new_one_would_be(db: Database, receptionist: Actor) -> None:
    told = st.builds(
        Demographics,
        family=st.sampled_from(NAMES[:-1]),
        given=st.sampled_from(NAMES),
        birth_family=st.sampled_from(NAMES),
        birth_date=st.none() | st.just(date(1984, 3, 12)),
        phone=st.sampled_from(["", "030 4711", "030 4712", "5"]),
        identifiers=st.sampled_from([(), ("ssn|1-2",)]),
    )

    class Desk(RuleBasedStateMachine):
        @rule(told=told)
        def register(self, told: Demographics) -> None:
            with db.write(receptionist) as tx:
                patients.register(tx, RegisterPatient(told))

        @rule(told=told, at=st.integers(0, 3))
        def edit(self, told: Demographics, at: int) -> None:
            with db.write(receptionist) as tx:
                if patient := tx.session.scalars(select(Patient).order_by(Patient.id).offset(at).limit(1)).first():
                    patients.edit(tx, EditPatient(patient.id, patient.version, told))

        @rule(at=st.integers(0, 3))
        def die(self, at: int) -> None:
            with db.write(receptionist) as tx:
                if patient := tx.session.scalars(select(Patient).order_by(Patient.id).offset(at).limit(1)).first():
                    patients.mark_deceased(tx, patient.id, patient.version, None)

        @invariant()
        def is_as_new(self) -> None:
            check_against_a_new_one(db)

    Desk.TestCase.settings = settings(
        max_examples=8, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
    )
    Desk.TestCase().runTest()


def test_an_empty_index_is_filled_from_the_rows(db: Database, receptionist: Actor) -> None:
    with db.write(receptionist) as tx:
        for name in NAMES[:-1]:
            patients.register(tx, RegisterPatient(Demographics(family=name, given="Ann", phone="030 4711")))
        tx.session.flush()
        kept = contents(tx.session)
        tx.session.execute(text("DELETE FROM patient_search"))
        tx.session.execute(text("DELETE FROM patient_spelling"))
        assert patients.search(tx, "smith") == []
        rebuild_index(tx.session)
        assert contents(tx.session) == kept
        assert len(patients.search(tx, "smith")) == 3
