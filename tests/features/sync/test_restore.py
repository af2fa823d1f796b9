"""A backup that is put back begins another life: whoever followed the old one is told, and sends again what it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinicdesk.core import epoch
from clinicdesk.core.tx import Actor
from clinicdesk.opening import open_clinic, restore_clinic

pytestmark = pytest.mark.embedded


def test_each_time_that_a_backup_is_put_back_is_a_life_of_its_own(tmp_path: Path, operator: Actor) -> None:
    place, lives = tmp_path / "clinic", set()
    with open_clinic(place, passphrase="seven quiet boats at noon") as clinic:
        copy = clinic.back_up(operator)
        with clinic.database.engine.connect() as connection:
            lives.add(epoch.current(connection))
    for _ in range(2):
        restore_clinic(place, copy.file, operator, passphrase="seven quiet boats at noon")
        clinic = open_clinic(place, passphrase="seven quiet boats at noon")
        with clinic, clinic.database.engine.connect() as connection:
            lives.add(epoch.current(connection))
    assert len(lives) == 3
