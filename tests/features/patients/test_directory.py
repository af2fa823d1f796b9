"""The plain list of patients is the same however it is looked for, and is counted only so far."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from clinicdesk.core import paging
from clinicdesk.core.paging import PageRequest
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.patients import directory, fulltext
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import PatientQuery, PatientSort
from tests.features.patients.conftest import Register

FAMILIES, GIVENS = ("Abel", "Moser", "Smith", "Smithson", "Zoller"), ("Ann", "Sam", "Smilla", "Zoë")


@pytest.fixture
def many(register: Register) -> int:
    chance = Random(3)
    for _ in range(40):
        register(family=chance.choice(FAMILIES), given=chance.choice(GIVENS))
    return 40


def listed(db: Database, actor: Actor, query: PatientQuery, limit: int = 4) -> list[str]:
    """The numbers of all who are listed, page by page."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        with db.write(actor) as tx:
            page = patients.list_patients(tx, replace(query, page=PageRequest(limit, cursor)))
        found += [row.number for row in page.items]
        cursor = page.next
    return found


@pytest.mark.parametrize("sort", PatientSort)
@pytest.mark.parametrize("descending", [False, True])
def test_a_text_that_fits_many_is_walked_to_and_finds_the_same(
    db: Database, receptionist: Actor, many: int, monkeypatch: pytest.MonkeyPatch, sort: PatientSort, descending: bool
) -> None:
    whole = PatientQuery(sort=sort, descending=descending)
    everybody = listed(db, receptionist, whole)
    assert len(everybody) == many
    for text in ("s", "smi", "smith", "zo sm", "q"):
        gathered = listed(db, receptionist, replace(whole, text=text))
        assert gathered == [number for number in everybody if number in set(gathered)]
        monkeypatch.setattr(fulltext, "_FEW", 1)
        for nearby in (1, 7, 100):
            monkeypatch.setattr(directory, "_NEARBY", nearby)
            assert listed(db, receptionist, replace(whole, text=text)) == gathered
        monkeypatch.undo()


def test_a_list_is_counted_so_far_and_no_further(
    db: Database, receptionist: Actor, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def total(text: str = "") -> int | None:
        with db.write(receptionist) as tx:
            return patients.list_patients(tx, PatientQuery(text, page=PageRequest(1, total=True))).total

    assert total() == many
    monkeypatch.setattr(paging, "MOST_COUNTED", 5)
    assert total() == 6
    assert total("q") == 0
