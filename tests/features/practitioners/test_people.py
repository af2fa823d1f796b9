"""The clinic, its sites, rooms and practitioners: what is kept, listed and refused."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from clinicdesk.core.clinic import ClinicRow
from clinicdesk.core.errors import Conflict, InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.tx import Actor, Committed, Database
from clinicdesk.features.practitioners import service
from clinicdesk.features.practitioners.schemas import (
    EditClinic,
    PractitionerRow,
    SavePractitioner,
    SaveRoom,
    SaveSite,
    SetUpClinic,
)


def edit_of(clinic: ClinicRow) -> EditClinic:
    return EditClinic(**asdict(clinic))


def test_before_the_first_start_there_is_no_clinic(db: Database, receptionist: Actor) -> None:
    with pytest.raises(NotFound, match="clinic_not_set_up"), db.read(receptionist) as tx:
        service.clinic(tx)


def test_a_clinic_is_set_up_once(db: Database, clinic: ClinicRow, operator: Actor) -> None:
    assert (clinic.name, clinic.zone, clinic.country) == ("Harbour Street Clinic", "America/New_York", "US")
    with pytest.raises(Conflict, match="clinic_already_set_up"), db.write(operator) as tx:
        service.set_up_clinic(tx, SetUpClinic("Another", "Europe/Berlin"))


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (SetUpClinic("  ", "Europe/Berlin"), "name"),
        (SetUpClinic("A" * 121, "Europe/Berlin"), "name"),
        (SetUpClinic("A\x00B", "Europe/Berlin"), "name"),
        (SetUpClinic("Clinic", "Berlin"), "zone"),
        (SetUpClinic("Clinic", "Europe/Berlin", "GER"), "country"),
    ],
)
def test_a_clinic_needs_a_name_and_a_zone_that_exist(
    db: Database, operator: Actor, request_: SetUpClinic, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught, db.write(operator) as tx:
        service.set_up_clinic(tx, request_)
    assert caught.value.params["field"] == field


def test_settings_are_changed_on_the_version_that_was_seen(
    db: Database, clinic: ClinicRow, administrator: Actor
) -> None:
    told: list[Committed] = []
    db.listeners.append(told.append)
    with db.write(administrator) as tx:
        edited = service.edit_clinic(tx, replace(edit_of(clinic), record_prefix="hb2", auto_lock_minutes=10))
    assert (edited.record_prefix, edited.auto_lock_minutes, edited.version) == ("HB2", 10, clinic.version + 1)
    assert [t.entities for t in told] == [{"clinic"}]
    with pytest.raises(Conflict, match="changed_meanwhile"), db.write(administrator) as tx:
        service.edit_clinic(tx, edit_of(clinic))


def test_saving_settings_that_did_not_change_changes_nothing(
    db: Database, clinic: ClinicRow, administrator: Actor
) -> None:
    with db.write(administrator) as tx:
        assert service.edit_clinic(tx, edit_of(clinic)) == clinic


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("auto_lock_minutes", 16),
        ("auto_lock_minutes", 0),
        ("lockout_failures", 2),
        ("lockout_minutes", 0),
        ("wait_target_minutes", 241),
        ("record_prefix", ""),
        ("record_prefix", "H-S"),
        ("zone", "Mars/Base"),
    ],
)
def test_a_setting_out_of_range_is_refused(
    db: Database, clinic: ClinicRow, administrator: Actor, field: str, value: object
) -> None:
    with pytest.raises(InvalidInput) as caught, db.write(administrator) as tx:
        service.edit_clinic(tx, replace(edit_of(clinic), **{field: value}))  # type: ignore[arg-type]
    assert caught.value.params["field"] == field


def test_people_and_places_are_listed_and_the_ones_turned_off_are_not(
    db: Database, lee: PractitionerRow, administrator: Actor, receptionist: Actor
) -> None:
    with db.write(administrator) as tx:
        [site] = service.list_sites(tx)
        service.save_room(tx, SaveRoom(site.id, "Room 2", active=False))
        service.save_practitioner(tx, SavePractitioner("Aalto", position=1))
        service.save_practitioner(tx, SavePractitioner("Gone", active=False))
    with db.read(receptionist) as tx:
        assert [p.name for p in service.list_practitioners(tx)] == ["Dr Grace Lee", "Aalto"]
        assert [p.family for p in service.list_practitioners(tx, include_inactive=True)] == ["Gone", "Lee", "Aalto"]
        assert [(r.site_name, r.name) for r in service.list_rooms(tx)] == [("Harbour Street", "Room 1")]
        assert len(service.list_rooms(tx, include_inactive=True)) == 2
    assert lee.room_name == "Room 1"


def test_a_room_of_a_closed_site_is_not_offered(db: Database, lee: PractitionerRow, administrator: Actor) -> None:
    with db.write(administrator) as tx:
        [site] = service.list_sites(tx)
        service.save_site(tx, SaveSite(site.name, active=False, id=site.id, version=site.version))
        assert service.list_sites(tx) == []
        assert service.list_rooms(tx) == []
        assert [s.active for s in service.list_sites(tx, include_inactive=True)] == [False]


def test_a_practitioner_is_changed_on_the_version_that_was_seen(
    db: Database, lee: PractitionerRow, administrator: Actor
) -> None:
    change = SavePractitioner("Lee-Park", "Grace", "Dr", id=lee.id, version=lee.version)
    with db.write(administrator) as tx:
        married = service.save_practitioner(tx, change)
    assert (married.id, married.family, married.room_name, married.version) == (lee.id, "Lee-Park", "", 2)
    with pytest.raises(Conflict, match="changed_meanwhile"), db.write(administrator) as tx:
        service.save_practitioner(tx, change)
    with pytest.raises(NotFound, match="practitioner_not_found"), db.write(administrator) as tx:
        service.save_practitioner(tx, replace(change, id=new_id()))


def test_two_active_rooms_of_a_site_do_not_share_a_name(
    db: Database, lee: PractitionerRow, administrator: Actor
) -> None:
    with db.write(administrator) as tx:
        [site] = service.list_sites(tx)
        [room] = service.list_rooms(tx)
        service.save_room(tx, SaveRoom(site.id, "Room 1", id=room.id, version=room.version))  # its own name is its own
        service.save_room(tx, SaveRoom(site.id, "room 1", active=False))
        other = service.save_site(tx, SaveSite("Hill"))
        service.save_room(tx, SaveRoom(other.id, "Room 1"))
    with pytest.raises(InvalidInput, match="name_taken"), db.write(administrator) as tx:
        service.save_room(tx, SaveRoom(site.id, " room  1 "))
    with pytest.raises(InvalidInput, match="name_taken"), db.write(administrator) as tx:
        service.save_site(tx, SaveSite("HILL"))


def test_what_does_not_exist_cannot_be_referred_to(db: Database, lee: PractitionerRow, administrator: Actor) -> None:
    with pytest.raises(InvalidInput, match="unknown_room"), db.write(administrator) as tx:
        service.save_practitioner(tx, SavePractitioner("Roe", room_id=new_id()))
    with pytest.raises(InvalidInput, match="unknown_site"), db.write(administrator) as tx:
        service.save_room(tx, SaveRoom(new_id(), "Room 9"))


def test_names_are_tidied_and_never_empty(db: Database, clinic: ClinicRow, administrator: Actor) -> None:
    with db.write(administrator) as tx:
        assert service.save_practitioner(tx, SavePractitioner("  van   der Berg ")).family == "van der Berg"
    with pytest.raises(InvalidInput, match="empty"), db.write(administrator) as tx:
        service.save_practitioner(tx, SavePractitioner(" \t "))
