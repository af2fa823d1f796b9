"""How the administration says times, permissions and what the audit log holds."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from PySide6.QtCore import QCoreApplication, QDate, QLocale, QTime

from clinicdesk.core.permissions import Permission

_translate = QCoreApplication.translate


def day(at: date) -> str:
    """ "Mon 23 Nov 2026": a day that may be years away."""
    return QLocale().toString(QDate(at.year, at.month, at.day), _translate("Admin", "ddd d MMM yyyy", "date format"))


def date_(at: date) -> str:
    """ "23 Nov 2026": a day in a column of days."""
    return QLocale().toString(QDate(at.year, at.month, at.day), _translate("Admin", "d MMM yyyy", "date format"))


def clock(at: datetime, zone: ZoneInfo, seconds: bool = False) -> str:
    """The time of day in `zone`, of 24 hours."""
    local = at.astimezone(zone)
    return QTime(local.hour, local.minute, local.second).toString("HH:mm:ss" if seconds else "HH:mm")


def lately(at: datetime, now: datetime, zone: ZoneInfo, seconds: bool = False) -> str:
    """When something was: "10:12" today, "Fri 17:04" within a week, "19 Nov 17:04" this year, else with its year."""
    then, today = at.astimezone(zone).date(), now.astimezone(zone).date()
    time = clock(at, zone, seconds)
    if then == today:
        return time
    if then.year != today.year:
        form = _translate("Admin", "d MMM yyyy", "date format")
    elif 0 < (today - then).days < 7:
        form = _translate("Admin", "ddd", "date format")
    else:
        form = _translate("Admin", "d MMM", "date format")
    return f"{QLocale().toString(QDate(then.year, then.month, then.day), form)} {time}"


def permission(of: Permission) -> str:
    """What somebody with this permission may do."""
    return {
        Permission.SIGN_IN: _translate("Permissions", "Sign in"),
        Permission.USE_SECOND_FACTOR: _translate("Permissions", "Use a second step to sign in"),
        Permission.SEE_OPENINGS: _translate("Permissions", "See free times"),
        Permission.SEE_CALENDAR: _translate("Permissions", "See the calendar"),
        Permission.BOOK: _translate("Permissions", "Book, move, cancel"),
        Permission.OVERBOOK: _translate("Permissions", "Overbook, with reason"),
        Permission.ADVANCE_VISIT: _translate("Permissions", "Check in, take visits on"),
        Permission.CORRECT_VISIT: _translate("Permissions", "Correct past visits"),
        Permission.FIND_PATIENT: _translate("Permissions", "Find patients"),
        Permission.OPEN_PATIENT: _translate("Permissions", "Open patient records"),
        Permission.EDIT_PATIENT: _translate("Permissions", "Edit patients"),
        Permission.MERGE_PATIENTS: _translate("Permissions", "Merge records of one person"),
        Permission.CHOOSE_CONTACT: _translate("Permissions", "Say how a patient is reached"),
        Permission.BREAK_GLASS: _translate("Permissions", "Open a record in an emergency"),
        Permission.REVIEW_ACCESS: _translate("Permissions", "Review emergency access"),
        Permission.EDIT_ALLERGIES: _translate("Permissions", "Change allergies"),
        Permission.READ_MEDICATIONS: _translate("Permissions", "See medications"),
        Permission.PRESCRIBE: _translate("Permissions", "Prescribe, renew, stop"),
        Permission.OVERRIDE_WARNING: _translate("Permissions", "Override a serious warning"),
        Permission.MANAGE_REMINDERS: _translate("Permissions", "Set medication reminders"),
        Permission.READ_OBSERVATIONS: _translate("Permissions", "See measurements"),
        Permission.RECORD_OBSERVATION: _translate("Permissions", "Record measurements"),
        Permission.READ_DOCUMENTS: _translate("Permissions", "See administrative documents"),
        Permission.READ_CLINICAL_DOCUMENTS: _translate("Permissions", "See clinical documents"),
        Permission.FILE_DOCUMENT: _translate("Permissions", "File documents"),
        Permission.EDIT_DOCUMENT: _translate("Permissions", "Change, remove documents"),
        Permission.EDIT_CLINICAL_DOCUMENT: _translate("Permissions", "Change, remove clinical documents"),
        Permission.READ_ACCESS_LOG: _translate("Permissions", "See who opened a record"),
        Permission.READ_AUDIT: _translate("Permissions", "Read the audit log"),
        Permission.USE_INBOX: _translate("Permissions", "Read own notifications"),
        Permission.SEE_MESSAGES: _translate("Permissions", "See messages to patients"),
        Permission.SETTLE_MESSAGES: _translate("Permissions", "Send again, hold back messages"),
        Permission.CHAT: _translate("Permissions", "Chat with colleagues"),
        Permission.SEE_REPORTS: _translate("Permissions", "See today's figures"),
        Permission.SEE_OWN_REPORTS: _translate("Permissions", "See one's own figures of any day"),
        Permission.SEE_ALL_REPORTS: _translate("Permissions", "See all figures of any day"),
        Permission.MANAGE_USERS: _translate("Permissions", "Change users"),
        Permission.MANAGE_PRACTITIONERS: _translate("Permissions", "Change people, rooms, hours"),
        Permission.MANAGE_TYPES: _translate("Permissions", "Change visit types"),
        Permission.MANAGE_CLINIC: _translate("Permissions", "Change clinic settings"),
        Permission.IMPORT: _translate("Permissions", "Import records"),
        Permission.EXPORT: _translate("Permissions", "Export patients"),
        Permission.MAINTAIN: _translate("Permissions", "Back up and restore"),
        Permission.MANAGE_DEVICES: _translate("Permissions", "Enrol desks, cut them off"),
        Permission.WORK_OFFLINE: _translate("Permissions", "Work without the server"),
        Permission.RESOLVE_CONFLICTS: _translate("Permissions", "Decide what clashed"),
        Permission.SYNC: _translate("Permissions", "Send and fetch changes"),
    }[of]
