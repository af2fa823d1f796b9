"""The verbs of practitioners: the clinic, its people and places, and when they work."""

from clinicdesk.features.practitioners.clinic import clinic, clinic_settings, edit_clinic, set_up_clinic
from clinicdesk.features.practitioners.directory import find_practitioners, get_practitioner, list_practitioners
from clinicdesk.features.practitioners.hours import (
    absences,
    add_absence,
    holidays,
    load_public_holidays,
    remove_absence,
    remove_holiday,
    restore_absence,
    save_holiday,
    schedule,
    set_weekly_hours,
    weekly_hours,
    working_days,
)
from clinicdesk.features.practitioners.people import (
    list_rooms,
    list_sites,
    save_practitioner,
    save_room,
    save_site,
)

__all__ = [
    "absences",
    "add_absence",
    "clinic",
    "clinic_settings",
    "edit_clinic",
    "find_practitioners",
    "get_practitioner",
    "holidays",
    "list_practitioners",
    "list_rooms",
    "list_sites",
    "load_public_holidays",
    "remove_absence",
    "remove_holiday",
    "restore_absence",
    "save_holiday",
    "save_practitioner",
    "save_room",
    "save_site",
    "schedule",
    "set_up_clinic",
    "set_weekly_hours",
    "weekly_hours",
    "working_days",
]
