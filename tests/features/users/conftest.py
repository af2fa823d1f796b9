"""A clinic with an administrator and a receptionist who can sign in."""

from __future__ import annotations

import pytest

from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.practitioners import service as practitioners
from clinicdesk.features.practitioners.schemas import SetUpClinic
from clinicdesk.features.users import service
from clinicdesk.features.users.schemas import AddUser, UserRow

PASSWORD = "seven quiet boats at noon"


@pytest.fixture
def clinic(db: Database, operator: Actor) -> Database:
    """The database of a clinic that is set up, guarded as the program guards it."""
    db.guards.append(service.ensure_active)
    with db.write(operator) as tx:
        practitioners.set_up_clinic(tx, SetUpClinic("Harbour Street Clinic", "Europe/Berlin"))
    return db


@pytest.fixture
def okafor(clinic: Database, operator: Actor) -> UserRow:
    """Ada Okafor, the administrator."""
    with clinic.write(operator) as tx:
        return service.add_user(tx, AddUser("ada@harbour.example", "Ada Okafor", Role.ADMINISTRATOR, PASSWORD))


@pytest.fixture
def chief(okafor: UserRow) -> Actor:
    """Ada Okafor at her desk."""
    return Actor(okafor.id, okafor.role, okafor.name, "Office")


@pytest.fixture
def reyes(clinic: Database, chief: Actor) -> UserRow:
    """Sam Reyes, a receptionist."""
    with clinic.write(chief) as tx:
        return service.add_user(tx, AddUser("Sam.Reyes@Harbour.example", "Sam Reyes", Role.RECEPTIONIST, PASSWORD))
