"""Who may do what: every verb of every feature against every role, written out so that a change is seen."""

from __future__ import annotations

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

import clinicdesk.core
import clinicdesk.features
from clinicdesk.core.errors import NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import CARE, EMERGENCY, GRANTS, OWN, Permission, Role, may_own
from clinicdesk.core.tx import VERBS, Actor, Database

pytestmark = pytest.mark.embedded  # the check is made before any database is asked

EVERYBODY = frozenset(Role) - {Role.DEVICE}
OPERATOR = frozenset({Role.OPERATOR})
DEVICE = OPERATOR | {Role.DEVICE}
ADMINISTRATOR = OPERATOR | {Role.ADMINISTRATOR}
CLINICAL = OPERATOR | {Role.DOCTOR, Role.NURSE}
DESK = ADMINISTRATOR | CLINICAL | {Role.RECEPTIONIST}
ACCOUNTS = DESK | {Role.PATIENT}

# A new verb goes into the group of the roles that may call it; a new group is a new decision.
MAY: dict[frozenset[Role], str] = {
    EVERYBODY: """
        documents.list_types documents.open_avatar documents.remove_own_avatar documents.set_own_avatar
        practitioners.clinic
        audit.own_entries
        users.acting users.change_password users.edit_own_name users.end_session users.forgot_password
        users.has_administrator users.keep users.list_roles users.list_sessions users.log_in
        users.log_in_with_code users.log_out users.own_account users.recall users.refresh users.register
        users.replace_lost_password users.send_verification users.sign_in users.sign_out users.unlock
        users.verify_email
        sync.enrol sync.prove
    """,
    ACCOUNTS: """
        appointments.find_openings appointments.list_types appointments.next_opening appointments.previous_opening
        appointments.find_visits appointments.free_times appointments.openings_of
        practitioners.find_practitioners practitioners.get_practitioner practitioners.holidays
        practitioners.list_practitioners practitioners.working_days
        notifications.edit_preferences notifications.inbox notifications.mark_all_read notifications.mark_read
        notifications.preferences notifications.remove notifications.unread_count
    """,
    DESK: """
        appointments.add_wish appointments.candidates_for appointments.edit_wish appointments.fill
        appointments.find_wishes appointments.freed_times appointments.open_wish appointments.remove_wish
        appointments.restore_wish
        appointments.book_series appointments.cancel_series appointments.change_series appointments.open_series
        appointments.statistics
        appointments.advance appointments.arrive appointments.book appointments.cancel appointments.check_in
        appointments.confirm appointments.day_loads appointments.day_schedule appointments.edit appointments.fulfil
        appointments.make_pending appointments.no_show appointments.open_visit
        appointments.propose appointments.put_on_waitlist appointments.reinstate appointments.reschedule
        appointments.revert appointments.start_visit appointments.step_back appointments.visits_between
        appointments.visits_of_patient appointments.waiting_times appointments.walk_in
        audit.access_log audit.access_log_page
        care.care_settings care.end_emergency care.open_emergency care.own_emergencies
        chat.add_members chat.conversation chat.conversations chat.create_group chat.delete_message chat.edit_message
        chat.enter_room chat.leave chat.mark_read chat.messages chat.open_direct chat.rooms chat.say chat.unread
        documents.edit_document documents.ensure_can_file documents.ensure_can_set_photo documents.file_document
        documents.get_document documents.list_documents documents.open_content documents.open_photo
        documents.open_thumbnail documents.remove_document documents.remove_photo documents.restore_document
        documents.set_photo
        notifications.contact_preference notifications.hold_back notifications.message notifications.messages
        notifications.messaging notifications.reminder_rules notifications.send_again notifications.set_contact_preference
        appointments.patients_of_practitioner
        patients.duplicates_of patients.edit patients.edit_contact_details patients.find_duplicates patients.get_row
        patients.get_rows patients.list_allergies patients.list_contacts patients.list_patients patients.look_up
        patients.mark_deceased patients.mark_living patients.note_search patients.open_record patients.register
        patients.remove_contact patients.restore_contact patients.reveal patients.save_contact patients.search
        reports.attendance reports.busiest_days reports.cancellations reports.demand reports.lead_times
        reports.new_and_returning reports.practitioner_statistics reports.today reports.use_of_hours reports.waiting
        timeline.documents timeline.messages timeline.of_patient timeline.visits
        practitioners.absences practitioners.clinic_settings practitioners.list_rooms practitioners.list_sites
        practitioners.schedule practitioners.weekly_hours
        sync.apply_alone sync.apply_beside sync.cancel sync.find_conflicts sync.keep_values sync.open_conflict sync.rebook
        sync.swap sync.take_values
    """,
    CLINICAL: """
        documents.reach_clinical documents.reach_clinical_change
        medications.check_medicine medications.complete medications.current_medications medications.dispense
        medications.due_for_patient medications.edit_draft medications.enable_reminder medications.hold
        medications.mark_entered_in_error medications.open_medication medications.past_medications
        medications.prescribe medications.prescribe_phrase medications.read_phrase medications.reminders_of_patient
        medications.renew medications.resume medications.save_reminder medications.sign medications.stop
        medications.withdraw
        timeline.clinical_documents timeline.measurements timeline.medications
        observations.correct observations.latest observations.list_observations observations.mark_wrong
        observations.record observations.trend
        patients.allergies_checked patients.remove_allergy patients.restore_allergy patients.save_allergy
    """,
    ADMINISTRATOR | {Role.DOCTOR}: """
        users.confirm users.disable users.enrol users.renew_recovery_codes
    """,
    ADMINISTRATOR: """
        merging.merge merging.unmerge
        appointments.correct_past appointments.mark_entered_in_error appointments.record_past appointments.save_type
        chat.create_room
        notifications.edit_messaging notifications.remove_reminder_rule notifications.save_reminder_rule
        care.edit_care_settings care.emergencies care.review
        audit.export_entries audit.find_entries audit.list_entries audit.note_result audit.note_verification audit.verify
        audit.verify_page
        interop.export_patients interop.take_in interop.take_patients
        practitioners.add_absence practitioners.edit_clinic practitioners.load_public_holidays
        practitioners.remove_absence practitioners.remove_holiday practitioners.restore_absence practitioners.save_holiday
        practitioners.save_practitioner practitioners.save_room practitioners.save_site practitioners.set_up_clinic
        practitioners.set_weekly_hours
        upkeep.set_passphrase
        sync.edit_device sync.find_devices sync.get_device sync.make_code sync.revoke_device
        users.add_user users.edit_user users.find_users users.get_user users.link_patient users.list_users
        users.remove_second_factor users.reset_password users.set_active users.user_statistics
    """,
    DEVICE: """
        sync.answer sync.begin_push sync.digest sync.held_content sync.hello sync.hold_content sync.pull sync.reject sync.snapshot
    """,
    OPERATOR: """
        sync.forget_challenges sync.forget_contents sync.move_horizon sync.open_devices
        chat.members_of
        documents.expire documents.note_sweep documents.unknown_keys
        feed.changes_since feed.forget_changes
        jobs.begin_job jobs.end_job jobs.list_jobs
        medications.due_between
        notifications.claim_due notifications.expire_leases notifications.forget_told_reminders notifications.mark_failed
        notifications.mark_sent notifications.mark_unknown notifications.outbox_depths notifications.remind_of_medicines
        retention.close_months retention.has_old retention.prune
        upkeep.back_up upkeep.check upkeep.restore upkeep.show_recovery_key upkeep.upgrade
        users.forget_answers users.forget_sessions users.open_sessions
    """,
}
_OF_PATIENT = """
    audit.access_log audit.access_log_page
    documents.edit_document documents.ensure_can_file documents.ensure_can_set_photo documents.file_document
    documents.get_document documents.list_documents documents.open_content documents.open_photo documents.open_thumbnail
    documents.reach_clinical documents.reach_clinical_change documents.remove_document documents.remove_photo
    documents.restore_document documents.set_photo
    merging.merge merging.unmerge
    medications.check_medicine medications.complete medications.current_medications medications.dispense
    medications.due_for_patient medications.edit_draft medications.enable_reminder medications.hold
    medications.mark_entered_in_error medications.open_medication medications.past_medications medications.prescribe
    medications.prescribe_phrase medications.reminders_of_patient medications.renew medications.resume
    medications.save_reminder medications.sign medications.stop medications.withdraw
    notifications.contact_preference notifications.set_contact_preference
    observations.correct observations.latest observations.list_observations observations.mark_wrong
    observations.record observations.trend
    patients.allergies_checked patients.duplicates_of patients.edit patients.edit_contact_details patients.get_row
    patients.list_allergies patients.list_contacts patients.mark_deceased patients.mark_living patients.open_record
    patients.remove_allergy patients.remove_contact patients.restore_allergy patients.restore_contact patients.reveal
    patients.save_allergy patients.save_contact
    appointments.book appointments.cancel appointments.confirm appointments.edit appointments.open_visit
    appointments.open_series appointments.open_wish appointments.reschedule
    timeline.clinical_documents timeline.documents timeline.measurements timeline.medications timeline.messages
    timeline.of_patient timeline.visits
"""
OF_PATIENT = frozenset(_OF_PATIENT.split())
"""Verbs that are about one patient: open besides to who has their permission for that one alone."""

OWING = frozenset({"users.change_password", "users.keep", "users.log_out", "users.own_account", "users.recall"})
"""Verbs that are open to whoever has to do something else first."""

EXPECTED = {verb: roles for roles, verbs in MAY.items() for verb in verbs.split()}

Verb = Callable[..., Any]


def modules() -> Iterator[ModuleType]:
    for package in (clinicdesk.core, clinicdesk.features):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


@pytest.fixture(scope="module")
def verbs() -> dict[str, Verb]:
    """Every function of ours that was declared a verb, by the verb's name."""
    found: dict[str, set[Verb]] = defaultdict(set)
    for module in modules():
        for value in vars(module).values():
            inner = getattr(value, "__wrapped__", None)
            if inner is not None and inner.__module__.startswith("clinicdesk."):
                name = f"{inner.__module__.split('.')[2]}.{inner.__name__}"
                if name in VERBS:
                    found[name].add(value)
    assert {name: functions for name, functions in found.items() if len(functions) > 1} == {}, "two verbs share a name"
    return {name: functions.pop() for name, functions in found.items()}


def test_every_verb_is_in_the_table_and_nothing_else_is(verbs: dict[str, Verb]) -> None:
    assert sorted(verbs.keys() - EXPECTED.keys()) == [], "say above who may call them"
    assert sorted(EXPECTED.keys() - verbs.keys()) == [], "there is no such verb (any more)"
    assert {name for name in verbs if VERBS[name].of_patient} == OF_PATIENT
    assert {name for name in verbs if VERBS[name].owing} == OWING


@pytest.mark.parametrize("role", Role)
def test_a_role_may_call_what_the_table_says_and_is_refused_the_rest(
    verbs: dict[str, Verb], db: Database, role: Role
) -> None:
    actor = Actor(new_id(), role)
    granted = {name for name in verbs if actor.may(VERBS[name].permission)}
    assert granted == {name for name, roles in EXPECTED.items() if role in roles}
    own = {name for name in OF_PATIENT - granted if may_own(role, VERBS[name].permission)}
    for name in verbs.keys() - granted - own:
        with pytest.raises(NotPermitted) as refused:
            verbs[name](db.read(actor))
        assert refused.value.params["verb"] == name


def test_every_role_has_grants_and_every_permission_somebody_to_hold_it() -> None:
    assert GRANTS.keys() == set(Role)
    assert frozenset().union(*(GRANTS[role] for role in Role if role is not Role.OPERATOR)) >= set(Permission) - {
        Permission.MAINTAIN
    }
    assert GRANTS[Role.OPERATOR] == set(Permission)


def test_what_is_granted_for_one_patient_is_granted_to_somebody_in_whole() -> None:
    for_one = CARE | EMERGENCY | frozenset().union(*OWN.values())
    assert for_one <= frozenset().union(*(GRANTS[role] for role in Role if role is not Role.OPERATOR))


def test_only_a_doctor_prescribes_in_spite_of_a_serious_warning() -> None:
    assert {role for role in Role if Permission.OVERRIDE_WARNING in GRANTS[role]} == OPERATOR | {Role.DOCTOR}


def test_only_who_can_see_everything_may_book_over_others() -> None:
    assert {role for role in Role if Permission.OVERBOOK in GRANTS[role]} == DESK - {Role.NURSE}
