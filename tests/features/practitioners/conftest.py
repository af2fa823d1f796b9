"""A clinic in New York with one site, one room and one practitioner."""

from __future__ import annotations

import pytest

from clinicdesk.core.clinic import ClinicRow
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.practitioners import service
from clinicdesk.features.practitioners.schemas import (
    PractitionerRow,
    SavePractitioner,
    SaveRoom,
    SaveSite,
    SetUpClinic,
)


@pytest.fixture
def clinic(db: Database, operator: Actor) -> ClinicRow:
    with db.write(operator) as tx:
        return service.set_up_clinic(tx, SetUpClinic("Harbour Street Clinic", "America/New_York", "us"))


@pytest.fixture
def lee(db: Database, clinic: ClinicRow, administrator: Actor) -> PractitionerRow:
    with db.write(administrator) as tx:
        site = service.save_site(tx, SaveSite("Harbour Street"))
        room = service.save_room(tx, SaveRoom(site.id, "Room 1"))
        return service.save_practitioner(tx, SavePractitioner("Lee", "Grace", "Dr", room_id=room.id))
