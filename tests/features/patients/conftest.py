"""Patients on a real database, and short ways to take one in and to look for one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, PatientRow, RegisterPatient

Register = Callable[..., PatientRow]
Search = Callable[[str], list[str]]


def someone(**told: Any) -> Demographics:
    return replace(Demographics("Smith", "Joan", birth_date=date(1984, 3, 12)), **told)


@pytest.fixture
def register(db: Database, receptionist: Actor) -> Register:
    """Takes in a patient told by keywords of `Demographics`, and `number`."""

    def take_in(*, number: str = "", **told: Any) -> PatientRow:
        with db.write(receptionist) as tx:
            return patients.register(tx, RegisterPatient(Demographics(**told), number))

    return take_in


@pytest.fixture
def search(db: Database, receptionist: Actor) -> Search:
    """The names of those who are found, best first."""

    def look_for(text: str) -> list[str]:
        with db.read(receptionist) as tx:
            return [row.name for row in patients.search(tx, text)]

    return look_for
