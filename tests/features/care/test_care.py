"""Who is in whose care, and what breaking the glass opens, marks, alerts and leaves for a review."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from clinicdesk.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.paging import PageRequest
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor, Database, Tx
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.schemas import BookAppointment, RecordPast, Status
from clinicdesk.features.care import service as care
from clinicdesk.features.care.schemas import BreakGlass, CareRow, CareScope, EmergencyQuery, ReviewEmergency
from clinicdesk.features.medications import service as medications
from clinicdesk.features.notifications import service as notifications
from clinicdesk.features.notifications.schemas import Kind
from clinicdesk.features.observations import service as observations
from clinicdesk.features.observations.schemas import Measure, RecordObservation
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.schemas import SavePractitioner, SetUpClinic
from clinicdesk.features.users import service as users
from clinicdesk.features.users.schemas import AddUser, SignInRefused
from clinicdesk.opening import put_rules
from tests.conftest import Hands

PASSWORD = "seven quiet boats at noon"


def look(tx: Tx, patient_id: UUID) -> None:
    medications.current_medications(tx, patient_id)


def measure(tx: Tx, patient_id: UUID) -> None:
    observations.record(tx, RecordObservation(patient_id, Measure.WEIGHT, 70, unit="kg"))


class House:
    """A clinic with two doctors, a nurse, a receptionist and an administrator, and one patient, Ana."""

    def __init__(self, db: Database, operator: Actor, clock: Hands) -> None:
        put_rules(db)
        self.db, self.clock, self.operator = db, clock, operator
        with db.write(operator) as tx:
            practitioners.set_up_clinic(tx, SetUpClinic("Harbour Street Clinic", "Europe/Berlin"))
            self.lee, self.kim = (
                practitioners.save_practitioner(tx, SavePractitioner(family=name)).id for name in ("Lee", "Kim")
            )
            self.ana = patients.register(tx, RegisterPatient(Demographics(family="Ana"))).id
            self.doctor = self._add(tx, "lee", Role.DOCTOR, self.lee)
            self.other_doctor = self._add(tx, "kim", Role.DOCTOR, self.kim)
            self.nurse = self._add(tx, "nurse", Role.NURSE)
            self.receptionist = self._add(tx, "desk", Role.RECEPTIONIST)
            self.administrator = self._add(tx, "admin", Role.ADMINISTRATOR)

    def _add(self, tx: Tx, name: str, role: Role, practitioner_id: UUID | None = None) -> Actor:
        request = AddUser(f"{name}@harbour.example", name, role, PASSWORD, practitioner_id=practitioner_id)
        return Actor(users.add_user(tx, request).id, role, name, "Desk 1")

    def visit(self, practitioner_id: UUID, ago: timedelta, status: Status = Status.FULFILLED) -> None:
        start = self.clock.now - ago
        cancelled = "pat" if status is Status.CANCELLED else ""
        with self.db.write(self.operator) as tx:
            appointments.record_past(
                tx,
                RecordPast(
                    self.ana, practitioner_id, start, start + timedelta(minutes=15), status, cancel_reason=cancelled
                ),
            )

    def sees(self, actor: Actor, deed: Callable[[Tx, UUID], None] = look) -> bool:
        try:
            with self.db.write(actor) as tx:
                deed(tx, self.ana)
        except NotPermitted:
            return False
        return True

    def break_glass(self, actor: Actor, reason: str = "Fainted") -> UUID:
        return care.break_glass(self.db, actor, BreakGlass(self.ana, reason, PASSWORD)).id

    def set_care(self, scope: CareScope) -> None:
        with self.db.write(self.administrator) as tx:
            care.edit_care_settings(tx, CareRow(scope, version=care.care_settings(tx).version))


@pytest.fixture
def house(db: Database, operator: Actor, clock: Hands) -> House:
    return House(db, operator, clock)


def test_a_doctor_sees_the_patients_who_visit_them_and_no_others(house: House) -> None:
    assert not house.sees(house.doctor)
    house.visit(house.kim, timedelta(days=3))
    assert not house.sees(house.doctor)
    house.visit(house.lee, timedelta(days=3))
    assert house.sees(house.doctor)
    with house.db.write(house.doctor) as tx, pytest.raises(NotPermitted, match="not_in_care"):
        look(tx, new_id())


def test_a_visit_that_was_cancelled_or_is_long_ago_is_no_care(house: House) -> None:
    house.visit(house.lee, timedelta(days=3), Status.CANCELLED)
    house.visit(house.lee, timedelta(days=800))
    assert not house.sees(house.doctor)


def test_a_nurse_cares_for_whoever_visits_the_clinic(house: House) -> None:
    assert not house.sees(house.nurse)
    house.visit(house.kim, timedelta(days=3))
    assert house.sees(house.nurse)


def test_the_clinic_says_how_far_care_reaches(house: House) -> None:
    house.set_care(CareScope.EVERYBODY)
    assert house.sees(house.doctor)
    house.set_care(CareScope.CLINIC)
    assert not house.sees(house.doctor)
    house.visit(house.kim, timedelta(days=3))
    assert house.sees(house.doctor)
    with house.db.write(house.administrator) as tx:
        with pytest.raises(Conflict, match="changed_meanwhile"):
            care.edit_care_settings(tx, CareRow(version=0))
        with pytest.raises(InvalidInput, match="out_of_range"):
            care.edit_care_settings(tx, CareRow(emergency_minutes=1, version=2))


def test_a_broken_glass_opens_the_record_for_an_hour(house: House) -> None:
    house.break_glass(house.doctor)
    assert house.sees(house.doctor)
    assert house.sees(house.doctor, measure)
    assert not house.sees(house.other_doctor)
    house.clock.now += timedelta(minutes=59)
    assert house.sees(house.doctor)
    house.clock.now += timedelta(minutes=1)
    assert not house.sees(house.doctor)


def test_beyond_their_role_somebody_at_the_desk_may_look_but_change_nothing(house: House) -> None:
    assert not house.sees(house.receptionist)
    house.break_glass(house.receptionist)
    assert house.sees(house.receptionist)
    assert not house.sees(house.receptionist, measure)
    assert not house.sees(house.nurse)
    with house.db.write(house.receptionist) as tx, pytest.raises(NotPermitted):
        look(tx, new_id())


def test_it_takes_ones_password_and_a_reason(house: House) -> None:
    with pytest.raises(SignInRefused):
        care.break_glass(house.db, house.doctor, BreakGlass(house.ana, "Fainted", "not this one at all"))
    with pytest.raises(InvalidInput, match="empty"):
        house.break_glass(house.doctor, "  ")
    with pytest.raises(NotFound, match="patient_not_found"):
        care.break_glass(house.db, house.doctor, BreakGlass(new_id(), "Fainted", PASSWORD))
    assert not house.sees(house.doctor)


def test_what_was_done_in_an_emergency_is_marked_in_the_trail(house: House) -> None:
    house.visit(house.kim, timedelta(days=3))
    house.break_glass(house.doctor)
    house.sees(house.doctor)
    house.sees(house.other_doctor)
    with house.db.engine.connect() as connection:
        read = select(AuditEntry.actor_id, AuditEntry.detail).where(AuditEntry.action == "R")
        details = {actor: json.loads(detail) for actor, detail in connection.execute(read)}
    assert house.doctor.user_id is not None
    assert house.other_doctor.user_id is not None
    assert details[house.doctor.user_id.hex] == {"emergency": True}
    assert details[house.other_doctor.user_id.hex] == {}


def test_administrators_are_alerted_at_once(house: House) -> None:
    opened = house.break_glass(house.receptionist)
    with house.db.read(house.administrator) as tx:
        (told,) = notifications.inbox(tx).items
    assert (told.kind, told.subject_id) == (Kind.EMERGENCY_ACCESS, opened)


def test_it_can_be_given_back_before_its_time(house: House) -> None:
    opened = house.break_glass(house.doctor)
    with house.db.read(house.doctor) as tx:
        assert [row.id for row in care.own_emergencies(tx)] == [opened]
    with house.db.write(house.other_doctor) as tx, pytest.raises(NotFound):
        care.end_emergency(tx, opened)
    house.clock.now += timedelta(minutes=1)
    with house.db.write(house.doctor) as tx:
        care.end_emergency(tx, opened)
        assert care.own_emergencies(tx) == []
    assert not house.sees(house.doctor)
    with house.db.write(house.doctor) as tx, pytest.raises(Conflict, match="emergency_over"):
        care.end_emergency(tx, opened)


def test_somebody_else_judges_it_once(house: House) -> None:
    opened = house.break_glass(house.doctor)
    with house.db.write(house.administrator) as tx:
        (waiting,) = care.emergencies(tx, EmergencyQuery(reviewed=False)).items
        assert (waiting.id, waiting.user_name, waiting.reason) == (opened, "lee", "Fainted")
    with house.db.write(house.administrator) as tx, pytest.raises(InvalidInput, match="empty"):
        care.review(tx, ReviewEmergency(opened, 1, justified=False))
    with house.db.write(house.administrator) as tx:
        judged = care.review(tx, ReviewEmergency(opened, 1, justified=False, note="No emergency"))
    assert (judged.justified, judged.reviewed_by) == (False, house.administrator.user_id)
    with house.db.write(house.administrator) as tx, pytest.raises(Conflict, match="already_reviewed"):
        care.review(tx, ReviewEmergency(opened, 2, justified=True))
    with house.db.write(house.administrator) as tx:
        assert care.emergencies(tx, EmergencyQuery(reviewed=False)).items == []


def test_nobody_judges_themselves(house: House) -> None:
    opened = house.break_glass(house.administrator)
    with house.db.write(house.administrator) as tx, pytest.raises(Conflict, match="own_emergency"):
        care.review(tx, ReviewEmergency(opened, 1, justified=True))


def test_the_queue_goes_by_pages(house: House) -> None:
    opened = [house.break_glass(house.doctor, f"Reason {n}") for n in range(5)]
    seen: list[UUID] = []
    cursor = ""
    with house.db.write(house.administrator) as tx:
        while True:
            page = care.emergencies(tx, EmergencyQuery(page=PageRequest(2, cursor, total=True)))
            assert page.total == 5
            seen += [row.id for row in page.items]
            if page.next is None:
                break
            cursor = page.next
        with pytest.raises(InvalidInput, match="cursor_not_right"):
            care.emergencies(tx, EmergencyQuery(page=PageRequest(2, "nonsense")))
    assert seen == opened[::-1]


def test_a_visit_that_is_still_to_come_is_care(house: House) -> None:
    start = house.clock.now + timedelta(days=30)
    request = BookAppointment(house.ana, house.lee, start, timedelta(minutes=15), outside_hours=True)
    with house.db.write(house.receptionist) as tx:
        appointments.book(tx, request)
    assert house.sees(house.doctor)
