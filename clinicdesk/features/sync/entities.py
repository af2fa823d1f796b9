"""What is synced: the one table of which tables leave the server, which of their fields, for whom, and who may change them.

What is not in it neither leaves nor comes in. A row is given to a desk field by field, so that a column that is added stays
here until somebody has decided about it; a test demands that they do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from clinicdesk.core.clinic import Clinic
from clinicdesk.core.model import Base
from clinicdesk.core.permissions import GRANTS, Permission, Role
from clinicdesk.features.appointments.models import Appointment, AppointmentSeries, AppointmentType, WaitlistEntry
from clinicdesk.features.documents import rules as documents
from clinicdesk.features.documents.models import Document
from clinicdesk.features.documents.schemas import DocumentType
from clinicdesk.features.medications.models import MedicationDispense, MedicationReminder, MedicationRequest
from clinicdesk.features.notifications.models import ContactPreference
from clinicdesk.features.observations.models import Observation
from clinicdesk.features.patients.models import Allergy, Patient, PatientContact
from clinicdesk.features.practitioners.models import Absence, Holiday, Practitioner, Room, Site, WeeklyHours
from clinicdesk.features.users.models import User

_P = Permission
DESK_ROLES = (Role.ADMINISTRATOR, Role.DOCTOR, Role.NURSE, Role.RECEPTIONIST)
"""Whose data a desk may hold."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@dataclass(frozen=True)
class Synced:
    """How one table is synced. A desk holds it where one of its roles has `read`; nobody changes it whom no permission names."""

    model: type[Base]
    read: Permission
    fields: tuple[str, ...]
    more: Mapping[Permission, tuple[str, ...]] = field(default_factory=dict)
    """Fields that leave only where one of the desk's roles has another permission as well."""
    kept: tuple[str, ...] = ()
    """Columns that never leave."""
    create: Permission | None = None
    update: Permission | None = None
    delete: Permission | None = None
    fixed: frozenset[str] = frozenset()
    """What is said once, when the row is made."""
    theirs: frozenset[str] = frozenset()
    """Columns that name who did it: where an op sets one, it is to who the op says it was."""
    together: tuple[frozenset[str], ...] = ()
    """Fields that are changed as one: whoever changes one of them has to have seen them all as they are."""

    single: bool = False
    """There is one row, whose id is the number 1."""

    @property
    def name(self) -> str:
        return str(self.model.__tablename__)

    @cached_property
    def all_fields(self) -> tuple[str, ...]:
        return (*self.fields, *(name for names in self.more.values() for name in names))


_WHO = frozenset({"patient_id", "created_at", "created_by"})
SLOT = frozenset({"start", "end", "practitioner_id", "room_id", "overbooked", "overbook_reason", "patient_overlap"})
"""When and where a visit is, and by which exceptions: moved as one."""
_COURSE = frozenset({"status", "cancel_reason", "arrived_at", "checked_in_at", "started_at", "ended_at"})
"""How far a visit has come."""
_ALLERGY = _names("id version patient_id substance reaction severity removed")
_MEDICATION = _names(
    """id version patient_id medicine strength form amount unit times period period_unit moment as_needed most_a_day route
    instructions starts_on ends_on status status_reason status_at indication refills supply_days review_on prescriber_id
    prescriber replaces_id overridden override_reason created_at"""
)
_DISPENSE = _names("id version medication_id dispensed_on days quantity unit dispensed_by created_at")
_REMINDER = _names("id version medication_id times weekdays starts_on until enabled created_at")


def _whole(names: Collection[str], but: Collection[str]) -> tuple[frozenset[str], ...]:
    """All that can be changed of a row, as one: what a person has to be asked about."""
    return (frozenset(names) - frozenset(but) - {"id", "version"},)


_TABLE = (
    # What the clinic is made of is changed at the server alone.
    Synced(Site, _P.SEE_CALENDAR, _names("id version name address active")),
    Synced(Room, _P.SEE_CALENDAR, _names("id version site_id name active")),
    Synced(
        Practitioner, _P.SEE_CALENDAR, _names("id version family given prefix suffix specialty room_id position active")
    ),
    Synced(
        WeeklyHours, _P.SEE_CALENDAR,
        _names("id version practitioner_id weekday start_minute end_minute valid_from valid_to"),
    ),
    Synced(Absence, _P.SEE_CALENDAR, _names("id version practitioner_id kind start end note removed")),
    Synced(
        Holiday, _P.SEE_CALENDAR, _names("id version day name closed"),
        create=_P.MANAGE_PRACTITIONERS, update=_P.MANAGE_PRACTITIONERS, delete=_P.MANAGE_PRACTITIONERS,
        fixed=frozenset({"day"}),
    ),
    Synced(AppointmentType, _P.SEE_CALENDAR, _names("id version name short minutes colour code position active")),
    Synced(
        User, _P.SEE_CALENDAR, _names("id version name role practitioner_id active"),
        kept=_names("email password_hash must_change_password created_at last_seen_at patient_id email_verified_at"),
    ),
    Synced(
        Clinic, _P.SEE_CALENDAR,
        _names(
            """id version name zone country record_prefix auto_lock_minutes lockout_failures lockout_minutes
            wait_target_minutes"""
        ),
        single=True,
    ),
    Synced(
        Patient, _P.FIND_PATIENT,
        _names(
            """id version number family given prefix suffix birth_family other_names birth_date gender pronouns deceased
            deceased_on phone mobile city active created_at merged_into_id"""
        ),
        more={
            _P.OPEN_PATIENT: _names(
                "email address state postal_code country language desk_notes allergies_checked_on identifiers"
            )
        },
        create=_P.EDIT_PATIENT, update=_P.EDIT_PATIENT,
        fixed=frozenset({"number", "created_at", "active", "merged_into_id"}),
        together=(frozenset({"deceased", "deceased_on"}), frozenset({"family", "given"})),
    ),
    Synced(
        PatientContact, _P.OPEN_PATIENT, _names("id version patient_id name relationship phone removed"),
        create=_P.EDIT_PATIENT, update=_P.EDIT_PATIENT, fixed=frozenset({"patient_id"}),
    ),
    Synced(
        Allergy, _P.OPEN_PATIENT, _ALLERGY, create=_P.EDIT_ALLERGIES, update=_P.EDIT_ALLERGIES,
        fixed=frozenset({"patient_id"}), together=_whole(_ALLERGY, {"patient_id"}),
    ),
    Synced(
        ContactPreference, _P.SEE_MESSAGES, _names("id version reach"),
        create=_P.CHOOSE_CONTACT, update=_P.CHOOSE_CONTACT,
    ),
    Synced(
        AppointmentSeries, _P.SEE_CALENDAR,
        _names(
            """id version patient_id practitioner_id rule exceptions first_day start_minute minutes removed created_at
            created_by"""
        ),
        create=_P.BOOK, update=_P.BOOK, fixed=_WHO, theirs=frozenset({"created_by"}),
        together=(frozenset({"practitioner_id", "rule", "exceptions", "first_day", "start_minute", "minutes"}),),
    ),
    Synced(
        Appointment, _P.SEE_CALENDAR,
        _names(
            """id version patient_id practitioner_id room_id type_id start end status confirmed overbooked patient_overlap
            arrived_at checked_in_at started_at ended_at created_at created_by series_id series_day"""
        ),
        more={_P.OPEN_PATIENT: _names("reason cancel_reason overbook_reason")},
        create=_P.BOOK, update=_P.BOOK, fixed=_WHO, theirs=frozenset({"created_by"}), together=(SLOT, _COURSE),
    ),
    Synced(
        WaitlistEntry, _P.SEE_CALENDAR,
        _names(
            """id version patient_id practitioner_ids type_id minutes weekdays from_minute to_minute earliest latest priority
            visit_id state filled_by created_at created_by"""
        ),
        more={_P.OPEN_PATIENT: _names("note")},
        create=_P.BOOK, update=_P.BOOK, fixed=_WHO, theirs=frozenset({"created_by"}),
        together=(
            frozenset({"state", "filled_by"}), frozenset({"from_minute", "to_minute"}), frozenset({"earliest", "latest"}),
        ),
    ),
    Synced(
        MedicationRequest, _P.READ_MEDICATIONS, _MEDICATION, create=_P.PRESCRIBE, update=_P.PRESCRIBE,
        fixed=frozenset({"patient_id", "created_at", "replaces_id"}), theirs=frozenset({"prescriber_id"}),
        together=_whole(_MEDICATION, {"patient_id", "created_at", "replaces_id"}),
    ),
    Synced(
        MedicationDispense, _P.READ_MEDICATIONS, _DISPENSE, create=_P.PRESCRIBE,
    ),
    Synced(
        MedicationReminder, _P.READ_MEDICATIONS, _REMINDER, create=_P.MANAGE_REMINDERS, update=_P.MANAGE_REMINDERS,
        fixed=frozenset({"created_at"}), together=_whole(_REMINDER, {"created_at"}),
    ),
    Synced(
        Observation, _P.READ_OBSERVATIONS,
        _names(
            """id version patient_id code value diastolic given_value given_unit status wrong_reason taken_at recorded_at
            recorder_id recorder note replaces_id by_patient"""
        ),
        create=_P.RECORD_OBSERVATION, update=_P.RECORD_OBSERVATION,
        fixed=frozenset(
            {
                "patient_id", "code", "value", "diastolic", "given_value", "given_unit", "taken_at", "recorded_at",
                "recorder_id", "recorder", "note", "replaces_id", "by_patient",
            }
        ),
        theirs=frozenset({"recorder_id"}), together=(frozenset({"status", "wrong_reason"}),),
    ),
    Synced(
        Document, _P.READ_DOCUMENTS,
        _names(
            """id version patient_id type title dated_on medication_id status status_at filename media_type size sha256 pages
            author_id author from_patient filed_at expired_at"""
        ),
        kept=_names("content_key thumbnail_key"),
        create=_P.FILE_DOCUMENT, update=_P.EDIT_DOCUMENT,
        fixed=frozenset(
            {
                "patient_id", "filename", "media_type", "size", "sha256", "pages", "author_id", "author", "from_patient",
                "filed_at",
            }
        ),
        theirs=frozenset({"author_id"}), together=(frozenset({"type", "medication_id"}),),
    ),
)  # fmt: skip
SYNCED: Mapping[str, Synced] = MappingProxyType({one.name: one for one in _TABLE})
"""By name, each behind those that its rows refer to."""


def is_synced(entity: str) -> bool:
    """Whether desks hold anything of a table."""
    return entity in SYNCED


LEFT_OUT: Mapping[str, str] = MappingProxyType(
    {
        "audit_entry": "each database has a trail of its own",
        "audit_head": "each database has a trail of its own",
        "audit_prune": "each database has a trail of its own",
        "cache_pause": "of this database",
        "care_settings": "care is judged where the data is asked for",
        "change_log": "of this database",
        "chat_message": "a conversation needs the server",
        "conversation": "a conversation needs the server",
        "conversation_member": "a conversation needs the server",
        "database_epoch": "of this database",
        "device": "of this database",
        "emergency_access": "is judged by who manages the accounts, who are at the server",
        "enrolment_code": "a secret",
        "held_content": "of this database",
        "history_entry": "what ops are made of and changes are read from",
        "imported_record": "imports are made at the server",
        "job_run": "of this database",
        "kept_answer": "of this database",
        "mailed_link": "a secret",
        "medicine_reminder_told": "reminders are sent by the server",
        "messaging_settings": "messages are sent by the server",
        "notification": "inboxes are the server's",
        "notification_preference": "inboxes are the server's",
        "op_ledger": "of this database",
        "outbound_message": "messages are sent by the server",
        "patient_search": "follows from patients",
        "patient_spelling": "follows from patients",
        "picture": "is shown where the server is there",
        "quiet_hours": "inboxes are the server's",
        "record_counter": "each database counts by itself; who comes second gets another number",
        "recovery_code": "a secret",
        "reminder_rule": "reminders are sent by the server",
        "second_factor": "a secret",
        "sign_in_failure": "of this database",
        "spent_challenge": "of this database",
        "sync_conflict": "is decided at the server",
        "sync_horizon": "of this database",
        "sync_stream": "of this database",
        "user_session": "of this database",
    }
)
"""Tables that are not synced, and why."""


@dataclass(frozen=True)
class Scope:
    """What a desk may hold, by the permissions of its roles."""

    permissions: frozenset[Permission]

    @classmethod
    def of(cls, roles: Collection[Role]) -> Scope:
        return cls(frozenset().union(*(GRANTS[role] for role in roles if role in DESK_ROLES)))

    @cached_property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """The fields of each table that the desk holds any of."""
        return {
            name: (
                *one.fields,
                *(name for needed, names in one.more.items() if needed in self.permissions for name in names),
            )
            for name, one in SYNCED.items()
            if one.read in self.permissions
        }

    @cached_property
    def hash(self) -> str:
        """What the scope is, in 64 hex digits: another hash, another scope."""
        held = {name: sorted(fields) for name, fields in self.fields.items()}
        text = json.dumps([held, self.sees_clinical_documents], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def sees_clinical_documents(self) -> bool:
        return _P.READ_CLINICAL_DOCUMENTS in self.permissions

    def conditions(self, one: Synced) -> list[Any]:
        """SQL: which rows of a table the desk holds."""
        if one.model is Document and not self.sees_clinical_documents:
            return [Document.type.in_(ADMINISTRATIVE)]
        if one.model is User:
            return [User.role.in_([role.value for role in DESK_ROLES])]
        return []

    def decides(self, one: Synced) -> str | None:
        """The field by which some rows of a table are held and others are not."""
        return {Document: "type", User: "role"}.get(one.model) if self.conditions(one) else None


ADMINISTRATIVE = sorted(type_.value for type_ in DocumentType if documents.is_administrative(type_))
"""Documents that the front desk sees."""
