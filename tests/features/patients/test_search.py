"""Whoever is looked for is found by any part of what the desk knows of them, the best match first, and nothing is written."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from clinicdesk.core.errors import NotPermitted
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database, Tx
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.folding import parts, plain
from clinicdesk.features.patients.schemas import Demographics, EditPatient, RegisterPatient
from tests.features.patients.conftest import Register, Search

KEEP_FIXTURE = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
KEEP_FIXTURE_FEW = settings(KEEP_FIXTURE, max_examples=20)


@pytest.mark.parametrize(
    "typed",
    [
        "smi", "SMITH", "jo", "smi jo", "jo smi", "joan smith", "lindqvist", "lind", "peg", "jo smith 1984",
        "1984 smi", "1984-03-12", "12.3.1984", "12/03/1984", "03/12/1984", "12 mar 1984", "mar 12 1984",
        "12 marzo 1984", "12.3.84", "19840312", "1984", "1984-03", "03/1984", "12 3 1984", "smith 12.3.1984", "42",
        "00042", "HS-00042", "hs-42", "hs-000", "4711", "1234711", "030 123 4711", "0301234711", "+49 30 1234711",
        "(030) 1234-711", "0171 5550", "0049 171 5550", "2347", "smi 4711", "smi 2347", "999-12-3456", "999123456",
        "99912", "M0815", "m08", "smi 12.", "smith,joan", "smith, j",
    ],
)  # fmt: skip
def test_a_patient_is_found_by(register: Register, search: Search, typed: str) -> None:
    register(family="Kowalski", given="Petra", birth_date=date(1971, 6, 30), phone="089 555", number="HS-77777")
    register(
        family="Smith", given="Joan", birth_family="Lindqvist", other_names="Peggy", birth_date=date(1984, 3, 12),
        number="HS-00042", phone="030 123 4711", mobile="+49 171 5550", identifiers=("ssn|999-12-3456", "mrn|M0815"),
    )  # fmt: skip
    assert search(typed) == ["Joan Smith"]


@pytest.mark.parametrize(
    ("family", "given_name", "typed"),
    [
        ("Müller", "Jürgen", ["muller", "müller", "mueller", "jurg", "MÜLL"]),
        ("Mueller", "Ann", ["müller", "muell"]),
        ("Łuczak", "Zoë", ["luczak", "łucz", "zoe"]),
        ("Ørsted", "Åse", ["orsted", "oersted", "ase", "aase"]),
        ("Strauß", "Ann", ["strauss", "strauß", "STRAUSS"]),
        ("O’Brien", "Niamh", ["o'brien", "obrien", "brien", "o’br", "o brien"]),
        ("Smith-Jones", "Ann", ["smith", "jones", "smith-jones", "smithjones", "smith jon", "jones-smith"]),
        ("de la Cruz", "María José", ["cruz", "de la cruz", "delacruz", "maria jose", "mariajose", "jose"]),
        ("Иванов", "Олег", ["ivanov", "Иван", "oleg", "олег ив"]),
        ("王", "小明", ["wang", "xiaoming", "ming", "王", "小明", "wang xiao"]),
        ("Παπαδοπούλου", "Ελένη", ["papadop", "eleni", "Ελενη"]),
        ("Nguyễn", "Thị Hoa", ["nguyen", "thi hoa", "Nguyễn"]),
        ("", "Cher", ["cher", "ch"]),
        ("Smith", "Baby 2", ["baby 2", "smith baby", "2 baby", "baby2"]),
    ],
)
def test_names_are_found_without_accents_and_across_scripts(
    register: Register, search: Search, family: str, given_name: str, typed: list[str]
) -> None:
    name = register(family=family, given=given_name).name
    assert {text: search(text) for text in typed} == {text: [name] for text in typed}


@pytest.mark.parametrize(
    "typed", ["smth", "smiht", "smitth", "snith", "smuth jo", "joan smoth", "smih", "smoth jaon 1984"]
)
def test_one_letter_may_be_wrong_in_four(register: Register, search: Search, typed: str) -> None:
    register(family="Smith", given="Joan", birth_date=date(1984, 3, 12))
    assert search(typed) == ["Joan Smith"]


@pytest.mark.parametrize("typed", ["kowalczsk", "kovalczik", "kowlacyzk", "kovalczikowa", "kowalczykwoa", "kovaczyk"])
def test_two_letters_may_be_wrong_in_eight(register: Register, search: Search, typed: str) -> None:
    register(family="Kowalczykowa", given="Ewa")
    assert search(typed) == ["Ewa Kowalczykowa"]


@pytest.mark.parametrize("typed", ["snj", "sni", "xyith", "kobalski", "smith peter", "12.13.1899", "99999"])
def test_what_is_too_different_is_not_found(register: Register, search: Search, typed: str) -> None:
    register(family="Smith", given="Joan")
    assert search(typed) == []


def test_exact_before_beginning_before_typing_error_and_family_before_given(register: Register, search: Search) -> None:
    for family, given_name in [
        ("Marzin", "A"), ("Martin-Lee", "B"), ("Lee", "Martin"), ("Martin", "D"), ("Martinez", "E"), ("Lee", "Martina"),
    ]:  # fmt: skip
        register(family=family, given=given_name)
    assert search("martin") == ["D Martin", "B Martin-Lee", "Martin Lee", "E Martinez", "Martina Lee"]
    assert search("marzin")[0] == "A Marzin"
    assert set(search("marzin")[1:]) == {"D Martin", "B Martin-Lee", "Martin Lee", "E Martinez", "Martina Lee"}


def test_the_latest_registered_first_and_the_deceased_last(
    db: Database, receptionist: Actor, register: Register, search: Search
) -> None:
    rows = [register(family="Smith", given=name) for name in ("Ann", "Bea", "Cleo")]
    assert search("smith") == ["Cleo Smith", "Bea Smith", "Ann Smith"]
    with db.write(receptionist) as tx:
        patients.mark_deceased(tx, rows[2].id, 1, None)
    assert search("smith") == ["Bea Smith", "Ann Smith", "Cleo Smith"]


def test_the_end_of_a_phone_number_comes_before_its_middle(register: Register, search: Search) -> None:
    register(family="Tail", phone="030 5554711")
    register(family="Middle", phone="030 4711555")
    register(family="Number", number="HS-04711")
    assert search("4711") == ["Number", "Tail", "Middle"]


def test_no_more_than_asked_for(db: Database, receptionist: Actor, register: Register) -> None:
    for at in range(8):
        register(family="Smith", given=f"Ann{at}")
    with db.read(receptionist) as tx:
        assert [len(patients.search(tx, "smith", limit)) for limit in (-1, 0, 3, 8, 10**9)] == [0, 0, 3, 8, 8]


def test_an_edit_is_found_by_its_new_words_only(
    db: Database, receptionist: Actor, register: Register, search: Search
) -> None:
    row = register(family="Smith", given="Joan", phone="030 123 4711", birth_date=date(1984, 3, 12))
    with db.write(receptionist) as tx:
        patients.edit(tx, EditPatient(row.id, 1, Demographics(family="Okonkwo", given="Joan", phone="030 9876543")))
    assert search("okonkwo") == search("6543") == search("okonqwo") == ["Joan Okonkwo"]
    assert search("smith") == search("smoth") == search("4711") == search("1984") == []


def test_a_patient_may_not_search(db: Database) -> None:
    with pytest.raises(NotPermitted), db.read(Actor(None, Role.PATIENT)) as tx:
        patients.search(tx, "smith")


FTS_SIGNS = [
    '"',
    "'",
    "*",
    "AND",
    "OR NOT",
    "NEAR(a b)",
    "terms:a",
    "{terms}",
    "a^b",
    "-",
    "--",
    "%",
    "_",
    "\\",
    "()",
    ";",
]


def changes(tx: Tx) -> int:
    """How much this connection (on PostgreSQL: this transaction) has changed so far."""
    if tx.connection.dialect.name == "sqlite":
        return tx.session.scalar(text("SELECT total_changes()")) or 0
    return 0 if tx.session.scalar(text("SELECT pg_current_xact_id_if_assigned()")) is None else 1


@KEEP_FIXTURE
@given(
    typed=st.text(max_size=60)
    | st.lists(st.sampled_from([*FTS_SIGNS, "smith", "4711", "1984", "3.", "٣"])).map(" ".join)
)
@example(typed="\x00")
@example(typed="\ud800")
@example(typed="9" * 5000)
@example(typed="a-" * 3000)
@example(typed="0000-00-00 99/99/9999 31.2.2000")
def test_whatever_is_typed_is_harmless(db: Database, receptionist: Actor, typed: str) -> None:
    with db.read(receptionist) as tx:
        before = changes(tx)
        patients.search(tx, typed)
        patients.find_duplicates(tx, Demographics(family=typed, given=typed, phone=typed, identifiers=(typed,)))
        assert changes(tx) == before


LETTERS = st.text(
    st.sampled_from("abcdeosz'- ÄÖÜßåøłñéçŁŽąığ") | st.characters(categories=["Lu", "Ll"], max_codepoint=0x52F),
    min_size=1,
    max_size=14,
)
NAME = LETTERS.filter(lambda name: not any(map(str.isdigit, plain(name))))  # a few rare letters are written as digits
PERSON = st.builds(
    Demographics,
    family=NAME.filter(parts),
    given=NAME,
    birth_date=st.dates(date(1900, 1, 1), date(2026, 1, 1)),
    phone=st.from_regex(r"0[1-9][0-9]{1,3} [0-9]{4,8}", fullmatch=True),
)


class Enough(Exception):
    """Leaves a unit of work without keeping what was done in it."""


def without_accents(latin: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", latin) if not unicodedata.combining(letter))


def looked_for(person: Demographics) -> list[str]:
    """Everything that the desk may type to find the person."""
    words = [word for name in (person.family, person.given) for word in name.split() if parts(word)]
    digits = "".join(filter(str.isdigit, person.phone))
    assert person.birth_date is not None
    day = person.birth_date
    return [
        *(word[:length] for word in words for length in range(1, len(word) + 1) if parts(word[:length])),
        *(part[:length] for word in words for part in parts(word) for length in range(1, len(part) + 1)),
        *(without_accents(word) for word in words if max(word) < "\u0250"),
        " ".join(words), " ".join(reversed(words)),
        *(digits[-length:] for length in range(4, len(digits) + 1)),
        digits[1:5],
        day.isoformat(), f"{day.day}.{day.month}.{day.year}", f"{day.day}/{day.month}/{day.year}",
        f"{day.month}/{day.day}/{day.year}", f"{day:%Y%m%d}", str(day.year),
    ]  # fmt: skip


@KEEP_FIXTURE_FEW
@given(people=st.lists(PERSON, min_size=1, max_size=4))
def test_everybody_is_found_by_all_that_is_known_of_them(
    db: Database, receptionist: Actor, people: list[Demographics]
) -> None:
    def take_in_and_look_for(tx: Tx) -> None:
        rows = [patients.register(tx, RegisterPatient(person)) for person in people]
        for person, row in zip(people, rows, strict=True):
            for typed in looked_for(person):
                assert row.id in {found.id for found in patients.search(tx, typed, 200)}, typed
        raise Enough

    with pytest.raises(Enough), db.write(receptionist) as tx:
        take_in_and_look_for(tx)
