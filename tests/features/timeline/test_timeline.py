"""What happened with a patient is told in one list, page by page, and each sees of it what they may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select

from clinicdesk.core.errors import InvalidInput, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import PageRequest
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import BookAppointment
from clinicdesk.features.care.service import CareAccess
from clinicdesk.features.documents.models import Document
from clinicdesk.features.medications import service as medications
from clinicdesk.features.medications.schemas import Dosage, Prescribe
from clinicdesk.features.observations import service as observations
from clinicdesk.features.observations.schemas import Measure, RecordObservation
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from clinicdesk.features.timeline import service as timeline
from clinicdesk.features.timeline.schemas import EntryKind, Timeline, TimelineQuery
from clinicdesk.features.timeline.sources import SOURCES
from tests.conftest import Hands
from tests.features.appointments.conftest import Place, at, furnish

K = EntryKind
See = Callable[..., Timeline]


@pytest.fixture
def place(db: Database) -> Place:
    return furnish(db, others=0)


@pytest.fixture
def joan(db: Database, operator: Actor, place: Place, clock: Hands) -> UUID:
    """A patient with something of everything, a minute apart: a visit tomorrow, medicines, measurements, documents."""

    def do(verb: Callable[..., Any], told: Any) -> Any:
        clock.now += timedelta(minutes=1)
        with db.write(operator) as tx:
            return verb(tx, told)

    joan: UUID = do(patients.register, RegisterPatient(Demographics("Smith", "Joan"))).id
    do(appointments.book, BookAppointment(joan, place.lee, at(9, day=1), timedelta(minutes=20), place.follow_up))
    do(medications.prescribe, Prescribe(joan, "Metformin", Dosage(1, "tablet", 2), "500 mg"))
    do(medications.prescribe, Prescribe(joan, "Zinc", draft=True))
    do(observations.record, RecordObservation(joan, Measure.BLOOD_PRESSURE, 128, 82))
    wrong = do(observations.record, RecordObservation(joan, Measure.WEIGHT, 70))
    with db.write(operator) as tx:
        observations.mark_wrong(tx, wrong.id, 1, "typed twice")
        for minute, (kind, title) in enumerate((("consent", "Consent"), ("lab-report", "Blood count")), start=1):
            tx.session.execute(
                insert(Document).values(
                    id=new_id(), version=1, patient_id=joan, type=kind, title=title, dated_on=clock.now.date(),
                    status="current", status_at=clock.now, media_type="application/pdf", size=1, sha256="0" * 64,
                    content_key=new_id().hex, filed_at=clock.now + timedelta(minutes=minute),
                )
            )  # fmt: skip
    return joan


@pytest.fixture
def see(db: Database) -> See:
    """What somebody sees of a patient."""

    def look(actor: Actor, patient: UUID, **told: Any) -> Timeline:
        with db.write(actor) as tx:
            return timeline.of_patient(tx, TimelineQuery(patient, **told))

    return look


def titles(found: Timeline) -> list[str]:
    return [entry.title for entry in found.items]


def test_everything_is_told_the_latest_first(see: See, joan: UUID, doctor: Actor) -> None:
    found = see(doctor, joan)
    assert titles(found) == ["Follow-up", "Blood count", "Consent", "blood-pressure", "Zinc", "Metformin"]
    assert [entry.kind for entry in found.items] == [
        K.VISIT, K.DOCUMENT, K.DOCUMENT, K.MEASUREMENT, K.MEDICATION, K.MEDICATION,
    ]  # fmt: skip
    assert [(entry.status, entry.detail) for entry in found.items][3:] == [
        ("final", "128/82 mm[Hg]"), ("draft", ""), ("active", "500 mg"),
    ]  # fmt: skip
    assert (found.left_out, found.next, found.total) == ([], None, None)


def test_pages_hold_each_entry_once(see: See, joan: UUID, doctor: Actor) -> None:
    whole, pages, cursor = see(doctor, joan), [], ""
    while True:
        page = see(doctor, joan, page=PageRequest(2, cursor, total=True))
        pages.append(page)
        if page.next is None:
            break
        cursor = page.next
    assert [entry for page in pages for entry in page.items] == whole.items
    assert {page.total for page in pages} == {6}


def test_the_list_is_narrowed_by_kind_and_time(see: See, joan: UUID, doctor: Actor, clock: Hands) -> None:
    assert titles(see(doctor, joan, kinds=frozenset({K.MEDICATION}))) == ["Zinc", "Metformin"]
    assert titles(see(doctor, joan, until=clock.now)) == ["blood-pressure", "Zinc", "Metformin"]
    assert titles(see(doctor, joan, since=at(9, day=1))) == ["Follow-up"]


def test_the_desk_sees_what_is_its_business_and_is_told_what_is_left_out(
    see: See, joan: UUID, receptionist: Actor
) -> None:
    found = see(receptionist, joan)
    assert titles(found) == ["Follow-up", "Consent"]
    assert found.left_out == [K.MEDICATION, K.MEASUREMENT, K.DOCUMENT]


def test_who_has_the_patient_not_in_care_sees_nothing_clinical(
    db: Database, see: See, joan: UUID, nurse: Actor, operator: Actor, place: Place
) -> None:
    db.access = CareAccess()
    with db.write(operator) as tx:
        stranger = patients.register(tx, RegisterPatient(Demographics("Jones", "Ada"))).id
        medications.prescribe(tx, Prescribe(stranger, "Warfarin"))
    assert "Metformin" in titles(see(nurse, joan))  # there is a visit
    found = see(nurse, stranger)
    assert (titles(found), K.MEDICATION in found.left_out) == ([], True)


def test_patients_see_their_own_without_drafts(see: See, joan: UUID, place: Place) -> None:
    own = Actor(new_id(), Role.PATIENT, patient_id=joan)
    assert titles(see(own, joan)) == ["Follow-up", "Blood count", "Consent", "blood-pressure", "Metformin"]
    assert see(own, joan).left_out == [K.MESSAGE]
    with pytest.raises(NotPermitted):
        see(own, place.smith)
    with pytest.raises(NotPermitted):
        see(replace(own, patient_id=place.smith), joan)


def test_reading_it_is_audited_and_what_was_left_out_is_no_refusal(
    db: Database, see: See, joan: UUID, receptionist: Actor
) -> None:
    see(receptionist, joan)
    with db.read(receptionist) as tx:
        entries = tx.session.scalars(select(AuditEntry).where(AuditEntry.actor_name == receptionist.name)).all()
    assert [(one.verb, one.patient_id, one.outcome) for one in entries] == [("timeline.of_patient", joan.hex, "ok")]


def test_what_cannot_be_asked_is_refused(see: See, joan: UUID, doctor: Actor) -> None:
    for page in (PageRequest(0), PageRequest(201), PageRequest(cursor="x")):
        with pytest.raises(InvalidInput):
            see(doctor, joan, page=page)
    with pytest.raises(NotFound):
        see(doctor, new_id())


def test_every_kind_has_a_source() -> None:
    assert {kind for kind, _ in SOURCES} == set(EntryKind)
