"""A desk without a server lets go of what its trail has kept long enough, after a backup, and what stays proves itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from clinicdesk.core import backup
from clinicdesk.core.errors import InvalidInput, Unavailable
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor
from clinicdesk.features.audit.service import verify_chain
from clinicdesk.features.practitioners.schemas import SaveSite
from clinicdesk.features.practitioners.service import save_site
from clinicdesk.opening import OpenClinic, open_clinic
from tests.conftest import Hands

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture
def old(tmp_path: Path, clock: Hands, operator: Actor, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenClinic]:
    """A desk's data with two changes of 2019 and one of this year; opened now."""
    monkeypatch.setenv("CLINICDESK_KEYRING", "off")
    for at, names in ((datetime(2019, 5, 1, tzinfo=UTC), ("Harbour", "Hill")), (NOW, ("Quay",))):
        clock.now = at
        with open_clinic(tmp_path, clock=clock) as clinic:
            for name in names:
                with clinic.database.write(operator) as tx:
                    save_site(tx, SaveSite(name))
    with open_clinic(tmp_path, clock=clock) as clinic:
        yield clinic


def first(clinic: OpenClinic) -> int:
    with clinic.database.engine.connect() as connection:
        return connection.scalar(select(func.min(AuditEntry.seq))) or 0


def test_what_is_old_goes_after_a_backup_and_the_rest_is_whole(old: OpenClinic, operator: Actor) -> None:
    assert old.keep_up() == 2
    assert first(old) == 3
    assert len(backup.kept(old.folder)) == 1
    found = verify_chain(old.database, operator, old.checkpoints.known().roots)
    assert found.ok
    assert found.history is not None
    assert found.history.rows == 3, "what records were stays"


def test_no_backup_is_made_for_nothing(old: OpenClinic, clock: Hands) -> None:
    assert old.keep_up() == 2
    for hours in (1, 7, 14):
        clock.now = NOW + timedelta(hours=hours)
        assert old.keep_up() == 0
    assert len(backup.kept(old.folder)) == 1


def test_by_the_setting_it_is_kept_for_longer_or_for_ever(old: OpenClinic, monkeypatch: pytest.MonkeyPatch) -> None:
    for years in ("0", "10"):
        monkeypatch.setenv("CLINICDESK_RETENTION_YEARS", years)
        assert old.keep_up() == 0
    monkeypatch.setenv("CLINICDESK_RETENTION_YEARS", "six")
    with pytest.raises(InvalidInput, match="retention_invalid"):
        old.keep_up()
    assert first(old) == 1


def test_a_desk_that_closes_lets_go_of_the_rest_another_time(old: OpenClinic, clock: Hands) -> None:
    assert old.keep_up(lambda: False) == 0
    assert first(old) == 1
    clock.now += timedelta(hours=6)
    assert old.keep_up() == 2


def test_nothing_goes_where_what_is_old_is_not_whole_or_no_backup_can_be_made(old: OpenClinic, clock: Hands) -> None:
    (old.folder / "backups").write_text("in the way")
    with pytest.raises(Unavailable):
        old.keep_up()
    (old.folder / "backups").unlink()
    with old.database.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_entry_refuses_update"))
        connection.execute(text("UPDATE audit_entry SET desk = 'x' WHERE seq = 2"))
    clock.now += timedelta(minutes=11)
    with pytest.raises(Unavailable, match="audit_trail_broken"):
        old.keep_up()
    assert first(old) == 1
