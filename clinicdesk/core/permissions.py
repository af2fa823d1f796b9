"""Who may do what: the one table of roles and permissions."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A signed-in person's role. OPERATOR is the command line: whoever holds the database key; NOBODY is not signed in.

    DEVICE is a desk by itself, as it sends and fetches what its people did.
    """

    ADMINISTRATOR = "administrator"
    DOCTOR = "doctor"
    NURSE = "nurse"
    RECEPTIONIST = "receptionist"
    PATIENT = "patient"
    OPERATOR = "operator"
    NOBODY = "nobody"
    DEVICE = "device"


class Permission(StrEnum):
    """What a verb of a service needs of its caller."""

    SIGN_IN = "sign_in"
    USE_SECOND_FACTOR = "use_second_factor"
    SEE_OPENINGS = "see_openings"
    SEE_CALENDAR = "see_calendar"
    BOOK = "book"
    OVERBOOK = "overbook"
    ADVANCE_VISIT = "advance_visit"
    CORRECT_VISIT = "correct_visit"
    FIND_PATIENT = "find_patient"
    OPEN_PATIENT = "open_patient"
    EDIT_PATIENT = "edit_patient"
    MERGE_PATIENTS = "merge_patients"
    CHOOSE_CONTACT = "choose_contact"
    BREAK_GLASS = "break_glass"
    REVIEW_ACCESS = "review_access"
    EDIT_ALLERGIES = "edit_allergies"
    READ_MEDICATIONS = "read_medications"
    PRESCRIBE = "prescribe"
    OVERRIDE_WARNING = "override_warning"
    MANAGE_REMINDERS = "manage_reminders"
    READ_OBSERVATIONS = "read_observations"
    RECORD_OBSERVATION = "record_observation"
    READ_DOCUMENTS = "read_documents"
    READ_CLINICAL_DOCUMENTS = "read_clinical_documents"
    FILE_DOCUMENT = "file_document"
    EDIT_DOCUMENT = "edit_document"
    EDIT_CLINICAL_DOCUMENT = "edit_clinical_document"
    READ_ACCESS_LOG = "read_access_log"
    READ_AUDIT = "read_audit"
    USE_INBOX = "use_inbox"
    SEE_MESSAGES = "see_messages"
    SETTLE_MESSAGES = "settle_messages"
    CHAT = "chat"
    SEE_REPORTS = "see_reports"
    SEE_OWN_REPORTS = "see_own_reports"
    SEE_ALL_REPORTS = "see_all_reports"
    MANAGE_USERS = "manage_users"
    MANAGE_PRACTITIONERS = "manage_practitioners"
    MANAGE_TYPES = "manage_types"
    MANAGE_CLINIC = "manage_clinic"
    IMPORT = "import"
    EXPORT = "export"
    MAINTAIN = "maintain"
    MANAGE_DEVICES = "manage_devices"
    WORK_OFFLINE = "work_offline"
    RESOLVE_CONFLICTS = "resolve_conflicts"
    SYNC = "sync"


_P = Permission
_EVERYBODY = frozenset({_P.SIGN_IN})
_DESK = _EVERYBODY | {
    _P.SEE_OPENINGS,
    _P.SEE_CALENDAR,
    _P.BOOK,
    _P.ADVANCE_VISIT,
    _P.FIND_PATIENT,
    _P.OPEN_PATIENT,
    _P.EDIT_PATIENT,
    _P.CHOOSE_CONTACT,
    _P.BREAK_GLASS,
    _P.READ_DOCUMENTS,
    _P.FILE_DOCUMENT,
    _P.EDIT_DOCUMENT,
    _P.READ_ACCESS_LOG,
    _P.USE_INBOX,
    _P.SEE_MESSAGES,
    _P.SETTLE_MESSAGES,
    _P.CHAT,
    _P.SEE_REPORTS,
    _P.WORK_OFFLINE,
    _P.RESOLVE_CONFLICTS,
}
_CLINICAL = _DESK | {
    _P.EDIT_ALLERGIES,
    _P.READ_MEDICATIONS,
    _P.PRESCRIBE,
    _P.MANAGE_REMINDERS,
    _P.READ_OBSERVATIONS,
    _P.RECORD_OBSERVATION,
    _P.READ_CLINICAL_DOCUMENTS,
    _P.EDIT_CLINICAL_DOCUMENT,
    _P.SEE_OWN_REPORTS,
}

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.RECEPTIONIST: _DESK | {_P.OVERBOOK},
    Role.NURSE: _CLINICAL,
    Role.DOCTOR: _CLINICAL | {_P.OVERBOOK, _P.OVERRIDE_WARNING, _P.USE_SECOND_FACTOR},
    Role.ADMINISTRATOR: _DESK
    | {
        _P.USE_SECOND_FACTOR,
        _P.OVERBOOK,
        _P.CORRECT_VISIT,
        _P.READ_AUDIT,
        _P.REVIEW_ACCESS,
        _P.SEE_ALL_REPORTS,
        _P.MERGE_PATIENTS,
        _P.MANAGE_USERS,
        _P.MANAGE_PRACTITIONERS,
        _P.MANAGE_TYPES,
        _P.MANAGE_CLINIC,
        _P.MANAGE_DEVICES,
        _P.IMPORT,
        _P.EXPORT,
    },
    Role.PATIENT: _EVERYBODY | {_P.SEE_OPENINGS, _P.USE_INBOX},
    Role.OPERATOR: frozenset(Permission),
    Role.NOBODY: _EVERYBODY,
    Role.DEVICE: frozenset({_P.SYNC}),
}

OWN: dict[Role, frozenset[Permission]] = {
    Role.PATIENT: frozenset(
        {
            _P.BOOK,
            _P.OPEN_PATIENT,
            _P.CHOOSE_CONTACT,
            _P.READ_MEDICATIONS,
            _P.MANAGE_REMINDERS,
            _P.READ_OBSERVATIONS,
            _P.RECORD_OBSERVATION,
            _P.READ_DOCUMENTS,
            _P.READ_CLINICAL_DOCUMENTS,
            _P.FILE_DOCUMENT,
        }
    ),
}
"""What a role may do besides, but only to the caller's own record, in verbs that are about one patient."""

CARE = frozenset(
    {
        _P.READ_MEDICATIONS,
        _P.PRESCRIBE,
        _P.MANAGE_REMINDERS,
        _P.READ_OBSERVATIONS,
        _P.RECORD_OBSERVATION,
        _P.READ_CLINICAL_DOCUMENTS,
        _P.EDIT_CLINICAL_DOCUMENT,
    }
)
"""What a clinician may do only to patients in their care. Allergies are not among it: they have to be seen by everybody."""

EMERGENCY = frozenset({_P.OPEN_PATIENT, _P.READ_MEDICATIONS, _P.READ_OBSERVATIONS, _P.READ_CLINICAL_DOCUMENTS})
"""What somebody at the desk may do besides their role to a patient for whom they have broken the glass: look."""


def may(role: Role, permission: Permission) -> bool:
    """Whether the role grants the permission."""
    return permission in GRANTS[role]


def may_own(role: Role, permission: Permission) -> bool:
    """Whether the role has the permission for the caller's own record."""
    return permission in OWN.get(role, ())
