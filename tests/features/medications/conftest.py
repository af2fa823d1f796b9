"""A clinic with a patient to prescribe for, and short ways to prescribe and to note an allergy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert

from clinicdesk.core.clinic import Clinic
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.medications import service as medications
from clinicdesk.features.medications.schemas import Dosage, MedicationRow, Prescribe
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.schemas import Demographics, RegisterPatient, SaveAllergy, Severity

TODAY = date(2026, 11, 23)  # the day of the test clock
ZONE = "Europe/Berlin"
PrescribeFor = Callable[..., MedicationRow]
Allergic = Callable[..., None]


@pytest.fixture
def smith(db: Database, receptionist: Actor) -> UUID:
    """A patient of a clinic in Berlin."""
    with db.engine.begin() as connection:
        connection.execute(
            insert(Clinic).values(id=1, name="Harbour", zone=ZONE, country="", record_prefix="HS", version=1)
        )
    with db.write(receptionist) as tx:
        return patients.register(tx, RegisterPatient(Demographics("Smith", "Joan"))).id


@pytest.fixture
def prescribe(db: Database, doctor: Actor, smith: UUID) -> PrescribeFor:
    """Prescribes a medicine for the patient, told by keywords of `Prescribe`."""

    def sign(medicine: str, **told: Any) -> MedicationRow:
        with db.write(doctor) as tx:
            return medications.prescribe(tx, Prescribe(smith, medicine, **{"dosage": Dosage(1, "tablet", 2), **told}))

    return sign


@pytest.fixture
def allergic(db: Database, doctor: Actor, smith: UUID) -> Allergic:
    """Puts an allergy on the patient's record."""

    def to(substance: str, severity: Severity = Severity.UNKNOWN) -> None:
        with db.write(doctor) as tx:
            patients.save_allergy(tx, SaveAllergy(smith, substance, severity=severity))

    return to
