"""Whoever is registered a second time is recognised while the form is being filled in, and strangers are left in peace."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from itertools import combinations
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, Duplicate, Gender, RegisterPatient
from tests.features.patients.conftest import Register

JOAN = Demographics(
    family="Smith", given="Joan", birth_date=date(1984, 3, 12), gender=Gender.FEMALE, phone="030 123 4711",
    address="1 Harbour Street", city="Harbourside", postal_code="12345", identifiers=("ssn|999-12-3456",),
)  # fmt: skip


@pytest.fixture
def joan(db: Database, receptionist: Actor) -> UUID:
    """Joan's record, among those of others."""
    others = [("Jones", "Joan"), ("Smith", "Peter"), ("Smithers", "Ann"), ("Garcia", "Maria")]
    with db.write(receptionist) as tx:
        for family, given in others:
            patients.register(
                tx, RegisterPatient(Demographics(family=family, given=given, birth_date=date(1950, 7, 1)))
            )
        return patients.register(tx, RegisterPatient(JOAN)).id


def found(db: Database, actor: Actor, other_than: UUID | None = None, **told: Any) -> list[Duplicate]:
    with db.read(actor) as tx:
        return patients.find_duplicates(tx, Demographics(**told), other_than)


@pytest.mark.parametrize(
    ("told", "reasons"),
    [
        ({"family": "Smith", "given": "Joan", "birth_date": date(1984, 3, 12)}, {"same_name", "same_birth_date"}),
        ({"family": "Smyth", "given": "Jaon", "birth_date": date(1984, 3, 12)}, {"similar_name", "same_birth_date"}),
        ({"family": "SMITH", "given": "Joán", "birth_date": date(1984, 12, 3)}, {"same_name", "similar_birth_date"}),
        ({"family": "Smith", "given": "Joan", "phone": "+49 30 1234711"}, {"same_name", "same_phone"}),
        ({"family": "Joan", "given": "Smith", "birth_date": date(1984, 3, 12)}, {"same_name", "same_birth_date"}),
        ({"given": "Joan", "identifiers": ("nhs|999123456",)}, {"same_identifier"}),
        (
            {"family": "Smith", "given": "Joan", "address": "1, Harbour St reet", "postal_code": "12345"},
            {"same_name", "same_address"},
        ),
    ],
)
def test_a_second_registration_is_recognised(
    db: Database, receptionist: Actor, joan: UUID, told: dict[str, Any], reasons: set[str]
) -> None:
    [duplicate, *_] = found(db, receptionist, **told)
    assert (duplicate.patient.id, set(duplicate.reasons)) == (joan, reasons)
    assert duplicate.score >= 0.75


def test_a_name_alone_is_a_hint_and_no_more(db: Database, receptionist: Actor, joan: UUID) -> None:
    [duplicate] = found(db, receptionist, family="Smith", given="Joan")
    assert (duplicate.patient.id, duplicate.reasons) == (joan, ("same_name",))
    assert duplicate.score < 0.9


@pytest.mark.parametrize(
    "told",
    [
        {"family": "Smith", "given": "Joan", "birth_date": date(1951, 10, 30)},
        {"family": "Smith", "given": "Rosemary", "birth_date": date(2012, 1, 2), "phone": "030 123 4711"},
        {"family": "Okonkwo", "given": "Ngozi", "birth_date": date(1984, 3, 12)},
        {"family": "S"},
        {},
    ],
)
def test_a_stranger_is_left_in_peace(db: Database, receptionist: Actor, joan: UUID, told: dict[str, Any]) -> None:
    assert found(db, receptionist, **told) == []


def test_nobody_is_their_own_duplicate(db: Database, receptionist: Actor, joan: UUID) -> None:
    assert found(db, receptionist, joan, family="Smith", given="Joan", birth_date=date(1984, 3, 12)) == []


def test_a_birth_name_counts(db: Database, receptionist: Actor, register: Register) -> None:
    register(family="Miller", given="Joan", birth_family="Smith", birth_date=date(1984, 3, 12))
    [duplicate] = found(db, receptionist, family="Smith", given="Joan", birth_date=date(1984, 3, 12))
    assert duplicate.score >= 0.9


def a_date(text: str, form: str) -> date | None:
    try:
        day = datetime.strptime(text, form).date()  # noqa: DTZ007
    except ValueError:
        return None
    return day if date(1850, 1, 1) <= day <= date(2026, 11, 23) else None


def febrl(file: Path) -> Iterable[tuple[str, Demographics]]:
    """(the true person, what was told), for each record."""
    with file.open(newline="", encoding="utf-8") as lines:
        for record in csv.DictReader(lines, skipinitialspace=True):
            r: Mapping[str, str] = {name.strip(): value.strip() for name, value in record.items()}
            yield (
                r["rec_id"].split("-")[1],
                Demographics(
                    family=r["surname"],
                    given=r["given_name"],
                    birth_date=a_date(r["date_of_birth"], "%Y%m%d"),
                    address=" ".join(filter(None, (r["street_number"], r["address_1"], r["address_2"]))),
                    city=r["suburb"],
                    postal_code=r["postcode"],
                    state=r["state"],
                    identifiers=(f"soc_sec|{r['soc_sec_id']}",) if r["soc_sec_id"] else (),
                ),
            )


def splink(file: Path) -> Iterable[tuple[str, Demographics]]:
    """(the true person, what was told), for each record; there is little more than names and birth dates."""
    with file.open(newline="", encoding="utf-8") as lines:
        for r in csv.DictReader(lines):
            if r["first_name"] or r["surname"]:
                day = a_date(r["dob"], "%Y-%m-%d")
                yield r["cluster"], Demographics(r["surname"], r["first_name"], birth_date=day, city=r["city"])


def precision_and_recall(
    db: Database, actor: Actor, people: Iterable[tuple[str, Demographics]], *least: float
) -> list[tuple[float, float]]:
    """For each least score: the share of the pairs found that is true, and the share of the true pairs that is found."""
    told = list(people)
    with db.write(actor) as tx:
        ids = [patients.register(tx, RegisterPatient(person)).id for _, person in told]
    place = {id_: at for at, id_ in enumerate(ids)}
    scores: dict[tuple[int, int], float] = {}
    with db.read(actor) as tx:
        for at, (_, person) in enumerate(told):
            for duplicate in patients.find_duplicates(tx, person, ids[at]):
                first, second = sorted((at, place[duplicate.patient.id]))
                scores[first, second] = max(duplicate.score, scores.get((first, second), 0))
    truth = {(a, b) for a, b in combinations(range(len(told)), 2) if told[a][0] == told[b][0]}
    found = [{pair for pair, score in scores.items() if score >= bar} for bar in least]
    return [(len(pairs & truth) / len(pairs), len(pairs & truth) / len(truth)) for pairs in found]


@pytest.mark.shared_data
def test_known_duplicates_among_people_with_addresses(db: Database, operator: Actor, shared_data: Path) -> None:
    people = febrl(shared_data / "febrl" / "dataset1.csv")
    likely, very_likely = precision_and_recall(db, operator, people, 0.5, 0.9)
    assert likely[0] == very_likely[0] == 1.0
    assert likely[1] >= 0.99
    assert very_likely[1] >= 0.985


@pytest.mark.shared_data
def test_known_duplicates_among_people_with_little_more_than_names(
    db: Database, operator: Actor, shared_data: Path
) -> None:
    """Often a name is missing and the birth date is a year off: without another sign that is no duplicate to warn of."""
    people = splink(shared_data / "splink_people" / "fake_1000.csv")
    [(precision, recall)] = precision_and_recall(db, operator, people, 0.5)
    assert precision >= 0.99
    assert recall >= 0.42
