"""Patients as CSV: whatever the encoding and the words of the header, and out and in again without loss."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from clinicdesk.core.errors import InvalidInput, NotPermitted
from clinicdesk.core.text import guarded, unguarded
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.interop.csv_patients import CsvReport, export_patients, import_patients
from clinicdesk.features.interop.tables import (
    DateOrder,
    guess_encoding,
    person,
    read_table,
)
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, Gender, PatientDetail, RegisterPatient

Import = Callable[..., CsvReport]


@pytest.fixture
def take(db: Database, operator: Actor, tmp_path: Path) -> Import:
    def run(content: str | bytes, name: str = "people.csv", **settings: Any) -> CsvReport:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_patients(db, operator, file, **settings)

    return run


def everyone(db: Database, actor: Actor) -> list[PatientDetail]:
    with db.write(actor) as tx:
        ids = tx.session.connection().exec_driver_sql("SELECT number FROM patient ORDER BY number").scalars().all()
        return [patients.open_record(tx, patients.search(tx, number)[0].id) for number in ids]


def reasons(done: CsvReport) -> list[tuple[str, str]]:
    return [(problem.position, problem.error.reason) for problem in done.report.problems]


FEBRL = """\
rec_id, given_name, surname, street_number, address_1, address_2, suburb, postcode, state, date_of_birth, soc_sec_id
rec-1, lachlan, berry, 69, giblin street, killarney, bittern, 4814, qld, 19990219, 7364009
rec-2, , waller, 6, tullaroop street, , st james, 4011, wa, , 6988048
"""


def test_a_file_with_its_own_words_is_understood(take: Import, db: Database, operator: Actor) -> None:
    done = take(FEBRL)
    assert (dict(done.report.created), done.report.problems) == ({"patient": 2}, [])
    first, second = everyone(db, operator)
    said = first.demographics
    assert (said.given, said.family, said.birth_date) == ("lachlan", "berry", date(1999, 2, 19))
    assert (said.address, said.city, said.postal_code) == ("69 giblin street, killarney", "bittern", "4814")
    assert said.identifiers == ("soc_sec_id|7364009",)
    assert (second.demographics.given, second.demographics.birth_date) == ("", None)


def test_the_same_file_again_changes_nothing_and_a_changed_row_changes_one(
    take: Import, db: Database, operator: Actor
) -> None:
    take(FEBRL)
    assert dict(take(FEBRL).report.unchanged) == {"patient": 2}
    done = take(FEBRL.replace("bittern", "bitterne"))
    assert (dict(done.report.updated), dict(done.report.unchanged)) == ({"patient": 1}, {"patient": 1})
    assert everyone(db, operator)[0].demographics.city == "bitterne"
    assert dict(take(FEBRL, "other.csv").report.created) == {"patient": 2}  # ids of another source are others
    assert dict(take(FEBRL, "new name.csv", source="other.csv").report.unchanged) == {"patient": 2}


def test_people_without_an_id_are_known_by_all_that_is_said(take: Import) -> None:
    content = "first name;last name;DOB\nAna;Díaz;1980-05-01\nBo;Kim;\n"
    assert dict(take(content).report.created) == {"patient": 2}
    assert dict(take(content).report.unchanged) == {"patient": 2}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"])
def test_encodings_are_told_apart(take: Import, db: Database, operator: Actor, encoding: str) -> None:
    done = take("given_name,surname\nSeán,Müller-Ñúñez\n".encode(encoding))
    assert done.encoding == encoding
    assert everyone(db, operator)[0].name == "Seán Müller-Ñúñez"


def test_a_wrong_guess_is_put_right_by_hand(take: Import, db: Database, operator: Actor) -> None:
    content = "given_name,surname\nŁucja,Żebrowska\n".encode("iso8859-2")
    take(content, encoding="iso8859-2")
    assert everyone(db, operator)[0].name == "Łucja Żebrowska"
    assert reasons(take(content, encoding="utf-8")) == [("", "csv_encoding")]
    assert reasons(take(content, encoding="klingon")) == [("", "csv_unknown_encoding")]


def test_latin_1_is_the_last_guess() -> None:
    assert guess_encoding(b"caf\x81") == "latin-1"


def test_rows_that_cannot_be_taken_are_told_by_their_line_and_the_rest_is_taken(
    take: Import, db: Database, operator: Actor
) -> None:
    done = take(
        "id,given_name,surname,dob,notes\n"
        '1,Ana,Díaz,1980-05-01,"two\nlines"\n'
        "2,Bo,Kim\n"
        "3,Cy,Lee,1980-02-30,\n"
        "4,Di,Ray,2199-01-01,\n"
        "5,,,1980-01-01,\n"
        "\n"
        "6,Eve,Moss,1980-01-01,\n"
    )
    assert reasons(done) == [
        ("line 4", "csv_column_count"),
        ("line 5", "bad_date"),
        ("line 6", "birth_date_in_future"),
        ("line 7", "name_missing"),
    ]
    assert [one.name for one in everyone(db, operator)] == ["Ana Díaz", "Eve Moss"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "csv_empty"),
        (b"\n\n", "csv_empty"),
        (b"a,b\n1,2\n", "csv_no_name_column"),
        (b"surname,surname\nx,y\n", "csv_field_twice"),
        (b'surname\n"Ana\n', "csv_quotes"),
    ],
)
def test_a_file_that_is_no_table_of_people_stores_nothing(take: Import, content: bytes, reason: str) -> None:
    done = take(content)
    assert reasons(done)[0][1] == reason
    assert not done.report.ok


def test_a_file_that_is_not_there(db: Database, operator: Actor, tmp_path: Path) -> None:
    assert reasons(import_patients(db, operator, tmp_path / "none.csv")) == [("", "file_not_found")]


def test_columns_can_be_mapped_by_hand(take: Import, db: Database, operator: Actor) -> None:
    content = "Wer,Rufname,Handy,surname\nDíaz,Ana,0171 2,ignored\n"
    done = take(content, mapping={"Wer": "family", "Rufname": "given", "surname": "ignore"})
    assert done.mapping == {"Wer": "family", "Rufname": "given", "Handy": "mobile", "surname": "ignore"}
    said = everyone(db, operator)[0].demographics
    assert (said.given, said.family, said.mobile) == ("Ana", "Díaz", "0171 2")
    for mapping, reason in (({"Wo": "city"}, "csv_unknown_column"), ({"Wer": "shoe"}, "csv_unknown_field")):
        assert reasons(take(content, mapping=mapping)) == [("", reason)]


@pytest.mark.parametrize(
    ("dates", "read"),
    [
        (("13/02/1980", "01/02/1981"), date(1981, 2, 1)),
        (("02/13/1980", "01/02/1981"), date(1981, 1, 2)),
        (("01.02.1981",), date(1981, 2, 1)),
        (("1981/2/1",), date(1981, 2, 1)),
    ],
)
def test_the_order_of_dates_is_what_the_whole_file_says(dates: tuple[str, ...], read: date) -> None:
    table = read_table("\n".join(("surname,dob", *(f"x,{day}" for day in dates))).encode())
    assert person(table, *table.rows[-1]).demographics.birth_date == read


def test_dates_that_can_be_read_both_ways_are_asked_about() -> None:
    content = b"surname,dob\nx,01/02/1981\n"
    with pytest.raises(InvalidInput, match="csv_date_order"):
        read_table(content)
    table = read_table(content, date_order=DateOrder.MONTH_FIRST)
    assert person(table, *table.rows[0]).demographics.birth_date == date(1981, 1, 2)


def test_genders_in_their_letters_and_what_is_none_is_noted() -> None:
    table = read_table(b"surname,sex\na,F\nb,w\nc,MALE\nd,\ne,2\n")
    found = [person(table, *row).demographics for row in table.rows]
    female, male, unknown = Gender.FEMALE, Gender.MALE, Gender.UNKNOWN
    assert [one.gender for one in found] == [female, female, male, unknown, unknown]
    assert [one.desk_notes for one in found] == ["", "", "", "", "Gender: 2"]


def test_a_dry_run_says_what_would_be_done_and_stores_nothing(take: Import, db: Database, operator: Actor) -> None:
    done = take(FEBRL + "x\n", dry_run=True)
    assert dict(done.report.created) == {"patient": 2}
    assert reasons(done) == [("line 4", "csv_column_count")]
    assert everyone(db, operator) == []
    with db.engine.connect() as connection:
        assert (
            connection.execute(text("SELECT count(*) FROM audit_entry WHERE verb LIKE 'patients.reg%'")).scalar() == 0
        )


def test_a_cancelled_import_stores_nothing(take: Import, db: Database, operator: Actor) -> None:
    asked = iter([False])
    done = take(FEBRL, cancelled=lambda: next(asked, True))
    assert (done.report.finished, dict(done.report.created)) == (False, {})
    assert everyone(db, operator) == []


PEOPLE = (
    Demographics("Müller", "Zoë", birth_family="Ñúñez", birth_date=date(1980, 5, 1), gender=Gender.FEMALE),
    Demographics("=1+1", "@SUM(A1)", phone="+44 20 7946 0000", desk_notes='-"quoted", and\nmore; lines'),
    Demographics("王", "伟", identifiers=("urn:a|1", "urn:b|2"), email="w@example.org", address="'=x"),
)


def register_all(db: Database, actor: Actor) -> None:
    with db.write(actor) as tx:
        for one in PEOPLE:
            patients.register(tx, RegisterPatient(one, deceased_on=date(2020, 1, 1) if one is PEOPLE[0] else None))


def test_what_goes_out_comes_back_the_same(
    db: Database, operator: Actor, tmp_path: Path, template: Path, take: Import
) -> None:
    register_all(db, operator)
    with db.write(operator) as tx:
        table = export_patients(tx)
    assert table.patients == 3
    assert dict(take(table.content).report.unchanged) == {"patient": 3}
    before = everyone(db, operator)
    with db.write(operator) as tx:
        for name in ("patient_search", "patient", "record_counter", "imported_record"):
            tx.session.connection().exec_driver_sql(f"DELETE FROM {name}")
    assert dict(take(table.content).report.created) == {"patient": 3}
    after = everyone(db, operator)
    facts = [(one.number, one.demographics, one.deceased, one.deceased_on) for one in before]
    assert [(one.number, one.demographics, one.deceased, one.deceased_on) for one in after] == facts


def test_no_cell_of_an_export_is_a_formula(db: Database, operator: Actor) -> None:
    register_all(db, operator)
    with db.write(operator) as tx:
        rows = list(csv.reader(export_patients(tx).content.decode().splitlines(keepends=True)))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize("cell", ["", "Ana", "'Ana", "=1", "'=1", "''=1", "+44 1", "-", "O'Connor"])
def test_the_guard_against_formulas_comes_off_again(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell


def test_an_export_is_audited_with_its_count_and_needs_a_permission(
    db: Database, operator: Actor, receptionist: Actor
) -> None:
    register_all(db, operator)
    with db.write(operator) as tx:
        export_patients(tx)
    with db.engine.connect() as connection:
        entry = connection.execute(text("SELECT verb, detail FROM audit_entry ORDER BY seq DESC LIMIT 1")).one()
    assert tuple(entry) == ("interop.export_patients", '{"note":"3 patients"}')
    with pytest.raises(NotPermitted), db.write(receptionist) as tx:
        export_patients(tx)


@pytest.mark.shared_data
def test_febrl_people_are_taken(db: Database, operator: Actor, shared_data: Path) -> None:
    done = import_patients(db, operator, shared_data / "febrl" / "dataset1.csv")
    assert (done.report.created["patient"], len(done.report.problems)) == (997, 3)
    assert {problem.error.reason for problem in done.report.problems} == {"bad_date"}
