"""A patient is taken in once, under a number of their own, and every change and every look at the record leaves a trace."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select

from clinicdesk.core.clinic import Clinic
from clinicdesk.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import (
    Demographics,
    EditPatient,
    PatientDetail,
    RegisterPatient,
    SaveAllergy,
    SaveContact,
    Severity,
)
from tests.conftest import Hands, noted
from tests.features.patients.conftest import Register, someone


def audited(db: Database) -> list[tuple[str, str, str, str]]:
    with db.engine.connect() as connection:
        found = connection.execute(
            select(AuditEntry.verb, AuditEntry.action, AuditEntry.patient_id, AuditEntry.detail).order_by(
                AuditEntry.seq
            )
        )
        return [(row.verb, row.action, row.patient_id, noted(row.detail)) for row in found]


def opened(db: Database, actor: Actor, patient_id: object) -> PatientDetail:
    with db.write(actor) as tx:
        return patients.open_record(tx, patient_id)  # type: ignore[arg-type]


def test_numbers_rise_from_one_under_the_clinics_prefix(db: Database, register: Register) -> None:
    with db.engine.begin() as connection:
        connection.execute(
            insert(Clinic).values(
                id=1, name="Harbour", zone="Europe/Berlin", country="DE", record_prefix="HB", auto_lock_minutes=5,
                lockout_failures=5, lockout_minutes=15, wait_target_minutes=15, version=1,
            )
        )  # fmt: skip
    assert [register(family=name).number for name in ("A", "B")] == ["HB-00001", "HB-00002"]


def test_a_number_that_is_brought_along_is_kept_and_the_clinics_go_on_after_it(register: Register) -> None:
    assert register(family="A", number="HS-00041").number == "HS-00041"
    assert register(family="B", number="X 7").number == "X 7"
    assert register(family="C").number == "HS-00042"


def test_numbers_beyond_five_figures_grow(register: Register) -> None:
    register(family="A", number="HS-99999")
    assert register(family="B").number == "HS-100000"


def test_a_number_that_jumps_far_ahead_does_not_take_the_clinics_along(register: Register) -> None:
    register(family="A", number="HS-123456789012")
    assert register(family="B").number == "HS-00001"


def test_a_number_is_nobody_elses(register: Register) -> None:
    register(family="A", number="HS-00041")
    with pytest.raises(Conflict) as refused:
        register(family="B", number="HS-00041")
    assert refused.value.reason == "number_taken"


def test_desks_that_register_at_once_get_different_numbers(db: Database, receptionist: Actor) -> None:
    def take_in(at: int) -> str:
        with db.write(receptionist) as tx:
            return patients.register(tx, RegisterPatient(Demographics(family=f"Family{at}"))).number

    with ThreadPoolExecutor(4) as desks:
        numbers = list(desks.map(take_in, range(24)))
    assert sorted(numbers) == [f"HS-{at:05d}" for at in range(1, 25)]


def test_names_are_kept_as_given(db: Database, receptionist: Actor, register: Register) -> None:
    row = register(family="  O\u2019Brien-\u0141uczak ", given="小明\x00\x1b", desk_notes="First line\n\tsecond\x07")
    told = opened(db, receptionist, row.id).demographics
    assert (told.family, told.given, told.desk_notes) == ("O\u2019Brien-\u0141uczak", "小明", "First line\n\tsecond")


@pytest.mark.parametrize(
    ("told", "code", "field"),
    [
        ({"family": " ", "given": "\x00"}, "name_missing", "family"),
        ({"birth_date": date(2026, 11, 24)}, "birth_date_in_future", "birth_date"),
        ({"birth_date": date(1849, 12, 31)}, "birth_date_too_early", "birth_date"),
        ({"email": "joan at example"}, "email_not_right", "email"),
        ({"email": "joan@@example.org"}, "email_not_right", "email"),
        ({"phone": "none"}, "phone_without_digits", "phone"),
        ({"mobile": "?"}, "phone_without_digits", "mobile"),
        ({"family": "x" * 121}, "too_long", "family"),
        ({"identifiers": tuple(f"s|{n}" for n in range(51))}, "too_many", "identifiers"),
    ],
)
def test_what_cannot_be_right_is_refused_and_named(
    db: Database, receptionist: Actor, told: dict[str, object], code: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused, db.write(receptionist) as tx:
        patients.register(tx, RegisterPatient(someone(**told)))
    assert (refused.value.reason, refused.value.params["field"]) == (code, field)
    assert audited(db) == []


@pytest.mark.parametrize("phone", ["+49 (30) 123-456/7", "030.1234 ext. 5", "٠٣٠١٢٣٤٥", "112"])
@pytest.mark.parametrize("email", ["jürgen@müller.example", "a@b", "very.o'dd+tag@sub.example.org"])
def test_foreign_forms_are_taken(register: Register, phone: str, email: str) -> None:
    assert register(family="Smith", phone=phone, email=email).phone == phone


def test_today_is_not_in_the_future(register: Register) -> None:
    assert register(family="Newborn", birth_date=date(2026, 11, 23)).birth_date == date(2026, 11, 23)


def test_an_edit_shows_and_names_its_fields_without_values(
    db: Database, receptionist: Actor, register: Register
) -> None:
    row = register(family="Smith", given="Joan")
    with db.write(receptionist) as tx:
        after = patients.edit(tx, EditPatient(row.id, 1, Demographics(family="Jones", given="Joan")))
    assert (after.version, after.demographics.family) == (2, "Jones")
    assert audited(db)[-1] == ("patients.edit", "U", row.id.hex, '{"fields":["family","version"]}')


def test_an_edit_of_what_somebody_else_has_changed_is_refused(
    db: Database, receptionist: Actor, register: Register
) -> None:
    row = register(family="Smith")
    edit = EditPatient(row.id, 1, Demographics(family="Jones"))
    with db.write(receptionist) as tx:
        patients.edit(tx, edit)
    with pytest.raises(Conflict) as refused, db.write(receptionist) as tx:
        patients.edit(tx, edit)
    assert refused.value.reason == "changed_meanwhile"


def test_an_edit_cannot_move_the_birth_behind_the_death(db: Database, receptionist: Actor, register: Register) -> None:
    row = register(family="Smith", birth_date=date(1940, 1, 1))
    with db.write(receptionist) as tx:
        patients.mark_deceased(tx, row.id, 1, date(2020, 1, 1))
    with pytest.raises(InvalidInput, match="deceased_before_birth"), db.write(receptionist) as tx:
        patients.edit(tx, EditPatient(row.id, 2, Demographics(family="Smith", birth_date=date(2021, 1, 1))))


def test_a_death_is_recorded_and_taken_back(db: Database, receptionist: Actor, register: Register) -> None:
    row = register(family="Smith")
    with db.write(receptionist) as tx:
        dead = patients.mark_deceased(tx, row.id, 1, date(2026, 11, 1))
    with db.write(receptionist) as tx:
        living = patients.mark_living(tx, row.id, 2)
    assert (dead.deceased, dead.deceased_on) == (True, date(2026, 11, 1))
    assert (living.deceased, living.deceased_on, living.version) == (False, None, 3)


@pytest.mark.parametrize(
    ("on", "code"), [(date(2026, 11, 24), "deceased_in_future"), (date(1984, 3, 11), "deceased_before_birth")]
)
def test_a_death_lies_between_birth_and_today(db: Database, receptionist: Actor, on: date, code: str) -> None:
    with pytest.raises(InvalidInput, match=code), db.write(receptionist) as tx:
        patients.register(tx, RegisterPatient(someone(), deceased_on=on))


def test_opening_a_record_is_audited(db: Database, receptionist: Actor, register: Register) -> None:
    row = register(family="Smith", identifiers=("ssn|123", "ssn|123", "empty|"))
    detail = opened(db, receptionist, row.id)
    assert detail.demographics.identifiers == ("ssn|123",)
    assert audited(db)[-1] == ("patients.open_record", "R", row.id.hex, "{}")


def test_a_record_that_there_is_not_is_not_found(db: Database, receptionist: Actor) -> None:
    with pytest.raises(NotFound, match="patient_not_found"):
        opened(db, receptionist, new_id())


def test_revealing_masked_fields_says_which_but_not_what(db: Database, receptionist: Actor, register: Register) -> None:
    row = register(family="Smith", phone="030 4711", birth_date=date(1984, 3, 12))
    with db.write(receptionist) as tx:
        shown = patients.reveal(tx, row.id, ["phone", "birth_date"])
    assert shown == {"birth_date": date(1984, 3, 12), "phone": "030 4711"}
    assert audited(db)[-1] == ("patients.reveal", "R", row.id.hex, '{"note":"revealed birth_date,phone"}')
    with pytest.raises(InvalidInput), db.write(receptionist) as tx:
        patients.reveal(tx, row.id, ["number"])


def test_a_search_is_audited_without_what_was_typed(db: Database, receptionist: Actor) -> None:
    with db.write(receptionist) as tx:
        patients.note_search(tx, 3)
    assert audited(db) == [("patients.note_search", "E", "", '{"note":"hits=3"}')]


def test_contacts_come_and_go(db: Database, receptionist: Actor, register: Register) -> None:
    row = register(family="Smith")
    with db.write(receptionist) as tx:
        sister = patients.save_contact(tx, SaveContact(row.id, " Ann ", "sister", "030 1"))
        patients.save_contact(tx, SaveContact(row.id, "Bob"))
    with db.write(receptionist) as tx:
        patients.save_contact(tx, SaveContact(row.id, "Ann Lee", "sister", "030 2", sister.id))
    assert [(c.name, c.phone) for c in opened(db, receptionist, row.id).contacts] == [("Ann Lee", "030 2"), ("Bob", "")]
    with db.write(receptionist) as tx:
        patients.remove_contact(tx, sister.id)
    assert [c.name for c in opened(db, receptionist, row.id).contacts] == ["Bob"]
    with pytest.raises(NotFound), db.write(receptionist) as tx:
        patients.remove_contact(tx, sister.id)


def test_a_contact_stays_with_its_patient(db: Database, receptionist: Actor, register: Register) -> None:
    one, other = register(family="Smith"), register(family="Jones")
    with db.write(receptionist) as tx:
        contact = patients.save_contact(tx, SaveContact(one.id, "Ann"))
    with pytest.raises(NotFound), db.write(receptionist) as tx:
        patients.save_contact(tx, SaveContact(other.id, "Ann", id=contact.id))


def test_allergies_come_and_go(db: Database, nurse: Actor, register: Register, clock: Hands) -> None:
    row = register(family="Smith")
    with db.write(nurse) as tx:
        nuts = patients.save_allergy(tx, SaveAllergy(row.id, "Nuts", "rash", Severity.MILD))
        patients.save_allergy(tx, SaveAllergy(row.id, "Penicillin"))
    with db.write(nurse) as tx:
        patients.save_allergy(tx, SaveAllergy(row.id, "Nuts", "anaphylaxis", Severity.SEVERE, nuts.id))
    found = opened(db, nurse, row.id)
    assert [(a.substance, a.severity) for a in found.allergies] == [("Nuts", "severe"), ("Penicillin", "")]
    assert found.allergies_checked_on is None
    clock.now += timedelta(days=1)
    with db.write(nurse) as tx:
        patients.remove_allergy(tx, nuts.id)
        patients.allergies_checked(tx, row.id)
    found = opened(db, nurse, row.id)
    assert [a.substance for a in found.allergies] == ["Penicillin"]
    assert found.allergies_checked_on == date(2026, 11, 24)


def test_the_front_desk_may_not_write_allergies(db: Database, receptionist: Actor, register: Register) -> None:
    row = register(family="Smith")
    with pytest.raises(NotPermitted), db.write(receptionist) as tx:
        patients.save_allergy(tx, SaveAllergy(row.id, "Nuts"))


@pytest.mark.parametrize("substance", ["", " \x00 "])
def test_an_allergy_needs_a_substance(db: Database, nurse: Actor, register: Register, substance: str) -> None:
    row = register(family="Smith")
    with pytest.raises(InvalidInput, match="missing"), db.write(nurse) as tx:
        patients.save_allergy(tx, SaveAllergy(row.id, substance))


def test_rows_by_id(db: Database, receptionist: Actor, register: Register) -> None:
    one, other = register(family="Smith", phone="1", mobile="2"), register(family="Jones", phone="3")
    with db.read(receptionist) as tx:
        assert patients.get_row(tx, one.id) == one
        assert patients.get_rows(tx, [one.id, other.id, new_id()]) == {one.id: one, other.id: other}
        with pytest.raises(NotFound):
            patients.get_row(tx, new_id())
    assert (one.phone, other.phone) == ("2", "3")
