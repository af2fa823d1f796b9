"""Every endpoint against every role: who is let in, written out so that a change is seen."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update

from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.tx import Database
from clinicdesk.features.users.models import User
from tests.server.conftest import ROLES, SignedIn

ANYBODY = "anybody"
EVERY_ROLE = frozenset(ROLES)
ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
STAFF = EVERY_ROLE - {Role.PATIENT}
CLINICIANS = frozenset({Role.DOCTOR, Role.NURSE})

# A new endpoint goes behind those who may ask it; whoever is not signed in may ask those of ANYBODY alone.
MAY: dict[frozenset[Role] | str, str] = {
    ANYBODY: """
        healthz readyz
        enroll_device challenge_device device_token
        register verify_email resend_verification login login_with_code refresh forgot_password reset_password
    """,
    EVERY_ROLE: """
        list_visits book_visit find_openings list_visit_types open_visit edit_visit reschedule_visit cancel_visit
        open_series open_wish
        create_events_ticket
        logout list_sessions revoke_session get_me edit_me change_password list_roles
        list_notifications count_unread_notifications mark_all_notifications_read mark_notification_read
        delete_notification get_notification_preferences edit_notification_preferences
        list_doctors get_doctor doctor_availability doctor_free_times
        list_own_audit_entries
        get_clinic list_holidays
        list_document_types get_avatar set_own_avatar remove_own_avatar
        get_document download_document get_document_thumbnail
    """,
    STAFF: """
        list_conflicts open_conflict rebook_conflict swap_conflict cancel_conflict keep_conflict take_conflict
        list_waitlist add_wish edit_wish remove_wish restore_wish fill_time find_candidates list_freed_times
        book_series change_series cancel_series
        take_in_walk_in undo_visits arrive_visit check_in_visit start_visit fulfil_visit no_show_visit advance_visit
        step_back_visit reinstate_visit pend_visit propose_visit waitlist_visit
        break_glass list_own_emergencies get_care_settings end_emergency
        list_messages get_message hold_message_back send_message_again get_messaging_settings list_reminder_rules
        get_contact_preference set_contact_preference
        list_conversations count_unread_chat_messages open_direct create_group list_chat_rooms enter_chat_room
        get_conversation add_conversation_members leave_conversation mark_conversation_read list_chat_messages say
        edit_chat_message delete_chat_message
        doctor_schedule doctor_hours doctor_leave doctor_patients doctor_statistics
        get_clinic_settings list_sites list_rooms list_absences
        list_patients search_patients find_duplicates register_patient open_patient edit_patient edit_contact_details
        mark_deceased mark_living reveal_fields duplicates_of_patient patient_access_log list_allergies
        list_contacts add_contact edit_contact remove_contact restore_contact patient_timeline
        list_documents file_document edit_document remove_document restore_document
        get_patient_photo set_patient_photo remove_patient_photo
    """,
    frozenset(): """
        sync_hello sync_bring_content sync_push sync_pull sync_snapshot sync_digest
    """,
    CLINICIANS: """
        add_allergy allergies_checked edit_allergy remove_allergy restore_allergy
        current_medications past_medications check_medicine prescribe prescribe_phrase read_phrase edit_draft sign_draft
        renew_medication hold_medication resume_medication stop_medication complete_medication withdraw_medication
        mark_medication_entered_in_error dispense_medication list_reminders due_reminders
        list_metrics record_metric latest_metrics metric_trend
    """,
    # Asked by the id of a row, a patient is told that it is not there; somebody else's is refused (tests beside the routes).
    CLINICIANS | {Role.PATIENT}: """
        open_medication add_reminder edit_reminder enable_reminder correct_metric mark_metric_wrong
    """,
    # Clinicians see their own as soon as their account is linked to a practitioner; these are not.
    ADMINISTRATOR | {Role.RECEPTIONIST}: """
        report_today report_use_of_hours report_attendance report_cancellations report_waiting report_lead_times
        report_demand report_busiest_days report_patients visit_statistics
    """,
    ADMINISTRATOR | {Role.DOCTOR}: """
        enrol_second_factor confirm_second_factor disable_second_factor renew_recovery_codes
    """,
    ADMINISTRATOR: """
        make_enrolment_code list_devices get_device edit_device revoke_device
        add_visit_type edit_visit_type entered_in_error_visit
        merge_patients unmerge_patients
        list_users add_user user_statistics get_user edit_user set_user_active link_user_to_patient reset_user_password
        remove_user_second_factor deactivate_user
        list_emergencies edit_care_settings review_emergency
        edit_messaging_settings add_reminder_rule edit_reminder_rule remove_reminder_rule create_chat_room
        list_audit_entries export_audit_entries verify_audit_trail note_audit_verification
        add_doctor edit_doctor set_doctor_hours add_doctor_leave remove_doctor_leave restore_doctor_leave
        edit_clinic_settings add_site edit_site add_room edit_room
        save_holiday remove_holiday load_public_holidays add_closure remove_absence restore_absence
    """,
}
EXPECTED = {name: who for who, names in MAY.items() for name in names.split()}

_WHO = {
    "patient_id": "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6071", "practitioner_id": "01932f0c-8a7b-7d2e-9b1f-2c3d4e5f6072",
}  # fmt: skip
BODIES: dict[str, Any] = {
    "enroll_device": {"code": "X", "public_key": "00" * 32},
    "challenge_device": {"device_id": str(new_id())},
    "device_token": {"device_id": str(new_id()), "challenge": "X", "signature": "00" * 64},
    "make_enrolment_code": {"name": "Desk 9", "roles": ["nurse"]},
    "edit_device": {"name": "Desk 9", "roles": ["nurse"]},
    "sync_push": {"protocol": 1, "schema": 1, "epoch": str(new_id()), "stream_id": str(new_id()), "ops": []},
    "sync_pull": {"protocol": 1, "schema": 1, "epoch": str(new_id()), "cursor": 0, "scope_hash": "00" * 32},
    "rebook_conflict": {"start": "2026-11-24T09:00:00Z"},
    "swap_conflict": {"start": "2026-11-24T09:00:00Z"},
    "cancel_conflict": {"reason": "pat"},
    "take_conflict": {"row_version": None},
    "edit_document": {"type": "letter", "title": "X", "dated_on": "2026-11-20"},
    "break_glass": {"patient_id": str(new_id()), "reason": "Fainted", "password": "not this one"},
    "edit_care_settings": {"scope": "own", "months_back": 24, "emergency_minutes": 60},
    "review_emergency": {"justified": True},
    "edit_notification_preferences": {},
    "edit_messaging_settings": {"email": True, "sms": False, "notices": True, "grace_seconds": 180},
    "add_reminder_rule": {"minutes_before": 60},
    "edit_reminder_rule": {"minutes_before": 60},
    "set_contact_preference": {"reach": "sms"},
    "open_direct": {"user_id": str(new_id())},
    "create_group": {"title": "Vaccines", "member_ids": []},
    "create_chat_room": {"title": "Front desk"},
    "add_conversation_members": {"user_ids": []},
    "mark_conversation_read": {"seq": 1},
    "say": {"text": "Room 2 is free"},
    "edit_chat_message": {"text": "Room 3 is free"},
    "merge_patients": {"duplicate_id": str(new_id()), "duplicate_version": 1},
    "check_medicine": {"medicine": "X"},
    "prescribe": {"medicine": "X"},
    "prescribe_phrase": {"text": "X"},
    "read_phrase": {"text": "X"},
    "edit_draft": {"medicine": "X"},
    **{f"{verb}_medication": {"reason": "X"} for verb in ("hold", "stop", "withdraw")},
    **{name: {} for name in ("sign_draft", "renew_medication", "resume_medication", "dispense_medication")},
    "mark_medication_entered_in_error": {"reason": "X"},
    "add_reminder": {"times": ["08:00"], "starts_on": "2026-11-23"},
    "edit_reminder": {"times": ["08:00"], "starts_on": "2026-11-23"},
    "enable_reminder": {"enabled": True},
    "record_metric": {"measure": "weight", "value": 70},
    "correct_metric": {"value": 70, "reason": "X"},
    "mark_metric_wrong": {"reason": "X"},
    "register_patient": {"demographics": {"family": "X"}},
    "find_duplicates": {"family": "X"},
    "edit_patient": {"family": "X"},
    "edit_contact_details": {"phone": "1"},
    "mark_deceased": {"on": None},
    "reveal_fields": {"fields": ["phone"]},
    "add_allergy": {"substance": "X"},
    "edit_allergy": {"substance": "X"},
    "add_contact": {"name": "X"},
    "edit_contact": {"name": "X"},
    "book_visit": {**_WHO, "start": "2026-11-24T09:00:00Z", "minutes": 20},
    "edit_visit": {},
    "add_wish": {"patient_id": _WHO["patient_id"], "minutes": 20},
    "edit_wish": {"minutes": 20},
    "fill_time": {"practitioner_id": _WHO["practitioner_id"], "start": "2026-11-24T09:00:00Z"},
    "book_series": {
        **_WHO, "start": "2026-11-24T09:00:00Z", "minutes": 20, "repeat": {"frequency": "daily", "count": 2},
    },
    "change_series": {"scope": "all"},
    "cancel_series": {"scope": "all", "reason": "pat"},
    "reschedule_visit": {},
    "cancel_visit": {"reason": "pat"},
    "take_in_walk_in": {**_WHO, "minutes": 20},
    "undo_visits": {"unit_id": _WHO["patient_id"]},
    "add_visit_type": {"name": "Follow-up", "minutes": 20},
    "edit_visit_type": {"name": "Follow-up", "minutes": 20},
    "edit_me": {"name": "Somebody"},
    "change_password": {"current": "not this one", "new": "nine green kites over Ulm"},
    "enrol_second_factor": {"password": "not this one"},
    "confirm_second_factor": {"code": "000000"},
    "disable_second_factor": {"code": "000000"},
    "renew_recovery_codes": {"password": "not this one", "code": "000000"},
    "add_user": {"email": "x@y.example", "name": "X", "role": "nurse", "password": "seven quiet boats at noon"},
    "edit_user": {"email": "x@y.example", "name": "X", "role": "nurse"},
    "set_user_active": {"active": True},
    "link_user_to_patient": {"patient_id": None},
    "reset_user_password": {"password": "seven quiet boats at noon"},
    "note_audit_verification": {"result": "made up"},
    "add_doctor": {"family": "Lee"},
    "edit_doctor": {"family": "Lee"},
    "set_doctor_hours": {"shifts": [], "valid_from": "2026-12-01"},
    "add_doctor_leave": {"kind": "leave", "start": "2026-12-21T00:00:00Z", "end": "2026-12-22T00:00:00Z"},
    "edit_clinic_settings": {
        "name": "X", "zone": "UTC", "country": "", "record_prefix": "HS", "auto_lock_minutes": 5, "lockout_failures": 5,
        "lockout_minutes": 15, "wait_target_minutes": 15,
    },
    "add_site": {"name": "Hill"},
    "edit_site": {"name": "Hill"},
    "add_room": {"name": "Room 1", "site_id": str(new_id())},
    "edit_room": {"name": "Room 1", "site_id": str(new_id())},
    "save_holiday": {"day": "2026-12-24", "name": "Christmas Eve"},
    "load_public_holidays": {"country": "DE", "year": 2027},
    "add_closure": {"kind": "block", "start": "2026-12-21T00:00:00Z", "end": "2026-12-22T00:00:00Z"},
}  # fmt: skip
"""A body that is read, for each endpoint that takes one: what is refused has to be refused for the role."""


@pytest.fixture
def settings() -> dict[str, str]:
    """Nobody is stopped for asking a lot: there are more endpoints than a stranger may ask at once."""
    return {f"CLINICDESK_LIMIT_{what}": "1000000" for what in ("ANONYMOUS", "SIGN_INS", "DEVICE")}


@pytest.fixture
def endpoints(server: FastAPI) -> dict[str, tuple[str, str]]:
    """Method and path of each endpoint."""
    return {
        one["operationId"]: (method, path)
        for path, methods in server.openapi()["paths"].items()
        for method, one in methods.items()
    }


QUERIES: dict[str, dict[str, Any]] = {
    "sync_digest": {"seq": 0},
    "find_candidates": {
        "practitioner_id": _WHO["practitioner_id"],
        "from": "2026-12-01T09:00:00Z",
        "to": "2026-12-01T10:00:00Z",
    },
    "find_openings": {"minutes": 20},
    "list_documents": {"patient_id": _WHO["patient_id"]},
    "file_document": {"patient_id": _WHO["patient_id"], "type": "letter"},
    "doctor_availability": {"from": "2026-12-01T00:00:00Z", "to": "2026-12-02T00:00:00Z"},
    "doctor_free_times": {"from": "2026-12-01", "to": "2026-12-02"},
    "doctor_schedule": {"from": "2026-12-01", "to": "2026-12-02"},
    "doctor_leave": {"from": "2026-12-01T00:00:00Z", "to": "2026-12-02T00:00:00Z"},
    "list_absences": {"from": "2026-12-01T00:00:00Z", "to": "2026-12-02T00:00:00Z"},
    "list_holidays": {"from": "2026-12-01", "to": "2026-12-31"},
    "visit_statistics": {"from": "2026-11-23", "to": "2026-11-23"},
}
"""The parameters that an endpoint cannot do without."""


def status(client: TestClient, endpoint: tuple[str, str], name: str) -> int:
    method, path = endpoint
    filled = re.sub(r"{\w+}", str(new_id()), path)
    answer = client.request(
        method, filled, params=QUERIES.get(name), json=BODIES.get(name), headers={"If-Match": '"999"'}
    )
    if answer.status_code == 403 and answer.json()["code"] == "own_password_wrong":
        return 200  # they may ask; it is only not the password
    return int(answer.status_code)


def test_every_endpoint_is_in_the_table_and_nothing_else_is(endpoints: dict[str, tuple[str, str]]) -> None:
    assert sorted(endpoints.keys() - EXPECTED.keys()) == [], "say above who may ask it"
    assert sorted(EXPECTED.keys() - endpoints.keys()) == [], "there is no such endpoint (any more)"


def test_whoever_is_not_signed_in_is_told_so(endpoints: dict[str, tuple[str, str]], client: TestClient) -> None:
    refused = {name for name, one in endpoints.items() if status(client, one, name) == 401}
    closed = {name for name, who in EXPECTED.items() if who != ANYBODY}
    assert closed <= refused
    assert refused - closed <= {"login", "login_with_code", "refresh", "device_token"}


@pytest.mark.usefixtures("own_record", "everybody_in_care")
@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.PATIENT])
def test_whoever_was_given_a_password_gets_in_nowhere_before_it_is_another(
    endpoints: dict[str, tuple[str, str]], sign_in: SignedIn, db: Database, role: Role
) -> None:
    client = sign_in(role)
    with db.engine.begin() as connection:
        connection.execute(update(User).where(User.role == role.value).values(must_change_password=True))
    names = sorted(EXPECTED.keys() - set(MAY[ANYBODY].split()) - {"logout"})
    assert {name for name in names if status(client, endpoints[name], name) != 403} == {"get_me", "change_password"}


@pytest.mark.usefixtures("own_record", "everybody_in_care")
@pytest.mark.parametrize("role", ROLES)
def test_a_role_gets_in_where_the_table_says(
    endpoints: dict[str, tuple[str, str]], sign_in: SignedIn, role: Role
) -> None:
    client = sign_in(role)  # a patient whose record is linked: without one they get in nowhere
    others = {"book_visit"} if role is Role.PATIENT else set()  # its body names a patient, who is somebody else here
    names = sorted(EXPECTED.keys() - {"logout"} - others)
    refused = {name for name in names if status(client, endpoints[name], name) == 403}
    assert refused == {name for name in names if EXPECTED[name] != ANYBODY and role not in EXPECTED[name]}
