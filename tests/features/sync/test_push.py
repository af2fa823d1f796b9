"""What desks send takes effect once, as the person who did it, and never takes anything from anybody unseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from clinicdesk.core import epoch
from clinicdesk.core.errors import ClinicError, InvalidInput, NotPermitted
from clinicdesk.core.history import HistoryEntry
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor, Committed, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.care import service as care
from clinicdesk.features.care.schemas import CareRow
from clinicdesk.features.patients import service as patients
from clinicdesk.features.patients.models import Patient
from clinicdesk.features.sync import service as sync
from clinicdesk.features.sync.models import OpLedger, SyncConflict
from clinicdesk.features.sync.schemas import OpAction, Outcome, OutOfStep, TooOld
from clinicdesk.features.users import service as users
from tests.features.sync.conftest import COURSE, SLOT, Place, Sender, at, seen


def count(db: Database, model: Any) -> int:
    with db.engine.connect() as connection:
        return int(connection.scalar(select(func.count()).select_from(model)) or 0)


PATIENT = {"family": "Lindt", "given": "Mara", "birth_date": "1984-03-12", "created_at": "2026-11-23T10:00:00+00:00"}


def test_a_booking_is_stored_as_its_writer_did_it(db: Database, desk: Sender, place: Place) -> None:
    id_ = new_id()
    result = desk.send(desk.op("appointment", id_, desk.visit(place, at(14))))
    assert (result.outcome, result.code) == (Outcome.APPLIED, "")
    assert result.row is not None
    assert (result.row["id"], result.row["version"], result.row["reason"]) == (str(id_), 1, "Cough")
    receptionist = desk.people[Role.RECEPTIONIST]
    with db.engine.connect() as connection:
        entry = connection.execute(
            select(AuditEntry).where(AuditEntry.entity == "appointment").order_by(AuditEntry.seq.desc())
        ).first()
        stored = connection.execute(select(Appointment.created_by).where(Appointment.id == id_)).scalar_one()
    assert entry is not None
    assert receptionist.user_id is not None
    assert (entry.actor_id, entry.desk, entry.verb, entry.action) == (
        receptionist.user_id.hex, "Desk 1", "sync.apply_beside", "C",
    )  # fmt: skip
    assert stored == receptionist.user_id


def test_nobody_writes_in_somebody_elses_name(db: Database, desk: Sender, place: Place) -> None:
    other = str(desk.people[Role.DOCTOR].user_id)
    result = desk.send(desk.op("appointment", new_id(), desk.visit(place, at(14), created_by=other)))
    assert result.row is not None
    assert result.row["created_by"] == str(desk.people[Role.RECEPTIONIST].user_id)


def test_an_op_that_is_sent_again_changes_nothing(db: Database, desk: Sender, place: Place) -> None:
    op = desk.op("appointment", new_id(), desk.visit(place, at(14)))
    first = desk.push(op)
    before = count(db, HistoryEntry)
    assert desk.push(op).results == first.results
    desk.stream = new_id()
    assert desk.push(op).results[0].outcome is Outcome.APPLIED
    assert count(db, Appointment) == 1
    assert count(db, HistoryEntry) == before


def test_an_op_id_that_is_used_for_something_else_is_refused(db: Database, desk: Sender, place: Place) -> None:
    op = desk.op("appointment", new_id(), desk.visit(place, at(14)))
    desk.push(op)
    with pytest.raises(InvalidInput) as refused:
        desk.push(replace(op, new=desk.visit(place, at(15))))
    assert (refused.value.reason, refused.value.params["field"]) == ("op_id_reused", "ops")
    assert count(db, Appointment) == 1


def test_a_bad_op_does_not_hold_up_those_behind_it(desk: Sender, place: Place) -> None:
    results = desk.push(
        desk.op("appointment", new_id(), desk.visit(place, at(14), start="never")),
        desk.op("nonsense", new_id(), {"x": 1}),
        desk.op("appointment", new_id(), desk.visit(place, at(14), patient_id=str(new_id()))),
        desk.op("appointment", new_id(), desk.visit(place, at(14))),
    )
    assert [(one.outcome, one.code) for one in results.results] == [
        (Outcome.REJECTED, "invalid_input"),
        (Outcome.REJECTED, "not_synced"),
        (Outcome.REJECTED, "patient_not_found"),
        (Outcome.APPLIED, ""),
    ]
    assert results.last_n == 4


@pytest.mark.parametrize("role", [Role.RECEPTIONIST, Role.PATIENT])
def test_who_may_not_do_it_there_cannot_do_it_here(
    db: Database, make_desk: Callable[..., Sender], place: Place, role: Role
) -> None:
    desk = make_desk("Room 2", Role.DOCTOR)
    allergy = {"patient_id": str(place.smith), "substance": "Penicillin"}
    result = desk.send(desk.op("allergy", new_id(), allergy, role=role))
    assert (result.outcome, result.code) == (Outcome.REJECTED, "not_permitted")
    with db.engine.connect() as connection:
        outcomes = list(connection.scalars(select(AuditEntry.outcome).order_by(AuditEntry.seq.desc()).limit(3)))
    assert "refused" in outcomes


def test_whoever_has_the_key_of_a_desk_does_no_more_in_anybodys_name_than_the_desk_is_for(desk: Sender) -> None:
    new = {"day": "2026-12-24", "name": "Christmas Eve", "closed": True}
    result = desk.send(desk.op("holiday", new_id(), new, role=Role.ADMINISTRATOR))
    assert (result.outcome, result.code) == (Outcome.REJECTED, "not_synced")


def test_a_desk_brings_nothing_of_what_it_may_not_hold(desk: Sender, place: Place) -> None:
    weight = {"patient_id": str(place.smith), "code": "29463-7", "value": 70.0, "given_value": 70.0, "given_unit": "kg"}
    result = desk.send(desk.op("observation", new_id(), weight, role=Role.DOCTOR))
    assert (result.outcome, result.code, result.row) == (Outcome.REJECTED, "not_synced", None)


def test_an_account_that_is_off_or_unknown_does_nothing(db: Database, desk: Sender, place: Place) -> None:
    receptionist, administrator = desk.people[Role.RECEPTIONIST], desk.people[Role.ADMINISTRATOR]
    with db.write(administrator) as tx:
        assert receptionist.user_id is not None
        version = users.get_user(tx, receptionist.user_id).version
        users.set_active(tx, receptionist.user_id, version, active=False)
    results = desk.push(
        desk.op("appointment", new_id(), desk.visit(place, at(14))),
        desk.op("appointment", new_id(), desk.visit(place, at(14)), user_id=new_id()),
    ).results
    assert {(one.outcome, one.code) for one in results} == {(Outcome.REJECTED, "account_off")}


# ---- numbers, epochs, versions ---------------------------------------------------------------------------------------


def test_a_stream_goes_on_without_a_gap(desk: Sender, place: Place) -> None:
    desk.push(desk.op("appointment", new_id(), desk.visit(place, at(14))))
    desk.n = 2
    with pytest.raises(OutOfStep) as gap:
        desk.push(desk.op("appointment", new_id(), desk.visit(place, at(15))))
    assert (gap.value.reason, gap.value.params["last_n"]) == ("seq_gap", 1)


def test_a_desk_that_was_restored_is_told_that_its_stream_forked(desk: Sender, place: Place) -> None:
    kept = desk.op("appointment", new_id(), desk.visit(place, at(14)))
    desk.push(kept, desk.op("appointment", new_id(), desk.visit(place, at(15))))
    desk.n = 1  # the backup is from before the second
    anew = desk.op("appointment", new_id(), desk.visit(place, at(16)))
    with pytest.raises(OutOfStep) as forked:
        desk.push(anew)
    assert forked.value.reason == "stream_forked"
    desk.stream = new_id()
    results = desk.push(replace(kept, n=1), replace(anew, n=2)).results
    assert [one.outcome for one in results] == [Outcome.APPLIED, Outcome.APPLIED]


def test_a_stream_is_one_desks_own(make_desk: Callable[..., Sender], place: Place) -> None:
    one, other = make_desk("Desk 1"), make_desk("Desk 2")
    one.push(one.op("appointment", new_id(), one.visit(place, at(14))))
    other.stream = one.stream
    with pytest.raises(OutOfStep) as refused:
        other.push(other.op("appointment", new_id(), other.visit(place, at(15))))
    assert refused.value.reason == "stream_forked"


def test_after_a_restore_of_the_server_all_is_sent_again_and_nothing_twice(
    db: Database, desk: Sender, place: Place
) -> None:
    op = desk.op("appointment", new_id(), desk.visit(place, at(14)))
    before = desk.hello().epoch
    desk.push(op)
    with db.engine.begin() as connection:
        epoch.begin(connection)
    with pytest.raises(OutOfStep) as changed:
        desk.push(op, epoch=before)
    assert changed.value.reason == "epoch_changed"
    desk.stream = new_id()
    assert desk.send(op).outcome is Outcome.APPLIED
    assert count(db, Appointment) == 1


@pytest.mark.parametrize(
    ("more", "error", "code"),
    [
        ({"protocol": 0}, TooOld, "desk_too_old"),
        ({"schema": 0}, TooOld, "desk_too_old"),
        ({"protocol": 2}, OutOfStep, "server_too_old"),
        ({"schema": 2}, OutOfStep, "server_too_old"),
        ({"epoch": new_id()}, OutOfStep, "epoch_changed"),
    ],
)
def test_whom_the_server_does_not_understand_is_told(
    desk: Sender, place: Place, more: dict[str, Any], error: type[ClinicError], code: str
) -> None:
    with pytest.raises(error) as refused:
        desk.push(desk.op("appointment", new_id(), desk.visit(place, at(14))), **more)
    assert refused.value.reason == code


def test_ops_come_in_their_order_and_each_once(desk: Sender, place: Place) -> None:
    one = desk.op("appointment", new_id(), desk.visit(place, at(14)))
    for ops, code in (((one, replace(one, op_id=new_id(), n=3)), "op_order"), ((one, replace(one, n=2)), "op_twice")):
        with pytest.raises(InvalidInput) as refused:
            desk.push(*ops)
        assert refused.value.reason == code


def test_a_revoked_desk_is_refused_in_the_middle_of_what_it_sends(db: Database, desk: Sender, place: Place) -> None:
    with db.write(desk.people[Role.ADMINISTRATOR]) as tx:
        assert desk.actor.device_id is not None
        sync.revoke_device(tx, desk.actor.device_id, sync.get_device(tx, desk.actor.device_id).version)
    with pytest.raises(NotPermitted) as refused:
        desk.hello()
    assert refused.value.reason == "device_revoked"


# ---- two desks -------------------------------------------------------------------------------------------------------


@pytest.fixture
def visit(desk: Sender, place: Place) -> Any:
    """A visit that both desks know."""
    return desk.send(desk.op("appointment", new_id(), desk.visit(place, at(14)))).row


def test_different_fields_are_merged(make_desk: Callable[..., Sender], desk: Sender, visit: Any) -> None:
    other = make_desk("Desk 2")
    id_ = visit["id"]
    mine = desk.send(desk.op("appointment", id_, {"reason": "Fever"}, seen(visit, ("reason",))))
    theirs = other.send(other.op("appointment", id_, {"confirmed": True}, seen(visit, ("confirmed",))))
    assert (mine.outcome, theirs.outcome) == (Outcome.APPLIED, Outcome.MERGED)
    assert theirs.row is not None
    assert (theirs.row["reason"], theirs.row["confirmed"], theirs.row["version"]) == ("Fever", True, 3)


def test_of_two_who_change_one_field_the_second_is_shown_and_not_taken(
    db: Database, make_desk: Callable[..., Sender], desk: Sender, visit: Any
) -> None:
    other = make_desk("Desk 2")
    desk.send(desk.op("appointment", visit["id"], {"reason": "Fever"}, seen(visit, ("reason",))))
    result = other.send(other.op("appointment", visit["id"], {"reason": "Rash"}, seen(visit, ("reason",))))
    assert result.outcome is Outcome.CONFLICT
    assert result.row is not None
    assert result.row["reason"] == "Fever"
    with db.engine.connect() as connection:
        kept = connection.execute(select(SyncConflict.stands, SyncConflict.claimed, SyncConflict.kind)).one()
    assert tuple(kept) == ('{"reason": "Fever"}', '{"reason": "Rash"}', "fields")


def test_who_wants_what_is_there_already_has_it(make_desk: Callable[..., Sender], desk: Sender, visit: Any) -> None:
    other = make_desk("Desk 2")
    desk.send(desk.op("appointment", visit["id"], {"reason": "Fever"}, seen(visit, ("reason",))))
    result = other.send(other.op("appointment", visit["id"], {"reason": "Fever"}, seen(visit, ("reason",))))
    assert (result.outcome, result.row and result.row["version"]) == (Outcome.MERGED, 2)


def test_when_and_where_move_as_one(make_desk: Callable[..., Sender], desk: Sender, visit: Any, place: Place) -> None:
    other = make_desk("Desk 2")
    room = {"room_id": str(place.okafor_room)}
    desk.send(desk.op("appointment", visit["id"], room, seen(visit, SLOT)))
    later = {"start": at(15).isoformat(), "end": at(15, 30).isoformat()}
    result = other.send(other.op("appointment", visit["id"], later, seen(visit, SLOT)))
    assert result.outcome is Outcome.CONFLICT
    assert result.row is not None
    assert (result.row["start"], result.row["room_id"]) == (visit["start"], str(place.okafor_room))


def test_who_does_not_say_what_they_saw_is_not_believed(desk: Sender, visit: Any) -> None:
    later = {"start": at(15).isoformat(), "end": at(15, 30).isoformat()}
    result = desk.send(desk.op("appointment", visit["id"], later, seen(visit, ("start", "end"))))
    assert (result.outcome, result.code) == (Outcome.REJECTED, "op_incomplete")


def test_two_who_promise_one_time_are_both_kept_and_one_has_it(
    db: Database, make_desk: Callable[..., Sender], desk: Sender, place: Place, visit: Any
) -> None:
    other, id_ = make_desk("Desk 2"), new_id()
    result = other.send(other.op("appointment", id_, other.visit(place, at(14, 15), patient_id=str(place.jones))))
    assert result.outcome is Outcome.CONFLICT
    assert result.row is not None
    assert result.row["status"] == "waitlist"
    with db.engine.connect() as connection:
        conflict = connection.execute(select(SyncConflict)).one()
    assert (conflict.kind, conflict.entity_id, str(conflict.other_id)) == ("booking", id_, visit["id"])
    assert conflict.id == result.conflict_id


def test_a_move_into_a_taken_time_needs_rebooking(
    db: Database, make_desk: Callable[..., Sender], desk: Sender, place: Place, visit: Any
) -> None:
    other, id_ = make_desk("Desk 2"), new_id()
    mine = other.send(other.op("appointment", id_, other.visit(place, at(16), patient_id=str(place.jones)))).row
    to = {"start": at(14).isoformat(), "end": at(14, 30).isoformat()}
    result = other.send(other.op("appointment", id_, to, seen(mine, SLOT)))
    assert (result.outcome, result.row and result.row["status"]) == (Outcome.CONFLICT, "waitlist")
    assert result.row is not None
    assert result.row["start"] == visit["start"]


def test_a_patient_in_the_waiting_room_stays_there(
    make_desk: Callable[..., Sender], desk: Sender, place: Place, visit: Any
) -> None:
    id_ = new_id()
    walk_in = desk.visit(place, at(12), patient_id=str(place.jones), status="arrived", arrived_at=at(11).isoformat())
    mine = desk.send(desk.op("appointment", id_, walk_in)).row
    to = {"start": at(14).isoformat(), "end": at(14, 30).isoformat()}
    result = desk.send(desk.op("appointment", id_, to, seen(mine, SLOT)))
    assert result.row is not None
    assert (result.outcome, result.row["status"], result.row["start"]) == (
        Outcome.CONFLICT, "arrived", at(12).isoformat(),
    )  # fmt: skip


def test_who_moves_a_visit_that_was_cancelled_meanwhile_is_asked(
    make_desk: Callable[..., Sender], desk: Sender, visit: Any
) -> None:
    other = make_desk("Desk 2")
    desk.send(desk.op("appointment", visit["id"], {"status": "cancelled", "cancel_reason": "pat"}, seen(visit, COURSE)))
    to = {"start": at(16).isoformat(), "end": at(16, 30).isoformat()}
    result = other.send(other.op("appointment", visit["id"], to, seen(visit, SLOT)))
    assert result.row is not None
    assert (result.outcome, result.row["status"], result.row["start"]) == (
        Outcome.CONFLICT, "cancelled", visit["start"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ({"status": "asleep"}, "invalid_input"),
        ({"status": "fulfilled"}, "illegal_transition"),
        ({"status": "cancelled", "cancel_reason": ""}, "unknown_cancel_reason"),
    ],
)
def test_a_visit_takes_legal_steps(desk: Sender, visit: Any, new: dict[str, Any], code: str) -> None:
    result = desk.send(desk.op("appointment", visit["id"], new, seen(visit, COURSE)))
    assert (result.outcome, result.code) == (Outcome.REJECTED, code)


def test_an_undo_is_taken(desk: Sender, visit: Any) -> None:
    there = desk.send(
        desk.op(
            "appointment", visit["id"], {"status": "arrived", "arrived_at": at(13, 55).isoformat()}, seen(visit, COURSE)
        )
    ).row
    back = desk.send(desk.op("appointment", visit["id"], {"status": "booked", "arrived_at": None}, seen(there, COURSE)))
    assert back.outcome is Outcome.APPLIED
    gone = desk.send(desk.op("appointment", visit["id"], {"status": "entered-in-error"}, seen(back.row, COURSE)))
    assert gone.outcome is Outcome.APPLIED


def test_what_is_said_once_stays(desk: Sender, visit: Any, place: Place) -> None:
    result = desk.send(
        desk.op("appointment", visit["id"], {"patient_id": str(place.jones)}, seen(visit, ("patient_id",)))
    )
    assert (result.outcome, result.code) == (Outcome.REJECTED, "field_fixed")


def test_a_visit_of_a_nurse_is_not_overbooked(make_desk: Callable[..., Sender], place: Place) -> None:
    desk = make_desk("Room 1", Role.NURSE)
    values = desk.visit(place, at(14), overbooked=True, overbook_reason="urgent")
    for role, outcome in ((Role.NURSE, Outcome.REJECTED), (Role.DOCTOR, Outcome.APPLIED)):
        assert desk.send(desk.op("appointment", new_id(), values, role=role)).outcome is outcome


# ---- patients --------------------------------------------------------------------------------------------------------


def test_a_new_patient_is_found_by_search(db: Database, desk: Sender) -> None:
    id_ = new_id()
    result = desk.send(desk.op("patient", id_, PATIENT | {"number": "HS-00042"}))
    assert (result.outcome, result.row and result.row["number"]) == (Outcome.APPLIED, "HS-00042")
    with db.read(desk.people[Role.RECEPTIONIST]) as tx:
        assert [found.id for found in patients.search(tx, "lindt")] == [id_]


def test_two_desks_that_gave_one_number_have_two_patients(make_desk: Callable[..., Sender], desk: Sender) -> None:
    other = make_desk("Desk 2")
    desk.send(desk.op("patient", new_id(), PATIENT | {"number": "HS-00042"}))
    result = other.send(other.op("patient", new_id(), PATIENT | {"number": "HS-00042", "family": "Berg"}))
    assert result.outcome is Outcome.MERGED
    assert result.row is not None
    assert result.row["number"] not in ("", "HS-00042")


def test_a_new_name_is_found_and_the_old_one_is_not(db: Database, desk: Sender) -> None:
    id_ = new_id()
    row = desk.send(desk.op("patient", id_, PATIENT)).row
    desk.send(desk.op("patient", id_, {"family": "Berg"}, seen(row, ("family", "given"))))
    with db.read(desk.people[Role.RECEPTIONIST]) as tx:
        assert [found.id for found in patients.search(tx, "berg")] == [id_]
        assert patients.search(tx, "lindt") == []


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"family": "", "given": ""}, "name_missing"),
        ({"birth_date": "2030-01-01"}, "birth_date_in_future"),
        ({"email": "nowhere"}, "email_not_right"),
        ({"gender": "x"}, "invalid_input"),
        ({"family": "x" * 121}, "too_long"),
        ({"family": 7}, "invalid_input"),
        ({"family": None}, "missing"),
        ({"password_hash": "x"}, "unknown_field"),
        ({"active": False}, "invalid_input"),
        ({"birth_date": "1984-02-30"}, "invalid_input"),
    ],
)
def test_a_patient_is_held_to_the_rules(desk: Sender, values: dict[str, Any], code: str) -> None:
    result = desk.send(desk.op("patient", new_id(), PATIENT | values))
    assert (result.outcome, result.code) == (Outcome.REJECTED, code)


def test_allergies_always_ask_a_person(make_desk: Callable[..., Sender], place: Place) -> None:
    one, other = make_desk("Room 1", Role.NURSE), make_desk("Room 2", Role.DOCTOR)
    id_ = new_id()
    new = {"patient_id": str(place.smith), "substance": "Penicillin"}
    row = one.send(one.op("allergy", id_, new, role=Role.NURSE)).row
    names = ("substance", "reaction", "severity", "removed")
    one.send(one.op("allergy", id_, {"severity": "severe"}, seen(row, names), role=Role.NURSE))
    result = other.send(other.op("allergy", id_, {"reaction": "Rash"}, seen(row, names), role=Role.DOCTOR))
    assert result.outcome is Outcome.CONFLICT
    assert result.row is not None
    assert (result.row["severity"], result.row["reaction"]) == ("severe", "")


def test_a_prescription_that_something_speaks_against_here_asks_a_person(
    db: Database, make_desk: Callable[..., Sender], place: Place
) -> None:
    desk = make_desk("Room 2", Role.DOCTOR)
    desk.send(
        desk.op("allergy", new_id(), {"patient_id": str(place.smith), "substance": "amoxicillin"}, role=Role.DOCTOR)
    )
    new = {
        "patient_id": str(place.smith), "medicine": "amoxicillin", "starts_on": "2026-11-23", "status": "active",
        "status_at": at(10).isoformat(), "created_at": at(10).isoformat(),
    }  # fmt: skip
    result = desk.send(desk.op("medication_request", new_id(), new, role=Role.DOCTOR))
    assert (result.outcome, result.row) == (Outcome.CONFLICT, None)
    harmless = desk.send(desk.op("medication_request", new_id(), new | {"medicine": "vitamin D"}, role=Role.DOCTOR))
    assert harmless.outcome is Outcome.APPLIED


def test_a_clinician_reaches_those_in_their_care_here_too(
    db: Database, make_desk: Callable[..., Sender], place: Place
) -> None:
    desk = make_desk("Room 2", Role.DOCTOR)
    with db.write(desk.people[Role.ADMINISTRATOR]) as tx:
        care.edit_care_settings(tx, CareRow(version=care.care_settings(tx).version))
    new = {
        "patient_id": str(place.smith), "code": "29463-7", "value": 70.0, "given_value": 70.0, "given_unit": "kg",
        "status": "final", "taken_at": at(10).isoformat(), "recorded_at": at(10).isoformat(),
    }  # fmt: skip
    stranger = desk.send(desk.op("observation", new_id(), new, role=Role.DOCTOR))
    assert (stranger.outcome, stranger.code) == (Outcome.REJECTED, "not_in_care")
    desk.send(desk.op("appointment", new_id(), desk.visit(place, at(14))))
    assert desk.send(desk.op("observation", new_id(), new, role=Role.DOCTOR)).outcome is Outcome.APPLIED


def test_a_desk_that_is_cut_off_while_it_sends_gets_no_further(db: Database, desk: Sender, place: Place) -> None:
    ops = [desk.op("appointment", new_id(), desk.visit(place, at(hour))) for hour in (14, 15, 16)]
    told: list[Committed] = []

    def cut_off(committed: Committed) -> None:
        told.append(committed)
        if len(told) == 1:
            with db.write(desk.people[Role.ADMINISTRATOR]) as tx:
                assert desk.actor.device_id is not None
                sync.revoke_device(tx, desk.actor.device_id, 1)

    db.listeners.append(cut_off)
    with pytest.raises(NotPermitted, match="device_revoked"):
        desk.push(*ops)
    db.listeners.remove(cut_off)
    assert count(db, Appointment) == 1


def test_a_value_that_was_measured_is_kept_and_never_overwritten(
    make_desk: Callable[..., Sender], place: Place
) -> None:
    desk, id_ = make_desk("Room 2", Role.DOCTOR), new_id()
    new = {
        "patient_id": str(place.smith), "code": "29463-7", "value": 70.0, "given_value": 70.0, "given_unit": "kg",
        "status": "final", "taken_at": at(10).isoformat(), "recorded_at": at(10).isoformat(), "recorder": "Somebody else",
    }  # fmt: skip
    row = desk.send(desk.op("observation", id_, new, role=Role.DOCTOR)).row
    assert row is not None
    assert row["recorder"] == "Some doctor"
    heavier = desk.send(desk.op("observation", id_, {"value": 80.0}, seen(row, ("value",)), role=Role.DOCTOR))
    assert (heavier.outcome, heavier.code) == (Outcome.REJECTED, "field_fixed")
    wrong = {"status": "entered-in-error", "wrong_reason": "Another patient's"}
    marked = desk.send(desk.op("observation", id_, wrong, seen(row, ("status", "wrong_reason")), role=Role.DOCTOR))
    assert marked.outcome is Outcome.APPLIED


def test_a_day_that_is_a_holiday_no_longer_is_removed_where_nobody_has_changed_it(
    make_desk: Callable[..., Sender],
) -> None:
    desk, id_ = make_desk("Office", Role.ADMINISTRATOR), new_id()
    new = {"day": "2026-12-24", "name": "Christmas Eve", "closed": True}
    row = desk.send(desk.op("holiday", id_, new, role=Role.ADMINISTRATOR)).row
    assert row is not None
    changed = desk.send(desk.op("holiday", id_, {"name": "Eve"}, seen(row, ("name",)), role=Role.ADMINISTRATOR)).row
    late = desk.op("holiday", id_, None, dict(row), role=Role.ADMINISTRATOR, action=OpAction.DELETE)
    assert desk.send(late).outcome is Outcome.CONFLICT
    gone = desk.op("holiday", id_, None, dict(changed or {}), role=Role.ADMINISTRATOR, action=OpAction.DELETE)
    result = desk.send(gone)
    assert (result.outcome, result.row) == (Outcome.APPLIED, None)
    again = desk.op("holiday", id_, None, dict(changed or {}), role=Role.ADMINISTRATOR, action=OpAction.DELETE)
    assert desk.send(again).outcome is Outcome.MERGED


def test_what_the_database_alone_refuses_is_rejected(make_desk: Callable[..., Sender]) -> None:
    desk = make_desk("Office", Role.ADMINISTRATOR)
    new = {"day": "2026-12-24", "name": "Christmas Eve", "closed": True}
    desk.send(desk.op("holiday", new_id(), new, role=Role.ADMINISTRATOR))
    result = desk.send(desk.op("holiday", new_id(), new, role=Role.ADMINISTRATOR))
    assert (result.outcome, result.code) == (Outcome.REJECTED, "sync_rule")


def test_what_belongs_to_a_record_that_was_merged_goes_to_the_one_that_took_it_over(
    db: Database, desk: Sender, place: Place
) -> None:
    with db.engine.begin() as connection:
        connection.execute(
            Patient.__table__.update()  # type: ignore[attr-defined]
            .where(Patient.id == place.smith)
            .values(merged_into_id=place.jones, active=False)
        )
    result = desk.send(desk.op("appointment", new_id(), desk.visit(place, at(14))))
    assert result.row is not None
    assert result.row["patient_id"] == str(place.jones)
    phone = desk.send(desk.op("patient", place.smith, {"phone": "1"}, {"phone": ""}))
    assert (phone.outcome, phone.code) == (Outcome.REJECTED, "patient_merged")


def test_the_ledger_keeps_what_became_of_each(db: Database, desk: Sender, place: Place) -> None:
    late = desk.op("appointment", new_id(), desk.visit(place, at(14)), wall_at=at(10) - timedelta(days=400))
    desk.send(late)
    with db.engine.connect() as connection:
        row = connection.execute(select(OpLedger)).one()
    assert (row.outcome, row.entity, row.wall_at) == ("applied", "appointment", late.wall_at)


def test_a_visit_that_was_changed_at_the_server_meanwhile_counts(db: Database, desk: Sender, visit: Any) -> None:
    receptionist: Actor = desk.people[Role.RECEPTIONIST]
    with db.write(receptionist) as tx:
        appointments.arrive(tx, UUID(visit["id"]), visit["version"])
    result = desk.send(
        desk.op("appointment", visit["id"], {"status": "cancelled", "cancel_reason": "pat"}, seen(visit, COURSE))
    )
    assert (result.outcome, result.row and result.row["status"]) == (Outcome.CONFLICT, "arrived")


def test_there_is_a_most(desk: Sender, place: Place) -> None:
    ops = [desk.op("appointment", new_id(), desk.visit(place, at(14))) for _ in range(201)]
    with pytest.raises(InvalidInput):
        desk.push(*ops)
